//! The state behind all routes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, Semaphore};

use crate::http::Assessor;
use crate::http::asking::Asking;
use crate::http::assessor::HistoryRef;
use crate::http::auth::{KeyRing, Rates};
use crate::http::body::Bodies;
use crate::http::config::ServerConfig;
use crate::http::gate::Gate;
use crate::http::live::LiveError;
use crate::http::metrics::Metrics;
use crate::http::models::{Models, PolicySource, SwapStatus};
use crate::http::otlp::Exporter;
use crate::http::refusal::LastRefusal;
use crate::http::reported::Reported;
use crate::http::start::StartError;
use crate::http::swap::Swaps;
use crate::http::workers::Workers;
use crate::policy::Policy;
use crate::store::{RecordDigest, Store};

/// The moment now, in Unix milliseconds. An argument, so that a test can make it Friday.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What the service is made of.
pub struct Parts {
    /// How it listens and what it takes.
    pub config: ServerConfig,
    /// What scores.
    pub assessor: Arc<dyn Assessor>,
    /// Where other models come from; none: the one in use stays.
    pub models: Option<Arc<dyn Models>>,
    /// What decides; none: every answer is degraded.
    pub policy: Option<PolicyInUse>,
    /// Where the policy is read from again; none: the one in use stays.
    pub policies: Option<Arc<PolicySource>>,
    /// Where decisions go; none: every answer is degraded.
    pub store: Option<Store>,
    /// The clock.
    pub clock: Clock,
}

/// A checked policy and the text it was read from.
#[derive(Debug)]
pub struct PolicyInUse {
    /// The policy.
    pub policy: Policy,
    /// The file.
    pub text: String,
}

/// One model and one policy: a request takes them once, so that no answer mixes two.
pub(super) struct Serving {
    pub(super) assessor: Arc<dyn Assessor>,
    pub(super) policy: Option<Arc<PolicyInUse>>,
    /// Digest of both: what a decision was made under.
    pub(super) basis: RecordDigest,
}

impl Serving {
    pub(super) fn new(assessor: Arc<dyn Assessor>, policy: Option<Arc<PolicyInUse>>) -> Self {
        let model = assessor.model().map(|model| model.digest.clone());
        let policy_digest = policy.as_ref().map(|in_use| in_use.policy.policy_digest().to_owned());
        let basis = Sha256::digest(format!("{:?} {policy_digest:?}", model.ok())).into();
        Self { assessor, policy, basis }
    }

    /// The policy; none where no valid one is loaded.
    pub(super) fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref().map(|in_use| &in_use.policy)
    }
}

/// Pages that may read a change again at once.
const N_READINGS: usize = 2;

/// The running service.
pub struct Service {
    pub(super) config: ServerConfig,
    pub(super) serving: ArcSwap<Serving>,
    pub(super) store: Option<Store>,
    pub(super) clock: Clock,
    pub(super) key_ring: Arc<KeyRing>,
    pub(super) rates: Rates,
    pub(super) bodies: Bodies,
    pub(super) gate: Gate,
    pub(super) asking: Asking,
    pub(super) workers: Workers,
    pub(super) metrics: Metrics,
    pub(super) models: Option<Arc<dyn Models>>,
    pub(super) policies: Option<Arc<PolicySource>>,
    /// Held by who changes the model or the policy: one at a time.
    pub(super) swaps: Mutex<Swaps>,
    /// What became of the last change of model; held for no longer than it takes to swap in another.
    pub(super) swap_status: Mutex<SwapStatus>,
    /// The model before the one in use, kept whole so that going back needs no file.
    pub(super) previous: Mutex<Option<Arc<dyn Assessor>>>,
    pub(super) policy_refused: LastRefusal,
    /// When the newest outcome became known, in Unix seconds.
    pub(super) newest_known_at: AtomicI64,
    /// How far the outcomes of the log were read.
    pub(super) reported: Mutex<Reported>,
    /// Held by who looks at a repository, one a name.
    looks: BTreeMap<String, Arc<Mutex<()>>>,
    /// Held by who looks for suspects: one at a time reads whole changes from a repository.
    pub(super) searches: Arc<Mutex<()>>,
    /// Places for pages that read a change again, beside those who score.
    pub(super) readings: Arc<Semaphore>,
    /// Whether the database behind the log did not answer when it was asked last.
    store_away: AtomicBool,
    /// Where spans go; none unless a collector is configured.
    pub(super) exporter: Option<Exporter>,
    draining: AtomicBool,
}

impl Service {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When the key file cannot be read, or the system gives no threads to score in.
    pub fn new(parts: Parts) -> Result<Arc<Self>, StartError> {
        let Parts { config, assessor, models, policy, policies, store, clock } = parts;
        let policy = policy.map(Arc::new);
        let metrics = Metrics::new();
        let repositories = assessor.repositories(clock().div_euclid(1000)).into_iter();
        let looks = repositories.map(|(repo, _)| (repo, Arc::default())).collect();
        Ok(Arc::new(Self {
            key_ring: Arc::new(KeyRing::load(config.keys.clone())?),
            rates: Rates::new(config.limits.requests_per_second),
            bodies: Bodies::new(&config.limits),
            gate: Gate::new(&config.limits),
            asking: Asking::default(),
            workers: Workers::new(config.limits.n_scoring).map_err(StartError::Threads)?,
            serving: ArcSwap::from_pointee(Serving::new(assessor, policy)),
            swaps: Mutex::default(),
            swap_status: Mutex::default(),
            previous: Mutex::default(),
            policy_refused: LastRefusal::default(),
            newest_known_at: AtomicI64::new(i64::MIN),
            reported: Mutex::default(),
            looks,
            searches: Arc::default(),
            readings: Arc::new(Semaphore::new(N_READINGS)),
            store_away: AtomicBool::new(false),
            exporter: config.otlp.as_deref().and_then(|base| exporter(base, &metrics)),
            metrics,
            draining: AtomicBool::new(false),
            models,
            policies,
            config,
            store,
            clock,
        }))
    }

    /// The clock of the machine.
    pub fn machine_clock() -> Clock {
        Arc::new(|| jiff::Timestamp::now().as_millisecond())
    }

    /// Whether callers must speak TLS.
    pub fn speaks_tls(&self) -> bool {
        self.config.tls.is_some()
    }

    pub(super) fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Folds what landed in a repository; none where it is not known. There is one look at a time, however many ask for one, and
    /// who waits for theirs keeps no thread.
    pub(super) async fn refresh(&self, repo: &str) -> Option<Result<HistoryRef, LiveError>> {
        let look = Arc::clone(self.looks.get(repo)?).lock_owned().await;
        let (serving, name) = (self.serving.load_full(), repo.to_owned());
        let now = self.now_ms().div_euclid(1000);
        let refreshed = tokio::task::spawn_blocking(move || {
            let _look = look;
            serving.assessor.refresh(&name, now)
        });
        refreshed.await.unwrap_or_else(|_| Some(Err(LiveError::BrokeDown { name: repo.to_owned() })))
    }

    /// The names of the repositories that are followed.
    pub(super) fn repositories(&self) -> impl Iterator<Item = &String> {
        self.looks.keys()
    }

    /// Asks the database behind the log whether it is there, and says so where that is another answer than before.
    pub(super) async fn look_at_store(&self) {
        let Some(store) = self.open_store() else { return };
        let is_away = !store.log().answers().await;
        match (self.store_away.swap(is_away, Ordering::AcqRel), is_away) {
            (false, true) => {
                tracing::error!("the database of the decision log does not answer: every answer is degraded")
            }
            (true, false) => tracing::info!("the database of the decision log answers again"),
            _ => {}
        }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Whether the database behind the log did not answer when it was asked last.
    pub(super) fn is_store_away(&self) -> bool {
        self.store_away.load(Ordering::Acquire)
    }

    /// The store, while it takes records.
    pub(super) fn open_store(&self) -> Option<&Store> {
        self.store.as_ref().filter(|store| store.closed().is_none())
    }
}

/// A service that cannot be watched still has to answer.
fn exporter(base: &str, metrics: &Metrics) -> Option<Exporter> {
    let started = Exporter::start(base, metrics.spans_dropped.clone());
    if let Err(error) = &started {
        tracing::error!(error = %error, "no span can be exported");
    }
    started.ok()
}
