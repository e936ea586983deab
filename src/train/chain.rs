//! Predicts training rows by members that had not seen them, fold after fold forward in time: what calibration and weights
//! rest on. No fold sees a later row; the labels of the last days before one are those known when training ends. Start at
//! [`Chain::forward`].

use crate::train::Error;
use crate::train::combiner::spread_of;
use crate::train::examples::{Examples, Labelled};
use crate::train::fit::{Layout, Margins, Members, PriorMembers};
use crate::train::recipe::Recipe;
use crate::train::small::least_rows;

/// Shares of the labelled rows, oldest first, after which a fold begins; each fold is predicted by
/// members fitted on everything before it.
const FOLD_STARTS: [f64; 4] = [0.4, 0.55, 0.7, 0.85];
/// Positives needed before a fold.
const MIN_POSITIVES: usize = 10;

/// Margins of rows by members that had not seen them, nor a later row.
#[derive(Clone, Debug, Default)]
pub(super) struct OutOfSample {
    /// Positions in the examples, in time order.
    pub rows: Vec<usize>,
    /// Their margins.
    pub margins: Vec<Margins>,
    /// Where each fold begins in the two lists.
    pub fold_starts: Vec<usize>,
}

impl OutOfSample {
    /// One margin a row, each fold moved and stretched to the mean and spread that `of_final` has on the
    /// same rows: every fold has a model of its own, and only the order within a fold says something
    /// about the final one.
    pub(super) fn on_scale_of(
        &self,
        pick: impl Fn(&Margins) -> f64,
        of_final: impl Fn(usize) -> f64,
    ) -> Vec<(usize, f64)> {
        let finals: Vec<f64> = self.rows.iter().map(|&row| of_final(row)).collect();
        let (mean, spread) = (mean_of(&finals), spread_of(&finals));
        let mut scaled = Vec::with_capacity(self.rows.len());
        for (idx, &start) in self.fold_starts.iter().enumerate() {
            let end = self.fold_starts.get(idx + 1).copied().unwrap_or(self.rows.len());
            let margins: Vec<f64> = self.margins[start..end].iter().map(&pick).collect();
            let (fold_mean, fold_spread) = (mean_of(&margins), spread_of(&margins));
            let moved = margins.iter().map(|margin| mean + spread * (margin - fold_mean) / fold_spread);
            scaled.extend(self.rows[start..end].iter().copied().zip(moved));
        }
        scaled
    }
}

fn mean_of(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// What is predicted forward, and what every fold is fitted by.
pub(super) struct Chain<'a> {
    pub examples: &'a Examples,
    pub labelled: &'a Labelled,
    pub layout: &'a Layout,
    pub recipe: &'a Recipe,
    pub prior: Option<&'a PriorMembers>,
    pub seed: u64,
}

impl Chain<'_> {
    /// Predicts the newer part of the training rows, fold after fold, by members fitted on what lies
    /// before each fold. All rows of the examples are predicted, labelled or not, up to the newest labelled one.
    pub(super) fn forward(&self) -> Result<OutOfSample, Error> {
        let Self { examples, labelled, layout, recipe, prior, seed } = *self;
        let mut out = OutOfSample::default();
        let n = labelled.rows.len();
        for (fold_idx, start_share) in FOLD_STARTS.iter().enumerate() {
            let start = (n as f64 * start_share) as usize;
            let end = FOLD_STARTS.get(fold_idx + 1).map_or(n, |share| (n as f64 * share) as usize);
            // Weights fall with age as of the end: left alone, the old folds would drown in the penalty.
            let before = labelled.head(start).rescaled();
            let is_small = before.rows.len() < least_rows(recipe);
            if is_small
                || before.n_positive() < MIN_POSITIVES
                || before.n_positive() == before.rows.len()
                || start >= end
            {
                continue;
            }
            let members = Members::fit(examples, &before, layout, recipe, seed)?;
            out.fold_starts.push(out.rows.len());
            for row in labelled.rows[start]..=labelled.rows[end - 1] {
                out.rows.push(row);
                out.margins.push(members.margins(&examples.row(row), examples.tokens(row), prior));
            }
        }
        Ok(out)
    }
}
