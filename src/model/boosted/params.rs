//! Parameters of the boosted learner; only those that passed their check can fit. Start at [`BoostedParams`].

use crate::model::boosted::{Boosted, fit};
use crate::model::error::require;
use crate::model::{Error, Matrix, Target};

/// Deepest tree that attributions can follow.
pub(super) const DEPTH_LIMIT: usize = 64;

/// Parameters, unchecked.
#[derive(Clone, Debug, PartialEq)]
pub struct BoostedParams {
    /// Trees of each bag (at most, where a validation set stops earlier).
    pub n_trees: usize,
    /// Shrinkage of each tree.
    pub learning_rate: f64,
    /// Leaves of a tree at most.
    pub n_leaves: usize,
    /// Splits from root to leaf at most.
    pub max_depth: usize,
    /// Rows in a leaf at least.
    pub min_leaf_rows: usize,
    /// Sum of `weight · p · (1 - p)` in a leaf at least.
    pub min_leaf_hessian: f64,
    /// Penalty on squared leaf values.
    pub l2: f64,
    /// Gain of a split at least.
    pub min_gain: f64,
    /// Share of columns that a tree may read.
    pub feature_fraction: f64,
    /// Share of rows that a tree learns from.
    pub row_fraction: f64,
    /// Bins of a column at most, the one for unknown values aside.
    pub max_bins: usize,
    /// Direction of each column: 1 rising, -1 falling, 0 free; empty for all free.
    pub monotone: Vec<i8>,
    /// Runs over different seeds, averaged.
    pub n_bags: usize,
    /// Stop when the validation log-loss has not improved for this many trees.
    pub early_stopping_rounds: usize,
    /// Threads over bags; never changes the result.
    pub n_threads: usize,
    /// Seed.
    pub seed: u64,
}

/// Parameters that can fit.
#[derive(Clone, Debug, PartialEq)]
pub struct BoostedValidParams(BoostedParams);

/// Rows that decide when to stop.
#[derive(Clone, Copy, Debug)]
pub struct Validation<'a> {
    /// Feature values.
    pub matrix: &'a Matrix,
    /// Labels and weights.
    pub target: &'a Target,
}

/// Where a fit starts and what watches it.
#[derive(Clone, Copy)]
pub(super) enum Start<'a> {
    /// From the base rate.
    BaseRate,
    /// From the base rate, until the validation rows stop gaining.
    Watched(Validation<'a>),
    /// From another model's margins.
    Offsets(&'a [f64]),
}

impl Default for BoostedParams {
    fn default() -> Self {
        Self {
            n_trees: 300,
            learning_rate: 0.05,
            n_leaves: 15,
            max_depth: DEPTH_LIMIT,
            min_leaf_rows: 20,
            min_leaf_hessian: 1e-3,
            l2: 1.0,
            min_gain: 0.0,
            feature_fraction: 1.0,
            row_fraction: 1.0,
            max_bins: 255,
            monotone: Vec::new(),
            n_bags: 1,
            early_stopping_rounds: 50,
            n_threads: 1,
            seed: 1,
        }
    }
}

impl BoostedParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the parameter and what it may be.
    pub fn check(self) -> Result<BoostedValidParams, Error> {
        let above_zero = |x: f64| x.is_finite() && x > 0.0;
        let at_least_zero = |x: f64| x.is_finite() && x >= 0.0;
        let fraction = |x: f64| x > 0.0 && x <= 1.0;
        require(self.n_trees > 0, "n_trees", self.n_trees, "at least 1")?;
        require(above_zero(self.learning_rate), "learning_rate", self.learning_rate, "a number above 0")?;
        require((2..=4096).contains(&self.n_leaves), "n_leaves", self.n_leaves, "2 to 4096")?;
        require((1..=DEPTH_LIMIT).contains(&self.max_depth), "max_depth", self.max_depth, "1 to 64")?;
        require(self.min_leaf_rows > 0, "min_leaf_rows", self.min_leaf_rows, "at least 1")?;
        require(
            at_least_zero(self.min_leaf_hessian),
            "min_leaf_hessian",
            self.min_leaf_hessian,
            "at least 0",
        )?;
        require(at_least_zero(self.l2), "l2", self.l2, "at least 0")?;
        require(at_least_zero(self.min_gain), "min_gain", self.min_gain, "at least 0")?;
        require(
            fraction(self.feature_fraction),
            "feature_fraction",
            self.feature_fraction,
            "above 0, at most 1",
        )?;
        require(fraction(self.row_fraction), "row_fraction", self.row_fraction, "above 0, at most 1")?;
        require((2..=255).contains(&self.max_bins), "max_bins", self.max_bins, "2 to 255")?;
        let directions = self.monotone.iter().all(|direction| (-1..=1).contains(direction));
        require(directions, "monotone", "[…]", "-1, 0 or 1 for each column")?;
        require(self.n_bags > 0, "n_bags", self.n_bags, "at least 1")?;
        require(
            self.early_stopping_rounds > 0,
            "early_stopping_rounds",
            self.early_stopping_rounds,
            "at least 1",
        )?;
        require(self.n_threads > 0, "n_threads", self.n_threads, "at least 1")?;
        Ok(BoostedValidParams(self))
    }
}

impl BoostedValidParams {
    /// Fits all trees.
    ///
    /// # Errors
    /// Rows or parameters that do not fit together, a single class, too few rows for two leaves.
    pub fn fit(&self, matrix: &Matrix, target: &Target) -> Result<Boosted, Error> {
        self.check_rows(matrix, target)?;
        fit::fit(&self.0, matrix, target, Start::BaseRate)
    }

    /// Fits what is missing to margins that another model gives: the result's margin is to be added
    /// to them, and its base is 0.
    ///
    /// # Errors
    /// As [`BoostedValidParams::fit`], and for offsets that do not fit the rows or are not finite.
    pub fn fit_on_top(&self, matrix: &Matrix, target: &Target, offsets: &[f64]) -> Result<Boosted, Error> {
        self.check_rows(matrix, target)?;
        if offsets.len() != matrix.n_rows {
            let (found, expected) = (offsets.len(), matrix.n_rows);
            return Err(Error::RowMismatch { what: "offsets".to_owned(), found, expected });
        }
        if let Some(row) = offsets.iter().position(|offset| !offset.is_finite()) {
            return Err(Error::Margin { row, value: offsets[row] });
        }
        fit::fit(&self.0, matrix, target, Start::Offsets(offsets))
    }

    /// Fits until the log-loss of the validation rows stops falling, and keeps the best length.
    ///
    /// # Errors
    /// As [`BoostedValidParams::fit`], and for validation rows that do not fit.
    pub fn fit_validated(
        &self,
        matrix: &Matrix,
        target: &Target,
        validation: Validation<'_>,
    ) -> Result<Boosted, Error> {
        self.check_rows(matrix, target)?;
        validation.matrix.check()?;
        validation.target.check(validation.matrix.n_rows)?;
        let n_columns = validation.matrix.n_columns();
        require(
            n_columns == matrix.n_columns(),
            "validation",
            n_columns,
            "as many columns as the training rows",
        )?;
        fit::fit(&self.0, matrix, target, Start::Watched(validation))
    }

    fn check_rows(&self, matrix: &Matrix, target: &Target) -> Result<(), Error> {
        matrix.check()?;
        target.check(matrix.n_rows)?;
        too_many("columns", matrix.n_columns(), usize::from(u16::MAX))?;
        too_many("rows", matrix.n_rows, (1 << 24) - 1)?;
        let expected = 2 * self.0.min_leaf_rows;
        if matrix.n_rows < expected {
            return Err(Error::TooFewRows { found: matrix.n_rows, expected });
        }
        let n_directions = self.0.monotone.len();
        let matches = n_directions == 0 || n_directions == matrix.n_columns();
        require(matches, "monotone", n_directions, "one entry per column, or none")
    }
}

fn too_many(what: &'static str, found: usize, limit: usize) -> Result<(), Error> {
    if found > limit { Err(Error::TooMany { what, found, limit }) } else { Ok(()) }
}
