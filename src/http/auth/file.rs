use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Ask for scores, and have repositories refreshed.
    Score,
    /// Read decisions, the model, the policy and metrics.
    Read,
    /// Report outcomes.
    Outcome,
    /// Override a decision.
    Override,
    /// Change the model or the policy.
    Admin,
}

/// One key in the file; the key itself is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// The first hex digits of the hash; names this key among those of one name.
    pub id: String,
    /// Who holds it; rate limits and idempotency go by this name.
    pub name: String,
    /// SHA-256 of the key, in hex.
    pub sha256: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: jiff::Timestamp,
    /// When it ends; a rotation gives the old key some time beside the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<jiff::Timestamp>,
}

/// The key file: TOML, mode 0600, replaced as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    /// The keys.
    #[serde(default, rename = "key")]
    pub keys: Vec<KeyEntry>,
}

/// Why a key file could not be read, changed or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file could not be read or written.
    #[error("cannot {what} the key file `{}`", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("`{}` is not a key file: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// No key has this name or id.
    #[error("no key has the name or id `{0}`")]
    Unknown(String),
    /// A name that cannot be logged.
    #[error("`{0}` is no name for a key; expected 1 to 64 letters, digits, `-`, `_` or `.`")]
    Name(String),
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] = [Self::Score, Self::Read, Self::Outcome, Self::Override, Self::Admin];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Read => "read",
            Self::Outcome => "outcome",
            Self::Override => "override",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == word);
        found.ok_or_else(|| {
            format!("`{word}` is not a scope; expected score, read, outcome, override or admin")
        })
    }
}

impl KeyFile {
    /// Reads a key file.
    ///
    /// # Errors
    /// When it is not there or is no key file.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File { what: "read", path: path.to_owned(), source };
        Self::parse(path, &std::fs::read_to_string(path).map_err(failed)?)
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, KeyError> {
        let malformed = |message| KeyError::Malformed { path: path.to_owned(), message };
        let key_file: Self = toml::from_str(text).map_err(|error| malformed(place(text, &error)))?;
        let is_hash = |entry: &KeyEntry| hex::decode(&entry.sha256).is_ok_and(|bytes| bytes.len() == 32);
        match key_file.keys.iter().find(|entry| !is_hash(entry) || !is_name(&entry.name)) {
            Some(entry) => Err(malformed(format!("the key `{}` has no SHA-256 or no name", entry.id))),
            None => Ok(key_file),
        }
    }

    /// Replaces the file as a whole, readable by its owner alone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let failed = |source| KeyError::File { what: "write", path: path.to_owned(), source };
        let text = toml::to_string(self).expect("a key file is plain data");
        let next = path.with_extension("new");
        let mut options = std::fs::OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).mode(0o600).open(&next);
        let mut file = opened.map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        std::fs::rename(&next, path).map_err(failed)
    }

    /// Makes a key. The answer is the key itself, shown once and kept nowhere.
    ///
    /// # Errors
    /// When the name cannot be logged, or no randomness is to be had.
    pub fn add(&mut self, name: &str, scopes: &[Scope], now: jiff::Timestamp) -> Result<String, KeyError> {
        if !is_name(name) {
            return Err(KeyError::Name(name.to_owned()));
        }
        let key = random_key()?;
        let sha256 = hex::encode(Sha256::digest(key.as_bytes()));
        let id = sha256[..8].to_owned();
        let scopes = scopes.to_vec();
        let entry = KeyEntry { id, name: name.to_owned(), sha256, scopes, created_at: now, expires_at: None };
        self.keys.push(entry);
        Ok(key)
    }

    /// Makes a new key of a name beside the old ones, which end at `old_until`.
    ///
    /// # Errors
    /// When no key has the name, or no randomness is to be had.
    pub fn rotate(
        &mut self,
        name: &str,
        now: jiff::Timestamp,
        old_until: jiff::Timestamp,
    ) -> Result<String, KeyError> {
        let mut scopes = None;
        for entry in self.keys.iter_mut().filter(|entry| entry.name == name) {
            entry.expires_at = Some(entry.expires_at.map_or(old_until, |until| until.min(old_until)));
            scopes = Some(entry.scopes.clone());
        }
        let scopes = scopes.ok_or_else(|| KeyError::Unknown(name.to_owned()))?;
        self.add(name, &scopes, now)
    }

    /// Takes away every key of a name, or the one of an id; says how many.
    ///
    /// # Errors
    /// When there is none.
    pub fn revoke(&mut self, name_or_id: &str) -> Result<usize, KeyError> {
        let n_before = self.keys.len();
        self.keys.retain(|entry| entry.name != name_or_id && entry.id != name_or_id);
        match n_before - self.keys.len() {
            0 => Err(KeyError::Unknown(name_or_id.to_owned())),
            n_revoked => Ok(n_revoked),
        }
    }

    /// The key that a caller showed, if it is one and has not ended. Compares every hash, each in constant time.
    pub fn find(&self, key: &str, now: jiff::Timestamp) -> Option<&KeyEntry> {
        let shown = hex::encode(Sha256::digest(key.as_bytes()));
        let mut found = None;
        for entry in &self.keys {
            let same: Choice = entry.sha256.as_bytes().ct_eq(shown.as_bytes());
            if bool::from(same) {
                found = Some(entry);
            }
        }
        found.filter(|entry| entry.expires_at.is_none_or(|until| now < until))
    }
}

/// What is wrong and in which line. The parser's own text quotes that line, and a line may hold a key.
fn place(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start);
    let line = text.get(..start).unwrap_or("").matches('\n').count() + 1;
    format!("line {line}: {}", error.message().replace('\n', " "))
}

fn is_name(name: &str) -> bool {
    let is_ordinary = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=64).contains(&name.len()) && name.bytes().all(is_ordinary)
}

fn random_key() -> Result<String, KeyError> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0; 32];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|source| KeyError::File { what: "draw randomness for", path: path.to_owned(), source })?;
    Ok(format!("drk_{}", hex::encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> jiff::Timestamp {
        jiff::Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_key_is_found_until_it_ends_or_is_revoked() {
        let mut key_file = KeyFile::default();
        let old = key_file.add("ci", &[Scope::Score], at(0)).unwrap();
        let new = key_file.rotate("ci", at(10), at(20)).unwrap();
        assert_eq!(key_file.find(&old, at(19)).unwrap().scopes, [Scope::Score]);
        assert_eq!(key_file.find(&old, at(20)), None);
        assert!(key_file.find(&new, at(99)).is_some());
        assert_eq!(key_file.find("drk_", at(0)), None);
        assert_eq!(key_file.revoke("ci").unwrap(), 2);
        assert_eq!(key_file.find(&new, at(11)), None);
        assert!(key_file.revoke("ci").is_err() && key_file.add("a b", &[], at(0)).is_err());
    }

    #[test]
    fn a_saved_file_reads_back_and_holds_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        let mut key_file = KeyFile::default();
        let key = key_file.add("ci", &Scope::ALL, at(1)).unwrap();
        key_file.save(&path).unwrap();
        assert_eq!(KeyFile::load(&path).unwrap(), key_file);
        assert!(!std::fs::read_to_string(&path).unwrap().contains(&key[4..]));
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(key.len() >= 64);
    }
}
