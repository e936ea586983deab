//! The incident links of a followed repository: read again when their file changes; where it is not understood, the last good
//! ones stay in force. Says what changed and folds nothing. Start at [`LiveIncidents`].

use std::sync::{Mutex, PoisonError};

use crate::history::hash64;
use crate::http::error::with_cause;
use crate::http::live::LiveError;
use crate::http::live::repository::RepositoryConfig;
use crate::http::refusal::LastRefusal;
use crate::http::stamp::Stamp;
use crate::incident::{self, IncidentFile, IncidentLink};

/// The file of a repository's incident links.
pub(super) struct LiveIncidents {
    repo: String,
    file: Option<IncidentFile>,
    seen: Mutex<Option<Stamp>>,
    refused: LastRefusal,
}

/// Incident links of one repository.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Links(pub(super) Vec<IncidentLink>);

impl LiveIncidents {
    /// The file, and the links in it.
    ///
    /// # Errors
    /// When it cannot be read or any line is bad.
    pub(super) fn open(repository_config: &RepositoryConfig) -> Result<(Self, Links), LiveError> {
        let file = repository_config.incidents.clone();
        let live = Self {
            repo: repository_config.name.clone(),
            seen: Mutex::new(file.as_ref().and_then(|file| Stamp::of(&file.path))),
            file,
            refused: LastRefusal::default(),
        };
        let links = live.file.as_ref().map_or_else(|| Ok(Links::default()), |file| live.read(file))?;
        Ok((live, links))
    }

    /// The links of the file as it is now, where it changed since the last look and says anything else than those in force.
    pub(super) fn look_again(&self, in_force: &Links) -> Option<Links> {
        let file = self.file.as_ref()?;
        let stamp = Stamp::of(&file.path);
        let before = std::mem::replace(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner), stamp);
        if stamp == before {
            return None;
        }
        match self.read(file) {
            Ok(links) => {
                self.refused.clear();
                (links != *in_force).then_some(links)
            }
            Err(error) => {
                if matches!(&error, LiveError::Incidents { source: incident::Error::Read { .. }, .. }) {
                    // It may well be read the next time.
                    self.forget();
                }
                let refused = with_cause(&error);
                if self.refused().as_ref() != Some(&refused) {
                    tracing::error!(repo = self.repo, refused, "the last good incidents stay in force");
                }
                self.refused.note(refused);
                None
            }
        }
    }

    /// Looks again as if the file had changed.
    pub(super) fn forget(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Why the file as it is now is not the one in force.
    pub(super) fn refused(&self) -> Option<String> {
        self.refused.get()
    }

    fn read(&self, file: &IncidentFile) -> Result<Links, LiveError> {
        let failed = |source| LiveError::Incidents { path: file.path.clone(), source };
        let mut links = file.load().map_err(failed)?;
        links.retain(|link| link.repo == self.repo || link.repo.is_empty());
        Ok(Links(links))
    }
}

impl Links {
    /// Tells them from any others.
    pub(super) fn digest(&self) -> u64 {
        let named: Vec<String> = self.0.iter().map(|link| format!("{link:?}")).collect();
        let parts: Vec<&str> = named.iter().map(String::as_str).collect();
        hash64(&parts)
    }
}
