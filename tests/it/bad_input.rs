//! Input that nobody should send: each has its message and its exit code, or a count, and no panic.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use diffrisk::dataset::{Rows, RowsBuilder};
use diffrisk::incident::{parse_incidents_csv, parse_incidents_jsonl, parse_outcomes};
use git2::{ObjectType, Oid};
use serde_json::{Value, json};

use crate::git_script::Script;
use crate::process::serve;

fn diffrisk(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
    command.args(args).env_remove("DIFFRISK_STORE").env("XDG_CACHE_HOME", cache_home());
    command.output().unwrap()
}

/// Folded histories of scripted repositories must not reach the user's own cache.
fn cache_home() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// Checks the exit code, that all of `said` is on stderr, and that a failure prints nothing else.
fn check(args: &[&str], code: i32, said: &[&str]) {
    let output = diffrisk(args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    for text in said {
        assert!(stderr.contains(text), "{args:?} does not say `{text}`: {stderr}");
    }
    assert!(code == 0 || output.stdout.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
}

/// Mines a repository and answers the JSON document.
fn mined(path: &Path, more: &[&str]) -> Value {
    let rows = tempfile::NamedTempFile::new().unwrap();
    let [path, rows] = [path, rows.path()].map(|path| path.to_str().unwrap());
    let args = [&["mine", "--repo", path, "--unit", "commit", "--out", rows, "--json"], more].concat();
    let output = diffrisk(&args);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Three commits on `main`.
fn plain() -> (Script, Vec<Oid>) {
    let mut script = Script::new();
    let first = script.commit("first", &[("a", b"1\n")], &[]);
    let second = script.commit("second", &[("a", b"2\n")], &[first]);
    let third = script.commit("third", &[("a", b"3\n")], &[second]);
    script.set_main(third);
    (script, vec![first, second, third])
}

fn loose_object(script: &Script, oid: Oid) -> PathBuf {
    let id = oid.to_string();
    script.path().join("objects").join(&id[..2]).join(&id[2..])
}

/// All commands that read a history, over one that cannot be read.
fn check_history(path: &Path, gate_code: i32, said: &[&str]) {
    let path = text(path);
    check(&["mine", "--repo", path, "--out", "unwritten.parquet"], 4, said);
    check(&["backtest", "--repo", path, "--prior", "none"], 4, said);
    check(&["gate", "--repo", path, "--commit", "HEAD"], gate_code, said);
    check(&["gate", "--repo", path, "--commit", "HEAD", "--advisory"], 0, said);
    assert!(!Path::new("unwritten.parquet").exists());
}

#[test]
fn a_directory_without_a_repository_is_named() {
    let directory = tempfile::tempdir().unwrap();
    check_history(directory.path(), 4, &["is not a git repository", text(directory.path())]);
    check(&["score", "--repo", text(directory.path()), "--commit", "HEAD"], 4, &["is not a git repository"]);
    check(&["mine", "--repo", "nowhere/at/all", "--out", "x"], 4, &["`nowhere/at/all` does not exist"]);
}

#[test]
fn an_empty_repository_is_named() {
    let script = Script::new();
    let path = text(script.path());
    check(&["mine", "--repo", path, "--out", "x"], 4, &["is empty: its HEAD names no commit"]);
    check(&["backtest", "--repo", path], 4, &["is empty"]);
    check(&["gate", "--repo", path, "--commit", "HEAD"], 4, &["revision `HEAD` names no commit"]);
}

#[test]
fn a_shallow_clone_says_how_to_fetch_the_rest_and_gives_no_decision() {
    let (script, oids) = plain();
    fs::write(script.path().join("shallow"), format!("{}\n", oids[1])).unwrap();
    check_history(script.path(), 3, &["shallow clone", "git fetch --unshallow"]);
    let path = text(script.path());
    check(&["score", "--repo", path, "--commit", "HEAD"], 4, &["git fetch --unshallow"]);
}

#[test]
fn a_detached_head_is_read_and_a_missing_branch_is_named() {
    let (script, oids) = plain();
    script.repository.set_head_detached(oids[1]).unwrap();
    assert_eq!(mined(script.path(), &[])["n_rows"], 2);
    script.repository.set_head("refs/heads/gone").unwrap();
    check(
        &["mine", "--repo", text(script.path()), "--out", "x"],
        4,
        &["the HEAD of repository", "cannot be read"],
    );
    let unknown = ["score", "--repo", text(script.path()), "--commit", "main~9"];
    check(&unknown, 4, &["revision `main~9` names no commit"]);
    let range = ["score", "--repo", text(script.path()), "--range", "main~1..elsewhere"];
    check(&range, 4, &["revision `elsewhere` names no commit"]);
    check(
        &["score", "--repo", text(script.path()), "--range", "main"],
        2,
        &["`main` is not of the form `A..B`"],
    );
}

#[test]
fn missing_blobs_and_trees_are_counted_and_a_broken_commit_is_named() {
    let (script, oids) = plain();
    let blob = script.repository.find_commit(oids[1]).unwrap().tree().unwrap().get_name("a").unwrap().id();
    fs::remove_file(loose_object(&script, blob)).unwrap();
    let document = mined(script.path(), &[]);
    assert_eq!((&document["n_rows"], &document["skipped"]["unreadable"]), (&Value::from(3), &Value::from(2)));
    let (script, oids) = plain();
    let tree = script.repository.find_commit(oids[1]).unwrap().tree_id();
    fs::remove_file(loose_object(&script, tree)).unwrap();
    let document = mined(script.path(), &[]);
    assert_eq!((&document["n_rows"], &document["skipped"]["unreadable"]), (&Value::from(3), &Value::from(2)));
    let (script, oids) = plain();
    let commit = loose_object(&script, oids[1]);
    fs::remove_file(&commit).unwrap();
    let path = text(script.path());
    check(&["mine", "--repo", path, "--out", "x"], 4, &["commit `", "cannot be read"]);
    fs::write(&commit, b"no object").unwrap();
    check(&["mine", "--repo", path, "--out", "x"], 4, &["commit `", "cannot be read"]);
    check(&["gate", "--repo", path, "--commit", "HEAD"], 4, &["cannot be read"]);
}

#[test]
fn paths_and_messages_that_are_no_utf_8_are_read() {
    let script = Script::new();
    let odb = script.repository.odb().unwrap();
    let blob = script.repository.blob(b"timeout: 3\n").unwrap();
    let tree = [b"100644 caf\xe9.yaml\0".as_slice(), blob.as_bytes()].concat();
    let tree = odb.write(ObjectType::Tree, &tree).unwrap();
    let commit = [
        format!("tree {tree}\nauthor ").as_bytes(),
        b"Ren\xe9 <r@example.org> 1600000000 +0200\ncommitter Ren\xe9 <r@example.org> 1600000000 +0200\n\n",
        b"Men\xfa ge\xe4ndert\n",
    ]
    .concat();
    let commit = odb.write(ObjectType::Commit, &commit).unwrap();
    script.set_main(commit);
    assert_eq!(mined(script.path(), &[])["n_rows"], 1);
    let path = text(script.path());
    check(&["score", "--repo", path, "--commit", "HEAD"], 0, &[]);
}

#[test]
fn a_change_of_too_many_files_and_a_blob_that_is_too_large_are_counted() {
    let mut script = Script::new();
    let names: Vec<String> = (0..10_001).map(|idx| format!("d{}/f{idx}", idx % 100)).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"x\n".as_slice())).collect();
    let many = script.commit("many", &files, &[]);
    let huge = vec![b'x'; 100 << 20];
    let large = script.commit("large", &[("dump.sql", &huge)], &[many]);
    script.set_main(large);
    let document = mined(script.path(), &[]);
    let skipped = &document["skipped"];
    assert_eq!((&document["n_rows"], &skipped["oversized"]), (&Value::from(2), &Value::from(2)));
    let again = script.commit("again", &[("dump.sql", &huge), ("a", b"1\n")], &[large]);
    let shrunk = script.commit("shrunk", &[("dump.sql", b"x\n"), ("a", b"1\n")], &[again]);
    script.set_main(shrunk);
    assert_eq!(mined(script.path(), &[])["skipped"]["huge"], 1);
}

#[test]
fn reverts_in_a_circle_end() {
    let mut script = Script::new();
    let file = |value: usize| format!("timeout: {value}\n").into_bytes();
    let mut parents = vec![script.commit("Raise", &[("a", &file(0))], &[])];
    for (idx, message) in [
        "Revert \"Raise\"",
        "Revert \"Revert \"Raise\"\"",
        "Raise",
        "Revert \"Raise\"\n\nThis reverts commit 0000000000000000000000000000000000000000.",
        "Revert \"Raise\"",
        "Reland \"Revert \"Raise\"\"",
        "Revert \"Reland \"Revert \"Raise\"\"\"",
    ]
    .into_iter()
    .enumerate()
    {
        parents = vec![script.commit(message, &[("a", &file(idx + 1))], &parents)];
    }
    script.set_main(parents[0]);
    let document = mined(script.path(), &[]);
    assert_eq!(document["n_rows"], 8);
    // Only the two that raise can be positives: reverts and reverts of reverts never are.
    assert_eq!(document["labels"]["raw"], 2);
}

#[test]
fn a_clock_that_goes_backwards_leaves_the_order_of_landing() {
    let mut script = Script::new();
    let first = script.commit_at(50, "first", &[("a", b"1\n")], &[]);
    let second = script.commit_at(-400_000, "second", &[("a", b"2\n")], &[first]);
    let third = script.commit_at(51, "third", &[("a", b"3\n")], &[second]);
    script.set_main(third);
    let document = mined(script.path(), &[]);
    assert_eq!(document["n_rows"], 3);
    let as_of = jiff::Timestamp::from_second(1_600_000_000 + 51 * 3_600).unwrap();
    assert_eq!(document["as_of"], as_of.to_string());
    assert_eq!(mined(script.path(), &["--until", "1600180000"])["n_rows"], 2);
}

#[test]
fn incidents_of_unknown_changes_are_counted_and_bad_lines_are_named() {
    let (script, oids) = plain();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("incidents.csv");
    let header = "incident_id,known_at,repo,change_id,link_kind\n";
    let one = Value::from(1);
    let line = |change_id: &str| format!("I1,2020-09-13T13:00:00Z,config,{change_id},declared\n");
    fs::write(&file, format!("{header}{}{}", line(&"0".repeat(40)), line(&oids[0].to_string()))).unwrap();
    let document = mined(script.path(), &["--incidents", text(&file)]);
    assert_eq!((&document["n_unknown_targets"], &document["n_later_targets"]), (&one, &Value::from(0)));
    fs::write(&file, format!("{header}{}", line("x").replace("2020", "2030"))).unwrap();
    let document = mined(script.path(), &["--incidents", text(&file)]);
    assert_eq!((&document["n_unknown_targets"], &document["n_later_targets"]), (&Value::from(0), &one));
    fs::write(&file, format!("{header}{}I2,yesterday,config,x,declared\n", line("x"))).unwrap();
    let args = ["mine", "--repo", text(script.path()), "--incidents", text(&file), "--out", "x"];
    check(
        &args,
        4,
        &["1 of 2 incident links refused, nothing was taken", "line 3: `known_at` is `yesterday`"],
    );
    let owners = ["mine", "--repo", text(script.path()), "--owners", "NOWHERE", "--out", "x"];
    check(&owners, 4, &["cannot read `NOWHERE`"]);
    let missing = ["mine", "--repo", text(script.path()), "--incidents", "nowhere.csv", "--out", "x"];
    check(&missing, 4, &["cannot read `nowhere.csv`"]);
}

#[test]
fn a_diff_that_is_cut_or_no_diff_is_refused_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("change.diff");
    let head = "diff --git a/a.yaml b/a.yaml\n--- a/a.yaml\n+++ b/a.yaml\n";
    for (diff, said) in [
        (format!("{head}@@ -1,3 +1,3 @@\n a\n-b\n"), "line"),
        (format!("{head}@@ -1,x +1,3 @@\n a\n"), "line"),
        ("this is no diff\n".to_owned(), "no diff found"),
    ] {
        fs::write(&file, &diff).unwrap();
        check(&["score", "--diff", text(&file)], 4, &["the change cannot be scored", said]);
        check(&["gate", "--diff", text(&file)], 4, &["the change cannot be scored", said]);
    }
    // A `git diff` that failed writes nothing.
    for nothing in ["", "\n"] {
        fs::write(&file, nothing).unwrap();
        check(&["gate", "--diff", text(&file)], 4, &["holds no diff: it is empty"]);
    }
    // A header alone shows no change: it was cut off, or filtered.
    for diff in crate::http_doubts::NOTHING.into_iter().filter(|diff| diff.starts_with("diff")) {
        fs::write(&file, diff).unwrap();
        let output = diffrisk(&["gate", "--diff", text(&file)]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(10), "{said}");
        assert!(said.contains("feature_missing"), "{said}");
    }
    check(&["score", "--diff", "nowhere.diff"], 4, &["cannot read `nowhere.diff`"]);
    check(&["score"], 2, &["--commit"]);
    check(&["score", "--commit", "HEAD"], 2, &["--repo"]);
}

/// A table of `n` rows with every third positive up to `n_positives`.
fn table(directory: &Path, n: usize, n_positives: usize) -> PathBuf {
    let mut csv = String::from("id,t,y,la,ld,name\n");
    for idx in 0..n {
        let y = u8::from(idx % 3 == 0 && idx / 3 < n_positives);
        writeln!(csv, "c{idx},{idx},{y},{},{},text", idx % 7 + usize::from(y) * 5, idx % 5).unwrap();
    }
    let path = directory.join(format!("table-{n}-{n_positives}.csv"));
    fs::write(&path, csv).unwrap();
    path
}

#[test]
fn a_table_that_cannot_teach_says_which_column_and_why() {
    let directory = tempfile::tempdir().unwrap();
    let good = table(directory.path(), 1_500, 500);
    let roles = ["--label", "y", "--time", "t", "--id", "id"];
    let backtest = |path: &Path, more: &[&str], code: i32, said: &[&str]| {
        check(&[&["backtest", "--table", text(path)], &roles[..], more].concat(), code, said);
    };
    backtest(&good, &[], 0, &["left out: name", "is `text`, not a number"]);
    backtest(&good, &["--columns", "la,name"], 4, &["column `name`", "row 1: `text` is not a number"]);
    backtest(&good, &["--columns", "la,lines"], 4, &["has no column `lines`"]);
    backtest(
        &good,
        &["--columns", "la,la"],
        4,
        &["column `la`", "cannot be a feature: it is asked for twice"],
    );
    backtest(&good, &["--columns", "la,y"], 4, &["column `y`", "cannot be a feature: the label"]);
    backtest(&table(directory.path(), 1_500, 0), &[], 4, &["label `y`", "0 positives among 1500"]);
    backtest(&table(directory.path(), 1_500, 19), &[], 4, &["19 positives among 1500", "at least 20"]);
    backtest(&good, &["--split", "1"], 2, &["expected a share between 0 and 1"]);
    let swapped = ["backtest", "--table", text(&good), "--label", "y", "--time", "name", "--id", "id"];
    check(&swapped, 4, &["column `name`", "row 1: `text` is not a number"]);
    let unlabeled = ["backtest", "--table", text(&good), "--label", "la", "--time", "t", "--id", "id"];
    check(&unlabeled, 4, &["column `la`", "is not a label of 1 or 0"]);
    let train =
        ["train", "--data", text(&good), "--label", "label", "--time", "t", "--id", "id", "--out", "x"];
    check(&train, 4, &["has no column `label`"]);
}

/// A hundred changes, the first of which are each undone by the next; then two quiet months.
fn with_reverts(n_reverted: usize) -> Script {
    let mut script = Script::new();
    let mut parents = Vec::new();
    for idx in 0..100 {
        let message = match idx {
            idx if idx / 2 >= n_reverted => format!("change {idx}"),
            idx if idx % 2 == 0 => {
                format!("raise limit of service {}", "abcdefghijkl".split_at(idx / 2 + 1).0)
            }
            _ => format!("This reverts commit {}.", parents[0]),
        };
        let content = format!("limit: {idx}\n");
        let hours = if idx < 99 { idx as i64 } else { 1_500 };
        parents = vec![script.commit_at(hours, &message, &[("a", content.as_bytes())], &parents)];
    }
    script.set_main(parents[0]);
    script
}

#[test]
fn rows_of_one_class_or_with_few_positives_train_nothing() {
    let (script, _) = plain();
    let directory = tempfile::tempdir().unwrap();
    let rows = directory.path().join("rows.parquet");
    let mine = ["mine", "--repo", text(script.path()), "--unit", "commit", "--out", text(&rows)];
    check(&mine, 0, &[]);
    let out = directory.path().join("model");
    let train = ["train", "--data", text(&rows), "--prior", "none", "--out", text(&out)];
    check(&train, 4, &["the training part has rows of one class only"]);
    assert!(!out.exists());
    let few = with_reverts(7);
    let mine = ["mine", "--repo", text(few.path()), "--unit", "commit", "--out", text(&rows)];
    check(&mine, 0, &[]);
    check(&train, 4, &["the training part has 7 positives, at least 20 are needed"]);
    assert!(!out.exists());
    // With a prior there is a sound model all the same, and a note that nothing was learned here.
    let blended = ["train", "--data", text(&rows), "--json", "--out", text(&out)];
    let trained: Value = serde_json::from_slice(&diffrisk(&blended).stdout).unwrap();
    let note = trained["notes"][0].as_str().unwrap();
    assert!(note.contains("7 positives among") && note.contains("the prior `"), "{trained}");
    fs::remove_dir_all(&out).unwrap();
    let backtest = ["backtest", "--repo", text(few.path()), "--unit", "commit", "--prior", "none"];
    check(&backtest, 4, &["the training part has rows of one class only"]);
    fs::write(&rows, b"PAR1 but no more").unwrap();
    check(&train, 4, &[text(&rows)]);
    check(&["evaluate", "--model", "nowhere", "--data", text(&rows)], 4, &["nowhere"]);
}

#[test]
fn what_only_scoring_here_reads_cannot_be_given_with_a_server() {
    let (script, _) = plain();
    let gate = ["gate", "--server", "http://127.0.0.1:1", "--repo", text(script.path()), "--commit", "HEAD"];
    for flag in ["--model", "--policy", "--incidents", "--owners", "--cache"] {
        check(&[&gate[..], &[flag, "x"]].concat(), 2, &["cannot be used with", flag]);
    }
    check(&[&gate[..], &["--unit", "commit"]].concat(), 2, &["cannot be used with", "--unit"]);
    check(&gate, 3, &["`http://127.0.0.1:1` gave no decision"]);
    // The service has the repository; what a branch is called here, it does not know.
    let gate = ["gate", "--server", "http://127.0.0.1:1", "--name", "shop", "--commit"];
    check(&[&gate[..], &["HEAD"]].concat(), 2, &["`HEAD` is no full commit id"]);
    check(&[&gate[..], &["0123456789abcdef0123456789abcdef01234567"]].concat(), 3, &["gave no decision"]);
    check(&["gate", "--name", "shop", "--commit", "HEAD"], 2, &["`--repo`"]);
}

#[test]
fn what_the_service_says_of_a_question_is_told_and_has_the_exit_code_that_it_has_here() {
    let dir = tempfile::tempdir().unwrap();
    let [diff, key, keys] = ["cut.diff", "key", "keys.toml"].map(|name| dir.path().join(name));
    fs::write(&diff, "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,3 +1,3 @@\n-a: 1\n").unwrap();
    check(&["gate", "--diff", text(&diff)], 4, &["malformed_diff: ", "after line 4"]);
    let service = serve(dir.path(), &[], &[]);
    let server = format!("http://{}", service.address);
    let gate = ["gate", "--name", "shop", "--diff", text(&diff), "--server", &server];
    check(&gate, 4, &[&server, "malformed_diff: ", "after line 4", "($.change.diff)"]);
    check(&[&gate[..], &["--advisory"]].concat(), 0, &["malformed_diff: "]);
    let elsewhere = format!("{server}/elsewhere");
    let gate = ["gate", "--name", "shop", "--diff", text(&diff), "--server", &elsewhere];
    check(&gate, 3, &["gave no decision: not_found: "]);
    drop(service);

    check(&["keys", "--keys", text(&keys), "add", "ci", "--scopes", "score"], 0, &[]);
    let service = serve(dir.path(), &["--keys", text(&keys)], &[]);
    fs::write(&key, "of nobody").unwrap();
    let server = format!("http://{}", service.address);
    let gate = ["gate", "--diff", text(&diff), "--server", &server, "--key-file", text(&key)];
    check(&gate, 3, &["gave no decision: unauthorized: "]);
}

/// Answers one connection after the other with a head and a body; answers its address.
fn answering(answers: Vec<(String, String)>) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        for (head, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 65_536]).unwrap();
            let n_bytes = body.len();
            write!(stream, "HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {n_bytes}\r\n\r\n{body}")
                .unwrap();
            // To close before all is read is to take the answer back.
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    (server, answering)
}

#[test]
fn a_server_that_tells_no_problem_is_told_by_its_status() {
    let dir = tempfile::tempdir().unwrap();
    let diff = dir.path().join("a.diff");
    fs::write(&diff, "--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n").unwrap();
    for (status, code) in [("502 Bad Gateway", 3), ("413 Content Too Large", 4)] {
        let (server, answering) = answering(vec![(status.to_owned(), "sorry".to_owned())]);
        check(&["gate", "--diff", text(&diff), "--server", &server], code, &[&status[..3]]);
        answering.join().unwrap();
    }
}

/// A decision that ended in a cache on the way, or that nobody recorded, opens nothing.
#[test]
fn an_answer_that_has_ended_or_has_no_record_is_no_decision() {
    let dir = tempfile::tempdir().unwrap();
    let diff = dir.path().join("a.diff");
    let lines = "--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n";
    fs::write(&diff, lines).unwrap();
    let question = json!({ "change": { "repo": "shop", "diff": lines } });
    let answer = serve(dir.path(), &[], &[]).post("/v1/score", &question.to_string()).1;
    assert_eq!(answer["degraded"], false, "{answer}");
    for (key, value, said) in [
        ("expires_at", json!("2026-01-01T00:00:00Z"), "the answer has expired"),
        ("decision_id", Value::Null, "the answer has no record"),
    ] {
        let mut altered = answer.clone();
        altered[key] = value;
        let head = "200 OK\r\ncontent-type: application/json".to_owned();
        let (server, answering) = answering(vec![(head, altered.to_string())]);
        check(&["gate", "--name", "shop", "--diff", text(&diff), "--server", &server], 3, &[said]);
        answering.join().unwrap();
    }
    // Nor does a word that this build does not know, or a fast path in doubt.
    for (decision, degraded) in [("fast_path", true), ("faster_path", false)] {
        let mut altered = answer.clone();
        altered["decision"] = json!(decision);
        altered["degraded"] = json!(degraded);
        let head = "200 OK\r\ncontent-type: application/json".to_owned();
        let (server, answering) = answering(vec![(head, altered.to_string())]);
        let output = diffrisk(&["gate", "--name", "shop", "--diff", text(&diff), "--server", &server]);
        assert_eq!(output.status.code(), Some(10), "{decision}: {output:?}");
        answering.join().unwrap();
    }
}

#[test]
fn a_service_that_is_busy_is_asked_again_when_it_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let diff = dir.path().join("a.diff");
    fs::write(&diff, "--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n").unwrap();
    let busy = |status: &str, wait: u64| (format!("{status}\r\nretry-after: {wait}"), String::new());
    for (answers, code, said) in [
        (vec![busy("503 Service Unavailable", 0), busy("413 Content Too Large", 1)], 4, "413"),
        (vec![busy("429 Too Many Requests", u64::MAX)], 3, "429"),
    ] {
        let (server, answering) = answering(answers);
        check(&["gate", "--diff", text(&diff), "--server", &server], code, &[said]);
        answering.join().unwrap();
    }
}

/// A proxy may answer from a cache, or another service in the place of the one that was meant.
#[test]
fn only_a_decision_on_this_change_that_is_recorded_and_in_force_lets_it_through() {
    let dir = tempfile::tempdir().unwrap();
    let (diff, policy) = (dir.path().join("a.diff"), dir.path().join("policy.toml"));
    fs::write(&diff, "--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n").unwrap();
    fs::write(&policy, "out_of_distribution = \"allow\"\n[budget]\nnormal = 0.0\nsensitive = 0.0\n").unwrap();
    let service = serve(dir.path(), &["--policy", text(&policy)], &[]);
    let question = json!({"change": {"repo": "shop", "diff": fs::read_to_string(&diff).unwrap()}});
    let (status, answer) = service.post("/v1/score", &question.to_string());
    assert_eq!((status, &answer["decision"]), (200, &json!("fast_path")), "{answer}");
    let gate = |answer: &Value, status: &str, code, said: &[&str]| {
        let head = format!("{status}\r\ncontent-type: application/json\r\nlocation: /other");
        let (server, answering) = answering(vec![(head, answer.to_string())]);
        check(&["gate", "--name", "shop", "--diff", text(&diff), "--server", &server], code, said);
        answering.join().unwrap();
    };
    let with = |pointer: &str, value: Value| {
        let mut answer = answer.clone();
        *answer.pointer_mut(pointer).unwrap() = value;
        answer
    };
    gate(&answer, "200 OK", 0, &[]);
    gate(&answer, "202 Accepted", 3, &["202"]);
    gate(&answer, "302 Found", 3, &["302"]);
    gate(&with("/change/repo", json!("other")), "200 OK", 3, &["about another repository"]);
    gate(&with("/change/digest", json!("sha256:00")), "200 OK", 3, &["about another change"]);
    gate(&with("/expires_at", json!("2020-01-01T00:00:00Z")), "200 OK", 3, &["has expired"]);
    gate(&with("/decision_id", Value::Null), "200 OK", 3, &["has no record"]);
    gate(&with("/reasons", json!([])), "200 OK", 3, &["has no reason"]);
    // What is asked about one commit is not answered by a range that ends in it.
    let commit = "0123456789abcdef0123456789abcdef01234567";
    for (base, code) in [(Value::Null, 0), (json!("89abcdef0123456789abcdef0123456789abcdef"), 3)] {
        let of_commit = with(
            "/change",
            json!({"repo": "shop", "commit": commit, "base": base, "id": null, "digest": null}),
        );
        let head = "200 OK\r\ncontent-type: application/json".to_owned();
        let (server, answering) = answering(vec![(head, of_commit.to_string())]);
        let said: &[&str] = if code == 0 { &[] } else { &["about another change"] };
        check(&["gate", "--name", "shop", "--commit", commit, "--server", &server], code, said);
        answering.join().unwrap();
    }
}

#[test]
fn a_server_that_takes_the_question_and_says_nothing_gives_no_decision() {
    let dir = tempfile::tempdir().unwrap();
    let diff = dir.path().join("a.diff");
    fs::write(&diff, "--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n").unwrap();
    // The system accepts for a listener that never does.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let gate = ["gate", "--diff", text(&diff), "--server", &server, "--timeout-ms", "300"];
    let asked_at = std::time::Instant::now();
    check(&gate, 3, &[&server, "gave no decision", "timeout"]);
    assert!(asked_at.elapsed() < std::time::Duration::from_secs(8), "as long as it was told to wait");
    check(&[&gate[..], &["--advisory"]].concat(), 0, &["gave no decision"]);
    check(&["gate", "--diff", text(&diff), "--timeout-ms", "300"], 2, &["--server"]);
    check(&[&gate[..5], &["--timeout-ms", "0"]].concat(), 2, &["--timeout-ms"]);
}

#[test]
fn a_service_folds_into_its_user_s_cache_whatever_its_file_says_of_other_things() {
    let (script, _) = plain();
    let dir = tempfile::tempdir().unwrap();
    let config = |more: &str| {
        let path = script.path().display();
        let text =
            format!("{more}[server]\npoll_seconds = 60\n[[repository]]\nname = \"a\"\npath = \"{path}\"\n");
        fs::write(dir.path().join("diffrisk.toml"), text).unwrap();
    };
    let home = dir.path().join("home");
    fs::create_dir(&home).unwrap();
    config("");
    let folded = || fs::read_dir(home.join("diffrisk")).map_or(0, Iterator::count);
    let service = serve(
        dir.path(),
        &["--config", "diffrisk.toml"],
        &[("XDG_CACHE_HOME", &home), ("TMPDIR", dir.path())],
    );
    drop(service);
    assert_eq!((folded(), dir.path().join("diffrisk-cache").exists()), (1, false));

    // One that somebody else filled: named, it is refused; not named, it is passed over and left alone.
    let cache = dir.path().join("diffrisk.toml.d");
    fs::create_dir(&cache).unwrap();
    if std::os::unix::fs::chown(&cache, Some(12_345), None).is_err() {
        return;
    }
    let said = "it belongs to another user";
    config("cache = \"diffrisk.toml.d\"\n");
    let ends = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
        let args = ["serve", "--config", "diffrisk.toml", "--listen", "127.0.0.1:0", "--store", "memory"];
        let output = command.args(args).args(more).current_dir(dir.path()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).contains(said))
    };
    assert_eq!((ends(&[]), ends(&["--check-config"])), ((Some(4), true), (Some(4), true)));
    config("");
    std::os::unix::fs::chown(home.join("diffrisk"), Some(12_345), None).unwrap();
    let service = serve(dir.path(), &["--config", "diffrisk.toml"], &[("XDG_CACHE_HOME", &home)]);
    let heard = service.said.lock().unwrap().clone();
    assert!(heard.contains(said), "{heard}");
    assert_eq!(folded(), 1, "left alone");
}

#[test]
fn a_model_or_policy_that_is_asked_for_and_refused_is_named_with_its_cause() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("a.diff"), "--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n").unwrap();
    fs::write(path("empty.toml"), "").unwrap();
    for name in ["there", "sample/v1"] {
        fs::create_dir_all(path(name)).unwrap();
        fs::write(path(name).join("SHA256SUMS"), "nonsense").unwrap();
    }
    // Beside a registry's `default` file, no other name means it.
    fs::write(path("default"), "sample/v1\n").unwrap();
    let diff = path("a.diff");
    let no_such_file = "No such file or directory";
    for (flag, value, said) in [
        ("--model", "nope", &["nope/SHA256SUMS`", no_such_file][..]),
        ("--model", "there", &["there/model.json`", no_such_file]),
        ("--model", "default", &["sample/v1/model.json`", no_such_file]),
        ("--policy", "nope", &["nope`", no_such_file]),
        ("--policy", "empty.toml", &["policy key `budget`: the file says nothing"]),
    ] {
        let value = path(value);
        let args = ["--diff", text(&diff), flag, text(&value)];
        check(&[&["score"], &args[..]].concat(), 4, said);
        check(&[&["score", "--explain", "--json"], &args[..]].concat(), 4, said);
        let gate = diffrisk(&[&["gate", "--json"], &args[..]].concat());
        assert_eq!(gate.status.code(), Some(10), "in doubt, and never the fast path");
        assert_eq!(serde_json::from_slice::<Value>(&gate.stdout).unwrap()["degraded"], true);
    }
}

#[test]
fn a_file_without_a_row_is_no_incident_only_where_its_columns_are_those_of_incidents() {
    let header = "incident_id,started_at,known_at,repo,change_id,link_kind\n";
    assert!(parse_incidents_csv(header.as_bytes()).unwrap().is_empty());
    assert!(parse_incidents_jsonl(b"\n").unwrap().is_empty());
    // Cut to nothing by a full disk, it says nothing of incidents.
    let error = parse_incidents_jsonl(b"").unwrap_err().to_string();
    assert!(error.contains("the file has no byte"), "{error}");
    for (header, reason) in [
        ("", "line 1: the file has no byte"),
        ("id,title,owner\n", "line 1: unknown field `id`"),
        ("incident_id,title\n", "line 1: `repo` is missing"),
    ] {
        let error = parse_incidents_csv(header.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(reason), "{header}: {error}");
    }
}

#[test]
fn an_outcome_names_a_commit_or_a_digest_that_is_one() {
    let line = |name: &str, value: &str| {
        format!(
            r#"{{"repo":"config","{name}":"{value}","outcome":"incident","occurred_at":"2026-01-02T00:00:00Z"}}"#
        )
    };
    for (name, value, reason) in [
        ("commit", "zz", "line 1: `commit` is `zz`, expected 7 to 64 hex digits"),
        ("digest", "sha256:12", "line 1: `digest` is `sha256:12`"),
    ] {
        let error = parse_outcomes(line(name, value).as_bytes()).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert_eq!(parse_outcomes(line("commit", "ABCDEF1").as_bytes()).unwrap().len(), 1);
}

#[test]
fn lines_are_counted_alike_however_they_end() {
    let lines = [
        "incident_id,started_at,known_at,repo,change_id,link_kind",
        "I-1,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z,config,aaaaaaa,declared",
        "I-2,yesterday,2024-01-02T00:00:00Z,config,aaaaaaa,declared",
        "I-3,2024-01-01T00:00:00Z",
    ];
    for end in ["\n", "\r\n"] {
        let error = parse_incidents_csv((lines.join(end) + end).as_bytes()).unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("line 4") && !error.contains("line 2"), "{error}");
    }
}

#[test]
fn a_change_of_two_files_is_never_counted_twice() {
    let (script, _) = plain();
    let directory = tempfile::tempdir().unwrap();
    let [first, again, out] =
        ["first.parquet", "again.parquet", "out"].map(|name| directory.path().join(name));
    check(&["mine", "--repo", text(script.path()), "--out", text(&first)], 0, &[]);
    fs::copy(&first, &again).unwrap();
    let said = ["again.parquet", "is there twice", "2 more"];
    check(&["train", "--data", text(&first), text(&again), "--out", text(&out)], 4, &said);
    check(&["train", "--pooled", "--data", text(&first), text(&again), "--out", text(&out)], 4, &said);
}

/// A pipeline asks about the range that it has checked out.
#[test]
fn a_range_that_has_landed_is_read_as_of_its_landing_or_says_that_it_is_not() {
    let mut script = Script::new();
    let first = script.commit("first", &[("a", b"1\n")], &[]);
    let second = script.commit("second", &[("a", b"2\n")], &[first]);
    let third = script.commit("third", &[("a", b"3\n")], &[second]);
    script.set_main(third);
    let answer = |args: &[&str]| -> Value {
        let args = [&["score", "--repo", text(script.path()), "--unit", "commit", "--json"], args].concat();
        serde_json::from_slice(&diffrisk(&args).stdout).unwrap()
    };
    let alone = answer(&["--commit", &third.to_string()]);
    let of_one = answer(&["--range", &format!("{second}..{third}")]);
    assert_eq!((&of_one["risk"], &of_one["history"]["mode"]), (&alone["risk"], &json!("before_landing")));
    assert_eq!(of_one["parts"].as_array().map(Vec::len), Some(1));
    let is_warned =
        |answer: &Value| answer["warnings"].to_string().contains("the history holds commits of this range");
    assert!(!is_warned(&of_one), "{of_one}");
    let of_two = answer(&["--range", &format!("{first}..{third}")]);
    assert!(is_warned(&of_two) && of_two["history"]["mode"] == "present", "{of_two}");
    script.set_main(first);
    assert!(!is_warned(&answer(&["--range", &format!("{first}..{third}")])), "none of it has landed");
}

#[test]
fn a_diff_made_of_everything_as_text_is_the_change_that_its_commit_is() {
    let mut script = Script::new();
    let first = script.commit("first", &[("b.bin", b"k: 1\n\0\n"), ("a.yaml", b"a: 1\n")], &[]);
    let second = script.commit("second", &[("b.bin", b"k: 2\n\0\n"), ("a.yaml", b"a: 2\n")], &[first]);
    script.set_main(second);
    let mut git = Command::new("git");
    git.arg("-C").arg(script.path()).args(["diff", "--text", "--full-index"]);
    let made = git.args([first.to_string(), second.to_string()]).output().unwrap();
    let diff = script.path().join("made.diff");
    fs::write(&diff, made.stdout).unwrap();
    let answer = |args: &[&str]| -> Value {
        let args = [&["score", "--repo", text(script.path()), "--unit", "commit", "--json"], args].concat();
        serde_json::from_slice(&diffrisk(&args).stdout).unwrap()
    };
    let gate = ["gate", "--repo", text(script.path()), "--unit", "commit", "--commit", "HEAD", "--explain"];
    let explained = diffrisk(&gate).stdout;
    assert!(String::from_utf8_lossy(&explained).contains("Why policy says so"));
    let [commit, posted] = [answer(&["--commit", &second.to_string()]), answer(&["--diff", text(&diff)])];
    assert_eq!(posted["change"]["digest"], commit["change"]["digest"]);
    let hazards = |answer: &Value| answer["reasons"].to_string().contains("unread");
    assert_eq!(hazards(&posted), hazards(&commit));
}

#[test]
fn what_is_read_is_never_written_over() {
    let (script, _) = plain();
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    fs::write(&key, "0123456789abcdef").unwrap();
    let mine = ["mine", "--repo", text(script.path()), "--author-key", text(&key), "--out", text(&key)];
    check(&mine, 2, &["--out", "would replace what is read"]);
    assert_eq!(fs::read(&key).unwrap(), b"0123456789abcdef");
    let gate = ["gate", "--repo", text(script.path()), "--commit", "HEAD", "--author", "Ann"];
    check(&gate, 2, &["--author", "--commit"]);
}

#[test]
fn a_commit_inside_of_other_changes_is_in_doubt() {
    let mut script = Script::new();
    let files = |a: &'static [u8], b: &'static [u8]| [("a", a), ("b", b)];
    let first = script.commit("first", &files(b"1\n", b"1\n"), &[]);
    let second = script.commit("second", &files(b"2\n", b"1\n"), &[first]);
    let branch = script.commit("branch", &files(b"2\n", b"2\n"), &[second]);
    let third = script.commit("third", &files(b"3\n", b"1\n"), &[second]);
    let merge = script.commit("Merge branch", &files(b"3\n", b"2\n"), &[third, branch]);
    let fourth = script.commit("fourth", &files(b"4\n", b"2\n"), &[merge]);
    let proposed = script.commit("Merge of a proposal", &files(b"4\n", b"3\n"), &[fourth, branch]);
    script.set_main(fourth);
    let doubt_and_warning = |unit: &str, commit: Oid| {
        let (repo, commit) = (text(script.path()), commit.to_string());
        let output = diffrisk(&["score", "--repo", repo, "--unit", unit, "--commit", &commit, "--json"]);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let is_warned = answer["warnings"].to_string().contains("inside of other changes");
        (answer["reasons"].to_string().contains("unknown_unit"), is_warned)
    };
    for (unit, commit, expected) in [
        ("commit", merge, (true, true)),
        ("commit", branch, (false, false)),
        ("commit", proposed, (false, false)),
        ("landing", branch, (false, true)),
        ("landing", merge, (false, false)),
        ("landing", third, (false, false)),
    ] {
        assert_eq!(doubt_and_warning(unit, commit), expected, "{unit} {commit}");
    }
    // The newest commit of a history is one of it, also where it is no change.
    script.set_main(merge);
    assert_eq!(doubt_and_warning("commit", merge), (true, true));
    script.set_main(fourth);
    let range = format!("{third}..{merge}");
    let args = ["score", "--repo", text(script.path()), "--unit", "commit", "--range", &range, "--json"];
    assert!(
        !String::from_utf8_lossy(&diffrisk(&args).stdout).contains("unknown_unit"),
        "its commits are asked about"
    );
}

#[test]
fn rows_of_another_version_teach_nothing_and_are_named() {
    let (script, _) = plain();
    let directory = tempfile::tempdir().unwrap();
    let [mined, older, out] =
        ["mined.parquet", "older.parquet", "out"].map(|name| directory.path().join(name));
    check(&["mine", "--repo", text(script.path()), "--out", text(&mined)], 0, &[]);
    let (rows, metadata) = Rows::read_parquet(&mined).unwrap();
    let revisions: Vec<(&str, u32)> =
        rows.features().iter().map(|feature| (feature.name.as_str(), feature.revision)).collect();
    let (name, revision) = revisions[0];
    let mut builder = RowsBuilder::new(
        revisions.iter().map(|&(other, here)| (other, if other == name { here + 1 } else { here })),
    );
    for (idx, row) in rows.facts().iter().enumerate() {
        builder.push(row.clone(), rows.tokens(idx), &rows.vector(idx)).unwrap();
    }
    builder.finish().write_parquet(&older, &metadata).unwrap();
    let said = format!("`{name}` is of revision {} there and of revision {revision} here", revision + 1);
    let said = [text(&older), &said, "mine these rows again"];
    for more in [&["--prior", "none"][..], &[], &["--pooled"]] {
        check(&[&["train", "--data", text(&older), "--out", text(&out)], more].concat(), 4, &said);
    }
    let few = with_reverts(7);
    check(&["backtest", "--repo", text(few.path()), "--with", text(&older)], 4, &said);
    assert!(!out.exists());
}

#[test]
fn a_cache_is_its_owners_alone_whatever_the_umask() {
    let (script, _) = plain();
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("above/cache");
    for _ in 0..2 {
        let run = format!(
            "umask 000; {} score --repo {} --commit HEAD --cache {}",
            env!("CARGO_BIN_EXE_diffrisk"),
            text(script.path()),
            text(&cache)
        );
        let output = Command::new("sh").args(["-c", &run]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for made in [&cache, &directory.path().join("above")] {
            assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }
}

#[test]
fn another_path_for_a_repository_leaves_the_rest_of_its_table_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let script = Script::new();
    let table = "[[repository]]\nname = \"a\"\npath = \"elsewhere\"\nincidents = \"none.csv\"\n";
    std::fs::write(dir.path().join("diffrisk.toml"), table).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
    command.args(["serve", "--config", "diffrisk.toml", "--check-config", "--repo"]);
    let output =
        command.arg(format!("a={}", script.path().display())).current_dir(dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(4) && said.contains("none.csv") && !said.contains("elsewhere"),
        "{said}"
    );
}

#[test]
fn a_percentage_beyond_all_numbers_is_kept_as_the_largest_there_is() {
    let mut script = Script::new();
    let first = script.commit("first", &[("prod.yaml", b"rollout: 5%\n")], &[]);
    let second = script.commit("second", &[("prod.yaml", b"rollout: 1e300%\n")], &[first]);
    script.set_main(second);
    let out = script.path().join("rows.parquet");
    let mined = diffrisk(&["mine", "--repo", text(script.path()), "--out", text(&out)]);
    assert!(mined.status.success(), "{mined:?}");
    let (rows, _) = Rows::read_parquet(&out).unwrap();
    let step =
        diffrisk::features::schema().names().iter().position(|name| name == "key_percent_step").unwrap();
    assert_eq!(rows.vector(1)[step], f32::MAX);
}

#[test]
fn what_is_wrong_with_a_question_is_told_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("change.diff");
    fs::write(&path, "--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n").unwrap();
    for (flag, place) in
        [("--name=", "($.change.repo)"), ("--context=environment=", "($.context.environment)")]
    {
        check(&["gate", "--diff", text(&path), flag], 4, &["invalid_value: expected 1 to 200 bytes", place]);
    }
    check(
        &["mine", "--repo", ".", "--out", "none/rows.parquet"],
        4,
        &["`--out none/rows.parquet` cannot be written"],
    );
    let below_a_file = format!("{}/model", text(&path));
    check(
        &["train", "--data", "none.parquet", "--out", &below_a_file],
        4,
        &["change.diff/model` cannot be written"],
    );
    check(
        &["train", "--data", "rows.parquet", "--out", "model", "--pooled", "--prior", "none"],
        2,
        &["--prior"],
    );
}
