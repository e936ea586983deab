//! Exact path-dependent TreeSHAP by quadrature.
//!
//! The game of one leaf is a product over the features on its path: a present feature `i`
//! contributes `o_i` (1 when the row follows the path at every node of `i`, else 0), an absent one
//! the training share `z_i` of its branches. By Owen's multilinear extension (Owen 1972) the
//! Shapley value of `i` is
//!
//! `φ_i = value · (o_i - z_i) · ∫₀¹ Π_{j≠i} (z_j + t (o_j - z_j)) dt`.
//!
//! The integrand is a polynomial of degree `d - 1` for `d` features on the path, so Gauss–Legendre
//! quadrature with `d / 2` nodes is exact. Products and sums are shared along the tree as in Linear
//! TreeSHAP (Yu et al. 2022): one walk down multiplies the factors, the way back adds up the leaves.

use std::sync::OnceLock;

use crate::model::boosted::Boosted;
use crate::model::boosted::tree::{Tree, leaf_idx};

/// Quadrature nodes that a walk carries at once.
const LANES: usize = 4;

/// An explainer made at first use; equal to any other, since it follows from the trees.
#[derive(Clone, Debug, Default)]
pub(super) struct ExplainerCell(OnceLock<Explainer>);

/// What attributions need beside the trees.
#[derive(Clone, Debug)]
pub(super) struct Explainer {
    plans: Vec<TreePlan>,
    /// Base of the margin plus the mean of every tree.
    base: f64,
}

#[derive(Clone, Debug)]
struct TreePlan {
    /// Share of a node's rows that go to each child.
    shares: Vec<[f64; 2]>,
    /// Quadrature in blocks of [`LANES`].
    blocks: Vec<Block>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    nodes: [f64; LANES],
    weights: [f64; LANES],
}

/// A feature on the path above a node.
#[derive(Clone, Copy)]
struct Step {
    feature: usize,
    z: f64,
    o: f64,
}

impl PartialEq for ExplainerCell {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl ExplainerCell {
    pub(super) fn get(&self, boosted: &Boosted) -> &Explainer {
        self.0.get_or_init(|| Explainer::new(boosted))
    }
}

impl Explainer {
    fn new(boosted: &Boosted) -> Self {
        let mut base = boosted.base;
        let mut plans = Vec::with_capacity(boosted.trees.len());
        for tree in &boosted.trees {
            let covers = covers(tree);
            base += mean(tree, &covers);
            plans.push(TreePlan::new(tree, &covers));
        }
        Self { plans, base }
    }

    pub(super) fn contributions(&self, boosted: &Boosted, row: &[f32], out: &mut [f64]) -> f64 {
        let mut path = Vec::new();
        for (tree, plan) in boosted.trees.iter().zip(&self.plans) {
            if tree.nodes.is_empty() {
                continue;
            }
            for block in &plan.blocks {
                path.clear();
                let mut walk = Walk { tree, plan, block, row, path: &mut path, out: &mut *out };
                walk.node(0, [1.0; LANES]);
            }
        }
        self.base
    }
}

impl TreePlan {
    fn new(tree: &Tree, covers: &[f64]) -> Self {
        let cover = |child: i16| cover_of(tree, covers, child);
        let share = |node: &crate::model::boosted::Node| {
            let [left, right] = node.children.map(cover);
            [left / (left + right), right / (left + right)]
        };
        let n_features = if tree.nodes.is_empty() { 0 } else { widest_path(tree, 0, &mut Vec::new()) };
        let (nodes, weights) = gauss_legendre(n_features.div_ceil(2));
        let blocks = nodes.chunks(LANES).zip(weights.chunks(LANES)).map(|(nodes, weights)| {
            // Lanes without a node carry weight 0.
            let mut block = Block { nodes: [0.5; LANES], weights: [0.0; LANES] };
            block.nodes[..nodes.len()].copy_from_slice(nodes);
            block.weights[..weights.len()].copy_from_slice(weights);
            block
        });
        Self { shares: tree.nodes.iter().map(share).collect(), blocks: blocks.collect() }
    }
}

/// One walk over a tree for one row and one block of quadrature nodes.
struct Walk<'a> {
    tree: &'a Tree,
    plan: &'a TreePlan,
    block: &'a Block,
    row: &'a [f32],
    path: &'a mut Vec<Step>,
    out: &'a mut [f64],
}

impl Walk<'_> {
    /// Returns the weighted products of all leaves below.
    fn node(&mut self, node_idx: usize, product: [f64; LANES]) -> [f64; LANES] {
        let node = self.tree.nodes[node_idx];
        let feature = usize::from(node.feature);
        let hot = usize::from(!node.goes_left(self.row[feature]));
        let seen_at = self.path.iter().position(|step| step.feature == feature);
        let old = seen_at.map_or(Step { feature, z: 1.0, o: 1.0 }, |at| self.path[at]);
        let at = seen_at.unwrap_or_else(|| {
            self.path.push(old);
            self.path.len() - 1
        });
        let mut sum = [0.0; LANES];
        for side in 0..2 {
            let z = old.z * self.plan.shares[node_idx][side];
            let o = if side == hot { old.o } else { 0.0 };
            self.path[at] = Step { feature, z, o };
            let (mut next, mut change) = ([0.0; LANES], [0.0; LANES]);
            for lane in 0..LANES {
                let t = self.block.nodes[lane];
                let (factor, old_factor) = (z + t * (o - z), old.z + t * (old.o - old.z));
                next[lane] = product[lane] * factor / old_factor;
                change[lane] = (o - z) / factor - (old.o - old.z) / old_factor;
            }
            let below = self.child(node.children[side], next);
            for lane in 0..LANES {
                self.out[feature] += below[lane] * change[lane];
                sum[lane] += below[lane];
            }
        }
        match seen_at {
            Some(at) => self.path[at] = old,
            None => drop(self.path.pop()),
        }
        sum
    }

    fn child(&mut self, child: i16, product: [f64; LANES]) -> [f64; LANES] {
        if child >= 0 {
            return self.node(child as usize, product);
        }
        let value = f64::from(self.tree.leaves[leaf_idx(child)].value);
        std::array::from_fn(|lane| value * self.block.weights[lane] * product[lane])
    }
}

/// Rows below each node.
fn covers(tree: &Tree) -> Vec<f64> {
    let mut covers = vec![0.0; tree.nodes.len()];
    for idx in (0..tree.nodes.len()).rev() {
        covers[idx] = tree.nodes[idx].children.iter().map(|&child| cover_of(tree, &covers, child)).sum();
    }
    covers
}

fn cover_of(tree: &Tree, covers: &[f64], child: i16) -> f64 {
    if child >= 0 { covers[child as usize] } else { f64::from(tree.leaves[leaf_idx(child)].cover) }
}

/// Mean of a tree over its training rows.
fn mean(tree: &Tree, covers: &[f64]) -> f64 {
    let mut node_means = vec![0.0; tree.nodes.len()];
    for idx in (0..tree.nodes.len()).rev() {
        let [left, right] = tree.nodes[idx].children.map(|child| {
            let mean = if child >= 0 { node_means[child as usize] } else { leaf_value(tree, child) };
            (mean, cover_of(tree, covers, child))
        });
        node_means[idx] = (left.0 * left.1 + right.0 * right.1) / (left.1 + right.1);
    }
    node_means.first().copied().unwrap_or_else(|| leaf_value(tree, -1))
}

fn leaf_value(tree: &Tree, child: i16) -> f64 {
    f64::from(tree.leaves[leaf_idx(child)].value)
}

/// Most distinct features on one path.
fn widest_path(tree: &Tree, node_idx: usize, path: &mut Vec<u16>) -> usize {
    let node = tree.nodes[node_idx];
    let is_new = !path.contains(&node.feature);
    if is_new {
        path.push(node.feature);
    }
    let mut widest = path.len();
    for child in node.children {
        if child >= 0 {
            widest = widest.max(widest_path(tree, child as usize, path));
        }
    }
    if is_new {
        path.pop();
    }
    widest
}

/// Nodes and weights on `[0, 1]`, exact for polynomials of degree `2 n - 1` (Abramowitz and
/// Stegun 25.4.29), by Newton's method on the Legendre polynomial.
fn gauss_legendre(n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut quadrature = (Vec::with_capacity(n), Vec::with_capacity(n));
    for idx in 0..n {
        let mut x = (std::f64::consts::PI * (idx as f64 + 0.75) / (n as f64 + 0.5)).cos();
        for _ in 0..50 {
            let (value, slope) = legendre(n, x);
            x -= value / slope;
        }
        let (_, slope) = legendre(n, x);
        quadrature.0.push(0.5 * (1.0 + x));
        quadrature.1.push(1.0 / ((1.0 - x * x) * slope * slope));
    }
    quadrature
}

/// Value and slope of the Legendre polynomial of degree `n`.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for k in 2..=n {
        let k = k as f64;
        (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
    }
    (value, n as f64 * (x * value - before) / (x * x - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadrature_is_exact_for_its_degree() {
        for n in 1..=32 {
            let (nodes, weights) = gauss_legendre(n);
            for degree in 0..2 * n {
                let sum: f64 = nodes.iter().zip(&weights).map(|(x, w)| w * x.powi(degree as i32)).sum();
                assert!((sum - 1.0 / (degree + 1) as f64).abs() < 1e-13, "n {n}, degree {degree}");
            }
        }
    }
}
