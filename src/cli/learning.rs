//! Arguments and inputs that training, evaluation and backtests share.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use diffrisk::artifact::{Artifact, Registry, TwinKind, published};
use diffrisk::dataset::{LabelTask, Metadata, Row, Rows, Table, TableOptions};
use diffrisk::features::{is_custom, schema};
use diffrisk::train::{self, Prior};

use crate::cli::failure::Failure;
use crate::cli::output::{OutputArgs, note};

/// Which label is learned or judged.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum TaskArg {
    /// Unplanned reverts within 14 days, and incidents
    Strict,
    /// Any revert, and incidents
    Raw,
}

impl From<TaskArg> for LabelTask {
    fn from(task: TaskArg) -> Self {
        match task {
            TaskArg::Strict => Self::Strict,
            TaskArg::Raw => Self::Raw,
        }
    }
}

/// Which artifact is blended in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PriorArg {
    /// The published one.
    Published,
    /// None.
    None,
    /// The one in this directory.
    Dir(PathBuf),
}

impl FromStr for PriorArg {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "published" => Self::Published,
            "none" => Self::None,
            dir => Self::Dir(PathBuf::from(dir)),
        })
    }
}

impl PriorArg {
    /// Refuses an artifact beside a table: its columns are others than those of any artifact.
    pub fn refuse_for_table(&self) -> Result<(), Failure> {
        match self {
            Self::Dir(dir) => {
                Err(Failure::usage(format!("a table blends with no prior: `--prior {}`", dir.display())))
            }
            Self::Published | Self::None => Ok(()),
        }
    }

    /// The artifact, if one is asked for.
    pub fn load(&self) -> Result<Option<Arc<Artifact>>, Failure> {
        Ok(match self {
            Self::Published => Some(published()?),
            Self::None => None,
            Self::Dir(dir) => Some(Arc::new(Registry::artifact_at(dir)?)),
        })
    }
}

/// The prior for rows, and whether it was trained on them and that is allowed.
pub fn prior_for(
    artifact: Option<Arc<Artifact>>,
    rows: &Rows,
    allow_overlap: bool,
) -> Result<(Option<Prior>, bool), Failure> {
    let Some(artifact) = artifact else { return Ok((None, false)) };
    match Prior::for_rows(Arc::clone(&artifact), rows, TwinKind::Source) {
        Ok(prior) => Ok((Some(prior), false)),
        Err(train::Error::Overlap { .. } | train::Error::UnknownPrior { .. }) if allow_overlap => {
            Ok((Some(Prior::overlapping(artifact)), true))
        }
        Err(error) => Err(error.into()),
    }
}

/// What becomes of the figures.
#[derive(Clone, Debug, Args)]
pub struct ResultArgs {
    /// CSV file to write: the score of every change from the split on, or that the artifact has not seen
    #[arg(long, value_name = "FILE")]
    pub predictions: Option<PathBuf>,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Which columns of a table are what.
#[derive(Clone, Debug, Args)]
pub struct ColumnArgs {
    /// Column of the label: 1 or 0, empty where it is not known
    #[arg(long, value_name = "COL")]
    pub label: Option<String>,
    /// Column of the time: any number that grows with it
    #[arg(long, value_name = "COL")]
    pub time: Option<String>,
    /// Column that names a row
    #[arg(long, value_name = "COL")]
    pub id: Option<String>,
    /// Feature columns; every column of numbers but the usual others unless given
    #[arg(long, value_name = "A,B", value_delimiter = ',', conflicts_with = "exclude", requires = "label")]
    pub columns: Vec<String>,
    /// Columns that are no features
    #[arg(long, value_name = "A,B", value_delimiter = ',', requires = "label")]
    pub exclude: Vec<String>,
}

impl ColumnArgs {
    /// Whether a table is meant: any column is named.
    pub fn is_given(&self) -> bool {
        self.label.is_some() || self.time.is_some() || self.id.is_some()
    }

    /// The same for the reader of tables.
    pub fn options(&self) -> Result<TableOptions, Failure> {
        let needed = |name: &str, value: &Option<String>| {
            value.clone().ok_or_else(|| Failure::usage(format!("a table needs `--{name} COL`")))
        };
        Ok(TableOptions {
            label: needed("label", &self.label)?,
            time: needed("time", &self.time)?,
            id: needed("id", &self.id)?,
            columns: (!self.columns.is_empty()).then(|| self.columns.clone()),
            exclude: self.exclude.clone(),
            split_column: None,
            group: None,
        })
    }
}

/// Reads a table and says on stderr which columns are no features.
pub fn load_table(path: &Path, options: &TableOptions) -> Result<Table, Failure> {
    let table = Table::load(path, options)?;
    for left_out in &table.left_out {
        note(&format!("left out: {} ({})", left_out.column, left_out.why));
    }
    let n_unlabeled = table.n_rows() - table.labeled().len();
    if n_unlabeled > 0 {
        let n_rows = table.n_rows();
        note(&format!(
            "{n_unlabeled} of {n_rows} rows have no label: nothing is learned from them, nor measured on them"
        ));
    }
    let ids: BTreeSet<&String> = table.ids.iter().collect();
    if ids.len() < table.n_rows() {
        let n_doubled = table.n_rows() - ids.len();
        note(&format!("{n_doubled} rows have the id of another one: predictions cannot be told apart by it"));
    }
    Ok(table)
}

/// The same, where something is to be learned from it.
pub fn load_training_table(path: &Path, options: &TableOptions) -> Result<Table, Failure> {
    let table = load_table(path, options)?;
    table.check_labels(&options.label)?;
    Ok(table)
}

/// Reads files of mined rows one after the other, each held to the moment it is as of, and the latest of these moments.
pub fn load_rows(paths: &[PathBuf]) -> Result<(Rows, i64), Failure> {
    load_checked(paths, |_, _| Ok(()))
}

/// The same, where something is to be learned from them.
pub fn load_training_rows(paths: &[PathBuf]) -> Result<(Rows, i64), Failure> {
    load_checked(paths, refuse_other_features)
}

fn load_checked(
    paths: &[PathBuf],
    check: impl Fn(&Path, &Rows) -> Result<(), Failure>,
) -> Result<(Rows, i64), Failure> {
    refuse_twice(paths)?;
    let mut all: Option<Rows> = None;
    let mut as_of = i64::MIN;
    let mut seen = SeenChanges::default();
    for path in paths {
        let (mut rows, Metadata { mined_at, .. }) = Rows::read_parquet(path)?;
        rows.hold_to(mined_at);
        check(path, &rows)?;
        as_of = as_of.max(mined_at);
        seen.take(path, &rows)?;
        match &mut all {
            None => all = Some(rows),
            Some(all) => all.append(&rows)?,
        }
    }
    all.map(|rows| (rows, as_of)).ok_or_else(|| Failure::usage("no file of rows is given"))
}

/// Refuses rows whose features are not those of this version: what is learned from them would be refused wherever it is to
/// score.
pub fn refuse_other_features(path: &Path, rows: &Rows) -> Result<(), Failure> {
    let here: BTreeMap<&str, u32> = schema().revisions().collect();
    let built_in = rows.features().iter().filter(|feature| !is_custom(&feature.name));
    let there: BTreeMap<&str, u32> =
        built_in.map(|feature| (feature.name.as_str(), feature.revision)).collect();
    let names = there.keys().chain(here.keys());
    let Some(name) = names.copied().find(|name| there.get(name) != here.get(name)) else { return Ok(()) };
    let revision = |side: &BTreeMap<&str, u32>| {
        side.get(name).map_or_else(|| "missing".to_owned(), |revision| format!("of revision {revision}"))
    };
    Err(Failure::bad_input(format!(
        "`{}` was mined by another version: feature `{name}` is {} there and {} here; mine these rows again",
        path.display(),
        revision(&there),
        revision(&here)
    )))
}

/// The changes of the files read so far.
#[derive(Default)]
pub struct SeenChanges {
    keys: BTreeSet<[String; 3]>,
}

impl SeenChanges {
    /// Takes the changes of one more file. One that an earlier file held, under whatever name, would count twice.
    pub fn take(&mut self, path: &Path, rows: &Rows) -> Result<(), Failure> {
        let key = |row: &Row| [row.root.clone(), row.unit.clone(), row.change_id.0.clone()];
        let mut again = rows.facts().iter().filter(|row| !self.keys.insert(key(row)));
        let Some(first) = again.next() else { return Ok(()) };
        let more = match again.count() {
            0 => String::new(),
            n => format!(", as are {n} more"),
        };
        let (path, change, repo) = (path.display(), &first.change_id.0, &first.repo);
        Err(Failure::bad_input(format!(
            "`{path}`: the change {change} of `{repo}` is there twice, in this file or with an earlier one{more}; each may count once"
        )))
    }
}

/// Refuses a file that is given twice: its rows would count twice.
pub fn refuse_twice(paths: &[PathBuf]) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for path in paths {
        if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
            return Err(Failure::usage(format!("the file `{}` is given twice", path.display())));
        }
    }
    Ok(())
}
