//! A git repository read as changes in the order of time.
//!
//! Owns everything that touches git2: opening, revisions, the ordered walk, tree differences,
//! rename detection and line differences. A change read here equals, field by field, what
//! [`parse_diff`](crate::change::parse_diff) reads from `git diff -U3 -M50% --full-index`, so
//! that mining and scoring cannot differ. Never writes to a repository that it reads, never decides what a
//! change means. Start reading at [`Repository`] for one change, at [`walk()`] for all.

mod assemble;
mod cache;
mod content;
mod error;
mod extract;
mod fresh;
mod graph;
mod lines;
mod loose;
mod rename;
mod repository;
mod restore;
mod sample;
mod similarity;
mod tree;
mod trunk;
mod undo;
mod walk;

pub use error::Error;
pub use extract::{Counts, Limits};
pub use fresh::Back;
pub use repository::Repository;
pub use restore::{Landing, Landings};
pub use sample::{Proposal, Sample, SampleError, write_sample};
pub use undo::Proposed;
pub use walk::{WalkOptions, WalkReport, walk};

use serde::{Deserialize, Serialize};

/// What counts as one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Every commit that is not a merge.
    Commit,
    /// Every first-parent commit, a merged branch counting as one.
    Landing,
}

/// The unit as asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitChoice {
    /// Landing where at least half of the first-parent commits are merges, else commit.
    #[default]
    Auto,
    /// [`Unit::Commit`].
    Commit,
    /// [`Unit::Landing`].
    Landing,
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Commit => "commit",
            Self::Landing => "landing",
        })
    }
}
