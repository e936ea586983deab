//! Margins without a walk down any tree, after QuickScorer (Lucchese et al. 2015).
//!
//! A node that sends a row to the right rules out all leaves on its left. The nodes of all trees stand in order of column and
//! threshold: a value is sent to the right by those before the first threshold that it does not exceed, whatever
//! tree they are of. The row's leaf is the leftmost that nobody rules out. One branch a column depends on the row, not one a
//! node, and what is read is read in order.

use std::ops::Range;

use crate::model::boosted::tree::{Node, Tree, leaf_idx};

/// Leaves of a tree that is scanned, one bit each; a larger one is walked.
const MAX_LEAVES: usize = u32::BITS as usize;

/// The nodes of trees, in the order in which a row is held against them.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    columns: Vec<Column>,
    /// Thresholds of all columns, and what a larger value rules out.
    thresholds: Vec<f32>,
    cuts: Vec<Cut>,
    /// What an unknown value rules out.
    unknown_cuts: Vec<Cut>,
    /// The leaves of all trees that are scanned, from left to right.
    leaves: Vec<f32>,
    /// Where each tree's leaves begin; none for one that is walked.
    first_leaf: Vec<Option<usize>>,
}

/// The nodes that compare one column, smallest threshold first.
#[derive(Clone, Debug)]
struct Column {
    feature: usize,
    cuts: Range<usize>,
    unknown_cuts: Range<usize>,
}

/// Leaves of a tree that a row no longer comes to, as zeros.
#[derive(Clone, Copy, Debug)]
struct Cut {
    tree: u32,
    keeps: u32,
}

/// A node of any tree, before they are put in order.
struct Test {
    feature: u16,
    threshold: f32,
    missing_left: bool,
    cut: Cut,
}

/// Reads one tree: its leaves from left to right, and its nodes as tests.
struct Reader<'a> {
    tree: &'a Tree,
    tree_idx: u32,
    leaves: Vec<f32>,
    tests: &'a mut Vec<Test>,
}

impl Scan {
    pub(super) fn of(trees: &[Tree]) -> Self {
        let mut scan = Self::default();
        let mut tests = Vec::new();
        for (tree_idx, tree) in trees.iter().enumerate() {
            let is_scanned = tree.leaves.len() <= MAX_LEAVES;
            scan.first_leaf.push(is_scanned.then_some(scan.leaves.len()));
            if is_scanned {
                let tree_idx = tree_idx as u32;
                let mut reader = Reader { tree, tree_idx, leaves: Vec::new(), tests: &mut tests };
                reader.read_below(if tree.nodes.is_empty() { -1 } else { 0 });
                scan.leaves.extend(reader.leaves);
            }
        }
        tests.sort_by(|a, b| a.feature.cmp(&b.feature).then(a.threshold.total_cmp(&b.threshold)));
        for of_column in tests.chunk_by(|a, b| a.feature == b.feature) {
            let (n_cuts, n_unknown) = (scan.cuts.len(), scan.unknown_cuts.len());
            scan.thresholds.extend(of_column.iter().map(|test| test.threshold));
            scan.cuts.extend(of_column.iter().map(|test| test.cut));
            let goes_right = of_column.iter().filter(|test| !test.missing_left);
            scan.unknown_cuts.extend(goes_right.map(|test| test.cut));
            scan.columns.push(Column {
                feature: usize::from(of_column[0].feature),
                cuts: n_cuts..scan.cuts.len(),
                unknown_cuts: n_unknown..scan.unknown_cuts.len(),
            });
        }
        scan
    }

    /// The base and one leaf of each tree, added up in the order of the trees.
    pub(super) fn margin(&self, trees: &[Tree], base: f64, row: &[f32]) -> f64 {
        let mut possible = vec![u32::MAX; trees.len()];
        for column in &self.columns {
            let value = row[column.feature];
            if value.is_nan() {
                let cuts = &self.unknown_cuts[column.unknown_cuts.clone()];
                cuts.iter().for_each(|cut| possible[cut.tree as usize] &= cut.keeps);
                continue;
            }
            let cuts = self.thresholds[column.cuts.clone()].iter().zip(&self.cuts[column.cuts.clone()]);
            for (_, cut) in cuts.take_while(|(threshold, _)| value > **threshold) {
                possible[cut.tree as usize] &= cut.keeps;
            }
        }
        let leaves = trees.iter().zip(&self.first_leaf).zip(possible);
        leaves.fold(base, |margin, ((tree, first_leaf), possible)| {
            margin
                + match first_leaf {
                    Some(first) => f64::from(self.leaves[first + possible.trailing_zeros() as usize]),
                    None => tree.predict(row),
                }
        })
    }
}

impl Reader<'_> {
    fn read_below(&mut self, child: i16) {
        let Ok(node_idx) = usize::try_from(child) else {
            self.leaves.push(self.tree.leaves[leaf_idx(child)].value);
            return;
        };
        let Node { feature, missing_left, threshold, children: [left, right] } = self.tree.nodes[node_idx];
        let n_before = self.leaves.len();
        self.read_below(left);
        let n_left = self.leaves.len() - n_before;
        // There are leaves on both sides, so those on the left are never all bits of a word.
        let on_left = ((1_u32 << n_left) - 1) << n_before;
        let cut = Cut { tree: self.tree_idx, keeps: !on_left };
        self.tests.push(Test { feature, threshold, missing_left, cut });
        self.read_below(right);
    }
}

#[cfg(test)]
mod tests {
    use rand_core::{RngCore, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;
    use crate::model::boosted::tree::Leaf;

    const N_FEATURES: u64 = 4;
    const SIDES: [bool; 2] = [false, true];
    const VALUES: [f32; 9] = [f32::NEG_INFINITY, -1.5, -1.0, -0.0, 0.0, 1.0, 1.5, f32::INFINITY, f32::NAN];

    /// A tree that splits one leaf after the other, with thresholds that others have, too.
    fn made_up(n_leaves: usize, rng: &mut Xoshiro256PlusPlus) -> Tree {
        let mut tree = Tree::default();
        let leaf = |n: usize| Leaf { value: 1.0 / (n as f32 + 3.0), cover: 1.0 };
        tree.leaves.push(leaf(0));
        for n in 1..n_leaves {
            let split = rng.next_u64() as usize % n;
            let [feature, value, side, missing] = [N_FEATURES, 5, 2, 2].map(|below| rng.next_u64() % below);
            let node_idx = tree.nodes.len() as i16;
            let (kept, new) = (!(split as i16), !(n as i16));
            for node in &mut tree.nodes {
                node.children.iter_mut().filter(|child| **child == kept).for_each(|child| *child = node_idx);
            }
            tree.nodes.push(Node {
                feature: feature as u16,
                missing_left: SIDES[missing as usize],
                threshold: [-1.0, -0.0, 0.0, 1.0, 1.5][value as usize],
                children: if SIDES[side as usize] { [kept, new] } else { [new, kept] },
            });
            tree.leaves.push(leaf(n));
        }
        tree
    }

    #[test]
    fn a_margin_is_bit_for_bit_what_walking_adds_up() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
        let sizes = [1, 2, 6, 8, 31, 32, 33, 60];
        let trees: Vec<Tree> = sizes.iter().cycle().take(64).map(|&n| made_up(n, &mut rng)).collect();
        trees.iter().for_each(|tree| assert_eq!(tree.check(N_FEATURES as usize), Ok(())));
        let scan = Scan::of(&trees);
        for _ in 0..3_000 {
            let row = [0; N_FEATURES as usize].map(|_| VALUES[rng.next_u64() as usize % VALUES.len()]);
            let walked = trees.iter().fold(0.3, |margin, tree| margin + tree.predict(&row));
            assert_eq!(scan.margin(&trees, 0.3, &row).to_bits(), walked.to_bits(), "{row:?}");
        }
    }
}
