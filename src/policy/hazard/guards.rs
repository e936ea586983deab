//! Rules about guards: what checks, refuses, confines and bounds, whatever it is called.
//!
//! Where the other files know things by name (a probe, a firewall), these know the words of guarding itself, and values that
//! say by themselves that something was given up.

use rustc_hash::FxHashSet;

use crate::change::{Hunk, KeyChangeKind, LineOrigin, changed_word};
use crate::policy::hazard::edit::{Edit, truth};
use crate::policy::hazard::found::{FileEdits, is_prose};
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
        "enforcement_weakened",
        Sphere::OutsideTests,
        enforcement_weakened,
        ["What was refused or required is only noted, or let pass", "`failurePolicy: Fail` → `Ignore`"],
    )
    .general(),
    edit_rule(
        "set_to_none",
        Sphere::OutsideTests,
        set_to_none,
        ["What was chosen becomes nothing, nobody or never", "`tls_reqcert: demand` → `never`"],
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
    edit_rule(
        "credentials_weakened",
        Sphere::OutsideTests,
        credentials_weakened,
        [
            "Passwords, keys or sessions are easier to guess or good for much longer",
            "`min_password_length: 12` → `4`",
        ],
    ),
    edit_rule(
        "browser_guard_off",
        Sphere::OutsideTests,
        browser_guard_off,
        [
            "What tells a browser to refuse goes away, or visitors may bring what runs",
            "`script-src 'self'` → `'self' 'unsafe-inline'`",
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
];

/// Beginnings of words of what guards; a long one may end a word as well (`gpgcheck`).
const GUARDS: &[&str] = &[
    "alert",
    "approv",
    "audit",
    "auth",
    "backup",
    "captcha",
    "check",
    "confirm",
    "csrf",
    "durab",
    "encrypt",
    "enforc",
    "failover",
    "fatal",
    "fenc",
    "fsync",
    "doublewrite",
    "guard",
    "handoff",
    "heal",
    "idempoten",
    "integrity",
    "isolat",
    "lock",
    "mask",
    "mlock",
    "moderat",
    "protect",
    "quarantine",
    "redact",
    "rollback",
    "safe",
    "sandbox",
    "saniti",
    "scan",
    "secur",
    "signature",
    "signed",
    "strict",
    "syncookies",
    "throttl",
    "valid",
    "verif",
    "virus",
    "dnssec",
];

/// Words that begin so and guard nothing.
const NO_GUARDS: &[&str] = &[
    "author",
    "authors",
    "authored",
    "authorship",
    "checkout",
    "checkouts",
    "checkbox",
    "checker",
    "locker",
    "scanner",
    "alerts",
    "block",
    "blocks",
    "clock",
    "unlock",
    "validity",
    "sandboxed",
    "healthy",
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
    "nosuid",
    "noexec",
    "nodev",
    "root_squash",
    "httponly",
    "samesite",
    "no-store",
    "--require-hashes",
    "sha256sum",
    "cosign verify",
    "gpg --verify",
    "--check-signature",
    "pam_faillock",
    "podsecurity",
    "$http_authorization",
];

fn guard_off(edit: &Edit<'_>) -> bool {
    const OTHERS: &[&str] = &[
        "update",
        "updates",
        "new version",
        "cache",
        "url",
        "interval",
        "timeout",
        "release",
        "health check",
        "tool",
        "doc",
        "docs",
        "color",
        "icon",
        "page",
        "badge",
        "ui",
        "ensure",
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
    let off = (turns || goes() || to_nothing()) && guards() && !edit.leaf_says(OTHERS);
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
    let loses = || {
        let held = HELD.iter().any(|it| edit.old.contains(it) && !edit.new.contains(it));
        held && !edit.new.is_empty() && edit.key_change.kind != KeyChangeKind::Removed
    };
    let does_nothing = || {
        edit.becomes(&["/bin/true", "true", ":", "/bin/false"])
            && edit.old.contains(' ')
            && edit.leaf_says(&["command", "cmd", "hook", "script", "exec", "run"])
    };
    off || gone() || weaker() || named_no() || unconfined() || loses() || does_nothing()
}

fn risk_allowed(edit: &Edit<'_>) -> bool {
    const ALLOWS: &[&str] = &["allow", "allows", "permit", "bypass", "force", "trust", "accept"];
    const RISKS: &[&str] = &[
        "destructive",
        "delete",
        "deletion",
        "unsafe",
        "insecure",
        "unsigned",
        "untrusted",
        "unauthenticated",
        "for testing",
        "guest",
        "guest ok",
        "allowed",
        "sign up",
        "everyone",
        "forwarding",
        "tcp forwarding",
        "agent forwarding",
        "gateway ports",
        "prune",
        "purge",
        "truncate",
        "overwrite",
        "auto create",
        "auto approve",
        "auto accept",
        "automerge",
        "public ip address",
        "service account token",
        "apply immediately",
        "script checks",
        "recursion",
        "request body",
        "log bodies",
        "sql parameters",
        "empty passwords",
        "open registration",
        "ip forward",
        "accept redirects",
        "accept source route",
        "trace enable",
        "requests local",
    ];
    const OTHERS: &[&str] = &[
        "force ssl",
        "force https",
        "force tls",
        "ssl",
        "tls",
        "https",
        "protection",
        "prevent",
        "marker",
        "case",
        "release",
        "whitespace",
        "reload",
        "expansion",
    ];
    let is_dry =
        || edit.flipped() == Some(false) && edit.leaf_says(&["dry run", "dryrun", "noop", "simulate"]);
    let is_said = || edit.flipped() == Some(true) && (edit.leaf_begins(ALLOWS) || edit.is_about(RISKS));
    let runs =
        || !edit.old.is_empty() && edit.gains(&["| bash", "| sh", "|bash", "no_root_squash", " nullok"]);
    is_said() && !edit.leaf_says(OTHERS) || is_dry() || runs()
}

/// The word that an edit of a value is about: the value itself, or the one word of it that changed.
fn weighed<'a>(edit: &'a Edit<'_>) -> Option<(&'a str, &'a str)> {
    if edit.old.is_empty() || edit.new.is_empty() {
        return None;
    }
    let has_words = |value: &str| value.contains(' ');
    if !has_words(&edit.old) && !has_words(&edit.new) {
        return Some((&edit.old, &edit.new));
    }
    changed_word(&edit.old, &edit.new).map(|word| (word.old, word.new))
}

/// A value without what a notation puts around it: `:verify_none`, `{ any; }`, `"deny"`.
fn bare(value: &str) -> &str {
    value.trim_matches(|c: char| !(c.is_alphanumeric() || c == '_'))
}

fn enforcement_weakened(edit: &Edit<'_>) -> bool {
    const STRONG: &[&str] = &[
        "block",
        "deny",
        "denied",
        "drop",
        "reject",
        "refuse",
        "forbid",
        "enforce",
        "enforced",
        "enforcing",
        "fail",
        "require",
        "required",
        "requisite",
        "demand",
        "hard",
        "strict",
        "restricted",
        "mandatory",
        "challenge",
        "quarantine",
        "sameorigin",
        "manual",
        "stop",
        "halt",
        "abort",
        "pause_minority",
        "redirect-to-https",
    ];
    const WEAK: &[&str] = &[
        "log",
        "allow",
        "allowall",
        "accept",
        "count",
        "audit",
        "warn",
        "ignore",
        "pass",
        "detect",
        "detectiononly",
        "monitor",
        "permissive",
        "dryrun",
        "report",
        "simulate",
        "simulation",
        "optional",
        "sufficient",
        "prefer",
        "always",
        "on_success",
        "continue",
        "allow-all",
        "soft",
        "baseline",
        "privileged",
    ];
    const OTHERS: &[&str] = &["log level", "level", "label", "type", "name", "class", "style"];
    let Some((old, new)) = weighed(edit) else { return false };
    let (old, new) = (bare(old), bare(new));
    let detects_only = new == "detectiononly" && truth(old) == Some(true);
    let is_dry = matches!(new, "dry-run" | "report-only" | "log-only" | "detection-only" | "audit-only");
    let is_weaker = STRONG.contains(&old) && (WEAK.contains(&new) || is_dry);
    (is_weaker || detects_only) && !edit.leaf_says(OTHERS)
}

fn set_to_none(edit: &Edit<'_>) -> bool {
    const NOTHING: &[&str] = &["none", "never", "nobody", "disabled", "disable", "off", "no", "cache_none"];
    const OTHERS: &[&str] = &[
        "theme",
        "align",
        "border",
        "display",
        "style",
        "owner",
        "parent",
        "label",
        "annotation",
        "log",
        "level",
        "color",
        "decoration",
        "progress",
        "output",
        "format",
        "default",
        "resource policy",
        "comment",
        "title",
        "milestone",
        "affinity",
        "cluster ip",
        "ddl auto",
        "src",
    ];
    const OFF_BEFORE: &[&str] =
        &["null", "false", "off", "no", "none", "never", "disabled", "~", "undefined"];
    let Some((old, new)) = weighed(edit) else { return false };
    let (old, new) = (bare(old), bare(new));
    let is_nothing = NOTHING.contains(&new) || (new.ends_with("_none") && !old.ends_with("_none"));
    (is_nothing || new == "down" && edit.key_change.leaf == "server")
        && edit.key_change.kind != KeyChangeKind::Secret
        && !old.is_empty()
        && truth(old).is_none()
        && !edit.old.contains("-src ")
        && !OFF_BEFORE.contains(&old)
        && !edit.leaf_says(OTHERS)
}

fn failure_ignored(edit: &Edit<'_>) -> bool {
    const OPTIONAL: &[&str] = &[
        "optional",
        "allow failure",
        "continue on error",
        "ignore errors",
        "ignore failures",
        "soft fail",
        "fail open",
        "fallthrough on error",
        "failure tolerated",
        "ignore failure",
    ];
    const STOPS: &[&str] =
        &["fail fast", "fail on error", "exit on error", "abort on failure", "halt on failure"];
    const COMMANDS: &[&str] = &[
        "|| true",
        "|| :",
        "--exit-code 0",
        "--exit-zero",
        "--no-fail",
        "--soft-fail",
        "--no-verify",
        "set +e",
    ];
    let is_command = matches!(edit.key_change.kind, KeyChangeKind::Text | KeyChangeKind::Added);
    let ignored = || edit.set_to() == Some(true) && edit.leaf_says(OPTIONAL);
    let on_failure = || edit.flipped() == Some(false) && edit.leaf_says(STOPS);
    let of_command = || is_command && !edit.old.is_empty() && edit.gains(COMMANDS);
    ignored() || on_failure() || of_command()
}

fn credentials_weakened(edit: &Edit<'_>) -> bool {
    const STRENGTH: &[&str] = &[
        "password length",
        "min length",
        "minlen",
        "bcrypt rounds",
        "bcrypt cost",
        "hash rounds",
        "iterations",
        "key length",
        "key size",
        "key bits",
        "password history",
        "entropy",
    ];
    const TRIES: &[&str] =
        &["auth tries", "max tries", "login attempts", "max failures", "lockout", "failed logins"];
    const LIVES: &[&str] = &["token", "session", "cookie", "jwt", "access token", "password", "credential"];
    const SPANS: &[&str] = &[
        "ttl",
        "age",
        "lifetime",
        "expiry",
        "expires",
        "expiration",
        "expire",
        "timeout",
        "validity",
        "duration",
        "exp",
        "max age",
    ];
    const ALGORITHMS: &[&str] = &["alg", "algorithm", "algorithms", "jwt algorithm", "signing method"];
    let is_new = edit.key_change.kind == KeyChangeKind::ListAdd || !edit.old.is_empty();
    if is_new && edit.becomes(&["none", "hs256", "md5"]) && edit.leaf_says(ALGORITHMS) {
        return true;
    }
    let Some((old, new)) = edit.numbers().filter(|(old, _)| *old > 0.0) else { return false };
    let weaker = new >= 0.0 && new <= 0.7 * old && edit.leaf_says(STRENGTH);
    let more_tries = (new >= 10.0 * old || new == 0.0) && edit.leaf_says(TRIES);
    let lives_on = edit.seconds().is_some_and(|(old, new)| new >= 24.0 * old && new >= 86_400.0)
        && edit.path_says(LIVES)
        && edit.leaf_says(SPANS);
    weaker || more_tries || lives_on
}

fn browser_guard_off(edit: &Edit<'_>) -> bool {
    const COOKIES: &[&str] = &["httponly", "http only", "cookie httponly", "cookie secure", "secure cookie"];
    const LOOSE: &[&str] =
        &["'unsafe-inline'", "'unsafe-eval'", "unsafe-eval", "unsafe-inline", "samesite=none"];
    const HEADERS: &[&str] =
        &["content security policy", "csp", "script src", "default src", "frame ancestors"];
    let is_any = || {
        edit.path_says(HEADERS)
            && edit.new.split([' ', ';', '"', '\'']).any(|word| word == "*")
            && !edit.old.split([' ', ';', '"', '\'']).any(|word| word == "*")
            && !edit.old.is_empty()
    };
    const RUNS: &[&str] = &["php", "phtml", "html", "htm", "exe", "js", "jsp", "sh", "svg"];
    let comes = || {
        let is_new = edit.key_change.kind == KeyChangeKind::ListAdd && RUNS.contains(&bare(&edit.new));
        is_new && edit.leaf_says(&["extensions", "file extensions", "file types", "mime types"])
    };
    edit.turned_off(COOKIES) || (!edit.old.is_empty() && edit.gains(LOOSE)) || is_any() || comes()
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
