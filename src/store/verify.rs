//! Finds any flipped, deleted, swapped, truncated or replayed record, and names the first.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use crate::store::Error;
use crate::store::database::{Database, reading};
use crate::store::heads::{Head, Heads};
use crate::store::key::SigningKey;
use crate::store::prune;
use crate::store::record::Record;
use crate::store::statements::CheckpointRow;
use crate::store::walk::{ChainHeads, ChainWalk};

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

type Found = Result<Option<Difference>, Error>;

/// Reads the whole log, also while it is written and pruned.
pub(super) async fn verify(
    database: &Database,
    signing_key: &SigningKey,
    heads: &Heads,
) -> Result<VerifyReport, Error> {
    let mut report = VerifyReport::default();
    report.difference = verify_all(database, signing_key, heads, &mut report).await?;
    Ok(report)
}

async fn verify_all(
    database: &Database,
    signing_key: &SigningKey,
    heads: &Heads,
    report: &mut VerifyReport,
) -> Found {
    // Before any record: what a head vouches for was written before it.
    let mut heads_of: HashMap<String, ChainHeads> = HashMap::new();
    for line in heads.lines()? {
        let head = Head::parse(&line?);
        let Some((head, digest)) =
            head.and_then(|head| signing_key.signed(&head).map(|digest| (head, digest)))
        else {
            return Ok(Some(difference("", report.n_heads as i64, None, Problem::ForgedHead)));
        };
        heads_of.entry(head.chain).or_default().add(head.seq, digest, head.sealed_from);
        report.n_heads += 1;
    }
    let checkpoints: Vec<CheckpointRow> = reading!(database, checkpoints())?;
    if let Some(row) = checkpoints.iter().find(|row| !prune::signed(signing_key, row)) {
        return Ok(Some(difference(&row.chain, row.seq, None, Problem::ForgedCheckpoint)));
    }
    let in_log: Vec<String> = reading!(database, chains())?;
    report.n_chains = in_log.len();
    let pruned = checkpoints.into_iter().map(|row| row.chain);
    let chains: BTreeSet<String> = in_log.into_iter().chain(pruned).chain(heads_of.keys().cloned()).collect();
    for chain in &chains {
        let chain_heads = heads_of.remove(chain).unwrap_or_default();
        let found = verify_chain(database, signing_key, (chain, &chain_heads), report).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Walks a chain from its checkpoint or its genesis on; again where more of it was pruned between the two readings.
async fn verify_chain(
    database: &Database,
    signing_key: &SigningKey,
    (chain, chain_heads): (&str, &ChainHeads),
    report: &mut VerifyReport,
) -> Found {
    let mut checkpoint = prune::checkpoint(database, chain).await?;
    loop {
        let forged = checkpoint.as_ref().filter(|row| !prune::signed(signing_key, row));
        if let Some(row) = forged {
            return Ok(Some(difference(chain, row.seq, None, Problem::ForgedCheckpoint)));
        }
        let mut walk = ChainWalk::new(chain, checkpoint.as_ref(), chain_heads, signing_key);
        let found = walk_through(database, &mut walk).await?;
        if found.is_some() {
            let newer = prune::checkpoint(database, chain).await?;
            if newer.as_ref().map(|row| row.seq) > checkpoint.map(|row| row.seq) {
                checkpoint = newer;
                continue;
            }
        }
        report.n_records += walk.n_records();
        report.n_unsigned += walk.n_unsigned();
        return Ok(found);
    }
}

async fn walk_through(database: &Database, walk: &mut ChainWalk<'_>) -> Found {
    loop {
        let page = match reading!(database, scan(walk.chain(), walk.next_seq(), PAGE)) {
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
            async { reading!(database, scan(walk.chain(), walk.next_seq(), 1)) }.await;
        match page.as_deref() {
            Ok([record]) => {
                if let Some(found) = walk.step(record) {
                    return Ok(Some(found));
                }
            }
            Ok(_) => return Ok(walk.end()),
            Err(_) => return Ok(Some(difference(walk.chain(), walk.expected(), None, Problem::Unreadable))),
        }
    }
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

pub(super) fn difference(chain: &str, seq: i64, id: Option<&str>, problem: Problem) -> Difference {
    Difference { chain: chain.to_owned(), seq, id: id.map(ToOwned::to_owned), problem }
}
