//! From messages and diffs to outcomes and row labels.

mod as_of;
mod curation;
mod fixture;
mod reverts;
mod rollbacks;
pub(crate) mod sources;
