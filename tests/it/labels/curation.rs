//! From outcomes to the labels of rows.

use diffrisk::change::{Change, ChangeRecord};
use diffrisk::label::{ChangeKind, LabelSource, RowLabel};

use crate::labels::fixture::{DAY, Fold, HOUR, change};

/// Whether each row is in the strict task, and its strict label.
fn strict(labels: &[RowLabel]) -> Vec<(bool, Option<bool>)> {
    labels.iter().map(|label| (label.in_strict, label.label_strict)).collect()
}

#[test]
fn an_unplanned_revert_within_fourteen_days_is_a_strict_positive() {
    let changes = [change(1, "Raise x", 0), change(2, "Revert \"Raise x\"", 14 * DAY)];
    let labels = Fold::of(&changes).labels();
    assert_eq!(strict(&labels), [(true, Some(true)), (false, Some(false))]);
    assert_eq!((labels[0].source, labels[0].outcome_at), (Some(LabelSource::Revert), Some(14 * DAY)));
}

#[test]
fn a_later_revert_is_raw_positive_and_outside_the_strict_task() {
    let labels = Fold::of(&[change(1, "Raise x", 0), change(2, "Revert \"Raise x\"", 14 * DAY + 1)]).labels();
    assert_eq!(
        (labels[0].label_raw, labels[0].label_strict, labels[0].in_strict),
        (Some(true), Some(false), false)
    );
}

#[test]
fn planned_round_trips_are_outside_the_strict_task_by_either_wording() {
    let by_change =
        Fold::of(&[change(1, "Depool db1", 0), change(2, "Revert \"Depool db1\"", HOUR)]).labels();
    assert_eq!(
        (by_change[0].label_raw, by_change[0].in_strict, by_change[0].planned),
        (Some(true), false, true)
    );
    let undo = format!("Repool db1\n\nThis reverts commit {}.", crate::labels::fixture::id(1));
    let by_revert = Fold::of(&[change(1, "Take db1 out", 0), change(2, &undo, HOUR)]).labels();
    assert_eq!(
        (by_revert[0].label_raw, by_revert[0].in_strict, by_revert[0].planned),
        (Some(true), false, true)
    );
}

#[test]
fn changes_without_files_are_outside_the_strict_task() {
    let empty = Change { record: ChangeRecord::default().into(), ..change(1, "Nothing", 0) };
    assert_eq!(strict(&Fold::of(&[empty]).labels()), [(false, Some(false))]);
}

/// Ten switches of one template, each an hour after the other; the first four are undone at the end.
fn habit() -> Vec<Change> {
    let switch = |n: u32| change(n, &format!("Switch host{n} to blue"), i64::from(n) * HOUR);
    let undo =
        |n: u32| change(100 + n, &format!("Revert \"Switch host{n} to blue\""), DAY + i64::from(n) * HOUR);
    (1..=10).map(switch).chain((1..=4).map(undo)).collect()
}

#[test]
fn a_habit_is_planned_in_curation_but_only_from_then_on_in_the_fold() {
    let mut fold = Fold::of(&habit());
    assert!(fold.labels()[..10].iter().all(|label| label.planned && !label.in_strict));
    let planned: Vec<bool> = fold.outcomes.iter().map(|outcome| outcome.planned).collect();
    assert_eq!(planned, [false, false, true, true], "the third of ten makes the habit");
    assert_eq!(fold.classifications[9].kind, ChangeKind::Ordinary);
    fold.land(&change(50, "Switch host50 to blue", 3 * DAY));
    assert_eq!(fold.classifications[14].kind, ChangeKind::PlannedRoundTrip);
}

#[test]
fn training_rows_see_only_templates_of_earlier_events() {
    let fold = Fold::of(&habit());
    let labels = fold.curator.curate(i64::MAX, Some(DAY + 3 * HOUR));
    assert!(labels[..10].iter().all(|label| !label.planned), "two of ten were undone before");
    let labels = fold.curator.curate(i64::MAX, Some(DAY + 3 * HOUR + 1));
    assert!(labels[..10].iter().all(|label| label.planned), "the third came just before");
}
