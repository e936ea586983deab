//! The end of a chain while it is written: gives each record its number, the digest before it and its own.

use crate::store::key::SigningKey;
use crate::store::record::{NewRecord, Record, RecordDigest};

/// Where a chain ends.
#[derive(Clone)]
pub(super) struct Tail {
    pub(super) chain: String,
    pub(super) seq: i64,
    pub(super) digest: RecordDigest,
    /// Place from which on every record carries a MAC; each signed head says it.
    pub(super) sealed_from: i64,
    /// Seals every record of the chain.
    pub(super) signing_key: SigningKey,
}

impl Tail {
    /// Gives a record the next place of the chain.
    pub(super) fn place(&mut self, new_record: NewRecord) -> Record {
        let mut record = new_record.placed(&self.chain, self.seq + 1, self.digest);
        record.mac = Some(self.signing_key.seal(&record));
        self.seq = record.seq;
        self.digest = record.digest;
        record
    }
}
