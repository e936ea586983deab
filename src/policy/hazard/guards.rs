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
pub(super) const GUARDS: &[&str] = &[
    "alert", "approv", "audit", "auth", "backup", "captcha", "check", "confirm", "csrf", "durab", "encrypt",
    "enforc", "failover", "fatal", "fenc", "fsync", "doublewrite", "guard", "handoff", "heal", "idempoten",
    "integrity", "isolat", "lock", "mask", "mlock", "moderat", "protect", "quarantine", "redact", "rollback",
    "safe", "sandbox", "saniti", "scan", "secur", "signature", "signed", "strict", "syncookies", "throttl",
    "valid", "verif", "virus", "dnssec",
];

/// Words that begin so and guard nothing.
pub(super) const NO_GUARDS: &[&str] = &[
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

fn guard_off(edit: &Edit<'_>) -> bool {
    is_switched_off(edit)
        || protects_less(edit)
        || confines_no_more(edit)
        || hardens_no_more(edit)
        || is_unconfined(edit)
        || holds_no_more(edit)
        || does_nothing(edit)
}

/// Whether a switch of what guards is turned off, goes, or takes the place of what was set in detail.
fn is_switched_off(edit: &Edit<'_>) -> bool {
    const OTHERS: &[&str] = &[
        "update", "updates", "new version", "cache", "url", "interval", "timeout", "release", "health check",
        "tool", "doc", "docs", "color", "icon", "page", "badge", "ui", "ensure", "auth debug",
    ];
    let turns = edit.flipped().is_some_and(|to| edit.is_off_side(to));
    let goes =
        || truth(&edit.old) == Some(true) && edit.old != "1" && edit.is_dropped() && !edit.is_negative();
    let guards = || edit.has_stem(GUARDS, NO_GUARDS) || edit.is_about(GUARD_PHRASES);
    // Nobody without a name gets in any more.
    let of_nobody = || edit.is_about(&["anonymous", "guest", "unauthenticated"]);
    (turns || goes() || becomes_nothing(edit)) && guards() && !of_nobody() && !edit.leaf_says(OTHERS)
}

/// `force_ssl: [hsts: true]` → `false`
fn becomes_nothing(edit: &Edit<'_>) -> bool {
    truth(&edit.new) == Some(false)
        && !edit.old.is_empty()
        && truth(&edit.old).is_none()
        && !edit.is_negative()
        && edit.numbers().is_none()
}

/// `protected_branches` without one of them.
fn protects_less(edit: &Edit<'_>) -> bool {
    edit.key_change.kind == KeyChangeKind::ListRemove
        && edit.has_stem(&["protect", "immutab"], &["unprotected"])
}

/// Whether a line goes that confines by standing there.
fn confines_no_more(edit: &Edit<'_>) -> bool {
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
    edit.is_dropped() && edit.leaf_says(CONFINES)
}

/// Whether a protection of the kernel falls to zero: `kernel.randomize_va_space = 2` → `0`.
fn hardens_no_more(edit: &Edit<'_>) -> bool {
    edit.numbers().is_some_and(|(old, new)| old > 0.0 && new == 0.0)
        && edit.leaf_says(&["randomize va space", "rp filter", "syncookies", "kptr restrict"])
}

/// Whether a profile that confined becomes one that does not: `unconfined`.
fn is_unconfined(edit: &Edit<'_>) -> bool {
    edit.becomes(&["unconfined", "privileged"]) && !edit.old.is_empty()
}

/// Whether a value held something that guarded, and does not hold it any more.
fn holds_no_more(edit: &Edit<'_>) -> bool {
    const HELD: &[&str] = &[
        "nosuid", "noexec", "nodev", "root_squash", "httponly", "samesite", "no-store", "--require-hashes",
        "sha256sum", "cosign verify", "gpg --verify", "--check-signature", "pam_faillock", "podsecurity",
        "$http_authorization",
    ];
    !edit.new.is_empty() && edit.key_change.kind != KeyChangeKind::Removed && edit.loses(HELD)
}

/// Whether a command became one that does nothing: `/usr/bin/verify --all` → `/bin/true`.
fn does_nothing(edit: &Edit<'_>) -> bool {
    edit.becomes(&["/bin/true", "true", ":", "/bin/false"])
        && edit.old.contains(' ')
        && edit.leaf_says(&["command", "cmd", "hook", "script", "exec", "run"])
}

fn risk_allowed(edit: &Edit<'_>) -> bool {
    is_allowed(edit) || is_dry_no_more(edit) || replaces_always(edit) || runs_blindly(edit)
}

/// Whether a switch of something that destroys, bypasses or trusts is turned on.
fn is_allowed(edit: &Edit<'_>) -> bool {
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
        "case", "release", "whitespace", "reload", "expansion", "firewall", "isolation",
    ];
    (edit.flipped() == Some(true) && edit.leaf_begins(ALLOWS) || edit.turned_on(RISKS))
        && !edit.leaf_says(OTHERS)
}

/// Whether what only said what it would do does it: `dry_run: true` → `false`.
fn is_dry_no_more(edit: &Edit<'_>) -> bool {
    edit.flipped().is_some_and(|to| to == edit.is_inverted())
        && edit.leaf_says(&["dry run", "dryrun", "noop", "simulate"])
}

/// Whether Argo CD deletes and makes anew what it brings up to date: `Replace=true` among its options.
fn replaces_always(edit: &Edit<'_>) -> bool {
    matches!(edit.key_change.leaf.as_str(), "Replace" | "Force")
        && edit.set_to() == Some(true)
        && edit.path_says(&["sync options", "sync"])
}

/// Whether whatever was loaded is run, a root elsewhere is root here, or an empty password is one.
fn runs_blindly(edit: &Edit<'_>) -> bool {
    !edit.old.is_empty() && edit.gains(&["| bash", "| sh", "|bash", "no_root_squash", " nullok"])
}

fn failure_ignored(edit: &Edit<'_>) -> bool {
    may_fail(edit) || goes_on(edit) || swallows_failure(edit) || stops_no_more(edit)
}

/// Whether a step may fail: `allow_failure: true`.
fn may_fail(edit: &Edit<'_>) -> bool {
    const OPTIONAL: &[&str] = &[
        "optional", "allow failure", "continue on error", "ignore errors", "ignore failures", "soft fail",
        "fail open", "fallthrough on error", "failure tolerated", "ignore failure",
    ];
    edit.set_to() == Some(true) && edit.leaf_says(OPTIONAL)
}

/// Whether a failure no longer ends what it is in: `fail_fast: true` → `false`.
fn goes_on(edit: &Edit<'_>) -> bool {
    const ENDS: &[&str] = &[
        "fail fast",
        "fail on error",
        "exit on error",
        "abort on failure",
        "halt on failure",
        "exit on out of memory error",
        "crash on out of memory error",
    ];
    edit.flipped() == Some(false) && edit.leaf_says(ENDS)
}

/// Whether a command says it went well whatever happened: `… || true`.
fn swallows_failure(edit: &Edit<'_>) -> bool {
    const COMMANDS: &[&str] = &[
        "|| true", "|| :", "--exit-code 0", "--exit-zero", "--no-fail", "--soft-fail", "--no-verify",
        "set +e",
    ];
    let is_command = || !edit.new.has_any(&["|| true"]) || !is_either(edit);
    matches!(edit.key_change.kind, KeyChangeKind::Text | KeyChangeKind::Added)
        && !edit.old.is_empty()
        && edit.gains(COMMANDS)
        && is_command()
}

/// Whether a value is one expression, in which `|| true` is no command: `${{ inputs.draft || true }}`.
fn is_either(edit: &Edit<'_>) -> bool {
    let inner = edit.new.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"));
    inner.is_some_and(|inner| !inner.contains(['{', '}', ';', '\n']))
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
    let is_on = |text: &str, option: &str| {
        let mut rests = text.match_indices(option).filter_map(|(at, _)| text.get(at + option.len()..));
        rests.any(|rest| !["=false", "=no", "=off"].iter().any(|off| rest.starts_with(off)))
    };
    let option_in =
        |text: &str| holds(text, "--").then(|| OPTIONS.iter().find(|option| is_on(text, option))).flatten();
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
