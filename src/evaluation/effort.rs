//! Effort-aware metrics of just-in-time defect prediction (Kamei et al. 2013).

/// Share of positives found within `share` of the total effort when rows are read by falling
/// score per effort, `score / (effort + 1)`.
pub fn recall_at_effort(scores: &[f64], labels: &[bool], effort: &[f64], share: f64) -> Option<f64> {
    let rows = rows_by(scores, labels, effort, |score, effort| score / (effort + 1.0))?;
    recall_within(&rows, share)
}

/// Share of positives found within `share` of the total effort when rows are read by falling score.
pub fn recall_at_effort_raw(scores: &[f64], labels: &[bool], effort: &[f64], share: f64) -> Option<f64> {
    recall_within(&rows_by(scores, labels, effort, |score, _| score)?, share)
}

/// Area under the effort–recall curve by `score / (effort + 1)`, 1 for the best order and 0 for
/// the worst: `(area - worst) / (best - worst)`.
pub fn popt(scores: &[f64], labels: &[bool], effort: &[f64]) -> Option<f64> {
    let model = area(&rows_by(scores, labels, effort, |score, effort| score / (effort + 1.0))?)?;
    let density: Vec<f64> = labels.iter().map(|&label| f64::from(u8::from(label))).collect();
    let mut best_rows = rows_by(&density, labels, effort, |label, effort| label / (effort + 1.0))?;
    // Among negatives the order does not matter to the curve's positives.
    let best = area(&best_rows)?;
    best_rows.reverse();
    let worst = area(&best_rows)?;
    (best > worst).then(|| (model - worst) / (best - worst))
}

#[derive(Clone, Copy)]
struct Row {
    key: f64,
    effort: f64,
    positive: bool,
}

/// Rows by falling key; ties by rising effort, then negatives first, so that the order of the
/// input never matters and luck never flatters.
fn rows_by(
    scores: &[f64],
    labels: &[bool],
    effort: &[f64],
    key: impl Fn(f64, f64) -> f64,
) -> Option<Vec<Row>> {
    let n_rows = scores.len();
    let sound = effort.iter().all(|e| e.is_finite() && *e >= 0.0) && scores.iter().all(|s| !s.is_nan());
    if n_rows == 0 || labels.len() != n_rows || effort.len() != n_rows || !sound {
        return None;
    }
    let mut rows: Vec<Row> = (0..n_rows)
        .map(|i| Row { key: key(scores[i], effort[i]), effort: effort[i], positive: labels[i] })
        .collect();
    rows.sort_by(|a, b| {
        b.key.total_cmp(&a.key).then(a.effort.total_cmp(&b.effort)).then(a.positive.cmp(&b.positive))
    });
    Some(rows)
}

fn recall_within(rows: &[Row], share: f64) -> Option<f64> {
    let limit = share * rows.iter().map(|row| row.effort).sum::<f64>();
    let n_pos = rows.iter().filter(|row| row.positive).count();
    let (mut spent, mut found) = (0.0, 0_usize);
    for row in rows {
        spent += row.effort;
        if spent > limit {
            break;
        }
        found += usize::from(row.positive);
    }
    (n_pos > 0 && limit > 0.0).then(|| found as f64 / n_pos as f64)
}

/// Trapezoid area of recall over the share of effort spent.
fn area(rows: &[Row]) -> Option<f64> {
    let total: f64 = rows.iter().map(|row| row.effort).sum();
    let n_pos = rows.iter().filter(|row| row.positive).count() as f64;
    let (mut area, mut found) = (0.0, 0.0);
    for row in rows {
        let step = f64::from(u8::from(row.positive));
        area += row.effort * (found + 0.5 * step);
        found += step;
    }
    (total > 0.0 && n_pos > 0.0).then(|| area / (total * n_pos))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: [bool; 4] = [true, false, true, false];
    const EFFORT: [f64; 4] = [1.0, 4.0, 3.0, 2.0];

    #[test]
    fn the_best_order_has_popt_one_and_its_reverse_zero() {
        let best = [100.0, 0.0, 50.0, 0.0];
        assert_eq!(popt(&best, &LABELS, &EFFORT), Some(1.0));
        let worst = [0.0, 100.0, 0.1, 50.0];
        assert!(popt(&worst, &LABELS, &EFFORT).unwrap() < 0.15);
    }

    #[test]
    fn recall_counts_what_the_effort_pays_for() {
        // Order by score per effort: row 0 (1 line), row 2 (3 lines); 20 % of 10 lines pays row 0.
        assert_eq!(recall_at_effort(&[9.0, 1.0, 9.0, 1.0], &LABELS, &EFFORT, 0.2), Some(0.5));
        assert_eq!(recall_at_effort_raw(&[1.0, 9.0, 8.0, 7.0], &LABELS, &EFFORT, 0.7), Some(0.5));
    }

    #[test]
    fn the_undefined_is_none() {
        assert_eq!(popt(&[1.0], &[false], &[1.0]), None);
        assert_eq!(recall_at_effort(&[1.0], &[true], &[f64::NAN], 0.2), None);
        assert_eq!(recall_at_effort(&[1.0], &[true], &[0.0], 0.2), None);
    }
}
