//! Looks for the best split of a leaf on one column, within the bounds that monotone splits above it have set.

use crate::model::boosted::BoostedParams;
use crate::model::boosted::bins::BinnedColumn;
use crate::model::boosted::histogram::{Cell, Scale, Sums};

/// The best way to part a leaf in two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    pub(super) gain: f64,
    pub(super) feature: usize,
    /// Bins up to this one go left.
    pub(super) bin: usize,
    pub(super) missing_left: bool,
    pub(super) left: Side,
    pub(super) right: Side,
}

/// One side of a split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Side {
    pub(super) cell: Cell,
    pub(super) n_rows: usize,
    pub(super) value: f64,
}

/// Values that a leaf may take, from the monotone splits above it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    pub(super) low: f64,
    pub(super) high: f64,
}

/// A leaf whose split is sought.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) params: &'a BoostedParams,
    pub(super) scale: Scale,
    pub(super) total: Cell,
    pub(super) bounds: Bounds,
}

impl Bounds {
    pub(super) const FREE: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };

    fn clamp(self, value: f64) -> f64 {
        value.max(self.low).min(self.high)
    }
}

impl Candidate<'_> {
    /// Value of a leaf: `-gradient / (hessian + l2)`, within the bounds.
    pub(super) fn value(&self, sums: Sums) -> f64 {
        self.bounds.clamp(-sums.gradient / (sums.hessian + self.params.l2).max(f64::MIN_POSITIVE))
    }

    /// Fall of the second-order loss by one leaf, doubled: `-(2 g v + (h + l2) v²)`.
    fn score(&self, sums: Sums, value: f64) -> f64 {
        -(2.0 * sums.gradient * value + (sums.hessian + self.params.l2) * value * value)
    }

    /// The best split of one column that beats `best`.
    pub(super) fn best_of(
        &self,
        feature: usize,
        column: &BinnedColumn,
        histogram: &[Cell],
        best: Option<Split>,
    ) -> Option<Split> {
        let direction = self.params.monotone.get(feature).copied().unwrap_or(0);
        let total = self.scale.sums(self.total);
        let parent_score = self.score(total, self.value(total));
        let missing = if column.has_missing { histogram[column.missing_bin()] } else { Cell::default() };
        let mut best = best;
        let needed = self.params.min_gain.max(1e-12 * parent_score.abs());
        let mut best_gain = best.map_or(needed, |split| split.gain);
        for missing_left in [false, true] {
            if missing_left && missing.n_rows() == 0 {
                break;
            }
            let mut left = if missing_left { missing } else { Cell::default() };
            // All known values against the unknown ones is a split too.
            let n_edges = column.thresholds.len() + usize::from(!missing_left && missing.n_rows() > 0);
            for (bin, cell) in histogram[..n_edges].iter().enumerate() {
                if cell.n_rows() == 0 {
                    continue;
                }
                left.add(*cell);
                let Some((gain, sides)) = self.part(left, direction, parent_score) else { continue };
                if gain > best_gain {
                    best_gain = gain;
                    let [left, right] = sides;
                    // Without unknowns here, one that comes later follows the larger side.
                    let unknown_left =
                        if missing.n_rows() == 0 { left.n_rows > right.n_rows } else { missing_left };
                    best = Some(Split { gain, feature, bin, missing_left: unknown_left, left, right });
                }
            }
        }
        best
    }

    fn part(&self, left: Cell, direction: i8, parent_score: f64) -> Option<(f64, [Side; 2])> {
        let n_left = left.n_rows();
        let n_right = self.total.n_rows() - n_left;
        if n_left < self.params.min_leaf_rows || n_right < self.params.min_leaf_rows {
            return None;
        }
        let mut right = self.total;
        right.subtract(left);
        let (left_sums, right_sums) = (self.scale.sums(left), self.scale.sums(right));
        if left_sums.hessian.min(right_sums.hessian) < self.params.min_leaf_hessian {
            return None;
        }
        let (left_value, right_value) = (self.value(left_sums), self.value(right_sums));
        if f64::from(direction) * (right_value - left_value) < 0.0 {
            return None;
        }
        let gain = self.score(left_sums, left_value) + self.score(right_sums, right_value) - parent_score;
        let side = |cell, n_rows, value| Side { cell, n_rows, value };
        Some((gain, [side(left, n_left, left_value), side(right, n_right, right_value)]))
    }
}

impl Split {
    /// Bounds of both sides under the parent's, by the midpoint rule of monotone boosting.
    pub(super) fn bounds(&self, parent: Bounds, direction: i8) -> [Bounds; 2] {
        let middle = 0.5 * (self.left.value + self.right.value);
        let below = Bounds { high: middle.min(parent.high), ..parent };
        let above = Bounds { low: middle.max(parent.low), ..parent };
        match direction {
            1 => [below, above],
            -1 => [above, below],
            _ => [parent, parent],
        }
    }
}
