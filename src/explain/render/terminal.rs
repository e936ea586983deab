//! Lines of a hundred columns for a terminal. No escape sequence that came from the change reaches it.
//! Start at [`terminal`].

use crate::change::is_unseen;
use crate::explain::numbers::{counted, times, upper_first};
use crate::explain::phrase::NOTHING_STANDS_OUT;
use crate::explain::render::{
    LOOK_FIRST, day, edits_shown, factor_words, files_shown, hazards_said, places_said, plan, sentence,
    short_id, status_said, together, weak_groups, words_said,
};
use crate::explain::value::{Direction, Explanation, FileExplanation, GroupShare};
use crate::policy::Verdict;

/// Columns of a line.
const WIDTH: usize = 100;

/// Whether colors may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Letters only.
    Plain,
    /// ANSI colors, for a terminal.
    Color,
}

/// The explanation as lines of at most 100 columns. With [`Style::Plain`] there is no escape sequence in
/// it, and never one that came from the change.
pub fn terminal(explanation: &Explanation, style: Style) -> String {
    let mut page = Page { text: String::new(), style };
    headline(explanation, &mut page);
    section(
        "Why policy says so",
        explanation.reasons.iter().map(|it| format!("{} [{}]", upper_first(&it.text), it.code)),
        &mut page,
    );
    diff(explanation, &mut page);
    section("What would lower it", explanation.alternatives.iter().map(|it| it.text.clone()), &mut page);
    similar(explanation, &mut page);
    groups(explanation, &mut page);
    if !explanation.owners.is_empty() {
        page.title("Whom to ask");
        page.wrapped("  ", &explanation.owners.join(", "));
    }
    if let Some(plan) = plan(explanation) {
        page.title("Rollout");
        page.wrapped("  ", &plan);
    }
    section("Notes", explanation.notes.iter().map(|note| sentence(note)), &mut page);
    if let Some(link) = &explanation.page {
        page.line("");
        page.wrapped("", link);
    }
    page.text
}

fn headline(explanation: &Explanation, page: &mut Page) {
    let headline = &explanation.headline;
    let color = match headline.verdict {
        Verdict::FastPath => GREEN,
        Verdict::ExtraValidation => YELLOW,
        Verdict::Hold => RED,
    };
    page.painted(color, &headline.sentence);
    for said in [&headline.odds, &headline.rank].into_iter().flatten() {
        page.wrapped("", &format!("{}.", upper_first(said)));
    }
}

fn groups(explanation: &Explanation, page: &mut Page) {
    if explanation.groups.is_empty() {
        return;
    }
    page.title("What moved the odds");
    for group in explanation.groups.iter().filter(|group| group.is_telling()) {
        let values: Vec<&str> = group.values.iter().map(|value| value.text.as_str()).collect();
        let why = if values.is_empty() { NOTHING_STANDS_OUT.to_owned() } else { values.join("; ") };
        page.item(&strength(group), &format!("{}: {why}", upper_first(&group.title)));
    }
    if let Some((strength, titles)) = weak_groups(explanation) {
        page.item(&strength, &upper_first(&titles));
    }
    if let Some((strength, said)) = together(explanation) {
        page.item(&strength, &said);
    }
}

fn strength(group: &GroupShare) -> String {
    match group.direction {
        Direction::Raises => format!("× {}", times(group.factor)),
        Direction::Lowers => format!("÷ {}", times(group.factor)),
        Direction::Neither => "≈ 1".to_owned(),
    }
}

fn diff(explanation: &Explanation, page: &mut Page) {
    let Some(diff) = &explanation.diff else { return };
    page.title(LOOK_FIRST);
    let (files, n_more) = files_shown(diff);
    files.iter().for_each(|file| show_file(file, page));
    if n_more > 0 {
        page.wrapped("  ", &format!("and {n_more} more"));
    }
    if let Some(words) = words_said(diff) {
        page.wrapped("  ", &words);
    }
}

fn show_file(file: &FileExplanation, page: &mut Page) {
    let mut lines = format!("+{} −{}", file.n_added, file.n_deleted);
    if let Some(status) = status_said(file) {
        lines = format!("{lines}, {}", quiet(&status));
    }
    page.item(
        &factor_words(file.factor).unwrap_or_default(),
        &format!("{}  {lines}; {}", quiet(&file.path), file.past),
    );
    hazards_said(file).iter().for_each(|hazard| page.wrapped("            ", hazard));
    if let Some(places) = places_said(file) {
        page.wrapped("            ", &kept_factors(&places));
    }
    let (edits, n_more) = edits_shown(file);
    for shown in edits {
        let factor = factor_words(shown.edit.factor).map(|factor| format!(" ({})", kept(&factor)));
        let factor = factor.unwrap_or_default();
        page.wrapped("            ", &format!("{}: {}{factor}", shown.place(), shown.edit.text));
    }
    if n_more > 0 {
        page.wrapped("            ", &format!("and {}", counted(n_more as f64, "more edit")));
    }
}

fn similar(explanation: &Explanation, page: &mut Page) {
    let Some(similar) = &explanation.similar else { return };
    page.title("Earlier changes like this that went wrong");
    page.wrapped("  ", &sentence(&similar.text));
    for change in &similar.changes {
        let title = change.title.as_deref().map(|title| format!(" \"{}\"", quiet(title))).unwrap_or_default();
        page.wrapped(
            "  ",
            &format!("{} of {}{title}: {}", short_id(change), day(change.landed_at), change.text),
        );
    }
}

fn section(title: &str, items: impl Iterator<Item = String>, page: &mut Page) {
    let items: Vec<String> = items.collect();
    if items.is_empty() {
        return;
    }
    page.title(title);
    items.iter().for_each(|item| page.wrapped("  ", item));
}

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BOLD: &str = "1";
/// A space at which no line is broken.
const NO_BREAK: &str = "\u{a0}";
/// Where the text of an item begins.
const ITEM: usize = 10;

struct Page {
    text: String,
    style: Style,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn title(&mut self, title: &str) {
        self.line("");
        let title = self.paint(BOLD, title);
        self.line(&title);
    }

    fn painted(&mut self, color: &str, text: &str) {
        for line in wrap(text, WIDTH) {
            let line = self.paint(color, &line);
            self.line(&line);
        }
    }

    /// A text behind an indent, its later lines two columns further in.
    fn wrapped(&mut self, indent: &str, text: &str) {
        for (idx, line) in wrap(text, WIDTH - indent.len() - 2).iter().enumerate() {
            let further = if idx == 0 { "" } else { "  " };
            self.line(&format!("{indent}{further}{line}"));
        }
    }

    /// A text with a strength before it.
    fn item(&mut self, strength: &str, text: &str) {
        for (idx, line) in wrap(text, WIDTH - ITEM).iter().enumerate() {
            let margin = if idx == 0 { format!("  {strength:<6}  ") } else { " ".repeat(ITEM) };
            self.line(&format!("{margin}{line}"));
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        match self.style {
            Style::Plain => text.to_owned(),
            Style::Color => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// A text that is not broken between a sign and its factor.
fn kept_factors(text: &str) -> String {
    text.replace("× ", &format!("×{NO_BREAK}"))
}

/// A text that is not broken at its spaces.
fn kept(text: &str) -> String {
    text.replace(' ', NO_BREAK)
}

/// Lines of at most `width` characters, broken at spaces; a longer word is cut where the line ends.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut line, mut n) = (Vec::new(), String::new(), 0);
    for word in quiet(text).split(' ') {
        let n_word = word.chars().count();
        if n > 0 && n + 1 + n_word > width {
            lines.push(std::mem::take(&mut line));
            n = 0;
        }
        if n > 0 {
            line.push(' ');
            n += 1;
        }
        for c in word.chars() {
            if n == width {
                lines.push(std::mem::take(&mut line));
                n = 0;
            }
            line.push(c);
            n += 1;
        }
    }
    lines.push(line);
    lines.iter().map(|line| line.replace(NO_BREAK, " ")).collect()
}

/// A text that cannot move the cursor, hide or turn around what stands beside it.
fn quiet(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_unseen(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::UNSEEN;

    #[test]
    fn a_long_text_is_broken_at_spaces_and_a_long_word_anywhere() {
        assert_eq!(wrap("aa bbb c", 5), ["aa", "bbb c"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(quiet("a\u{1b}[2Jb\u{202e}c\r"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
        UNSEEN.iter().for_each(|c| assert_eq!(quiet(&format!("a{c}b")), "a\u{fffd}b", "{c:?}"));
    }
}
