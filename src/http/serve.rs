//! Listening, and leaving in good order.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::http::auth::KeyRing;
use crate::http::listen::Connections;
use crate::http::router::router;
use crate::http::service::Service;
use crate::http::start::{follow, follow_reports, follow_repositories, follow_retention, watch_store};
use crate::http::tls::{Certificate, TlsError};
use crate::store::Store;

/// Before what broke down begins again.
const BREAKDOWN_PAUSE: Duration = Duration::from_secs(1);
/// What closing the log gets in any case, however long the callers took.
const CLOSE_TIME: Duration = Duration::from_secs(5);

/// Why the service could not listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, or is none.
    #[error("cannot listen on `{listen}`")]
    Listen {
        /// The address.
        listen: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Without keys, anybody who can reach the address could ask for anything.
    #[error("`{0}` can be reached from outside; configure a key file (`--keys`) or listen on loopback")]
    Unlocked(SocketAddr),
    /// TLS is configured and cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The listener failed.
    #[error("the listener failed")]
    Failed(#[from] std::io::Error),
}

/// Binds the configured address; refuses one that outsiders can reach while no keys are configured.
///
/// # Errors
/// When it is taken, no address, or open to outsiders without keys.
pub async fn bind(service: &Service) -> Result<TcpListener, ServeError> {
    let listen = service.config.listen.clone();
    let bound = TcpListener::bind(&listen).await;
    let listener = bound.map_err(|source| ServeError::Listen { listen, source })?;
    let address = listener.local_addr()?;
    if !service.key_ring.is_locked() {
        if !address.ip().is_loopback() {
            return Err(ServeError::Unlocked(address));
        }
        tracing::warn!(%address, "no key file is configured: whoever can reach this address may do everything");
    }
    Ok(listener)
}

/// Serves until `stop` is done, then takes no more connections, finishes what runs, closes the log and returns.
///
/// # Errors
/// When TLS is configured and its files cannot be used.
pub async fn serve(
    service: Arc<Service>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let certificate = service.config.tls.clone().map(Certificate::load).transpose()?.map(Arc::new);
    let connections =
        Connections::new(router(Arc::clone(&service)), certificate.clone(), &service.config.limits);
    let mut followers = JoinSet::new();
    let of_service = |service: &Arc<Service>| Arc::clone(service);
    keep_up(&mut followers, "keys", Arc::clone(&service.key_ring), KeyRing::follow);
    keep_up(&mut followers, "model and policy", of_service(&service), follow);
    keep_up(&mut followers, "retention", of_service(&service), follow_retention);
    keep_up(&mut followers, "repositories", of_service(&service), follow_repositories);
    keep_up(&mut followers, "reports", of_service(&service), follow_reports);
    keep_up(&mut followers, "decision log", of_service(&service), watch_store);
    if let Some(certificate) = certificate {
        keep_up(&mut followers, "certificate", certificate, Certificate::follow);
    }
    let graceful = GracefulShutdown::new();
    tokio::select! {
        () = connections.accept(&listener, &graceful) => {}
        () = stop => {}
    }
    service.drain();
    drop(listener);
    tracing::info!("draining");
    let until = Instant::now() + service.config.drain;
    // A caller that never finishes must not keep the service from leaving.
    if tokio::time::timeout_at(until, graceful.shutdown()).await.is_err() {
        tracing::warn!("not every caller finished in time");
    }
    followers.abort_all();
    if let Some(store) = &service.store {
        close(store, until.max(Instant::now() + CLOSE_TIME)).await;
    }
    Ok(())
}

/// Follows something from `start` on for as long as the service runs; where that breaks down, it begins again.
fn keep_up<T, F>(followers: &mut JoinSet<()>, what: &'static str, of: Arc<T>, start: fn(Arc<T>) -> F)
where
    T: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    followers.spawn(async move {
        loop {
            let mut follower = JoinSet::new();
            follower.spawn(start(Arc::clone(&of)));
            match follower.join_next().await {
                Some(Err(error)) if error.is_panic() => {
                    tracing::error!(what, "what follows it broke down and begins again");
                    tokio::time::sleep(BREAKDOWN_PAUSE).await;
                }
                _ => return,
            }
        }
    });
}

/// Closes the log, but waits no longer for a database that does not answer.
async fn close(store: &Store, until: Instant) {
    if tokio::time::timeout_at(until, store.close()).await.is_err() {
        tracing::error!("the database did not answer in time: the log is left without its last head");
    }
}
