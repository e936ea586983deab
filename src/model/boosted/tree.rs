//! A fitted tree, flat and small, as it is written into an artifact. What is read back is checked for children, depth and
//! numbers before any row goes down it. Start at [`Tree`].

use serde::{Deserialize, Serialize};

use crate::model::boosted::params::DEPTH_LIMIT;

/// One tree: inner nodes and leaves, flat. Node 0 is the root; a tree without nodes is one leaf.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// Inner nodes; a child stands after its parent.
    pub nodes: Vec<Node>,
    /// Leaves.
    pub leaves: Vec<Leaf>,
}

/// An inner node: `value <= threshold` goes left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "NodeRecord", into = "NodeRecord")]
pub struct Node {
    /// Column that is compared.
    pub feature: u16,
    /// Whether an unknown value goes left.
    pub missing_left: bool,
    /// Largest value that goes left.
    pub threshold: f32,
    /// Left and right child: an inner node, or leaf `-1 - child`.
    pub children: [i16; 2],
}

/// A leaf.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "(f32, f32)", into = "(f32, f32)")]
pub struct Leaf {
    /// What it adds to the margin.
    pub value: f32,
    /// Rows that it was learned from.
    pub cover: f32,
}

/// A node as it is written: feature, threshold, unknown goes left, children.
type NodeRecord = (u16, f32, u8, i16, i16);

impl From<NodeRecord> for Node {
    fn from((feature, threshold, missing_left, left, right): NodeRecord) -> Self {
        Self { feature, missing_left: missing_left != 0, threshold, children: [left, right] }
    }
}

impl From<Node> for NodeRecord {
    fn from(node: Node) -> Self {
        let [left, right] = node.children;
        (node.feature, node.threshold, u8::from(node.missing_left), left, right)
    }
}

impl From<(f32, f32)> for Leaf {
    fn from((value, cover): (f32, f32)) -> Self {
        Self { value, cover }
    }
}

impl From<Leaf> for (f32, f32) {
    fn from(leaf: Leaf) -> Self {
        (leaf.value, leaf.cover)
    }
}

impl Node {
    /// Whether a value goes left.
    pub fn goes_left(&self, value: f32) -> bool {
        value <= self.threshold || (self.missing_left && value.is_nan())
    }
}

impl Tree {
    /// What the tree adds to the margin of a row.
    pub fn predict(&self, row: &[f32]) -> f64 {
        f64::from(self.leaves[self.leaf_of(row)].value)
    }

    /// Index of the leaf that a row falls into.
    pub fn leaf_of(&self, row: &[f32]) -> usize {
        let mut child = if self.nodes.is_empty() { -1 } else { 0 };
        while child >= 0 {
            let node = &self.nodes[child as usize];
            child = node.children[usize::from(!node.goes_left(row[usize::from(node.feature)]))];
        }
        leaf_idx(child)
    }

    /// Says what is wrong with the structure.
    pub(super) fn check(&self, n_features: usize) -> Result<(), String> {
        if self.leaves.len() != self.nodes.len() + 1 {
            return Err(format!("{} nodes and {} leaves", self.nodes.len(), self.leaves.len()));
        }
        for (idx, leaf) in self.leaves.iter().enumerate() {
            if !(leaf.value.is_finite() && leaf.cover.is_finite() && leaf.cover > 0.0) {
                return Err(format!("numbers of leaf {idx} are not usable"));
            }
        }
        self.check_nodes(n_features)
    }

    fn check_nodes(&self, n_features: usize) -> Result<(), String> {
        let mut node_depth = vec![0_usize; self.nodes.len()];
        let mut leaf_seen = vec![self.nodes.is_empty(); self.leaves.len()];
        for (idx, node) in self.nodes.iter().enumerate() {
            if usize::from(node.feature) >= n_features {
                return Err(format!("feature {} of node {idx} is outside the row", node.feature));
            }
            if !node.threshold.is_finite() {
                return Err(format!("threshold of node {idx} is not finite"));
            }
            let depth = node_depth[idx] + 1;
            if (idx > 0 && depth == 1) || depth > DEPTH_LIMIT {
                return Err(format!("node {idx} is unreachable or too deep"));
            }
            for child in node.children {
                let fresh = match child {
                    0.. => (child as usize > idx)
                        .then(|| node_depth.get_mut(child as usize))
                        .flatten()
                        .is_some_and(|slot| std::mem::replace(slot, depth) == 0),
                    _ => {
                        leaf_seen.get_mut(leaf_idx(child)).is_some_and(|seen| !std::mem::replace(seen, true))
                    }
                };
                if !fresh {
                    return Err(format!("child `{child}` of node {idx} is out of place"));
                }
            }
        }
        Ok(())
    }
}

/// Leaf that a negative child stands for.
pub(super) fn leaf_idx(child: i16) -> usize {
    !child as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stump() -> Tree {
        let node = Node { feature: 1, missing_left: true, threshold: 2.0, children: [-1, -2] };
        let leaf = |value| Leaf { value, cover: 1.0 };
        Tree { nodes: vec![node], leaves: vec![leaf(-0.5), leaf(0.25)] }
    }

    #[test]
    fn a_value_on_the_threshold_goes_left() {
        let cases = [(2.0, -0.5), (2.1, 0.25), (f32::NAN, -0.5), (f32::INFINITY, 0.25)];
        for (value, expected) in cases {
            assert_eq!(stump().predict(&[9.0, value]), expected, "{value}");
        }
    }

    #[test]
    fn a_damaged_tree_is_refused() {
        assert_eq!(stump().check(2), Ok(()));
        let damage: [fn(&mut Tree); 8] = [
            |tree| tree.nodes[0].feature = 2,
            |tree| tree.nodes[0].threshold = f32::NAN,
            |tree| tree.nodes[0].children = [0, -2],
            |tree| tree.nodes[0].children = [-1, -1],
            |tree| tree.nodes[0].children = [-1, -3],
            |tree| tree.nodes[0].children = [5, -2],
            |tree| tree.leaves[0].value = f32::INFINITY,
            |tree| tree.leaves.clear(),
        ];
        for (case, damage) in damage.iter().enumerate() {
            let mut tree = stump();
            damage(&mut tree);
            assert!(tree.check(2).is_err(), "case {case}");
        }
    }

    #[test]
    fn a_tree_survives_writing_and_reading() {
        let text = serde_json::to_string(&stump()).unwrap();
        assert_eq!(text, r#"{"nodes":[[1,2.0,1,-1,-2]],"leaves":[[-0.5,1.0],[0.25,1.0]]}"#);
        assert_eq!(serde_json::from_str::<Tree>(&text).unwrap(), stump());
    }
}
