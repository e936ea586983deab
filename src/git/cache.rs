//! A cache bounded in bytes that keeps what was used lately.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

use rustc_hash::FxHashMap;

/// Two generations of values: when the young one is full it becomes the old one, and what was
/// old and not asked for since is dropped. Recency is exact enough for a walk through history,
/// where the old side of a change was the new side of an earlier one, and costs no list.
pub(super) struct Cache<K, V> {
    young: FxHashMap<K, (V, usize)>,
    old: FxHashMap<K, (V, usize)>,
    young_bytes: usize,
    /// Bytes that one generation may hold.
    limit_bytes: usize,
}

impl<K: Hash + Eq + Copy, V: Clone> Cache<K, V> {
    /// A cache of at most about `limit_bytes` in both generations.
    pub(super) fn new(limit_bytes: usize) -> Self {
        Self {
            young: HashMap::default(),
            old: HashMap::default(),
            young_bytes: 0,
            limit_bytes: limit_bytes / 2,
        }
    }

    /// The value under a key, now young again.
    pub(super) fn get(&mut self, key: &K) -> Option<V> {
        if let Some((value, _)) = self.young.get(key) {
            return Some(value.clone());
        }
        let (value, size_bytes) = self.old.remove(key)?;
        self.put(*key, value.clone(), size_bytes);
        Some(value)
    }

    /// Keeps a value that weighs `size_bytes`.
    pub(super) fn put(&mut self, key: K, value: V, size_bytes: usize) {
        let weight_bytes = size_bytes + mem::size_of::<(K, V)>();
        if self.young_bytes + weight_bytes > self.limit_bytes {
            self.old = mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += weight_bytes;
        self.young.insert(key, (value, size_bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::Cache;

    #[test]
    fn keeps_what_was_used_lately_and_drops_the_rest() {
        let mut cache = Cache::new(400);
        cache.put(1, "one", 50);
        cache.put(2, "two", 50);
        cache.put(3, "three", 50);
        assert_eq!(cache.get(&1), Some("one"));
        cache.put(4, "four", 50);
        cache.put(5, "five", 50);
        assert_eq!(cache.get(&1), Some("one"));
        assert_eq!(cache.get(&2), None);
    }
}
