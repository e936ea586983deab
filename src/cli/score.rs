//! `score`: one decision in full for people and programs, without a record and without a verdict in the exit code.

use clap::Args;

use crate::cli::answer::{describe, describe_in_full};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::history::OnRefusal;
use crate::cli::output::{OutputArgs, print, print_json};
use crate::cli::question::QuestionArgs;

/// Arguments of `score`.
#[derive(Debug, Args)]
pub struct ScoreArgs {
    #[command(flatten)]
    question: QuestionArgs,
    /// Show why: what moved the risk, where to look, what went wrong before, what would lower it
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Scores one change and decides on it, without a record.
pub fn run(args: ScoreArgs) -> Result<Exit, Failure> {
    match (args.output.json, args.explain) {
        (true, false) => print_json(&args.question.answer(OnRefusal::End)?)?,
        (false, false) => print(&describe(&args.question.answer(OnRefusal::End)?)),
        (true, true) => {
            let (answer, explanation) = args.question.explained(OnRefusal::End)?;
            let mut document = serde_json::to_value(&answer).map_err(anyhow::Error::from)?;
            document["explained"] = serde_json::to_value(&explanation).map_err(anyhow::Error::from)?;
            print_json(&document)?;
        }
        (false, true) => {
            let (answer, explanation) = args.question.explained(OnRefusal::End)?;
            print(&describe_in_full(&answer, &explanation));
        }
    }
    Ok(Exit::Success)
}
