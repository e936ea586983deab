//! From finished settings to a running service.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use crate::http::KeyError;
use crate::http::error::with_cause;
use crate::http::live::{Live, LiveError};
use crate::http::models::{ModelSource, Models, PolicySource};
use crate::http::reported::{Reported, take_reported};
use crate::http::service::{Clock, Parts, Service};
use crate::http::settings::Settings;
use crate::http::stamp::Stamp;
use crate::http::tls::{TlsConfig, TlsError};
use crate::store::{self, Store};

/// Repositories that are looked at at once, but for those that take longer than this: they may fold for minutes, or not answer.
const N_LOOKS: usize = 16;
const LOOK_TIME: Duration = Duration::from_secs(30);
/// Between two questions to the database of the log.
const STORE_LOOK: Duration = Duration::from_secs(2);

/// Why the service could not start. A refused model or policy is no such reason: the service then
/// starts, answers degraded, and says why.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The decision log cannot be opened.
    #[error("the decision log cannot be opened")]
    Store(#[from] store::Error),
    /// A repository cannot be followed.
    #[error(transparent)]
    Live(Box<LiveError>),
    /// The key file cannot be read.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// TLS is configured and cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There are no threads to score in.
    #[error("the threads that score cannot be started")]
    Threads(#[source] std::io::Error),
    /// A thread of the start failed.
    #[error("the histories could not be folded")]
    Fold,
}

impl From<LiveError> for StartError {
    fn from(error: LiveError) -> Self {
        Self::Live(Box::new(error))
    }
}

/// Opens the log, folds the histories, loads model and policy, and puts the service together.
///
/// # Errors
/// When the log, a repository, the key file or the certificate cannot be used.
pub async fn start(settings: Settings) -> Result<Arc<Service>, StartError> {
    start_at(settings, Service::machine_clock()).await
}

/// The same by another clock than the machine's: a replay makes it the moment of each change.
///
/// # Errors
/// As [`start`].
pub async fn start_at(settings: Settings, clock: Clock) -> Result<Arc<Service>, StartError> {
    // Before the log is opened: who cannot be spoken to need not begin.
    settings.server.tls.as_ref().map(TlsConfig::read).transpose()?;
    let store = Store::open(&settings.store).await?;
    let mut reported = Reported::default();
    let outcomes = reported.read(&store, clock()).await?;
    let newest_known_at = outcomes.iter().map(|outcome_record| outcome_record.known_at).max();
    let now = clock().div_euclid(1000);
    let (configs, cache) = (settings.repositories.clone(), settings.cache.clone());
    let folded = tokio::task::spawn_blocking(move || Live::follow(&configs, &cache, &outcomes, now)).await;
    let live = Arc::new(folded.map_err(|_| StartError::Fold)??);
    let models = Arc::new(ModelSource::new(live, settings.model));
    let source = Arc::clone(&models);
    let first = tokio::task::spawn_blocking(move || source.first()).await;
    let (assessor, refusal) = first.map_err(|_| StartError::Fold)?;
    let refused = refusal.as_ref().map(with_cause);
    let policies = Arc::new(PolicySource::new(settings.policy));
    let policy = policies.load();
    let policy_refused = policy.as_ref().err().map(with_cause);
    let service = Service::new(Parts {
        config: settings.server,
        assessor,
        models: Some(models as Arc<dyn Models>),
        policy: policy.ok(),
        policies: Some(policies),
        store: Some(store),
        clock,
    })?;
    if let Some(refused) = &refused {
        tracing::error!(refused, "no model is in use: every answer is degraded");
    }
    if let Some(refused) = policy_refused {
        tracing::error!(refused, "no policy is in use: every answer is degraded");
        service.policy_refused.note(refused);
    }
    service.newest_known_at.store(newest_known_at.unwrap_or(i64::MIN), Ordering::Relaxed);
    *service.reported.lock().await = reported;
    service.swap_status.lock().await.refused = refused;
    service.record_activation().await;
    Ok(service)
}

/// Looks at the repositories from time to time, each for itself, until aborted: a whole history may take minutes to fold, and
/// few others wait for it.
pub(super) async fn follow_repositories(service: Arc<Service>) {
    let looks = Semaphore::new(N_LOOKS);
    join_all(service.repositories().map(|repo| follow_repository(&service, repo, &looks))).await;
}

/// Looks at one repository from time to time. Why it cannot be refreshed is logged once, not at every look.
async fn follow_repository(service: &Service, repo: &str, looks: &Semaphore) {
    let mut refused = None;
    loop {
        tokio::time::sleep(service.config.poll).await;
        let before = refused.take();
        let looking = looks.acquire().await;
        let mut look = std::pin::pin!(service.refresh(repo));
        let looked = match tokio::time::timeout(LOOK_TIME, &mut look).await {
            Ok(looked) => looked,
            Err(_) => {
                drop(looking);
                look.await
            }
        };
        refused = looked.and_then(Result::err).map(|error| with_cause(&error));
        match &refused {
            Some(error) if refused != before => {
                tracing::error!(repo, error, "the repository cannot be refreshed");
            }
            None if before.is_some() => tracing::info!(repo, "the repository can be refreshed again"),
            _ => {}
        }
    }
}

/// Looks at what other replicas were told from time to time, until aborted.
pub(super) async fn follow_reports(service: Arc<Service>) {
    loop {
        tokio::time::sleep(service.config.poll).await;
        take_reported(&service).await;
    }
}

/// Looks at the model registry and the policy file from time to time, until aborted. What is refused is logged, kept where it can
/// be read, and looked at again when its files change, or at once where the files are not to blame.
pub(super) async fn follow(service: Arc<Service>) {
    let has_file = service.policies.as_ref().is_some_and(|policies| policies.path().is_some());
    let policy_stamp = |service: &Service| Stamp::of(service.policies.as_ref()?.path()?);
    // Looked at once after the start in any case: the files may have moved since.
    let mut policy_seen = None;
    loop {
        tokio::time::sleep(service.config.poll).await;
        let policy_now = policy_stamp(&service);
        if has_file && policy_seen.as_ref() != Some(&policy_now) {
            let reloaded = service.reload_policy().await;
            if !reloaded.is_err_and(|refusal| refusal.may_pass()) {
                policy_seen = Some(policy_now);
            }
        }
        service.follow_model().await;
    }
}

/// Looks at the age of records from time to time, until aborted.
pub(super) async fn follow_retention(service: Arc<Service>) {
    loop {
        tokio::time::sleep(service.config.poll).await;
        prune(&service).await;
    }
}

/// Asks the database of the log whether it is there, until aborted: a service that nobody asks says so as well.
pub(super) async fn watch_store(service: Arc<Service>) {
    loop {
        tokio::time::sleep(STORE_LOOK).await;
        service.look_at_store().await;
    }
}

async fn prune(service: &Service) {
    let Some(store) = service.open_store() else { return };
    let Some(before_ms) = store.past_retention(service.now_ms()) else { return };
    loop {
        match store.prune(before_ms).await {
            Ok(0) => return,
            Ok(n_pruned) => {
                tracing::info!(n_pruned, "records past their retention are pruned");
                if n_pruned < Store::PRUNED_AT_ONCE {
                    return;
                }
            }
            Err(error) => return tracing::error!(error = %error, "records could not be pruned"),
        }
    }
}
