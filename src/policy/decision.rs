use serde::{Deserialize, Serialize};

use crate::policy::reason::Reason;

/// What the rollout pipeline is told, ordered from soft to strict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Roll out as the plan says.
    FastPath,
    /// Pass the extra validation of the plan first.
    ExtraValidation,
    /// Do not roll out now; only a freeze window or a rule says so.
    Hold,
}

/// One step of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Share of the fleet that has the change after this step, in percent.
    pub percent: u8,
    /// How long health is watched before the next step.
    pub bake_seconds: u64,
}

/// The budget that was applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppliedBudget {
    /// Name of the season.
    pub season: String,
    /// Share of changes sent to extra validation in it, 0–1.
    pub share: f64,
    /// The percentile from which a change is caught, 0–100.
    pub threshold_percentile: f64,
}

/// The answer of the policy to one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The one word.
    pub verdict: Verdict,
    /// Whether something that the decision rests on could not be vouched for.
    pub degraded: bool,
    /// False in shadow mode: made and recorded, not to be acted on.
    pub enforced: bool,
    /// Why; never empty, the weightiest first.
    pub reasons: Vec<Reason>,
    /// Validations that must be passed, each once, in the order they were asked for.
    pub require: Vec<String>,
    /// The rollout plan; empty where nothing may roll out.
    pub stages: Vec<Stage>,
    /// The budget that was applied.
    pub budget: AppliedBudget,
    /// Unix seconds after which the question must be asked again.
    pub expires_at: i64,
}

impl Verdict {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FastPath => "fast_path",
            Self::ExtraValidation => "extra_validation",
            Self::Hold => "hold",
        }
    }

    /// The same for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::FastPath => "fast path",
            Self::ExtraValidation => "extra validation",
            Self::Hold => "hold",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
