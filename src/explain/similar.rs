//! Earlier changes that went wrong and are like this one: an exact search through all of them.
//!
//! Two changes are compared by the keys they edit, the names of those keys, the files and directories
//! they touch, and what their titles share once digits are taken out; never by their authors. For each
//! of these the weighted Jaccard index is taken, a mark weighing `ln(1 + n / (1 + n with it))`, times how
//! rare what is shared is, so that a file which every sixth change touches makes nothing alike; the
//! similarity is the weighted mean of these.

use rustc_hash::FxHashMap;

use crate::explain::grounds::Grounds;
use crate::explain::numbers::{quoted, span_hours, thousands};
use crate::explain::value::{PastOutcome, SimilarChange, SimilarChanges};
use crate::history::{BadChange, Footprint, History, TokenKind, hash64};
use crate::label::LabelSource;

/// Changes shown at most.
const N_SHOWN: usize = 5;
/// Below this two changes are not alike: chosen on the development part of two histories, where at 0.12 something
/// was shown for half of the changes that held, see `docs/decisions/similar-changes.md`.
const MIN_SIMILARITY: f64 = 0.2;
/// How much each kind of mark says.
const KEY: f64 = 3.0;
const FILE: f64 = 2.0;
const TITLE: f64 = 2.0;
const LEAF: f64 = 1.0;
const DIR: f64 = 0.5;

/// The nearest changes that went wrong, of those that were known before the change in question.
pub(super) fn similar_changes(grounds: &Grounds<'_>, footprint: &Footprint) -> SimilarChanges {
    let question = &grounds.question;
    let marks = Marks::of(footprint, grounds.history);
    let as_of = if grounds.ordinal.is_some() { question.change.committed_at } else { question.now };
    let is_earlier = |bad: &&BadChange| {
        bad.known_at <= as_of && grounds.ordinal.is_none_or(|ordinal| bad.ordinal < ordinal)
    };
    let candidates: Vec<&BadChange> = grounds.history.bad_changes.iter().filter(is_earlier).collect();
    let n_searched = candidates.len();
    let mut near: Vec<(f64, &BadChange)> = candidates
        .into_iter()
        .filter(|bad| marks.touches(bad))
        .map(|bad| (marks.similarity(bad, grounds.history), bad))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .collect();
    near.sort_by(|(a, bad_a), (b, bad_b)| b.total_cmp(a).then_with(|| bad_b.ordinal.cmp(&bad_a.ordinal)));
    near.truncate(N_SHOWN);
    let names = Names::of(grounds);
    let changes: Vec<SimilarChange> =
        near.into_iter().map(|(similarity, bad)| shown(similarity, bad, &marks, &names)).collect();
    SimilarChanges { n_searched, text: summary(n_searched, changes.len()), changes }
}

fn summary(n_searched: usize, n_found: usize) -> String {
    let searched = thousands(n_searched as f64);
    match (n_searched, n_found) {
        (0, _) => "no earlier change is known to have gone wrong here".to_owned(),
        (1, 0) => "the one earlier change that went wrong here is not similar enough".to_owned(),
        (1, _) => "the one earlier change that went wrong here".to_owned(),
        (_, 0) => format!("none of the {searched} earlier changes that went wrong here is similar enough"),
        _ => format!("the nearest of {searched} earlier changes that went wrong here"),
    }
}

/// The marks of the change in question, with what each weighs.
struct Marks {
    keys: FxHashMap<u64, f64>,
    leaves: FxHashMap<u64, f64>,
    files: FxHashMap<u64, f64>,
    dirs: FxHashMap<u64, f64>,
    words: FxHashMap<u64, f64>,
    template: u64,
}

impl Marks {
    fn of(footprint: &Footprint, history: &History) -> Self {
        let words = footprint.tokens_of(TokenKind::Message).iter().map(|&word| u64::from(word));
        Self {
            keys: footprint.keys.iter().map(|mark| (mark.key, key_weight(mark.key, history))).collect(),
            leaves: footprint.keys.iter().map(|mark| (mark.leaf, leaf_weight(mark.leaf, history))).collect(),
            files: footprint.files.iter().map(|mark| (mark.path, file_weight(mark.path, history))).collect(),
            dirs: footprint.dirs[2].iter().map(|&dir| (dir, dir_weight(dir, history))).collect(),
            words: words.map(|word| (word, 1.0)).collect(),
            template: footprint.template,
        }
    }

    /// Whether anything more than a word or a directory is shared.
    fn touches(&self, bad: &BadChange) -> bool {
        bad.template == self.template
            || bad.files.iter().any(|file| self.files.contains_key(file))
            || bad.keys.iter().any(|key| self.keys.contains_key(key))
            || bad.leaves.iter().any(|leaf| self.leaves.contains_key(leaf))
    }

    fn similarity(&self, bad: &BadChange, history: &History) -> f64 {
        let words: Vec<u64> = bad.words.iter().map(|&word| u64::from(word)).collect();
        let title = if bad.template == self.template { 1.0 } else { jaccard(&self.words, &words, |_| 1.0) };
        let most = rarity(0, history);
        let parts = [
            (
                KEY,
                &self.keys,
                &bad.keys,
                telling(&self.keys, &bad.keys, most, |key| key_weight(key, history)),
            ),
            (
                LEAF,
                &self.leaves,
                &bad.leaves,
                telling(&self.leaves, &bad.leaves, most, |leaf| leaf_weight(leaf, history)),
            ),
            (
                FILE,
                &self.files,
                &bad.files,
                telling(&self.files, &bad.files, most, |file| file_weight(file, history)),
            ),
            (
                DIR,
                &self.dirs,
                &bad.dirs,
                telling(&self.dirs, &bad.dirs, most, |dir| dir_weight(dir, history)),
            ),
        ];
        let (mut sum, mut weights) = (TITLE * title, TITLE);
        for (weight, mine, theirs, alike) in parts {
            // A change without keys is not unlike another for having none.
            if !(mine.is_empty() && theirs.is_empty()) {
                sum += weight * alike;
                weights += weight;
            }
        }
        sum / weights
    }
}

/// The Jaccard index times the mean rarity of what is shared, beside the rarity of something never seen.
fn telling(mine: &FxHashMap<u64, f64>, theirs: &[u64], most: f64, weight: impl Fn(u64) -> f64) -> f64 {
    let shared = || theirs.iter().filter_map(|mark| mine.get(mark));
    let n_shared = shared().count();
    if n_shared == 0 || most <= 0.0 {
        return 0.0;
    }
    let rare = shared().sum::<f64>() / n_shared as f64 / most;
    rare * jaccard(mine, theirs, weight)
}

fn jaccard(mine: &FxHashMap<u64, f64>, theirs: &[u64], weight: impl Fn(u64) -> f64) -> f64 {
    let shared: f64 = theirs.iter().filter_map(|mark| mine.get(mark)).sum();
    if shared == 0.0 {
        return 0.0;
    }
    let of_mine: f64 = mine.values().sum();
    let of_theirs: f64 = theirs.iter().map(|&mark| weight(mark)).sum();
    shared / (of_mine + of_theirs - shared)
}

fn rarity(n_with: u32, history: &History) -> f64 {
    (1.0 + f64::from(history.n_landed()) / (1.0 + f64::from(n_with))).ln()
}

fn key_weight(key: u64, history: &History) -> f64 {
    rarity(history.keys.get(key).map_or(0, |track| track.track.n), history)
}

fn leaf_weight(leaf: u64, history: &History) -> f64 {
    rarity(history.leaves.get(leaf).map_or(0, |track| track.n), history)
}

fn file_weight(path: u64, history: &History) -> f64 {
    rarity(history.files.get(path).map_or(0, |track| track.track.n), history)
}

fn dir_weight(dir: u64, history: &History) -> f64 {
    rarity(history.dirs[2].get(dir).map_or(0, |track| track.n), history)
}

/// The keys, key names and paths of the change in question, by hash: the past keeps no names.
struct Names {
    keys: FxHashMap<u64, String>,
    leaves: FxHashMap<u64, String>,
    files: FxHashMap<u64, String>,
}

impl Names {
    fn of(grounds: &Grounds<'_>) -> Self {
        let mut names =
            Self { keys: FxHashMap::default(), leaves: FxHashMap::default(), files: FxHashMap::default() };
        for (path, keys) in grounds.question.keys {
            names.files.insert(hash64(&[path]), path.clone());
            for key_change in keys.iter().filter(|key_change| !key_change.leaf.is_empty()) {
                names.keys.insert(hash64(&[path, &key_change.path]), key_change.path.clone());
                names.leaves.insert(hash64(&[&key_change.leaf]), key_change.leaf.clone());
            }
        }
        names
    }
}

fn shown(similarity: f64, bad: &BadChange, marks: &Marks, names: &Names) -> SimilarChange {
    let outcome = match bad.source {
        _ if bad.is_incident => PastOutcome::Incident,
        LabelSource::Revert => PastOutcome::Reverted,
        LabelSource::Incident => PastOutcome::Incident,
        LabelSource::Outcome => PastOutcome::Reported,
    };
    let why = why(bad, marks, names);
    let hours = bad.occurred_at.saturating_sub(bad.landed_at).max(0) as f64 / 3_600.0;
    let what = match outcome {
        PastOutcome::Reverted => "reverted",
        PastOutcome::Incident => "named in an incident",
        PastOutcome::Reported => "reported as gone wrong",
    };
    let text = format!("{what} {} after it landed; alike in {}", span_hours(hours), why.join(", "));
    SimilarChange {
        ordinal: bad.ordinal,
        change_id: None,
        title: None,
        landed_at: bad.landed_at,
        outcome,
        occurred_at: bad.occurred_at,
        similarity,
        why,
        text,
    }
}

fn why(bad: &BadChange, marks: &Marks, names: &Names) -> Vec<String> {
    let mut why = Vec::new();
    let named = |shared: &[&u64], known: &FxHashMap<u64, String>| {
        shared
            .iter()
            .find_map(|mark| known.get(*mark))
            .map(|name| format!(" {}", quoted(name)))
            .unwrap_or_default()
    };
    let keys: Vec<&u64> = bad.keys.iter().filter(|key| marks.keys.contains_key(key)).collect();
    let leaves: Vec<&u64> = bad.leaves.iter().filter(|leaf| marks.leaves.contains_key(leaf)).collect();
    let files: Vec<&u64> = bad.files.iter().filter(|file| marks.files.contains_key(file)).collect();
    match keys.len() {
        0 => {}
        1 => why.push(format!("the same key{}", named(&keys, &names.keys))),
        n => why.push(format!("{n} of the same keys, such as{}", named(&keys, &names.keys))),
    }
    if keys.is_empty() && !leaves.is_empty() {
        why.push(format!("a key of the same name{}", named(&leaves, &names.leaves)));
    }
    match files.len() {
        0 => {}
        1 => why.push(format!("the same file{}", named(&files, &names.files))),
        n => why.push(format!("{n} of the same files, such as{}", named(&files, &names.files))),
    }
    if bad.template == marks.template {
        why.push("a title of the same pattern".to_owned());
    } else {
        let n_words = bad.words.iter().filter(|&&word| marks.words.contains_key(&u64::from(word))).count();
        if n_words >= 2 {
            why.push(format!("{n_words} words of the title"));
        }
    }
    why
}
