//! Where the newest questions were answered. An index of all of them, digests in no order of time, would be a page to read and
//! one to write for every decision; a question that is no longer known here is decided anew.

use rustc_hash::FxHashMap;

use crate::store::record::{Record, RecordDigest};

/// Questions of a generation; those of two are known.
const GENERATION: usize = 8_192;

/// Places of one chain by the question that was answered there.
#[derive(Default)]
pub(super) struct Questions {
    newer: FxHashMap<u64, i64>,
    older: FxHashMap<u64, i64>,
}

impl Questions {
    /// Newest records of a chain that are read for their questions when a log is opened.
    pub(super) const N_READ: i64 = 4_096;

    /// Takes note of a record that answers a question.
    pub(super) fn add(&mut self, record: &Record) {
        if let Some(question) = &record.columns.question {
            self.insert(question, record.seq);
        }
    }

    /// Takes note that a question was answered in a place.
    pub(super) fn insert(&mut self, question: &RecordDigest, seq: i64) {
        if self.newer.len() >= GENERATION {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(short(question), seq);
    }

    /// The place of what may have answered a question: the record there says whether it did.
    pub(super) fn place(&self, question: &RecordDigest) -> Option<i64> {
        let short = short(question);
        self.newer.get(&short).or_else(|| self.older.get(&short)).copied()
    }
}

/// Its first eight bytes.
fn short(question: &RecordDigest) -> u64 {
    question.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(n: usize) -> RecordDigest {
        let mut question = [7; 32];
        question[..8].copy_from_slice(&(n as u64).to_le_bytes());
        question
    }

    #[test]
    fn a_generation_of_the_newest_is_always_known_and_two_at_most() {
        let mut questions = Questions::default();
        for n in 0..5 * GENERATION {
            questions.insert(&question(n), n as i64);
            let oldest = n.saturating_sub(GENERATION - 1);
            assert_eq!(questions.place(&question(oldest)), Some(oldest as i64));
            assert!(questions.newer.len() + questions.older.len() <= 2 * GENERATION);
        }
        assert_eq!(questions.place(&question(0)), None);
    }

    #[test]
    fn the_last_answer_counts() {
        let mut questions = Questions::default();
        for n in 0..GENERATION {
            questions.insert(&question(n), n as i64);
        }
        for seq in [-1, -2] {
            questions.insert(&question(3), seq);
            assert_eq!(questions.place(&question(3)), Some(seq));
        }
    }
}
