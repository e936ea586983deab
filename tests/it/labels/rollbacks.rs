//! When a diff proves that it undoes a recent landing.

use diffrisk::change::{Change, ChangeRecord, FileContent, FileDiff, FileStatus};
use diffrisk::label::{ChangeKind, Detector};

use crate::labels::fixture::{Fold, HOUR, change, edit};

fn landing(n: u32, hours: i64, record: ChangeRecord) -> Change {
    Change { record: record.into(), ..change(n, &format!("Change {n}"), hours * HOUR) }
}

/// Lands the diffs an hour apart; answers what the last one is the rollback of.
#[track_caller]
fn check(records: &[ChangeRecord], rollback_of: Option<u32>) {
    let changes: Vec<Change> =
        records.iter().zip(0..).map(|(record, n)| landing(n, i64::from(n), record.clone())).collect();
    let fold = Fold::of(&changes);
    assert_eq!(fold.classifications.last().unwrap().rollback_of, rollback_of);
}

fn raise() -> ChangeRecord {
    edit("a.yaml", 10, &["x: 1"], &["x: 2"])
}

fn put_back(line: u32) -> ChangeRecord {
    edit("a.yaml", line, &["x: 2"], &["x: 1"])
}

#[test]
fn the_exact_inverse_within_a_day_is_a_rollback() {
    check(&[raise(), put_back(10)], Some(0));
    let mut fold = Fold::of(&[landing(1, 0, raise())]);
    fold.land(&landing(2, 24, put_back(10)));
    assert_eq!(fold.classifications[1].kind, ChangeKind::Rollback);
    let mut fold = Fold::of(&[landing(1, 0, raise())]);
    fold.land(&landing(2, 25, put_back(10)));
    assert_eq!(fold.classifications[1].kind, ChangeKind::Ordinary, "a day has 24 hours");
}

#[test]
fn the_window_can_be_chosen() {
    let mut detector = Detector::with_rollback_window(HOUR);
    let first = landing(1, 0, raise());
    detector.land(&first, &detector.classify(&first));
    assert_eq!(detector.classify(&landing(2, 1, put_back(10))).rollback_of, Some(0));
    assert_eq!(detector.classify(&landing(2, 2, put_back(10))).rollback_of, None);
}

#[test]
fn another_value_or_another_place_is_no_rollback() {
    check(&[raise(), edit("a.yaml", 10, &["x: 2"], &["x: 0"])], None);
    check(&[raise(), edit("b.yaml", 10, &["x: 2"], &["x: 1"])], None);
    check(&[raise(), put_back(40)], None);
}

#[test]
fn later_lines_move_the_place() {
    let above = edit("a.yaml", 3, &[], &["new", "lines"]);
    check(&[raise(), above.clone(), put_back(12)], Some(0));
    check(&[raise(), above, put_back(10)], None);
    check(&[raise(), edit("a.yaml", 30, &[], &["below"]), put_back(10)], Some(0));
    check(&[raise(), edit("b.yaml", 3, &[], &["elsewhere"]), put_back(10)], Some(0));
}

#[test]
fn nothing_later_may_stand_on_the_same_lines() {
    let there = edit("a.yaml", 10, &["x: 2"], &["x: 3"]);
    let and_back = edit("a.yaml", 10, &["x: 3"], &["x: 2"]);
    check(&[raise(), there, and_back, put_back(10)], None);
}

#[test]
fn landing_the_undone_change_again_is_no_rollback() {
    check(&[raise(), put_back(10), raise()], None);
}

#[test]
fn added_and_deleted_lines_and_files_are_undone() {
    check(&[edit("a", 5, &[], &["x", "y"]), edit("a", 5, &["x", "y"], &[])], Some(0));
    check(&[edit("a", 5, &["x", "y"], &[]), edit("a", 5, &[], &["x", "y"])], Some(0));
    check(&[new_file(), inverse_of(&new_file())], Some(0));
    check(&[inverse_of(&new_file()), new_file()], Some(0));
}

#[test]
fn what_cannot_be_read_proves_nothing() {
    let mut unread = raise();
    unread.files[0].content = FileContent::Unread;
    check(&[unread.clone(), unread.clone()], None);
    check(&[raise(), unread, put_back(10)], None);
    check(&[ChangeRecord::default(), ChangeRecord::default()], None);
}

fn new_file() -> ChangeRecord {
    let mut record = edit("new.yaml", 1, &[], &["x", "y"]);
    let FileContent::Text(hunks) = &mut record.files[0].content else { unreachable!("edit gives text") };
    hunks[0].lines.retain(|line| line.text == "x" || line.text == "y");
    (hunks[0].old_start, hunks[0].old_lines, hunks[0].new_start, hunks[0].new_lines) = (0, 0, 1, 2);
    let file = FileDiff { old_path: None, old_mode: 0, status: FileStatus::Added, ..record.files[0].clone() };
    ChangeRecord { files: vec![file], partial: false }
}

fn inverse_of(record: &ChangeRecord) -> ChangeRecord {
    diffrisk::change::inverse(record)
}
