use std::ops::ControlFlow;

use super::*;
use crate::git::{Repository, Unit, WalkOptions, walk};

#[test]
fn the_sample_is_the_same_every_time_and_reads_back() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let samples = dirs.each_ref().map(|dir| write_sample(dir.path()).unwrap());
    assert_eq!(samples[0].head, samples[1].head);
    let csv = samples.each_ref().map(|sample| std::fs::read_to_string(&sample.incidents).unwrap());
    assert_eq!(csv[0], csv[1]);
    assert_eq!(samples[0].proposals, samples[1].proposals);

    let repository = Repository::open(&samples[0].repository).unwrap();
    let mut changes = Vec::new();
    walk(&repository, &WalkOptions::new(Unit::Commit), |change| {
        changes.push(change);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(changes.len(), samples[0].n_changes);
    let n_reverts = changes.iter().filter(|change| change.message.contains("This reverts commit")).count();
    let n_back = changes.iter().filter(|change| change.subject().starts_with("Repool ")).count();
    let n_incidents = csv[0].lines().count() - 1;
    eprintln!("{} changes, {n_reverts} reverts, {n_back} repools, {n_incidents} incidents", changes.len());
    assert!((1_400..1_700).contains(&changes.len()));
    assert!((70..130).contains(&n_reverts), "{n_reverts}");
    assert!((15..60).contains(&n_incidents), "{n_incidents}");
    assert!(n_back > 30, "{n_back}");
    assert!(changes.iter().all(|change| !change.record.files.is_empty()));
}

#[test]
fn a_place_that_is_taken_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine"), "").unwrap();
    assert!(matches!(write_sample(dir.path()), Err(SampleError::NotEmpty(_))));
}
