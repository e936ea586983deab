//! From fitted members to one calibrated margin.

use std::collections::BTreeMap;

use crate::artifact::Scoring;
use crate::model::{Calibrator, Ensemble, Input, Member, Platt, Target};
use crate::train::Error;
use crate::train::chain::OutOfSample;
use crate::train::curves::Unseen;
use crate::train::examples::{Examples, Labelled};
use crate::train::fit::{Margins, Members, Weights};
use crate::train::recipe::Recipe;

/// Steps of the stored quantiles.
const N_QUANTILES: usize = 401;
/// Positives with out-of-sample margins below which members are calibrated on the rows they were fitted on.
const MIN_POSITIVES: usize = 5;

/// Combines and calibrates by what the members said of rows that they had not seen.
pub(super) struct Combiner<'a> {
    pub examples: &'a Examples,
    pub labelled: &'a Labelled,
    pub out: &'a OutOfSample,
    pub recipe: &'a Recipe,
}

/// Margins by the row, on the scale of the model that ships.
type MarginOf = BTreeMap<usize, f64>;

impl Combiner<'_> {
    /// One member, calibrated.
    pub(super) fn alone(&self, member: &Member, pick: fn(&Margins) -> f64) -> Result<Scoring, Error> {
        let n_features = self.examples.names.len();
        let members = vec![member.clone()];
        self.calibrated(Ensemble { n_features, intercept: 0.0, members, text: None }, pick)
    }

    /// All members in one, calibrated, with what it would have said of the newer training rows.
    ///
    /// The prior, `its` own scoring, is a member like the others; the probability then is to a `share` the prior's and else
    /// that of the own labels, as log-odds. Own labels know the level of the past, the prior what such changes came to
    /// elsewhere, and each errs on its own.
    pub(super) fn combined(
        &self,
        members: &Members,
        its: Option<&Scoring>,
        share: f64,
    ) -> Result<(Scoring, Unseen), Error> {
        let n_features = self.examples.names.len();
        let weights = self.weights(its);
        let ensemble = members.combine(weights, its, n_features);
        let own = self.calibrated(ensemble, |margins| margins.combined(weights))?;
        let Some(its) = its.filter(|_| share > 0.0) else {
            let unseen = self.unseen(&own, weights);
            return Ok((own, unseen));
        };
        let (own_line, its_line) = (own.calibrator.line(), its.calibrator.line());
        let weights = weights.averaged(own_line.slope, its_line.slope, share);
        let mut ensemble = members.combine(weights, Some(its), n_features);
        ensemble.intercept += (1.0 - share) * own_line.intercept + share * its_line.intercept;
        let margin_of = self.out_of_sample(&ensemble, |margins| margins.combined(weights));
        let calibrator = Calibrator::Platt(Platt::IDENTITY);
        let scoring = self.scoring(ensemble, calibrator, own.base_rate, margin_of);
        let unseen = self.unseen(&scoring, weights);
        Ok((scoring, unseen))
    }

    /// Each member's weight over the spread of its out-of-sample margins, so that none outshouts the rest;
    /// with fewer positives the local members give way to the prior. That of words has none beside a prior's.
    fn weights(&self, its: Option<&Scoring>) -> Weights {
        let Recipe { weights, n_positive_full, .. } = self.recipe;
        let share = self.labelled.n_positive() as f64 / n_positive_full;
        let trust = if its.is_some() { share.min(1.0) } else { 1.0 };
        let has_words = its.is_some_and(|its| its.ensemble.text.is_some());
        let scaled = |weight: f64, pick: fn(&Margins) -> f64| {
            let margins: Vec<f64> = self.out.margins.iter().map(pick).collect();
            weight / spread_of(&margins)
        };
        Weights(Margins {
            logistic: trust * scaled(weights.logistic, |margins| margins.logistic),
            boosted: trust * scaled(weights.boosted, |margins| margins.boosted),
            text: if has_words { 0.0 } else { trust * scaled(weights.text, |margins| margins.text) },
            prior: if its.is_some() { scaled(weights.prior, |margins| margins.prior) } else { 0.0 },
        })
    }

    /// Calibrates an ensemble on the out-of-sample margins of its members, on the ensemble's own scale.
    fn calibrated(&self, ensemble: Ensemble, pick: impl Fn(&Margins) -> f64) -> Result<Scoring, Error> {
        let margin_of = self.out_of_sample(&ensemble, pick);
        let (calibrator, base_rate) = self.calibrate(&ensemble, &margin_of)?;
        Ok(self.scoring(ensemble, calibrator, base_rate, margin_of))
    }

    fn scoring(
        &self,
        ensemble: Ensemble,
        calibrator: Calibrator,
        base_rate: f64,
        margin_of: MarginOf,
    ) -> Scoring {
        let mut margins: Vec<f64> = margin_of.into_values().collect();
        if margins.is_empty() {
            margins = self.labelled.rows.iter().map(|&row| self.margin(&ensemble, row)).collect();
        }
        Scoring { ensemble, calibrator, quantiles: quantiles(margins), base_rate }
    }

    fn calibrate(&self, ensemble: &Ensemble, margin_of: &MarginOf) -> Result<(Calibrator, f64), Error> {
        let (mut margins, mut target) = (Vec::new(), Target { y: Vec::new(), weight: Vec::new() });
        for (idx, row) in self.labelled.rows.iter().enumerate() {
            if let Some(&margin) = margin_of.get(row) {
                margins.push(margin);
                target.y.push(self.labelled.y[idx]);
                target.weight.push(self.labelled.weight[idx]);
            }
        }
        if target.y.iter().filter(|&&y| y).count() < MIN_POSITIVES {
            margins = self.labelled.rows.iter().map(|&row| self.margin(ensemble, row)).collect();
            target = self.labelled.target();
        }
        calibrated(self.recipe, &margins, &target)
    }

    /// The out-of-sample predictions of labelled rows.
    fn unseen(&self, scoring: &Scoring, weights: Weights) -> Unseen {
        let margin_of = self.out_of_sample(&scoring.ensemble, |margins| margins.combined(weights));
        let mut unseen = Unseen::default();
        for (row, label) in self.labelled.rows.iter().zip(&self.labelled.y) {
            if let Some(&margin) = margin_of.get(row) {
                unseen.margins.push(margin);
                unseen.probabilities.push(scoring.calibrator.probability(margin));
                unseen.labels.push(*label);
            }
        }
        unseen
    }

    fn out_of_sample(&self, ensemble: &Ensemble, pick: impl Fn(&Margins) -> f64) -> MarginOf {
        self.out.on_scale_of(pick, |row| self.margin(ensemble, row)).into_iter().collect()
    }

    fn margin(&self, ensemble: &Ensemble, row: usize) -> f64 {
        let values = self.examples.row(row);
        ensemble.margin(Input { row: &values, tokens: self.examples.tokens(row) })
    }
}

/// The calibrator of margins, and the weighted share of positives: never 0 or 1, whose odds are none.
pub(super) fn calibrated(
    recipe: &Recipe,
    margins: &[f64],
    target: &Target,
) -> Result<(Calibrator, f64), Error> {
    let positive: f64 = target.y.iter().zip(&target.weight).filter(|(y, _)| **y).map(|(_, w)| w).sum();
    let base_rate = (positive / target.weight.iter().sum::<f64>()).clamp(1e-6, 1.0 - 1e-6);
    Ok((recipe.calibrator().check()?.fit(margins, target)?, base_rate))
}

/// Standard deviation; 1 where there is none.
pub(super) fn spread_of(margins: &[f64]) -> f64 {
    let n = margins.len().max(1) as f64;
    let mean = margins.iter().sum::<f64>() / n;
    let variance = margins.iter().map(|margin| (margin - mean).powi(2)).sum::<f64>() / n;
    if variance > 1e-12 { variance.sqrt() } else { 1.0 }
}

/// Values at equal steps of rank of margins, of which there is one at least.
pub(super) fn quantiles(margins: Vec<f64>) -> Vec<f64> {
    let mut sorted = margins;
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len() - 1;
    let at = |step: usize| {
        let position = step as f64 / (N_QUANTILES - 1) as f64 * last as f64;
        let below = position.floor() as usize;
        let share = position - below as f64;
        sorted[below] + share * (sorted[(below + 1).min(last)] - sorted[below])
    };
    let mut quantiles: Vec<f64> = (0..N_QUANTILES).map(at).collect();
    // Interpolation may round down by one bit; a rank must never fall.
    for idx in 1..quantiles.len() {
        quantiles[idx] = quantiles[idx].max(quantiles[idx - 1]);
    }
    quantiles
}
