use clap::Args;

use crate::cli::answer::describe;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::{OutputArgs, print, print_json};
use crate::cli::question::QuestionArgs;

/// Arguments of `score`.
#[derive(Debug, Args)]
pub struct ScoreArgs {
    #[command(flatten)]
    question: QuestionArgs,
    /// Show what each feature added
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Scores one change and decides on it, without a record.
pub fn run(args: ScoreArgs) -> Result<Exit, Failure> {
    let answer = args.question.answer()?;
    if args.output.json {
        print_json(&answer)?;
    } else {
        print(&describe(&answer, args.explain));
    }
    Ok(Exit::Success)
}
