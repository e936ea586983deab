//! The keys in force, which follow their file while the service runs. A file that is gone leaves no key in force, one that is
//! not understood the last good ones.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::http::auth::{KeyError, KeyFile};
use crate::http::stamp::Stamp;

const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The keys in force; follows the key file.
pub struct KeyRing {
    path: Option<PathBuf>,
    keys: ArcSwap<KeyFile>,
    /// Of the file, just before it was read at the start.
    first_stamp: Option<Stamp>,
}

impl KeyRing {
    /// Reads the file; without one, no keys are needed.
    pub(in crate::http) fn load(path: Option<PathBuf>) -> Result<Self, KeyError> {
        let first_stamp = path.as_deref().and_then(Stamp::of);
        let key_file = path.as_deref().map(KeyFile::load).transpose()?.unwrap_or_default();
        Ok(Self { path, keys: ArcSwap::from_pointee(key_file), first_stamp })
    }

    /// Whether keys are needed at all.
    pub(in crate::http) fn is_locked(&self) -> bool {
        self.path.is_some()
    }

    pub(in crate::http) fn keys(&self) -> Arc<KeyFile> {
        self.keys.load_full()
    }

    /// Follows the file for as long as the service runs. A file that is gone or cannot be read leaves no key in
    /// force and is tried again at every look; one that cannot be understood leaves the last good ones, and says so.
    pub(in crate::http) async fn follow(self: Arc<Self>) {
        let Some(path) = self.path.clone() else { return };
        let mut seen = self.first_stamp;
        let mut is_unread = false;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = Stamp::of(&path);
            if now == seen && !is_unread {
                continue;
            }
            seen = now;
            let was_unread = std::mem::take(&mut is_unread);
            match KeyFile::load(&path) {
                Ok(key_file) => {
                    let n_keys = key_file.keys.len();
                    self.keys.store(Arc::new(key_file));
                    tracing::info!(n_keys, "the key file was read again");
                }
                Err(KeyError::File { source, .. }) => {
                    is_unread = true;
                    if !was_unread {
                        self.keys.store(Arc::default());
                        tracing::error!(error = %source, "the key file cannot be read; no key is in force");
                    }
                }
                Err(error) => {
                    let n_keys = self.keys.load().keys.len();
                    tracing::error!(error = %error, n_keys, "the key file is refused; the keys of before stay in force")
                }
            }
        }
    }
}
