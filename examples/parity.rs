//! Replays every row of a mined file through a running service, in the order of time, and compares:
//! `cargo run --release --example parity -- CLONE ROWS.parquet [N_ROWS]`.
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
    let [clone, rows, n_rows @ ..] = args.as_slice() else {
        bail!("expected: CLONE ROWS.parquet [N_ROWS]");
    };
    let (rows, _) = Rows::read_parquet(Path::new(rows))?;
    let n_rows = n_rows.first().map_or(Ok(rows.n_rows()), |n| n.parse()).context("N_ROWS is no number")?;
    ensure!(rows.facts().first().is_some_and(|row| row.unit == "commit"), "the rows are not of unit commit");
    let expected = Expected::of(&rows, n_rows.min(rows.n_rows()))?;
    let directory = tempfile::tempdir()?;
    let landing = Landing::start(Path::new(clone), directory.path())?;
    let seconds = Instant::now();
    let mut tally = Tally::default();
    replay(&rows, &expected, landing, directory.path(), &mut tally)?;
    again(&rows, &expected, directory.path(), &mut tally)?;
    println!("{n_rows} rows of {} in {:.0} s", rows.facts()[0].repo, seconds.elapsed().as_secs_f64());
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
    fn of(rows: &Rows, n_rows: usize) -> anyhow::Result<Self> {
        let artifact: Arc<Artifact> = published()?;
        let names: Vec<(&str, u32)> = schema().revisions().collect();
        ensure!(rows.features().len() == names.len(), "the rows have another schema: mine them again");
        let columns = artifact.columns(&names)?;
        let (mut vectors, mut scores) = (Vec::new(), Vec::new());
        for row in 0..n_rows {
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

/// Every change before and after it lands.
fn replay(
    rows: &Rows,
    expected: &Expected,
    mut landing: Landing,
    root: &Path,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let first = &rows.facts()[0];
    landing.land(&first.change_id.0)?;
    let served = Served::start(root, &root.join("cache"), first.committed_at)?;
    for row in 0..expected.scores.len() {
        let facts = &rows.facts()[row];
        let id = &facts.change_id.0;
        served.clock.store(facts.committed_at, Ordering::Relaxed);
        if row > 0 {
            let posted = served.score(&landing.proposal(id)?);
            tally.add("as a diff", compare(posted, expected, row), row, id);
            landing.land(id)?;
            served
                .post(&format!("/v1/repos/{NAME}/refresh"), &Value::Null)
                .map_err(|status| anyhow::anyhow!("the service could not fold `{id}`: status {status}"))?;
        }
        let asked = served.score(&json!({"change": {"repo": NAME, "commit": id}}));
        tally.add("as a commit", compare(asked, expected, row), row, id);
    }
    Ok(())
}

/// Every change as a commit of a service that folded the whole history at once.
fn again(rows: &Rows, expected: &Expected, root: &Path, tally: &mut Tally) -> anyhow::Result<()> {
    let newest = &rows.facts()[expected.scores.len() - 1];
    let served = Served::start(root, &root.join("another-cache"), newest.committed_at)?;
    for row in 0..expected.scores.len() {
        let id = &rows.facts()[row].change_id.0;
        let asked = served.score(&json!({"change": {"repo": NAME, "commit": id}}));
        tally.add("as a commit of a folded history", compare(asked, expected, row), row, id);
    }
    Ok(())
}

/// A bare repository in which one commit after the other lands: each is merged by a commit of its own, so
/// that the order is that of the rows whatever branches they came from.
struct Landing {
    directory: std::path::PathBuf,
    head: Option<String>,
    diffs: Child,
    ask_diff: ChildStdin,
    diff: BufReader<ChildStdout>,
}

impl Landing {
    fn start(clone: &Path, root: &Path) -> anyhow::Result<Self> {
        let directory = root.join("landing.git");
        git(root, &["clone", "-q", "--bare", "--shared", &clone.to_string_lossy(), "landing.git"])?;
        let mut diffs = Command::new("git")
            .arg("-C")
            .arg(&directory)
            .args(["diff-tree", "--stdin", "--root", "--no-commit-id", "-p", "-U3", "-M50%", "--full-index"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let ask_diff = diffs.stdin.take().context("a pipe to git")?;
        let diff = BufReader::new(diffs.stdout.take().context("a pipe from git")?);
        Ok(Self { directory, head: None, diffs, ask_diff, diff })
    }

    fn land(&mut self, id: &str) -> anyhow::Result<()> {
        let landed = match &self.head {
            None => id.to_owned(),
            Some(head) => {
                let tree = format!("{id}^{{tree}}");
                git(&self.directory, &["commit-tree", &tree, "-p", head, "-p", id, "-m", "landed"])?
            }
        };
        git(&self.directory, &["update-ref", "HEAD", &landed])?;
        self.head = Some(landed);
        Ok(())
    }

    /// The question that a pipeline would ask before the commit lands.
    fn proposal(&mut self, id: &str) -> anyhow::Result<Value> {
        let commit = git_bytes(&self.directory, &["cat-file", "commit", id])?;
        let commit = String::from_utf8_lossy(&commit);
        let (header, message) = commit.split_once("\n\n").unwrap_or((&commit, ""));
        let author = header.lines().find_map(|line| line.strip_prefix("author ")).context("an author")?;
        let (author, when) = author.rsplit_once("> ").context("an author with an address")?;
        let (seconds, offset) = when.split_once(' ').context("a moment with an offset")?;
        let offset: i32 = offset.parse()?;
        let offset = jiff::tz::Offset::from_seconds((offset / 100 * 60 + offset % 100) * 60)?;
        let authored_at = jiff::Timestamp::from_second(seconds.parse()?)?.display_with_offset(offset);
        Ok(json!({"change": {
            "repo": NAME, "author": format!("{author}>"), "message": message,
            "authored_at": authored_at.to_string(), "diff": self.diff_of(id)?,
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

fn git(directory: &Path, args: &[&str]) -> anyhow::Result<String> {
    Ok(String::from_utf8(git_bytes(directory, args)?)?.trim().to_owned())
}

fn git_bytes(directory: &Path, args: &[&str]) -> anyhow::Result<Vec<u8>> {
    let identity = ["-c", "user.name=replay", "-c", "user.email=replay@example.org"];
    let output = Command::new("git").arg("-C").arg(directory).args(identity).args(args).output()?;
    ensure!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
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
