//! The comment under a pull request. Nothing that comes from the change may become markup, a link or a mention.
//! Start at [`markdown`].

use std::fmt::Write;

use crate::change::is_unseen;
use crate::explain::numbers::{counted, quoted, times, upper_first};
use crate::explain::phrase::NOTHING_STANDS_OUT;
use crate::explain::render::{
    LOOK_FIRST, day, edits_shown, factor_words, files_shown, hazards_said, places_said, plan, sentence,
    short_id, status_said, together, weak_groups, words_said,
};
use crate::explain::value::{Direction, Explanation, GroupShare};
use crate::policy::Verdict;

/// The explanation as a comment in GitHub-flavored Markdown. Whatever comes from the change stands in
/// code spans, so that it is neither markup nor a mention.
pub fn markdown(explanation: &Explanation) -> String {
    let mut text = String::new();
    headline(explanation, &mut text);
    list(
        "Why policy says so",
        explanation.reasons.iter().map(|it| format!("{} (`{}`)", escaped(&upper_first(&it.text)), it.code)),
        &mut text,
    );
    diff(explanation, &mut text);
    list("What would lower it", explanation.alternatives.iter().map(|it| escaped(&it.text)), &mut text);
    similar(explanation, &mut text);
    groups(explanation, &mut text);
    if !explanation.owners.is_empty() {
        let owners: Vec<String> = explanation.owners.iter().map(|owner| quoted(owner)).collect();
        put(&mut text, &format!("\n**Whom to ask:** {}", owners.join(", ")));
    }
    if let Some(plan) = plan(explanation) {
        put(&mut text, &format!("\n**Rollout:** {}", escaped(&plan)));
    }
    list("Notes", explanation.notes.iter().map(|note| escaped(&sentence(note))), &mut text);
    if let Some(page) = &explanation.page {
        put(&mut text, &format!("\n[The whole decision]({})", page.replace(['(', ')', ' ', '<', '>'], "")));
    }
    text
}

fn headline(explanation: &Explanation, text: &mut String) {
    let headline = &explanation.headline;
    let mark = match headline.verdict {
        Verdict::FastPath => "🟢",
        Verdict::ExtraValidation => "🟡",
        Verdict::Hold => "🔴",
    };
    put(text, &format!("### {mark} {}", escaped(&headline.sentence)));
    let said: Vec<String> = [&headline.odds, &headline.rank]
        .into_iter()
        .flatten()
        .map(|said| escaped(&upper_first(said)))
        .collect();
    if !said.is_empty() {
        put(text, &format!("\n{}.", said.join(". ")));
    }
}

fn diff(explanation: &Explanation, text: &mut String) {
    let Some(diff) = &explanation.diff else { return };
    put(text, &format!("\n**{LOOK_FIRST}**\n"));
    let (files, n_more) = files_shown(diff);
    for file in files {
        let factor = factor_words(file.factor).map(|factor| format!("**{factor}** ")).unwrap_or_default();
        put(
            text,
            &format!(
                "- {factor}{} (+{} −{}{}): {}",
                quoted(&file.path),
                file.n_added,
                file.n_deleted,
                status_said(file).map(|status| format!(", {status}")).unwrap_or_default(),
                escaped(&file.past)
            ),
        );
        for hazard in hazards_said(file) {
            put(text, &format!("  - {}", escaped(&hazard)));
        }
        if let Some(places) = places_said(file) {
            put(text, &format!("  - {}", escaped(&places)));
        }
        let (edits, n_more) = edits_shown(file);
        for shown in edits {
            let factor = factor_words(shown.edit.factor).map(|factor| format!(" **{factor}**"));
            let factor = factor.unwrap_or_default();
            put(text, &format!("  - {}: {}{factor}", shown.place(), escaped(&shown.edit.text)));
        }
        if n_more > 0 {
            put(text, &format!("  - and {}", counted(n_more as f64, "more edit")));
        }
    }
    if n_more > 0 {
        put(text, &format!("- and {}", counted(n_more as f64, "more file")));
    }
    if let Some(words) = words_said(diff) {
        put(text, &format!("- {}", escaped(&words)));
    }
}

fn groups(explanation: &Explanation, text: &mut String) {
    if explanation.groups.is_empty() {
        return;
    }
    put(text, "\n<details><summary>What moved the odds</summary>\n");
    put(text, "| odds | what | why |\n|---:|---|---|");
    for group in explanation.groups.iter().filter(|group| group.is_telling()) {
        let why: Vec<String> = group.values.iter().map(|value| cell(&value.text)).collect();
        let why = if why.is_empty() { NOTHING_STANDS_OUT.to_owned() } else { why.join("; ") };
        put(text, &format!("| {} | {} | {why} |", strength(group), cell(&group.title)));
    }
    if let Some((strength, titles)) = weak_groups(explanation) {
        put(text, &format!("| {strength} | {} | |", cell(&titles)));
    }
    if let Some((strength, said)) = together(explanation) {
        put(text, &format!("| {strength} | {} | |", cell(&said)));
    }
    put(text, "\n</details>");
}

fn strength(group: &GroupShare) -> String {
    match group.direction {
        Direction::Raises => format!("× {}", times(group.factor)),
        Direction::Lowers => format!("÷ {}", times(group.factor)),
        Direction::Neither => "≈ 1".to_owned(),
    }
}

fn similar(explanation: &Explanation, text: &mut String) {
    let Some(similar) = &explanation.similar else { return };
    put(
        text,
        &format!("\n**Earlier changes like this that went wrong:** {}", escaped(&sentence(&similar.text))),
    );
    if !similar.changes.is_empty() {
        put(text, "");
    }
    for change in &similar.changes {
        let title = change.title.as_deref().map(|title| format!(" {}", quoted(title))).unwrap_or_default();
        put(
            text,
            &format!(
                "- {} of {}{title}: {}",
                quoted(&short_id(change)),
                day(change.landed_at),
                escaped(&change.text)
            ),
        );
    }
}

fn list(title: &str, items: impl Iterator<Item = String>, text: &mut String) {
    let items: Vec<String> = items.collect();
    if items.is_empty() {
        return;
    }
    put(text, &format!("\n**{title}**\n"));
    items.iter().for_each(|item| put(text, &format!("- {item}")));
}

/// A cell of a table: a bar would end it, in a code span too.
fn cell(text: &str) -> String {
    escaped(text).replace("\\|", "|").replace('|', "\\|")
}

/// What stands between backticks stays; markup anywhere else is only letters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let parts: Vec<&str> = text.split('`').collect();
    let is_paired = parts.len() % 2 == 1;
    let mut is_after_span = true;
    for (idx, part) in parts.iter().enumerate() {
        let is_span = is_paired && idx % 2 == 1 && !part.trim().is_empty();
        if is_span {
            out.push_str(&quoted(part));
        } else {
            // The backticks of a span stand with it; any other is only a letter.
            if !is_after_span {
                out.push_str("\\`");
            }
            escape_into(part, &mut out);
        }
        is_after_span = is_span;
    }
    out
}

fn escape_into(part: &str, out: &mut String) {
    for c in part.chars() {
        match c {
            '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '`' | '$' => out.extend(['\\', c]),
            '&' => out.push_str("&amp;"),
            // Between two letters and an invisible mark nobody is mentioned.
            '@' => out.push_str("@\u{2060}"),
            c if c.is_control() => out.push(' '),
            c if is_unseen(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

fn put(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::UNSEEN;

    #[test]
    fn nothing_is_hidden_in_a_text() {
        UNSEEN.iter().for_each(|c| assert_eq!(escaped(&format!("a{c}b")), "a\u{fffd}b", "{c:?}"));
    }

    #[test]
    fn markup_outside_code_spans_is_only_letters() {
        let cases = [
            ("the window `a*b` holds", "the window `a*b` holds"),
            ("<img src=x> @team *now*", "\\<img src=x\\> @\u{2060}team \\*now\\*"),
            ("a single ` tick _x_", "a single \\` tick \\_x\\_"),
        ];
        cases.iter().for_each(|(text, expected)| assert_eq!(&escaped(text), expected));
        assert_eq!(cell("`a|b` c|d"), "`a\\|b` c\\|d");
    }
}
