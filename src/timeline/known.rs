//! What happened to landed changes, by every name under which they may be asked about again: number, digest, review.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::change::{Change, Digest, digest};
use crate::history::hash64;
use crate::incident::OutcomeKind;
use crate::label::{LabelSource, Outcome};

/// What already happened to landed changes, under every name they may come back with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct KnownOutcomes {
    /// Hash of each change's digest, by ordinal.
    digests: Vec<u64>,
    /// Hash of each change's review identity, by ordinal; 0 where it names none.
    reviews: Vec<u64>,
    bad: BTreeMap<u32, Bad>,
}

/// What speaks against a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bad {
    /// When it happened, in Unix seconds.
    pub occurred_at: i64,
    /// Whether it was named in an incident, rather than reverted.
    pub is_incident: bool,
    /// Whether it was reported, and may be withdrawn.
    pub is_reported: bool,
}

impl KnownOutcomes {
    /// What is known against the change at a position of the fold.
    pub fn of_ordinal(&self, ordinal: u32) -> Option<Bad> {
        self.bad.get(&ordinal).copied()
    }

    /// What is known against any landed change with this diff.
    pub fn of_digest(&self, digest: &Digest) -> Option<Bad> {
        self.first_bad(&self.digests, short(digest))
    }

    /// What is known against any landed change with this review identity.
    pub fn of_review(&self, review_id: &str) -> Option<Bad> {
        self.first_bad(&self.reviews, hash64(&[review_id]))
    }

    /// Position of the newest landed change with this diff.
    pub fn newest_of_digest(&self, digest: &Digest) -> Option<u32> {
        let name = short(digest);
        u32::try_from(self.digests.iter().rposition(|other| *other == name)?).ok()
    }

    pub(super) fn land(&mut self, change: &Change) {
        self.digests.push(short(&digest(&change.record)));
        self.reviews.push(review_of(&change.message).map_or(0, |review_id| hash64(&[review_id])));
    }

    pub(super) fn outcome(&mut self, outcome: &Outcome) {
        if outcome.retracts() {
            // A report can be withdrawn; a revert in the history cannot.
            if self.bad.get(&outcome.ordinal).is_some_and(|bad| bad.is_reported) {
                self.bad.remove(&outcome.ordinal);
            }
        } else if outcome.positive && !outcome.planned {
            let is_reported = outcome.source == LabelSource::Outcome;
            let is_incident =
                outcome.source == LabelSource::Incident || outcome.reported == Some(OutcomeKind::Incident);
            let bad = Bad { occurred_at: outcome.occurred_at, is_incident, is_reported };
            let known = self.bad.entry(outcome.ordinal).or_insert(bad);
            known.is_incident |= is_incident;
            known.is_reported &= is_reported;
        }
    }

    /// Bad changes are few; looking through them is cheaper than one more index of everything.
    fn first_bad(&self, names: &[u64], name: u64) -> Option<Bad> {
        let is_named = |ordinal: &&u32| names.get(**ordinal as usize) == Some(&name);
        self.bad.keys().rev().find(is_named).and_then(|ordinal| self.of_ordinal(*ordinal))
    }
}

/// The review identity that a message names in its trailers.
pub fn review_of(message: &str) -> Option<&str> {
    message.lines().rev().find_map(|line| line.strip_prefix("Change-Id:")).map(str::trim)
}

fn short(digest: &Digest) -> u64 {
    hash64(&[&digest.to_string()])
}
