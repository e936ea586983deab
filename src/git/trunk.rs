//! Whether a commit is on the trunk: what merges into it brought changes, what merges it into a branch brought none. Start at
//! [`Repository::is_on_trunk`].

use crate::change::ChangeId;
use crate::git::Repository;

/// Most commits of a trunk that are looked through.
const MAX_COMMITS: usize = 100_000;

impl Repository {
    /// Whether one of the first parents of `head`, or that itself, is a commit. False where either is not there.
    pub fn is_on_trunk(&self, head: &ChangeId, id: &ChangeId) -> bool {
        let Ok(mut commit) = self.commit(head) else { return false };
        for _ in 0..MAX_COMMITS {
            if commit.id().to_string() == id.0 {
                return true;
            }
            let Ok(parent) = commit.parent(0) else { return false };
            commit = parent;
        }
        false
    }
}
