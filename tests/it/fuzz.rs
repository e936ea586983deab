//! Every reader of other people's bytes, fed with what nobody would send: it may refuse, never panic.
//!
//! In `scripts/test` each target runs some thousand inputs, the same at every run. With `DIFFRISK_FUZZ_SECONDS`
//! (`scripts/test-full` sets it) each runs so long, from the seed in `DIFFRISK_FUZZ_SEED`, and says how many inputs
//! it read. The input of a panic is left in the target's directory for temporary files.

mod mutate;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use diffrisk::artifact::Document;
use diffrisk::change::{FileContent, digest, key_changes, parse_diff, render_diff, secrets};
use diffrisk::incident::{Owners, parse_incidents_csv, parse_incidents_jsonl, parse_outcomes};
use diffrisk::policy::Policy;
use mutate::Mutator;
use serde_json::{Value, json};

use crate::http_fake::{Bench, Setup};

const DIFF_WORDS: &[&str] = &[
    "diff --git a/x b/x\n",
    "--- a/x\n",
    "+++ b/x\n",
    "@@ -1 +1 @@\n",
    "@@ -1,3 +1,4 @@",
    "@@ -0,0 +1 @@\n",
    "/dev/null",
    "rename from ",
    "new file mode 100644\n",
    "\\ No newline at end of file\n",
    "index 1111111..2222222\n",
    "-a: 1\n",
    "+a: 2\n",
    "GIT binary patch\n",
    "\"a/\\303\\251\"",
    "--- ",
    "+++ ",
    ".yaml",
    ".json",
    ".tf",
    ".php",
];

const JSON_WORDS: &[&str] = &[
    "\"change\":", "\"repo\":", "\"commit\":", "\"base\":", "\"diff\":", "\"items\":", "\"features\":",
    "\"x.a\":", "\"context\":", "\"more\":", "\"inputs\":", "\"data\":", "\"shape\":", "\"authored_at\":",
    "2026-01-28T12:00:00Z", "\"decision_id\":", "\"outcome\":", "{\"a\":", "[1,2]",
];

const POLICY_WORDS: &[&str] = &[
    "[budget]\n", "[[window]]\n", "[[rule]]\n", "when = '", "then = \"hold\"\n", "change.paths",
    ".exists(p, ", ".all(x, ", ".map(y, ", "risk.score", "context.", " && ", " || ", "!", "? 1 : 2",
    "weekly = \"", "Fri 16:00", "zone = \"UTC\"\n", "hold = 1.0\n", "\"1h\"", "stages = [", "-",
];

const TABLE_WORDS: &[&str] = &[
    "INC-1", ",", "\n", "2026-01-01T00:00:00Z", "\"known_at\":", "declared", "retracted", "@org/x", "**",
    "[!a]",
];

/// One reader: seeds, words of its format, and what it does with an input. True where it got far with it.
struct Target<F> {
    name: &'static str,
    /// Inputs of a short run.
    n_short: u64,
    seeds: Vec<&'static [u8]>,
    words: &'static [&'static str],
    read: F,
}

impl<F: FnMut(&[u8]) -> bool> Target<F> {
    fn run(mut self) {
        let seconds = std::env::var("DIFFRISK_FUZZ_SECONDS").ok().and_then(|it| it.parse().ok());
        let number = std::env::var("DIFFRISK_FUZZ_SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(1);
        let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let started = Instant::now();
        let mut mutator = Mutator::new(&self.seeds, self.words, number);
        for seed in &self.seeds {
            assert!((self.read)(seed), "a seed of `{}` is refused", self.name);
        }
        let (mut n_read, mut n_far) = (0_u64, 0_u64);
        while until.map_or(n_read < self.n_short, |until| Instant::now() < until) {
            let input = mutator.draw();
            match catch_unwind(AssertUnwindSafe(|| (self.read)(&input))) {
                Ok(true) => {
                    n_far += 1;
                    if n_read.is_multiple_of(8) {
                        mutator.keep(input, self.seeds.len());
                    }
                }
                Ok(false) => {}
                Err(_) => panic!("`{}` panicked on {}", self.name, left(self.name, &input)),
            }
            n_read += 1;
        }
        let seconds = started.elapsed().as_secs();
        println!("fuzz {}: {n_read} executions ({n_far} taken), 0 panics, {seconds} s", self.name);
        assert!(n_far > 0 && n_far < n_read, "inputs are taken and refused: {n_far} of {n_read}");
    }
}

/// Leaves an input where somebody finds it.
fn left(name: &str, input: &[u8]) -> String {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"));
    std::fs::write(&path, input).unwrap();
    path.display().to_string()
}

#[test]
fn diffs() {
    let read = |input: &[u8]| {
        let Ok(record) = parse_diff(input) else { return false };
        let again = parse_diff(render_diff(&record).as_bytes());
        // A file that was not read is printed as a binary one, and then is another change.
        let is_read = record.files.iter().all(|file_diff| file_diff.content != FileContent::Unread);
        if let (Ok(again), true) = (&again, is_read) {
            assert_eq!(again.files.len(), record.files.len());
            assert_eq!(again.n_lines(), record.n_lines());
        }
        let _ = digest(&record);
        true
    };
    let seeds: Vec<&[u8]> =
        vec![include_bytes!("fuzz/seeds/diff.txt"), include_bytes!("fuzz/seeds/plain.txt")];
    Target { name: "diffs", n_short: 2_000, seeds, words: DIFF_WORDS, read }.run();
}

/// The typed edits of every file under endings of all formats, and the search for secrets.
#[test]
fn key_edits() {
    const ENDINGS: [&str; 10] = ["yaml", "json", "toml", "ini", "tf", "php", "xml", "env", "pp", "sh"];
    let read = |input: &[u8]| {
        let Ok(record) = parse_diff(input) else { return false };
        let mut n_edits = 0;
        for file_diff in &record.files {
            for ending in ENDINGS {
                let mut file_diff = file_diff.clone();
                file_diff.new_path = file_diff.new_path.map(|path| format!("{path}.{ending}"));
                n_edits += key_changes(&file_diff).len();
            }
        }
        let clean = secrets::redact(&String::from_utf8_lossy(input)).into_owned();
        assert!(secrets::find(&clean).len() <= secrets::find(&String::from_utf8_lossy(input)).len());
        n_edits > 0
    };
    let seeds: Vec<&[u8]> =
        vec![include_bytes!("fuzz/seeds/diff.txt"), include_bytes!("fuzz/seeds/plain.txt")];
    Target { name: "key_edits", n_short: 600, seeds, words: DIFF_WORDS, read }.run();
}

/// Every route that takes a body: no 5xx, and a decision only with 200.
#[test]
fn requests() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let bench: Bench = runtime.block_on(Setup::default().start());
    let mut n = 0_usize;
    let read = |input: &[u8]| {
        const PATHS: [&str; 4] = ["/v1/score", "/v1/score/batch", "/v2/models/fake/infer", "/v1/outcomes"];
        let mut is_taken = false;
        n += 1;
        for (idx, path) in PATHS.into_iter().enumerate() {
            // A seed is tried everywhere, a draw at one place.
            if n > 4 && idx != n % PATHS.len() {
                continue;
            }
            let request = Request::post(path).body(Body::from(input.to_vec())).unwrap();
            let (status, answer) = runtime.block_on(bench.send(request));
            assert!(!status.is_server_error(), "{status} {answer}");
            assert_eq!(status.is_success(), answer["code"].is_null(), "{status} {answer}");
            assert!(status.is_success() || answer["decision"].is_null());
            is_taken |= status.is_success();
        }
        is_taken
    };
    let seeds: Vec<&[u8]> = vec![
        include_bytes!("fuzz/seeds/score.json"),
        include_bytes!("fuzz/seeds/commit.json"),
        include_bytes!("fuzz/seeds/infer.json"),
        include_bytes!("fuzz/seeds/outcome.json"),
    ];
    Target { name: "requests", n_short: 300, seeds, words: JSON_WORDS, read }.run();
}

#[test]
fn policies() {
    let read = |input: &[u8]| std::str::from_utf8(input).is_ok_and(|text| Policy::parse(text).is_ok());
    let seeds: Vec<&[u8]> =
        vec![include_bytes!("fuzz/seeds/policy.toml"), include_bytes!("../../src/policy/default.toml")];
    Target { name: "policies", n_short: 500, seeds, words: POLICY_WORDS, read }.run();
}

/// A small document of the artifact's layout; what is accepted must also score.
#[test]
fn artifacts() {
    let document = document();
    let read = |input: &[u8]| {
        let Ok(document) = serde_json::from_slice::<Document>(input) else { return false };
        if document.check().is_err() {
            return false;
        }
        let row: Vec<f32> = document.schema.iter().map(|_| 0.5).collect();
        let (_, score) = document.scoring.score(&row, &[1, 2]);
        assert!((0.0..=1.0).contains(&score), "{score}");
        true
    };
    let words = &[
        "\"scoring\":", "\"golden\":", "\"members\":", "[[", "1e308", "-1e308", "0.0", "4294967295",
        "\"schema\":", "\"prior\":null",
    ];
    Target { name: "artifacts", n_short: 120, seeds: vec![document], words, read }.run();
}

/// Made once a process and left in memory: a seed lives as long as its target.
fn document() -> &'static [u8] {
    let value: Value = serde_json::to_value(crate::training::artifact().document()).unwrap();
    Box::leak(json!(value).to_string().into_bytes().into_boxed_slice())
}

#[test]
fn incident_files() {
    let mut n = 0_usize;
    let read = |input: &[u8]| {
        n += 1;
        let text = String::from_utf8_lossy(input);
        // Compiling patterns takes milliseconds: not every table is read as one of owners.
        let owners = (text.starts_with('#') || n.is_multiple_of(16))
            && Owners::from_codeowners(&text).is_ok_and(|it| it.owners_of("auth/x.yaml").len() < 1_000);
        let taken = [
            parse_incidents_csv(input).is_ok_and(|it| !it.is_empty()),
            parse_incidents_jsonl(input).is_ok_and(|it| !it.is_empty()),
            parse_outcomes(input).is_ok_and(|it| !it.is_empty()),
            owners,
        ];
        taken.contains(&true)
    };
    let seeds: Vec<&[u8]> = vec![
        include_bytes!("fuzz/seeds/incidents.csv"),
        include_bytes!("fuzz/seeds/incidents.jsonl"),
        include_bytes!("fuzz/seeds/outcome.json"),
        include_bytes!("fuzz/seeds/CODEOWNERS"),
    ];
    Target { name: "incident_files", n_short: 300, seeds, words: TABLE_WORDS, read }.run();
}
