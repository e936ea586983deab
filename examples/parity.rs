//! Replays every row of a mined file through a running service, in the order of time, and compares:
//! `cargo run --release --example parity -- CLONE ROWS.parquet [N_NEWEST]`. Without a number all rows but the
//! first are replayed; the rows before the newest so many are folded at once.
//!
//! The service runs on a loopback port over a bare repository that borrows the clone's objects and in
//! which one change after the other lands, by its own clock. Each change is asked about three times
//! over HTTP: as the diff that `git` prints, just before it lands; as a commit, just after; and as a
//! commit again of a service that was started on the whole history. Vector and score must be those of
//! the mined row, bit for bit. Ends with a count of every kind of answer.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use diffrisk::artifact::{Artifact, published};
use diffrisk::dataset::Rows;
use diffrisk::features::schema;
use diffrisk::git::UnitChoice;
use diffrisk::http::live::RepositoryConfig;
use diffrisk::http::{Settings, bind, serve, start_at};
use diffrisk::store::StoreConfig;
use serde_json::{Value, json};

/// The name under which the service knows the repository.
const NAME: &str = "replayed";

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [clone, rows, n_newest @ ..] = args.as_slice() else {
        bail!("expected: CLONE ROWS.parquet [N_NEWEST]");
    };
    let (rows, _) = Rows::read_parquet(Path::new(rows))?;
    ensure!(rows.facts().first().is_some_and(|row| row.unit == "commit"), "the rows are not of unit commit");
    let n_newest = n_newest.first().map_or(Ok(usize::MAX), |n| n.parse()).context("N_NEWEST is no number")?;
    let first = rows.n_rows().saturating_sub(n_newest).max(1);
    let expected = Expected::of(&rows)?;
    let directory = tempfile::tempdir()?;
    let landing = Landing::start(Path::new(clone), directory.path(), &rows.facts()[first - 1].change_id.0)?;
    let seconds = Instant::now();
    let mut tally = Tally::default();
    replay(&rows, &expected, first, landing, &mut tally)?;
    again(&rows, &expected, first, directory.path(), &mut tally)?;
    let name = &rows.facts()[0].repo;
    println!(
        "{} rows of {name}, {} of them replayed, {:.0} s",
        rows.n_rows(),
        rows.n_rows() - first,
        seconds.elapsed().as_secs_f64()
    );
    tally.0.iter().for_each(|((way, outcome), n)| println!("{n:>8}  {way}: {outcome}"));
    ensure!(tally.n_differing() == 0, "{} answers differ", tally.n_differing());
    Ok(())
}

/// What the mined file says, as the service would write it.
struct Expected {
    vectors: Vec<Vec<Option<u64>>>,
    scores: Vec<u64>,
}

impl Expected {
    fn of(rows: &Rows) -> anyhow::Result<Self> {
        let artifact: Arc<Artifact> = published()?;
        let names: Vec<(&str, u32)> = schema().revisions().collect();
        ensure!(rows.features().len() == names.len(), "the rows have another schema: mine them again");
        let columns = artifact.columns(&names)?;
        let (mut vectors, mut scores) = (Vec::new(), Vec::new());
        for row in 0..rows.n_rows() {
            let vector = rows.vector(row);
            let needed: Vec<f32> = columns.iter().map(|&column| vector[column]).collect();
            scores.push(artifact.document().scoring.score(&needed, rows.tokens(row)).1.to_bits());
            let bits = |value: f32| (!value.is_nan()).then(|| f64::from(value).to_bits());
            vectors.push(vector.into_iter().map(bits).collect());
        }
        Ok(Self { vectors, scores })
    }
}

/// How often which way of asking gave which outcome.
#[derive(Default)]
struct Tally(BTreeMap<(&'static str, String), usize>);

impl Tally {
    fn add(&mut self, way: &'static str, outcome: String, row: usize, id: &str) {
        let is_new = outcome != "the same bits" && !self.0.contains_key(&(way, outcome.clone()));
        if is_new {
            println!("row {row}, {id}, {way}: {outcome}");
        }
        *self.0.entry((way, outcome)).or_default() += 1;
    }

    fn n_differing(&self) -> usize {
        self.0.iter().filter(|((_, outcome), _)| outcome.contains("differs")).map(|(_, n)| n).sum()
    }
}

fn compare(answer: Result<Value, u16>, expected: &Expected, row: usize) -> String {
    let answer = match answer {
        Ok(answer) => answer,
        Err(status) => return format!("refused with status {status}"),
    };
    let bits = |value: &Value| value.as_f64().map(f64::to_bits);
    let Some(vector) = answer["vector"].as_array() else {
        return format!("no vector: {}", answer["reasons"][0]["code"]);
    };
    let pairs = vector.iter().map(bits).zip(&expected.vectors[row]).enumerate();
    let differing: Vec<&str> =
        pairs.filter(|(_, (a, b))| a != *b).map(|(idx, _)| schema().names()[idx].as_str()).collect();
    if let Some(first) = differing.first() {
        return format!("the vector differs, first in {first}");
    }
    if bits(&answer["risk"]["score"]) != Some(expected.scores[row]) {
        return "the score differs".to_owned();
    }
    "the same bits".to_owned()
}

/// Every change from a position on, before and after it lands.
fn replay(
    rows: &Rows,
    expected: &Expected,
    first: usize,
    mut landing: Landing,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let root = landing.repository.path().parent().context("a parent directory")?.to_owned();
    let served = Served::start(&root, &root.join("cache"), rows.facts()[first - 1].committed_at)?;
    for (row, facts) in rows.facts().iter().enumerate().skip(first) {
        let id = &facts.change_id.0;
        served.clock.store(facts.committed_at, Ordering::Relaxed);
        let posted = served.score(&landing.proposal(id)?);
        tally.add("as a diff", compare(posted, expected, row), row, id);
        landing.land(id)?;
        served
            .post(&format!("/v1/repos/{NAME}/refresh"), &Value::Null)
            .map_err(|status| anyhow::anyhow!("the service could not fold `{id}`: status {status}"))?;
        let asked = served.score(&json!({"change": {"repo": NAME, "commit": id}}));
        tally.add("as a commit", compare(asked, expected, row), row, id);
        if row % 1_000 == 0 {
            println!("row {row}");
        }
    }
    Ok(())
}

/// The same changes as commits of a service that folded the whole history at once.
fn again(
    rows: &Rows,
    expected: &Expected,
    first: usize,
    root: &Path,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let newest = &rows.facts()[rows.n_rows() - 1];
    let served = Served::start(root, &root.join("another-cache"), newest.committed_at)?;
    for row in first..expected.scores.len() {
        let id = &rows.facts()[row].change_id.0;
        let asked = served.score(&json!({"change": {"repo": NAME, "commit": id}}));
        tally.add("as a commit of a folded history", compare(asked, expected, row), row, id);
    }
    Ok(())
}

/// A bare repository in which one commit after the other lands: each is merged by a commit of its own, so
/// that the order is that of the rows whatever branches they came from.
struct Landing {
    repository: git2::Repository,
    head: git2::Oid,
    diffs: Child,
    ask_diff: ChildStdin,
    diff: BufReader<ChildStdout>,
}

impl Landing {
    /// The clone's objects with the history up to a commit.
    fn start(clone: &Path, root: &Path, head: &str) -> anyhow::Result<Self> {
        let directory = root.join("landing.git");
        let clone = clone.to_string_lossy();
        let mut git = Command::new("git");
        git.args(["clone", "-q", "--bare", "--shared", &clone]).arg(&directory);
        ensure!(git.status()?.success(), "git cannot clone `{clone}`");
        let mut diffs = Command::new("git")
            .arg("-C")
            .arg(&directory)
            .args(["diff-tree", "--stdin", "--root", "--no-commit-id", "-p", "-U3", "-M50%", "--full-index"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let ask_diff = diffs.stdin.take().context("a pipe to git")?;
        let diff = BufReader::new(diffs.stdout.take().context("a pipe from git")?);
        let repository = git2::Repository::open_bare(&directory)?;
        let head = git2::Oid::from_str(head)?;
        repository.set_head_detached(head)?;
        Ok(Self { repository, head, diffs, ask_diff, diff })
    }

    fn land(&mut self, id: &str) -> anyhow::Result<()> {
        let landed = self.repository.find_commit(git2::Oid::from_str(id)?)?;
        let head = self.repository.find_commit(self.head)?;
        let who = git2::Signature::new("replay", "replay@example.org", &landed.committer().when())?;
        self.head = self.repository.commit(None, &who, &who, "landed", &landed.tree()?, &[&head, &landed])?;
        Ok(self.repository.set_head_detached(self.head)?)
    }

    /// The question that a pipeline would ask before the commit lands.
    fn proposal(&mut self, id: &str) -> anyhow::Result<Value> {
        let diff = self.diff_of(id)?;
        let commit = self.repository.find_commit(git2::Oid::from_str(id)?)?;
        let author = commit.author();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let name = format!("{} <{}>", text(author.name_bytes()), text(author.email_bytes()));
        let offset = jiff::tz::Offset::from_seconds(author.when().offset_minutes() * 60)?;
        let authored_at = jiff::Timestamp::from_second(author.when().seconds())?.display_with_offset(offset);
        let message = text(commit.message_bytes());
        let (author, authored_at) = (name.trim_start().to_owned(), authored_at.to_string());
        Ok(json!({"change": {
            "repo": NAME, "author": author, "message": message, "authored_at": authored_at, "diff": diff,
        }}))
    }

    /// What `git` prints; the line that names no object comes back as it is and ends the answer.
    fn diff_of(&mut self, id: &str) -> anyhow::Result<String> {
        const END: &[u8] = b"end of diff\n";
        self.ask_diff.write_all(format!("{id}\nend of diff\n").as_bytes())?;
        self.ask_diff.flush()?;
        let mut bytes = Vec::new();
        while !bytes.ends_with(END) {
            ensure!(self.diff.read_until(b'\n', &mut bytes)? > 0, "git ended early");
        }
        bytes.truncate(bytes.len() - END.len());
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        // Its input ends with this value; nothing is lost if it is already gone.
        let _ = self.diffs.kill();
        let _ = self.diffs.wait();
    }
}

/// A service on a loopback port with a clock of its own; ends with this value.
struct Served {
    address: String,
    clock: Arc<AtomicI64>,
    agent: ureq::Agent,
    _runtime: tokio::runtime::Runtime,
}

impl Served {
    fn start(root: &Path, cache: &Path, now: i64) -> anyhow::Result<Self> {
        let clock = Arc::new(AtomicI64::new(now));
        let reads = Arc::clone(&clock);
        let mut settings = Settings {
            store: StoreConfig::new("memory"),
            repositories: vec![RepositoryConfig {
                name: NAME.to_owned(),
                path: root.join("landing.git"),
                unit: UnitChoice::Commit,
                owners: None,
                incidents: None,
            }],
            cache: cache.to_owned(),
            ..Settings::default()
        };
        settings.server.listen = "127.0.0.1:0".to_owned();
        settings.server.deadline = Duration::from_secs(60);
        settings.server.poll = Duration::from_secs(24 * 3_600);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let address = runtime.block_on(async {
            let service = start_at(settings, Arc::new(move || reads.load(Ordering::Relaxed) * 1_000)).await?;
            let listener = bind(&service).await?;
            let address = listener.local_addr()?;
            tokio::spawn(serve(service, listener, std::future::pending()));
            anyhow::Ok(address.to_string())
        })?;
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Ok(Self { address, clock, agent, _runtime: runtime })
    }

    fn score(&self, question: &Value) -> Result<Value, u16> {
        self.post("/v1/score?include=vector", question)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, u16> {
        let url = format!("http://{}{path}", self.address);
        let mut response = self.agent.post(&url).send_json(body).map_err(|_| 0_u16)?;
        let status = response.status().as_u16();
        let mut text = String::new();
        response.body_mut().as_reader().read_to_string(&mut text).map_err(|_| 0_u16)?;
        if status == 200 { serde_json::from_str(&text).map_err(|_| 0) } else { Err(status) }
    }
}
