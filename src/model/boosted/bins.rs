//! Columns cut into at most 255 bins once a fit, so that splits are looked for among bins. Unknown values have a bin of their
//! own. Start at [`bin_columns`].

use crate::model::Matrix;

/// Rows that decide the bins of a column at most, taken at even distances.
const MAX_SAMPLE: usize = 200_000;

/// A column's values as bins: `bins[row]` counts the thresholds below the value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct BinnedColumn {
    pub(super) bins: Vec<u8>,
    /// `value <= thresholds[b]` holds exactly for bins `0..=b`.
    pub(super) thresholds: Vec<f32>,
    /// Whether any value is unknown; those stand in bin [`BinnedColumn::missing_bin`].
    pub(super) has_missing: bool,
}

impl BinnedColumn {
    /// Cells that a histogram of this column needs.
    pub(super) fn n_cells(&self) -> usize {
        self.thresholds.len() + 1 + usize::from(self.has_missing)
    }

    /// Largest value of a bin.
    pub(super) fn threshold(&self, bin: usize) -> f32 {
        self.thresholds.get(bin).copied().unwrap_or(f32::MAX)
    }

    /// The bin of unknown values, where there are any.
    pub(super) fn missing_bin(&self) -> usize {
        self.thresholds.len() + 1
    }

    fn new(values: &[f32], max_bins: usize) -> Self {
        let thresholds = thresholds(values, max_bins);
        let has_missing = values.iter().any(|value| value.is_nan());
        let missing_bin = (thresholds.len() + 1) as u8;
        let bin_of = |&value: &f32| {
            if value.is_nan() { missing_bin } else { count_below(&thresholds, value) as u8 }
        };
        Self { bins: values.iter().map(bin_of).collect(), thresholds, has_missing }
    }
}

/// Bins every column once; at most 255 bins of values and one of unknowns fill a byte.
pub(super) fn bin_columns(matrix: &Matrix, max_bins: usize) -> Vec<BinnedColumn> {
    matrix.columns.iter().map(|values| BinnedColumn::new(values, max_bins)).collect()
}

/// Number of thresholds that are smaller than a value, without branches.
fn count_below(thresholds: &[f32], value: f32) -> usize {
    let (mut low, mut size) = (0, thresholds.len());
    while size > 0 {
        let half = size / 2;
        let go_right = thresholds[low + half] < value;
        low = if go_right { low + half + 1 } else { low };
        size = if go_right { size - half - 1 } else { half };
    }
    low
}

/// Bin edges between distinct values, of about equal numbers of rows; a value that alone fills a
/// bin keeps it for itself.
fn thresholds(values: &[f32], max_bins: usize) -> Vec<f32> {
    let step = values.len().div_ceil(MAX_SAMPLE).max(1);
    let mut known: Vec<f32> = values.iter().step_by(step).copied().filter(|value| !value.is_nan()).collect();
    known.sort_unstable_by(f32::total_cmp);
    let groups: Vec<(f32, usize)> =
        known.chunk_by(|a, b| a == b).map(|group| (group[0], group.len())).collect();
    if groups.len() <= max_bins {
        return groups.windows(2).map(|pair| between(pair[0].0, pair[1].0)).collect();
    }
    equal_mass(&groups, known.len(), max_bins)
}

fn equal_mass(groups: &[(f32, usize)], n_rows: usize, max_bins: usize) -> Vec<f32> {
    let mut thresholds = Vec::with_capacity(max_bins);
    let (mut rows_left, mut bins_left, mut in_bin) = (n_rows, max_bins, 0);
    for pair in groups.windows(2) {
        in_bin += pair[0].1;
        let room = rows_left as f64 / bins_left as f64;
        let is_full = in_bin as f64 >= room || (pair[1].1 as f64 >= room && in_bin as f64 >= 0.5 * room);
        if is_full && bins_left > 1 {
            thresholds.push(between(pair[0].0, pair[1].0));
            rows_left -= in_bin;
            bins_left -= 1;
            in_bin = 0;
        }
    }
    thresholds
}

/// The middle of two values, never as large as the larger one.
fn between(low: f32, high: f32) -> f32 {
    let middle = (0.5 * f64::from(low) + 0.5 * f64::from(high)) as f32;
    if middle < high { middle } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_get_a_bin_each() {
        let column = BinnedColumn::new(&[3.0, 1.0, f32::NAN, 1.0, 2.0], 255);
        assert_eq!(column.thresholds, [1.5, 2.5]);
        assert_eq!(column.bins, [2, 0, 3, 0, 1]);
        assert_eq!((column.missing_bin(), column.n_cells()), (3, 4));
    }

    #[test]
    fn many_values_share_bins_of_equal_mass() {
        let values: Vec<f32> = (0..1000).map(|i| i as f32).collect();
        let column = BinnedColumn::new(&values, 10);
        assert_eq!(column.thresholds.len(), 9);
        assert_eq!(column.thresholds[0], 99.5);
        assert!(!column.has_missing);
    }

    #[test]
    fn a_frequent_value_stands_alone() {
        let mut values = vec![5.0; 500];
        values.extend((0..500).map(|i| i as f32 * 0.001));
        let column = BinnedColumn::new(&values, 4);
        let bin_of_five = column.bins[0];
        let in_bin = column.bins.iter().filter(|&&bin| bin == bin_of_five).count();
        assert_eq!(in_bin, 500);
    }

    #[test]
    fn neighbouring_floats_still_part() {
        let (low, high) = (1.0_f32, 1.0_f32.next_up());
        let column = BinnedColumn::new(&[low, high], 255);
        assert_eq!(column.bins, [0, 1]);
    }

    #[test]
    fn all_bins_fit_a_byte_with_unknowns() {
        let mut values: Vec<f32> = (0..10_000).map(|i| i as f32).collect();
        values.push(f32::NAN);
        let column = BinnedColumn::new(&values, 255);
        assert!(column.n_cells() <= 256);
        assert_eq!(usize::from(column.bins[10_000]), column.missing_bin());
    }
}
