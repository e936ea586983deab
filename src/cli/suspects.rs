//! `suspects`: what may have broken something, among the changes that landed before. Arguments into one question, the answer
//! into a table.

use clap::{ArgGroup, Args};
use diffrisk::explain::{share_percent, span_hours};
use diffrisk::http::{Broken, DecidedAnswer, KnownBadAnswer, SuspectsAnswer};
use diffrisk::suspect::HORIZON_SECONDS;
use jiff::Timestamp;

use crate::cli::client::{ServiceArgs, Wanted, without_controls};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, OrExit};
use crate::cli::history::{HistoryArgs, OnRefusal};
use crate::cli::output::{OutputArgs, Table, note, print, print_json, wrapped};
use crate::cli::time::{Moment, parse_moment};

/// Longest window: a change is no suspect beyond the horizon of its risk.
const MAX_HOURS: i64 = HORIZON_SECONDS / 3_600;
/// Suspects of which it is told why they are risky; hazards are told of all that are listed.
const N_EXPLAINED: usize = 3;

const SUSPECTS: Wanted = Wanted {
    unanswered: "named no suspects",
    exit: Exit::Other,
    refused: "cannot look for suspects",
    bad_input: &[400, 404],
};

/// Arguments of `suspects`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("where").required(true).multiple(true).args(["repo", "server"]))]
pub struct SuspectsArgs {
    #[command(flatten)]
    history: HistoryArgs,
    #[command(flatten)]
    service: ServiceArgs,
    /// When it broke: RFC 3339 or Unix seconds; now unless given
    #[arg(long, value_name = "T", value_parser = parse_moment)]
    at: Option<Moment>,
    /// How many hours before that the changes landed
    #[arg(long, value_name = "N", default_value_t = MAX_HOURS, value_parser = clap::value_parser!(i64).range(1..=MAX_HOURS))]
    hours: i64,
    /// Only changes that touch this file, or one below this directory; may be given several times, for any of them
    #[arg(long = "path", value_name = "PATH")]
    paths: Vec<String>,
    /// How many changes to list
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    #[command(flatten)]
    output: OutputArgs,
}

/// Lists the changes that landed before something broke, the likeliest cause first.
pub fn run(args: SuspectsArgs) -> Result<Exit, Failure> {
    let now = Timestamp::now().as_second();
    let at = args.at.map_or(now, |moment| moment.0);
    if at > now {
        return Err(Failure::usage("`--at` lies in the future"));
    }
    args.history.check_name()?;
    let answer = match &args.service.server {
        Some(server) => ask(&args, server, at)?,
        None => look(&args, at, now)?,
    };
    if args.output.json {
        print_json(&answer)?;
    } else {
        // What a service says goes to a terminal.
        let text = describe(&answer, args.service.server.as_deref());
        print(&text.lines().map(without_controls).collect::<Vec<_>>().join("\n"));
        answer.warnings.iter().for_each(|warning| note(&without_controls(warning)));
    }
    Ok(Exit::Success)
}

fn look(args: &SuspectsArgs, at: i64, now: i64) -> Result<SuspectsAnswer, Failure> {
    let local = args.history.open(None, OnRefusal::End, now)?;
    let window_seconds = args.hours * 3_600;
    let broken = Broken { repo: args.history.repo_name(), at, window_seconds, paths: args.paths.clone() };
    let found = local.suspects(&broken, usize::from(args.limit), now);
    found.or_exit(Exit::BadInput, "suspects cannot be looked for")
}

/// Asks a service, which knows the decisions as well.
fn ask(args: &SuspectsArgs, server: &str, at: i64) -> Result<SuspectsAnswer, Failure> {
    if args.history.is_nameless() {
        return Err(Failure::usage("`--server` needs `--name`, or `--repo` for the name of its directory"));
    }
    let mut query = vec![
        ("repo", args.history.repo_name()),
        ("at", at.to_string()),
        ("hours", args.hours.to_string()),
        ("limit", args.limit.to_string()),
    ];
    query.extend(args.paths.iter().map(|path| ("path", path.clone())));
    args.service.get((server, "/v1/suspects"), &query, SUSPECTS)
}

/// A table of the suspects, and below it why each is risky.
fn describe(answer: &SuspectsAnswer, server: Option<&str>) -> String {
    let SuspectsAnswer { repo, from, at, n_landed, n_undone, n_elsewhere, .. } = answer;
    let changes = if *n_landed == 1 { "change" } else { "changes" };
    let mut parts = vec![format!("{n_landed} {changes} landed in `{repo}` from {from} to {at}")];
    for (n, what) in [(n_undone, "reverted before it broke"), (n_elsewhere, "elsewhere")] {
        if *n > 0 {
            parts.push(format!("{n} {what}"));
        }
    }
    let mut text = wrapped(&parts.join("; ")) + "\n";
    if answer.suspects.is_empty() {
        text.push_str("no change is left to suspect\n");
        return text;
    }
    let mut table = Table::new(&["share", "landed", "riskier than", "commit", "title"]).keeping(4);
    for suspect in &answer.suspects {
        let percentile = suspect.risk.as_ref().map(|risk| format!("{:.0} of 100", risk.percentile.floor()));
        table.push(vec![
            share_percent(suspect.share),
            format!("{} before", span_hours(suspect.seconds_before as f64 / 3_600.0)),
            percentile.unwrap_or_else(|| "–".into()),
            short(&suspect.commit),
            suspect
                .known_bad
                .iter()
                .map(known_bad)
                .chain(suspect.title.clone())
                .collect::<Vec<_>>()
                .join(" "),
        ]);
    }
    let others = answer.others;
    if others.n > 0 {
        let title = format!("{} others together", others.n);
        table.push(vec![share_percent(others.share), String::new(), String::new(), String::new(), title]);
    }
    text.push_str(&table.render());
    for (idx, suspect) in answer.suspects.iter().enumerate() {
        let why = suspect.why.iter().filter(|_| idx < N_EXPLAINED).cloned();
        let decided = suspect.decisions.iter().filter(|_| idx < N_EXPLAINED);
        let decided = decided.map(|decided| decision(decided, server));
        for said in suspect.hazards.iter().cloned().chain(why).chain(decided) {
            text.push_str(&wrapped(&format!("{}: {said}", short(&suspect.commit))));
            text.push('\n');
        }
    }
    text
}

fn decision(decided: &DecidedAnswer, server: Option<&str>) -> String {
    let server = server.unwrap_or("").trim_end_matches('/');
    format!("decided `{}`, {server}{}", decided.decision, decided.page)
}

fn known_bad(known_bad: &KnownBadAnswer) -> String {
    let day: String = known_bad.occurred_at.chars().take(10).collect();
    format!("[{} {day}]", known_bad.outcome)
}

fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}
