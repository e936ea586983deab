//! Where the log lies and how it is kept, checked before anything is opened. An address that is not understood is refused, never
//! guessed.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::store::Error;
use crate::store::database::postgres_options;
use crate::store::files::{check_names, directory, with_suffix};
use crate::store::key::SigningKey;

/// Where the decision log lives and how it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreConfig {
    /// `sqlite://FILE`, `postgres://…` or `memory`.
    pub url: String,
    /// Where the signing key, the signed heads and the lock lie: files with this stem and the
    /// endings `.key`, `.heads` (and `.heads.NUMBER`), `.lock`. Absent: beside an SQLite file, else `diffrisk` in the working directory.
    pub stem: Option<PathBuf>,
    /// Appends that may wait; one more is refused at once.
    pub n_queued: usize,
    /// Longest time between a commit and its signed head.
    pub head_every: Duration,
    /// Bytes at which the file of signed heads is set aside under a number, and the next one begins.
    pub heads_set_aside_at: u64,
    /// Records older than this are pruned to a signed checkpoint; none keeps everything.
    pub retention: Option<Duration>,
    /// How long an idempotency key is remembered.
    pub idempotency: Duration,
}

/// Which database an address means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Address {
    Memory,
    Sqlite(PathBuf),
    Postgres(String),
}

impl StoreConfig {
    /// The defaults for an address: everything is kept, keys are remembered for 24 hours.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            stem: None,
            n_queued: 1024,
            head_every: Duration::from_millis(100),
            heads_set_aside_at: 4 << 20,
            retention: None,
            idempotency: Duration::from_secs(24 * 3600),
        }
    }

    /// Whether the address is one, and the directories are there that files would be made in.
    ///
    /// # Errors
    /// Which address is none, or which directory cannot be read.
    pub fn check(&self) -> Result<(), Error> {
        match self.address()? {
            Address::Memory => return Ok(()),
            Address::Sqlite(path) => {
                check_directory(&path)?;
                check_database(&path)?;
                check_names(&path)?;
                // What a process that was killed left beside it is written as well.
                for path in ["", "-wal"].map(|suffix| with_suffix(&path, suffix)) {
                    check_writable(&path)?;
                }
            }
            Address::Postgres(url) => drop(postgres_options(&url)?),
        }
        let Some(key_path) = self.file_beside("key")? else { return Ok(()) };
        let others: Vec<PathBuf> = self.file_beside("heads")?.into_iter().chain(self.locks()?).collect();
        // What is there already need not be made.
        if !others.iter().chain([&key_path]).all(|path| path.exists()) {
            check_directory(&key_path)?;
        }
        if key_path.exists() {
            SigningKey::load(&key_path)?;
        }
        others.iter().try_for_each(|path| check_writable(path))
    }

    pub(super) fn address(&self) -> Result<Address, Error> {
        if self.url == "memory" {
            return Ok(Address::Memory);
        }
        // Others write options behind a question mark, and would get a file of that name.
        let is_path = |path: &&str| !path.is_empty() && !path.contains('?');
        if let Some(path) = self.url.strip_prefix("sqlite://").filter(is_path) {
            return Ok(Address::Sqlite(PathBuf::from(path)));
        }
        if self.url.starts_with("postgres://") || self.url.starts_with("postgresql://") {
            return Ok(Address::Postgres(self.url.clone()));
        }
        Err(Error::Address { url: without_password(&self.url) })
    }

    /// The file beside the log with the given ending; none for a log in memory.
    pub(super) fn file_beside(&self, ending: &str) -> Result<Option<PathBuf>, Error> {
        let stem = match (self.address()?, &self.stem) {
            (Address::Memory, _) => return Ok(None),
            (_, Some(stem)) => stem.clone(),
            (Address::Sqlite(path), None) => path,
            (Address::Postgres(_), None) => PathBuf::from("diffrisk"),
        };
        Ok(Some(with_ending(&stem, ending)))
    }

    /// The files whose lock keeps a second writer out: the one beside the log, and for an SQLite file that goes by another
    /// name, the one beside the file itself.
    pub(super) fn locks(&self) -> Result<Vec<PathBuf>, Error> {
        let Some(beside) = self.file_beside("lock")? else { return Ok(Vec::new()) };
        let of_file = match self.address()? {
            Address::Sqlite(path) if self.stem.is_none() => {
                path.canonicalize().ok().map(|path| with_ending(&path, "lock"))
            }
            Address::Memory | Address::Sqlite(_) | Address::Postgres(_) => None,
        };
        let name = beside.file_name().unwrap_or_default();
        let beside_in_full = directory(&beside).canonicalize().ok().map(|dir| dir.join(name));
        let another = of_file.filter(|of_file| beside_in_full.as_ref() != Some(of_file));
        Ok(std::iter::once(beside).chain(another).collect())
    }
}

/// A log makes files, never the directory that they lie in.
fn check_directory(path: &Path) -> Result<(), Error> {
    let dir = directory(path);
    std::fs::read_dir(dir).map_err(|source| Error::file("read the directory", dir, source))?;
    // Modes do not tell who may write: trying does.
    tempfile::tempfile_in(dir).map(drop).map_err(|source| Error::file("make a file in", dir, source))
}

/// Whether a file can be read and written, if it is there; nothing is changed.
fn check_writable(path: &Path) -> Result<(), Error> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::file("write", path, error)),
        _ => Ok(()),
    }
}

/// What every file of SQLite begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Whether what is there is a database, or nothing yet.
fn check_database(path: &Path) -> Result<(), Error> {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(SQLITE.len() as u64).read_to_end(&mut head));
    match read {
        Ok(0) => Ok(()),
        Ok(_) if head == SQLITE => Ok(()),
        Ok(_) => {
            let source = std::io::Error::new(ErrorKind::InvalidData, "it is no database of SQLite");
            Err(Error::file("use", path, source))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::file("read", path, source)),
    }
}

fn with_ending(stem: &Path, ending: &str) -> PathBuf {
    with_suffix(stem, &format!(".{ending}"))
}

/// An address as far as it may be shown, also where it is none: what stands before an `@` or behind `password` is left out.
fn without_password(url: &str) -> String {
    if let Some(at) = url.rfind('@') {
        let scheme = url.find("://").filter(|scheme| *scheme < at);
        let shown = scheme.map_or("", |scheme| &url[..scheme + 3]);
        return format!("{shown}…{}", &url[at..]);
    }
    match url.to_ascii_lowercase().find("password") {
        Some(named) => format!("{}…", url.get(..named).unwrap_or("")),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::StoreConfig;

    #[test]
    fn no_message_shows_the_password_of_an_address() {
        for url in [
            "postgres:/drisk:s3cretWord@db/log",
            "drisk:s3cretWord@db/log",
            "host=db password=s3cretWord",
            "mysql://drisk:s3cretWord@db/log",
            "pg://db/log?Password=s3cretWord",
        ] {
            let error = StoreConfig::new(url).check().unwrap_err().to_string();
            assert!(error.contains("is no store address") && !error.contains("s3cretWord"), "{error}");
        }
    }

    #[test]
    fn a_parameter_that_nobody_reads_is_refused_by_its_name() {
        for (parameters, named) in [
            ("sslMode=verify-full", "`sslMode`"),
            ("sslmode=disable&sslpassword=s3cretWord", "`sslpassword`"),
            ("s3cretWord@db/log?sslmode=disable", "`…`"),
        ] {
            let url = format!("postgres://drisk@127.0.0.1:5432/log?{parameters}");
            let error = StoreConfig::new(url).check().unwrap_err().to_string();
            assert!(error.contains(named) && !error.contains("s3cretWord"), "{error}");
        }
        let dir = tempfile::tempdir().unwrap();
        let mut known = StoreConfig::new("postgres://drisk@db/log?sslmode=require&options[search_path]=risk");
        known.stem = Some(dir.path().join("log"));
        known.check().unwrap();
    }
}
