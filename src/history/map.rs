//! A map of bounded size whose forgetting depends on the events alone, so that replaying them gives the same state.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// A map from 64-bit hashes that never grows past its limit: when full, the least recently touched
/// quarter is dropped, ties by key, so that the same events always leave the same state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BoundedMap<V> {
    limit: usize,
    entries: FxHashMap<u64, (i64, V)>,
}

impl<V: Default> BoundedMap<V> {
    /// An empty map of at most `limit` entries (at least four).
    pub fn new(limit: usize) -> Self {
        Self { limit: limit.max(4), entries: FxHashMap::default() }
    }

    /// The entry, where there is one.
    pub fn get(&self, key: u64) -> Option<&V> {
        self.entries.get(&key).map(|(_, value)| value)
    }

    /// The entry, marked as touched at `t`, made where there is none.
    pub fn touch(&mut self, key: u64, t: i64) -> &mut V {
        if self.entries.len() >= self.limit && !self.entries.contains_key(&key) {
            self.evict();
        }
        let (touched, value) = self.entries.entry(key).or_default();
        *touched = t.max(*touched);
        value
    }

    /// The entry, where there is one, left untouched.
    pub fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        self.entries.get_mut(&key).map(|(_, value)| value)
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn evict(&mut self) {
        let mut ages: Vec<(i64, u64)> =
            self.entries.iter().map(|(key, (touched, _))| (*touched, *key)).collect();
        ages.sort_unstable();
        for (_, key) in &ages[..ages.len() / 4] {
            self.entries.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_touched_quarter_leaves_a_full_map() {
        let mut map = BoundedMap::<u32>::new(8);
        for key in 0..8 {
            *map.touch(key, key as i64) = 1;
        }
        *map.touch(0, 100) = 2;
        map.touch(99, 101);
        assert_eq!(map.len(), 7);
        assert_eq!(map.get(0), Some(&2));
        assert_eq!((map.get(1), map.get(2)), (None, None));
    }
}
