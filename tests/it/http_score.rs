//! `POST /v1/score`: the shape of the answer, the record behind it, and every doubt on the way.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::{Request, StatusCode};
use diffrisk::store::{NewRecord, RecordKind, StoreConfig};
use serde_json::{Value, json};

use crate::http_fake::{Bench, COMMIT, Fake, Fault, Setup, post};

fn codes(answer: &Value) -> Vec<&str> {
    answer["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_answer_has_every_key_of_the_contract() {
    let bench = Setup::default().start().await;
    let mut answer = bench.score().await;
    let id = answer["decision_id"].as_str().unwrap().to_owned();
    assert_eq!(
        answer["links"],
        json!({"self": format!("/v1/decisions/{id}"), "page": format!("/decisions/{id}")})
    );
    let keys: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "decision_id decision degraded enforced kind change risk budget history reasons explanation plan \
                    model policy decided_at expires_at links";
    assert_eq!(keys.join(" "), expected);
    answer["decision_id"] = Value::Null;
    assert_eq!(answer["decision"], "fast_path");
    assert_eq!(answer["risk"]["percentile"], 20.0);
    assert_eq!(answer["decided_at"], "2026-01-28T12:00:00Z");
    let explanation = &answer["explanation"];
    let parts = explanation["contributions"].as_array().unwrap();
    let sum: f64 = parts.iter().map(|it| it["contribution"].as_f64().unwrap()).sum();
    assert!(
        (explanation["base"].as_f64().unwrap() + sum - explanation["margin"].as_f64().unwrap()).abs() < 1e-9
    );
}

#[tokio::test]
async fn a_decision_is_read_back_as_it_was_answered() {
    let bench = Setup { percentile: 97.4, ..Setup::default() }.start().await;
    let answer = bench.score().await;
    assert_eq!(answer["decision"], "extra_validation");
    let (status, stored) = bench.get(answer["links"]["self"].as_str().unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    for (key, value) in answer.as_object().unwrap() {
        assert_eq!(&stored[key], value, "{key}");
    }
    assert_eq!(bench.get("/v1/decisions/0198").await.0, StatusCode::NOT_FOUND);
    let (_, page) = bench.get("/v1/decisions?repo=config&decision=extra_validation&limit=1&cursor=").await;
    assert_eq!(page["decisions"][0]["decision_id"], answer["decision_id"]);
    let (status, problem) = bench.get("/v1/decisions?limit=0").await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::BAD_REQUEST, Some("bad_query")));
}

#[tokio::test]
async fn the_vector_is_shown_where_it_is_asked_for() {
    let bench = Setup::default().start().await;
    let (_, answer) = bench.post("/v1/score?include=vector", COMMIT).await;
    let batch = format!("{{\"items\": [{COMMIT}]}}");
    let (status, problem) = bench.post("/v1/score/batch?include=explanation", &batch).await;
    assert_eq!((status.as_u16(), &problem["code"]), (400, &json!("bad_query")), "{problem}");
    assert_eq!(answer.get("explained"), None);
    assert_eq!(answer["vector"], json!([3.0, null, f64::from(0.1_f32)]));
    assert_eq!(answer["tokens"], json!([6, 7]));
}

#[tokio::test]
async fn the_same_question_has_the_same_decision_until_something_moves() {
    let bench = Setup::default().start().await;
    let first = bench.score().await["decision_id"].clone();
    assert_eq!(bench.score().await["decision_id"], first);
    *bench.fake.head.lock().unwrap() = "e".repeat(40);
    let second = bench.score().await["decision_id"].clone();
    assert_ne!(second, first, "the history moved");
    bench.now.fetch_add(2 * 3600 * 1000, std::sync::atomic::Ordering::Relaxed);
    assert_ne!(bench.score().await["decision_id"], second, "the decision expired");
    *bench.fake.known_bad.lock().unwrap() = true;
    assert_eq!(
        bench.score().await["decision"],
        "extra_validation",
        "what is known now stands beside the model"
    );
}

#[tokio::test]
async fn an_idempotency_key_stands_for_one_decision_and_one_body() {
    let bench = Setup::default().start().await;
    let keyed = |body: &str| {
        let request = Request::post("/v1/score").header("idempotency-key", "k1");
        request.body(axum::body::Body::from(body.to_owned())).unwrap()
    };
    let (_, first) = bench.send(keyed(COMMIT)).await;
    *bench.fake.head.lock().unwrap() = "e".repeat(40);
    let (_, second) = bench.send(keyed(COMMIT)).await;
    assert_eq!(first, second, "also when the history moved");
    let (status, problem) = bench.send(keyed(&COMMIT.replace("config", "other"))).await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (422, Some("idempotency_conflict")));
}

#[tokio::test]
async fn an_idempotency_key_of_another_batch_answers_none_of_its_items() {
    let bench = Setup::default().start().await;
    for (items, is_refused) in [(vec![COMMIT], false), (vec![COMMIT, COMMIT], true), (vec![COMMIT], false)] {
        for result in keyed_batch(&bench, &items).await {
            assert_eq!(result["code"] == "idempotency_conflict", is_refused, "{result}");
        }
    }
}

async fn keyed_batch(bench: &Bench, items: &[&str]) -> Vec<Value> {
    let request = Request::post("/v1/score/batch").header("idempotency-key", "k1");
    let body = format!("{{\"items\": [{}]}}", items.join(","));
    let (_, answer) = bench.send(request.body(axum::body::Body::from(body)).unwrap()).await;
    answer["results"].as_array().unwrap().clone()
}

/// The key is held although the first item could not be read, and no item of another body is recorded before one is refused.
#[tokio::test]
async fn a_key_belongs_to_its_batch_whichever_of_the_items_are_recorded() {
    let bench = Setup::default().start().await;
    let other = COMMIT.replace("config", "other");
    let kept = keyed_batch(&bench, &["{}", COMMIT, &other]).await;
    assert!(kept[0]["code"].is_string() && kept[1]["decision_id"].is_string(), "{kept:?}");
    assert_eq!((&kept[1]["change"]["repo"], &kept[2]["change"]["repo"]), (&json!("config"), &json!("other")));
    assert_ne!(kept[1]["decision_id"], kept[2]["decision_id"]);
    let n_before = bench.store.as_ref().unwrap().log().counts().await.unwrap()[&RecordKind::Decision];
    for items in [vec![COMMIT], vec![other.as_str(), COMMIT], vec!["{}", "{}", &other]] {
        let answered = keyed_batch(&bench, &items).await;
        for (item, result) in items.iter().zip(&answered) {
            assert_eq!(result["code"] == "idempotency_conflict", *item != "{}", "{answered:?}");
        }
    }
    let counts = bench.store.as_ref().unwrap().log().counts().await.unwrap();
    assert_eq!(counts[&RecordKind::Decision], n_before, "nothing of theirs is recorded");
    assert_eq!(keyed_batch(&bench, &["{}", COMMIT, &other]).await, kept);
}

#[tokio::test]
async fn fifty_parallel_calls_make_one_decision() {
    let bench = std::sync::Arc::new(Setup::default().start().await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let bench = std::sync::Arc::clone(&bench);
        tasks.spawn(async move {
            let request = Request::post("/v1/score").header("idempotency-key", "k");
            bench.send(request.body(axum::body::Body::from(COMMIT)).unwrap()).await.1
        });
    }
    let mut ids: Vec<String> =
        tasks.join_all().await.iter().map(|answer| answer["decision_id"].to_string()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn a_key_and_its_decision_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("log.db").display());
    let mut ids = Vec::new();
    for _ in 0..2 {
        let setup = Setup { store_config: Some(StoreConfig::new(url.clone())), ..Setup::default() };
        let bench = setup.start().await;
        let request = Request::post("/v1/score").header("idempotency-key", "k");
        let (_, answer) = bench.send(request.body(axum::body::Body::from(COMMIT)).unwrap()).await;
        ids.push(answer["decision_id"].clone());
        bench.store.as_ref().unwrap().close().await;
    }
    assert!(ids[0].is_string() && ids[0] == ids[1]);
}

#[tokio::test]
async fn a_decision_made_on_thursday_never_opens_fridays_freeze() {
    let policy =
        "[budget]\nnormal = 0.1\n[[window]]\nweekly = \"Fri 16:00/Mon 06:00\"\nzone = \"UTC\"\nhold = 1.0\n";
    // Friday 2026-01-30, 15:40 UTC: twenty minutes before the freeze.
    let setup = Setup { policy: Some(policy.into()), now: 1_769_787_600, ..Setup::default() };
    let bench = setup.start().await;
    let keyed = || Request::post("/v1/score").header("idempotency-key", "k").body(COMMIT.into()).unwrap();
    let before = [bench.score().await, bench.send(keyed()).await.1];
    for answer in &before {
        assert_eq!(
            (answer["decision"].as_str(), answer["expires_at"].as_str()),
            (Some("fast_path"), Some("2026-01-30T16:00:00Z"))
        );
    }
    bench.now.store(1_769_788_800_000, std::sync::atomic::Ordering::Relaxed);
    for answer in [bench.score().await, bench.send(keyed()).await.1] {
        assert_eq!(answer["decision"], "hold");
        assert!(before.iter().all(|earlier| earlier["decision_id"] != answer["decision_id"]));
    }
}

#[tokio::test]
async fn no_fault_ever_opens_the_fast_path() {
    let faults = [
        (Fault::NoModel, "no_model"),
        (Fault::Panic, "internal_error"),
        (Fault::Slow, "deadline_passed"),
        (Fault::NotANumber, "not_a_number"),
        (Fault::Stale, "history_stale"),
        (Fault::UnknownCommit, "unknown_commit"),
        (Fault::FeatureMissing, "feature_missing"),
        (Fault::OutOfDistribution, "out_of_distribution"),
        (Fault::Future, "clock_skew"),
        (Fault::NoAssessment, "internal_error"),
    ];
    for (fault, code) in faults {
        let mut setup = Setup::default();
        // A busy machine must not turn a slow record into another doubt.
        setup.config.record_time = Duration::from_secs(60);
        if fault == Fault::Slow {
            setup.config.deadline = Duration::from_millis(20);
        }
        let bench = setup.start().await;
        bench.fake.faults.lock().unwrap().insert(fault);
        for _ in 0..100 {
            let answer = bench.score().await;
            assert_eq!(
                (&answer["decision"], &answer["degraded"]),
                (&json!("extra_validation"), &json!(true)),
                "{fault:?}"
            );
            assert!(codes(&answer).contains(&code), "{fault:?}: {answer}");
            assert!(answer["decision_id"].is_string(), "degraded decisions are recorded as well");
            assert_eq!(answer.as_object().unwrap().len(), 17, "every key is there");
        }
        bench.fake.faults.lock().unwrap().clear();
        if fault != Fault::Slow {
            assert_eq!(bench.score().await["decision"], "fast_path", "a degraded answer is never reused");
        }
    }
}

#[tokio::test]
async fn without_a_store_or_a_policy_every_answer_is_degraded() {
    let bench = Setup { store_config: None, ..Setup::default() }.start().await;
    for _ in 0..100 {
        let answer = bench.score().await;
        assert_eq!(codes(&answer)[0], "store_down");
        assert_eq!((&answer["decision"], &answer["decision_id"]), (&json!("extra_validation"), &Value::Null));
    }
    let bench = Setup { policy: None, ..Setup::default() }.start().await;
    for _ in 0..100 {
        let answer = bench.score().await;
        assert!(codes(&answer).contains(&"policy_missing"));
        assert_eq!((&answer["decision"], &answer["degraded"]), (&json!("extra_validation"), &json!(true)));
    }
    assert_eq!(bench.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_log_that_failed_stays_closed_and_the_service_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let store_config = StoreConfig::new(format!("sqlite://{}", path.display()));
    let bench = Setup { store_config: Some(store_config), ..Setup::default() }.start().await;
    assert_eq!(bench.score().await["decision"], "fast_path");
    let mut session =
        <sqlx::SqliteConnection as sqlx::Connection>::connect(&format!("sqlite://{}", path.display()))
            .await
            .unwrap();
    sqlx::raw_sql("DROP TABLE record").execute(&mut session).await.unwrap();
    for _ in 0..100 {
        let answer = bench.score().await;
        assert_eq!((codes(&answer)[0], &answer["decision"]), ("store_down", &json!("extra_validation")));
    }
    let (status, ready) = bench.get("/readyz").await;
    assert_eq!((status, &ready["ready"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(false)));
    assert_eq!(bench.get("/livez").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_log_whose_queue_is_full_degrades_and_recovers() {
    let mut store_config = StoreConfig::new("memory");
    store_config.n_queued = 1;
    let bench = Setup { store_config: Some(store_config), ..Setup::default() }.start().await;
    let store = bench.store.clone().unwrap();
    let flood = || NewRecord::new(RecordKind::Outcome, "{}".into());
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..2000 {
        let store = store.clone();
        waiting.spawn(async move { store.append((0..64).map(|_| flood()).collect()).await.is_ok() });
    }
    let answer = bench.score().await;
    if answer["degraded"] == json!(true) {
        assert_eq!((codes(&answer)[0], &answer["decision"]), ("store_slow", &json!("extra_validation")));
    }
    let n_refused = waiting.join_all().await.iter().filter(|taken| !**taken).count();
    assert!(n_refused > 0, "the queue is bounded");
    assert_eq!(bench.score().await["decision"], "fast_path");
}

#[tokio::test]
async fn a_batch_keeps_its_order_and_answers_each_item() {
    let bench = Setup::default().start().await;
    let item = |commit: char| json!({"change": {"repo": "config", "commit": commit.to_string().repeat(40)}});
    let body = json!({"items": [item('a'), {"change": {"repo": "config"}}, item('b')]});
    let (status, answer) = bench.post("/v1/score/batch", &body.to_string()).await;
    assert_eq!(status, StatusCode::OK);
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results[0]["change"]["commit"], "a".repeat(40));
    assert_eq!(
        (results[1]["code"].as_str(), results[1]["path"].as_str()),
        (Some("missing_field"), Some("$.items[1].change"))
    );
    assert_eq!(results[2]["change"]["commit"], "b".repeat(40));
    let many = json!({"items": vec![item('a'); 1001]});
    assert_eq!(bench.post("/v1/score/batch", &many.to_string()).await.0.as_u16(), 422);
}

#[tokio::test]
async fn nonsense_is_refused_by_path_and_never_echoed() {
    let bench = Setup::default().start().await;
    let with = |rest: &str| format!(r#"{{"change":{{"repo":"config",{rest}}}}}"#);
    let secret = "sEcReT0123456789";
    let cases = [
        (String::new(), 400, "malformed_json", "$"),
        ("[]".into(), 400, "wrong_type", "$"),
        ("{}".into(), 400, "missing_field", "$.change"),
        (with(r#""commit":5"#), 400, "wrong_type", "$.change.commit"),
        (with(&format!(r#""commit":"{secret}""#)), 422, "invalid_value", "$.change.commit"),
        (with(r#""commit":"0123456789","diff":"x""#), 422, "invalid_value", "$.change.diff"),
        (with(r#""diff":"x","extra":1"#), 400, "unknown_field", "$.change.extra"),
        (with(&format!(r#""diff":"x","{secret}":1"#)), 400, "unknown_field", "$.change.?"),
        (with(r#""diff":"","authored_at":"yesterday""#), 422, "invalid_value", "$.change.authored_at"),
        (
            COMMIT.replace("}}", r#"},"features":{"n_files":1}}"#),
            422,
            "built_in_feature",
            "$.features.n_files",
        ),
        (COMMIT.replace("}}", r#"},"features":{"x.load":NaN}}"#), 400, "malformed_json", "$.features.x.load"),
        (COMMIT.replace("}}", r#"},"features":{"x.load":1e39}}"#), 422, "invalid_value", "$.features.x.load"),
        (
            COMMIT.replace("}}", r#"},"features":{"x.a":1,"x.a":2}}"#),
            400,
            "duplicate_field",
            "$.features.x.a",
        ),
        (
            COMMIT.replace("}}", r#"},"context":{"rollout_at":"2026-13-01T00:00:00Z"}}"#),
            422,
            "invalid_value",
            "$.context.rollout_at",
        ),
        (COMMIT.replace("}}", r#"},"context":{"zone":"a"}}"#), 400, "unknown_field", "$.context.zone"),
    ];
    for (body, status, code, path) in cases {
        let (was, problem) = bench.post("/v1/score", &body).await;
        let told = (was.as_u16(), problem["code"].as_str().unwrap(), problem["path"].as_str().unwrap());
        assert_eq!(told, (status, code, path), "{body}");
        assert!(!problem.to_string().contains(secret), "{problem}");
    }
    assert_eq!(bench.fake.n_assessed.load(std::sync::atomic::Ordering::Relaxed), 0);
    let (status, problem) = bench.get("/v1/score").await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (405, Some("method_not_allowed")));
    assert_eq!(bench.get("/v1/nothing").await.1["code"], "not_found");
    let mut request = post("/v1/score", COMMIT);
    request.headers_mut().insert("content-type", "text/xml".parse().unwrap());
    assert_eq!(bench.send(request).await.0.as_u16(), 415);
}

#[tokio::test]
async fn a_model_is_named_only_where_it_scored() {
    let bench = Setup::default().start().await;
    assert_eq!(bench.score().await["model"]["version"], "v1");
    bench.fake.faults.lock().unwrap().insert(Fault::UnknownCommit);
    let answer = bench.score().await;
    assert!(answer["model"].is_null() && answer["risk"].is_null() && answer["explanation"].is_null());
    drop(Fake::new("v2", 1.0));
}

/// A question that was asked before a report, and is answered after it.
#[tokio::test]
async fn what_is_decided_while_a_bad_outcome_is_recorded_is_taken_back() {
    let bench = Setup::default().start().await;
    let (release, held) = std::sync::mpsc::channel();
    *bench.fake.held.lock().unwrap() = Some(held);
    let asking = async {
        let answer = bench.score().await;
        answer["decision_id"].as_str().unwrap().to_owned()
    };
    let reporting = async {
        while bench.fake.n_assessed.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let outcome = r#"{"repo":"config","commit":"0123456789abcdef0123456789abcdef01234567","outcome":"incident","occurred_at":"2026-01-28T11:00:00Z"}"#;
        bench.post("/v1/outcomes", outcome).await
    };
    let releasing = async {
        while bench.fake.reported.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        release.send(()).unwrap();
    };
    let (decision, (status, outcome), ()) = tokio::join!(asking, reporting, releasing);
    assert_eq!(status, StatusCode::CREATED, "{outcome}");
    let revocations = async || bench.get(&format!("/v1/decisions/{decision}")).await.1["revocations"].clone();
    let taken_back = async {
        while revocations().await == json!([]) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), taken_back).await.unwrap();
    assert_eq!(revocations().await[0]["reason"], "incident");
}

#[tokio::test]
async fn an_answer_in_doubt_answers_no_later_question() {
    let bench = Setup::default().start().await;
    bench.fake.faults.lock().unwrap().insert(Fault::UnknownCommit);
    let [first, second] = [bench.score().await, bench.score().await];
    assert!(first["degraded"] == true && first["decision_id"].is_string(), "{first}");
    assert_ne!(first["decision_id"], second["decision_id"]);
}
