//! The walk on histories scripted with fixed dates.

use std::ops::ControlFlow;

use diffrisk::change::{Change, ChangeId, FileStatus};
use diffrisk::git::{Error, Repository, Unit, UnitChoice, WalkOptions, WalkReport, walk};
use git2::Oid;

use crate::git_script::Script;

fn collect(repository: &Repository, options: &WalkOptions) -> (Vec<Change>, WalkReport) {
    let mut changes = Vec::new();
    let report = walk(repository, options, |change| {
        changes.push(change);
        ControlFlow::Continue(())
    });
    (changes, report.unwrap())
}

fn subjects(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(Change::subject).collect()
}

/// Two commits, a branch of two, a commit beside it, the merge.
fn branchy() -> (Script, Vec<Oid>) {
    let mut script = Script::new();
    let first = script.commit("first", &[("a", b"1\n")], &[]);
    let second = script.commit("second", &[("a", b"2\n")], &[first]);
    let side_1 = script.commit("side 1", &[("a", b"2\n"), ("b", b"1\n")], &[second]);
    let side_2 = script.commit("side 2", &[("a", b"2\n"), ("b", b"2\n")], &[side_1]);
    let third = script.commit("third", &[("a", b"3\n")], &[second]);
    let merge = script.commit("merge", &[("a", b"3\n"), ("b", b"2\n")], &[third, side_2]);
    script.set_main(merge);
    (script, vec![first, second, side_1, side_2, third, merge])
}

#[test]
fn commits_come_as_they_landed_without_merges() {
    let (script, oids) = branchy();
    let (changes, report) = collect(&script.open(), &WalkOptions::new(Unit::Commit));
    assert_eq!(subjects(&changes), ["first", "second", "third", "side 1", "side 2"]);
    assert_eq!(changes[3].committed_at, changes[2].committed_at, "a branch lands when it is merged");
    assert_eq!(report.n_changes, 5);
    assert_eq!(report.head, ChangeId(oids[5].to_string()));
    assert_eq!(changes[0].record.files[0].status, FileStatus::Added);
    assert_eq!(changes[0].author, "author 0 <a@example.org>");
    assert_eq!(changes[0].authored_at.offset_minutes, 120);
}

#[test]
fn a_merged_branch_lands_as_one_change_of_its_author() {
    let (script, oids) = branchy();
    let repository = script.open();
    let (changes, _) = collect(&repository, &WalkOptions::new(Unit::Landing));
    assert_eq!(subjects(&changes), ["first", "second", "third", "merge"]);
    let merge = &changes[3];
    assert_eq!(merge.author, "author 3 <a@example.org>");
    assert_eq!(merge.merged, [ChangeId(oids[3].to_string()), ChangeId(oids[2].to_string())]);
    assert_eq!(merge.merged_messages, ["side 2", "side 1"]);
    assert_eq!(merge.record.files.len(), 1);
    assert_eq!(merge.record.files[0].path(), "b");
    assert_eq!(&repository.change(&merge.id, Unit::Landing).unwrap(), merge);
}

#[test]
fn who_began_a_branch_wrote_it_though_a_program_tidied_it_last() {
    for (authors, expected) in [
        (["Ada", "Eve", "tidy[bot]"], "Eve"),
        (["renovate[bot]", "Ada", "renovate[bot]"], "renovate[bot]"),
        (["renovate[bot]", "renovate[bot]", "Ada"], "Ada"),
        (["tidy[bot]", "tidy[bot]", "tidy[bot]"], "tidy[bot]"),
    ] {
        let mut script = Script::new();
        let first = script.commit("first", &[("a", b"1\n")], &[]);
        let mut tip = first;
        for (hour, who) in authors.iter().enumerate() {
            let content = [b'1', b'0' + hour as u8, b'\n'];
            tip = script.commit_by(who, 2 + hour as i64, (who, &[("a", b"1\n"), ("b", &content)]), &[tip]);
        }
        let merge = script.commit_at(8, "merge", &[("a", b"1\n"), ("b", b"12\n")], &[first, tip]);
        script.set_main(merge);
        let (changes, _) = collect(&script.open(), &WalkOptions::new(Unit::Landing));
        assert_eq!(changes[1].author, format!("{expected} <a@example.org>"), "{authors:?}");
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let mut script = Script::new();
    let mut parents = Vec::new();
    for idx in 0..600 {
        let content = format!("value: {idx}\n");
        let name = format!("f{}", idx % 7);
        parents = vec![script.commit(&format!("c{idx}"), &[(&name, content.as_bytes())], &parents)];
    }
    script.set_main(parents[0]);
    let repository = script.open();
    let walk_with =
        |n_threads| collect(&repository, &WalkOptions { n_threads, ..WalkOptions::new(Unit::Commit) });
    let one = walk_with(1);
    assert_eq!(one.0.len(), 600);
    assert_eq!(one, walk_with(2));
    assert_eq!(one, walk_with(3));
}

#[test]
fn a_continued_walk_gives_what_was_left() {
    let (script, oids) = branchy();
    let repository = script.open();
    for unit in [Unit::Commit, Unit::Landing] {
        let (all, _) = collect(&repository, &WalkOptions::new(unit));
        for (landed, n_before) in [(oids[1], 2), (oids[4], 3)] {
            let after = Some(ChangeId(landed.to_string()));
            let not_before = all[n_before - 1].committed_at;
            let options = WalkOptions { after, not_before, ..WalkOptions::new(unit) };
            assert_eq!(collect(&repository, &options).0, all[n_before..]);
        }
    }
}

#[test]
fn a_walk_after_a_rewritten_head_is_refused() {
    let (mut script, oids) = branchy();
    let other = script.commit("other", &[("a", b"9\n")], &[oids[0]]);
    let options = WalkOptions { after: Some(ChangeId(other.to_string())), ..WalkOptions::new(Unit::Commit) };
    let error = walk(&script.open(), &options, |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, Error::NotAncestor { .. }), "{error}");
    let after = Some(ChangeId(oids[3].to_string()));
    let options = WalkOptions { after, ..WalkOptions::new(Unit::Landing) };
    let error = walk(&script.open(), &options, |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, Error::NotAncestor { .. }), "{error}");
}

#[test]
fn time_never_runs_backwards() {
    let mut script = Script::new();
    let first = script.commit_at(10, "first", &[("a", b"1\n")], &[]);
    let second = script.commit_at(3, "second", &[("a", b"2\n")], &[first]);
    let third = script.commit_at(11, "third", &[("a", b"3\n")], &[second]);
    script.set_main(third);
    let (changes, _) = collect(&script.open(), &WalkOptions::new(Unit::Commit));
    let hours: Vec<_> = changes.iter().map(|change| (change.committed_at - 1_600_000_000) / 3_600).collect();
    assert_eq!(hours, [10, 10, 11]);
    let until = Some(1_600_000_000 + 10 * 3_600);
    let (changes, _) = collect(&script.open(), &WalkOptions { until, ..WalkOptions::new(Unit::Commit) });
    assert_eq!(changes.len(), 2);
}

#[test]
fn the_unit_follows_the_share_of_merges() {
    let (script, _) = branchy();
    assert_eq!(script.open().unit(UnitChoice::Auto).unwrap(), Unit::Commit);
    let mut script = Script::new();
    let first = script.commit("first", &[("a", b"1\n")], &[]);
    let side = script.commit("side", &[("a", b"2\n")], &[first]);
    let merge = script.commit("merge", &[("a", b"2\n")], &[first, side]);
    script.set_main(merge);
    assert_eq!(script.open().unit(UnitChoice::Auto).unwrap(), Unit::Landing);
}

#[test]
fn a_range_is_one_change_by_the_later_author() {
    let (script, oids) = branchy();
    let change = script.open().range(&oids[0].to_string(), &oids[3].to_string()).unwrap();
    assert_eq!(change.subject(), "side 2");
    assert_eq!(change.merged.len(), 2);
    let paths: Vec<_> = change.record.files.iter().map(|file| file.path()).collect();
    assert_eq!(paths, ["a", "b"]);
}

#[test]
fn what_is_no_history_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = Repository::open(directory.path()).err().unwrap();
    assert!(matches!(error, Error::NotARepository { .. }), "{error}");
    let script = Script::new();
    let repository = script.open();
    assert!(matches!(repository.head().unwrap_err(), Error::Empty { .. }));
    assert!(matches!(repository.resolve("HEAD").unwrap_err(), Error::UnknownRevision { .. }));
    let (script, oids) = branchy();
    script.repository.set_head("refs/heads/gone").unwrap();
    assert!(matches!(script.open().head().unwrap_err(), Error::Head { .. }));
    assert!(matches!(script.open().resolve("main~9").unwrap_err(), Error::UnknownRevision { .. }));
    assert_eq!(script.open().resolve("main~1").unwrap().0, oids[4].to_string());
    script.repository.set_head_detached(oids[1]).unwrap();
    assert_eq!(script.open().head().unwrap().0, oids[1].to_string());
}

#[test]
fn a_file_is_read_at_a_revision() {
    let (script, oids) = branchy();
    let repository = script.open();
    assert_eq!(repository.blob_at("main", "a").unwrap().unwrap(), b"3\n");
    assert_eq!(repository.blob_at(&oids[0].to_string(), "b").unwrap(), None);
}

#[test]
fn a_shallow_history_is_refused() {
    let (script, oids) = branchy();
    std::fs::write(script.path().join("shallow"), format!("{}\n", oids[4])).unwrap();
    let repository = script.open();
    assert!(repository.is_shallow());
    let error =
        walk(&repository, &WalkOptions::new(Unit::Commit), |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, Error::Shallow { .. }), "{error}");
    let cut = ChangeId(oids[4].to_string());
    assert!(matches!(repository.change(&cut, Unit::Commit).unwrap_err(), Error::Shallow { .. }));
}

#[test]
fn a_repository_that_another_one_took_the_place_of_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.git");
    git2::Repository::init_bare(&path).unwrap();
    let repository = Repository::open(&path).unwrap();
    assert!(repository.is_in_place());
    std::fs::rename(&path, directory.path().join("moved.git")).unwrap();
    assert!(!repository.is_in_place());
    git2::Repository::init_bare(&path).unwrap();
    assert!(!repository.is_in_place());
    assert!(Repository::open(&path).unwrap().is_in_place());
}
