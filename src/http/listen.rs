//! One task a connection: TLS where it is configured, a bounded time for every head, a bounded number at once.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;

use crate::http::config::Limits;
use crate::http::tls::Certificate;

/// After a failed accept, which mostly means that no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A request's head at most: each connection may keep so much waiting before it has shown a key.
const HEAD_BYTES: usize = 32 << 10;

/// What every connection is served with.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) router: Router,
    pub(super) certificate: Option<Arc<Certificate>>,
    /// Time for a head to arrive whole, for an idle connection to ask again, and for some of an answer to be taken.
    pub(super) head_time: Duration,
    pub(super) n_connections: Arc<Semaphore>,
}

/// Descriptors kept back for the log, repositories and files that are read again.
const KEPT_BACK: u64 = 256;

/// Connections that leave enough descriptors for everything else: the soft limit is raised as far as the hard one lets it.
fn descriptors_to_spare() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).is_ok();
    // No limit at all is none to heed.
    let n_files = if raised { limit.maximum } else { limit.current }.unwrap_or(u64::MAX);
    let n_spared = n_files.saturating_sub(KEPT_BACK).max(n_files / 4);
    usize::try_from(n_spared).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS)
}

impl Connections {
    pub(super) fn new(router: Router, certificate: Option<Arc<Certificate>>, limits: &Limits) -> Self {
        let n_connections = Arc::new(Semaphore::new(limits.n_connections.min(descriptors_to_spare())));
        Self { router, certificate, head_time: limits.body_time, n_connections }
    }

    /// Accepts until it is dropped. Where all connections are taken, callers wait in the backlog of the
    /// system: one ends within the time for a head at the latest.
    pub(super) async fn accept(self, listener: &TcpListener, graceful: &GracefulShutdown) {
        loop {
            let Ok(permit) = Arc::clone(&self.n_connections).acquire_owned().await else { return };
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            // Answers are small: waiting for more to send would only hold them back.
            let _ = stream.set_nodelay(true);
            let (connections, watcher) = (self.clone(), graceful.watcher());
            tokio::spawn(async move {
                connections.serve(stream, watcher).await;
                drop(permit);
            });
        }
    }

    async fn serve(self, stream: TcpStream, watcher: hyper_util::server::graceful::Watcher) {
        let tls = self.certificate.as_deref().map(Certificate::acceptor);
        let Some(tls) = tls else { return self.converse(stream, watcher).await };
        // A caller that speaks no TLS, or too slowly, is no event: it may be anybody.
        match tokio::time::timeout(self.head_time, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.converse(stream, watcher).await,
            Ok(Err(error)) => tracing::debug!(error = %error, "no TLS connection came about"),
            Err(_) => tracing::debug!("a TLS connection took too long to come about"),
        }
    }

    async fn converse(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        watcher: hyper_util::server::graceful::Watcher,
    ) {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.head_time).max_buf_size(HEAD_BYTES);
        let service = TowerToHyperService::new(self.router);
        // Whoever takes nothing of an answer must not keep a place.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.head_time));
        let served = watcher.watch(http.serve_connection(TokioIo::new(Box::pin(stream)), service)).await;
        if let Err(error) = served {
            tracing::debug!(error = %error, "a connection ended early");
        }
    }
}
