//! Every key of `diffrisk.toml` as a flag and an environment variable.

use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use diffrisk::git::UnitChoice;
use diffrisk::http::Settings;
use diffrisk::http::live::RepositoryConfig;

use crate::cli::failure::Failure;
use crate::cli::repository::UnitArg;

/// The keys of `[server]` but `listen`.
#[derive(Debug, Default, Args)]
pub struct ServerArgs {
    /// Milliseconds for one score before the answer is a degraded one
    #[arg(long, value_name = "MS", env = "DIFFRISK_DEADLINE_MS")]
    deadline_ms: Option<NonZeroU64>,
    /// Seconds to finish what runs after SIGTERM
    #[arg(long, value_name = "S", env = "DIFFRISK_DRAIN_SECONDS")]
    drain_seconds: Option<u64>,
    /// Seconds between two looks for commits, incidents, owners, models and policies
    #[arg(long, value_name = "S", env = "DIFFRISK_POLL_SECONDS")]
    poll_seconds: Option<NonZeroU64>,
    /// Seconds that a clock elsewhere may be ahead
    #[arg(long, value_name = "S", env = "DIFFRISK_MAX_CLOCK_SKEW_SECONDS")]
    max_clock_skew_seconds: Option<u64>,
}

/// The keys of `[store]` but `url`.
#[derive(Debug, Default, Args)]
pub struct StoreArgs {
    /// Where the decision log's key, heads and lock lie; needed for PostgreSQL, one a replica
    #[arg(long, value_name = "STEM", env = "DIFFRISK_STORE_STEM")]
    store_stem: Option<PathBuf>,
    /// Days after which records give way to a signed checkpoint
    #[arg(long, value_name = "DAYS", env = "DIFFRISK_RETENTION_DAYS")]
    retention_days: Option<u64>,
}

/// The keys of `[limits]`.
#[derive(Debug, Default, Args)]
pub struct LimitArgs {
    /// Bytes of a body, after decompression
    #[arg(long, value_name = "N", env = "DIFFRISK_BODY_BYTES")]
    body_bytes: Option<NonZeroUsize>,
    /// Files of a diff
    #[arg(long, value_name = "N", env = "DIFFRISK_DIFF_FILES")]
    diff_files: Option<NonZeroUsize>,
    /// Lines of a diff
    #[arg(long, value_name = "N", env = "DIFFRISK_DIFF_LINES")]
    diff_lines: Option<NonZeroUsize>,
    /// Items of a batch
    #[arg(long, value_name = "N", env = "DIFFRISK_BATCH_ITEMS")]
    batch_items: Option<NonZeroUsize>,
    /// Seconds for a body to arrive
    #[arg(long, value_name = "S", env = "DIFFRISK_BODY_SECONDS")]
    body_seconds: Option<NonZeroU64>,
    /// Questions scored at once
    #[arg(long, value_name = "N", env = "DIFFRISK_CONCURRENT")]
    concurrent: Option<usize>,
    /// Connections at once
    #[arg(long, value_name = "N", env = "DIFFRISK_CONNECTIONS")]
    connections: Option<NonZeroUsize>,
    /// Questions that may wait for their turn
    #[arg(long, value_name = "N", env = "DIFFRISK_WAITING")]
    waiting: Option<usize>,
    /// Requests a second and key
    #[arg(long, value_name = "N", env = "DIFFRISK_REQUESTS_PER_SECOND")]
    requests_per_second: Option<NonZeroU32>,
}

/// The followed repositories: what `[[repository]]` holds, by name.
#[derive(Debug, Default, Args)]
pub struct RepositoryArgs {
    /// Repository to follow, repeatable
    #[arg(long, value_name = "NAME=PATH", env = "DIFFRISK_REPO", value_delimiter = ',')]
    repo: Vec<String>,
    /// What counts as one change of a repository: `auto`, `commit` or `landing`
    #[arg(long, value_name = "NAME=UNIT", env = "DIFFRISK_UNIT", value_delimiter = ',')]
    unit: Vec<String>,
    /// CODEOWNERS file of a repository, here or in it
    #[arg(long, value_name = "NAME=FILE", env = "DIFFRISK_OWNERS", value_delimiter = ',')]
    owners: Vec<String>,
    /// Incident links of a repository
    #[arg(long, value_name = "NAME=FILE", env = "DIFFRISK_INCIDENTS", value_delimiter = ',')]
    incidents: Vec<String>,
}

impl ServerArgs {
    /// Puts what is given over what the file says.
    pub fn apply(&self, settings: &mut Settings) {
        let server = &mut settings.server;
        set(&mut server.deadline, self.deadline_ms.map(|ms| Duration::from_millis(ms.get())));
        set(&mut server.drain, self.drain_seconds.map(Duration::from_secs));
        set(&mut server.poll, self.poll_seconds.map(|seconds| Duration::from_secs(seconds.get())));
        set(&mut server.max_clock_skew, self.max_clock_skew_seconds.map(Duration::from_secs));
    }
}

impl StoreArgs {
    /// Puts what is given over what the file says.
    pub fn apply(&self, settings: &mut Settings) {
        let retention = self.retention_days.map(|days| Duration::from_secs(days.saturating_mul(86_400)));
        settings.store.retention = retention.or(settings.store.retention);
        settings.store.stem = self.store_stem.clone().or_else(|| settings.store.stem.take());
    }
}

impl LimitArgs {
    /// Puts what is given over what the file says.
    pub fn apply(&self, settings: &mut Settings) {
        let limits = &mut settings.server.limits;
        set(&mut limits.body_bytes, self.body_bytes.map(NonZeroUsize::get));
        set(&mut limits.diff_files, self.diff_files.map(NonZeroUsize::get));
        set(&mut limits.diff_lines, self.diff_lines.map(NonZeroUsize::get));
        set(&mut limits.batch_items, self.batch_items.map(NonZeroUsize::get));
        set(&mut limits.body_time, self.body_seconds.map(|seconds| Duration::from_secs(seconds.get())));
        set(&mut limits.n_scoring, self.concurrent);
        set(&mut limits.n_connections, self.connections.map(NonZeroUsize::get));
        set(&mut limits.n_waiting, self.waiting);
        limits.requests_per_second =
            self.requests_per_second.map(NonZeroU32::get).or(limits.requests_per_second);
    }
}

impl RepositoryArgs {
    /// Adds the repositories to those of the file; of one of the same name, what is given takes the place of what the file says.
    pub fn apply(&self, settings: &mut Settings) -> Result<(), Failure> {
        let mut names = BTreeSet::new();
        for given in &self.repo {
            let (name, path) = named(given, "NAME=PATH")?;
            if !names.insert(name) {
                return Err(Failure::usage(format!("the repository `{name}` is given twice")));
            }
            let path = Path::new(path).to_owned();
            match settings.repositories.iter_mut().find(|repository| repository.name == name) {
                Some(repository) => repository.path = path,
                None => settings.repositories.push(RepositoryConfig {
                    name: name.to_owned(),
                    path,
                    unit: UnitChoice::Auto,
                    owners: None,
                    incidents: None,
                }),
            }
        }
        for given in &self.unit {
            let (repository, unit) = of(settings, given, "NAME=UNIT")?;
            let refused = |_| {
                Failure::usage(format!("`{given}` names no unit; expected `auto`, `commit` or `landing`"))
            };
            repository.unit = UnitArg::from_str(unit, false).map_err(refused)?.into();
        }
        for given in &self.owners {
            let (repository, owners) = of(settings, given, "NAME=FILE")?;
            repository.owners = Some(PathBuf::from(owners));
        }
        for given in &self.incidents {
            let (repository, incidents) = of(settings, given, "NAME=FILE")?;
            repository.incidents = Some(PathBuf::from(incidents).into());
        }
        Ok(())
    }
}

fn named<'a>(given: &'a str, form: &str) -> Result<(&'a str, &'a str), Failure> {
    let pair = given.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
    pair.ok_or_else(|| Failure::usage(format!("`{given}` is not of the form `{form}`")))
}

fn of<'a>(
    settings: &'a mut Settings,
    given: &'a str,
    form: &str,
) -> Result<(&'a mut RepositoryConfig, &'a str), Failure> {
    let (name, value) = named(given, form)?;
    let found = settings.repositories.iter_mut().find(|repository| repository.name == name);
    let repository = found.ok_or_else(|| Failure::usage(format!("there is no repository `{name}`")))?;
    Ok((repository, value))
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
