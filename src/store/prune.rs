//! Retention: records past their time give way to a signed checkpoint, but for reported outcomes, which are written once
//! more.
//!
//! A checkpoint vouches for everything below it, so nothing is signed for unread: every record that goes is
//! checked as `verify` checks it, from the checkpoint before on. One that is not as it was written stays.

use std::time::Instant;

use crate::store::database::{Database, reading};
use crate::store::heads::Heads;
use crate::store::key::SigningKey;
use crate::store::record::CARRIED_FROM;
use crate::store::record::{NewRecord, Record, RecordDigest, RecordKind, id_at, now_ms};
use crate::store::statements::CheckpointRow;
use crate::store::tail::Tail;
use crate::store::verify::{Difference, Problem, difference, verify};
use crate::store::walk::{ChainHeads, ChainWalk};
use crate::store::{Error, Log, Search};

const PURPOSE: &str = "diffrisk checkpoint 1";
/// Records that go at once: whoever appends waits no longer than for so many.
pub(super) const AT_ONCE: u64 = 1_000;
const PAGE: i64 = 200;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// The newest moment that the log itself speaks for. A clock that is far ahead when a service starts makes every record look
/// past its retention: their age is counted from what was written before, and from the time that passed since.
#[derive(Clone)]
pub(super) struct KeptSince {
    /// Of an empty log, when it was opened.
    newest_ms: i64,
    opened: Instant,
}

impl KeptSince {
    /// Reads the newest records. What was written within a day of a jump of the clock speaks for nothing yet: a service
    /// that starts again and again by a wrong clock writes records of its own.
    pub(super) async fn open(log: &Log) -> Result<Self, Error> {
        let newest = async |before: Option<String>| {
            let page = log.page(&Search { before, limit: 1, ..Search::default() }).await?;
            Ok::<_, Error>(page.records.first().map(|record| record.at_ms))
        };
        let mut newest_ms = newest(None).await?;
        if let Some(last_ms) = newest_ms
            && let Some(earlier_ms) = newest(Some(id_at(last_ms - DAY_MS))).await?
        {
            newest_ms = Some(last_ms.min(earlier_ms.saturating_add(DAY_MS)));
        }
        Ok(Self { newest_ms: newest_ms.unwrap_or_else(now_ms), opened: Instant::now() })
    }

    /// The latest that it can be, as far as the log knows.
    pub(super) fn now_ms(&self, clock_ms: i64) -> i64 {
        let passed_ms = i64::try_from(self.opened.elapsed().as_millis()).unwrap_or(i64::MAX);
        clock_ms.min(self.newest_ms.saturating_add(passed_ms))
    }
}

/// What is to go from a chain, and what is written at its end before.
pub(super) struct Pruning {
    /// The end of what goes.
    pub(super) row: CheckpointRow,
    /// The outcomes among it, once more: what was said of a change outlives the decisions on it.
    pub(super) outcomes: Vec<NewRecord>,
}

/// Finds a chain's oldest records before a moment, at most [`AT_ONCE`]; the newest record always stays.
pub(super) async fn plan(
    database: &Database,
    (signing_key, heads): (&SigningKey, &Heads),
    tail: &Tail,
    before_ms: i64,
) -> Result<Option<Pruning>, Error> {
    let chain = tail.chain.as_str();
    let last: Option<(i64, RecordDigest)> = reading!(database, last_before(chain, before_ms))?;
    let Some((last, _)) = last else { return Ok(None) };
    let ((seq, digest, is_sealed), outcomes) = checked(database, signing_key, tail, last).await?;
    if !is_sealed {
        // Records of versions without seals are vouched for by heads alone, perhaps by a later one.
        let report = verify(database, signing_key, heads).await?;
        report.difference.map_or(Ok(()), refused)?;
    }
    let at_ms = now_ms();
    let mac = signing_key.mac(PURPOSE, (chain, seq), &digest, at_ms);
    let row = CheckpointRow { chain: chain.to_owned(), seq, digest, at_ms, mac };
    Ok(Some(Pruning { row, outcomes }))
}

/// Reads the records up to a place, or as many as go at once; answers with the place and digest of the last one,
/// and whether seals vouch for it, and with the outcomes on the way.
async fn checked(
    database: &Database,
    signing_key: &SigningKey,
    tail: &Tail,
    last: i64,
) -> Result<((i64, RecordDigest, bool), Vec<NewRecord>), Error> {
    let chain = tail.chain.as_str();
    let checkpoint = checkpoint(database, chain).await?;
    if let Some(row) = checkpoint.as_ref().filter(|row| !signed(signing_key, row)) {
        refused(difference(chain, row.seq, None, Problem::ForgedCheckpoint))?;
    }
    let mut heads = ChainHeads::default();
    heads.add(tail.seq, tail.digest, Some(tail.sealed_from));
    let mut walk = ChainWalk::new(chain, checkpoint.as_ref(), &heads, signing_key);
    let (mut n_left, mut outcomes) = (AT_ONCE, Vec::new());
    loop {
        let page: Vec<Record> = reading!(database, scan(chain, walk.next_seq(), PAGE))?;
        for record in &page {
            if record.seq > last || n_left == 0 {
                let place = walk.place().ok_or_else(|| Error::Closed("nothing was read".into()))?;
                return Ok((place, outcomes));
            }
            walk.step(record).map_or(Ok(()), refused)?;
            outcomes.extend(carried(record).filter(|_| signing_key.wrote(record)));
            n_left -= 1;
        }
        if page.is_empty() {
            refused(difference(chain, last, None, Problem::Truncated))?;
        }
    }
}

/// An outcome as a record of its own that says which one it was first.
fn carried(record: &Record) -> Option<NewRecord> {
    if record.kind != RecordKind::Outcome {
        return None;
    }
    let mut body: serde_json::Value = serde_json::from_str(&record.body).ok()?;
    body.as_object_mut()?.insert(CARRIED_FROM.to_owned(), record.first_id().into());
    Some(NewRecord {
        columns: record.columns.clone(),
        ..NewRecord::new(RecordKind::Outcome, body.to_string())
    })
}

fn refused<T>(Difference { chain, seq, problem, .. }: Difference) -> Result<T, Error> {
    Err(Error::NotAsWritten { chain, seq, problem })
}

/// The record that says what was pruned.
pub(super) fn note(before_ms: i64, n_pruned: u64) -> NewRecord {
    let body = serde_json::json!({ "pruned_before_ms": before_ms, "n_pruned": n_pruned });
    NewRecord::new(RecordKind::Checkpoint, body.to_string())
}

/// How far a chain was pruned.
pub(super) async fn checkpoint(database: &Database, chain: &str) -> Result<Option<CheckpointRow>, Error> {
    let checkpoints: Vec<CheckpointRow> = reading!(database, checkpoints())?;
    Ok(checkpoints.into_iter().find(|row| row.chain == chain))
}

/// Whether this installation signed a checkpoint.
pub(super) fn signed(signing_key: &SigningKey, row: &CheckpointRow) -> bool {
    signing_key.mac(PURPOSE, (&row.chain, row.seq), &row.digest, row.at_ms) == row.mac
}
