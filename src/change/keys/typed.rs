//! The kind of an edit, from the two values and the name of the key.

use crate::change::KeyChangeKind;
use crate::change::keys::words::KeyWords;
use crate::change::keys::{host, units};

/// Judges one edit of a value. The order matters: a switch before a number, a number before a
/// version, an address before a host name.
pub(super) fn kind_of(words: KeyWords, old: &str, new: &str) -> KeyChangeKind {
    if let (Some(from), Some(to)) = (truth(words, old), truth(words, new)) {
        return if from == to { KeyChangeKind::Text } else { KeyChangeKind::Flag { to } };
    }
    if let Some(kind) = quantity(words, old, new) {
        return kind;
    }
    if let (Some(from), Some(to)) = (host::host_of(old), host::host_of(new)) {
        return if from == to { KeyChangeKind::Text } else { KeyChangeKind::Host };
    }
    if is_version_edit(words, old, new) {
        return KeyChangeKind::Version;
    }
    if is_named_host(words, old) && is_named_host(words, new) {
        return KeyChangeKind::Host;
    }
    KeyChangeKind::Text
}

/// Reads a switch; `0` and `1` count where the key reads like one.
pub(super) fn truth(words: KeyWords, value: &str) -> Option<bool> {
    let mut buffer = [0_u8; 8];
    let lower = buffer.get_mut(..value.len())?;
    lower.copy_from_slice(value.as_bytes());
    lower.make_ascii_lowercase();
    match &*lower {
        b"true" | b"on" | b"yes" | b"enabled" | b"enable" | b"present" => Some(true),
        b"false" | b"off" | b"no" | b"disabled" | b"disable" | b"absent" => Some(false),
        b"1" if words.has(KeyWords::FLAG) => Some(true),
        b"0" if words.has(KeyWords::FLAG) => Some(false),
        _ => None,
    }
}

fn quantity(words: KeyWords, old: &str, new: &str) -> Option<KeyChangeKind> {
    if !starts_numeric(old) || !starts_numeric(new) {
        return None;
    }
    match (units::number(old), units::number(new)) {
        (Some(old), Some(new)) => Some(plain(words, old, new)),
        _ => with_units(words, old, new),
    }
}

fn starts_numeric(value: &str) -> bool {
    matches!(value.as_bytes().first(), Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'P'))
}

/// Two plain numbers: the name of the key decides their unit.
fn plain(words: KeyWords, old: f64, new: f64) -> KeyChangeKind {
    if let Some(size_s) = units::named_span_s(words) {
        return KeyChangeKind::Duration { old_s: old * size_s, new_s: new * size_s };
    }
    if let Some(factor) = share_factor(words, old, new) {
        return KeyChangeKind::Percentage { old: old * factor, new: new * factor };
    }
    if let Some(size) = units::named_bytes(words) {
        return KeyChangeKind::Size { old_bytes: old * size, new_bytes: new * size };
    }
    if words.has(KeyWords::VERSION) && !words.has(KeyWords::LIMIT) {
        return KeyChangeKind::Version;
    }
    KeyChangeKind::Number { old, new }
}

/// What turns a share into percent: names in percent hold up to 100, fractions up to 1.
fn share_factor(words: KeyWords, old: f64, new: f64) -> Option<f64> {
    let within = |limit: f64| (0.0..=limit).contains(&old) && (0.0..=limit).contains(&new);
    let is_fractional = old.fract() != 0.0 || new.fract() != 0.0;
    if words.has(KeyWords::PERCENT) && within(100.0) {
        return Some(if within(1.0) && is_fractional { 100.0 } else { 1.0 });
    }
    if words.has(KeyWords::FRACTION) {
        return if within(1.0) { Some(100.0) } else { within(100.0).then_some(1.0) };
    }
    None
}

/// At least one value carries its unit.
fn with_units(words: KeyWords, old: &str, new: &str) -> Option<KeyChangeKind> {
    let percent = |value| units::signed_percent(value).or_else(|| units::number(value));
    if old.ends_with('%') || new.ends_with('%') {
        return Some(KeyChangeKind::Percentage { old: percent(old)?, new: percent(new)? });
    }
    if words.has(KeyWords::CPU) {
        return Some(KeyChangeKind::Number { old: units::cores(old)?, new: units::cores(new)? });
    }
    let bytes_of = |value| {
        units::size_bytes(value, words)
            .or_else(|| units::number(value).map(|n| n * units::named_bytes(words).unwrap_or(1.0)))
    };
    if units::size_bytes(old, words).is_some() || units::size_bytes(new, words).is_some() {
        return Some(KeyChangeKind::Size { old_bytes: bytes_of(old)?, new_bytes: bytes_of(new)? });
    }
    let seconds_of = |value| {
        units::duration_s(value)
            .or_else(|| units::number(value).map(|n| n * units::named_span_s(words).unwrap_or(1.0)))
    };
    Some(KeyChangeKind::Duration { old_s: seconds_of(old)?, new_s: seconds_of(new)? })
}

fn is_version_edit(words: KeyWords, old: &str, new: &str) -> bool {
    if old.contains(' ') || new.contains(' ') {
        return false;
    }
    (host::is_version(old) && host::is_version(new))
        || (words.has(KeyWords::VERSION) && is_tag(old) && is_tag(new))
}

fn is_tag(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= 200
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/' | b':' | b'@' | b'+'))
}

/// A short name where the key speaks of hosts.
fn is_named_host(words: KeyWords, value: &str) -> bool {
    let is_name = !value.is_empty()
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':'));
    words.has(KeyWords::HOST) && is_name && value.len() <= 100
}
