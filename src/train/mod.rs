//! Dataset to fitted, calibrated, evaluated artifact.
//!
//! Owns the recipe: which rows may train at a moment, which members are fitted on which columns, how
//! they are combined and calibrated, and how all of it is measured. Knows no file and no clock.
//! Start reading at [`train`], which a backtest calls on the rows before its split.

mod backtest;
mod card;
mod chain;
mod combiner;
mod curves;
mod evaluate;
mod examples;
mod fit;
mod golden;
mod pooled;
mod population;
mod recipe;
mod report;
mod seen;
mod small;
mod sources;
mod steady;
mod study;
mod suspects;
mod table;
mod training;

pub use backtest::{Backtest, BacktestOptions, Mode, Prediction, Protocol, SplitAt, backtest};
pub use card::model_card;
pub use evaluate::{Evaluation, EvaluationReport, evaluate, evaluate_table};
pub use examples::Examples;
pub use pooled::{PooledOptions, train_pooled};
pub use recipe::{MemberWeights, Recipe};
pub use report::{Block, Comparison, DatasetReport, PriorUse, Report, SystemReport, WithUse};
pub use steady::{Period, Uniformity};
pub use study::{Study, Variant, ablation, learning_curve};
pub use suspects::{SuspectReport, SuspectSystem};
pub use table::{TableBacktest, backtest_table, train_table};
pub use training::{Prior, TrainOptions, Trained, train, train_rows};

/// Why nothing was trained.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too few positives to learn or to measure anything.
    #[error("{what} has {found} positives, at least {expected} are needed")]
    TooFewPositives {
        /// Which rows.
        what: String,
        /// Positives found.
        found: usize,
        /// Positives needed.
        expected: usize,
    },
    /// Only one class.
    #[error("{0} has rows of one class only")]
    OneClass(String),
    /// The prior was trained on these very rows and has no twin without them.
    #[error(
        "the prior `{prior}` was trained on this repository, or on one that shares its changes (root {root}), and has no twin without it; use `--prior none`, or `--allow-overlap` to run it all the same"
    )]
    Overlap {
        /// Name of the prior.
        prior: String,
        /// Root commit.
        root: String,
    },
    /// The prior was blended with an artifact that is not at hand.
    #[error(
        "the prior `{artifact}` was itself blended with `{prior}`, which is not the artifact published with this version: what that saw cannot be told; use `--prior none`, or `--allow-overlap` to run it all the same"
    )]
    UnknownPrior {
        /// Name of the prior.
        artifact: String,
        /// Name of what it was blended with.
        prior: String,
    },
    /// The prior alone was to be judged, and there is none.
    #[error("the prior alone was to be judged, but there is no prior")]
    NoPrior,
    /// The artifact cannot be judged by these rows.
    #[error("artifact refused: {0}")]
    Refused(&'static str),
    /// Rows of other repositories have other features, and cannot be put beside these.
    #[error(transparent)]
    OtherRows(crate::dataset::Error),
    /// A learner refused.
    #[error(transparent)]
    Model(#[from] crate::model::Error),
    /// An artifact refused.
    #[error(transparent)]
    Artifact(#[from] crate::artifact::Error),
    /// A split was impossible.
    #[error(transparent)]
    Split(#[from] crate::dataset::SplitError),
}
