//! Whether a model stays what it was: calibration by quarter, and ranks that stay uniform.

use serde::Serialize;

use crate::evaluation::{ks_to_uniform, predicted_over_observed};

/// Length of a period.
const PERIOD_SECONDS: i64 = 90 * 86_400;
/// Earlier scores that a rank is taken among at most, and at least: those of the service.
const REFERENCE: (usize, usize) = (1_000, 200);

/// Calibration of the ensemble over 90 days of the test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Period {
    /// Its first moment, in Unix seconds.
    pub from: i64,
    /// Labelled changes.
    pub n: usize,
    /// Positives among them.
    pub observed: usize,
    /// Sum of their probabilities.
    pub predicted: f64,
    /// The quotient; none without a positive.
    pub predicted_over_observed: Option<f64>,
}

/// How evenly later changes spread over the percentiles that they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Uniformity {
    /// Changes with a rank among earlier ones.
    pub n: usize,
    /// Kolmogorov–Smirnov distance of the ranks to the uniform distribution.
    pub ks: Option<f64>,
}

/// The labelled changes by 90 days from the first change on.
pub(super) fn periods(times: &[i64], labels: &[Option<bool>], probabilities: &[f64]) -> Vec<Period> {
    let Some(&first) = times.first() else { return Vec::new() };
    let mut by_period: Vec<(i64, Vec<bool>, Vec<f64>)> = Vec::new();
    for (idx, at) in times.iter().enumerate() {
        let Some(label) = labels[idx] else { continue };
        let from = first + (at - first) / PERIOD_SECONDS * PERIOD_SECONDS;
        match by_period.last_mut() {
            Some((last, labels, scores)) if *last == from => {
                labels.push(label);
                scores.push(probabilities[idx]);
            }
            _ => by_period.push((from, vec![label], vec![probabilities[idx]])),
        }
    }
    let period = |(from, labels, scores): (i64, Vec<bool>, Vec<f64>)| Period {
        from,
        n: labels.len(),
        observed: labels.iter().filter(|&&label| label).count(),
        predicted: scores.iter().sum(),
        predicted_over_observed: predicted_over_observed(&scores, &labels),
    };
    by_period.into_iter().map(period).collect()
}

/// Ranks each margin among the last 1,000 before it, once there are 200, ties in the middle.
pub(super) fn uniformity(margins: &[f64]) -> Uniformity {
    let (most, least) = REFERENCE;
    let ranks: Vec<f64> = (least..margins.len())
        .map(|idx| {
            let earlier = &margins[idx.saturating_sub(most)..idx];
            let (mut below, mut tied) = (0.0, 0.0);
            for other in earlier {
                below += f64::from(u8::from(*other < margins[idx]));
                tied += f64::from(u8::from(*other == margins[idx]));
            }
            (below + tied / 2.0) / earlier.len() as f64
        })
        .collect();
    Uniformity { n: ranks.len(), ks: ks_to_uniform(&ranks) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_count_what_was_expected_and_what_came() {
        let times = [0, 10, 89, 90, 200].map(|day| day * 86_400);
        let labels = [Some(true), None, Some(false), Some(false), Some(true)];
        let periods = periods(&times, &labels, &[0.5, 0.9, 0.25, 0.5, 0.25]);
        let seen: Vec<_> = periods.iter().map(|p| (p.from / 86_400, p.n, p.observed, p.predicted)).collect();
        assert_eq!(seen, [(0, 2, 1, 0.75), (90, 1, 0, 0.5), (180, 1, 1, 0.25)]);
        assert_eq!(periods[1].predicted_over_observed, None);
    }

    #[test]
    fn ranks_of_a_steady_stream_are_uniform_and_of_a_drifting_one_are_not() {
        let steady: Vec<f64> = (0..3_000).map(crate::train::backtest::coin).collect();
        let drifting: Vec<f64> = (0..3_000).map(f64::from).collect();
        let (even, odd) = (uniformity(&steady), uniformity(&drifting));
        assert_eq!((even.n, odd.n), (2_800, 2_800));
        assert!(even.ks.unwrap() < 0.05 && odd.ks.unwrap() > 0.9, "{even:?} {odd:?}");
        assert_eq!(uniformity(&steady[..200]), Uniformity { n: 0, ks: None });
    }
}
