//! Every way in which a file of rows or a table is refused, with the place and what was expected there. Values are shown cut
//! short, and only so many bad lines one by one.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};

use super::BadLine;

/// Most bad lines, or columns, named in one message; the rest are counted.
const MAX_NAMED: usize = 20;
/// Most characters of a value that a message shows.
const MAX_SHOWN: usize = 40;

/// Why a dataset could not be read or written; every variant names the file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be opened, read or written.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// What was tried: `read` or `write`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bytes are not what they should be.
    #[error("`{path}` is not {expected}: {message}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What was expected: `a Parquet file`, `rows written by mine`, ….
        expected: &'static str,
        /// What was found instead.
        message: String,
    },
    /// A column that is needed is not there.
    #[error("`{path}` has no column `{column}`{}", Columns(columns))]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Those that are there, where the message is to name them.
        columns: Vec<String>,
    },
    /// A column holds something else than it should.
    #[error("column `{column}` of `{path}` holds {found}, expected {expected}")]
    ColumnType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// One cell holds something else than it should.
    #[error("column `{column}` of `{path}`, row {row}: `{value}` is not {expected}")]
    Cell {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Number of the row, the first one after the header being 1.
        row: usize,
        /// What the cell holds, cut to 40 characters.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// A column was given two roles that one cannot have.
    #[error("column `{column}` of `{path}` cannot be both the label and {other}")]
    TwoRoles {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What else it was to be: `the time`, `the id`, ….
        other: &'static str,
    },
    /// The labels cannot teach anything: one class only, or too few positives.
    #[error(
        "label `{column}` of `{path}` has {n_positives} positives among {n_labeled} labeled rows, {needs}"
    )]
    Labels {
        /// The file.
        path: PathBuf,
        /// The label column.
        column: String,
        /// Rows with label 1.
        n_positives: usize,
        /// Rows with a label.
        n_labeled: usize,
        /// What is needed.
        needs: String,
    },
    /// A column was asked for that may not be a feature, or twice.
    #[error("column `{column}` of `{path}` cannot be a feature: {why}")]
    NotAFeature {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The reason.
        why: &'static str,
    },
    /// Lines of a file of custom features that were refused, each with its reason.
    #[error("{}", Listing { path, bad, n_lines: *n_lines })]
    CustomLines {
        /// The file.
        path: PathBuf,
        /// How many lines it has, good and bad.
        n_lines: usize,
        /// The bad ones, in the order of the file.
        bad: Vec<BadLine>,
    },
    /// Two sets of rows do not have the same features.
    #[error("rows of `{left}` and `{right}` differ in feature `{feature}`")]
    Features {
        /// Where the first rows came from.
        left: String,
        /// Where the others came from.
        right: String,
        /// The first feature that differs.
        feature: String,
    },
    /// A vector does not have one value a feature.
    #[error("a row has {found} feature values, expected {expected}")]
    VectorLength {
        /// Number of features.
        expected: usize,
        /// Number of values.
        found: usize,
    },
}

impl Error {
    pub(super) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Io { doing: "read", path: path.to_owned(), source }
    }

    pub(super) fn write(path: &Path, source: std::io::Error) -> Self {
        Self::Io { doing: "write", path: path.to_owned(), source }
    }

    pub(super) fn format(path: &Path, expected: &'static str, message: impl Display) -> Self {
        Self::Format { path: path.to_owned(), expected, message: message.to_string() }
    }

    pub(super) fn missing(path: &Path, column: &str) -> Self {
        Self::missing_among(path, column, Vec::new())
    }

    /// The same, with the columns that are there.
    pub(super) fn missing_among(path: &Path, column: &str, columns: Vec<String>) -> Self {
        Self::MissingColumn { path: path.to_owned(), column: column.to_owned(), columns }
    }

    pub(super) fn column_type(
        path: &Path,
        column: &str,
        expected: &'static str,
        found: impl Display,
    ) -> Self {
        let (column, found) = (column.to_owned(), found.to_string());
        Self::ColumnType { path: path.to_owned(), column, expected, found }
    }

    pub(super) fn cell(path: &Path, column: &str, row: usize, value: &str, expected: &'static str) -> Self {
        Self::Cell { path: path.to_owned(), column: column.to_owned(), row, value: cut(value), expected }
    }
}

/// A value as messages show it: its first 40 characters.
pub(super) fn cut(value: &str) -> String {
    value.chars().take(MAX_SHOWN).collect()
}

/// The columns of a file, as far as a message names them.
struct Columns<'a>(&'a [String]);

impl Display for Columns<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<String> =
            self.0.iter().take(MAX_NAMED).map(|column| format!("`{}`", cut(column))).collect();
        match self.0.len() {
            0 => Ok(()),
            1 => write!(f, "; it has one column alone, {}: are its cells parted by commas?", named.join("")),
            n if n > MAX_NAMED => write!(f, "; it has {} and {} more", named.join(", "), n - MAX_NAMED),
            _ => write!(f, "; it has {}", named.join(", ")),
        }
    }
}

struct Listing<'a> {
    path: &'a Path,
    bad: &'a [BadLine],
    n_lines: usize,
}

impl Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, n_bad) = (self.path.display(), self.bad.len());
        write!(f, "{n_bad} of {} lines of `{path}` refused, nothing was taken", self.n_lines)?;
        for BadLine { line, column, reason } in self.bad.iter().take(MAX_NAMED) {
            match column {
                Some(column) => write!(f, "\n  line {line}, column `{column}`: {reason}")?,
                None => write!(f, "\n  line {line}: {reason}")?,
            }
        }
        if n_bad > MAX_NAMED {
            write!(f, "\n  and {} more", n_bad - MAX_NAMED)?;
        }
        Ok(())
    }
}
