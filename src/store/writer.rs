//! The one thread that writes: whatever waits goes into one transaction, and is answered after its commit.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::store::batch;
use crate::store::database::{Database, writing};
use crate::store::files::OpenedFile;
use crate::store::heads::Heads;
use crate::store::journal::Journal;
use crate::store::key::SigningKey;
use crate::store::prune::{self, Pruning};
use crate::store::questions::Questions;
use crate::store::record::{Appended, NewRecord, RecordDigest, now_ms};
use crate::store::statements::{Failure, sqlite};
use crate::store::tail::Tail;
use crate::store::{Error, StoreConfig};

/// Records that one transaction takes at most.
const MAX_BATCH: usize = 1024;
const FORGET_EVERY: Duration = Duration::from_secs(600);

/// What it is asked to do.
pub(super) enum Command {
    Append { new_records: Vec<NewRecord>, answer: oneshot::Sender<Result<Vec<Appended>, Error>> },
    Prune { before_ms: i64, answer: oneshot::Sender<Result<u64, Error>> },
    Close { answer: oneshot::Sender<()> },
}

/// Why the log is closed; empty while it is open. Set once and for good.
pub(super) type Closed = Arc<OnceLock<String>>;

pub(super) struct Writer {
    pub(super) database: Database,
    /// Of an SQLite file: the connection that appends, kept from one commit to the next. A pool asks each that comes back
    /// whether it is still there.
    pub(super) session: Option<PoolConnection<Sqlite>>,
    pub(super) store_config: StoreConfig,
    pub(super) signing_key: SigningKey,
    pub(super) heads: Heads,
    pub(super) tail: Tail,
    /// Where the chain ends if the server took what it did not answer for; looked up before the next commit.
    pub(super) unanswered: Option<Box<Tail>>,
    /// What the newest records of the chain answered.
    pub(super) questions: Questions,
    /// Of an SQLite file.
    pub(super) journal: Option<Journal>,
    /// The file of an SQLite log, as it was opened, and its journal, once there is one.
    pub(super) files: Vec<OpenedFile>,
    pub(super) closed: Closed,
    /// Held while this process writes the log.
    pub(super) _locks: Vec<std::fs::File>,
}

/// Closes the log when the thread that writes it ends, however it ends.
struct End(Closed);

impl Drop for End {
    fn drop(&mut self) {
        self.0.get_or_init(|| "its writer is gone".to_owned());
    }
}

/// Why nothing was committed.
#[derive(Clone)]
enum Refused {
    /// The log is closed for good.
    Closed(String),
    /// The database takes nothing now.
    Away,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Closed(reason) => Self::Closed(reason),
            Refused::Away => Self::Away,
        }
    }
}

/// As [`writing!`], on the connection that is kept, where there is one.
macro_rules! held {
    ($writer:expr, $statement:ident ( $($argument:expr),* )) => {
        match &mut $writer.session {
            Some(session) => sqlite::$statement(session, $($argument),*).await,
            None => writing!(&$writer.database, $statement($($argument),*)),
        }
    };
}

type Waiting = (Vec<NewRecord>, oneshot::Sender<Result<Vec<Appended>, Error>>);

impl Writer {
    /// Serves commands on a thread and a runtime of its own: a commit is several short steps, and beside others' tasks each
    /// of them would wait behind every score that is ready.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn start(self, commands: mpsc::Receiver<Command>) -> std::io::Result<()> {
        let end = End(Arc::clone(&self.closed));
        let (began, has_begun) = std::sync::mpsc::sync_channel(1);
        // A runtime that was made here, in another one, could not be dropped here where there is no thread for it.
        let run = move || {
            let _end = end;
            match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => {
                    let _ = began.send(Ok(()));
                    runtime.block_on(self.run(commands));
                }
                Err(error) => drop(began.send(Err(error))),
            }
        };
        std::thread::Builder::new().name("log-writer".into()).spawn(run)?;
        has_begun.recv().unwrap_or_else(|_| Err(std::io::Error::other("its thread broke down")))
    }

    /// Serves commands until the last handle is gone or the log is closed.
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut head_due: Option<Instant> = None;
        let mut forget_due = Instant::now() + FORGET_EVERY;
        loop {
            let wake = head_due.unwrap_or(forget_due).min(forget_due);
            let mut next = tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => Some(command),
                    None => break,
                },
                () = tokio::time::sleep_until(wake) => None,
            };
            let mut waiting: Vec<Waiting> = Vec::new();
            let mut n_records = 0;
            while let Some(Command::Append { new_records, answer }) = next {
                n_records += new_records.len();
                waiting.push((new_records, answer));
                next = if n_records < MAX_BATCH { commands.try_recv().ok() } else { None };
            }
            if self.append(waiting).await {
                head_due.get_or_insert(Instant::now() + self.store_config.head_every);
            }
            match next {
                Some(Command::Prune { before_ms, answer }) => drop(answer.send(self.prune(before_ms).await)),
                Some(Command::Close { answer }) => {
                    self.sign_head();
                    self.closed.get_or_init(|| "the service is shutting down".into());
                    if let Some(journal) = &mut self.journal {
                        journal.close().await;
                    }
                    self.session = None;
                    self.database.close().await;
                    // Whoever waits may open the log again at once.
                    drop(self);
                    let _ = answer.send(());
                    return;
                }
                _ => {}
            }
            if head_due.is_some_and(|due| due <= Instant::now()) {
                self.sign_head();
                head_due = None;
            }
            if forget_due <= Instant::now() {
                self.forget().await;
                forget_due = Instant::now() + FORGET_EVERY;
            }
        }
        self.sign_head();
    }

    /// Commits what waits; says whether the chain grew.
    async fn append(&mut self, waiting: Vec<Waiting>) -> bool {
        if waiting.is_empty() {
            return false;
        }
        let (mut batch, mut answers) = (Vec::new(), Vec::new());
        for (new_records, answer) in waiting {
            answers.push((new_records.len(), answer));
            batch.extend(new_records);
        }
        let seq = self.tail.seq;
        let n_bytes = batch.iter().map(NewRecord::n_bytes).sum();
        match self.commit(batch).await {
            Ok(results) => {
                let mut results = results.into_iter();
                for (n_records, answer) in answers {
                    drop(answer.send(Ok(results.by_ref().take(n_records).collect())));
                }
            }
            Err(refused) => {
                for (_, answer) in answers {
                    drop(answer.send(Err(refused.clone().into())));
                }
            }
        }
        self.copy_journal(n_bytes).await;
        self.tail.seq != seq
    }

    async fn copy_journal(&mut self, n_bytes: usize) {
        let (Some(journal), Some(session)) = (&mut self.journal, &mut self.session) else { return };
        if let Err(error) = journal.grew(n_bytes, session).await {
            self.close_for_good(&error);
        }
    }

    async fn commit(&mut self, batch: Vec<NewRecord>) -> Result<Vec<Appended>, Refused> {
        if let Some(reason) = self.closed.get() {
            return Err(Refused::Closed(reason.clone()));
        }
        let committed = match self.find_unanswered().await {
            Ok(()) => self.try_commit(batch).await,
            Err(failure) => Err(failure),
        };
        // After the commit: before it, the name could go in between.
        let committed = committed.and_then(|done| match self.check_files() {
            Ok(()) => Ok(done),
            Err(error) => Err(Failure::AtCommit(error)),
        });
        match committed {
            Ok((results, tail)) => {
                self.tail = tail;
                self.database.note_taken();
                for result in &results {
                    if let Appended::New(record) = result {
                        self.questions.add(record);
                    }
                }
                Ok(results)
            }
            Err(Failure::BeforeCommit(Error::Database(error))) if self.database.may_pass(&error) => {
                tracing::error!(error = %error, "the decision log could not be written");
                self.database.note_refused();
                Err(Refused::Away)
            }
            Err(Failure::Unanswered(error, tail)) => {
                tracing::error!(error = %error, seq = tail.seq, "nobody knows whether the decision log was written");
                self.unanswered = Some(tail);
                self.database.note_refused();
                Err(Refused::Away)
            }
            Err(Failure::BeforeCommit(error) | Failure::AtCommit(error)) => {
                Err(Refused::Closed(self.close_for_good(&error)))
            }
        }
    }

    /// Whether the log still has its names: what is written to a file that lost its own is lost with the process.
    fn check_files(&mut self) -> Result<(), Error> {
        self.files.iter().try_for_each(OpenedFile::check)?;
        if let [file] = self.files.as_slice() {
            let journal = file.beside("-wal");
            self.files.extend(journal);
        }
        Ok(())
    }

    /// Asks the server where the chain ends, if it did not say whether it took the last records.
    async fn find_unanswered(&mut self) -> Result<(), Failure> {
        let Some(taken) = self.unanswered.take() else { return Ok(()) };
        let found: Result<Option<(i64, RecordDigest)>, Error> =
            async { held!(self, tail(&taken.chain)) }.await;
        match found {
            Ok(Some(end)) if end == (taken.seq, taken.digest) => self.tail = *taken,
            // What else it ends at is told by the commit.
            Ok(_) => {}
            Err(error) => {
                self.unanswered = Some(taken);
                return Err(error.into());
            }
        }
        Ok(())
    }

    async fn try_commit(&mut self, batch: Vec<NewRecord>) -> Result<(Vec<Appended>, Tail), Failure> {
        let forgotten_before_ms = self.forgotten_before_ms(batch::now_ms(&batch));
        let asked = batch.iter().filter(|new_record| new_record.claim.is_none());
        let questions = asked.filter_map(|new_record| new_record.columns.question.as_ref());
        let places: Vec<i64> = questions.filter_map(|question| self.questions.place(question)).collect();
        held!(self, append(batch, &self.tail, &places, forgotten_before_ms))
    }

    /// A log that may have lost a record is never written again by this process.
    fn close_for_good(&self, error: &Error) -> String {
        let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        tracing::error!(error = %error, cause, "the decision log is closed for good");
        self.closed.get_or_init(|| format!("{error}: {cause}")).clone()
    }

    fn sign_head(&self) {
        if self.closed.get().is_some() {
            return;
        }
        let head = self.signing_key.sign_head(&self.tail, now_ms());
        // Nothing else is to be done on this thread meanwhile, and the system may have no other one.
        if let Err(error) = self.heads.append(&head) {
            self.close_for_good(&error);
        }
    }

    async fn prune(&mut self, before_ms: i64) -> Result<u64, Error> {
        if let Some(reason) = self.closed.get() {
            return Err(Error::Closed(reason.clone()));
        }
        let signers = (&self.signing_key, &self.heads);
        let planned = prune::plan(&self.database, signers, &self.tail, before_ms).await?;
        let Some(Pruning { row, outcomes }) = planned else { return Ok(0) };
        // Before the others go: in between, an outcome stands twice and never not at all.
        if !outcomes.is_empty() {
            self.commit(outcomes).await?;
        }
        let n_pruned = held!(self, prune(&row))?;
        if n_pruned > 0 {
            let note = prune::note(before_ms, n_pruned);
            self.commit(vec![note]).await?;
            self.sign_head();
        }
        Ok(n_pruned)
    }

    async fn forget(&mut self) {
        let before_ms = self.forgotten_before_ms(now_ms());
        let forgotten: Result<(), Error> = async { held!(self, forget(before_ms)) }.await;
        if let Err(error) = forgotten {
            tracing::warn!(error = %error, "old idempotency keys could not be forgotten");
        }
    }

    fn forgotten_before_ms(&self, now_ms: i64) -> i64 {
        let kept_ms = i64::try_from(self.store_config.idempotency.as_millis()).unwrap_or(i64::MAX);
        now_ms.saturating_sub(kept_ms)
    }
}
