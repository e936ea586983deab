//! When a change was written, by its author's own clock and offset, never by the machine's.

use crate::features::facts::{Facts, flag};
use crate::features::schema::{FeatureSpec, Unit};

/// Landings before which the usual hours of a repository are not known.
const MIN_LANDINGS: u32 = 50;

pub(super) const FEATURES: &[FeatureSpec] = &[
    FeatureSpec::new("time_hour", Unit::Hours, "Hour of the author's clock", |f| {
        Some(f64::from(f.footprint.hour))
    }),
    FeatureSpec::new("time_weekday", Unit::Days, "Day of the week, Monday 0", |f| Some(weekday(f))),
    FeatureSpec::new("time_weekend", Unit::Flag, "Whether it was written on a Saturday or Sunday", |f| {
        flag(weekday(f) >= 5.0)
    }),
    FeatureSpec::new("time_friday_late", Unit::Flag, "Whether it was written on a Friday after 15:00", |f| {
        flag(weekday(f) == 4.0 && f.footprint.hour >= 15)
    }),
    FeatureSpec::new("time_night", Unit::Flag, "Whether it was written between 22:00 and 06:00", |f| {
        flag(f.footprint.hour >= 22 || f.footprint.hour < 6)
    }),
    FeatureSpec::new(
        "time_usual",
        Unit::Share,
        "Share of the changes here that were written within an hour of this time of day",
        |f| {
            let context = &f.history.context;
            let hour = usize::from(f.footprint.hour);
            let near: u32 = [hour + 23, hour, hour + 1].iter().map(|&near| context.hours[near % 24]).sum();
            (context.track.n >= MIN_LANDINGS).then(|| f64::from(near) / f64::from(context.track.n))
        },
    ),
    FeatureSpec::new(
        "time_year_end",
        Unit::Flag,
        "Whether it was written between December 16 and January 5",
        |f| {
            let day_of_year = day_of_year(local_seconds(f));
            flag(!(6..=349).contains(&day_of_year))
        },
    ),
];

fn local_seconds(facts: &Facts<'_>) -> i64 {
    let moment = facts.reading.change.authored_at;
    moment.unix_seconds.saturating_add(i64::from(moment.offset_minutes) * 60)
}

/// Monday 0; the epoch was a Thursday.
fn weekday(facts: &Facts<'_>) -> f64 {
    (local_seconds(facts).div_euclid(86_400) + 3).rem_euclid(7) as f64
}

/// Day of a mean year of 365.2425 days, from 1: enough for a season.
fn day_of_year(local_seconds: i64) -> i64 {
    let days = local_seconds.div_euclid(86_400) as f64;
    (days.rem_euclid(365.2425)) as i64 + 1
}
