//! Edits in words; values are cut short, and secrets never shown.

use crate::change::secrets::redact;
use crate::change::{KeyChange, KeyChangeKind};

/// Most characters of a key or a value that are shown.
const MAX_CHARS: usize = 60;

/// The key of an edit.
pub(super) fn key(key_change: &KeyChange) -> String {
    cut(&redact(&key_change.path), true)
}

/// The path of a file, whole; it may hold a secret as well.
pub(super) fn path(path: &str) -> String {
    redact(path).into_owned()
}

/// What happened to it.
pub(super) fn edit(key_change: &KeyChange) -> String {
    let value = |value: &Option<String>| format!("`{}`", cut(&redact(value.as_deref().unwrap_or("")), false));
    match key_change.kind {
        KeyChangeKind::Secret => "set".to_owned(),
        KeyChangeKind::Removed => "removed".to_owned(),
        KeyChangeKind::ListRemove => format!("without {}", value(&key_change.old)),
        KeyChangeKind::Added if key_change.new.as_deref().is_none_or(str::is_empty) => "added".to_owned(),
        KeyChangeKind::Added | KeyChangeKind::ListAdd => format!("now with {}", value(&key_change.new)),
        _ => format!("{} → {}", value(&key_change.old), value(&key_change.new)),
    }
}

/// Cuts a text to what is shown, at its end or, for paths, at its beginning.
fn cut(text: &str, keeps_end: bool) -> String {
    let n_chars = text.chars().count();
    let text = text.replace('`', "'");
    if n_chars <= MAX_CHARS {
        return text;
    }
    if keeps_end {
        let tail: String = text.chars().skip(n_chars - MAX_CHARS).collect();
        return format!("…{tail}");
    }
    let head: String = text.chars().take(MAX_CHARS).collect();
    format!("{head}…")
}
