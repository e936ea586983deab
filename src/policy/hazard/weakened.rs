//! Rules about what was given up: values that say by themselves that something is refused, asked or protected less.

use crate::change::{KeyChangeKind, changed_word};
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::reading::truth;
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};

pub(super) const RULES: &[HazardRule] = &[
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
];

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
        "block", "deny", "denied", "drop", "reject", "refuse", "forbid", "enforce", "enforced", "enforcing",
        "fail", "require", "required", "requisite", "demand", "hard", "strict", "restricted", "mandatory",
        "challenge", "quarantine", "sameorigin", "manual", "stop", "halt", "abort", "pause_minority",
        "redirect-to-https",
    ];
    const WEAK: &[&str] = &[
        "log", "allow", "allowall", "accept", "count", "audit", "warn", "ignore", "pass", "detect",
        "detectiononly", "monitor", "permissive", "dryrun", "report", "simulate", "simulation", "optional",
        "sufficient", "prefer", "always", "on_success", "continue", "allow-all", "soft", "baseline",
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
        "theme", "align", "border", "display", "style", "owner", "parent", "label", "annotation", "log",
        "level", "color", "decoration", "progress", "output", "format", "default", "resource policy",
        "comment", "title", "milestone", "affinity", "cluster ip", "ddl auto", "src",
    ];
    const OFF_BEFORE: &[&str] =
        &["null", "false", "off", "no", "none", "never", "disabled", "~", "undefined"];
    const BOUNDS: &[&str] = &["max", "maximum", "limit", "limits", "cap", "quota", "ceiling"];
    let Some((old, new)) = weighed(edit) else { return false };
    let (old, new) = (bare(old), bare(new));
    let was_number = old.starts_with(|c: char| c.is_ascii_digit());
    if was_number
        && matches!(new, "nil" | "null" | "none" | "unlimited" | "undefined")
        && edit.leaf_says(BOUNDS)
    {
        return true;
    }
    let is_nothing = NOTHING.contains(&new) || (new.ends_with("_none") && !old.ends_with("_none"));
    (is_nothing || new == "down" && edit.key_change.leaf == "server")
        && edit.key_change.kind != KeyChangeKind::Secret
        && !old.is_empty()
        && truth(old).is_none()
        && !edit.old.contains("-src ")
        && !OFF_BEFORE.contains(&old)
        && !edit.leaf_says(OTHERS)
}

fn credentials_weakened(edit: &Edit<'_>) -> bool {
    const STRENGTH: &[&str] = &[
        "password length", "min length", "minlen", "bcrypt rounds", "bcrypt cost", "hash rounds",
        "iterations", "key length", "key size", "key bits", "password history", "entropy",
    ];
    const TRIES: &[&str] =
        &["auth tries", "max tries", "login attempts", "max failures", "lockout", "failed logins"];
    const LIVES: &[&str] = &["token", "session", "cookie", "jwt", "access token", "password", "credential"];
    const SPANS: &[&str] = &[
        "ttl", "age", "lifetime", "expiry", "expires", "expiration", "expire", "timeout", "validity",
        "duration", "exp", "max age",
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
    let is_edited = !edit.old.is_empty() || edit.key_change.kind == KeyChangeKind::ListAdd;
    let is_any = || {
        edit.new.split([' ', ';', '"', '\'']).any(|word| word == "*")
            && edit.path_says(HEADERS)
            && !edit.old.split([' ', ';', '"', '\'']).any(|word| word == "*")
            && !edit.old.is_empty()
    };
    const RUNS: &[&str] = &["php", "phtml", "html", "htm", "exe", "js", "jsp", "sh", "svg"];
    let comes = || {
        let is_new = edit.key_change.kind == KeyChangeKind::ListAdd && RUNS.contains(&bare(&edit.new));
        is_new && edit.leaf_says(&["extensions", "file extensions", "file types", "mime types"])
    };
    edit.turned_off(COOKIES) || (is_edited && edit.gains(LOOSE)) || is_any() || comes()
}
