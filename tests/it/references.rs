//! The own learners beside independent ones: linfa and smartcore fit the same made-up rows.

use diffrisk::evaluation::roc_auc;
use diffrisk::model::{BoostedParams, Logistic, LogisticParams, Matrix, Target, sigmoid};
use linfa::Dataset;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};
use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::logistic_regression::{
    LogisticRegression as SmartLogistic, LogisticRegressionParameters as SmartLogisticParameters,
};
use smartcore::xgboost::{XGRegressor, XGRegressorParameters};

const N_COLUMNS: usize = 4;

/// Rows whose log-odds are `1.5 x0 - x1 + 2 x2 x3 - 1`, the last column without meaning for a line.
fn made_up(n_rows: usize, seed: u64) -> (Matrix, Target) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut uniform = || (rng.next_u64() >> 40) as f32 / (1 << 24) as f32;
    let mut columns = vec![vec![0.0; n_rows]; N_COLUMNS];
    let mut y = Vec::with_capacity(n_rows);
    for row in 0..n_rows {
        columns.iter_mut().for_each(|column| column[row] = 4.0 * uniform() - 2.0);
        let x = |idx: usize| columns[idx][row];
        y.push(f64::from(uniform()) < sigmoid(f64::from(1.5 * x(0) - x(1) + 2.0 * x(2) * x(3) - 1.0)));
    }
    (Matrix::new(columns).unwrap(), Target::unweighted(y))
}

fn logistic(matrix: &Matrix, target: &Target, c: f64) -> Logistic {
    LogisticParams { c, ..LogisticParams::default() }.check().unwrap().fit(matrix, target).unwrap()
}

/// The same rows as our own logistic sees them: standardised.
fn standardised(matrix: &Matrix, logistic: &Logistic) -> Vec<Vec<f64>> {
    let cell = |row: usize, idx: usize| {
        let column = &logistic.columns[idx];
        (f64::from(matrix.columns[idx][row]) - column.mean) / column.deviation
    };
    (0..matrix.n_rows).map(|row| (0..N_COLUMNS).map(|idx| cell(row, idx)).collect()).collect()
}

#[test]
fn the_logistic_member_has_the_weights_of_linfa() {
    let (matrix, target) = made_up(3_000, 1);
    for c in [0.01, 1.0] {
        let ours = logistic(&matrix, &target, c);
        let rows = standardised(&matrix, &ours).concat();
        let rows = Array2::from_shape_vec((matrix.n_rows, N_COLUMNS), rows).unwrap();
        let dataset = Dataset::new(rows, Array1::from(target.y.clone()));
        let params = linfa_logistic::LogisticRegression::default().alpha(1.0 / c).gradient_tolerance(1e-9);
        let theirs = params.max_iterations(1_000).fit(&dataset).unwrap();
        // Its positive class is the one that comes more often.
        let sign = if theirs.labels().pos.class { 1.0 } else { -1.0 };
        assert!((ours.intercept - sign * theirs.intercept()).abs() < 1e-4, "{c}");
        for (column, weight) in ours.columns.iter().zip(theirs.params()) {
            assert!((column.weight - sign * weight).abs() < 1e-4, "{c}: {} {weight}", column.weight);
        }
    }
}

#[test]
fn the_logistic_member_draws_the_line_of_smartcore() {
    let (matrix, target) = made_up(2_000, 2);
    let ours = logistic(&matrix, &target, 1.0);
    let rows = DenseMatrix::from_2d_vec(&standardised(&matrix, &ours)).unwrap();
    let labels: Vec<i32> = target.y.iter().map(|&y| i32::from(y)).collect();
    let params = SmartLogisticParameters::default().with_alpha(1.0);
    let theirs = SmartLogistic::fit(&rows, &labels, params).unwrap().predict(&rows).unwrap();
    let same = (0..matrix.n_rows).filter(|&row| (ours.margin(&matrix.row(row)) > 0.0) == (theirs[row] == 1));
    assert!(same.count() as f64 > 0.995 * matrix.n_rows as f64);
}

#[test]
fn the_boosted_member_ranks_no_worse_than_smartcore() {
    let ((matrix, target), (fresh, truth)) = (made_up(2_000, 3), made_up(2_000, 4));
    let rows = |matrix: &Matrix| {
        let row = |row| matrix.row(row).iter().map(|&value| f64::from(value)).collect::<Vec<f64>>();
        DenseMatrix::from_2d_vec(&(0..matrix.n_rows).map(row).collect::<Vec<_>>()).unwrap()
    };
    let labels: Vec<f64> = target.y.iter().map(|&y| f64::from(u8::from(y))).collect();
    let params = XGRegressorParameters::default().with_n_estimators(40).with_learning_rate(0.2);
    let params = params.with_max_depth(4);
    let theirs = XGRegressor::fit(&rows(&matrix), &labels, params).unwrap().predict(&rows(&fresh)).unwrap();
    let ours = BoostedParams { n_trees: 100, ..BoostedParams::default() };
    let ours = ours.check().unwrap().fit(&matrix, &target).unwrap();
    let ours: Vec<f64> = (0..fresh.n_rows).map(|row| ours.margin(&fresh.row(row))).collect();
    let (ours, theirs) = (roc_auc(&ours, &truth.y).unwrap(), roc_auc(&theirs, &truth.y).unwrap());
    assert!(theirs > 0.8, "the reference learned: {theirs}");
    assert!(ours > theirs - 0.005, "{ours} against {theirs}");
}
