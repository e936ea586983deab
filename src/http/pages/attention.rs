//! What the model pays attention to, read from the model itself.

use crate::artifact::Document;
use crate::explain::is_of_a_person;
use crate::features::{FeatureSpec, is_custom, schema};
use crate::http::pages::text::Shown;

const N_FEATURES: usize = 15;
const RANK_SUFFIX: &str = ".rank";

/// Families and single features, the strongest first.
#[derive(Default)]
pub(super) struct Attention {
    pub(super) groups: Vec<Weight>,
    pub(super) features: Vec<Weight>,
}

/// A name and its part of the whole.
pub(super) struct Weight {
    pub(super) name: Shown,
    pub(super) percent: String,
    /// Length of its bar, of 1,000; the longest has all of it.
    pub(super) width: u32,
}

/// How far each feature moves the log-odds of an ordinary change; a value and its rank are one.
pub(super) fn attention(document: &Document) -> Attention {
    let mut of_feature: Vec<(String, f64)> = Vec::new();
    let mut of_group: Vec<(String, f64)> = Vec::new();
    for (feature_ref, moved) in document.schema.iter().zip(document.scoring.ensemble.importance()) {
        let name = feature_ref.name.trim_end_matches(RANK_SUFFIX);
        let spec = schema().spec(name);
        add(&mut of_feature, spec.map_or(name, |spec| in_words(spec)), moved);
        add(&mut of_group, spec.map_or_else(|| other_words(name), group_words), moved);
    }
    Attention { groups: weights(of_group, usize::MAX), features: weights(of_feature, N_FEATURES) }
}

fn add(sums: &mut Vec<(String, f64)>, name: &str, moved: f64) {
    match sums.iter_mut().find(|(known, _)| known == name) {
        Some((_, sum)) => *sum += moved,
        None => sums.push((name.to_owned(), moved)),
    }
}

fn weights(mut sums: Vec<(String, f64)>, n_shown: usize) -> Vec<Weight> {
    let whole: f64 = sums.iter().map(|(_, moved)| moved).sum();
    sums.retain(|(_, moved)| *moved > 0.0);
    sums.sort_by(|a, b| b.1.total_cmp(&a.1));
    let longest = sums.first().map_or(1.0, |(_, moved)| *moved);
    let weight = |(name, moved): (String, f64)| Weight {
        name: Shown::cut(&name, 160),
        percent: format!("{:.0} %", moved / whole * 100.0),
        width: (moved / longest * 1000.0).round() as u32,
    };
    sums.into_iter().take(n_shown).map(weight).collect()
}

/// Where a value comes from that this build does not compute.
fn other_words(name: &str) -> &'static str {
    if is_custom(name) { "What the caller knows" } else { "values of a table" }
}

/// What a feature reads; how somebody's changes fared is one thing, and nobody is compared by it.
fn in_words(spec: &FeatureSpec) -> &'static str {
    if is_of_a_person(spec.name) { "How earlier changes from the same hand fared" } else { spec.sentence }
}

/// A family of features in plain words.
fn group_words(spec: &FeatureSpec) -> &'static str {
    match spec.group.as_str() {
        "size" => "How large the change is",
        "kind" => "What kind of files it touches",
        "key_edits" => "Which settings it edits, and how",
        "author" => "Experience with these files",
        "ownership" => "Who owns what it touches",
        "file" => "The past of its files",
        "key" => "The past of its settings",
        "context" => "What else happens in the repository",
        "time" => "When it was written",
        "message" => "How it is described",
        "outcomes" => "How often the like went wrong before",
        _ => "What usually changes with it and is absent",
    }
}
