//! What a question is compared with in this process: a model and the folded history of one repository. Start at
//! [`HistoryArgs::open`].

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use diffrisk::http::live::RepositoryConfig;
use diffrisk::http::{Local, LocalSources};
use diffrisk::incident::IncidentFile;

use crate::cli::cache::CacheDir;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, OrExit};
use crate::cli::output::note;
use crate::cli::progress::Progress;
use crate::cli::repository::{UnitArg, incident_file, name_of, own_incident_file};

/// What a service takes as the name of a repository.
const MAX_NAME_BYTES: usize = 200;

/// Which history, read by which model.
#[derive(Clone, Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("read_here").multiple(true).args(["model", "unit", "incidents", "owners", "cache"]))]
pub struct HistoryArgs {
    /// Model: an artifact directory or a registry's `default` file; the published one unless given
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Repository: a work tree or a bare directory
    #[arg(long, value_name = "PATH")]
    pub repo: Option<PathBuf>,
    /// Name of the repository; its directory's name unless given
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What counts as one change
    #[arg(long, value_name = "UNIT", value_enum, default_value_t = UnitArg::Auto, requires = "repo")]
    unit: UnitArg,
    /// Incident links: CSV, JSON lines or Parquet
    #[arg(long, value_name = "FILE", requires = "repo")]
    incidents: Option<PathBuf>,
    /// CODEOWNERS file
    #[arg(long, value_name = "FILE", requires = "repo")]
    owners: Option<PathBuf>,
    /// Directory that keeps folded histories; `diffrisk` in the user's cache folder unless given
    #[arg(long, value_name = "DIR", requires = "repo")]
    cache: Option<PathBuf>,
}

/// What becomes of a question whose model or policy is refused.
#[derive(Clone, Copy, Debug)]
pub enum OnRefusal {
    /// It gets a degraded answer, and says why on stderr: that is a verdict to go by.
    Degrade,
    /// It is bad input, where the model or policy was asked for.
    End,
}

impl HistoryArgs {
    /// Folds the repository, or what is new of it, and loads model and policy; the published policy where none is given.
    pub fn open(&self, policy: Option<&Path>, on_refusal: OnRefusal, now: i64) -> Result<Local, Failure> {
        let incidents = self.incident_file()?;
        let repository = self.repo.as_ref().map(|path| RepositoryConfig {
            name: self.repo_name(),
            path: path.clone(),
            unit: self.unit.into(),
            owners: self.owners.clone(),
            incidents,
        });
        let sources = LocalSources { model: self.model.as_deref(), policy, repository: repository.as_ref() };
        let opened = |cache: &Path| {
            let progress = OnceCell::new();
            let on_change = |n_read| progress.get_or_init(|| Progress::start("changes read")).at(n_read);
            let local = Local::open(sources, cache, now, &on_change);
            progress.into_inner().into_iter().for_each(Progress::end);
            local
        };
        // Without a repository nothing is folded, and nothing is kept.
        let cache = self.repo.as_ref().map(|_| CacheDir::of(self.cache.as_deref())).transpose()?;
        let mut local = opened(cache.as_ref().map_or(Path::new(""), CacheDir::path));
        // A full disk shows only when something is written.
        if let Err(error) = &local
            && self.cache.is_none()
            && error.is_of_cache()
        {
            let cause = std::error::Error::source(error.as_ref()).map(|cause| format!(": {cause}"));
            let passing = CacheDir::instead(&format!("{error}{}", cause.unwrap_or_default()))?;
            local = opened(passing.path());
        }
        let local = local.or_exit(Exit::BadInput, "the change cannot be compared with a history")?;
        local.incomplete().iter().for_each(|incomplete| note(incomplete));
        match on_refusal {
            OnRefusal::End if self.model.is_some() || policy.is_some() => refuse(local.refused())?,
            OnRefusal::End | OnRefusal::Degrade => local.refused().iter().for_each(|refused| note(refused)),
        }
        Ok(local)
    }

    /// The name of the repository.
    pub fn repo_name(&self) -> String {
        let of_path = || self.repo.as_deref().map(name_of);
        self.name.clone().or_else(of_path).unwrap_or_else(|| "unknown".to_owned())
    }

    /// Refuses a name that was taken from a directory and can be none of a repository.
    pub fn check_name(&self) -> Result<(), Failure> {
        let name = self.repo_name();
        let is_name = name.len() <= MAX_NAME_BYTES && !name.chars().any(char::is_control);
        if self.name.is_some() || is_name && !name.trim().is_empty() {
            return Ok(());
        }
        let shown: String = name.chars().take(40).collect();
        Err(Failure::bad_input(format!(
            "`{}`, the name of the directory, cannot be that of a repository (1 to {MAX_NAME_BYTES} bytes that are not blank, no \
             control characters): `--name` gives another",
            shown.escape_debug()
        )))
    }

    /// Whether nothing tells what the repository is called.
    pub fn is_nameless(&self) -> bool {
        self.name.is_none() && self.repo.is_none()
    }

    /// The incidents that the answer heeds. Where none names the repository, which may be called another way than the
    /// directory of a work tree, all are its own, as for `mine`.
    fn incident_file(&self) -> Result<Option<IncidentFile>, Failure> {
        let Some(path) = &self.incidents else { return Ok(None) };
        let file = incident_file(path.clone());
        let (links, name) = (file.load()?, self.repo_name());
        if links.is_empty() || links.iter().any(|link| link.repo == name) {
            return Ok(Some(file));
        }
        let (path_shown, n) = (path.display(), links.len());
        note(&format!(
            "`{path_shown}` names `{name}` nowhere: all of its {n} lines are taken as of this repository"
        ));
        Ok(Some(own_incident_file(path.clone())))
    }
}

fn refuse(refused: &[String]) -> Result<(), Failure> {
    if refused.is_empty() { Ok(()) } else { Err(Failure::bad_input(refused.join("; "))) }
}
