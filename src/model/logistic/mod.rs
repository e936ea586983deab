//! Logistic regression on standardised columns, with weights and an L2 penalty.
//!
//! Minimises `|w|² / 2 + c · Σ weight · log-loss` (the form and the `c` of scikit-learn and
//! liblinear; the intercept is free) by Newton's method. Values are optionally put on a log scale,
//! standardised with the training rows' weighted mean and deviation, and clipped; an unknown value
//! stands at the mean, where it adds nothing. On request, the product of every two values and every
//! square is one more column, standardised likewise, so that the margin may bend and columns may work together; of more
//! than twenty columns, only the twenty that weigh most without products have them.

mod fit;

use serde::{Deserialize, Serialize};

use crate::model::error::require;
use crate::model::{Error, Matrix, Target};

/// Parameters, unchecked.
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticParams {
    /// Inverse strength of the penalty; smaller is stronger.
    pub c: f64,
    /// Standardised values are kept within ± this.
    pub clip: f64,
    /// Columns read as `sign(x) · ln(1 + |x|)`; empty for none, else one entry per column.
    pub log_columns: Vec<bool>,
    /// Whether products of two columns and squares are columns too.
    pub products: bool,
    /// Newton steps at most.
    pub max_steps: usize,
}

/// Parameters that can fit.
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticValidParams(LogisticParams);

/// A fitted logistic regression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logistic {
    /// Margin of a row that stands at every mean.
    pub intercept: f64,
    /// Standardised values are kept within ± this.
    pub clip: f64,
    /// One per feature.
    pub columns: Vec<LogisticColumn>,
    /// Products of two values; empty where none were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<LogisticProduct>,
}

/// How one feature enters the margin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogisticColumn {
    /// Whether it is read as `sign(x) · ln(1 + |x|)`.
    pub log: bool,
    /// Mean of the training rows.
    pub mean: f64,
    /// Standard deviation of the training rows; above 0.
    pub deviation: f64,
    /// Weight of the standardised value.
    pub weight: f64,
}

/// How the product of two values enters the margin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogisticProduct {
    /// The first column.
    pub left: u32,
    /// The second; the same for a square.
    pub right: u32,
    /// Mean of the training rows.
    pub mean: f64,
    /// Standard deviation of the training rows; above 0.
    pub deviation: f64,
    /// Weight of the standardised product.
    pub weight: f64,
}

impl Default for LogisticParams {
    fn default() -> Self {
        Self { c: 1.0, clip: 6.0, log_columns: Vec::new(), products: false, max_steps: 50 }
    }
}

impl LogisticParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the parameter and what it may be.
    pub fn check(self) -> Result<LogisticValidParams, Error> {
        require(self.c.is_finite() && self.c > 0.0, "c", self.c, "a finite number above 0")?;
        require(self.clip.is_finite() && self.clip > 0.0, "clip", self.clip, "a finite number above 0")?;
        require(self.max_steps > 0, "max_steps", self.max_steps, "at least 1")?;
        Ok(LogisticValidParams(self))
    }
}

impl LogisticValidParams {
    /// Fits the weights.
    ///
    /// # Errors
    /// Rows or parameters that do not fit together, a single class, no finite optimum.
    pub fn fit(&self, matrix: &Matrix, target: &Target) -> Result<Logistic, Error> {
        matrix.check()?;
        target.check(matrix.n_rows)?;
        let n_log_columns = self.0.log_columns.len();
        let matches = n_log_columns == 0 || n_log_columns == matrix.n_columns();
        require(matches, "log_columns", n_log_columns, "one entry per column, or none")?;
        fit::fit(&self.0, matrix, target)
    }
}

impl Logistic {
    /// Number of features of a row.
    pub fn n_features(&self) -> usize {
        self.columns.len()
    }

    /// Log-odds of a row.
    pub fn margin(&self, row: &[f32]) -> f64 {
        let terms = self.columns.iter().zip(row).map(|(column, &value)| column.term(value, self.clip));
        let linear = self.intercept + terms.sum::<f64>();
        if self.products.is_empty() {
            return linear;
        }
        let values = self.readings(row);
        linear + self.products.iter().map(|product| product.term(&values, self.clip)).sum::<f64>()
    }

    /// Adds each feature's share of the margin to `out` and returns the base; base plus shares is the margin.
    /// A product is shared by halves.
    pub fn contributions(&self, row: &[f32], out: &mut [f64]) -> f64 {
        for ((column, &value), share) in self.columns.iter().zip(row).zip(out.iter_mut()) {
            *share += column.term(value, self.clip);
        }
        if !self.products.is_empty() {
            let values = self.readings(row);
            for product in &self.products {
                let half = 0.5 * product.term(&values, self.clip);
                out[product.left as usize] += half;
                out[product.right as usize] += half;
            }
        }
        self.intercept
    }

    fn readings(&self, row: &[f32]) -> Vec<f64> {
        self.columns.iter().zip(row).map(|(column, &value)| read(value, column.log)).collect()
    }

    /// Refuses numbers that are not finite.
    ///
    /// # Errors
    /// [`Error::Malformed`] names the column.
    pub fn check(&self) -> Result<(), Error> {
        let finite = self.intercept.is_finite() && self.clip.is_finite() && self.clip > 0.0;
        if !finite {
            return Err(Error::malformed("logistic", "intercept or clip is not a usable number"));
        }
        for (idx, column) in self.columns.iter().enumerate() {
            let finite = column.mean.is_finite() && column.weight.is_finite() && column.deviation.is_finite();
            if !(finite && column.deviation > 0.0) {
                return Err(Error::malformed(format!("logistic column {idx}"), "numbers are not usable"));
            }
        }
        for (idx, product) in self.products.iter().enumerate() {
            let finite =
                product.mean.is_finite() && product.weight.is_finite() && product.deviation.is_finite();
            let in_range = (product.left.max(product.right) as usize) < self.columns.len();
            if !(finite && in_range && product.deviation > 0.0) {
                return Err(Error::malformed(format!("logistic product {idx}"), "numbers are not usable"));
            }
        }
        Ok(())
    }
}

impl LogisticColumn {
    /// Standardised value; an unknown one stands at the mean.
    pub(crate) fn standardise(&self, value: f32, clip: f64) -> f64 {
        if value.is_nan() {
            return 0.0;
        }
        ((read(value, self.log) - self.mean) / self.deviation).clamp(-clip, clip)
    }

    fn term(&self, value: f32, clip: f64) -> f64 {
        self.weight * self.standardise(value, clip)
    }
}

impl LogisticProduct {
    /// The standardised product of two values as they are read; an unknown one stands at the mean.
    pub(super) fn standardise(&self, values: &[f64], clip: f64) -> f64 {
        let product = values[self.left as usize] * values[self.right as usize];
        if product.is_nan() {
            return 0.0;
        }
        ((product - self.mean) / self.deviation).clamp(-clip, clip)
    }

    fn term(&self, values: &[f64], clip: f64) -> f64 {
        self.weight * self.standardise(values, clip)
    }
}

fn read(value: f32, log: bool) -> f64 {
    let value = f64::from(value);
    if log { value.signum() * value.abs().ln_1p() } else { value }
}
