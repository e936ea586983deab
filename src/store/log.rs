//! The reading side: records, pages, what stands beside a decision, and verification. Writes no record; heads that checkpoints
//! make needless are all that it removes. Start at [`Log`].

use std::collections::HashMap;

use serde_json::Value;

use crate::store::database::{Database, reading};
use crate::store::heads::{Head, Heads};
use crate::store::key::SigningKey;
use crate::store::prune;
use crate::store::record::{Record, RecordDigest, RecordKind};
use crate::store::search::Search;
use crate::store::statements::CheckpointRow;
use crate::store::tail::Tail;
use crate::store::verify::{self, VerifyReport};
use crate::store::{Error, StoreConfig};

/// The reading side of the decision log.
#[derive(Clone)]
pub struct Log {
    database: Database,
    signing_key: SigningKey,
    heads: Heads,
}

/// What stands beside a decision, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside {
    /// What is as it was written.
    pub sound: Vec<Record>,
    /// What was altered.
    pub altered: Vec<Record>,
}

/// Thousands of outcomes since a decision that are looked through for those joined to it.
const MAX_PAGES: usize = 20;

/// Whether an outcome that stands beside another decision was joined to this one.
fn joins(record: &Record, decision_id: &str) -> bool {
    let is_joined = || {
        let body: Value = serde_json::from_str(&record.body).unwrap_or_default();
        let mut joined = body["joined"].as_array().into_iter().flatten();
        joined.any(|it| it["decision_id"] == decision_id)
    };
    record.columns.subject_id.as_deref() != Some(decision_id)
        && record.body.contains(decision_id)
        && is_joined()
}

/// Some records, and where the next ones begin.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The records in order.
    pub records: Vec<Record>,
    /// What to ask for next; none at the end.
    pub next: Option<String>,
}

impl Log {
    /// Opens an existing log for reading, also while a service writes it.
    ///
    /// # Errors
    /// When the database or the signing key is not there or cannot be read, or the tables are those of another version.
    pub async fn open(store_config: &StoreConfig) -> Result<Self, Error> {
        let database = Database::open_existing(store_config).await?;
        let key_path = store_config.file_beside("key")?.unwrap_or_default();
        Ok(Self::new(database, SigningKey::load(&key_path)?, Heads::beside(store_config)?))
    }

    /// The same of a copy in an SQLite file, which may be one of an older version.
    pub(super) async fn open_copy(store_config: &StoreConfig) -> Result<Self, Error> {
        let database = Database::open_copy(store_config).await?;
        let key_path = store_config.file_beside("key")?.unwrap_or_default();
        Ok(Self::new(database, SigningKey::load(&key_path)?, Heads::beside(store_config)?))
    }

    pub(super) fn new(database: Database, signing_key: SigningKey, heads: Heads) -> Self {
        Self { database, signing_key, heads }
    }

    /// One record by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record(&self, id: &str) -> Result<Option<Record>, Error> {
        reading!(&self.database, by_id(id))
    }

    /// What stands beside a decision, and what was reported of its change beside another decision on it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn beside(&self, decision_id: &str) -> Result<Beside, Error> {
        let mut beside = self.beside_each([decision_id]).await?.remove(decision_id).unwrap_or_default();
        let joined = self.joined_later(decision_id).await?;
        if joined.is_empty() {
            return Ok(beside);
        }
        for record in joined {
            let is_altered = self.is_altered(&record).await?;
            if is_altered { &mut beside.altered } else { &mut beside.sound }.push(record);
        }
        beside.sound.sort_by(|a, b| a.id.cmp(&b.id));
        beside.altered.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(beside)
    }

    /// The outcomes since a decision that were joined to it and stand beside another one.
    async fn joined_later(&self, decision_id: &str) -> Result<Vec<Record>, Error> {
        let kind = Some(RecordKind::Outcome);
        let after = Some(decision_id.to_owned());
        let mut search = Search { kind, after, limit: 1000, ..Search::default() };
        let mut joined = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = self.page(&search).await?;
            joined.extend(page.records.into_iter().filter(|record| joins(record, decision_id)));
            if page.next.is_none() {
                break;
            }
            search.after = page.next;
        }
        Ok(joined)
    }

    /// What stands beside each of some decisions, by their ids; those that stand alone are not among them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn beside_each(
        &self,
        decision_ids: impl IntoIterator<Item = &str>,
    ) -> Result<HashMap<String, Beside>, Error> {
        let mut each: HashMap<String, Beside> = HashMap::new();
        let subject_ids = Some(decision_ids.into_iter().map(str::to_owned).collect());
        let mut search = Search { subject_ids, after: Some(String::new()), limit: 1000, ..Search::default() };
        loop {
            let page = self.page(&search).await?;
            for record in page.records {
                let Some(decision_id) = record.columns.subject_id.clone() else { continue };
                let is_altered = self.is_altered(&record).await?;
                let beside = each.entry(decision_id).or_default();
                if is_altered { &mut beside.altered } else { &mut beside.sound }.push(record);
            }
            if page.next.is_none() {
                return Ok(each);
            }
            search.after = page.next;
        }
    }

    /// Records in the order of their ids, page by page.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page(&self, search: &Search) -> Result<Page, Error> {
        let more = Search { limit: search.limit + 1, ..search.clone() };
        let mut records: Vec<Record> = reading!(&self.database, search(&more))?;
        let n_asked = usize::try_from(search.limit).unwrap_or(0);
        let has_more = records.len() > n_asked;
        records.truncate(n_asked);
        let next = records.last().filter(|_| has_more).map(|record| record.id.clone());
        Ok(Page { records, next })
    }

    /// Whether a record is as this installation wrote it: whoever can write the database cannot make one up.
    pub fn wrote(&self, record: &Record) -> bool {
        self.signing_key.wrote(record)
    }

    /// Whether a record is not as it was written, so far as it tells by itself: [`Log::verify`] reads the whole log. One
    /// without a MAC is from before they were written, unless records before it in its chain have one. A chain of another key,
    /// such as one that was lost, cannot be vouched for, but is not altered by that.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_altered(&self, record: &Record) -> Result<bool, Error> {
        if self.wrote(record) {
            return Ok(false);
        }
        if !record.is_intact() {
            return Ok(true);
        }
        if record.mac.is_some() {
            return self.has_own(&record.chain).await;
        }
        let first_sealed: Option<i64> = reading!(&self.database, first_sealed(&record.chain))?;
        Ok(first_sealed.is_some_and(|first_sealed| first_sealed < record.seq))
    }

    /// Whether the first or the last record of a chain was written with this installation's key.
    async fn has_own(&self, chain: &str) -> Result<bool, Error> {
        let last: Option<(i64, RecordDigest)> = reading!(&self.database, tail(chain))?;
        for seq in [0, last.map_or(0, |(seq, _)| seq)] {
            let records: Vec<Record> = reading!(&self.database, scan(chain, seq, 1))?;
            if records.iter().any(|record| self.wrote(record)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the whole log and names the first difference.
    ///
    /// # Errors
    /// When the database or the heads cannot be read at all.
    pub async fn verify(&self) -> Result<VerifyReport, Error> {
        verify::verify(&self.database, &self.signing_key, &self.heads).await
    }

    /// Removes what was set aside of the heads and vouches for nothing above the checkpoints.
    pub(super) async fn forget_heads(&self) -> Result<(), Error> {
        let checkpoints: Vec<CheckpointRow> = reading!(&self.database, checkpoints())?;
        let signed = checkpoints.into_iter().filter(|row| prune::signed(&self.signing_key, row));
        let pruned_to: HashMap<String, i64> = signed.map(|row| (row.chain, row.seq)).collect();
        let (heads, signing_key) = (self.heads.clone(), self.signing_key.clone());
        let is_needless = move |head: &Head| {
            pruned_to.get(&head.chain).is_some_and(|seq| head.seq <= *seq)
                && signing_key.signed(head).is_some()
        };
        let forgotten = tokio::task::spawn_blocking(move || heads.forget(is_needless)).await;
        forgotten.unwrap_or_else(|error| Err(Error::Closed(error.to_string())))
    }

    /// The end of the chain that this installation's heads name last, if it is still sound. What a crash left
    /// after the head must carry the key's own MACs: nothing that another wrote there is ever signed for.
    pub(super) async fn own_tail(&self) -> Result<Option<Tail>, Error> {
        let Some(head) = self.heads.newest(&self.signing_key)? else { return Ok(None) };
        let mut digest = head.digest.clone();
        let mut seq = head.seq - 1;
        loop {
            let chain = head.chain.as_str();
            let records: Vec<Record> = reading!(&self.database, scan(chain, seq + 1, 500))?;
            for record in &records {
                let follows = record.seq == head.seq || hex::encode(record.prev) == digest;
                let is_head = record.seq != head.seq || hex::encode(record.digest) == head.digest;
                let is_ours = record.seq == head.seq || self.wrote(record);
                if record.seq != seq + 1 || !record.is_intact() || !follows || !is_head || !is_ours {
                    tracing::error!(chain, seq = record.seq, "the chain is broken; a new one begins");
                    return Ok(None);
                }
                seq = record.seq;
                digest = hex::encode(record.digest);
            }
            if records.is_empty() {
                break;
            }
        }
        if seq < head.seq {
            tracing::error!(chain = head.chain, seq, "the chain is cut short; a new one begins");
            return Ok(None);
        }
        if seq > head.seq {
            let n_unsigned = seq - head.seq;
            tracing::warn!(
                chain = head.chain,
                n_unsigned,
                "the last records were written but not yet signed for"
            );
        }
        let end: Option<(i64, RecordDigest)> = reading!(&self.database, tail(&head.chain))?;
        let Some((seq, digest)) = end else { return Ok(None) };
        let sealed_from = self.sealed_from(&head, seq).await?;
        let signing_key = self.signing_key.clone();
        Ok(Some(Tail { chain: head.chain, seq, digest, sealed_from, signing_key }))
    }

    /// From where on the records of a chain are sealed: as its head says, and for one of a version that did not say it, from
    /// the first that is.
    async fn sealed_from(&self, head: &Head, last_seq: i64) -> Result<i64, Error> {
        if let Some(sealed_from) = head.sealed_from {
            return Ok(sealed_from);
        }
        let first: Option<i64> = reading!(&self.database, first_sealed(&head.chain))?;
        Ok(first.unwrap_or(last_seq + 1))
    }

    /// Whether the database answers within the time that a connection may take; one that is no server is there in any case.
    pub async fn answers(&self) -> bool {
        self.database.answers().await
    }

    /// Whether no record was ever written, or none is left.
    pub(super) async fn is_empty(&self) -> Result<bool, Error> {
        reading!(&self.database, is_empty())
    }

    /// How many records of each kind the log holds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts(&self) -> Result<HashMap<RecordKind, i64>, Error> {
        let rows: Vec<(String, i64)> = reading!(&self.database, counts())?;
        Ok(rows.into_iter().filter_map(|(word, n)| Some((RecordKind::of(&word)?, n))).collect())
    }
}
