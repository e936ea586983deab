//! How long the search for similar past changes takes where nobody has more to remember:
//! `cargo run --release --example similar_cost [N_PAST]`.
//!
//! Folds `N_PAST` (100,000) made-up changes of 2,000 services, a third of which is reverted an hour later, and
//! asks about 200 more. Prints how many that went wrong are looked through, the median and the slowest time
//! of a search, and how often something was similar enough. One thread; the search is exact.

use std::sync::Arc;
use std::time::Instant;

use diffrisk::artifact::published;
use diffrisk::change::{Change, ChangeId, ChangeRecord, KeyChange, Moment, key_changes, parse_diff};
use diffrisk::explain::{Explanation, Grounds};
use diffrisk::policy::{Context, Facts, Policy, Question};
use diffrisk::scorer::{ReferenceMargins, Scorer};
use diffrisk::timeline::{Sources, Timeline};

const N_SERVICES: usize = 2_000;
const N_ASKED: usize = 200;
const START: i64 = 1_600_000_000;

fn main() -> anyhow::Result<()> {
    let n_past = std::env::args().nth(1).map_or(Ok(100_000), |n| n.parse())?;
    let mut timeline = Timeline::new(Sources::default());
    for idx in 0..n_past {
        // A change, its revert, and one that goes well.
        let change = match idx % 3 {
            1 => revert(idx, &made_up(idx - 1)?),
            _ => made_up(idx)?,
        };
        timeline.land(&change);
    }
    let scorer = Scorer::new(Arc::clone(&published()?))?;
    let policy = Policy::default_published();
    let (mut seconds, mut n_found, mut n_searched) = (Vec::new(), 0, 0);
    for idx in (n_past..).step_by(3).take(N_ASKED) {
        let change = made_up(idx)?;
        let keys: Vec<(String, Vec<KeyChange>)> =
            change.record.files.iter().map(|file| (file.path().to_owned(), key_changes(file))).collect();
        let classification = timeline.ask(&change).classification;
        // Without an assessment there is nothing to explain but the past.
        let question = Question {
            change: &change,
            classification: &classification,
            keys: &keys,
            assessment: None,
            degraded: &[],
            known_bad: None,
            repo: "made-up",
            owners: &[],
            context: &Context::default(),
            facts: Facts::default(),
            now: change.committed_at,
        };
        let grounds = Grounds {
            question,
            decision: &policy.decide(&question),
            policy: &policy,
            vector: &[],
            history: timeline.history(),
            last_t: timeline.last_t().unwrap_or(0),
            ordinal: None,
            scorer: &scorer,
            margins: &ReferenceMargins::default(),
            owners_of: &|_| Vec::new(),
            paths_of: &|hashes| vec![None; hashes.len()],
        };
        let started = Instant::now();
        let explanation = Explanation::with_grounds(&grounds);
        seconds.push(started.elapsed().as_secs_f64());
        let similar = explanation.similar.expect("the history is at hand");
        n_searched = similar.n_searched;
        n_found += usize::from(!similar.changes.is_empty());
    }
    seconds.sort_unstable_by(f64::total_cmp);
    println!(
        "{n_past} past changes, {n_searched} that went wrong looked through: median {:.2} ms, slowest {:.2} ms, \
         something similar for {n_found} of {N_ASKED}",
        1_000.0 * seconds[seconds.len() / 2],
        1_000.0 * seconds[seconds.len() - 1]
    );
    Ok(())
}

/// Two settings of one service, and every seventh time those of another.
fn made_up(idx: usize) -> anyhow::Result<Change> {
    let service = idx * 7_919 % N_SERVICES;
    let key = ["timeout", "replicas", "memory", "retries", "cache_ttl"][idx % 5];
    let mut diff = edit(service, key, idx);
    if idx.is_multiple_of(7) {
        diff += &edit(N_SERVICES + idx % 50, "image", idx);
    }
    // Titles of one pattern, a third of which is undone, would be routine: nothing went wrong with them.
    let title = format!("{} {}: {key} is {}", word(idx * 7), word(idx / 401), idx % 11);
    Ok(change(idx, &title, parse_diff(diff.as_bytes())?))
}

/// One of 401 words.
fn word(idx: usize) -> String {
    let syllables = ["ba", "ko", "li", "mu", "ne", "ra", "so", "ti"];
    let digits = [idx % 401 / 64, idx % 401 / 8 % 8, idx % 8];
    digits.map(|digit| syllables[digit]).concat()
}

fn edit(service: usize, key: &str, idx: usize) -> String {
    let path = format!("services/team_{}/{service:05}.yaml", service % 40);
    let (old, new) = (idx % 13, idx % 13 + 1);
    format!(
        "--- a/{path}\n+++ b/{path}\n@@ -1,2 +1,2 @@\n-{key}: {old}\n-port: {old}\n+{key}: {new}\n+port: {new}\n"
    )
}

fn revert(idx: usize, undone: &Change) -> Change {
    let message = format!("Revert \"{}\"\n\nThis reverts commit {}.", undone.subject(), undone.id.0);
    change(idx, &message, (*undone.record).clone())
}

fn change(idx: usize, message: &str, record: ChangeRecord) -> Change {
    let t = START + 1_200 * i64::try_from(idx).unwrap_or(i64::MAX / 2_400);
    Change {
        id: ChangeId(format!("{idx:040x}")),
        author: format!("author-{}@example.org", idx % 97),
        message: message.to_owned(),
        authored_at: Moment { unix_seconds: t, offset_minutes: 0 },
        committed_at: t,
        merged: Vec::new(),
        merged_messages: Vec::new(),
        record: record.into(),
    }
}
