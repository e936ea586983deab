//! From a vector to an assessment: margin, probability, rank and shares that add up. The same vector, artifact and reference
//! give the same bytes; there is no clock. Start at [`Scorer::assess`].

use std::sync::Arc;

use crate::artifact::{Artifact, Error};
use crate::features::{CUSTOM_REVISION, Group, is_custom, schema};
use crate::model::Input;
use crate::risk::{Assessment, Contribution, GateLevel, Reference, ReferenceScope, RiskScore};
use crate::scorer::reference::ReferenceMargins;

/// The name under which all tokens' shares are summed.
const TOKENS: &str = "tokens";
/// The feature that holds the repository's own base rate.
const BASE_RATE: &str = "context_base_rate";

/// A checked artifact, ready for vectors of this build's schema with the artifact's custom features, if
/// it has any, behind.
#[derive(Clone, Debug)]
pub struct Scorer {
    artifact: Arc<Artifact>,
    /// Names of the custom features that the artifact needs, in its order.
    custom: Vec<String>,
    /// Position in such a vector of each value the artifact needs.
    columns: Vec<usize>,
    /// What each of them is told as: a feature of this build, after those a custom feature.
    parts: Vec<usize>,
    /// Place of each such part's name among all names in order.
    name_ranks: Vec<u32>,
    base_rate_idx: Option<usize>,
}

/// An assessment, and whether to trust it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What the model says.
    pub assessment: Assessment,
    /// Names of the values that are outside what the model was trained on, where there are too many.
    pub out_of_distribution: Option<Vec<String>>,
    /// Share of the vector's values that are unknown.
    pub unknown_share: f64,
}

impl Scorer {
    /// A scorer for this build's schema.
    ///
    /// # Errors
    /// [`Error::Refused`] where the artifact needs a feature that this build does not compute.
    pub fn new(artifact: Arc<Artifact>) -> Result<Self, Error> {
        let needed = artifact.document().schema.iter().map(|feature_ref| &feature_ref.name);
        let custom: Vec<String> = needed.filter(|name| is_custom(name)).cloned().collect();
        let names: Vec<(&str, u32)> =
            schema().revisions().chain(custom.iter().map(|name| (name.as_str(), CUSTOM_REVISION))).collect();
        let columns = artifact.columns(&names)?;
        let parts = columns.iter().map(|&idx| part_of(idx)).collect();
        let base_rate_idx = names.iter().position(|(name, _)| *name == BASE_RATE);
        let mut scorer = Self { artifact, custom, columns, parts, name_ranks: Vec::new(), base_rate_idx };
        let mut by_name: Vec<usize> = (0..=scorer.tokens_part()).collect();
        by_name.sort_by_key(|&part| scorer.name_of(part));
        scorer.name_ranks = vec![0; by_name.len()];
        for (rank, part) in (0..).zip(by_name) {
            scorer.name_ranks[part] = rank;
        }
        Ok(scorer)
    }

    /// Names of the custom features that a vector has behind this build's own values, in order.
    pub fn custom(&self) -> &[String] {
        &self.custom
    }

    /// The artifact behind it.
    pub fn artifact(&self) -> &Arc<Artifact> {
        &self.artifact
    }

    /// Margin of a vector of this build's schema, custom features behind.
    pub fn margin(&self, vector: &[f32], tokens: &[u32]) -> f64 {
        let row = self.row(vector);
        self.artifact.document().scoring.ensemble.margin(Input { row: &row, tokens })
    }

    /// The calibrated probability of a vector of this build's schema, custom features behind; certain trouble where it is no
    /// number.
    pub fn probability(&self, vector: &[f32], tokens: &[u32]) -> f64 {
        let probability =
            self.artifact.document().scoring.calibrator.probability(self.margin(vector, tokens));
        RiskScore::new(probability).map_or(1.0, RiskScore::get)
    }

    /// What each token that the model knows adds to the margin; empty where the model reads no words.
    pub fn token_contributions(&self, tokens: &[u32]) -> Vec<(u32, f64)> {
        let Some(text) = &self.artifact.document().scoring.ensemble.text else { return Vec::new() };
        let shares = text.learner.contributions(tokens).into_iter();
        shares.map(|(token, share)| (token, text.weight * share)).collect()
    }

    /// Assesses a vector of this build's schema, custom features behind, against the repository's newest changes, or against the
    /// artifact's quantiles where those are too few.
    pub fn assess(&self, vector: &[f32], tokens: &[u32], reference: &ReferenceMargins) -> Answer {
        let document = self.artifact.document();
        let row = self.row(vector);
        let mut shares = vec![0.0; row.len()];
        let attribution = document.scoring.ensemble.contributions(Input { row: &row, tokens }, &mut shares);
        let margin = attribution.margin;
        let probability = document.scoring.calibrator.probability(margin);
        // A margin that is not a number reads as certain trouble, so that no doubt looks safe.
        let score = RiskScore::new(probability).or(RiskScore::new(1.0)).expect("one is a probability");
        let (percentile, reference) = self.rank(margin, reference);
        let known = vector.iter().filter(|value| !value.is_nan()).count();
        let outside = document.guard.outside(&row);
        Answer {
            assessment: Assessment {
                score,
                base_rate: self.base_rate(vector),
                percentile,
                gate_level: GateLevel::of_percentile(percentile),
                reference,
                base: attribution.base,
                margin,
                contributions: self.contributions(vector, &shares, attribution.text),
            },
            out_of_distribution: (outside.len() > document.guard.max_outside)
                .then(|| outside.iter().map(|&idx| document.schema[idx].name.clone()).collect()),
            unknown_share: 1.0 - known as f64 / vector.len().max(1) as f64,
        }
    }

    fn row(&self, vector: &[f32]) -> Vec<f32> {
        self.columns.iter().map(|&idx| vector.get(idx).copied().unwrap_or(f32::NAN)).collect()
    }

    fn rank(&self, margin: f64, reference: &ReferenceMargins) -> (f64, Reference) {
        match reference.percentile(margin) {
            Some(percentile) if margin.is_finite() => (percentile, reference.describe()),
            _ => {
                let scoring = &self.artifact.document().scoring;
                let n = scoring.quantiles.len();
                let artifact = Reference { scope: ReferenceScope::Artifact, n, from: None, to: None };
                // Not a number ranks above all, so that no doubt looks safe.
                (if margin.is_finite() { scoring.percentile(margin) } else { 100.0 }, artifact)
            }
        }
    }

    fn base_rate(&self, vector: &[f32]) -> f64 {
        let here = self.base_rate_idx.and_then(|idx| vector.get(idx)).filter(|rate| rate.is_finite());
        here.map_or(self.artifact.document().scoring.base_rate, |rate| f64::from(*rate))
    }

    /// Shares by feature, the largest first: a value and its rank speak of the same thing and are summed.
    fn contributions(&self, vector: &[f32], shares: &[f64], text: f64) -> Vec<Contribution> {
        let mut by_part = vec![0.0; self.tokens_part() + 1];
        for (&part, share) in self.parts.iter().zip(shares) {
            by_part[part] += share;
        }
        by_part[self.tokens_part()] = text;
        // The bits of floats without a sign are in their order. Weight, name and part stand in one number, so that no
        // comparison branches or looks a name up.
        let mut order: Vec<u128> = Vec::with_capacity(by_part.len());
        let weights = by_part.iter().map(|share: &f64| share.abs().to_bits()).enumerate();
        order.extend(weights.filter(|(_, weight)| *weight > 0).map(|(part, weight)| {
            u128::from(!weight) << 64 | u128::from(self.name_ranks[part]) << 32 | part as u128
        }));
        order.sort_unstable();
        let parts = order.into_iter().map(|key| key as u32 as usize);
        parts.map(|part| self.contribution(part, vector, by_part[part])).collect()
    }

    /// What is told as one thing: a feature, a custom feature, or all tokens.
    fn contribution(&self, part: usize, vector: &[f32], contribution: f64) -> Contribution {
        let schema = schema();
        let known =
            |idx: usize| vector.get(idx).filter(|value| !value.is_nan()).map(|value| f64::from(*value));
        let (feature, group, value) = match (schema.features.get(part), self.custom_at(part)) {
            (Some(spec), _) => (spec.name.into(), spec.group, known(part)),
            (None, Some((custom_idx, name))) => {
                (name.to_owned().into(), Group::Custom, known(schema.n_values() + custom_idx))
            }
            (None, None) => (TOKENS.into(), Group::Message, None),
        };
        Contribution { feature, group: group.as_str().into(), value, contribution }
    }

    fn name_of(&self, part: usize) -> &str {
        let spec = schema().features.get(part).map(|spec| spec.name);
        spec.or(self.custom_at(part).map(|(_, name)| name)).unwrap_or(TOKENS)
    }

    fn custom_at(&self, part: usize) -> Option<(usize, &str)> {
        let custom_idx = part.checked_sub(schema().features.len())?;
        self.custom.get(custom_idx).map(|name| (custom_idx, name.as_str()))
    }

    fn tokens_part(&self) -> usize {
        schema().features.len() + self.custom.len()
    }
}

/// Which part of an explanation a position of a vector belongs to.
fn part_of(idx: usize) -> usize {
    let schema = schema();
    let custom_idx = idx.checked_sub(schema.n_values());
    custom_idx.map_or_else(|| schema.feature_idx(idx), |custom_idx| schema.features.len() + custom_idx)
}
