//! What is remembered of a single line, by a hash of its file and text: when it last came and went.

use serde::{Deserialize, Serialize};

/// What is remembered of one line of one file, by its text without white space around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineTrack {
    /// Unix seconds at which a change last added it; none where it was never seen being added.
    pub added_t: Option<i64>,
    /// Unix seconds at which a change last deleted it.
    pub deleted_t: Option<i64>,
}

/// The lines that a change adds and deletes, as hashes of file and text, as far as they are remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineMarks {
    /// Added lines, in the order of the diff.
    pub added: Vec<u64>,
    /// Deleted lines, in the order of the diff.
    pub deleted: Vec<u64>,
}
