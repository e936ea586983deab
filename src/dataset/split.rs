//! Which rows train and which test. By share or moment, no training row is later than a test row; groups keep to that each for
//! themselves, and a column is taken at its word. Start at [`Split::at_share`].

/// Rows to learn from and rows to be judged on, by position, each in time order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Split {
    /// Positions of the training rows.
    pub train: Vec<usize>,
    /// Positions of the test rows.
    pub test: Vec<usize>,
    /// The first moment of the test; none where groups or a column decide.
    pub split_time: Option<f64>,
}

/// Why rows could not be split.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// The share is not between 0 and 1.
    #[error("`{0}` is not a share between 0 and 1")]
    Share(f64),
    /// One side has no rows.
    #[error("the split leaves {n_train} rows for training and {n_test} for the test")]
    Empty {
        /// Rows for training.
        n_train: usize,
        /// Rows for the test.
        n_test: usize,
    },
    /// A split column holds another word than `train` or `test`.
    #[error("row {row} of the split column is `{value}`, expected `train` or `test`")]
    Value {
        /// Number of the row, from 1.
        row: usize,
        /// What it holds.
        value: String,
    },
}

impl Split {
    /// The oldest share of the kept rows trains: the split is the time of the row at that share,
    /// and the test is every kept row from then on, so that rows of one moment stay together.
    ///
    /// # Errors
    /// When the share is not inside `(0, 1)`, or one side is empty.
    pub fn at_share(times: &[f64], kept: &[usize], share: f64) -> Result<Self, SplitError> {
        check_share(share)?;
        let mut sorted: Vec<f64> = kept.iter().map(|idx| times[*idx]).collect();
        sorted.sort_by(f64::total_cmp);
        match sorted.get(n_train(sorted.len(), share)) {
            Some(split_time) => Self::at_time(times, kept, *split_time),
            None => Err(SplitError::Empty { n_train: sorted.len(), n_test: 0 }),
        }
    }

    /// The kept rows from a moment on are the test, those before it train. There is a test where only rows that are not kept are
    /// of that moment or later: they are predicted, and nothing is measured.
    ///
    /// # Errors
    /// When nothing trains, or no row at all is of that moment or later.
    pub fn at_time(times: &[f64], kept: &[usize], split_time: f64) -> Result<Self, SplitError> {
        let (test, train): (Vec<usize>, Vec<usize>) = kept.iter().partition(|idx| times[**idx] >= split_time);
        let split = Self { train, test, split_time: Some(split_time) }.in_time_order(times);
        let is_predicted = !split.train.is_empty() && times.iter().any(|time| *time >= split_time);
        if is_predicted { Ok(split) } else { split.checked() }
    }

    /// Splits inside each group: the oldest share of each trains. Rows of one moment may part,
    /// because in such tables a moment is often only a position.
    ///
    /// # Errors
    /// When the share is not inside `(0, 1)`, or one side is empty.
    pub fn in_groups(
        times: &[f64],
        groups: &[String],
        kept: &[usize],
        share: f64,
    ) -> Result<Self, SplitError> {
        check_share(share)?;
        let mut by_group = kept.to_vec();
        by_group.sort_by(|a, b| groups[*a].cmp(&groups[*b]).then(times[*a].total_cmp(&times[*b])));
        let mut split = Self::default();
        for members in by_group.chunk_by(|a, b| groups[*a] == groups[*b]) {
            let (oldest, newest) = members.split_at(n_train(members.len(), share));
            split.train.extend_from_slice(oldest);
            split.test.extend_from_slice(newest);
        }
        split.in_time_order(times).checked()
    }

    /// Takes the split from a column of the words `train` and `test`. As at a moment, there is a test where only rows that are not
    /// kept are of it.
    ///
    /// # Errors
    /// When a kept row holds another word, nothing trains, or no row at all is of the test.
    pub fn by_column(times: &[f64], words: &[String], kept: &[usize]) -> Result<Self, SplitError> {
        let mut split = Self::default();
        for &idx in kept {
            match words[idx].as_str() {
                "train" => split.train.push(idx),
                "test" => split.test.push(idx),
                other => return Err(SplitError::Value { row: idx + 1, value: other.to_owned() }),
            }
        }
        let is_predicted = !split.train.is_empty() && words.iter().any(|word| word == "test");
        let split = split.in_time_order(times);
        if is_predicted { Ok(split) } else { split.checked() }
    }

    fn in_time_order(mut self, times: &[f64]) -> Self {
        self.train.sort_by(|a, b| times[*a].total_cmp(&times[*b]));
        self.test.sort_by(|a, b| times[*a].total_cmp(&times[*b]));
        self
    }

    fn checked(self) -> Result<Self, SplitError> {
        match (self.train.len(), self.test.len()) {
            (n_train, n_test) if n_train == 0 || n_test == 0 => Err(SplitError::Empty { n_train, n_test }),
            _ => Ok(self),
        }
    }
}

fn check_share(share: f64) -> Result<(), SplitError> {
    if share > 0.0 && share < 1.0 { Ok(()) } else { Err(SplitError::Share(share)) }
}

/// Rows in the oldest share, rounded to the nearest.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and `n_rows`")]
fn n_train(n_rows: usize, share: f64) -> usize {
    (n_rows as f64 * share).round() as usize
}
