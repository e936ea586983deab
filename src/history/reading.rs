//! A change read once for everybody: its typed edits and its kind. The fold and the features both start from it.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::change::{Change, KeyChange, key_changes};
use crate::label::Classification;

/// A change with everything that is read from it once: its typed key edits and its kind.
///
/// Made by [`Reading::new`] for every change, landed or proposed, so that the fold and the features
/// cannot disagree about what the change says.
#[derive(Clone, Debug)]
pub struct Reading<'a> {
    /// The change.
    pub change: &'a Change,
    /// Its kind, from its own wording, its diff and earlier templates.
    pub classification: &'a Classification,
    /// Typed key edits, one list a file of the record.
    pub keys: Vec<Vec<KeyChange>>,
}

impl<'a> Reading<'a> {
    /// Reads the typed key edits of a change.
    pub fn new(change: &'a Change, classification: &'a Classification) -> Self {
        let keys = change.record.files.iter().map(key_changes).collect();
        Self { change, classification, keys }
    }
}

/// A 64-bit hash of strings, each kept apart from the next; the same on every machine and run.
pub fn hash64(parts: &[&str]) -> u64 {
    let mut hasher = FxHasher::default();
    for part in parts {
        hasher.write(part.as_bytes());
        hasher.write_u8(0xff);
    }
    // FxHasher leaves its low bits weak; one multiply-xorshift round (splitmix64) spreads them.
    let mut hash = hasher.finish();
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^ (hash >> 31)
}
