//! How rules read a value: as a switch, as a number or rate, as a text.
//! Start at [`truth`].

use std::borrow::Cow;

use crate::change::KeyChangeKind;

/// Reads a switch, also those of services and of enforcement.
pub(super) fn truth(value: &str) -> Option<bool> {
    match value {
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
pub(super) fn spelled(value: &str) -> Option<f64> {
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
pub(super) fn per_second(value: &str) -> Option<f64> {
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

/// A value in lower case; empty where there is none.
pub(super) fn lower(value: Option<&str>) -> Cow<'_, str> {
    let value = value.unwrap_or("");
    match value.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(value.to_ascii_lowercase()),
        false => Cow::Borrowed(value),
    }
}

/// One bit a byte, of sixty-four: a text whose bits are not all among a value's is not in it.
pub(super) fn byte_bits(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0, |bits, byte| bits | 1 << (byte & 63))
}
