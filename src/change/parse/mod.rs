//! A posted diff read into the same record that the repository walk makes of the same change.
//!
//! Takes what `git diff`, `git show`, `git format-patch` and `diff -u` print. Every line is read
//! once, so the cost is linear whatever the text; nothing panics, and what is not understood
//! inside a file is refused rather than skipped, because a line that hides from the score is a way
//! around it. Text before, between and after the files (mail headers, messages) is passed over, but not what another
//! notation of a diff would say there (`Only in …`, `Submodule …`, a context diff).

mod cursor;
mod error;
mod file;
mod hunk;
mod names;
mod normalise;
mod notation;
#[cfg(test)]
mod tests;

use rustc_hash::FxHashSet;

use crate::change::parse::cursor::Cursor;
use crate::change::{ChangeRecord, FileDiff, FileStatus};

pub use error::DiffError;

/// How large a posted diff may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiffLimits {
    /// Files in one diff.
    pub max_files: usize,
    /// Lines of the whole text.
    pub max_lines: usize,
}

impl DiffLimits {
    /// No limits: for diffs that we made ourselves.
    pub const NONE: Self = Self { max_files: usize::MAX, max_lines: usize::MAX };
}

impl Default for DiffLimits {
    fn default() -> Self {
        Self { max_files: 5_000, max_lines: 200_000 }
    }
}

/// Reads a diff within the default limits.
///
/// # Errors
/// When the text is no diff, is cut off or malformed, or passes a limit. An empty text is a change
/// without files.
///
/// ```
/// let diff = b"--- a/app.yaml\n+++ b/app.yaml\n@@ -1 +1 @@\n-replicas: 3\n+replicas: 0\n";
/// let record = diffrisk::change::parse_diff(diff)?;
/// assert_eq!(record.files[0].path(), "app.yaml");
/// assert_eq!(record.n_lines(), (1, 1));
/// # Ok::<(), diffrisk::change::DiffError>(())
/// ```
pub fn parse_diff(text: &[u8]) -> Result<ChangeRecord, DiffError> {
    parse_diff_within(text, DiffLimits::default())
}

/// Reads a diff within given limits. One that was sent with carriage returns, its headers included, is read without them.
///
/// # Errors
/// As [`parse_diff`].
pub fn parse_diff_within(text: &[u8], limits: DiffLimits) -> Result<ChangeRecord, DiffError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut cursor = Cursor::new(text, limits.max_lines);
    let mut record = ChangeRecord::default();
    let mut seen = FxHashSet::default();
    while let Some(line) = cursor.peek() {
        let header_line = cursor.line();
        let Some(parsed) = file::parse(&mut cursor, line)? else {
            cursor.note_name(line);
            cursor.advance()?;
            continue;
        };
        if record.files.len() == limits.max_files {
            return Err(DiffError::TooManyFiles { line: header_line, limit: limits.max_files });
        }
        if !seen.insert(key(&parsed.file_diff)) {
            return Err(DiffError::Malformed { line: header_line, expected: "every file once" });
        }
        record.partial |= parsed.partial;
        record.files.push(parsed.file_diff);
    }
    record.files.sort_by(|one, two| one.sort_key().cmp(&two.sort_key()));
    if record.files.is_empty() && !text.trim_ascii().is_empty() {
        return Err(DiffError::NoDiff);
    }
    Ok(record)
}

/// A path may be deleted and added in one diff (it changed its type), but not touched twice.
fn key(file_diff: &FileDiff) -> (String, bool) {
    (file_diff.path().to_owned(), file_diff.status == FileStatus::Deleted)
}
