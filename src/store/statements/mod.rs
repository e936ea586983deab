//! The statements, written once and compiled for each database.

mod keys;
mod layout;
mod sql;

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
use sql::{COLUMNS, LOCK_KEYS, MOST_ROWS, Mark, PLACE_SIZES, inserts, key_locks, still_hold_sql};

pub(super) use layout::NEWEST_LAYOUT;

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
                if is_server && let Some(locks) = key_locks(&new_records) {
                    sqlx::query(LOCK_KEYS).bind(locks).execute(&mut *transaction).await?;
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
                let is_first = claim.key_digest == claim.request_digest;
                if !is_first && is_of_another(session, batch, claim.of_request(), (decision, forgotten_before_ms)).await? {
                    batch.answer(Appended::Conflict);
                    return Ok(true);
                }
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
    "SET lock_timeout = 0; SELECT pg_advisory_lock(739174002)",
    "SELECT pg_advisory_unlock(739174002); RESET lock_timeout"
);
