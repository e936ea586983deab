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
use crate::store::files::{sync, sync_directory};
use crate::store::heads::Heads;
use crate::store::{Error, Log, StoreConfig, VerifyReport};

/// The database in a backup; `.key` and `.heads` lie beside it.
const DATABASE: &str = "diffrisk.db";

/// Copies a log into a directory (mode 0700, must not hold one yet), also while a service writes it, and
/// verifies the copy.
///
/// # Errors
/// When the log is no SQLite file, cannot be read, or the directory cannot be written.
pub async fn backup(store_config: &StoreConfig, dir: &Path) -> Result<VerifyReport, Error> {
    // Before anything is written: what cannot be copied leaves no copy of its key behind.
    sqlite_path(store_config)?;
    let database = Database::open_existing(store_config).await?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|source| Error::file("make", dir, source))?;
    let copy = in_backup(dir);
    let target = sqlite_path(&copy)?;
    copy_heads(&Heads::beside(store_config)?, &beside(&copy, "heads")?)?;
    copy_new(&beside(store_config, "key")?, &beside(&copy, "key")?)?;
    // Made first, so that it is its owner's alone; SQLite fills an empty file.
    new_file(&target)?;
    database.copy_to(&target).await?;
    database.close().await;
    sync(&target)?;
    sync(dir)?;
    verified(&copy).await
}

/// Verifies a backup and puts its files where a log is configured and none is yet.
///
/// # Errors
/// When the backup cannot be read, or a file of the log is there already.
pub async fn restore(dir: &Path, store_config: &StoreConfig) -> Result<VerifyReport, Error> {
    let copy = in_backup(dir);
    let report = verified(&copy).await?;
    if report.difference.is_some() {
        return Ok(report);
    }
    let target = sqlite_path(store_config)?;
    let (key, heads) = (beside(store_config, "key")?, beside(store_config, "heads")?);
    // Before anything is written: half a log is none. What SQLite left beside a database that is gone would be taken for
    // changes to the one that comes.
    let left = ["-wal", "-shm", "-journal"].map(|ending| with_suffix(&target, ending));
    if let Some(there) = [&key, &heads, &target].into_iter().chain(&left).find(|path| path.exists()) {
        return Err(in_the_way(there));
    }
    if Heads::beside(store_config)?.lines()?.next().is_some() {
        return Err(in_the_way(&heads));
    }
    let copies =
        [(beside(&copy, "key")?, &key), (beside(&copy, "heads")?, &heads), (sqlite_path(&copy)?, &target)];
    for (idx, (from, to)) in copies.iter().enumerate() {
        if let Err(error) = copy_new(from, to) {
            // Or the next try finds half a log in its way.
            let written = copies[..idx].iter().map(|(_, written)| *written);
            written.chain([*to]).for_each(|path| drop(fs::remove_file(path)));
            return Err(error);
        }
    }
    sync_directory(&target)?;
    verified(store_config).await
}

async fn verified(store_config: &StoreConfig) -> Result<VerifyReport, Error> {
    Log::open(store_config).await?.verify().await
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

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn copy_new(from: &Path, to: &Path) -> Result<(), Error> {
    let bytes = fs::read(from).map_err(|source| Error::file("read", from, source))?;
    let mut file = new_file(to)?;
    let written = file.write_all(&bytes).and_then(|()| file.sync_all());
    written.map_err(|source| Error::file("write", to, source))
}

/// Copies heads into one file, also those of files set aside.
fn copy_heads(heads: &Heads, to: &Path) -> Result<(), Error> {
    let failed = |source| Error::file("write", to, source);
    let mut file = BufWriter::new(new_file(to)?);
    for line in heads.lines()? {
        file.write_all(&line?).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
    }
    file.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)
}

/// A file that was not there; readable by its owner alone.
fn new_file(path: &Path) -> Result<File, Error> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    opened.map_err(|source| Error::file("make", path, source))
}
