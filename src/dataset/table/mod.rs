//! Tables of other people's numbers: which column is what, and what is left out.

mod assemble;
mod source;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{Error, Split, SplitError};

/// Positives that a table must have before anything is fitted.
pub const MIN_POSITIVES: usize = 20;

/// Which column of a table is what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// Column of the label, 1 or 0 (or true and false); an empty cell is not known.
    pub label: String,
    /// Column of the time: any number that grows with it.
    pub time: String,
    /// Column that names a row.
    pub id: String,
    /// The features; none takes every column of numbers but those that are left out by default.
    pub columns: Option<Vec<String>>,
    /// Columns that are not features.
    pub exclude: Vec<String>,
    /// Column of the words `train` and `test`.
    pub split_column: Option<String>,
    /// Column whose values are split each for itself.
    pub group: Option<String>,
}

/// A column that is not a feature, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Name of the column.
    pub column: String,
    /// The reason, for the list on stderr.
    pub why: String,
}

/// A table in the order of time (rows of one moment as in the file).
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The file.
    pub path: PathBuf,
    /// Name of each row.
    pub ids: Vec<String>,
    /// Time of each row.
    pub times: Vec<f64>,
    /// Label of each row; none where it is not known.
    pub labels: Vec<Option<bool>>,
    /// Lines changed, where the table has them.
    pub efforts: Option<Vec<f64>>,
    /// Names of the features.
    pub names: Vec<String>,
    /// One column a feature; NaN is unknown.
    pub columns: Vec<Vec<f32>>,
    /// Value of the group column.
    pub groups: Option<Vec<String>>,
    /// Value of the split column.
    pub split_words: Option<Vec<String>>,
    /// The columns that are not features.
    pub left_out: Vec<LeftOut>,
}

impl Table {
    /// Reads a CSV, gzipped CSV or Parquet file; which of them it is, its first bytes tell.
    ///
    /// # Errors
    /// When the file cannot be read, or a column is missing or holds something else than it should; each names file and
    /// column.
    pub fn load(path: &Path, options: &TableOptions) -> Result<Self, Error> {
        assemble::table(source::read(path, options)?, options)
    }

    /// Refuses labels from which nothing can be learned, under the name of their column.
    ///
    /// # Errors
    /// When there are too few positives, or no negatives; it names file and column.
    pub fn check_labels(&self, column: &str) -> Result<(), Error> {
        let n_labeled = self.labels.iter().flatten().count();
        let n_positives = self.labels.iter().flatten().filter(|label| **label).count();
        let needs = match n_positives {
            n if n < MIN_POSITIVES => format!("at least {MIN_POSITIVES} are needed"),
            n if n == n_labeled => "both classes are needed".to_owned(),
            _ => return Ok(()),
        };
        let (path, column) = (self.path.clone(), column.to_owned());
        Err(Error::Labels { path, column, n_positives, n_labeled, needs })
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.ids.len()
    }

    /// Positions of the rows whose label is known.
    pub fn labeled(&self) -> Vec<usize> {
        (0..self.n_rows()).filter(|idx| self.labels[*idx].is_some()).collect()
    }

    /// Splits the labeled rows: by the split column, inside each group, or at a share of all.
    ///
    /// # Errors
    /// When a side is empty, or the split column holds another word than `train` or `test`.
    pub fn split(&self, share: f64) -> Result<Split, SplitError> {
        let labeled = self.labeled();
        match (&self.split_words, &self.groups) {
            (Some(words), _) => Split::by_column(&self.times, words, &labeled),
            (None, Some(groups)) => Split::in_groups(&self.times, groups, &labeled, share),
            (None, None) => Split::at_share(&self.times, &labeled, share),
        }
    }

    /// Positions of all rows from a split on, in time order: those of its test, and those without a label that stand where it
    /// is. Inside a group that is from the first row of its test on, or where all its labels train after the newest of them; of a
    /// group without a label every row.
    pub fn from_split_on(&self, split: &Split) -> Vec<usize> {
        let (mut starts, mut ends): (HashMap<&str, f64>, HashMap<&str, f64>) = Default::default();
        for groups in self.groups.iter().filter(|_| self.split_words.is_none()) {
            for &row in &split.test {
                let start = starts.entry(&groups[row]).or_insert(f64::INFINITY);
                *start = start.min(self.times[row]);
            }
            for &row in &split.train {
                let end = ends.entry(&groups[row]).or_insert(f64::NEG_INFINITY);
                *end = end.max(self.times[row]);
            }
        }
        let is_behind_in = |group: &str, time: f64| match (starts.get(group), ends.get(group)) {
            (Some(start), _) => time >= *start,
            (None, Some(end)) => time > *end,
            (None, None) => true,
        };
        let is_behind = |row: usize| match (split.split_time, &self.split_words, &self.groups) {
            (Some(split_time), ..) => self.times[row] >= split_time,
            (None, Some(words), _) => words[row] == "test",
            (None, None, Some(groups)) => is_behind_in(&groups[row], self.times[row]),
            (None, None, None) => false,
        };
        let unlabeled = (0..self.n_rows()).filter(|row| self.labels[*row].is_none() && is_behind(*row));
        let labeled = split.test.iter().copied().filter(|row| self.labels[*row].is_some());
        let mut rows: Vec<usize> = labeled.chain(unlabeled).collect();
        rows.sort_by(|a, b| self.times[*a].total_cmp(&self.times[*b]));
        rows
    }
}
