//! From the names of changes to their ordinals, in a few dozen bytes a name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::change::{Change, unmerged};
use crate::label::template::stable_hash;
use crate::label::wording::{
    DECISION_TRAILER, Reference, change_id, first_line, headline, pull_number, trailers, unsquashed,
};

/// The first 20 bytes of a commit id; of the hash of any other identity.
type Key = [u8; 20];

/// Shortest prefix of a commit id that is taken for one.
const MIN_PREFIX: usize = 7;
/// Most decisions that one message names and that are remembered.
const MAX_DECISIONS: usize = 50;
/// Most merged commits of one landing whose names are remembered.
const MAX_MERGED: usize = 4096;

/// Every name by which a landed change can be pointed at.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Names {
    commits: HexIndex,
    reviews: HexIndex,
    pulls: BTreeMap<u32, u32>,
    subjects: BTreeMap<u64, u32>,
    /// By decisions of the service that messages name in their trailers.
    decisions: BTreeMap<u64, u32>,
}

/// Identities of hexadecimal digits, full and short, to ordinals.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct HexIndex(BTreeMap<Key, u32>);

impl Names {
    /// Remembers every name of a change; of two changes with one name the later is meant, but a
    /// merged commit never takes over the name of a change of its own.
    pub(crate) fn insert(&mut self, change: &Change, ordinal: u32) {
        for id in change.merged.iter().take(MAX_MERGED) {
            self.commits.0.entry(key(&id.0)).or_insert(ordinal);
        }
        for message in change.merged_messages.iter().take(MAX_MERGED) {
            self.insert_message(message, ordinal);
        }
        self.insert_message(&change.message, ordinal);
        self.insert_subject(headline(&change.message), ordinal);
        self.commits.0.insert(key(&change.id.0), ordinal);
    }

    fn insert_message(&mut self, message: &str, ordinal: u32) {
        self.insert_subject(unmerged(first_line(message)), ordinal);
        if let Some(number) = pull_number(message) {
            self.pulls.insert(number, ordinal);
        }
        if let Some(key) = change_id(message).and_then(hex_key) {
            self.reviews.0.insert(key, ordinal);
        }
        for decision in trailers(message, DECISION_TRAILER).take(MAX_DECISIONS) {
            self.decisions.entry(stable_hash(decision)).or_insert(ordinal);
        }
    }

    /// By its subject, and by the title of the pull request that it squashes: a revert of the request quotes either.
    fn insert_subject(&mut self, subject: &str, ordinal: u32) {
        for name in std::iter::once(subject).chain(unsquashed(subject)) {
            self.subjects.insert(stable_hash(name), ordinal);
        }
    }

    /// The change with a full id, or with a short one that no other change can mean.
    pub(crate) fn by_id(&self, id: &str) -> Option<u32> {
        self.commits.get(id)
    }

    /// The change with a review identity: a Gerrit Change-Id, or `pr/123`.
    pub(crate) fn by_review(&self, id: &str) -> Option<u32> {
        match id.strip_prefix("pr/") {
            Some(number) => self.pulls.get(&number.parse().ok()?).copied(),
            None => self.reviews.get(id.strip_prefix('I')?).or_else(|| self.by_id(id)),
        }
    }

    /// The first change whose message names a decision of the service: others may name it after that.
    pub(crate) fn by_decision(&self, id: &str) -> Option<u32> {
        self.decisions.get(&stable_hash(id)).copied()
    }

    /// The change that a message points at.
    pub(crate) fn resolve(&self, reference: &Reference) -> Option<u32> {
        match reference {
            Reference::Commit(id) => self.commits.get(id),
            Reference::Review(id) => self.reviews.get(id),
            Reference::Pull(number) => self.pulls.get(number).copied(),
            Reference::Subject(subject) => self.subjects.get(&stable_hash(subject)).copied(),
        }
    }

    /// Number of names.
    pub(crate) fn len(&self) -> usize {
        let hex = self.commits.0.len() + self.reviews.0.len();
        hex + self.pulls.len() + self.subjects.len() + self.decisions.len()
    }

    /// Forgets every name of the changes before an ordinal.
    pub(crate) fn forget_before(&mut self, first: u32) {
        self.commits.0.retain(|_, ordinal| *ordinal >= first);
        self.reviews.0.retain(|_, ordinal| *ordinal >= first);
        self.pulls.retain(|_, ordinal| *ordinal >= first);
        self.subjects.retain(|_, ordinal| *ordinal >= first);
        self.decisions.retain(|_, ordinal| *ordinal >= first);
    }
}

impl HexIndex {
    fn get(&self, id: &str) -> Option<u32> {
        if let Some(ordinal) = self.0.get(&key(id)) {
            return Some(*ordinal);
        }
        let is_short =
            (MIN_PREFIX..40).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_short { self.by_prefix(&id.to_ascii_lowercase()) } else { None }
    }

    fn by_prefix(&self, prefix: &str) -> Option<u32> {
        let low = hex_key(&format!("{prefix:0<40}"))?;
        let high = hex_key(&format!("{prefix:f<40}"))?;
        let mut found = self.0.range(low..=high).map(|(_, ordinal)| *ordinal);
        let first = found.next()?;
        found.all(|ordinal| ordinal == first).then_some(first)
    }
}

fn key(id: &str) -> Key {
    if let Some(key) = hex_key(&id.to_ascii_lowercase()) {
        return key;
    }
    let mut key = Key::default();
    key.iter_mut().zip(Sha256::digest(id.as_bytes())).for_each(|(to, from)| *to = from);
    key
}

/// The first 20 bytes of an id of 40 or 64 hexadecimal digits.
fn hex_key(id: &str) -> Option<Key> {
    if !matches!(id.len(), 40 | 64) {
        return None;
    }
    hex::decode(id).ok()?.first_chunk::<20>().copied()
}
