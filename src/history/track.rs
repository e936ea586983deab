//! The counter that everything remembered has in common: how often, when, and how often it went wrong.

use serde::{Deserialize, Serialize};

use crate::history::decay::Decayed;

/// What is remembered of one author, file, directory, template, …: how often it changed and how
/// often that went wrong. "Bad" is an unplanned revert within 14 days or an incident; "undone" is
/// any revert, planned or late ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Track {
    /// Changes so far.
    pub n: u32,
    /// Bad ones among them.
    pub n_bad: u32,
    /// Unix seconds of the first change.
    pub first_t: i64,
    /// Unix seconds of the newest change.
    pub last_t: i64,
    /// Unix seconds at which the newest bad outcome became known; 0 where there is none.
    pub last_bad_t: i64,
    exposure: Decayed<365>,
    bad: Decayed<365>,
    undone: Decayed<365>,
    recent: Decayed<30>,
    recent_bad: Decayed<30>,
}

/// How an outcome counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutcomeWeight {
    /// An unplanned revert within 14 days, or an incident.
    Bad,
    /// A planned or a late revert.
    UndoneOnly,
    /// As [`OutcomeWeight::Bad`], of a change that counts as undone already.
    BadOnly,
}

impl Track {
    /// Folds in a change at `t`.
    pub fn land(&mut self, t: i64) {
        if self.n == 0 {
            self.first_t = t;
        }
        self.n = self.n.saturating_add(1);
        self.last_t = self.last_t.max(t);
        self.exposure.add(1.0, t);
        self.recent.add(1.0, t);
    }

    /// Folds in an outcome that became known at `t`.
    pub fn outcome(&mut self, weight: OutcomeWeight, t: i64) {
        if weight != OutcomeWeight::BadOnly {
            self.undone.add(1.0, t);
        }
        if weight != OutcomeWeight::UndoneOnly {
            self.n_bad = self.n_bad.saturating_add(1);
            self.last_bad_t = self.last_bad_t.max(t);
            self.bad.add(1.0, t);
            self.recent_bad.add(1.0, t);
        }
    }

    /// Log of the smoothed bad rate over `base_rate`: `ln(((bad + k·b) / (n + k)) / b)` on sums with
    /// a half-life of a year; 0 for something never seen.
    pub fn lift(&self, t: i64, base_rate: f64, k: f64) -> f64 {
        log_lift(self.bad.value(t), self.exposure.value(t), base_rate, k)
    }

    /// As [`Track::lift`], for reverts of any kind.
    pub fn undone_lift(&self, t: i64, base_rate: f64, k: f64) -> f64 {
        log_lift(self.undone.value(t), self.exposure.value(t), base_rate, k)
    }

    /// As [`Track::lift`], with a half-life of 30 days.
    pub fn recent_lift(&self, t: i64, base_rate: f64, k: f64) -> f64 {
        log_lift(self.recent_bad.value(t), self.recent.value(t), base_rate, k)
    }

    /// Changes with a half-life of 30 days.
    pub fn recent(&self, t: i64) -> f64 {
        self.recent.value(t)
    }

    /// Bad outcomes with a half-life of a year.
    pub fn bad(&self, t: i64) -> f64 {
        self.bad.value(t)
    }

    /// Changes with a half-life of a year.
    pub fn exposure(&self, t: i64) -> f64 {
        self.exposure.value(t)
    }

    /// Reverts of any kind with a half-life of a year.
    pub fn undone(&self, t: i64) -> f64 {
        self.undone.value(t)
    }

    /// Seconds since the newest change; none where there was none.
    pub fn age_seconds(&self, t: i64) -> Option<f64> {
        (self.n > 0).then(|| t.saturating_sub(self.last_t).max(0) as f64)
    }

    /// Seconds since the newest bad outcome; none where there was none.
    pub fn bad_age_seconds(&self, t: i64) -> Option<f64> {
        (self.n_bad > 0).then(|| t.saturating_sub(self.last_bad_t).max(0) as f64)
    }
}

fn log_lift(bad: f64, exposure: f64, base_rate: f64, k: f64) -> f64 {
    (((bad + k * base_rate) / (exposure.max(bad) + k)) / base_rate).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_never_seen_has_no_lift() {
        assert_eq!(Track::default().lift(10, 0.02, 5.0), 0.0);
    }

    #[test]
    fn bad_outcomes_lift_and_planned_ones_do_not() {
        let mut track = Track::default();
        track.land(0);
        track.outcome(OutcomeWeight::UndoneOnly, 0);
        assert!(track.lift(0, 0.02, 5.0) < 0.0);
        assert!(track.undone_lift(0, 0.02, 5.0) > 0.0);
        track.outcome(OutcomeWeight::Bad, 0);
        let expected = ((1.0 + 5.0 * 0.02) / 6.0 / 0.02_f64).ln();
        assert!((track.lift(0, 0.02, 5.0) - expected).abs() < 1e-9);
    }
}
