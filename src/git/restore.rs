//! Whether all files stand as they did before one of the newest landings, so that it and those after it are taken back at once.
//! Start at [`Repository::restores`].

use git2::{Commit, ObjectType, Oid, Tree};

use crate::change::{ChangeId, ChangeRecord};
use crate::git::Repository;
use crate::git::undo::{After, File, Proposed, Step, entry, paths_of};

/// Most landings that are looked through for the one before which all stood as a change leaves it.
const MAX_TAKEN_BACK: usize = 64;

/// When a commit of the trunk landed, in Unix seconds, where the history knows better than the commit.
pub type LandedAt<'a> = &'a dyn Fn(&ChangeId) -> Option<i64>;

impl Repository {
    /// Whether all files stand, after a change, as they did before one of the newest landings, of those since a moment (Unix
    /// seconds): several are taken back at once. In doubt they do not.
    pub fn restores(
        &self,
        record: &ChangeRecord,
        proposed: Proposed<'_>,
        since: i64,
        landed_at: LandedAt<'_>,
    ) -> bool {
        self.restores_earlier(record, proposed, since, landed_at).unwrap_or(false)
    }

    /// Whether a landed commit left all files as they stood before one of the landings before it, of those since a moment.
    pub fn restored(&self, landing: &ChangeId, since: i64, landed_at: LandedAt<'_>) -> bool {
        let restored = || -> Result<bool, git2::Error> {
            let commit = self.commit(landing)?;
            let earlier = self.trees_before(commit.parent(0)?, since, landed_at)?;
            let tree_id = commit.tree_id();
            Ok(earlier.iter().any(|tree| tree.id() == tree_id))
        };
        restored().unwrap_or(false)
    }

    fn restores_earlier(
        &self,
        record: &ChangeRecord,
        proposed: Proposed<'_>,
        since: i64,
        landed_at: LandedAt<'_>,
    ) -> Result<bool, git2::Error> {
        let (head, paths) = (self.head_tree()?, paths_of(record));
        let earlier = self.trees_before(self.git().head()?.peel_to_commit()?, since, landed_at)?;
        let Some(oldest) = earlier.last().filter(|_| !paths.is_empty()) else { return Ok(false) };
        // Nearly every change touches a file that nobody touched of late.
        for path in &paths {
            if entry(oldest, path)? == entry(&head, path)? {
                return Ok(false);
            }
        }
        let commit = self.proposed(proposed)?;
        let mut given = Vec::with_capacity(paths.len());
        for path in &paths {
            given.push(match self.given(&head, record, commit.as_ref(), path)? {
                After::File(File { mode, bytes }) => {
                    Some((Oid::hash_object(ObjectType::Blob, &bytes)?, mode))
                }
                After::Nothing => None,
                After::Unknown => return Ok(false),
            });
        }
        for before in earlier {
            let mut is_same = true;
            for (path, given) in paths.iter().zip(&given) {
                is_same = is_same && entry(&before, path)? == *given;
            }
            let since_then = Step { before: Some(before), after: head.clone() };
            if is_same && self.touched(&since_then)? == paths {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The trees that landings found, from one on back along the first parents; of those that landed since a moment.
    fn trees_before<'repo>(
        &'repo self,
        mut landed: Commit<'repo>,
        since: i64,
        landed_at: LandedAt<'_>,
    ) -> Result<Vec<Tree<'repo>>, git2::Error> {
        let mut trees = Vec::new();
        while trees.len() < MAX_TAKEN_BACK && landed.parent_count() > 0 {
            let told = landed_at(&ChangeId(landed.id().to_string()));
            if told.unwrap_or_else(|| landed.committer().when().seconds()) < since {
                break;
            }
            landed = landed.parent(0)?;
            trees.push(landed.tree()?);
        }
        Ok(trees)
    }
}
