use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::cli::failure::Failure;
use crate::cli::output::note;

/// Where folded histories are kept: as asked for, else under the user's cache folder, else beside
/// other temporary files.
pub fn cache_dir(asked: Option<&Path>) -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let of_user = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let default = || of_user().unwrap_or_else(std::env::temp_dir).join("diffrisk");
    asked.map_or_else(default, Path::to_owned)
}

/// The cache of a command that gives one answer and ends.
pub enum CacheDir {
    /// One that stays.
    Kept(PathBuf),
    /// One that goes with the command.
    Passing(TempDir),
}

impl CacheDir {
    /// The directory asked for, which must be usable; else the user's, or one of its own where that is not: a cache is
    /// there to save time, not to stop anybody.
    pub fn for_one_answer(asked: Option<&Path>) -> Result<Self, Failure> {
        let dir = cache_dir(asked);
        let Err(error) = usable(&dir) else { return Ok(Self::Kept(dir)) };
        let why = format!("the cache `{}` cannot be used: {error}", dir.display());
        if asked.is_some() {
            return Err(Failure::bad_input(why));
        }
        note(&format!("{why}; the whole history is read, `--cache` names another"));
        Ok(Self::Passing(TempDir::new()?))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        match self {
            Self::Kept(dir) => dir,
            Self::Passing(dir) => dir.path(),
        }
    }
}

/// Whether files can be made in a directory, which is made where it is not there, and whether it is the user's own:
/// what somebody else folded is not to be trusted.
fn usable(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let own = tempfile::tempfile_in(dir)?.metadata()?.uid();
    if fs::metadata(dir)?.uid() == own { Ok(()) } else { Err(io::Error::other("it belongs to another user")) }
}
