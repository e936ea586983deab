//! A service with a model that always says the same, so that the service itself is what is tested.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use diffrisk::change::{Change, ChangeId, ChangeRecord, Moment};
use diffrisk::http::live::LiveError;
use diffrisk::http::{
    ApiError, Asked, Assessed, Assessor, HistoryMode, HistoryRef, ModelRef, Models, Parts, PolicyInUse,
    PolicySource, ServerConfig, Service, Target, router,
};
use diffrisk::incident::OutcomeRecord;
use diffrisk::label::{ChangeKind, Classification};
use diffrisk::policy::{Facts, KnownBad, KnownOutcome, Policy, Reason, ReasonCode};
use diffrisk::risk::{Assessment, Contribution, GateLevel, Reference, ReferenceScope, RiskScore};
use diffrisk::store::{Store, StoreConfig};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// Wednesday 2026-01-28, 12:00 UTC.
pub const NOON: i64 = 1_769_601_600;

/// What goes wrong in a fake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    NoModel,
    Panic,
    Slow,
    NotANumber,
    Stale,
    UnknownCommit,
    FeatureMissing,
    OutOfDistribution,
    Future,
    NoAssessment,
    ArtifactRefused,
    UnknownRepository,
    UnknownAuthor,
    UnknownPath,
    HistoryAhead,
    /// Panics on a commit that begins with `dead`.
    PanicOnDead,
}

/// A model that says what it is told to say.
pub struct Fake {
    model_ref: ModelRef,
    features: Vec<String>,
    pub percentile: Mutex<f64>,
    pub faults: Mutex<BTreeSet<Fault>>,
    pub known_bad: Mutex<bool>,
    pub head: Mutex<String>,
    pub n_assessed: AtomicU64,
    /// Whether it says that it is quick, whatever it does then.
    pub is_brief: AtomicBool,
    pub reported: Mutex<Vec<OutcomeRecord>>,
    /// What the next question waits for.
    pub held: Mutex<Option<std::sync::mpsc::Receiver<()>>>,
}

impl Fake {
    pub fn new(version: &str, percentile: f64) -> Arc<Self> {
        Arc::new(Self {
            model_ref: ModelRef {
                name: "fake".into(),
                version: version.into(),
                digest: format!("sha256:{version}"),
                trained_at: "2026-01-01T00:00:00Z".into(),
            },
            features: ["a", "b", "c"].map(String::from).to_vec(),
            percentile: Mutex::new(percentile),
            faults: Mutex::default(),
            known_bad: Mutex::new(false),
            head: Mutex::new("f".repeat(40)),
            n_assessed: AtomicU64::new(0),
            is_brief: AtomicBool::new(false),
            reported: Mutex::default(),
            held: Mutex::default(),
        })
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.lock().unwrap().contains(&fault)
    }

    fn assess_one(&self, asked: &Asked) -> Assessed {
        let held = self.held.lock().unwrap().take();
        self.n_assessed.fetch_add(1, Ordering::Relaxed);
        held.into_iter().for_each(|held| held.recv().unwrap());
        assert!(!self.has(Fault::Panic), "a fault of the test");
        if self.has(Fault::Slow) {
            std::thread::sleep(Duration::from_millis(60));
        }
        let (commit, author, message, record) = match &asked.target {
            Target::Commit { commit, .. } => {
                (Some(commit.clone()), "a".into(), "m".into(), ChangeRecord::default())
            }
            Target::Diff { author, message, record, .. } => {
                (None, author.clone(), message.clone(), ChangeRecord::clone(record))
            }
        };
        let is_dead = commit.as_ref().is_some_and(|commit| commit.starts_with("dead"));
        assert!(!(is_dead && self.has(Fault::PanicOnDead)), "a fault of the test");
        let future = if self.has(Fault::Future) { 86_400 } else { 0 };
        let mut assessed = Assessed {
            change: Change {
                id: ChangeId(commit.clone().unwrap_or_default()),
                author,
                message,
                authored_at: Moment { unix_seconds: asked.received_at + future, offset_minutes: 0 },
                committed_at: asked.received_at,
                merged: Vec::new(),
                merged_messages: Vec::new(),
                record: record.into(),
            },
            classification: classification(),
            keys: Vec::new(),
            owners: Vec::new(),
            commit,
            digest: Some("sha256:00".into()),
            facts: Facts::default(),
            known_bad: None,
            assessment: Some(assessment(*self.percentile.lock().unwrap())),
            doubts: Vec::new(),
            vector: vec![3.0, f32::NAN, 0.1],
            tokens: vec![6, 7],
            history: Some(HistoryRef {
                head: self.head.lock().unwrap().clone(),
                as_of: if self.has(Fault::HistoryAhead) {
                    "2037-01-01T00:00:00Z".into()
                } else {
                    "2026-01-28T11:59:00Z".into()
                },
                lag_seconds: 4,
                mode: HistoryMode::Present,
            }),
            history_epoch: 1,
            warnings: Vec::new(),
            parts: Vec::new(),
        };
        self.spoil(&mut assessed);
        assessed
    }

    fn spoil(&self, assessed: &mut Assessed) {
        if *self.known_bad.lock().unwrap() {
            assessed.known_bad = Some(KnownBad { outcome: KnownOutcome::Reverted, occurred_at: NOON - 60 });
        }
        if self.has(Fault::NoModel) {
            assessed.assessment = None;
            assessed.doubts.push(Reason::standard(ReasonCode::NoModel));
        }
        if self.has(Fault::ArtifactRefused) {
            assessed.assessment = None;
            assessed.doubts.push(Reason::standard(ReasonCode::ArtifactRefused));
        }
        if self.has(Fault::UnknownCommit) {
            assessed.assessment = None;
            assessed.doubts.push(Reason::standard(ReasonCode::UnknownCommit));
        }
        if self.has(Fault::NoAssessment) {
            assessed.assessment = None;
        }
        if self.has(Fault::NotANumber)
            && let Some(assessment) = &mut assessed.assessment
        {
            assessment.percentile = f64::NAN;
        }
        assessed.facts.unknown_repository = self.has(Fault::UnknownRepository);
        assessed.facts.unknown_author = self.has(Fault::UnknownAuthor);
        assessed.facts.unknown_path = self.has(Fault::UnknownPath);
        assessed.facts.missing_feature_share = if self.has(Fault::FeatureMissing) { 0.9 } else { 0.0 };
        assessed.facts.history_lag_seconds = Some(if self.has(Fault::Stale) { 86_400 * 30 } else { 4 });
        if self.has(Fault::OutOfDistribution) {
            assessed.doubts.push(Reason::standard(ReasonCode::OutOfDistribution));
        }
    }
}

impl Assessor for Fake {
    fn model(&self) -> Result<&ModelRef, Reason> {
        if self.has(Fault::NoModel) {
            Err(Reason::standard(ReasonCode::NoModel))
        } else {
            Ok(&self.model_ref)
        }
    }

    fn features(&self) -> &[String] {
        &self.features
    }

    fn assess(&self, _repo: &str, asked: &[Asked]) -> Vec<Result<Assessed, ApiError>> {
        asked.iter().map(|asked| Ok(self.assess_one(asked))).collect()
    }

    fn is_brief(&self, _repo: &str, _asked: &Asked) -> bool {
        self.is_brief.load(Ordering::Relaxed)
    }

    fn inputs(&self) -> &[String] {
        &self.features[..2]
    }

    fn report(&self, outcome_record: &OutcomeRecord) {
        self.reported.lock().unwrap().push(outcome_record.clone());
    }

    fn infer(&self, vectors: &[Vec<f32>]) -> Result<Vec<f64>, Reason> {
        Ok(vectors.iter().map(|vector| f64::from(vector.len() as f32) / 100.0).collect())
    }

    fn reassess(&self, _vector: &[f32], _tokens: &[u32]) -> Result<Assessment, Reason> {
        Ok(assessment(*self.percentile.lock().unwrap()))
    }

    fn refresh(&self, _repo: &str, _now: i64) -> Option<Result<HistoryRef, LiveError>> {
        None
    }

    fn repositories(&self, _now: i64) -> Vec<(String, Option<HistoryRef>)> {
        Vec::new()
    }
}

pub fn classification() -> Classification {
    Classification {
        kind: ChangeKind::Ordinary,
        is_revert: false,
        planned_by_wording: false,
        planned_by_template: false,
        template: 0,
        reverts: None,
        rollback_of: None,
    }
}

fn assessment(percentile: f64) -> Assessment {
    let contribution = |feature: &'static str, contribution| Contribution {
        feature: feature.into(),
        group: "history".into(),
        value: Some(3.0),
        contribution,
    };
    Assessment {
        score: RiskScore::new(0.137).unwrap(),
        base_rate: 0.021,
        percentile,
        gate_level: GateLevel::of_percentile(percentile),
        reference: Reference { scope: ReferenceScope::Artifact, n: 1000, from: None, to: None },
        base: -3.81,
        margin: -2.81,
        contributions: vec![contribution("path_reverts_90d", 1.25), contribution("n_files", -0.25)],
    }
}

/// A service in process, and everything a test may turn.
pub struct Bench {
    pub fake: Arc<Fake>,
    pub store: Option<Store>,
    pub now: Arc<AtomicI64>,
    pub service: Arc<Service>,
}

/// What a service of a test is made of.
pub struct Setup {
    pub config: ServerConfig,
    pub store_config: Option<StoreConfig>,
    pub policy: Option<String>,
    pub models: Option<Arc<dyn Models>>,
    pub policies: Option<std::path::PathBuf>,
    pub percentile: f64,
    pub now: i64,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            config: ServerConfig { deadline: Duration::from_secs(5), ..ServerConfig::default() },
            store_config: Some(StoreConfig::new("memory")),
            policy: Some("[budget]\nnormal = 0.10\n".into()),
            models: None,
            policies: None,
            percentile: 20.0,
            now: NOON,
        }
    }
}

impl Setup {
    pub async fn start(self) -> Bench {
        let fake = Fake::new("v1", self.percentile);
        let store = match &self.store_config {
            Some(store_config) => Some(Store::open(store_config).await.unwrap()),
            None => None,
        };
        let now = Arc::new(AtomicI64::new(self.now * 1000));
        let reads = Arc::clone(&now);
        let service = Service::new(Parts {
            config: self.config,
            assessor: Arc::clone(&fake) as Arc<dyn Assessor>,
            models: self.models,
            policy: self.policy.map(|text| PolicyInUse { policy: Policy::parse(&text).unwrap(), text }),
            policies: self.policies.map(|path| Arc::new(PolicySource::new(Some(path)))),
            store: store.clone(),
            clock: Arc::new(move || reads.load(Ordering::Relaxed)),
        });
        Bench { fake, store, now, service: service.unwrap() }
    }
}

impl Bench {
    pub async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let (status, bytes) = self.fetch(request).await;
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// A page for people.
    pub async fn page(&self, path: &str) -> String {
        let (_, bytes) = self.fetch(Request::get(path).body(Body::empty()).unwrap()).await;
        String::from_utf8(bytes).unwrap()
    }

    async fn fetch(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let response = router(Arc::clone(&self.service)).oneshot(request).await.unwrap();
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    pub async fn post(&self, path: &str, body: &str) -> (StatusCode, Value) {
        self.send(post(path, body)).await
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub async fn score(&self) -> Value {
        let (status, answer) = self.post("/v1/score", COMMIT).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }
}

/// A question about a commit.
pub const COMMIT: &str =
    r#"{"change":{"repo":"config","commit":"0123456789abcdef0123456789abcdef01234567"}}"#;

pub fn post(path: &str, body: &str) -> Request<Body> {
    let request = Request::post(path).header("content-type", "application/json");
    request.body(Body::from(body.to_owned())).unwrap()
}
