//! Retention: records past their time give way to a signed checkpoint.

use crate::store::Error;
use crate::store::database::{Database, writing};
use crate::store::heads::SigningKey;
use crate::store::record::{NewRecord, RecordDigest, RecordKind, now_ms};
use crate::store::statements::CheckpointRow;

const PURPOSE: &str = "diffrisk checkpoint 1";

/// Prunes a chain's records older than a moment; the newest record always stays.
pub(super) async fn prune(
    database: &Database,
    signing_key: &SigningKey,
    chain: &str,
    before_ms: i64,
) -> Result<u64, Error> {
    let last: Option<(i64, RecordDigest)> = writing!(database, last_before(chain, before_ms))?;
    let Some((seq, digest)) = last else { return Ok(0) };
    let at_ms = now_ms();
    let mac = signing_key.mac(PURPOSE, (chain, seq), &digest, at_ms);
    let row = CheckpointRow { chain: chain.to_owned(), seq, digest, at_ms, mac };
    writing!(database, prune(&row))
}

/// The record that says what was pruned.
pub(super) fn note(before_ms: i64, n_pruned: u64) -> NewRecord {
    let body = serde_json::json!({ "pruned_before_ms": before_ms, "n_pruned": n_pruned });
    NewRecord::new(RecordKind::Checkpoint, body.to_string())
}

/// Whether this installation signed a checkpoint.
pub(super) fn signed(signing_key: &SigningKey, row: &CheckpointRow) -> bool {
    signing_key.mac(PURPOSE, (&row.chain, row.seq), &row.digest, row.at_ms) == row.mac
}
