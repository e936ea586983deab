use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;

use crate::http::auth::{KeyError, KeyFile};

const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The keys in force; follows the key file.
pub struct KeyRing {
    path: Option<PathBuf>,
    keys: ArcSwap<KeyFile>,
}

/// What tells one version of a file from the next.
type Stamp = Option<(SystemTime, u64, u64)>;

impl KeyRing {
    /// Reads the file; without one, no keys are needed.
    pub(in crate::http) fn load(path: Option<PathBuf>) -> Result<Self, KeyError> {
        let key_file = path.as_deref().map(KeyFile::load).transpose()?.unwrap_or_default();
        Ok(Self { path, keys: ArcSwap::from_pointee(key_file) })
    }

    /// Whether keys are needed at all.
    pub(in crate::http) fn is_locked(&self) -> bool {
        self.path.is_some()
    }

    pub(in crate::http) fn keys(&self) -> Arc<KeyFile> {
        self.keys.load_full()
    }

    /// Follows the file for as long as the service runs. A file that is gone leaves no key in
    /// force; one that cannot be understood leaves the last good ones, and says so.
    pub(in crate::http) async fn follow(self: Arc<Self>) {
        let Some(path) = self.path.clone() else { return };
        let mut stamp = self.stamp();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.stamp();
            if now == stamp {
                continue;
            }
            stamp = now;
            match KeyFile::load(&path) {
                Ok(key_file) => {
                    tracing::info!(n_keys = key_file.keys.len(), "the key file was read again");
                    self.keys.store(Arc::new(key_file));
                }
                Err(KeyError::File { .. }) => {
                    tracing::error!("the key file cannot be read; no key is in force");
                    self.keys.store(Arc::default());
                }
                Err(error) => {
                    tracing::error!(error = %error, "the key file is refused; the last good one stays")
                }
            }
        }
    }

    fn stamp(&self) -> Stamp {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(self.path.as_deref()?).ok()?;
        Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
    }
}
