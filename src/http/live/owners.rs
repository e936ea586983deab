//! Ownership of a followed repository, taken up anew while the service runs. A file that is gone or not understood leaves
//! the last good one in force and is said.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::git::Repository;
use crate::http::error::with_cause;
use crate::http::live::LiveError;
use crate::http::refusal::LastRefusal;
use crate::http::stamp;
use crate::incident::Owners;

/// Who owns the paths of a followed repository, as its ownership file says now.
pub(super) struct LiveOwners {
    /// The file on disk, or else in the repository.
    path: Option<PathBuf>,
    in_force: ArcSwap<InForce>,
    refused: LastRefusal,
}

#[derive(Default)]
struct InForce {
    text: String,
    owners: Owners,
}

impl LiveOwners {
    /// # Errors
    /// Where there is a file to read, and it is not there or not understood.
    pub(super) fn open(path: Option<&Path>, repository: &Repository) -> Result<Self, LiveError> {
        let in_force = path.map_or_else(|| Ok(InForce::default()), |path| read(path, repository))?;
        let (path, in_force) = (path.map(Path::to_owned), ArcSwap::from_pointee(in_force));
        Ok(Self { path, in_force, refused: LastRefusal::default() })
    }

    /// Takes the file up as it is now; where it is gone or not understood, the last good one stays in force.
    pub(super) fn look_again(&self, repository: &Repository) {
        let Some(path) = &self.path else { return };
        match read(path, repository) {
            Ok(now) => {
                self.refused.clear();
                if now.text != self.in_force.load().text {
                    self.in_force.store(Arc::new(now));
                }
            }
            Err(error) => {
                let refused = with_cause(&error);
                if self.refused.note(refused.clone()) {
                    tracing::error!(refused, "the last good owners stay in force");
                }
            }
        }
    }

    /// The owners of a path in the order that the file names them.
    pub(super) fn owners_of(&self, path: &str) -> Vec<String> {
        self.in_force.load().owners.owners_of(path)
    }

    /// Whether there is a file at all.
    pub(super) fn are_known(&self) -> bool {
        self.path.is_some()
    }

    /// Why the file as it is now is not the one in force.
    pub(super) fn refused(&self) -> Option<String> {
        self.refused.get()
    }
}

fn read(path: &Path, repository: &Repository) -> Result<InForce, LiveError> {
    let text = owners_text(path, repository)?;
    let owners = Owners::from_codeowners(&text)
        .map_err(|source| LiveError::Incidents { path: path.to_owned(), source })?;
    Ok(InForce { text, owners })
}

/// Ownership from a file on disk, else from one at the head of the repository.
pub(in crate::http) fn owners_text(path: &Path, repository: &Repository) -> Result<String, LiveError> {
    let unreadable = |source| LiveError::UnreadableOwners { path: path.to_owned(), source };
    match stamp::read_text(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(unreadable(error.into())),
        Err(_) => {
            let blob = repository.blob_at("HEAD", &path.to_string_lossy());
            let blob = blob.map_err(|error| unreadable(error.into()))?;
            let bytes = blob.ok_or_else(|| LiveError::Owners { path: path.to_owned() })?;
            String::from_utf8(bytes).map_err(|error| unreadable(error.into()))
        }
    }
}
