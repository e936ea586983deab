//! The plain values that everything else speaks of: a change, its canonical diff, files, hunks and lines. They hold what a
//! diff says and judge none of it. Start at [`Change`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::change::title::title;

/// What identifies a change: the full commit id, or the caller's own review identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChangeId(pub String);

impl ChangeId {
    /// A commit as people and programs name one: 7 to 64 hex digits, in lower case here; none for anything else.
    pub fn of_commit(text: &str) -> Option<Self> {
        let is_commit = (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_commit.then(|| Self(text.to_ascii_lowercase()))
    }
}

/// A moment as its author's clock showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Unix seconds.
    pub unix_seconds: i64,
    /// Offset of the local clock from UTC, in minutes.
    pub offset_minutes: i32,
}

/// One commit, or one proposed diff: the unit that is scored.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its identity.
    pub id: ChangeId,
    /// The author as written: `Name <address>` or a bare address.
    pub author: String,
    /// The whole message; the subject is its first line.
    pub message: String,
    /// When it was authored, with the author's own offset; hour and weekday come from here.
    pub authored_at: Moment,
    /// `t`: the committer date in Unix seconds, clamped so that it never decreases along the fold;
    /// the receipt of the request for a proposal. Ages and windows count from here.
    pub committed_at: i64,
    /// Full ids of the commits inside a merged branch, newest first; empty for a plain commit.
    pub merged: Vec<ChangeId>,
    /// The whole messages of those commits, in the same order: a landing that undoes an earlier one
    /// mostly says so there, not in the message of its merge.
    pub merged_messages: Vec<String>,
    /// The canonical diff; shared, since a question, its change and its answer all hold it.
    pub record: Arc<ChangeRecord>,
}

/// The canonical diff of a change, a function of `git diff -U3 -M50% --full-index` alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRecord {
    /// The files in the order of the canonical diff (bytewise by path).
    pub files: Vec<FileDiff>,
    /// Whether the diff carried less context than the canonical one.
    pub partial: bool,
}

/// What happened to one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiff {
    /// Path before the change; none for a new file. Not-UTF-8 bytes are replaced.
    pub old_path: Option<String>,
    /// Path after the change; none for a deleted file.
    pub new_path: Option<String>,
    /// What happened.
    pub status: FileStatus,
    /// Git mode before (`0o100644`, …), 0 for a new file.
    pub old_mode: u32,
    /// Git mode after, 0 for a deleted file.
    pub new_mode: u32,
    /// The lines, or why there are none.
    pub content: FileContent,
}

/// The closed set of what can happen to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FileStatus {
    /// A new file.
    Added,
    /// A removed file.
    Deleted,
    /// The same path, other content or mode.
    Modified,
    /// Another path, perhaps other content.
    Renamed,
}

/// The lines of a file's diff, or the reason for their absence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileContent {
    /// Hunks in order; empty for a pure rename or mode change.
    Text(Vec<Hunk>),
    /// Git calls it binary (a NUL byte in the first 8,000 bytes).
    Binary,
    /// A blob could not be read, or was too large to be read: counted, never fatal.
    Unread,
}

/// A run of changed lines with up to three lines of context around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// First line in the old file, from 1 (0 where there are none).
    pub old_start: u32,
    /// Lines of the old file.
    pub old_lines: u32,
    /// First line in the new file.
    pub new_start: u32,
    /// Lines of the new file.
    pub new_lines: u32,
    /// The lines in order.
    pub lines: Vec<DiffLine>,
}

/// One line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    /// Where the line stands.
    pub origin: LineOrigin,
    /// Its text without the line feed; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// Whether the file ends here without a line feed.
    pub no_newline: bool,
}

/// Where a line of a hunk stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LineOrigin {
    /// In both files.
    Context,
    /// Only in the new file.
    Added,
    /// Only in the old file.
    Deleted,
}

impl Change {
    /// The first line of the message.
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or("").trim()
    }

    /// What the change calls itself: the subject, or of a merge what that merges is called.
    pub fn title(&self) -> &str {
        title(&self.message)
    }
}

impl ChangeRecord {
    /// Whether the changed lines are all of the change, so that another one with its digest is the same: not where there are
    /// none, nor where content is no text.
    pub fn is_told_by_lines(&self) -> bool {
        let is_text = |file: &FileDiff| matches!(file.content, FileContent::Text(_));
        self.files.iter().all(is_text) && self.files.iter().any(|file| file.changed_lines().next().is_some())
    }

    /// Lines added, then lines deleted, over all files.
    pub fn n_lines(&self) -> (usize, usize) {
        self.files.iter().map(FileDiff::n_lines).fold((0, 0), |sum, n| (sum.0 + n.0, sum.1 + n.1))
    }

    /// Who owns what it touches, in order and each once, by who owns a path. A rename touches two.
    pub fn owners(&self, owners_of: impl Fn(&str) -> Vec<String>) -> Vec<String> {
        let paths = self.files.iter().flat_map(|file_diff| {
            let FileDiff { old_path, new_path, .. } = file_diff;
            let before = old_path.iter().filter(|old_path| Some(*old_path) != new_path.as_ref());
            before.chain(new_path)
        });
        let mut owners: Vec<String> = paths.flat_map(|path| owners_of(path)).collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }
}

impl FileDiff {
    /// The path after the change, else the one before.
    pub fn path(&self) -> &str {
        self.new_path.as_deref().or(self.old_path.as_deref()).unwrap_or("")
    }

    /// What files of a record are sorted by: their path; one that is deleted and added (another type) in this order.
    pub(super) fn sort_key(&self) -> (&str, bool) {
        (self.path(), self.status != FileStatus::Deleted)
    }

    /// The hunks; none where the content is not text.
    pub fn hunks(&self) -> &[Hunk] {
        match &self.content {
            FileContent::Text(hunks) => hunks,
            FileContent::Binary | FileContent::Unread => &[],
        }
    }

    /// The number of a line of a hunk in the new file; of one that went, that of the line which stands in its place now, else
    /// of the last before it. In a file that went, the number that it had. 0 where there is no such hunk.
    pub fn line_number(&self, hunk_idx: usize, line_idx: usize) -> u32 {
        let Some(hunk) = self.hunks().get(hunk_idx) else { return 0 };
        let is_gone = self.status == FileStatus::Deleted;
        let (start, n_lines, absent) = if is_gone {
            (hunk.old_start, hunk.old_lines, LineOrigin::Added)
        } else {
            (hunk.new_start, hunk.new_lines, LineOrigin::Deleted)
        };
        let before = &hunk.lines[..line_idx.min(hunk.lines.len())];
        let n_before = before.iter().filter(|line| line.origin != absent).count();
        let n_before = u32::try_from(n_before).unwrap_or(u32::MAX).min(n_lines.saturating_sub(1));
        start.saturating_add(n_before)
    }

    /// The lines that came or went.
    pub fn changed_lines(&self) -> impl Iterator<Item = &DiffLine> {
        self.hunks().iter().flat_map(|hunk| &hunk.lines).filter(|line| line.origin != LineOrigin::Context)
    }

    /// Lines added, then lines deleted.
    pub fn n_lines(&self) -> (usize, usize) {
        let lines = self.hunks().iter().flat_map(|hunk| &hunk.lines);
        lines.fold((0, 0), |sum, line| match line.origin {
            LineOrigin::Added => (sum.0 + 1, sum.1),
            LineOrigin::Deleted => (sum.0, sum.1 + 1),
            LineOrigin::Context => sum,
        })
    }
}
