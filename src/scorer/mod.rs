//! An artifact and a vector make an assessment.
//!
//! Owns the way from a vector of this build's schema to the artifact's own order, the rank among a
//! repository's latest changes, and the contributions in terms of features. No clock, no I/O.
//! Start reading at [`Scorer::assess`].

mod assess;
mod reference;

pub use assess::{Answer, Scorer};
pub use reference::ReferenceMargins;
