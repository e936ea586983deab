//! The names under which a landed change may have been asked about before, from its ids, its trailers and its diff. By these its
//! earlier decisions are found.

use crate::change::{Change, digest};
use crate::http::assessor::Landed;

/// Names of one kind that a message may give; a landing of thousands of commits is no list of names.
const MAX_NAMES: usize = 50;

impl Landed {
    /// The names of a landed change: its own, and those in its message or in the messages that it merges.
    pub(super) fn of(change: &Change) -> Self {
        let digest = change.record.is_told_by_lines().then(|| digest(&change.record).to_string());
        let commits = [&change.id].into_iter().chain(&change.merged).map(|id| id.0.clone());
        let commits = commits.take(MAX_NAMES).collect();
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
        for line in message.lines().map(str::trim) {
            if let Some(id) = line.strip_prefix("Change-Id:") {
                push(&mut self.reviews, id);
            } else if let Some(id) = line.strip_prefix("Diffrisk-Decision:") {
                push(&mut self.decisions, id);
            } else if let Some(id) = line.strip_prefix("(cherry picked from commit ") {
                push(&mut self.picked_from, id.trim_end_matches(')'));
            }
        }
    }
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
