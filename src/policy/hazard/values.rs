//! Rules about numbers: slips of units, magnitudes and signs.

use crate::change::KeyChangeKind;
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};

pub(super) const RULES: &[HazardRule] = &[
    edit_rule(
        "unit_slip",
        Sphere::Everywhere,
        unit_slip,
        [
            "The same digits with another unit or without one, or exactly a thousand times more or less",
            "`30s` → `30ms`",
        ],
    ),
    edit_rule(
        "timeout_tenfold",
        Sphere::OutsideTests,
        timeout_tenfold,
        ["A timeout becomes ten times shorter or longer, or nothing", "`timeout: 30s` → `3s`"],
    ),
    edit_rule(
        "ttl_to_zero",
        Sphere::OutsideTests,
        ttl_to_zero,
        ["A time to live falls from minutes to seconds or nothing", "`ttl: 3600` → `0`"],
    ),
    edit_rule(
        "number_jump",
        Sphere::OutsideTests,
        number_jump,
        ["A number becomes a hundred times larger or smaller", "`max_connections: 100` → `10000`"],
    ),
    edit_rule(
        "sign_flip",
        Sphere::Everywhere,
        sign_flip,
        ["A number above zero falls below it", "`size: 512` → `-512`"],
    ),
    edit_rule(
        "retry_storm",
        Sphere::OutsideTests,
        retry_storm,
        ["Ten times more retries, none at all, or retries without a pause", "`max_retries: 3` → `100`"],
    ),
    edit_rule(
        "schedule_every_minute",
        Sphere::OutsideTests,
        schedule_every_minute,
        ["A schedule runs every minute that did not", "`0 3 * * *` → `* 3 * * *`"],
    ),
];

fn unit_slip(edit: &Edit<'_>) -> bool {
    let has_unit =
        matches!(edit.key_change.kind, KeyChangeKind::Duration { .. } | KeyChangeKind::Size { .. });
    let Some((old, new)) = edit.numbers().filter(|(old, new)| has_unit && *old > 0.0 && *new > 0.0) else {
        return false;
    };
    let ratio = (new / old).max(old / new);
    let same_digits = digits(&edit.old) == digits(&edit.new) && !digits(&edit.new).is_empty();
    let is_thousand = [1e3, 1_024.0, 1e6, 1_048_576.0].iter().any(|slip| (ratio / slip - 1.0).abs() < 1e-9);
    let has_letter = |value: &str| value.ends_with(|c: char| c.is_ascii_alphabetic());
    let unit_comes_or_goes = same_digits && has_letter(&edit.old) != has_letter(&edit.new);
    (same_digits && ratio >= 59.9) || is_thousand || unit_comes_or_goes
}

fn digits(value: &str) -> &str {
    let end = value.bytes().position(|b| !(b.is_ascii_digit() || b == b'.')).unwrap_or(value.len());
    value.get(..end).unwrap_or("")
}

fn timeout_tenfold(edit: &Edit<'_>) -> bool {
    let is_tenfold =
        |(old, new): (f64, f64)| old > 0.0 && (new <= old / 10.0 + 1e-9 || new >= old * 10.0 - 1e-9);
    let is_timeout = || {
        edit.is_about(&["timeout", "timeouts", "deadline"])
            || edit.key_change.leaf.to_ascii_lowercase().ends_with("timeout")
    };
    edit.seconds().is_some_and(is_tenfold) && is_timeout()
}

fn ttl_to_zero(edit: &Edit<'_>) -> bool {
    const LIVES: &[&str] = &[
        "ttl",
        "cache valid",
        "expiry",
        "expires",
        "expiration",
        "lifetime",
        "expire",
        "max age",
        "maxage",
        "s maxage",
    ];
    edit.numbers().is_some_and(|(old, new)| old >= 60.0 && (0.0..=10.0).contains(&new) && new <= old / 30.0)
        && edit.is_about(LIVES)
}

fn number_jump(edit: &Edit<'_>) -> bool {
    const NAMES: &[&str] = &[
        "id",
        "ids",
        "port",
        "version",
        "build",
        "rev",
        "revision",
        "uid",
        "gid",
        "timestamp",
        "date",
        "epoch",
        "serial",
        "phone",
        "seed",
        "number",
        "key",
        "year",
        "ts",
        "time",
        "tag",
        "namespace",
        "code",
        "page",
    ];
    let is_plain = matches!(edit.key_change.kind, KeyChangeKind::Number { .. } | KeyChangeKind::Size { .. });
    is_plain
        && edit.numbers().is_some_and(|(old, new)| {
            old > 0.0 && new > 0.0 && (new / old >= 100.0 - 1e-9 || old / new >= 100.0 - 1e-9)
        })
        && !edit.leaf_says(NAMES)
}

fn sign_flip(edit: &Edit<'_>) -> bool {
    edit.numbers().is_some_and(|(old, new)| old > 0.0 && new < 0.0)
        && !edit.leaf_says(&[
            "priority",
            "weight",
            "offset",
            "order",
            "index",
            "adj",
            "nice",
            "x",
            "y",
            "margin",
            "top",
            "left",
            "latitude",
            "longitude",
        ])
}

fn retry_storm(edit: &Edit<'_>) -> bool {
    let Some((old, new)) = edit.numbers().filter(|(old, _)| *old > 0.0) else { return false };
    let storm = new >= 10.0 * old
        && edit.is_about(&["retries", "retry", "max retries", "attempts", "max attempts", "retry count"]);
    let no_pause = new == 0.0
        && edit.leaf_says(&["backoff", "retry delay", "retry interval", "retry wait", "backoff ms"]);
    let none = new == 0.0 && edit.leaf_says(&["max retries", "retries", "retry count", "retry attempts"]);
    (storm && edit.seconds().is_none()) || no_pause || none
}

fn schedule_every_minute(edit: &Edit<'_>) -> bool {
    const SCHEDULES: &[&str] = &[
        "cron",
        "schedule",
        "scheduled",
        "cron expression",
        "on calendar",
        "cronjob",
        "interval",
        "job",
        "crontab",
    ];
    if edit.key_change.kind != KeyChangeKind::Text || is_every_minute(&edit.old) {
        return false;
    }
    (is_every_minute(&edit.new) && edit.path_says(SCHEDULES))
        || (edit.becomes(&["*", "*/1"]) && edit.leaf_says(&["minute"]))
}

/// A cron line whose field of minutes, or of seconds where it has six or seven fields, names every one; or the same
/// as a calendar of systemd.
fn is_every_minute(value: &str) -> bool {
    let is_every = |field: Option<&&str>| matches!(field, Some(&("*" | "*/1" | "0/1" | "0-59")));
    let fields: Vec<&str> = value.split_ascii_whitespace().take(8).collect();
    match fields.len() {
        5 => is_every(fields.first()),
        6 | 7 => is_every(fields.first()) || is_every(fields.get(1)),
        _ => {
            let time = fields.last().copied().unwrap_or("");
            matches!(time, "minutely" | "*:*" | "*:*:*" | "*:*:00" | "*:0/1" | "*:00/1")
        }
    }
}
