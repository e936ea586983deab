//! The names under which a landed change may have been asked about before, from its ids, its trailers and its diff. By these its
//! earlier decisions are found.

use crate::change::{Change, ChangeId, digest};
use crate::git::Unit;
use crate::http::assessor::Landed;
use crate::http::live::repository::LiveRepository;
use crate::incident::OutcomeTarget;
use crate::label::{DECISION_TRAILER, trailers};

/// Names of one kind that messages may give.
const MAX_NAMES: usize = 50;
/// Commits of a landing that may have been asked about, and changes that are taken for those that a merge brought.
const MAX_COMMITS: usize = 1_000;

impl Landed {
    /// The names of what landed in a repository under a name; of a commit also where it has not landed.
    pub(super) fn under(repository: &LiveRepository, target: &OutcomeTarget) -> Option<Self> {
        match (repository.landed_as(target), target) {
            (Some(commit), _) => {
                let id = ChangeId(commit);
                let change = repository.read(|git| git.change(&id, repository.unit)).ok()?;
                Some(Landed { changes: vec![id], ..Landed::of(&change) })
            }
            // One that is no change of the history: it has not landed, or each commit that it merges is a change.
            (None, OutcomeTarget::Commit(named)) => {
                let id = repository.read(|git| git.resolve(&named.0)).ok()?;
                let head = repository.state().walked_to().clone();
                // What merges the trunk into a branch brought nothing; what landed on the head just now did.
                let lands = repository
                    .read(|git| Ok(git.is_on_trunk(&head, &id) || git.is_on_trunk(&id, &head)))
                    .unwrap_or(false);
                let unit = if lands { Unit::Landing } else { Unit::Commit };
                let change = repository.read(|git| git.change(&id, unit)).ok()?;
                Some(Landed { changes: merged_changes(repository, &change), ..Landed::of(&change) })
            }
            (None, _) => None,
        }
    }

    /// The names of a landed change: its own, and those in its message or in the messages that it merges.
    pub(super) fn of(change: &Change) -> Self {
        let digest = change.record.is_told_by_lines().then(|| digest(&change.record).to_string());
        let commits = [&change.id].into_iter().chain(&change.merged).map(|id| id.0.clone());
        let commits = commits.take(MAX_COMMITS).collect();
        Self { digest, commits, ..Self::named_in(change) }
    }

    /// The names of other changes, reviews and decisions that the messages of a change give it.
    pub(super) fn named_in(change: &Change) -> Self {
        let mut landed = Self::default();
        for message in std::iter::once(&change.message).chain(&change.merged_messages) {
            landed.read(message);
        }
        for names in [&mut landed.reviews, &mut landed.picked_from, &mut landed.decisions] {
            names.truncate(MAX_NAMES);
        }
        landed
    }

    fn read(&mut self, message: &str) {
        trailers(message, "Change-Id:").for_each(|id| push(&mut self.reviews, id));
        trailers(message, DECISION_TRAILER).for_each(|id| push(&mut self.decisions, id));
        let picked_from = trailers(message, "(cherry picked from commit ");
        picked_from.for_each(|id| push(&mut self.picked_from, id.trim_end_matches(')')));
    }
}

/// The changes of a history that a merge brought, where that is no change of its own.
fn merged_changes(repository: &LiveRepository, merge: &Change) -> Vec<ChangeId> {
    let state = repository.state();
    let is_change = |id: &&ChangeId| state.timeline.detector().ordinal_of(id).is_some();
    merge.merged.iter().filter(is_change).take(MAX_COMMITS).cloned().collect()
}

fn push(names: &mut Vec<String>, name: &str) {
    let name = name.trim();
    let is_name = (1..=200).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
    if is_name && !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_lines_that_begin_with_them() {
        let mut landed = Landed::default();
        landed.read("Raise\n\nChange-Id: Iabc is no trailer's value\n Change-Id: I0f\nChange-Id: I0f\n");
        landed.read("(cherry picked from commit 0123abc)\nDiffrisk-Decision: 0198-x\nChange-Id:\n");
        assert_eq!(landed.reviews, ["I0f"]);
        assert_eq!((landed.picked_from, landed.decisions), (vec!["0123abc".into()], vec!["0198-x".into()]));
    }
}
