//! Opens what `mine`, `backtest`, `score` and `gate` read beside the diff: the repository, incident links and reported
//! outcomes. A file is taken whole or refused. Start at [`SourceArgs::load`].

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use diffrisk::dataset::read_records;
use diffrisk::git::{Repository, Unit, UnitChoice};
use diffrisk::incident::{
    self, IncidentFile, IncidentLink, OutcomeRecord, from_records, load_incidents, load_outcomes,
    parse_outcomes,
};
use diffrisk::store::{Log, StoreConfig};
use diffrisk::timeline::Sources;

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, OrExit};
use crate::cli::outcomes::{Outcomes, outcome_lines};
use crate::cli::output::note;

/// What counts as one change.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum UnitArg {
    /// Landing where at least half of the first-parent commits are merges, else commit
    Auto,
    /// Every commit that is not a merge
    Commit,
    /// Every first-parent commit, a merged branch counting as one change
    Landing,
}

/// Where declared incidents and reported outcomes come from.
#[derive(Clone, Debug, Default, Args)]
pub struct SourceArgs {
    /// Incident links: CSV, JSON lines or Parquet
    #[arg(long, value_name = "FILE")]
    pub incidents: Option<PathBuf>,
    /// Reported outcomes: JSON lines, as `decisions export-outcomes` prints them
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    pub outcomes: Option<PathBuf>,
    /// Decision log to take reported outcomes from: `sqlite://FILE` or `postgres://…`
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    /// Where the log's `.key` and `.heads` lie, as in `serve`; beside an SQLite file unless given
    #[arg(long, value_name = "PATH", env = "DIFFRISK_STORE_STEM")]
    pub store_stem: Option<PathBuf>,
}

/// An opened repository with its name and unit.
pub struct OpenedRepository {
    /// The repository.
    pub repository: Repository,
    /// What it is called in rows and decisions.
    pub name: String,
    /// What counts as one change in it.
    pub unit: Unit,
}

impl OpenedRepository {
    /// Opens a work tree or a bare directory.
    pub fn open(path: &Path, name: Option<&str>, unit: UnitArg) -> Result<Self, Failure> {
        if !path.exists() {
            return Err(Failure::bad_input(format!("`{}` does not exist", path.display())));
        }
        let repository = Repository::open(path)?;
        let unit = repository.unit(unit.into())?;
        let name = name.map_or_else(|| name_of(path), str::to_owned);
        Ok(Self { repository, name, unit })
    }
}

impl SourceArgs {
    /// The files that it names.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.incidents.iter().chain(&self.outcomes).map(PathBuf::as_path)
    }

    /// Reads everything that is known of incidents and outcomes.
    pub fn load(&self) -> Result<Sources, Failure> {
        let incidents = self.incidents.as_deref().map(read_incidents).transpose()?.unwrap_or_default();
        Ok(Sources::new(incidents, self.outcomes()?))
    }

    fn outcomes(&self) -> Result<Vec<OutcomeRecord>, Failure> {
        if let Some(path) = &self.outcomes {
            return Ok(load_outcomes(path)?);
        }
        let Some(url) = &self.store else { return Ok(Vec::new()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let lines = runtime.block_on(async {
            let mut store_config = StoreConfig::new(url.as_str());
            store_config.stem = self.store_stem.clone();
            let opened = Log::open(&store_config).await;
            outcome_lines(&opened.or_exit(Exit::BadInput, "the decision log cannot be opened")?).await
        })?;
        let Outcomes { lines, n_altered } = lines;
        if n_altered > 0 {
            note(&format!("{n_altered} outcomes of the log are not as they were written, and are left out"));
        }
        Ok(parse_outcomes(lines.join("\n").as_bytes())?)
    }
}

/// The file of incident links of a repository that `serve`, `score` or `gate` follows.
pub fn incident_file(path: PathBuf) -> IncidentFile {
    IncidentFile { path, reader: read_incidents }
}

/// The same, every link as one of whatever repository follows it.
pub fn own_incident_file(path: PathBuf) -> IncidentFile {
    IncidentFile { path, reader: read_own_incidents }
}

fn read_own_incidents(path: &Path) -> Result<Vec<IncidentLink>, incident::Error> {
    let mut links = read_incidents(path)?;
    links.iter_mut().for_each(|link| link.repo.clear());
    Ok(links)
}

/// Reads incident links from CSV, JSON lines or Parquet.
fn read_incidents(path: &Path) -> Result<Vec<IncidentLink>, incident::Error> {
    let is_parquet = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"));
    if !is_parquet {
        return load_incidents(path);
    }
    from_records(read_records(path).map_err(|error| incident::Error::Table(Box::new(error)))?)
}

/// The name of a repository's directory, without `.git`.
pub fn name_of(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let named =
        if path.file_name().is_some_and(|name| name == ".git") { path.parent() } else { Some(&*path) };
    let name = named.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_else(|| "repository".to_owned());
    name.strip_suffix(".git").map_or(name.clone(), str::to_owned)
}

impl From<UnitArg> for UnitChoice {
    fn from(unit: UnitArg) -> Self {
        match unit {
            UnitArg::Auto => Self::Auto,
            UnitArg::Commit => Self::Commit,
            UnitArg::Landing => Self::Landing,
        }
    }
}
