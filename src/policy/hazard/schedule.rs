//! Rules about when something runs.

use crate::change::KeyChangeKind;
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};

pub(super) const RULES: &[HazardRule] = &[
    edit_rule(
        "schedule_every_minute",
        Sphere::OutsideTests,
        schedule_every_minute,
        ["A schedule runs every minute that did not", "`0 3 * * *` → `* 3 * * *`"],
    ),
    edit_rule(
        "schedule_jump",
        Sphere::OutsideTests,
        schedule_jump,
        [
            "A schedule runs at least twelve times as often as before, or as seldom",
            "`0 3 * * *` → `0 3 1 * *`",
        ],
    )
    .general(),
];

fn schedule_every_minute(edit: &Edit<'_>) -> bool {
    const SCHEDULES: &[&str] = &[
        "cron", "schedule", "scheduled", "cron expression", "on calendar", "cronjob", "interval", "job",
        "crontab", "crons",
    ];
    const FIELDS: &[&str] = &["minute", "hour", "day", "weekday", "month", "monthday"];
    if edit.key_change.kind != KeyChangeKind::Text || is_every_minute(&edit.old) {
        return false;
    }
    (is_every_minute(&edit.new) && edit.path_says(SCHEDULES))
        || (edit.becomes(&["*", "*/1"]) && edit.leaf_says(&["minute"]))
        || (edit.becomes(&["*"]) && edit.leaf_says(FIELDS) && edit.path_says(SCHEDULES))
        || (edit.file_diff.path().contains("cron") && is_cron_line_every_minute(edit))
        || loses_minute(edit)
}

/// `crontab(hour=2, minute=0)` of Celery without its minute.
fn loses_minute(edit: &Edit<'_>) -> bool {
    edit.loses(&["minute="]) && edit.new.has_any(&["crontab("])
}

/// A line of a crontab, with its command.
fn is_cron_line_every_minute(edit: &Edit<'_>) -> bool {
    let minute = |line: &str| {
        line.split_ascii_whitespace().nth(5).and(line.split_ascii_whitespace().next().map(str::to_owned))
    };
    let is_every = |minute: Option<String>| matches!(minute.as_deref(), Some("*" | "*/1" | "0-59"));
    is_every(minute(&edit.new)) && minute(&edit.old).is_some() && !is_every(minute(&edit.old))
}

/// A cron line whose field of minutes, or of seconds where it has six or seven fields, names every one; or the same
/// as a calendar of systemd.
fn is_every_minute(value: &str) -> bool {
    let is_every = |field: Option<&&str>| matches!(field, Some(&("*" | "*/1" | "0/1" | "0-59")));
    let fields: Vec<&str> = written(value).split_ascii_whitespace().take(8).collect();
    match fields.len() {
        5 => is_every(fields.first()),
        6 | 7 => is_every(fields.first()) || is_every(fields.get(1)),
        _ => {
            let time = fields.last().copied().unwrap_or("");
            matches!(time, "minutely" | "*:*" | "*:*:*" | "*:*:00" | "*:0/1" | "*:00/1")
        }
    }
}

fn schedule_jump(edit: &Edit<'_>) -> bool {
    if edit.key_change.kind != KeyChangeKind::Text {
        return false;
    }
    let runs =
        |value: &str| runs_per_year(value).or_else(|| periods_per_year(value).filter(|_| is_period(edit)));
    let (old, new) = (runs(&edit.old), runs(&edit.new));
    old.zip(new).is_some_and(|(old, new)| new >= 12.0 * old || old >= 12.0 * new)
}

/// What is written in a list of one, or in a call such as `cron('H 3 * * *')`.
fn written(value: &str) -> &str {
    let value = value.trim().strip_prefix("cron(").map_or(value, |rest| rest.trim_end_matches([')', ';']));
    value.trim_matches(['[', ']', '"', '\'', ' '])
}

/// Whether a key says how often something comes round.
fn is_period(edit: &Edit<'_>) -> bool {
    edit.leaf_says(&[
        "interval", "period", "cycle", "frequency", "recurrence", "every", "billing", "schedule",
    ])
}

/// How often what is written as a word comes round in a year: `:month`, `weekly`.
fn periods_per_year(value: &str) -> Option<f64> {
    Some(match value.trim_start_matches(':') {
        "hour" | "hourly" => 8_766.0,
        "day" | "daily" => 365.0,
        "week" | "weekly" => 52.0,
        "month" | "monthly" => 12.0,
        "year" | "yearly" | "annual" | "annually" => 1.0,
        _ => return None,
    })
}

/// About how often five fields of a cron line are met in a year: minute, hour, day of the month, month, day of the week.
fn runs_per_year(value: &str) -> Option<f64> {
    const PARTS: [f64; 5] = [60.0, 24.0, 30.4, 12.0, 7.0];
    const NAMED: &[(&str, f64)] =
        &[("@hourly", 8_766.0), ("@daily", 365.0), ("@weekly", 52.0), ("@monthly", 12.0), ("@yearly", 1.0)];
    let text = written(value);
    if let Some((_, runs)) = NAMED.iter().find(|(name, _)| *name == text) {
        return Some(*runs);
    }
    let fields: Vec<&str> = text.split_ascii_whitespace().take(6).collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else { return None };
    let of = |field: &str, at: usize| n_met(field, PARTS.get(at).copied()?);
    let (days, weekdays) = (of(day, 2)?, of(weekday, 4)?);
    // Where both are named, either is enough.
    let days = match (*day, *weekday) {
        (_, "*" | "?") => days,
        ("*" | "?", _) => weekdays * 30.4 / 7.0,
        _ => (days + weekdays * 30.4 / 7.0).min(30.4),
    };
    Some(of(minute, 0)? * of(hour, 1)? * days * of(month, 3)?)
}

/// How many of `n` values a field of a cron line names; none where it is no such field.
fn n_met(field: &str, n: f64) -> Option<f64> {
    let of_part = |part: &str| {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let step: f64 = step.parse().ok().filter(|step| *step >= 1.0)?;
        let span = match range.split_once('-') {
            // Jenkins spreads jobs over the hour by `H`: one moment, or every so many.
            _ if matches!(range, "*" | "?") || (range == "H" || range == "h") && part.contains('/') => n,
            None if matches!(range, "H" | "h") => 1.0,
            // `5/15`: from the fifth on.
            None if part.contains('/') && range.parse::<u8>().is_ok() => n,
            Some((from, to)) => match (from.parse::<f64>(), to.parse::<f64>()) {
                (Ok(from), Ok(to)) => to - from + 1.0,
                _ => 5.0,
            },
            None => {
                let is_value = range.parse::<u8>().is_ok()
                    || (range.len() == 3 && range.bytes().all(|byte| byte.is_ascii_alphabetic()));
                return is_value.then_some(1.0);
            }
        };
        Some((span / step).max(1.0))
    };
    field.split(',').map(of_part).sum()
}
