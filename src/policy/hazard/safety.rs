//! Rules about what catches a fall: backups, protections, throttles.

use crate::change::KeyChangeKind;
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::place::Place;
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};
use crate::policy::hazard::words::{says, spaced};

pub(super) const RULES: &[HazardRule] = &[
    edit_rule(
        "safety_net_off",
        Sphere::OutsideTests,
        safety_net_off,
        [
            "What heals a system or keeps what failed is switched off or removed",
            "`circuit_breaker_enabled: true` → `false`, or a dead letter queue removed",
        ],
    ),
    edit_rule(
        "backup_off",
        Sphere::OutsideTests,
        backup_off,
        ["A backup is switched off or removed", "`backup.enabled: true` → `false`"],
    ),
    edit_rule(
        "durability_off",
        Sphere::OutsideTests,
        durability_off,
        ["A write is acknowledged before it is safe on disk, or goes to a replica", "`fsync = on` → `off`"],
    ),
    edit_rule(
        "retention_cut",
        Sphere::OutsideTests,
        retention_cut,
        ["Something is kept at most a quarter as long, or not at all", "`retention_days: 30` → `1`"],
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
        ["Data goes when its owner goes, or when space is short", "`reclaimPolicy: Retain` → `Delete`"],
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
        ["Debugging is switched on, or production is told that it is a test", "`log_level: info` → `debug`"],
    ),
];

fn safety_net_off(edit: &Edit<'_>) -> bool {
    const NETS: &[&str] = &[
        "circuit breaker", "circuit breakers", "failover", "fail over", "multi az", "auto repair",
        "auto healing", "autohealing", "auto recovery", "outlier detection", "load shedding", "backpressure",
        "autovacuum", "jitter", "backoff", "exponential backoff", "dead letter", "dead letter queue", "dlq",
    ];
    const REMOVED: &[&str] =
        &["dead letter", "redrive policy", "dlq", "outlier detection", "circuit breaker", "circuit breakers"];
    let stays_down = edit.becomes(&["no", "never"])
        && matches!(edit.old.as_ref(), "always" | "on-failure" | "onfailure" | "unless-stopped")
        && edit.leaf_says(&["restart", "restart policy"]);
    let never_opens = edit.numbers().is_some_and(|(old, new)| old < 100.0 && new >= 100.0)
        && edit.leaf_says(&[
            "failure rate threshold",
            "error rate threshold",
            "error threshold percentage",
            "max ejection percent",
        ]);
    let stopped = edit.becomes(&["stopped"]) && edit.old == "running" && edit.leaf_says(&["ensure", "state"]);
    let suspends = edit.key_change.kind == KeyChangeKind::ListAdd && edit.leaf_says(&["suspended processes"]);
    edit.turned_off(NETS)
        || stays_down
        || never_opens
        || stopped
        || suspends
        || (edit.is_dropped() && edit.leaf_says(REMOVED))
}

fn backup_off(edit: &Edit<'_>) -> bool {
    const BACKUPS: &[&str] = &[
        "backup", "backups", "automated snapshot", "snapshots", "point in time recovery", "final snapshot",
        "skip final snapshot", "archive mode", "wal archiving", "versioning", "dump", "dumps",
    ];
    let is_one =
        |edit: &Edit<'_>| matches!(edit.key_change.leaf.as_str(), "backup" | "backups" | "backup_schedule");
    let is_suspended = edit.becomes(&["suspended"]) && edit.path_says(&["versioning"]);
    const TOOLS: &[&str] =
        &["backup", "velero", "restic", "borg", "pgbackrest", "barman", "bacula", "snapshot"];
    let of_backups = || TOOLS.iter().any(|tool| edit.file_diff.path().contains(tool));
    let pauses = || {
        let is_off = edit.flipped().is_some_and(|to| edit.is_off_side(to));
        is_off && edit.leaf_says(&["paused", "suspend", "suspended", "enabled", "disabled"]) && of_backups()
    };
    let leaves_out = || {
        edit.key_change.kind == KeyChangeKind::ListRemove
            && edit
                .leaf_says(&["source directories", "included namespaces", "paths", "databases", "includes"])
            && of_backups()
    };
    edit.turned_off(BACKUPS)
        || is_suspended
        || pauses()
        || leaves_out()
        || (edit.is_dropped() && is_one(edit))
}

fn durability_off(edit: &Edit<'_>) -> bool {
    const WRITES: &[&str] = &[
        "fsync", "synchronous commit", "full page writes", "semi sync", "appendonly", "append only",
        "journal enabled", "appendfsync", "persistent", "durable",
    ];
    let is_lazy =
        edit.becomes(&["0", "2"]) && edit.old == "1" && edit.leaf_says(&["flush log at trx commit"]);
    let is_unacknowledged =
        edit.becomes(&["0", "1"]) && matches!(edit.old.as_ref(), "all" | "-1") && edit.leaf_says(&["acks"]);
    let is_unsynced = edit.becomes(&["0"]) && edit.old == "1" && edit.leaf_says(&["sync binlog"]);
    let is_unclean = edit.flipped() == Some(true) && edit.leaf_says(&["unclean leader election"]);
    let is_unlogged = edit.becomes(&["minimal"]) && edit.leaf_says(&["wal level"]);
    // A replica that takes writes is none any more.
    let is_writable = edit.turned_off(&["read only", "super read only"])
        && (["replica", "slave", "standby", "secondary"]
            .iter()
            .any(|word| edit.file_diff.path().contains(word))
            || edit.leaf_says(&["replica read only", "slave read only"]));
    let is_unsaved = edit.key_change.leaf == "save"
        && !matches!(edit.old.as_ref(), "" | "\"\"")
        && matches!(edit.new.as_ref(), "" | "\"\"")
        && edit.key_change.new.is_some();
    let is_edited = !edit.old.is_empty() || edit.key_change.kind == KeyChangeKind::ListAdd;
    let unordered = is_edited && edit.gains(&["barrier=0", "nobarrier", "data=writeback", "eatmydata"]);
    let reads_dirty = edit.becomes(&["read_uncommitted", "read-uncommitted", "read uncommitted"]);
    edit.turned_off(WRITES)
        || unordered
        || reads_dirty
        || is_unsaved
        || is_lazy
        || is_unacknowledged
        || is_unsynced
        || is_unclean
        || is_unlogged
        || is_writable
}

fn retention_cut(edit: &Edit<'_>) -> bool {
    edit.numbers().is_some_and(|(old, new)| old > 0.0 && new >= 0.0 && new <= old / 4.0)
        && edit.is_about(&[
            "retention", "retain", "keep", "retention days", "retention period", "keep days", "max age days",
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
        "requires name",
    ];
    const KEEPS: &[&str] = &["deletion policy", "update replace policy", "resource policy", "removal policy"];
    let is_gone = edit.is_dropped_with(&["lifecycle"]);
    let keeps_no_more = matches!(edit.old.as_ref(), "retain" | "keep" | "snapshot") && edit.leaf_says(KEEPS);
    let to_nothing = !edit.old.is_empty() && matches!(edit.new.as_ref(), "null" | "!true" | "nil");
    edit.turned_off(PROTECTS)
        || edit.gains(&["--no-deletion-protection", "--no-termination-protection"])
        || keeps_no_more && is_gone
        || to_nothing && edit.leaf_says(PROTECTS)
        || (is_gone && edit.leaf_says(PROTECTS))
}

fn destructive_policy(edit: &Edit<'_>) -> bool {
    const POLICIES: &[&str] = &[
        "reclaim policy", "deletion policy", "removal policy", "delete policy", "ddl auto", "hbm ddl",
        "prune policy",
    ];
    let alters =
        edit.becomes(&["update"]) && !edit.old.is_empty() && edit.leaf_says(&["ddl auto", "hbm ddl"]);
    // What is deleted is no longer told by its name.
    let all_expire = matches!(
        edit.key_change.leaf.as_str(),
        "matchesPrefix" | "matchesSuffix" | "prefix" | "Prefix" | "filter" | "Filter"
    ) && (edit.is_dropped() || edit.leaves_list())
        && (edit.path_says(&["lifecycle"]) || edit.file_diff.path().contains("lifecycle"));
    let made_anew = edit.gains(&["create-drop", "removalpolicy.destroy"]) && !edit.old.is_empty();
    let kept_no_more = edit.becomes(&["delete", "destroy", "drop"])
        && matches!(edit.old.as_ref(), "retain" | "keep" | "orphan" | "snapshot");
    let policy = edit.becomes(&["delete", "destroy", "create-drop", "create", "drop"])
        && !edit.old.is_empty()
        && edit.leaf_says(POLICIES);
    let force =
        edit.flipped() == Some(true) && edit.leaf_says(&["force destroy", "delete data", "drop on start"]);
    let evicts = edit.old == "noeviction" && !edit.new.is_empty() && edit.leaf_says(&["maxmemory policy"]);
    let refuses_writes =
        edit.becomes(&["noeviction"]) && !edit.old.is_empty() && edit.leaf_says(&["maxmemory policy"]);
    policy
        || kept_no_more
        || made_anew
        || all_expire
        || force
        || evicts
        || alters
        || refuses_writes
        || edit.turned_off(&["persistence"])
}

fn rate_limit_off(edit: &Edit<'_>) -> bool {
    const THROTTLES: &[&str] = &[
        "rate limit", "rate limits", "rate limiting", "ratelimiter", "limit req", "limit conn", "throttle",
        "throttling", "limiter", "max requests", "requests per second", "requests per minute", "quota",
        "quotas", "rps", "max connections", "max clients",
    ];
    const OTHERS: &[&str] =
        &["window", "status", "zone", "period", "enabled", "enable", "burst", "log level", "headers"];
    let is_lifted = edit.numbers().is_some_and(|(old, new)| old > 0.0 && new <= 0.0)
        || edit.becomes(&["unlimited", "none", "infinity", "-1", "null"]) && !edit.old.is_empty();
    let is_bound = || edit.path_says(THROTTLES) || edit.leaf_says(&["body size"]);
    let is_unlimited = || is_lifted && is_bound() && !edit.leaf_says(OTHERS);
    let is_gone = || edit.is_dropped() && edit.leaf_says(THROTTLES) && !edit.leaf_says(&["headers"]);
    // An entry of a list that is one, and a switch that came alone into one that was there.
    let is_entry_gone = || {
        edit.key_change.kind == KeyChangeKind::Removed
            && edit.key_change.leaf == "name"
            && edit.old.has_any(&["limit", "throttl"])
            && says(&spaced(&edit.old), THROTTLES)
            && !edit.comes_elsewhere("name")
    };
    let is_switched_off = || {
        edit.key_change.kind == KeyChangeKind::Added
            && edit.set_to() == Some(false)
            && edit.is_one_new_line()
            && edit.path_says(THROTTLES)
    };
    (is_unlimited() || is_gone() || is_entry_gone() || is_switched_off() || edit.turned_off(THROTTLES))
        && !edit.path_says(&["exception", "exceptions", "exempt"])
}

fn read_only_on(edit: &Edit<'_>) -> bool {
    const STOPS: &[&str] = &[
        "read only", "readonly", "maintenance mode", "maintenance", "read only mode", "super read only",
        "kill switch",
    ];
    let with_reason = || {
        matches!(edit.old.as_ref(), "null" | "false")
            && !matches!(edit.new.as_ref(), "" | "null" | "false" | "0" | "no" | "off")
    };
    let is_on = edit.flipped() == Some(true);
    let stops = (is_on || with_reason()) && edit.is_about(STOPS) && !edit.is_negative();
    (stops || edit.turned_off(&["write", "writes"]))
        && !edit.path_says(&["root", "filesystem", "volume", "mount"])
}

fn debug_on(edit: &Edit<'_>) -> bool {
    const DEBUG: &[&str] = &[
        "debug", "debug mode", "debugging", "display errors", "debug enabled", "xdebug",
        "show exception details", "include stacktrace",
    ];
    // What is there so that somebody may try things.
    const PRETENDS: &[&str] = &[
        "mock", "mocks", "fake", "dummy", "stub", "stubs", "test login", "test mode", "test user",
        "test users", "test accounts", "demo accounts", "demo users", "demo data", "seed demo",
        "sandbox mode",
    ];
    let level = edit.key_change.kind == KeyChangeKind::Text
        && edit.becomes(&["debug", "trace", "all"])
        && edit.leaf_says(&["level", "log", "loglevel", "verbosity", "default"])
        && edit.path_says(&["log", "logging", "loglevel", "logger", "level"]);
    let environment = edit.leaf_says(&["env", "environment", "mode", "stage"])
        && Place::of_text(&edit.old) == Place::Production
        && Place::of_text(&edit.new) == Place::Test;
    let secrets_logged = edit.flipped() == Some(false) && edit.leaf_says(&["no log"]);
    let traces = edit.becomes(&["always"]) && edit.leaf_says(&["include stacktrace"]);
    level
        || environment
        || traces
        || secrets_logged
        || (edit.lets() && (edit.leaf_says(DEBUG) || edit.leaf_says(PRETENDS)))
}
