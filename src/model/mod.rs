//! Learners on columns of numbers: logistic, boosted trees, hashed text, calibrators, ensembles.
//!
//! Owns fitting, margins (log-odds) and exact attributions. It never knows what a feature means,
//! reads no file and no clock: rows, parameters and the seed are arguments, and the same ones give
//! the same bytes on any number of threads. Parameters are plain `…Params`; only their checked form
//! can fit. What was fitted is plain data that serde reads and writes; [`Ensemble::check`] (or the
//! `check` of a member) refuses a damaged one. Start reading at [`Ensemble`].

pub mod boosted;
pub mod calibrator;
pub mod ensemble;
mod error;
mod importance;
pub mod logistic;
mod matrix;
mod solve;
pub mod text;

pub use boosted::{Boosted, BoostedParams, Explained};
pub use calibrator::{Calibrator, CalibratorKind, CalibratorParams, Platt};
pub use ensemble::{Attribution, Ensemble, Input, Learner, Member, TextMember};
pub use error::Error;
pub use logistic::{Logistic, LogisticParams};
pub use matrix::{Matrix, Target};
pub use text::{TextLogistic, TextParams};

/// Probability of a margin: `1 / (1 + exp(-margin))`.
pub fn sigmoid(margin: f64) -> f64 {
    if margin >= 0.0 {
        1.0 / (1.0 + (-margin).exp())
    } else {
        let odds = margin.exp();
        odds / (1.0 + odds)
    }
}

/// Margin of a probability: `ln(p / (1 - p))`.
pub fn logit(probability: f64) -> f64 {
    (probability / (1.0 - probability)).ln()
}

/// `ln(1 + exp(x))` without overflow.
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
