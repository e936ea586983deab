//! As of which moment rows are mined, learned from and tested on, over the command line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use git2::Oid;
use serde_json::Value;

use crate::git_script::Script;

fn diffrisk(args: &[&str]) -> Output {
    let cache_home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    let mut command = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
    let output = command.args(args).env("XDG_CACHE_HOME", cache_home).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn json(args: &[&str]) -> Value {
    serde_json::from_slice(&diffrisk(args).stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A history of one file, each commit so many hours after the script's start.
fn history(file: &str, hours: &[i64]) -> (Script, Vec<Oid>) {
    let mut script = Script::new();
    let mut commits: Vec<Oid> = Vec::new();
    for (idx, at) in hours.iter().enumerate() {
        let content = format!("limit: {idx}\n");
        let parents: Vec<Oid> = commits.last().copied().into_iter().collect();
        commits.push(script.commit_at(
            *at,
            &format!("set limit {idx}"),
            &[(file, content.as_bytes())],
            &parents,
        ));
    }
    script.set_main(*commits.last().unwrap());
    (script, commits)
}

/// Incident links as lines of a file: the change, the day on which the link became known, and its kind.
fn incidents(directory: &Path, links: &[(&str, i64, &str)]) -> PathBuf {
    let line = |(change, day, kind): &(&str, i64, &str)| {
        let known_at = jiff::Timestamp::from_second(1_600_000_000 + day * 86_400).unwrap();
        format!("I1,{known_at},config,{change},{kind}\n")
    };
    let lines: String = links.iter().map(line).collect();
    let path = directory.join("incidents.csv");
    fs::write(&path, format!("incident_id,known_at,repo,change_id,link_kind\n{lines}")).unwrap();
    path
}

const DAY_HOURS: i64 = 24;

#[test]
fn rows_mined_earlier_teach_beside_later_ones_what_they_teach_alone() {
    let directory = tempfile::tempdir().unwrap();
    let [early, late, out] = ["early.parquet", "late.parquet", "out"].map(|name| directory.path().join(name));
    let (old, _) = history("a", &[0, DAY_HOURS, 10 * DAY_HOURS, 12 * DAY_HOURS, 16 * DAY_HOURS]);
    let (new, _) = history("b", &[0, 100 * DAY_HOURS]);
    for (script, rows) in [(&old, &early), (&new, &late)] {
        json(&["mine", "--repo", text(script.path()), "--unit", "commit", "--out", text(rows), "--json"]);
    }
    let n_rows = |files: &[&Path]| {
        let files: Vec<&str> = files.iter().map(|path| text(path)).collect();
        let trained = json(&[&["train", "--json", "--out", text(&out), "--data"], &files[..]].concat());
        trained["sources"][0]["n_rows"].clone()
    };
    assert_eq!(n_rows(&[&early]), 2, "of the last 14 days nothing is known");
    assert_eq!(n_rows(&[&early, &late]), 2);
}

#[test]
fn a_link_that_is_there_twice_lets_no_negative_wait_longer() {
    let directory = tempfile::tempdir().unwrap();
    let (script, commits) = history("a", &[0, 50 * DAY_HOURS, 75 * DAY_HOURS]);
    let first = commits[0].to_string();
    let once = [(first.as_str(), 20, "declared")];
    let twice = [once[0], (&first[..12], 60, "bisect"), (first.as_str(), 60, "declared")];
    for links in [&once[..], &twice] {
        let file = incidents(directory.path(), links);
        let rows = directory.path().join("rows.parquet");
        let repo = text(script.path());
        let mined =
            json(&["mine", "--repo", repo, "--incidents", text(&file), "--out", text(&rows), "--json"]);
        assert_eq!(mined["labels"]["strict"], 1, "{mined}");
        assert_eq!(mined["labels"]["not_known_yet"], 1, "{links:?}: {mined}");
    }
}

#[test]
fn a_link_of_the_future_does_not_make_the_clock_the_moment_that_rows_are_as_of() {
    let directory = tempfile::tempdir().unwrap();
    let (script, commits) = history("a", &[0, DAY_HOURS]);
    let [first, second] = [commits[0].to_string(), commits[1].to_string()];
    let file = incidents(directory.path(), &[(&first, 3, "declared"), (&second, 2_000_000, "declared")]);
    let rows = directory.path().join("rows.parquet");
    let repo = text(script.path());
    let mined = json(&["mine", "--repo", repo, "--incidents", text(&file), "--out", text(&rows), "--json"]);
    assert_eq!(mined["as_of"], "2020-09-16T12:26:40Z");
    assert_eq!(mined["n_later_targets"], 1);
}

#[test]
fn a_backtest_says_what_incidents_and_values_it_could_not_use() {
    let directory = tempfile::tempdir().unwrap();
    let hours: Vec<i64> = (0..100).map(|idx| idx * DAY_HOURS).collect();
    let (script, commits) = history("a", &hours);
    let [first, nowhere] = [commits[0].to_string(), "0".repeat(40)];
    let file = incidents(directory.path(), &[(&first, 2_000_000, "declared"), (&nowhere, 3, "declared")]);
    let features = directory.path().join("load.csv");
    let lines = "repo,change_id,known_at,x.load\n";
    fs::write(&features, format!("{lines}config,{first},2030-01-01T00:00:00Z,1\n")).unwrap();
    let backtest = ["backtest", "--repo", text(script.path()), "--name", "config", "--json"];
    let plain = json(&backtest);
    assert_eq!((&plain["n_unknown_targets"], &plain["n_later_targets"]), (&Value::from(0), &Value::from(0)));
    let more = ["--incidents", text(&file), "--features", text(&features)];
    let output = diffrisk(&[&backtest[..], &more].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["n_unknown_targets"], &report["n_later_targets"]),
        (&Value::from(1), &Value::from(1))
    );
    assert_eq!(report["custom"], serde_json::json!({ "n_used": 0, "n_later": 1, "n_other_commits": 0 }));
    for said in ["of unknown changes", "incidents and outcomes known only later", "custom values known only"]
    {
        assert!(report["notes"].to_string().contains(said), "{said}: {}", report["notes"]);
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{said}");
    }
}

#[test]
fn a_test_begins_with_its_earliest_row_whichever_file_comes_first() {
    let directory = tempfile::tempdir().unwrap();
    let [early, late] = ["early.parquet", "late.parquet"].map(|name| directory.path().join(name));
    for (file, rows, from) in [("a", &early, 0), ("b", &late, 50 * DAY_HOURS)] {
        let (script, _) = history(file, &[from, from + 20 * DAY_HOURS]);
        json(&["mine", "--repo", text(script.path()), "--unit", "commit", "--out", text(rows), "--json"]);
    }
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/default");
    let report = json(&["evaluate", "--model", text(&model), "--data", text(&late), text(&early), "--json"]);
    assert_eq!(report["dataset"]["split_time"], 1_600_000_000.0);
}
