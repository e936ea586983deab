//! From the names of changes to their ordinals, in a few dozen bytes a name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::change::ChangeId;

/// The first 20 bytes of a commit id; of the hash of any other identity.
type Key = [u8; 20];

/// Shortest prefix of a commit id that is taken for one.
const MIN_PREFIX: usize = 7;

/// Commit ids, full and short, to ordinals.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct IdIndex(BTreeMap<Key, u32>);

impl IdIndex {
    /// Remembers an id; a later change with the same one takes it over.
    pub(crate) fn insert(&mut self, id: &ChangeId, ordinal: u32) {
        self.0.insert(key(&id.0), ordinal);
    }

    /// Remembers an id unless a change has it already.
    pub(crate) fn insert_new(&mut self, id: &ChangeId, ordinal: u32) {
        self.0.entry(key(&id.0)).or_insert(ordinal);
    }

    /// The ordinal of a full id, or of a short one that only one change can mean.
    pub(crate) fn get(&self, id: &str) -> Option<u32> {
        if let Some(ordinal) = self.0.get(&key(id)) {
            return Some(*ordinal);
        }
        let is_short =
            (MIN_PREFIX..40).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_short { self.by_prefix(&id.to_ascii_lowercase()) } else { None }
    }

    /// Forgets every id of the changes before an ordinal.
    pub(crate) fn forget_before(&mut self, ordinal: u32) {
        self.0.retain(|_, known| *known >= ordinal);
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
    if let Some(key) = (id.len() >= 40).then(|| hex_key(&id.to_ascii_lowercase())).flatten() {
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
