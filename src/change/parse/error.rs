//! What can be wrong with a posted diff.

/// Why a text is no diff that can be scored. Names the line (from 1) and what was expected there,
/// and never repeats the text, which may hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiffError {
    /// The text has no file header at all.
    #[error("no diff found: expected a line that starts with `diff --git` or `---`")]
    NoDiff,
    /// The text ends inside a file.
    #[error("the diff ends too early, after line {line}: expected {expected}")]
    Truncated {
        /// The last line.
        line: usize,
        /// What should have followed.
        expected: &'static str,
    },
    /// A line is not what the format asks for.
    #[error("line {line} of the diff is malformed: expected {expected}")]
    Malformed {
        /// The line.
        line: usize,
        /// What should have stood there.
        expected: &'static str,
    },
    /// More files than the limit.
    #[error("line {line}: the diff has more than {limit} files")]
    TooManyFiles {
        /// Where the limit was passed.
        line: usize,
        /// The limit.
        limit: usize,
    },
    /// More lines than the limit.
    #[error("the diff has more than {limit} lines")]
    TooManyLines {
        /// The limit.
        limit: usize,
    },
}
