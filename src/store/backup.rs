//! Copies of a log made while it is written, and put back where there is none.
//!
//! The heads are copied before the database: a copy may then know more records than its heads vouch for,
//! which is what a crash leaves as well, but never fewer.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::store::config::Address;
use crate::store::database::Database;
use crate::store::files::{sync, sync_directory, with_suffix};
use crate::store::heads::Heads;
use crate::store::{Error, Log, StoreConfig, VerifyReport};

/// The database in a backup; `.key` and `.heads` lie beside it.
const DATABASE: &str = "diffrisk.db";
/// What SQLite may leave beside a database.
const LEFT_BY_SQLITE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Copies a log into a directory (mode 0700, must not hold one yet), also while a service writes it, and
/// verifies the copy. A log of an older version is copied as it is.
///
/// # Errors
/// When the log is no SQLite file, cannot be read, or the directory cannot be written; nothing is left there then.
pub async fn backup(store_config: &StoreConfig, dir: &Path) -> Result<VerifyReport, Error> {
    // Before anything is written: what cannot be copied leaves no copy of its key behind.
    sqlite_path(store_config)?;
    let (database, _) = Database::open_to_copy(store_config).await?;
    let mut placed = Placed::default();
    placed.make_dir(dir)?;
    let copy = in_backup(dir);
    place(store_config, &database, &copy, &mut placed).await?;
    sync(dir)?;
    let report = verified(&copy).await?;
    placed.keep();
    Ok(report)
}

/// Verifies a backup and puts its files where a log is configured and none is yet: all heads in one file, and in the database
/// also what SQLite had left beside that of the backup (`-wal`).
///
/// # Errors
/// When the backup cannot be read, or a file of the log is there already; nothing is put there then.
pub async fn restore(dir: &Path, store_config: &StoreConfig) -> Result<VerifyReport, Error> {
    let copy = in_backup(dir);
    let report = verified(&copy).await?;
    if report.difference.is_some() {
        return Ok(report);
    }
    refuse_anything_there(store_config)?;
    let (database, _) = Database::open_to_copy(&copy).await?;
    let mut placed = Placed::default();
    place(&copy, &database, store_config, &mut placed).await?;
    sync_directory(&sqlite_path(store_config)?)?;
    let report = verified(store_config).await?;
    if report.difference.is_none() {
        placed.keep();
    }
    Ok(report)
}

/// Copies heads, key and database, in this order.
async fn place(
    from: &StoreConfig,
    database: &Database,
    to: &StoreConfig,
    placed: &mut Placed,
) -> Result<(), Error> {
    let target = sqlite_path(to)?;
    copy_heads(&Heads::beside(from)?, &placed.make(&beside(to, "heads")?)?)?;
    copy_key(&beside(from, "key")?, &placed.make(&beside(to, "key")?)?)?;
    // Made first, so that it is its owner's alone; SQLite fills an empty file.
    drop(placed.make(&target)?);
    database.copy_to(&target).await?;
    database.close().await;
    sync(&target)
}

/// Half a log is none. What SQLite left beside a database that is gone would be taken for changes to the one that comes.
fn refuse_anything_there(store_config: &StoreConfig) -> Result<(), Error> {
    let target = sqlite_path(store_config)?;
    let (key, heads) = (beside(store_config, "key")?, beside(store_config, "heads")?);
    let left = LEFT_BY_SQLITE.map(|suffix| with_suffix(&target, suffix));
    if let Some(there) = [&key, &heads, &target].into_iter().chain(&left).find(|path| path.exists()) {
        return Err(in_the_way(there));
    }
    match Heads::beside(store_config)?.lines()?.next() {
        Some(_) => Err(in_the_way(&heads)),
        None => Ok(()),
    }
}

/// Files of a copy that is being made; they go with it unless it is whole, so that the next one does not find half a log in
/// its way.
#[derive(Default)]
struct Placed {
    dir: Option<PathBuf>,
    files: Vec<PathBuf>,
    is_kept: bool,
}

/// A file that was not there.
struct NewFile {
    path: PathBuf,
    file: File,
}

impl Placed {
    /// Makes a directory where there is none, for its owner alone.
    fn make_dir(&mut self, dir: &Path) -> Result<(), Error> {
        let is_new = !dir.exists();
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.map_err(|source| Error::file("make", dir, source))?;
        self.dir = is_new.then(|| dir.to_owned());
        Ok(())
    }

    /// Makes a file, readable by its owner alone, that is not there.
    fn make(&mut self, path: &Path) -> Result<NewFile, Error> {
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = opened.map_err(|source| Error::file("make", path, source))?;
        self.files.push(path.to_owned());
        Ok(NewFile { path: path.to_owned(), file })
    }

    fn keep(&mut self) {
        self.is_kept = true;
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        for path in &self.files {
            let left = LEFT_BY_SQLITE.map(|suffix| with_suffix(path, suffix));
            std::iter::once(path).chain(&left).for_each(|path| drop(fs::remove_file(path)));
        }
        // Where something else lies in it, it stays.
        self.dir.iter().for_each(|dir| drop(fs::remove_dir(dir)));
    }
}

async fn verified(store_config: &StoreConfig) -> Result<VerifyReport, Error> {
    Log::open_copy(store_config).await?.verify().await
}

fn in_backup(dir: &Path) -> StoreConfig {
    StoreConfig::new(format!("sqlite://{}", dir.join(DATABASE).display()))
}

fn in_the_way(there: &Path) -> Error {
    let source = io::Error::new(ErrorKind::AlreadyExists, "it is there already, and nothing is written over");
    Error::file("make", there, source)
}

fn sqlite_path(store_config: &StoreConfig) -> Result<PathBuf, Error> {
    match store_config.address()? {
        Address::Sqlite(path) => Ok(path),
        Address::Memory | Address::Postgres(_) => Err(Error::NotAFile),
    }
}

fn beside(store_config: &StoreConfig, ending: &str) -> Result<PathBuf, Error> {
    store_config.file_beside(ending)?.ok_or(Error::NotAFile)
}

fn copy_key(from: &Path, to: &NewFile) -> Result<(), Error> {
    let bytes = fs::read(from).map_err(|source| Error::file("read", from, source))?;
    let written = (&to.file).write_all(&bytes).and_then(|()| to.file.sync_all());
    written.map_err(|source| Error::file("write", &to.path, source))
}

/// Copies heads into one file, also those of files set aside.
fn copy_heads(heads: &Heads, to: &NewFile) -> Result<(), Error> {
    let failed = |source| Error::file("write", &to.path, source);
    let mut file = BufWriter::new(&to.file);
    for line in heads.lines()? {
        file.write_all(&line?).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
    }
    file.flush().and_then(|()| to.file.sync_all()).map_err(failed)
}
