//! What really scores: followed repositories, their folded histories, and one model.
//!
//! [`Live`] holds the histories and outlives every model; [`LiveAssessor`] joins them with one
//! model and is replaced as a whole by a hot swap. Repositories are read through libgit2 only, from
//! paths of the configuration: no checkout, no hook, no filter, nothing from a request but hex digits.

mod assessor;
mod followed;
mod incidents;
mod incomplete;
mod landed;
mod linked;
mod model;
mod owners;
mod progress;
mod proof;
mod ranked;
mod read;
mod reports;
mod repository;
mod suspects;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::git;
use crate::http::error::with_cause;
use crate::incident::{self, OutcomeRecord};
use crate::timeline::{self, Sources, Timeline};

pub use assessor::LiveAssessor;
use followed::Followed;
pub(super) use model::OF_TABLE;
pub(super) use owners::owners_text;
use progress::log_fold;
use reports::Reports;
pub use repository::RepositoryConfig;

/// Why a repository cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// It cannot be read.
    #[error("the repository `{name}` cannot be read")]
    Git {
        /// Its name.
        name: String,
        /// Why not.
        source: git::Error,
    },
    /// It has no history.
    #[error("the history of `{name}` is empty")]
    Empty {
        /// Its name.
        name: String,
    },
    /// Its history cannot be folded.
    #[error("the history of `{name}` cannot be folded into the cache `{}`", cache.display())]
    Fold {
        /// Its name.
        name: String,
        /// Where its folded history is kept.
        cache: PathBuf,
        /// Why not.
        source: Box<timeline::CacheError>,
    },
    /// Its incident or ownership file cannot be understood.
    #[error("`{}` cannot be understood", path.display())]
    Incidents {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: incident::Error,
    },
    /// Reading or folding it broke down.
    #[error("the look at `{name}` broke down")]
    BrokeDown {
        /// Its name.
        name: String,
    },
    /// Its ownership file is not there.
    #[error("`{}` is neither a file nor in the repository", path.display())]
    Owners {
        /// The file.
        path: PathBuf,
    },
    /// Its ownership file is there and cannot be read.
    #[error("the owners in `{}` cannot be read", path.display())]
    UnreadableOwners {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl LiveError {
    /// Whether the cache could not be read or written, and nothing else is amiss: another one may serve.
    pub fn is_of_cache(&self) -> bool {
        matches!(self, Self::Fold { source, .. } if matches!(**source, timeline::CacheError::Io(_)))
    }
}

impl LiveError {
    /// Whether the repository itself cannot be read, which may pass; not the cache or a file beside it.
    fn is_of_repository(&self) -> bool {
        match self {
            Self::Git { .. } | Self::Empty { .. } => true,
            Self::Fold { source, .. } => matches!(**source, timeline::CacheError::Git(_)),
            Self::Incidents { .. }
            | Self::BrokeDown { .. }
            | Self::Owners { .. }
            | Self::UnreadableOwners { .. } => false,
        }
    }
}

/// The followed repositories.
pub struct Live {
    repositories: BTreeMap<String, Followed>,
    /// The history of a repository that nobody knows.
    cold: Timeline,
    reports: RwLock<Arc<Reports>>,
}

impl Live {
    /// Follows no repository: every question is a cold one.
    pub fn empty() -> Self {
        let cold = Timeline::new(Sources::default());
        Self { repositories: BTreeMap::new(), cold, reports: RwLock::default() }
    }

    /// Folds the histories of all repositories. `reported` are the outcomes that the store holds; `on_change` hears how many
    /// changes of one were folded so far, those of its cache aside.
    ///
    /// # Errors
    /// When one, or the owners of one, cannot be read.
    pub fn open(
        repository_configs: &[RepositoryConfig],
        cache_root: &Path,
        reported: &[OutcomeRecord],
        now: i64,
        on_change: &dyn Fn(usize),
    ) -> Result<Self, LiveError> {
        let live = Self::new(repository_configs, cache_root, reported);
        for (name, followed) in &live.repositories {
            let here = followed.open(now, on_change)?;
            let checked = here.read(|git| Ok(here.owners.check(git)));
            checked.map_err(|source| LiveError::Git { name: name.clone(), source })??;
        }
        Ok(live)
    }

    /// As [`Live::open`], for who stays: a repository that cannot be read now is followed as soon as it can be.
    ///
    /// # Errors
    /// When the cache of one cannot be used, or its incident or ownership file is not understood.
    pub fn follow(
        repository_configs: &[RepositoryConfig],
        cache_root: &Path,
        reported: &[OutcomeRecord],
        now: i64,
    ) -> Result<Self, LiveError> {
        let live = Self::new(repository_configs, cache_root, reported);
        for (name, followed) in &live.repositories {
            match followed.open(now, &log_fold(name)) {
                Ok(here) => {
                    if let Some(warning) = incomplete::warning(&here.state()) {
                        tracing::warn!(repo = name, "{warning}");
                    }
                }
                Err(error) if error.is_of_repository() => {
                    let error = with_cause(&error);
                    tracing::error!(
                        repo = name,
                        error,
                        "every answer about it is degraded until it can be read"
                    );
                }
                Err(error) => return Err(error),
            }
        }
        Ok(live)
    }

    fn new(repository_configs: &[RepositoryConfig], cache_root: &Path, reported: &[OutcomeRecord]) -> Self {
        let mut live = Self::empty();
        let known = Arc::make_mut(live.reports.get_mut().unwrap_or_else(PoisonError::into_inner));
        reported.iter().for_each(|outcome_record| known.take(outcome_record));
        for repository_config in repository_configs {
            let name = &repository_config.name;
            let is_here = |outcome: &&OutcomeRecord| outcome.repo.as_ref().is_none_or(|repo| repo == name);
            let reported = reported.iter().filter(is_here).cloned().collect();
            let followed = Followed::new(repository_config.clone(), cache_root, reported);
            live.repositories.insert(name.clone(), followed);
        }
        live
    }

    /// Takes in an outcome reported to the service.
    pub fn report(&self, outcome_record: &OutcomeRecord) {
        Arc::make_mut(&mut self.reports.write().unwrap_or_else(PoisonError::into_inner)).take(outcome_record);
        let is_here = |name: &String| outcome_record.repo.as_ref().is_none_or(|repo| repo == name);
        for (name, followed) in self.repositories.iter().filter(|(name, _)| is_here(name)) {
            if let Err(error) = followed.report(outcome_record) {
                tracing::error!(repo = name, error = %error, "what was reported before still counts: no history could be folded without it");
            }
        }
    }

    /// What was reported so far; a report that comes meanwhile waits for nobody who reads.
    fn reports(&self) -> Arc<Reports> {
        Arc::clone(&self.reports.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Of which histories contents could not be read, and how they are mended.
    pub fn incomplete(&self) -> Vec<String> {
        let here = self.repositories.values().filter_map(Followed::here);
        here.filter_map(|repository| incomplete::warning(&repository.state())).collect()
    }

    /// Whether there is any to follow.
    fn follows_any(&self) -> bool {
        !self.repositories.is_empty()
    }

    fn get(&self, name: &str) -> Option<&Followed> {
        self.repositories.get(name)
    }
}
