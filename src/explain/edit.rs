//! One typed edit: in words, and taken out of its file.

use crate::change::secrets::redact;
use crate::change::{
    FileContent, FileDiff, KeyChange, KeyChangeKind, LineOrigin, for_each_word, key_changes,
};
use crate::explain::diff::without_lines;
use crate::explain::grounds::Grounds;
use crate::explain::numbers::{quoted, span_hours, thousands, times};
use crate::history::{SECONDS_PER_HOUR, Track, hash64};

/// Times the usual rate from which it is told that keys of a name went wrong.
const AS_OFTEN: f64 = 1.5;
/// Characters of a value that are shown.
const MAX_SHOWN: usize = 60;

/// "`timeout` 30 s → 3 s, ten times shorter; last edited 412 days ago; of 6 edits of it, 2 were in changes that went wrong". Of an
/// edit without key and value the line itself is shown.
pub(super) fn sentence(grounds: &Grounds<'_>, path: &str, key_change: &KeyChange, line: &str) -> String {
    let what = what(key_change);
    if key_change.leaf.is_empty() {
        let is_told = key_change.is_substantial() && !what.contains('`') && !line.is_empty();
        return if is_told { format!("{what}: {}", shown(line)) } else { what };
    }
    let what = if is_line_of_it(key_change, line) { line_of_it(key_change, line) } else { what };
    match past_of(grounds, path, key_change) {
        Some(past) => format!("{what}; {past}"),
        None => what,
    }
}

/// Whether an edit that reads as a key that came or went is a line without a key below it: one of a script, of a template.
fn is_line_of_it(key_change: &KeyChange, line: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    matches!(key_change.kind, KeyChangeKind::Added | KeyChangeKind::Removed)
        && !line.is_empty()
        // Named on the line beside it.
        && !plain(line).starts_with("value")
        && !plain(line).contains(&plain(&key_change.leaf))
}

fn line_of_it(key_change: &KeyChange, line: &str) -> String {
    let happened = if key_change.kind == KeyChangeKind::Added { "added" } else { "removed" };
    format!("a line of {} is {happened}: {}", quoted(&key_change.path), shown(line))
}

/// The edit by itself.
pub(super) fn what(key_change: &KeyChange) -> String {
    let name = if key_change.path.is_empty() { "a line".to_owned() } else { quoted(&key_change.path) };
    let text = |value: &Option<String>| redact(value.as_deref().unwrap_or("")).into_owned();
    let (old, new) = apart(text(&key_change.old), text(&key_change.new));
    let (old, new) = (shown(&old), shown(&new));
    let is_empty = |value: &Option<String>| value.as_deref().unwrap_or("").is_empty();
    match key_change.kind {
        KeyChangeKind::Flag { to } => {
            format!("{name} {old} → {new}, switched {}", if to { "on" } else { "off" })
        }
        // A port is a name.
        KeyChangeKind::Number { .. } if is_port(&key_change.leaf) || is_release(&old, &new) => {
            format!("{name} {old} → {new}")
        }
        KeyChangeKind::Number { old: from, new: to } => {
            format!("{name} {old} → {new}{}", step(from, to, "larger", "smaller"))
        }
        // As they stand in the diff: the unit of a bare number is a guess, and factors between a guess and a unit are none.
        KeyChangeKind::Percentage { .. } | KeyChangeKind::Duration { .. } | KeyChangeKind::Size { .. }
            if is_bare(&key_change.old) != is_bare(&key_change.new) =>
        {
            format!("{name} {old} → {new}")
        }
        KeyChangeKind::Percentage { old: from, new: to } => {
            format!("{name} {old} → {new}{}", step(from, to, "more", "less"))
        }
        KeyChangeKind::Duration { old_s, new_s } => {
            format!("{name} {old} → {new}{}", step(old_s, new_s, "longer", "shorter"))
        }
        KeyChangeKind::Size { old_bytes, new_bytes } => {
            format!("{name} {old} → {new}{}", step(old_bytes, new_bytes, "larger", "smaller"))
        }
        KeyChangeKind::Version => format!("{name} {old} → {new}, another version"),
        KeyChangeKind::Host if [&old, &new].iter().any(|value| is_host_like(value)) => {
            format!("{name} {old} → {new}, another host")
        }
        KeyChangeKind::ListAdd if key_change.path.is_empty() => format!("{new} is added"),
        KeyChangeKind::ListRemove if key_change.path.is_empty() => format!("{old} is taken out"),
        KeyChangeKind::ListAdd => format!("{name} gains {new}"),
        KeyChangeKind::ListRemove => format!("{name} loses {old}"),
        KeyChangeKind::Text | KeyChangeKind::Host => format!("{name} {old} → {new}"),
        KeyChangeKind::Secret => format!("{name} looks like a secret; its value is not shown"),
        KeyChangeKind::Added if is_empty(&key_change.new) => format!("{name} is added"),
        KeyChangeKind::Added => format!("{name} is added: {new}"),
        KeyChangeKind::Removed if is_empty(&key_change.old) => format!("{name} is removed"),
        KeyChangeKind::Removed => format!("{name} is removed; it was {old}"),
        KeyChangeKind::Moved => format!("{name} moved"),
        KeyChangeKind::Comment => format!("{name}: a comment"),
        KeyChangeKind::Whitespace => format!("{name}: white space"),
    }
}

/// Whether a value reads like a host: no plain word, and no name of a class.
fn is_host_like(value: &str) -> bool {
    value.contains(['.', ':', '/']) && (value.contains(':') || !value.bytes().any(|b| b.is_ascii_uppercase()))
}

fn is_port(leaf: &str) -> bool {
    let mut is_port = false;
    for_each_word(leaf, |word| is_port |= matches!(word, "port" | "ports" | "listen" | "expose"));
    is_port
}

/// Whether two numbers read like releases, of which 3.10 comes after 3.8.
fn is_release(old: &str, new: &str) -> bool {
    let parts = |value: &str| {
        let value = value.trim_matches(['`', '"', '\'', ' ']);
        value.split_once('.').map(|(whole, fraction)| (whole.to_owned(), fraction.len()))
    };
    let pair = parts(old).zip(parts(new));
    pair.is_some_and(|((old, of_old), (new, of_new))| old == new && old != "0" && of_old != of_new)
}

/// Whether a value is a number without a unit.
fn is_bare(value: &Option<String>) -> bool {
    value.as_deref().is_some_and(|value| value.trim_matches(['"', '\'', ' ']).parse::<f64>().is_ok())
}

/// ", ten times shorter"; where no factor can be told, what can.
fn step(old: f64, new: f64, up: &str, down: &str) -> String {
    let ratio = new / old;
    if new == 0.0 && old != 0.0 {
        ", set to zero".to_owned()
    } else if old == 0.0 && new != 0.0 {
        ", from zero".to_owned()
    } else if old * new < 0.0 {
        ", another sign".to_owned()
    } else if old < 0.0 {
        // Of two numbers below zero, the one that is twice as far from it is not twice as large.
        format!(", {}", if new > old { up } else { down })
    } else if ratio >= 1.95 || ratio <= 1.0 / 1.95 {
        format!(", {} times {}", factor_words(ratio), if ratio > 1.0 { up } else { down })
    } else if ratio.is_finite() && ratio != 1.0 {
        let change = (ratio - 1.0).abs() * 100.0;
        format!(
            ", {} % {}",
            if change < 1.0 { "under 1".to_owned() } else { format!("{change:.0}") },
            if ratio > 1.0 { up } else { down }
        )
    } else {
        String::new()
    }
}

fn factor_words(ratio: f64) -> String {
    let factor = if ratio < 1.0 { 1.0 / ratio } else { ratio };
    let words = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    let named = words.iter().zip(2..).find(|(_, n)| (factor - f64::from(*n)).abs() < 0.01);
    named.map_or_else(|| times(factor), |(word, _)| (*word).to_owned())
}

/// How lately and how often the key was edited, and how often in changes that went wrong; of a key that nobody edited before,
/// what is known of its name.
fn past_of(grounds: &Grounds<'_>, path: &str, key_change: &KeyChange) -> Option<String> {
    let history = grounds.history;
    let Some(key_track) = history.keys.get(hash64(&[path, &key_change.path])) else {
        return past_of_name(grounds, &key_change.leaf);
    };
    let track = &key_track.track;
    let mut past = match grounds.ordinal {
        Some(_) => touched(grounds, (track, n_own(grounds, path, key_change)), "edited"),
        None => format!("last edited {} ago", age_of(grounds, track)),
    };
    let undone = key_change.new.as_deref().is_some_and(|new| {
        let new = hash64(&[new]);
        new == key_track.last_old && new != key_track.last_new
    });
    if undone && grounds.ordinal.is_none() {
        past.push_str(", and now back to what it was before");
    }
    if track.n_bad > 0 {
        let (n_bad, n) = (thousands(f64::from(track.n_bad)), thousands(f64::from(track.n)));
        past.push_str(&format!("; of {n} edits of it, {n_bad} {} in changes that went wrong", were(&n_bad)));
    }
    Some(past)
}

/// The verb of so many edits.
fn were(n: &str) -> &'static str {
    if n == "1" { "was" } else { "were" }
}

/// What became of keys of that name in any file; nothing where they went wrong no more often than anything here.
fn past_of_name(grounds: &Grounds<'_>, leaf: &str) -> Option<String> {
    let track = grounds.history.leaves.get(hash64(&[leaf]))?;
    let (n_bad, n) = (f64::from(track.n_bad), f64::from(track.n));
    let usual = grounds.history.context.base_rate(grounds.last_t);
    let said = || {
        let (n, n_bad, leaf) = (thousands(n), thousands(n_bad), quoted(leaf));
        format!("of {n} edits of keys named {leaf}, {n_bad} {} in changes that went wrong", were(&n_bad))
    };
    (n_bad > 0.0 && n_bad >= AS_OFTEN * usual * n).then(said)
}

/// Edits of the same key of a file that the change holds itself: a key of a block that comes again and again has many.
fn n_own(grounds: &Grounds<'_>, path: &str, key_change: &KeyChange) -> u32 {
    let of_file = grounds.question.keys.iter().filter(|(of, _)| of == path).flat_map(|(_, edits)| edits);
    let own = of_file.filter(|edit| edit.is_substantial() && edit.path == key_change.path);
    u32::try_from(own.count()).unwrap_or(u32::MAX)
}

/// "changed 41 times before, last 412 days ago". The history of a landed change knows its own landing, which counts `n_own`
/// times, and what came after it.
pub(super) fn touched(grounds: &Grounds<'_>, (track, n_own): (&Track, u32), verb: &str) -> String {
    let landed_at = grounds.question.change.committed_at;
    let n = f64::from(track.n);
    match grounds.ordinal {
        None => format!("{verb} {} before, last {} ago", times_over(n), age_of(grounds, track)),
        Some(_) if track.last_t > landed_at => {
            format!("{verb} {} in all, last {} ago", times_over(n), age_of(grounds, track))
        }
        Some(_) if track.n <= n_own => format!("not {verb} before or since"),
        Some(_) => format!("{verb} {} before, not since", times_over(n - f64::from(n_own))),
    }
}

/// "once", "41 times".
fn times_over(n: f64) -> String {
    if n == 1.0 { "once".to_owned() } else { format!("{} times", thousands(n)) }
}

fn age_of(grounds: &Grounds<'_>, track: &Track) -> String {
    let now = match grounds.ordinal {
        Some(_) => grounds.question.now,
        None => grounds.question.change.committed_at,
    };
    span_hours(track.age_seconds(now.max(grounds.last_t)).unwrap_or(0.0) / SECONDS_PER_HOUR)
}

/// Two long values from shortly before where they part, so that what is shown of either is what differs.
fn apart(old: String, new: String) -> (String, String) {
    let is_long = |text: &str| text.chars().count() > MAX_SHOWN;
    let n_common = old.chars().zip(new.chars()).take_while(|(old, new)| old == new).count();
    let n_left_out = n_common.saturating_sub(MAX_SHOWN / 4);
    if n_left_out < 2 || !(is_long(&old) || is_long(&new)) {
        return (old, new);
    }
    let rest = |text: String| format!("…{}", text.chars().skip(n_left_out).collect::<String>());
    (rest(old), rest(new))
}

/// A value as it may be shown: no secret. A key without one may have a block below it.
fn shown(value: &str) -> String {
    if value.is_empty() {
        return "nothing on its line".to_owned();
    }
    let clean = redact(value);
    match clean.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => quoted(&format!("{}…", clean.get(..end).unwrap_or(""))),
        None => quoted(&clean),
    }
}

/// The file without one edit: its added line taken out, its deleted line left in place. None where the
/// lines of the edit cannot be told from others, which shows in the edits of what is left.
pub(super) fn taken_out(file_diff: &FileDiff, edits: &[KeyChange], edit_idx: usize) -> Option<FileDiff> {
    let edit = edits.get(edit_idx)?;
    let hunk = file_diff.hunks().get(edit.hunk_idx)?;
    let line = hunk.lines.get(edit.line_idx)?;
    let (added, deleted) = match line.origin {
        LineOrigin::Added => (Some(edit.line_idx), partner_of(file_diff, edit)),
        LineOrigin::Deleted => (None, Some(edit.line_idx)),
        LineOrigin::Context => return None,
    };
    let altered = with_hunk(file_diff, edit.hunk_idx, without_lines(hunk, added, deleted));
    let is_elsewhere = |other: &&KeyChange| {
        other.is_substantial() && (other.hunk_idx, other.line_idx) != (edit.hunk_idx, edit.line_idx)
    };
    let n_expected = edits.iter().filter(is_elsewhere).count();
    let n_left = key_changes(&altered).iter().filter(|left| left.is_substantial()).count();
    (n_left == n_expected).then_some(altered)
}

/// The deleted line that an edited value replaces.
fn partner_of(file_diff: &FileDiff, edit: &KeyChange) -> Option<usize> {
    let old = edit.old.as_deref()?;
    let hunk = file_diff.hunks().get(edit.hunk_idx)?;
    let is_partner = |text: &str| text.contains(&edit.leaf) && text.contains(old);
    let deleted = hunk.lines.iter().enumerate().filter(|(_, line)| line.origin == LineOrigin::Deleted);
    let near = deleted.filter(|(_, line)| is_partner(&line.text)).map(|(idx, _)| idx);
    near.min_by_key(|idx| idx.abs_diff(edit.line_idx))
}

/// The file with another version of one hunk.
pub(super) fn with_hunk(file_diff: &FileDiff, hunk_idx: usize, hunk: crate::change::Hunk) -> FileDiff {
    let mut hunks = file_diff.hunks().to_vec();
    if let Some(slot) = hunks.get_mut(hunk_idx) {
        *slot = hunk;
    }
    FileDiff { content: FileContent::Text(hunks), ..file_diff.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::parse_diff;

    /// The edits of a file in words, by their lines.
    fn told(path: &str, lines: &str) -> Vec<String> {
        let count = |without: char| lines.lines().filter(|line| !line.starts_with(without)).count();
        let diff = format!("--- a/{path}\n+++ b/{path}\n@@ -1,{} +1,{} @@\n{lines}", count('+'), count('-'));
        let record = parse_diff(diff.as_bytes()).unwrap();
        let file_diff = &record.files[0];
        let text = |it: &KeyChange| file_diff.hunks()[it.hunk_idx].lines[it.line_idx].text.trim().to_owned();
        let told = |it: &KeyChange| match is_line_of_it(it, &text(it)) {
            true => line_of_it(it, &text(it)),
            false => what(it),
        };
        key_changes(file_diff).iter().map(told).collect()
    }

    #[test]
    fn a_line_of_a_script_is_not_the_key_that_holds_it() {
        let script = " backup: |\n   echo one\n-  echo three four\n";
        assert_eq!(told("a.yaml", script), ["a line of `backup` is removed: `echo three four`"]);
        let template = " readinessProbe:\n-  {{- if .Values.x }}\n   path: /\n";
        let of_template = told("a.yaml", template);
        assert!(
            of_template.iter().all(|it| !it.starts_with("`readinessProbe` is removed")),
            "{of_template:?}"
        );
        assert_eq!(told("a.yaml", "-read_timeout: 3s\n a: 1\n"), ["`read_timeout` is removed; it was `3s`"]);
    }

    #[test]
    fn a_release_is_not_smaller_than_one_with_fewer_digits() {
        assert_eq!(told("a.yaml", "-python: 3.8\n+python: 3.10\n"), ["`python` `3.8` → `3.10`"]);
        assert_eq!(told("a.yaml", "-ratio: 0.5\n+ratio: 0.25\n"), ["`ratio` `0.5` → `0.25`, two times less"]);
    }

    #[test]
    fn long_values_are_shown_where_they_part() {
        let of = |value: &str| format!("{}{value} and more of it", "registry.example.org/".repeat(5));
        let (old, new) = apart(of("0.85"), of("2.0"));
        assert!(old.chars().count() < 50 && old.starts_with('…') && old.contains("0.85"), "{old}");
        assert!(new.starts_with('…') && new.contains("/2.0 and"), "{new}");
        let short = ("a: 1".to_owned(), "a: 2".to_owned());
        assert_eq!(apart(short.0.clone(), short.1.clone()), short);
    }
}
