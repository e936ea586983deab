//! Monotone maps from a margin to a calibrated probability.
//!
//! Every map rises strictly, so that a calibrated ranking is the margin's ranking. With few
//! positives all of them shrink toward the identity shifted to the base rate.

use serde::{Deserialize, Serialize};

use crate::model::error::require;
use crate::model::{Error, Target, logit, sigmoid, softplus};

mod isotonic;
mod platt;

pub use isotonic::Isotonic;
pub use platt::{Beta, Platt};

/// The family of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalibratorKind {
    /// Two parameters.
    Platt,
    /// Three parameters.
    Beta,
    /// Steps, smoothed.
    Isotonic,
    /// By the number of positives.
    Auto,
}

/// Parameters, unchecked.
#[derive(Clone, Debug, PartialEq)]
pub struct CalibratorParams {
    /// The family.
    pub kind: CalibratorKind,
    /// Standard deviation of the prior on slopes around 1; smaller shrinks more.
    pub slope_deviation: f64,
    /// Positives at which isotonic steps and Platt's line weigh the same.
    pub isotonic_half: f64,
}

/// Parameters that can fit.
#[derive(Clone, Debug, PartialEq)]
pub struct CalibratorValidParams(CalibratorParams);

/// A fitted map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calibrator {
    /// Platt's line in log-odds.
    Platt(Platt),
    /// The beta family.
    Beta(Beta),
    /// Isotonic steps blended with Platt's line.
    Isotonic(Isotonic),
}

impl Default for CalibratorParams {
    fn default() -> Self {
        Self { kind: CalibratorKind::Auto, slope_deviation: 0.3, isotonic_half: 200.0 }
    }
}

impl CalibratorParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the parameter and what it may be.
    pub fn check(self) -> Result<CalibratorValidParams, Error> {
        let above_zero = |x: f64| x.is_finite() && x > 0.0;
        require(
            above_zero(self.slope_deviation),
            "slope_deviation",
            self.slope_deviation,
            "a number above 0",
        )?;
        require(above_zero(self.isotonic_half), "isotonic_half", self.isotonic_half, "a number above 0")?;
        Ok(CalibratorValidParams(self))
    }
}

impl CalibratorValidParams {
    /// Fits the map on margins that the learner has not been fitted on.
    ///
    /// # Errors
    /// Rows that do not fit together, a margin that is not finite, a single class.
    pub fn fit(&self, margins: &[f64], target: &Target) -> Result<Calibrator, Error> {
        target.check(margins.len())?;
        if let Some(row) = margins.iter().position(|margin| !margin.is_finite()) {
            return Err(Error::Margin { row, value: margins[row] });
        }
        let deviation = self.0.slope_deviation;
        Ok(match self.kind(target) {
            CalibratorKind::Beta => Calibrator::Beta(Beta::fit(margins, target, deviation)?),
            CalibratorKind::Isotonic => {
                let platt = Platt::fit(margins, target, deviation)?;
                Calibrator::Isotonic(Isotonic::fit(margins, target, platt, self.0.isotonic_half))
            }
            CalibratorKind::Platt | CalibratorKind::Auto => {
                Calibrator::Platt(Platt::fit(margins, target, deviation)?)
            }
        })
    }

    fn kind(&self, target: &Target) -> CalibratorKind {
        match self.0.kind {
            CalibratorKind::Auto if target.n_positive() >= 100 => CalibratorKind::Isotonic,
            CalibratorKind::Auto => CalibratorKind::Platt,
            kind => kind,
        }
    }
}

impl Calibrator {
    /// Calibrated log-odds of a margin.
    pub fn log_odds(&self, margin: f64) -> f64 {
        match self {
            Self::Platt(platt) => platt.log_odds(margin),
            Self::Beta(beta) => beta.log_odds(margin),
            Self::Isotonic(isotonic) => isotonic.log_odds(margin),
        }
    }

    /// The line under the map: Platt's own, that under the steps, the tangent of the beta family at margin 0.
    pub fn line(&self) -> Platt {
        match self {
            Self::Platt(platt) => *platt,
            Self::Isotonic(isotonic) => isotonic.platt,
            Self::Beta(beta) => {
                Platt { slope: 0.5 * (beta.below + beta.above), intercept: beta.log_odds(0.0) }
            }
        }
    }

    /// Calibrated probability of a margin.
    pub fn probability(&self, margin: f64) -> f64 {
        sigmoid(self.log_odds(margin))
    }

    /// Refuses maps that do not rise and numbers that are not finite.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn check(&self) -> Result<(), Error> {
        let is_sound = match self {
            Self::Platt(platt) => platt.is_sound(),
            Self::Beta(beta) => beta.is_sound(),
            Self::Isotonic(isotonic) => isotonic.is_sound(),
        };
        if is_sound {
            Ok(())
        } else {
            Err(Error::malformed("calibrator", "the map is not finite and rising"))
        }
    }
}

/// Labels softened as Platt (1999) proposes: `(n₊ + 1) / (n₊ + 2)` and `1 / (n₋ + 2)`.
fn soft_labels(target: &Target) -> [f64; 2] {
    let (positive, total) = target.weight_sums();
    [1.0 / (total - positive + 2.0), (positive + 1.0) / (positive + 2.0)]
}

fn log_loss(log_odds: f64, label: f64) -> f64 {
    label * softplus(-log_odds) + (1.0 - label) * softplus(log_odds)
}

fn base_margin(target: &Target) -> f64 {
    logit(target.base_rate())
}

#[cfg(test)]
mod tests;
