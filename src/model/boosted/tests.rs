use super::*;
use crate::model::{Matrix, Target, logit, sigmoid};
use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Rows whose log-odds are `2 x0 - x1² + x0 x2`, some values unknown.
fn made_up(n_rows: usize, n_columns: usize, seed: u64) -> (Matrix, Target) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut uniform = || (rng.next_u64() >> 40) as f32 / (1 << 24) as f32;
    let mut columns = vec![vec![0.0; n_rows]; n_columns];
    let mut y = Vec::with_capacity(n_rows);
    for row in 0..n_rows {
        columns.iter_mut().for_each(|column| column[row] = 4.0 * uniform() - 2.0);
        let x = |idx: usize| columns[idx][row];
        y.push(uniform() < sigmoid(f64::from(2.0 * x(0) - x(1) * x(1) + x(0) * x(2))) as f32);
        columns.iter_mut().filter(|_| uniform() < 0.1).for_each(|column| column[row] = f32::NAN);
    }
    (Matrix::new(columns).unwrap(), Target::unweighted(y))
}

fn fit(params: BoostedParams, matrix: &Matrix, target: &Target) -> Boosted {
    params.check().unwrap().fit(matrix, target).unwrap()
}

#[test]
fn a_stump_has_its_hand_worked_leaves() {
    // Base rate (2 + .5) / (6 + 1); x <= 2.5 holds no positive, x > 2.5 two of three.
    let matrix = Matrix::new(vec![vec![1.0, 2.0, 2.0, 3.0, 4.0, 4.0]]).unwrap();
    let target = Target::from_numbers(&[0.0, 0.0, 0.0, 0.0, 1.0, 1.0]).unwrap();
    let params = BoostedParams {
        n_trees: 1,
        learning_rate: 1.0,
        n_leaves: 2,
        min_leaf_rows: 3,
        ..BoostedParams::default()
    };
    let model = fit(params, &matrix, &target);
    let p: f64 = 2.5 / 7.0;
    let leaf = |gradient: f64, n: f64| -gradient / (n * p * (1.0 - p) + 1.0);
    let tree = &model.trees()[0];
    assert_eq!(tree.nodes[0].threshold, 2.5);
    assert!((model.base() - logit(p)).abs() < 1e-12);
    assert!((f64::from(tree.leaves[0].value) - leaf(3.0 * p, 3.0)).abs() < 1e-6);
    assert!((f64::from(tree.leaves[1].value) - leaf(3.0 * p - 2.0, 3.0)).abs() < 1e-6);
    assert_eq!((tree.leaves[0].cover, tree.leaves[1].cover), (3.0, 3.0));
}

#[test]
fn threads_and_runs_never_change_a_byte() {
    let (matrix, target) = made_up(1500, 6, 3);
    let params = BoostedParams {
        n_trees: 20,
        n_bags: 5,
        row_fraction: 0.6,
        feature_fraction: 0.5,
        ..BoostedParams::default()
    };
    let bytes = |n_threads| {
        let model = fit(BoostedParams { n_threads, ..params.clone() }, &matrix, &target);
        serde_json::to_string(&model).unwrap()
    };
    assert_eq!(bytes(1), bytes(2));
    assert_eq!(bytes(1), bytes(3));
    let model: Boosted = serde_json::from_str(&bytes(1)).unwrap();
    assert_eq!(model, fit(params.clone(), &matrix, &target));
}

#[test]
fn a_weight_of_zero_removes_a_row() {
    let (matrix, mut target) = made_up(600, 3, 4);
    (300..600).for_each(|row| target.weight[row] = 0.0);
    let rows: Vec<usize> = (0..300).collect();
    let params = BoostedParams { n_trees: 10, max_bins: 255, ..BoostedParams::default() };
    let left_out = fit(params.clone(), &matrix, &target);
    let removed = fit(params, &matrix.select_rows(&rows), &target.select_rows(&rows));
    // Bins differ slightly, since all rows decide them; the number of rows learned from does not.
    let n_rows = |model: &Boosted| model.trees()[0].leaves.iter().map(|leaf| leaf.cover).sum::<f32>();
    assert_eq!((n_rows(&left_out), n_rows(&removed)), (300.0, 300.0));
}

#[test]
fn monotone_columns_never_turn() {
    let (matrix, target) = made_up(3000, 4, 5);
    let params = BoostedParams { n_trees: 60, monotone: vec![1, -1, 0, 0], ..BoostedParams::default() };
    let model = fit(params, &matrix, &target);
    for row in 0..50 {
        let mut values = matrix.row(row);
        for (column, direction) in [(0, 1.0), (1, -1.0)] {
            let margins: Vec<f64> = (0..60)
                .map(|step| {
                    values[column] = step as f32 / 15.0 - 2.0;
                    model.margin(&values)
                })
                .collect();
            assert!(margins.windows(2).all(|pair| direction * (pair[1] - pair[0]) >= -1e-12));
        }
    }
}

#[test]
fn unknown_values_may_be_a_split_of_their_own() {
    let mut x = vec![1.0; 100];
    x[..40].fill(f32::NAN);
    let target = Target::unweighted((0..100).map(|row| row < 40 && row % 4 != 0 || row == 99).collect());
    let params = BoostedParams { n_trees: 5, n_leaves: 2, ..BoostedParams::default() };
    let model = fit(params, &Matrix::new(vec![x]).unwrap(), &target);
    assert!(model.margin(&[f32::NAN]) > model.margin(&[1.0]) + 0.1);
    assert_eq!(model.margin(&[1.0]), model.margin(&[f32::MAX]));
}

#[test]
fn early_stopping_keeps_the_best_length() {
    let (matrix, target) = made_up(400, 4, 6);
    let (fresh, truth) = made_up(400, 4, 7);
    let params = BoostedParams { n_trees: 2000, early_stopping_rounds: 20, ..BoostedParams::default() };
    let validation = Validation { matrix: &fresh, target: &truth };
    let model = params.check().unwrap().fit_validated(&matrix, &target, validation).unwrap();
    assert!((5..1000).contains(&model.trees().len()), "{}", model.trees().len());
}

#[test]
fn what_cannot_be_learned_from_is_refused_by_name() {
    let (matrix, target) = made_up(100, 3, 8);
    let valid = || BoostedParams::default().check().unwrap();
    let one_class = Target::unweighted(vec![true; 100]);
    assert_eq!(valid().fit(&matrix, &one_class), Err(Error::OneClass(true)));
    let short = Target::unweighted(vec![true, false]);
    assert!(matches!(valid().fit(&matrix, &short), Err(Error::RowMismatch { .. })));
    let few = Target::unweighted((0..10).map(|row| row % 2 == 0).collect());
    let rows: Vec<usize> = (0..10).collect();
    let error = valid().fit(&matrix.select_rows(&rows), &few).unwrap_err();
    assert_eq!(error, Error::TooFewRows { found: 10, expected: 40 });
    let mut infinite = matrix.clone();
    infinite.columns[1][7] = f32::NEG_INFINITY;
    assert_eq!(valid().fit(&infinite, &target), Err(Error::Infinite { column: 1, row: 7 }));
    let monotone = BoostedParams { monotone: vec![1], ..BoostedParams::default() };
    let error = monotone.check().unwrap().fit(&matrix, &target).unwrap_err();
    assert!(matches!(error, Error::Parameter { name: "monotone", .. }));
    let bad = [
        BoostedParams { learning_rate: f64::NAN, ..BoostedParams::default() },
        BoostedParams { row_fraction: 0.0, ..BoostedParams::default() },
        BoostedParams { max_bins: 256, ..BoostedParams::default() },
        BoostedParams { n_leaves: 1, ..BoostedParams::default() },
    ];
    assert!(bad.into_iter().all(|params| params.check().is_err()));
}

#[test]
fn a_column_without_values_is_no_obstacle() {
    let (mut matrix, target) = made_up(200, 3, 9);
    matrix.columns[1].fill(f32::NAN);
    matrix.columns[2].fill(1.0);
    let model = fit(BoostedParams { n_trees: 10, ..BoostedParams::default() }, &matrix, &target);
    assert!(model.trees().iter().flat_map(|tree| &tree.nodes).all(|node| node.feature == 0));
}

/// Shapley values by their definition, over all subsets of features.
fn brute_force(model: &Boosted, row: &[f32]) -> (f64, Vec<f64>) {
    let n = model.n_features();
    let value = |present: usize| {
        let trees = model.trees().iter();
        model.base() + trees.map(|tree| expectation(tree, row, present, 0).0).sum::<f64>()
    };
    let values: Vec<f64> = (0..1 << n).map(value).collect();
    let factorial = |k: usize| (1..=k).product::<usize>() as f64;
    let mut shares = vec![0.0; n];
    for (feature, share) in shares.iter_mut().enumerate() {
        for set in (0..1_usize << n).filter(|set| set & (1 << feature) == 0) {
            let size = set.count_ones() as usize;
            let weight = factorial(size) * factorial(n - size - 1) / factorial(n);
            *share += weight * (values[set | (1 << feature)] - values[set]);
        }
    }
    (values[0], shares)
}

/// Mean of a subtree given the present features, and its cover.
fn expectation(tree: &Tree, row: &[f32], present: usize, child: i16) -> (f64, f64) {
    if child < 0 {
        let leaf = tree.leaves[!child as usize];
        return (f64::from(leaf.value), f64::from(leaf.cover));
    }
    let node = tree.nodes[child as usize];
    let [left, right] = node.children.map(|child| expectation(tree, row, present, child));
    let cover = left.1 + right.1;
    let feature = usize::from(node.feature);
    let mean = match (present & (1 << feature) != 0, node.goes_left(row[feature])) {
        (true, true) => left.0,
        (true, false) => right.0,
        (false, _) => (left.0 * left.1 + right.0 * right.1) / cover,
    };
    (mean, cover)
}

#[test]
fn contributions_are_the_shapley_values() {
    for (seed, n_leaves, n_columns) in [(10, 2, 3), (11, 6, 5), (12, 31, 8), (13, 60, 10)] {
        let (matrix, target) = made_up(2000, n_columns, seed);
        let params = BoostedParams { n_trees: 6, n_leaves, min_leaf_rows: 5, ..BoostedParams::default() };
        let model = fit(params, &matrix, &target);
        for row in 0..8 {
            let row = matrix.row(row);
            let mut shares = vec![0.0; n_columns];
            let Explained { base, margin } = model.explain(&row, &mut shares);
            assert_eq!(margin.to_bits(), model.margin(&row).to_bits());
            let (true_base, true_shares) = brute_force(&model, &row);
            assert!((base - true_base).abs() < 1e-12);
            for (share, truth) in shares.iter().zip(&true_shares) {
                assert!((share - truth).abs() < 1e-11, "{n_leaves} leaves: {share} is not {truth}");
            }
        }
    }
}

#[test]
fn contributions_add_up_to_the_margin() {
    let (matrix, target) = made_up(3000, 12, 14);
    let params = BoostedParams {
        n_trees: 200,
        n_leaves: 31,
        n_bags: 2,
        row_fraction: 0.7,
        ..BoostedParams::default()
    };
    let model = fit(params, &matrix, &target);
    for row in 0..100 {
        let row = matrix.row(row);
        let mut shares = vec![0.0; 12];
        let Explained { base, margin } = model.explain(&row, &mut shares);
        assert_eq!(margin.to_bits(), model.margin(&row).to_bits());
        assert!((base + shares.iter().sum::<f64>() - model.margin(&row)).abs() < 1e-11);
    }
}

#[test]
fn a_tree_of_one_leaf_adds_to_base_and_margin() {
    let stump = Tree { nodes: Vec::new(), leaves: vec![Leaf { value: 0.25, cover: 3.0 }] };
    let model = Boosted::new(1, 0.5, vec![stump.clone(), stump]).unwrap();
    assert_eq!(model.explain(&[0.0], &mut [0.0]), Explained { base: 1.0, margin: 1.0 });
}

#[test]
fn a_damaged_model_is_refused() {
    let (matrix, target) = made_up(500, 3, 15);
    let model = fit(BoostedParams { n_trees: 3, ..BoostedParams::default() }, &matrix, &target);
    let mut trees = model.trees().to_vec();
    trees[1].nodes[0].feature = 3;
    let error = Boosted::new(3, model.base(), trees).unwrap_err();
    assert!(error.to_string().starts_with("malformed boosted tree 1: feature 3"), "{error}");
}
