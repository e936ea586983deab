//! `evaluate`: a finished artifact on rows or a table, printed beside what needs no model. Fits nothing.

use std::path::{Path, PathBuf};

use clap::Args;
use diffrisk::artifact::{Artifact, Registry};
use diffrisk::train::{self, Evaluation, EvaluationReport, evaluate, evaluate_table};
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::learning::{ColumnArgs, ResultArgs, TaskArg, load_rows, load_table};
use crate::cli::output::{note, print, print_json, wrapped};
use crate::cli::progress::Progress;
use crate::cli::report::{PredictionsFile, add_utc, figures, trained_until};

/// Arguments of `evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// Artifact to measure: its directory, or a registry's `default` file
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Mined rows (Parquet, several files allowed), or one table of numbers
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// Which label is judged
    #[arg(long, value_name = "TASK", value_enum, default_value_t = TaskArg::Strict, conflicts_with_all = ["label", "time", "id"])]
    label_task: TaskArg,
    #[command(flatten)]
    columns: ColumnArgs,
    #[command(flatten)]
    result: ResultArgs,
}

/// Measures an artifact on rows it has not seen, beside what needs no model.
pub fn run(args: EvaluateArgs) -> Result<Exit, Failure> {
    let inputs: Vec<&Path> = args.data.iter().map(PathBuf::as_path).collect();
    let predictions_file = PredictionsFile::open(args.result.predictions.as_deref(), &inputs)?;
    let artifact = Registry::artifact_at(&args.model)?;
    let progress = Progress::wait("measuring");
    let evaluation =
        if args.columns.is_given() { on_table(&args, &artifact) } else { on_rows(&args, &artifact) };
    progress.end();
    let Evaluation { report, predictions } = evaluation?;
    let (n_test, pos_test) = (report.block.dataset.n_test, report.block.dataset.pos_test);
    if pos_test == 0 || pos_test == n_test {
        note(&format!(
            "of {n_test} rows with a label {pos_test} are positive: how well they are ranked is not defined"
        ));
    }
    predictions_file.map_or(Ok(()), |file| file.write(&predictions))?;
    if args.result.output.json {
        let mut document = document(&artifact, &report)?;
        if !args.columns.is_given() {
            add_utc(&mut document);
        }
        print_json(&document)?;
    } else {
        print(&text(&artifact, &report));
    }
    Ok(Exit::Success)
}

fn on_rows(args: &EvaluateArgs, artifact: &Artifact) -> Result<Evaluation, Failure> {
    let (rows, _) = load_rows(&args.data)?;
    Ok(evaluate(artifact, &rows, args.label_task.into(), args.result.seed)?)
}

fn on_table(args: &EvaluateArgs, artifact: &Artifact) -> Result<Evaluation, Failure> {
    let [path] = args.data.as_slice() else {
        return Err(Failure::usage("measuring on a table takes one `--data` file"));
    };
    let table = load_table(path, &args.columns.options()?)?;
    let named = |error: train::Error| match error {
        train::Error::Artifact(error) => Failure::bad_input(format!("`{}`: {error}", path.display())),
        error => error.into(),
    };
    evaluate_table(artifact, &table, args.result.seed).map_err(named)
}

fn document(artifact: &Artifact, report: &EvaluationReport) -> anyhow::Result<serde_json::Value> {
    let mut document = serde_json::to_value(report)?;
    document["model"] = json!({
        "name": artifact.document().name,
        "version": artifact.version(),
        "digest": format!("sha256:{}", artifact.digest()),
        "trained_until": trained_until(artifact.document()),
        "trained_until_time": artifact.document().trained_until,
    });
    Ok(document)
}

fn text(artifact: &Artifact, report: &EvaluationReport) -> String {
    let (name, version) = (&artifact.document().name, artifact.version());
    let mut text = figures(report.task, &report.block, &report.also);
    text.push_str(&format!("\nmodel {name}, version {version}"));
    if let Some(n_seen) = report.n_seen.filter(|n_seen| *n_seen > 0) {
        text.push_str(&format!("; {n_seen} rows left out, which it was trained on"));
    }
    if let Some(n_not_later) = report.n_not_later.filter(|n_not_later| *n_not_later > 0) {
        text.push_str(&format!(
            "; {n_not_later} rows are no later than what it was trained on: if they are of the same table, it has seen them"
        ));
    }
    if let Some(n_maybe_later) = report.n_maybe_later {
        text.push_str(&format!(
            "; {n_maybe_later} rows may be no later: of times it keeps whole numbers alone, and theirs differ from its last by a fraction"
        ));
    }
    if let Some(prior) = report.prior.as_ref().filter(|prior| prior.later_than_split) {
        text.push_str(&format!("; its prior {} saw later data", prior.reference.name));
    }
    text.push('\n');
    report.notes.iter().for_each(|note| text.push_str(&(wrapped(&format!("note: {note}")) + "\n")));
    text
}
