//! Rules about how far and how fast something is turned on.

use crate::change::KeyChangeKind;
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};
use crate::policy::reason::ReasonCode;

pub(super) const RULES: &[HazardRule] = &[
    edit_rule(
        "full_rollout",
        Sphere::OutsideTests,
        full_rollout,
        ["A share jumps from a few percent to everything", "`rollout_percent: 1` → `100`"],
    )
    .with_code(ReasonCode::HazardFullRollout),
    edit_rule(
        "canary_skipped",
        Sphere::OutsideTests,
        canary_skipped,
        ["A canary, a rollout step or its pause is left out", "`skip_canary: false` → `true`"],
    ),
    edit_rule(
        "sampling_extreme",
        Sphere::OutsideTests,
        sampling_extreme,
        ["Sampling goes to nothing, or from a little to everything", "`sample_ratio: 0.01` → `1.0`"],
    ),
    edit_rule(
        "flag_on_in_production",
        Sphere::Production,
        flag_on_in_production,
        ["A feature is switched on in production", "`features.new_checkout.enabled: false` → `true`"],
    ),
    edit_rule(
        "default_flipped",
        Sphere::OutsideTests,
        default_flipped,
        [
            "The default of a flag turns over, for everybody without a value of their own",
            "`default: false` → `true`",
        ],
    ),
];

const SAMPLING: &[&str] = &[
    "sampling",
    "sample",
    "sampler",
    "sample rate",
    "samplerate",
    "sample ratio",
    "traces",
    "sampling rate",
];

fn full_rollout(edit: &Edit<'_>) -> bool {
    const SHARES: &[&str] = &["weight", "traffic", "canary", "rollout", "percent", "percentage", "share"];
    const OTHERS: &[&str] =
        &["threshold", "alert", "critical", "warning", "max", "limit", "quality", "delay"];
    let is_share =
        || matches!(edit.key_change.kind, KeyChangeKind::Percentage { .. }) || edit.path_says(SHARES);
    edit.numbers().is_some_and(|(old, new)| (0.0..=10.0).contains(&old) && new == 100.0)
        && is_share()
        && !edit.path_says(SAMPLING)
        && !edit.leaf_says(OTHERS)
        && !edit.path_says(&["alert", "alerts", "critical", "warning", "delay"])
}

fn canary_skipped(edit: &Edit<'_>) -> bool {
    const STEPS: &[&str] = &["canary", "canary steps", "canary analysis", "progressive delivery"];
    let no_pause = edit.numbers().is_some_and(|(old, new)| old > 0.0 && new == 0.0)
        && (edit.leaf_says(&["bake", "pause"]) || edit.key_change.parent() == "pause");
    let no_steps = matches!(edit.key_change.leaf.as_str(), "steps" | "canary")
        && edit.is_dropped()
        && edit.path_says(&["canary"]);
    (edit.turned_off(STEPS) && !edit.leaf_says(&["events"])) || no_pause || no_steps
}

fn sampling_extreme(edit: &Edit<'_>) -> bool {
    let Some((old, new)) = edit.numbers() else { return false };
    let everything = match edit.key_change.kind {
        KeyChangeKind::Percentage { .. } => 100.0,
        _ => 1.0,
    };
    let to_all = old > 0.0 && old <= 0.1 * everything && new == everything;
    let to_none = old > 0.0 && new == 0.0;
    (to_all || to_none) && edit.path_says(SAMPLING)
}

/// What a production turns on for its own good.
const SAFEGUARDS: &[&str] = &[
    "auth",
    "authentication",
    "authorization",
    "tls",
    "ssl",
    "https",
    "encryption",
    "encrypted",
    "backup",
    "backups",
    "deletion protection",
    "key rotation",
    "monitoring",
    "alerting",
    "mfa",
    "rbac",
    "network policy",
    "firewall",
    "rate limit",
    "pdb",
];

fn flag_on_in_production(edit: &Edit<'_>) -> bool {
    edit.flipped() == Some(true)
        && !edit.is_negative()
        && (edit.leaf_says(&["enabled", "enable", "feature", "active", "flag", "use", "on", "allow"])
            || edit.path_says(&["features", "feature flags", "feature", "flags", "toggles"]))
        && !edit.is_about(SAFEGUARDS)
}

fn default_flipped(edit: &Edit<'_>) -> bool {
    edit.flipped().is_some()
        && matches!(edit.key_change.leaf.as_str(), "default" | "fallthrough" | "defaultValue")
}
