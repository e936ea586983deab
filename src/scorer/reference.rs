//! The newest margins of a repository, which percentiles rank against. Only margins of changes that the artifact had not
//! seen may be put in, and under one artifact.

use std::collections::VecDeque;

use crate::risk::{Reference, ReferenceScope};

/// Margins that a repository's percentile ranks against, at most.
const MAX_MARGINS: usize = 1_000;
/// Margins from which the repository's own scope is used.
const MIN_MARGINS: usize = 200;

/// The out-of-sample margins of a repository's newest changes, under one artifact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReferenceMargins {
    newest_last: VecDeque<(i64, f64)>,
    sorted: Vec<f64>,
}

impl ReferenceMargins {
    /// Number of the newest changes that count.
    pub const SIZE: usize = MAX_MARGINS;

    /// Takes in the margin of the next change, landed at `t`.
    pub fn push(&mut self, t: i64, margin: f64) {
        if self.newest_last.len() >= MAX_MARGINS
            && let Some((_, oldest)) = self.newest_last.pop_front()
        {
            let idx = self.sorted.partition_point(|other| other.total_cmp(&oldest).is_lt());
            self.sorted.remove(idx);
        }
        self.newest_last.push_back((t, margin));
        let idx = self.sorted.partition_point(|other| other.total_cmp(&margin).is_lt());
        self.sorted.insert(idx, margin);
    }

    /// Number of margins.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Mid-rank of a margin, 0 to 100; none while there are fewer than 200 margins.
    pub fn percentile(&self, margin: f64) -> Option<f64> {
        if self.sorted.len() < MIN_MARGINS {
            return None;
        }
        let below = self.sorted.partition_point(|&other| other < margin);
        let not_above = self.sorted.partition_point(|&other| other <= margin);
        Some(50.0 * (below + not_above) as f64 / self.sorted.len() as f64)
    }

    /// What the percentile ranks against.
    pub fn describe(&self) -> Reference {
        Reference {
            scope: ReferenceScope::Repository,
            n: self.newest_last.len(),
            from: self.newest_last.front().map(|(t, _)| *t),
            to: self.newest_last.back().map(|(t, _)| *t),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_margin_leaves_a_full_window() {
        let mut margins = ReferenceMargins::default();
        for t in 0..1_500 {
            margins.push(t, t as f64);
        }
        assert_eq!(margins.len(), 1_000);
        assert_eq!(margins.percentile(500.0), Some(0.05));
        assert_eq!(margins.percentile(1_499.5), Some(100.0));
        assert_eq!(margins.describe().from, Some(500));
    }

    #[test]
    fn few_margins_say_nothing() {
        let mut margins = ReferenceMargins::default();
        margins.push(0, 1.0);
        assert_eq!(margins.percentile(1.0), None);
    }
}
