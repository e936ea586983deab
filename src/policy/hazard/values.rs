//! Rules about numbers: slips of units, magnitudes and signs.

use crate::change::KeyChangeKind;
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::place::Place;
use crate::policy::hazard::reading::Value;
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
        "impossible_value",
        Sphere::Everywhere,
        impossible_value,
        ["A number is none that its name allows", "`port: 8080` → `80800`, or `percent: 10` → `1000`"],
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
        "ttl_from_zero",
        Sphere::OutsideTests,
        ttl_from_zero,
        ["What was never kept is kept for a week or longer", "`max_ttl = 0` → `315360000`"],
    ),
    edit_rule(
        "number_jump",
        Sphere::OutsideTests,
        number_jump,
        ["A number becomes a hundred times larger or smaller", "`max_connections: 100` → `10000`"],
    )
    .general(),
    edit_rule(
        "number_to_zero",
        Sphere::OutsideTests,
        number_to_zero,
        ["A number, a span or a size falls to nothing", "`linger: 50ms` → `0`"],
    )
    .general(),
    edit_rule(
        "emptied",
        Sphere::OutsideTests,
        emptied,
        ["A value or a list that said something says nothing", "`htpasswd: registry-users` → `\"\"`"],
    )
    .general(),
    edit_rule(
        "duplicate_key",
        Sphere::Everywhere,
        duplicate_key,
        [
            "A key stands twice in a block: most readers take the last, some refuse",
            "`replicas: 0` below `replicas: 3`",
        ],
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
];

/// A new line with the key of a line that stays beside it, in a notation in which a block holds a key once.
fn duplicate_key(edit: &Edit<'_>) -> bool {
    const ONCE: &[&str] = &[".yaml", ".yml", ".json", ".toml", ".properties"];
    let path = edit.file_diff.path();
    edit.key_change.kind == KeyChangeKind::Added
        && ONCE.iter().any(|ending| path.ends_with(ending))
        && edit.stands_twice()
}

fn unit_slip(edit: &Edit<'_>) -> bool {
    if is_milli(edit)
        || loses_factor(&edit.old, &edit.new)
        || is_share_for_percent(edit)
        || loses_point(edit)
        || moves_point(edit)
        || loses_digit(edit)
        || is_other_unit(edit)
    {
        return true;
    }
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

/// `30 * time.Second` → `30 * time.Millisecond`: the same number in another unit of a language.
fn is_other_unit(edit: &Edit<'_>) -> bool {
    const UNITS: &[&str] = &["millisecond", "microsecond", "nanosecond", "second", "minute", "hour"];
    let is_of_tests = || Place::of_path(edit.file_diff.path()) == Place::Test;
    if !edit.new.has_any(UNITS) || !edit.old.has_any(UNITS) || is_of_tests() {
        return false;
    }
    let unit = |value: &Value<'_>| {
        let (before, unit) = value.rsplit_once(['.', '_', ' '])?;
        let unit = unit.trim_end_matches([')', ',', ';', 's']).to_owned();
        UNITS.contains(&unit.as_str()).then(|| (before.to_owned(), unit))
    };
    let both = unit(&edit.old).zip(unit(&edit.new));
    both.is_some_and(|((before, old), (same, new))| before == same && old != new)
}

/// `15 * 1000` → `15`, and the other way round.
fn loses_factor(old: &str, new: &str) -> bool {
    const FACTORS: &[&str] = &[" * 1000", "*1000", " * 1_000", " * 1024", "*1024", " * 60", "*60"];
    let (long, short) = if old.len() > new.len() { (old, new) } else { (new, old) };
    let without = |factor: &str| {
        long.split_once(factor).is_some_and(|(before, after)| {
            short.strip_prefix(before).is_some_and(|rest| rest == after)
                && before.ends_with(|c: char| c.is_ascii_digit())
        })
    };
    long.contains('*') && FACTORS.iter().any(|factor| without(factor))
}

/// `2.9` → `29`: the same digits without the point, or with one that was not there.
fn loses_point(edit: &Edit<'_>) -> bool {
    let (old, new) = (digits(&edit.old), digits(&edit.new));
    let (with, without) = if old.contains('.') { (old, new) } else { (new, old) };
    let fraction = with.split_once('.').map_or("", |(_, fraction)| fraction).trim_end_matches('0');
    let is_joined = || with.replace('.', "").trim_start_matches('0') == without;
    !fraction.is_empty()
        && !without.is_empty()
        && !without.contains('.')
        && is_joined()
        && edit.numbers().is_some()
}

/// `0.0225` → `0.225`: the same digits with the point elsewhere.
fn moves_point(edit: &Edit<'_>) -> bool {
    let (old, new) = (digits(&edit.old), digits(&edit.new));
    let significant = |text: &str| text.replace('.', "").trim_matches('0').to_owned();
    let is_moved = || edit.numbers().is_some_and(|(old, new)| old > 0.0 && new > 0.0 && old != new);
    old.contains('.')
        && new.contains('.')
        && significant(old).len() >= 2
        && significant(old) == significant(new)
        && is_moved()
}

/// `1536` → `153`: the last digit of a number that is not round is gone.
fn loses_digit(edit: &Edit<'_>) -> bool {
    let (old, new) = (digits(&edit.old), digits(&edit.new));
    let is_cut = old.len() >= 3 && old.strip_prefix(new).is_some_and(|lost| lost.len() == 1 && lost != "0");
    is_cut && !old.contains('.') && edit.numbers().is_some() && !edit.leaf_says(NAMES)
}

/// `0.02` → `2`: a part of one where percent are meant, or percent where a part of one is.
fn is_share_for_percent(edit: &Edit<'_>) -> bool {
    let is_plain =
        matches!(edit.key_change.kind, KeyChangeKind::Number { .. } | KeyChangeKind::Percentage { .. });
    edit.numbers().filter(|_| is_plain).is_some_and(|(old, new)| {
        let (less, more) = if old < new { (old, new) } else { (new, old) };
        less > 0.0 && less < 1.0 && (more / less - 100.0).abs() < 1e-9
    })
}

/// Kubernetes reads `768m` of memory as thousandths of a byte, and `2000u` of a processor as millionths.
fn is_milli(edit: &Edit<'_>) -> bool {
    let new = edit.key_change.new.as_deref().unwrap_or("");
    let unit = |value: &str| value.len() - digits(value).len();
    let of_memory =
        || new.ends_with('m') && edit.old.ends_with('i') && edit.leaf_says(&["memory", "storage"]);
    let of_cpu = || new.ends_with(['u', 'n']) && edit.old.ends_with('m') && edit.leaf_says(&["cpu"]);
    unit(new) == 1 && (of_memory() || of_cpu())
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
            || matches!(
                edit.key_change.leaf.as_str(),
                "seconds" | "secs" | "ms" | "millis" | "minutes" | "duration"
            ) && edit.key_change.parent().to_ascii_lowercase().ends_with("timeout")
    };
    let is_jump = edit.seconds().is_some_and(is_tenfold);
    (is_jump || edit.is_dropped()) && is_timeout() || is_jump && edit.leaf_says(&["grace period"])
}

/// Names of what something may live or be kept.
const LIVES: &[&str] = &[
    "ttl", "cache valid", "expiry", "expires", "expiration", "lifetime", "expire", "max age", "maxage",
    "s maxage",
];

fn ttl_from_zero(edit: &Edit<'_>) -> bool {
    const WEEK: f64 = 7.0 * 86_400.0;
    edit.numbers().is_some_and(|(old, new)| old == 0.0 && new >= WEEK) && edit.is_about(LIVES)
}

fn ttl_to_zero(edit: &Edit<'_>) -> bool {
    edit.numbers().is_some_and(|(old, new)| old >= 60.0 && (0.0..=10.0).contains(&new) && new <= old / 30.0)
        && edit.is_about(LIVES)
}

/// What numbers name instead of counting it.
const NAMES: &[&str] = &[
    "id", "ids", "listen", "expose", "bind", "ports", "port", "version", "build", "rev", "revision", "uid",
    "gid", "timestamp", "date", "epoch", "serial", "phone", "seed", "number", "key", "year", "ts", "time",
    "tag", "namespace", "code", "page",
];

fn number_jump(edit: &Edit<'_>) -> bool {
    let is_far = || {
        edit.numbers().or_else(|| replaced_number(edit)).is_some_and(|(old, new)| {
            old > 0.0 && new > 0.0 && (new / old >= 100.0 - 1e-9 || old / new >= 100.0 - 1e-9)
        })
    };
    is_far() && !edit.leaf_says(NAMES)
}

/// The numbers of an element of a list that took the place of the only one that left it.
fn replaced_number(edit: &Edit<'_>) -> Option<(f64, f64)> {
    if edit.key_change.kind != KeyChangeKind::ListAdd {
        return None;
    }
    let new: f64 = edit.new.parse().ok()?;
    match edit.left_list() {
        [old] => Some((old.parse().ok()?, new)),
        _ => None,
    }
}

/// Whether a port is beyond the last one there is, or a share of something beyond all of it.
fn impossible_value(edit: &Edit<'_>) -> bool {
    const BEYOND: &[&str] = &[
        "threshold", "surge", "utilization", "overcommit", "burst", "change", "increase", "cpu", "maximum",
        "max",
    ];
    const LAST_PORT: f64 = 65_535.0;
    let Ok(new) = edit.new.trim_end_matches('%').parse::<f64>() else { return false };
    let counts = || edit.leaf_says(&["count", "max", "total", "size", "usage", "timeout"]);
    let is_port = new > LAST_PORT && edit.leaf_says(&["port", "ports"]) && !counts();
    let was_part = || edit.numbers().is_some_and(|(old, _)| (0.0..=100.0).contains(&old));
    let is_share = new > 100.0 && edit.leaf_says(&["percent", "percentage", "pct"]) && was_part();
    is_port || is_share && !edit.path_says(BEYOND)
}

/// From one to nothing is a switch.
fn number_to_zero(edit: &Edit<'_>) -> bool {
    const OTHERS: &[&str] = &[
        "id", "hour", "minute", "height", "width", "sort", "priority", "offset", "order", "index", "x", "y",
        "margin", "padding", "version", "patch", "minor", "level", "debug", "verbosity", "indent", "nice",
        "position", "gid", "uid", "year", "skip",
    ];
    let of_list = || replaced_number(edit).is_some_and(|(old, new)| old >= 2.0 && new == 0.0);
    let of_span = || edit.seconds().is_some_and(|(old, new)| old > 0.0 && new == 0.0);
    // A part of one may be a switch as well; what is written with a fraction beyond one is an amount.
    let is_amount = |old: f64| old >= 2.0 || old > 1.0 && edit.old.contains('.');
    let is_gone =
        edit.numbers().is_some_and(|(old, new)| is_amount(old) && new == 0.0) || of_span() || of_list();
    is_gone && !edit.leaf_says(OTHERS) && (!edit.leaf_says(&["weight"]) || is_balanced(edit))
}

/// Whether a weight is that of a server which gets requests, and not where something stands in a menu.
fn is_balanced(edit: &Edit<'_>) -> bool {
    const PLACES: &[&str] =
        &["haproxy", "nginx", "upstream", "backend", "balanc", "envoy", "traefik", "lvs", "conftool"];
    edit.path_says(&["server", "servers", "upstream", "upstreams", "backend", "backends", "pool", "endpoint"])
        || PLACES.iter().any(|place| edit.file_diff.path().contains(place))
}

fn emptied(edit: &Edit<'_>) -> bool {
    const OTHERS: &[&str] = &[
        "description", "comment", "notes", "message", "reason", "title", "suffix", "prefix", "annotations",
        "labels", "tag", "tags", "banner", "motd", "default", "version", "name", "text", "extra", "args",
        "env", "environment",
    ];
    let is_empty = |value: &str| matches!(value, "" | "\"\"" | "''" | "[]" | "{}" | "()" | "array()");
    let said = || !matches!(edit.old.as_ref(), "null" | "~" | "none" | "false" | "0" | "nil");
    let all_left = || edit.key_change.kind == KeyChangeKind::ListRemove && edit.is_now_an_empty_list();
    // A list whose elements had keys is written without any.
    let all_went = || edit.old.is_empty() && edit.new == "[]" && edit.loses_keys_below();
    if (all_left() || all_went()) && !edit.leaf_says(OTHERS) {
        return true;
    }
    edit.key_change.new.is_some()
        && is_empty(&edit.new)
        // A block may follow where nothing is written.
        && edit.line.writes_nothing()
        && !is_empty(&edit.old)
        && said()
        && edit.key_change.kind != KeyChangeKind::ListRemove
        && !edit.leaf_says(OTHERS)
}

fn sign_flip(edit: &Edit<'_>) -> bool {
    edit.numbers().or_else(|| replaced_number(edit)).is_some_and(|(old, new)| old > 0.0 && new < 0.0)
        && !edit.leaf_says(&[
            "priority", "weight", "offset", "order", "index", "adj", "nice", "x", "y", "margin", "top",
            "left", "latitude", "longitude",
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
