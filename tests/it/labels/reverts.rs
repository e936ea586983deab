//! Which change a revert undoes.

use diffrisk::change::{Change, ChangeId};
use diffrisk::label::ChangeKind;

use crate::labels::fixture::{Fold, change, id};

/// Lands the messages an hour apart and compares `(undone, by)`.
#[track_caller]
fn check(messages: &[&str], reverted: &[(u32, u32)]) {
    let changes: Vec<Change> =
        messages.iter().zip(1..).map(|(message, n)| change(n, message, i64::from(n) * 3600)).collect();
    assert_eq!(Fold::of(&changes).reverted(), reverted, "{messages:?}");
}

#[test]
fn a_revert_is_found_by_full_and_by_short_id() {
    check(&["Raise x", &format!("Put x back\n\nThis reverts commit {}.", id(1))], &[(0, 1)]);
    check(&["Raise x", &format!("Put x back\n\nThis reverts commit {}.", &id(1)[..7])], &[(0, 1)]);
}

#[test]
fn one_message_may_revert_several_changes() {
    let message = format!("Put x and y back\n\nThis reverts commits {} and\n{}.", id(1), &id(2)[..9]);
    check(&["Raise x", "Raise y", &message], &[(0, 2), (1, 2)]);
}

#[test]
fn a_short_id_that_two_changes_share_names_neither() {
    let mut changes =
        [change(1, "Raise x", 0), change(2, "Raise y", 1), change(3, "Undo\n\nReverts abcdef01.", 2)];
    changes[0].id = ChangeId(format!("abcdef01{}", "1".repeat(32)));
    changes[1].id = ChangeId(format!("abcdef01{}", "2".repeat(32)));
    assert_eq!(Fold::of(&changes).reverted(), []);
}

#[test]
fn a_quoted_subject_means_the_most_recent_change_with_it() {
    check(&["Raise x", "Other", "Raise x", "Revert \"Raise x\""], &[(2, 3)]);
}

#[test]
fn a_commit_id_outranks_the_quoted_subject() {
    let message = format!("Revert \"Raise x\"\n\nThis reverts commit {}.", id(1));
    check(&["Raise x", "Raise x", &message], &[(0, 2)]);
}

#[test]
fn an_unknown_commit_id_falls_back_to_the_subject() {
    check(&["Raise x", "Revert \"Raise x\"\n\nThis reverts commit fffffffff."], &[(0, 1)]);
}

#[test]
fn pull_requests_are_found_by_their_merge_and_by_their_squash() {
    check(&["Merge pull request #7 from a/b\n\nRaise x", "Undo\n\nReverts org/repo#7"], &[(0, 1)]);
    check(&["Raise x (#7)", "Revert \"Raise x\" (#8)\n\nReverts #7"], &[(0, 1)]);
}

#[test]
fn a_squashed_revert_without_a_body_is_matched_by_its_subject() {
    check(&["Raise x (#7)", "Revert \"Raise x (#7)\" (#8)"], &[(0, 1)]);
    check(&["Raise x (#7)", "Other (#8)", "Revert \"Raise x\" (#9)"], &[(0, 2)]);
    check(&["Merge pull request #7 from a/b\n\nRaise x", "Revert \"Raise x\" (!8)"], &[(0, 1)]);
    check(&["Raise x (#7)", "Revert \"Raise y (#7)\" (#8)"], &[]);
}

#[test]
fn a_branch_that_reverts_its_own_commit_is_no_revert() {
    let mut landing = change(1, "Merge pull request #7 from a/b\n\nRaise x", 0);
    landing.merged = vec![ChangeId(id(90)), ChangeId(id(91))];
    landing.merged_messages =
        vec!["Raise it".to_owned(), format!("Revert \"Raise it\"\n\nThis reverts commit {}.", id(90))];
    let namesake = change(3, "Raise it", -1);
    let undone = change(2, "Revert \"Raise x\"", 1);
    let fold = Fold::of(&[namesake, landing, undone]);
    assert_eq!(fold.classifications[1].kind, ChangeKind::Ordinary);
    assert_eq!(fold.reverted(), [(1, 2)]);
}

#[test]
fn a_review_is_found_by_its_change_id() {
    let review = "I058fac389323b7f34134bc264c2c2cf5aa9feb6d";
    check(&[&format!("Raise x\n\nChange-Id: {review}"), &format!("Revert of {review}")], &[(0, 1)]);
}

#[test]
fn a_commit_inside_a_merged_branch_means_its_landing() {
    let mut landing = change(1, "Merge pull request #7 from a/b\n\nRaise x", 0);
    landing.merged = vec![ChangeId(id(90)), ChangeId(id(91))];
    landing.merged_messages = vec!["Fix".to_owned(), "Raise x and y".to_owned()];
    let by_id = change(2, &format!("Undo\n\nThis reverts commit {}.", id(91)), 1);
    let by_subject = change(3, "Revert \"Raise x and y\"", 1);
    assert_eq!(Fold::of(&[landing.clone(), by_id]).reverted(), [(0, 1)]);
    assert_eq!(Fold::of(&[landing.clone(), by_subject]).reverted(), [(0, 1)]);
    let mut merged_revert = change(4, "Merge pull request #8 from a/c\n\nBetter without", 1);
    merged_revert.merged = vec![ChangeId(id(92))];
    merged_revert.merged_messages = vec!["Revert \"Raise x and y\"".to_owned()];
    assert_eq!(Fold::of(&[landing, merged_revert]).reverted(), [(0, 1)]);
}

#[test]
fn reverts_of_reverts_undo_nothing_and_only_the_first_revert_counts() {
    let twice = "Revert \"Revert \"Raise x\"\"";
    check(&["Raise x", "Revert \"Raise x\"", twice, "Revert \"Raise x\""], &[(0, 1)]);
    check(&["Raise x", "Revert \"Raise x\"", "Revert^2 \"Raise x\"", "Revert^3 \"Raise x\""], &[(0, 1)]);
    check(
        &["Raise x", "Revert \"Raise x\"", "Reland \"Raise x\"", "Revert \"Reland \"Raise x\"\""],
        &[(0, 1)],
    );
}

#[test]
fn a_landing_of_the_same_subject_may_be_reverted_again() {
    check(&["Raise x", "Revert \"Raise x\"", "Raise x", "Revert \"Raise x\""], &[(0, 1), (2, 3)]);
}

#[test]
fn references_that_look_cyclic_end() {
    let (first, second) = (format!("Revert {}", id(2)), format!("Revert {}", id(1)));
    check(&[&first, &second], &[]);
    check(&[&format!("Raise x\n\nThis reverts commit {}.", id(1))], &[]);
    check(&["Revert \"Revert \"Revert \"\"\"", "Revert \"Revert \"Revert \"\"\""], &[]);
}

#[test]
fn a_revert_is_told_before_it_lands() {
    let mut fold = Fold::of(&[change(1, "Raise x", 0)]);
    let revert = change(2, "Revert \"Raise x\"", 5);
    fold.land(&revert);
    let classification = &fold.classifications[1];
    assert_eq!((classification.kind, classification.reverts), (ChangeKind::Revert, Some(0)));
    assert!(classification.is_revert);
}
