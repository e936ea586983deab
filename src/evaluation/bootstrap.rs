//! Percentile bootstrap (Efron 1979), over rows drawn with replacement.

use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::evaluation::Ranking;

/// How to resample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// Number of resamples.
    pub n_resamples: usize,
    /// Mass inside the interval, such as 0.95.
    pub level: f64,
    /// Seed; the same seed draws the same rows.
    pub seed: u64,
}

/// A value on all rows, and the interval of its resamples.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Interval {
    /// The value on all rows.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { n_resamples: 1000, level: 0.95, seed: 1 }
    }
}

impl Bootstrap {
    /// Interval of `statistic`, which is given how often each of `n_rows` rows was drawn.
    ///
    /// Resamples without a value (one class drawn) are left out; `None` when more than half are.
    pub fn interval(
        &self,
        n_rows: usize,
        mut statistic: impl FnMut(&[u32]) -> Option<f64>,
    ) -> Option<Interval> {
        let mut counts = vec![1; n_rows];
        let value = statistic(&counts)?;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let mut values = Vec::with_capacity(self.n_resamples);
        for _ in 0..self.n_resamples {
            draw(&mut rng, &mut counts);
            values.extend(statistic(&counts));
        }
        if values.is_empty() || 2 * values.len() < self.n_resamples {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        let tail = 0.5 * (1.0 - self.level);
        Some(Interval { value, low: quantile(&values, tail), high: quantile(&values, 1.0 - tail) })
    }
}

impl Interval {
    /// Whether zero lies outside of the interval.
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// Interval of `metric(first) - metric(second)` over the same drawn rows of both.
///
/// ```
/// use diffrisk::evaluation::{Bootstrap, Ranking, paired_interval};
/// let labels = [true, true, false, false, true, false];
/// let first = Ranking::new(&[6.0, 5.0, 2.0, 1.0, 4.0, 3.0], &labels).ok_or("undefined")?;
/// let second = Ranking::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &labels).ok_or("undefined")?;
/// let difference = paired_interval(&first, &second, Bootstrap::default(), Ranking::roc_auc_resampled);
/// assert!(difference.ok_or("undefined")?.value > 0.0);
/// # Ok::<(), &str>(())
/// ```
pub fn paired_interval(
    first: &Ranking,
    second: &Ranking,
    bootstrap: Bootstrap,
    metric: impl Fn(&Ranking, &[u32]) -> Option<f64>,
) -> Option<Interval> {
    if first.n_rows() != second.n_rows() {
        return None;
    }
    bootstrap.interval(first.n_rows(), |counts| {
        metric(first, counts).zip(metric(second, counts)).map(|(a, b)| a - b)
    })
}

fn draw(rng: &mut Xoshiro256PlusPlus, counts: &mut [u32]) {
    counts.fill(0);
    let n_rows = counts.len() as u128;
    for _ in 0..counts.len() {
        let row = (u128::from(rng.next_u64()) * n_rows) >> 64;
        counts[row as usize] += 1;
    }
}

fn quantile(sorted: &[f64], level: f64) -> f64 {
    let position = level * (sorted.len() - 1) as f64;
    let (below, part) = (position.floor() as usize, position.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + part * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_has_its_width() {
        // 400 rows, half ones: standard error .025, 95 % interval about ± .049.
        let mean = |counts: &[u32]| {
            let ones: u32 = counts.iter().step_by(2).sum();
            Some(f64::from(ones) / counts.iter().sum::<u32>() as f64)
        };
        let interval = Bootstrap { n_resamples: 2000, ..Bootstrap::default() }.interval(400, mean).unwrap();
        assert_eq!(interval.value, 0.5);
        assert!((interval.high - 0.549).abs() < 0.006, "{interval:?}");
        assert!((interval.low - 0.451).abs() < 0.006, "{interval:?}");
        assert_eq!(
            Bootstrap { n_resamples: 2000, ..Bootstrap::default() }.interval(400, mean),
            Some(interval)
        );
    }

    #[test]
    fn equal_rankings_do_not_differ() {
        let labels = [true, false, true, false, false];
        let ranking = Ranking::new(&[5.0, 4.0, 3.0, 2.0, 1.0], &labels).unwrap();
        let interval =
            paired_interval(&ranking, &ranking, Bootstrap::default(), Ranking::roc_auc_resampled).unwrap();
        assert_eq!((interval.value, interval.low, interval.high), (0.0, 0.0, 0.0));
        assert!(!interval.excludes_zero());
    }

    #[test]
    fn a_statistic_that_is_mostly_undefined_has_no_interval() {
        assert_eq!(Bootstrap::default().interval(3, |_| None), None);
    }
}
