//! What the files of a log have in common.

use std::fs::File;
use std::path::Path;

use crate::store::Error;

/// Where a file lies.
pub(super) fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
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
