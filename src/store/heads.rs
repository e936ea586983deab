//! The signed heads: append-only files outside the database that say how far a chain had come.
//!
//! One file grows until it has come to a size; then it is set aside under a number, and the next begins. What was set
//! aside is never written again, and goes when checkpoints stand for all that it vouches for.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::store::files::{directory, sync_directory};
use crate::store::key::SigningKey;
use crate::store::{Error, StoreConfig};

/// More than any line of a head.
const MAX_LINE_BYTES: u64 = 4096;

/// How far a chain had come, signed with the installation's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The chain.
    pub chain: String,
    /// Place of its newest record.
    pub seq: i64,
    /// Digest of that record, in hex.
    pub digest: String,
    /// When the head was signed, in Unix milliseconds.
    pub at_ms: i64,
    /// Place from which on every record of the chain carries a MAC; none in heads of versions that did not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_from: Option<i64>,
    /// HMAC-SHA256 over the above, in hex.
    pub mac: String,
}

/// Where heads go: files, or lines in memory for a log in memory.
#[derive(Clone)]
pub(super) enum Heads {
    Memory(Arc<Mutex<Vec<String>>>),
    Files {
        /// The one that grows. Those set aside lie beside it, with a number for an ending.
        path: PathBuf,
        /// Bytes at which it is set aside.
        set_aside_at: u64,
    },
}

/// Whole lines of heads files, oldest first, without their ends.
pub(super) type Lines = Box<dyn Iterator<Item = Result<Vec<u8>, Error>> + Send>;

impl Head {
    /// The head that a line is, if it is one.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

impl Heads {
    pub(super) fn beside(store_config: &StoreConfig) -> Result<Self, Error> {
        let set_aside_at = store_config.heads_set_aside_at.max(1);
        Ok(match store_config.file_beside("heads")? {
            Some(path) => Self::Files { path, set_aside_at },
            None => Self::Memory(Arc::default()),
        })
    }

    /// Appends one head and waits until the disk has it.
    pub(super) fn append(&self, head: &Head) -> Result<(), Error> {
        let mut line = serde_json::to_string(head).expect("a head is plain data");
        let (path, set_aside_at) = match self {
            Self::Memory(lines) => {
                locked(lines).push(line);
                return Ok(());
            }
            Self::Files { path, set_aside_at } => (path, set_aside_at),
        };
        line.push('\n');
        let is_new = !path.exists();
        let failed = |source| Error::file("append a signed head to", path, source);
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(failed)?;
        file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).map_err(failed)?;
        if is_new {
            sync_directory(path)?;
        }
        // Tried once at each multiple: a file that cannot be renamed goes on growing.
        let n_bytes = file.metadata().map_err(failed)?.len();
        let is_due = n_bytes / set_aside_at > n_bytes.saturating_sub(line.len() as u64) / set_aside_at;
        if is_due && let Err(error) = set_aside(path) {
            tracing::warn!(error = %error, "the file of signed heads goes on growing");
        }
        Ok(())
    }

    /// Begins a file for a chain's next head where it would follow another chain's, or a line that a crash cut.
    pub(super) fn begin(&self, chain: &str) -> Result<(), Error> {
        let Self::Files { path, .. } = self else { return Ok(()) };
        let end = read_end(path)?;
        let goes_on = end.is_empty() || last_head(&end).is_some_and(|head| head.chain == chain);
        if goes_on { Ok(()) } else { set_aside(path) }
    }

    /// The last head that the key signed.
    pub(super) fn newest(&self, signing_key: &SigningKey) -> Result<Option<Head>, Error> {
        let signed = |line: &[u8]| Head::parse(line).filter(|head| signing_key.signed(head).is_some());
        let path = match self {
            Self::Memory(lines) => {
                return Ok(locked(lines).iter().rev().find_map(|line| signed(line.as_bytes())));
            }
            Self::Files { path, .. } => path,
        };
        for path in std::iter::once(path.clone()).chain(aside(path)?.into_values().rev()) {
            if let Some(head) = whole_lines(&read(&path)?).rev().find_map(signed) {
                return Ok(Some(head));
            }
        }
        Ok(None)
    }

    /// Reads every line.
    pub(super) fn lines(&self) -> Result<Lines, Error> {
        let path = match self {
            Self::Memory(lines) => {
                let lines = locked(lines).clone();
                return Ok(Box::new(lines.into_iter().map(|line| Ok(line.into_bytes()))));
            }
            Self::Files { path, .. } => path.clone(),
        };
        // Opened before the others are listed: if it is set aside meanwhile it is read twice, not passed over.
        let growing = open(&path)?;
        let aside = aside(&path)?.into_values();
        let aside = aside.map(|path| open(&path).map(|file| (path, file)));
        let files = aside.chain(std::iter::once(Ok((path, growing))));
        Ok(Box::new(files.flat_map(|opened| match opened {
            Ok((path, file)) => lines_of(path, file),
            Err(error) => Box::new(std::iter::once(Err(error))),
        })))
    }

    /// Removes each file set aside that holds nothing but heads that something else stands for.
    pub(super) fn forget(&self, is_needless: impl Fn(&Head) -> bool) -> Result<(), Error> {
        let path = match self {
            Self::Memory(lines) => {
                locked(lines)
                    .retain(|line| !Head::parse(line.as_bytes()).is_some_and(|head| is_needless(&head)));
                return Ok(());
            }
            Self::Files { path, .. } => path,
        };
        for path in aside(path)?.into_values() {
            let needless = |line: &[u8]| Head::parse(line).is_some_and(|head| is_needless(&head));
            let is_over = last_head(&read_end(&path)?).is_some_and(|head| is_needless(&head));
            if is_over && whole_lines(&read(&path)?).all(needless) {
                std::fs::remove_file(&path).map_err(|source| Error::file("remove", &path, source))?;
            }
        }
        Ok(())
    }
}

fn locked(lines: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The files set aside, by number.
fn aside(path: &Path) -> Result<BTreeMap<u32, PathBuf>, Error> {
    let failed = |source| Error::file("list the files beside", path, source);
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let mut aside = BTreeMap::new();
    for entry in std::fs::read_dir(directory(path)).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let file_name = entry.file_name();
        let ending = file_name.as_encoded_bytes().strip_prefix(name).and_then(|rest| rest.strip_prefix(b"."));
        let number = ending.and_then(|ending| std::str::from_utf8(ending).ok()?.parse().ok());
        aside.extend(number.map(|number| (number, entry.path())));
    }
    Ok(aside)
}

/// The next head that is appended makes the directory remember both names.
fn set_aside(path: &Path) -> Result<(), Error> {
    let number = aside(path)?.last_key_value().map_or(1, |(number, _)| number + 1);
    let mut target = path.as_os_str().to_owned();
    target.push(format!(".{number:06}"));
    std::fs::rename(path, target).map_err(|source| Error::file("set aside", path, source))
}

/// Opens a file, if it is there.
fn open(path: &Path) -> Result<Option<File>, Error> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::file("read", path, source)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    if let Some(mut file) = open(path)? {
        file.read_to_end(&mut text).map_err(|source| Error::file("read", path, source))?;
    }
    Ok(text)
}

/// Enough of a file's end for its last line.
fn read_end(path: &Path) -> Result<Vec<u8>, Error> {
    let mut end = Vec::new();
    if let Some(mut file) = open(path)? {
        let read = file.metadata().and_then(|metadata| {
            file.seek(SeekFrom::Start(metadata.len().saturating_sub(MAX_LINE_BYTES)))?;
            file.read_to_end(&mut end)
        });
        read.map_err(|source| Error::file("read", path, source))?;
    }
    Ok(end)
}

/// The head that a file ends with; none where its last line is cut.
fn last_head(end: &[u8]) -> Option<Head> {
    Head::parse(end.strip_suffix(b"\n")?.rsplit(|byte| *byte == b'\n').next()?)
}

/// The lines of a text but for what follows the last end, which a crash cut.
fn whole_lines(text: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    let n_bytes = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    text[..n_bytes].split_inclusive(|byte| *byte == b'\n').map(|line| &line[..line.len() - 1])
}

/// The same of a file, read as they are asked for.
fn lines_of(path: PathBuf, file: Option<File>) -> Lines {
    let mut file = file.map(BufReader::new);
    Box::new(std::iter::from_fn(move || {
        let mut line = Vec::new();
        match file.as_mut()?.read_until(b'\n', &mut line) {
            Ok(_) => line.pop().filter(|end| *end == b'\n').map(|_| Ok(line)),
            Err(source) => {
                file = None;
                Some(Err(Error::file("read", &path, source)))
            }
        }
    }))
}
