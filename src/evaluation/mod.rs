//! Metrics: numbers in, numbers out.
//!
//! Owns ranking, calibration and effort-aware metrics and their bootstrap intervals. It never
//! knows what was scored, reads no file and holds no threshold. Whatever is undefined (one class,
//! no rows, a score that is not a number) is `None`, never a made-up value. Ties never depend on
//! the order of the rows. Start reading at [`Ranking`], which sorts once and answers many times.

mod bootstrap;
mod calibration;
mod effort;
mod ranking;

pub use bootstrap::{Bootstrap, Interval, paired_interval};
pub use calibration::{
    Reliability, brier, ece_equal_mass, ece_equal_width, ks_to_uniform, log_loss, observed_rate,
    predicted_over_observed, reliability_equal_mass, reliability_equal_width,
};
pub use effort::{popt, recall_at_effort, recall_at_effort_raw};
pub use ranking::{Ranking, capture, capture_cap, pr_auc, roc_auc};
