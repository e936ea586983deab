//! Moments as people write them on the command line and read them in tables, and the clocks: that of the machine, and the one
//! that measures durations.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// From the year 9999 on (Unix seconds), what is computed from a moment may be none that can be written.
const YEAR_9999: u64 = 253_370_764_800;

/// A moment on the command line, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub i64);

/// Reads RFC 3339 or Unix seconds.
pub fn parse_moment(text: &str) -> Result<Moment, String> {
    if let Ok(unix_seconds) = text.parse::<i64>() {
        return Timestamp::from_second(unix_seconds)
            .map(|_| Moment(unix_seconds))
            .map_err(|_| "these seconds are outside the calendar".to_owned());
    }
    let expected = "expected RFC 3339 such as `2026-01-31T12:00:00Z`, or Unix seconds";
    text.parse::<Timestamp>().map(|timestamp| Moment(timestamp.as_second())).map_err(|_| expected.to_owned())
}

/// A moment that keeps its author's clock: what was given, as RFC 3339 with its own offset. Unix seconds have none, and
/// the name of a zone says no more than the offset before it.
pub fn parse_authored_at(text: &str) -> Result<String, String> {
    let Moment(unix_seconds) = parse_moment(text)?;
    let is_in_seconds = text.parse::<i64>().is_ok();
    let given = text.split_once('[').map_or(text, |(given, _)| given);
    Ok(if is_in_seconds { utc(unix_seconds) } else { given.to_owned() })
}

/// A moment for people and programs: RFC 3339 in UTC.
pub fn utc(unix_seconds: i64) -> String {
    Timestamp::from_second(unix_seconds).map_or_else(|_| unix_seconds.to_string(), |t| t.to_string())
}

/// Refuses a clock by which nothing can be dated: identities of records count from 1970.
pub fn check_clock(now: SystemTime) -> Result<(), Failure> {
    match now.duration_since(UNIX_EPOCH) {
        Ok(since) if since.as_secs() < YEAR_9999 => Ok(()),
        Ok(_) => Err(Failure::ending(
            Exit::Other,
            "the clock of this machine is in the year 9999 or later: set it",
        )),
        Err(_) => Err(Failure::ending(Exit::Other, "the clock of this machine is before 1970: set it")),
    }
}

/// Seconds of a clock that never goes back, since its first call.
pub fn seconds() -> f64 {
    static STARTED: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    STARTED.get_or_init(std::time::Instant::now).elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_rfc_3339_or_unix_seconds() {
        assert_eq!(parse_moment("2026-01-31T12:00:00Z"), Ok(Moment(1_769_860_800)));
        assert_eq!(parse_moment("2026-01-31T13:00:00+01:00"), Ok(Moment(1_769_860_800)));
        assert_eq!(parse_moment("1769860800"), Ok(Moment(1_769_860_800)));
        assert_eq!(utc(1_769_860_800), "2026-01-31T12:00:00Z");
        for text in ["", "2026-01-31", "2026-01-31T12:00:00", "yesterday", "99999999999999999"] {
            assert!(parse_moment(text).is_err(), "{text}");
            assert!(parse_authored_at(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_clock_by_which_nothing_can_be_dated_is_refused() {
        use std::time::Duration;
        let of = |seconds| {
            check_clock(UNIX_EPOCH + Duration::from_secs(seconds)).map_err(|error| error.to_string())
        };
        assert_eq!((of(0), of(1_769_860_800)), (Ok(()), Ok(())));
        assert!(of(YEAR_9999).unwrap_err().contains("9999"));
        let before = check_clock(UNIX_EPOCH - Duration::from_secs(1)).unwrap_err();
        assert!(before.to_string().contains("1970"));
    }

    #[test]
    fn an_author_s_clock_keeps_its_offset() {
        for (text, kept) in [
            ("2026-01-31T13:00:00+05:30", "2026-01-31T13:00:00+05:30"),
            ("2026-01-31T13:00:00+01:00[Europe/Berlin]", "2026-01-31T13:00:00+01:00"),
            ("2026-01-31T12:00:00.25Z", "2026-01-31T12:00:00.25Z"),
            ("1769860800", "2026-01-31T12:00:00Z"),
        ] {
            assert_eq!(parse_authored_at(text).as_deref(), Ok(kept));
        }
    }
}
