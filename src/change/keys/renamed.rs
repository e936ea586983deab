//! Keys whose name holds the unit of their value, and took another: `retention_hours: 168` → `retention_minutes: 10`. For
//! rules; to the model's features one key went and another came.

use rustc_hash::FxHashMap;

use crate::change::keys::emit;
use crate::change::keys::texts::side_of;
use crate::change::keys::words::for_each_word;
use crate::change::{KeyChange, KeyChangeKind};

/// Adds an edit of what both names say, with the unit of each behind its value.
pub(super) fn units(known: &[KeyChange], out: &mut Vec<KeyChange>) {
    let went = known.iter().filter(|it| it.kind == KeyChangeKind::Removed);
    let went: FxHashMap<_, _> = went.filter_map(|it| measured(it, it.old.as_deref()?)).collect();
    if went.is_empty() {
        return;
    }
    for came in known.iter().filter(|it| it.kind == KeyChangeKind::Added) {
        let Some((name, new)) = came.new.as_deref().and_then(|value| measured(came, value)) else { continue };
        if let Some(old) = went.get(&name).filter(|old| **old != new) {
            let leaf_at = came.path.len().saturating_sub(came.leaf.len());
            let path = [came.path.get(..leaf_at).unwrap_or(""), name.1.as_str()].concat();
            let side = |is_old, value| side_of(came, (&path, leaf_at), is_old, value);
            emit::edited(&side(true, old), &side(false, &new), false, out);
        }
    }
}

/// What is above a key, its name without the unit at its end, and its value with that unit.
fn measured<'a>(key_change: &'a KeyChange, value: &str) -> Option<((&'a str, String), String)> {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !is_number {
        return None;
    }
    let (mut name, mut last) = (String::new(), String::new());
    for_each_word(&key_change.leaf, |word| {
        if !name.is_empty() && !last.is_empty() {
            name.push('_');
        }
        name.push_str(&last);
        last.clear();
        last.push_str(word);
    });
    let unit = unit_of(&last).filter(|_| !name.is_empty())?;
    let above = key_change.path.get(..key_change.path.len().saturating_sub(key_change.leaf.len()))?;
    Some(((above, name), [value, unit].concat()))
}

/// The unit that the last word of a name stands for.
fn unit_of(word: &str) -> Option<&'static str> {
    Some(match word {
        "ms" | "millis" | "milliseconds" | "msec" | "msecs" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hour" | "hours" => "h",
        "day" | "days" => "d",
        "b" | "bytes" => "B",
        "kb" => "KB",
        "mb" => "MB",
        "gb" => "GB",
        "kib" => "Ki",
        "mib" => "Mi",
        "gib" => "Gi",
        _ => return None,
    })
}
