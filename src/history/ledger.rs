use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::history::footprint::Footprint;

/// The footprints of the newest changes, so that an outcome known later finds what it falls on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ledger {
    limit: usize,
    n_landed: u32,
    footprints: VecDeque<Footprint>,
}

impl Ledger {
    /// An empty ledger of at most `limit` footprints.
    pub fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), n_landed: 0, footprints: VecDeque::new() }
    }

    /// Number of changes ever landed: the ordinal of the next one.
    pub fn n_landed(&self) -> u32 {
        self.n_landed
    }

    /// The footprint of a change, unless it is too old.
    pub fn get(&self, ordinal: u32) -> Option<&Footprint> {
        let newest_first = self.n_landed.checked_sub(ordinal)?;
        let idx = self.footprints.len().checked_sub(newest_first as usize)?;
        self.footprints.get(idx)
    }

    /// Puts down the next change.
    pub fn push(&mut self, footprint: Footprint) {
        if self.footprints.len() >= self.limit {
            self.footprints.pop_front();
        }
        self.footprints.push_back(footprint);
        self.n_landed += 1;
    }
}
