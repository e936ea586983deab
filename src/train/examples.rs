//! From mined rows to what learners take: a matrix, tokens and the time that orders them. Knows no label; those come as
//! [`Labelled`] positions beside it.

use crate::dataset::Rows;
use crate::features::is_custom;
use crate::model::{Matrix, Target};

/// Rows as learners take them: columns of numbers, tokens, and the time that orders them.
#[derive(Clone, Debug)]
pub struct Examples {
    /// Name of each column.
    pub names: Vec<String>,
    /// Revision of what each column means.
    pub revisions: Vec<u32>,
    /// The columns; NaN is unknown.
    pub matrix: Matrix,
    /// Hashed tokens of each row; empty where there are none at all.
    pub tokens: Vec<Vec<u32>>,
    /// What orders the rows: Unix seconds, or any rising number.
    pub times: Vec<f64>,
}

impl Examples {
    /// The examples of mined rows.
    ///
    /// # Errors
    /// Where there are no rows.
    pub fn of_rows(rows: &Rows) -> Result<Self, crate::model::Error> {
        let columns = rows.features().iter().map(|feature| feature.values.clone()).collect();
        Ok(Self {
            names: rows.features().iter().map(|feature| feature.name.clone()).collect(),
            revisions: rows.features().iter().map(|feature| feature.revision).collect(),
            matrix: Matrix::new(columns)?,
            tokens: (0..rows.n_rows()).map(|idx| rows.tokens(idx).to_vec()).collect(),
            times: rows.facts().iter().map(|row| row.committed_at as f64).collect(),
        })
    }

    /// The same without custom features: what is shared with others can ask nobody for them.
    pub(super) fn without_custom(mut self) -> Self {
        let is_kept: Vec<bool> = self.names.iter().map(|name| !is_custom(name)).collect();
        let mut kept = is_kept.iter();
        self.matrix.columns.retain(|_| kept.next() == Some(&true));
        let mut kept = is_kept.iter();
        self.revisions.retain(|_| kept.next() == Some(&true));
        self.names.retain(|name| !is_custom(name));
        self
    }

    /// Name and revision of each column.
    pub(super) fn features(&self) -> impl Iterator<Item = (&str, u32)> {
        self.names.iter().map(String::as_str).zip(self.revisions.iter().copied())
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.matrix.n_rows
    }

    /// Puts rows with the same columns behind these.
    pub(super) fn append(&mut self, other: &Self) {
        for (column, more) in self.matrix.columns.iter_mut().zip(&other.matrix.columns) {
            column.extend_from_slice(more);
        }
        self.matrix.n_rows += other.matrix.n_rows;
        self.tokens.extend_from_slice(&other.tokens);
        self.times.extend_from_slice(&other.times);
    }

    /// Values of a row, in the order of the columns.
    pub fn row(&self, idx: usize) -> Vec<f32> {
        self.matrix.row(idx)
    }

    /// Tokens of a row.
    pub fn tokens(&self, idx: usize) -> &[u32] {
        self.tokens.get(idx).map_or(&[], Vec::as_slice)
    }

    /// Some rows of some columns.
    pub fn select(&self, rows: &[usize], columns: &[usize]) -> Matrix {
        let column = |&column: &usize| rows.iter().map(|&row| self.matrix.columns[column][row]).collect();
        Matrix { n_rows: rows.len(), columns: columns.iter().map(column).collect() }
    }
}

/// Labelled rows that may train: positions, labels and weights.
#[derive(Clone, Debug, Default)]
pub(super) struct Labelled {
    /// Positions in the examples, in time order.
    pub rows: Vec<usize>,
    /// Their labels.
    pub y: Vec<bool>,
    /// Their weights.
    pub weight: Vec<f64>,
}

impl Labelled {
    /// Those before the position `end` in this list.
    pub fn head(&self, end: usize) -> Self {
        Self {
            rows: self.rows[..end].to_vec(),
            y: self.y[..end].to_vec(),
            weight: self.weight[..end].to_vec(),
        }
    }

    /// The same rows, the heaviest of weight 1.
    pub fn rescaled(mut self) -> Self {
        let heaviest = self.weight.iter().fold(0.0_f64, |heaviest, weight| heaviest.max(*weight));
        if heaviest > 0.0 {
            self.weight.iter_mut().for_each(|weight| *weight /= heaviest);
        }
        self
    }

    /// Number of positives.
    pub fn n_positive(&self) -> usize {
        self.y.iter().filter(|&&y| y).count()
    }

    /// As the learners take it.
    pub fn target(&self) -> Target {
        Target { y: self.y.clone(), weight: self.weight.clone() }
    }
}
