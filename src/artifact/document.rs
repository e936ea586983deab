//! The plain data of an artifact, field by field: all that a score depends on, and nothing executable. A field that
//! changes its meaning raises [`FORMAT`]. Start at [`Document`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::artifact::sample::DigestSample;
use crate::model::{Calibrator, Ensemble, Input};

/// The layout of the document; another one is refused.
pub const FORMAT: u32 = 1;

/// The unit of an artifact whose rows are of several.
pub const MIXED: &str = "mixed";
/// The unit of an artifact that was trained on a plain table.
pub const TABLE: &str = "table";

/// Everything a score depends on, as plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Layout of the document.
    pub format: u32,
    /// Name of the model.
    pub name: String,
    /// `commit`, `landing`, `mixed`, or `table`.
    pub unit: String,
    /// The moment no training fact crosses, in Unix seconds.
    pub trained_until: i64,
    /// Seed of everything random.
    pub seed: u64,
    /// The label task: `strict` or `raw`.
    pub label_task: String,
    /// What a vector holds, in order.
    pub schema: Vec<FeatureRef>,
    /// SHA-256 over the names and revisions of `schema`, in hex.
    pub schema_hash: String,
    /// The fitted model.
    pub scoring: Scoring,
    /// Where "unlike anything trained on" begins.
    pub guard: Guard,
    /// The rows it was trained on.
    pub sources: Vec<Source>,
    /// The artifact it was blended with.
    pub prior: Option<PriorRef>,
    /// Parameters of the fit, for the reader.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Metrics measured at training, for the reader.
    pub metrics: BTreeMap<String, serde_json::Value>,
    /// What a reader must know before relying on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Synthetic rows with the answers that this model gives.
    pub golden: Vec<Golden>,
}

/// Name and revision of one value of a vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureRef {
    /// Stable machine name.
    pub name: String,
    /// Raised when the meaning changes.
    pub revision: u32,
}

/// What turns a vector into a probability and a rank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scoring {
    /// Vector to margin.
    pub ensemble: Ensemble,
    /// Margin to probability.
    pub calibrator: Calibrator,
    /// Margins at equal steps of rank from 0 to 1, never falling, out of sample where possible.
    pub quantiles: Vec<f64>,
    /// Share of positives in the training rows.
    pub base_rate: f64,
}

/// Where out-of-distribution begins, by one count a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// Least and greatest usual value of each column: beyond it lies one training row in a thousand.
    pub ranges: Vec<(f32, f32)>,
    /// More values out of range than this are unlike anything trained on.
    pub max_outside: usize,
}

/// One repository or table whose rows were trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name.
    pub name: String,
    /// Root commit; empty for a table.
    pub root: String,
    /// Unit of its changes.
    pub unit: String,
    /// Unix seconds of the oldest row.
    pub from: i64,
    /// Unix seconds of the newest row.
    pub to: i64,
    /// The moment the last label became known.
    pub last_label: Option<i64>,
    /// Rows trained on.
    pub n_rows: usize,
    /// Positives among them.
    pub n_positive: usize,
    /// Digest of the dataset.
    pub dataset: String,
}

/// The artifact that local training was blended with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorRef {
    /// Name.
    pub name: String,
    /// Digest of its document.
    pub digest: String,
    /// The moment none of its training facts crosses.
    pub trained_until: i64,
    /// Root commits left out of it for this use.
    pub excluded_sources: Vec<String>,
}

/// A synthetic row and the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// One value a name of the schema; null is unknown.
    pub vector: Vec<Option<f32>>,
    /// Hashed tokens.
    pub tokens: Vec<u32>,
    /// The margin, exactly.
    pub margin: f64,
    /// The probability, exactly.
    pub score: f64,
}

/// The same training without some sources, so that a backtest on one of them is honest, and what each
/// source is known again by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Twins {
    /// All twins.
    pub twins: Vec<Twin>,
    /// A sample of each source's changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<DigestSample>,
}

/// One leave-out twin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Twin {
    /// The root commit that the twin serves.
    pub root: String,
    /// What was left out.
    pub kind: TwinKind,
    /// Root commits left out.
    pub excluded: Vec<String>,
    /// The moment none of its training facts crosses.
    pub trained_until: i64,
    /// The model without them.
    pub scoring: Scoring,
}

/// What a twin leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TwinKind {
    /// Only the source itself.
    Source,
    /// The source, every other of its organization, and everything after its split.
    OrganizationAndLater,
}

impl Scoring {
    /// Margin and calibrated probability.
    pub fn score(&self, vector: &[f32], tokens: &[u32]) -> (f64, f64) {
        let margin = self.ensemble.margin(Input { row: vector, tokens });
        (margin, self.calibrator.probability(margin))
    }

    /// Mid-rank of a margin among the stored quantiles, 0 to 100.
    pub fn percentile(&self, margin: f64) -> f64 {
        let below = self.quantiles.partition_point(|&quantile| quantile < margin);
        let not_above = self.quantiles.partition_point(|&quantile| quantile <= margin);
        let steps = self.quantiles.len().max(1) as f64;
        50.0 * (below + not_above) as f64 / steps
    }
}

impl Golden {
    /// The row as a vector; unknown is NaN.
    pub fn row(&self) -> Vec<f32> {
        self.vector.iter().map(|value| value.unwrap_or(f32::NAN)).collect()
    }
}

impl Guard {
    /// Positions of the values that are outside their usual range.
    pub fn outside(&self, vector: &[f32]) -> Vec<usize> {
        let pairs = self.ranges.iter().zip(vector).enumerate();
        pairs.filter(|(_, ((low, high), value))| *value < low || *value > high).map(|(idx, _)| idx).collect()
    }
}
