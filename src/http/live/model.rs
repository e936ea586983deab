//! A model as the service uses it: what it is called, what it takes, and what it says of vectors. It knows no history. Start at
//! [`Model::new`].

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::artifact::{self, Artifact, MIXED, TABLE};
use crate::http::assessor::{Assessed, ModelRef};
use crate::http::compose::moment;
use crate::policy::{Reason, ReasonCode};
use crate::scorer::Scorer;

/// Why an artifact scores no change.
pub(in crate::http) const OF_TABLE: &str = "the model was trained on a table, not on changes";

/// A loaded artifact.
pub(super) struct Model {
    pub(super) artifact: Arc<Artifact>,
    /// None for a model of a plain table: it takes ready vectors and knows nothing of changes.
    scorer: Option<Scorer>,
    pub(super) model_ref: ModelRef,
    /// Names of what the artifact takes, in its own order.
    pub(super) inputs: Vec<String>,
}

impl Model {
    /// Makes an artifact ready to score.
    ///
    /// # Errors
    /// Where it needs a feature that this build does not compute.
    pub(super) fn new(artifact: Arc<Artifact>) -> Result<Self, artifact::Error> {
        let model_ref = model_ref(&artifact);
        let is_table = artifact.document().unit == TABLE;
        let scorer = if is_table { None } else { Some(Scorer::new(Arc::clone(&artifact))?) };
        let inputs = artifact.document().schema.iter().map(|feature_ref| feature_ref.name.clone()).collect();
        Ok(Self { artifact, scorer, model_ref, inputs })
    }

    /// What scores changes, or why there is nothing that does.
    pub(super) fn scorer(&self) -> Result<&Scorer, Reason> {
        self.scorer.as_ref().ok_or_else(|| Reason::new(ReasonCode::ArtifactRefused, OF_TABLE))
    }

    /// Why it cannot score changes, where that is so.
    pub(super) fn refused(&self) -> Option<&'static str> {
        self.scorer.is_none().then_some(OF_TABLE)
    }

    /// Names of the custom features that it takes, in order.
    pub(super) fn custom(&self) -> &[String] {
        self.scorer.as_ref().map_or(&[][..], Scorer::custom)
    }

    /// The calibrated probability of each vector of its own inputs.
    pub(super) fn infer(&self, vectors: &[Vec<f32>]) -> Vec<f64> {
        let scoring = &self.artifact.document().scoring;
        vectors.iter().map(|vector| scoring.score(vector, &[]).1).collect()
    }

    /// Whether it learned from changes of another unit, and then from which.
    pub(super) fn other_unit(&self, unit: &str) -> Option<&str> {
        let learned = self.artifact.document().unit.as_str();
        (![MIXED, TABLE, unit].contains(&learned)).then_some(learned)
    }
}

/// Puts the custom features that the model takes behind the vector. One that was not sent is unknown, and
/// the answer in doubt; one that the model does not take is told to the caller.
pub(super) fn take_custom(assessed: &mut Assessed, needed: &[String], sent: &BTreeMap<String, f64>) {
    let value = |name: &String| sent.get(name).map_or(f32::NAN, |value| *value as f32);
    assessed.vector.extend(needed.iter().map(value));
    let missing: Vec<String> =
        needed.iter().filter(|name| !sent.contains_key(*name)).map(|name| format!("`{name}`")).collect();
    if !missing.is_empty() {
        let text = format!("the model learned from {}, not sent with this question", missing.join(", "));
        assessed.doubts.push(Reason::new(ReasonCode::CustomFeatureMissing, text));
    }
    let unknown = sent.keys().filter(|name| !needed.contains(name));
    let warnings = unknown.map(|name| format!("the model does not know the feature `{name}`"));
    assessed.warnings.extend(warnings);
}

fn model_ref(artifact: &Artifact) -> ModelRef {
    let document = artifact.document();
    ModelRef {
        name: document.name.clone(),
        version: artifact.version().to_owned(),
        digest: ["sha256:", artifact.digest()].concat(),
        trained_at: moment(document.trained_until),
    }
}
