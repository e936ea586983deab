//! Curves that an artifact carries about itself, from predictions of rows that the predicting model had not seen.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::evaluation::{Bootstrap, Ranking, capture, paired_interval, reliability_equal_mass};
use crate::train::report::GATES;

/// Bins of the reliability curve.
const N_BINS: usize = 10;

/// Changes that a model scored without having seen them, of one repository.
#[derive(Clone, Debug, Default)]
pub(super) struct Unseen {
    pub margins: Vec<f64>,
    pub probabilities: Vec<f64>,
    pub labels: Vec<bool>,
}

/// Gains of ROC-AUC below this are not looked at more closely.
const LEAST_GAIN: f64 = 0.005;
/// Positives over expected ones, or the other way round, from which on a level may be evidently off.
const MOST_OFF: f64 = 1.25;

impl Unseen {
    /// Whether these margins put the same changes in a better order than others, beyond chance: the 95 % interval of the
    /// difference in ROC-AUC lies above zero.
    pub(super) fn ranks_evidently_better(&self, other: &Self, seed: u64) -> bool {
        let rankings =
            Ranking::new(&self.margins, &self.labels).zip(Ranking::new(&other.margins, &other.labels));
        let Some((own, other)) = rankings else { return false };
        // Most often a look at the difference is enough.
        let aucs = own.roc_auc().zip(other.roc_auc());
        if aucs.is_none_or(|(own, other)| own <= other + LEAST_GAIN) {
            return false;
        }
        let bootstrap = Bootstrap { seed, ..Bootstrap::default() };
        let difference = paired_interval(&own, &other, bootstrap, Ranking::roc_auc_resampled);
        difference.is_some_and(|difference| difference.low > 0.0)
    }

    /// Whether more or fewer went wrong than foretold, by a quarter and beyond chance: two standard deviations of a Poisson
    /// count, and three where none is counted.
    pub(super) fn is_evidently_off(&self) -> bool {
        let n_positive = self.labels.iter().filter(|label| **label).count() as f64;
        let expected: f64 = self.probabilities.iter().sum();
        let (least, most) = (n_positive - 2.0 * n_positive.sqrt(), n_positive + 2.0 * n_positive.sqrt());
        expected < MOST_OFF.recip() * least || expected > MOST_OFF * most.max(3.0)
    }
}

/// What an artifact says of itself, as curves: `capture`, the share of positives among the riskiest 5, 10,
/// 20 and 50 %, as a mean over the repositories, and `reliability`, ten bins of equal numbers of changes
/// with `n`, `predicted` and `observed`. What is not defined is left out.
pub(super) fn curves(repositories: &[Unseen]) -> BTreeMap<String, Value> {
    let mut curves = BTreeMap::new();
    let gates: Option<serde_json::Map<String, Value>> = GATES
        .iter()
        .map(|gate| {
            let share = f64::from(*gate) / 100.0;
            let caught: Vec<f64> =
                repositories.iter().filter_map(|it| capture(&it.margins, &it.labels, share)).collect();
            let mean = caught.iter().sum::<f64>() / caught.len() as f64;
            (!caught.is_empty()).then(|| (gate.to_string(), json!(rounded(mean))))
        })
        .collect();
    curves.extend(gates.map(|gates| ("capture".to_owned(), Value::Object(gates))));
    let all = |pick: fn(&Unseen) -> &[f64]| repositories.iter().flat_map(pick).copied().collect::<Vec<f64>>();
    let labels: Vec<bool> = repositories.iter().flat_map(|it| it.labels.iter().copied()).collect();
    if let Some(bins) = reliability_equal_mass(&all(|it| &it.probabilities), &labels, N_BINS) {
        let bins = bins.iter().map(
            |bin| json!({"n": bin.n, "predicted": rounded(bin.predicted), "observed": rounded(bin.observed)}),
        );
        curves.insert("reliability".to_owned(), bins.collect());
    }
    curves
}

/// Six digits are plenty, and keep the document short.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_means_over_repositories_and_bins_over_changes() {
        let labels: Vec<bool> = (0..100).map(|idx| idx >= 90).collect();
        let rising: Vec<f64> = (0..100).map(f64::from).collect();
        let falling: Vec<f64> = rising.iter().map(|margin| -margin).collect();
        let probabilities = vec![0.1; 100];
        let unseen = |margins: Vec<f64>| Unseen {
            margins,
            probabilities: probabilities.clone(),
            labels: labels.clone(),
        };
        let curves = curves(&[unseen(rising), unseen(falling)]);
        assert_eq!(curves["capture"], json!({"5": 0.25, "10": 0.5, "20": 0.5, "50": 0.5}));
        let observed: f64 = curves["reliability"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bin| bin["observed"].as_f64().unwrap())
            .sum();
        assert!((observed / 10.0 - 0.1).abs() < 1e-6);
    }

    #[test]
    fn nothing_measured_is_nothing_said() {
        assert!(curves(&[]).is_empty());
        let one_class = Unseen { margins: vec![1.0], probabilities: vec![0.5], labels: vec![false] };
        assert!(!curves(&[one_class]).contains_key("capture"));
    }
}
