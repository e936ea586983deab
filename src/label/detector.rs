//! The streaming detector: changes in, outcomes out, each known at a moment.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::change::{Change, ChangeId};
use crate::incident::{IncidentLink, OutcomeKind, OutcomeRecord, OutcomeTarget};
use crate::label::identity::IdIndex;
use crate::label::planned::planned_by_wording;
use crate::label::rollback::Recent;
use crate::label::template::{stable_hash, template_of};
use crate::label::wording::{Reference, revert_wording};
use crate::label::{ChangeKind, LabelSource};

/// Most changes remembered; beyond a quarter more, the oldest are forgotten and can no longer be
/// named by a revert. A change costs about 300 bytes with the names that point at it.
pub const MAX_REMEMBERED: usize = 1 << 20;

/// What can be told about a change when it is proposed: its wording, its diff, earlier events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classification {
    /// The kind that policy and pages speak of.
    pub kind: ChangeKind,
    /// Whether it says that it undoes, or lands again, an earlier change.
    pub is_revert: bool,
    /// Whether its words say that undoing it is the plan.
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
    /// When it happened, in Unix seconds.
    pub occurred_at: i64,
    /// Before this moment nobody may know of it.
    pub known_at: i64,
    /// Whether undoing it was the plan, decided from what was known at `known_at`.
    pub planned: bool,
    /// Whether it speaks against the change.
    pub positive: bool,
    /// Whether it only withdraws what was reported before.
    pub retracts: bool,
    /// As the incident's own system words it.
    pub severity: Option<String>,
    /// Ordinal of the change that reverts it.
    pub by: Option<u32>,
}

/// Streaming state. Ordinals are positions in the fold, from 0.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Detector {
    landed: VecDeque<Landed>,
    n_forgotten: u32,
    ids: IdIndex,
    reviews: BTreeMap<u64, u32>,
    pulls: BTreeMap<u32, u32>,
    subjects: BTreeMap<u64, u32>,
    templates: BTreeMap<u64, TemplateCount>,
    recent: Recent,
}

/// How far back a rollback is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackWindow {
    /// Seconds since the change to be undone landed.
    pub seconds: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Landed {
    committed_at: i64,
    template: u64,
    is_revert: bool,
    planned: bool,
    reverted: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct TemplateCount {
    n_seen: u32,
    n_undone: u32,
}

impl TemplateCount {
    fn is_routinely_undone(self) -> bool {
        self.n_seen >= 8 && u64::from(self.n_undone) * 10 >= u64::from(self.n_seen) * 3
    }
}

impl Detector {
    /// An empty state.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of changes landed so far.
    pub fn n_landed(&self) -> u32 {
        self.n_forgotten + u32::try_from(self.landed.len()).expect("bounded by MAX_REMEMBERED")
    }

    /// The ordinal of a change: by full or short id, or by the id of a commit inside its merge.
    pub fn ordinal_of(&self, change_id: &ChangeId) -> Option<u32> {
        self.ids.get(&change_id.0)
    }

    /// Tells the kind of a change from its wording, its diff and the changes landed before.
    pub fn classify(&self, change: &Change) -> Classification {
        let wording = revert_wording(&change.message);
        let planned_by_wording = planned_by_wording(&change.message);
        let template = stable_hash(&template_of(change.subject()));
        let planned_by_template =
            self.templates.get(&template).is_some_and(|count| count.is_routinely_undone());
        let kind = if wording.is_revert {
            ChangeKind::Revert
        } else if planned_by_wording || planned_by_template {
            ChangeKind::PlannedRoundTrip
        } else {
            ChangeKind::Ordinary
        };
        Classification {
            kind,
            is_revert: wording.is_revert,
            planned_by_wording,
            planned_by_template,
            template,
            reverts: self.resolve(&wording.references).first().copied(),
            rollback_of: None,
        }
    }

    /// Folds a change in under the next ordinal; answers what its landing makes known.
    pub fn land(&mut self, change: &Change, classification: &Classification) -> Vec<Outcome> {
        let ordinal = self.n_landed();
        let undone = self.resolve(&revert_wording(&change.message).references);
        let outcomes = undone
            .into_iter()
            .filter_map(|undone| self.revert(undone, ordinal, change, classification))
            .collect();
        self.remember(change, classification, ordinal);
        outcomes
    }

    /// Takes a declared incident link; none where the change is unknown.
    pub fn declare(&mut self, incident_link: &IncidentLink) -> Option<Outcome> {
        let ordinal = self.ordinal_of(&incident_link.change_id)?;
        let landed_at = self.landed_at(ordinal)?;
        let known_at = incident_link.known_at.max(landed_at);
        Some(Outcome {
            ordinal,
            source: LabelSource::Incident,
            occurred_at: incident_link.started_at.unwrap_or(known_at).clamp(landed_at, known_at),
            known_at,
            planned: false,
            positive: true,
            retracts: false,
            severity: incident_link.severity.clone(),
            by: None,
        })
    }

    /// Takes a reported outcome; none where the change is unknown.
    pub fn report(&mut self, outcome_record: &OutcomeRecord) -> Option<Outcome> {
        let ordinal = self.target(&outcome_record.target)?;
        let landed_at = self.landed_at(ordinal)?;
        let known_at = outcome_record.known_at.max(landed_at);
        let outcome = outcome_record.outcome;
        Some(Outcome {
            ordinal,
            source: LabelSource::Outcome,
            occurred_at: outcome_record.occurred_at.clamp(landed_at, known_at),
            known_at,
            planned: outcome == OutcomeKind::RevertedAsPlanned,
            positive: matches!(outcome, OutcomeKind::Incident | OutcomeKind::Reverted | OutcomeKind::Caught),
            retracts: outcome == OutcomeKind::Retracted,
            severity: outcome_record.severity.clone(),
            by: None,
        })
    }

    fn target(&self, target: &OutcomeTarget) -> Option<u32> {
        match target {
            OutcomeTarget::Commit(change_id) => self.ordinal_of(change_id),
            OutcomeTarget::Id(id) => match id.strip_prefix("pr/") {
                Some(number) => self.pulls.get(&number.parse().ok()?).copied(),
                None => self.reviews.get(&stable_hash(id)).copied(),
            },
            OutcomeTarget::Digest(_) | OutcomeTarget::Decision(_) => None,
        }
    }

    fn landed_at(&self, ordinal: u32) -> Option<i64> {
        self.get(ordinal).map(|landed| landed.committed_at)
    }

    fn get(&self, ordinal: u32) -> Option<&Landed> {
        self.landed.get(ordinal.checked_sub(self.n_forgotten)? as usize)
    }

    fn get_mut(&mut self, ordinal: u32) -> Option<&mut Landed> {
        self.landed.get_mut(ordinal.checked_sub(self.n_forgotten)? as usize)
    }

    /// The ordinals that references of the most trustworthy kind point at.
    fn resolve(&self, references: &[Reference]) -> Vec<u32> {
        let mut found = Vec::new();
        for reference in references {
            let by_subject = matches!(reference, Reference::Subject(_));
            if by_subject && !found.is_empty() {
                break;
            }
            let ordinal = match reference {
                Reference::Commit(id) => self.ids.get(id),
                Reference::Review(id) => self.reviews.get(&stable_hash(id)).copied(),
                Reference::Pull(number) => self.pulls.get(number).copied(),
                Reference::Subject(subject) => self.subjects.get(&stable_hash(subject)).copied(),
            };
            found.extend(ordinal.filter(|ordinal| !found.contains(ordinal)));
        }
        found
    }

    fn revert(
        &mut self,
        undone: u32,
        by: u32,
        change: &Change,
        classification: &Classification,
    ) -> Option<Outcome> {
        let landed = self.get_mut(undone)?;
        if landed.is_revert || landed.reverted {
            return None;
        }
        landed.reverted = true;
        let (template, planned) = (landed.template, landed.planned);
        let count = self.templates.entry(template).or_default();
        count.n_undone += 1;
        let routinely = count.is_routinely_undone();
        Some(Outcome {
            ordinal: undone,
            source: LabelSource::Revert,
            occurred_at: change.committed_at,
            known_at: change.committed_at,
            planned: planned || classification.planned_by_wording || routinely,
            positive: true,
            retracts: false,
            severity: None,
            by: Some(by),
        })
    }

    fn forget_oldest(&mut self) {
        if self.landed.len() < MAX_REMEMBERED + MAX_REMEMBERED / 4 {
            return;
        }
        let n_oldest = self.landed.len() - MAX_REMEMBERED;
        self.landed.drain(..n_oldest);
        self.n_forgotten += u32::try_from(n_oldest).expect("bounded by MAX_REMEMBERED");
        let first = self.n_forgotten;
        self.ids.forget_before(first);
        self.reviews.retain(|_, ordinal| *ordinal >= first);
        self.pulls.retain(|_, ordinal| *ordinal >= first);
        self.subjects.retain(|_, ordinal| *ordinal >= first);
    }

    fn remember(&mut self, change: &Change, classification: &Classification, ordinal: u32) {
        self.ids.insert(&change.id, ordinal);
        change.merged.iter().for_each(|id| self.ids.insert_new(id, ordinal));
        self.subjects.insert(stable_hash(change.subject()), ordinal);
        self.templates.entry(classification.template).or_default().n_seen += 1;
        self.landed.push_back(Landed {
            committed_at: change.committed_at,
            template: classification.template,
            is_revert: classification.is_revert,
            planned: classification.planned_by_wording || classification.planned_by_template,
            reverted: false,
        });
        self.forget_oldest();
    }
}
