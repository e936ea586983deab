//! Sums up what the parts of a change say, such as its files; a change without parts has no value rather than 0.

/// Least, greatest, mean and sum of what several parts of a change say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Least.
    pub min: f64,
    /// Greatest.
    pub max: f64,
    /// Mean.
    pub mean: f64,
    /// Sum.
    pub sum: f64,
}

impl Spread {
    /// The spread of values; none where there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let (mut n, mut spread) =
            (0_u32, Self { min: f64::INFINITY, max: f64::NEG_INFINITY, mean: 0.0, sum: 0.0 });
        for value in values {
            n += 1;
            spread.min = spread.min.min(value);
            spread.max = spread.max.max(value);
            spread.sum += value;
        }
        (n > 0).then(|| Self { mean: spread.sum / f64::from(n), ..spread })
    }
}
