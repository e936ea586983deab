//! A sum that forgets at a fixed half-life, kept in one number. It depends on the moments of its parts, not on when it is
//! asked.

use serde::{Deserialize, Serialize};

/// Seconds of a day.
pub const SECONDS_PER_DAY: f64 = 86_400.0;
/// Seconds of an hour.
pub const SECONDS_PER_HOUR: f64 = 3_600.0;

/// A sum whose parts lose half their weight every `HALF_LIFE_DAYS`.
///
/// `value(t) = Σ wᵢ · 2^(−(t − tᵢ) / half-life)`, kept as one number and the moment it was true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decayed<const HALF_LIFE_DAYS: u32> {
    value: f32,
    at: i64,
}

impl<const HALF_LIFE_DAYS: u32> Decayed<HALF_LIFE_DAYS> {
    /// The sum as of `t` (Unix seconds).
    pub fn value(&self, t: i64) -> f64 {
        if self.value == 0.0 {
            return 0.0;
        }
        let age_days = t.saturating_sub(self.at).max(0) as f64 / SECONDS_PER_DAY;
        f64::from(self.value) * (-age_days / f64::from(HALF_LIFE_DAYS)).exp2()
    }

    /// Adds `weight` at `t`.
    pub fn add(&mut self, weight: f64, t: i64) {
        self.value = (self.value(t) + weight) as f32;
        self.at = self.at.max(t);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_is_left_after_one_half_life() {
        let mut sum = Decayed::<10>::default();
        sum.add(4.0, 0);
        assert_eq!(sum.value(864_000), 2.0);
        sum.add(1.0, 864_000);
        assert_eq!(sum.value(1_728_000), 1.5);
    }

    #[test]
    fn a_clock_that_goes_back_does_not_inflate_the_sum() {
        let mut sum = Decayed::<10>::default();
        sum.add(1.0, 1_000_000);
        assert_eq!(sum.value(0), 1.0);
    }
}
