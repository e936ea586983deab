//! What can go wrong between a path and the changes in it.

use std::path::PathBuf;

/// Why a repository, a revision or a change could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path holds no git repository.
    #[error("`{}` {}", path.display(), unopened(source))]
    NotARepository {
        /// The path as given.
        path: PathBuf,
        /// What git said.
        #[source]
        source: git2::Error,
    },
    /// The repository has no commit.
    #[error("repository `{}` is empty: its HEAD names no commit", path.display())]
    Empty {
        /// The path of the repository.
        path: PathBuf,
    },
    /// HEAD is broken or names something that is not there.
    #[error("the HEAD of repository `{}` cannot be read", path.display())]
    Head {
        /// The path of the repository.
        path: PathBuf,
        /// What git said.
        #[source]
        source: git2::Error,
    },
    /// A revision names no commit here.
    #[error("revision `{revision}` names no commit in repository `{}`", path.display())]
    UnknownRevision {
        /// The revision as given.
        revision: String,
        /// The path of the repository.
        path: PathBuf,
    },
    /// A range begins where it ends, or after that.
    #[error("nothing lies between `{from}` and `{to}` in repository `{}`: a range ends later than it begins", path.display())]
    EmptyRange {
        /// Where it begins.
        from: String,
        /// Where it ends.
        to: String,
        /// The path of the repository.
        path: PathBuf,
    },
    /// The history is cut off.
    #[error("repository `{}` is a shallow clone; fetch the rest with `git fetch --unshallow`", path.display())]
    Shallow {
        /// The path of the repository.
        path: PathBuf,
    },
    /// Other parents than those of its commits are written beside the history.
    #[error("repository `{}` has `info/grafts`, which make its history another one; remove the file, or make it permanent with `git replace --convert-graft-file` and a rewritten history", path.display())]
    Grafted {
        /// The path of the repository.
        path: PathBuf,
    },
    /// An object of the history ends too early.
    #[error("object `{id}` of repository `{}` ends too early, as a full disk leaves it; `git fsck` tells what it was, and fetching it again mends it", path.display())]
    CutObject {
        /// The full id.
        id: String,
        /// The path of the repository.
        path: PathBuf,
    },
    /// The commits are there and nothing that they hold.
    #[error("repository `{}` is a partial clone without trees, so that nothing says what its commits changed; clone it without `--filter`", path.display())]
    Treeless {
        /// The path of the repository.
        path: PathBuf,
    },
    /// The commit to continue after is not where the present history comes from.
    #[error("commit `{after}` is not on the first-parent line of `{head}` in repository `{}`; the history was rewritten", path.display())]
    NotAncestor {
        /// Where the earlier walk ended.
        after: String,
        /// The present head.
        head: String,
        /// The path of the repository.
        path: PathBuf,
    },
    /// A commit is missing or broken; without it the order of the history is unknown.
    #[error("commit `{id}` of repository `{}` cannot be read", path.display())]
    Commit {
        /// The full id.
        id: String,
        /// The path of the repository.
        path: PathBuf,
        /// What git said.
        #[source]
        source: git2::Error,
    },
    /// A file cannot be read at a revision.
    #[error("`{file}` at `{revision}` in repository `{}` cannot be read", path.display())]
    File {
        /// The path inside the repository.
        file: String,
        /// The revision as given.
        revision: String,
        /// The path of the repository.
        path: PathBuf,
        /// What git said.
        #[source]
        source: git2::Error,
    },
    /// A worker thread ended without an answer.
    #[error("a worker reading repository `{}` stopped early", path.display())]
    WorkerLost {
        /// The path of the repository.
        path: PathBuf,
    },
}

/// Why a path is not opened. Git itself refuses a repository of another user.
fn unopened(source: &git2::Error) -> &'static str {
    match source.code() {
        git2::ErrorCode::Owner => {
            "belongs to another user: `git config --global --add safe.directory PATH`, by the user who runs this, allows it"
        }
        _ => "is not a git repository (a work tree or a bare directory)",
    }
}
