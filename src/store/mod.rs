//! The decision log: decisions, and the overrides and outcomes beside them, durable and chained.
//!
//! [`Store`] writes, [`Log`] reads. One thread writes ([`writer`]): whatever waits goes into one
//! transaction and is answered after its commit, so no decision is known to a caller before the
//! disk has it. Every record carries the digest of the one before and a MAC of the installation's key;
//! signed heads go to files outside the database, so that [`Log::verify`] finds any record that was
//! flipped, deleted, swapped, cut off, replayed or forged. A failed commit or sync closes the log for good.
//!
//! Never kept here: diff text, messages, authors. Start reading at [`Record`].

mod backup;
mod batch;
mod config;
mod database;
mod error;
mod files;
mod heads;
mod journal;
mod key;
mod log;
mod prune;
mod questions;
mod record;
mod search;
mod statements;
mod tail;
mod verify;
mod walk;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

pub use backup::{backup, restore};
pub use config::StoreConfig;
pub use error::Error;
pub use log::{Beside, Log, Page};
pub(crate) use record::id_at;
pub use record::{Appended, Claim, Columns, NewRecord, Record, RecordDigest, RecordKind, new_id};
pub use search::Search;
pub use verify::{Difference, Problem, VerifyReport};

use database::{Database, reading, writing};
use heads::Heads;
use key::SigningKey;
use prune::KeptSince;
use questions::Questions;
use statements::Failure;
use tail::Tail;
use writer::{Closed, Command, Writer};

/// How often the lock of a log is asked for, and the time in between.
const N_LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A handle to the decision log; clones share the one writing thread. The lock of a log whose handles are dropped without
/// [`Store::close`] goes once what was asked for is done.
#[derive(Clone)]
pub struct Store {
    commands: mpsc::Sender<Command>,
    closed: Closed,
    /// The chain that it writes.
    chain: Arc<str>,
    log: Log,
    retention: Option<Duration>,
    kept_since: KeptSince,
}

impl Store {
    /// Records that [`Store::prune`] removes at most.
    pub const PRUNED_AT_ONCE: u64 = prune::AT_ONCE;

    /// Opens the log for writing; makes it where there is none. Needs a tokio runtime.
    ///
    /// # Errors
    /// When another process writes it, the address is unknown, a file or the database fails, or no thread can be started.
    pub async fn open(store_config: &StoreConfig) -> Result<Self, Error> {
        // Before anything is made beside it.
        Database::check_use(store_config).await?;
        let locks = lock(store_config)?;
        let database = Database::open(store_config).await?;
        writing!(&database, migrate())?;
        let mut missing = missing_files(store_config)?;
        let signing_key = SigningKey::load_or_make(store_config)?;
        let heads = Heads::beside(store_config)?;
        let log = Log::new(database.clone(), signing_key.clone(), heads.clone());
        let kept_since = KeptSince::open(&log).await?;
        let tail = log.own_tail().await?;
        if tail.is_none() && missing.is_empty() {
            // It is there, and knows no chain of this log: it was emptied, or is that of another one.
            missing.extend(store_config.file_beside("heads")?);
        }
        if !missing.is_empty() && !log.is_empty().await? {
            tell_of_lost(&missing);
        }
        let closed = Closed::default();
        let (sender, receiver) = mpsc::channel(store_config.n_queued);
        let is_new = tail.is_none();
        let tail = match tail {
            Some(tail) => tail,
            None => begin_chain(&database, &signing_key).await?,
        };
        heads.begin(&tail.chain)?;
        heads.append(&signing_key.sign_head(&tail, record::now_ms()))?;
        tracing::info!(chain = tail.chain, seq = tail.seq, is_new, "the decision log is open");
        let questions = known_questions(&database, &tail).await?;
        let retention = store_config.retention;
        let chain = tail.chain.as_str().into();
        let store_config = store_config.clone();
        let closed_by = Arc::clone(&closed);
        let journal = Database::journal(&store_config).await?;
        let session = database.session(&store_config).await?;
        let writer = Writer {
            files: database.file().into_iter().collect(),
            database,
            session,
            store_config,
            signing_key,
            heads,
            tail,
            unanswered: None,
            questions,
            journal,
            closed: closed_by,
            _locks: locks,
        };
        writer.start(receiver).map_err(Error::Thread)?;
        Ok(Self { commands: sender, closed, chain, log, retention, kept_since })
    }

    /// Appends records in one transaction and waits until the disk has them.
    ///
    /// # Errors
    /// When the log is closed, or more appends wait than its queue holds.
    pub async fn append(&self, new_records: Vec<NewRecord>) -> Result<Vec<Appended>, Error> {
        self.check_open()?;
        let (answer, answered) = oneshot::channel();
        let command = Command::Append { new_records, answer };
        self.commands.try_send(command).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Full,
            mpsc::error::TrySendError::Closed(_) => self.gone(),
        })?;
        answered.await.unwrap_or_else(|_| Err(self.gone()))
    }

    /// Appends one record.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub async fn append_one(&self, new_record: NewRecord) -> Result<Appended, Error> {
        self.append(vec![new_record]).await?.pop().ok_or_else(|| self.gone())
    }

    /// Removes this chain's oldest records before a moment, at most [`Store::PRUNED_AT_ONCE`], leaving a signed
    /// checkpoint; says how many. Each is checked before it goes. Files of heads set aside go with what they vouch for.
    ///
    /// # Errors
    /// [`Error::NotAsWritten`] where one is not as it was written, and then none goes; when the log is closed or
    /// the database fails.
    pub async fn prune(&self, before_ms: i64) -> Result<u64, Error> {
        let (answer, answered) = oneshot::channel();
        let sent = self.commands.send(Command::Prune { before_ms, answer }).await;
        sent.map_err(|_| self.gone())?;
        let n_pruned = answered.await.unwrap_or_else(|_| Err(self.gone()))?;
        if n_pruned > 0
            && let Err(error) = self.log.forget_heads().await
        {
            tracing::warn!(error = %error, "heads of pruned records could not be removed");
        }
        Ok(n_pruned)
    }

    /// Finishes what waits, signs the last head and closes the database.
    pub async fn close(&self) {
        let (answer, answered) = oneshot::channel();
        if self.commands.send(Command::Close { answer }).await.is_ok() {
            drop(answered.await);
        }
    }

    /// The chain that this process writes.
    pub fn chain(&self) -> &str {
        &self.chain
    }

    /// The reading side.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Why the log is closed for good, or nothing while it takes records.
    pub fn closed(&self) -> Option<&str> {
        self.closed.get().map(String::as_str)
    }

    /// The moment (Unix milliseconds) up to which records are past their retention at a moment; none where everything is
    /// kept. A clock that jumps ahead moves it no further than time passes.
    pub fn past_retention(&self, now_ms: i64) -> Option<i64> {
        let kept_ms = i64::try_from(self.retention?.as_millis()).unwrap_or(i64::MAX);
        Some(self.kept_since.now_ms(now_ms).saturating_sub(kept_ms))
    }

    fn check_open(&self) -> Result<(), Error> {
        self.closed().map_or(Ok(()), |reason| Err(Error::Closed(reason.to_owned())))
    }

    fn gone(&self) -> Error {
        Error::Closed(self.closed().unwrap_or("its writer is gone").to_owned())
    }
}

/// Keeps a second process from writing the same log.
fn lock(store_config: &StoreConfig) -> Result<Vec<std::fs::File>, Error> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut files = Vec::new();
    for path in store_config.locks()? {
        let mut options = std::fs::OpenOptions::new();
        let opened = options.write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = opened.map_err(|source| Error::file("make", &path, source))?;
        if !take_lock(&file) {
            return Err(Error::Locked { path });
        }
        files.push(file);
    }
    Ok(files)
}

/// Takes a lock, and tells whether it could. A process that is leaving holds its locks for a moment, and one that was just
/// started by it holds them until it runs a program of its own.
fn take_lock(file: &std::fs::File) -> bool {
    (0..N_LOCK_TRIES).any(|n| {
        if n > 0 {
            std::thread::sleep(LOCK_PAUSE);
        }
        file.try_lock().is_ok()
    })
}

/// Which of the files that vouch for a log are not there.
fn missing_files(store_config: &StoreConfig) -> Result<Vec<PathBuf>, Error> {
    let mut missing = Vec::new();
    for ending in ["key", "heads"] {
        missing.extend(store_config.file_beside(ending)?.filter(|path| !path.exists()));
    }
    Ok(missing)
}

/// A log that lost what vouches for it goes on in a new chain, and whoever runs it should know.
fn tell_of_lost(missing: &[PathBuf]) {
    for path in missing {
        let file = path.display();
        if path.extension().is_some_and(|ending| ending == "key") {
            tracing::error!(
                %file,
                "the log has records and no signing key: none of them is vouched for or learned from with the new one; \
                 put the old key back and start again"
            );
        } else {
            tracing::warn!(
                %file,
                "the log has records and no signed heads here: a new chain begins, as for a new replica"
            );
        }
    }
}

/// What the newest records of a chain answered.
async fn known_questions(database: &Database, tail: &Tail) -> Result<Questions, Error> {
    let after_seq = tail.seq - Questions::N_READ;
    let newest: Vec<(i64, RecordDigest)> = reading!(database, newest_questions(&tail.chain, after_seq))?;
    let mut questions = Questions::default();
    newest.iter().for_each(|(seq, question)| questions.insert(question, *seq));
    Ok(questions)
}

async fn begin_chain(database: &Database, signing_key: &SigningKey) -> Result<Tail, Error> {
    let signing_key = signing_key.clone();
    let tail = Tail { chain: new_id(), seq: -1, digest: [0; 32], sealed_from: 0, signing_key };
    let body = serde_json::json!({ "format": 1, "version": env!("CARGO_PKG_VERSION") });
    let genesis = vec![NewRecord::new(RecordKind::Genesis, body.to_string())];
    let appended: Result<_, Failure> = async { writing!(database, append(genesis, &tail, &[], 0)) }.await;
    match appended {
        Ok((_, tail)) => Ok(tail),
        Err(Failure::BeforeCommit(error) | Failure::AtCommit(error) | Failure::Unanswered(error, _)) => {
            Err(error)
        }
    }
}
