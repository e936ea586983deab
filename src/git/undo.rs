//! Whether a change leaves the files of the head as a landing found them: read and merged in memory, compared byte for byte.
//! Start at [`Repository::takes_back`].

use std::collections::BTreeSet;
use std::path::Path;

use git2::{Commit, ErrorCode, MergeFileInput, Oid, Tree, merge_file};
use rustc_hash::FxHashSet;

use crate::change::{ChangeId, ChangeRecord, FileContent, FileDiff, Hunk, LineOrigin};
use crate::git::Repository;
use crate::git::assemble::oid_of;

/// How a change is proposed.
#[derive(Clone, Copy, Debug)]
pub enum Proposed<'a> {
    /// By a diff against the head.
    Diff,
    /// By a commit, which is still to be put on the head.
    Commit(&'a ChangeId),
    /// By all that lies between two commits, which is still to be put on the head.
    Range(&'a ChangeId, &'a ChangeId),
}

/// A file as a tree holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) mode: u32,
    pub(super) bytes: Vec<u8>,
}

/// What stands at a path of the head after something was put on it.
#[derive(PartialEq, Eq)]
pub(super) enum After {
    File(File),
    Nothing,
    /// It cannot be merged, or nobody shows it.
    Unknown,
}

impl After {
    fn of(file: Option<File>) -> Self {
        file.map_or(Self::Nothing, Self::File)
    }
}

/// The trees that a landing, or a commit, lies between.
pub(super) struct Step<'repo> {
    pub(super) before: Option<Tree<'repo>>,
    pub(super) after: Tree<'repo>,
}

impl Repository {
    /// Whether the head with a change is the head with a landing taken back: the same files, bytes and modes, where git itself
    /// would merge either without a conflict. In doubt it is not.
    pub fn takes_back(&self, record: &ChangeRecord, proposed: Proposed<'_>, landing: &ChangeId) -> bool {
        self.takes_back_at_head(record, proposed, landing).unwrap_or(false)
    }

    /// Whether a change writes a line again that a landing wrote, or deletes again one that it deleted: in the same file, or,
    /// where the head has none of that name any more, in whatever file. In doubt it does.
    pub fn writes_again(&self, record: &ChangeRecord, landed: &ChangeRecord) -> bool {
        let writes_again = || -> Result<bool, git2::Error> {
            let head = self.head_tree()?;
            for bad in &landed.files {
                let is_here = entry(&head, bad.path())?.is_some();
                let lines = net_lines(bad);
                let same = |file: &&FileDiff| {
                    !is_here
                        || [&file.old_path, &file.new_path].into_iter().flatten().any(|it| it == bad.path())
                };
                if record.files.iter().filter(same).any(|file| !net_lines(file).is_disjoint(&lines)) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        writes_again().unwrap_or(true)
    }

    /// Whether some file would stand, after a change, as a landing left it, where it does not at the head: what was taken back
    /// lands again. In doubt it would.
    pub fn brings_back(&self, record: &ChangeRecord, proposed: Proposed<'_>, landing: &ChangeId) -> bool {
        let brings_back = || -> Result<bool, git2::Error> {
            let (head, landed, commit) = (self.head_tree()?, self.step(landing)?, self.proposed(proposed)?);
            for path in &paths_of(record) {
                let left = entry(&landed.after, path)?;
                let found = landed.before.as_ref().map_or(Ok(None), |before| entry(before, path))?;
                if left == found || left == entry(&head, path)? {
                    continue;
                }
                let left = After::of(self.file(&landed.after, path)?);
                if self.given(&head, record, commit.as_ref(), path)? == left {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        brings_back().unwrap_or(true)
    }

    /// Whether the files that a landed commit touched stand at the head as it left them.
    pub fn stands_as_landed(&self, record: &ChangeRecord, commit: &ChangeId) -> bool {
        let stands = || -> Result<bool, git2::Error> {
            let (head, step) = (self.head_tree()?, self.step(commit)?);
            let paths = paths_of(record);
            let mut same = paths.iter().map(|path| Ok(entry(&head, path)? == entry(&step.after, path)?));
            same.try_fold(true, |all, is_same: Result<bool, git2::Error>| Ok(all && is_same?))
        };
        stands().unwrap_or(false)
    }

    fn takes_back_at_head(
        &self,
        record: &ChangeRecord,
        proposed: Proposed<'_>,
        landing: &ChangeId,
    ) -> Result<bool, git2::Error> {
        let head = self.head_tree()?;
        let undone = self.step(landing)?;
        let paths = paths_of(record);
        if self.touched(&undone)? != paths {
            return Ok(false);
        }
        let commit = self.proposed(proposed)?;
        if let Some(step) = &commit
            && self.touched(step)? != paths
        {
            return Ok(false);
        }
        for path in &paths {
            let wanted = self.put_on(&head, path, (Some(&undone.after), undone.before.as_ref()))?;
            let given = self.given(&head, record, commit.as_ref(), path)?;
            if wanted == After::Unknown || given != wanted {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn proposed(&self, proposed: Proposed<'_>) -> Result<Option<Step<'_>>, git2::Error> {
        match proposed {
            Proposed::Diff => Ok(None),
            Proposed::Commit(id) => self.step(id).map(Some),
            Proposed::Range(base, tip) => {
                let (before, after) = (self.commit(base)?.tree()?, self.commit(tip)?.tree()?);
                Ok(Some(Step { before: Some(before), after }))
            }
        }
    }

    /// A file of the head after what is proposed was put on it: the commit, or else the diff.
    pub(super) fn given(
        &self,
        head: &Tree<'_>,
        record: &ChangeRecord,
        commit: Option<&Step<'_>>,
        path: &str,
    ) -> Result<After, git2::Error> {
        match commit {
            Some(step) => self.put_on(head, path, (step.before.as_ref(), Some(&step.after))),
            None => self.patched(head, record, path),
        }
    }

    pub(super) fn head_tree(&self) -> Result<Tree<'_>, git2::Error> {
        self.git().head()?.peel_to_tree()
    }

    pub(super) fn commit(&self, id: &ChangeId) -> Result<Commit<'_>, git2::Error> {
        let oid: Oid = oid_of(&id.0).ok_or_else(|| git2::Error::from_str("no full commit id"))?;
        self.refuse_cut_commit(oid).map_err(|error| git2::Error::from_str(&error.to_string()))?;
        self.git().find_commit(oid)
    }

    fn step(&self, id: &ChangeId) -> Result<Step<'_>, git2::Error> {
        let commit = self.commit(id)?;
        let before = if commit.parent_count() == 0 { None } else { Some(commit.parent(0)?.tree()?) };
        Ok(Step { before, after: commit.tree()? })
    }

    /// The paths that differ between two trees; an error where one is not UTF-8, for a record cannot name it.
    pub(super) fn touched(&self, step: &Step<'_>) -> Result<BTreeSet<String>, git2::Error> {
        let diff = self.git().diff_tree_to_tree(step.before.as_ref(), Some(&step.after), None)?;
        let mut paths = BTreeSet::new();
        for delta in diff.deltas() {
            for bytes in [delta.old_file().path_bytes(), delta.new_file().path_bytes()].into_iter().flatten()
            {
                let path = std::str::from_utf8(bytes);
                paths.insert(path.map_err(|_| git2::Error::from_str("a path is not UTF-8"))?.to_owned());
            }
        }
        Ok(paths)
    }

    /// A file of the head after the step from one tree to another was put on it.
    fn put_on(
        &self,
        head: &Tree<'_>,
        path: &str,
        (from, to): (Option<&Tree<'_>>, Option<&Tree<'_>>),
    ) -> Result<After, git2::Error> {
        let of = |tree: Option<&Tree<'_>>| tree.map_or(Ok(None), |tree| self.file(tree, path));
        let (ours, from, to) = (self.file(head, path)?, of(from)?, of(to)?);
        if ours == from {
            return Ok(After::of(to));
        }
        let (Some(ours), Some(from), Some(to)) = (ours, from, to) else { return Ok(After::Unknown) };
        let mut inputs = [MergeFileInput::new(), MergeFileInput::new(), MergeFileInput::new()];
        for (input, file) in inputs.iter_mut().zip([&from, &ours, &to]) {
            input.content(&file.bytes);
        }
        let [ancestor, our_side, their_side] = &inputs;
        let merged = merge_file(ancestor, our_side, their_side, None)?;
        let mode = if from.mode == to.mode { ours.mode } else { to.mode };
        let file = File { mode, bytes: merged.content().to_vec() };
        Ok(if merged.is_automergeable() { After::File(file) } else { After::Unknown })
    }

    /// A file of the head after a diff was put on it.
    fn patched(&self, head: &Tree<'_>, record: &ChangeRecord, path: &str) -> Result<After, git2::Error> {
        let is_of_path =
            |file: &&FileDiff| [&file.old_path, &file.new_path].into_iter().flatten().any(|it| it == path);
        let mut of_path = record.files.iter().filter(is_of_path);
        let (Some(file_diff), None) = (of_path.next(), of_path.next()) else { return Ok(After::Unknown) };
        if file_diff.new_path.as_deref() != Some(path) {
            return Ok(After::Nothing);
        }
        let FileContent::Text(hunks) = &file_diff.content else { return Ok(After::Unknown) };
        let old =
            file_diff.old_path.as_deref().map(|old_path| self.file(head, old_path)).transpose()?.flatten();
        if old.is_none() && file_diff.old_path.is_some() {
            return Ok(After::Unknown);
        }
        let bytes = apply(old.as_ref().map_or(&[], |old| &old.bytes), hunks);
        // A diff seldom tells the mode of a file that keeps it.
        let mode = match (&old, file_diff.old_mode == file_diff.new_mode) {
            (Some(old), true) => old.mode,
            _ => file_diff.new_mode,
        };
        Ok(bytes.map_or(After::Unknown, |bytes| After::File(File { mode, bytes })))
    }

    pub(super) fn file(&self, tree: &Tree<'_>, path: &str) -> Result<Option<File>, git2::Error> {
        let Some((oid, mode)) = entry(tree, path)? else { return Ok(None) };
        if self.is_cut(oid) {
            return Err(git2::Error::from_str("a file ends too early"));
        }
        Ok(Some(File { mode, bytes: self.git().find_blob(oid)?.content().to_vec() }))
    }
}

/// The object and the mode of a file of a tree.
pub(super) fn entry(tree: &Tree<'_>, path: &str) -> Result<Option<(Oid, u32)>, git2::Error> {
    match tree.get_path(Path::new(path)) {
        Ok(entry) => Ok(Some((entry.id(), entry.filemode().cast_unsigned()))),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn paths_of(record: &ChangeRecord) -> BTreeSet<String> {
    let of = |file: &FileDiff| [file.old_path.clone(), file.new_path.clone()];
    record.files.iter().flat_map(of).flatten().collect()
}

/// The lines that a file gained and lost, each with whether it was gained; not those that only moved, and none that says nothing.
fn net_lines(file: &FileDiff) -> FxHashSet<(bool, &str)> {
    let of = |origin| {
        let lines =
            file.changed_lines().filter(move |line| line.origin == origin).map(|line| line.text.trim());
        lines.filter(|text| text.bytes().any(|byte| byte.is_ascii_alphanumeric())).collect::<FxHashSet<_>>()
    };
    let (gained, lost) = (of(LineOrigin::Added), of(LineOrigin::Deleted));
    let net = gained.difference(&lost).map(|text| (true, *text));
    net.chain(lost.difference(&gained).map(|text| (false, *text))).collect()
}

/// Bytes with the hunks of a diff put where they say, each line that they show standing there; none where one does not.
fn apply(bytes: &[u8], hunks: &[Hunk]) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let (mut applied, mut next) = (Vec::with_capacity(bytes.len()), 0);
    for hunk in hunks {
        let shows_old = hunk.lines.iter().any(|line| line.origin != LineOrigin::Added);
        // Of a hunk that only adds, the number is that of the line before.
        let first = (hunk.old_start as usize).saturating_sub(usize::from(shows_old));
        applied.extend(lines.get(next..first)?.concat());
        next = first;
        for line in &hunk.lines {
            if line.origin == LineOrigin::Added {
                applied.extend(line.text.as_bytes());
                if !line.no_newline {
                    applied.push(b'\n');
                }
                continue;
            }
            let stands = lines.get(next)?;
            let (text, has_end) = match stands.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (*stands, false),
            };
            if String::from_utf8_lossy(text) != line.text.as_str() || has_end == line.no_newline {
                return None;
            }
            if line.origin == LineOrigin::Context {
                applied.extend(*stands);
            }
            next += 1;
        }
    }
    applied.extend(lines.get(next..)?.concat());
    Some(applied)
}
