//! Whether all files stand as they did before one of the newest landings, so that it and those after it are taken back at once.
//! Start at [`Repository::restores`].

use git2::{Commit, ObjectType, Oid, Tree};

use crate::change::{ChangeId, ChangeRecord};
use crate::git::Repository;
use crate::git::undo::{After, File, Proposed, Step, entry, paths_of};

/// Most landings that are looked through for the one before which all stood as a change leaves it.
const MAX_TAKEN_BACK: usize = 64;
/// Landings before those that are looked through for what one of them brought back.
const MAX_BEFORE: usize = 64;

/// What the history knows of a commit of the trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landing {
    /// When it landed, in Unix seconds: it knows better than the commit.
    pub at: i64,
    /// Whether it took back another one.
    pub takes_back: bool,
}

/// Finds what the history knows of a commit of the trunk.
pub type Landings<'a> = &'a dyn Fn(&ChangeId) -> Option<Landing>;

/// The trees of the trunk, the newest first: between one and the one after it lies a landing.
struct Trail<'repo> {
    trees: Vec<Tree<'repo>>,
    /// How many of the newest landings may be taken back at once.
    n_recent: usize,
}

impl Repository {
    /// Whether all files stand, after a change, as they did before one of the newest landings, of those since a moment (Unix
    /// seconds): several are taken back at once, and none that itself took back another. In doubt they do not.
    pub fn restores(
        &self,
        record: &ChangeRecord,
        proposed: Proposed<'_>,
        since: i64,
        landings: Landings<'_>,
    ) -> bool {
        self.restores_earlier(record, proposed, since, landings).unwrap_or(false)
    }

    /// Whether a landed commit left all files as they stood before one of the landings before it, of those since a moment, where
    /// none of what it took back took back another.
    pub fn restored(&self, landing: &ChangeId, since: i64, landings: Landings<'_>) -> bool {
        let restored = || -> Result<bool, git2::Error> {
            let commit = self.commit(landing)?;
            let trail = self.trail(commit.parent(0)?, since, landings)?;
            let tree_id = commit.tree_id();
            let n_taken = trail.earlier().position(|tree| tree.id() == tree_id).map(|idx| idx + 1);
            n_taken.map_or(Ok(false), |n_taken| Ok(!self.brings_back_any(&trail, n_taken)?))
        };
        restored().unwrap_or(false)
    }

    fn restores_earlier(
        &self,
        record: &ChangeRecord,
        proposed: Proposed<'_>,
        since: i64,
        landings: Landings<'_>,
    ) -> Result<bool, git2::Error> {
        let (head, paths) = (self.head_tree()?, paths_of(record));
        let trail = self.trail(self.git().head()?.peel_to_commit()?, since, landings)?;
        let Some(oldest) = trail.earlier().last().filter(|_| !paths.is_empty()) else { return Ok(false) };
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
        for (idx, before) in trail.earlier().enumerate() {
            let mut is_same = true;
            for (path, given) in paths.iter().zip(&given) {
                is_same = is_same && entry(before, path)? == *given;
            }
            let since_then = Step { before: Some(before.clone()), after: head.clone() };
            if is_same && self.touched(&since_then)? == paths {
                return Ok(!self.brings_back_any(&trail, idx + 1)?);
            }
        }
        Ok(false)
    }

    /// The trunk from a commit on back along the first parents. What may be taken back landed since a moment, and since the last
    /// landing that is known to have taken back others: who takes back such a one brings back what went wrong.
    fn trail<'repo>(
        &'repo self,
        mut landed: Commit<'repo>,
        since: i64,
        landings: Landings<'_>,
    ) -> Result<Trail<'repo>, git2::Error> {
        let mut trees = vec![landed.tree()?];
        let mut n_recent = None;
        while trees.len() <= MAX_TAKEN_BACK + MAX_BEFORE && landed.parent_count() > 0 {
            let known = landings(&ChangeId(landed.id().to_string()));
            let at = known.map_or_else(|| landed.committer().when().seconds(), |landing| landing.at);
            let is_undo = known.is_some_and(|landing| landing.takes_back);
            if at < since || is_undo || trees.len() > MAX_TAKEN_BACK {
                n_recent.get_or_insert(trees.len() - 1);
            }
            landed = landed.parent(0)?;
            trees.push(landed.tree()?);
        }
        Ok(Trail { n_recent: n_recent.unwrap_or(trees.len() - 1), trees })
    }

    /// Whether one of so many of the newest landings left each file that it touched as an earlier one had found it: it took that
    /// one back, whatever it says.
    fn brings_back_any(&self, trail: &Trail<'_>, n_taken: usize) -> Result<bool, git2::Error> {
        for (idx, pair) in trail.trees.windows(2).take(n_taken).enumerate() {
            let [after, before] = pair else { continue };
            let paths = self.touched(&Step { before: Some(before.clone()), after: after.clone() })?;
            for earlier in trail.trees.iter().skip(idx + 2).filter(|_| !paths.is_empty()) {
                let mut is_same = true;
                for path in &paths {
                    is_same = is_same && entry(after, path)? == entry(earlier, path)?;
                }
                if is_same {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

impl<'repo> Trail<'repo> {
    /// The trees that landings found which may be taken back.
    fn earlier(&self) -> impl DoubleEndedIterator<Item = &Tree<'repo>> {
        self.trees.iter().skip(1).take(self.n_recent)
    }
}
