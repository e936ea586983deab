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
    /// Whether its name may as well be read the other way round: then either side may be the dangerous one.
    pub(super) is_unclear: bool,
}

impl Turn {
    /// By the words of the key itself, and those that speak for it where its own name says nothing.
    pub(super) fn of(own: &str, spoken: &str) -> Self {
        let name = Name::of(own);
        if name.refuses_pass() {
            return Self { is_inverted: false, is_negative: false, refuses: true, is_unclear: false };
        }
        // `login_not_required`, and not `backup_if_not_empty`.
        let is_denied = says(own, &["not"]) && !says(own, &["if", "unless", "when"]);
        let is_inverted = inverts(spoken) || is_denied || name.begins_or_ends_with(INVERTS_AT_AN_END);
        let passes = name.begins_or_ends_with(PASSES);
        let may_end_so = name.ends_with(ODD_ENDS);
        // A word in the middle may be about another one: `scan_unverified_uploads`, `auth_bypass_protection`.
        let is_qualified = says(own, PASSES) && (!passes || says(own, QUALIFIES) || name.is_about_another());
        let is_negated_pass = passes && is_inverted;
        let is_undone = is_negated_pass && name.is_undone();
        // They say the same twice: `insecure_skip_verify`.
        let is_said_twice = is_negated_pass && name.begins_with(&["insecure"]);
        Self {
            is_inverted,
            is_negative: is_said_twice || is_inverted != (passes || may_end_so),
            refuses: is_inverted && !is_said_twice || name.begins_or_ends_with(REFUSES),
            is_unclear: may_end_so || is_qualified || is_negated_pass && !is_undone && !is_said_twice,
        }
    }
}

/// The words of a name, without an `enabled` at its end.
struct Name<'a>(Vec<&'a str>);

impl<'a> Name<'a> {
    fn of(own: &'a str) -> Self {
        let mut words: Vec<&str> = own.split(' ').filter(|word| !word.is_empty()).collect();
        words.pop_if(|last| *last == "enabled");
        Self(words)
    }

    fn begins_with(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| {
            let mut words = self.0.iter();
            phrase.split(' ').all(|part| words.next() == Some(&part))
        })
    }

    fn ends_with(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| {
            let mut words = self.0.iter().rev();
            phrase.rsplit(' ').all(|part| words.next() == Some(&part))
        })
    }

    fn begins_or_ends_with(&self, phrases: &[&str]) -> bool {
        self.begins_with(phrases) || self.ends_with(phrases)
    }

    /// Whether a pass is what something else is about: `insecure_login_alert`, `audit_bypass`, and not `insecure_tls`.
    fn is_about_another(&self) -> bool {
        let is_noun =
            self.0.len() > 2 && !self.ends_with(PASSES) && self.0.get(1).is_none_or(|it| *it != "skip");
        is_noun || self.begins_with(LOOKS_FOR)
    }

    /// Whether it is a guard against what gets past one: `block_insecure_tls`.
    fn refuses_pass(&self) -> bool {
        let [first, second, ..] = self.0.as_slice() else { return false };
        REFUSES.contains(first) && (PASSES.contains(second) || self.ends_with(PASSES))
    }

    /// Whether what gets past a guard is itself switched off: `disable_auth_bypass`, `auth_bypass_disabled`.
    fn is_undone(&self) -> bool {
        const BYPASS: &[&str] = &["bypass", "bypasses"];
        let is_bypass = |word: Option<&&str>| word.is_some_and(|word| BYPASS.contains(word));
        match self.0.as_slice() {
            ["disable", last] => PASSES.contains(last),
            ["disable" | "no", .., last] => is_bypass(Some(last)),
            [.., before, "disabled"] => is_bypass(Some(before)),
            _ => false,
        }
    }
}

/// Words that turn a name around wherever they stand in it.
const INVERTS: &[&str] =
    &["disable", "disabled", "skip", "no", "ignore", "without", "suspend", "suspended", "paused"];

/// Words that do so at one of its ends.
const INVERTS_AT_AN_END: &[&str] = &[
    "disables", "skipped", "skips", "not", "ignored", "ignores", "mute", "muted", "silence", "silenced",
    "suppress", "suppressed",
];

/// What gets past a guard, or is let past it.
const PASSES: &[&str] = &[
    "bypass", "bypassed", "bypasses", "insecure", "insecurely", "optional", "exempt", "exempted",
    "selfsigned", "self signed", "allow guest", "allow guests", "unverified", "force open", "monitor only",
    "log only", "report only", "detect only", "bypass disabled",
];

/// Words by which a pass is one that another word is about: `require_auth_unless_exempt`.
const QUALIFIES: &[&str] =
    &["not", "never", "non", "cannot", "unless", "if", "for", "without", "alert", "detection"];

/// First words that make it one that is looked for: `audit_bypass`.
const LOOKS_FOR: &[&str] = &[
    "audit", "alert", "check", "detect", "log", "monitor", "protect", "quarantine", "report", "scan",
    "verify",
];

/// Last words that turn a name around, or are the end of a noun: `fsync_off`, `sign_off`.
const ODD_ENDS: &[&str] = &["off", "override"];

/// What keeps something from happening.
const REFUSES: &[&str] =
    &["block", "deny", "disallow", "forbid", "prevent", "prohibit", "refuse", "reject", "restrict"];

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

    #[test]
    fn a_name_that_may_be_read_either_way_is_unclear() {
        let is_unclear = |name: &str| Turn::of(&spaced(name), &spaced(name)).is_unclear;
        for name in [
            "auth_not_optional",
            "require_auth_unless_exempt",
            "enforce_mfa_for_exempt",
            "verify_self_signed_certs",
            "auth_bypass_blocked",
            "auth_bypass_protection",
            "scan_unverified_uploads",
            "audit_insecure_logins",
            "encrypt_optional_fields",
            "audit_override",
            "require_approval_sign_off",
            "ignore_self_signed_certs",
            "disable_insecure_tls_verification",
            "skip_insecure_check",
        ] {
            assert!(is_unclear(name), "{name}");
        }
        for name in [
            "auth",
            "auth_bypass",
            "disable_auth_bypass",
            "auth_bypass_disabled",
            "tls_optional",
            "insecure_skip_verify",
            "backup_if_not_empty",
            "audit_ignored_events",
            "verify_skipped_checksums",
            "disable_auth",
        ] {
            assert!(!is_unclear(name), "{name}");
        }
        for name in ["backup_if_not_empty", "audit_ignored_events", "verify_skipped_checksums"] {
            assert!(!Turn::of(&spaced(name), &spaced(name)).is_negative, "{name}");
        }
    }
}
