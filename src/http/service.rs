//! The state behind all routes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use crate::http::Assessor;
use crate::http::auth::{KeyError, KeyRing, Rates};
use crate::http::config::ServerConfig;
use crate::http::gate::Gate;
use crate::http::metrics::Metrics;
use crate::http::models::{Models, PolicySource, SwapStatus};
use crate::policy::Policy;
use crate::store::Store;

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
}

/// The running service.
pub struct Service {
    pub(super) config: ServerConfig,
    pub(super) serving: ArcSwap<Serving>,
    pub(super) store: Option<Store>,
    pub(super) clock: Clock,
    pub(super) key_ring: Arc<KeyRing>,
    pub(super) rates: Rates,
    pub(super) gate: Gate,
    pub(super) metrics: Metrics,
    pub(super) models: Option<Arc<dyn Models>>,
    pub(super) policies: Option<Arc<PolicySource>>,
    pub(super) swap_status: Mutex<SwapStatus>,
    pub(super) policy_refused: Mutex<Option<String>>,
    draining: AtomicBool,
}

impl Service {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When the key file cannot be read.
    pub fn new(parts: Parts) -> Result<Arc<Self>, KeyError> {
        let Parts { config, assessor, models, policy, policies, store, clock } = parts;
        let policy = policy.map(Arc::new);
        Ok(Arc::new(Self {
            key_ring: Arc::new(KeyRing::load(config.keys.clone())?),
            rates: Rates::new(config.limits.requests_per_second),
            gate: Gate::new(&config.limits),
            metrics: Metrics::new(),
            serving: ArcSwap::from_pointee(Serving { assessor, policy }),
            swap_status: Mutex::default(),
            policy_refused: Mutex::default(),
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

    pub(super) fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// The store, while it takes records.
    pub(super) fn open_store(&self) -> Option<&Store> {
        self.store.as_ref().filter(|store| store.closed().is_none())
    }
}
