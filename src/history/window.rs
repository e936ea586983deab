//! The last values of each column, by which a new one is ranked before it is added.

use serde::{Deserialize, Serialize};

/// The last vectors, column by column, against which a value is ranked.
///
/// A rank stays comparable between repositories and over the years where a raw value does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankWindow {
    size: usize,
    n_pushed: usize,
    /// `columns[c]` is a ring of at most `size` values; NaN = unknown.
    columns: Vec<Vec<f32>>,
}

impl RankWindow {
    /// An empty window over `n_columns` columns of at most `size` values.
    pub fn new(n_columns: usize, size: usize) -> Self {
        Self { size: size.max(1), n_pushed: 0, columns: vec![Vec::new(); n_columns] }
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// Mid-rank in `(0, 1)` of `value` among the known values of column `column`, shrunk toward the
    /// middle by one imagined value on either side; NaN where the value is unknown.
    pub fn rank(&self, column: usize, value: f32) -> f32 {
        if value.is_nan() {
            return f32::NAN;
        }
        let (mut below, mut equal, mut known) = (0_u32, 0_u32, 0_u32);
        for &other in &self.columns[column] {
            below += u32::from(other < value);
            equal += u32::from(other == value);
            known += u32::from(!other.is_nan());
        }
        (below as f32 + 0.5 * equal as f32 + 1.0) / (known as f32 + 2.0)
    }

    /// Puts a vector (one value a column) in the place of the oldest.
    pub fn push(&mut self, values: &[f32]) {
        let slot = self.n_pushed % self.size;
        for (column, &value) in self.columns.iter_mut().zip(values) {
            match column.get_mut(slot) {
                Some(old) => *old = value,
                None => column.push(value),
            }
        }
        self.n_pushed += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_mid_ranks_of_what_is_in_the_window() {
        let mut window = RankWindow::new(1, 3);
        assert_eq!(window.rank(0, 7.0), 0.5);
        for value in [9.0, 1.0, 2.0, 2.0] {
            window.push(&[value]);
        }
        assert_eq!(window.rank(0, 2.0), (1.0 + 1.0 + 1.0) / 5.0);
        assert!(window.rank(0, f32::NAN).is_nan());
    }
}
