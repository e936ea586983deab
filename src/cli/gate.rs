//! `gate`: a decision as an exit code, made here or asked of a service. Whatever goes wrong on the way ends with another code
//! than 0, unless `--advisory` asks for that. Start at [`run`].

use clap::{Args, ValueEnum};
use diffrisk::explain::{Explanation, markdown, sarif};
use diffrisk::git::Repository;
use diffrisk::http::explanation_of;
use diffrisk::http::wire::Answer;

use crate::cli::answer::{describe, describe_in_full};
use crate::cli::client::ServiceArgs;
use crate::cli::exit::{self, Exit};
use crate::cli::failure::Failure;
use crate::cli::history::OnRefusal;
use crate::cli::output::{OutputArgs, complain, print, print_json};
use crate::cli::question::QuestionArgs;
use crate::cli::service;

/// Arguments of `gate`.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub struct GateArgs {
    #[command(flatten)]
    question: QuestionArgs,
    #[command(flatten)]
    service: ServiceArgs,
    /// Exit with 0 whatever the decision
    #[arg(long)]
    advisory: bool,
    /// Show why: what moved the risk, where to look, what went wrong before, what would lower it
    #[arg(long)]
    explain: bool,
    /// How to print the decision
    #[arg(long, value_enum, default_value_t = Format::Text, conflicts_with = "json")]
    format: Format,
    #[command(flatten)]
    output: OutputArgs,
}

/// How a decision is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The reason lines
    Text,
    /// A comment for a pull request
    Markdown,
    /// SARIF 2.1.0 for code scanning
    Sarif,
}

/// Decides on one change and says so by the exit code.
pub fn run(args: GateArgs) -> Result<Exit, Failure> {
    let ended = gate(&args);
    if !args.advisory {
        return ended;
    }
    if let Err(failure) = ended {
        complain(&failure.to_string());
    }
    Ok(Exit::Success)
}

fn gate(args: &GateArgs) -> Result<Exit, Failure> {
    refuse_shallow(args)?;
    let (answer, explanation) = match &args.service.server {
        Some(server) => {
            let is_explained = args.explain || args.format != Format::Text && !args.output.json;
            let answer = service::decision(&args.service, server, &args.question.body()?, is_explained)?;
            let explanation = explanation_beside(&answer);
            (answer, explanation)
        }
        None if args.format == Format::Text && !args.explain => {
            let answer = args.question.answer(OnRefusal::Degrade)?;
            let explanation = explanation_of(&answer);
            (answer, explanation)
        }
        None => {
            let (mut answer, explanation) = args.question.explained(OnRefusal::Degrade)?;
            answer.explained = args.explain.then(|| Box::new(explanation.clone()));
            (answer, explanation)
        }
    };
    show(args, &answer, explanation)?;
    Ok(exit_of(&answer))
}

/// What the service explained, about the decision that it gave: that one stands, whatever a second look
/// would say.
fn explanation_beside(answer: &Answer) -> Explanation {
    let given = explanation_of(answer);
    match answer.explained.as_deref().cloned() {
        Some(explained) => {
            let notes = [explained.notes.as_slice(), given.notes.as_slice()].concat();
            let Explanation { headline, reasons, require, stages, base, margin, groups, page, .. } = given;
            Explanation { headline, reasons, require, stages, base, margin, groups, page, notes, ..explained }
        }
        None => given,
    }
}

fn show(args: &GateArgs, answer: &Answer, mut explanation: Explanation) -> Result<(), Failure> {
    let server = args.service.server.as_deref().unwrap_or("").trim_end_matches('/');
    explanation.page = answer.links.as_ref().map(|links| format!("{server}{}", links.page));
    match args.format {
        _ if args.output.json => print_json(answer)?,
        Format::Markdown => print(&markdown(&explanation)),
        Format::Sarif => print_json(&sarif(&explanation))?,
        Format::Text => {
            print(&if args.explain { describe_in_full(answer, &explanation) } else { describe(answer) });
            if let (Some(id), Some(page)) = (&answer.decision_id, &explanation.page) {
                print(&format!("decision {id}, {page}\n"));
            }
        }
    }
    Ok(())
}

/// A shallow clone, or one without trees, knows no history to compare with: no decision exists.
fn refuse_shallow(args: &GateArgs) -> Result<(), Failure> {
    let Some(path) = &args.question.history.repo else { return Ok(()) };
    let refused = Repository::open(path)?.refuse_shallow();
    refused.map_err(|error| Failure::no_decision(error.to_string()))
}

/// Shadow mode never stops anybody; a word this build does not know is not the fast path.
fn exit_of(answer: &Answer) -> Exit {
    match answer.decision.as_str() {
        _ if !answer.enforced => Exit::Success,
        "fast_path" if !answer.degraded => Exit::Success,
        "hold" => Exit::Hold,
        _ => Exit::ExtraValidation,
    }
}
