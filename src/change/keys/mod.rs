//! Typed key edits: what a diff changes, key by key, read from the lines of its hunks alone.
//!
//! The reader is line-based and knows no grammar, so it works on partial hunks of YAML, JSON, TOML,
//! INI and properties, HCL, PHP arrays, Puppet and Hiera, XML attributes and DNS zone files, and
//! degrades to plain lines on anything else. Key paths come from indentation and headers seen inside
//! the hunk. Linear in the size of the diff, deterministic, never fails. Start at [`key_changes`];
//! the order of the work is [`mod@line`] → [`scope`] → [`collect`] → [`pair`] → [`typed`].

mod changed_word;
mod collect;
mod emit;
mod format;
mod host;
mod inner;
mod line;
mod named;
mod objects;
mod pair;
mod renamed;
mod scope;
mod similar;
mod table;
#[cfg(test)]
mod tests;
mod texts;
mod typed;
mod units;
mod value;
mod words;
mod xml;
mod zone;

use crate::change::FileDiff;
use serde::{Deserialize, Serialize};

pub use changed_word::{ChangedWord, changed_word};
pub use inner::inner_changes;
pub use words::{KeyWords, key_words};
pub(crate) use words::{for_each_word, lower_case};

/// Changed lines of one file that are read; those after it are not (a generated file of a hundred
/// thousand lines says nothing more about keys, and scoring has a deadline).
pub const MAX_LINES: usize = 4_000;

/// One edit of one key, as far as the hunk shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyChange {
    /// The dotted key path, as much of it as the hunk shows; empty where a line has no key.
    pub path: String,
    /// The last component of `path`.
    pub leaf: String,
    /// The value before, without quotes, punctuation and comment; at most 512 bytes.
    pub old: Option<String>,
    /// The value after.
    pub new: Option<String>,
    /// What kind of edit it is.
    pub kind: KeyChangeKind,
    /// Index of the hunk in the file.
    pub hunk_idx: usize,
    /// Index of the line in the hunk: the added line, else the deleted one.
    pub line_idx: usize,
}

/// The closed set of kinds of key edits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyChangeKind {
    /// A switch changed its side.
    Flag {
        /// Its new side, as written (`disable_x: true` is `true`).
        to: bool,
    },
    /// A plain number.
    Number {
        /// Before.
        old: f64,
        /// After.
        new: f64,
    },
    /// A time span, by the unit of the value or of the key's name.
    Duration {
        /// Seconds before.
        old_s: f64,
        /// Seconds after.
        new_s: f64,
    },
    /// An amount of memory or disk.
    Size {
        /// Bytes before.
        old_bytes: f64,
        /// Bytes after.
        new_bytes: f64,
    },
    /// A share, in percent.
    Percentage {
        /// Before.
        old: f64,
        /// After.
        new: f64,
    },
    /// A version, tag, image or digest.
    Version,
    /// A host name, address or URL whose host part changed.
    Host,
    /// An element came into a list.
    ListAdd,
    /// An element left a list.
    ListRemove,
    /// Another text, or a change of type.
    Text,
    /// Something that looks like a secret; neither value is kept.
    Secret,
    /// A key that was not there.
    Added,
    /// A key that is gone.
    Removed,
    /// The same line, removed here and added elsewhere in the file.
    Moved,
    /// Only a comment.
    Comment,
    /// Only white space, indentation or quoting.
    Whitespace,
}

impl KeyChange {
    /// The component of the path above the leaf; empty where the hunk shows none.
    pub fn parent(&self) -> &str {
        let end = self.path.len().saturating_sub(self.leaf.len() + 1);
        let above = self.path.get(..end).unwrap_or("");
        above.rsplit('.').next().unwrap_or("")
    }

    /// Whether the edit can change behavior: not a comment, white space or a move.
    pub fn is_substantial(&self) -> bool {
        !matches!(self.kind, KeyChangeKind::Comment | KeyChangeKind::Whitespace | KeyChangeKind::Moved)
    }
}

/// Reads the typed key edits of one file, in the order of its lines.
///
/// ```
/// use diffrisk::change::{DiffLine, FileContent, FileDiff, FileStatus, Hunk, KeyChangeKind, LineOrigin, key_changes};
///
/// let line = |origin, text: &str| DiffLine { origin, text: text.into(), no_newline: false };
/// let lines = vec![
///     line(LineOrigin::Context, "backend:"),
///     line(LineOrigin::Deleted, "  timeout: 30s"),
///     line(LineOrigin::Added, "  timeout: 3s"),
/// ];
/// let hunk = Hunk { old_start: 1, old_lines: 2, new_start: 1, new_lines: 2, lines };
/// let file_diff = FileDiff {
///     old_path: Some("app.yaml".into()),
///     new_path: Some("app.yaml".into()),
///     status: FileStatus::Modified,
///     old_mode: 0o100644,
///     new_mode: 0o100644,
///     content: FileContent::Text(vec![hunk]),
/// };
/// let key_changes = key_changes(&file_diff);
/// assert_eq!(key_changes[0].path, "backend.timeout");
/// assert_eq!(key_changes[0].kind, KeyChangeKind::Duration { old_s: 30.0, new_s: 3.0 });
/// ```
pub fn key_changes(file_diff: &FileDiff) -> Vec<KeyChange> {
    let format = format::Format::of_path(file_diff.path());
    let mut entries = collect::collect(format, file_diff.hunks());
    let pairs = pair::pair(&mut entries);
    emit::emit(&entries, &pairs)
}
