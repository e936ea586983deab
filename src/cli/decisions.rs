//! `decisions`: reads, verifies, replays and copies the log. What is not as it was written is never shown as a record, and
//! ends with an exit code of its own. Start at [`run`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use diffrisk::artifact::{Artifact, Registry, published};
use diffrisk::http::wire::Answer;
use diffrisk::http::{ReplayError, explanation_of, replay, scored_by};
use diffrisk::store::{Beside, Log, Record, RecordKind, Search, StoreConfig, VerifyReport, backup, restore};
use serde_json::{Map, Value, json};

use crate::cli::answer::describe_in_full;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, OrExit};
use crate::cli::outcomes::{Outcomes, outcome_lines};
use crate::cli::output::{OutputArgs, Table, note, print, print_json, wrapped};
use crate::cli::progress::Progress;
use crate::cli::time::utc;

/// Arguments of `decisions`.
#[derive(Debug, Args)]
pub struct DecisionsArgs {
    #[command(subcommand)]
    command: DecisionsCommand,
    /// Address of the decision log: `sqlite://FILE` or `postgres://…`
    #[arg(
        long,
        env = "DIFFRISK_STORE",
        hide_env_values = true,
        default_value = "sqlite://diffrisk.db",
        global = true
    )]
    store: String,
    /// Where `.key` and `.heads` lie, as in `serve`; beside an SQLite file unless given
    #[arg(long, value_name = "PATH", env = "DIFFRISK_STORE_STEM", global = true)]
    store_stem: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum DecisionsCommand {
    #[command(flatten)]
    OfLog(LogCommand),
    #[command(flatten)]
    OfFiles(FilesCommand),
}

/// What is answered from an opened log.
#[derive(Debug, Subcommand)]
enum LogCommand {
    /// Lists decisions, newest first
    List(ListArgs),
    /// Shows one decision and what stands beside it
    Show(ShowArgs),
    /// Checks the chain and names the first record that is not as it was written
    Verify(OutputArgs),
    /// Recomputes a decision from its artifact and its stored vector, and compares every number
    Replay(ReplayArgs),
    /// Prints reported outcomes as JSON lines, one document each, for `mine --outcomes`
    ExportOutcomes,
}

/// What opens the files of a log by itself, or makes them.
#[derive(Debug, Subcommand)]
enum FilesCommand {
    /// Copies the log into a new directory, also while a service writes it, and verifies the copy
    Backup {
        /// Directory for the copy
        dir: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Verifies a backup and puts it where `--store` says and nothing is yet
    Restore {
        /// Directory of the backup
        dir: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
    },
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only those of this repository
    #[arg(long, value_name = "NAME")]
    repo: Option<String>,
    /// Only those with this verdict
    #[arg(long, value_name = "VERDICT", value_parser = ["fast_path", "extra_validation", "hold"])]
    decision: Option<String>,
    /// Only those of this commit, review id or digest
    #[arg(long, value_name = "ID")]
    change: Option<String>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Id of the decision
    id: String,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
struct ReplayArgs {
    /// Id of the decision
    id: String,
    /// Where its artifact is: an artifact directory, or a registry; the published one unless given
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Opens the log for reading and answers from it; a backup opens it by itself.
pub fn run(args: DecisionsArgs) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let store_config = StoreConfig { stem: args.store_stem, ..StoreConfig::new(args.store.as_str()) };
    match args.command {
        DecisionsCommand::OfLog(command) => runtime.block_on(answer(&store_config, command)),
        DecisionsCommand::OfFiles(command) => runtime.block_on(copy(&store_config, command)),
    }
}

async fn answer(store_config: &StoreConfig, command: LogCommand) -> Result<Exit, Failure> {
    let opened = Log::open(store_config).await;
    let log = opened.or_exit(Exit::BadInput, "the decision log cannot be opened")?;
    match command {
        LogCommand::List(args) => list(&log, &args).await,
        LogCommand::Show(args) => show(&log, &args).await,
        LogCommand::Verify(output) => tell(&waited("verifying the log", log.verify()).await?, output),
        LogCommand::Replay(args) => replay_one(&log, &args).await,
        LogCommand::ExportOutcomes => export_outcomes(&log).await,
    }
}

async fn copy(store_config: &StoreConfig, command: FilesCommand) -> Result<Exit, Failure> {
    match command {
        FilesCommand::Backup { dir, output } => {
            tell(&waited("copying the log", backup(store_config, &dir)).await?, output)
        }
        FilesCommand::Restore { dir, output } => {
            tell(&waited("restoring the log", restore(&dir, store_config)).await?, output)
        }
    }
}

/// What comes of something that may take seconds, of which a terminal shows that it goes on.
async fn waited<T>(doing: &str, work: impl Future<Output = T>) -> T {
    let progress = Progress::wait(doing);
    let done = work.await;
    progress.end();
    done
}

/// A decision as the log has it, and whether it is not as it was written.
struct Listed {
    record: Record,
    is_altered: bool,
}

async fn list(log: &Log, args: &ListArgs) -> Result<Exit, Failure> {
    let search = Search {
        kind: Some(RecordKind::Decision),
        repo: args.repo.clone(),
        verdict: args.decision.clone(),
        change: args.change.clone(),
        limit: i64::from(args.limit),
        ..Search::default()
    };
    let page = log.page(&search).await?;
    let mut all = Vec::with_capacity(page.records.len());
    for record in page.records {
        let is_altered = log.is_altered(&record).await?;
        all.push(Listed { record, is_altered });
    }
    if args.output.json {
        let items: Vec<Value> = all.iter().map(Listed::document).collect();
        print_json(&json!({ "decisions": items, "next": page.next }))?;
    } else {
        print_table(&all);
    }
    Ok(Exit::Success)
}

fn print_table(all: &[Listed]) {
    // What names a decision is there to be copied; of repository and change enough stays to know them again.
    let mut table = Table::new(&["decision_id", "decided_at", "decision", "repo", "change"]).keeping(3);
    all.iter().for_each(|listed| table.push(listed.line()));
    print(&table.render());
    if all.iter().any(|listed| listed.record.columns.degraded) {
        print("* degraded");
    }
    if all.iter().any(|listed| listed.is_altered) {
        print("ALTERED: not as it was written; see `diffrisk decisions verify`");
    }
}

impl Listed {
    /// For programs.
    fn document(&self) -> Value {
        if self.is_altered {
            return json!({ "decision_id": self.record.id, "problem": "record_altered" });
        }
        body(&self.record)
    }

    /// For people.
    fn line(&self) -> Vec<String> {
        let columns = &self.record.columns;
        let verdict = columns.verdict.clone().unwrap_or_default();
        let verdict = match (self.is_altered, columns.degraded) {
            (true, _) => "ALTERED".to_owned(),
            (false, true) => format!("{verdict} *"),
            (false, false) => verdict,
        };
        let change = columns.commit_id.as_ref().or(columns.change_id.as_ref());
        let change = change.or(columns.change_digest.as_ref()).cloned().unwrap_or_default();
        vec![
            self.record.id.clone(),
            utc(self.record.at_ms.div_euclid(1_000)),
            verdict,
            columns.repo.clone().unwrap_or_default(),
            change.chars().take(19).collect(),
        ]
    }
}

async fn show(log: &Log, args: &ShowArgs) -> Result<Exit, Failure> {
    let record = log.record(&args.id).await?.filter(|record| record.kind == RecordKind::Decision);
    let Some(record) = record else {
        return Err(Failure::bad_input(format!("there is no decision `{}`", args.id)));
    };
    if log.is_altered(&record).await? {
        let why = "it is not as it was written; `diffrisk decisions verify` tells more";
        return Err(anyhow::Error::msg(why))
            .or_exit(Exit::Difference, format!("the decision `{}`", record.id));
    }
    let Beside { sound: beside, altered } = log.beside(&args.id).await?;
    if !altered.is_empty() {
        let n_altered = altered.len();
        note(&format!("{n_altered} records beside it are not as they were written, and are left out"));
    }
    if args.output.json {
        let beside: Vec<Value> = beside.iter().map(body).collect();
        print_json(&json!({ "decision": body(&record), "beside": beside }))?;
        return Ok(Exit::Success);
    }
    print(&format!("decision {} of {}", record.id, utc(record.at_ms.div_euclid(1_000))));
    match serde_json::from_str::<Answer>(&record.body) {
        Ok(answer) => print(&describe_in_full(&answer, &explanation_of(&answer))),
        // Of another version.
        Err(_) => print(&serde_json::to_string_pretty(&body(&record)).unwrap_or_default()),
    }
    beside.iter().for_each(|record| print(&wrapped(&said_beside(record))));
    Ok(Exit::Success)
}

/// What stands beside a decision, on a line: `2026-01-31T12:00:00Z outcome: incident, incident_id INC-7, by ci`.
fn said_beside(record: &Record) -> String {
    let fields: Map<String, Value> = serde_json::from_str(&record.body).unwrap_or_default();
    let kind = record.kind.as_str();
    // What it is about is shown above it.
    let is_told = |name: &str| !matches!(name, "decision_id" | "at" | "names" | "joined");
    let told = fields.iter().filter(|(name, _)| is_told(name)).filter_map(|(name, value)| {
        let value = value.as_str()?;
        Some(if name == kind { value.to_owned() } else { format!("{name} {value}") })
    });
    let told: Vec<String> = told.collect();
    format!("{} {kind}: {}", utc(record.at_ms.div_euclid(1_000)), told.join(", "))
}

async fn replay_one(log: &Log, args: &ReplayArgs) -> Result<Exit, Failure> {
    let record = log.record(&args.id).await?.filter(|record| record.kind == RecordKind::Decision);
    let Some(record) = record else {
        return Err(Failure::bad_input(format!("there is no decision `{}`", args.id)));
    };
    if record.is_intact() && scored_by(&record).is_none() {
        let why = format!("the decision `{}` cannot be replayed: nothing scored it", record.id);
        return Err(Failure::bad_input(why));
    }
    let replayed = replay(&record, artifact(args.model.as_deref(), &record)?);
    let replay = match replayed {
        Err(altered @ ReplayError::Altered(_)) => {
            return Err(altered).or_exit(Exit::Difference, "the decision cannot be replayed");
        }
        replayed => replayed.or_exit(Exit::BadInput, "the decision cannot be replayed")?,
    };
    if args.output.json {
        print_json(&replay)?;
    } else {
        print(&format!("{} numbers recomputed, {} differ", replay.n_compared, replay.differences.len()));
        for difference in &replay.differences {
            print(&format!("{}: {} was {}", difference.path, difference.recomputed, difference.stored));
        }
    }
    Ok(if replay.differences.is_empty() { Exit::Success } else { Exit::Difference })
}

/// The artifact that scored a decision: the one in a directory, or the one of that digest in a registry.
fn artifact(path: Option<&Path>, record: &Record) -> Result<Arc<Artifact>, Failure> {
    let Some(path) = path else { return Ok(published()?) };
    let registry = Registry::at(path);
    let wanted = scored_by(record).unwrap_or_default();
    let models = registry.list();
    let named = models.iter().find(|model_name| is_version_of(&wanted, &model_name.version));
    Ok(Arc::new(match named {
        Some(model_name) => registry.load(model_name)?,
        None if models.is_empty() => Artifact::load(path)?,
        None => {
            let message = format!("the registry `{}` has no model with the digest {wanted}", path.display());
            return Err(Failure::bad_input(message));
        }
    }))
}

/// A version is how the digest of an artifact begins, in hex.
fn is_version_of(digest: &str, version: &str) -> bool {
    !version.is_empty() && digest.starts_with(version)
}

fn tell(report: &VerifyReport, output: OutputArgs) -> Result<Exit, Failure> {
    if output.json {
        print_json(report)?;
    } else {
        print(&sentence(report));
    }
    Ok(if report.difference.is_none() { Exit::Success } else { Exit::Difference })
}

fn sentence(report: &VerifyReport) -> String {
    let VerifyReport { n_chains, n_records, n_heads, n_unsigned, difference } = report;
    let unsigned =
        if *n_unsigned > 0 { format!(", {n_unsigned} after the last of them") } else { String::new() };
    let chains = if *n_chains == 1 { "chain" } else { "chains" };
    let read = format!("{n_records} records in {n_chains} {chains}, {n_heads} signed heads{unsigned}");
    match difference {
        None => format!("{read}: all as written"),
        Some(difference) => {
            let id = difference.id.as_deref().unwrap_or("no id");
            let problem = serde_json::to_value(difference.problem).unwrap_or_default();
            let problem = problem.as_str().unwrap_or_default();
            if difference.chain.is_empty() {
                let seq = difference.seq;
                return format!(
                    "{read}: line {seq} of the signed heads is {problem}, written by another key or altered"
                );
            }
            format!("{read}: record {} of chain {} ({id}) is {problem}", difference.seq, difference.chain)
        }
    }
}

async fn export_outcomes(log: &Log) -> Result<Exit, Failure> {
    let Outcomes { lines, n_altered } = waited("reading the log", outcome_lines(log)).await?;
    if !lines.is_empty() {
        print(&lines.join("\n"));
    }
    note(&match lines.len() {
        1 => "1 outcome".to_owned(),
        n => format!("{n} outcomes"),
    });
    if n_altered == 0 {
        return Ok(Exit::Success);
    }
    let why = "not as they were written; `diffrisk decisions verify` tells more";
    Err(anyhow::Error::msg(why)).or_exit(Exit::Difference, format!("{n_altered} outcomes are left out"))
}

/// What a record says; a body that is no JSON is shown as text rather than hidden.
fn body(record: &Record) -> Value {
    serde_json::from_str(&record.body).unwrap_or_else(|_| Value::String(record.body.clone()))
}

#[cfg(test)]
mod tests {
    use super::is_version_of;

    #[test]
    fn a_version_is_where_a_digest_begins_and_nowhere_else() {
        let digest = "01c89d2232c4ffff4f452a81892e";
        assert!(is_version_of(digest, "01c89d2232c4"));
        for elsewhere in ["4f452a81892e", "89d2232c4fff", ""] {
            assert!(!is_version_of(digest, elsewhere), "{elsewhere}");
        }
    }
}
