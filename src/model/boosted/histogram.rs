//! Sums of gradients by bin, as integers: exact, so that neither the order of rows nor a subtraction changes a bit.

use crate::model::boosted::bins::BinnedColumn;

/// Bits that count rows in [`Cell::hessian_rows`]; a fit has fewer rows than 2 to this.
const ROW_BITS: u32 = 24;
/// Sums of gradients stay below 2 to this, sums of hessians below 2 to [`HESSIAN_BITS`].
const GRADIENT_BITS: i32 = 60;
const HESSIAN_BITS: i32 = 38;

/// Sum of gradients, hessians and rows as integers: exact, and the same in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    gradient: i64,
    /// Hessian in the upper 40 bits, rows in the lower 24: one addition sums both.
    hessian_rows: u64,
}

/// A cell as numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) gradient: f64,
    pub(super) hessian: f64,
    pub(super) n_rows: usize,
}

/// Powers of two that turn gradients and hessians of one tree into integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    gradient: f64,
    hessian: f64,
}

impl Scale {
    /// The finest scale at which the given sums still fit.
    pub(super) fn new(sum_of_absolute_gradients: f64, sum_of_hessians: f64) -> Self {
        Self {
            gradient: power_of_two(GRADIENT_BITS, sum_of_absolute_gradients),
            hessian: power_of_two(HESSIAN_BITS, sum_of_hessians),
        }
    }

    /// One row.
    pub(super) fn cell(&self, gradient: f64, hessian: f64) -> Cell {
        let hessian = (hessian * self.hessian).round() as u64;
        Cell { gradient: (gradient * self.gradient).round() as i64, hessian_rows: (hessian << ROW_BITS) | 1 }
    }

    /// The numbers of a cell.
    pub(super) fn sums(&self, cell: Cell) -> Sums {
        Sums {
            gradient: cell.gradient as f64 / self.gradient,
            hessian: (cell.hessian_rows >> ROW_BITS) as f64 / self.hessian,
            n_rows: cell.n_rows(),
        }
    }
}

impl Cell {
    pub(super) fn add(&mut self, other: Cell) {
        self.gradient += other.gradient;
        self.hessian_rows += other.hessian_rows;
    }

    pub(super) fn subtract(&mut self, other: Cell) {
        self.gradient -= other.gradient;
        self.hessian_rows -= other.hessian_rows;
    }

    pub(super) fn n_rows(self) -> usize {
        (self.hessian_rows & ((1 << ROW_BITS) - 1)) as usize
    }
}

/// Columns that are counted in one pass, so that a row's cell is read once for all of them.
/// Measured at 30,000 rows × 300 columns; see the decision on boosted trees.
pub(super) const LANES: usize = 4;

/// Adds some rows to the histograms of up to [`LANES`] columns; `cells[i]` belongs to `rows[i]`.
pub(super) fn count(columns: &[&BinnedColumn], rows: &[u32], cells: &[Cell], histograms: &mut [&mut [Cell]]) {
    if let ([a, b, c, d], [ha, hb, hc, hd]) = (columns, &mut *histograms) {
        let (a, b, c, d) = (&a.bins[..], &b.bins[..], &c.bins[..], &d.bins[..]);
        for (&row, &cell) in rows.iter().zip(cells) {
            let row = row as usize;
            ha[usize::from(a[row])].add(cell);
            hb[usize::from(b[row])].add(cell);
            hc[usize::from(c[row])].add(cell);
            hd[usize::from(d[row])].add(cell);
        }
        return;
    }
    for (column, histogram) in columns.iter().zip(histograms) {
        for (&row, &cell) in rows.iter().zip(cells) {
            histogram[usize::from(column.bins[row as usize])].add(cell);
        }
    }
}

/// As [`count`], for a leaf that holds every row in order.
pub(super) fn count_all(columns: &[&BinnedColumn], cells: &[Cell], histograms: &mut [&mut [Cell]]) {
    if let ([a, b, c, d], [ha, hb, hc, hd]) = (columns, &mut *histograms) {
        let bins = a.bins.iter().zip(&b.bins).zip(c.bins.iter().zip(&d.bins));
        for (((&a, &b), (&c, &d)), &cell) in bins.zip(cells) {
            ha[usize::from(a)].add(cell);
            hb[usize::from(b)].add(cell);
            hc[usize::from(c)].add(cell);
            hd[usize::from(d)].add(cell);
        }
        return;
    }
    for (column, histogram) in columns.iter().zip(histograms) {
        for (&bin, &cell) in column.bins.iter().zip(cells) {
            histogram[usize::from(bin)].add(cell);
        }
    }
}

fn power_of_two(bits: i32, sum: f64) -> f64 {
    let exponent = if sum > 0.0 { sum.log2().ceil() as i32 } else { 0 };
    2.0_f64.powi((bits - exponent).clamp(-900, 900))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_sums_are_the_sums_in_any_order() {
        let rows = [(0.3, 0.21), (-0.7, 0.24), (0.123_456_789, 0.05), (-0.5, 0.25)];
        let scale = Scale::new(2.0, 1.0);
        let (mut forward, mut backward) = (Cell::default(), Cell::default());
        rows.iter().for_each(|&(g, h)| forward.add(scale.cell(g, h)));
        rows.iter().rev().for_each(|&(g, h)| backward.add(scale.cell(g, h)));
        assert_eq!(forward, backward);
        let sums = scale.sums(forward);
        assert!((sums.gradient + 0.776_543_211).abs() < 1e-12);
        assert!((sums.hessian - 0.75).abs() < 1e-9);
        assert_eq!(sums.n_rows, 4);
    }

    #[test]
    fn a_sibling_is_the_difference() {
        let scale = Scale::new(3.0, 3.0);
        let (mut parent, left) = (scale.cell(0.5, 0.2), scale.cell(-0.25, 0.1));
        parent.add(left);
        parent.subtract(left);
        assert_eq!(parent, scale.cell(0.5, 0.2));
    }
}
