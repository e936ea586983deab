//! From shares of the margin to factors on the odds that a reader is shown.
//!
//! The calibrator maps the margin to the probability, and on its way it draws margins together or apart: with
//! a slope of one half in log-odds a share that multiplies the odds of the margin by four multiplies those
//! of the probability by two. What is shown beside a probability must speak of that probability.

use crate::explain::value::GroupShare;
use crate::model::Calibrator;

/// Margins nearer to each other than this tell no slope.
const MIN_SPAN: f64 = 1.0;

/// What shares of a margin do to the odds of its probability; without a calibrator to those of the margin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Odds<'a> {
    pub(super) calibrator: Option<&'a Calibrator>,
}

impl Odds<'_> {
    /// The odds at a margin over those at a margin that is smaller by `share`.
    pub(super) fn factor(self, margin: f64, share: f64) -> f64 {
        let log_odds = |margin: f64| self.calibrator.map_or(margin, |calibrator| calibrator.log_odds(margin));
        (log_odds(margin) - log_odds(margin - share)).exp()
    }

    /// What a margin's unit is in log-odds of the probability, on average over all margins between the base
    /// with everything that lowers it and the base with everything that raises it. One number for all shares
    /// of a sum, so that their factors do not hang on the order in which they are added.
    pub(super) fn slope(self, base: f64, shares: impl Iterator<Item = f64>) -> f64 {
        let Some(calibrator) = self.calibrator else { return 1.0 };
        let (mut low, mut high) = (base, base);
        for share in shares {
            if share < 0.0 { low += share } else { high += share }
        }
        let room = (MIN_SPAN - (high - low)).max(0.0) / 2.0;
        let (low, high) = (low - room, high + room);
        let slope = (calibrator.log_odds(high) - calibrator.log_odds(low)) / (high - low);
        if slope.is_finite() { slope } else { 1.0 }
    }
}

/// Where the factors of all groups begin that together lead to a score: the probability of a change of which
/// nothing is known. None for a score that has no odds, and where there is no group.
pub fn starting_point(score: f64, groups: &[GroupShare]) -> Option<f64> {
    let together = all_factors(groups)?;
    let odds = score / (1.0 - score) / together;
    (odds.is_finite() && odds > 0.0).then(|| odds / (1.0 + odds))
}

/// What all groups together multiply the odds by.
pub(super) fn all_factors(groups: &[GroupShare]) -> Option<f64> {
    (!groups.is_empty()).then(|| groups.iter().map(|group| group.factor).product())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CalibratorKind, CalibratorParams, Target};

    /// A line of slope one half, nearly: the margins of the positives stand twice as far apart as they should.
    fn halving() -> Calibrator {
        let margins: Vec<f64> = (0..400).map(|idx| f64::from(idx % 40) / 5.0 - 4.0).collect();
        let is_bad =
            |margin: &f64, idx: usize| (idx * 37 % 100) as f64 / 100.0 < 1.0 / (1.0 + (-margin / 2.0).exp());
        let y = margins.iter().enumerate().map(|(idx, margin)| is_bad(margin, idx)).collect();
        let params = CalibratorParams { kind: CalibratorKind::Platt, ..CalibratorParams::default() };
        params.check().unwrap().fit(&margins, &Target { y, weight: vec![1.0; 400] }).unwrap()
    }

    #[test]
    fn factors_speak_of_the_probability_that_is_shown() {
        let calibrator = halving();
        let odds = Odds { calibrator: Some(&calibrator) };
        let of = |margin: f64| {
            let p = calibrator.probability(margin);
            p / (1.0 - p)
        };
        assert!((odds.factor(1.0, 3.0) - of(1.0) / of(-2.0)).abs() < 1e-9);
        let shares = [2.0, -0.5, 0.25];
        let slope = odds.slope(-1.0, shares.into_iter());
        let product: f64 = shares.iter().map(|share| (slope * share).exp()).product();
        assert!((product - of(0.75) / of(-1.0)).abs() < 1e-9, "a line has the same slope everywhere");
        assert!((0.3..0.7).contains(&slope), "{slope}");
        assert!(
            (odds.slope(0.0, std::iter::empty()) - slope).abs() < 1e-9,
            "no share, the slope of the place"
        );
    }

    #[test]
    fn without_a_calibrator_the_margin_speaks_for_itself() {
        let odds = Odds { calibrator: None };
        assert_eq!((odds.factor(1.0, 0.0), odds.slope(0.0, [1.0].into_iter())), (1.0, 1.0));
        assert!((odds.factor(1.0, 2.0) - 2.0_f64.exp()).abs() < 1e-12);
    }
}
