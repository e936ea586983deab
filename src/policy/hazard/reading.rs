//! How rules read a value: as a switch, as a number or rate, as a text.
//! Start at [`Value`].

use std::borrow::Cow;
use std::ops::Deref;

use crate::change::{KeyChangeKind, lower_case};
use crate::policy::hazard::bytes::{ByteSet, holds};

/// A value in lower case, empty where there is none.
pub(super) struct Value<'a> {
    text: Cow<'a, str>,
    bytes: ByteSet,
}

impl<'a> Value<'a> {
    pub(super) fn of(value: Option<&'a str>) -> Self {
        let text = lower_case(value.unwrap_or(""));
        Self { bytes: ByteSet::of(&text), text }
    }

    /// Whether it holds one of these texts.
    pub(super) fn has_any(&self, texts: &[&str]) -> bool {
        self.has_any_but(texts, |_| false)
    }

    /// Whether it holds one of these texts that another does not.
    pub(super) fn has_any_beside(&self, texts: &[&str], other: &Self) -> bool {
        self.has_any_but(texts, |text| holds(other, text))
    }

    fn has_any_but(&self, texts: &[&str], is_out: impl Fn(&str) -> bool) -> bool {
        // Most texts begin with two bytes that the value has nowhere side by side.
        texts.iter().any(|text| self.bytes.may_hold(text) && holds(&self.text, text) && !is_out(text))
    }
}

impl Deref for Value<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl AsRef<str> for Value<'_> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl PartialEq<&str> for Value<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

/// Reads a switch, also those of services and of enforcement, and what is named so elsewhere in a YAML file (`*on`).
pub(super) fn truth(value: &str) -> Option<bool> {
    match value.strip_prefix('*').unwrap_or(value) {
        "true" | "on" | "yes" | "enabled" | "enable" | "present" | "running" | "1" | "enforcing" => {
            Some(true)
        }
        "false" | "off" | "no" | "disabled" | "disable" | "absent" | "stopped" | "0" | "permissive" => {
            Some(false)
        }
        _ => None,
    }
}

/// The side that an edit turned a switch to; none where it is no switch, or stays.
pub(super) fn flipped(kind: KeyChangeKind, old: &str, new: &str) -> Option<bool> {
    match kind {
        KeyChangeKind::Flag { to } => Some(to),
        KeyChangeKind::Number { old, new } if old == 1.0 && new == 0.0 => Some(false),
        KeyChangeKind::Number { old, new } if old == 0.0 && new == 1.0 => Some(true),
        KeyChangeKind::Text => {
            let (from, to) = (truth(old)?, truth(new)?);
            (from != to).then_some(to)
        }
        _ => None,
    }
}

/// A number that is written as nobody writes one, but every reader of YAML takes for one: `00`, `0o0`, `0_0`, `0e0`.
fn spelled(value: &str) -> Option<f64> {
    let digits = value.trim_matches(['"', '\'']);
    if digits.len() > 24 || !digits.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let digits = digits.replace('_', "");
    let with_base = [("0o", 8), ("0x", 16), ("0b", 2)].into_iter().find_map(|(mark, base)| {
        let rest = digits.strip_prefix(mark)?;
        i64::from_str_radix(rest, base).ok()
    });
    with_base.map(|number| number as f64).or_else(|| digits.parse().ok())
}

/// A rate such as `100r/s` or `5/minute`, a second.
fn per_second(value: &str) -> Option<f64> {
    let (count, span) = value.split_once('/')?;
    let digits = count.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let seconds = match span.trim() {
        "s" | "sec" | "second" => 1.0,
        "m" | "min" | "minute" => 60.0,
        "h" | "hour" => 3_600.0,
        "d" | "day" => 86_400.0,
        _ => return None,
    };
    Some(digits.parse::<f64>().ok()? / seconds)
}

/// The number before and after, in one unit, where the edit is one of numbers.
pub(super) fn numbers(kind: KeyChangeKind, old: &str, new: &str) -> Option<(f64, f64)> {
    match kind {
        KeyChangeKind::Duration { .. } => seconds(kind, old, new),
        KeyChangeKind::Number { old, new } | KeyChangeKind::Percentage { old, new } => Some((old, new)),
        KeyChangeKind::Size { old_bytes, new_bytes } => Some((old_bytes, new_bytes)),
        KeyChangeKind::Text => {
            let numbers = spelled(old).zip(spelled(new));
            numbers.or_else(|| per_second(old).zip(per_second(new)))
        }
        _ => None,
    }
}

/// Seconds before and after; none where the same span is written with its unit and as bare milliseconds.
pub(super) fn seconds(kind: KeyChangeKind, old: &str, new: &str) -> Option<(f64, f64)> {
    let KeyChangeKind::Duration { old_s, new_s } = kind else { return None };
    let is_bare = |value: &str| value.bytes().all(|byte| byte.is_ascii_digit());
    let is_same = match (is_bare(old), is_bare(new)) {
        (true, false) => old_s == 1e3 * new_s,
        (false, true) => new_s == 1e3 * old_s,
        _ => false,
    };
    (!is_same).then_some((old_s, new_s))
}
