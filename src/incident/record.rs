//! The records themselves: one incident–change link, one reported outcome.

use serde::{Deserialize, Serialize};

use crate::change::ChangeId;

/// One line between an incident and a change that had a part in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentLink {
    /// The incident, as its own system names it.
    pub incident_id: String,
    /// When it began, in Unix seconds.
    pub started_at: Option<i64>,
    /// When it was over, in Unix seconds.
    pub resolved_at: Option<i64>,
    /// When the link was made: before this moment nobody may know of it.
    pub known_at: i64,
    /// As its own system words it.
    pub severity: Option<String>,
    /// One line for people.
    pub title: Option<String>,
    /// The repository of the change.
    pub repo: String,
    /// The change: a full or short commit id, a review identity, or the `sha256:…` digest of a diff.
    pub change_id: ChangeId,
    /// How the link came about.
    pub link_kind: LinkKind,
}

/// How an incident came to be linked with a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// A person said so.
    Declared,
    /// The change was rolled back to end the incident.
    Rollback,
    /// The change was reverted to end the incident.
    Revert,
    /// A bisection pointed at the change.
    Bisect,
}

/// What somebody reports about a change after the fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeRecord {
    /// Which change.
    pub target: OutcomeTarget,
    /// The repository, where the target needs one.
    pub repo: Option<String>,
    /// What became of it.
    pub outcome: OutcomeKind,
    /// When it happened, in Unix seconds.
    pub occurred_at: i64,
    /// When it became known: never before `occurred_at`.
    pub known_at: i64,
    /// The incident, if there was one.
    pub incident_id: Option<String>,
    /// As its own system words it.
    pub severity: Option<String>,
    /// Who reports: a system or a person.
    pub source: Option<String>,
    /// The newest change that had landed when a service was told, as far as it knew: what landed later was read knowing of it.
    pub head: Option<ChangeId>,
    /// Names that tell better than the target which landing is meant, the surest first: one diff may land more than once.
    pub surer: Vec<OutcomeTarget>,
}

impl OutcomeRecord {
    /// A report of what happened and became known at these moments, in Unix seconds, with nothing else said.
    #[must_use]
    pub fn new(target: OutcomeTarget, outcome: OutcomeKind, occurred_at: i64, known_at: i64) -> Self {
        Self {
            target,
            repo: None,
            outcome,
            occurred_at,
            known_at,
            incident_id: None,
            severity: None,
            source: None,
            head: None,
            surer: Vec::new(),
        }
    }
}

#[cfg(test)]
impl OutcomeRecord {
    /// A report of something that happened at `1`, in no repository.
    pub(crate) fn tried(target: OutcomeTarget, outcome: OutcomeKind, known_at: i64) -> Self {
        Self::new(target, outcome, 1, known_at)
    }
}

/// What an outcome is reported for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OutcomeTarget {
    /// A commit.
    Commit(ChangeId),
    /// A review identity: a Gerrit Change-Id or `pr/123`.
    Id(String),
    /// The digest of a diff, `sha256:<hex>`.
    Digest(String),
    /// A decision of the store.
    Decision(String),
}

/// The closed set of reported outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// It caused an incident.
    Incident,
    /// It was undone because it was bad.
    Reverted,
    /// It was undone, and undoing it was the plan.
    RevertedAsPlanned,
    /// Validation or a canary stopped it: a positive, so that a working gate does not teach the
    /// model that such changes are safe.
    Caught,
    /// It was looked at and found harmless.
    Harmless,
    /// An earlier report about it was wrong and is withdrawn.
    Retracted,
}

impl OutcomeKind {
    const ALL: [Self; 6] = [
        Self::Incident,
        Self::Reverted,
        Self::RevertedAsPlanned,
        Self::Caught,
        Self::Harmless,
        Self::Retracted,
    ];

    /// The kind that a word reports.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The word that reports it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Reverted => "reverted",
            Self::RevertedAsPlanned => "reverted_as_planned",
            Self::Caught => "caught",
            Self::Harmless => "harmless",
            Self::Retracted => "retracted",
        }
    }

    /// Whether it speaks against the change.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Incident | Self::Reverted | Self::Caught)
    }
}
