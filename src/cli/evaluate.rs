use std::path::PathBuf;

use clap::Args;
use diffrisk::artifact::Artifact;
use diffrisk::train::{Evaluation, EvaluationReport, evaluate, evaluate_table};
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::learning::{ColumnArgs, ResultArgs, TaskArg, load_rows, load_table};
use crate::cli::output::{print, print_json};
use crate::cli::progress::Progress;
use crate::cli::report::{add_utc, figures, write_predictions};
use crate::cli::time::utc;

/// Arguments of `evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// Artifact to measure
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Mined rows (Parquet, several files allowed), or one table of numbers
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// Which label is judged
    #[arg(long, value_name = "TASK", value_enum, default_value_t = TaskArg::Strict)]
    label_task: TaskArg,
    #[command(flatten)]
    columns: ColumnArgs,
    #[command(flatten)]
    result: ResultArgs,
}

/// Measures an artifact on rows it has not seen, beside what needs no model.
pub fn run(args: EvaluateArgs) -> Result<Exit, Failure> {
    let artifact = Artifact::load(&args.model)?;
    let progress = Progress::start("measuring");
    let evaluation =
        if args.columns.is_given() { on_table(&args, &artifact) } else { on_rows(&args, &artifact) };
    progress.end();
    let Evaluation { report, predictions } = evaluation?;
    if let Some(path) = &args.result.predictions {
        write_predictions(path, &predictions)?;
    }
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
    Ok(evaluate_table(artifact, &table, args.result.seed)?)
}

fn document(artifact: &Artifact, report: &EvaluationReport) -> anyhow::Result<serde_json::Value> {
    let mut document = serde_json::to_value(report)?;
    document["model"] = json!({
        "name": artifact.document().name,
        "version": artifact.version(),
        "digest": format!("sha256:{}", artifact.digest()),
        "trained_until": utc(artifact.document().trained_until),
    });
    Ok(document)
}

fn text(artifact: &Artifact, report: &EvaluationReport) -> String {
    let (name, version) = (&artifact.document().name, artifact.version());
    let mut text = figures(report.task, &report.block, &report.also);
    text.push_str(&format!("\nmodel {name}, version {version}"));
    if report.n_seen > 0 {
        text.push_str(&format!("; {} rows left out, which it was trained on", report.n_seen));
    }
    if let Some(prior) = report.prior.as_ref().filter(|prior| prior.later_than_split) {
        text.push_str(&format!("; its prior {} saw later data", prior.reference.name));
    }
    text.push('\n');
    text
}
