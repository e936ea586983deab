//! Rules about how far and how fast something is turned on.

use crate::change::{KeyChangeKind, changed_word};
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::guards::{GUARDS, NO_GUARDS};
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};
use crate::policy::hazard::words::{says, spaced};
use crate::policy::reason::ReasonCode;

pub(super) const RULES: &[HazardRule] = &[
    edit_rule(
        "full_rollout",
        Sphere::OutsideTests,
        full_rollout,
        ["A share jumps from a few percent to nine tenths or more", "`rollout_percent: 1` → `100`"],
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
        "flag_off_in_production",
        Sphere::Production,
        flag_off_in_production,
        [
            "Something that ran in production is switched off",
            "`checkout.enabled: true` → `false`, or `disabled: false` → `true`",
        ],
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
    "sampling", "sample", "sampler", "sample rate", "samplerate", "sample ratio", "traces", "sampling rate",
];

fn full_rollout(edit: &Edit<'_>) -> bool {
    jumps_to_all(edit)
        || takes_larger_steps(edit)
        || takes_all_weight(edit)
        || takes_all_of_fraction(edit)
        || takes_all_from_others(edit)
        || bears_any_failure(edit)
        || is_for_all_hosts(edit)
        || opens_gate_of_all(edit)
        || is_said_of_all(edit)
}

/// From at most 10 % to at least 90.
fn jumps_to_all(edit: &Edit<'_>) -> bool {
    const SHARES: &[&str] = &["weight", "traffic", "canary", "rollout", "percent", "percentage", "share"];
    const OTHERS: &[&str] =
        &["threshold", "alert", "critical", "warning", "max", "limit", "quality", "delay"];
    let is_share =
        || matches!(edit.key_change.kind, KeyChangeKind::Percentage { .. }) || edit.path_says(SHARES);
    // Of weights and percent, one is a first step; of a fraction it is all.
    let is_step = || {
        edit.old == "0" && edit.new == "1" && !edit.leaf_says(&["ratio", "fraction", "share", "probability"])
    };
    edit.numbers().is_some_and(|(old, new)| (0.0..=10.0).contains(&old) && (90.0..=100.0).contains(&new))
        && !is_step()
        && is_share()
        && !edit.path_says(SAMPLING)
        && !edit.leaf_says(OTHERS)
        && !edit.path_says(&["alert", "alerts", "critical", "warning", "delay"])
}

fn takes_larger_steps(edit: &Edit<'_>) -> bool {
    const STEPS: &[&str] = &["step weight", "batch size", "max parallel", "wave size"];
    const ROLLOUTS: &[&str] =
        &["rollout", "canary", "analysis", "deploy", "strategy", "step weight", "max parallel", "wave size"];
    edit.numbers().is_some_and(|(old, new)| old > 0.0 && new >= 10.0 * old)
        && edit.leaf_says(STEPS)
        && edit.path_says(ROLLOUTS)
}

/// Weights are parts of a hundred, or of thousands.
fn takes_all_weight(edit: &Edit<'_>) -> bool {
    const WHOLES: [f64; 4] = [100.0, 1_000.0, 10_000.0, 100_000.0];
    edit.numbers().is_some_and(|(old, new)| old > 0.0 && old <= new / 10.0 && WHOLES.contains(&new))
        && edit.leaf_says(&["weight"])
        && edit.path_says(&["rollout", "variations", "variants", "split"])
}

fn takes_all_of_fraction(edit: &Edit<'_>) -> bool {
    edit.numbers().is_some_and(|(old, new)| old > 0.0 && old <= 0.25 && new == 1.0)
        && edit.leaf_says(FRACTIONS)
        && !edit.path_says(SAMPLING)
}

/// Weights that were shared are those of one.
fn takes_all_from_others(edit: &Edit<'_>) -> bool {
    edit.leaf_says(&["weights"]) && is_shared(&edit.old) && is_of_one(&edit.new)
}

fn bears_any_failure(edit: &Edit<'_>) -> bool {
    edit.numbers().is_some_and(|(old, new)| old < 100.0 && new >= 100.0)
        && edit.leaf_says(&["max fail percentage", "max failure percentage"])
}

fn is_for_all_hosts(edit: &Edit<'_>) -> bool {
    edit.becomes(&["all"]) && !edit.old.is_empty() && edit.key_change.leaf == "hosts"
}

/// The gate of everybody beside those of a few.
fn opens_gate_of_all(edit: &Edit<'_>) -> bool {
    edit.key_change.leaf == "boolean" && edit.set_to() == Some(true) && edit.path_says(&["gates"])
}

/// Names of shares that are written as parts of one.
const FRACTIONS: &[&str] =
    &["allocation", "rollout", "traffic", "weight", "fraction", "share", "exposure", "canary"];

/// A share inside of a text that is read as no number: `{:allocation 0.02` → `{:allocation 1.0`.
fn is_said_of_all(edit: &Edit<'_>) -> bool {
    const ALL: &[&str] = &["1.0", "100"];
    if edit.key_change.kind != KeyChangeKind::Text || !edit.new.has_any(ALL) {
        return false;
    }
    let Some(word) = changed_word(&edit.old, &edit.new) else { return false };
    let numbers = word.old.parse().ok().zip(word.new.parse().ok());
    let is_all = numbers.is_some_and(|(old, new): (f64, f64)| {
        old > 0.0
            && (old <= 0.25 && new == 1.0 && word.old.contains('.')
                || old <= 10.0 && old != 1.0 && new == 100.0)
    });
    is_all && says(&spaced(word.before), FRACTIONS)
}

/// Whether an inline list of weights gives more than one a share.
fn is_shared(list: &str) -> bool {
    weights(list).is_some_and(|weights| weights.iter().filter(|weight| **weight > 0.0).count() > 1)
}

/// Whether an inline list of weights gives one everything.
fn is_of_one(list: &str) -> bool {
    weights(list).is_some_and(|weights| weights.iter().filter(|weight| **weight > 0.0).count() == 1)
}

fn weights(list: &str) -> Option<Vec<f64>> {
    let inner = list.trim().strip_prefix('[')?.strip_suffix(']')?;
    inner.split(',').map(|weight| weight.trim().parse().ok()).collect()
}

fn canary_skipped(edit: &Edit<'_>) -> bool {
    const STEPS: &[&str] = &["canary", "canary steps", "canary analysis", "progressive delivery"];
    let no_pause = edit.numbers().is_some_and(|(old, new)| old > 0.0 && new == 0.0)
        && (edit.leaf_says(&["bake", "pause"]) || edit.key_change.parent() == "pause");
    let shorter = edit.seconds().is_some_and(|(old, new)| new <= old / 10.0)
        && edit.leaf_says(&["bake", "bake time", "soak", "soak time", "wave interval", "pause"]);
    let one_step = edit.key_change.kind == KeyChangeKind::ListRemove
        && edit.old.trim_end_matches('%').parse().is_ok_and(|share: f64| share < 100.0)
        && edit.leaf_says(&["stages", "steps", "percentages", "waves"]);
    let no_steps = matches!(edit.key_change.leaf.as_str(), "steps" | "canary" | "analysis")
        && edit.is_dropped()
        && edit.path_says(&["canary", "strategy"]);
    let step_gone = matches!(edit.key_change.leaf.as_str(), "pause" | "analysis" | "bake" | "approval")
        && edit.is_dropped()
        && edit.path_says(&["steps", "stages", "waves"]);
    let all_down =
        edit.becomes(&["recreate"]) && !edit.old.is_empty() && edit.leaf_says(&["type", "strategy"]);
    let at_once = !edit.old.is_empty() && edit.gains(&["all-at-once", "allatonce", "all_at_once"]);
    let no_analysis =
        edit.flipped() == Some(true) && edit.leaf_says(&["skip analysis", "skip canary analysis"]);
    let no_canary =
        edit.leaves_list() && edit.old == "canary" && edit.leaf_says(&["stages", "steps", "environments"]);
    (edit.turned_off(STEPS) && !edit.leaf_says(&["events"]))
        || no_analysis
        || no_canary
        || at_once
        || no_pause
        || shorter
        || one_step
        || no_steps
        || step_gone
        || all_down
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
    "auth", "authentication", "authorization", "tls", "ssl", "https", "encryption", "encrypted", "backup",
    "backups", "deletion protection", "key rotation", "monitoring", "alerting", "mfa", "rbac",
    "network policy", "firewall", "rate limit", "pdb", "login", "circuit breaker", "failover",
    "health check", "logging", "audit", "csrf", "two factor", "alert", "alerts", "notifications", "liveness",
    "readiness", "quota", "throttling", "rate limiting",
];

/// What a production is better without.
const NUISANCES: &[&str] = &[
    "debug", "debugging", "verbose", "trace", "tracing", "maintenance", "read only", "readonly",
    "kill switch", "experiment", "experimental", "experiments", "beta", "preview", "dry run", "test",
    "tests", "mock", "demo", "docs", "swagger", "insecure", "skip", "anonymous", "guest", "public",
    "privileged", "root", "legacy", "deprecated", "sampling",
];

/// What only adorns.
const ADORNS: &[&str] =
    &["banner", "notice", "announcement", "survey", "promo", "welcome", "motd", "theme", "tooltip"];

fn flag_on_in_production(edit: &Edit<'_>) -> bool {
    // A feature is one whatever its name.
    let is_feature = || edit.path_says(&["features", "feature flags", "feature", "flags", "toggles"]);
    let is_switch = || {
        edit.leaf_says(&["enabled", "enable", "active", "flag", "use", "on", "allow"])
            || matches!(edit.key_change.leaf.as_str(), "production" | "prod")
            || is_of_flags(edit.file_diff.path())
    };
    // Of what was switched off by name, it is the same the other way round.
    let is_undone = || {
        edit.flipped() == Some(false)
            && edit.leaf_says(&["disabled", "disable"])
            && !edit.path_says(SAFEGUARDS)
            && !edit.path_says(NUISANCES)
            && !edit.has_stem(GUARDS, NO_GUARDS)
    };
    let is_on = || {
        edit.flipped() == Some(true)
            && !edit.is_inverted()
            && (is_feature() || is_switch() && !edit.is_about(SAFEGUARDS))
    };
    (is_on() || is_undone()) && !edit.leaf_says(ADORNS)
}

/// Whether a file holds flags and hardly anything else.
fn is_of_flags(path: &str) -> bool {
    ["flags", "features", "toggles", "switches"].iter().any(|word| path.contains(word))
}

fn flag_off_in_production(edit: &Edit<'_>) -> bool {
    const SWITCHES: &[&str] = &["enabled", "enable", "feature", "active", "flag", "on"];
    const STOPS: &[&str] = &["disabled", "disable", "suspend", "suspended", "paused"];
    let is_off = match edit.flipped() {
        Some(false) => {
            !edit.is_inverted()
                && (edit.leaf_says(SWITCHES)
                    || is_of_flags(edit.file_diff.path())
                    || edit.path_says(&["features", "feature flags", "feature", "flags", "toggles"]))
        }
        Some(true) => edit.leaf_says(STOPS),
        None => false,
    };
    is_off && !edit.path_says(NUISANCES) && !edit.path_says(ADORNS)
}

fn default_flipped(edit: &Edit<'_>) -> bool {
    edit.flipped().is_some()
        && matches!(
            edit.key_change.leaf.as_str(),
            "default" | "fallthrough" | "defaultValue" | "defaultVariant" | "default_variant"
        )
}
