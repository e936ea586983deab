//! Two services on one database, each with its own chain, key file and heads: what one of them decided or was told, and what
//! the other makes of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use diffrisk::http::{ServerConfig, bind, serve};
use diffrisk::store::{NewRecord, RecordKind, Search, Store, StoreConfig};
use serde_json::{Value, json};

use crate::http_fake::{Bench, COMMIT, NOON, Setup};
use crate::process;

const OPEN: &str = "[budget]\nnormal = 0.10\n";
const HELD: &str = "[budget]\nnormal = 0.10\n[[rule]]\nname = \"all\"\nwhen = 'true'\nthen = \"hold\"\n";

const DIFF: &str = "--- a/app/web.yaml\n+++ b/app/web.yaml\n@@ -1 +1 @@\n-timeout: 4\n+timeout: 5\n";

/// Where a replica keeps its files; the signing key is the one that the first replica made.
fn stem(dir: &Path, name: &str) -> std::path::PathBuf {
    let (first, stem) = (dir.join("log.db.key"), dir.join(name));
    let own = dir.join(format!("{name}.key"));
    if first.exists() && !own.exists() {
        std::fs::copy(first, own).unwrap();
    }
    stem
}

/// A replica that reads its policy from a file of its name, in a database that others write as well.
async fn replica(dir: &Path, name: &str, policy: &str) -> Bench {
    let mut store_config = StoreConfig::new(format!("sqlite://{}", dir.join("log.db").display()));
    store_config.stem = Some(stem(dir, name));
    let policies = dir.join(format!("{name}.toml"));
    std::fs::write(&policies, policy).unwrap();
    let config = ServerConfig { poll: Duration::from_millis(50), listen: "127.0.0.1:0".into(), ..slow() };
    let (policy, policies) = (Some(policy.to_owned()), Some(policies));
    let setup = Setup { config, store_config: Some(store_config), policy, policies, ..Setup::default() };
    setup.start().await
}

fn slow() -> ServerConfig {
    ServerConfig { deadline: Duration::from_secs(5), ..ServerConfig::default() }
}

async fn keyed(bench: &Bench, key: &str) -> Value {
    let request = Request::post("/v1/score").header("idempotency-key", key);
    bench.send(request.body(Body::from(COMMIT)).unwrap()).await.1
}

async fn n_activations(bench: &Bench) -> usize {
    let store = bench.store.as_ref().unwrap();
    let search = Search { kind: Some(RecordKind::Activation), limit: 99, ..Search::default() };
    let records = store.log().page(&search).await.unwrap().records;
    records.iter().filter(|record| record.chain == store.chain()).count()
}

#[tokio::test]
async fn a_key_never_brings_a_decision_of_another_policy() {
    let dir = tempfile::tempdir().unwrap();
    let here = replica(dir.path(), "log.db", OPEN).await;
    let there = replica(dir.path(), "there", HELD).await;
    let of_here = keyed(&here, "k").await;
    assert_eq!(of_here["decision"], "fast_path");
    assert_eq!(keyed(&here, "k").await["decision_id"], of_here["decision_id"]);
    let of_there = keyed(&there, "k").await;
    assert_eq!(of_there["decision"], "hold", "{of_there}");
    assert_eq!(keyed(&there, "k").await["decision_id"], of_there["decision_id"]);
    assert_eq!(keyed(&here, "k").await["decision"], "fast_path");
}

#[tokio::test]
async fn each_replica_notes_its_own_swaps_and_goes_on_with_its_keys() {
    let dir = tempfile::tempdir().unwrap();
    let here = replica(dir.path(), "log.db", OPEN).await;
    let there = replica(dir.path(), "there", HELD).await;
    let before = keyed(&here, "k").await;
    let reload =
        async |bench: &Bench| assert_eq!(bench.post("/v1/policy/reload", "").await.0, StatusCode::OK);
    reload(&there).await;
    assert_eq!(keyed(&here, "k").await["decision_id"], before["decision_id"], "its keys stand");
    // The newest activation of any chain says the same; that of this chain does not.
    std::fs::write(dir.path().join("log.db.toml"), HELD).unwrap();
    reload(&here).await;
    reload(&here).await;
    assert_eq!((n_activations(&here).await, n_activations(&there).await), (1, 1));
    let after = keyed(&here, "k").await;
    assert_eq!(after["decision"], "hold", "{after}");
    assert_eq!(keyed(&here, "k").await["decision_id"], after["decision_id"]);
}

#[tokio::test]
async fn an_outcome_that_one_replica_was_told_reaches_the_others_once() {
    let dir = tempfile::tempdir().unwrap();
    let told = replica(dir.path(), "log.db", OPEN).await;
    let other = replica(dir.path(), "other", OPEN).await;
    let listener = bind(&other.service).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let served = tokio::spawn(serve(Arc::clone(&other.service), listener, stopped));
    let occurred_at = jiff::Timestamp::from_second(NOON - 60).unwrap().to_string();
    let report = |n: usize| json!({"repo": "config", "id": format!("pr/{n}"), "outcome": "caught", "occurred_at": occurred_at});
    let n_known = || other.fake.reported.lock().unwrap().len();
    for n in 1..=2 {
        assert_eq!(told.post("/v1/outcomes", &report(n).to_string()).await.0, StatusCode::CREATED);
        for _ in 0..200 {
            if n_known() == n {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(n_known(), n);
    }
    // What a replica is told itself it does not take in again.
    assert_eq!(other.post("/v1/outcomes", &report(3).to_string()).await.0, StatusCode::CREATED);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(n_known(), 3);
    drop(stop);
    served.await.unwrap().unwrap();
}

/// What a replica decided before it heard of a report that another one was told is taken back once it does.
#[tokio::test]
async fn a_replica_takes_back_what_it_decided_before_it_heard() {
    let dir = tempfile::tempdir().unwrap();
    let told = replica(dir.path(), "log.db", OPEN).await;
    let other = replica(dir.path(), "other", OPEN).await;
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let occurred_at = jiff::Timestamp::from_second(NOON - 60).unwrap().to_string();
    let report = json!({"repo": "config", "commit": commit, "outcome": "caught", "occurred_at": occurred_at});
    assert_eq!(told.post("/v1/outcomes", &report.to_string()).await.0, StatusCode::CREATED);
    let decided = other.score().await;
    assert_eq!(decided["decision"], "fast_path", "{decided}");
    let listener = bind(&other.service).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let served = tokio::spawn(serve(Arc::clone(&other.service), listener, stopped));
    let path = decided["links"]["self"].as_str().unwrap();
    let revocations = async || told.get(path).await.1["revocations"].clone();
    let taken_back = async {
        while revocations().await == json!([]) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), taken_back).await.unwrap();
    assert_eq!(revocations().await[0]["reason"], "caught");
    drop(stop);
    served.await.unwrap().unwrap();
}

/// Neither what is old, nor what was made in knowledge of the report, nor what is taken back already.
#[tokio::test]
async fn a_replica_takes_back_no_more_than_what_a_report_would_have_changed() {
    let dir = tempfile::tempdir().unwrap();
    let told = replica(dir.path(), "log.db", OPEN).await;
    let other = replica(dir.path(), "other", OPEN).await;
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let decide = async |review: &str, minutes_before: i64| {
        other.now.store((NOON - minutes_before * 60) * 1_000, Ordering::Relaxed);
        let question = json!({"change": {"repo": "config", "commit": commit, "id": review}});
        let (_, decided) = other.post("/v1/score", &question.to_string()).await;
        decided["links"]["self"].as_str().unwrap_or_else(|| panic!("{decided}")).to_owned()
    };
    let taken_back = decide("pr/1", 0).await;
    let occurred_at = jiff::Timestamp::from_second(NOON - 60).unwrap().to_string();
    let report = json!({"repo": "config", "commit": commit, "outcome": "caught", "occurred_at": occurred_at});
    assert_eq!(told.post("/v1/outcomes", &report.to_string()).await.0, StatusCode::CREATED);
    let (old, recent) = (decide("pr/2", 16).await, decide("pr/3", 14).await);
    *other.fake.known_bad.lock().unwrap() = true;
    let knowing = decide("pr/4", 0).await;

    let listener = bind(&other.service).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let served = tokio::spawn(serve(Arc::clone(&other.service), listener, stopped));
    let n_revocations =
        async |path: &str| told.get(path).await.1["revocations"].as_array().map_or(0, Vec::len);
    let is_taken_back = async {
        while n_revocations(&recent).await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), is_taken_back).await.unwrap();
    for (path, n) in [(&taken_back, 1), (&old, 0), (&recent, 1), (&knowing, 0)] {
        assert_eq!(n_revocations(path).await, n, "{:?}", told.get(path).await.1);
    }
    drop(stop);
    served.await.unwrap().unwrap();
}

/// Whoever can write the database and has not the key clears no name.
#[tokio::test]
async fn what_another_key_wrote_is_not_heard_at_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let question = json!({"change": {"repo": "shop", "diff": DIFF}}).to_string();
    let mut told = process::serve(dir.path(), &[], &[]);
    let id = told.post("/v1/score", &question).1["decision_id"].clone();
    let outcome = json!({"decision_id": id, "outcome": "incident", "occurred_at": "2026-01-01T00:00:00Z"});
    assert_eq!(told.post("/v1/outcomes", &outcome.to_string()).0, 201);
    assert_eq!(told.stop(), Some(0));

    let mut store_config = StoreConfig::new(format!("sqlite://{}", dir.path().join("log.db").display()));
    store_config.stem = Some(dir.path().join("stranger"));
    let stranger = Store::open(&store_config).await.unwrap();
    let search = Search { kind: Some(RecordKind::Outcome), limit: 9, ..Search::default() };
    let said = stranger.log().page(&search).await.unwrap().records.pop().unwrap();
    let body = said.body.replace(r#""outcome":"incident""#, r#""outcome":"retracted""#);
    assert_ne!(body, said.body);
    let forged = NewRecord { columns: said.columns, ..NewRecord::new(RecordKind::Outcome, body) };
    stranger.append_one(forged).await.unwrap();
    stranger.close().await;

    let again = process::serve(dir.path(), &[], &[]);
    let answer = again.post("/v1/score", &question).1;
    assert!(answer["reasons"].to_string().contains("known_bad"), "{answer}");
}

#[test]
fn what_one_replica_was_told_is_known_bad_at_the_other() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("policy.toml"),
        "out_of_distribution = \"allow\"\n[budget]\nnormal = 0.0\n",
    )
    .unwrap();
    let policy = ["--policy", "policy.toml", "--poll-seconds", "1"];
    let told = process::serve(dir.path(), &policy, &[]);
    let stem = stem(dir.path(), "other");
    let other = [&policy[..], &["--store-stem", stem.to_str().unwrap()]].concat();
    let other = process::serve(dir.path(), &other, &[]);
    let question = json!({"change": {"repo": "shop", "diff": DIFF}}).to_string();
    let asked = || other.post("/v1/score", &question).1;
    let first = asked();
    assert_eq!(first["decision"], "fast_path", "{first}");
    let id = told.post("/v1/score", &question).1["decision_id"].clone();
    let outcome = json!({"decision_id": id, "outcome": "incident", "occurred_at": "2026-01-01T00:00:00Z"});
    assert_eq!(told.post("/v1/outcomes", &outcome.to_string()).0, 201);
    let is_known = |answer: &Value| answer["reasons"].to_string().contains("known_bad");
    let known = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        Some(asked()).filter(is_known)
    });
    let known = known.expect("the other replica looks every second");
    assert_eq!(known["decision"], "extra_validation", "{known}");
}
