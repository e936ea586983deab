//! The installation's key, and what it signs.

use std::io::Write;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::store::files::sync_directory;
use crate::store::heads::Head;
use crate::store::record::{Record, RecordDigest};
use crate::store::tail::Tail;
use crate::store::{Error, StoreConfig};

/// The key that signs records, heads and checkpoints; never shown.
#[derive(Clone)]
pub(super) struct SigningKey([u8; 32]);

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
        // Half a key under this name would keep every later start away.
        let write = || -> std::io::Result<()> {
            let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let mut file = tempfile::NamedTempFile::new_in(dir)?;
            writeln!(file, "{}", hex::encode(key.0))?;
            file.as_file().sync_all()?;
            file.persist_noclobber(path).map(drop).map_err(|error| error.error)
        };
        write().map_err(|source| Error::file("write", path, source))?;
        sync_directory(path)?;
        Ok(key)
    }

    fn random(path: &Path) -> Result<Self, Error> {
        let mut bytes = [0; 32];
        let drawn = getrandom::fill(&mut bytes);
        drawn.map_err(|error| Error::file("draw a signing key for", path, std::io::Error::other(error)))?;
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
        let (seq, at) = (place.1.to_string(), at_ms.to_string());
        mac.update([purpose, place.0, &seq, &hex::encode(digest), &at].join("\n").as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The head of a chain that has come so far.
    pub(super) fn sign_head(&self, tail: &Tail, at_ms: i64) -> Head {
        let mut head = Head {
            chain: tail.chain.clone(),
            seq: tail.seq,
            digest: hex::encode(tail.digest),
            at_ms,
            sealed_from: Some(tail.sealed_from),
            mac: String::new(),
        };
        head.mac = self.head_mac(&head, &tail.digest);
        head
    }

    fn head_mac(&self, head: &Head, digest: &RecordDigest) -> String {
        let purpose = match head.sealed_from {
            Some(sealed_from) => format!("diffrisk head 2 sealed from {sealed_from}"),
            None => "diffrisk head 1".to_owned(),
        };
        hex::encode(self.mac(&purpose, (&head.chain, head.seq), digest, head.at_ms))
    }

    /// The MAC of a record in its place.
    pub(super) fn seal(&self, record: &Record) -> [u8; 32] {
        self.mac("diffrisk record 1", (&record.chain, record.seq), &record.digest, record.at_ms)
    }

    /// Whether a record is as this installation wrote it.
    pub(super) fn wrote(&self, record: &Record) -> bool {
        record.is_intact() && record.mac.is_some_and(|mac| mac.ct_eq(&self.seal(record)).into())
    }

    /// The digest that a head vouches for, if this installation signed it.
    pub(super) fn signed(&self, head: &Head) -> Option<RecordDigest> {
        let digest = hex::decode(&head.digest).ok()?.try_into().ok()?;
        let is_ours = hex::encode(digest) == head.digest && self.head_mac(head, &digest) == head.mac;
        is_ours.then_some(digest)
    }
}
