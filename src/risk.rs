//! The answer: a calibrated probability, its rank, and the contributions that add up to it.
//!
//! Plain values, checked where they are made. Never knows how a score came about.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Days after landing within which an unplanned revert or an incident counts.
pub const HORIZON_DAYS: u32 = 14;

/// A calibrated probability in `[0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct RiskScore(f64);

/// A probability outside `[0, 1]`, or not a number.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("`{0}` is not a probability between 0 and 1")]
pub struct NotAProbability(pub f64);

/// The smallest gate that catches a change; ordered by severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GateLevel {
    /// Outside the riskiest half.
    Green,
    /// Among the riskiest 50 %.
    Red,
    /// Among the riskiest 10 %.
    Yellow,
    /// Among the riskiest 5 %.
    Weekend,
}

/// Which changes a percentile ranks against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReferenceScope {
    /// The last changes of this repository, scored out of sample.
    Repository,
    /// The quantiles stored in the artifact.
    Artifact,
}

/// The changes that a percentile ranks against.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Repository or artifact.
    pub scope: ReferenceScope,
    /// Number of changes.
    pub n: usize,
    /// Unix seconds of the oldest, where known.
    pub from: Option<i64>,
    /// Unix seconds of the newest, where known.
    pub to: Option<i64>,
}

/// What one feature added to the margin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// Machine name of the feature.
    pub feature: Cow<'static, str>,
    /// The feature's group.
    pub group: Cow<'static, str>,
    /// Its value; none where it is unknown.
    pub value: Option<f64>,
    /// Its share of the margin, in log-odds.
    pub contribution: f64,
}

/// What the model says about one change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Probability of an unplanned revert or an incident within [`HORIZON_DAYS`].
    pub score: RiskScore,
    /// The same for an average change of this repository, shrunk toward the artifact's.
    pub base_rate: f64,
    /// Mid-rank of the margin in the reference, 0–100.
    pub percentile: f64,
    /// The smallest gate that catches it.
    pub gate_level: GateLevel,
    /// What the percentile ranks against.
    pub reference: Reference,
    /// Margin of an empty question, in log-odds.
    pub base: f64,
    /// `base` plus all contributions.
    pub margin: f64,
    /// All contributions that are not zero, largest magnitude first.
    pub contributions: Vec<Contribution>,
}

impl RiskScore {
    /// Checks a probability.
    ///
    /// # Errors
    /// When it is outside `[0, 1]` or not a number.
    pub fn new(probability: f64) -> Result<Self, NotAProbability> {
        if (0.0..=1.0).contains(&probability) {
            Ok(Self(probability))
        } else {
            Err(NotAProbability(probability))
        }
    }

    /// The probability.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for RiskScore {
    type Error = NotAProbability;

    fn try_from(probability: f64) -> Result<Self, Self::Error> {
        Self::new(probability)
    }
}

impl From<RiskScore> for f64 {
    fn from(risk_score: RiskScore) -> Self {
        risk_score.0
    }
}

impl GateLevel {
    /// Every level, the safest first.
    pub const ALL: [Self; 4] = [Self::Green, Self::Red, Self::Yellow, Self::Weekend];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Red => "red",
            Self::Yellow => "yellow",
            Self::Weekend => "weekend",
        }
    }

    /// The level of a percentile (0–100); a rank exactly on a limit is caught, and so is
    /// one that is not a number.
    pub fn of_percentile(percentile: f64) -> Self {
        match percentile {
            p if p < 50.0 => Self::Green,
            p if p < 90.0 => Self::Red,
            p if p < 95.0 => Self::Yellow,
            _ => Self::Weekend,
        }
    }
}
