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
//! TreeSHAP (Yu et al. 2022): the way down multiplies the factors, the way back adds up the leaves.
//! `z` does not depend on the row, so every division is done once, when the plan is made. And all that a row tells a
//! tree is which way it goes at each node: where these are few, the shares are known before any row is.

use std::ops::Range;

use crate::model::boosted::quadrature::Quadrature;
use crate::model::boosted::tree::{Node, Tree, leaf_idx};
use crate::model::boosted::{Boosted, Explained};

/// Nodes of a tree whose shares are kept for each of its two-to-the-nodes sets of decisions.
const MAX_TABLED: usize = 5;
/// Stands for "no earlier edge of this feature".
const NONE: u32 = u32::MAX;

/// What attributions need beside the trees: plans by the number of quadrature nodes they need.
#[derive(Clone, Debug)]
pub(super) struct Explainer {
    two: Group<2>,
    four: Group<4>,
    eight: Group<8>,
    sixteen: Group<16>,
    thirty_two: Group<32>,
    /// Trees of one leaf.
    stumps: Vec<usize>,
    /// Base of the margin plus the mean of every tree.
    base: f64,
}

/// Trees whose paths hold at most `2 M` features.
#[derive(Clone, Debug)]
struct Group<const M: usize> {
    quadrature: Quadrature<M>,
    plans: Vec<TreePlan<M>>,
    /// The nodes of all its trees, one tree after the other: a row reads them in one go.
    nodes: Vec<Node>,
    /// What each node of a tree adds, node by node, for one set of decisions after the other; the nth bit of a set is 1
    /// where node n sends the row to the left.
    shares: Vec<f64>,
    /// What the leaf adds to the margin that each set of decisions leads to.
    leaves: Vec<f64>,
}

#[derive(Clone, Debug)]
struct TreePlan<const M: usize> {
    tree_idx: usize,
    /// Its nodes in those of the group.
    nodes: Range<usize>,
    /// Where its shares and its leaves by sets of decisions begin; none where the nodes are too many for a table.
    table: Option<(usize, usize)>,
    /// Edge above each node that last split on the same feature, or [`NONE`].
    before: Vec<u32>,
    /// Edge that leads to each node, or [`NONE`].
    above: Vec<u32>,
    /// Two a node, left and right.
    edges: Vec<Edge<M>>,
}

/// Room for what a tree's nodes make of a row.
struct Scratch<const M: usize> {
    visits: Vec<Visit<M>>,
    products: Vec<[f64; M]>,
    shares: Vec<f64>,
}

/// From a node to a child.
#[derive(Clone, Copy, Debug)]
struct Edge<const M: usize> {
    /// Share of rows that follow all edges of this feature up to here.
    z: f64,
    /// Share of the node's rows that follow this edge.
    share: f64,
    /// `1 / (z + t (1 - z))` at each quadrature node `t`.
    inverse: [f64; M],
}

/// What one row knows of one edge.
#[derive(Clone, Copy)]
struct Visit<const M: usize> {
    /// Whether the row follows all edges of this feature up to here.
    follows: bool,
    /// Weighted products of the leaves below.
    below: [f64; M],
    /// What turns `below` into a contribution.
    change: [f64; M],
}

impl Explainer {
    pub(super) fn new(boosted: &Boosted) -> Self {
        let mut explainer = Self {
            two: Group::new(),
            four: Group::new(),
            eight: Group::new(),
            sixteen: Group::new(),
            thirty_two: Group::new(),
            stumps: Vec::new(),
            base: boosted.base,
        };
        for (tree_idx, tree) in boosted.trees.iter().enumerate() {
            let covers = covers(tree);
            explainer.base += mean(tree, &covers);
            if tree.nodes.is_empty() {
                explainer.stumps.push(tree_idx);
                continue;
            }
            match widest_path(tree, 0, &mut Vec::new()).div_ceil(2) {
                0..=2 => explainer.two.push(tree_idx, tree, &covers),
                3..=4 => explainer.four.push(tree_idx, tree, &covers),
                5..=8 => explainer.eight.push(tree_idx, tree, &covers),
                9..=16 => explainer.sixteen.push(tree_idx, tree, &covers),
                _ => explainer.thirty_two.push(tree_idx, tree, &covers),
            }
        }
        explainer
    }

    pub(super) fn explain(&self, boosted: &Boosted, row: &[f32], out: &mut [f64]) -> Explained {
        let mut terms: Vec<f64> = vec![0.0; boosted.trees.len()];
        self.two.explain(boosted, row, out, &mut terms);
        self.four.explain(boosted, row, out, &mut terms);
        self.eight.explain(boosted, row, out, &mut terms);
        self.sixteen.explain(boosted, row, out, &mut terms);
        self.thirty_two.explain(boosted, row, out, &mut terms);
        for &tree_idx in &self.stumps {
            terms[tree_idx] = leaf_value(&boosted.trees[tree_idx], -1);
        }
        Explained {
            base: self.base,
            margin: terms.into_iter().fold(boosted.base, |margin, term| margin + term),
        }
    }
}

impl<const M: usize> Group<M> {
    fn new() -> Self {
        Self {
            quadrature: Quadrature::new(),
            plans: Vec::new(),
            nodes: Vec::new(),
            shares: Vec::new(),
            leaves: Vec::new(),
        }
    }

    fn push(&mut self, tree_idx: usize, tree: &Tree, covers: &[f64]) {
        let none = vec![NONE; tree.nodes.len()];
        let nodes = self.nodes.len()..self.nodes.len() + tree.nodes.len();
        self.nodes.extend(&tree.nodes);
        let mut plan =
            TreePlan { tree_idx, nodes, table: None, before: none.clone(), above: none, edges: Vec::new() };
        for (idx, node) in tree.nodes.iter().enumerate() {
            let before = last_edge_of(tree, &plan.above, idx);
            plan.before[idx] = before;
            let z_before = if before == NONE { 1.0 } else { plan.edges[before as usize].z };
            let [left, right] = node.children.map(|child| cover_of(tree, covers, child));
            for (side, cover) in [left, right].into_iter().enumerate() {
                let share = cover / (left + right);
                let z = z_before * share;
                let inverse = self.quadrature.nodes.map(|t| 1.0 / (z + t * (1.0 - z)));
                plan.edges.push(Edge { z, share, inverse });
                if node.children[side] >= 0 {
                    plan.above[node.children[side] as usize] = (2 * idx + side) as u32;
                }
            }
        }
        if tree.nodes.len() <= MAX_TABLED {
            plan.table = Some((self.shares.len(), self.leaves.len()));
            let mut scratch = Scratch::of(tree.nodes.len());
            for decisions in 0..1_usize << tree.nodes.len() {
                let goes_left = |idx: usize| decisions >> idx & 1 == 1;
                plan.share(tree, &self.quadrature, goes_left, &mut scratch);
                self.shares.extend(&scratch.shares);
                self.leaves.push(leaf_value(tree, leaf_by(tree, goes_left)));
            }
        }
        self.plans.push(plan);
    }

    /// Adds what each feature adds to `out`, and writes what each tree adds to the margin.
    fn explain(&self, boosted: &Boosted, row: &[f32], out: &mut [f64], terms: &mut [f64]) {
        let untabled = self.plans.iter().filter(|plan| plan.table.is_none());
        let mut scratch = Scratch::of(untabled.map(|plan| plan.nodes.len()).max().unwrap_or(0));
        for plan in &self.plans {
            let nodes = &self.nodes[plan.nodes.clone()];
            let goes_left = |node: &Node| node.goes_left(row[usize::from(node.feature)]);
            let shares = if let Some((first_share, first_leaf)) = plan.table {
                let decide = |set, (idx, node)| set | usize::from(goes_left(node)) << idx;
                let decisions = nodes.iter().enumerate().fold(0, decide);
                terms[plan.tree_idx] = self.leaves[first_leaf + decisions];
                &self.shares[first_share + decisions * nodes.len()..][..nodes.len()]
            } else {
                let tree = &boosted.trees[plan.tree_idx];
                terms[plan.tree_idx] = tree.predict(row);
                plan.share(tree, &self.quadrature, |idx| goes_left(&nodes[idx]), &mut scratch);
                &scratch.shares[..nodes.len()]
            };
            for (node, share) in nodes.iter().zip(shares).rev() {
                out[usize::from(node.feature)] += share;
            }
        }
    }
}

impl<const M: usize> Scratch<M> {
    fn of(n_nodes: usize) -> Self {
        let visit = Visit { follows: true, below: [0.0; M], change: [0.0; M] };
        Self {
            visits: vec![visit; 2 * n_nodes],
            products: vec![[1.0; M]; n_nodes],
            shares: vec![0.0; n_nodes],
        }
    }
}

impl<const M: usize> TreePlan<M> {
    /// What each node adds to its feature's contribution.
    fn share(
        &self,
        tree: &Tree,
        quadrature: &Quadrature<M>,
        goes_left: impl Fn(usize) -> bool,
        scratch: &mut Scratch<M>,
    ) {
        self.descend(tree, quadrature, goes_left, scratch);
        self.ascend(tree, scratch);
    }

    /// Multiplies the factors from the root to every leaf.
    fn descend(
        &self,
        tree: &Tree,
        quadrature: &Quadrature<M>,
        goes_left: impl Fn(usize) -> bool,
        Scratch { visits, products, .. }: &mut Scratch<M>,
    ) {
        for (idx, node) in tree.nodes.iter().enumerate() {
            let hot = usize::from(!goes_left(idx));
            let product = products[idx];
            let (follows, z_before, inverse_before) = match self.before[idx] {
                NONE => (true, 1.0, &[1.0; M]),
                edge => {
                    let edge = edge as usize;
                    (visits[edge].follows, self.edges[edge].z, &self.edges[edge].inverse)
                }
            };
            for side in 0..2 {
                let edge = &self.edges[2 * idx + side];
                let visit = &mut visits[2 * idx + side];
                visit.follows = follows && side == hot;
                let mut next = [0.0; M];
                for lane in 0..M {
                    let (t, before) = (quadrature.nodes[lane], inverse_before[lane]);
                    let left_behind = (1.0 - z_before) * before;
                    (next[lane], visit.change[lane]) = if !follows {
                        (edge.share, 0.0)
                    } else if side == hot {
                        (
                            (edge.z + t * (1.0 - edge.z)) * before,
                            (1.0 - edge.z) * edge.inverse[lane] - left_behind,
                        )
                    } else {
                        (edge.z * (1.0 - t) * before, -quadrature.inverse_rest[lane] - left_behind)
                    };
                    next[lane] *= product[lane];
                }
                match node.children[side] {
                    child @ 0.. => products[child as usize] = next,
                    child => {
                        let value = f64::from(tree.leaves[leaf_idx(child)].value);
                        visit.below =
                            std::array::from_fn(|lane| value * quadrature.weights[lane] * next[lane]);
                    }
                }
            }
        }
    }

    /// Adds up the leaves on the way back to the root.
    fn ascend(&self, tree: &Tree, Scratch { visits, shares, .. }: &mut Scratch<M>) {
        for idx in (0..tree.nodes.len()).rev() {
            let (left, right) = (visits[2 * idx], visits[2 * idx + 1]);
            let mut share = 0.0;
            for lane in 0..M {
                share += left.below[lane] * left.change[lane] + right.below[lane] * right.change[lane];
            }
            shares[idx] = share;
            if self.above[idx] != NONE {
                visits[self.above[idx] as usize].below =
                    std::array::from_fn(|lane| left.below[lane] + right.below[lane]);
            }
        }
    }
}

/// The edge on the way up from a node that last split on the node's feature.
fn last_edge_of(tree: &Tree, above: &[u32], node_idx: usize) -> u32 {
    let feature = tree.nodes[node_idx].feature;
    let mut edge = above[node_idx];
    while edge != NONE && tree.nodes[edge as usize / 2].feature != feature {
        edge = above[edge as usize / 2];
    }
    edge
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

/// The leaf, as a child, that is reached by going left at some nodes and right at the others; for tables only. A row's walk
/// is written out in [`Tree::leaf_of`]: through this function it took a row an eighth more CPU.
fn leaf_by(tree: &Tree, goes_left: impl Fn(usize) -> bool) -> i16 {
    let mut child = 0;
    while child >= 0 {
        let idx = child as usize;
        child = tree.nodes[idx].children[usize::from(!goes_left(idx))];
    }
    child
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
