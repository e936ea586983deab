//! Rules about what watches: health checks, monitoring, alerts. Start at [`health_check_removed`].

use crate::change::{KeyChangeKind, changed_word};
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::reading::Value;
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};

pub(super) const RULES: &[HazardRule] = &[
    edit_rule(
        "health_check_removed",
        Sphere::OutsideTests,
        health_check_removed,
        ["A health check or probe goes away", "`livenessProbe: …` removed"],
    ),
    edit_rule(
        "monitoring_off",
        Sphere::OutsideTests,
        monitoring_off,
        ["An alert, its notification or the monitoring goes away", "`notifications_enabled: true` → `false`"],
    ),
    edit_rule(
        "alert_silenced",
        Sphere::OutsideTests,
        alert_silenced,
        [
            "An alert hardly ever fires any more: its bound is ten times as far, it waits for hours, or it asks for the opposite",
            "`expr: errors / total > 0.05` → `> 5`",
        ],
    ),
];

const CHECKS: &[&str] = &[
    "liveness probe", "readiness probe", "startup probe", "health check", "health checks", "healthchecks",
    "liveness", "readiness", "option httpchk", "httpchk", "http check", "tcp check",
];

fn health_check_removed(edit: &Edit<'_>) -> bool {
    drops_check(edit)
        || asks_other_path(edit)
        || takes_any_answer(edit)
        || is_server_unchecked(edit)
        || edit.turned_off(CHECKS)
        || edit.set_to() == Some(true) && edit.leaf_says(&["disable"]) && edit.path_says(CHECKS)
        || edit.becomes(&["none"]) && edit.leaf_says(&["healthcheck"])
        || asks_nothing(edit)
}

fn drops_check(edit: &Edit<'_>) -> bool {
    const ABOUT: &[&str] = &["doc", "docs", "opsmanual", "expose", "url", "urls", "custom", "port"];
    let is_check = || {
        edit.leaf_says(CHECKS)
            || matches!(edit.key_change.leaf.as_str(), "check" | "checks" | "probe" | ".probe")
    };
    edit.is_dropped() && is_check() && !edit.leaf_says(ABOUT)
}

/// Whether a probe asks for a page that says nothing of health: `/healthz` → `/`.
fn asks_other_path(edit: &Edit<'_>) -> bool {
    const HEALTH: &[&str] =
        &["health", "ready", "readyz", "live", "livez", "status", "ping", "heartbeat", "alive", "check"];
    const PROBES: &[&str] =
        &["probe", "liveness probe", "readiness probe", "startup probe", "health check", "http get"];
    edit.key_change.leaf == "path"
        && edit.old.has_any(HEALTH)
        && !edit.new.is_empty()
        && !edit.new.has_any(HEALTH)
        && edit.path_says(PROBES)
}

/// Whether a check takes errors of the server for health as well: `200-299` → `200-599`.
fn takes_any_answer(edit: &Edit<'_>) -> bool {
    const ANSWERS: &[&str] =
        &["matcher", "expected statuses", "success codes", "expected codes", "valid status codes"];
    let takes_errors = |value: &Value<'_>| value.ends_with("-599") || value.has_any(&["500"]);
    takes_errors(&edit.new) && !takes_errors(&edit.old) && !edit.old.is_empty() && edit.leaf_says(ANSWERS)
}

/// Whether a server of HAProxy goes without its `check`.
fn is_server_unchecked(edit: &Edit<'_>) -> bool {
    let has_check = |value: &Value<'_>| {
        value.has_any(&["check"]) && value.split_ascii_whitespace().any(|word| word == "check")
    };
    has_check(&edit.old)
        && !edit.new.is_empty()
        && !has_check(&edit.new)
        && edit.leaf_says(&["server", "default server"])
}

/// Whether the command of a check became one that says yes to everything.
fn asks_nothing(edit: &Edit<'_>) -> bool {
    const YES: &[&str] = &["none", "true", "/bin/true", ":", "exit 0"];
    let comes = edit.key_change.kind == KeyChangeKind::ListAdd || !edit.old.is_empty();
    comes
        && edit.becomes(YES)
        && matches!(edit.key_change.leaf.as_str(), "test" | "command" | "cmd")
        && edit.path_says(&["healthcheck", "liveness probe", "readiness probe", "startup probe", "exec"])
}

fn monitoring_off(edit: &Edit<'_>) -> bool {
    const WATCHES: &[&str] = &[
        "monitoring", "monitored", "alerting", "notifications", "paging", "alarms", "alerts enabled",
        "enable alerts", "alert enabled", "enable alert", "actions enabled", "send alerts", "notify pager",
        "access log",
    ];
    let rule_gone =
        edit.is_dropped() && matches!(edit.key_change.leaf.as_str(), "alert" | "alertname" | "alarm");
    let nobody_told = edit.becomes(&["none", "null", "blackhole", "devnull", "dev-null", "nobody"])
        && !edit.old.is_empty()
        && edit.leaf_says(&["receiver", "severity"]);
    let log_off = edit.becomes(&["off", "none"])
        && !edit.old.is_empty()
        && edit.leaf_says(&["access log", "level", "loglevel"]);
    let metrics_off =
        edit.flipped() == Some(false) && edit.switches(&["metrics"]) && edit.key_change.parent() == "metrics";
    let is_muted = edit.flipped() == Some(true) && edit.is_inverted() && edit.leaf_says(&["alert", "alerts"]);
    let nobody_paged = edit.flipped() == Some(false) && edit.key_change.leaf == "critical";
    edit.turned_off(WATCHES) || is_muted || nobody_paged || metrics_off || rule_gone || nobody_told || log_off
}

fn alert_silenced(edit: &Edit<'_>) -> bool {
    const PLACES: &[&str] = &["alert", "alarm", "monitor", "prometheus", "nagios", "icinga", "rules"];
    const BOUNDS: &[&str] = &["threshold", "critical", "warning", "crit", "warn"];
    let watches = || {
        let path = edit.file_diff.path();
        edit.path_says(&["alert", "alerts", "alarm", "alarms", "monitoring", "monitor"])
            || PLACES.iter().any(|place| path.contains(place))
    };
    let far = edit.numbers().is_some_and(|(old, new)| old > 0.0 && (new >= 10.0 * old || new <= old / 10.0))
        && edit.leaf_says(BOUNDS);
    let late = edit.seconds().is_some_and(|(old, new)| new >= 12.0 * old && new >= 3_600.0)
        && edit.key_change.leaf == "for";
    let all_quiet = || {
        const ALL: &[&str] = &["=~\".+\"", "=~\".*\""];
        edit.new.has_any(ALL)
            && !edit.old.has_any(ALL)
            && edit.leaf_says(&["target matchers", "matchers", "target match re"])
    };
    let rank = |value: &str| match value {
        "critical" | "page" | "p1" | "sev1" | "emergency" => Some(3),
        "error" | "high" | "warning" | "p2" | "sev2" => Some(2),
        "info" | "low" | "none" | "debug" | "p4" | "p5" | "sev4" => Some(0),
        _ => None,
    };
    let milder = rank(&edit.old).zip(rank(&edit.new)).is_some_and(|(old, new)| new + 2 <= old)
        && edit.leaf_says(&["severity", "priority"]);
    let is_out_of_reach = || {
        edit.old.has_any(&[">", "<"])
            && (is_out_of_reach(&edit.old, &edit.new) || is_turned_around(&edit.old, &edit.new))
    };
    (is_out_of_reach() || far || late || milder || all_quiet()) && watches()
}

/// Whether a comparison became the opposite one.
fn is_turned_around(old: &str, new: &str) -> bool {
    let is_over = |sign: &str| matches!(sign, ">" | ">=");
    let is_under = |sign: &str| matches!(sign, "<" | "<=");
    changed_word(old, new).is_some_and(|word| {
        is_over(word.old) && is_under(word.new) || is_under(word.old) && is_over(word.new)
    })
}

/// Whether the bound of a comparison moved to where it is hardly met: ten times as far, or beyond all that a share
/// can be.
fn is_out_of_reach(old: &str, new: &str) -> bool {
    let Some(word) = changed_word(old, new) else { return false };
    let (Ok(old), Ok(new)) = (word.old.parse::<f64>(), word.new.parse::<f64>()) else { return false };
    match word.before {
        ">" | ">=" => {
            (old > 0.0 && new >= 10.0 * old)
                || (old == 0.0 && new >= 100.0)
                || ((0.5..1.0).contains(&old) && new >= 1.0)
                || ((50.0..100.0).contains(&old) && new >= 100.0)
        }
        "<" | "<=" => old > 0.0 && new <= old / 10.0,
        _ => false,
    }
}
