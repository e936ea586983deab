//! The streaming detector: changes in, outcomes out, each known at a moment.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::change::{Change, ChangeId};
use crate::incident::{IncidentLink, OutcomeKind, OutcomeRecord, OutcomeTarget};
use crate::label::identity::Names;
use crate::label::planned::planned_by_wording;
use crate::label::rollback::Recent;
use crate::label::template::{Templates, stable_hash, template_of};
use crate::label::wording::{Reference, RevertWording, commits_named, headline, revert_wording};
use crate::label::{ChangeKind, Classification, LabelSource, Outcome};

/// Most changes remembered. A quarter more, and the oldest are forgotten: they can no longer be
/// named by a revert. A plain change costs about 250 bytes with the names that point at it, so that
/// a state at its limit is about 300 MB in memory; 33,000 changes are 8 MB.
pub const MAX_REMEMBERED: usize = 1 << 20;
/// Most names remembered: merged commits bring their own.
const MAX_NAMES: usize = 4 << 20;
/// How far back a rollback is looked for, unless asked otherwise.
pub const ROLLBACK_WINDOW_SECONDS: i64 = 24 * 3600;

/// Streaming state. Ordinals are positions in the fold, from 0.
///
/// ```
/// use std::sync::Arc;
///
/// use diffrisk::change::{Change, ChangeId, Moment};
/// use diffrisk::label::{ChangeKind, Detector};
///
/// let change = |id: &str, message: &str, committed_at| Change {
///     id: ChangeId(id.repeat(40)),
///     author: "A <a@example.org>".to_owned(),
///     message: message.to_owned(),
///     authored_at: Moment { unix_seconds: committed_at, offset_minutes: 0 },
///     committed_at,
///     merged: vec![],
///     merged_messages: vec![],
///     record: Arc::default(),
/// };
/// let mut detector = Detector::new();
/// let raised = change("a", "Raise the timeout", 100);
/// detector.land(&raised, &detector.classify(&raised));
/// let revert = change("b", "Revert \"Raise the timeout\"", 200);
/// let classification = detector.classify(&revert);
/// assert_eq!(classification.kind, ChangeKind::Revert);
/// let outcomes = detector.land(&revert, &classification);
/// assert_eq!((outcomes[0].ordinal, outcomes[0].known_at), (0, 200));
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Detector {
    landed: VecDeque<Landed>,
    n_forgotten: u32,
    names: Names,
    templates: Templates,
    recent: Recent,
}

/// What must be known of a landed change to judge its revert.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Landed {
    committed_at: i64,
    template: u64,
    is_revert: bool,
    planned: bool,
    reverted: bool,
    /// When it was first taken back, by whatever and whether planned or not.
    undone_at: Option<i64>,
}

impl Default for Detector {
    fn default() -> Self {
        Self::with_rollback_window(ROLLBACK_WINDOW_SECONDS)
    }
}

impl Detector {
    /// An empty state that looks one day back for a rollback.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty state that looks so many seconds back for a rollback.
    pub fn with_rollback_window(seconds: i64) -> Self {
        Self {
            landed: VecDeque::new(),
            n_forgotten: 0,
            names: Names::default(),
            templates: Templates::default(),
            recent: Recent::new(seconds),
        }
    }

    /// Number of changes landed so far: the next ordinal.
    pub fn n_landed(&self) -> u32 {
        self.n_forgotten.saturating_add(u32::try_from(self.landed.len()).unwrap_or(u32::MAX))
    }

    /// The ordinal of a change: by full or short id, or by the id of a commit inside its merge.
    pub fn ordinal_of(&self, change_id: &ChangeId) -> Option<u32> {
        self.names.by_id(&change_id.0)
    }

    /// Tells the kind of a change from its wording, its diff and the changes landed before.
    pub fn classify(&self, change: &Change) -> Classification {
        let wording = wording_of(change);
        let planned_by_wording = planned_by_wording(&change.message);
        let template = stable_hash(&template_of(headline(&change.message)));
        let planned_by_template = self.templates.is_routinely_undone(template);
        let reverts = self.resolve(&wording.references).first().copied();
        let is_revert = wording.is_revert || reverts.is_some();
        let rollback_of = self.recent.undone_by(&change.record, change.committed_at);
        let kind = if rollback_of.is_some() {
            ChangeKind::Rollback
        } else if is_revert {
            ChangeKind::Revert
        } else if planned_by_wording || planned_by_template {
            ChangeKind::PlannedRoundTrip
        } else {
            ChangeKind::Ordinary
        };
        Classification {
            kind,
            is_revert,
            planned_by_wording,
            planned_by_template,
            template,
            reverts,
            rollback_of,
        }
    }

    /// Folds a change in under the next ordinal; answers what its landing makes known.
    pub fn land(&mut self, change: &Change, classification: &Classification) -> Vec<Outcome> {
        let by = self.n_landed();
        let wording = wording_of(change);
        let undone = self.resolve(&wording.references);
        undone
            .iter()
            .copied()
            .chain(classification.rollback_of)
            .for_each(|ordinal| self.undo(ordinal, change));
        let revert =
            Revert { by, committed_at: change.committed_at, planned: classification.planned_by_wording };
        let outcomes = undone.into_iter().filter_map(|ordinal| self.revert(ordinal, &revert)).collect();
        self.remember(change, classification, by);
        outcomes
    }

    /// Position of the landed change that an incident link names by its commit or review identity; none where it is unknown.
    pub fn linked(&self, incident_link: &IncidentLink) -> Option<u32> {
        let id = &incident_link.change_id.0;
        self.names.by_id(id).or_else(|| self.names.by_review(id))
    }

    /// Takes an incident link that is declared of the change at a position; none where there is none.
    pub fn declare(&self, ordinal: u32, incident_link: &IncidentLink) -> Option<Outcome> {
        let mut outcome = self.reported(ordinal, incident_link.started_at, incident_link.known_at)?;
        outcome.source = LabelSource::Incident;
        outcome.positive = true;
        outcome.severity.clone_from(&incident_link.severity);
        Some(outcome)
    }

    /// Position of the landed change that a commit, a review identity, or a decision in its trailers names. Digests are no names
    /// of labels: those of landed diffs are the timeline's.
    pub fn named(&self, target: &OutcomeTarget) -> Option<u32> {
        match target {
            OutcomeTarget::Commit(change_id) => self.names.by_id(&change_id.0),
            OutcomeTarget::Id(id) => self.names.by_review(id),
            OutcomeTarget::Decision(id) => self.names.by_decision(id),
            OutcomeTarget::Digest(_) => None,
        }
    }

    /// Takes an outcome that is reported of the change at a position; none where there is none.
    pub fn report(&self, ordinal: u32, outcome_record: &OutcomeRecord) -> Option<Outcome> {
        let kind = outcome_record.outcome;
        let mut outcome =
            self.reported(ordinal, Some(outcome_record.occurred_at), outcome_record.known_at)?;
        outcome.planned = kind == OutcomeKind::RevertedAsPlanned;
        outcome.positive = kind.is_bad();
        outcome.reported = Some(kind);
        outcome.severity.clone_from(&outcome_record.severity);
        Some(outcome)
    }

    /// A statement about a landed change, moved to where it could have been made.
    fn reported(&self, ordinal: u32, occurred_at: Option<i64>, known_at: i64) -> Option<Outcome> {
        let landed_at = self.get(ordinal)?.committed_at;
        let known_at = known_at.max(landed_at);
        Some(Outcome {
            ordinal,
            source: LabelSource::Outcome,
            occurred_at: occurred_at.unwrap_or(known_at).clamp(landed_at, known_at),
            known_at,
            planned: false,
            positive: false,
            reported: None,
            severity: None,
            by: None,
        })
    }

    /// The earlier changes that the most trustworthy references point at, each once.
    fn resolve(&self, references: &[Reference]) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        let mut kind = None;
        for reference in references {
            let this_kind = std::mem::discriminant(reference);
            if kind.is_some_and(|kind| kind != this_kind) {
                break;
            }
            if let Some(ordinal) = self.names.resolve(reference) {
                kind = Some(this_kind);
                if !found.contains(&ordinal) {
                    found.push(ordinal);
                }
            }
        }
        found
    }

    /// When a change was first taken back, planned or not, also where that is no label: a revert that was reverted.
    pub fn undone_at(&self, ordinal: u32) -> Option<i64> {
        self.get(ordinal)?.undone_at
    }

    fn undo(&mut self, ordinal: u32, by: &Change) {
        let Some(idx) = self.index_of(ordinal) else { return };
        if let Some(landed) = self.landed.get_mut(idx) {
            let undone_at = by.committed_at.max(landed.committed_at);
            landed.undone_at.get_or_insert(undone_at);
        }
    }

    /// When a change landed.
    pub fn landed_at(&self, ordinal: u32) -> Option<i64> {
        Some(self.get(ordinal)?.committed_at)
    }

    /// Marks a change as undone. Only the first time counts, and only for what is no revert itself.
    fn revert(&mut self, ordinal: u32, revert: &Revert) -> Option<Outcome> {
        let idx = self.index_of(ordinal)?;
        let landed = self.landed.get_mut(idx)?;
        if landed.is_revert || landed.reverted {
            return None;
        }
        landed.reverted = true;
        self.templates.undo(landed.template);
        Some(Outcome {
            ordinal,
            source: LabelSource::Revert,
            occurred_at: revert.committed_at.max(landed.committed_at),
            known_at: revert.committed_at.max(landed.committed_at),
            planned: landed.planned || revert.planned || self.templates.is_routinely_undone(landed.template),
            positive: true,
            reported: None,
            severity: None,
            by: Some(revert.by),
        })
    }

    fn remember(&mut self, change: &Change, classification: &Classification, ordinal: u32) {
        self.names.insert(change, ordinal);
        self.templates.see(classification.template);
        let is_undoing = classification.is_revert || classification.rollback_of.is_some();
        self.recent.land(&change.record, ordinal, change.committed_at, is_undoing);
        self.landed.push_back(Landed {
            committed_at: change.committed_at,
            template: classification.template,
            is_revert: classification.is_revert,
            planned: classification.planned_by_wording || classification.planned_by_template,
            reverted: false,
            undone_at: None,
        });
        if self.landed.len() > MAX_REMEMBERED + MAX_REMEMBERED / 4 || self.names.len() > MAX_NAMES {
            self.forget_oldest();
        }
    }

    /// Forgets the oldest fifth.
    fn forget_oldest(&mut self) {
        let n_oldest = (self.landed.len() / 5).max(1);
        self.landed.drain(..n_oldest);
        self.n_forgotten = self.n_forgotten.saturating_add(u32::try_from(n_oldest).unwrap_or(u32::MAX));
        self.names.forget_before(self.n_forgotten);
    }

    fn get(&self, ordinal: u32) -> Option<&Landed> {
        self.landed.get(self.index_of(ordinal)?)
    }

    fn index_of(&self, ordinal: u32) -> Option<usize> {
        usize::try_from(ordinal.checked_sub(self.n_forgotten)?).ok()
    }
}

/// What a change says about undoing others. A merged commit that undoes another one of its own branch says nothing about what
/// landed before, whatever subject it quotes.
fn wording_of(change: &Change) -> RevertWording {
    let is_own = |id: &String| change.merged.iter().any(|merged| merged.0.starts_with(id.as_str()));
    let speaks_of_own = |message: &&String| commits_named(message).iter().any(is_own);
    let merged = change.merged_messages.iter().filter(|message| !speaks_of_own(message));
    revert_wording(&change.message, merged.map(String::as_str))
}

/// The landing that undoes others.
struct Revert {
    by: u32,
    committed_at: i64,
    planned: bool,
}
