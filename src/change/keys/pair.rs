//! Pairs of a deleted and an added line that are one edit.
//!
//! Passes from strict to loose, each over what the earlier ones left: inside a run the same text, the
//! same path, the same leaf, the most similar; then the same path inside the hunk, and the same
//! text inside the file. Every pass sorts hashes or looks a fixed distance ahead, so that nothing is
//! quadratic.

use crate::change::keys::collect::{Entry, Sort};
use crate::change::keys::similar::similarity;
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};
use std::ops::Range;

/// Indices of an old and a new entry that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// The deleted entry.
    pub(super) old: usize,
    /// The added entry.
    pub(super) new: usize,
    /// Whether the same line only went elsewhere.
    pub(super) is_move: bool,
}

/// How far the search for a similar line looks ahead.
const WINDOW: usize = 8;
/// Least similarity of two lines of text that are taken as one edit.
const LIKE_TEXT: f64 = 0.5;
/// The same for two elements of a list, where a replaced element is two facts.
const LIKE_ITEM: f64 = 0.7;

/// Finds the pairs; the entries of a pair are marked as taken.
pub(super) fn pair(entries: &mut [Entry<'_>]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut scratch = Scratch::default();
    for run in ranges(entries, |entry| u64::from(entry.run)) {
        scratch.by_hash(entries, run.clone(), &mut pairs, |entry| Some(hash((entry.text, entry.leaf()))));
        scratch.by_hash(entries, run.clone(), &mut pairs, |entry| is_keyed(entry).then(|| hash(&entry.path)));
        scratch
            .by_hash(entries, run.clone(), &mut pairs, |entry| is_keyed(entry).then(|| hash(entry.leaf())));
        scratch.by_similarity(entries, run, &mut pairs);
    }
    for hunk in ranges(entries, |entry| entry.hunk_idx as u64) {
        scratch.by_hash(entries, hunk, &mut pairs, |entry| is_keyed(entry).then(|| hash(&entry.path)));
    }
    let first_move = pairs.len();
    let all = 0..entries.len();
    scratch.by_hash(entries, all, &mut pairs, |entry| {
        has_meaning(entry).then(|| hash((entry.text, entry.leaf())))
    });
    for pair in pairs.iter_mut().skip(first_move) {
        // A hash is no proof: two lines that have it in common by design are an edit.
        let sides = (entries.get(pair.old), entries.get(pair.new));
        pair.is_move =
            matches!(sides, (Some(old), Some(new)) if old.text == new.text && old.leaf() == new.leaf());
    }
    pairs
}

fn is_keyed(entry: &Entry<'_>) -> bool {
    entry.sort == Sort::Pair && !entry.leaf().is_empty()
}

fn has_meaning(entry: &Entry<'_>) -> bool {
    matches!(entry.sort, Sort::Pair | Sort::Item | Sort::Bare) && !entry.value.is_empty()
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Ranges of neighbouring entries with the same number.
fn ranges(entries: &[Entry<'_>], number: impl Fn(&Entry<'_>) -> u64) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut found = Vec::new();
    for group in entries.chunk_by(|a, b| number(a) == number(b)) {
        found.push(start..start + group.len());
        start += group.len();
    }
    found
}

/// Buffers that live as long as one file.
#[derive(Default)]
struct Scratch {
    old: Vec<(u64, usize)>,
    new: Vec<(u64, usize)>,
}

impl Scratch {
    /// Pairs entries of one hash in their order.
    fn by_hash(
        &mut self,
        entries: &mut [Entry<'_>],
        range: Range<usize>,
        pairs: &mut Vec<Pair>,
        key: impl Fn(&Entry<'_>) -> Option<u64>,
    ) {
        if !self.fill(entries, range, key) {
            return;
        }
        self.old.sort_unstable();
        self.new.sort_unstable();
        let (mut old, mut new) = (self.old.iter().peekable(), self.new.iter().peekable());
        while let (Some(&&(old_hash, old_idx)), Some(&&(new_hash, new_idx))) = (old.peek(), new.peek()) {
            if old_hash <= new_hash {
                old.next();
            }
            if new_hash <= old_hash {
                new.next();
            }
            if old_hash == new_hash {
                take(entries, old_idx, new_idx, pairs);
            }
        }
    }

    /// Gathers what is not taken yet; false where one side has nothing.
    fn fill(
        &mut self,
        entries: &[Entry<'_>],
        range: Range<usize>,
        key: impl Fn(&Entry<'_>) -> Option<u64>,
    ) -> bool {
        self.old.clear();
        self.new.clear();
        for idx in range {
            let Some(entry) = entries.get(idx).filter(|entry| !entry.taken) else { continue };
            if let Some(hash) = key(entry) {
                if entry.is_old { self.old.push((hash, idx)) } else { self.new.push((hash, idx)) }
            }
        }
        !self.old.is_empty() && !self.new.is_empty()
    }

    /// Pairs lines without a key of their own with the most similar of the next few.
    fn by_similarity(&mut self, entries: &mut [Entry<'_>], range: Range<usize>, pairs: &mut Vec<Pair>) {
        let key = |entry: &Entry<'_>| match entry.sort {
            Sort::Pair | Sort::Blank => None,
            sort => Some(sort as u64),
        };
        if !self.fill(entries, range, key) {
            return;
        }
        let mut first = 0;
        for &(sort, old_idx) in &self.old {
            let candidates =
                self.new.iter().enumerate().skip(first).take(WINDOW).filter(|(_, (s, _))| *s == sort);
            let mut best: Option<(f64, usize, usize)> = None;
            for (place, &(_, new_idx)) in candidates {
                let score = likeness(entries.get(old_idx), entries.get(new_idx));
                if score > best.map_or(0.0, |(score, ..)| score) {
                    best = Some((score, place, new_idx));
                }
            }
            if let Some((_, place, new_idx)) = best {
                first = place + 1;
                take(entries, old_idx, new_idx, pairs);
            }
        }
    }
}

/// Similarity of two entries, zero where it is too small to be one edit.
fn likeness(old: Option<&Entry<'_>>, new: Option<&Entry<'_>>) -> f64 {
    let (Some(old), Some(new)) = (old, new) else { return 0.0 };
    let least = match old.sort {
        Sort::Comment => return 1.0,
        Sort::Item => LIKE_ITEM,
        _ => LIKE_TEXT,
    };
    let score = similarity(old.text, new.text);
    if score >= least { score } else { 0.0 }
}

fn take(entries: &mut [Entry<'_>], old_idx: usize, new_idx: usize, pairs: &mut Vec<Pair>) {
    for idx in [old_idx, new_idx] {
        if let Some(entry) = entries.get_mut(idx) {
            entry.taken = true;
        }
    }
    pairs.push(Pair { old: old_idx, new: new_idx, is_move: false });
}
