//! The key file: read, checked, changed and written whole. It holds hashes of keys, never a key. Start at [`KeyFile`].

use std::collections::BTreeSet;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::http::stamp;

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

/// The key file: TOML, replaced as a whole; a new one is its owner's alone (mode 0600).
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
    /// The system has no randomness to draw a key from.
    #[error("cannot draw randomness for a key")]
    Random(#[source] std::io::Error),
    /// The file holds something else.
    #[error("`{}` is not a key file: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// Keys of one name may do different things: one new key cannot stand for them.
    #[error("the keys of `{0}` have different scopes: revoke all but one by their ids first")]
    Scopes(String),
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
        let malformed =
            |_| KeyError::Malformed { path: path.to_owned(), message: "it is not UTF-8".to_owned() };
        Self::parse(path, &String::from_utf8(stamp::read(path).map_err(failed)?).map_err(malformed)?)
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, KeyError> {
        let malformed = |message| KeyError::Malformed { path: path.to_owned(), message };
        let mut key_file: Self = toml::from_str(text).map_err(|error| malformed(place(text, &error)))?;
        key_file.keys.iter_mut().for_each(|entry| entry.sha256.make_ascii_lowercase());
        let is_hash = |entry: &KeyEntry| hex::decode(&entry.sha256).is_ok_and(|bytes| bytes.len() == 32);
        match key_file.keys.iter().find(|entry| !is_hash(entry) || !is_name(&entry.name)) {
            Some(entry) => Err(malformed(format!("the key `{}` has no SHA-256 or no name", entry.id))),
            None => Ok(key_file),
        }
    }

    /// Reads the file, changes the keys and replaces the file as a whole, one process at a time: another may just be
    /// taking a key away. Mode and owner stay; what a symbolic link leads to is replaced, not the link.
    ///
    /// # Errors
    /// When it is not there or is no key file, cannot be written, or the change fails; it stays as it was then.
    pub fn change<T>(
        path: &Path,
        change: impl FnOnce(&mut Self) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        Self::change_locked(path, Self::load, change)
    }

    /// As [`KeyFile::change`], beginning a file where there is none yet.
    ///
    /// # Errors
    /// As [`KeyFile::change`], but for a file that is not there.
    pub fn change_or_make<T>(
        path: &Path,
        change: impl FnOnce(&mut Self) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        let load = |path: &Path| if path.exists() { Self::load(path) } else { Ok(Self::default()) };
        Self::change_locked(path, load, change)
    }

    fn change_locked<T>(
        path: &Path,
        load: impl FnOnce(&Path) -> Result<Self, KeyError>,
        change: impl FnOnce(&mut Self) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let _lock = lock(path)?;
        let mut key_file = load(path)?;
        let changed = change(&mut key_file)?;
        key_file.save(path)?;
        Ok(changed)
    }

    /// Replaces the file as a whole, with the owner and mode that it has. Whoever else may be changing it is passed over:
    /// see [`KeyFile::change`].
    ///
    /// # Errors
    /// When it cannot be written, or owner and mode cannot be kept.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let failed = |source| KeyError::File { what: "write", path: path.to_owned(), source };
        let text = toml::to_string(self).expect("a key file is plain data");
        let next = beside(path, "new");
        let mut file = new_file(&next).map_err(failed)?;
        if let Some(metadata) = found(path).map_err(failed)? {
            let kept = keep_access(&file, &metadata);
            kept.map_err(|source| KeyError::File {
                what: "keep owner and mode of",
                path: path.to_owned(),
                source,
            })?;
        }
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
    /// When no key has the name, those that have it may do different things, or no randomness is to be had.
    pub fn rotate(
        &mut self,
        name: &str,
        now: jiff::Timestamp,
        old_until: jiff::Timestamp,
    ) -> Result<String, KeyError> {
        let is_of_name = |entry: &&KeyEntry| entry.name == name;
        let is_valid = |entry: &&KeyEntry| entry.expires_at.is_none_or(|until| until > now);
        let mut newest_first = self.keys.iter().rev().filter(is_of_name);
        let newest = newest_first.clone().find(is_valid).or_else(|| newest_first.next());
        let newest = newest.ok_or_else(|| KeyError::Unknown(name.to_owned()))?;
        let may = |entry: &KeyEntry| entry.scopes.iter().copied().collect::<BTreeSet<_>>();
        let valid = self.keys.iter().filter(is_of_name).filter(is_valid);
        if valid.map(may).collect::<BTreeSet<_>>().len() > 1 {
            return Err(KeyError::Scopes(name.to_owned()));
        }
        let scopes = newest.scopes.clone();
        for entry in self.keys.iter_mut().filter(|entry| entry.name == name) {
            entry.expires_at = Some(entry.expires_at.map_or(old_until, |until| until.min(old_until)));
        }
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

/// Held while a key file is read, changed and replaced; the lock lies beside it, since the file itself is another one after.
fn lock(path: &Path) -> Result<File, KeyError> {
    let lock_path = beside(path, "lock");
    let failed = |source| KeyError::File { what: "lock", path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    let opened = options.write(true).create(true).truncate(false).mode(0o600).open(lock_path);
    let file = opened.map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// A file that was not there, readable by its owner alone; what a crash left under its name goes.
fn new_file(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn found(path: &Path) -> io::Result<Option<Metadata>> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        metadata => metadata.map(Some),
    }
}

/// Whoever could read the file before can read the next one, and nobody else.
fn keep_access(file: &File, before: &Metadata) -> io::Result<()> {
    let now = file.metadata()?;
    if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
        fchown(file, Some(before.uid()), Some(before.gid()))?;
    }
    file.set_permissions(before.permissions())
}

/// What is wrong and in which line. The parser's own text quotes that line, and a line may hold a key.
fn place(text: &str, error: &toml::de::Error) -> String {
    format!("line {}: {}", line_of(text, error), without_values(error.message()))
}

/// What a parser of TOML says, without the values that it quotes: any of them may be a password.
pub(in crate::http) fn without_values(message: &str) -> String {
    let quoted = |(idx, part): (usize, &str)| if idx % 2 == 1 { "…".to_owned() } else { part.to_owned() };
    message.replace('\n', " ").split('"').enumerate().map(quoted).collect::<Vec<_>>().join("\"")
}

/// The line, from 1, at which a parser of TOML stopped.
pub(in crate::http) fn line_of(text: &str, error: &toml::de::Error) -> usize {
    let start = error.span().map_or(0, |span| span.start);
    text.get(..start).unwrap_or("").matches('\n').count() + 1
}

fn is_name(name: &str) -> bool {
    let is_ordinary = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=64).contains(&name.len()) && name.bytes().all(is_ordinary)
}

fn random_key() -> Result<String, KeyError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| KeyError::Random(std::io::Error::other(error)))?;
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
        assert!(key_file.find(&new, at(99)).is_some(), "it has no end yet");
        assert_eq!(key_file.find("drk_", at(0)), None);
        // What ends sooner is not prolonged.
        key_file.rotate("ci", at(12), at(90)).unwrap();
        assert_eq!(key_file.find(&old, at(20)), None);
        assert!(key_file.find(&new, at(89)).is_some() && key_file.find(&new, at(90)).is_none());
        assert_eq!(key_file.revoke("ci").unwrap(), 3);
        assert_eq!(key_file.find(&new, at(11)), None);
        assert!(key_file.revoke("ci").is_err() && key_file.add("a b", &[], at(0)).is_err());
    }

    #[test]
    fn a_saved_file_reads_back_and_holds_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        let key = KeyFile::change_or_make(&path, |key_file| key_file.add("ci", &Scope::ALL, at(1))).unwrap();
        assert!(KeyFile::load(&path).unwrap().find(&key, at(1)).is_some());
        assert!(!std::fs::read_to_string(&path).unwrap().contains(&key[4..]));
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(key.len() >= 64);
    }

    #[test]
    fn a_change_keeps_mode_and_link_of_the_file() {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("keys.toml"), dir.path().join("link.toml"));
        let add = |path: &Path, name: &str| {
            KeyFile::change_or_make(path, |key_file| key_file.add(name, &[Scope::Score], at(1))).unwrap();
        };
        add(&path, "a");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for mode in [0o644, 0o440, 0o600] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            add(&link, "b");
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(KeyFile::load(&path).unwrap().keys.len(), 4);
        let before = std::fs::read(&path).unwrap();
        assert!(KeyFile::change(&path, |key_file| key_file.revoke("nobody")).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), before);
        let missing = KeyFile::change(&dir.path().join("none.toml"), |key_file| key_file.revoke("a"));
        assert!(matches!(missing, Err(KeyError::File { what: "read", .. })), "{missing:?}");
    }

    #[test]
    fn a_key_that_is_taken_away_stays_away_whoever_else_changes_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        KeyFile::change_or_make(&path, |key_file| key_file.add("leaked", &[Scope::Score], at(1))).unwrap();
        std::thread::scope(|scope| {
            for n in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    let name = format!("ci{n}");
                    KeyFile::change(path, |key_file| key_file.add(&name, &[Scope::Score], at(1))).unwrap();
                });
            }
            scope.spawn(|| KeyFile::change(&path, |key_file| key_file.revoke("leaked")).unwrap());
        });
        let mut names: Vec<String> =
            KeyFile::load(&path).unwrap().keys.into_iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        assert_eq!(names, (0..8).map(|n| format!("ci{n}")).collect::<Vec<_>>());
    }
}
