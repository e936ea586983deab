//! The statements, written once and compiled for each database.

mod keys;
mod layout;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use sqlx::{Connection, Row as _};

use crate::store::Error;
use crate::store::batch::{Batch, now_ms};
use crate::store::database::is_busy;
use crate::store::record::{Appended, Claim, Columns, NewRecord, Record, RecordDigest, RecordKind};
use crate::store::search::Search;
use crate::store::tail::Tail;
use keys::{Standing, key_statements};
use layout::{MIGRATIONS, layout_statements};

pub(super) use layout::NEWEST_LAYOUT;

const COLUMNS: &str = "chain, seq, kind, id, at_ms, repo, verdict, degraded, commit_id, change_id, change_digest, \
                       subject_id, expires_ms, question, claim, body, vector, tokens, prev, digest, mac";
const N_COLUMNS: usize = 21;

/// Rows that a statement inserts at most: each number of them is a prepared statement of its own.
const MOST_ROWS: usize = 32;

/// Places that a statement looks at; few sizes, so that prepared statements are reused.
const PLACE_SIZES: [usize; 6] = [32, 16, 8, 4, 2, 1];

/// How far an append came before it failed.
pub(super) enum Failure {
    /// Nothing was written.
    BeforeCommit(Error),
    /// Nobody knows whether the disk has it.
    AtCommit(Error),
    /// As [`Failure::AtCommit`], of a server, which tells later: the chain ends here if it took the records.
    Unanswered(Error, Box<Tail>),
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::BeforeCommit(error.into())
    }
}

/// The state of a pruned chain's cut end.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CheckpointRow {
    pub(super) chain: String,
    pub(super) seq: i64,
    pub(super) digest: RecordDigest,
    pub(super) at_ms: i64,
    pub(super) mac: RecordDigest,
}

/// Asks for what still holds of the decisions in some places of a chain. `||` keeps the index of kinds out of it: SQLite would
/// read every revocation there is.
fn still_hold_sql(n_places: usize, mark: Mark) -> String {
    format!(
        "SELECT {COLUMNS} FROM record d WHERE chain = {} AND expires_ms > {} AND seq IN ({}) AND NOT EXISTS \
         (SELECT 1 FROM record r WHERE r.subject_id = d.id AND r.kind || '' = 'revocation')",
        mark(1),
        mark(2),
        marks(3..=n_places + 2, mark)
    )
}

/// Takes the idempotency keys of some records in one order, whatever theirs: replicas that each took them in another would
/// wait for one another without end. None where there are no keys.
fn lock_keys_sql(new_records: &[NewRecord]) -> Option<String> {
    let claims = new_records.iter().filter_map(|new_record| new_record.claim.as_ref());
    let keys: BTreeSet<i64> = claims.map(Claim::lock).collect();
    let locks: Vec<String> = keys.into_iter().map(|key| format!("pg_advisory_xact_lock({key})")).collect();
    (!locks.is_empty()).then(|| format!("SELECT {}", locks.join(", ")))
}

/// Writes the place of a statement's nth value, from 1.
type Mark = fn(usize) -> String;

fn marks(numbers: std::ops::RangeInclusive<usize>, mark: Mark) -> String {
    numbers.map(mark).collect::<Vec<_>>().join(", ")
}

fn placeholders(n_rows: usize, n_columns: usize, mark: Mark) -> String {
    let row = |row: usize| format!("({})", marks(row * n_columns + 1..=(row + 1) * n_columns, mark));
    (0..n_rows).map(row).collect::<Vec<_>>().join(", ")
}

/// What inserts one row, two, and so on.
fn inserts(mark: Mark) -> [Arc<str>; MOST_ROWS] {
    std::array::from_fn(|idx| {
        let values = placeholders(idx + 1, N_COLUMNS, mark);
        format!("INSERT INTO record ({COLUMNS}) VALUES {values}").into()
    })
}

fn array(bytes: &[u8]) -> Result<RecordDigest, Error> {
    bytes.try_into().map_err(|_| Error::Database(sqlx::Error::Decode("a digest has 32 bytes".into())))
}

fn kind(word: &str) -> Result<RecordKind, Error> {
    RecordKind::of(word)
        .ok_or_else(|| Error::Database(sqlx::Error::Decode("an unknown kind of record".into())))
}

/// Anything but the two values that are written is another record than the one that was chained.
fn flag(number: i64) -> Result<bool, Error> {
    match number {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::Database(sqlx::Error::Decode("a flag is 0 or 1".into()))),
    }
}

macro_rules! statements {
    ($name:ident, $database:ty, $bytes:literal, $is_one_statement_enough:literal, $mark:expr, $lock:literal, $unlock:literal) => {
        pub(super) mod $name {
            use super::*;

            pub(super) const MARK: Mark = $mark;
            /// Written out once.
            static INSERTS: LazyLock<[Arc<str>; MOST_ROWS]> = LazyLock::new(|| inserts(MARK));

            type Session = <$database as sqlx::Database>::Connection;
            type Row = <$database as sqlx::Database>::Row;

            fn owned(sql: String) -> sqlx::AssertSqlSafe<String> {
                sqlx::AssertSqlSafe(sql)
            }

            layout_statements!($bytes, $lock, $unlock);
            key_statements!();

            /// The chains of the log, oldest first.
            pub(in crate::store) async fn chains(session: &mut Session) -> Result<Vec<String>, Error> {
                let sql = "SELECT chain FROM record GROUP BY chain ORDER BY MIN(at_ms), chain";
                Ok(sqlx::query_scalar(sql).fetch_all(session).await?)
            }

            /// How many records of each kind there are.
            pub(in crate::store) async fn counts(session: &mut Session) -> Result<Vec<(String, i64)>, Error> {
                let sql = "SELECT kind, COUNT(*) FROM record GROUP BY kind";
                Ok(sqlx::query_as(sql).fetch_all(session).await?)
            }

            /// Place and digest of a chain's newest record.
            pub(in crate::store) async fn tail(
                session: &mut Session,
                chain: &str,
            ) -> Result<Option<(i64, RecordDigest)>, Error> {
                let sql = "SELECT seq, digest FROM record WHERE chain = $1 ORDER BY seq DESC LIMIT 1";
                let Some(row) = sqlx::query(sql).bind(chain).fetch_optional(session).await? else {
                    return Ok(None);
                };
                Ok(Some((row.try_get(0)?, array(row.try_get(1)?)?)))
            }

            /// Whether there is no record.
            pub(in crate::store) async fn is_empty(session: &mut Session) -> Result<bool, Error> {
                let found: Option<String> =
                    sqlx::query_scalar("SELECT chain FROM record LIMIT 1").fetch_optional(session).await?;
                Ok(found.is_none())
            }

            /// Place of a chain's first record with a MAC.
            pub(in crate::store) async fn first_sealed(
                session: &mut Session,
                chain: &str,
            ) -> Result<Option<i64>, Error> {
                let sql = "SELECT MIN(seq) FROM record WHERE chain = $1 AND mac IS NOT NULL";
                Ok(sqlx::query_scalar(sql).bind(chain).fetch_one(session).await?)
            }

            /// Decisions in these places of a chain that have not expired and were not taken back.
            async fn still_hold(
                session: &mut Session,
                chain: &str,
                places: &[i64],
                now_ms: i64,
            ) -> Result<Vec<Record>, Error> {
                let mut found = Vec::new();
                for part in places.chunks(PLACE_SIZES[0]) {
                    let n_marks = PLACE_SIZES.into_iter().rev().find(|size| *size >= part.len()).unwrap_or(part.len());
                    let mut query = sqlx::query(owned(still_hold_sql(n_marks, MARK))).bind(chain).bind(now_ms);
                    for seq in part.iter().chain(std::iter::repeat_n(&part[0], n_marks - part.len())) {
                        query = query.bind(seq);
                    }
                    for row in query.fetch_all(&mut *session).await? {
                        found.push(record(&row)?);
                    }
                }
                found.retain(|record| record.kind == RecordKind::Decision);
                Ok(found)
            }

            /// Which questions a chain's newest records answered, and where, oldest first; what cannot be read answers none.
            pub(in crate::store) async fn newest_questions(
                session: &mut Session,
                chain: &str,
                after_seq: i64,
            ) -> Result<Vec<(i64, RecordDigest)>, Error> {
                let sql = "SELECT seq, question FROM record WHERE chain = $1 AND seq > $2 AND question IS NOT NULL \
                           ORDER BY seq";
                let rows = sqlx::query(sql).bind(chain).bind(after_seq).fetch_all(session).await?;
                let read = |row: &Row| Some((row.try_get(0).ok()?, array(row.try_get(1).ok()?).ok()?));
                Ok(rows.iter().filter_map(read).collect())
            }

            /// Appends what is new in one transaction, and says for the rest what stands there already: `places` is where their
            /// questions may have been answered.
            pub(in crate::store) async fn append(
                session: &mut Session,
                new_records: Vec<NewRecord>,
                tail: &Tail,
                places: &[i64],
                forgotten_before_ms: i64,
            ) -> Result<(Vec<Appended>, Tail), Failure> {
                let mut batch = Batch::new(tail, &new_records);
                let rest_on_nothing = places.is_empty() && new_records.iter().all(NewRecord::rests_on_nothing);
                if $is_one_statement_enough && rest_on_nothing && new_records.len() <= MOST_ROWS {
                    for new_record in new_records {
                        if !batch.answer_as_before(&new_record) {
                            batch.place(new_record);
                        }
                    }
                    insert(session, batch.fresh()).await.map_err(|error| match error {
                        Error::Database(error) if is_busy(&error) => Failure::BeforeCommit(error.into()),
                        error => Failure::AtCommit(error),
                    })?;
                    return Ok(batch.finish());
                }
                let mut transaction = session.begin().await?;
                // A file is looked at by its name; a server may have been set back to an earlier copy.
                let is_server = !$is_one_statement_enough;
                if is_server && tail.seq >= 0 && self::tail(&mut transaction, &tail.chain).await? != Some((tail.seq, tail.digest)) {
                    return Err(Failure::AtCommit(Error::SetBack { chain: tail.chain.clone(), seq: tail.seq }));
                }
                if is_server && let Some(sql) = lock_keys_sql(&new_records) {
                    sqlx::query(owned(sql)).persistent(false).execute(&mut *transaction).await?;
                }
                let standing_here = still_hold(&mut transaction, &tail.chain, places, now_ms(&new_records)).await?;
                batch.remember(standing_here);
                for new_record in new_records {
                    let is_answered = match &new_record.claim {
                        Some(claim) => {
                            let of = (claim, &new_record);
                            answer_claim(&mut transaction, &mut batch, of, (tail, forgotten_before_ms)).await?
                        }
                        None => batch.answer_as_before(&new_record),
                    };
                    if !is_answered {
                        expire(&mut transaction, batch.place(new_record)).await?;
                    }
                }
                insert(&mut transaction, batch.fresh()).await?;
                let committed = transaction.commit().await;
                let (results, tail) = batch.finish();
                match committed {
                    Ok(()) => Ok((results, tail)),
                    Err(error) if is_server => Err(Failure::Unanswered(error.into(), tail.into())),
                    Err(error) => Err(Failure::AtCommit(error.into())),
                }
            }

            /// Whether a decision that was claimed before is answered by what stands under its key; the key is the new one's
            /// where nothing does.
            async fn answer_claim(
                session: &mut Session,
                batch: &mut Batch,
                (claim, new_record): (&Claim, &NewRecord),
                (tail, forgotten_before_ms): (&Tail, i64),
            ) -> Result<bool, Error> {
                let expires_ms = new_record.columns.expires_ms.unwrap_or(i64::MAX);
                let decision = (new_record.id.as_str(), new_record.at_ms, expires_ms);
                let id = match standing(session, claim, decision, forgotten_before_ms).await? {
                    Standing::None => return Ok(false),
                    Standing::OtherBody => {
                        batch.answer(Appended::Conflict);
                        return Ok(true);
                    }
                    Standing::Decision(id) => id,
                };
                let here = batch.fresh().iter().find(|record| record.id == id).cloned();
                let earlier = match here {
                    Some(record) => Some(record),
                    None => by_id(session, &id).await?,
                };
                let proved = |record: &Record| record.answers(claim, new_record) && tail.signing_key.wrote(record);
                match earlier.filter(proved) {
                    // The key stays with the decision that was made without a doubt.
                    Some(record) if record.is_surer_than(new_record) => Ok(false),
                    Some(record) => {
                        batch.answer(Appended::Earlier(record));
                        Ok(true)
                    }
                    None => {
                        take_over(session, claim, decision).await?;
                        Ok(false)
                    }
                }
            }

            /// Appends records in their places.
            pub(in crate::store) async fn insert(session: &mut Session, records: &[Record]) -> Result<(), Error> {
                for part in records.chunks(MOST_ROWS) {
                    let mut query = sqlx::query(sqlx::AssertSqlSafe(Arc::clone(&INSERTS[part.len() - 1])));
                    for record in part {
                        let columns = &record.columns;
                        query = query.bind(&record.chain).bind(record.seq).bind(record.kind.as_str());
                        query = query.bind(&record.id).bind(record.at_ms).bind(&columns.repo);
                        query = query.bind(&columns.verdict).bind(i64::from(columns.degraded));
                        query = query.bind(&columns.commit_id).bind(&columns.change_id);
                        query = query.bind(&columns.change_digest).bind(&columns.subject_id);
                        query = query.bind(columns.expires_ms);
                        query = query.bind(columns.question.as_ref().map(<[u8; 32]>::as_slice));
                        query = query.bind(record.claim.as_ref().map(<[u8; 32]>::as_slice)).bind(&record.body);
                        query = query.bind(record.vector.as_deref()).bind(record.tokens.as_deref());
                        query = query.bind(&record.prev[..]).bind(&record.digest[..]);
                        query = query.bind(record.mac.as_ref().map(<[u8; 32]>::as_slice));
                    }
                    query.execute(&mut *session).await?;
                }
                Ok(())
            }

            /// One record by its id.
            pub(in crate::store) async fn by_id(session: &mut Session, id: &str) -> Result<Option<Record>, Error> {
                let sql = format!("SELECT {COLUMNS} FROM record WHERE id = $1");
                let row = sqlx::query(owned(sql)).bind(id).fetch_optional(session).await?;
                row.map(|row| record(&row)).transpose()
            }

            /// Records in the order of their ids: newest first, or oldest first after an id.
            pub(in crate::store) async fn search(session: &mut Session, search: &Search) -> Result<Vec<Record>, Error> {
                let (wheres, values) = search.condition();
                let order = if search.after.is_some() { "ASC" } else { "DESC" };
                let n = values.len() + 1;
                let sql = format!("SELECT {COLUMNS} FROM record WHERE {wheres} ORDER BY id {order} LIMIT ${n}");
                let mut query = sqlx::query(owned(sql));
                for value in values {
                    query = query.bind(value);
                }
                let rows = query.bind(search.limit).fetch_all(session).await?;
                rows.iter().map(record).collect()
            }

            /// The next records of a chain from a place on.
            pub(in crate::store) async fn scan(
                session: &mut Session,
                chain: &str,
                from_seq: i64,
                limit: i64,
            ) -> Result<Vec<Record>, Error> {
                let sql =
                    format!("SELECT {COLUMNS} FROM record WHERE chain = $1 AND seq >= $2 ORDER BY seq LIMIT $3");
                let query = sqlx::query(owned(sql)).bind(chain).bind(from_seq).bind(limit);
                query.fetch_all(session).await?.iter().map(record).collect()
            }

            /// The newest place of a chain whose record is older than a moment.
            pub(in crate::store) async fn last_before(
                session: &mut Session,
                chain: &str,
                before_ms: i64,
            ) -> Result<Option<(i64, RecordDigest)>, Error> {
                let sql = "SELECT seq, digest FROM record WHERE chain = $1 AND seq < \
                           COALESCE((SELECT MIN(seq) FROM record WHERE chain = $1 AND at_ms >= $2), \
                           (SELECT MAX(seq) FROM record WHERE chain = $1)) ORDER BY seq DESC LIMIT 1";
                let Some(row) = sqlx::query(sql).bind(chain).bind(before_ms).fetch_optional(session).await? else {
                    return Ok(None);
                };
                Ok(Some((row.try_get(0)?, array(row.try_get(1)?)?)))
            }

            /// Removes a chain's records up to and with a place, and leaves a signed checkpoint instead.
            pub(in crate::store) async fn prune(session: &mut Session, row: &CheckpointRow) -> Result<u64, Error> {
                let sql = "INSERT INTO checkpoint VALUES ($1, $2, $3, $4, $5) ON CONFLICT (chain) DO UPDATE SET \
                           seq = excluded.seq, digest = excluded.digest, at_ms = excluded.at_ms, mac = excluded.mac";
                let mut transaction = session.begin().await?;
                let query = sqlx::query(sql).bind(&row.chain).bind(row.seq).bind(&row.digest[..]);
                query.bind(row.at_ms).bind(&row.mac[..]).execute(&mut *transaction).await?;
                let sql = "DELETE FROM record WHERE chain = $1 AND seq <= $2";
                let done = sqlx::query(sql).bind(&row.chain).bind(row.seq).execute(&mut *transaction).await?;
                transaction.commit().await?;
                Ok(done.rows_affected())
            }

            /// Every checkpoint.
            pub(in crate::store) async fn checkpoints(session: &mut Session) -> Result<Vec<CheckpointRow>, Error> {
                let sql = "SELECT chain, seq, digest, at_ms, mac FROM checkpoint ORDER BY chain";
                let rows = sqlx::query(sql).fetch_all(session).await?;
                let checkpoint = |row: &Row| -> Result<CheckpointRow, Error> {
                    let (digest, mac) = (array(row.try_get(2)?)?, array(row.try_get(4)?)?);
                    let (chain, seq, at_ms) = (row.try_get(0)?, row.try_get(1)?, row.try_get(3)?);
                    Ok(CheckpointRow { chain, seq, digest, at_ms, mac })
                };
                rows.iter().map(checkpoint).collect()
            }

            fn record(row: &Row) -> Result<Record, Error> {
                let digest = |idx: usize| -> Result<Option<RecordDigest>, Error> {
                    row.try_get::<Option<&[u8]>, _>(idx)?.map(array).transpose()
                };
                let columns = Columns {
                    repo: row.try_get(5)?,
                    verdict: row.try_get(6)?,
                    degraded: flag(row.try_get(7)?)?,
                    commit_id: row.try_get(8)?,
                    change_id: row.try_get(9)?,
                    change_digest: row.try_get(10)?,
                    subject_id: row.try_get(11)?,
                    expires_ms: row.try_get(12)?,
                    question: digest(13)?,
                };
                Ok(Record {
                    chain: row.try_get(0)?,
                    seq: row.try_get(1)?,
                    kind: kind(row.try_get(2)?)?,
                    id: row.try_get(3)?,
                    at_ms: row.try_get(4)?,
                    columns,
                    claim: digest(14)?,
                    body: row.try_get(15)?,
                    vector: row.try_get(16)?,
                    tokens: row.try_get(17)?,
                    prev: array(row.try_get(18)?)?,
                    digest: array(row.try_get(19)?)?,
                    mac: digest(20)?,
                })
            }
        }
    };
}

// SQLite: numbered places would be looked up by walking the list of them for each value. A statement that fails there has
// written nothing, or closes the log; of one that PostgreSQL was sent before it went away nobody knows.
statements!(sqlite, sqlx::Sqlite, "BLOB", true, |_| "?".into(), "SELECT 1", "SELECT 1");
statements!(
    postgres,
    sqlx::Postgres,
    "BYTEA",
    false,
    |n| format!("${n}"),
    "SELECT pg_advisory_lock(739174002)",
    "SELECT pg_advisory_unlock(739174002)"
);

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty log.
    async fn session() -> sqlx::SqliteConnection {
        let mut session = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlite::migrate(&mut session).await.unwrap();
        session
    }

    /// How SQLite looks for what a statement asks for.
    async fn plan(session: &mut sqlx::SqliteConnection, sql: &str) -> Vec<String> {
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(explain)).fetch_all(session).await.unwrap();
        steps.into_iter().map(|(.., step)| step).collect()
    }

    /// A log of many decisions must not make each append slower than the one before.
    #[tokio::test]
    async fn what_still_holds_is_looked_up_by_its_place() {
        let mut session = session().await;
        for n_places in PLACE_SIZES {
            let steps = plan(&mut session, &still_hold_sql(n_places, sqlite::MARK)).await;
            let by = |index: &str| steps.iter().any(|step| step.contains(index));
            assert!(by("(chain=? AND seq=?)") && by("record_subject (subject_id=?)"), "{steps:?}");
        }
    }

    /// Nor a question about one change look through all decisions of its repository.
    #[tokio::test]
    async fn what_names_one_change_or_a_few_records_is_looked_up_by_that() {
        let mut session = session().await;
        let some = |text: &str| Some(text.to_owned());
        let of_change = Search {
            kind: Some(RecordKind::Decision),
            repo: some("shop"),
            change: some("pr/1"),
            ..Search::default()
        };
        let beside = Search {
            kind: Some(RecordKind::Revocation),
            subject_ids: Some(vec!["a".to_owned(), "b".to_owned()]),
            ..Search::default()
        };
        let by_change: &[&str] = &["(commit_id=?)", "(change_id=?)", "(change_digest=?)"];
        for (search, places) in [
            (of_change.clone(), by_change),
            (Search { before: some("0198"), ..of_change.clone() }, by_change),
            (Search { after: some("0198"), ..of_change }, by_change),
            (beside, &["(subject_id=?)"]),
        ] {
            let sql =
                format!("SELECT id FROM record WHERE {} ORDER BY id DESC LIMIT 9", search.condition().0);
            let steps = plan(&mut session, &sql).await;
            let is_by = |place: &&str| steps.iter().any(|step| step.contains(*place));
            assert!(places.iter().all(is_by), "{sql}: {steps:?}");
        }
    }
}
