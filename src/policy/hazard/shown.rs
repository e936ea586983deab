//! Edits in words, for a reason that is stored with its decision: where, and what happened there.
//!
//! A decision keeps no text of the diff. Of values only numbers with their unit, switches, wildcards and words that formats
//! define are told; any other value may be anybody's, and is read in the change itself.

use crate::change::secrets::redact;
use crate::change::{KeyChange, KeyChangeKind};

/// Most characters of a key that are shown.
const MAX_CHARS: usize = 60;
/// Most characters, and letters among them, of a number with its unit: `30s`, `2Gi`, `10.0.0.0/8`, `+15 days`.
const MAX_NUMBER: (usize, usize) = (24, 5);

/// The key of an edit.
pub(super) fn key(key_change: &KeyChange) -> String {
    cut(&redact(&key_change.path))
}

/// The path of a file, whole; it may hold a secret as well.
pub(super) fn path(path: &str) -> String {
    on_one_line(&redact(path))
}

/// A name without line breaks, escapes and backticks: what a reason says must not be taken for another line of it.
fn on_one_line(name: &str) -> String {
    let kept = |c: char| match c {
        '`' => '\'',
        c if c.is_control() => ' ',
        c => c,
    };
    name.chars().map(kept).collect()
}

/// What happened to it.
pub(super) fn edit(key_change: &KeyChange) -> String {
    let (old, new) = (told(&key_change.old), told(&key_change.new));
    match (key_change.kind, old, new) {
        (KeyChangeKind::Secret, ..) => "set".to_owned(),
        (KeyChangeKind::Removed, ..) => "removed".to_owned(),
        (KeyChangeKind::ListRemove, Some(old), _) => format!("without `{old}`"),
        (KeyChangeKind::ListRemove, None, _) => "with one entry less".to_owned(),
        (KeyChangeKind::Added | KeyChangeKind::ListAdd, _, Some(new)) => format!("now with `{new}`"),
        (KeyChangeKind::Added, _, None) => "added".to_owned(),
        (KeyChangeKind::ListAdd, _, None) => "with one entry more".to_owned(),
        (_, Some(old), Some(new)) => format!("`{old}` → `{new}`"),
        (_, None, Some(new)) => format!("set to `{new}`"),
        (_, Some(old), None) => format!("no longer `{old}`"),
        (_, None, None) => "with another value".to_owned(),
    }
}

/// A value that may be told: a switch, a wildcard, a number with its unit, or a word that a format defines.
fn told(value: &Option<String>) -> Option<&str> {
    const WORDS: &[&str] = &[
        "*", "true", "false", "on", "off", "yes", "no", "enabled", "disabled", "none", "null", "always",
        "never", // Values that formats define, nobody's own.
        "ClusterIP", "LoadBalancer", "NodePort", "Retain", "Delete", "IfNotPresent", "RollingUpdate",
        "Recreate", "Allow", "Deny", "ACCEPT", "DROP", "REJECT", "HTTP", "HTTPS", "TCP", "UDP",
        "verify-full", "verify-ca", "require", "prefer", "disable", "read", "write", "read-all", "write-all",
        "cluster-admin", "public-read", "critical", "warning", "info", "debug", "error", "strict",
        "permissive", "enforcing", "SSL", "PLAINTEXT", "SASL_SSL", "SASL_PLAINTEXT",
    ];
    let value = value.as_deref()?.trim();
    let is_word = || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word));
    (is_number(value) || is_word()).then_some(value)
}

fn is_number(value: &str) -> bool {
    let n_letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let is_part = |b: u8| {
        b.is_ascii_alphanumeric() || matches!(b, b'.' | b',' | b':' | b'/' | b'+' | b'-' | b'%' | b' ' | b'*')
    };
    let has_digit = value.bytes().any(|b| b.is_ascii_digit());
    let (max_chars, max_letters) = MAX_NUMBER;
    has_digit && value.len() <= max_chars && n_letters <= max_letters && value.bytes().all(is_part)
}

/// Cuts a path of keys to what is shown, at its beginning.
fn cut(text: &str) -> String {
    let n_chars = text.chars().count();
    let text = on_one_line(text);
    if n_chars <= MAX_CHARS {
        return text;
    }
    let tail: String = text.chars().skip(n_chars - MAX_CHARS).collect();
    format!("…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_on_one_line() {
        assert_eq!(path("a/x\n::stop::\u{1b}[31m`.yaml"), "a/x ::stop:: [31m'.yaml");
    }

    #[test]
    fn numbers_switches_wildcards_and_words_of_formats_are_told_and_nothing_else() {
        for value in [
            "0", "30s", "2Gi", "-1.5", "1e6", "15 days", "100 %", "10.0.0.0/8", "* 3 * * *", "True", "*",
            "LoadBalancer",
        ] {
            assert_eq!(told(&Some(value.to_owned())), Some(value));
        }
        for value in [
            "", "private", "db1.example.org", "hunter2-horse", "a1b2c3d4e5f6", "4.2.1-internal", "no!", "`1`",
        ] {
            assert_eq!(told(&Some(value.to_owned())), None, "{value}");
        }
    }
}
