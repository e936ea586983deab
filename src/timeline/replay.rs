//! The one loop that mining, scoring and the service share: outcomes that became known, then the question, then the landing.
//! No fact enters before its moment. Start at [`Timeline`].

use std::cell::LazyCell;

use serde::{Deserialize, Serialize};

use crate::change::{Change, Digest, KeyChange, digest};
use crate::features::{Extracted, Extractor};
use crate::history::{History, Reading};
use crate::incident::{IncidentLink, OutcomeRecord, OutcomeTarget};
use crate::label::{Classification, Detector, Outcome};
use crate::timeline::early::{Early, Statement};
use crate::timeline::known::KnownOutcomes;
use crate::timeline::sources::Sources;

/// The state that a question is read from: history, labels, and the outcomes still to become known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Timeline {
    history: History,
    detector: Detector,
    sources: Sources,
    /// Outcomes not yet known, the next one last.
    pending: Vec<Outcome>,
    n_unknown_targets: usize,
    early: Early,
    known: KnownOutcomes,
    head: Option<String>,
    last_t: i64,
}

/// What is read of a change before it is folded in.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its kind, from its own wording, its diff and earlier events.
    pub classification: Classification,
    /// Its vector and footprint.
    pub extracted: Extracted,
    /// The typed key edits that they were read from, one list a file of the record.
    pub keys: Vec<Vec<KeyChange>>,
}

/// A change that was folded in, with what was read of it before.
#[derive(Clone, Debug)]
pub struct Landed {
    /// Its position in the fold, from 0.
    pub ordinal: u32,
    /// Its kind.
    pub classification: Classification,
    /// Its vector, read just before it was folded in.
    pub vector: Vec<f32>,
    /// Its hashed tokens.
    pub tokens: Vec<u32>,
    /// Outcomes of earlier changes that were taken in since the change before, this landing's included.
    pub outcomes: Vec<Outcome>,
}

impl Timeline {
    /// An empty timeline that will hear of these outcomes.
    pub fn new(sources: Sources) -> Self {
        Self {
            history: Extractor::empty_history(),
            detector: Detector::new(),
            sources,
            pending: Vec::new(),
            n_unknown_targets: 0,
            early: Early::default(),
            known: KnownOutcomes::default(),
            head: None,
            last_t: i64::MIN,
        }
    }

    /// The state of the fold.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The labels' state.
    pub fn detector(&self) -> &Detector {
        &self.detector
    }

    /// Id of the newest change folded in.
    pub fn head(&self) -> Option<&str> {
        self.head.as_deref()
    }

    /// `t` of the newest change folded in.
    pub fn last_t(&self) -> Option<i64> {
        self.head.as_ref().map(|_| self.last_t)
    }

    /// Incident links and outcomes whose change is not in the history, nor landed within 90 days after they became known.
    pub fn n_unknown_targets(&self) -> usize {
        self.n_unknown_targets
    }

    /// Incident links and outcomes that become known only after the newest moment taken in.
    pub fn n_later_targets(&self) -> usize {
        self.sources.len()
    }

    /// What already happened to landed changes.
    pub fn known(&self) -> &KnownOutcomes {
        &self.known
    }

    /// Whether an outcome became known by `t` that [`Timeline::advance`] has not taken in yet.
    pub fn is_due(&self, t: i64) -> bool {
        self.pending.last().is_some_and(|outcome| outcome.known_at <= t) || self.sources.is_due(t)
    }

    /// Number of outcomes that did not become known yet.
    pub fn n_expected(&self) -> usize {
        self.pending.len() + self.sources.len()
    }

    /// Reads a proposed change from the present state. Ages count to `change.committed_at`, or to the
    /// newest change where that is later.
    pub fn ask(&self, change: &Change) -> Asked {
        let classification = self.detector.classify(change);
        let reading = Reading::new(change, &classification);
        let mut extracted = Extractor::vector(&reading, &self.history);
        extracted.footprint.t = extracted.footprint.t.max(self.last_t);
        let keys = reading.keys;
        Asked { classification, extracted, keys }
    }

    /// Takes in every outcome known at `t`; answers them in the order they became known.
    pub fn advance(&mut self, t: i64) -> Vec<Outcome> {
        for incident in self.sources.incidents_known_at(t) {
            match self.linked(&incident).and_then(|ordinal| self.detector.declare(ordinal, &incident)) {
                Some(outcome) => self.expect(outcome),
                None => self.wait(Statement::Link(incident)),
            }
        }
        for outcome_record in self.sources.outcomes_known_at(t) {
            match self.outcome_of(&outcome_record) {
                Some(outcome) => self.expect(outcome),
                None => self.wait(Statement::Report(outcome_record)),
            }
        }
        let n_later = self.pending.partition_point(|outcome| outcome.known_at > t);
        let known: Vec<Outcome> = self.pending.drain(n_later..).rev().collect();
        known.iter().for_each(|outcome| self.take_in(outcome));
        known
    }

    /// Position of the landed change that a report is about; none where it is unknown.
    pub fn reported_on(&self, outcome_record: &OutcomeRecord) -> Option<u32> {
        surely_on(&self.detector, outcome_record).or_else(|| match &outcome_record.target {
            OutcomeTarget::Digest(text) => {
                self.of_digest(&text.parse().ok()?, Some(outcome_record.occurred_at))
            }
            target => self.detector.named(target),
        })
    }

    /// Of the landings of a diff, the newest one that was there at a moment, else the newest.
    fn of_digest(&self, digest: &Digest, at: Option<i64>) -> Option<u32> {
        let was_there = |ordinal| {
            at.is_none_or(|at| self.detector.landed_at(ordinal).is_some_and(|landed_at| landed_at <= at))
        };
        self.known.of_digest_where(digest, was_there).or_else(|| self.known.newest_of_digest(digest))
    }

    /// Position of the landed change that goes by a name: of a digest, the newest one with that diff.
    pub fn named(&self, target: &OutcomeTarget) -> Option<u32> {
        match target {
            OutcomeTarget::Digest(text) => self.known.newest_of_digest(&text.parse().ok()?),
            _ => self.detector.named(target),
        }
    }

    /// Position of the landed change that an incident link names.
    fn linked(&self, incident_link: &IncidentLink) -> Option<u32> {
        match incident_link.change_id.0.parse() {
            Ok(digest) => self.of_digest(&digest, incident_link.started_at),
            Err(_) => self.detector.linked(incident_link),
        }
    }

    fn outcome_of(&self, outcome_record: &OutcomeRecord) -> Option<Outcome> {
        self.detector.report(self.reported_on(outcome_record)?, outcome_record)
    }

    /// Takes in an outcome reported while serving; none where its change is unknown.
    pub fn report(&mut self, outcome_record: &OutcomeRecord) -> Option<Outcome> {
        let outcome = self.outcome_of(outcome_record)?;
        self.take_in(&outcome);
        Some(outcome)
    }

    /// Folds a change in, after reading its vector from the state before it.
    pub fn land(&mut self, change: &Change) -> Landed {
        let mut outcomes = self.advance(change.committed_at);
        let Asked { classification, extracted, .. } = self.ask(change);
        let ordinal = self.history.n_landed();
        let (vector, tokens) = (extracted.vector.clone(), extracted.tokens());
        extracted.land(&mut self.history);
        self.known.land(change);
        for outcome in self.detector.land(change, &classification) {
            self.take_in(&outcome);
            outcomes.push(outcome);
        }
        self.hear_early(change, ordinal);
        self.head = Some(change.id.0.clone());
        self.last_t = self.last_t.max(change.committed_at);
        Landed { ordinal, classification, vector, tokens, outcomes }
    }

    fn take_in(&mut self, outcome: &Outcome) {
        self.history.outcome(outcome);
        self.known.outcome(outcome);
    }

    /// Counts a statement about a change that is unknown, and keeps it for its landing.
    fn wait(&mut self, statement: Statement) {
        self.n_unknown_targets += 1;
        self.early.keep(statement);
    }

    /// Expects what was said of a change before it landed: it is known as of the landing.
    fn hear_early(&mut self, change: &Change, ordinal: u32) {
        let digest = LazyCell::new(|| digest(&change.record).to_string());
        let detector = &self.detector;
        let outcome_of = |statement: &Statement| {
            let is_its_digest = |named: &str| (named == digest.as_str()).then_some(ordinal);
            let named = statement.digest();
            match statement {
                Statement::Report(report) => {
                    let by_name = || detector.named(&report.target);
                    let by_target = || named.map_or_else(by_name, is_its_digest);
                    detector.report(surely_on(detector, report).or_else(by_target)?, report)
                }
                Statement::Link(incident_link) => {
                    let by_name = || detector.linked(incident_link);
                    detector.declare(named.map_or_else(by_name, is_its_digest)?, incident_link)
                }
            }
        };
        let outcome_of =
            |statement: &Statement| outcome_of(statement).filter(|outcome| outcome.ordinal == ordinal);
        let its = self.early.take(change.committed_at, |statement| outcome_of(statement).is_some());
        let outcomes: Vec<Outcome> = its.iter().filter_map(outcome_of).collect();
        self.n_unknown_targets -= outcomes.len();
        outcomes.into_iter().for_each(|outcome| self.expect(outcome));
    }

    fn expect(&mut self, outcome: Outcome) {
        let later = |other: &Outcome| (other.known_at, other.ordinal) > (outcome.known_at, outcome.ordinal);
        let idx = self.pending.partition_point(later);
        self.pending.insert(idx, outcome);
    }
}

/// Position of the landed change that a report is about, by the names that tell better than its target.
fn surely_on(detector: &Detector, outcome_record: &OutcomeRecord) -> Option<u32> {
    outcome_record.surer.iter().find_map(|name| detector.named(name))
}
