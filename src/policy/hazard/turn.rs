//! How the name of a switch turns it around: `disable_auth: true`, `auth_bypass: true` and `auth: false` are one edit.
//! Start at [`Turn`].

use crate::policy::hazard::words::says;

/// What the name of a switch makes of its sides.
pub(super) struct Turn {
    /// Whether on is off, whatever the switch is one of.
    pub(super) is_inverted: bool,
    /// Whether a guard is off where it is on, be it because something gets past the guard.
    pub(super) is_negative: bool,
    /// Whether what is named may not happen where it is on.
    pub(super) refuses: bool,
}

impl Turn {
    /// By the words of the key itself, and those that speak for it where its own name says nothing.
    pub(super) fn of(own: &str, spoken: &str) -> Self {
        let is_inverted = ends_with(own, &["off"]) || inverts(spoken);
        let passes = says(own, PASSES) || ends_with(own, &["override", "exempted"]);
        let gets_past = passes && !says(own, REFUSES);
        // Of two such words the first one turns the other around (`disable_auth_bypass`), or the last one does
        // (`auth_bypass.disabled`); otherwise they say the same twice: `insecure_skip_verify`.
        let is_said_twice = is_inverted && gets_past && !undoes(own);
        Self {
            is_inverted,
            is_negative: is_inverted != gets_past || is_said_twice,
            refuses: is_inverted && !is_said_twice || says(own, REFUSES),
        }
    }
}

const INVERTS: &[&str] = &[
    "disable", "disabled", "disables", "skip", "skipped", "skips", "no", "not", "ignore", "ignored",
    "ignores", "without", "suspend", "suspended", "paused", "mute", "muted", "silence", "silenced",
    "suppress", "suppressed",
];

/// What gets past a guard, or is let past it.
const PASSES: &[&str] = &[
    "bypass", "bypassed", "bypasses", "insecure", "insecurely", "optional", "exempt", "selfsigned",
    "self signed", "allow guest", "allow guests", "unverified", "force open", "monitor only", "log only",
    "report only", "detect only",
];

/// What keeps something from happening.
const REFUSES: &[&str] = &[
    "block", "blocks", "deny", "denies", "disallow", "forbid", "prevent", "prohibit", "refuse", "reject",
    "restrict",
];

/// Names that say no and are those of guards and of what they ask for themselves.
const OWN_NAMES: &[&str] =
    &["no new privileges", "ignore scripts", "no data", "ignore public acls", "not found", "no log"];

fn inverts(spoken: &str) -> bool {
    if !says(spoken, INVERTS) {
        return false;
    }
    let without =
        OWN_NAMES.iter().fold(spoken.to_owned(), |rest, name| rest.replace(&format!(" {name} "), " "));
    says(&without, INVERTS)
}

/// Whether the first or the last word of a name turns the rest of it around.
fn undoes(own: &str) -> bool {
    let first = own.split(' ').find(|word| !word.is_empty()).unwrap_or("");
    matches!(first, "disable" | "disabled" | "no" | "not" | "without" | "ignore" | "skip")
        || ends_with(own, &["disabled", "disable", "off"])
}

/// Whether one of these is the last word of a name, or stands before `enabled` at its end.
fn ends_with(own: &str, words: &[&str]) -> bool {
    let mut from_end = own.split(' ').rev().filter(|word| !word.is_empty());
    let last = from_end.next().unwrap_or("");
    words.contains(&last) || last == "enabled" && from_end.next().is_some_and(|word| words.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::Turn;
    use crate::policy::hazard::words::spaced;

    #[test]
    fn a_name_tells_which_side_of_its_switch_a_guard_is_off_on() {
        let is_negative = |name: &str| Turn::of(&spaced(name), &spaced(name)).is_negative;
        for name in [
            "disable_auth",
            "auth_bypass",
            "auth_bypass_enabled",
            "insecureSkipVerify",
            "tls_optional",
            "fsync_off",
            "check_skipped",
            "deletion_protection_override",
        ] {
            assert!(is_negative(name), "{name}");
        }
        for name in [
            "auth", "disable_auth_bypass", "auth_bypass_disabled", "NoNewPrivileges", "ignore-scripts",
            "notify_no_data", "override_auth", "guest_firewall_enabled", "block_insecure_tls",
        ] {
            assert!(!is_negative(name), "{name}");
        }
    }
}
