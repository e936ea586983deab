//! Gradient-boosted trees for the log-loss, on histograms, leaf by leaf.
//!
//! The method is that of XGBoost (Chen and Guestrin 2016) and LightGBM (Ke et al. 2017): second-order
//! gains, values binned once, the smaller child's histogram counted and its sibling's subtracted,
//! the leaf with the largest gain split next. Histograms hold integers, so that sums are exact in
//! any order and threads cannot change a byte. Why an own trainer:
//! `docs/decisions/` has the figures. Start reading at [`BoostedParams`], then `grow`.

mod bins;
mod derived;
mod explain;
mod fit;
mod grow;
mod histogram;
mod params;
mod quadrature;
mod scan;
mod split;
#[cfg(test)]
mod tests;
mod tree;

use serde::{Deserialize, Serialize};

use crate::model::Error;
use crate::model::boosted::derived::Derived;
use crate::model::boosted::explain::Explainer;
use crate::model::boosted::scan::Scan;

pub use params::{BoostedParams, BoostedValidParams, Validation};
pub use tree::{Leaf, Node, Tree};

/// Fitted trees; a margin is the base plus one leaf of each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boosted {
    n_features: usize,
    base: f64,
    trees: Vec<Tree>,
    #[serde(skip)]
    explainer: Derived<Explainer>,
    #[serde(skip)]
    scan: Derived<Scan>,
}

/// A margin, and where it begins for a row of which nothing is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Explained {
    /// Mean margin of the training rows.
    pub base: f64,
    /// The row's margin, bit for bit that of `margin`.
    pub margin: f64,
}

impl Boosted {
    /// Trees made elsewhere, checked.
    ///
    /// # Errors
    /// [`Error::Malformed`] says which tree is damaged.
    pub fn new(n_features: usize, base: f64, trees: Vec<Tree>) -> Result<Self, Error> {
        let boosted = Self::of(n_features, base, trees);
        boosted.check()?;
        Ok(boosted)
    }

    fn of(n_features: usize, base: f64, trees: Vec<Tree>) -> Self {
        Self { n_features, base, trees, explainer: Derived::default(), scan: Derived::default() }
    }

    /// Number of features of a row.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// Margin before the first tree.
    pub fn base(&self) -> f64 {
        self.base
    }

    /// The trees, in the order of their training.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// Log-odds of a row.
    pub fn margin(&self, row: &[f32]) -> f64 {
        self.scan.get(|| Scan::of(&self.trees)).margin(&self.trees, self.base, row)
    }

    /// Adds each feature's exact Shapley value to `out`; the base plus these is the margin.
    /// Path-dependent TreeSHAP (Lundberg et al. 2020): an absent feature follows the training rows'
    /// shares.
    pub fn explain(&self, row: &[f32], out: &mut [f64]) -> Explained {
        self.explainer.get(|| Explainer::new(self)).explain(self, row, out)
    }

    /// Refuses child indices that leave the tree or turn back, features out of range and numbers
    /// that are not finite.
    ///
    /// # Errors
    /// [`Error::Malformed`] says which tree.
    pub fn check(&self) -> Result<(), Error> {
        if !self.base.is_finite() {
            return Err(Error::malformed("boosted", "the base is not finite"));
        }
        for (idx, tree) in self.trees.iter().enumerate() {
            tree.check(self.n_features)
                .map_err(|problem| Error::malformed(format!("boosted tree {idx}"), problem))?;
        }
        Ok(())
    }
}
