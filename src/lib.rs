//! diffrisk scores a configuration change *before* it rolls out and answers one question for the
//! rollout pipeline: fast path, or extra validation?
//!
//! The way of the data through the modules: a [`change`] is read from [`git`] or from a posted
//! diff, compared with what [`history`] says about such changes, turned into [`features`], scored
//! by an [`artifact`] through the [`scorer`], and decided on by the [`policy`]. Start reading at
//! [`timeline`], the one replay loop that mining, scoring and serving share.
#![deny(clippy::print_stdout)]

pub mod artifact;
pub mod change;
pub mod dataset;
pub mod evaluation;
pub mod explain;
pub mod features;
pub mod git;
pub mod history;
pub mod http;
pub mod incident;
pub mod label;
pub mod mining;
pub mod model;
pub mod policy;
pub mod risk;
pub mod scorer;
pub mod store;
pub mod suspect;
pub mod timeline;
pub mod train;
