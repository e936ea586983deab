//! Finds any flipped, deleted, swapped, truncated or replayed record, and names the first.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use crate::store::Error;
use crate::store::database::{Database, reading};
use crate::store::heads::{Head, Heads, SigningKey};
use crate::store::prune;
use crate::store::record::{Record, RecordDigest, RecordKind};
use crate::store::statements::CheckpointRow;

const PAGE: i64 = 500;

/// What a check of the whole log found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct VerifyReport {
    /// Chains in the log.
    pub n_chains: usize,
    /// Records read.
    pub n_records: usize,
    /// Signed heads checked.
    pub n_heads: usize,
    /// Records after the last signed head of their chain. Each carries the key's own MAC, but the last of them
    /// could be cut off unseen. What was written in the last tenth of a second before a crash, and nothing
    /// else, should be here.
    pub n_unsigned: usize,
    /// The first difference; none for a log that is as it was written.
    pub difference: Option<Difference>,
}

/// Where the log is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The chain.
    pub chain: String,
    /// Place of the first record that differs or is missing.
    pub seq: i64,
    /// Id of that record, where there is one.
    pub id: Option<String>,
    /// What is wrong with it.
    pub problem: Problem,
}

/// The closed set of what can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// The content has another digest than the one it was chained with.
    Altered,
    /// The record does not name the one before it: something was swapped, inserted or replayed here.
    Unlinked,
    /// A record is missing in the middle.
    Missing,
    /// A signed head names a record that is no longer there.
    Truncated,
    /// A signed head names another digest at this place.
    Forked,
    /// A column or digest is not even of its form.
    Unreadable,
    /// The chain begins with neither a genesis record nor a signed checkpoint.
    NoBeginning,
    /// It stands where no record can: below the beginning of the chain, or below its checkpoint.
    Misplaced,
    /// No signed head vouches for the chain.
    Unsigned,
    /// This installation's key did not write the record, whatever its digest says.
    ForgedRecord,
    /// A line of the heads file is no head of this installation's key.
    ForgedHead,
    /// A checkpoint is not signed with this installation's key.
    ForgedCheckpoint,
}

/// Everything outside the records that vouches for them.
struct Vouchers {
    heads: HashMap<String, Vec<Head>>,
    checkpoints: HashMap<String, CheckpointRow>,
}

type Found = Result<Option<Difference>, Error>;

/// Reads the whole log.
pub(super) async fn verify(
    database: &Database,
    signing_key: &SigningKey,
    heads: &Heads,
) -> Result<VerifyReport, Error> {
    let mut report = VerifyReport::default();
    let checkpoints: Vec<CheckpointRow> = reading!(database, checkpoints())?;
    if let Some(row) = checkpoints.iter().find(|row| !prune::signed(signing_key, row)) {
        report.difference = Some(difference(&row.chain, row.seq, None, Problem::ForgedCheckpoint));
        return Ok(report);
    }
    let mut vouchers = Vouchers { heads: HashMap::new(), checkpoints: HashMap::new() };
    for line in heads.read()? {
        match line.ok().filter(|head| signing_key.signed(head)) {
            Some(head) => vouchers.heads.entry(head.chain.clone()).or_default().push(head),
            None => {
                report.difference = Some(difference("", report.n_heads as i64, None, Problem::ForgedHead));
                return Ok(report);
            }
        }
        report.n_heads += 1;
    }
    vouchers.checkpoints = checkpoints.into_iter().map(|row| (row.chain.clone(), row)).collect();
    let in_log: Vec<String> = reading!(database, chains())?;
    report.n_chains = in_log.len();
    let chains: BTreeSet<&String> =
        in_log.iter().chain(vouchers.heads.keys()).chain(vouchers.checkpoints.keys()).collect();
    for chain in chains {
        let heads = vouchers.heads.get(chain).map(Vec::as_slice).unwrap_or_default();
        let mut walk = ChainWalk::new(chain, vouchers.checkpoints.get(chain), heads, signing_key);
        let found = verify_chain(database, &mut walk).await?;
        report.n_records += walk.n_records;
        report.n_unsigned += walk.n_unsigned();
        if found.is_some() {
            report.difference = found;
            return Ok(report);
        }
    }
    Ok(report)
}

async fn verify_chain(database: &Database, walk: &mut ChainWalk<'_>) -> Found {
    loop {
        let page = match reading!(database, scan(walk.chain, walk.next_seq, PAGE)) {
            Err(Error::Database(sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. })) => {
                return walk_to_unreadable(database, walk).await;
            }
            page => page?,
        };
        if page.is_empty() {
            return Ok(walk.end());
        }
        for record in &page {
            if let Some(found) = walk.step(record) {
                return Ok(Some(found));
            }
        }
    }
}

/// Steps one by one to the record that cannot be read.
async fn walk_to_unreadable(database: &Database, walk: &mut ChainWalk<'_>) -> Found {
    loop {
        let page: Result<Vec<Record>, Error> =
            async { reading!(database, scan(walk.chain, walk.next_seq, 1)) }.await;
        match page.as_deref() {
            Ok([record]) => {
                if let Some(found) = walk.step(record) {
                    return Ok(Some(found));
                }
            }
            Ok(_) => return Ok(walk.end()),
            Err(_) => return Ok(Some(difference(walk.chain, walk.seq + 1, None, Problem::Unreadable))),
        }
    }
}

/// One pass over a chain.
pub(super) struct ChainWalk<'a> {
    chain: &'a str,
    /// Place of the record before; of the checkpoint, or -1, at the beginning.
    seq: i64,
    /// Where to read on: at the very lowest place at first, since nothing may stand below the beginning.
    next_seq: i64,
    digest: Option<RecordDigest>,
    heads: HashMap<i64, &'a Head>,
    last_head: Option<i64>,
    n_records: usize,
    signing_key: &'a SigningKey,
    /// A record with a MAC was seen: from there on every one has it.
    is_sealed: bool,
}

impl Problem {
    /// Its word in a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Unlinked => "unlinked",
            Self::Missing => "missing",
            Self::Truncated => "truncated",
            Self::Forked => "forked",
            Self::Unreadable => "unreadable",
            Self::NoBeginning => "no_beginning",
            Self::Misplaced => "misplaced",
            Self::Unsigned => "unsigned",
            Self::ForgedRecord => "forged_record",
            Self::ForgedHead => "forged_head",
            Self::ForgedCheckpoint => "forged_checkpoint",
        }
    }
}

impl<'a> ChainWalk<'a> {
    /// From a checkpoint, or the beginning, on; the heads are those of this chain.
    pub(super) fn new(
        chain: &'a str,
        checkpoint: Option<&CheckpointRow>,
        heads: &'a [Head],
        signing_key: &'a SigningKey,
    ) -> Self {
        let seq = checkpoint.map_or(-1, |row| row.seq);
        Self {
            chain,
            seq,
            next_seq: i64::MIN,
            digest: checkpoint.map(|row| row.digest),
            heads: heads.iter().map(|head| (head.seq, head)).collect(),
            last_head: heads.iter().map(|head| head.seq).max(),
            n_records: 0,
            signing_key,
            is_sealed: false,
        }
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
        if self.last_head.is_none() {
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
        self.is_sealed |=
            record.mac.is_some() || self.last_head.is_some_and(|last_head| record.seq > last_head);
        if self.is_sealed && !self.signing_key.wrote(record) {
            return found(Problem::ForgedRecord);
        }
        let begins = record.kind == RecordKind::Genesis && record.prev == [0; 32];
        match self.digest {
            None if !begins => return found(Problem::NoBeginning),
            Some(digest) if digest != record.prev => return found(Problem::Unlinked),
            _ => {}
        }
        if self.heads.get(&record.seq).is_some_and(|head| head.digest != hex::encode(record.digest)) {
            return found(Problem::Forked);
        }
        self.seq = record.seq;
        self.next_seq = record.seq.saturating_add(1);
        self.digest = Some(record.digest);
        self.n_records += 1;
        None
    }

    fn n_unsigned(&self) -> usize {
        let n_unsigned = self.last_head.map_or(0, |last_head| self.seq.saturating_sub(last_head).max(0));
        usize::try_from(n_unsigned).unwrap_or(usize::MAX)
    }

    fn end(&self) -> Option<Difference> {
        let last_head = self.last_head.unwrap_or(-1);
        (last_head > self.seq).then(|| difference(self.chain, self.seq + 1, None, Problem::Truncated))
    }
}

pub(super) fn difference(chain: &str, seq: i64, id: Option<&str>, problem: Problem) -> Difference {
    Difference { chain: chain.to_owned(), seq, id: id.map(ToOwned::to_owned), problem }
}
