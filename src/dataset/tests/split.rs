use crate::dataset::{Split, SplitError};

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn the_share_counts_kept_rows_and_ties_stay_together() {
    let times = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 7.0, 7.0, 8.0];
    let all: Vec<usize> = (0..10).collect();
    let split = Split::at_share(&times, &all, 0.7).unwrap();
    assert_eq!((split.train.len(), split.split_time), (6, Some(7.0)));
    let split = Split::at_share(&times, &[0, 1, 2, 3], 0.5).unwrap();
    assert_eq!((split.train, split.test, split.split_time), (vec![0, 1], vec![2, 3], Some(3.0)));
}

#[test]
fn a_moment_splits_before_and_from_it_on() {
    let split = Split::at_time(&[3.0, 1.0, 2.0], &[0, 1, 2], 2.0).unwrap();
    assert_eq!((split.train, split.test), (vec![1], vec![2, 0]));
    let split = Split::at_time(&[1.0, 2.0, 3.0], &[0, 1], 3.0).unwrap();
    assert_eq!(
        (split.train, split.test),
        (vec![0, 1], vec![]),
        "what has no label is predicted all the same"
    );
}

#[test]
fn groups_are_split_each_for_itself() {
    let times = [0.0, 1.0, 2.0, 3.0, 0.0, 1.0];
    let groups = words(&["a", "a", "a", "a", "b", "b"]);
    let split = Split::in_groups(&times, &groups, &[0, 1, 2, 3, 4, 5], 0.5).unwrap();
    assert_eq!((split.train, split.test), (vec![0, 4, 1], vec![5, 2, 3]));
}

#[test]
fn a_column_may_decide() {
    let times = [0.0, 1.0, 2.0];
    let split = Split::by_column(&times, &words(&["test", "train", "test"]), &[0, 1, 2]).unwrap();
    assert_eq!((split.train, split.test), (vec![1], vec![0, 2]));
    let error = Split::by_column(&times, &words(&["test", "train", "dev"]), &[0, 1, 2]).unwrap_err();
    assert_eq!(error, SplitError::Value { row: 3, value: "dev".to_owned() });
    let unlabeled = Split::by_column(&times, &words(&["train", "train", "test"]), &[0, 1]).unwrap();
    assert_eq!((unlabeled.train, unlabeled.test), (vec![0, 1], vec![]), "predicted, not measured");
    let nothing = Split::by_column(&times, &words(&["train", "train", "train"]), &[0, 1, 2]);
    assert_eq!(nothing, Err(SplitError::Empty { n_train: 3, n_test: 0 }));
}

#[test]
fn splits_without_a_side_are_refused() {
    let all = [0, 1];
    assert_eq!(Split::at_share(&[1.0, 2.0], &all, 1.0), Err(SplitError::Share(1.0)));
    assert!(Split::at_share(&[1.0, 2.0], &all, f64::NAN).is_err());
    assert_eq!(Split::at_share(&[], &[], 0.7), Err(SplitError::Empty { n_train: 0, n_test: 0 }));
    assert_eq!(Split::at_share(&[1.0, 1.0], &all, 0.7), Err(SplitError::Empty { n_train: 0, n_test: 2 }));
    assert_eq!(Split::at_time(&[1.0, 2.0], &all, 9.0), Err(SplitError::Empty { n_train: 2, n_test: 0 }));
}
