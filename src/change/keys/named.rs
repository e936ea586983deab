//! Values whose name stands on the line before: `<name>dfs.replication</name>` above `<value>1</value>`, `- name: WORKERS` above
//! `value: "1"`. For rules; the model's features know such a value by the key `value`.

use crate::change::keys::texts::below;
use crate::change::{FileDiff, KeyChange, LineOrigin};

/// Adds each such edit once more under its name.
pub(super) fn values(known: &[KeyChange], file_diff: &FileDiff, out: &mut Vec<KeyChange>) {
    for it in known.iter().filter(|it| it.leaf.eq_ignore_ascii_case("value")) {
        if let (Some(old), Some(new)) = (it.old.as_deref(), it.new.as_deref())
            && let Some(name) = name_before(it, file_diff)
        {
            below(it, name, (old, new), out);
        }
    }
}

/// The name that the line before an edit gives, in its new file.
fn name_before<'a>(known: &KeyChange, file_diff: &'a FileDiff) -> Option<&'a str> {
    let lines = file_diff.hunks().get(known.hunk_idx)?.lines.get(..known.line_idx)?;
    let before = lines.iter().rev().find(|line| line.origin != LineOrigin::Deleted)?.text.trim();
    if let Some(rest) = before.strip_prefix("<name>") {
        return rest.strip_suffix("</name>").filter(|name| !name.is_empty());
    }
    let rest = before.trim_start_matches("- ").trim_start_matches('"').strip_prefix("name")?;
    let name =
        rest.trim_start_matches('"').trim_start().strip_prefix([':', '='])?.trim().trim_end_matches(',');
    let name = name.trim_matches(['"', '\'']);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (!name.is_empty() && name.bytes().all(is_name)).then_some(name)
}
