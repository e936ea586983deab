//! Why the log does not open, write or verify; one variant for each thing that a caller treats otherwise. No message holds the
//! body of a record.

use std::path::PathBuf;

use crate::store::verify::Problem;

/// Why the decision log could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address names no database this build knows.
    #[error(
        "`{url}` is no store address; expected `sqlite://FILE` or `postgres://…`, or `memory` for `serve` alone"
    )]
    Address {
        /// The address without its password.
        url: String,
    },
    /// The address of a PostgreSQL server says something that is not understood.
    #[error(
        "the store's address has a parameter `{name}`, which is none of PostgreSQL's here (such as `sslmode`)"
    )]
    Parameter {
        /// Its name; its value may be a secret.
        name: String,
    },
    /// The log is no file that could be copied.
    #[error("only a log in an SQLite file is copied here; PostgreSQL has its own tools for that")]
    NotAFile,
    /// Another process writes this log.
    #[error("another process already writes the store `{}`", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The database is no log, and is left to whoever made it.
    #[error("`{}` is {found}, and no decision log", path.display())]
    NotALog {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: &'static str,
    },
    /// Whoever writes the file by another of its names has another journal and another lock.
    #[error(
        "the store `{}` has {n_names} names (hard links): written by two of them it is lost; remove the others, or copy it",
        path.display()
    )]
    ManyNames {
        /// The file.
        path: PathBuf,
        /// How many.
        n_names: u64,
    },
    /// The layout was made by an older version, and reading does not change it.
    #[error(
        "the store has layout {found}, and this version reads {known}: opening it once with `diffrisk serve --store …` \
         brings it up to date and changes no record"
    )]
    OldLayout {
        /// Layout of the database.
        found: i64,
        /// The layout this version reads.
        known: i64,
    },
    /// A record that was to be pruned is not as it was written: nobody signs for that.
    #[error(
        "the record at place {seq} of chain `{chain}` is not as it was written ({}); nothing was pruned",
        problem.as_str()
    )]
    NotAsWritten {
        /// The chain.
        chain: String,
        /// Its place.
        seq: i64,
        /// What is wrong with it.
        problem: Problem,
    },
    /// The layout was made by a newer version.
    #[error("the store has layout {found}; this version knows up to {known}")]
    Layout {
        /// Layout of the database.
        found: i64,
        /// Newest layout this version knows.
        known: i64,
    },
    /// The database cannot hold every text.
    #[error(
        "the database has encoding {found}, which cannot hold every name that is asked about; make one with `UTF8`"
    )]
    Encoding {
        /// Its encoding.
        found: String,
    },
    /// The newest record that this process wrote is not where it was.
    #[error(
        "record {seq} of chain `{chain}` is not there any more: the database was set back, or another stands in its place"
    )]
    SetBack {
        /// The chain.
        chain: String,
        /// Place of the newest record that was written.
        seq: i64,
    },
    /// A key, head or lock file could not be read or written.
    #[error("cannot {what} `{}`", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A key or head file holds something else.
    #[error("`{}` is not {expected}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
    },
    /// The thread that writes could not be started.
    #[error("no thread can be started that writes the decision log")]
    Thread(#[source] std::io::Error),
    /// The database refused or is away.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The log was closed for good after a failed commit, or is shutting down.
    #[error("the decision log is closed: {0}")]
    Closed(String),
    /// The database takes nothing now; the next append may go through.
    #[error("the database of the decision log is away")]
    Away,
    /// More writers wait than the bounded queue holds.
    #[error("the decision log has a full queue")]
    Full,
}

/// SQLite's `CORRUPT` and `NOTADB`.
const DAMAGED: [u32; 2] = [11, 26];

impl Error {
    /// Whether the file of the log is not what SQLite wrote: cut short, or another one.
    pub fn is_damage(&self) -> bool {
        let Self::Database(error) = self else { return false };
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
        code.is_some_and(|code| DAMAGED.contains(&(code & 0xff)))
    }

    pub(super) fn file(what: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::File { what, path: path.to_owned(), source }
    }
}
