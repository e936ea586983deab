//! Numbers with units: time spans in seconds, sizes in bytes, shares in percent.

use crate::change::keys::words::KeyWords;

/// A plain number; digits may be grouped with `_`, and a product (`60 * 60 * 24`) is worked out.
pub(super) fn number(value: &str) -> Option<f64> {
    let value = value.trim();
    if value.len() > 40 || !value.bytes().next()?.is_ascii_digit() && !value.starts_with(['-', '+', '.']) {
        return None;
    }
    if value.contains('*') {
        return value.split('*').try_fold(1.0, |product, factor| Some(product * plain(factor.trim())?));
    }
    plain(value)
}

fn plain(value: &str) -> Option<f64> {
    if let Some(digits) = value.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).ok().map(f64::from);
    }
    let is_mode = value.len() > 1 && value.starts_with('0') && !value.contains('.');
    if is_mode
        || !value.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'_' | b'e' | b'E'))
    {
        return None;
    }
    let parsed = if value.contains('_') { value.replace('_', "").parse() } else { value.parse::<f64>() };
    parsed.ok().filter(|number| number.is_finite())
}

/// Splits `12.5ms` into the number and the unit.
fn split_unit(value: &str) -> Option<(f64, &str)> {
    let end = value.bytes().position(|b| !(b.is_ascii_digit() || b == b'.')).unwrap_or(value.len());
    let number = value.get(..end)?.parse().ok()?;
    Some((number, value.get(end..)?))
}

/// A time span with units in seconds: `30s`, `1h30m`, `500 ms`, `PT5M`, `10 minutes`.
pub(super) fn duration_s(value: &str) -> Option<f64> {
    let mut rest = value.trim();
    if rest.len() > 32 {
        return None;
    }
    if let Some(iso) = rest.strip_prefix('P') {
        return iso_duration_s(iso);
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let (number, after) = split_unit(rest)?;
        let after = after.trim_start();
        let end = after.bytes().position(|b| b.is_ascii_digit()).unwrap_or(after.len());
        total += number * unit_s(after.get(..end)?.trim())?;
        rest = after.get(end..)?;
    }
    (!value.is_empty()).then_some(total)
}

fn unit_s(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" | "millis" | "milliseconds" | "msec" => 1e-3,
        "s" | "S" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "H" | "hr" | "hour" | "hours" => 3_600.0,
        "d" | "D" | "day" | "days" => 86_400.0,
        "w" | "W" | "week" | "weeks" => 604_800.0,
        "y" | "year" | "years" => 31_536_000.0,
        "month" | "months" => 2_592_000.0,
        _ => return None,
    })
}

fn iso_duration_s(iso: &str) -> Option<f64> {
    let (date, time) = iso.split_once('T').unwrap_or((iso, ""));
    let mut total = 0.0;
    for (part, is_time) in [(date, false), (time, true)] {
        let mut rest = part;
        while !rest.is_empty() {
            let (number, after) = split_unit(rest)?;
            let unit = match (after.as_bytes().first()?, is_time) {
                (b'D', false) => 86_400.0,
                (b'W', false) => 604_800.0,
                (b'M', false) => 2_592_000.0,
                (b'Y', false) => 31_536_000.0,
                (b'H', true) => 3_600.0,
                (b'M', true) => 60.0,
                (b'S', true) => 1.0,
                _ => return None,
            };
            total += number * unit;
            rest = after.get(1..)?;
        }
    }
    (!iso.is_empty()).then_some(total)
}

/// Seconds of one unit of a plain number, by the key's name.
pub(super) fn named_span_s(words: KeyWords) -> Option<f64> {
    const SIZES: [(KeyWords, f64); 6] = [
        (KeyWords::MILLISECONDS, 1e-3),
        (KeyWords::SECONDS, 1.0),
        (KeyWords::MINUTES, 60.0),
        (KeyWords::HOURS, 3_600.0),
        (KeyWords::DAYS, 86_400.0),
        (KeyWords::SPAN, 1.0),
    ];
    SIZES.iter().find(|(unit, _)| words.has(*unit)).map(|(_, size)| *size)
}

/// A size with units in bytes: `512Mi`, `10 MB`, `1g`. A bare `m` or `k` is a size only where the key
/// speaks of memory.
pub(super) fn size_bytes(value: &str, words: KeyWords) -> Option<f64> {
    let value = value.trim();
    if value.len() > 24 {
        return None;
    }
    let (number, unit) = split_unit(value)?;
    let is_memory = words.has_any(KeyWords::MEMORY.and(KeyWords::BYTES));
    let factor = match unit.trim() {
        "B" | "b" => 1.0,
        "k" | "m" | "g" | "K" if !is_memory && !matches!(unit, "g" | "K") => return None,
        "Ki" | "KiB" | "k" | "K" => 1_024.0,
        "kB" | "KB" | "kb" => 1_000.0,
        "Mi" | "MiB" | "m" => 1_048_576.0,
        "M" | "MB" | "mb" => 1_000_000.0,
        "Gi" | "GiB" | "g" => 1_073_741_824.0,
        "G" | "GB" | "gb" => 1e9,
        "Ti" | "TiB" => 1_099_511_627_776.0,
        "T" | "TB" | "tb" => 1e12,
        _ => return None,
    };
    Some(number * factor)
}

/// Bytes of one unit of a plain number, by the key's name.
pub(super) fn named_bytes(words: KeyWords) -> Option<f64> {
    const SIZES: [(KeyWords, f64); 5] = [
        (KeyWords::KILOBYTES, 1e3),
        (KeyWords::MEGABYTES, 1e6),
        (KeyWords::GIGABYTES, 1e9),
        (KeyWords::BYTES, 1.0),
        (KeyWords::MEMORY, 1.0),
    ];
    SIZES.iter().find(|(unit, _)| words.has(*unit)).map(|(_, size)| *size)
}

/// Processor shares: `500m` is half a core.
pub(super) fn cores(value: &str) -> Option<f64> {
    match value.strip_suffix('m') {
        Some(milli) => number(milli).map(|n| n / 1_000.0),
        None => number(value),
    }
}

/// A share in percent written with its sign: `12.5%`.
pub(super) fn signed_percent(value: &str) -> Option<f64> {
    number(value.trim().strip_suffix('%')?.trim_end())
}
