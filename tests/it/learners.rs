//! The learners from outside: they learn, calibrate, repeat themselves and refuse.

use diffrisk::evaluation::{ece_equal_width, roc_auc};
use diffrisk::model::{
    Boosted, BoostedParams, CalibratorKind, CalibratorParams, LogisticParams, Matrix, Target, sigmoid,
};
use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Rows whose log-odds are `2 x0 - x1² + x0 x2 - 1`.
fn made_up(n_rows: usize, seed: u64) -> (Matrix, Target) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut uniform = || (rng.next_u64() >> 40) as f32 / (1 << 24) as f32;
    let mut columns = vec![vec![0.0; n_rows]; 5];
    let mut y = Vec::with_capacity(n_rows);
    for row in 0..n_rows {
        columns.iter_mut().for_each(|column| column[row] = 4.0 * uniform() - 2.0);
        let x = |idx: usize| columns[idx][row];
        let log_odds = 2.0 * x(0) - x(1) * x(1) + x(0) * x(2) - 1.0;
        y.push(f64::from(uniform()) < sigmoid(f64::from(log_odds)));
    }
    (Matrix::new(columns).unwrap(), Target::unweighted(y))
}

fn margins(matrix: &Matrix, margin: impl Fn(&[f32]) -> f64) -> Vec<f64> {
    (0..matrix.n_rows).map(|row| margin(&matrix.row(row))).collect()
}

#[test]
fn trees_find_what_a_line_cannot() {
    let ((matrix, target), (fresh, truth)) = (made_up(4000, 1), made_up(4000, 2));
    let boosted = BoostedParams { n_trees: 150, ..BoostedParams::default() };
    let boosted = boosted.check().unwrap().fit(&matrix, &target).unwrap();
    let logistic = LogisticParams::default().check().unwrap().fit(&matrix, &target).unwrap();
    let boosted_auc = roc_auc(&margins(&fresh, |row| boosted.margin(row)), &truth.y).unwrap();
    let logistic_auc = roc_auc(&margins(&fresh, |row| logistic.margin(row)), &truth.y).unwrap();
    assert!(boosted_auc > 0.87 && logistic_auc > 0.8, "{boosted_auc} {logistic_auc}");
    assert!(boosted_auc > logistic_auc + 0.03, "{boosted_auc} {logistic_auc}");
}

#[test]
fn every_calibrator_mends_distorted_margins() {
    let ((matrix, target), (fresh, truth)) = (made_up(6000, 3), made_up(6000, 4));
    let boosted = BoostedParams { n_trees: 100, ..BoostedParams::default() };
    let boosted = boosted.check().unwrap().fit(&matrix, &target).unwrap();
    let distorted = margins(&fresh, |row| 2.0 * boosted.margin(row) + 1.0);
    let half = fresh.n_rows / 2;
    let first = Target::unweighted(truth.y[..half].to_vec());
    let ece = |p: Vec<f64>| ece_equal_width(&p, &truth.y[half..], 10).unwrap();
    let raw = ece(distorted[half..].iter().map(|&margin| sigmoid(margin)).collect());
    for kind in [CalibratorKind::Platt, CalibratorKind::Beta, CalibratorKind::Isotonic, CalibratorKind::Auto]
    {
        let params = CalibratorParams { kind, ..CalibratorParams::default() };
        let calibrator = params.check().unwrap().fit(&distorted[..half], &first).unwrap();
        let mended = ece(distorted[half..].iter().map(|&margin| calibrator.probability(margin)).collect());
        assert!(mended < 0.03 && mended < 0.5 * raw, "{kind:?}: {mended} of {raw}");
    }
}

#[test]
fn a_model_written_and_read_answers_the_same_bits() {
    let (matrix, target) = made_up(1000, 5);
    let boosted = BoostedParams { n_trees: 30, ..BoostedParams::default() };
    let boosted = boosted.check().unwrap().fit(&matrix, &target).unwrap();
    let read: Boosted = serde_json::from_str(&serde_json::to_string(&boosted).unwrap()).unwrap();
    read.check().unwrap();
    for row in 0..matrix.n_rows {
        let row = matrix.row(row);
        assert_eq!(read.margin(&row).to_bits(), boosted.margin(&row).to_bits());
    }
}
