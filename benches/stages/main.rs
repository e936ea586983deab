//! One bench a stage of the way from a diff to a decision, over several sizes and always the same bytes:
//! `cargo bench`; `cargo bench -- 'score/'` for some of them. docs/PERFORMANCE.md has figures.
//!
//! The history is the sample's (1,500 changes), the model the published one. Diffs are made up, see `made`.

mod made;

use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use diffrisk::artifact::published;
use diffrisk::change::{Change, ChangeId, ChangeRecord, Moment, key_changes, parse_diff};
use diffrisk::git::{Repository, Sample, Unit, WalkOptions, walk, write_sample};
use diffrisk::model::BoostedParams;
use diffrisk::policy::{Context, Facts, Policy, Question};
use diffrisk::scorer::{ReferenceMargins, Scorer};
use diffrisk::timeline::{Sources, Timeline};

/// Sizes of the diffs, in bytes.
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// Made-up rows of numbers.
const N_TABLE_ROWS: usize = 1_000;
const N_TABLE_COLUMNS: usize = 40;
/// Vectors of the batch.
const N_VECTORS: usize = 100_000;

/// Everything that a question is asked of.
struct World {
    timeline: Timeline,
    scorer: Scorer,
    policy: Policy,
    margins: ReferenceMargins,
    /// Vectors and tokens of the sample's changes.
    rows: Vec<Row>,
}

/// A vector and its tokens.
type Row = (Vec<f32>, Vec<u32>);

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let sample: Sample = write_sample(directory.path()).expect("the sample is written");
        let repository = Repository::open(&sample.repository).expect("the sample is a repository");
        let scorer = Scorer::new(published().expect("it is embedded")).expect("it is of this build");
        let mut timeline = Timeline::new(Sources::default());
        let (mut margins, mut rows) = (ReferenceMargins::default(), Vec::new());
        walk(&repository, &WalkOptions::new(Unit::Commit), |change| {
            let landed = timeline.land(&change);
            margins.push(change.committed_at, scorer.margin(&landed.vector, &landed.tokens));
            rows.push((landed.vector, landed.tokens));
            ControlFlow::Continue(())
        })
        .expect("the sample can be walked");
        Self { timeline, scorer, policy: Policy::default_published(), margins, rows }
    }

    /// From the text of a diff to the decision, as `POST /v1/score` does it, without the wire.
    fn decide(&self, text: &str) -> diffrisk::policy::Decision {
        let change = proposed(parse_diff(text.as_bytes()).expect("a diff"), &self.timeline);
        let asked = self.timeline.ask(&change);
        let (vector, tokens) = (&asked.extracted.vector, asked.extracted.tokens());
        let answer = self.scorer.assess(vector, &tokens, &self.margins);
        let files = change.record.files.iter();
        let keys: Vec<_> = files.map(|file| file.path().to_owned()).zip(asked.keys).collect();
        self.policy.decide(&Question {
            change: &change,
            classification: &asked.classification,
            keys: &keys,
            assessment: Some(&answer.assessment),
            degraded: &[],
            known_bad: None,
            repo: "sample",
            owners: &[],
            context: &Context::default(),
            facts: Facts::default(),
            now: change.committed_at,
        })
    }
}

/// A proposal by somebody known, an hour after the newest change.
fn proposed(record: ChangeRecord, timeline: &Timeline) -> Change {
    let at = timeline.last_t().unwrap_or(0) + 3_600;
    Change {
        id: ChangeId(String::new()),
        author: "Ada Ito <ada@example.org>".to_owned(),
        message: "search: raise the timeout and the number of replicas".to_owned(),
        authored_at: Moment { unix_seconds: at, offset_minutes: 60 },
        committed_at: at,
        merged: Vec::new(),
        merged_messages: Vec::new(),
        record: record.into(),
    }
}

fn diffs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("diff");
    for size in SIZES {
        let text = made::diff(size);
        let record = parse_diff(text.as_bytes()).expect("a diff");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("parse", size), &text, |bencher, text| {
            bencher.iter(|| parse_diff(black_box(text.as_bytes())));
        });
        group.bench_with_input(BenchmarkId::new("keys", size), &record, |bencher, record| {
            bencher.iter(|| record.files.iter().map(key_changes).collect::<Vec<_>>());
        });
    }
    group.finish();
}

fn scores(criterion: &mut Criterion) {
    let world = World::new();
    let mut group = criterion.benchmark_group("score");
    for size in SIZES {
        let text = made::diff(size);
        let change = proposed(parse_diff(text.as_bytes()).expect("a diff"), &world.timeline);
        group.bench_with_input(BenchmarkId::new("extract", size), &change, |bencher, change| {
            bencher.iter(|| world.timeline.ask(black_box(change)));
        });
        group.bench_with_input(BenchmarkId::new("diff_to_decision", size), &text, |bencher, text| {
            bencher.iter(|| world.decide(black_box(text)));
        });
        let text = made::one_line(size);
        group.bench_with_input(BenchmarkId::new("one_line_to_decision", size), &text, |bencher, text| {
            bencher.iter(|| world.decide(black_box(text)));
        });
    }
    let (vector, tokens) = &world.rows[world.rows.len() / 2];
    group.bench_function("margin", |bencher| {
        bencher.iter(|| world.scorer.margin(black_box(vector), tokens));
    });
    // Margin, rank and contributions of a ready vector.
    group.bench_function("contributions", |bencher| {
        bencher.iter(|| world.scorer.assess(black_box(vector), tokens, &world.margins));
    });
    group.finish();
    batch(criterion, &world);
}

/// Margins of rows that are not alike, a thousand a turn: all trees scanned, and one walked after the other.
fn trees(criterion: &mut Criterion) {
    let (matrix, target) = made::table(N_TABLE_ROWS, N_TABLE_COLUMNS);
    let rows: Vec<Vec<f32>> = (0..N_TABLE_ROWS).map(|row| matrix.row(row)).collect();
    let mut group = criterion.benchmark_group("trees");
    group.throughput(Throughput::Elements(N_TABLE_ROWS as u64));
    for (n_trees, n_leaves) in [(800, 8), (300, 31)] {
        let params = BoostedParams { n_trees, n_leaves, ..BoostedParams::default() };
        let boosted = params.check().expect("it is sound").fit(&matrix, &target).expect("both classes");
        let name = format!("{n_trees}x{n_leaves}");
        group.bench_function(BenchmarkId::new("scanned", &name), |bencher| {
            bencher.iter(|| rows.iter().map(|row| boosted.margin(black_box(row))).sum::<f64>());
        });
        let walked = |row: &Vec<f32>| boosted.trees().iter().map(|tree| tree.predict(row)).sum::<f64>();
        group.bench_function(BenchmarkId::new("walked", &name), |bencher| {
            bencher.iter(|| rows.iter().map(|row| walked(black_box(row))).sum::<f64>());
        });
    }
    group.finish();
}

/// Stored vectors scored again, on two threads.
fn batch(criterion: &mut Criterion, world: &World) {
    let mut group = criterion.benchmark_group("batch");
    group.sample_size(10).throughput(Throughput::Elements(N_VECTORS as u64));
    let rows: Vec<&Row> = world.rows.iter().cycle().take(N_VECTORS).collect();
    let scorer = &world.scorer;
    group.bench_function("rescore_100000", |bencher| {
        bencher.iter(|| {
            std::thread::scope(|scope| {
                let mut working = Vec::new();
                for half in rows.chunks(N_VECTORS.div_ceil(2)) {
                    let margin = move |(vector, tokens): &&Row| scorer.margin(vector, tokens);
                    working.push(scope.spawn(move || half.iter().map(margin).sum::<f64>()));
                }
                working.into_iter().map(|thread| thread.join().expect("it scores")).sum::<f64>()
            })
        });
    });
    group.finish();
}

criterion_group!(benches, diffs, trees, scores);
criterion_main!(benches);
