//! What is remembered of one key in one file: its last values as hashes, and how large its steps usually are.

use serde::{Deserialize, Serialize};

use crate::history::track::Track;

/// What is remembered of one configuration key in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyTrack {
    /// Changes and outcomes.
    pub track: Track,
    /// Hash of the value before the newest change; 0 where there was none.
    pub last_old: u64,
    /// Hash of the value after the newest change; 0 where there was none.
    pub last_new: u64,
    sum_abs_log_ratio: f32,
    n_numeric: u32,
}

impl KeyTrack {
    /// Folds in the size of a numeric edit, as `|ln(new / old)|`.
    pub fn add_numeric(&mut self, abs_log_ratio: f32) {
        self.sum_abs_log_ratio += abs_log_ratio;
        self.n_numeric = self.n_numeric.saturating_add(1);
    }

    /// Mean `|ln(new / old)|` of this key's numeric edits so far; none where there were none.
    pub fn mean_abs_log_ratio(&self) -> Option<f32> {
        (self.n_numeric > 0).then(|| self.sum_abs_log_ratio / self.n_numeric as f32)
    }
}
