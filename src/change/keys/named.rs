//! Values whose name stands on a line beside them: `<name>dfs.replication</name>` above `<value>1</value>`, `- name: WORKERS`
//! above `value: "1"`, or in the same map. For rules; the model's features know such a value by the key `value`.

use crate::change::keys::texts::below;
use crate::change::{FileDiff, KeyChange, LineOrigin};

/// Adds each such edit once more under its name.
pub(super) fn values(known: &[KeyChange], file_diff: &FileDiff, out: &mut Vec<KeyChange>) {
    for it in known.iter().filter(|it| holds_value(&it.leaf)) {
        if let (Some(old), Some(new)) = (it.old.as_deref(), it.new.as_deref())
            && let Some(name) = name_beside(it, file_diff)
        {
            below(it, name, (old, new), out);
        }
    }
}

/// The name and the raw value of a map whose pairs are these, where it has both: `{ name: WORKERS, value: "1" }`.
pub(super) fn value_of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Option<(&'a str, &'a str)> {
    let (mut name, mut value) = (None, None);
    for (key, raw) in pairs {
        if holds_name(key) {
            name = plain(raw);
        } else if holds_value(key) {
            value = Some(raw).filter(|raw| !raw.starts_with(['{', '[']));
        }
    }
    name.zip(value)
}

fn holds_name(key: &str) -> bool {
    ["name", "key", "parameterkey", "parameter_key"].iter().any(|it| key.eq_ignore_ascii_case(it))
}

pub(super) fn holds_value(key: &str) -> bool {
    ["value", "parametervalue", "parameter_value"].iter().any(|it| key.eq_ignore_ascii_case(it))
}

/// The name that the line before or the line after an edit gives, in its new file.
fn name_beside<'a>(known: &KeyChange, file_diff: &'a FileDiff) -> Option<&'a str> {
    let lines = file_diff.hunks().get(known.hunk_idx)?.lines.as_slice();
    let before = lines.get(..known.line_idx)?.iter().rev().find(|line| line.origin != LineOrigin::Deleted);
    let name = before.and_then(|line| name_in(line.text.trim().trim_start_matches("- ")));
    name.or_else(|| {
        let mut after = lines.get(known.line_idx + 1..)?.iter();
        // Of a list, the next element begins with a dash.
        name_in(after.find(|line| line.origin != LineOrigin::Deleted)?.text.trim())
    })
}

/// The name that a line gives and nothing else.
fn name_in(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix("<name>") {
        return rest.strip_suffix("</name>").filter(|name| !name.is_empty());
    }
    let line = line.trim_start_matches('"');
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
    let (_, rest) = line.split_at_checked(end).filter(|(key, _)| holds_name(key))?;
    plain(rest.trim_start_matches('"').trim_start().strip_prefix([':', '='])?)
}

/// A name without its quotes.
fn plain(raw: &str) -> Option<&str> {
    let name = raw.trim().trim_end_matches(',').trim_matches(['"', '\'', '\\']);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (!name.is_empty() && name.bytes().all(is_name)).then_some(name)
}
