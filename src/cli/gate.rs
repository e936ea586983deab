use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use diffrisk::explain::{Explanation, markdown, sarif};
use diffrisk::git::Repository;
use diffrisk::http::wire::Answer;
use diffrisk::http::{explanation_of, trusting};
use serde::Deserialize;
use ureq::Body;
use ureq::http::Response;

use crate::cli::answer::describe;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, OrExit};
use crate::cli::output::{OutputArgs, complain, print, print_json};
use crate::cli::question::{OnRefusal, QuestionArgs};

/// Ten seconds: a service answers within its deadline of a fifth of a second, also where it folds or is busy.
const TIMEOUT_MS: NonZeroU64 = NonZeroU64::new(10_000).expect("ten thousand is not zero");

/// Arguments of `gate`.
#[derive(Debug, Args)]
pub struct GateArgs {
    #[command(flatten)]
    question: QuestionArgs,
    /// Service to ask instead of scoring here, such as `http://127.0.0.1:8080`; it has its own model, policy and sources
    #[arg(long, value_name = "URL", conflicts_with_all = ["model", "policy", "incidents", "owners", "cache", "unit"])]
    server: Option<String>,
    /// File that holds the service's key
    #[arg(long, value_name = "FILE", requires = "server")]
    key_file: Option<PathBuf>,
    /// Root certificates to trust the service by, in PEM; those of this machine unless given
    #[arg(long, value_name = "FILE", requires = "server")]
    server_ca: Option<PathBuf>,
    /// Milliseconds to wait for the service's whole answer; then no decision exists
    #[arg(long, value_name = "MS", requires = "server", default_value_t = TIMEOUT_MS)]
    timeout_ms: NonZeroU64,
    /// Exit with 0 whatever the decision
    #[arg(long)]
    advisory: bool,
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
    let (answer, explanation) = match &args.server {
        Some(server) => {
            let answer = ask(server, args)?;
            let explanation = explanation_beside(&answer);
            (answer, explanation)
        }
        None if args.format == Format::Text => {
            let answer = args.question.answer(OnRefusal::Degrade)?;
            let explanation = explanation_of(&answer);
            (answer, explanation)
        }
        None => args.question.explained(OnRefusal::Degrade)?,
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
    let server = args.server.as_deref().unwrap_or("").trim_end_matches('/');
    explanation.page = answer.links.as_ref().map(|links| format!("{server}{}", links.page));
    match args.format {
        _ if args.output.json => print_json(answer)?,
        Format::Markdown => print(&markdown(&explanation)),
        Format::Sarif => print_json(&sarif(&explanation))?,
        Format::Text => {
            print(&describe(answer));
            if let (Some(id), Some(page)) = (&answer.decision_id, &explanation.page) {
                print(&format!("decision {id}, {page}\n"));
            }
        }
    }
    Ok(())
}

/// A shallow clone knows no history to compare with: no decision exists.
fn refuse_shallow(args: &GateArgs) -> Result<(), Failure> {
    let Some(path) = &args.question.repo else { return Ok(()) };
    if Repository::open(path)?.is_shallow() {
        let message = "the repository is a shallow clone; fetch the rest with `git fetch --unshallow`";
        return Err(Failure::no_decision(message));
    }
    Ok(())
}

fn ask(server: &str, args: &GateArgs) -> Result<Answer, Failure> {
    let body = args.question.body()?;
    let include = if args.format == Format::Text || args.output.json { "" } else { "?include=explanation" };
    let url = format!("{}/v1/score{include}", server.trim_end_matches('/'));
    let mut request = agent(&url, args)?.post(&url);
    if let Some(path) = &args.key_file {
        let key = std::fs::read_to_string(path)
            .or_exit(Exit::BadInput, format!("cannot read `{}`", path.display()))?;
        request = request.header("authorization", format!("Bearer {}", key.trim()));
    }
    let sent = request.send_json(&body);
    let mut response = sent.or_exit(Exit::NoDecision, format!("`{server}` gave no decision"))?;
    if !response.status().is_success() {
        return Err(refusal(server, &mut response));
    }
    response.body_mut().read_json().or_exit(Exit::NoDecision, format!("`{server}` gave no decision"))
}

/// A problem of the service (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
    path: Option<String>,
}

/// Why the service gave no decision, in its own words where it has any. A question that nobody could answer is
/// bad input, as it is without a service.
fn refusal(server: &str, response: &mut Response<Body>) -> Failure {
    let status = response.status().as_u16();
    let said = match response.body_mut().read_json() {
        Ok(Problem { code, detail, path: Some(path) }) => format!("{code}: {detail} ({path})"),
        Ok(Problem { code, detail, path: None }) => format!("{code}: {detail}"),
        Err(_) => format!("http status: {status}"),
    };
    match status {
        400 | 413 | 422 => Failure::bad_input(format!("`{server}` cannot score the change: {said}")),
        _ => Failure::no_decision(format!("`{server}` gave no decision: {said}")),
    }
}

/// Waits for nobody forever: a pipeline that hangs has no exit code. The machine's certificates are only looked for
/// where they are needed.
fn agent(url: &str, args: &GateArgs) -> Result<ureq::Agent, Failure> {
    let timeout = Duration::from_millis(args.timeout_ms.get());
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(timeout));
    if !url.starts_with("https:") {
        return Ok(ureq::Agent::new_with_config(config.build()));
    }
    let tls = trusting(args.server_ca.as_deref());
    let tls = tls.or_exit(Exit::BadInput, "the service cannot be trusted")?;
    Ok(ureq::Agent::new_with_config(config.tls_config(tls).build()))
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
