use super::*;

/// Margins on a grid whose true log-odds are `0.5 m - 1`.
fn overconfident(n_rows: usize) -> (Vec<f64>, Target) {
    let margins: Vec<f64> = (0..n_rows).map(|row| 8.0 * row as f64 / n_rows as f64 - 4.0).collect();
    // A low-discrepancy draw instead of a random one keeps the shares exact.
    let draw = |row: usize| (row as f64 * 0.618_033_988_749_895).fract();
    let y = (0..n_rows).map(|row| draw(row) < sigmoid(0.5 * margins[row] - 1.0)).collect();
    (margins, Target::unweighted(y))
}

fn fit(kind: CalibratorKind, margins: &[f64], target: &Target) -> Calibrator {
    CalibratorParams { kind, ..CalibratorParams::default() }.check().unwrap().fit(margins, target).unwrap()
}

const KINDS: [CalibratorKind; 4] =
    [CalibratorKind::Platt, CalibratorKind::Beta, CalibratorKind::Isotonic, CalibratorKind::Auto];

#[test]
fn platt_finds_the_true_line() {
    let (margins, target) = overconfident(20_000);
    let Calibrator::Platt(platt) = fit(CalibratorKind::Platt, &margins, &target) else { panic!("not Platt") };
    assert!((platt.slope - 0.5).abs() < 0.02 && (platt.intercept + 1.0).abs() < 0.03, "{platt:?}");
}

#[test]
fn as_many_positives_are_expected_as_there_are_wherever_the_margins_lie() {
    let (near, target) = overconfident(20_000);
    for (stretch, shift) in
        [(1.0, 0.0), (1.0, -60.0), (6.0, -60.0), (25.0, 300.0), (-1.0, -60.0), (-6.0, 90.0)]
    {
        let far: Vec<f64> = near.iter().map(|margin| stretch * margin + shift).collect();
        for kind in KINDS {
            let calibrator = fit(kind, &far, &target);
            let expected: f64 = far.iter().map(|margin| calibrator.probability(*margin)).sum();
            let ratio = expected / target.n_positive() as f64;
            assert!((ratio - 1.0).abs() < 0.01, "{kind:?} {stretch} {shift}: {ratio} {calibrator:?}");
        }
    }
}

#[test]
fn every_kind_keeps_the_ranking() {
    let (mut margins, mut target) = overconfident(3_000);
    for reversed in [false, true] {
        if reversed {
            margins.reverse();
            target = Target::unweighted(target.y.iter().map(|y| !y).collect());
        }
        for kind in KINDS {
            let calibrator = fit(kind, &margins, &target);
            let log_odds: Vec<f64> = (-900..900).map(|m| calibrator.log_odds(f64::from(m) * 0.01)).collect();
            assert!(log_odds.windows(2).all(|pair| pair[0] < pair[1]), "{kind:?} {reversed}");
            assert_eq!(calibrator.check(), Ok(()));
        }
    }
}

#[test]
fn few_positives_keep_the_slope_near_one() {
    let margins: Vec<f64> = (0..100).map(|row| f64::from(row) * 0.05 - 4.0).collect();
    let target = Target::unweighted((0..100).map(|row| row == 10 || row == 50).collect());
    let slope = |slope_deviation| {
        let params = CalibratorParams { slope_deviation, ..CalibratorParams::default() };
        match params.check().unwrap().fit(&margins, &target).unwrap() {
            Calibrator::Platt(platt) => platt.slope,
            other => panic!("{other:?} is not Platt"),
        }
    };
    assert!(
        slope(0.05) > 0.9 && slope(0.3) > slope(3.0) + 0.2,
        "{} {} {}",
        slope(0.05),
        slope(0.3),
        slope(3.0)
    );
    let platt = fit(CalibratorKind::Auto, &margins, &target);
    let expected: f64 = margins.iter().map(|&margin| platt.probability(margin)).sum();
    assert!((expected - 3.0).abs() < 1.2, "{expected} positives expected, 2 seen, 1 softened");
}

#[test]
fn what_cannot_be_calibrated_is_refused() {
    let valid = CalibratorParams::default().check().unwrap();
    let target = Target::unweighted(vec![true, false]);
    assert!(matches!(valid.fit(&[0.0, f64::NAN], &target), Err(Error::Margin { row: 1, .. })));
    assert!(matches!(valid.fit(&[0.0], &target), Err(Error::RowMismatch { .. })));
    assert_eq!(valid.fit(&[0.0, 1.0], &Target::unweighted(vec![true; 2])), Err(Error::OneClass(true)));
    let falling = Calibrator::Platt(Platt { slope: -1.0, intercept: 0.0 });
    assert!(falling.check().is_err());
}
