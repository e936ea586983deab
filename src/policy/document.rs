//! The policy file as it is written: names, defaults and nothing else. What it means is checked in
//! `load`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::policy::decision::Verdict;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Document {
    /// Share of changes sent to extra validation, by season; `normal` is the season of no window.
    pub budget: BTreeMap<String, f64>,
    /// Windows of the calendar.
    pub window: Vec<WindowText>,
    /// Rules in CEL.
    pub rule: Vec<RuleText>,
    /// The built-in hazard rules.
    pub hazards: HazardsText,
    /// What a proved rollback gets.
    pub rollback: RollbackText,
    /// The rollout plan for each decision.
    pub plan: PlanTexts,
    /// Whether decisions are to be acted on.
    pub mode: Mode,
    /// What differs for one repository, by its name.
    pub repository: BTreeMap<String, RepositoryText>,
    /// What to do about a repository that the service does not know.
    pub unknown_repository: OnDoubt,
    /// What to do about an author with no earlier change.
    pub unknown_author: OnDoubt,
    /// What to do about a path with no earlier change.
    pub unknown_path: OnDoubt,
    /// What to do about a change unlike anything the model was trained on.
    pub out_of_distribution: OnDoubt,
    /// Share of the model's features that may be missing.
    pub max_missing_features: f64,
    /// How old the last refresh of the history may be.
    pub history_stale_after: String,
    /// How long a decision is valid at most.
    pub expires_after: String,
}

impl Default for Document {
    fn default() -> Self {
        Self {
            budget: BTreeMap::from([(super::NORMAL_SEASON.to_owned(), 0.10)]),
            window: Vec::new(),
            rule: Vec::new(),
            hazards: HazardsText::default(),
            rollback: RollbackText::default(),
            plan: PlanTexts::default(),
            mode: Mode::Enforce,
            repository: BTreeMap::new(),
            unknown_repository: OnDoubt::Allow,
            unknown_author: OnDoubt::Allow,
            unknown_path: OnDoubt::Allow,
            out_of_distribution: OnDoubt::Degrade,
            max_missing_features: 0.5,
            history_stale_after: "1h".to_owned(),
            expires_after: "1h".to_owned(),
        }
    }
}

/// A window of the calendar.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WindowText {
    pub name: Option<String>,
    pub season: Option<String>,
    pub weekly: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub zone: String,
    pub hold: Option<f64>,
}

/// A rule in CEL.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleText {
    pub name: String,
    pub when: String,
    pub then: Option<Verdict>,
    #[serde(default)]
    pub require: Vec<String>,
}

/// The built-in hazard rules.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HazardsText {
    /// Names of the rules that are switched off.
    pub off: Vec<String>,
}

/// What a proved rollback gets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RollbackText {
    pub decision: Verdict,
}

impl Default for RollbackText {
    fn default() -> Self {
        Self { decision: Verdict::FastPath }
    }
}

/// The plan for each decision.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PlanTexts {
    pub fast_path: PlanText,
    pub extra_validation: PlanText,
    pub hold: PlanText,
    /// A rollback on the fast path; as any other unless given.
    pub rollback: Option<PlanText>,
}

/// The plan for one decision.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PlanText {
    pub require: Vec<String>,
    pub stages: Vec<StageText>,
}

/// One step of a plan.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StageText {
    pub percent: u8,
    pub bake: Option<String>,
}

/// What differs for one repository.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RepositoryText {
    pub mode: Option<Mode>,
    pub budget: BTreeMap<String, f64>,
    pub hazards: HazardsText,
}

/// Whether decisions are to be acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Made and recorded only.
    Shadow,
    /// To be acted on.
    Enforce,
}

/// What to do about something that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnDoubt {
    /// Score it all the same.
    Allow,
    /// Send it to extra validation, degraded.
    Degrade,
}
