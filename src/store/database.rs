//! The two databases behind one set of statements.

use std::cmp::Ordering;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering as AtomicOrdering};
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Sqlite, SqliteConnection};

use crate::store::config::Address;
use crate::store::files::{OpenedFile, check_names};
use crate::store::journal::Journal;
use crate::store::statements::NEWEST_LAYOUT;
use crate::store::{Error, StoreConfig};

/// Connections to the database: one that writes, some that read.
#[derive(Clone)]
pub(super) enum Database {
    Sqlite { writer: SqlitePool, reader: SqlitePool },
    Postgres { writer: PgPool, reader: PgPool, refuses: Arc<AtomicBool> },
}

/// Calls the same statement of the database that `$database` is, on a reading connection.
macro_rules! reading {
    ($database:expr, $statement:ident ( $($argument:expr),* )) => {
        match $database {
            $crate::store::database::Database::Sqlite { reader, .. } =>
                $crate::store::statements::sqlite::$statement(&mut *reader.acquire().await?, $($argument),*).await,
            $crate::store::database::Database::Postgres { reader, .. } =>
                $crate::store::statements::postgres::$statement(&mut *reader.acquire().await?, $($argument),*).await,
        }
    };
}

/// The same on the writing connection.
macro_rules! writing {
    ($database:expr, $statement:ident ( $($argument:expr),* )) => {
        match $database {
            $crate::store::database::Database::Sqlite { writer, .. } =>
                $crate::store::statements::sqlite::$statement(&mut *writer.acquire().await?, $($argument),*).await,
            $crate::store::database::Database::Postgres { writer, .. } =>
                $crate::store::statements::postgres::$statement(&mut *writer.acquire().await?, $($argument),*).await,
        }
    };
}

pub(super) use {reading, writing};

const N_READERS: u32 = 4;
/// Writes what a decision writes: some 16 kB that cannot be compressed, and a key.
const PROBE: &str = "
    INSERT INTO record (chain, seq, kind, id, at_ms, degraded, body, prev, digest)
    SELECT md5(random()::text), 0, 'probe', md5(random()::text), 0, 0, string_agg(md5(random()::text), ''),
        ''::bytea, ''::bytea
    FROM generate_series(1, 512);
    INSERT INTO idempotency VALUES (md5(random()::text), '', '', '', 0, 0)";
/// The first layout that has a place for the seal of a record.
const FIRST_SEALED_LAYOUT: i64 = 2;
/// Stands before the table of an older layout on the connection that reads it: no record has a seal. Later layouts differ in
/// indexes alone.
const UNSEALED: &str = "CREATE TEMP VIEW record AS SELECT *, NULL AS mac FROM main.record";
const WAIT: Duration = Duration::from_secs(5);
/// Pages of a journal that SQLite copies back within a commit, whatever else it costs: it should never come to that (see
/// [`super::journal`]).
const MAX_JOURNAL_PAGES: &str = "16384";
/// Page of a new SQLite file: a decision has about 9 kB, and each page costs two writes into the journal and one out of it.
const PAGE_BYTES: u32 = 8192;

impl Database {
    /// Opens for reading and writing; makes an SQLite file (mode 0600) where there is none.
    pub(super) async fn open(store_config: &StoreConfig) -> Result<Self, Error> {
        match store_config.address()? {
            Address::Memory => {
                let options = SqliteConnectOptions::new().in_memory(true);
                let pool = SqlitePoolOptions::new().max_connections(1).min_connections(1);
                let pool = pool.idle_timeout(None).max_lifetime(None).connect_with(options).await?;
                Ok(Self::Sqlite { writer: pool.clone(), reader: pool })
            }
            Address::Sqlite(path) => {
                make_private(&path)?;
                let options = writing_options(&path);
                let writer = sqlite_pool(1).connect_with(options.clone()).await?;
                let reader = sqlite_pool(N_READERS).connect_lazy_with(options.read_only(true));
                Ok(Self::Sqlite { writer, reader })
            }
            Address::Postgres(url) => Self::open_postgres(&url).await,
        }
    }

    /// Refuses an SQLite file that is not the log's alone: one with several names, or the database of another program. Changes
    /// nothing in it, while whoever opens it to write may give it another kind of journal.
    pub(super) async fn check_use(store_config: &StoreConfig) -> Result<(), Error> {
        let Address::Sqlite(path) = store_config.address()? else { return Ok(()) };
        check_names(&path)?;
        if std::fs::metadata(&path).map_or(true, |metadata| metadata.len() == 0) {
            return Ok(());
        }
        let options = SqliteConnectOptions::new().filename(&path).read_only(true).busy_timeout(WAIT);
        let mut session = options.connect().await?;
        let checked = check_tables(&path, &mut session).await;
        session.close().await?;
        checked
    }

    /// The connection that writes to an SQLite file, to be kept; nobody else writes while it is. None of other logs.
    pub(super) async fn session(
        &self,
        store_config: &StoreConfig,
    ) -> Result<Option<PoolConnection<Sqlite>>, Error> {
        match (self, store_config.address()?) {
            (Self::Sqlite { writer, .. }, Address::Sqlite(_)) => Ok(Some(writer.acquire().await?)),
            _ => Ok(None),
        }
    }

    /// What copies the journal of an opened file back.
    pub(super) async fn journal(store_config: &StoreConfig) -> Result<Option<Journal>, Error> {
        let Address::Sqlite(path) = store_config.address()? else { return Ok(None) };
        Ok(Some(Journal::new(sqlite_pool(1).connect_with(writing_options(&path)).await?)))
    }

    /// Opens for reading only; the database must be there, with the tables of this version.
    pub(super) async fn open_existing(store_config: &StoreConfig) -> Result<Self, Error> {
        let database = Self::connect_existing(store_config).await?;
        let (found, known): (i64, i64) = (reading!(&database, layout())?, NEWEST_LAYOUT);
        match found.cmp(&known) {
            Ordering::Less => Err(Error::OldLayout { found, known }),
            Ordering::Greater => Err(Error::Layout { found, known }),
            Ordering::Equal => Ok(database),
        }
    }

    /// The same of an SQLite file to be copied, whose tables may be those of an older version; says which.
    pub(super) async fn open_to_copy(store_config: &StoreConfig) -> Result<(Self, i64), Error> {
        let database = Self::connect_existing(store_config).await?;
        let (found, known): (i64, i64) = (reading!(&database, layout())?, NEWEST_LAYOUT);
        match found {
            0 => Err(Error::OldLayout { found, known }),
            found if found > known => Err(Error::Layout { found, known }),
            found => Ok((database, found)),
        }
    }

    /// The same, to be read as it is. No file can be copied from this connection: SQLite would take the view for the table.
    pub(super) async fn open_copy(store_config: &StoreConfig) -> Result<Self, Error> {
        let (database, layout) = Self::open_to_copy(store_config).await?;
        let Self::Sqlite { reader, .. } = &database else { return Err(Error::NotAFile) };
        if layout < FIRST_SEALED_LAYOUT {
            sqlx::raw_sql(UNSEALED).execute(&mut *reader.acquire().await?).await?;
        }
        Ok(database)
    }

    async fn connect_existing(store_config: &StoreConfig) -> Result<Self, Error> {
        match store_config.address()? {
            Address::Sqlite(path) => {
                // SQLite has no more than a number for a file that is not there.
                std::fs::metadata(&path).map_err(|source| Error::file("read", &path, source))?;
                let options = SqliteConnectOptions::new().filename(&path).read_only(true).busy_timeout(WAIT);
                let reader = sqlite_pool(1).connect_with(options).await?;
                check_tables(&path, &mut *reader.acquire().await?).await?;
                if tables(&mut *reader.acquire().await?).await?.is_empty() {
                    return Err(Error::NotALog { path, found: "an empty database" });
                }
                Ok(Self::Sqlite { writer: reader.clone(), reader })
            }
            Address::Postgres(url) => Self::open_postgres(&url).await,
            Address::Memory => Err(Error::Address { url: "memory".into() }),
        }
    }

    async fn open_postgres(url: &str) -> Result<Self, Error> {
        // Whatever the role is set to: a commit is on the disk, and who waits for another's key sees it then.
        let settings = [("synchronous_commit", "on"), ("default_transaction_isolation", "read committed")];
        let options = postgres_options(url)?.options(settings);
        let pool = |n_connections| PgPoolOptions::new().max_connections(n_connections).acquire_timeout(WAIT);
        // Who holds a lock for longer is not to stop all others, and a replica that was stopped in its transaction no key.
        let [lock_time, idle_time] = [WAIT, WAIT / 2].map(|time| time.as_millis().to_string());
        let times = [("lock_timeout", lock_time), ("idle_in_transaction_session_timeout", idle_time)];
        let writer = pool(1).connect_with(options.clone().options(times)).await?;
        let encoding: String = sqlx::query_scalar("SHOW server_encoding").fetch_one(&writer).await?;
        if encoding != "UTF8" {
            return Err(Error::Encoding { found: encoding });
        }
        let reader = pool(N_READERS).connect_lazy_with(options);
        Ok(Self::Postgres { writer, reader, refuses: Arc::default() })
    }

    /// Copies an SQLite database as it stands into an empty file.
    pub(super) async fn copy_to(&self, path: &Path) -> Result<(), Error> {
        let Self::Sqlite { reader, .. } = self else { return Err(Error::NotAFile) };
        let copied = sqlx::query("VACUUM INTO $1").bind(path.to_string_lossy().into_owned());
        copied.execute(&mut *reader.acquire().await?).await?;
        Ok(())
    }

    /// Whether a failure before the commit left the database as it was and may pass by itself: PostgreSQL was
    /// away, or another process held the SQLite file for longer than the wait.
    pub(super) fn may_pass(&self, error: &sqlx::Error) -> bool {
        match self {
            Self::Postgres { .. } => {
                // The place of a record is taken: somebody else writes this chain.
                let is_taken = error.as_database_error().is_some_and(DatabaseError::is_unique_violation);
                !is_taken && !matches!(error, sqlx::Error::Protocol(_))
            }
            Self::Sqlite { .. } => is_busy(error),
        }
    }

    /// Notes that the database did not take a record: whether it would is tried out from then on.
    pub(super) fn note_refused(&self) {
        self.set_refuses(true);
    }

    /// Notes that it took one.
    pub(super) fn note_taken(&self) {
        self.set_refuses(false);
    }

    fn set_refuses(&self, is_so: bool) {
        if let Self::Postgres { refuses, .. } = self {
            refuses.store(is_so, AtomicOrdering::Release);
        }
    }

    /// Whether the database answers and takes what is written; a file or memory is there in any case. Where it refused a record,
    /// one is written and taken back.
    pub(super) async fn answers(&self) -> bool {
        let Self::Postgres { reader, refuses, .. } = self else { return true };
        let asked = async {
            let mut session = reader.acquire().await?;
            if refuses.load(AtomicOrdering::Acquire) {
                let mut transaction = session.begin().await?;
                sqlx::raw_sql(PROBE).execute(&mut *transaction).await?;
                transaction.rollback().await?;
            }
            let read_only = "SELECT current_setting('transaction_read_only')";
            sqlx::query_scalar::<_, String>(read_only).fetch_one(&mut *session).await
        };
        matches!(tokio::time::timeout(WAIT, asked).await, Ok(Ok(read_only)) if read_only == "off")
    }

    /// The file of an SQLite log as it stands now, to be found again after each commit: what is written to a file that lost
    /// its name is lost with the process.
    pub(super) fn file(&self) -> Option<OpenedFile> {
        let Self::Sqlite { writer, .. } = self else { return None };
        OpenedFile::at(writer.connect_options().get_filename())
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, reader } => {
                reader.close().await;
                writer.close().await;
            }
            Self::Postgres { writer, reader, .. } => {
                reader.close().await;
                writer.close().await;
            }
        }
    }
}

/// Parameters of an address that sqlx reads.
const PARAMETERS: [&str; 18] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// What an address of PostgreSQL says. A parameter that sqlx does not know is refused: it would pass over a misspelt `sslmode`,
/// and write what stands there to the log.
pub(super) fn postgres_options(url: &str) -> Result<PgConnectOptions, Error> {
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    let names = parameters.split('&').filter_map(|parameter| parameter.split('=').next());
    let is_known = |name: &str| PARAMETERS.contains(&name) || name.starts_with("options[") || name.is_empty();
    if let Some(name) = names.into_iter().find(|name| !is_known(name)) {
        let is_word = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        return Err(Error::Parameter { name: if is_word { name } else { "…" }.to_owned() });
    }
    Ok(PgConnectOptions::from_str(url)?)
}

fn writing_options(path: &Path) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(WAIT);
    let options = options.page_size(PAGE_BYTES).journal_mode(SqliteJournalMode::Wal);
    let options = options.synchronous(SqliteSynchronous::Full);
    options.pragma("wal_autocheckpoint", MAX_JOURNAL_PAGES)
}

/// SQLite's `BUSY` (5) and `LOCKED` (6), with or without an extension in the higher bits.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

fn sqlite_pool(n_connections: u32) -> SqlitePoolOptions {
    let pool = SqlitePoolOptions::new().max_connections(n_connections).acquire_timeout(WAIT);
    // A file does not hang up: to ask whether it is still there is one more step of each commit.
    pool.idle_timeout(None).max_lifetime(None).test_before_acquire(false)
}

/// Refuses a database that has tables, but not those of a log.
async fn check_tables(path: &Path, session: &mut SqliteConnection) -> Result<(), Error> {
    let tables = tables(session).await?;
    let has = |name: &str| tables.iter().any(|table| table == name);
    // The first of them is made before the others.
    let is_begun = tables.len() == 1 && has("layout");
    if tables.is_empty() || is_begun || has("layout") && has("record") {
        return Ok(());
    }
    Err(Error::NotALog { path: path.to_owned(), found: "the database of another program" })
}

async fn tables(session: &mut SqliteConnection) -> Result<Vec<String>, Error> {
    let sql = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite~_%' ESCAPE '~'";
    Ok(sqlx::query_scalar(sql).fetch_all(session).await?)
}

/// Makes the file for its owner alone, so that SQLite gives the files beside it the same mode.
fn make_private(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let opened = options.write(true).create(true).truncate(false).mode(0o600).open(path);
    opened.map(|_| ()).map_err(|source| Error::file("make", path, source))
}
