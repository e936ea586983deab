//! Rules about guards: what checks, refuses, confines and bounds, whatever it is called.
//!
//! Where the other files know things by name (a probe, a firewall), these know the words of guarding itself.

use rustc_hash::FxHashSet;

use crate::change::{FileStatus, Hunk, KeyChangeKind, LineOrigin};
use crate::policy::hazard::bytes::holds;
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::found::{FileEdits, is_prose};
use crate::policy::hazard::reading::truth;
use crate::policy::hazard::rule::{FileFinding, HazardRule, Look, Sphere, edit_rule};
use crate::policy::reason::ReasonCode;

pub(super) const RULES: &[HazardRule] = &[
    edit_rule(
        "guard_off",
        Sphere::OutsideTests,
        guard_off,
        [
            "A check, a protection or a confinement is switched off or removed",
            "`skip_balance_check: false` → `true`, or `ProtectSystem=strict` removed",
        ],
    )
    .general(),
    edit_rule(
        "risk_allowed",
        Sphere::OutsideTests,
        risk_allowed,
        [
            "Something that destroys, bypasses or trusts blindly is allowed",
            "`allow_pool_delete: false` → `true`",
        ],
    )
    .general(),
    edit_rule(
        "failure_ignored",
        Sphere::OutsideTests,
        failure_ignored,
        [
            "A step that could fail no longer stops anything",
            "`allow_failure: false` → `true`, or `… || true`",
        ],
    ),
    HazardRule {
        name: "commented_out",
        code: ReasonCode::HazardOther,
        sphere: Sphere::OutsideTests,
        sentence: "A job or a service became a comment",
        example: "`0 2 * * * /usr/bin/backup` → `#0 2 * * * /usr/bin/backup`",
        look: Look::File(commented_out),
        is_general: false,
    },
    HazardRule {
        name: "dry_run_off",
        code: ReasonCode::HazardOther,
        sphere: Sphere::OutsideTests,
        sentence: "A command that only said what it would do does it",
        example: "`reap --older-than 730d --dry-run` without `--dry-run`",
        look: Look::File(dry_run_off),
        is_general: false,
    },
];

/// Beginnings of words of what guards; a long one may end a word as well (`gpgcheck`).
const GUARDS: &[&str] = &[
    "alert", "approv", "audit", "auth", "backup", "captcha", "check", "confirm", "csrf", "durab", "encrypt",
    "enforc", "failover", "fatal", "fenc", "fsync", "doublewrite", "guard", "handoff", "heal", "idempoten",
    "integrity", "isolat", "lock", "mask", "mlock", "moderat", "protect", "quarantine", "redact", "rollback",
    "safe", "sandbox", "saniti", "scan", "secur", "signature", "signed", "strict", "syncookies", "throttl",
    "valid", "verif", "virus", "dnssec",
];

/// Words that begin so and guard nothing.
const NO_GUARDS: &[&str] = &[
    "author", "authors", "authored", "authorship", "checkout", "checkouts", "checkbox", "checker", "locker",
    "scanner", "alerts", "block", "blocks", "clock", "unlock", "validity", "sandboxed", "healthy",
];

/// Guards of more than one word.
const GUARD_PHRASES: &[&str] = &[
    "read only root filesystem",
    "leader election",
    "leader elect",
    "no new privileges",
    "private tmp",
    "rp filter",
    "use pam",
    "ignore scripts",
    "notify no data",
    "point in time recovery",
    "errors fatal",
    "dynamic user",
    "http only",
    "login form",
];

/// Lines that confine by standing there.
const CONFINES: &[&str] = &[
    "protect system",
    "protect home",
    "no new privileges",
    "private tmp",
    "private devices",
    "restrict address families",
    "system call filter",
    "capability bounding set",
    "allow users",
    "allow groups",
    "deny users",
    "rename command",
    "seccomp profile",
    "security context",
    "run as non root",
    "x frame options",
    "content security policy",
    "allowed hosts",
    "whitelist source range",
    "load balancer source ranges",
    "permissions boundary",
    "audit log path",
    "read only root filesystem",
    "pod security",
    "pre stop",
    "topology spread constraints",
    "exec start pre",
    "requirepass",
    "caa",
];

/// What a value held that guarded, and does not hold any more.
const HELD: &[&str] = &[
    "nosuid", "noexec", "nodev", "root_squash", "httponly", "samesite", "no-store", "--require-hashes",
    "sha256sum", "cosign verify", "gpg --verify", "--check-signature", "pam_faillock", "podsecurity",
    "$http_authorization",
];

fn guard_off(edit: &Edit<'_>) -> bool {
    const OTHERS: &[&str] = &[
        "update", "updates", "new version", "cache", "url", "interval", "timeout", "release", "health check",
        "tool", "doc", "docs", "color", "icon", "page", "badge", "ui", "ensure",
    ];
    let turns = edit.flipped().is_some_and(|to| to == edit.is_negative());
    let goes =
        || truth(&edit.old) == Some(true) && edit.old != "1" && edit.is_dropped() && !edit.is_negative();
    let guards = || edit.has_stem(GUARDS, NO_GUARDS) || edit.is_about(GUARD_PHRASES);
    // `force_ssl: [hsts: true]` → `false`
    let to_nothing = || {
        truth(&edit.new) == Some(false)
            && !edit.old.is_empty()
            && truth(&edit.old).is_none()
            && !edit.is_negative()
            && edit.numbers().is_none()
    };
    // Nobody without a name gets in any more.
    let of_nobody = || edit.is_about(&["anonymous", "guest", "unauthenticated"]);
    let off = (turns || goes() || to_nothing()) && guards() && !of_nobody() && !edit.leaf_says(OTHERS);
    let gone = || edit.is_dropped() && edit.leaf_says(CONFINES);
    let weaker = || {
        edit.numbers().is_some_and(|(old, new)| old > 0.0 && new == 0.0)
            && edit.leaf_says(&["randomize va space", "rp filter", "syncookies", "kptr restrict"])
    };
    let named_no = || {
        edit.flipped() == Some(false)
            && edit.leaf_says(&["no new privileges", "ignore scripts", "notify no data"])
    };
    let unconfined = || edit.becomes(&["unconfined", "privileged"]) && !edit.old.is_empty();
    let loses = || !edit.new.is_empty() && edit.key_change.kind != KeyChangeKind::Removed && edit.loses(HELD);
    let does_nothing = || {
        edit.becomes(&["/bin/true", "true", ":", "/bin/false"])
            && edit.old.contains(' ')
            && edit.leaf_says(&["command", "cmd", "hook", "script", "exec", "run"])
    };
    // `protected_branches` without one of them.
    let protects_less = || {
        edit.key_change.kind == KeyChangeKind::ListRemove
            && edit.has_stem(&["protect", "immutab"], &["unprotected"])
    };
    off || protects_less() || gone() || weaker() || named_no() || unconfined() || loses() || does_nothing()
}

fn risk_allowed(edit: &Edit<'_>) -> bool {
    const ALLOWS: &[&str] = &["allow", "allows", "permit", "bypass", "force", "trust", "accept"];
    const RISKS: &[&str] = &[
        "destructive", "delete", "deletion", "unsafe", "insecure", "unsigned", "untrusted",
        "unauthenticated", "for testing", "guest", "guest ok", "allowed", "sign up", "everyone",
        "forwarding", "tcp forwarding", "agent forwarding", "gateway ports", "prune", "purge", "truncate",
        "overwrite", "auto create", "auto approve", "auto accept", "automerge", "public ip address",
        "service account token", "apply immediately", "script checks", "recursion", "request body",
        "log bodies", "sql parameters", "empty passwords", "open registration", "ip forward",
        "accept redirects", "accept source route", "trace enable", "requests local",
    ];
    const OTHERS: &[&str] = &[
        "force ssl", "force https", "force tls", "ssl", "tls", "https", "protection", "prevent", "marker",
        "case", "release", "whitespace", "reload", "expansion",
    ];
    let is_dry =
        || edit.flipped() == Some(false) && edit.leaf_says(&["dry run", "dryrun", "noop", "simulate"]);
    let is_said = || edit.flipped() == Some(true) && (edit.leaf_begins(ALLOWS) || edit.is_about(RISKS));
    let replaces = || {
        matches!(edit.key_change.leaf.as_str(), "Replace" | "Force")
            && edit.set_to() == Some(true)
            && edit.path_says(&["sync options", "sync"])
    };
    let runs =
        || !edit.old.is_empty() && edit.gains(&["| bash", "| sh", "|bash", "no_root_squash", " nullok"]);
    is_said() && !edit.leaf_says(OTHERS) || is_dry() || replaces() || runs()
}

fn failure_ignored(edit: &Edit<'_>) -> bool {
    const OPTIONAL: &[&str] = &[
        "optional", "allow failure", "continue on error", "ignore errors", "ignore failures", "soft fail",
        "fail open", "fallthrough on error", "failure tolerated", "ignore failure",
    ];
    const STOPS: &[&str] = &[
        "fail fast",
        "fail on error",
        "exit on error",
        "abort on failure",
        "halt on failure",
        "exit on out of memory error",
        "crash on out of memory error",
    ];
    const COMMANDS: &[&str] = &[
        "|| true", "|| :", "--exit-code 0", "--exit-zero", "--no-fail", "--soft-fail", "--no-verify",
        "set +e",
    ];
    let is_command = matches!(edit.key_change.kind, KeyChangeKind::Text | KeyChangeKind::Added);
    let ignored = || edit.set_to() == Some(true) && edit.leaf_says(OPTIONAL);
    let on_failure = || edit.flipped() == Some(false) && edit.leaf_says(STOPS);
    let of_command = || is_command && !edit.old.is_empty() && edit.gains(COMMANDS);
    ignored() || on_failure() || of_command() || stops_no_more(edit)
}

/// What ends a script where something failed.
pub(super) const STOPS: &[&str] = &["set -e", "set -o errexit", "exit 1"];

/// Whether a line of a script went that ended it where something failed, alone, and no other such line came.
fn stops_no_more(edit: &Edit<'_>) -> bool {
    edit.key_change.kind == KeyChangeKind::Removed
        && STOPS.iter().any(|stop| edit.old.starts_with(stop))
        && edit.goes_alone()
        && !edit.comes_as(STOPS)
}

/// A line that went and came back behind the mark of a comment, where lines are jobs or services.
fn commented_out(file_edits: &FileEdits<'_>) -> Option<FileFinding> {
    const PLACES: &[&str] = &["cron", "sudoers", "pam.d", "etc/hosts", "monit", "inittab", "exports"];
    let file_diff = file_edits.file_diff;
    let path = file_diff.path();
    if is_prose(file_diff) || path.ends_with(".yaml") || !PLACES.iter().any(|place| path.contains(place)) {
        return None;
    }
    let is_out = |hunk: &Hunk| {
        let of = |origin| hunk.lines.iter().filter(move |line| line.origin == origin);
        let gone: FxHashSet<&str> = of(LineOrigin::Deleted).map(|line| line.text.trim()).collect();
        of(LineOrigin::Added).any(|line| {
            let inner = line.text.trim_start().strip_prefix('#').map(str::trim);
            inner.is_some_and(|inner| !inner.is_empty() && gone.contains(inner))
        })
    };
    let found = file_diff.hunks().iter().any(is_out);
    found.then(|| FileFinding { key: "", what: "a line behind a `#`".to_owned() })
}

fn dry_run_off(file_edits: &FileEdits<'_>) -> Option<FileFinding> {
    const OPTIONS: &[&str] = &["--dry-run", "--dryrun", "--dry_run", "--noop", "--simulate"];
    let file_diff = file_edits.file_diff;
    // A look for two signs settles nearly every line.
    let option_in = |text: &str| {
        holds(text, "--").then(|| OPTIONS.iter().find(|option| text.contains(**option))).flatten()
    };
    let first = |origin| {
        let mut lines = file_diff.changed_lines().filter(move |line| line.origin == origin);
        lines.find_map(|line| option_in(&line.text))
    };
    if is_prose(file_diff) || file_diff.status != FileStatus::Modified {
        return None;
    }
    let option = first(LineOrigin::Deleted).filter(|_| first(LineOrigin::Added).is_none())?;
    Some(FileFinding { key: "", what: format!("no `{option}`") })
}
