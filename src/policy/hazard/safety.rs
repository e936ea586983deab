//! Rules about what catches a fall: checks, alerts, backups, protections, throttles.

use crate::change::KeyChangeKind;
use crate::policy::hazard::edit::Edit;
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
        "backup_off",
        Sphere::OutsideTests,
        backup_off,
        ["A backup is switched off or removed", "`backup.enabled: true` → `false`"],
    ),
    edit_rule(
        "retention_cut",
        Sphere::OutsideTests,
        retention_cut,
        ["Something is kept at most a fifth as long, or not at all", "`retention_days: 30` → `1`"],
    ),
    edit_rule(
        "deletion_protection_off",
        Sphere::OutsideTests,
        deletion_protection_off,
        ["Nothing refuses a deletion any more", "`deletion_protection: true` → `false`"],
    ),
    edit_rule(
        "destructive_policy",
        Sphere::OutsideTests,
        destructive_policy,
        ["Data goes when its owner goes", "`reclaimPolicy: Retain` → `Delete`"],
    ),
    edit_rule(
        "rate_limit_off",
        Sphere::OutsideTests,
        rate_limit_off,
        ["A throttle or a quota goes away or becomes unlimited", "`max_requests_per_second: 200` → `0`"],
    ),
    edit_rule(
        "read_only_on",
        Sphere::OutsideTests,
        read_only_on,
        ["Writes stop, or a maintenance page shows", "`read_only: false` → `true`"],
    ),
    edit_rule(
        "debug_on",
        Sphere::OutsideTests,
        debug_on,
        ["Debugging is switched on", "`log_level: info` → `debug`"],
    ),
];

fn health_check_removed(edit: &Edit<'_>) -> bool {
    const CHECKS: &[&str] = &[
        "liveness probe",
        "readiness probe",
        "startup probe",
        "health check",
        "health checks",
        "healthchecks",
        "liveness",
        "readiness",
        "option httpchk",
        "httpchk",
        "http check",
        "tcp check",
    ];
    const ABOUT: &[&str] = &["doc", "docs", "opsmanual", "expose", "url", "urls", "custom", "port"];
    (edit.is_dropped() && edit.leaf_says(CHECKS) && !edit.leaf_says(ABOUT)) || edit.turned_off(CHECKS)
}

fn monitoring_off(edit: &Edit<'_>) -> bool {
    const WATCHES: &[&str] = &[
        "monitoring",
        "monitored",
        "alerting",
        "notifications",
        "paging",
        "alarms",
        "alerts enabled",
        "enable alerts",
        "alert enabled",
        "enable alert",
        "actions enabled",
        "send alerts",
        "notify pager",
    ];
    let rule_gone =
        edit.is_dropped() && matches!(edit.key_change.leaf.as_str(), "alert" | "alertname" | "alarm");
    edit.turned_off(WATCHES) || rule_gone
}

fn backup_off(edit: &Edit<'_>) -> bool {
    const BACKUPS: &[&str] = &[
        "backup",
        "backups",
        "automated snapshot",
        "snapshots",
        "point in time recovery",
        "final snapshot",
        "skip final snapshot",
        "archive mode",
        "wal archiving",
    ];
    let is_one =
        |edit: &Edit<'_>| matches!(edit.key_change.leaf.as_str(), "backup" | "backups" | "backup_schedule");
    edit.turned_off(BACKUPS) || (edit.is_dropped() && is_one(edit))
}

fn retention_cut(edit: &Edit<'_>) -> bool {
    edit.numbers().is_some_and(|(old, new)| old > 0.0 && new >= 0.0 && new <= old / 5.0)
        && edit.is_about(&[
            "retention",
            "retain",
            "keep",
            "retention days",
            "retention period",
            "keep days",
            "max age days",
            "retention hours",
        ])
        && !edit.leaf_says(&["alive", "keepalive"])
}

fn deletion_protection_off(edit: &Edit<'_>) -> bool {
    const PROTECTS: &[&str] = &[
        "deletion protection",
        "prevent destroy",
        "termination protection",
        "delete protection",
        "disable api termination",
        "prevent deletion",
    ];
    (edit.flipped() == Some(false) || edit.is_dropped()) && edit.leaf_says(PROTECTS)
}

fn destructive_policy(edit: &Edit<'_>) -> bool {
    const POLICIES: &[&str] = &[
        "reclaim policy",
        "deletion policy",
        "removal policy",
        "delete policy",
        "ddl auto",
        "hbm ddl",
        "prune policy",
    ];
    let policy = edit.becomes(&["delete", "destroy", "create-drop", "create", "drop"])
        && !edit.old.is_empty()
        && edit.leaf_says(POLICIES);
    let force =
        edit.flipped() == Some(true) && edit.leaf_says(&["force destroy", "delete data", "drop on start"]);
    policy || force
}

fn rate_limit_off(edit: &Edit<'_>) -> bool {
    const THROTTLES: &[&str] = &[
        "rate limit",
        "rate limits",
        "rate limiting",
        "ratelimiter",
        "limit req",
        "limit conn",
        "throttle",
        "throttling",
        "limiter",
        "max requests",
        "requests per second",
        "quota",
        "quotas",
        "rps",
        "max connections",
        "max clients",
    ];
    const OTHERS: &[&str] =
        &["window", "status", "zone", "period", "enabled", "enable", "burst", "log level", "headers"];
    let is_lifted = edit.numbers().is_some_and(|(old, new)| old > 0.0 && new <= 0.0)
        || edit.becomes(&["unlimited", "none", "infinity", "-1", "null"]) && !edit.old.is_empty();
    let is_unlimited = || is_lifted && edit.path_says(THROTTLES) && !edit.leaf_says(OTHERS);
    let is_gone = || edit.is_dropped() && edit.leaf_says(THROTTLES) && !edit.leaf_says(&["headers"]);
    (is_unlimited() || is_gone() || edit.turned_off(THROTTLES))
        && !edit.path_says(&["exception", "exceptions", "exempt"])
}

fn read_only_on(edit: &Edit<'_>) -> bool {
    const STOPS: &[&str] =
        &["read only", "readonly", "maintenance mode", "maintenance", "read only mode", "super read only"];
    edit.flipped() == Some(true)
        && edit.is_about(STOPS)
        && !edit.path_says(&["root", "filesystem", "volume", "mount"])
}

fn debug_on(edit: &Edit<'_>) -> bool {
    const DEBUG: &[&str] = &["debug", "debug mode", "debugging", "display errors", "debug enabled", "xdebug"];
    let level = edit.key_change.kind == KeyChangeKind::Text
        && edit.becomes(&["debug", "trace", "all"])
        && edit.leaf_says(&["level", "log", "loglevel", "verbosity", "default"])
        && edit.path_says(&["log", "logging", "loglevel", "logger", "level"]);
    level || (edit.flipped() == Some(true) && !edit.is_negative() && edit.leaf_says(DEBUG))
}
