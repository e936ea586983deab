//! A record and the bytes that its digest covers. Records that were written must digest as they did: what is new in them joins
//! these bytes without moving what was there. Start at [`Record`].

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Where an outcome that pruning wrote once more says which record it was first.
pub(super) const CARRIED_FROM: &str = "carried_from";

/// Callers who ask at once with one key get one decision, also where some of them were not answered in time.
const TOGETHER_MS: i64 = 10_000;

/// Two clocks that are both right differ by no more.
const CLOCKS_DIFFER_MS: i64 = 10_000;

/// SHA-256 of a record's canonical bytes.
pub type RecordDigest = [u8; 32];

/// The closed set of what the log records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// The first record of a chain.
    Genesis,
    /// A decision that was answered.
    Decision,
    /// A break-glass override beside a decision.
    Override,
    /// What became of a change.
    Outcome,
    /// A decision taken back before it expired.
    Revocation,
    /// A model or policy that became active.
    Activation,
    /// Older records were pruned up to here.
    Checkpoint,
}

/// A record before it has a place in the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRecord {
    /// What it records.
    pub kind: RecordKind,
    /// Its identity, a UUID version 7.
    pub id: String,
    /// When it was made, in Unix milliseconds.
    pub at_ms: i64,
    /// What it says: one JSON document. Never diff text.
    pub body: String,
    /// What it can be found by.
    pub columns: Columns,
    /// The feature vector that was scored, bit for bit.
    pub vector: Option<Vec<f32>>,
    /// The hashed tokens that were scored.
    pub tokens: Option<Vec<u32>>,
    /// The caller's idempotency key, where one was sent.
    pub claim: Option<Claim>,
    /// Digest of the model and policy that a decision was made under. Stored as a part of the claim's digest: a key
    /// stands for a decision only where that was made under what its caller is asked under.
    pub basis: Option<RecordDigest>,
}

/// What a record can be found by; part of what its digest covers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    /// The repository's name.
    pub repo: Option<String>,
    /// The decision's word.
    pub verdict: Option<String>,
    /// Whether the service could not vouch.
    pub degraded: bool,
    /// The exact commit.
    pub commit_id: Option<String>,
    /// The caller's review identity.
    pub change_id: Option<String>,
    /// The digest of the change.
    pub change_digest: Option<String>,
    /// The decision this record stands beside.
    pub subject_id: Option<String>,
    /// When a decision ends, in Unix milliseconds.
    pub expires_ms: Option<i64>,
    /// Fingerprint of everything a decision rests on; none for one that is never reused.
    pub question: Option<RecordDigest>,
}

/// An idempotency key as one API key sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Name of the API key.
    pub api_key: String,
    /// Digest of the idempotency key; in a batch each item has its own.
    pub key_digest: RecordDigest,
    /// That of the request's first item, which stands for all of them, whichever are recorded.
    pub request_digest: RecordDigest,
    /// Digest of the request's body.
    pub body_digest: RecordDigest,
}

/// A record in its place in a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The writer's chain.
    pub chain: String,
    /// Place in the chain, from 0.
    pub seq: i64,
    /// What it records.
    pub kind: RecordKind,
    /// Its identity.
    pub id: String,
    /// When it was made, in Unix milliseconds.
    pub at_ms: i64,
    /// What it says.
    pub body: String,
    /// What it can be found by.
    pub columns: Columns,
    /// The claim's digest, where an idempotency key was sent.
    pub claim: Option<RecordDigest>,
    /// The feature vector as little-endian bytes.
    pub vector: Option<Vec<u8>>,
    /// The tokens as little-endian bytes.
    pub tokens: Option<Vec<u8>>,
    /// Digest of the record before; zeros for a genesis record.
    pub prev: RecordDigest,
    /// Digest over all of the above.
    pub digest: RecordDigest,
    /// HMAC of the installation's key over place and digest: what nobody else can write. None on records of
    /// versions that did not seal them yet.
    pub mac: Option<RecordDigest>,
}

/// What became of an append.
#[derive(Clone, Debug, PartialEq)]
pub enum Appended {
    /// The record is in the chain, and on disk.
    New(Record),
    /// The same key and body, or the same question, was answered by this record.
    Earlier(Record),
    /// The same idempotency key came with another body; nothing was written.
    Conflict,
}

impl RecordKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Genesis,
        Self::Decision,
        Self::Override,
        Self::Outcome,
        Self::Revocation,
        Self::Activation,
        Self::Checkpoint,
    ];

    /// Its word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Genesis => "genesis",
            Self::Decision => "decision",
            Self::Override => "override",
            Self::Outcome => "outcome",
            Self::Revocation => "revocation",
            Self::Activation => "activation",
            Self::Checkpoint => "checkpoint",
        }
    }

    /// The kind of a word, if it is one.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl NewRecord {
    /// About how many bytes it takes.
    pub(super) fn n_bytes(&self) -> usize {
        let n_numbers = self.vector.as_ref().map_or(0, Vec::len) + self.tokens.as_ref().map_or(0, Vec::len);
        self.body.len() + 4 * n_numbers
    }

    /// Whether it is written without a look at what stands in the log; a question may still have been answered.
    pub(super) fn rests_on_nothing(&self) -> bool {
        self.claim.is_none() && self.kind != RecordKind::Revocation
    }

    /// A record made now, with nothing to be found by yet.
    pub fn new(kind: RecordKind, body: String) -> Self {
        Self {
            kind,
            id: new_id(),
            at_ms: now_ms(),
            body,
            columns: Columns::default(),
            vector: None,
            tokens: None,
            claim: None,
            basis: None,
        }
    }

    /// Gives the record its place.
    pub(super) fn placed(self, chain: &str, seq: i64, prev: RecordDigest) -> Record {
        let vector = self.vector.map(|values| values.iter().flat_map(|v| v.to_le_bytes()).collect());
        let tokens = self.tokens.map(|values| values.iter().flat_map(|v| v.to_le_bytes()).collect());
        let mut record = Record {
            chain: chain.to_owned(),
            seq,
            kind: self.kind,
            id: self.id,
            at_ms: self.at_ms,
            body: self.body,
            columns: self.columns,
            claim: self.claim.as_ref().map(|claim| claim.digest(self.basis.as_ref())),
            vector,
            tokens,
            prev,
            digest: [0; 32],
            mac: None,
        };
        record.digest = record.computed_digest();
        record
    }
}

impl Claim {
    /// What all items of a request claim together.
    pub(super) fn of_request(&self) -> Self {
        Self { key_digest: self.request_digest, ..self.clone() }
    }

    /// The number that a server locks while the key is claimed: one for all items of a request, for a server has room for some
    /// thousand locks.
    pub(super) fn lock(&self) -> i32 {
        self.request_digest.first_chunk().copied().map_or(0, i32::from_le_bytes)
    }

    /// One digest of the whole claim and of the model and policy that it was answered under, kept in the record so
    /// that the index beside the chain proves nothing by itself.
    pub fn digest(&self, basis: Option<&RecordDigest>) -> RecordDigest {
        let mut canonical = Canonical::new(b"diffrisk claim 2");
        canonical.bytes(self.api_key.as_bytes());
        canonical.bytes(&self.key_digest);
        canonical.bytes(&self.body_digest);
        canonical.maybe(basis.map(<[u8; 32]>::as_slice));
        canonical.finish()
    }
}

impl Record {
    /// Identity of the record that first said what this one says: pruning writes outcomes once more, and ids go by time.
    pub fn first_id(&self) -> String {
        let said: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        said[CARRIED_FROM].as_str().unwrap_or(&self.id).to_owned()
    }

    /// The digest that the record's content has now.
    pub fn computed_digest(&self) -> RecordDigest {
        let columns = &self.columns;
        let mut canonical = Canonical::new(b"diffrisk record 1");
        canonical.bytes(self.chain.as_bytes());
        canonical.number(Some(self.seq));
        canonical.bytes(self.kind.as_str().as_bytes());
        canonical.bytes(self.id.as_bytes());
        canonical.number(Some(self.at_ms));
        let texts = [
            &columns.repo, &columns.verdict, &columns.commit_id, &columns.change_id, &columns.change_digest,
            &columns.subject_id,
        ];
        texts.into_iter().for_each(|text| canonical.maybe(text.as_deref().map(str::as_bytes)));
        canonical.number(Some(i64::from(columns.degraded)));
        canonical.number(columns.expires_ms);
        canonical.maybe(columns.question.as_ref().map(<[u8; 32]>::as_slice));
        canonical.maybe(self.claim.as_ref().map(<[u8; 32]>::as_slice));
        canonical.bytes(self.body.as_bytes());
        canonical.maybe(self.vector.as_deref());
        canonical.maybe(self.tokens.as_deref());
        canonical.bytes(&self.prev);
        canonical.finish()
    }

    /// Whether its content still has the digest it was chained with. Anybody can compute a digest: who wrote
    /// the record is what its MAC proves.
    pub fn is_intact(&self) -> bool {
        self.digest == self.computed_digest()
    }

    /// Whether this is the decision that a claim may stand for: as it was written, made under this very claim, on this very
    /// basis, by then, and not expired. The index of keys beside the chain proves nothing by itself.
    pub(super) fn answers(&self, claim: &Claim, new_record: &NewRecord) -> bool {
        let is_fresh = self.columns.expires_ms.is_none_or(|expires_ms| expires_ms > new_record.at_ms);
        let claimed = claim.digest(new_record.basis.as_ref());
        is_fresh && !self.is_ahead_of(new_record.at_ms) && self.claim == Some(claimed) && self.is_intact()
    }

    /// Whether it knew more than one that is in doubt knows now, and not at the same time: since then something may have come
    /// to be known against the change.
    pub(super) fn is_surer_than(&self, new_record: &NewRecord) -> bool {
        let is_older = new_record.at_ms - self.at_ms > TOGETHER_MS;
        new_record.columns.degraded && !self.columns.degraded && is_older
    }

    /// Whether it was made later than a moment, by a clock that was wrong then: its end was counted from there, and a freeze
    /// may have begun since. The clocks of replicas differ a little.
    pub(super) fn is_ahead_of(&self, now_ms: i64) -> bool {
        self.at_ms > now_ms.saturating_add(CLOCKS_DIFFER_MS)
    }

    /// The feature vector, bit for bit.
    pub fn vector(&self) -> Option<Vec<f32>> {
        let bytes = self.vector.as_ref()?;
        Some(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }

    /// The hashed tokens.
    pub fn tokens(&self) -> Option<Vec<u32>> {
        let bytes = self.tokens.as_ref()?;
        Some(bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }
}

/// A new record identity: a UUID version 7, so that ids sort by time.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// What every id sorts behind that is made after a moment in Unix milliseconds: a UUID of version 7 begins with its own.
pub(crate) fn id_at(at_ms: i64) -> String {
    let at_ms = at_ms.max(0);
    format!("{:08x}-{:04x}", at_ms >> 16, at_ms & 0xffff)
}

pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Length-prefixed bytes under a digest: no two different records have the same canonical bytes.
struct Canonical(Sha256);

impl Canonical {
    fn new(domain: &[u8]) -> Self {
        let mut canonical = Self(Sha256::new());
        canonical.bytes(domain);
        canonical
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update([1]);
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn maybe(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => self.0.update([0]),
        }
    }

    fn number(&mut self, number: Option<i64>) {
        self.maybe(number.map(i64::to_le_bytes).as_ref().map(<[u8; 8]>::as_slice));
    }

    fn finish(self) -> RecordDigest {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever a record can be found by or read for is under its digest.
    #[test]
    fn no_part_of_a_record_can_be_altered_unseen() {
        let mut new_record = NewRecord::new(RecordKind::Decision, "{}".to_owned());
        new_record.columns.expires_ms = Some(7);
        let record = new_record.placed("chain", 1, [0; 32]);
        assert!(record.is_intact());
        let alterations: [fn(&mut Record); 12] = [
            |it| it.columns.repo = Some("x".to_owned()),
            |it| it.columns.verdict = Some("fast_path".to_owned()),
            |it| it.columns.degraded = true,
            |it| it.columns.commit_id = Some("x".to_owned()),
            |it| it.columns.change_id = Some("x".to_owned()),
            |it| it.columns.change_digest = Some("x".to_owned()),
            |it| it.columns.subject_id = Some("x".to_owned()),
            |it| it.columns.expires_ms = Some(8),
            |it| it.columns.question = Some([1; 32]),
            |it| it.claim = Some([1; 32]),
            |it| it.at_ms += 1,
            |it| it.body.push(' '),
        ];
        for (idx, alter) in alterations.iter().enumerate() {
            let mut altered = record.clone();
            alter(&mut altered);
            assert!(!altered.is_intact(), "alteration {idx}");
        }
    }

    #[test]
    fn ids_made_later_sort_behind_a_moment() {
        let before = now_ms();
        let id = new_id();
        assert!(id_at(before) < id && id < id_at(before + 60_000), "{id}");
    }
}
