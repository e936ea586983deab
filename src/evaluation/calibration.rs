//! Metrics of probabilities: Brier score, log-loss, calibration error, uniformity of ranks.

/// Probabilities are kept this far from 0 and 1 in the log-loss.
const LOG_LOSS_CLIP: f64 = 1e-6;

/// One bin of a reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reliability {
    /// Rows in the bin.
    pub n: usize,
    /// Mean predicted probability.
    pub predicted: f64,
    /// Share of positives.
    pub observed: f64,
}

/// Mean squared difference of probability and label (Brier 1950).
pub fn brier(probabilities: &[f64], labels: &[bool]) -> Option<f64> {
    mean_of(probabilities, labels, |p, y| (p - y).powi(2))
}

/// Mean negative log-likelihood, probabilities clipped to `[1e-6, 1 - 1e-6]`.
pub fn log_loss(probabilities: &[f64], labels: &[bool]) -> Option<f64> {
    mean_of(probabilities, labels, |p, y| {
        let p = p.clamp(LOG_LOSS_CLIP, 1.0 - LOG_LOSS_CLIP);
        -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
    })
}

/// Share of positives.
pub fn observed_rate(labels: &[bool]) -> Option<f64> {
    (!labels.is_empty()).then(|| count_positive(labels) as f64 / labels.len() as f64)
}

/// Expected number of positives over the observed number; `None` without a positive.
pub fn predicted_over_observed(probabilities: &[f64], labels: &[bool]) -> Option<f64> {
    defined(probabilities, labels)?;
    let n_pos = count_positive(labels);
    (n_pos > 0).then(|| probabilities.iter().sum::<f64>() / n_pos as f64)
}

/// Expected calibration error over `n_bins` bins of equal width (Naeini et al. 2015).
pub fn ece_equal_width(probabilities: &[f64], labels: &[bool], n_bins: usize) -> Option<f64> {
    ece(&reliability_equal_width(probabilities, labels, n_bins)?)
}

/// Expected calibration error over `n_bins` bins of equal numbers of rows.
pub fn ece_equal_mass(probabilities: &[f64], labels: &[bool], n_bins: usize) -> Option<f64> {
    ece(&reliability_equal_mass(probabilities, labels, n_bins)?)
}

/// Reliability diagram over bins of equal width; empty bins are left out.
pub fn reliability_equal_width(
    probabilities: &[f64],
    labels: &[bool],
    n_bins: usize,
) -> Option<Vec<Reliability>> {
    defined(probabilities, labels)?;
    let mut sums = vec![(0_usize, 0.0, 0.0); n_bins.max(1)];
    for (&p, &label) in probabilities.iter().zip(labels) {
        let bin_idx = ((p * sums.len() as f64) as usize).min(sums.len() - 1);
        let (n, predicted, observed) = &mut sums[bin_idx];
        *n += 1;
        *predicted += p;
        *observed += f64::from(u8::from(label));
    }
    sums.retain(|&(n, ..)| n > 0);
    Some(sums.into_iter().map(reliability).collect())
}

/// Reliability diagram over bins of equal numbers of rows. Rows of one probability share its mean
/// label, so that ties across a bin's edge do not depend on the order of rows.
pub fn reliability_equal_mass(
    probabilities: &[f64],
    labels: &[bool],
    n_bins: usize,
) -> Option<Vec<Reliability>> {
    defined(probabilities, labels)?;
    let rows = rows_with_tied_labels_shared(probabilities, labels);
    let n_bins = n_bins.clamp(1, rows.len());
    let mut bins = Vec::with_capacity(n_bins);
    for bin_idx in 0..n_bins {
        let (start, end) = (bin_idx * rows.len() / n_bins, (bin_idx + 1) * rows.len() / n_bins);
        let bin = &rows[start..end];
        let predicted = bin.iter().map(|row| row.0).sum();
        let observed = bin.iter().map(|row| row.1).sum();
        bins.push(reliability((bin.len(), predicted, observed)));
    }
    Some(bins)
}

/// Kolmogorov–Smirnov distance of values in `[0, 1]` to the uniform distribution.
pub fn ks_to_uniform(values: &[f64]) -> Option<f64> {
    if values.is_empty() || values.iter().any(|v| v.is_nan()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let distances = sorted.iter().enumerate().map(|(i, v)| {
        let (below, up_to) = (i as f64 / n, (i + 1) as f64 / n);
        (v - below).abs().max((v - up_to).abs())
    });
    Some(distances.fold(0.0, f64::max))
}

fn rows_with_tied_labels_shared(probabilities: &[f64], labels: &[bool]) -> Vec<(f64, f64)> {
    let mut rows: Vec<(f64, f64)> =
        probabilities.iter().zip(labels).map(|(&p, &y)| (p, f64::from(u8::from(y)))).collect();
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    for group in rows.chunk_by_mut(|a, b| a.0 == b.0) {
        let mean = group.iter().map(|row| row.1).sum::<f64>() / group.len() as f64;
        group.iter_mut().for_each(|row| row.1 = mean);
    }
    rows
}

fn reliability((n, predicted, observed): (usize, f64, f64)) -> Reliability {
    Reliability { n, predicted: predicted / n as f64, observed: observed / n as f64 }
}

fn ece(bins: &[Reliability]) -> Option<f64> {
    let n_rows: usize = bins.iter().map(|bin| bin.n).sum();
    let gaps = bins.iter().map(|bin| bin.n as f64 * (bin.predicted - bin.observed).abs());
    (n_rows > 0).then(|| gaps.sum::<f64>() / n_rows as f64)
}

fn mean_of(probabilities: &[f64], labels: &[bool], loss: impl Fn(f64, f64) -> f64) -> Option<f64> {
    defined(probabilities, labels)?;
    let losses = probabilities.iter().zip(labels).map(|(&p, &y)| loss(p, f64::from(u8::from(y))));
    Some(losses.sum::<f64>() / labels.len() as f64)
}

fn defined(probabilities: &[f64], labels: &[bool]) -> Option<()> {
    let sound = probabilities.iter().all(|p| (0.0..=1.0).contains(p));
    (sound && !labels.is_empty() && probabilities.len() == labels.len()).then_some(())
}

fn count_positive(labels: &[bool]) -> usize {
    labels.iter().filter(|&&label| label).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: [f64; 4] = [0.1, 0.3, 0.8, 1.0];
    const Y: [bool; 4] = [false, true, false, true];

    fn close(left: Option<f64>, right: f64) {
        let left = left.unwrap();
        assert!((left - right).abs() < 1e-9, "{left} is not {right}");
    }

    #[test]
    fn hand_worked_losses() {
        close(brier(&P, &Y), (0.01 + 0.49 + 0.64 + 0.0) / 4.0);
        let expected = -(0.9_f64.ln() + 0.3_f64.ln() + 0.2_f64.ln() + (1.0 - 1e-6_f64).ln()) / 4.0;
        close(log_loss(&P, &Y), expected);
        close(predicted_over_observed(&P, &Y), 1.1);
        close(observed_rate(&Y), 0.5);
    }

    #[test]
    fn hand_worked_calibration_errors() {
        // Two bins of width one half: (.2 against .5) and (.9 against .5).
        close(ece_equal_width(&P, &Y, 2), 0.5 * 0.3 + 0.5 * 0.4);
        close(ece_equal_mass(&P, &Y, 4), (0.1 + 0.7 + 0.8 + 0.0) / 4.0);
        close(ece_equal_mass(&[0.5; 4], &Y, 2), 0.0);
        // In whatever order equal probabilities come.
        close(ece_equal_mass(&[0.5; 4], &[false, false, true, true], 2), 0.0);
    }

    #[test]
    fn uniform_values_are_near_the_uniform() {
        close(ks_to_uniform(&[0.125, 0.375, 0.625, 0.875]), 0.125);
        close(ks_to_uniform(&[0.0, 0.0]), 1.0);
        close(ks_to_uniform(&[1.0, 1.0]), 1.0);
        assert_eq!(ks_to_uniform(&[]), None);
    }

    #[test]
    fn the_undefined_is_none() {
        assert_eq!(brier(&[], &[]), None);
        assert_eq!(log_loss(&[f64::NAN], &[true]), None);
        assert_eq!(brier(&[1.2], &[true]), None);
        assert_eq!(predicted_over_observed(&[0.2], &[false]), None);
        assert_eq!(ece_equal_width(&[0.2], &[], 10), None);
    }
}
