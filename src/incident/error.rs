//! What can be wrong with a file of incidents, outcomes or owners.

use std::fmt;
use std::path::{Path, PathBuf};

/// Most bad records named in one message; the rest are counted.
const MAX_NAMED: usize = 20;

/// Why a file was not taken. A file is taken whole or not at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be opened or read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The name ends in nothing known.
    #[error("`{}` is not a file of {what}: expected a name ending in {expected}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was to be read.
        what: &'static str,
        /// The endings known.
        expected: &'static str,
    },
    /// A table could not be read; its reader says which one and why.
    #[error(transparent)]
    Table(Box<dyn std::error::Error + Send + Sync>),
    /// Records that could not be understood, each with its line and reason.
    #[error("{}", Listing { path: path.as_deref(), what, bad, n_records: *n_records })]
    Records {
        /// The file, where they came from one.
        path: Option<PathBuf>,
        /// What was to be read.
        what: &'static str,
        /// How many records the file has, good and bad.
        n_records: usize,
        /// The bad ones in file order.
        bad: Vec<BadRecord>,
    },
    /// An owners file without a byte.
    #[error("the owners file is empty: one in which nobody owns anything has a comment that says so")]
    NoOwners,
    /// An owners pattern that is no pattern.
    #[error("line {line} of the owners file: `{pattern}` is not a pattern: {reason}")]
    Pattern {
        /// Line, from 1.
        line: usize,
        /// The text.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// One record that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// Line of the file, from 1 (the header of a CSV file is line 1); rows of a table count from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl Error {
    /// Of the records of a file.
    pub(super) fn in_file(self, file: &Path) -> Self {
        match self {
            Self::Records { what, n_records, bad, .. } => {
                Self::Records { path: Some(file.to_owned()), what, n_records, bad }
            }
            other => other,
        }
    }
}

struct Listing<'a> {
    path: Option<&'a Path>,
    what: &'a str,
    bad: &'a [BadRecord],
    n_records: usize,
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = self.path {
            write!(f, "`{}`: ", path.display())?;
        }
        write!(f, "{} of {} {} refused, nothing was taken", self.bad.len(), self.n_records, self.what)?;
        for bad_record in self.bad.iter().take(MAX_NAMED) {
            write!(f, "\n  line {}: {}", bad_record.line, bad_record.reason)?;
        }
        if self.bad.len() > MAX_NAMED {
            write!(f, "\n  and {} more", self.bad.len() - MAX_NAMED)?;
        }
        Ok(())
    }
}
