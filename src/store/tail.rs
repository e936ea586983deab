use crate::store::key::SigningKey;
use crate::store::record::{NewRecord, Record, RecordDigest};

/// Where a chain ends.
#[derive(Clone)]
pub(super) struct Tail {
    pub(super) chain: String,
    pub(super) seq: i64,
    pub(super) digest: RecordDigest,
    /// Model and policy of the last activation; none before the first of this process.
    pub(super) basis: Option<RecordDigest>,
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

    /// When a decision's idempotency key stops standing for it. One made under a model or policy that was
    /// replaced while it was on its way was over before it was written.
    pub(super) fn expires_ms(&self, new_record: &NewRecord) -> i64 {
        let is_current = self.basis.is_none() || self.basis == new_record.basis;
        let expires_ms = new_record.columns.expires_ms.unwrap_or(i64::MAX);
        if is_current { expires_ms } else { expires_ms.min(new_record.at_ms) }
    }
}
