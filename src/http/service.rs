//! The state behind all routes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use crate::http::Assessor;
use crate::http::auth::{KeyError, KeyRing, Rates};
use crate::http::config::ServerConfig;
use crate::http::gate::Gate;
use crate::http::metrics::Metrics;
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
    /// What decides; none: every answer is degraded.
    pub policy: Option<Arc<Policy>>,
    /// Where decisions go; none: every answer is degraded.
    pub store: Option<Store>,
    /// The clock.
    pub clock: Clock,
}

/// One model and one policy: a request takes them once, so that no answer mixes two.
pub(super) struct Serving {
    pub(super) assessor: Arc<dyn Assessor>,
    pub(super) policy: Option<Arc<Policy>>,
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
    draining: AtomicBool,
}

impl Service {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When the key file cannot be read.
    pub fn new(parts: Parts) -> Result<Arc<Self>, KeyError> {
        let Parts { config, assessor, policy, store, clock } = parts;
        Ok(Arc::new(Self {
            key_ring: Arc::new(KeyRing::load(config.keys.clone())?),
            rates: Rates::new(config.limits.requests_per_second),
            gate: Gate::new(&config.limits),
            metrics: Metrics::new(),
            serving: ArcSwap::from_pointee(Serving { assessor, policy }),
            draining: AtomicBool::new(false),
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
