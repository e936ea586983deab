//! The newest changes that went wrong, by their hashes, for whoever asks which were like this one. No feature reads them.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::history::footprint::Footprint;
use crate::history::tokens::TokenKind;
use crate::incident::OutcomeKind;
use crate::label::{LabelSource, Outcome};

/// Bad changes remembered: those of a million changes of which three in a hundred go wrong.
const MAX_BAD: usize = 32_768;
/// Hashes of one kind that are kept of a bad change.
const MAX_MARKS: usize = 32;

/// The newest changes that went wrong, each by its hashes, so that a later change can be compared with
/// them. Moves no feature.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BadChanges {
    newest_last: VecDeque<BadChange>,
}

/// One change that went wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BadChange {
    /// Its position in the fold, from 0.
    pub ordinal: u32,
    /// When it landed, in Unix seconds.
    pub landed_at: i64,
    /// When it went wrong.
    pub occurred_at: i64,
    /// When that became known.
    pub known_at: i64,
    /// Where that came from.
    pub source: LabelSource,
    /// Whether it was named in an incident.
    pub is_incident: bool,
    /// Hash of the title's template.
    pub template: u64,
    /// Hashed words of the title.
    pub words: Vec<u32>,
    /// Hashes of its paths.
    pub files: Vec<u64>,
    /// Hashes of its directories at depth 3.
    pub dirs: Vec<u64>,
    /// Hashes of file and key path.
    pub keys: Vec<u64>,
    /// Hashes of the keys' last parts.
    pub leaves: Vec<u64>,
}

impl BadChanges {
    /// All that are remembered, in the order they became known.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &BadChange> {
        self.newest_last.iter()
    }

    /// Number of changes remembered.
    pub fn len(&self) -> usize {
        self.newest_last.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.newest_last.is_empty()
    }

    /// Remembers a change that went wrong. One that was known already keeps its first outcome; it is one of an incident from
    /// then on where this says so, and can no longer be withdrawn where more than a report says it.
    pub(super) fn push(&mut self, outcome: &Outcome, footprint: &Footprint) {
        let is_incident =
            outcome.source == LabelSource::Incident || outcome.reported == Some(OutcomeKind::Incident);
        let known = self.newest_last.iter_mut().rev().find(|bad| bad.ordinal == outcome.ordinal);
        if let Some(known) = known {
            known.is_incident |= is_incident;
            if known.source == LabelSource::Outcome {
                known.source = outcome.source;
            }
            return;
        }
        if self.newest_last.len() >= MAX_BAD {
            self.newest_last.pop_front();
        }
        self.newest_last.push_back(BadChange {
            ordinal: outcome.ordinal,
            landed_at: footprint.t,
            occurred_at: outcome.occurred_at,
            known_at: outcome.known_at,
            source: outcome.source,
            is_incident,
            template: footprint.template,
            words: sorted(footprint.tokens_of(TokenKind::Message).iter().copied()),
            files: sorted(footprint.files.iter().map(|mark| mark.path)),
            dirs: sorted(footprint.dirs[2].iter().copied()),
            keys: sorted(footprint.keys.iter().map(|mark| mark.key)),
            leaves: sorted(footprint.keys.iter().map(|mark| mark.leaf)),
        });
    }

    /// Forgets a change whose report was withdrawn; a revert in the history cannot be.
    pub(super) fn retract(&mut self, ordinal: u32) {
        self.newest_last.retain(|bad| bad.ordinal != ordinal || bad.source != LabelSource::Outcome);
    }
}

/// The first hashes, each once, in order.
fn sorted<T: Ord>(hashes: impl Iterator<Item = T>) -> Vec<T> {
    let mut hashes: Vec<T> = hashes.take(MAX_MARKS).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(ordinal: u32, source: LabelSource) -> Outcome {
        Outcome {
            ordinal,
            source,
            occurred_at: 100,
            known_at: 200,
            planned: false,
            positive: true,
            reported: None,
            severity: None,
            by: None,
        }
    }

    #[test]
    fn a_change_is_remembered_once_and_its_report_can_be_withdrawn() {
        let mut bad_changes = BadChanges::default();
        let footprint = Footprint { t: 50, ..Footprint::default() };
        bad_changes.push(&outcome(3, LabelSource::Revert), &footprint);
        bad_changes.push(&outcome(3, LabelSource::Incident), &footprint);
        bad_changes.push(&outcome(4, LabelSource::Outcome), &footprint);
        let shown: Vec<(u32, bool)> = bad_changes.iter().map(|bad| (bad.ordinal, bad.is_incident)).collect();
        assert_eq!(shown, [(3, true), (4, false)]);
        bad_changes.retract(3);
        bad_changes.retract(4);
        assert_eq!(bad_changes.len(), 1, "only a report can be withdrawn");
    }

    #[test]
    fn the_oldest_leaves_a_full_memory() {
        let mut bad_changes = BadChanges::default();
        let footprint = Footprint::default();
        let n = u32::try_from(MAX_BAD).unwrap();
        // Two beyond the limit; each is known, so nothing is looked for twice.
        for ordinal in 0..4 {
            bad_changes.push(&outcome(ordinal, LabelSource::Revert), &footprint);
        }
        let filler = bad_changes.newest_last[0].clone();
        bad_changes.newest_last.extend((4..n).map(|ordinal| BadChange { ordinal, ..filler.clone() }));
        bad_changes.push(&outcome(n, LabelSource::Revert), &footprint);
        assert_eq!((bad_changes.len(), bad_changes.newest_last[0].ordinal), (MAX_BAD, 1));
    }
}
