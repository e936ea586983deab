//! A repository of the configuration, which may be away when the service starts: then what is reported of it waits, and every
//! look tries to open it. Start at [`Followed`].

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use crate::http::live::LiveError;
use crate::http::live::progress::log_fold;
use crate::http::live::repository::{LiveRepository, RepositoryConfig, lock};
use crate::incident::OutcomeRecord;

/// A repository that the service follows as soon as it can be read.
pub(super) struct Followed {
    repository_config: RepositoryConfig,
    cache_root: PathBuf,
    here: OnceLock<LiveRepository>,
    /// Held by who opens it.
    opening: Mutex<()>,
    /// What was reported of it until it is here.
    waiting: Mutex<Vec<OutcomeRecord>>,
}

impl Followed {
    pub(super) fn new(
        repository_config: RepositoryConfig,
        cache_root: &Path,
        reported: Vec<OutcomeRecord>,
    ) -> Self {
        Self {
            repository_config,
            cache_root: cache_root.to_owned(),
            here: OnceLock::new(),
            opening: Mutex::default(),
            waiting: Mutex::new(reported),
        }
    }

    /// The repository; none while it is away.
    pub(super) fn here(&self) -> Option<&LiveRepository> {
        self.here.get()
    }

    /// Opens the repository and folds its history, where nobody did so before; `on_change` hears how many changes it folded.
    ///
    /// # Errors
    /// When it cannot be read or folded.
    pub(super) fn open(&self, now: i64, on_change: &dyn Fn(usize)) -> Result<&LiveRepository, LiveError> {
        let _one_at_a_time = lock(&self.opening);
        if let Some(here) = self.here() {
            return Ok(here);
        }
        let reported = lock(&self.waiting).clone();
        let n_taken = reported.len();
        let repository =
            LiveRepository::open(&self.repository_config, &self.cache_root, reported, now, on_change)?;
        // Who reports meanwhile waits, so that nothing falls between the two.
        let mut waiting = lock(&self.waiting);
        waiting.iter().skip(n_taken).try_for_each(|outcome_record| repository.report(outcome_record))?;
        waiting.clear();
        Ok(self.here.get_or_init(|| repository))
    }

    /// Folds in what landed since the last look, and the whole history where the repository was away until now.
    ///
    /// # Errors
    /// When it cannot be read or folded.
    pub(super) fn refresh(&self, now: i64) -> Result<&LiveRepository, LiveError> {
        let repository = self.open(now, &log_fold(&self.repository_config.name))?;
        repository.refresh(now)?;
        Ok(repository)
    }

    /// Takes in an outcome reported to the service.
    ///
    /// # Errors
    /// As [`LiveRepository::report`].
    pub(super) fn report(&self, outcome_record: &OutcomeRecord) -> Result<(), LiveError> {
        let mut waiting = lock(&self.waiting);
        match self.here() {
            Some(repository) => {
                drop(waiting);
                repository.report(outcome_record)
            }
            None => {
                waiting.push(outcome_record.clone());
                Ok(())
            }
        }
    }
}
