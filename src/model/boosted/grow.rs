//! Grows one tree leaf by leaf, the best split first, on buffers that are used again. Start at [`Grower`].

use std::ops::Range;

use crate::model::boosted::BoostedParams;
use crate::model::boosted::bins::BinnedColumn;
use crate::model::boosted::histogram::{self, Cell, Scale};
use crate::model::boosted::split::{Bounds, Candidate, Side, Split};
use crate::model::boosted::tree::{Leaf, Node, Tree, leaf_idx};

/// Grows one tree after another on the same columns, keeping its buffers.
pub(super) struct Grower<'a> {
    params: &'a BoostedParams,
    columns: &'a [BinnedColumn],
    /// Histograms that no leaf needs any more.
    pool: Vec<Vec<Cell>>,
    gathered: Vec<Cell>,
    right_rows: Vec<u32>,
}

/// What one tree learns from.
pub(super) struct Sample<'a> {
    /// Columns that the tree may read, rising.
    pub(super) features: &'a [usize],
    /// Rows that it learns from; reordered so that each leaf's stand together.
    pub(super) rows: &'a mut [u32],
    /// One per row of the matrix.
    pub(super) cells: &'a [Cell],
    pub(super) scale: Scale,
}

/// A tree while it is used for training.
pub(super) struct Grown {
    pub(super) tree: Tree,
    /// The bin on which each node parts, and the bin of unknown values.
    bin_splits: Vec<BinSplit>,
    /// Positions of each leaf's rows in the sample.
    pub(super) leaf_rows: Vec<Range<usize>>,
}

struct BinSplit {
    bin: usize,
    missing_bin: usize,
    missing_left: bool,
}

/// A leaf that may still be split.
struct OpenLeaf {
    rows: Range<usize>,
    total: Cell,
    value: f64,
    depth: usize,
    bounds: Bounds,
    /// Node and side that lead here.
    parent: Option<(usize, usize)>,
    histogram: Vec<Cell>,
    split: Option<Split>,
}

impl BinSplit {
    fn goes_left(&self, bin: u8) -> bool {
        let bin = usize::from(bin);
        if bin == self.missing_bin { self.missing_left } else { bin <= self.bin }
    }
}

impl Grown {
    /// What the tree adds to the margin of a training row.
    pub(super) fn predict_binned(&self, columns: &[BinnedColumn], row: usize) -> f64 {
        let mut child = if self.tree.nodes.is_empty() { -1 } else { 0 };
        while child >= 0 {
            let node = &self.tree.nodes[child as usize];
            let bin = columns[usize::from(node.feature)].bins[row];
            child = node.children[usize::from(!self.bin_splits[child as usize].goes_left(bin))];
        }
        f64::from(self.tree.leaves[leaf_idx(child)].value)
    }
}

impl<'a> Grower<'a> {
    pub(super) fn new(params: &'a BoostedParams, columns: &'a [BinnedColumn]) -> Self {
        Self { params, columns, pool: Vec::new(), gathered: Vec::new(), right_rows: Vec::new() }
    }

    /// Splits the leaf of the largest gain until none gains or all leaves are used.
    pub(super) fn grow(&mut self, sample: &mut Sample<'_>) -> Grown {
        let mut grown = Grown { tree: Tree::default(), bin_splits: Vec::new(), leaf_rows: Vec::new() };
        let mut leaves = vec![self.root(sample)];
        while leaves.len() < self.params.n_leaves {
            let Some(leaf_idx) = largest_gain(&leaves) else { break };
            let is_last = leaves.len() + 1 == self.params.n_leaves;
            self.split(sample, &mut leaves, leaf_idx, &mut grown);
            if !is_last {
                self.seek_children(sample, &mut leaves, leaf_idx);
            }
        }
        self.finish(leaves, grown)
    }

    fn root(&mut self, sample: &Sample<'_>) -> OpenLeaf {
        let mut total = Cell::default();
        sample.rows.iter().for_each(|&row| total.add(sample.cells[row as usize]));
        let mut root = OpenLeaf {
            rows: 0..sample.rows.len(),
            total,
            value: 0.0,
            depth: 0,
            bounds: Bounds::FREE,
            parent: None,
            histogram: Vec::new(),
            split: None,
        };
        root.value = self.candidate(sample, &root).value(sample.scale.sums(total));
        root.histogram = self.count(sample, root.rows.clone());
        root.split = self.best_split(sample, &root);
        root
    }

    fn candidate(&self, sample: &Sample<'_>, leaf: &OpenLeaf) -> Candidate<'a> {
        Candidate { params: self.params, scale: sample.scale, total: leaf.total, bounds: leaf.bounds }
    }

    fn best_split(&self, sample: &Sample<'_>, leaf: &OpenLeaf) -> Option<Split> {
        let candidate = self.candidate(sample, leaf);
        let (mut best, mut offset) = (None, 0);
        for &feature in sample.features {
            let column = &self.columns[feature];
            let histogram = &leaf.histogram[offset..offset + column.n_cells()];
            best = candidate.best_of(feature, column, histogram, best);
            offset += column.n_cells();
        }
        best
    }

    /// Parts a leaf's rows; the left side keeps its index, the right one comes last.
    fn split(
        &mut self,
        sample: &mut Sample<'_>,
        leaves: &mut Vec<OpenLeaf>,
        leaf_idx: usize,
        grown: &mut Grown,
    ) {
        let parent = &mut leaves[leaf_idx];
        let split = parent.split.take().expect("only a leaf with a split is chosen");
        let column = &self.columns[split.feature];
        let bin_split = BinSplit {
            bin: split.bin,
            missing_bin: if column.has_missing { column.missing_bin() } else { usize::MAX },
            missing_left: split.missing_left,
        };
        let (start, end) = (parent.rows.start, parent.rows.end);
        let middle = start + self.part(&mut sample.rows[start..end], &column.bins, &bin_split);
        let direction = self.params.monotone.get(split.feature).copied().unwrap_or(0);
        let [left_bounds, right_bounds] = split.bounds(parent.bounds, direction);
        let (node_idx, depth, came_from) = (grown.tree.nodes.len(), parent.depth + 1, parent.parent);
        let side = |side: Side, rows, bounds, side_idx| OpenLeaf {
            rows,
            total: side.cell,
            value: side.value,
            depth,
            bounds,
            parent: Some((node_idx, side_idx)),
            histogram: Vec::new(),
            split: None,
        };
        let right = side(split.right, middle..end, right_bounds, 1);
        let histogram = std::mem::take(&mut parent.histogram);
        *parent = OpenLeaf { histogram, ..side(split.left, start..middle, left_bounds, 0) };
        leaves.push(right);
        if let Some((node, side)) = came_from {
            grown.tree.nodes[node].children[side] = node_idx as i16;
        }
        grown.tree.nodes.push(Node {
            feature: split.feature as u16,
            missing_left: split.missing_left,
            threshold: column.threshold(split.bin),
            children: [!(leaf_idx as i16), !((leaves.len() - 1) as i16)],
        });
        grown.bin_splits.push(bin_split);
    }

    /// Moves the rows that go left to the front, keeping the order on both sides; returns how many.
    fn part(&mut self, rows: &mut [u32], bins: &[u8], bin_split: &BinSplit) -> usize {
        self.right_rows.clear();
        let mut n_left = 0;
        for position in 0..rows.len() {
            let row = rows[position];
            if bin_split.goes_left(bins[row as usize]) {
                rows[n_left] = row;
                n_left += 1;
            } else {
                self.right_rows.push(row);
            }
        }
        rows[n_left..].copy_from_slice(&self.right_rows);
        n_left
    }

    /// Finds the next splits of both children; the smaller is counted, the larger is the rest.
    fn seek_children(&mut self, sample: &Sample<'_>, leaves: &mut [OpenLeaf], left_idx: usize) {
        let right_idx = leaves.len() - 1;
        let mut larger = std::mem::take(&mut leaves[left_idx].histogram);
        let is_left_smaller = leaves[left_idx].rows.len() < leaves[right_idx].rows.len();
        let (small_idx, large_idx) =
            if is_left_smaller { (left_idx, right_idx) } else { (right_idx, left_idx) };
        if !self.may_split(&leaves[large_idx]) {
            self.pool.push(larger);
            return;
        }
        let smaller = self.count(sample, leaves[small_idx].rows.clone());
        larger.iter_mut().zip(&smaller).for_each(|(cell, &other)| cell.subtract(other));
        leaves[large_idx].histogram = larger;
        leaves[small_idx].histogram = smaller;
        for idx in [small_idx, large_idx] {
            if self.may_split(&leaves[idx]) {
                leaves[idx].split = self.best_split(sample, &leaves[idx]);
            }
            if leaves[idx].split.is_none() {
                self.pool.push(std::mem::take(&mut leaves[idx].histogram));
            }
        }
    }

    fn may_split(&self, leaf: &OpenLeaf) -> bool {
        leaf.depth < self.params.max_depth && leaf.rows.len() >= 2 * self.params.min_leaf_rows
    }

    /// Counts the histogram of some of the sample's rows.
    fn count(&mut self, sample: &Sample<'_>, rows: Range<usize>) -> Vec<Cell> {
        let n_cells = sample.features.iter().map(|&feature| self.columns[feature].n_cells()).sum();
        let mut histogram = self.pool.pop().unwrap_or_default();
        histogram.clear();
        histogram.resize(n_cells, Cell::default());
        let rows = &sample.rows[rows];
        let is_all = rows.len() == sample.cells.len();
        if !is_all {
            self.gathered.clear();
            self.gathered.extend(rows.iter().map(|&row| sample.cells[row as usize]));
        }
        let mut rest = histogram.as_mut_slice();
        for features in sample.features.chunks(histogram::LANES) {
            let columns: Vec<&BinnedColumn> =
                features.iter().map(|&feature| &self.columns[feature]).collect();
            let mut parts = Vec::with_capacity(columns.len());
            for column in &columns {
                let (part, after) = rest.split_at_mut(column.n_cells());
                parts.push(part);
                rest = after;
            }
            if is_all {
                histogram::count_all(&columns, sample.cells, &mut parts);
            } else {
                histogram::count(&columns, rows, &self.gathered, &mut parts);
            }
        }
        histogram
    }

    fn finish(&mut self, leaves: Vec<OpenLeaf>, mut grown: Grown) -> Grown {
        for leaf in leaves {
            let value = (leaf.value * self.params.learning_rate) as f32;
            grown.tree.leaves.push(Leaf { value, cover: leaf.rows.len() as f32 });
            grown.leaf_rows.push(leaf.rows);
            if !leaf.histogram.is_empty() {
                self.pool.push(leaf.histogram);
            }
        }
        grown
    }
}

fn largest_gain(leaves: &[OpenLeaf]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (idx, leaf) in leaves.iter().enumerate() {
        let Some(split) = leaf.split else { continue };
        if best.is_none_or(|(_, gain)| split.gain > gain) {
            best = Some((idx, split.gain));
        }
    }
    best.map(|(idx, _)| idx)
}
