//! Footprints that wait for their outcome, and the moment at which none has come. Old ones fall out; what comes later than
//! that falls on nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::history::footprint::Footprint;
use crate::history::track::OutcomeWeight;

/// The footprints of the newest changes, so that an outcome known later finds what it falls on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ledger {
    limit: usize,
    n_landed: u32,
    footprints: VecDeque<Footprint>,
    /// Ordinal of the oldest change that was not settled yet.
    n_settled: u32,
    /// Ordinals from `n_settled` on that had an outcome.
    decided: BTreeSet<u32>,
    /// Ordinals of the footprints that had an outcome, and whether it was a bad one.
    counted: BTreeMap<u32, bool>,
}

impl Ledger {
    /// An empty ledger of at most `limit` footprints.
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            n_landed: 0,
            footprints: VecDeque::new(),
            n_settled: 0,
            decided: BTreeSet::new(),
            counted: BTreeMap::new(),
        }
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

    /// Notes that a kept change has an outcome: it will not settle as one that held. A change counts once, however many
    /// statements say what became of it; answers what this one adds.
    pub fn decide(&mut self, ordinal: u32, weight: OutcomeWeight) -> Option<OutcomeWeight> {
        if ordinal >= self.n_settled {
            self.decided.insert(ordinal);
        }
        let is_bad = weight != OutcomeWeight::UndoneOnly;
        let counted = self.counted.get(&ordinal).copied();
        self.counted.insert(ordinal, is_bad || counted == Some(true));
        match counted {
            None => Some(weight),
            Some(false) if is_bad => Some(OutcomeWeight::BadOnly),
            Some(_) => None,
        }
    }

    /// The oldest change that landed at or before `t`, was not settled yet and had no outcome; it counts
    /// as settled from now on.
    pub fn settle(&mut self, t: i64) -> Option<&Footprint> {
        while self.n_settled < self.n_landed {
            let ordinal = self.n_settled;
            let is_kept = self.get(ordinal).is_some_and(|footprint| footprint.t > t);
            if is_kept {
                return None;
            }
            self.n_settled += 1;
            if !self.decided.remove(&ordinal) && self.get(ordinal).is_some() {
                return self.get(ordinal);
            }
        }
        None
    }

    /// Puts down the next change. Answers the one that it takes the place of, where that was not settled yet and had no outcome.
    pub fn push(&mut self, footprint: Footprint) -> Option<Footprint> {
        let mut unsettled = None;
        if self.footprints.len() >= self.limit {
            let ordinal =
                self.n_landed.saturating_sub(u32::try_from(self.footprints.len()).unwrap_or(u32::MAX));
            let is_open = ordinal >= self.n_settled && !self.decided.contains(&ordinal);
            unsettled = self.footprints.pop_front().filter(|_| is_open);
            let oldest =
                self.n_landed.saturating_sub(u32::try_from(self.footprints.len()).unwrap_or(u32::MAX));
            self.counted = self.counted.split_off(&oldest);
        }
        self.footprints.push_back(footprint);
        self.n_landed += 1;
        unsettled
    }
}
