//! What it is worth to show similar past changes: how often one is shown for changes that were reverted later, and for those
//! that were not: `cargo run --release --example similar_worth -- PATH_OF_CLONE commit|landing [PAIRS.tsv]`.
//!
//! Replays the whole history and asks about every ordinary change just before it lands. Changes between 40 and 70 % of the
//! history are "development", the newest 30 % "test", but the newest 14 days, whose outcome is not known. Prints, by least
//! similarity, the share of either kind for which something is shown and what the nearest shares with it. `PAIRS.tsv` gets a
//! line a change for which something was found: part, 1 for reverted within 14 days, similarity, commit, the nearest commit, why.

use std::collections::BTreeSet;
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::bail;
use diffrisk::artifact::published;
use diffrisk::change::Change;
use diffrisk::explain::{Explanation, Grounds, SimilarChange};
use diffrisk::git::{Repository, Unit, WalkOptions, walk};
use diffrisk::label::ChangeKind;
use diffrisk::policy::{Context, Facts, Policy, Question};
use diffrisk::scorer::{ReferenceMargins, Scorer};
use diffrisk::timeline::{Sources, Timeline};

const LEAST: [f64; 9] = [0.0, 0.05, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.4];
const DAY: i64 = 86_400;

/// A change that was asked about.
struct Asked {
    ordinal: u32,
    t: i64,
    nearest: Option<SimilarChange>,
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (clone, unit, out) = match args.as_slice() {
        [clone, unit] => (clone, unit, None),
        [clone, unit, out] => (clone, unit, Some(out)),
        _ => bail!("expected: PATH_OF_CLONE commit|landing [PAIRS.tsv]"),
    };
    let unit = match unit.as_str() {
        "commit" => Unit::Commit,
        "landing" => Unit::Landing,
        _ => bail!("`{unit}` is no unit: expected commit or landing"),
    };
    let scorer = Scorer::new(Arc::clone(&published()?))?;
    let policy = Policy::default_published();
    let mut timeline = Timeline::new(Sources::default());
    let (mut ids, mut asked) = (Vec::new(), Vec::new());
    walk(&Repository::open(clone)?, &WalkOptions::new(unit), |change| {
        timeline.advance(change.committed_at);
        asked.extend(ask(&timeline, &change, &scorer, &policy));
        ids.push(change.id.0.clone());
        timeline.land(&change);
        ControlFlow::Continue(())
    })?;
    let last_t = timeline.last_t().unwrap_or(0);
    let (mut soon, mut late) = (BTreeSet::new(), BTreeSet::new());
    for bad in timeline.history().bad_changes.iter() {
        let is_soon = bad.occurred_at - bad.landed_at <= 14 * DAY;
        if is_soon {
            soon.insert(bad.ordinal)
        } else {
            late.insert(bad.ordinal)
        };
    }
    asked.retain(|it| it.t <= last_t - 14 * DAY && !late.contains(&it.ordinal));
    let at = |share: f64| (share * ids.len() as f64) as u32;
    for (part, from, to) in [("development", at(0.4), at(0.7)), ("test", at(0.7), u32::MAX)] {
        let of_part: Vec<&Asked> = asked.iter().filter(|it| (from..to).contains(&it.ordinal)).collect();
        report(part, &of_part, &soon);
        if let Some(out) = out {
            let mut file = std::fs::File::options().create(true).append(true).open(out)?;
            for it in of_part {
                let Some(near) = &it.nearest else { continue };
                let label = u8::from(soon.contains(&it.ordinal));
                let (id, other) = (&ids[it.ordinal as usize], &ids[near.ordinal as usize]);
                let why = near.why.join(", ");
                writeln!(file, "{part}\t{label}\t{:.4}\t{id}\t{other}\t{why}", near.similarity)?;
            }
        }
    }
    Ok(())
}

/// The nearest earlier change that went wrong, as of just before this one lands; none of a change that is no ordinary one.
fn ask(timeline: &Timeline, change: &Change, scorer: &Scorer, policy: &Policy) -> Option<Asked> {
    let read = timeline.ask(change);
    if read.classification.kind != ChangeKind::Ordinary || change.record.files.is_empty() {
        return None;
    }
    let files = change.record.files.iter();
    let keys: Vec<_> = files.map(|file| file.path().to_owned()).zip(read.keys).collect();
    let question = Question {
        change,
        classification: &read.classification,
        keys: &keys,
        assessment: None,
        degraded: &[],
        known_bad: None,
        repo: "replayed",
        owners: &[],
        context: &Context::default(),
        facts: Facts::default(),
        now: change.committed_at,
    };
    let explanation = Explanation::with_grounds(&Grounds {
        question,
        decision: &policy.decide(&question),
        policy,
        vector: &[],
        history: timeline.history(),
        last_t: timeline.last_t().unwrap_or(0),
        ordinal: None,
        scorer,
        margins: &ReferenceMargins::default(),
        owners_of: &|_| Vec::new(),
        paths_of: &|hashes| vec![None; hashes.len()],
    });
    let nearest = explanation.similar.and_then(|similar| similar.changes.into_iter().next());
    Some(Asked { ordinal: timeline.history().n_landed(), t: change.committed_at, nearest })
}

fn report(part: &str, asked: &[&Asked], soon: &BTreeSet<u32>) {
    let (bad, good): (Vec<&Asked>, Vec<&Asked>) =
        asked.iter().copied().partition(|it| soon.contains(&it.ordinal));
    println!("{part}: {} reverted within 14 days, {} not", bad.len(), good.len());
    println!("  least   shown: reverted    not   ratio | shares: key  key name  file  title pattern");
    for least in LEAST {
        let shown = |all: &[&Asked]| all.iter().filter(|it| is_shown(it, least)).count();
        let of = |all: &[&Asked]| shown(all) as f64 / all.len().max(1) as f64;
        let marks = ["the same key", "name", "the same file", "pattern"].map(|mark| {
            let all = asked.iter().filter(|it| is_shown(it, least));
            let has =
                all.filter(|it| it.nearest.iter().flat_map(|near| &near.why).any(|why| says(why, mark)));
            has.count() as f64 / (shown(&bad) + shown(&good)).max(1) as f64
        });
        println!(
            "  {least:>5.2} {:>9.1} % {:>9.1} % {:>6.2} | {}",
            100.0 * of(&bad),
            100.0 * of(&good),
            of(&bad) / of(&good),
            marks.map(|share| format!("{:>5.0} %", 100.0 * share)).join(" ")
        );
    }
}

fn is_shown(asked: &Asked, least: f64) -> bool {
    asked.nearest.as_ref().is_some_and(|near| near.similarity >= least)
}

/// Whether a reason speaks of a mark; names come after it.
fn says(why: &str, mark: &str) -> bool {
    let plain = why.split('`').next().unwrap_or("");
    match mark {
        "the same key" => plain.contains("the same key"),
        "the same file" => plain.contains("the same file"),
        "name" => plain.contains("a key of the same name"),
        _ => plain.contains("pattern"),
    }
}
