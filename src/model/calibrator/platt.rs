//! Calibrators of one or two slopes, shrunk toward no change while there are few labels, and held to the mean of the labels.

use serde::{Deserialize, Serialize};

use crate::model::calibrator::{base_margin, log_loss, soft_labels};
use crate::model::solve::Symmetric;
use crate::model::{Error, Target, sigmoid, softplus};

/// Slopes stay above this, so that the map rises.
const MIN_SLOPE: f64 = 0.02;
/// Newton steps at most.
const MAX_STEPS: usize = 100;
/// Log-odds that no mean level is beyond, and halvings down to the last bits.
const MAX_LEVEL: f64 = 700.0;
const LEVEL_HALVINGS: usize = 60;

/// `log-odds = slope · margin + intercept` (Platt 1999), the slope shrunk toward 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platt {
    /// Above 0.
    pub slope: f64,
    /// Log-odds of margin 0.
    pub intercept: f64,
}

/// `log-odds = below · ln p - above · ln(1 - p) + intercept` with `p` of the margin (Kull et al.
/// 2017), both slopes shrunk toward 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beta {
    /// Slope where the margin is low; above 0.
    pub below: f64,
    /// Slope where the margin is high; above 0.
    pub above: f64,
    /// Log-odds where both logarithms vanish.
    pub intercept: f64,
}

impl Platt {
    /// The line of margins that are calibrated log-odds already.
    pub const IDENTITY: Self = Self { slope: 1.0, intercept: 0.0 };

    pub(super) fn fit(margins: &[f64], target: &Target, deviation: f64) -> Result<Self, Error> {
        let [slope, intercept] = fit_line(|row| [margins[row]], target, deviation)?;
        Ok(Self { slope, intercept })
    }

    /// Calibrated log-odds.
    pub fn log_odds(&self, margin: f64) -> f64 {
        self.slope * margin + self.intercept
    }

    pub(super) fn is_sound(&self) -> bool {
        self.slope.is_finite() && self.slope > 0.0 && self.intercept.is_finite()
    }
}

impl Beta {
    pub(super) fn fit(margins: &[f64], target: &Target, deviation: f64) -> Result<Self, Error> {
        let parts = |row: usize| [-softplus(-margins[row]), softplus(margins[row])];
        let [below, above, intercept] = fit_line(parts, target, deviation)?;
        Ok(Self { below, above, intercept })
    }

    /// Calibrated log-odds.
    pub fn log_odds(&self, margin: f64) -> f64 {
        self.below * -softplus(-margin) + self.above * softplus(margin) + self.intercept
    }

    pub(super) fn is_sound(&self) -> bool {
        let slopes = [self.below, self.above];
        slopes.iter().all(|slope| slope.is_finite() && *slope > 0.0) && self.intercept.is_finite()
    }
}

/// Logistic regression of softened labels on `N` terms whose slopes have the prior `N(1, deviation²)`
/// and stay above [`MIN_SLOPE`]; returns the slopes and the intercept, `M = N + 1` numbers.
fn fit_line<const N: usize, const M: usize>(
    terms: impl Fn(usize) -> [f64; N],
    target: &Target,
    deviation: f64,
) -> Result<[f64; M], Error> {
    let penalty = 1.0 / (deviation * deviation);
    let labels = soft_labels(target);
    let row_of = |row: usize| -> [f64; M] {
        let terms = terms(row);
        std::array::from_fn(|idx| if idx < N { terms[idx] } else { 1.0 })
    };
    let mut rows: Vec<([f64; M], f64, f64)> = (0..target.y.len())
        .map(|row| (row_of(row), labels[usize::from(target.y[row])], target.weight[row]))
        .collect();
    // Around their means, so that a step of a slope leaves the level where it is: margins of many
    // members lie far from 0, and a level that is far off has no curvature to come back by.
    let means: [f64; M] = std::array::from_fn(|idx| if idx < N { mean_term(&rows, idx) } else { 0.0 });
    for (row, _, _) in &mut rows {
        row.iter_mut().zip(&means).for_each(|(term, mean)| *term -= mean);
    }
    let objective = |line: &[f64; M]| -> f64 {
        let prior: f64 = line[..N].iter().map(|slope| 0.5 * penalty * (slope - 1.0).powi(2)).sum();
        prior
            + rows.iter().map(|(row, label, weight)| weight * log_loss(apply(line, row), *label)).sum::<f64>()
    };
    let mut line = [1.0; M];
    line[N] = base_margin(target);
    let mut best = objective(&line);
    for _ in 0..MAX_STEPS {
        let step = newton_step(&rows, &line, penalty).ok_or(Error::Diverged("calibrator"))?;
        let mut length = 1.0;
        let mut next = line;
        let mut next_objective = f64::INFINITY;
        while length > 1e-6 && next_objective > best {
            next = std::array::from_fn(|idx| line[idx] + length * step[idx]);
            next[..N].iter_mut().for_each(|slope| *slope = slope.max(MIN_SLOPE));
            next_objective = objective(&next);
            length *= 0.5;
        }
        let is_done = next_objective > best - 1e-12 * best.abs();
        if next_objective <= best {
            (line, best) = (next, next_objective);
        }
        if is_done {
            break;
        }
    }
    line[N] = level(&rows, &line);
    line[N] -= (0..N).map(|idx| line[idx] * means[idx]).sum::<f64>();
    Ok(line)
}

/// The intercept at which as many positives are expected as there are, by bisection: at the optimum of an
/// unpenalised intercept the two are equal, and steps that end at a slope's limit miss it.
fn level<const M: usize>(rows: &[([f64; M], f64, f64)], line: &[f64; M]) -> f64 {
    let too_many = |level: f64| {
        let mut excess = 0.0;
        for (row, label, weight) in rows {
            excess += weight * (sigmoid(apply(line, row) - line[M - 1] + level) - label);
        }
        excess > 0.0
    };
    let (mut low, mut high) = (-MAX_LEVEL, MAX_LEVEL);
    for _ in 0..LEVEL_HALVINGS {
        let middle = f64::midpoint(low, high);
        if too_many(middle) { high = middle } else { low = middle }
    }
    f64::midpoint(low, high)
}

fn newton_step<const M: usize>(
    rows: &[([f64; M], f64, f64)],
    line: &[f64; M],
    penalty: f64,
) -> Option<Vec<f64>> {
    let mut hessian = Symmetric::zeros(M);
    let mut descent = vec![0.0; M];
    for (row, label, weight) in rows {
        let probability = sigmoid(apply(line, row));
        let curvature = weight * probability * (1.0 - probability);
        for i in 0..M {
            descent[i] += weight * (label - probability) * row[i];
            for (entry, value) in hessian.row_mut(i).iter_mut().zip(row) {
                *entry += curvature * row[i] * value;
            }
        }
    }
    for i in 0..M {
        let is_slope = i + 1 < M;
        hessian.row_mut(i)[i] += if is_slope { penalty } else { 1e-9 };
        descent[i] -= if is_slope { penalty * (line[i] - 1.0) } else { 0.0 };
    }
    hessian.solve(descent)
}

fn apply<const M: usize>(line: &[f64; M], row: &[f64; M]) -> f64 {
    line.iter().zip(row).map(|(slope, term)| slope * term).sum()
}

fn mean_term<const M: usize>(rows: &[([f64; M], f64, f64)], idx: usize) -> f64 {
    let total: f64 = rows.iter().map(|(_, _, weight)| weight).sum();
    rows.iter().map(|(row, _, weight)| weight * row[idx]).sum::<f64>() / total
}
