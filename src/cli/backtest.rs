//! `backtest`: arguments into options, rows of a repository or a table into a report. What is measured and how is up to
//! `diffrisk::train`; only the choice and the printing are here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, ValueEnum};
use diffrisk::dataset::{CustomValues, Row, Rows, Split};
use diffrisk::mining::{AuthorKey, CustomUse, MineOptions, Mined, mine};
use diffrisk::train::{
    Backtest, BacktestOptions, Mode, Protocol, Recipe, SplitAt, TableBacktest, ablation, backtest,
    backtest_table, learning_curve,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::learning::{
    ColumnArgs, PriorArg, ResultArgs, TaskArg, load_training_rows, load_training_table, prior_for,
};
use crate::cli::mine::{joins, note_wrong_clock};
use crate::cli::output::{note, print, print_json};
use crate::cli::progress::Progress;
use crate::cli::report::{PredictionsFile, add_utc, render};
use crate::cli::repository::{OpenedRepository, SourceArgs, UnitArg};
use crate::cli::time::{Moment, parse_moment, seconds};

/// Of so many changes one may be in another repository as well: of a hundred of two real ones at most half of one is.
const MOST_SHARED: usize = 100;
/// In a short history, so few say nothing.
const FEWEST_SHARED: usize = 5;

/// Arguments of `backtest`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["repo", "table"]))]
pub struct BacktestArgs {
    /// Repository: a work tree or a bare directory
    #[arg(long, value_name = "PATH", conflicts_with_all = ["label", "time", "id", "columns", "exclude", "split_column", "group"])]
    repo: Option<PathBuf>,
    /// Table of numbers: CSV, gzipped CSV or Parquet
    #[arg(long, value_name = "FILE", conflicts_with_all = ["unit", "since", "label_task", "with", "incidents", "outcomes", "store", "features", "mode", "refit_days", "ablate", "learning_curve", "allow_overlap"])]
    table: Option<PathBuf>,
    #[command(flatten)]
    columns: ColumnArgs,
    /// Column of a table that holds `train` or `test`
    #[arg(long, value_name = "COL", requires = "table", conflicts_with = "split")]
    split_column: Option<String>,
    /// Column of a table whose values are split each for itself
    #[arg(long, value_name = "COL", requires = "table")]
    group: Option<String>,
    /// Share of the kept rows, oldest first, that trains
    #[arg(long, value_name = "SHARE", default_value_t = 0.7, value_parser = parse_share)]
    split: f64,
    /// Moment at which the test begins
    #[arg(long, value_name = "T", conflicts_with_all = ["split", "split_column", "group"])]
    split_at: Option<String>,
    /// Name of the repository in incidents, outcomes and custom features; its directory's name unless given
    #[arg(long, value_name = "NAME", requires = "repo")]
    name: Option<String>,
    /// What counts as one change
    #[arg(long, value_name = "UNIT", value_enum, default_value_t = UnitArg::Auto)]
    unit: UnitArg,
    /// Leave out rows of changes landed before this moment; history is read from its start all the same
    #[arg(long, value_name = "T", value_parser = parse_moment)]
    since: Option<Moment>,
    /// Which label is learned and judged
    #[arg(long, value_name = "TASK", value_enum, default_value_t = TaskArg::Strict)]
    label_task: TaskArg,
    /// Mined rows of other repositories, added to training as far as they are older than the test
    #[arg(long, value_name = "FILE", num_args = 1..)]
    with: Vec<PathBuf>,
    /// Artifact to blend with: a directory, `published` or `none`
    #[arg(long, value_name = "DIR", default_value = "published")]
    prior: PriorArg,
    /// Whose experience the ensemble has
    #[arg(long, value_name = "MODE", value_enum, default_value_t = ModeArg::Both)]
    mode: ModeArg,
    /// Fit anew every so many days of the test, on what is known by then; one model for all of it unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    refit_days: Option<u32>,
    /// Also measure the ensemble without each family of features
    #[arg(long)]
    ablate: bool,
    /// Also measure the ensemble with the newest 3, 6, 12, 24, 48 and 96 months of training rows only
    #[arg(long)]
    learning_curve: bool,
    /// Run with a prior that was trained on this very repository, and mark the result as leaky
    #[arg(long)]
    allow_overlap: bool,
    #[command(flatten)]
    sources: SourceArgs,
    /// Custom features of changes: CSV, JSON lines or Parquet with `repo`, `change_id`, `known_at` and `x.…`
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
    #[command(flatten)]
    result: ResultArgs,
}

/// Whose experience the ensemble has.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ModeArg {
    /// The repository's own and the prior's
    Both,
    /// The repository's own alone
    Local,
    /// The prior's alone, without a local label
    Pooled,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Both => Self::Both,
            ModeArg::Local => Self::Local,
            ModeArg::Pooled => Self::Pooled,
        }
    }
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share: &f64| *share > 0.0 && *share < 1.0);
    share.ok_or_else(|| "expected a share between 0 and 1, such as 0.7".to_owned())
}

/// Trains on the older part, tests on the newer, and prints every system side by side.
pub fn run(args: BacktestArgs) -> Result<Exit, Failure> {
    let inputs = [&args.table, &args.features, &args.sources.incidents, &args.sources.outcomes];
    let inputs: Vec<&Path> = inputs.into_iter().flatten().chain(&args.with).map(PathBuf::as_path).collect();
    let predictions_file = PredictionsFile::open(args.result.predictions.as_deref(), &inputs)?;
    let (tested, joins) = if args.table.is_some() { (on_table(&args)?, None) } else { on_repository(&args)? };
    predictions_file.map_or(Ok(()), |file| file.write(&tested.predictions))?;
    if args.result.output.json {
        let mut document = serde_json::to_value(&tested.report).map_err(anyhow::Error::from)?;
        if let Some(joins) = joins {
            joins.into_iter().for_each(|(key, value)| document[key] = value);
            add_utc(&mut document);
        }
        print_json(&document)?;
    } else {
        print(&render(&tested.report));
    }
    Ok(Exit::Success)
}

/// What became of incidents, outcomes and custom features, by the key that tells it.
type Joins = [(&'static str, Value); 3];

fn on_repository(args: &BacktestArgs) -> Result<(Backtest, Option<Joins>), Failure> {
    if args.prior == PriorArg::None && matches!(args.mode, ModeArg::Pooled) {
        return Err(Failure::usage("`--mode pooled` needs a prior, but `--prior none` is given"));
    }
    let split_at = args.split_at.as_deref().map(parse_moment).transpose().map_err(Failure::usage)?;
    let mined = mined(args)?;
    let (joins, notes) = (joins(&mined), unused(&mined));
    notes.iter().for_each(|unused| note(unused));
    let mut rows = mined.rows;
    let more = if args.with.is_empty() { None } else { Some(load_training_rows(&args.with)?.0) };
    more.as_ref().map_or(Ok(()), |more| refuse_own(&rows, more))?;
    more.iter().for_each(|more| rows.add_custom_features(more));
    let (prior, leaky) = prior_for(args.prior.load()?, &rows, args.allow_overlap)?;
    let options = BacktestOptions {
        task: args.label_task.into(),
        split: split_at.map_or(SplitAt::Share(args.split), |moment| SplitAt::Moment(moment.0)),
        recipe: Recipe::default(),
        prior,
        protocol: Protocol { mode: args.mode.into(), refit_days: args.refit_days, history_months: None },
        leaky,
        seed: args.result.seed,
        clock: seconds,
    };
    let progress = Progress::wait("training and testing");
    let tested = backtest(&rows, more.as_ref(), &options);
    progress.end();
    let mut tested = tested?;
    tested.report.mine_seconds = Some(mined.seconds);
    tested.report.notes.extend(notes);
    if args.ablate {
        let progress = Progress::wait("fitting without each family");
        let study = ablation(&rows, more.as_ref(), &options);
        progress.end();
        tested.report.studies.insert("ablation", study?);
    }
    if args.learning_curve {
        let progress = Progress::wait("fitting on fewer months");
        let study = learning_curve(&rows, more.as_ref(), &options);
        progress.end();
        tested.report.studies.insert("learning_curve", study?);
    }
    Ok((tested, Some(joins)))
}

/// Rows of the repository under test would train twice beside those that are mined here.
fn refuse_own(rows: &Rows, more: &Rows) -> Result<(), Failure> {
    let roots: BTreeSet<&str> = rows.facts().iter().map(|row| row.root.as_str()).collect();
    if let Some(row) = more.facts().iter().find(|row| roots.contains(row.root.as_str())) {
        return Err(Failure::bad_input(format!(
            "`--with` adds other repositories, but rows of `{}` are of the one under test (root commit {})",
            row.repo, row.root
        )));
    }
    // A history that was written anew has other commits and the same changes; those without a line are the same everywhere.
    let theirs = more.facts().iter().filter(|row| row.effort > 0).map(|row| row.digest.as_str());
    let theirs: BTreeSet<&str> = theirs.collect();
    let is_shared = |row: &&Row| row.effort > 0 && theirs.contains(row.digest.as_str());
    let n_shared = rows.facts().iter().filter(is_shared).count();
    if n_shared >= FEWEST_SHARED && n_shared > rows.n_rows() / MOST_SHARED {
        return Err(Failure::bad_input(format!(
            "`--with` adds other repositories, but {n_shared} of {} changes under test are among its rows",
            rows.n_rows()
        )));
    }
    Ok(())
}

fn mined(args: &BacktestArgs) -> Result<Mined, Failure> {
    let Some(path) = &args.repo else { return Err(Failure::usage("`--repo` or `--table` is needed")) };
    let opened = OpenedRepository::open(path, args.name.as_deref(), args.unit)?;
    let options = MineOptions {
        name: opened.name,
        unit: opened.unit,
        sources: args.sources.load()?,
        since: args.since.map(|moment| moment.0),
        until: None,
        now: Timestamp::now().as_second(),
        custom: args.features.as_deref().map(CustomValues::load).transpose()?,
        // Nothing of these rows is written down.
        author_key: AuthorKey::new(vec![0; 32]).ok_or_else(|| Failure::bad_input("no author key"))?,
    };
    let progress = Progress::start("changes read");
    let mined = mine(&opened.repository, options, |n_read| progress.at(n_read));
    progress.end();
    let mined = mined?;
    note_wrong_clock(&mined);
    Ok(mined)
}

/// What a report says of what was given and could not be used.
fn unused(mined: &Mined) -> Vec<String> {
    let n_unreadable = mined.report.n_unreadable;
    let unread = format!(
        "{n_unreadable} {} of {} changes cannot be read, as in a partial or damaged clone: what stands there is unknown \
         to the features",
        if n_unreadable == 1 { "file" } else { "files" },
        mined.report.n_changes
    );
    let CustomUse { n_later, n_other_commits, .. } = mined.custom;
    let counts = [
        ("incidents and outcomes of unknown changes, which say nothing here", mined.n_unknown_targets),
        ("incidents and outcomes known only later, which say nothing yet", mined.n_later_targets),
        ("custom values known only after their change landed, which are unknown to it", n_later),
        ("commits with custom values that are no change", n_other_commits),
    ];
    let counted = counts.into_iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{what}: {n}"));
    (n_unreadable > 0).then_some(unread).into_iter().chain(counted).collect()
}

fn on_table(args: &BacktestArgs) -> Result<Backtest, Failure> {
    let Some(path) = &args.table else { return Err(Failure::usage("`--repo` or `--table` is needed")) };
    args.prior.refuse_for_table()?;
    if let (Some(split_column), Some(group)) = (&args.split_column, &args.group) {
        note(&format!("`{split_column}` alone says what trains; `{group}` is left out of the features"));
    }
    let mut options = args.columns.options()?;
    options.split_column.clone_from(&args.split_column);
    options.group.clone_from(&args.group);
    let table = load_training_table(path, &options)?;
    let split = match &args.split_at {
        Some(moment) => Split::at_time(&table.times, &table.labeled(), table_time(moment)?),
        None => table.split(args.split),
    };
    let split = split.map_err(diffrisk::train::Error::from)?;
    let progress = Progress::wait("training and testing");
    let tested = backtest_table(
        &table,
        &TableBacktest { split, recipe: Recipe::table(), seed: args.result.seed, clock: seconds },
    );
    progress.end();
    Ok(tested?)
}

/// A moment in a table's own time, which may be any number.
fn table_time(text: &str) -> Result<f64, Failure> {
    if let Ok(number) = text.parse::<f64>() {
        return Ok(number);
    }
    let moment = parse_moment(text).map_err(Failure::usage)?;
    Ok(moment.0 as f64)
}
