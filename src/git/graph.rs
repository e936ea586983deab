//! The order of a history: which commits are changes, oldest first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use git2::{Oid, Repository as GitRepository};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::git::Unit;

/// A change still to be read: a commit, and the commits it brought in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The commit.
    pub(super) oid: Oid,
    /// Committer date, clamped so that it never decreases.
    pub(super) committed_at: i64,
    /// Commits of a merged branch, newest first.
    pub(super) merged: Vec<Oid>,
}

/// A commit as far as the order needs it.
struct Commit {
    parents: Vec<Oid>,
    committed_at: i64,
}

/// The commits reachable from a head, without those reachable from `after`.
pub(super) struct Graph {
    commits: FxHashMap<Oid, Commit>,
    head: Oid,
}

/// A commit that could not be read.
pub(super) struct BrokenCommit {
    pub(super) oid: Oid,
    pub(super) source: git2::Error,
}

impl Graph {
    /// Reads the part of the history that the steps come from.
    pub(super) fn load(
        repository: &GitRepository,
        head: Oid,
        after: Option<Oid>,
    ) -> Result<Self, BrokenCommit> {
        let broken = |oid| move |source| BrokenCommit { oid, source };
        let mut commits = FxHashMap::default();
        let mut walk = repository.revwalk().map_err(broken(head))?;
        walk.push(head).map_err(broken(head))?;
        if let Some(after) = after {
            walk.hide(after).map_err(broken(after))?;
        }
        for oid in walk {
            let oid = oid.map_err(broken(head))?;
            let commit = repository.find_commit(oid).map_err(broken(oid))?;
            let committed_at = commit.committer().when().seconds();
            commits.insert(oid, Commit { parents: commit.parent_ids().collect(), committed_at });
        }
        Ok(Self { commits, head })
    }

    /// The changes, oldest first; `not_before` is the least time the first may have.
    pub(super) fn steps(&self, unit: Unit, not_before: i64) -> Vec<Step> {
        let mut steps = match unit {
            Unit::Commit => self.commit_steps(),
            Unit::Landing => self.landing_steps(),
        };
        let mut latest = not_before;
        for step in &mut steps {
            latest = latest.max(step.committed_at);
            step.committed_at = latest;
        }
        steps
    }

    /// All commits, newest first.
    pub(super) fn newest_first(&self) -> Vec<Oid> {
        let mut found: Vec<_> =
            self.commits.iter().map(|(&oid, commit)| (commit.committed_at, oid)).collect();
        found.sort_unstable_by_key(|&newest_first| Reverse(newest_first));
        found.into_iter().map(|(_, oid)| oid).collect()
    }

    /// Whether the first-parent line of the new commits starts right after a commit.
    pub(super) fn lands_on(&self, after: Oid) -> bool {
        let first = self.first_parents().pop();
        first.is_none_or(|oid| self.commits[&oid].parents.first() == Some(&after))
    }

    /// Commits that are no merges, in the order in which they landed: a merge brings in its branch, so
    /// that whoever follows the head day by day folds them in this very order.
    fn commit_steps(&self) -> Vec<Step> {
        let mut seen = FxHashSet::default();
        let mut steps = Vec::with_capacity(self.commits.len());
        for landed in self.first_parents().into_iter().rev() {
            let brought_in = self.unseen_ancestors(std::iter::once(&landed), &mut seen);
            for oid in self.parents_first(brought_in) {
                let commit = &self.commits[&oid];
                if commit.parents.len() < 2 {
                    steps.push(Step { oid, committed_at: commit.committed_at, merged: Vec::new() });
                }
            }
        }
        steps
    }

    /// Some commits with parents before children, and among those that may come next the one with the
    /// oldest committer date, then the smallest id.
    fn parents_first(&self, oids: Vec<Oid>) -> Vec<Oid> {
        if oids.len() < 2 {
            return oids;
        }
        let among: FxHashSet<Oid> = oids.iter().copied().collect();
        let mut children: FxHashMap<Oid, Vec<Oid>> = FxHashMap::default();
        let mut n_waiting: FxHashMap<Oid, usize> = FxHashMap::default();
        for &oid in &oids {
            let parents = self.commits[&oid].parents.iter().filter(|parent| among.contains(parent));
            let parents: FxHashSet<Oid> = parents.copied().collect();
            n_waiting.insert(oid, parents.len());
            for parent in parents {
                children.entry(parent).or_default().push(oid);
            }
        }
        let key = |oid: Oid| Reverse((self.commits[&oid].committed_at, oid));
        let first = n_waiting.iter().filter(|(_, n)| **n == 0).map(|(&oid, _)| key(oid));
        let mut ready: BinaryHeap<_> = first.collect();
        let mut ordered = Vec::with_capacity(oids.len());
        while let Some(Reverse((_, oid))) = ready.pop() {
            ordered.push(oid);
            for &child in children.get(&oid).into_iter().flatten() {
                let n = n_waiting.get_mut(&child).expect("every child was counted");
                *n -= 1;
                if *n == 0 {
                    ready.push(key(child));
                }
            }
        }
        ordered
    }

    /// First-parent commits, each with what it brought in from its other parents.
    fn landing_steps(&self) -> Vec<Step> {
        let mut line = self.first_parents();
        line.reverse();
        let mut seen: FxHashSet<Oid> = line.iter().copied().collect();
        let mut steps = Vec::with_capacity(line.len());
        for oid in line {
            let commit = &self.commits[&oid];
            let merged = self.unseen_ancestors(commit.parents.iter().skip(1), &mut seen);
            steps.push(Step { oid, committed_at: commit.committed_at, merged });
        }
        steps
    }

    fn first_parents(&self) -> Vec<Oid> {
        let mut line = Vec::new();
        let mut next = Some(self.head);
        while let Some(oid) = next {
            let Some(commit) = self.commits.get(&oid) else { break };
            line.push(oid);
            next = commit.parents.first().copied();
        }
        line
    }

    /// What can be reached from some commits and was not seen, newest first.
    fn unseen_ancestors<'a>(
        &'a self,
        tips: impl Iterator<Item = &'a Oid>,
        seen: &mut FxHashSet<Oid>,
    ) -> Vec<Oid> {
        let mut found = Vec::new();
        let mut stack: Vec<Oid> = tips.copied().collect();
        while let Some(oid) = stack.pop() {
            let Some(commit) = self.commits.get(&oid) else { continue };
            if seen.insert(oid) {
                found.push((commit.committed_at, oid));
                stack.extend(&commit.parents);
            }
        }
        found.sort_unstable_by_key(|&newest_first| Reverse(newest_first));
        found.into_iter().map(|(_, oid)| oid).collect()
    }
}

/// The share of the steps that one worker reads at a time.
pub(super) fn chunks(n_steps: usize, chunk_len: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n_steps).step_by(chunk_len.max(1)).map(move |start| start..(start + chunk_len.max(1)).min(n_steps))
}
