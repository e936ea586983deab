//! The journal of an SQLite file is copied back into it beside the commits. Within one, as SQLite does it by
//! itself, every twentieth commit under load would wait for the copy and its sync.

use sqlx::{SqliteConnection, SqlitePool};
use tokio::task::JoinHandle;

use crate::store::Error;
use crate::store::database::is_busy;

/// Bytes of records after which the journal is copied back, some hundred pages of it: little enough that the sync of
/// the file holds up the sync of a commit no longer than another commit would.
const COPY_EVERY_BYTES: usize = 512 << 10;
/// Pages of a journal that is to begin again at its front.
const LONG_PAGES: i64 = 4096;

/// Copies the journal of one file back. Its owner is the only one who writes that file.
pub(super) struct Journal {
    /// A connection beside the one that writes.
    copier: SqlitePool,
    n_bytes: usize,
    copying: Option<JoinHandle<Result<i64, Error>>>,
}

impl Journal {
    pub(super) fn new(copier: SqlitePool) -> Self {
        Self { copier, n_bytes: 0, copying: None }
    }

    /// Takes note of commits of so many bytes, and begins a copy where one is due. A journal never ends while each
    /// copy leaves what was written meanwhile: where it is long, that rest is copied by `writer`, before anything else is written.
    ///
    /// # Errors
    /// Where a copy failed. The journal still has every record, but what a later sync says of the file is worth
    /// nothing any more.
    pub(super) async fn grew(&mut self, n_bytes: usize, writer: &mut SqliteConnection) -> Result<(), Error> {
        self.n_bytes += n_bytes;
        if let Some(copying) = self.copying.take_if(|copying| copying.is_finished()) {
            let n_pages = copying.await.map_err(|error| Error::Database(sqlx::Error::Io(error.into())))??;
            if n_pages >= LONG_PAGES {
                copy(writer).await?;
            }
        }
        if self.copying.is_none() && self.n_bytes >= COPY_EVERY_BYTES {
            self.n_bytes = 0;
            let copier = self.copier.clone();
            self.copying = Some(tokio::spawn(async move { copy(&mut *copier.acquire().await?).await }));
        }
        Ok(())
    }

    /// Waits for a copy that runs, and gives its connection back.
    pub(super) async fn close(&mut self) {
        if let Some(copying) = self.copying.take() {
            drop(copying.await);
        }
        self.copier.close().await;
    }
}

/// Copies what no reader still needs as it was, and waits for nobody; says how many pages the journal has.
async fn copy(session: &mut SqliteConnection) -> Result<i64, Error> {
    let copied = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(session).await;
    match copied.map(|(_, n_pages, _): (i64, i64, i64)| n_pages) {
        Err(error) if is_busy(&error) => Ok(0),
        n_pages => Ok(n_pages?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

    /// Pages of the journal after a copy that said so many pages, and one more write.
    async fn pages_after_a_copy_of(n_pages: i64) -> i64 {
        let dir = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new().filename(dir.path().join("log.db")).create_if_missing(true);
        let options = options.journal_mode(SqliteJournalMode::Wal).pragma("wal_autocheckpoint", "0");
        let pool = || SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
        let (mut writer, copier) = (pool().acquire().await.unwrap(), pool());
        sqlx::query("CREATE TABLE t (x)").execute(&mut *writer).await.unwrap();
        sqlx::query("INSERT INTO t VALUES (zeroblob(100000))").execute(&mut *writer).await.unwrap();
        let mut journal = Journal::new(copier.clone());
        journal.copying = Some(tokio::spawn(async move { Ok(n_pages) }));
        while journal.copying.as_ref().is_some_and(|copying| !copying.is_finished()) {
            tokio::task::yield_now().await;
        }
        journal.grew(0, &mut writer).await.unwrap();
        sqlx::query("INSERT INTO t VALUES (0)").execute(&mut *writer).await.unwrap();
        copy(&mut copier.acquire().await.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn a_long_journal_begins_again_and_a_short_one_goes_on() {
        assert!(pages_after_a_copy_of(LONG_PAGES).await < 5);
        assert!(pages_after_a_copy_of(LONG_PAGES - 1).await > 20);
    }
}
