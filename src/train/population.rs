//! The part of a backtest's scored changes that a task asks about, measured as one block.

use crate::dataset::{Row, Rows};
use crate::train::Error;
use crate::train::report::{Block, DatasetReport, Scored};

/// The scored changes of a backtest, of which a task keeps a part.
pub(super) struct Population<'a> {
    pub rows: &'a Rows,
    /// Positions of the scored changes.
    pub test: &'a [usize],
    /// One entry a system, one value a scored change.
    pub scored: &'a [Scored],
    /// Rows trained on, and positives among them.
    pub trained_on: (usize, usize),
    pub as_of: i64,
    pub seed: u64,
}

impl Population<'_> {
    /// Measures the systems on the changes that have a label.
    ///
    /// # Errors
    /// When only one class is there.
    pub(super) fn block(&self, label: impl Fn(&Row) -> Option<bool>) -> Result<Block, Error> {
        let block = self.block_or_empty(label);
        let (n, positive) = (block.dataset.n_test, block.dataset.pos_test);
        match positive {
            0 => Err(Error::TooFewPositives { what: "the test".to_owned(), found: 0, expected: 1 }),
            _ if positive == n => Err(Error::OneClass("the test".to_owned())),
            _ => Ok(block),
        }
    }

    /// The same, with figures that are not defined left out.
    pub(super) fn block_or_empty(&self, label: impl Fn(&Row) -> Option<bool>) -> Block {
        let kept: Vec<(usize, bool)> = (0..self.test.len())
            .filter_map(|idx| Some((idx, label(&self.rows.facts()[self.test[idx]])?)))
            .collect();
        let labels: Vec<bool> = kept.iter().map(|(_, label)| *label).collect();
        let idxs: Vec<usize> = kept.iter().map(|(idx, _)| *idx).collect();
        let scored: Vec<Scored> = self.scored.iter().map(|scored| scored.select(&idxs)).collect();
        let dataset = DatasetReport {
            n_train: self.trained_on.0,
            n_test: labels.len(),
            pos_train: self.trained_on.1,
            pos_test: labels.iter().filter(|&&label| label).count(),
            base_rate: crate::evaluation::observed_rate(&labels),
            split_time: Some(self.as_of as f64),
        };
        Block::measure(dataset, &labels, &scored, self.seed)
    }
}
