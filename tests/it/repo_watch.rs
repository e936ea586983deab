//! The repositories that a running service follows: commits are folded without anybody's call.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use git2::Oid;
use serde_json::{Value, json};

use crate::git_script::Script;
use crate::process::{Running, serve};

const DIFF: &str = "--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n";

fn answer(service: &Running) -> Value {
    service.post("/v1/score", &json!({ "change": { "repo": "shop", "diff": DIFF } }).to_string()).1
}

/// Waits until answers are given from a history that ends with a commit, at most a minute.
fn until_known(service: &Running, commit: Oid) -> Value {
    let started = Instant::now();
    loop {
        let answer = answer(service);
        if answer["history"]["head"] == commit.to_string() {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{commit} is not known: {answer}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn commits_that_land_or_are_rewritten_are_folded_without_being_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut script = Script::new();
    let first = script.commit("a: set to 1", &[("a.yaml", b"a: 1\n")], &[]);
    script.set_main(first);
    let (followed, cache) = (format!("shop={}", script.path().display()), dir.path().join("cache"));
    let args = ["--repo", &followed, "--cache", cache.to_str().unwrap(), "--poll-seconds", "1"];
    let service = serve(dir.path(), &args, &[]);
    assert_eq!(answer(&service)["history"]["head"], first.to_string());

    let second = script.commit("a: set to 2", &[("a.yaml", b"a: 2\n")], &[first]);
    let third = script.commit("a: set to 3", &[("a.yaml", b"a: 3\n")], &[second]);
    script.set_main(third);
    let landed = until_known(&service, third);
    assert!(landed["history"]["lag_seconds"].as_i64() <= Some(60), "{landed}");

    // A branch that was moved back and went another way is folded again, not on top of what is gone.
    let other = script.commit("a: set to 4", &[("a.yaml", b"a: 4\n")], &[second]);
    script.set_main(other);
    until_known(&service, other);
    let mode_of = |commit: Oid| {
        let question = json!({ "change": { "repo": "shop", "commit": commit.to_string() } });
        service.post("/v1/score", &question.to_string()).1["history"]["mode"].clone()
    };
    assert_eq!(mode_of(second), "before_landing", "a commit that is still there");
    assert_eq!(mode_of(third), "present", "one that no branch holds any more has not landed");
}

#[test]
fn what_was_reported_stands_when_the_history_is_rewritten() {
    let dir = tempfile::tempdir().unwrap();
    let mut script = Script::new();
    let first = script.commit("a: set to 1", &[("a.yaml", b"a: 1\n")], &[]);
    let second = script.commit("a: set to 2", &[("a.yaml", b"a: 2\n")], &[first]);
    script.set_main(second);
    let (followed, cache) = (format!("shop={}", script.path().display()), dir.path().join("cache"));
    let args = ["--repo", &followed, "--cache", cache.to_str().unwrap(), "--poll-seconds", "1"];
    let service = serve(dir.path(), &args, &[]);
    let codes = |answer: &Value| {
        let reasons = answer["reasons"].as_array().unwrap().iter();
        reasons.map(|reason| reason["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let decision = until_known(&service, second);
    assert!(!codes(&decision).contains(&"known_bad".to_owned()), "{decision}");
    let outcome = json!({
        "decision_id": decision["decision_id"],
        "outcome": "incident",
        "occurred_at": "2020-09-14T00:00:00Z",
    });
    assert_eq!(service.post("/v1/outcomes", &outcome.to_string()).0, 201);
    assert!(codes(&answer(&service)).contains(&"known_bad".to_owned()));

    let reworded = script.commit("a: set to 2, reworded", &[("a.yaml", b"a: 2\n")], &[first]);
    script.set_main(reworded);
    let after = until_known(&service, reworded);
    assert!(codes(&after).contains(&"known_bad".to_owned()), "{after}");
    let question = json!({ "change": { "repo": "shop", "commit": reworded.to_string() } });
    let of_commit = service.post("/v1/score", &question.to_string()).1;
    assert!(codes(&of_commit).contains(&"known_bad".to_owned()), "{of_commit}");
}

#[test]
fn owners_are_those_of_the_file_as_it_landed_last() {
    let dir = tempfile::tempdir().unwrap();
    let mut script = Script::new();
    let files = |owners: &'static [u8]| [("a.yaml", b"a: 1\n" as &[u8]), ("CODEOWNERS", owners)];
    let first = script.commit("a: owned by one", &files(b"a.yaml @one\n"), &[]);
    script.set_main(first);
    let policy = dir.path().join("policy.toml");
    let rule =
        "[[rule]]\nname = \"of two\"\nwhen = 'change.owners.exists(o, o == \"@two\")'\nthen = \"hold\"\n";
    std::fs::write(&policy, rule).unwrap();
    let (followed, cache) = (format!("shop={}", script.path().display()), dir.path().join("cache"));
    let args = ["--repo", &followed, "--owners", "shop=CODEOWNERS", "--cache", cache.to_str().unwrap()];
    let policed = ["--policy", policy.to_str().unwrap(), "--poll-seconds", "1"];
    let service = serve(dir.path(), &[&args[..], &policed].concat(), &[]);
    let before = answer(&service);
    assert_ne!(before["decision"], "hold", "{before}");

    let second = script.commit("a: owned by two", &files(b"a.yaml @two\n"), &[first]);
    script.set_main(second);
    let landed = until_known(&service, second);
    assert_eq!((&landed["decision"], &landed["warnings"]), (&json!("hold"), &Value::Null), "{landed}");

    let third = script.commit("a: owned by nobody knows", &files(b"a[.yaml @three\n"), &[second]);
    script.set_main(third);
    let refused = until_known(&service, third);
    assert_eq!(refused["decision"], "hold", "the last good owners stay: {refused}");
    assert_eq!(refused["warnings"], json!(["owners are those of an earlier version of their file"]));
}

#[test]
fn incidents_are_those_of_the_file_as_it_was_last_good() {
    let dir = tempfile::tempdir().unwrap();
    let mut script = Script::new();
    let first = script.commit("a: set to 1", &[("a.yaml", b"a: 1\n")], &[]);
    let second = script.commit("a: set to 2", &[("a.yaml", b"a: 2\n")], &[first]);
    script.set_main(second);
    let incidents = dir.path().join("incidents.csv");
    let put = |lines: &str| {
        let new = dir.path().join("incidents.new");
        std::fs::write(&new, format!("incident_id,started_at,known_at,repo,change_id,link_kind\n{lines}"))
            .unwrap();
        std::fs::rename(&new, &incidents).unwrap();
    };
    put("");
    let (followed, cache) = (format!("shop={}", script.path().display()), dir.path().join("cache"));
    let linked = format!("shop={}", incidents.display());
    let args = ["--repo", &followed, "--incidents", &linked, "--cache", cache.to_str().unwrap()];
    let service = serve(dir.path(), &[&args[..], &["--poll-seconds", "1"]].concat(), &[]);
    let is_known_bad = |answer: &Value| {
        answer["reasons"].as_array().unwrap().iter().any(|reason| reason["code"] == "known_bad")
    };
    // A question that was asked before has the answer that it had.
    let anew = || {
        let change = json!({ "repo": "shop", "diff": DIFF, "message": format!("{:?}", Instant::now()) });
        service.post("/v1/score", &json!({ "change": change }).to_string()).1
    };
    let until = |what: &str, holds: &dyn Fn(&Value) -> bool| {
        let started = Instant::now();
        loop {
            let answer = anew();
            if holds(&answer) {
                return answer;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{what}: {answer}");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let before = answer(&service);
    assert!(!is_known_bad(&before), "{before}");
    let under_key = || {
        let question = json!({ "change": { "repo": "shop", "commit": second.to_string() } });
        service.post_with("/v1/score", &question.to_string(), &[("idempotency-key", "k")]).1
    };
    let keyed = under_key();
    assert!(!is_known_bad(&keyed), "{keyed}");
    assert_eq!(under_key()["decision_id"], keyed["decision_id"]);

    let link = format!("I-1,2020-09-14T00:00:00Z,2020-09-14T01:00:00Z,shop,{second},declared\n");
    put(&link);
    until("the link is known", &is_known_bad);
    let after = answer(&service);
    assert!(is_known_bad(&after), "the same question, of another history: {after}");
    let keyed_after = under_key();
    assert!(is_known_bad(&keyed_after), "its key no longer answers as before: {keyed_after}");
    assert_ne!(keyed_after["decision_id"], keyed["decision_id"]);
    assert_eq!(under_key()["decision_id"], keyed_after["decision_id"], "and answers so from then on");
    assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 1, "the history is kept once");

    put("I-2,yesterday,,shop,,\n");
    let refused = until("the file is not understood", &|answer| !answer["warnings"].is_null());
    assert!(is_known_bad(&refused), "the last good incidents stay: {refused}");
    assert!(
        refused["warnings"][0].as_str().unwrap().contains("an earlier version of their file"),
        "{refused}"
    );

    put("");
    until("the link is gone", &|answer| !is_known_bad(answer) && answer["warnings"].is_null());
}

#[test]
fn a_repository_that_is_away_at_the_start_is_followed_once_it_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut script = Script::new();
    let here = script.commit("a: set to 1", &[("a.yaml", b"a: 1\n")], &[]);
    script.set_main(here);
    let mut late = Script::new();
    let place = dir.path().join("late.git");
    let repos = [format!("shop={}", script.path().display()), format!("late={}", place.display())];
    let cache = dir.path().join("cache");
    let args =
        ["--repo", &repos[0], "--repo", &repos[1], "--cache", cache.to_str().unwrap(), "--poll-seconds", "1"];
    let service = serve(dir.path(), &args, &[]);
    assert_eq!(answer(&service)["history"]["head"], here.to_string(), "the other one is followed");
    assert_eq!(service.get("/readyz").0, 200);
    let n_away = || service.get("/metrics").1.contains("diffrisk_repositories_away 1");
    assert!(n_away());

    let question = json!({ "change": { "repo": "late", "diff": DIFF, "id": "review 1" } }).to_string();
    let ask = || service.post("/v1/score", &question).1;
    let codes = |answer: &Value| answer["reasons"].to_string();
    let doubted = ask();
    assert_eq!((&doubted["decision"], &doubted["degraded"]), (&json!("extra_validation"), &json!(true)));
    assert!(codes(&doubted).contains("history_stale"), "{doubted}");
    assert!(doubted["risk"]["score"].is_number(), "scored as if nobody knew the repository: {doubted}");
    let outcome = json!({ "repo": "late", "id": "review 1", "outcome": "incident", "occurred_at": "2020-09-14T00:00:00Z" });
    assert_eq!(service.post("/v1/outcomes", &outcome.to_string()).0, 201);
    assert_eq!(service.post("/v1/repos/late/refresh", "").0, 503);

    let first = late.commit("a: set to 1", &[("a.yaml", b"a: 1\n")], &[]);
    late.set_main(first);
    std::fs::rename(late.path(), &place).unwrap();
    let started = Instant::now();
    let known = loop {
        let answer = ask();
        if answer["history"]["head"] == first.to_string() {
            break answer;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{answer}");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert!(!codes(&known).contains("history_stale") && codes(&known).contains("known_bad"), "{known}");
    assert!(!n_away());
}

/// Asks, and does not wait for the answer.
fn ask(service: &Running, what: &str) -> TcpStream {
    let mut stream = TcpStream::connect(&service.address).unwrap();
    let request = format!("{what} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// Where `HEAD` is a pipe, whoever opens the repository waits for a writer that never comes.
#[test]
fn a_repository_that_hangs_keeps_nothing_else_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let (mut script, mut other) = (Script::new(), Script::new());
    let first = script.commit("a: set to 1", &[("a.yaml", b"a: 1\n")], &[]);
    let second = script.commit("a: set to 2", &[("a.yaml", b"a: 2\n")], &[first]);
    script.set_main(second);
    let begun = other.commit("a: set to 1", &[("a.yaml", b"a: 1\n")], &[]);
    other.set_main(begun);
    let repos = [format!("shop={}", script.path().display()), format!("zoo={}", other.path().display())];
    let cache = dir.path().join("cache");
    let args =
        ["--repo", &repos[0], "--repo", &repos[1], "--cache", cache.to_str().unwrap(), "--poll-seconds", "1"];
    let mut service = serve(dir.path(), &args, &[]);
    let decision = answer(&service);
    assert!(!decision["reasons"].to_string().contains("known_bad"), "{decision}");

    let head = script.path().join("HEAD");
    std::fs::rename(&head, script.path().join("HEAD.before")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&head).status().unwrap().success());
    let lag = || {
        let (_, metrics) = service.get("/metrics");
        let lag = metrics.lines().find_map(|line| line.strip_prefix("diffrisk_history_lag_seconds "));
        lag.unwrap().parse::<f64>().unwrap()
    };
    let started = Instant::now();
    while lag() < 5.0 {
        assert!(started.elapsed() < Duration::from_secs(60), "it is still looked at");
        std::thread::sleep(Duration::from_millis(100));
    }

    let landed = other.commit("a: set to 2", &[("a.yaml", b"a: 2\n")], &[begun]);
    other.set_main(landed);
    let question = json!({ "change": { "repo": "zoo", "diff": DIFF } }).to_string();
    let started = Instant::now();
    while service.post("/v1/score", &question).1["history"]["head"] != landed.to_string() {
        assert!(started.elapsed() < Duration::from_secs(60), "the other repository waits");
        std::thread::sleep(Duration::from_millis(100));
    }

    let n_threads = service.n_threads();
    let of_suspects = (0..40).map(|_| ask(&service, "GET /v1/suspects?repo=shop&at=2020-09-14T00:00:00Z"));
    let of_look = (0..40).map(|_| ask(&service, "POST /v1/repos/shop/refresh"));
    let callers: Vec<TcpStream> = of_suspects.chain(of_look).collect();
    // Suspects are looked for without the newest commits after two seconds.
    std::thread::sleep(Duration::from_millis(2_500));
    assert!(service.n_threads() < n_threads + 20, "who asks for a look, or for suspects, keeps no thread");

    let outcome = json!({
        "decision_id": decision["decision_id"],
        "outcome": "incident",
        "occurred_at": "2020-09-14T00:00:00Z",
    });
    assert_eq!(service.post("/v1/outcomes", &outcome.to_string()).0, 201, "a report waits for no look");
    let again = answer(&service);
    assert!(again["reasons"].to_string().contains("known_bad"), "{again}");
    drop(callers);
    assert_eq!(service.stop(), Some(0), "nor does who leaves");
}
