//! How much each column moves the margin of an ordinary row: what a fitted ensemble pays attention to.

use crate::model::boosted::{Boosted, Tree};
use crate::model::ensemble::{Ensemble, Learner};

impl Ensemble {
    /// For each column of a row, how far it moves the log-odds between ordinary training rows: one
    /// standard deviation, summed over the members. Tokens are not counted.
    ///
    /// A logistic column moves them by its weight, because values are standardised; products are left out. A tree's variance
    /// over its training rows is the sum over its splits of `share of rows · p (1 - p) · (left mean -
    /// right mean)²` (law of total variance); a column has the root of its own splits' part, and trees
    /// add up, as boosted trees mostly agree in direction.
    pub fn importance(&self) -> Vec<f64> {
        let mut importance = vec![0.0; self.n_features];
        for member in &self.members {
            let of_learner = match &member.learner {
                Learner::Logistic(logistic) => logistic.columns.iter().map(|it| it.weight.abs()).collect(),
                Learner::Boosted(boosted) => boosted_importance(boosted),
            };
            for (&column, moved) in member.columns.iter().zip(of_learner) {
                if let Some(sum) = importance.get_mut(column as usize) {
                    *sum += member.weight * moved;
                }
            }
        }
        importance
    }
}

fn boosted_importance(boosted: &Boosted) -> Vec<f64> {
    let mut importance = vec![0.0; boosted.n_features()];
    for tree in boosted.trees() {
        for (sum, variance) in importance.iter_mut().zip(variances(tree, boosted.n_features())) {
            *sum += variance.sqrt();
        }
    }
    importance
}

/// The part of a tree's variance that each column's splits make.
fn variances(tree: &Tree, n_features: usize) -> Vec<f64> {
    let mut variances = vec![0.0; n_features];
    // Children stand after their parents, so that going backward meets them first.
    let mut below = vec![(0.0, 0.0); tree.nodes.len()];
    for (idx, node) in tree.nodes.iter().enumerate().rev() {
        let side = |child: i16| match usize::try_from(child) {
            Ok(child_idx) => below[child_idx],
            Err(_) => {
                let leaf = &tree.leaves[usize::from((-1 - child).unsigned_abs())];
                (f64::from(leaf.cover), f64::from(leaf.value))
            }
        };
        let [(left, left_mean), (right, right_mean)] = node.children.map(side);
        let cover = left + right;
        if cover > 0.0 {
            below[idx] = (cover, (left * left_mean + right * right_mean) / cover);
            // Not yet divided by the rows of the whole tree.
            variances[usize::from(node.feature)] += left * right / cover * (left_mean - right_mean).powi(2);
        }
    }
    let n_rows = below.first().map_or(0.0, |(cover, _)| *cover).max(f64::MIN_POSITIVE);
    variances.iter().map(|variance| variance / n_rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Member;
    use crate::model::boosted::{Leaf, Node};
    use crate::model::logistic::{Logistic, LogisticColumn};

    fn leaf(value: f32, cover: f32) -> Leaf {
        Leaf { value, cover }
    }

    /// Column 1 splits 4 rows into 2 and 2, column 0 one half again.
    fn tree() -> Tree {
        let node = |feature, children| Node { feature, missing_left: true, threshold: 0.0, children };
        Tree {
            nodes: vec![node(1, [-1, 1]), node(0, [-2, -3])],
            leaves: vec![leaf(-1.0, 2.0), leaf(0.0, 1.0), leaf(2.0, 1.0)],
        }
    }

    #[test]
    fn a_trees_variance_is_shared_out_among_its_columns() {
        // Values -1, -1, 0, 2 have the variance 1.5.
        let variances = variances(&tree(), 3);
        assert_eq!(variances, [0.5, 1.0, 0.0]);
    }

    #[test]
    fn members_add_up_in_the_columns_of_the_row() {
        let column = |weight| LogisticColumn { log: false, mean: 5.0, deviation: 2.0, weight };
        let logistic = Logistic { intercept: 0.0, clip: 6.0, columns: vec![column(-0.5)], products: vec![] };
        let boosted = Boosted::new(2, 0.0, vec![tree(), tree()]).unwrap();
        let member = |columns, learner| Member { name: "m".into(), weight: 2.0, columns, learner };
        let members =
            vec![member(vec![2], Learner::Logistic(logistic)), member(vec![2, 0], Learner::Boosted(boosted))];
        let ensemble = Ensemble { n_features: 3, intercept: 0.0, members, text: None };
        let importance = ensemble.importance();
        assert_eq!([importance[0], importance[1]], [4.0, 0.0]);
        assert!((importance[2] - (1.0 + 4.0 * 0.5_f64.sqrt())).abs() < 1e-12);
    }
}
