//! The signed heads: an append-only file outside the database that says how far a chain had come.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::store::record::{Record, RecordDigest};
use crate::store::{Error, StoreConfig};

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
    /// HMAC-SHA256 over the above, in hex.
    pub mac: String,
}

/// The key that signs records, heads and checkpoints; never shown.
#[derive(Clone)]
pub(super) struct SigningKey([u8; 32]);

/// Where heads go: a file, or memory for a log in memory.
#[derive(Clone)]
pub(super) enum Heads {
    Memory(Arc<Mutex<Vec<Head>>>),
    File(PathBuf),
}

impl SigningKey {
    /// Reads the installation's key, or makes one where there is none yet.
    pub(super) fn load_or_make(store_config: &StoreConfig) -> Result<Self, Error> {
        let Some(path) = store_config.file_beside("key")? else { return Self::random(Path::new("")) };
        if path.exists() { Self::load(&path) } else { Self::make(&path) }
    }

    pub(super) fn load(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::file("read", path, source))?;
        let malformed =
            || Error::Malformed { path: path.to_owned(), expected: "a signing key (64 hex digits)" };
        let bytes = hex::decode(text.trim()).map_err(|_| malformed())?;
        bytes.try_into().map(Self).map_err(|_| malformed())
    }

    fn make(path: &Path) -> Result<Self, Error> {
        let key = Self::random(path)?;
        let failed = |source| Error::file("write", path, source);
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        writeln!(file, "{}", hex::encode(key.0)).and_then(|()| file.sync_all()).map_err(failed)?;
        sync_directory(path)?;
        Ok(key)
    }

    fn random(path: &Path) -> Result<Self, Error> {
        let mut bytes = [0; 32];
        let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
        read.map_err(|source| Error::file("draw a signing key for", path, source))?;
        Ok(Self(bytes))
    }

    /// HMAC-SHA256 over a purpose, a chain, a place, a digest and a moment.
    pub(super) fn mac(
        &self,
        purpose: &str,
        place: (&str, i64),
        digest: &RecordDigest,
        at_ms: i64,
    ) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(
            format!("{purpose}\n{}\n{}\n{}\n{at_ms}", place.0, place.1, hex::encode(digest)).as_bytes(),
        );
        mac.finalize().into_bytes().into()
    }

    pub(super) fn sign_head(&self, place: (&str, i64), digest: &RecordDigest, at_ms: i64) -> Head {
        let mac = hex::encode(self.mac("diffrisk head 1", place, digest, at_ms));
        Head { chain: place.0.to_owned(), seq: place.1, digest: hex::encode(digest), at_ms, mac }
    }

    /// The MAC of a record in its place.
    pub(super) fn seal(&self, record: &Record) -> [u8; 32] {
        self.mac("diffrisk record 1", (&record.chain, record.seq), &record.digest, record.at_ms)
    }

    /// Whether a record is as this installation wrote it.
    pub(super) fn wrote(&self, record: &Record) -> bool {
        record.is_intact() && record.mac == Some(self.seal(record))
    }

    pub(super) fn signed(&self, head: &Head) -> bool {
        let Some(digest) = hex::decode(&head.digest).ok().and_then(|bytes| bytes.try_into().ok()) else {
            return false;
        };
        self.sign_head((&head.chain, head.seq), &digest, head.at_ms) == *head
    }
}

impl Heads {
    pub(super) fn beside(store_config: &StoreConfig) -> Result<Self, Error> {
        Ok(match store_config.file_beside("heads")? {
            Some(path) => Self::File(path),
            None => Self::Memory(Arc::default()),
        })
    }

    /// Appends one head and waits until the disk has it.
    pub(super) fn append(&self, head: &Head) -> Result<(), Error> {
        let path = match self {
            Self::Memory(heads) => {
                heads.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
                return Ok(());
            }
            Self::File(path) => path,
        };
        let is_new = !path.exists();
        let failed = |source| Error::file("append a signed head to", path, source);
        let mut line = serde_json::to_string(head).expect("a head is plain data");
        line.push('\n');
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(failed)?;
        file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).map_err(failed)?;
        if is_new { sync_directory(path) } else { Ok(()) }
    }

    /// Every line: a head, or the number of the line that is none. A cut last line is what a crash leaves, and is skipped.
    pub(super) fn read(&self) -> Result<Vec<Result<Head, usize>>, Error> {
        let path = match self {
            Self::Memory(heads) => {
                let heads = heads.lock().unwrap_or_else(PoisonError::into_inner);
                return Ok(heads.iter().cloned().map(Ok).collect());
            }
            Self::File(path) => path,
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(Error::file("read", path, source)),
        };
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let parse = |(idx, line)| serde_json::from_str(line).map_err(|_| idx + 1);
        Ok(whole.lines().enumerate().map(parse).collect())
    }
}

/// Makes sure that a directory remembers a new file.
fn sync_directory(path: &Path) -> Result<(), Error> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|source| Error::file("sync", directory, source))
}
