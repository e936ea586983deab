//! One pass over a chain: each record against the one before, its seal, and the heads signed for it.

use std::collections::BTreeMap;

use crate::store::key::SigningKey;
use crate::store::record::{Record, RecordDigest, RecordKind};
use crate::store::statements::CheckpointRow;
use crate::store::verify::{Difference, Problem, difference};

/// The heads of one chain.
#[derive(Default)]
pub(super) struct ChainHeads {
    /// The digests signed for, by place.
    digests: BTreeMap<i64, RecordDigest>,
    /// Place from which on every record must carry a MAC, as a head says: whoever can write the database cannot
    /// make sealed records look like those of a version without seals.
    sealed_from: Option<i64>,
}

/// One pass over a chain.
pub(super) struct ChainWalk<'a> {
    chain: &'a str,
    /// Place of the record before; of the checkpoint, or -1, at the beginning.
    seq: i64,
    /// Where to read on: at the very lowest place at first, since nothing may stand below the beginning.
    next_seq: i64,
    digest: Option<RecordDigest>,
    heads: &'a ChainHeads,
    n_records: usize,
    signing_key: &'a SigningKey,
    /// A head says so, or a record with a MAC was seen: from there on every one has it.
    is_sealed: bool,
}

impl ChainHeads {
    pub(super) fn add(&mut self, seq: i64, digest: RecordDigest, sealed_from: Option<i64>) {
        self.digests.insert(seq, digest);
        self.sealed_from = self.sealed_from.into_iter().chain(sealed_from).min();
    }

    fn last(&self) -> Option<i64> {
        self.digests.last_key_value().map(|(seq, _)| *seq)
    }

    fn agree_with(&self, record: &Record) -> bool {
        self.digests.get(&record.seq).is_none_or(|digest| *digest == record.digest)
    }

    /// Whether a record needs a MAC: where a head says so, and after the last head in any case.
    fn need_seal(&self, record: &Record) -> bool {
        self.sealed_from.is_some_and(|sealed_from| record.seq >= sealed_from)
            || self.last().is_some_and(|last_head| record.seq > last_head)
    }
}

impl<'a> ChainWalk<'a> {
    /// From a checkpoint, or the beginning, on.
    pub(super) fn new(
        chain: &'a str,
        checkpoint: Option<&CheckpointRow>,
        heads: &'a ChainHeads,
        signing_key: &'a SigningKey,
    ) -> Self {
        let seq = checkpoint.map_or(-1, |row| row.seq);
        Self {
            chain,
            seq,
            next_seq: i64::MIN,
            digest: checkpoint.map(|row| row.digest),
            heads,
            n_records: 0,
            signing_key,
            is_sealed: false,
        }
    }

    pub(super) fn chain(&self) -> &'a str {
        self.chain
    }

    /// The place that comes next.
    pub(super) fn expected(&self) -> i64 {
        self.seq + 1
    }

    pub(super) fn n_records(&self) -> usize {
        self.n_records
    }

    /// Where to read on.
    pub(super) fn next_seq(&self) -> i64 {
        self.next_seq
    }

    /// Place and digest of the last record that was as it was written, and whether its seal says so.
    pub(super) fn place(&self) -> Option<(i64, RecordDigest, bool)> {
        Some((self.seq, self.digest?, self.is_sealed))
    }

    /// Takes the next record, and says what is wrong with it.
    pub(super) fn step(&mut self, record: &Record) -> Option<Difference> {
        let found = |problem| Some(difference(self.chain, record.seq, Some(&record.id), problem));
        if self.heads.last().is_none() {
            return found(Problem::Unsigned);
        }
        if record.seq <= self.seq {
            return found(Problem::Misplaced);
        }
        if record.seq != self.seq + 1 {
            let problem = if self.digest.is_none() { Problem::NoBeginning } else { Problem::Missing };
            return Some(difference(self.chain, self.seq + 1, None, problem));
        }
        if !record.is_intact() {
            return found(Problem::Altered);
        }
        self.is_sealed |= record.mac.is_some() || self.heads.need_seal(record);
        if self.is_sealed && !self.signing_key.wrote(record) {
            return found(Problem::ForgedRecord);
        }
        let begins = record.kind == RecordKind::Genesis && record.prev == [0; 32];
        match self.digest {
            None if !begins => return found(Problem::NoBeginning),
            Some(digest) if digest != record.prev => return found(Problem::Unlinked),
            _ => {}
        }
        if !self.heads.agree_with(record) {
            return found(Problem::Forked);
        }
        self.seq = record.seq;
        self.next_seq = record.seq.saturating_add(1);
        self.digest = Some(record.digest);
        self.n_records += 1;
        None
    }

    /// Records after the last head.
    pub(super) fn n_unsigned(&self) -> usize {
        let n_unsigned = self.heads.last().map_or(0, |last_head| self.seq.saturating_sub(last_head).max(0));
        usize::try_from(n_unsigned).unwrap_or(usize::MAX)
    }

    /// What is wrong if no record follows.
    pub(super) fn end(&self) -> Option<Difference> {
        let last_head = self.heads.last().unwrap_or(-1);
        (last_head > self.seq).then(|| difference(self.chain, self.seq + 1, None, Problem::Truncated))
    }
}
