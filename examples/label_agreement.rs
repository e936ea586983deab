//! How well the detected labels agree with a published table of labels of the same repository:
//! `cargo run --example label_agreement -- PATH_OF_CLONE TABLE.labels.csv.gz commit|landing [N_SHOWN]`.
//!
//! The table needs the columns `sha, label, label_strict, planned, is_revert, bot, revert_sha`. Prints Cohen's
//! kappa for each, and the first disagreements on `label` and `label_strict` for reading.

use std::collections::HashMap;
use std::fs::File;
use std::ops::ControlFlow;

use anyhow::{Context, bail};
use diffrisk::change::is_bot;
use diffrisk::git::{Repository, Unit, WalkOptions, walk};
use diffrisk::label::{ChangeKind, Curator, Detector, Outcome, RowLabel, headline};
use flate2::read::GzDecoder;

/// What a table, or the detector, says of one change.
#[derive(Clone, Debug, Default)]
struct Verdict {
    label: bool,
    label_strict: bool,
    planned: bool,
    is_revert: bool,
    bot: bool,
}

/// A column and where it stands in a verdict.
type Column = (&'static str, fn(&Verdict) -> bool);

const COLUMNS: [Column; 5] = [
    ("label", |verdict| verdict.label),
    ("label_strict", |verdict| verdict.label_strict),
    ("planned", |verdict| verdict.planned),
    ("is_revert", |verdict| verdict.is_revert),
    ("bot", |verdict| verdict.bot),
];

/// What the walk leaves behind.
#[derive(Default)]
struct Walked {
    ids: Vec<String>,
    headlines: Vec<String>,
    bots: Vec<bool>,
    kinds: Vec<ChangeKind>,
    reverts: Vec<bool>,
    outcomes: Vec<Outcome>,
    labels: Vec<RowLabel>,
    snapshot_bytes: usize,
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [clone, table, unit, shown @ ..] = args.as_slice() else {
        bail!("expected: PATH_OF_CLONE TABLE.labels.csv.gz commit|landing [N_SHOWN]");
    };
    let unit = match unit.as_str() {
        "commit" => Unit::Commit,
        "landing" => Unit::Landing,
        _ => bail!("`{unit}` is no unit: expected commit or landing"),
    };
    let n_shown = shown.first().map_or(Ok(10), |n| n.parse()).context("N_SHOWN is no number")?;
    let published = read_table(table)?;
    let walked = detect(clone, unit)?;
    report(&published, &walked, n_shown);
    Ok(())
}

fn read_table(path: &str) -> anyhow::Result<HashMap<String, Verdict>> {
    let file = File::open(path).with_context(|| format!("cannot open `{path}`"))?;
    let mut reader = csv::Reader::from_reader(GzDecoder::new(file));
    let headers = reader.headers()?.clone();
    let mut published = HashMap::new();
    for record in reader.records() {
        let record = record?;
        let field =
            |name: &str| headers.iter().position(|header| header == name).and_then(|idx| record.get(idx));
        let is = |name: &str| field(name) == Some("1");
        let verdict = Verdict {
            label: is("label"),
            label_strict: is("label_strict"),
            planned: is("planned"),
            is_revert: is("is_revert"),
            bot: is("bot"),
        };
        published.insert(field("sha").context("the table has no column `sha`")?.to_owned(), verdict);
    }
    Ok(published)
}

fn detect(path: &str, unit: Unit) -> anyhow::Result<Walked> {
    let repository = Repository::open(path)?;
    let (mut detector, mut curator, mut walked) = (Detector::new(), Curator::new(), Walked::default());
    walk(&repository, &WalkOptions::new(unit), |change| {
        let classification = detector.classify(&change);
        curator.push(&change, &classification);
        let outcomes = detector.land(&change, &classification);
        outcomes.iter().cloned().for_each(|outcome| curator.record(outcome));
        walked.outcomes.extend(outcomes);
        walked.headlines.push(headline(&change.message).to_owned());
        walked.bots.push(is_bot(&change.author));
        walked.kinds.push(classification.kind);
        walked.reverts.push(classification.is_revert);
        walked.ids.push(change.id.0);
        ControlFlow::Continue(())
    })?;
    walked.labels = curator.curate(i64::MAX, None);
    walked.snapshot_bytes = postcard::to_stdvec(&detector)?.len();
    Ok(walked)
}

fn report(published: &HashMap<String, Verdict>, walked: &Walked, n_shown: usize) {
    let detected = walked.labels.iter().enumerate().map(|(idx, label)| Verdict {
        label: label.label_raw == Some(true) && !walked.reverts[idx],
        label_strict: label.label_strict == Some(true) && !walked.reverts[idx],
        planned: label.planned,
        is_revert: walked.reverts[idx],
        bot: walked.bots[idx],
    });
    let pairs: Vec<(usize, &Verdict, Verdict)> = detected
        .enumerate()
        .filter_map(|(idx, verdict)| Some((idx, published.get(&walked.ids[idx])?, verdict)))
        .collect();
    println!(
        "{} changes walked, {} in the table, {} in both",
        walked.ids.len(),
        published.len(),
        pairs.len()
    );
    println!(
        "{:>14} {:>8} {:>9} {:>8} {:>9} {:>9}",
        "column", "kappa", "published", "detected", "only pub.", "only det."
    );
    for (name, column) in COLUMNS {
        let answers: Vec<(bool, bool)> = pairs.iter().map(|pair| (column(pair.1), column(&pair.2))).collect();
        let count =
            |wanted: fn(&(bool, bool)) -> bool| answers.iter().filter(|answer| wanted(answer)).count();
        println!(
            "{name:>14} {:>8.4} {:>9} {:>8} {:>9} {:>9}",
            kappa(&answers),
            count(|answer| answer.0),
            count(|answer| answer.1),
            count(|answer| answer.0 && !answer.1),
            count(|answer| !answer.0 && answer.1)
        );
    }
    show_kinds(walked);
    println!("detector state: {} bytes", walked.snapshot_bytes);
    for (name, column) in &COLUMNS[..2] {
        let odd = pairs.iter().filter(|pair| column(pair.1) != column(&pair.2));
        odd.take(n_shown).for_each(|pair| show(name, column(pair.1), pair.0, walked));
    }
}

/// Cohen's kappa: agreement beyond what the two shares alone would give.
fn kappa(answers: &[(bool, bool)]) -> f64 {
    let share = |wanted: fn(&(bool, bool)) -> bool| {
        answers.iter().filter(|answer| wanted(answer)).count() as f64 / answers.len() as f64
    };
    let (left, right) = (share(|answer| answer.0), share(|answer| answer.1));
    let by_chance = left * right + (1.0 - left) * (1.0 - right);
    (share(|answer| answer.0 == answer.1) - by_chance) / (1.0 - by_chance)
}

fn show_kinds(walked: &Walked) {
    for kind in [ChangeKind::Ordinary, ChangeKind::PlannedRoundTrip, ChangeKind::Revert, ChangeKind::Rollback]
    {
        println!("{:>9} changes of kind {kind:?}", walked.kinds.iter().filter(|k| **k == kind).count());
    }
    let rollbacks = walked.kinds.iter().zip(&walked.reverts).filter(|pair| *pair.0 == ChangeKind::Rollback);
    println!("{:>9} rollbacks whose words say nothing of it", rollbacks.filter(|pair| !pair.1).count());
}

fn show(column: &str, is_published: bool, idx: usize, walked: &Walked) {
    let outcome = walked.outcomes.iter().find(|outcome| outcome.ordinal as usize == idx);
    let by = outcome.and_then(|outcome| outcome.by).map_or("-", |by| walked.headlines[by as usize].as_str());
    let whose = if is_published { "only published" } else { "only detected" };
    println!("{column} {whose}: {} `{}` <- `{by}`", &walked.ids[idx][..10], walked.headlines[idx]);
}
