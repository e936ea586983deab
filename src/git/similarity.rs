//! How alike two files are, on git's scale, so that renames are found where git finds them.
//!
//! Git cuts a file into chunks (a line, or 64 bytes of a longer one), counts the bytes under each
//! chunk's hash, and calls the bytes that both files share "copied". The hash is part of the
//! behaviour: chunks that collide count as equal, so another hash would move scores near the
//! limit.

use rustc_hash::FxHashMap;

use crate::git::content::is_binary;

/// The score of identical files.
pub(super) const MAX_SCORE: u64 = 60_000;
const CHUNK_BYTES: usize = 64;
const N_BUCKETS: u32 = 107_927;

/// The bytes of a file under each chunk hash.
pub(super) struct Fingerprint {
    /// Pairs of bucket and bytes, ascending by bucket.
    buckets: Vec<(u32, u32)>,
    size_bytes: u64,
}

impl Fingerprint {
    /// Reads a file.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let skips_cr = !is_binary(bytes);
        let mut counts: FxHashMap<u32, u32> = FxHashMap::default();
        let mut chunk = Chunk::default();
        for (idx, &byte) in bytes.iter().enumerate() {
            if skips_cr && byte == b'\r' && bytes.get(idx + 1) == Some(&b'\n') {
                continue;
            }
            chunk.push(byte);
            if byte == b'\n' || chunk.n_bytes == CHUNK_BYTES {
                chunk.close_into(&mut counts);
            }
        }
        if chunk.n_bytes > 0 {
            chunk.close_into(&mut counts);
        }
        let mut buckets: Vec<_> = counts.into_iter().collect();
        buckets.sort_unstable();
        Self { buckets, size_bytes: bytes.len() as u64 }
    }

    /// Similarity of two files, 0 to [`MAX_SCORE`].
    pub(super) fn score(&self, other: &Self) -> u64 {
        let max_size_bytes = self.size_bytes.max(other.size_bytes);
        if max_size_bytes == 0 {
            return 0;
        }
        self.shared_bytes(other) * MAX_SCORE / max_size_bytes
    }

    fn shared_bytes(&self, other: &Self) -> u64 {
        let mut shared_bytes = 0;
        let mut rest = other.buckets.as_slice();
        for &(bucket, n_bytes) in &self.buckets {
            let n_smaller = rest.iter().take_while(|(other_bucket, _)| *other_bucket < bucket).count();
            rest = &rest[n_smaller..];
            match rest.first() {
                Some(&(other_bucket, other_bytes)) if other_bucket == bucket => {
                    shared_bytes += u64::from(n_bytes.min(other_bytes));
                }
                _ => {}
            }
        }
        shared_bytes
    }
}

/// Whether sizes alone rule out a score of `min_score`.
pub(super) fn sizes_too_far_apart(one_bytes: usize, two_bytes: usize, min_score: u64) -> bool {
    let (max_bytes, min_bytes) = (one_bytes.max(two_bytes) as u64, one_bytes.min(two_bytes) as u64);
    max_bytes * (MAX_SCORE - min_score) < (max_bytes - min_bytes) * MAX_SCORE
}

/// Two 32-bit words, turned left by seven bits through each other for every byte.
#[derive(Default)]
struct Chunk {
    low: u32,
    high: u32,
    n_bytes: usize,
}

impl Chunk {
    fn push(&mut self, byte: u8) {
        let turned = (u64::from(self.high) << 32 | u64::from(self.low)).rotate_left(7);
        self.high = (turned >> 32) as u32;
        self.low = (turned as u32).wrapping_add(u32::from(byte));
        self.n_bytes += 1;
    }

    fn close_into(&mut self, counts: &mut FxHashMap<u32, u32>) {
        let hash = self.low.wrapping_add(self.high.wrapping_mul(0x61)) % N_BUCKETS;
        *counts.entry(hash).or_insert(0) += self.n_bytes as u32;
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(one: &str, two: &str) -> u64 {
        Fingerprint::of(one.as_bytes()).score(&Fingerprint::of(two.as_bytes()))
    }

    #[test]
    fn counts_the_bytes_of_shared_lines_against_the_larger_file() {
        assert_eq!(score("aaaa\nbbbb\n", "aaaa\nbbbb\n"), MAX_SCORE);
        assert_eq!(score("aaaa\nbbbb\n", "aaaa\ncccc\n"), MAX_SCORE / 2);
        assert_eq!(score("aaaa\n", "aaaa\nbbbb\n"), MAX_SCORE / 2);
        assert_eq!(score("aaaa\n", "cccc\n"), 0);
        assert_eq!(score("", ""), 0);
    }

    #[test]
    fn a_carriage_return_does_not_make_a_line_another() {
        assert_eq!(score("aaaa\r\n", "aaaa\r\n"), 5 * MAX_SCORE / 6);
        assert_eq!(score("aaaa\n", "aaaa\r\n"), 5 * MAX_SCORE / 6);
    }

    #[test]
    fn sizes_that_cannot_reach_the_limit_are_told_apart_early() {
        assert!(!sizes_too_far_apart(100, 200, MAX_SCORE / 2));
        assert!(sizes_too_far_apart(100, 201, MAX_SCORE / 2));
    }
}
