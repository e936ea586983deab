//! What really scores: followed repositories, their folded histories, and one model.
//!
//! [`Live`] holds the histories and outlives every model; [`LiveAssessor`] joins them with one
//! model and is replaced as a whole by a hot swap. Repositories are read through libgit2 only, from
//! paths of the configuration: no checkout, no hook, no filter, nothing from a request but hex digits.

mod assessor;
mod incidents;
mod landed;
mod owners;
mod ranked;
mod read;
mod reports;
mod repository;
mod told;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::git;
use crate::incident::{self, OutcomeRecord};
use crate::timeline::{self, Sources, Timeline};

pub use assessor::LiveAssessor;
pub(super) use owners::owners_text;
use reports::Reports;
use repository::LiveRepository;
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
    /// Its ownership file is not there.
    #[error("`{}` is neither a file nor in the repository", path.display())]
    Owners {
        /// The file.
        path: PathBuf,
    },
}

/// The followed repositories.
pub struct Live {
    repositories: BTreeMap<String, LiveRepository>,
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

    /// Folds the histories of all repositories. `reported` are the outcomes that the store holds.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn open(
        repository_configs: &[RepositoryConfig],
        cache_root: &Path,
        reported: &[OutcomeRecord],
        now: i64,
    ) -> Result<Self, LiveError> {
        let mut live = Self::empty();
        let known = Arc::make_mut(live.reports.get_mut().unwrap_or_else(PoisonError::into_inner));
        reported.iter().for_each(|outcome_record| known.take(outcome_record));
        for repository_config in repository_configs {
            let name = &repository_config.name;
            let is_here = |outcome: &&OutcomeRecord| outcome.repo.as_ref().is_none_or(|repo| repo == name);
            let reported = reported.iter().filter(is_here).cloned().collect();
            let repository = LiveRepository::open(repository_config, cache_root, reported, now)?;
            live.repositories.insert(name.clone(), repository);
        }
        Ok(live)
    }

    /// Takes in an outcome reported to the service.
    pub fn report(&self, outcome_record: &OutcomeRecord) {
        Arc::make_mut(&mut self.reports.write().unwrap_or_else(PoisonError::into_inner)).take(outcome_record);
        let is_here = |name: &String| outcome_record.repo.as_ref().is_none_or(|repo| repo == name);
        for (name, repository) in self.repositories.iter().filter(|(name, _)| is_here(name)) {
            if let Err(error) = repository.report(outcome_record) {
                tracing::error!(repo = name, error = %error, "what was reported before still counts: no history could be folded without it");
            }
        }
    }

    /// What was reported so far; a report that comes meanwhile waits for nobody who reads.
    fn reports(&self) -> Arc<Reports> {
        Arc::clone(&self.reports.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn get(&self, name: &str) -> Option<&LiveRepository> {
        self.repositories.get(name)
    }
}
