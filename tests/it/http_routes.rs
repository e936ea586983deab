//! The other routes: outcomes, overrides, swaps, inference, and what the service says about itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};

use axum::http::{Request, StatusCode};
use diffrisk::http::{Assessor, Models, ProblemCode, Refusal, openapi_json};
use diffrisk::incident::OutcomeKind;
use diffrisk::policy::ReasonCode;
use diffrisk::store::{RecordKind, Search};
use serde_json::{Value, json};

use crate::http_fake::{COMMIT, Fake, Fault, NOON, Setup};

/// A registry of fakes: `good` and `other` load, anything else is refused.
#[derive(Default)]
struct Fakes {
    promoted: std::sync::Mutex<Option<(String, String)>>,
    /// Says that the load of `slow` began, and waits until it may end.
    slow: std::sync::Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

impl Models for Fakes {
    fn load(&self, name: &str, version: &str) -> Result<Arc<dyn Assessor>, Refusal> {
        match (name, version) {
            ("fake", "v1" | "v2") => Ok(Fake::new(version, if version == "v1" { 20.0 } else { 21.0 })),
            ("fake", "nan") => {
                let fake = Fake::new("nan", 20.0);
                fake.faults.lock().unwrap().insert(Fault::NoModel);
                Ok(fake)
            }
            ("fake", "slow") => {
                let (began, go_on) = self.slow.lock().unwrap().take().unwrap();
                began.send(()).unwrap();
                go_on.recv().unwrap();
                Ok(Fake::new("slow", 20.0))
            }
            _ => Err(Refusal::ModelName),
        }
    }

    fn promote(&self, name: &str, version: &str) -> Result<(), Refusal> {
        *self.promoted.lock().unwrap() = Some((name.into(), version.into()));
        Ok(())
    }

    fn wanted(&self) -> Option<String> {
        let promoted = self.promoted.lock().unwrap().clone();
        promoted.map(|(name, version)| format!("{name}/{version}"))
    }

    fn load_wanted(&self) -> Result<Arc<dyn Assessor>, Refusal> {
        let (name, version) = self.promoted.lock().unwrap().clone().ok_or(Refusal::NoRegistry)?;
        self.load(&name, &version)
    }
}

fn with_models() -> Setup {
    Setup { models: Some(Arc::new(Fakes::default())), ..Setup::default() }
}

#[tokio::test]
async fn an_outcome_becomes_a_record_and_takes_a_standing_decision_back() {
    let bench = Setup::default().start().await;
    let answer = bench.score().await;
    let id = answer["decision_id"].as_str().unwrap();
    let outcome = json!({"decision_id": id, "outcome": "caught", "occurred_at": "2026-01-28T11:59:59Z", "severity": "2"});
    let (status, told) = bench.post("/v1/outcomes", &outcome.to_string()).await;
    assert_eq!(status, StatusCode::CREATED, "{told}");
    assert_eq!(told["joined"], json!([{"decision_id": id, "joined_by": "decision_id"}]));
    let reported = bench.fake.reported.lock().unwrap().clone();
    assert_eq!((reported[0].outcome, reported[0].repo.as_deref()), (OutcomeKind::Caught, Some("config")));
    let (_, stored) = bench.get(&format!("/v1/decisions/{id}")).await;
    assert_eq!(stored["outcomes"][0]["outcome"], "caught");
    assert_eq!(stored["revocations"][0]["decision_id"], id);
    for query in ["decision=hold&decision=fast_path", "cursor=00", "cursor=zz"] {
        let (status, problem) = bench.get(&format!("/v1/decisions?{query}")).await;
        assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &json!("bad_query")), "{query}");
    }
    for path in ["/v1/decisions/%ff", "/decisions/%ff", "/nowhere/%ff"] {
        let (status, problem) = bench.get(path).await;
        assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("not_found")), "{path}");
    }
    let (_, listed) = bench.get("/v1/decisions").await;
    assert_eq!(listed["decisions"], json!([stored]), "a list tells as much");
    assert_ne!(
        bench.score().await["decision_id"],
        answer["decision_id"],
        "a decision taken back is not reused"
    );

    let by_commit = json!({"repo": "config", "commit": "0123456789abcdef0123456789abcdef01234567",
        "outcome": "harmless", "occurred_at": "2026-01-28T11:00:00Z"});
    let (_, told) = bench.post("/v1/outcomes", &by_commit.to_string()).await;
    assert_eq!(told["joined"].as_array().unwrap().len(), 2);
    assert_eq!(told["joined"][0]["joined_by"], "commit");
}

#[tokio::test]
async fn an_outcome_that_makes_no_sense_is_refused() {
    let bench = Setup::default().start().await;
    let digest = format!("sha256:{}", "0".repeat(64));
    let with = |change: Value| {
        let mut outcome =
            json!({"digest": digest, "outcome": "incident", "occurred_at": "2026-01-28T11:00:00Z"});
        for (key, value) in change.as_object().unwrap() {
            outcome[key] = value.clone();
        }
        outcome.to_string()
    };
    for (change, status, path) in [
        (json!({"outcome": "bad"}), 422, "$.outcome"),
        (json!({"digest": "sha256:00"}), 422, "$.digest"),
        (json!({"digest": null, "repo": "config", "commit": "HEAD"}), 422, "$.commit"),
        (json!({"commit": "0123456"}), 422, "$"),
        (json!({"digest": null}), 422, "$"),
        (json!({"digest": null, "commit": "0123456"}), 400, "$.repo"),
        (json!({"occurred_at": "2026-02-28T11:00:00Z"}), 422, "$.occurred_at"),
        (json!({"known_at": "2026-01-28T10:00:00Z"}), 422, "$.known_at"),
        (json!({"extra": 1}), 400, "$.extra"),
    ] {
        let (was, problem) = bench.post("/v1/outcomes", &with(change.clone())).await;
        assert_eq!((was.as_u16(), problem["path"].as_str()), (status, Some(path)), "{change}: {problem}");
    }
    let (status, _) = bench.post("/v1/outcomes", &with(json!({"digest": null, "decision_id": "0198"}))).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(bench.post("/v1/outcomes", &with(json!({}))).await.0, StatusCode::CREATED);
}

/// Reporters and replicas have clocks of their own.
#[tokio::test]
async fn what_is_said_without_a_moment_is_known_no_earlier_than_it_can_be() {
    let bench = Setup::default().start().await;
    let known_at = async |ahead_seconds: i64| {
        let occurred_at = jiff::Timestamp::from_second(NOON + ahead_seconds).unwrap().to_string();
        let outcome =
            json!({"repo": "config", "id": "pr/1", "outcome": "caught", "occurred_at": occurred_at});
        let (status, told) = bench.post("/v1/outcomes", &outcome.to_string()).await;
        assert_eq!(status, StatusCode::CREATED, "{told}");
        bench.fake.reported.lock().unwrap().last().unwrap().known_at
    };
    assert_eq!(known_at(-90).await, NOON, "now");
    assert_eq!(known_at(30).await, NOON + 30, "when it happened, by a clock that is ahead");
    assert_eq!(known_at(-90).await, NOON + 30, "not before what was said before it");
}

#[tokio::test]
async fn an_override_stands_beside_the_decision() {
    let bench = Setup { percentile: 99.0, ..Setup::default() }.start().await;
    let id = bench.score().await["decision_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/decisions/{id}/override");
    let glass =
        json!({"reason": "the site is down", "ticket": "INC-1", "expires_at": "2026-01-28T13:00:00Z"});
    assert_eq!(bench.post(&path, &glass.to_string()).await.0, StatusCode::CREATED);
    let (_, stored) = bench.get(&format!("/v1/decisions/{id}")).await;
    assert_eq!(stored["decision"], "extra_validation", "a record beside the decision, never an edit");
    assert_eq!(stored["overrides"][0]["ticket"], "INC-1");
    let past = json!({"reason": "x", "expires_at": "2026-01-28T11:00:00Z"});
    assert_eq!(bench.post(&path, &past.to_string()).await.0.as_u16(), 422);
    assert_eq!(bench.post("/v1/decisions/0/override", &glass.to_string()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(bench.store.as_ref().unwrap().log().verify().await.unwrap().difference, None);
}

#[tokio::test]
async fn a_model_is_swapped_whole_or_not_at_all() {
    let bench = with_models().start().await;
    let first = bench.score().await;
    let activate = |version: &str| json!({"name": "fake", "version": version}).to_string();
    let (status, problem) = bench.post("/v1/model/activate", &activate("broken")).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::CONFLICT, Some("refused")));
    assert_eq!(bench.post("/v1/model/activate", &activate("nan")).await.0, StatusCode::CONFLICT);
    let (_, model) = bench.get("/v1/model").await;
    assert_eq!(model["model"]["version"], "v1");
    assert!(model["status"]["refused"].is_string());
    let (status, model) = bench.post("/v1/model/activate", &activate("v2")).await;
    assert_eq!((status, model["model"]["version"].as_str()), (StatusCode::OK, Some("v2")));
    assert_eq!(model["status"]["previous"]["version"], "v1");
    assert_eq!(model["status"]["refused"], Value::Null);
    let (status, model) = bench.post("/v1/model/activate", &activate("v2")).await;
    assert_eq!((status, model["model"]["version"].as_str()), (StatusCode::OK, Some("v2")));
    assert_eq!(model["status"]["previous"]["version"], "v1", "the way back stays");
    let second = bench.score().await;
    assert_eq!(second["model"]["version"], "v2");
    let (status, model) = bench.post("/v1/model/rollback", "").await;
    assert_eq!((status, model["model"]["version"].as_str()), (StatusCode::OK, Some("v1")));
    assert_eq!(bench.score().await["decision_id"], first["decision_id"], "nothing that it rests on is other");
    assert_eq!(bench.post("/v1/model/rollback", "").await.1["model"]["version"], "v2", "twice returns");
    assert_ne!(first["decision_id"], second["decision_id"]);
    let search = Search { kind: Some(RecordKind::Activation), limit: 9, ..Search::default() };
    assert_eq!(bench.store.as_ref().unwrap().log().page(&search).await.unwrap().records.len(), 3);
}

#[tokio::test]
async fn who_asks_for_the_model_waits_for_none_that_is_loaded() {
    let ((began, has_begun), (end, go_on)) = (channel(), channel());
    let slow = std::sync::Mutex::new(Some((began, go_on)));
    let models = Some(Arc::new(Fakes { slow, ..Fakes::default() }) as Arc<dyn Models>);
    let bench = Arc::new(Setup { models, ..Setup::default() }.start().await);
    let activating = Arc::clone(&bench);
    let body = r#"{"name": "fake", "version": "slow"}"#;
    let activated = tokio::spawn(async move { activating.post("/v1/model/activate", body).await.0 });
    tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
    let asked = tokio::time::timeout(std::time::Duration::from_secs(20), bench.get("/v1/model")).await;
    assert_eq!(asked.unwrap().1["model"]["version"], "v1");
    end.send(()).unwrap();
    assert_eq!(activated.await.unwrap(), StatusCode::OK);
    let (_, model) = bench.get("/v1/model").await;
    assert_eq!(
        (&model["model"]["version"], &model["status"]["previous"]["version"]),
        (&json!("slow"), &json!("v1"))
    );
}

#[tokio::test]
async fn swaps_under_load_fail_nobody_and_mix_nothing() {
    check_swaps(100).await;
}

#[tokio::test]
#[ignore = "takes a while; scripts/test-full runs it"]
async fn a_thousand_swaps_under_load_fail_nobody_and_mix_nothing() {
    check_swaps(1_000).await;
}

async fn check_swaps(n_swaps: usize) {
    let bench = Arc::new(with_models().start().await);
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..4 {
        let (bench, stop) = (Arc::clone(&bench), Arc::clone(&stop));
        callers.spawn(async move {
            let mut n_answers = 0;
            while !stop.load(Ordering::Relaxed) {
                let body = COMMIT.replace("0123456789", &format!("{caller}{:09}", n_answers % 1_000));
                let (status, answer) = bench.post("/v1/score", &body).await;
                assert_eq!(status, StatusCode::OK);
                let percentile = if answer["model"]["version"] == "v1" { 20.0 } else { 21.0 };
                assert_eq!(answer["risk"]["percentile"], percentile, "one model and its own score: {answer}");
                n_answers += 1;
            }
            n_answers
        });
    }
    for swap in 0..n_swaps {
        let version = if swap % 2 == 0 { "v2" } else { "v1" };
        let body = json!({"name": "fake", "version": version}).to_string();
        assert_eq!(bench.post("/v1/model/activate", &body).await.0, StatusCode::OK);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(callers.join_all().await.iter().sum::<usize>() > 0);
}

#[tokio::test]
async fn a_bad_policy_is_refused_and_the_good_one_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.toml");
    std::fs::write(&path, "[budget]\nnormal = 0.9\n").unwrap();
    let bench = Setup { policies: Some(path.clone()), ..Setup::default() }.start().await;
    let keyed = || Request::post("/v1/score").header("idempotency-key", "k").body(COMMIT.into()).unwrap();
    let before = bench.send(keyed()).await.1;
    assert_eq!(before["decision"], "fast_path");
    assert_eq!(bench.post("/v1/policy/reload", "").await.0, StatusCode::OK);
    let (_, policy) = bench.get("/v1/policy").await;
    assert_eq!(policy["text"], "[budget]\nnormal = 0.9\n");
    bench.now.fetch_add(1, Ordering::Relaxed);
    let page = async |answer: &Value| {
        let html = bench.page(answer["links"]["page"].as_str().unwrap()).await;
        html.contains("Another model or policy is in force")
    };
    assert!(page(&before).await);
    let after = bench.send(keyed()).await.1;
    assert_eq!(after["decision"], "extra_validation", "a change of policy ends decisions");
    assert!(!page(&after).await);
    for (faulty, said) in [("[budget]\nnormal = 9\n", "budget.normal"), ("", "the file says nothing")] {
        std::fs::write(&path, faulty).unwrap();
        let (status, problem) = bench.post("/v1/policy/reload", "").await;
        assert_eq!(status, StatusCode::CONFLICT, "{problem}");
        let (_, policy) = bench.get("/v1/policy").await;
        assert!(policy["refused"].as_str().unwrap().contains(said), "{policy}");
        assert_eq!(policy["text"], "[budget]\nnormal = 0.9\n");
    }
}

#[tokio::test]
async fn the_inference_endpoint_takes_plain_tensors_only() {
    let bench = Setup::default().start().await;
    let (_, metadata) = bench.get("/v2/models/fake").await;
    assert_eq!(metadata["inputs"][0], json!({"name": "vector", "datatype": "FP32", "shape": [-1, 2]}));
    assert_eq!(bench.get("/v2/models/fake/ready").await.0, StatusCode::OK);
    assert_eq!(bench.get("/v2/models/other").await.0, StatusCode::NOT_FOUND);
    let infer = |shape: Value, data: Value| {
        json!({"id": "7", "inputs": [{"name": "vector", "datatype": "FP32", "shape": shape, "data": data}]})
            .to_string()
    };
    for data in [json!([1, 2, null, 4.5]), json!([[1, 2], [null, 4.5]])] {
        let (status, answer) = bench.post("/v2/models/fake/infer", &infer(json!([2, 2]), data)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["outputs"][0]["shape"], json!([2]));
        assert_eq!((&answer["id"], &answer["model_version"]), (&json!("7"), &json!("v1")));
    }
    for (shape, data) in [
        (json!([2, 2]), json!([1, 2, 3])),
        (json!([1, 4]), json!([1, 2, 3, 4])),
        (json!([0, 2]), json!(["1"])),
    ] {
        let (status, _) = bench.post("/v2/models/fake/infer", &infer(shape, data)).await;
        assert!(status.is_client_error());
    }
    let binary = Request::post("/v2/models/fake/infer").header("inference-header-content-length", "9");
    let (status, problem) = bench.send(binary.body("{}".into()).unwrap()).await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (400, Some("binary_tensors")));
    assert!(problem["detail"].as_str().unwrap().contains("binary_data=False"));
}

#[tokio::test]
async fn metrics_count_decisions_and_doubts() {
    let bench = Setup::default().start().await;
    bench.score().await;
    bench.fake.faults.lock().unwrap().insert(Fault::Stale);
    bench.score().await;
    let response = tower::ServiceExt::oneshot(
        diffrisk::http::router(Arc::clone(&bench.service)),
        Request::get("/metrics").body(axum::body::Body::empty()).unwrap(),
    );
    let body =
        http_body_util::BodyExt::collect(response.await.unwrap().into_body()).await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    for line in [
        "diffrisk_decisions_total{decision=\"fast_path\",degraded=\"false\"} 1",
        "diffrisk_degraded_total{code=\"history_stale\"} 1",
        "diffrisk_store_open 1",
    ] {
        assert!(text.contains(line), "{line} not in:\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn the_openapi_document_is_the_committed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    let now = openapi_json();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == now,
        "docs/openapi.json is stale: run the tests once with UPDATE_DOCS=1 and commit it"
    );
    assert!(now.contains("\"openapi\": \"3.1"));
}

/// Clients are generated from it, and call their functions so.
#[test]
fn every_operation_has_a_name_of_its_own() {
    let document: Value = serde_json::from_str(&openapi_json()).unwrap();
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    let names: Vec<&str> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
}

#[test]
fn the_api_document_lists_every_code() {
    let api = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/API.md")).unwrap();
    let reasons = ReasonCode::ALL.iter().map(|code| {
        let degrades = if code.degrades() { "yes" } else { "" };
        format!("| `{code}` | {degrades} | {} |", code.sentence())
    });
    let problems = ProblemCode::ALL
        .iter()
        .map(|code| format!("| `{}` | {} | {} |", code.as_str(), code.status().as_u16(), code.title()));
    for line in reasons.chain(problems) {
        assert!(api.contains(&line), "docs/API.md lacks: {line}");
    }
}

#[test]
fn the_documented_configuration_is_understood() {
    let operations =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/OPERATIONS.md")).unwrap();
    let toml = operations.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let settings = diffrisk::http::Settings::parse(toml).unwrap();
    assert_eq!(settings.repositories[0].name, "mediawiki-config");
}

#[tokio::test]
async fn the_docs_page_needs_nothing_but_itself() {
    let bench = Setup::default().start().await;
    let response = tower::ServiceExt::oneshot(
        diffrisk::http::router(Arc::clone(&bench.service)),
        Request::get("/docs").body(axum::body::Body::empty()).unwrap(),
    );
    let body =
        http_body_util::BodyExt::collect(response.await.unwrap().into_body()).await.unwrap().to_bytes();
    let html = String::from_utf8(body.to_vec()).unwrap();
    assert!(html.contains("id=\"store_down\"") && html.contains("/v1/score"));
    let html = html.replace("xmlns='http://www.w3.org/2000/svg'", "");
    assert!(!html.contains("<script") && !html.contains("http://") && !html.contains("https://"));
}
