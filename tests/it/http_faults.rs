//! Every doubt there is a word for, each driven a hundred times: none ever opens the fast path.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use diffrisk::policy::ReasonCode;
use diffrisk::store::StoreConfig;
use serde_json::{Value, json};

use crate::http_fake::{Bench, COMMIT, Fault, Setup};

const N_TIMES: usize = 100;

/// A way to get one code: how the service is set up, and what goes wrong in the model.
struct Case {
    code: ReasonCode,
    setup: Setup,
    faults: Vec<Fault>,
    body: String,
}

fn case(code: ReasonCode, faults: &[Fault]) -> Case {
    Case { code, setup: Setup::default(), faults: faults.to_vec(), body: COMMIT.to_owned() }
}

fn under(policy: &str, code: ReasonCode, faults: &[Fault]) -> Case {
    let policy = format!("{policy}\n[budget]\nnormal = 0.1\n");
    Case { setup: Setup { policy: Some(policy), ..Setup::default() }, ..case(code, faults) }
}

fn cases() -> Vec<Case> {
    let rule = "[[rule]]\nname = \"odd\"\nwhen = 'context.missing == 1'\nthen = \"extra_validation\"\n";
    let slow = ServerSlow::setup();
    vec![
        case(ReasonCode::NoModel, &[Fault::NoModel]),
        case(ReasonCode::ArtifactRefused, &[Fault::ArtifactRefused]),
        case(ReasonCode::UnknownCommit, &[Fault::UnknownCommit]),
        under("unknown_repository = \"degrade\"", ReasonCode::UnknownRepository, &[Fault::UnknownRepository]),
        under("unknown_author = \"degrade\"", ReasonCode::UnknownAuthor, &[Fault::UnknownAuthor]),
        under("unknown_path = \"degrade\"", ReasonCode::UnknownPath, &[Fault::UnknownPath]),
        case(ReasonCode::HistoryStale, &[Fault::Stale]),
        case(ReasonCode::FeatureMissing, &[Fault::FeatureMissing]),
        case(ReasonCode::OutOfDistribution, &[Fault::OutOfDistribution]),
        Case { setup: slow, ..case(ReasonCode::DeadlinePassed, &[Fault::Slow]) },
        Case { setup: Setup { store_config: None, ..Setup::default() }, ..case(ReasonCode::StoreDown, &[]) },
        case(ReasonCode::ClockSkew, &[Fault::Future]),
        case(ReasonCode::ClockSkew, &[Fault::HistoryAhead]),
        Case { setup: Setup { policy: None, ..Setup::default() }, ..case(ReasonCode::PolicyMissing, &[]) },
        case(ReasonCode::NotANumber, &[Fault::NotANumber]),
        case(ReasonCode::InternalError, &[Fault::Panic]),
        case(ReasonCode::InternalError, &[Fault::NoAssessment]),
        under(rule, ReasonCode::RuleFailed, &[]),
    ]
}

/// Codes that need more than one request, another process or another model; each has its own test, below or in `http_live`.
const ELSEWHERE: [ReasonCode; 4] = [
    ReasonCode::CustomFeatureMissing,
    ReasonCode::UnknownUnit,
    ReasonCode::ItemFailed,
    ReasonCode::StoreSlow,
];

struct ServerSlow;

impl ServerSlow {
    fn setup() -> Setup {
        let mut setup = Setup::default();
        setup.config.deadline = Duration::from_millis(5);
        setup
    }
}

fn check(answer: &Value, code: ReasonCode) {
    let codes: Vec<&str> =
        answer["reasons"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&code.as_str()), "{code:?}: {answer}");
    assert_eq!(answer["degraded"], true, "{code:?}: {answer}");
    assert_ne!(answer["decision"], "fast_path", "{code:?}: {answer}");
    assert_eq!(answer.as_object().unwrap().len(), 17, "{code:?}: a degraded answer keeps every key");
}

#[tokio::test]
async fn no_doubt_there_is_a_word_for_opens_the_fast_path() {
    drive_every_code(false).await;
}

#[tokio::test]
async fn no_doubt_opens_the_fast_path_where_a_question_is_answered_in_place() {
    drive_every_code(true).await;
}

async fn drive_every_code(is_brief: bool) {
    for Case { code, setup, faults, body } in cases() {
        let bench = setup.start().await;
        bench.fake.faults.lock().unwrap().extend(faults);
        bench.fake.is_brief.store(is_brief, Ordering::Relaxed);
        for _ in 0..N_TIMES {
            let (status, answer) = bench.post("/v1/score", &body).await;
            assert_eq!(status, StatusCode::OK, "{code:?}: {answer}");
            check(&answer, code);
        }
        let (_, metrics) = counted(&bench).await;
        let line = format!("diffrisk_degraded_total{{code=\"{}\"}} {N_TIMES}\n", code.as_str());
        assert!(metrics.contains(&line), "{line} not in:\n{metrics}");
    }
}

/// Whoever asks could choose a size that is not read in time; what could not be read at all is asked for as well.
#[tokio::test]
async fn no_rule_about_a_change_is_passed_by_one_that_was_not_read() {
    const POLICY: &str = "[budget]\nnormal = 0.1\n[[rule]]\nname = \"auth\"\nwhen = \"change.paths.exists(p, p.startsWith('auth/'))\"\nthen = \"hold\"\nrequire = [\"second_reviewer\"]\n";
    for (fault, is_brief, expected) in
        [(Fault::Slow, false, "hold"), (Fault::Slow, true, "hold"), (Fault::Panic, false, "extra_validation")]
    {
        let mut setup = if fault == Fault::Slow { ServerSlow::setup() } else { Setup::default() };
        setup.policy = Some(POLICY.to_owned());
        let bench = setup.start().await;
        bench.fake.faults.lock().unwrap().insert(fault);
        bench.fake.is_brief.store(is_brief, Ordering::Relaxed);
        let (_, answer) = bench.post("/v1/score", COMMIT).await;
        check(&answer, ReasonCode::RuleFailed);
        assert_eq!(answer["decision"], expected, "{fault:?}: {answer}");
        let required = answer["plan"]["require"].as_array().unwrap();
        assert!(required.contains(&json!("second_reviewer")), "{fault:?}: {answer}");
    }
}

#[test]
fn every_degrading_code_is_driven() {
    let driven: BTreeSet<&str> =
        cases().iter().map(|case| case.code).chain(ELSEWHERE).map(ReasonCode::as_str).collect();
    let degrading = ReasonCode::ALL.iter().filter(|code| code.degrades()).map(|code| code.as_str());
    assert_eq!(degrading.collect::<BTreeSet<_>>(), driven);
}

#[tokio::test]
async fn an_item_that_fails_takes_nobody_with_it() {
    let bench = Setup::default().start().await;
    bench.fake.faults.lock().unwrap().insert(Fault::PanicOnDead);
    let item = |commit: &str| json!({"change": {"repo": "config", "commit": commit.repeat(10)}});
    let body = json!({"items": [item("aaaa"), item("dead"), item("bbbb")]}).to_string();
    for _ in 0..N_TIMES {
        let (status, answer) = bench.post("/v1/score/batch", &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        check(&answer["results"][1], ReasonCode::ItemFailed);
        for idx in [0, 2] {
            assert_eq!(answer["results"][idx]["decision"], "fast_path", "{answer}");
        }
    }
}

#[tokio::test]
async fn a_store_that_is_too_slow_degrades() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("log.db").display());
    let mut setup = Setup { store_config: Some(StoreConfig::new(url.clone())), ..Setup::default() };
    setup.config.deadline = Duration::from_millis(200);
    let bench = Arc::new(setup.start().await);
    // Another process that holds the database: the writer waits, and the callers with it.
    let mut other = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..N_TIMES {
        let bench = Arc::clone(&bench);
        let body = COMMIT.replace("0123456789abcdef0", &format!("{n:017}"));
        callers.spawn(async move { bench.post("/v1/score", &body).await });
    }
    let mut n_slow = 0;
    for (status, answer) in callers.join_all().await {
        // On a busy machine some are shed before they are scored: no decision, and so no fast path.
        if status == StatusCode::SERVICE_UNAVAILABLE {
            continue;
        }
        assert_eq!((&answer["degraded"], &answer["decision_id"]), (&json!(true), &Value::Null), "{answer}");
        assert_ne!(answer["decision"], "fast_path", "{answer}");
        // The deadline passed, or the database gave up waiting first.
        let code = answer["reasons"][0]["code"].as_str();
        n_slow += usize::from(matches!(code, Some("store_slow" | "store_down")));
    }
    assert!(n_slow > 0);
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if bench.score().await["decision"] == "fast_path" {
            return;
        }
    }
    panic!("a log that was only held up takes records again");
}

async fn counted(bench: &Bench) -> (StatusCode, String) {
    let request = axum::http::Request::get("/metrics").body(axum::body::Body::empty()).unwrap();
    let router = diffrisk::http::router(Arc::clone(&bench.service));
    let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
    let status = response.status();
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
