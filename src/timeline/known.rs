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

/// What speaks against a change: each thing that happened to it, once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bad {
    /// It was named in an incident.
    pub incident: Option<Event>,
    /// It was reverted, and not as planned.
    pub revert: Option<Event>,
    /// Validation stopped it.
    pub catch: Option<Event>,
}

/// When something happened to a change, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// In Unix seconds.
    pub occurred_at: i64,
    /// Whether it was reported, and may be withdrawn.
    pub is_reported: bool,
}

impl Bad {
    /// The place of an outcome among them.
    fn slot(&mut self, outcome: &Outcome) -> &mut Option<Event> {
        match (outcome.source, outcome.reported) {
            (LabelSource::Incident, _) | (_, Some(OutcomeKind::Incident)) => &mut self.incident,
            (_, Some(OutcomeKind::Caught)) => &mut self.catch,
            _ => &mut self.revert,
        }
    }

    /// Takes an outcome in: of two reports the later one counts, and what the history says before any.
    fn hear(&mut self, outcome: &Outcome) {
        let is_reported = outcome.source == LabelSource::Outcome;
        let event = Event { occurred_at: outcome.occurred_at, is_reported };
        let slot = self.slot(outcome);
        if slot.is_none_or(|known| known.is_reported) {
            *slot = Some(event);
        }
    }

    /// What is left where all reports are withdrawn.
    fn without_reports(self) -> Self {
        let kept = |event: Option<Event>| event.filter(|event| !event.is_reported);
        Self { incident: kept(self.incident), revert: kept(self.revert), catch: kept(self.catch) }
    }
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
        self.of_digest_where(digest, |_| true)
    }

    /// Position of the newest landed change with this diff of which something holds.
    pub(super) fn of_digest_where(&self, digest: &Digest, holds: impl Fn(u32) -> bool) -> Option<u32> {
        let name = short(digest);
        let named = self.digests.iter().enumerate().rev().filter(|(_, other)| **other == name);
        named.filter_map(|(ordinal, _)| u32::try_from(ordinal).ok()).find(|ordinal| holds(*ordinal))
    }

    pub(super) fn land(&mut self, change: &Change) {
        self.digests.push(short(&digest(&change.record)));
        self.reviews.push(review_of(&change.message).map_or(0, |review_id| hash64(&[review_id])));
    }

    pub(super) fn outcome(&mut self, outcome: &Outcome) {
        if outcome.retracts() {
            // A report can be withdrawn; a revert in the history cannot.
            let left = self.bad.remove(&outcome.ordinal).map(Bad::without_reports);
            self.bad.extend(left.filter(|left| *left != Bad::default()).map(|left| (outcome.ordinal, left)));
        } else if outcome.positive && !outcome.planned {
            self.bad.entry(outcome.ordinal).or_default().hear(outcome);
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
