//! Ownership of a followed repository, taken up anew while the service runs. A file that is gone or not understood leaves
//! the last good one in force and is said; before there was one, nobody knows who owns what. Start at [`LiveOwners::open`].

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
    /// Reads the file. Whoever may push to the repository must not keep the service from starting: of a file in there what is
    /// wrong is said, as while the service runs.
    ///
    /// # Errors
    /// Where there is a file on the disk, and it is not understood.
    pub(super) fn open(path: Option<&Path>, repository: &Repository) -> Result<Self, LiveError> {
        let (path, in_force) = (path.map(Path::to_owned), ArcSwap::default());
        let live = Self { path, in_force, refused: LastRefusal::default() };
        match &live.path {
            Some(path) if path.exists() => live.in_force.store(Arc::new(read(path, repository)?)),
            _ => live.look_again(repository),
        }
        Ok(live)
    }

    /// Whether the file as it is now can be used, wherever it is.
    ///
    /// # Errors
    /// When it is not there or not understood.
    pub(super) fn check(&self, repository: &Repository) -> Result<(), LiveError> {
        self.path.as_deref().map_or(Ok(()), |path| read(path, repository).map(drop))
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

    /// Whether there is a file at all, and it was understood.
    pub(super) fn are_known(&self) -> bool {
        !self.in_force.load().text.is_empty()
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
