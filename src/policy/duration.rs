//! Durations as a policy file writes them, with their units. A bare number is refused.

/// Seconds of a duration with units: `15m`, `1h30m`, `45s`, `2d`.
///
/// # Errors
/// A sentence that says what was expected.
pub(super) fn parse_seconds(text: &str) -> Result<u64, String> {
    let expected = || format!("`{text}` is not a duration such as `15m`, `1h30m` or `2d`");
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, tail) = rest.split_at(n_digits);
        let amount: u64 = digits.parse().map_err(|_| expected())?;
        let unit = tail.chars().next().and_then(unit_seconds).ok_or_else(expected)?;
        total = amount.checked_mul(unit).and_then(|s| total.checked_add(s)).ok_or_else(expected)?;
        rest = &tail[1..];
    }
    if text.is_empty() || total > MAX_SECONDS { Err(expected()) } else { Ok(total) }
}

/// A year: nothing in a policy lasts longer, and sums stay far from overflow.
const MAX_SECONDS: u64 = 366 * 86_400;

fn unit_seconds(unit: char) -> Option<u64> {
    match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3_600),
        'd' => Some(86_400),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse_seconds;

    #[test]
    fn durations_carry_units() {
        for (text, seconds) in [("15m", 900), ("1h30m", 5_400), ("45s", 45), ("2d", 172_800), ("0s", 0)] {
            assert_eq!(parse_seconds(text), Ok(seconds), "{text}");
        }
        for text in ["", "15", "m", "1w", "1.5h", "-1m", "99999999999999999999s", "9000000000d", "15 m"] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }
}
