//! What people declare and report about landed changes.

use diffrisk::change::ChangeId;
use diffrisk::incident::{IncidentLink, LinkKind, OutcomeKind, OutcomeRecord, OutcomeTarget};
use diffrisk::label::{LabelSource, Outcome};

use crate::labels::fixture::{DAY, Fold, HOUR, change, id};

pub(crate) fn link(change_id: &str, known_at: i64) -> IncidentLink {
    IncidentLink {
        incident_id: "INC-1".to_owned(),
        started_at: None,
        resolved_at: None,
        known_at,
        severity: Some("sev1".to_owned()),
        title: None,
        repo: "config".to_owned(),
        change_id: ChangeId(change_id.to_owned()),
        link_kind: LinkKind::Declared,
    }
}

pub(crate) fn report(n: u32, outcome: OutcomeKind, known_at: i64) -> OutcomeRecord {
    report_on(ChangeId(id(n)), outcome, known_at)
}

pub(crate) fn report_on(change_id: ChangeId, outcome: OutcomeKind, known_at: i64) -> OutcomeRecord {
    OutcomeRecord {
        repo: Some("config".to_owned()),
        ..OutcomeRecord::new(OutcomeTarget::Commit(change_id), outcome, known_at, known_at)
    }
}

impl Fold {
    pub(crate) fn declare(&mut self, incident_link: &IncidentLink) {
        let outcome = self.declared(incident_link).unwrap();
        self.curator.record(outcome);
    }

    fn declared(&self, incident_link: &IncidentLink) -> Option<Outcome> {
        self.detector.declare(self.detector.linked(incident_link)?, incident_link)
    }

    pub(crate) fn report(&mut self, outcome_record: &OutcomeRecord) {
        let ordinal = self.detector.named(&outcome_record.target).unwrap();
        let outcome = self.detector.report(ordinal, outcome_record).unwrap();
        self.curator.record(outcome);
    }
}

#[test]
fn a_declared_incident_is_positive_whatever_its_delay_or_wording() {
    let mut fold = Fold::of(&[
        change(1, "Temporarily depool db1", 0),
        change(2, "Revert \"Temporarily depool db1\"", HOUR),
    ]);
    assert!(!fold.labels()[0].in_strict, "a planned round trip");
    fold.declare(&link(&id(1), 90 * DAY));
    let label = &fold.labels()[0];
    assert_eq!((label.label_raw, label.label_strict, label.in_strict), (Some(true), Some(true), true));
    assert_eq!((label.source, label.known_at), (Some(LabelSource::Incident), Some(90 * DAY)));
    assert_eq!(label.severity.as_deref(), Some("sev1"));
}

#[test]
fn a_link_may_name_a_short_id_or_a_review() {
    let review = "I058fac389323b7f34134bc264c2c2cf5aa9feb6d";
    let fold = Fold::of(&[change(1, &format!("Raise x\n\nChange-Id: {review}"), 0)]);
    assert!(fold.declared(&link(&id(1)[..8], HOUR)).is_some());
    assert!(fold.declared(&link(review, HOUR)).is_some());
    assert!(fold.declared(&link("fffffffff", HOUR)).is_none());
}

#[test]
fn a_link_is_never_known_before_its_change_landed() {
    let fold = Fold::of(&[change(1, "Raise x", DAY)]);
    let outcome = fold.declared(&link(&id(1), HOUR)).unwrap();
    assert_eq!((outcome.occurred_at, outcome.known_at), (DAY, DAY));
}

#[test]
fn the_newest_report_wins_and_a_retraction_takes_reports_away() {
    let mut fold = Fold::of(&[change(1, "Raise x", 0)]);
    fold.report(&report(1, OutcomeKind::Reverted, HOUR));
    assert_eq!(fold.labels()[0].label_strict, Some(true));
    fold.report(&report(1, OutcomeKind::Harmless, 2 * HOUR));
    let label = &fold.labels()[0];
    assert_eq!((label.label_strict, label.known_at, label.in_strict), (Some(false), Some(2 * HOUR), true));
    fold.report(&report(1, OutcomeKind::Retracted, 3 * HOUR));
    let label = &fold.labels()[0];
    assert_eq!((label.label_strict, label.source, label.known_at), (Some(false), None, Some(14 * DAY)));
}

#[test]
fn reports_outrank_detected_reverts() {
    let mut fold = Fold::of(&[change(1, "Raise x", 0), change(2, "Revert \"Raise x\"", HOUR)]);
    fold.report(&report(1, OutcomeKind::RevertedAsPlanned, 2 * HOUR));
    let label = &fold.labels()[0];
    assert_eq!((label.label_raw, label.label_strict), (Some(true), Some(false)));
    assert!(label.planned && !label.in_strict);
}

#[test]
fn what_a_canary_caught_is_positive() {
    let mut fold = Fold::of(&[change(1, "Raise x", 0)]);
    fold.report(&report(1, OutcomeKind::Caught, HOUR));
    assert_eq!(fold.labels()[0].label_strict, Some(true));
}

#[test]
fn a_landed_change_goes_by_its_review_identity_and_not_by_its_diff() {
    let fold = Fold::of(&[change(1, "Raise x (#9)", 0)]);
    let digest = OutcomeTarget::Digest("sha256:00".to_owned());
    assert_eq!(fold.detector.named(&digest), None);
    let pull = OutcomeTarget::Id("pr/9".to_owned());
    assert_eq!(fold.detector.named(&pull), Some(0));
}
