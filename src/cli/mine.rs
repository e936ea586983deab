//! `mine`: a history into a file of rows, with counts of what is in it. Authors leave this command hashed under a key only.

use std::path::{Path, PathBuf};

use clap::Args;
use diffrisk::dataset::{CustomValues, Rows};
use diffrisk::features::is_custom;
use diffrisk::incident::Owners;
use diffrisk::mining::{AuthorKey, CustomUse, MineOptions, Mined, mine};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, OrExit};
use crate::cli::inputs::{refuse_replacing, refuse_unwritable};
use crate::cli::output::{OutputArgs, Table, note, print, print_json};
use crate::cli::progress::Progress;
use crate::cli::repository::{OpenedRepository, SourceArgs, UnitArg};
use crate::cli::time::{Moment, parse_moment, utc};

/// Arguments of `mine`.
#[derive(Debug, Args)]
pub struct MineArgs {
    /// Repository: a work tree or a bare directory
    #[arg(long, value_name = "PATH")]
    repo: PathBuf,
    /// Name of the repository in the rows; its directory's name unless given
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What counts as one change
    #[arg(long, value_name = "UNIT", value_enum, default_value_t = UnitArg::Auto)]
    unit: UnitArg,
    #[command(flatten)]
    sources: SourceArgs,
    /// CODEOWNERS file to check; the features of ownership come from the history
    #[arg(long, value_name = "FILE")]
    owners: Option<PathBuf>,
    /// Custom features of changes: CSV, JSON lines or Parquet with `repo`, `change_id`, `known_at` and `x.…`
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
    /// Leave out rows of changes landed before this moment; history is read from its start all the same
    #[arg(long, value_name = "T", value_parser = parse_moment)]
    since: Option<Moment>,
    /// Moment that no fact may cross; unless given, that of the newest change, incident or outcome
    #[arg(long, value_name = "T", value_parser = parse_moment)]
    until: Option<Moment>,
    /// File with the key under which authors are hashed; without one, a key is made and thrown away
    #[arg(long, value_name = "FILE")]
    author_key: Option<PathBuf>,
    /// Parquet file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

/// Replays a history into labelled rows.
pub fn run(args: MineArgs) -> Result<Exit, Failure> {
    let others = [&args.owners, &args.features, &args.author_key].into_iter().flatten();
    refuse_other_format(&args.out)?;
    let inputs: Vec<&Path> = args.sources.files().chain(others.map(PathBuf::as_path)).collect();
    refuse_replacing("--out", &args.out, &inputs)?;
    refuse_unwritable("--out", &args.out)?;
    let opened = OpenedRepository::open(&args.repo, args.name.as_deref(), args.unit)?;
    args.owners.as_deref().map(check_owners).transpose()?;
    let options = MineOptions {
        name: opened.name,
        unit: opened.unit,
        sources: args.sources.load()?,
        since: args.since.map(|moment| moment.0),
        until: args.until.map(|moment| moment.0),
        now: Timestamp::now().as_second(),
        custom: args.features.as_deref().map(CustomValues::load).transpose()?,
        author_key: author_key(args.author_key.as_deref())?,
    };
    let progress = Progress::start("changes read");
    let mined = mine(&opened.repository, options, |n_read| progress.at(n_read));
    progress.end();
    let mined = mined?;
    note_wrong_clock(&mined);
    mined.rows.write_parquet(&args.out, &mined.metadata)?;
    if args.output.json {
        print_json(&document(&mined, &args.out))?;
    } else {
        print(&table(&mined, &args.out));
    }
    Ok(Exit::Success)
}

/// Says that changes claim to be from the future: what becomes of them is not known.
pub fn note_wrong_clock(mined: &Mined) {
    let as_of = mined.metadata.mined_at;
    let n_later = mined.rows.facts().iter().filter(|row| row.committed_at > as_of).count();
    if n_later > 0 {
        note(&format!(
            "{n_later} changes are dated later than {}, the moment that the rows are as of: their labels are not known",
            utc(as_of)
        ));
    }
}

/// A file that is called a table of another kind would not be one.
fn refuse_other_format(path: &Path) -> Result<(), Failure> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if matches!(
        ending.as_str(),
        "csv" | "tsv" | "json" | "jsonl" | "ndjson" | "gz" | "xlsx" | "feather" | "arrow"
    ) {
        let path = path.display();
        return Err(Failure::usage(format!(
            "`--out {path}`: rows are written as Parquet; name the file `….parquet`"
        )));
    }
    Ok(())
}

/// Who is said to own what enters no row, but a file that nobody can read is no file to go on with.
fn check_owners(path: &Path) -> Result<(), Failure> {
    let doing = || format!("cannot read `{}`", path.display());
    let text = std::fs::read_to_string(path).or_exit(Exit::BadInput, doing())?;
    Owners::from_codeowners(&text).map(drop).or_exit(Exit::BadInput, doing())
}

/// The installation's key, or one that nobody will ever know.
fn author_key(path: Option<&Path>) -> Result<AuthorKey, Failure> {
    let bytes = match path {
        Some(path) => {
            std::fs::read(path).or_exit(Exit::BadInput, format!("cannot read `{}`", path.display()))?
        }
        None => {
            let mut bytes = vec![0; 32];
            getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
            bytes
        }
    };
    AuthorKey::new(bytes).ok_or_else(|| Failure::bad_input("an author key has at least 16 bytes"))
}

struct Counts {
    n_rows: usize,
    strict: usize,
    raw: usize,
    planned: usize,
    unknown: usize,
}

fn counts(rows: &Rows) -> Counts {
    let facts = rows.facts();
    let n = |keep: fn(&diffrisk::dataset::Row) -> bool| facts.iter().filter(|row| keep(row)).count();
    Counts {
        n_rows: rows.n_rows(),
        strict: n(|row| row.in_strict && row.label_strict == Some(true)),
        raw: n(|row| row.label_raw == Some(true)),
        planned: n(|row| row.planned),
        unknown: n(|row| row.in_strict && row.label_strict.is_none()),
    }
}

/// What became of incidents, outcomes and custom features, under the keys of every document that tells it.
pub fn joins(mined: &Mined) -> [(&'static str, Value); 3] {
    let CustomUse { n_used, n_later, n_other_commits } = mined.custom;
    [
        ("n_unknown_targets", json!(mined.n_unknown_targets)),
        ("n_later_targets", json!(mined.n_later_targets)),
        ("custom", json!({ "n_used": n_used, "n_later": n_later, "n_other_commits": n_other_commits })),
    ]
}

fn document(mined: &Mined, out: &Path) -> Value {
    let Counts { n_rows, strict, raw, planned, unknown } = counts(&mined.rows);
    let report = &mined.report;
    let mut document = json!({
        "out": out.display().to_string(),
        "n_rows": n_rows,
        "n_features": mined.rows.features().len(),
        "labels": { "strict": strict, "raw": raw, "planned": planned, "not_known_yet": unknown },
        "as_of": utc(mined.metadata.mined_at),
        "head": mined.metadata.head,
        "n_changes": report.n_changes,
        "skipped": {
            "unreadable": report.n_unreadable,
            "binary": report.n_binary,
            "huge": report.n_huge,
            "oversized": report.n_oversized,
        },
        "seconds": mined.seconds,
    });
    joins(mined).into_iter().for_each(|(key, value)| document[key] = value);
    document
}

fn table(mined: &Mined, out: &Path) -> String {
    let Counts { n_rows, strict, raw, planned, unknown } = counts(&mined.rows);
    let report = &mined.report;
    let mut table = Table::new(&["what", "n"]);
    for (what, n) in [
        ("changes read", report.n_changes),
        ("rows written", n_rows),
        ("positive, strict", strict),
        ("positive, raw", raw),
        ("planned to be undone", planned),
        ("label not known yet", unknown),
        ("files unreadable", report.n_unreadable),
        ("files binary", report.n_binary),
        ("files too large", report.n_huge),
        ("changes with too many files", report.n_oversized),
        ("incidents and outcomes of unknown changes", mined.n_unknown_targets),
        ("incidents and outcomes known only later", mined.n_later_targets),
    ] {
        table.push(vec![what.to_owned(), n.to_string()]);
    }
    if mined.rows.features().iter().any(|feature| is_custom(&feature.name)) {
        for (what, n) in [
            ("custom values joined", mined.custom.n_used),
            ("custom values known only later", mined.custom.n_later),
            ("commits with custom values that are no change", mined.custom.n_other_commits),
        ] {
            table.push(vec![what.to_owned(), n.to_string()]);
        }
    }
    let as_of = utc(mined.metadata.mined_at);
    format!("{}\n{} as of {as_of}, {:.1} s\n", table.render(), out.display(), mined.seconds)
}
