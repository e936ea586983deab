//! What may have broken something: asked of a running service, on its page and on the command line.

use std::process::Command;

use diffrisk::change::ChangeId;
use diffrisk::git::Unit;
use git2::Oid;
use serde_json::{Value, json};

use crate::git_script::Script;
use crate::process::{Running, serve};

const START: i64 = 1_600_000_000;
const HOUR: i64 = 3_600;

/// A repository in which the third commit reverts the second, an hour after the one before each.
struct Shop {
    script: Script,
    commits: [Oid; 4],
}

fn shop() -> Shop {
    let mut script = Script::new();
    let (a1, a2, b1, b2): (&[u8], &[u8], &[u8], &[u8]) =
        (b"limit: 1\n", b"limit: 200\n", b"b: 1\n", b"b: 2\n");
    let first = script.commit("limit: start", &[("a/limit.yaml", a1), ("b/b.yaml", b1)], &[]);
    let bad = script.commit("limit: raise to 200", &[("a/limit.yaml", a2), ("b/b.yaml", b1)], &[first]);
    let other = script.commit("b: set to 2", &[("a/limit.yaml", a2), ("b/b.yaml", b2)], &[bad]);
    let message = format!("Revert \"limit: raise to 200\"\n\nThis reverts commit {bad}.");
    let revert = script.commit(&message, &[("a/limit.yaml", a1), ("b/b.yaml", b2)], &[other]);
    script.set_main(revert);
    Shop { script, commits: [first, bad, other, revert] }
}

fn suspects(service: &Running, query: &str) -> Value {
    let (status, body) = service.get(&format!("/v1/suspects?repo=shop&{query}"));
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn commits(answer: &Value) -> Vec<&str> {
    answer["suspects"].as_array().unwrap().iter().map(|suspect| suspect["commit"].as_str().unwrap()).collect()
}

#[test]
fn a_service_ranks_what_stood_when_it_broke_and_says_what_was_decided() {
    let dir = tempfile::tempdir().unwrap();
    let Shop { script, commits: [first, bad, other, revert] } = shop();
    let [first, bad, other, revert] = [first, bad, other, revert].map(|commit| commit.to_string());
    let (followed, cache) = (format!("shop={}", script.path().display()), dir.path().join("cache"));
    let service = serve(dir.path(), &["--repo", &followed, "--cache", cache.to_str().unwrap()], &[]);
    let question = json!({ "change": { "repo": "shop", "commit": bad } }).to_string();
    let decided = service.post("/v1/score", &question).1;

    let before = suspects(&service, &format!("at={}", START + 2 * HOUR + 60));
    assert_eq!((before["n_landed"].as_i64(), before["n_undone"].as_i64()), (Some(3), Some(0)), "{before}");
    let mut found = commits(&before);
    assert_eq!(found[0], other, "the newest of changes that are alike: {before}");
    found.sort_unstable();
    let mut expected = [first.as_str(), &bad, &other];
    expected.sort_unstable();
    assert_eq!(found, expected);
    let shares: Vec<f64> =
        before["suspects"].as_array().unwrap().iter().map(|it| it["share"].as_f64().unwrap()).collect();
    assert!(shares.is_sorted_by(|a, b| a >= b) && (shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);

    let within = suspects(&service, &format!("at={}&path=a&hours=1", START + 2 * HOUR));
    assert_eq!((commits(&within), within["n_elsewhere"].as_i64()), (vec![bad.as_str()], Some(1)), "{within}");
    let suspect = &within["suspects"][0];
    assert_eq!(suspect["title"], "limit: raise to 200");
    assert_eq!((&suspect["paths"], &suspect["share"]), (&json!(["a/limit.yaml"]), &json!(1.0)));
    assert_eq!(suspect["known_bad"]["outcome"], "reverted", "told, though it has no say in the order");
    assert_eq!(suspect["decisions"][0]["decision_id"], decided["decision_id"]);
    assert!(suspect["risk"]["percentile"].is_number() && suspect["why"].is_string(), "{suspect}");

    let after = suspects(&service, &format!("at={}&limit=1", START + 4 * HOUR));
    assert_eq!((commits(&after), after["n_undone"].as_i64()), (vec![revert.as_str()], Some(1)), "{after}");
    assert_eq!(after["others"]["n"], 2);

    assert_eq!(service.get("/v1/suspects?repo=nobody").0, 404);
    assert_eq!(service.get("/v1/suspects?repo=shop&at=soon").0, 400);
    assert!(commits(&suspects(&service, "")).is_empty(), "nothing landed within 14 days");

    let page = service.get("/suspects").1;
    assert!(page.contains("When something broke") && page.contains("<option value=\"shop\""), "{page}");
    let page = service.get("/suspects?repo=shop&at=2020-09-13T14%3A30&path=a&hours=336").1;
    assert!(page.contains("limit: raise to 200") && page.contains("reverted Sun 13 Sep 2020"), "{page}");
    let link = format!("/decisions/{}", decided["decision_id"].as_str().unwrap());
    assert!(page.contains(&link), "{page}");
    assert!(service.get("/suspects?repo=nobody").1.contains("<h1"), "a problem is a page as well");
}

#[test]
fn what_happened_to_an_earlier_landing_of_a_diff_is_not_said_of_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let Shop { mut script, commits: [_, bad, _, revert] } = shop();
    let files: [(&str, &[u8]); 2] = [("a/limit.yaml", b"limit: 200\n"), ("b/b.yaml", b"b: 2\n")];
    let again = script.commit("limit: raise to 200 once more", &files, &[revert]);
    script.set_main(again);
    let (followed, cache) = (format!("shop={}", script.path().display()), dir.path().join("cache"));
    let service = serve(dir.path(), &["--repo", &followed, "--cache", cache.to_str().unwrap()], &[]);
    let known_bad = |at: i64, commit: Oid| {
        let answer = suspects(&service, &format!("at={at}"));
        let suspects = answer["suspects"].as_array().unwrap().clone();
        let meant = suspects.into_iter().find(|suspect| suspect["commit"] == commit.to_string());
        meant.unwrap()["known_bad"].clone()
    };
    assert_eq!(known_bad(START + 2 * HOUR, bad)["outcome"], "reverted");
    assert_eq!(known_bad(START + 5 * HOUR, again), Value::Null);
    let report_on = |commit: Oid, outcome: &str| {
        let report = json!({ "repo": "shop", "commit": commit.to_string(), "outcome": outcome, "occurred_at": "2020-09-13T17:00:00Z" });
        assert_eq!(service.post("/v1/outcomes", &report.to_string()).0, 201);
    };
    // What is said of a commit is said of its diff wherever that is proposed, but of no other commit with the same diff.
    report_on(bad, "incident");
    assert_eq!(known_bad(START + 5 * HOUR, again), Value::Null);
    report_on(bad, "retracted");
    // Of a diff that landed twice, a report is about the landing that was there.
    let digest = diffrisk::change::digest(
        &script.open().change(&ChangeId(again.to_string()), Unit::Commit).unwrap().record,
    );
    let report = json!({ "repo": "shop", "digest": digest.to_string(), "outcome": "incident", "occurred_at": "2020-09-13T14:00:00Z" });
    assert_eq!(service.post("/v1/outcomes", &report.to_string()).0, 201);
    assert_eq!(known_bad(START + 2 * HOUR, bad)["outcome"], "incident");
    assert_eq!(known_bad(START + 5 * HOUR, again), Value::Null);
}

/// What a canary caught may have landed all the same.
#[test]
fn a_change_that_was_caught_is_suspected_and_one_that_was_reverted_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let Shop { script, commits: [_, _, other, _] } = shop();
    let (followed, cache) = (format!("shop={}", script.path().display()), dir.path().join("cache"));
    let service = serve(dir.path(), &["--repo", &followed, "--cache", cache.to_str().unwrap()], &[]);
    let report = |outcome: &str, occurred_at: i64| {
        let report = json!({
            "repo": "shop", "commit": other.to_string(), "outcome": outcome, "occurred_at": jiff::Timestamp::from_second(occurred_at).unwrap().to_string(),
        });
        assert_eq!(service.post("/v1/outcomes", &report.to_string()).0, 201);
    };
    let found = || suspects(&service, &format!("at={}", START + 3 * HOUR - 60));
    let known_bad = |answer: &Value| {
        let meant =
            answer["suspects"].as_array().unwrap().iter().find(|it| it["commit"] == other.to_string());
        meant.map(|suspect| suspect["known_bad"]["outcome"].clone())
    };
    report("caught", START + HOUR);
    assert_eq!(known_bad(&found()), Some(json!("caught")));
    report("reverted", START + 2 * HOUR + 60);
    assert_eq!(known_bad(&found()), None, "it was not there any more");
}

#[test]
fn what_was_taken_back_is_not_suspected_be_it_a_revert_itself() {
    let dir = tempfile::tempdir().unwrap();
    let Shop { mut script, commits: [.., revert] } = shop();
    let files: [(&str, &[u8]); 2] = [("a/limit.yaml", b"limit: 200\n"), ("b/b.yaml", b"b: 2\n")];
    let message = format!("Reapply \"limit: raise to 200\"\n\nThis reverts commit {revert}.");
    let again = script.commit(&message, &files, &[revert]);
    let files: [(&str, &[u8]); 2] = [("a/limit.yaml", b"limit: 1\n"), ("b/b.yaml", b"b: 2\n")];
    let message = format!("Revert \"Reapply: limit\"\n\nThis reverts commit {again}.");
    let last = script.commit(&message, &files, &[again]);
    script.set_main(last);
    let (followed, cache) = (format!("shop={}", script.path().display()), dir.path().join("cache"));
    let service = serve(dir.path(), &["--repo", &followed, "--cache", cache.to_str().unwrap()], &[]);
    let found = suspects(&service, &format!("at={}", START + 6 * HOUR));
    assert_eq!(found["n_undone"], 3, "{found}");
    let found = commits(&found).into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert!(!found.contains(&again.to_string()) && !found.contains(&revert.to_string()), "{found:?}");
    assert!(found.contains(&last.to_string()), "{found:?}");
}

/// A history is not set back: behind a commit whose clock was ahead, all land in its moment.
#[test]
fn changes_behind_a_clock_that_was_ahead_are_found_by_their_own_dates() {
    let dir = tempfile::tempdir().unwrap();
    let Shop { mut script, commits: [.., revert] } = shop();
    let files: [(&str, &[u8]); 2] = [("a/limit.yaml", b"limit: 1\n"), ("b/b.yaml", b"b: 3\n")];
    let ahead = script.commit_at(500, "b: set to 3", &files, &[revert]);
    let files: [(&str, &[u8]); 2] = [("a/limit.yaml", b"limit: 0\n"), ("b/b.yaml", b"b: 3\n")];
    let cause = script.commit_at(4, "limit: none", &files, &[ahead]);
    script.set_main(cause);
    let (followed, cache) = (format!("shop={}", script.path().display()), dir.path().join("cache"));
    let service = serve(dir.path(), &["--repo", &followed, "--cache", cache.to_str().unwrap()], &[]);
    let found = suspects(&service, &format!("at={}&hours=1", START + 4 * HOUR + 60));
    assert_eq!(commits(&found), [cause.to_string()], "{found}");
}

#[test]
fn whoever_found_the_cause_says_so_on_the_page() {
    let dir = tempfile::tempdir().unwrap();
    let Shop { script, commits: [first, ..] } = shop();
    let (followed, cache) = (format!("shop={}", script.path().display()), dir.path().join("cache"));
    let service = serve(dir.path(), &["--repo", &followed, "--cache", cache.to_str().unwrap()], &[]);
    let question = json!({ "change": { "repo": "shop", "commit": first.to_string() } }).to_string();
    let decided = service.post("/v1/score", &question).1;
    let (at, commit) = ("2020-09-13T14:30:00Z", first.to_string());
    let asked = [("repo", "shop"), ("at", at), ("hours", "24"), ("path", "a b/"), ("commit", &commit)];
    let press = |outcome: &str| {
        let pressed = [("outcome", outcome), ("incident_id", "INC-7")];
        service.press("/suspects/outcome", &[&asked[..], &pressed].concat())
    };

    let page = service.get("/suspects?repo=shop&at=2020-09-13T14%3A30&hours=24").1;
    assert!(page.contains("This change broke it") && !page.contains("Withdraw"), "{page}");
    let (status, page) = press("incident");
    assert!(
        status == 200 && page.contains("Recorded.") && page.contains("value=\"a b/\""),
        "{status} {page}"
    );
    let known_bad = || {
        let answer = suspects(&service, &format!("at={at}&hours=24"));
        let all = answer["suspects"].as_array().unwrap().clone();
        all.into_iter().find(|suspect| suspect["commit"] == commit).unwrap()["known_bad"].clone()
    };
    assert_eq!(known_bad(), json!({ "outcome": "incident", "occurred_at": at }));
    let path = format!("/v1/decisions/{}", decided["decision_id"].as_str().unwrap());
    let stored: Value = serde_json::from_str(&service.get(&path).1).unwrap();
    let outcome = &stored["outcomes"][0];
    assert_eq!((&outcome["incident_id"], &outcome["source"]), (&json!("INC-7"), &json!("page")), "{stored}");

    let page = service.get("/suspects?repo=shop&at=2020-09-13T14%3A30&hours=24").1;
    assert!(page.contains("Withdraw what was reported of it"), "{page}");
    assert_eq!(press("harmless").0, 422, "the form has no such button");
    assert_eq!(press("retracted").0, 200);
    assert_eq!(known_bad(), Value::Null);
}

#[test]
fn the_command_asks_a_service_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let Shop { script, commits: [_, bad, ..] } = shop();
    let (followed, cache) = (format!("shop={}", script.path().display()), dir.path().join("cache"));
    let service = serve(dir.path(), &["--repo", &followed, "--cache", cache.to_str().unwrap()], &[]);
    let question = json!({ "change": { "repo": "shop", "commit": bad.to_string() } }).to_string();
    let decided = service.post("/v1/score", &question).1;
    let server = format!("http://{}/", service.address);
    let run = |args: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_diffrisk")).arg("suspects").args(args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let asked = ["--server", &server, "--name", "shop", "--at", "2020-09-13T14:00:00Z", "--path", "a"];
    let (code, table, said) = run(&asked);
    assert_eq!(code, Some(0), "{said}");
    assert!(table.starts_with("2 changes landed in `shop` from 2020-08-30T14:00:00Z"), "{table}");
    let id = decided["decision_id"].as_str().unwrap();
    let link = format!("decided `{}`, {server}decisions/{id}", decided["decision"].as_str().unwrap());
    assert!(table.replace("\n ", "").contains(&link), "{link} {table}");

    let (_, document, _) = run(&[&asked[..], &["--json"]].concat());
    let mut document: Value = serde_json::from_str(&document).unwrap();
    let mut asked_at_once = suspects(&service, "at=2020-09-13T14:00:00Z&path=a");
    // Between the two the clock may go on.
    for answer in [&mut document, &mut asked_at_once] {
        answer["history"]["lag_seconds"].take();
    }
    assert_eq!(document, asked_at_once);

    // The same decision, read from its log by a person.
    let log = format!("sqlite://{}", dir.path().join("log.db").display());
    let reported = json!({ "decision_id": id, "outcome": "incident", "occurred_at": "2020-09-13T14:00:00Z", "incident_id": "INC-7" });
    assert_eq!(service.post("/v1/outcomes", &reported.to_string()).0, 201);
    let shown = Command::new(env!("CARGO_BIN_EXE_diffrisk"))
        .args(["decisions", "show", id, "--store", &log])
        .output();
    let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
    assert!(
        shown.starts_with(&format!("decision {id} of ")) && shown.contains("Why policy says so"),
        "{shown}"
    );
    assert!(shown.contains(" outcome: ") && shown.contains("incident_id INC-7"), "{shown}");
    assert!(!shown.contains('{') && shown.lines().all(|line| line.chars().count() <= 100), "{shown}");

    let (code, _, said) = run(&["--server", &server, "--name", "nobody"]);
    assert!(code == Some(4) && said.contains("cannot look for suspects: not_found"), "{said}");
    let (code, _, said) = run(&["--server", "http://127.0.0.1:1", "--name", "shop"]);
    assert!(code == Some(1) && said.contains("`http://127.0.0.1:1` named no suspects"), "{said}");
    let (code, _, said) = run(&["--server", &server, "--name", "shop", "--model", "x"]);
    assert!(code == Some(2) && said.contains("cannot be used with"), "{said}");
    assert_eq!(run(&["--name", "shop"]).0, Some(2), "nobody is asked");
}

#[test]
fn an_answer_tells_the_history_of_the_repository_that_was_asked_about() {
    let dir = tempfile::tempdir().unwrap();
    let (Shop { script, commits }, mut other) = (shop(), Script::new());
    let begun = other.commit("a: set to 1", &[("a.yaml", b"a: 1\n")], &[]);
    other.set_main(begun);
    let repos = [format!("shop={}", script.path().display()), format!("alpha={}", other.path().display())];
    let cache = dir.path().join("cache");
    let args = ["--repo", &repos[0], "--repo", &repos[1], "--cache", cache.to_str().unwrap()];
    let service = serve(dir.path(), &args, &[]);
    let answer = suspects(&service, &format!("at={}&limit=100", START + 4 * HOUR));
    assert_eq!(answer["history"]["head"], commits[3].to_string(), "{answer}");
    let n_suspects = answer["suspects"].as_array().map(Vec::len);
    assert_eq!((n_suspects, &answer["others"]["n"]), (Some(3), &json!(0)), "{answer}");
}

#[test]
fn a_service_that_follows_nothing_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path(), &[], &[]);
    assert!(service.get("/suspects").1.contains("No repository is followed"));
    assert_eq!(service.get("/v1/suspects?repo=shop").0, 404);
}

#[test]
fn the_command_prints_a_table_or_a_document() {
    let dir = tempfile::tempdir().unwrap();
    let Shop { script, commits: [_, bad, ..] } = shop();
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
        command.args(["suspects", "--repo", script.path().to_str().unwrap(), "--name", "shop"]);
        let output = command.arg("--cache").arg(dir.path().join("cache")).args(more).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, table, _) = run(&["--at", "2020-09-13T14:00:00Z", "--path", "a/limit.yaml"]);
    assert_eq!(code, Some(0));
    assert!(
        table.starts_with("2 changes landed in `shop` from 2020-08-30T14:00:00Z to 2020-09-13T14:00:00Z")
    );
    let row = table.lines().find(|line| line.contains(&bad.to_string()[..12])).unwrap();
    assert!(row.contains("[reverted 2020-09-13] limit: raise to 200") && row.contains("33 minutes before"));
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");

    let (_, document, _) = run(&["--at", "2020-09-13T14:00:00Z", "--limit", "1", "--json"]);
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(
        (document["suspects"].as_array().map(Vec::len), &document["others"]["n"]),
        (Some(1), &json!(1))
    );

    let (code, table, _) = run(&["--at", "2020-09-13T14:00:00Z", "--path", "nowhere"]);
    assert_eq!(code, Some(0));
    assert!(table.contains("2 elsewhere") && table.contains("no change is left to suspect"), "{table}");
    let (code, _, said) = run(&["--at", "2999-01-01T00:00:00Z"]);
    assert!(code == Some(2) && said.contains("`--at` lies in the future"), "{said}");
    let (code, _, said) = run(&["--hours", "337"]);
    assert!(code == Some(2) && said.contains("337"), "{said}");
}
