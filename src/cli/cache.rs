//! Which directory folded histories are kept in, and whether it may be trusted. A cache saves time and never decides
//! whether there is an answer, unless somebody named one that cannot be used. Start at [`CacheDir::of`].

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use diffrisk::http::Settings;
use tempfile::TempDir;

use crate::cli::failure::Failure;
use crate::cli::output::note;

const WRITABLE_BY_ALL: u32 = 0o002;
const TRIED_BYTES: usize = 64 << 10;

/// The cache of a command.
pub enum CacheDir {
    /// One that stays.
    Kept(PathBuf),
    /// One of its own, that goes with the command.
    Passing(TempDir),
}

impl CacheDir {
    /// The directory asked for, which must be usable; else the user's, or one of its own where that is not: a cache is
    /// there to save time, not to stop anybody.
    pub fn of(asked: Option<&Path>) -> Result<Self, Failure> {
        let dir = asked.map_or_else(Settings::default_cache, Path::to_owned);
        let Err(error) = usable(&dir) else { return Ok(Self::Kept(dir)) };
        let why = format!("the cache `{}` cannot be used: {error}", dir.display());
        if asked.is_some() {
            return Err(Failure::bad_input(why));
        }
        Self::instead(&why)
    }

    /// One of its own, in the place of the user's that cannot be used; says why.
    pub fn instead(why: &str) -> Result<Self, Failure> {
        // Private whatever the umask is: what was folded there is trusted until the command ends.
        let private = Permissions::from_mode(0o700);
        let made = tempfile::Builder::new().permissions(private).tempdir().map_err(|error| {
            let temporary = std::env::temp_dir();
            let temporary = temporary.display();
            Failure::bad_input(format!(
                "{why}, nor can a directory be made in `{temporary}`: {error}; `--cache` names another, `TMPDIR` another place for \
                 what is temporary"
            ))
        })?;
        note(&format!("{why}; the whole history is read, `--cache` names another"));
        Ok(Self::Passing(made))
    }

    /// The same for a service, whose settings name a directory in any case: the user's own is the one that nobody asked for.
    pub fn of_service(dir: &Path) -> Result<Self, Failure> {
        Self::of(Some(dir).filter(|dir| **dir != Settings::default_cache()))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        match self {
            Self::Kept(dir) => dir,
            Self::Passing(dir) => dir.path(),
        }
    }
}

/// Why the cache at a directory is not to be trusted, where it is there already; nothing is made.
pub fn distrusted(dir: &Path) -> Option<String> {
    let error = dir.is_dir().then(|| usable(dir)).and_then(Result::err)?;
    Some(format!("cache: `{}` cannot be used: {error}", dir.display()))
}

/// Whether files can be made in a directory, which is made where it is not there, and whether it is the user's own, or of
/// root, as a mounted volume is, and nobody's to write besides: what somebody else folded is not to be trusted.
fn usable(dir: &Path) -> io::Result<()> {
    // Whatever the umask is: what is made here is refused by nobody later.
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mut tried = tempfile::tempfile_in(dir)?;
    // A full disk takes the name of a file.
    tried.write_all(&[0; TRIED_BYTES])?;
    let own = tried.metadata()?.uid();
    let found = fs::metadata(dir)?;
    if ![own, 0].contains(&found.uid()) {
        Err(io::Error::other("it belongs to another user"))
    } else if found.mode() & WRITABLE_BY_ALL != 0 {
        Err(io::Error::other("every user may write to it"))
    } else {
        Ok(())
    }
}
