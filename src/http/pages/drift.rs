//! Whether what is asked now still looks like what the model learned from.

use crate::artifact::Artifact;
use crate::explain::is_of_a_person;
use crate::features::{is_custom, schema};
use crate::http::pages::text::{self, Shown};
use crate::http::wire::Answer;
use crate::store::Record;

/// Fewer vectors than this say nothing.
const MIN_VECTORS: usize = 20;
const N_SHOWN: usize = 8;
/// Ten bars of ranks, each to hold a tenth.
const N_BARS: usize = 10;

/// Recent decisions against the artifact's own bounds.
#[derive(Default)]
pub(super) struct Drift {
    pub(super) n_vectors: usize,
    pub(super) is_enough: bool,
    /// "1.2 %": changes with more values out of range than the artifact allows.
    pub(super) unlike: String,
    /// Values that are out of their usual range most often.
    pub(super) outside: Vec<(Shown, String)>,
    /// Height of each bar of ranks, of 100, and its share in words.
    pub(super) ranks: Vec<(u32, String)>,
}

/// Compares the newest stored vectors with the ranges that 999 of 1,000 training rows kept to.
pub(super) fn drift(artifact: &Artifact, records: &[Record]) -> Drift {
    let document = artifact.document();
    let custom = document.schema.iter().filter(|feature_ref| is_custom(&feature_ref.name));
    let custom = custom.map(|feature_ref| (feature_ref.name.as_str(), feature_ref.revision));
    let names: Vec<(&str, u32)> = schema().revisions().chain(custom).collect();
    let Ok(columns) = artifact.columns(&names) else { return Drift::default() };
    let vectors: Vec<Vec<f32>> =
        records.iter().filter_map(Record::vector).filter(|vector| vector.len() == names.len()).collect();
    let mut n_outside = vec![0_usize; columns.len()];
    let mut n_unlike = 0_usize;
    for vector in &vectors {
        let row: Vec<f32> = columns.iter().map(|&idx| vector[idx]).collect();
        let outside = document.guard.outside(&row);
        n_unlike += usize::from(outside.len() > document.guard.max_outside);
        outside.iter().for_each(|&idx| n_outside[idx] += 1);
    }
    let share = |n: usize| n as f64 / vectors.len().max(1) as f64;
    // How somebody's changes fared is shown of nobody, and of all together it says little.
    let is_shown = |&idx: &usize| n_outside[idx] > 0 && !is_of_a_person(names[columns[idx]].0);
    let mut places: Vec<usize> = (0..columns.len()).filter(is_shown).collect();
    places.sort_by(|&a, &b| n_outside[b].cmp(&n_outside[a]).then(a.cmp(&b)));
    let shown = places.iter().take(N_SHOWN).map(|&idx| {
        (Shown::new(&meaning(columns[idx], names[columns[idx]].0)), text::percent(share(n_outside[idx])))
    });
    Drift {
        n_vectors: vectors.len(),
        is_enough: vectors.len() >= MIN_VECTORS,
        unlike: text::percent(share(n_unlike)),
        outside: shown.collect(),
        ranks: ranks(records),
    }
}

/// What the value at a position of a vector means; of a custom feature only its owner knows.
fn meaning(idx: usize, name: &str) -> String {
    if idx >= schema().n_values() {
        return name.to_owned();
    }
    let rank = if schema().is_rank(idx) { " (rank)" } else { "" };
    format!("{}{rank}", schema().feature_at(idx).sentence)
}

/// How the ranks of recent decisions spread: a tenth each, where the model still ranks as it did.
fn ranks(records: &[Record]) -> Vec<(u32, String)> {
    let answers = records.iter().filter_map(|record| serde_json::from_str::<Answer>(&record.body).ok());
    let percentiles: Vec<f64> = answers.filter_map(|answer| Some(answer.risk?.percentile)).collect();
    let mut counts = [0_usize; N_BARS];
    for percentile in &percentiles {
        // A percentile is 0 to 100; the last bar takes 100 itself.
        counts[((percentile / 10.0) as usize).min(N_BARS - 1)] += 1;
    }
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    let share = |n: usize| text::percent(n as f64 / percentiles.len().max(1) as f64);
    let bar = |n: usize| ((n as f64 / highest as f64 * 100.0).round() as u32, share(n));
    if percentiles.len() < MIN_VECTORS { Vec::new() } else { counts.into_iter().map(bar).collect() }
}
