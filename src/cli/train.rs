//! `train`: rows or a table into an artifact directory, blended with a prior or pooled over repositories. An artifact is
//! written whole, over an earlier one too. Start at [`run`].

use std::path::{Path, PathBuf};

use clap::Args;
use diffrisk::artifact::{Artifact, ModelName};
use diffrisk::dataset::Rows;
use diffrisk::train::{PooledOptions, Prior, Recipe, TrainOptions, train_pooled, train_rows, train_table};
use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::inputs::refuse_unwritable_dir;
use crate::cli::learning::{
    ColumnArgs, PriorArg, SeenChanges, TaskArg, load_training_rows, load_training_table, prior_for,
    refuse_other_features, refuse_twice,
};
use crate::cli::output::{OutputArgs, Table, print, print_json, wrapped};
use crate::cli::progress::Progress;
use crate::cli::report::trained_until;

/// Arguments of `train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Mined rows (Parquet, several files allowed), or one table of numbers
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// Directory to write the artifact into
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Name of the model; the directory's name unless given
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    name: Option<String>,
    /// Which label is learned
    #[arg(long, value_name = "TASK", value_enum, default_value_t = TaskArg::Strict, conflicts_with_all = ["label", "time", "id"])]
    label_task: TaskArg,
    /// Artifact to blend with: a directory, `published` or `none`
    #[arg(long, value_name = "DIR", default_value = "published")]
    prior: PriorArg,
    /// Train what others blend with: one model over all files, each a repository, with leave-out twins
    #[arg(long, conflicts_with_all = ["label", "time", "id", "prior"])]
    pooled: bool,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    columns: ColumnArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Trains an artifact and writes its directory.
pub fn run(args: TrainArgs) -> Result<Exit, Failure> {
    refuse_unwritable_dir("--out", &args.out)?;
    let name = args.name.clone().unwrap_or_else(|| name_of(&args.out));
    let progress = Progress::wait("training");
    let trained = match &args {
        args if args.pooled => on_repositories(args, &name),
        args if args.columns.is_given() => on_table(args, &name),
        args => on_rows(args, &name),
    };
    progress.end();
    let artifact = trained?;
    artifact.save(&args.out)?;
    if args.output.json {
        print_json(&document(&artifact, &args.out))?;
    } else {
        print(&table(&artifact, &args.out));
    }
    Ok(Exit::Success)
}

fn on_rows(args: &TrainArgs, name: &str) -> Result<Artifact, Failure> {
    let (rows, as_of) = load_training_rows(&args.data)?;
    // A prior that knows these very rows flatters a test, but not the model that ships.
    let (prior, _): (Option<Prior>, _) = prior_for(args.prior.load()?, &rows, true)?;
    let options = TrainOptions { recipe: Recipe::default(), prior, as_of, seed: args.seed };
    Ok(train_rows(&rows, name, args.label_task.into(), &options)?)
}

fn on_repositories(args: &TrainArgs, name: &str) -> Result<Artifact, Failure> {
    refuse_twice(&args.data)?;
    let mut sources = Vec::new();
    let mut seen = SeenChanges::default();
    for path in &args.data {
        let (rows, _) = Rows::read_parquet(path)?;
        refuse_other_features(path, &rows)?;
        seen.take(path, &rows)?;
        sources.push(rows);
    }
    let options = PooledOptions {
        name: name.to_owned(),
        task: args.label_task.into(),
        recipe: Recipe::pooled(),
        seed: args.seed,
    };
    Ok(train_pooled(&sources.iter().collect::<Vec<_>>(), &options)?)
}

fn on_table(args: &TrainArgs, name: &str) -> Result<Artifact, Failure> {
    let [path] = args.data.as_slice() else {
        return Err(Failure::usage("training on a table takes one `--data` file"));
    };
    args.prior.refuse_for_table()?;
    let table = load_training_table(path, &args.columns.options()?)?;
    Ok(train_table(&table, name, &Recipe::table(), args.seed)?)
}

/// A name under which the registry can hold a model and the service swap it in.
fn parse_name(text: &str) -> Result<String, String> {
    let expected = "expected 1 to 100 letters, digits, `-`, `_` or `.`, and no `.` at the start";
    if ModelName::is_step(text) { Ok(text.to_owned()) } else { Err(expected.to_owned()) }
}

fn name_of(out: &Path) -> String {
    out.file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn document(artifact: &Artifact, out: &Path) -> Value {
    let document = artifact.document();
    json!({
        "out": out.display().to_string(),
        "name": document.name,
        "version": artifact.version(),
        "digest": format!("sha256:{}", artifact.digest()),
        "task": document.label_task,
        "trained_until": trained_until(document),
        "trained_until_time": document.trained_until,
        "base_rate": document.scoring.base_rate,
        "prior": document.prior,
        "sources": document.sources,
        "notes": document.notes,
        "metrics": document.metrics,
    })
}

fn table(artifact: &Artifact, out: &Path) -> String {
    let document = artifact.document();
    let mut table = Table::new(&["source", "rows", "positive"]);
    for source in &document.sources {
        table.push(vec![source.name.clone(), source.n_rows.to_string(), source.n_positive.to_string()]);
    }
    let prior = document.prior.as_ref().map_or("none", |prior| prior.name.as_str());
    let (name, version, dir) = (&document.name, artifact.version(), out.display());
    let notes: String = document.notes.iter().map(|note| wrapped(&format!("note: {note}")) + "\n").collect();
    format!("{}\n{dir}: model {name}, version {version}, prior {prior}\n{notes}", table.render())
}
