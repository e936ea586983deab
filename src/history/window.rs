//! The last values of each column, by which a new one is ranked before it is added.

use serde::{Deserialize, Serialize, Serializer};

/// The last vectors, column by column, against which a value is ranked.
///
/// A rank stays comparable between repositories and over the years where a raw value does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankWindow {
    size: usize,
    n_pushed: usize,
    columns: Vec<Column>,
}

/// The last values of one column, twice: to know which is the oldest, and to count those below another.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Vec<f32>")]
struct Column {
    /// In the order in which they came, a ring; NaN = unknown.
    ring: Vec<f32>,
    /// The known ones, ascending.
    sorted: Vec<f32>,
}

impl RankWindow {
    /// An empty window over `n_columns` columns of at most `size` values.
    pub fn new(n_columns: usize, size: usize) -> Self {
        Self { size: size.max(1), n_pushed: 0, columns: vec![Column::default(); n_columns] }
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
        let sorted = &self.columns[column].sorted;
        let below = n_below(sorted, value);
        let equal = sorted[below..].partition_point(|&other| other <= value);
        (below as f32 + 0.5 * equal as f32 + 1.0) / (sorted.len() as f32 + 2.0)
    }

    /// Puts a vector (one value a column) in the place of the oldest.
    pub fn push(&mut self, values: &[f32]) {
        let slot = self.n_pushed % self.size;
        for (column, &value) in self.columns.iter_mut().zip(values) {
            column.put(slot, value);
        }
        self.n_pushed += 1;
    }
}

impl Column {
    /// Puts a value in the place of the one in a slot of the ring, or behind the last.
    fn put(&mut self, slot: usize, value: f32) {
        let old = match self.ring.get_mut(slot) {
            Some(old) => std::mem::replace(old, value),
            None => {
                self.ring.push(value);
                f32::NAN
            }
        };
        if !old.is_nan() {
            self.sorted.remove(n_below(&self.sorted, old));
        }
        if !value.is_nan() {
            self.sorted.insert(n_below(&self.sorted, value), value);
        }
    }
}

impl From<Vec<f32>> for Column {
    fn from(ring: Vec<f32>) -> Self {
        let mut sorted: Vec<f32> = ring.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        Self { ring, sorted }
    }
}

impl Serialize for Column {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.ring.serialize(serializer)
    }
}

/// How many of some ascending values are below another: the position of the first that is not.
fn n_below(sorted: &[f32], value: f32) -> usize {
    sorted.partition_point(|&other| other < value)
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

    #[test]
    fn values_that_left_the_window_and_unknown_ones_do_not_count() {
        let values = [3.0, f32::NAN, -0.0, 0.0, f32::INFINITY, 3.0, -2.5, f32::NAN, 0.0, -0.0, 1e-9, 3.0];
        let mut window = RankWindow::new(1, 5);
        for n_pushed in 1..=4 * values.len() {
            window.push(&[values[(n_pushed - 1) % values.len()]]);
            let last = (n_pushed.saturating_sub(5)..n_pushed).map(|at| values[at % values.len()]);
            let known: Vec<f32> = last.filter(|value| !value.is_nan()).collect();
            for value in values.into_iter().filter(|value| !value.is_nan()) {
                let n = |is_counted: fn(&f32, &f32) -> bool| {
                    known.iter().filter(|other| is_counted(other, &value)).count() as f32
                };
                let expected = (n(|a, b| a < b) + 0.5 * n(|a, b| a == b) + 1.0) / (known.len() as f32 + 2.0);
                assert_eq!(window.rank(0, value), expected, "{value} among {known:?}");
            }
        }
    }
}
