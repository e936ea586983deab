//! Windows of the calendar: weekly and dated, in local wall time, exact across clock changes.
//!
//! A window is in force while the wall clock of its zone shows a time in `[from, to)`. A limit that
//! the clock skips (spring) stands at the skip; one that it shows twice (autumn) opens at the first
//! and closes at the second, so that the window is never shorter than its words.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Span, Timestamp};

/// Minutes of a week.
const WEEK_MINUTES: i64 = 7 * 24 * 60;
const DAY_SECONDS: i64 = 24 * 3600;

/// A span of the calendar in one zone.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    zone: TimeZone,
    weekly: Option<Weekly>,
    from: Option<i64>,
    to: Option<i64>,
    /// The day last asked about and the spans near it: most decisions are about today.
    last_day: Arc<Mutex<Option<(i64, Spans)>>>,
}

/// Beginnings and ends in Unix seconds, the ends excluded.
type Spans = Arc<[(i64, i64)]>;

/// A span of every week, in minutes of local time from Monday 00:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Weekly {
    start_minute: i64,
    n_minutes: i64,
}

/// The span as it is written in the policy.
pub(super) struct CalendarText<'a> {
    /// IANA name.
    pub zone: &'a str,
    /// `Fri 16:00/Mon 06:00`.
    pub weekly: Option<&'a str>,
    /// `2026-12-20T00:00`.
    pub from: Option<&'a str>,
    /// The same, excluded.
    pub to: Option<&'a str>,
}

/// A field of the calendar that cannot be understood: its name and a sentence.
pub(super) type FieldError = (&'static str, String);

/// A zone of the database; its names for no place, and for whatever the machine is set to, are none.
fn zone_named(name: &str) -> Option<TimeZone> {
    const NO_ZONES: [&str; 4] = ["etc/unknown", "localtime", "factory", "posixrules"];
    TimeZone::get(name).ok().filter(|_| !NO_ZONES.contains(&name.to_ascii_lowercase().as_str()))
}

impl Calendar {
    /// Reads a span; `weekly` and dates together mean both.
    pub(super) fn parse(text: &CalendarText<'_>) -> Result<Self, FieldError> {
        let zone = zone_named(text.zone)
            .ok_or_else(|| ("zone", format!("`{}` is not an IANA time zone", text.zone)))?;
        let weekly = text.weekly.map(Weekly::parse).transpose().map_err(|message| ("weekly", message))?;
        let from = text.from.map(|from| dated(&zone, from, Side::Opens)).transpose();
        let from = from.map_err(|message| ("from", message))?;
        let to = text.to.map(|to| dated(&zone, to, Side::Closes)).transpose();
        let to = to.map_err(|message| ("to", message))?;
        let calendar = Self { zone, weekly, from, to, last_day: Arc::default() };
        calendar.check()?;
        Ok(calendar)
    }

    fn check(&self) -> Result<(), FieldError> {
        match (self.from, self.to) {
            (Some(from), Some(to)) if from >= to => Err(("to", "must be later than `from`".to_owned())),
            (None, None) if self.weekly.is_none() => {
                Err(("weekly", "a window needs `weekly`, or `from` and `to`".to_owned()))
            }
            (None, Some(_)) | (Some(_), None) if self.weekly.is_none() => {
                Err(("from", "a dated window needs both `from` and `to`".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Whether the window is in force at a moment in Unix seconds. A moment that no calendar
    /// knows is inside: doubt is never the softer answer.
    pub(super) fn contains(&self, at: i64) -> bool {
        if Timestamp::from_second(at).is_err() {
            return true;
        }
        self.is_dated(at)
            && (self.weekly.is_none() || self.spans_near(at).iter().any(|span| span.0 <= at && at < span.1))
    }

    /// Whether a moment is within the dates, where there are any.
    fn is_dated(&self, at: i64) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }

    /// The next moment after `at` when the window opens or closes.
    pub(super) fn next_edge(&self, at: i64) -> Option<i64> {
        let spans = self.spans_near(at);
        // A weekly limit outside the dates opens and closes nothing.
        let is_edge = |edge: &i64| self.is_dated(*edge) || self.is_dated(edge.saturating_sub(1));
        let weekly = spans.iter().flat_map(|span| [span.0, span.1]).filter(is_edge);
        weekly.chain(self.from).chain(self.to).filter(|edge| *edge > at).min()
    }

    /// Every weekly span that can touch the week around a moment.
    fn spans_near(&self, at: i64) -> Spans {
        let day = at.div_euclid(DAY_SECONDS);
        let mut last_day = self.last_day.lock().unwrap_or_else(PoisonError::into_inner);
        match last_day.as_ref() {
            Some((last, spans)) if *last == day => Arc::clone(spans),
            _ => {
                let spans = self.spans_near_day(day);
                *last_day = Some((day, Arc::clone(&spans)));
                spans
            }
        }
    }

    /// Every weekly span that can touch the week around a day of Unix time.
    fn spans_near_day(&self, day: i64) -> Spans {
        let midday = day.saturating_mul(DAY_SECONDS).saturating_add(DAY_SECONDS / 2);
        let midday = midday.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        let (Some(weekly), Ok(timestamp)) = (self.weekly, Timestamp::from_second(midday)) else {
            return Arc::default();
        };
        let date = self.zone.to_datetime(timestamp).date();
        let days_from_monday = i64::from(date.weekday().to_monday_zero_offset());
        let midnight = date.at(0, 0, 0, 0);
        (-2..=2)
            .filter_map(|week| {
                let start = (week * 7 - days_from_monday) * 24 * 60 + weekly.start_minute;
                self.span(midnight, start, weekly.n_minutes)
            })
            .collect()
    }

    fn span(&self, midnight: DateTime, start_minute: i64, n_minutes: i64) -> Option<(i64, i64)> {
        let start = midnight.checked_add(Span::new().minutes(start_minute)).ok()?;
        let end = start.checked_add(Span::new().minutes(n_minutes)).ok()?;
        Some((instant(&self.zone, start, Side::Opens)?, instant(&self.zone, end, Side::Closes)?))
    }
}

impl Weekly {
    fn parse(text: &str) -> Result<Self, String> {
        let expected = || format!("`{text}` is not a weekly span such as `Fri 16:00/Mon 06:00`");
        let (start, end) = text.split_once('/').ok_or_else(expected)?;
        let start_minute = minute_of_week(start).ok_or_else(expected)?;
        let end_minute = minute_of_week(end).ok_or_else(expected)?;
        let n_minutes = match end_minute - start_minute {
            // `Mon 00:00/Sun 24:00`.
            WEEK_MINUTES => WEEK_MINUTES,
            n_minutes => n_minutes.rem_euclid(WEEK_MINUTES),
        };
        if n_minutes == 0 {
            return Err(format!("`{text}` opens and closes at the same minute"));
        }
        Ok(Self { start_minute, n_minutes })
    }
}

/// Minutes from Monday 00:00 of `Fri 16:00`; 24:00 is the end of the day.
fn minute_of_week(text: &str) -> Option<i64> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let (day, time) = text.trim().split_once(' ')?;
    let day_idx = DAYS.iter().position(|name| day.eq_ignore_ascii_case(name))?;
    let (hour, minute) = time.trim().split_once(':')?;
    let well_formed = hour.len() == 2 && minute.len() == 2;
    let (hour, minute) = (hour.parse::<u8>().ok()?, minute.parse::<u8>().ok()?);
    let in_range = minute < 60 && (hour < 24 || (hour == 24 && minute == 0));
    let minutes = i64::try_from(day_idx).ok()? * 24 * 60 + i64::from(hour) * 60 + i64::from(minute);
    (well_formed && in_range).then_some(minutes)
}

/// Which side of a window a limit is.
#[derive(Clone, Copy)]
enum Side {
    Opens,
    Closes,
}

fn dated(zone: &TimeZone, text: &str, side: Side) -> Result<i64, String> {
    let expected = || format!("`{text}` is not a local date and time such as `2026-12-20T00:00`");
    let time = text.split_once('T').map_or("", |(_, time)| time);
    let has_zone = time.contains(['Z', 'z', '+', '-', '[']);
    let datetime: DateTime = text.parse().map_err(|_| expected())?;
    if has_zone || !text.contains('T') {
        return Err(expected());
    }
    instant(zone, datetime, side).ok_or_else(expected)
}

/// The moment at which the wall clock of a zone reaches a local time.
fn instant(zone: &TimeZone, datetime: DateTime, side: Side) -> Option<i64> {
    let at = |offset: Offset| offset.to_timestamp(datetime).ok();
    let timestamp = match (zone.to_ambiguous_timestamp(datetime).offset(), side) {
        (AmbiguousOffset::Unambiguous { offset }, _) => at(offset)?,
        (AmbiguousOffset::Fold { before, .. }, Side::Opens) => at(before)?,
        (AmbiguousOffset::Fold { after, .. }, Side::Closes) => at(after)?,
        (AmbiguousOffset::Gap { after, .. }, _) => zone.following(at(after)?).next()?.timestamp(),
    };
    Some(timestamp.as_second())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn weekly(text: &str, zone: &str) -> Calendar {
        Calendar::parse(&CalendarText { zone, weekly: Some(text), from: None, to: None }).unwrap()
    }

    fn dates(from: &str, to: &str, zone: &str) -> Result<Calendar, FieldError> {
        Calendar::parse(&CalendarText { zone, weekly: None, from: Some(from), to: Some(to) })
    }

    fn unix(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn a_weekly_window_is_half_open_in_local_time() {
        let calendar = weekly("Fri 16:00/Mon 06:00", "Europe/Berlin");
        for (moment, inside) in [
            ("2026-01-30T14:59:59Z", false),
            ("2026-01-30T15:00:00Z", true),
            ("2026-02-01T12:00:00Z", true),
            ("2026-02-02T04:59:59Z", true),
            ("2026-02-02T05:00:00Z", false),
            ("2026-07-31T13:59:59Z", false),
            ("2026-07-31T14:00:00Z", true),
        ] {
            assert_eq!(calendar.contains(unix(moment)), inside, "{moment}");
        }
    }

    #[test]
    fn edges_follow_the_clock_change() {
        let calendar = weekly("Fri 16:00/Mon 06:00", "Europe/Berlin");
        // The clock goes forward on Sunday 2026-03-29: the weekend is an hour shorter.
        assert_eq!(calendar.next_edge(unix("2026-03-27T15:00:00Z")), Some(unix("2026-03-30T04:00:00Z")));
        assert_eq!(calendar.next_edge(unix("2026-03-26T15:00:00Z")), Some(unix("2026-03-27T15:00:00Z")));
    }

    #[test]
    fn a_limit_that_the_clock_skips_stands_at_the_skip() {
        let skip = unix("2026-03-29T01:00:00Z");
        let calendar = weekly("Sun 02:30/Sun 05:00", "Europe/Berlin");
        assert!(!calendar.contains(skip - 1) && calendar.contains(skip));
        let calendar = weekly("Sun 01:00/Sun 02:30", "Europe/Berlin");
        assert!(calendar.contains(skip - 1) && !calendar.contains(skip));
    }

    #[test]
    fn a_limit_that_the_clock_shows_twice_makes_the_window_longer() {
        let calendar = weekly("Sun 02:30/Sun 02:45", "Europe/Berlin");
        assert!(calendar.contains(unix("2026-10-25T00:30:00Z")));
        assert!(calendar.contains(unix("2026-10-25T01:44:59Z")));
        assert!(!calendar.contains(unix("2026-10-25T01:45:00Z")));
    }

    #[test]
    fn a_window_may_wrap_over_the_week_and_end_at_midnight() {
        let calendar = weekly("Sat 00:00/Sun 24:00", "UTC");
        assert!(calendar.contains(unix("2026-02-01T23:59:59Z")));
        assert!(!calendar.contains(unix("2026-02-02T00:00:00Z")));
        let calendar = weekly("Mon 06:00/Mon 05:00", "UTC");
        assert!(!calendar.contains(unix("2026-02-02T05:30:00Z")));
        assert!(calendar.contains(unix("2026-02-02T06:00:00Z")));
        assert!(calendar.contains(unix("2026-02-02T04:59:00Z")));
    }

    #[test]
    fn a_week_may_be_one_whole_window() {
        let calendar = weekly("Mon 00:00/Sun 24:00", "UTC");
        assert!(
            ["2026-02-01T23:59:59Z", "2026-02-02T00:00:00Z"].iter().all(|at| calendar.contains(unix(at)))
        );
        for empty in ["Mon 00:00/Mon 00:00", "Tue 24:00/Wed 00:00", "Sun 24:00/Mon 00:00"] {
            assert!(Weekly::parse(empty).unwrap_err().contains("at the same minute"), "{empty}");
        }
    }

    #[test]
    fn weekly_and_dates_together_mean_both() {
        let calendar = Calendar::parse(&CalendarText {
            zone: "UTC",
            weekly: Some("Fri 00:00/Sat 00:00"),
            from: Some("2026-06-01T00:00"),
            to: Some("2026-09-01T00:00"),
        });
        let calendar = calendar.unwrap();
        assert!(calendar.contains(unix("2026-06-05T12:00:00Z")));
        assert!(!calendar.contains(unix("2026-05-29T12:00:00Z")));
        let opens = Some(unix("2026-06-01T00:00:00Z"));
        assert_eq!(
            calendar.next_edge(unix("2026-05-20T12:00:00Z")),
            opens,
            "no Friday before it opens anything"
        );
    }

    #[test]
    fn what_cannot_be_understood_names_its_field() {
        assert_eq!(dates("2026-01-01T00:00", "2026-01-01T00:00", "UTC").unwrap_err().0, "to");
        assert_eq!(dates("2026-01-01", "2026-02-01T00:00", "UTC").unwrap_err().0, "from");
        assert_eq!(dates("2026-01-01T00:00Z", "2026-02-01T00:00", "UTC").unwrap_err().0, "from");
        assert_eq!(dates("2026-01-01T00:00", "2026-02-30T00:00", "UTC").unwrap_err().0, "to");
        assert_eq!(dates("2026-01-01T00:00", "2026-02-01T00:00", "Mars/Base").unwrap_err().0, "zone");
        for offset in ["Z", "+05:00", "-05:00", "[Europe/Berlin]"] {
            let from = format!("2026-01-01T00:00{offset}");
            assert_eq!(dates(&from, "2026-02-01T00:00", "UTC").unwrap_err().0, "from", "{from}");
        }
        for text in
            ["Fri/Mon", "Fri 16:00", "Fri 25:00/Mon 06:00", "Fri 16:00/Fri 16:00", "Xyz 01:00/Mon 02:00"]
        {
            let error =
                Calendar::parse(&CalendarText { zone: "UTC", weekly: Some(text), from: None, to: None });
            assert_eq!(error.unwrap_err().0, "weekly", "{text}");
        }
    }

    #[test]
    fn a_moment_beyond_the_calendar_is_inside() {
        let calendar = weekly("Fri 16:00/Mon 06:00", "Europe/Berlin");
        assert!(calendar.contains(i64::MAX) && calendar.contains(i64::MIN));
        assert_eq!(calendar.next_edge(i64::MAX), None);
    }

    proptest! {
        #[test]
        fn nothing_changes_before_the_next_edge(at in 1_500_000_000_i64..2_000_000_000, part in 0.0..1.0_f64) {
            let calendar = weekly("Sat 23:30/Sun 02:30", "America/New_York");
            let edge = calendar.next_edge(at).unwrap();
            let between = at + ((edge - 1 - at) as f64 * part) as i64;
            prop_assert_eq!(calendar.contains(at), calendar.contains(between));
            prop_assert_ne!(calendar.contains(edge - 1), calendar.contains(edge));
        }

        #[test]
        fn a_week_of_a_zone_far_from_utc_is_its_own(moments in vec(0_i64..4_000_000_000, 1..20)) {
            for (zone, offset_hours) in [("Etc/GMT-14", 14), ("Etc/GMT+12", -12)] {
                let calendar = weekly("Sat 23:30/Mon 02:30", zone);
                for at in &moments {
                    // The first of January 1970 was a Thursday.
                    let local_minute = (at + offset_hours * 3600).div_euclid(60) + 3 * 24 * 60;
                    let from_start = (local_minute - (5 * 24 * 60 + 23 * 60 + 30)).rem_euclid(WEEK_MINUTES);
                    prop_assert_eq!(calendar.contains(*at), from_start < 27 * 60, "{} {}", zone, at);
                }
            }
        }
    }
}
