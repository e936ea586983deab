//! Tables of other people's numbers over the command line: what a report says of them, and how a cell is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const N_ROWS: usize = 400;

/// A row of a table before it is written.
struct Row {
    id: String,
    ts: String,
    la: String,
    effort: String,
    group: String,
    split: String,
    label: String,
}

/// Every third row is positive, the newest quarter is the test.
fn row(idx: usize) -> Row {
    Row {
        id: format!("r{idx}"),
        ts: (1_000 + idx).to_string(),
        la: (idx % 3 * 5 + idx % 7).to_string(),
        effort: (idx % 11).to_string(),
        group: ["a", "b"][idx % 2].to_owned(),
        split: if idx < N_ROWS * 3 / 4 { "train" } else { "test" }.to_owned(),
        label: u8::from(idx.is_multiple_of(3)).to_string(),
    }
}

/// Writes a table whose rows were changed one by one.
fn table(directory: &Path, change: impl Fn(usize, &mut Row)) -> PathBuf {
    let line = |idx| {
        let mut row = row(idx);
        change(idx, &mut row);
        let Row { id, ts, la, effort, group, split, label } = row;
        format!("{id},{ts},{la},{},{effort},{group},{split},{label}\n", idx % 5)
    };
    let path = directory.join("table.csv");
    let lines: String = (0..N_ROWS).map(line).collect();
    fs::write(&path, format!("id,ts,la,ld,effort,group,split,label\n{lines}")).unwrap();
    path
}

const ROLES: [&str; 6] = ["--label", "label", "--time", "ts", "--id", "id"];

fn diffrisk(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_diffrisk")).args(args).output().unwrap()
}

fn json(args: &[&str]) -> Value {
    let output = diffrisk(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The report of a backtest, and the ids that were predicted.
fn backtest(path: &Path, more: &[&str]) -> (Value, Vec<String>) {
    let predictions = path.with_extension("predictions");
    let args = ["backtest", "--table", text(path), "--json", "--predictions", text(&predictions)];
    let report = json(&[&args[..], &ROLES, more].concat());
    let written = fs::read_to_string(&predictions).unwrap();
    let ids = written.lines().skip(1).filter_map(|line| line.split(',').next());
    (report, ids.map(str::to_owned).collect())
}

/// Checks that a table is refused, and what is said of it.
fn refused(path: &Path, more: &[&str], said: &[&str]) {
    let output = diffrisk(&[&["backtest", "--table", text(path)], more].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{more:?}: {stderr}");
    assert!(output.stdout.is_empty());
    let all = [said, &[text(path)]].concat();
    all.iter().for_each(|text| assert!(stderr.contains(text), "{more:?} does not say `{text}`: {stderr}"));
}

fn note(report: &Value, part: &str) -> bool {
    let notes = report["notes"].as_array().into_iter().flatten();
    notes.filter_map(Value::as_str).any(|note| note.contains(part))
}

const BY_COLUMN: [&str; 4] = ["--split-column", "split", "--exclude", "group"];

#[test]
fn rows_of_the_test_that_are_no_later_than_training_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let (report, _) = backtest(&table(directory.path(), |_, _| ()), &BY_COLUMN);
    assert!(!note(&report, "no later"), "{}", report["notes"]);
    let early = table(directory.path(), |idx, row| {
        if idx < 7 {
            row.split = "test".to_owned();
        }
    });
    let (report, ids) = backtest(&early, &BY_COLUMN);
    assert!(note(&report, "7 of the 107 rows of the test are no later"), "{}", report["notes"]);
    assert_eq!(ids.len(), 107);
}

#[test]
fn a_test_without_a_label_is_predicted_whatever_splits() {
    let directory = tempfile::tempdir().unwrap();
    let path = table(directory.path(), |_, row| {
        if row.split == "test" {
            row.label.clear();
        }
    });
    let (by_column, ids) = backtest(&path, &BY_COLUMN);
    let (_, at_time) = backtest(&path, &["--split-at", "1300", "--exclude", "group"]);
    assert_eq!((ids.len(), &ids), (100, &at_time));
    assert!(note(&by_column, "no change with a known label"), "{}", by_column["notes"]);
}

#[test]
fn a_group_without_a_label_is_predicted_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = table(directory.path(), |idx, row| {
        if idx % 40 == 5 {
            row.group = "new".to_owned();
            row.label.clear();
        }
    });
    let (_, ids) = backtest(&path, &["--group", "group"]);
    let of_group = ids.iter().filter(|id| id[1..].parse::<usize>().unwrap() % 40 == 5);
    assert_eq!(of_group.count(), 10);
}

#[test]
fn another_word_in_the_split_column_is_refused_with_its_place_also_without_a_label() {
    let directory = tempfile::tempdir().unwrap();
    for label in ["1", ""] {
        let path = table(directory.path(), |idx, row| {
            row.ts = (9_000 - idx).to_string();
            if idx == 11 {
                (row.split, row.label) = ("valid".to_owned(), label.to_owned());
            }
        });
        let said = ["column `split`", "row 12: `valid` is not `train` or `test`"];
        refused(&path, &[&ROLES[..], &BY_COLUMN].concat(), &said);
    }
    let of_neither = table(directory.path(), |idx, row| {
        if idx == 11 {
            (row.split, row.label) = (String::new(), String::new());
        }
    });
    backtest(&of_neither, &BY_COLUMN);
}

#[test]
fn rows_without_a_size_are_counted_and_a_size_that_is_no_number_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let with_effort = |effort: &str| {
        table(directory.path(), |idx, row| {
            if idx == 390 {
                row.effort = effort.to_owned();
            }
        })
    };
    let path = with_effort("");
    let (report, _) = backtest(&path, &BY_COLUMN);
    assert!(note(&report, "1 of 100 rows have no size"), "{}", report["notes"]);
    for cell in ["inf", "large"] {
        let place = format!("row 391: `{cell}` is not a number of lines");
        refused(&with_effort(cell), &ROLES, &["column `effort`", &place, "`--exclude effort`"]);
        backtest(&with_effort(cell), &["--exclude", "effort"]);
    }
    let out = directory.path().join("model");
    let older = table(directory.path(), |_, row| row.ts = "5".to_owned());
    json(&[&["train", "--data", text(&older), "--out", text(&out), "--json"], &ROLES[..]].concat());
    let path = with_effort("");
    let evaluate = ["evaluate", "--model", text(&out), "--data", text(&path), "--json"];
    assert!(note(&json(&[&evaluate[..], &ROLES].concat()), "1 of 400 rows have no size"));
}

#[test]
fn times_with_a_fraction_are_called_no_later_only_where_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("model");
    let train = |path: &Path| {
        json(&[&["train", "--data", text(path), "--out", text(&out), "--json"], &ROLES[..]].concat())
    };
    let evaluate = |path: &Path| {
        json(&[&["evaluate", "--model", text(&out), "--data", text(path), "--json"], &ROLES[..]].concat())
    };
    let at =
        |from: f64| table(directory.path(), |idx, row| row.ts = format!("{}", from + idx as f64 / 1_024.0));
    let trained = train(&at(-0.5));
    assert_eq!((&trained["trained_until"], &trained["trained_until_time"]), (&Value::Null, &Value::from(-1)));
    let later = evaluate(&at(-0.25));
    assert_eq!((&later["n_not_later"], &later["n_maybe_later"]), (&Value::from(0), &Value::from(256)));
    let much_later = evaluate(&at(7.5));
    assert_eq!((&much_later["n_not_later"], &much_later["n_maybe_later"]), (&Value::from(0), &Value::Null));
    let whole = |from: usize| table(directory.path(), |idx, row| row.ts = (from + idx).to_string());
    assert_eq!(train(&whole(1_400_000_000))["trained_until"], "2014-05-13T16:59:59Z");
    assert_eq!(evaluate(&whole(1_400_000_100))["n_not_later"], 300);
}

#[test]
fn roles_and_labels_that_cannot_be_are_told_as_what_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let path = table(directory.path(), |_, _| ());
    let (_, ids) = backtest(&path, &["--exclude", "group"]);
    let by_time =
        ["backtest", "--table", text(&path), "--label", "label", "--time", "ts", "--id", "ts", "--json"];
    assert_eq!(json(&by_time)["dataset"]["n_test"], ids.len(), "an id may be the time");
    let label_as_id = ["--label", "label", "--time", "ts", "--id", "label"];
    refused(&path, &label_as_id, &["column `label`", "cannot be both the label and the id"]);
    let said = "it has `id`, `ts`, `la`, `ld`, `effort`, `group`, `split`, `label`";
    refused(&path, &["--label", "bug", "--time", "ts", "--id", "id"], &["no column `bug`", said]);
    let words =
        table(directory.path(), |_, row| row.label = ["no", "yes"][usize::from(row.label == "1")].to_owned());
    refused(&words, &ROLES, &["row 1: `yes` is not a label of 1 or 0 (true, false)"]);
    let semicolons = fs::read_to_string(&path).unwrap().replace(',', ";");
    fs::write(&path, semicolons).unwrap();
    refused(&path, &ROLES, &["no column `ts`", "one column alone, `id;ts;la;ld;", "parted by commas?"]);
}

#[test]
fn one_class_in_a_fit_is_not_told_as_one_class_in_the_table() {
    let directory = tempfile::tempdir().unwrap();
    let path = table(directory.path(), |idx, row| row.label = u8::from(idx != 0).to_string());
    let output = diffrisk(&[&["backtest", "--table", text(&path)], &ROLES[..]].concat());
    assert_eq!(output.status.code(), Some(4));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("every label that one fit learns from is `true`"), "{stderr}");
}

#[test]
fn a_table_that_lacks_what_an_artifact_needs_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = table(directory.path(), |_, _| ());
    let out = directory.path().join("model");
    json(&[&["train", "--data", text(&path), "--out", text(&out), "--json"], &ROLES[..]].concat());
    let args = ["evaluate", "--model", text(&out), "--data", text(&path), "--exclude", "la"];
    let output = diffrisk(&[&args[..], &ROLES].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    assert!(stderr.contains("table.csv") && stderr.contains("feature `la`"), "{stderr}");
}
