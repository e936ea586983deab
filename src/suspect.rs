//! Which of the changes that landed lately broke something: the calibrated risk of each, less the more landed after it and
//! the longer ago it did.
//!
//! Owns the formula. Plain numbers in and out; never knows a repository, a model or a clock. Start at [`shares`].

use crate::risk::HORIZON_DAYS;

/// Seconds after landing within which a change is a suspect: the horizon of its risk.
pub const HORIZON_SECONDS: i64 = HORIZON_DAYS as i64 * 86_400;

/// Two changes of a few minutes' difference in age are as old as each other.
const BLUR_SECONDS: f64 = 1_800.0;
/// How the blame falls with age.
const AGE_POWER: f64 = -1.0 / 3.0;

/// A landed change, as far as its share of the blame goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// When it landed, in Unix seconds.
    pub landed_at: i64,
    /// The calibrated probability that it goes wrong.
    pub probability: f64,
}

/// How the blame for what broke at `broke_at` (Unix seconds) is shared among changes, in their order: at least 0 each and 1
/// in all, or all 0 where none can be to blame. One of the changes is taken to be the cause.
///
/// The share of a change is in proportion to `p / (1 + k) / (a + 30 min)^(1/3)`: its probability, the number of changes that
/// landed after it, its age. That is Bayes' rule, with the probability as what was known before and the rest as how likely a
/// bad change is still there when so much came after it. The powers are those of a conditional logit (McFadden 1974) over the
/// reverts of seven repositories, rounded: 0.99, −1.13 and −0.29 were fitted (docs/decisions/suspects.md).
pub fn shares(candidates: &[Candidate], broke_at: i64) -> Vec<f64> {
    let mut landed: Vec<i64> = candidates.iter().map(|candidate| candidate.landed_at).collect();
    landed.sort_unstable();
    let is_to_blame =
        |candidate: &Candidate| (0..=HORIZON_SECONDS).contains(&broke_at.saturating_sub(candidate.landed_at));
    let n_up_to_it = landed.partition_point(|landed_at| *landed_at <= broke_at);
    let weight = |candidate: &Candidate| {
        if !is_to_blame(candidate) {
            return 0.0;
        }
        let n_not_after = landed.partition_point(|landed_at| *landed_at <= candidate.landed_at);
        let n_after = (n_up_to_it - n_not_after) as f64;
        let age = broke_at.saturating_sub(candidate.landed_at) as f64;
        candidate.probability / (1.0 + n_after) * (age + BLUR_SECONDS).powf(AGE_POWER)
    };
    let mut shares: Vec<f64> = candidates.iter().map(weight).collect();
    let sum: f64 = shares.iter().sum();
    if sum > 0.0 {
        shares.iter_mut().for_each(|share| *share /= sum);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    fn candidate(landed_at: i64, probability: f64) -> Candidate {
        Candidate { landed_at, probability }
    }

    fn assert_near(shares: &[f64], expected: &[f64]) {
        let is_near = shares.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(shares.len() == expected.len() && is_near, "{shares:?}, not {expected:?}");
    }

    #[test]
    fn of_changes_landed_together_each_has_its_part_of_the_risk() {
        assert_near(&shares(&[candidate(0, 0.03), candidate(0, 0.01)], HOUR), &[0.75, 0.25]);
    }

    #[test]
    fn the_newer_of_two_has_more_as_the_formula_says() {
        // Aged 47.5 h and 30 min: once more half of it for the change after, and (48 h / 1 h)^(1/3) for the age.
        let older = 1.0 / 2.0 / 48.0_f64.cbrt();
        let broke_at = 48 * HOUR;
        let candidates = [candidate(HOUR / 2, 0.02), candidate(broke_at - HOUR / 2, 0.02)];
        assert_near(&shares(&candidates, broke_at), &[older / (1.0 + older), 1.0 / (1.0 + older)]);
    }

    #[test]
    fn what_landed_later_or_long_before_is_not_to_blame_and_takes_nothing_from_the_others() {
        let (later, long_before) = (candidate(HOUR + 1, 0.9), candidate(HOUR - HORIZON_SECONDS - 1, 0.9));
        let both = [candidate(0, 0.01), candidate(HOUR / 2, 0.02)];
        let [first, second] = shares(&both, HOUR)[..] else { panic!("two shares") };
        assert_near(&shares(&[later, both[0], long_before, both[1]], HOUR), &[0.0, first, 0.0, second]);
        assert_near(&shares(&[later, long_before], HOUR), &[0.0, 0.0]);
        assert_near(&shares(&[], HOUR), &[]);
        assert_near(&shares(&[candidate(HOUR, 0.01)], HOUR), &[1.0]);
    }
}
