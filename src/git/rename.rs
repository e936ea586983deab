//! Renames, found as git finds them with `-M`: first files whose content did not change, then
//! files that keep an otherwise unique name and most of their content, then the best of all pairs.
//!
//! libgit2 pairs files by another measure and another order, so its answers differ from
//! `git diff`; this follows git's documented order of steps.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::git::content::{Content, Contents};
use crate::git::similarity::{Fingerprint, MAX_SCORE, sizes_too_far_apart};
use crate::git::tree::{Entry, Node};

/// Half of the content must be shared (`-M50%`).
const MIN_SCORE: u64 = MAX_SCORE / 2;
/// A pair found by name alone must share three quarters, halfway from the least to all.
const MIN_NAME_SCORE: u64 = MIN_SCORE + (MAX_SCORE - MIN_SCORE) / 2;
/// Candidates kept for each new file.
const N_CANDIDATES: usize = 4;
/// Identical sources looked at for each new file.
const MAX_IDENTICAL: usize = 101;
/// `diff.renameLimit`: beyond its square no pairs are compared.
const RENAME_LIMIT: usize = 1_000;

/// A file of the diff after renames were joined: where it was and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// Before; none for a new file.
    pub(super) old: Option<(Vec<u8>, Node)>,
    /// After; none for a deleted file.
    pub(super) new: Option<(Vec<u8>, Node)>,
}

/// Joins deleted and added files into renames; `entries` come in the order of the tree diff, and
/// the pairs stay in it (a rename stands where its new path stood).
pub(super) fn join(entries: Vec<Entry>, contents: &mut Contents<'_>) -> Vec<Pair> {
    let sources = indices(&entries, |entry| entry.new.is_none());
    let targets = indices(&entries, |entry| entry.old.is_none());
    if sources.is_empty() || targets.is_empty() {
        return into_pairs(entries, &FxHashMap::default());
    }
    let mut search = Search::new(&entries, sources, targets, contents);
    search.join_identical();
    search.join_by_name();
    search.join_best();
    let source_of = search.source_of;
    into_pairs(entries, &source_of)
}

/// Turns entries into pairs; `source_of` maps a target's index to its source's.
fn into_pairs(entries: Vec<Entry>, source_of: &FxHashMap<usize, usize>) -> Vec<Pair> {
    let mut moved: FxHashMap<usize, (Vec<u8>, Node)> = FxHashMap::default();
    for &source_idx in source_of.values() {
        let entry = &entries[source_idx];
        if let Some(node) = entry.old {
            moved.insert(source_idx, (entry.path.clone(), node));
        }
    }
    let mut pairs = Vec::with_capacity(entries.len());
    for (entry_idx, entry) in entries.into_iter().enumerate() {
        if moved.contains_key(&entry_idx) {
            continue;
        }
        let old = match source_of.get(&entry_idx) {
            Some(source_idx) => moved.get(source_idx).cloned(),
            None => entry.old.map(|node| (entry.path.clone(), node)),
        };
        pairs.push(Pair { old, new: entry.new.map(|node| (entry.path, node)) });
    }
    pairs
}

fn indices(entries: &[Entry], keep: impl Fn(&Entry) -> bool) -> Vec<usize> {
    (0..entries.len()).filter(|&entry_idx| keep(&entries[entry_idx])).collect()
}

fn base_name(path: &[u8]) -> &[u8] {
    memchr::memrchr(b'/', path).map_or(path, |slash_idx| &path[slash_idx + 1..])
}

fn is_regular(mode: u32) -> bool {
    mode & 0o170_000 == 0o100_000
}

/// The state of one search; entries are named by their index.
struct Search<'a, 'repo> {
    entries: &'a [Entry],
    sources: Vec<usize>,
    targets: Vec<usize>,
    source_of: FxHashMap<usize, usize>,
    contents: &'a mut Contents<'repo>,
    sizes_bytes: FxHashMap<usize, Option<usize>>,
    fingerprints: FxHashMap<usize, Option<Fingerprint>>,
}

/// One possible rename in the comparison of all pairs.
#[derive(Clone, Copy)]
struct Candidate {
    source_idx: usize,
    target_idx: usize,
    score: u64,
    same_name: bool,
}

impl Candidate {
    fn rank(&self) -> (u64, bool) {
        (self.score, self.same_name)
    }
}

impl<'a, 'repo> Search<'a, 'repo> {
    fn new(
        entries: &'a [Entry],
        sources: Vec<usize>,
        targets: Vec<usize>,
        contents: &'a mut Contents<'repo>,
    ) -> Self {
        let (source_of, sizes_bytes, fingerprints) = Default::default();
        Self { entries, sources, targets, source_of, contents, sizes_bytes, fingerprints }
    }

    /// The node of an entry that has one side only.
    fn node(&self, entry_idx: usize) -> Node {
        let entry = &self.entries[entry_idx];
        entry.old.or(entry.new).expect("an entry differs on some side")
    }

    fn name(&self, entry_idx: usize) -> &'a [u8] {
        base_name(&self.entries[entry_idx].path)
    }

    /// Files whose content did not change: an unused source of the same name is best, else the
    /// first unused one.
    fn join_identical(&mut self) {
        let mut sources_by_oid: FxHashMap<git2::Oid, Vec<usize>> = FxHashMap::default();
        for &source_idx in &self.sources {
            sources_by_oid.entry(self.node(source_idx).oid).or_default().push(source_idx);
        }
        let mut used = vec![false; self.entries.len()];
        for target_idx in self.targets.clone() {
            let Some(same_content) = sources_by_oid.get(&self.node(target_idx).oid) else { continue };
            if let Some(source_idx) = self.best_identical(target_idx, same_content, &used) {
                used[source_idx] = true;
                self.source_of.insert(target_idx, source_idx);
            }
        }
        self.sources.retain(|&source_idx| !used[source_idx]);
        let source_of = &self.source_of;
        self.targets.retain(|target_idx| !source_of.contains_key(target_idx));
    }

    fn best_identical(&self, target_idx: usize, same_content: &[usize], used: &[bool]) -> Option<usize> {
        let target_mode = self.node(target_idx).mode;
        let (mut first, mut n_seen) = (None, 0);
        for &source_idx in same_content {
            let source_mode = self.node(source_idx).mode;
            let fits = source_mode == target_mode || is_regular(source_mode) && is_regular(target_mode);
            if !fits || used[source_idx] {
                continue;
            }
            if self.name(source_idx) == self.name(target_idx) {
                return Some(source_idx);
            }
            first = first.or(Some(source_idx));
            n_seen += 1;
            if n_seen == MAX_IDENTICAL {
                break;
            }
        }
        first
    }

    /// Files whose name is unique among what is left on both sides and did not change.
    fn join_by_name(&mut self) {
        let (sources, targets) = (self.by_unique_name(&self.sources), self.by_unique_name(&self.targets));
        for source_idx in self.sources.clone() {
            let name = self.name(source_idx);
            let (Some(Some(_)), Some(&Some(target_idx))) = (sources.get(name), targets.get(name)) else {
                continue;
            };
            if self.score(source_idx, target_idx) >= MIN_NAME_SCORE {
                self.source_of.insert(target_idx, source_idx);
            }
        }
        let joined: FxHashSet<usize> = self.source_of.values().copied().collect();
        self.sources.retain(|source_idx| !joined.contains(source_idx));
        let source_of = &self.source_of;
        self.targets.retain(|target_idx| !source_of.contains_key(target_idx));
    }

    fn by_unique_name(&self, entry_indices: &[usize]) -> FxHashMap<&'a [u8], Option<usize>> {
        let mut by_name = FxHashMap::default();
        for &entry_idx in entry_indices {
            by_name.entry(self.name(entry_idx)).and_modify(|idx| *idx = None).or_insert(Some(entry_idx));
        }
        by_name
    }

    /// All pairs of what is left, best first; each file is used once.
    fn join_best(&mut self) {
        if self.sources.len() * self.targets.len() > RENAME_LIMIT * RENAME_LIMIT {
            return;
        }
        let mut candidates = Vec::new();
        for target_idx in self.targets.clone() {
            candidates.extend(self.candidates(target_idx));
        }
        // Stable, so that equal pairs keep git's order: by target, then by slot.
        candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.rank()));
        let mut used = vec![false; self.entries.len()];
        for candidate in candidates {
            if candidate.score < MIN_SCORE {
                break;
            }
            if !used[candidate.source_idx] && !self.source_of.contains_key(&candidate.target_idx) {
                used[candidate.source_idx] = true;
                self.source_of.insert(candidate.target_idx, candidate.source_idx);
            }
        }
    }

    /// The four best sources of a target, in the slots where git would keep them: a better source
    /// takes the slot of the worst.
    fn candidates(&mut self, target_idx: usize) -> Vec<Candidate> {
        let mut slots: Vec<Candidate> = Vec::with_capacity(N_CANDIDATES);
        for source_idx in self.sources.clone() {
            let score = self.score(source_idx, target_idx);
            let same_name = self.name(source_idx) == self.name(target_idx);
            let candidate = Candidate { source_idx, target_idx, score, same_name };
            if slots.len() < N_CANDIDATES {
                slots.push(candidate);
                continue;
            }
            let mut worst_idx = 0;
            for slot_idx in 1..N_CANDIDATES {
                if slots[slot_idx].rank() < slots[worst_idx].rank() {
                    worst_idx = slot_idx;
                }
            }
            if candidate.rank() > slots[worst_idx].rank() {
                slots[worst_idx] = candidate;
            }
        }
        slots
    }

    fn score(&mut self, source_idx: usize, target_idx: usize) -> u64 {
        let (source, target) = (self.node(source_idx), self.node(target_idx));
        if !is_regular(source.mode) || !is_regular(target.mode) {
            return 0;
        }
        let (Some(source_bytes), Some(target_bytes)) =
            (self.size_bytes(source_idx), self.size_bytes(target_idx))
        else {
            return 0;
        };
        if sizes_too_far_apart(source_bytes, target_bytes, MIN_SCORE) {
            return 0;
        }
        self.fingerprint(source_idx);
        self.fingerprint(target_idx);
        match (self.fingerprints.get(&source_idx), self.fingerprints.get(&target_idx)) {
            (Some(Some(source)), Some(Some(target))) => source.score(target),
            _ => 0,
        }
    }

    fn size_bytes(&mut self, entry_idx: usize) -> Option<usize> {
        if let Some(size_bytes) = self.sizes_bytes.get(&entry_idx) {
            return *size_bytes;
        }
        let size_bytes = self.contents.read(self.node(entry_idx)).size_bytes();
        self.sizes_bytes.insert(entry_idx, size_bytes);
        size_bytes
    }

    /// Makes sure that a file's fingerprint is at hand; huge files have none.
    fn fingerprint(&mut self, entry_idx: usize) {
        if self.fingerprints.contains_key(&entry_idx) {
            return;
        }
        let fingerprint = match self.contents.read(self.node(entry_idx)) {
            Content::Text(bytes) | Content::Binary(bytes) => Some(Fingerprint::of(&bytes)),
            Content::Huge { .. } | Content::Unreadable => None,
        };
        self.fingerprints.insert(entry_idx, fingerprint);
    }
}
