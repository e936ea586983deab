//! One hash over several parts that cannot run together, for whoever asks whether two questions are the same.

use sha2::{Digest, Sha256};

/// SHA-256 over parts, each behind its length: no two lists of parts read alike.
pub(super) struct Fingerprint(Sha256);

impl Fingerprint {
    pub(super) fn new() -> Self {
        Self(Sha256::new())
    }

    pub(super) fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    /// Adds a part that may be absent, which is told from an empty one.
    pub(super) fn add_optional(&mut self, part: Option<&str>) {
        self.add(&[u8::from(part.is_some())]);
        self.add(part.unwrap_or("").as_bytes());
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_in_one_part_and_begins_in_the_next_is_told_apart() {
        let of = |parts: &[Option<&str>]| {
            let mut fingerprint = Fingerprint::new();
            parts.iter().for_each(|part| fingerprint.add_optional(*part));
            fingerprint.finish()
        };
        let lists: [&[Option<&str>]; 6] = [
            &[Some("ab"), Some("c")],
            &[Some("a"), Some("bc")],
            &[Some("abc"), Some("")],
            &[Some("abc"), None],
            &[None, Some("abc")],
            &[Some("abc")],
        ];
        for (idx, list) in lists.iter().enumerate() {
            let alike = lists.iter().position(|other| of(other) == of(list));
            assert_eq!(alike, Some(idx));
        }
    }
}
