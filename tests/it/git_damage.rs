//! Histories of which something is missing or broken: what can be read is read, the rest is named, and nothing hangs.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use diffrisk::change::{ChangeId, FileContent};
use diffrisk::git::{Error, Repository, Unit, WalkOptions, WalkReport, walk};
use git2::Oid;
use serde_json::Value;

use crate::git_script::Script;

fn walked(repository: &Repository) -> Result<WalkReport, Error> {
    walk(repository, &WalkOptions::new(Unit::Commit), |_| ControlFlow::Continue(()))
}

/// Three commits of a file of many lines.
fn script() -> (Script, Vec<Oid>) {
    let mut script = Script::new();
    let text =
        |n: u32| (0..800).map(|line| format!("key_{line}: {}\n", line * 7919 % 1009 + n)).collect::<String>();
    let mut oids: Vec<Oid> = Vec::new();
    for n in 0..3 {
        let parents: Vec<Oid> = oids.last().copied().into_iter().collect();
        let file = text(n);
        oids.push(script.commit(&format!("change {n}"), &[("a.yaml", file.as_bytes())], &parents));
    }
    script.set_main(oids[2]);
    (script, oids)
}

fn file_of(directory: &Path, oid: Oid) -> PathBuf {
    let id = oid.to_string();
    directory.join("objects").join(&id[..2]).join(&id[2..])
}

/// Cuts a loose object to half its length.
fn cut(directory: &Path, oid: Oid) {
    let path = file_of(directory, oid);
    let bytes = fs::read(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    // Whoever looks again goes by when the directory was changed.
    fs::remove_file(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
}

#[test]
fn a_blob_that_ends_too_early_is_counted_and_never_waited_for() {
    let (script, oids) = script();
    let tree = script.repository.find_commit(oids[1]).unwrap().tree().unwrap();
    cut(script.path(), tree.get_path(Path::new("a.yaml")).unwrap().id());
    let repository = script.open();
    let report = walked(&repository).unwrap();
    assert_eq!((report.n_changes, report.n_unreadable), (3, 2), "before and after it");
    let change = repository.change(&repository.resolve("main").unwrap(), Unit::Commit).unwrap();
    assert_eq!(change.record.files[0].content, FileContent::Unread);
    assert!(matches!(repository.blob_at("main~1", "a.yaml").unwrap_err(), Error::File { .. }));
    assert!(repository.blob_at("main", "a.yaml").unwrap().is_some());
}

#[test]
fn a_history_whose_contents_are_missing_is_in_doubt_until_they_are_back() {
    let (script, oids) = script();
    let tree = script.repository.find_commit(oids[0]).unwrap().tree().unwrap();
    let blob = file_of(script.path(), tree.get_path(Path::new("a.yaml")).unwrap().id());
    let (away, cache) = (script.path().join("away"), tempfile::tempdir().unwrap());
    let gated = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
        command.args(["gate", "--commit", "main", "--json", "--repo"]).arg(script.path());
        let output = command.arg("--cache").arg(cache.path()).output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        (answer, String::from_utf8(output.stderr).unwrap())
    };
    fs::rename(&blob, &away).unwrap();
    let (answer, said) = gated();
    assert_eq!((&answer["degraded"], &answer["decision"]), (&true.into(), &"extra_validation".into()));
    let text = "the contents of 2 of 3 changes of the history could not be read";
    let doubt = serde_json::json!({ "code": "feature_missing", "text": text });
    assert!(answer["reasons"].as_array().unwrap().contains(&doubt), "{answer}");
    for said in [answer["warnings"].to_string(), said] {
        assert!(said.contains(text) && said.contains("git fetch --refetch"), "{said}");
    }
    fs::rename(&away, &blob).unwrap();
    let (answer, said) = gated();
    assert_eq!((&answer["degraded"], said.contains(text)), (&false.into(), false), "{answer} {said}");
}

#[test]
fn a_tree_or_commit_that_ends_too_early_is_named() {
    for is_tree in [true, false] {
        let (script, oids) = script();
        let repository = script.open();
        assert_eq!(walked(&repository).unwrap().n_unreadable, 0);
        let broken =
            if is_tree { script.repository.find_commit(oids[1]).unwrap().tree_id() } else { oids[1] };
        cut(script.path(), broken);
        // Also who had it open before.
        for error in [Repository::open(script.path()).err().unwrap(), repository.head().unwrap_err()] {
            assert!(matches!(&error, Error::CutObject { id, .. } if *id == broken.to_string()), "{error}");
        }
    }
}

/// As by a file system that is mended: the directory does not say that a file in it changed.
#[test]
fn a_commit_that_is_cut_where_it_lies_is_named_until_it_is_whole_again_or_packed() {
    let (script, oids) = script();
    let repository = script.open();
    assert_eq!(walked(&repository).unwrap().n_changes, 3);
    let (path, id) = (file_of(script.path(), oids[1]), ChangeId(oids[1].to_string()));
    let whole = fs::read(&path).unwrap();
    let write = |bytes: &[u8]| {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, bytes).unwrap();
    };
    write(&whole[..whole.len() / 2]);
    assert!(matches!(repository.change(&id, Unit::Commit).unwrap_err(), Error::CutObject { .. }));
    assert!(matches!(repository.head().unwrap_err(), Error::CutObject { .. }));
    write(&whole);
    assert!(repository.head().is_ok() && repository.change(&id, Unit::Commit).is_ok());

    write(&whole[..whole.len() / 2]);
    assert!(repository.change(&id, Unit::Commit).is_err() && repository.head().is_err());
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    assert!(repository.head().is_ok(), "where it is now is for git to find");
}

#[test]
fn a_history_with_other_parents_beside_it_is_refused() {
    let (script, oids) = script();
    let info = script.path().join("info");
    fs::create_dir_all(&info).unwrap();
    fs::write(info.join("grafts"), "").unwrap();
    assert!(walked(&script.open()).is_ok());
    fs::write(info.join("grafts"), format!("{}\n", oids[1])).unwrap();
    assert!(matches!(walked(&script.open()).unwrap_err(), Error::Grafted { .. }));
}

#[test]
fn the_index_of_a_work_tree_is_no_part_of_its_history() {
    let (script, _) = script();
    fs::write(script.path().join(".gitattributes"), "*.yaml binary\n").unwrap();
    let sound = script.open();
    let change = |repository: &Repository| {
        repository.change(&repository.resolve("main").unwrap(), Unit::Commit).unwrap().record
    };
    let expected = change(&sound);
    for index in [&b""[..], b"DIRC\0\0\0\x02\0\0\0\x09 cut short", b"no index at all"] {
        fs::write(script.path().join("index"), index).unwrap();
        let repository = script.open();
        assert_eq!(walked(&repository).unwrap().n_unreadable, 0);
        assert_eq!(change(&repository), expected);
    }
}

#[test]
fn a_clone_without_trees_is_refused_while_they_are_missing() {
    let (script, oids) = script();
    let mut config = script.repository.config().unwrap();
    config.set_str("remote.origin.promisor", "true").unwrap();
    config.set_str("remote.origin.partialclonefilter", "tree:0").unwrap();
    assert!(!script.open().is_treeless(), "they were fetched since");
    let tree = script.repository.find_commit(oids[1]).unwrap().tree_id();
    fs::remove_file(file_of(script.path(), tree)).unwrap();
    let repository = script.open();
    assert!(repository.is_treeless());
    assert!(matches!(walked(&repository).unwrap_err(), Error::Treeless { .. }));
    config.set_str("remote.origin.partialclonefilter", "blob:none").unwrap();
    assert_eq!(walked(&script.open()).unwrap().n_changes, 3, "what is there is read");
}
