//! Proof by diff that a change is the exact inverse of one that landed recently.
//!
//! Two things are compared. The *digest*: which lines go and come in which file.
//! And the *place*: where the lines of the earlier change stand by now, followed through every
//! later landing; as soon as one touches them, the earlier change can no longer be rolled back by
//! its plain inverse. In doubt there is no proof, and so no exemption.

mod runs;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use self::runs::{Edits, Place};
use crate::change::{self, ChangeRecord, Digest};

/// Most landings kept at once.
const MAX_ENTRIES: usize = 1024;
/// Most runs of changed lines kept over all of them, 12 bytes each.
const MAX_RUNS: usize = 1 << 16;

/// The changes landed recently, as far as proving a rollback needs them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Recent {
    window_seconds: i64,
    entries: VecDeque<Entry>,
    n_runs: usize,
}

/// One landing that nothing later has touched so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    ordinal: u32,
    committed_at: i64,
    /// Digest of its inverse.
    inverse: Digest,
    /// Where its lines stand by now.
    places: Vec<Place>,
}

impl Recent {
    /// Remembers landings for so long.
    pub(crate) fn new(window_seconds: i64) -> Self {
        Self { window_seconds, entries: VecDeque::new(), n_runs: 0 }
    }

    /// The newest landing within the window whose exact inverse, at its place, this diff is.
    pub(crate) fn undone_by(&self, record: &ChangeRecord, now: i64) -> Option<u32> {
        if self.entries.is_empty() {
            return None;
        }
        let edits = Edits::of(record)?;
        let places = edits.old_places();
        let recent = self.entries.iter().rev().filter(|entry| self.is_recent(entry, now));
        let mut candidates = recent.filter(|entry| runs::are_same(&entry.places, &places)).peekable();
        candidates.peek()?;
        let digest = change::digest(record);
        candidates.find(|entry| entry.inverse == digest).map(|entry| entry.ordinal)
    }

    /// Folds a landing in: it moves, or touches, the lines of the earlier ones. One that is itself
    /// an undoing is not kept: landing the undone change again is no rollback.
    pub(crate) fn land(&mut self, record: &ChangeRecord, ordinal: u32, now: i64, is_undoing: bool) {
        let edits = Edits::of(record);
        match &edits {
            Some(edits) => self.entries.retain_mut(|entry| edits.carry(&mut entry.places)),
            None => self.entries.retain(|entry| !runs::share_a_file(&entry.places, record)),
        }
        if let Some(edits) = edits.filter(|_| !is_undoing) {
            let (inverse, places) = (change::digest(&change::inverse(record)), edits.places());
            self.entries.push_back(Entry { ordinal, committed_at: now, inverse, places });
        }
        self.forget(now);
    }

    fn is_recent(&self, entry: &Entry, now: i64) -> bool {
        now.saturating_sub(entry.committed_at) <= self.window_seconds
    }

    fn forget(&mut self, now: i64) {
        self.n_runs = self.entries.iter().map(|entry| runs::n_runs(&entry.places)).sum();
        while let Some(oldest) = self.entries.front() {
            let is_full = self.entries.len() > MAX_ENTRIES || self.n_runs > MAX_RUNS;
            if self.is_recent(oldest, now) && !is_full {
                return;
            }
            self.n_runs -= runs::n_runs(&oldest.places);
            self.entries.pop_front();
        }
    }
}
