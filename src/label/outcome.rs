//! What becomes known about a landed change, and what can be told about a proposed one.

use serde::{Deserialize, Serialize};

use crate::incident::OutcomeKind;
use crate::label::{ChangeKind, LabelSource};

/// What can be told about a change when it is proposed: its wording, its diff, earlier events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classification {
    /// The kind that policy and pages speak of.
    pub kind: ChangeKind,
    /// Whether it says that it undoes, or lands again, an earlier change.
    pub is_revert: bool,
    /// Whether its headline says that undoing it is the plan.
    pub planned_by_wording: bool,
    /// Whether changes with its subject template were routinely undone before.
    pub planned_by_template: bool,
    /// Hash of its subject template.
    pub template: u64,
    /// Ordinal of the first change that it reverts by its words.
    pub reverts: Option<u32>,
    /// Ordinal of the recent change whose exact inverse it is.
    pub rollback_of: Option<u32>,
}

/// What became known about a landed change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Position of the change in the fold, from 0.
    pub ordinal: u32,
    /// Where it came from.
    pub source: LabelSource,
    /// When it happened, in Unix seconds; never before the change landed.
    pub occurred_at: i64,
    /// Before this moment nobody may know of it; never before it happened.
    pub known_at: i64,
    /// Whether undoing it was the plan, decided from what was known at `known_at`.
    pub planned: bool,
    /// Whether it speaks against the change.
    pub positive: bool,
    /// What was reported, where the source is a report.
    pub reported: Option<OutcomeKind>,
    /// As the incident's own system words it.
    pub severity: Option<String>,
    /// Ordinal of the change that reverts it.
    pub by: Option<u32>,
}

impl Outcome {
    /// Whether it only withdraws what was reported before.
    pub fn retracts(&self) -> bool {
        self.reported == Some(OutcomeKind::Retracted)
    }
}
