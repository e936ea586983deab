//! Properties: nothing is known before it could be, and nobody looks ahead.

use diffrisk::change::Change;
use diffrisk::label::{Classification, Detector, Outcome};
use proptest::prelude::*;

use crate::labels::fixture::{DAY, Fold, HOUR, change, edit, id};
use crate::labels::sources::link;

/// A message among those that refer to each other in every way.
fn message() -> impl Strategy<Value = String> {
    let subject =
        prop_oneof!["Raise [xy]", "Depool db[0-9]", "Switch host[0-9]{2} to blue", "Revert \"Raise [xy]\""];
    let number = 0_u32..40;
    prop_oneof![
        4 => subject.clone(),
        2 => subject.prop_map(|subject| format!("Revert \"{subject}\"")),
        1 => number.clone().prop_map(|n| format!("Undo\n\nThis reverts commit {}.", id(n))),
        1 => number.clone().prop_map(|n| format!("Undo\n\nReverts org/repo#{n}")),
        1 => number.prop_map(|n| format!("Merge pull request #{n} from a/b\n\nRaise x")),
        1 => Just("Revert^2 \"Raise x\"".to_owned()),
        1 => any::<String>(),
    ]
}

/// A history of up to forty changes, some of which undo each other's lines.
fn history() -> impl Strategy<Value = Vec<Change>> {
    let step = (message(), 0..3 * DAY, 0_u32..3, 0_u32..3);
    prop::collection::vec(step, 0..40).prop_map(|steps| {
        let mut committed_at = 0;
        let changes = steps.into_iter().zip(0..).map(|((message, gap, old, new), n)| {
            committed_at += gap;
            let record = edit("a.yaml", 10, &[&format!("x: {old}")], &[&format!("x: {new}")]);
            Change { record: record.into(), ..change(n, &message, committed_at) }
        });
        changes.collect()
    })
}

/// Everything the fold says, event by event.
fn events(changes: &[Change]) -> Vec<(Classification, Vec<Outcome>)> {
    let mut detector = Detector::new();
    let fold = changes.iter().map(|change| {
        let classification = detector.classify(change);
        let outcomes = detector.land(change, &classification);
        (classification, outcomes)
    });
    fold.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_outcome_is_known_before_it_could_be(changes in history()) {
        for (by, (_, outcomes)) in events(&changes).iter().enumerate() {
            for outcome in outcomes {
                let undone = &changes[outcome.ordinal as usize];
                prop_assert!((outcome.ordinal as usize) < by, "only earlier changes are undone");
                prop_assert_eq!(outcome.by, Some(u32::try_from(by).unwrap()));
                prop_assert_eq!(outcome.known_at, changes[by].committed_at);
                prop_assert!(undone.committed_at <= outcome.occurred_at && outcome.occurred_at <= outcome.known_at);
            }
        }
    }

    #[test]
    fn later_changes_never_change_what_was_said(changes in history(), cut in 0_usize..40) {
        let cut = cut.min(changes.len());
        let (short, long) = (events(&changes[..cut]), events(&changes));
        prop_assert_eq!(&short[..], &long[..cut]);
    }

    #[test]
    fn labels_as_of_a_moment_rest_on_what_was_known_then(changes in history(), as_of in 0..60 * DAY) {
        let known = changes.iter().filter(|change| change.committed_at <= as_of).count();
        let (early, late) = (Fold::of(&changes[..known]), Fold::of(&changes));
        let late_labels = late.curator.curate(as_of, None);
        prop_assert_eq!(early.curator.curate(as_of, None), &late_labels[..known]);
        for label in &late_labels {
            prop_assert!(label.known_at.is_none_or(|known_at| known_at <= as_of));
            prop_assert_eq!(label.label_raw.is_some(), label.known_at.is_some());
        }
    }

    #[test]
    fn each_change_is_undone_once_and_reverts_never(changes in history()) {
        let fold = Fold::of(&changes);
        let mut undone: Vec<u32> = fold.reverted().into_iter().map(|pair| pair.0).collect();
        prop_assert!(undone.iter().all(|ordinal| !fold.classifications[*ordinal as usize].is_revert));
        let n_outcomes = undone.len();
        undone.sort_unstable();
        undone.dedup();
        prop_assert_eq!(undone.len(), n_outcomes);
    }

    #[test]
    fn a_stored_state_goes_on_as_if_never_stored(changes in history(), cut in 0_usize..40) {
        let cut = cut.min(changes.len());
        let mut fold = Fold::of(&changes[..cut]);
        let bytes = postcard::to_stdvec(&fold.detector).unwrap();
        fold.detector = postcard::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&postcard::to_stdvec(&fold.detector).unwrap(), &bytes);
        changes[cut..].iter().for_each(|change| { fold.land(change); });
        prop_assert_eq!(fold.outcomes, Fold::of(&changes).outcomes);
    }
}

#[test]
fn a_change_is_unknown_until_fourteen_days_have_passed() {
    let fold = Fold::of(&[change(1, "Raise x", 0)]);
    let strict_at = |as_of| fold.curator.curate(as_of, None)[0].label_strict;
    assert_eq!((strict_at(14 * DAY - 1), strict_at(14 * DAY)), (None, Some(false)));
}

#[test]
fn where_incidents_are_linked_late_a_negative_is_known_late() {
    let mut fold = Fold::of(&[change(1, "Raise x", 0), change(2, "Raise y", HOUR)]);
    fold.declare(&link(&id(1), 30 * DAY));
    let known_at = |as_of| fold.curator.curate(as_of, None)[1].known_at;
    assert_eq!(known_at(29 * DAY), Some(HOUR + 14 * DAY), "nobody knows of the slow link yet");
    assert_eq!(known_at(30 * DAY), None);
    assert_eq!(known_at(31 * DAY), Some(HOUR + 30 * DAY));
}

#[test]
fn a_revert_not_yet_known_leaves_a_negative() {
    let fold = Fold::of(&[change(1, "Raise x", 0), change(2, "Revert \"Raise x\"", 20 * DAY)]);
    let label = &fold.curator.curate(15 * DAY, None)[0];
    assert_eq!((label.label_raw, label.in_strict), (Some(false), true));
    let label = &fold.curator.curate(20 * DAY, None)[0];
    assert_eq!((label.label_raw, label.in_strict), (Some(true), false));
}
