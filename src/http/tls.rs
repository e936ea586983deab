//! TLS by rustls: the service's own where a certificate is configured, and that of whom it or the gate asks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use crate::http::error::with_cause;
use crate::http::refusal::LastRefusal;
use crate::http::stamp::{self, Stamp};

/// Between two looks at the files of a certificate.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where the certificate chain and its private key lie, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no PEM of this kind.
    #[error("`{}` holds no {expected} in PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        expected: &'static str,
        /// Why not.
        source: rustls::pki_types::pem::Error,
    },
    /// No root certificate is installed on this machine.
    #[error(
        "no root certificate is installed here (looked at `SSL_CERT_FILE`, `SSL_CERT_DIR` and the system's own)"
    )]
    NoRoots,
    /// Certificate and key do not belong together, or are of a kind that is not spoken.
    #[error("the certificate cannot be used")]
    Refused(#[from] rustls::Error),
}

impl TlsConfig {
    /// Reads both files.
    pub(super) fn read(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let chain = certificates(&self.certificate)?;
        let refused = |source| TlsError::Pem { path: self.key.clone(), expected: "private key", source };
        let bytes = stamp::read(&self.key).map_err(|source| refused(pem::Error::Io(source)))?;
        let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(refused)?;
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn stamps(&self) -> [Option<Stamp>; 2] {
        [Stamp::of(&self.certificate), Stamp::of(&self.key)]
    }
}

/// The certificate in force; follows its files, so that a renewal needs no restart.
pub(super) struct Certificate {
    files: TlsConfig,
    in_force: ArcSwap<ServerConfig>,
    /// Of the files, just before they were read at the start.
    first_stamps: [Option<Stamp>; 2],
}

impl Certificate {
    /// Reads the files.
    pub(super) fn load(files: TlsConfig) -> Result<Self, TlsError> {
        let first_stamps = files.stamps();
        let in_force = ArcSwap::new(files.read()?);
        Ok(Self { files, in_force, first_stamps })
    }

    /// For the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.in_force.load_full())
    }

    /// Follows the files for as long as the service runs. Chain and key that do not belong together, as between the
    /// writing of the one and of the other, leave those in force.
    pub(super) async fn follow(self: Arc<Self>) {
        let mut seen = self.first_stamps;
        let refused = LastRefusal::default();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.files.stamps();
            if now == seen {
                continue;
            }
            match self.files.read() {
                Ok(config) => {
                    tracing::info!("the certificate was read again");
                    self.in_force.store(config);
                    refused.clear();
                    seen = now;
                }
                // Looked at again: what kept it from being read may pass without a change of the files.
                Err(error) => {
                    let why = with_cause(&error);
                    if refused.note(why.clone()) {
                        tracing::error!(error = why, "the certificate is refused; the last good one stays");
                    }
                }
            }
        }
    }
}

/// How a client of ours trusts: the roots of a file, or those that are installed on this machine
/// (`SSL_CERT_FILE` and `SSL_CERT_DIR` count).
///
/// # Errors
/// When the file holds no certificate in PEM, or the machine none.
pub fn trusting(roots: Option<&Path>) -> Result<ureq::tls::TlsConfig, TlsError> {
    let found = match roots {
        Some(path) => certificates(path)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    if found.is_empty() {
        return Err(TlsError::NoRoots);
    }
    let roots: Vec<_> = found.iter().map(|root| ureq::tls::Certificate::from_der(root).to_owned()).collect();
    let config = ureq::tls::TlsConfig::builder().provider(ureq::tls::TlsProvider::Rustls);
    let config = config.unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()));
    Ok(config.root_certs(ureq::tls::RootCerts::new_with_certs(&roots)).build())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let refused = |source| TlsError::Pem { path: path.to_owned(), expected: "certificate", source };
    let bytes = stamp::read(path).map_err(|source| refused(pem::Error::Io(source)))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(refused)?;
    if found.is_empty() { Err(refused(pem::Error::NoItemsFound)) } else { Ok(found) }
}
