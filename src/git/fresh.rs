//! Whether lines that a change brings back are older than what it takes back: of a pull request of several commits, only the last
//! state ever rolled out. Start at [`Repository::brings_back_fresh`].

use std::collections::BTreeMap;

use git2::{Commit, ErrorCode};
use rustc_hash::FxHashSet;

use crate::change::ChangeId;
use crate::git::Repository;
use crate::git::restore::Landings;
use crate::git::undo::entry;

/// Most landings that are looked through.
const MAX_LANDINGS: usize = 128;
/// A merge whose first parent misses so many times what the others miss was made the other way round.
const MUCH_MORE: usize = 4;

/// Lines that a change brings back into a file, and lines that it takes out again.
#[derive(Debug, Default)]
pub struct Back<'a> {
    /// Without what stands before and after them.
    pub gained: FxHashSet<&'a str>,
    /// The same.
    pub lost: FxHashSet<&'a str>,
}

impl Repository {
    /// Whether a line that a change brings back was written into a file by one of the landings up to one (of the head, unless it
    /// is named), of those since a moment (Unix seconds), and not with the file, or one that it takes out was taken out by one of
    /// them; or whether one of those landings is a merge into a side that is far behind, so that what git calls the state before
    /// it was none. In doubt it is so.
    pub fn brings_back_fresh(
        &self,
        back: &BTreeMap<&str, Back<'_>>,
        landing: Option<&ChangeId>,
        since: i64,
        landings: Landings<'_>,
    ) -> bool {
        self.fresh_since(back, landing, since, landings).unwrap_or(true)
    }

    fn fresh_since(
        &self,
        back: &BTreeMap<&str, Back<'_>>,
        landing: Option<&ChangeId>,
        since: i64,
        landings: Landings<'_>,
    ) -> Result<bool, git2::Error> {
        let mut landed = match landing {
            Some(id) => self.commit(id)?,
            None => self.git().head()?.peel_to_commit()?,
        };
        for _ in 0..MAX_LANDINGS {
            let known = landings(&ChangeId(landed.id().to_string()));
            let at = known.map_or_else(|| landed.committer().when().seconds(), |known| known.at);
            if at < since || landed.parent_count() == 0 {
                return Ok(false);
            }
            if self.is_turned_around(&landed)? {
                return Ok(true);
            }
            let parent = landed.parent(0)?;
            let (before, after) = (parent.tree()?, landed.tree()?);
            for (path, back) in back {
                let sides = entry(&before, path)?.zip(entry(&after, path)?);
                if sides.is_none_or(|(before, after)| before.0 == after.0) {
                    continue;
                }
                let (Some(before), Some(after)) = (self.file(&before, path)?, self.file(&after, path)?)
                else {
                    continue;
                };
                let (before, after) = (lines(&before.bytes), lines(&after.bytes));
                if after.difference(&before).any(|line| back.gained.contains(line.as_str()))
                    || before.difference(&after).any(|line| back.lost.contains(line.as_str()))
                {
                    return Ok(true);
                }
            }
            landed = parent;
        }
        Ok(true)
    }

    /// Whether a merge has as its first parent the side that lacks most of the other one.
    fn is_turned_around(&self, merge: &Commit<'_>) -> Result<bool, git2::Error> {
        let Ok(first) = merge.parent_id(0) else { return Ok(false) };
        for other in merge.parent_ids().skip(1) {
            // Without a common ancestor, all of either is missing in the other.
            let apart = self.git().graph_ahead_behind(first, other);
            let (n_own, n_missing) = match apart {
                Ok(apart) => apart,
                Err(error) if error.code() == ErrorCode::NotFound => return Ok(true),
                Err(error) => return Err(error),
            };
            if n_own > 0 && n_missing > MUCH_MORE * n_own {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The lines of a file, without what stands before and after them.
fn lines(bytes: &[u8]) -> FxHashSet<String> {
    String::from_utf8_lossy(bytes).lines().map(|line| line.trim().to_owned()).collect()
}
