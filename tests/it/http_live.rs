//! The service over a real history: what it answers is what mining wrote, bit for bit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use diffrisk::artifact::{Artifact, Registry};
use diffrisk::change::{ChangeId, digest, render_diff};
use diffrisk::dataset::{CustomValues, LabelTask, Rows};
use diffrisk::features::schema;
use diffrisk::git::{Repository, Sample, Unit, UnitChoice, write_sample};
use diffrisk::http::live::{Live, LiveAssessor, RepositoryConfig};
use diffrisk::http::{
    Asked, Assessor, ModelSource, Models, Parts, PolicyInUse, PolicySource, ServerConfig, Service, Target,
    replay, router,
};
use diffrisk::incident::{OutcomeKind, OutcomeRecord, load_incidents};
use diffrisk::mining::{AuthorKey, MineOptions, mine};
use diffrisk::policy::{Reason, ReasonCode};
use diffrisk::store::{Log, Store, StoreConfig};
use diffrisk::timeline::Sources;
use diffrisk::train::{Recipe, TrainOptions, train_rows};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::custom_features::load_of;
use crate::http_doubts;
use crate::labels::sources::report_on;
use crate::timeline::rows;

/// A sample repository, its mined rows, and a small model of them in a registry.
struct World {
    _dir: tempfile::TempDir,
    root: PathBuf,
    sample: Sample,
    rows: Rows,
}

/// Mined once by whoever asks first: the sample is the same wherever it is written.
fn world() -> World {
    static ROWS: OnceLock<Rows> = OnceLock::new();
    world_of(|sample| ROWS.get_or_init(|| mined(sample, None)).clone())
}

fn world_with(custom: CustomValues) -> World {
    world_of(|sample| mined(sample, Some(custom)))
}

fn world_of(rows: impl FnOnce(&Sample) -> Rows) -> World {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_owned();
    let sample = write_sample(&root.join("sample")).unwrap();
    let rows = rows(&sample);
    World { _dir: dir, root, sample, rows }
}

fn mined(sample: &Sample, custom: Option<CustomValues>) -> Rows {
    let repository = Repository::open(&sample.repository).unwrap();
    let options = MineOptions {
        name: "config".into(),
        unit: Unit::Commit,
        sources: Sources::new(load_incidents(&sample.incidents).unwrap(), Vec::new()),
        since: None,
        until: None,
        now: i64::MAX,
        custom,
        author_key: AuthorKey::new(vec![7; 32]).unwrap(),
    };
    mine(&repository, options, |_| {}).unwrap().rows
}

/// A quick model of the older half of the rows.
fn trained(rows: &Rows) -> Artifact {
    trained_at(rows, rows.facts()[rows.n_rows() / 2].committed_at)
}

fn trained_at(rows: &Rows, as_of: i64) -> Artifact {
    let recipe = Recipe { n_trees: 10, n_bags: 1, ..Recipe::default() };
    let options = TrainOptions { recipe, prior: None, as_of, seed: 1 };
    train_rows(rows, "sample", LabelTask::Strict, &options).unwrap()
}

impl World {
    /// Makes a model of the rows without custom features, trained by whoever asks first, the registry's own.
    fn train(&self) {
        static ARTIFACT: OnceLock<Artifact> = OnceLock::new();
        self.promote(ARTIFACT.get_or_init(|| trained(&self.rows)));
    }

    fn promote(&self, artifact: &Artifact) {
        let registry = Registry::at(&self.models());
        let model_name = registry.add(artifact).unwrap();
        registry.promote(&model_name).unwrap();
    }

    fn models(&self) -> PathBuf {
        self.root.join("models")
    }

    /// Where the only history that was folded is kept.
    fn cache(&self) -> PathBuf {
        std::fs::read_dir(self.root.join("cache")).unwrap().next().unwrap().unwrap().path()
    }

    fn config(&self, path: &Path) -> RepositoryConfig {
        RepositoryConfig {
            name: "config".into(),
            path: path.to_owned(),
            unit: UnitChoice::Commit,
            owners: None,
            incidents: Some(self.sample.incidents.clone().into()),
        }
    }

    async fn serve(&self, path: &Path, now: i64) -> Served {
        self.serve_as(&self.config(path), now).await
    }

    async fn serve_as(&self, config: &RepositoryConfig, now: i64) -> Served {
        let live =
            Live::open(std::slice::from_ref(config), &self.root.join("cache"), &[], now, &|_| {}).unwrap();
        let models = ModelSource::new(Arc::new(live), Some(self.models().join("default")));
        let (assessor, refused) = models.first();
        assert_eq!(refused.is_some(), !self.models().join("default").exists(), "{refused:?}");
        let clock = Arc::new(AtomicI64::new(now));
        let reads = Arc::clone(&clock);
        let policy = PolicySource::new(None);
        let store = Store::open(&StoreConfig::new("memory")).await.unwrap();
        let log = store.log().clone();
        let service = Service::new(Parts {
            config: ServerConfig { deadline: Duration::from_secs(60), ..ServerConfig::default() },
            assessor,
            models: Some(Arc::new(models) as Arc<dyn Models>),
            policy: policy.load().ok().map(|in_use: PolicyInUse| in_use),
            policies: None,
            store: Some(store),
            clock: Arc::new(move || reads.load(Ordering::Relaxed) * 1000),
        });
        Served { service: service.unwrap(), clock, log }
    }

    fn mined(&self, idx: usize) -> Vec<Option<f64>> {
        let shown = |value: f32| (!value.is_nan()).then_some(f64::from(value));
        self.rows.vector(idx).into_iter().map(shown).collect()
    }
}

struct Served {
    service: Arc<Service>,
    clock: Arc<AtomicI64>,
    log: Log,
}

impl Served {
    async fn post(&self, path: &str, body: &Value) -> Value {
        self.answer(Request::post(path).body(Body::from(body.to_string())).unwrap()).await
    }

    async fn get(&self, path: &str) -> Value {
        self.answer(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn answer(&self, request: Request<Body>) -> Value {
        let response = router(Arc::clone(&self.service)).oneshot(request).await.unwrap();
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    async fn score(&self, body: Value) -> Value {
        self.post("/v1/score?include=vector", &body).await
    }
}

fn vector(answer: &Value) -> Vec<Option<f64>> {
    answer["vector"].as_array().unwrap_or_else(|| panic!("{answer}")).iter().map(Value::as_f64).collect()
}

fn codes(answer: &Value) -> Vec<&str> {
    answer["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

fn git(dir: &Path, args: &[&str]) {
    let status = Command::new("git").arg("-C").arg(dir).args(args).output().unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
}

#[tokio::test]
async fn a_landed_commit_is_scored_with_the_vector_that_mining_wrote() {
    let world = world();
    world.train();
    let newest = world.rows.n_rows() - 1;
    let now = world.rows.facts()[newest].committed_at;
    let served = world.serve(&world.sample.repository, now).await;
    for idx in (0..=newest).step_by(37).chain([newest]) {
        let commit = &world.rows.facts()[idx].change_id.0;
        let answer = served.score(json!({"change": {"repo": "config", "commit": commit}})).await;
        assert_eq!(vector(&answer), world.mined(idx), "{commit}");
        assert_eq!(answer["tokens"].as_array().unwrap().len(), world.rows.tokens(idx).len());
        assert_eq!(answer["history"]["mode"], "before_landing");
        assert_eq!(answer["change"]["digest"], world.rows.facts()[idx].digest);
        let is_usual = !codes(&answer).contains(&"out_of_distribution");
        assert_eq!(answer["degraded"], !is_usual, "{:?}", codes(&answer));
        let is_named =
            answer["warnings"].to_string().contains("unlike anything that the model was trained on are `");
        assert_eq!(is_named, !is_usual, "{answer}");
        let contributions = answer["explanation"]["contributions"].as_array().unwrap();
        let sum: f64 = contributions.iter().map(|it| it["contribution"].as_f64().unwrap()).sum();
        let margin = answer["explanation"]["margin"].as_f64().unwrap();
        assert!((answer["explanation"]["base"].as_f64().unwrap() + sum - margin).abs() < 1e-9);
    }
    let unknown = served.score(json!({"change": {"repo": "config", "commit": "0".repeat(40)}})).await;
    assert_eq!((codes(&unknown)[0], &unknown["decision"]), ("unknown_commit", &json!("extra_validation")));
    let nobody = served.score(json!({"change": {"repo": "other", "commit": "0".repeat(40)}})).await;
    assert_eq!((codes(&nobody)[0], &nobody["degraded"]), ("unknown_repository", &json!(true)));
    let cold =
        served.score(json!({"change": {"repo": "other", "diff": world.sample.proposals[0].diff}})).await;
    assert!(codes(&cold).contains(&"no_local_history") && cold["degraded"] == false, "{cold}");
}

#[tokio::test]
async fn custom_features_are_served_as_they_were_mined_and_replay() {
    let features = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    std::fs::write(features.path(), load_of(rows()).replace("\nsample,", "\nconfig,")).unwrap();
    let world = world_with(CustomValues::load(features.path()).unwrap());
    world.promote(&trained(&world.rows));
    let newest = world.rows.n_rows() - 1;
    let served = world.serve(&world.sample.repository, world.rows.facts()[newest].committed_at).await;
    let n_built_in = schema().n_values();
    let mut items = Vec::new();
    for idx in (1..newest).step_by(63) {
        let values = world.rows.vector(idx)[n_built_in..].to_vec();
        let sent: serde_json::Map<String, Value> = ["x.load", "x.spare"]
            .into_iter()
            .zip(values)
            .filter(|(_, value)| !value.is_nan())
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        let commit = &world.rows.facts()[idx].change_id.0;
        let body = json!({"change": {"repo": "config", "commit": commit}, "features": sent});
        let answer = served.score(body.clone()).await;
        assert_eq!(vector(&answer), world.mined(idx), "{commit}");
        // Nobody ever knew the other one: that is missing from every question, and no question is vouched for.
        assert!(codes(&answer).contains(&"custom_feature_missing"), "{answer}");
        let custom = served.get("/v1/model").await["custom_features"].clone();
        assert!(custom.as_array().is_some_and(|names| !names.is_empty()), "{custom}");
        assert_eq!((&answer["degraded"], answer["decision"] == "fast_path"), (&json!(true), false));
        assert_eq!(answer["risk"]["reference"]["scope"], "artifact");
        items.push((body, answer));
    }
    for _ in 0..100 {
        let again = served.score(items[0].0.clone()).await;
        assert!(again["degraded"] == true && again["decision"] != "fast_path", "{again}");
    }
    let bodies: Vec<&Value> = items.iter().map(|(body, _)| body).collect();
    let batch = served.post("/v1/score/batch", &json!({ "items": bodies })).await;
    for (result, (_, answer)) in batch["results"].as_array().unwrap().iter().zip(&items) {
        assert_eq!(result["risk"]["score"], answer["risk"]["score"]);
    }
    let (body, answer) = &items[3];
    let record = served.log.record(answer["decision_id"].as_str().unwrap()).await.unwrap().unwrap();
    let registry = Registry::at(&world.models());
    let artifact = Arc::new(registry.load(&registry.current().unwrap()).unwrap());
    let replayed = replay(&record, artifact).unwrap();
    assert!(replayed.differences.is_empty() && replayed.n_compared > 10, "{replayed:?}");

    let mut complete = body.clone();
    complete["features"]["x.spare"] = json!(0.5);
    let vouched = served.score(complete.clone()).await;
    assert!(!codes(&vouched).contains(&"custom_feature_missing"), "{vouched}");
    assert_eq!(served.score(complete.clone()).await["decision_id"], vouched["decision_id"]);
    complete["features"]["x.spare"] = json!(0.75);
    let moved = served.score(complete).await;
    assert_ne!(moved["decision_id"], vouched["decision_id"], "another value is another question");
}

#[tokio::test]
async fn the_explanation_beside_an_answer_has_the_diff_and_is_not_stored() {
    let world = world();
    world.train();
    let now = world.rows.facts().last().unwrap().committed_at + 3600;
    let served = world.serve(&world.sample.repository, now).await;
    let proposal = world.sample.proposals.iter().find(|it| it.file_name == "timeout.diff").unwrap();
    let posted = json!({"change": {"repo": "config", "author": proposal.author, "message": proposal.message,
        "diff": proposal.diff}});
    let answer = served.post("/v1/score?include=explanation,vector", &posted).await;
    let text = answer["explained"]["diff"]["files"][0]["edits"][0]["text"].as_str().unwrap();
    assert!(text.contains("shorter") && answer["vector"].is_array(), "{text}");
    assert_eq!(answer["explained"]["headline"]["verdict"], answer["decision"]);
    assert!(answer["explained"]["similar"]["n_searched"].as_u64().unwrap() > 0);
    let path = answer["links"]["self"].as_str().unwrap();
    let request = Request::get(path).body(Body::empty()).unwrap();
    let stored = router(Arc::clone(&served.service)).oneshot(request).await.unwrap();
    let stored = stored.into_body().collect().await.unwrap().to_bytes();
    let stored: Value = serde_json::from_slice(&stored).unwrap();
    assert_eq!((stored.get("explained"), stored["decision"] == answer["decision"]), (None, true), "{stored}");
    let refused = served.post("/v1/score?include=vector,all", &posted).await;
    assert_eq!(refused["code"], "bad_query");
}

#[tokio::test]
async fn a_posted_diff_has_the_vector_that_the_commit_will_have() {
    let world = world();
    let newest = world.rows.n_rows() - 1;
    let first = newest - 40;
    let bare = world.root.join("bare.git");
    git(
        &world.root,
        &["clone", "-q", "--bare", world.sample.repository.to_str().unwrap(), bare.to_str().unwrap()],
    );
    let move_to = |idx: usize| git(&bare, &["update-ref", "HEAD", &world.rows.facts()[idx].change_id.0]);
    move_to(first - 1);
    let repository = Repository::open(&world.sample.repository).unwrap();
    let served = world.serve(&bare, world.rows.facts()[first - 1].committed_at).await;
    for idx in first..=newest {
        let facts = &world.rows.facts()[idx];
        served.clock.store(facts.committed_at, Ordering::Relaxed);
        let change = repository.change(&ChangeId(facts.change_id.0.clone()), Unit::Commit).unwrap();
        let authored = jiff::tz::Offset::from_seconds(change.authored_at.offset_minutes * 60).unwrap();
        let authored_at = jiff::Timestamp::from_second(change.authored_at.unix_seconds).unwrap();
        let posted = json!({"change": {
            "repo": "config", "author": change.author, "message": change.message,
            "authored_at": authored_at.display_with_offset(authored).to_string(),
            "diff": render_diff(&change.record),
        }});
        let answer = served.score(posted).await;
        assert_eq!(vector(&answer), world.mined(idx), "{idx}: {}", facts.change_id.0);
        assert_eq!(answer["change"]["digest"], digest(&change.record).to_string());
        assert_eq!(codes(&answer)[0], "artifact_refused", "there is no model here, and the answer says so");
        move_to(idx);
        let refreshed = served.post("/v1/repos/config/refresh", &Value::Null).await;
        assert_eq!(refreshed["head"], facts.change_id.0);
    }
}

#[tokio::test]
async fn what_is_known_against_a_change_follows_its_diff_and_a_report() {
    let world = world();
    world.train();
    let newest = world.rows.n_rows() - 1;
    let now = world.rows.facts()[newest].committed_at;
    let served = world.serve(&world.sample.repository, now).await;
    let proposal = &world.sample.proposals[0];
    let quiet = (0..newest).rev().find(|idx| {
        let facts = &world.rows.facts()[*idx];
        facts.label_raw != Some(true) && facts.outcome_at.is_none()
    });
    let commit = world.rows.facts()[quiet.unwrap()].change_id.0.clone();
    let body = json!({"change": {"repo": "config", "commit": commit}});
    let before = served.score(body.clone()).await;
    assert!(!codes(&before).contains(&"known_bad"), "{before}");
    let outcome = json!({"repo": "config", "commit": commit, "outcome": "reverted", "occurred_at": "2025-01-01T00:00:00Z"});
    served.post("/v1/outcomes", &outcome).await;
    let after = served.score(body).await;
    assert!(codes(&after).contains(&"known_bad"), "{after}");
    assert_ne!(after["decision"], "fast_path");
    let posted = json!({"change": {"repo": "config", "diff": proposal.diff, "author": proposal.author, "message": proposal.message}});
    let answer = served.score(posted).await;
    assert_eq!(answer["history"]["mode"], "present");
}

#[tokio::test]
async fn a_model_of_another_unit_cannot_vouch() {
    let world = world();
    world.train();
    let newest = &world.rows.facts()[world.rows.n_rows() - 1];
    let change = json!({"change": {"repo": "config", "commit": newest.change_id.0}});
    for (unit, is_known) in [(UnitChoice::Commit, true), (UnitChoice::Landing, false)] {
        let config = RepositoryConfig { unit, ..world.config(&world.sample.repository) };
        let served = world.serve_as(&config, newest.committed_at).await;
        let answer = served.score(change.clone()).await;
        assert_eq!(!codes(&answer).contains(&"unknown_unit"), is_known, "{answer}");
        assert_eq!(answer["degraded"], !is_known);
        let digest = answer["model"]["digest"].as_str().unwrap();
        assert!(digest.starts_with("sha256:") && digest.len() == 71, "{digest}");
    }
}

/// A decision made before a report must not be taken for one made after it, whatever was restarted between.
#[test]
fn a_report_sets_later_questions_apart_after_a_restart_as_well() {
    let world = world();
    let now = world.rows.facts().last().unwrap().committed_at + 60;
    let change_id = world.rows.facts()[10].change_id.clone();
    let report = report_on(change_id.clone(), OutcomeKind::Incident, now);
    let open = |reported: &[OutcomeRecord]| {
        let config = world.config(&world.sample.repository);
        Arc::new(Live::open(&[config], &world.root.join("cache"), reported, now, &|_| {}).unwrap())
    };
    let epoch = |live: &Arc<Live>| {
        let assessor = LiveAssessor::without_model(Arc::clone(live), Reason::standard(ReasonCode::NoModel));
        let target = Target::Commit { commit: change_id.0.clone(), base: None, id: None };
        let asked = Asked { target, custom: BTreeMap::new(), received_at: now };
        assessor.assess("config", &[asked]).pop().unwrap().unwrap().history_epoch
    };
    let live = open(&[]);
    let before = epoch(&live);
    assert_eq!(epoch(&open(&[])), before, "a restart alone sets nothing apart");
    live.report(&report);
    let after = epoch(&live);
    assert_ne!(after, before);
    assert_eq!(epoch(&open(std::slice::from_ref(&report))), after);
}

/// What a change was read with stays so, whatever was restarted or withdrawn since.
#[test]
fn a_restart_knows_of_each_report_from_where_it_came() {
    let world = world();
    let facts = world.rows.facts();
    let is_apart = |idx: &usize| facts[idx + 1].committed_at > facts[*idx].committed_at + 1;
    let cut = (facts.len() - 60..facts.len() - 1).find(is_apart).unwrap();
    let now = facts.last().unwrap().committed_at + 60;
    let grown = world.root.join("grown.git");
    git(&world.root, &["clone", "-q", "--bare", world.sample.repository.to_str().unwrap(), "grown.git"]);
    let head = Some(facts[cut].change_id.clone());
    let config = RepositoryConfig { incidents: None, ..world.config(&grown) };
    let open = |cache: &str, reported: &[OutcomeRecord]| {
        let configs = std::slice::from_ref(&config);
        let live = Live::open(configs, &world.root.join(cache), reported, now, &|_| {}).unwrap();
        LiveAssessor::without_model(Arc::new(live), Reason::standard(ReasonCode::NoModel))
    };
    let vectors = |assessor: &LiveAssessor| -> Vec<Vec<u32>> {
        let asked = |commit: &ChangeId| Asked {
            target: Target::Commit { commit: commit.0.clone(), base: None, id: None },
            custom: BTreeMap::new(),
            received_at: now,
        };
        let asked: Vec<Asked> = facts[cut + 1..].iter().map(|row| asked(&row.change_id)).collect();
        let assessed = assessor.assess("config", &asked).into_iter().map(Result::unwrap);
        assessed.map(|it| it.vector.iter().map(|value| value.to_bits()).collect()).collect()
    };
    let unheard = vectors(&open("unheard", &[]));
    // Told in time; before commits are pushed that were made before; and of what had been known for long.
    let (in_time, late, early) = (facts[cut].committed_at + 1, now - 3, facts[cut].committed_at - 1_000_000);
    for (case, known_at, head) in
        [("time", in_time, None), ("late", late, head.clone()), ("early", early, head)]
    {
        git(&grown, &["update-ref", "HEAD", &facts[cut].change_id.0]);
        let reported = &facts[cut - 3].change_id;
        let report = |outcome, known_at| OutcomeRecord {
            head: head.clone(),
            ..report_on(reported.clone(), outcome, known_at)
        };
        let bad = report(OutcomeKind::Incident, known_at);
        let (warm, cold) = (format!("warm-{case}"), format!("cold-{case}"));
        let running = open(&warm, &[]);
        running.report(&bad);
        git(&grown, &["update-ref", "HEAD", &facts.last().unwrap().change_id.0]);
        running.refresh("config", now).unwrap().unwrap();
        let heard = vectors(&running);
        assert!(heard.iter().zip(&unheard).all(|(heard, unheard)| !heard.is_empty() && heard != unheard));

        // Whoever says it again says nothing new.
        let again = report(OutcomeKind::Incident, now - 1);
        running.report(&again);
        assert_eq!(vectors(&running), heard);
        for cache in [&warm, &warm, &cold] {
            assert_eq!(vectors(&open(cache, std::slice::from_ref(&bad))), heard, "{cache}");
            assert_eq!(vectors(&open(cache, &[bad.clone(), again.clone()])), heard, "{cache}");
        }
        let withdrawn = report(OutcomeKind::Retracted, now);
        running.report(&withdrawn);
        assert_eq!(vectors(&running), unheard);
        assert_eq!(vectors(&open(&warm, &[bad.clone(), again, withdrawn])), unheard);
        assert_eq!(vectors(&open(&warm, &[bad])), heard, "folded again for another log");
    }
}

#[tokio::test]
async fn a_range_is_decided_as_strictly_as_its_parts() {
    let world = world();
    world.train();
    let newest = world.rows.n_rows() - 1;
    let served = world.serve(&world.sample.repository, world.rows.facts()[newest].committed_at).await;
    let id = |idx: usize| world.rows.facts()[idx].change_id.0.clone();
    let answer = served
        .score(json!({"change": {"repo": "config", "commit": id(newest), "base": id(newest - 4)}}))
        .await;
    let parts = answer["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 4);
    assert_eq!(parts[3]["change"]["commit"], id(newest));
    let strictness =
        |decision: &Value| ["fast_path", "extra_validation", "hold"].iter().position(|word| decision == word);
    assert!(parts.iter().all(|part| strictness(&part["decision"]) <= strictness(&answer["decision"])));
}

/// Flips bits all over the rows of a folded history.
fn damage(cache: &Path) {
    let rows = cache.join("rows.bin");
    let mut bytes = std::fs::read(&rows).unwrap();
    bytes.iter_mut().step_by(997).for_each(|byte| *byte ^= 1);
    std::fs::write(&rows, bytes).unwrap();
}

#[tokio::test]
async fn damaged_rows_change_no_suspects() {
    let world = world();
    world.train();
    let at = world.rows.facts()[world.rows.n_rows() / 2].committed_at;
    let now = world.rows.facts()[world.rows.n_rows() - 1].committed_at;
    let question = format!("/v1/suspects?repo=config&at={at}&limit=100");
    let sound = world.serve(&world.sample.repository, now).await.get(&question).await;
    assert!(sound["suspects"].as_array().unwrap().len() > 1 && sound["model"].is_object(), "{sound}");
    damage(&world.cache());
    let served = world.serve(&world.sample.repository, now).await;
    assert_eq!(served.get(&question).await, sound);
    // What was mended for a question about the past is as new as it was before.
    let commit = world.rows.facts()[world.rows.n_rows() - 1].change_id.0.clone();
    let newest = served.score(json!({"change": {"repo": "config", "commit": commit}})).await;
    assert_eq!(newest["history"]["mode"], "before_landing", "{newest}");
}

#[tokio::test]
async fn damaged_rows_that_cannot_be_mended_answer_nothing() {
    let world = world();
    world.train();
    let now = world.rows.facts()[world.rows.n_rows() - 1].committed_at;
    let proposal = &world.sample.proposals[0];
    let ask = async |served: &Served| {
        let change = json!({"repo": "config", "diff": proposal.diff, "author": proposal.author, "message": proposal.message});
        served.score(json!({"change": change})).await
    };
    let sound = ask(&world.serve(&world.sample.repository, now).await).await;
    damage(&world.cache());
    let served = world.serve(&world.sample.repository, now).await;
    let away = world.root.join("away");
    std::fs::rename(&world.sample.repository, &away).unwrap();
    let doubted = ask(&served).await;
    assert!(codes(&doubted).contains(&"internal_error"), "{doubted}");
    assert!(doubted["reasons"].to_string().contains("is damaged"), "{doubted}");
    assert_eq!((&doubted["risk"], &doubted["decision"]), (&Value::Null, &json!("extra_validation")));
    std::fs::rename(&away, &world.sample.repository).unwrap();
    assert_eq!(ask(&served).await["risk"], sound["risk"]);
}

/// Margins of what a rewritten history dropped rank nothing any more.
#[tokio::test]
async fn ranks_are_taken_anew_where_a_history_was_rewritten() {
    let world = world();
    // A repository's own ranks are those of at least 200 changes that are new to the model.
    let older = world.rows.select(&(0..world.rows.n_rows() - 220).collect::<Vec<_>>());
    world.promote(&trained_at(&older, older.facts().last().unwrap().committed_at + 1));
    let newest = world.rows.facts().last().unwrap();
    let bare = world.root.join("bare.git");
    git(
        &world.root,
        &["clone", "-q", "--bare", world.sample.repository.to_str().unwrap(), bare.to_str().unwrap()],
    );
    let (now, proposal) = (newest.committed_at + 60, &world.sample.proposals[0]);
    let reference = async |served: &Served, message: &str| {
        let change =
            json!({"repo": "config", "diff": proposal.diff, "author": proposal.author, "message": message});
        served.score(json!({"change": change})).await["risk"]["reference"].clone()
    };
    let served = world.serve(&bare, now).await;
    let before = reference(&served, "before").await;
    assert_eq!(before["scope"], "repository", "{before}");
    let again =
        http_doubts::git(&bare, now - 30, &["commit-tree", "HEAD^{tree}", "-p", "HEAD^", "-m", "again"]);
    git(&bare, &["update-ref", "HEAD", &again]);
    assert_eq!(served.post("/v1/repos/config/refresh", &Value::Null).await["head"], again);
    let after = reference(&served, "after").await;
    assert_ne!(after, before);
    assert_eq!(after, reference(&world.serve(&bare, now).await, "after").await);
}

#[tokio::test]
async fn damaged_rows_change_no_answer() {
    let world = world();
    world.train();
    let newest = world.rows.n_rows() - 1;
    let now = world.rows.facts()[newest].committed_at;
    let commit = world.rows.facts()[newest - 3].change_id.0.clone();
    let landed = json!({"change": {"repo": "config", "commit": commit}});
    let proposal = &world.sample.proposals[0];
    let posted = json!({"change": {"repo": "config", "diff": proposal.diff, "author": proposal.author, "message": proposal.message}});
    let told = |answer: &Value| {
        (answer["risk"].clone(), answer["decision"].clone(), answer["history"]["mode"].clone())
    };
    let served = world.serve(&world.sample.repository, now).await;
    let sound = [told(&served.score(landed.clone()).await), told(&served.score(posted.clone()).await)];
    assert_eq!((&sound[0].2, &sound[1].2), (&json!("before_landing"), &json!("present")));
    let cache = world.cache();
    for questions in [[&landed, &posted], [&posted, &landed]] {
        damage(&cache);
        let served = world.serve(&world.sample.repository, now).await;
        for question in questions {
            let answer = told(&served.score(question.clone()).await);
            assert_eq!(answer, sound[usize::from(std::ptr::eq(question, &posted))]);
        }
    }
}
