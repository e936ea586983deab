//! What the files of a log have in common.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::store::Error;

/// Where a file lies.
pub(super) fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What lies beside a file under its name and a suffix.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Makes sure that a directory remembers a file that is new in it.
pub(super) fn sync_directory(path: &Path) -> Result<(), Error> {
    sync(directory(path))
}

/// Waits until the disk has a file, or what a directory holds.
pub(super) fn sync(path: &Path) -> Result<(), Error> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|source| Error::file("sync", path, source))
}

/// Refuses a database that has a second name (a hard link), if it is there: SQLite keeps a journal for each name, and two of
/// them for one file spoil it.
pub(super) fn check_names(path: &Path) -> Result<(), Error> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.nlink() > 1 => {
            Err(Error::ManyNames { path: path.to_owned(), n_names: metadata.nlink() })
        }
        _ => Ok(()),
    }
}

/// A file under the name by which it was opened.
pub(super) struct OpenedFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl OpenedFile {
    /// What stands at a path; none where nothing does.
    pub(super) fn at(path: &Path) -> Option<Self> {
        let identity = identity(path).ok()?;
        Some(Self { path: path.to_owned(), identity })
    }

    /// What stands beside it under its name and a suffix.
    pub(super) fn beside(&self, suffix: &str) -> Option<Self> {
        Self::at(&with_suffix(&self.path, suffix))
    }

    /// # Errors
    /// Where the name is gone, or leads to another file: what is written goes where nobody will look.
    pub(super) fn check(&self) -> Result<(), Error> {
        let found = identity(&self.path).and_then(|found| match found == self.identity {
            true => Ok(()),
            false => Err(std::io::Error::new(ErrorKind::NotFound, "another file took its place")),
        });
        found.map_err(|source| Error::file("find again", &self.path, source))
    }
}

/// Device and inode.
fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    std::fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}
