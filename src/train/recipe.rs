//! The parameters of a fit in one value, with the choices for histories, pools and tables. What is too little to learn from
//! stands beside the code that says so. Start at [`Recipe`].

use std::collections::BTreeMap;

use serde_json::json;

use crate::model::{BoostedParams, CalibratorKind, CalibratorParams, LogisticParams, TextParams};

/// How the members are fitted and combined. Chosen on the development repositories by forward-chained
/// validation; `docs/ACCURACY.md` has the figures, `docs/decisions/` what was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Inverse strength of the logistic member's penalty.
    pub logistic_c: f64,
    /// Whether the logistic member also reads products of two columns.
    pub products: bool,
    /// Inverse strength of the token member's penalty.
    pub text_c: f64,
    /// Trees of the boosted member.
    pub n_trees: usize,
    /// Shrinkage of each tree.
    pub learning_rate: f64,
    /// Leaves of a tree.
    pub n_leaves: usize,
    /// Rows in a leaf at least.
    pub min_leaf_rows: usize,
    /// Penalty on squared leaf values.
    pub l2: f64,
    /// Share of columns a tree may read.
    pub feature_fraction: f64,
    /// Share of rows a tree learns from.
    pub row_fraction: f64,
    /// Runs over different seeds.
    pub n_bags: usize,
    /// Days after which a row weighs half.
    pub half_life_days: f64,
    /// Share of the rows, newest first, after which a row of a table weighs half: its time may be any number.
    pub half_life_share: Option<f64>,
    /// Weights of the members in the margin: logistic, boosted, tokens, prior.
    pub weights: MemberWeights,
    /// Share of the prior's own probability in that of a model of local rows, as log-odds; the rest is calibrated on
    /// the local labels.
    pub prior_share: f64,
    /// Whether the boosted member learns what the logistic one leaves over. Their margins are then terms of one
    /// sum, and only a pooled fit weighs them so.
    pub on_top: bool,
    /// Positives at which local members and the prior weigh as `weights` says; fewer shift toward the prior.
    pub n_positive_full: f64,
}

/// Weights of the members in the margin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MemberWeights {
    /// Local logistic member.
    pub logistic: f64,
    /// Local boosted member.
    pub boosted: f64,
    /// Local token member.
    pub text: f64,
    /// The prior's margin.
    pub prior: f64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            logistic_c: 0.001,
            products: false,
            text_c: 0.02,
            n_trees: 200,
            learning_rate: 0.03,
            n_leaves: 6,
            min_leaf_rows: 60,
            l2: 10.0,
            feature_fraction: 0.25,
            row_fraction: 0.8,
            n_bags: 2,
            half_life_days: 730.0,
            half_life_share: None,
            weights: MemberWeights { logistic: 1.0, boosted: 0.5, text: 0.5, prior: 3.0 },
            prior_share: 0.5,
            n_positive_full: 150.0,
            on_top: false,
        }
    }
}

impl Recipe {
    /// The recipe of the pooled model: more rows bear a weaker penalty of the logistic member and stronger
    /// leaves, and trees add only what no line can say.
    pub fn pooled() -> Self {
        Self {
            logistic_c: 3e-4,
            l2: 250.0,
            n_trees: 150,
            learning_rate: 0.04,
            min_leaf_rows: 200,
            on_top: true,
            weights: MemberWeights { logistic: 1.0, boosted: 1.0, ..Self::default().weights },
            ..Self::default()
        }
    }

    /// The recipe of a table of numbers: a few dense columns and often many positives want weaker penalties,
    /// larger trees and columns that work together. Chosen on the training rows of fourteen tables;
    /// `docs/decisions/tables.md` has the figures. `n_trees` is the most: a table has a tree for every two of
    /// its positives, and sixty at least.
    pub fn table() -> Self {
        Self {
            logistic_c: 0.1,
            products: true,
            n_trees: 400,
            n_leaves: 8,
            min_leaf_rows: 40,
            l2: 5.0,
            feature_fraction: 0.5,
            row_fraction: 0.7,
            half_life_share: Some(0.3),
            weights: MemberWeights { logistic: 1.2, boosted: 0.8, ..Self::default().weights },
            ..Self::default()
        }
    }

    /// The same with as many trees as a table with so many positives can bear.
    pub(super) fn with_trees_for(&self, n_positive: usize) -> Self {
        Self { n_trees: self.n_trees.min((n_positive / 2).max(60)), ..self.clone() }
    }

    /// Parameters of the logistic member.
    pub fn logistic(&self) -> LogisticParams {
        LogisticParams { c: self.logistic_c, products: self.products, ..LogisticParams::default() }
    }

    /// Parameters of the boosted member.
    pub fn boosted(&self, monotone: Vec<i8>, seed: u64) -> BoostedParams {
        BoostedParams {
            n_trees: self.n_trees,
            learning_rate: self.learning_rate,
            n_leaves: self.n_leaves,
            min_leaf_rows: self.min_leaf_rows,
            l2: self.l2,
            feature_fraction: self.feature_fraction,
            row_fraction: self.row_fraction,
            monotone,
            n_bags: self.n_bags,
            // One for each bag of every recipe here; a third would have nothing to do, and the result is the same with any.
            n_threads: 2,
            seed,
            ..BoostedParams::default()
        }
    }

    /// Parameters of the token member.
    pub fn text(&self) -> TextParams {
        TextParams { c: self.text_c, ..TextParams::default() }
    }

    /// Parameters of the calibrator.
    pub fn calibrator(&self) -> CalibratorParams {
        CalibratorParams { kind: CalibratorKind::Platt, ..CalibratorParams::default() }
    }

    /// Weight of a row by its age.
    pub fn recency_weight(&self, age_seconds: f64) -> f64 {
        (-age_seconds.max(0.0) / 86_400.0 / self.half_life_days).exp2()
    }

    /// Weight of a row of a table by the share of all rows that are newer.
    pub(super) fn rank_weight(&self, newer_share: f64) -> f64 {
        self.half_life_share.map_or(1.0, |share| (-newer_share / share).exp2())
    }

    /// The parameters by name, for the artifact's reader; all of them, so that a fit can be repeated.
    pub fn describe(&self) -> BTreeMap<String, serde_json::Value> {
        // Taken apart, so that no field can be added without being told.
        let Self {
            logistic_c,
            products,
            text_c,
            n_trees,
            learning_rate,
            n_leaves,
            min_leaf_rows,
            l2,
            feature_fraction,
            row_fraction,
            n_bags,
            half_life_days,
            half_life_share,
            weights: MemberWeights { logistic, boosted, text, prior },
            prior_share,
            on_top,
            n_positive_full,
        } = self;
        [
            ("logistic_c", json!(logistic_c)),
            ("products", json!(products)),
            ("text_c", json!(text_c)),
            ("n_trees", json!(n_trees)),
            ("learning_rate", json!(learning_rate)),
            ("n_leaves", json!(n_leaves)),
            ("min_leaf_rows", json!(min_leaf_rows)),
            ("l2", json!(l2)),
            ("feature_fraction", json!(feature_fraction)),
            ("row_fraction", json!(row_fraction)),
            ("n_bags", json!(n_bags)),
            ("half_life_days", json!(half_life_days)),
            ("half_life_share", json!(half_life_share)),
            ("on_top", json!(on_top)),
            ("weight_logistic", json!(logistic)),
            ("weight_boosted", json!(boosted)),
            ("weight_text", json!(text)),
            ("weight_prior", json!(prior)),
            ("prior_share", json!(prior_share)),
            ("n_positive_full", json!(n_positive_full)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}
