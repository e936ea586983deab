//! A non-negative combination of member margins.
//!
//! `margin = intercept + Σ weight · member margin`. Averaging log-odds is the strong default; a
//! learned stack overfits where positives are few. Attributions add up through the combination.

use serde::{Deserialize, Serialize};

use crate::model::{Boosted, Error, Explained, Logistic, TextLogistic};

/// A fitted combination of members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ensemble {
    /// Length of a row.
    pub n_features: usize,
    /// Added to the combination.
    pub intercept: f64,
    /// Members that read the row.
    pub members: Vec<Member>,
    /// The member that reads tokens.
    pub text: Option<TextMember>,
}

/// A learner, the columns it reads and its weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Name for reports.
    pub name: String,
    /// Weight of its margin; finite and at least 0.
    pub weight: f64,
    /// Column of the row that stands for each feature of the learner.
    pub columns: Vec<u32>,
    /// The learner.
    pub learner: Learner,
}

/// A learner on rows of numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "an ensemble holds a handful of learners, boxing them buys nothing"
)]
pub enum Learner {
    /// Logistic regression.
    Logistic(Logistic),
    /// Boosted trees.
    Boosted(Boosted),
}

/// The token learner and its weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextMember {
    /// Weight of its margin; finite and at least 0.
    pub weight: f64,
    /// The learner.
    pub learner: TextLogistic,
}

/// What is scored: one row and its tokens.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Feature values; NaN is unknown.
    pub row: &'a [f32],
    /// Token hashes, the sign of the line in the lowest bit.
    pub tokens: &'a [u32],
}

/// What of a margin is not a feature's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attribution {
    /// The margin, bit for bit that of [`Ensemble::margin`].
    pub margin: f64,
    /// Margin of an empty question.
    pub base: f64,
    /// Share of all tokens together.
    pub text: f64,
}

impl Ensemble {
    /// Log-odds of an input.
    pub fn margin(&self, input: Input<'_>) -> f64 {
        let mut margin = self.intercept;
        let mut values = Vec::with_capacity(self.n_features);
        for member in &self.members {
            margin += member.weight * member.margin(input.row, &mut values);
        }
        margin + self.text.as_ref().map_or(0.0, |text| text.weight * text.learner.margin(input.tokens))
    }

    /// Adds each feature's share to `out`; base, text and shares add up to the margin.
    pub fn contributions(&self, input: Input<'_>, out: &mut [f64]) -> Attribution {
        let mut attribution = Attribution { margin: self.intercept, base: self.intercept, text: 0.0 };
        let (mut values, mut shares) = (Vec::new(), Vec::new());
        for member in &self.members {
            let explained = member.explain(input.row, &mut values, &mut shares, out);
            attribution.margin += member.weight * explained.margin;
            attribution.base += member.weight * explained.base;
        }
        if let Some(text) = &self.text {
            let margin = text.learner.margin(input.tokens);
            attribution.margin += text.weight * margin;
            attribution.base += text.weight * text.learner.base();
            attribution.text = text.weight * (margin - text.learner.base());
        }
        attribution
    }

    /// Refuses weights that are negative, columns out of range and damaged members.
    ///
    /// # Errors
    /// [`Error::Malformed`] names the member.
    pub fn check(&self) -> Result<(), Error> {
        if !self.intercept.is_finite() {
            return Err(Error::malformed("ensemble", "the intercept is not finite"));
        }
        if self.members.is_empty() && self.text.is_none() {
            return Err(Error::malformed("ensemble", "it has no members"));
        }
        for member in &self.members {
            member.check(self.n_features)?;
        }
        self.text.as_ref().map_or(Ok(()), |text| {
            check_weight("text", text.weight)?;
            text.learner.check()
        })
    }
}

impl Member {
    /// A member that reads every column in order.
    pub fn new(name: impl Into<String>, weight: f64, learner: Learner) -> Self {
        let columns = (0..learner.n_features() as u32).collect();
        Self { name: name.into(), weight, columns, learner }
    }

    /// The member's own log-odds, before its weight.
    pub fn margin_of(&self, row: &[f32]) -> f64 {
        self.margin(row, &mut Vec::new())
    }

    fn margin(&self, row: &[f32], values: &mut Vec<f32>) -> f64 {
        self.gather(row, values);
        self.learner.margin(values)
    }

    /// Adds the weighted shares to `out`; `values` and `shares` are room to work in.
    fn explain(
        &self,
        row: &[f32],
        values: &mut Vec<f32>,
        shares: &mut Vec<f64>,
        out: &mut [f64],
    ) -> Explained {
        self.gather(row, values);
        shares.clear();
        shares.resize(values.len(), 0.0);
        let explained = self.learner.explain(values, shares);
        for (&column, share) in self.columns.iter().zip(shares) {
            out[column as usize] += self.weight * *share;
        }
        explained
    }

    fn gather(&self, row: &[f32], values: &mut Vec<f32>) {
        values.clear();
        // A row that is too short reads as unknown, never as a panic.
        values
            .extend(self.columns.iter().map(|&column| row.get(column as usize).copied().unwrap_or(f32::NAN)));
    }

    fn check(&self, n_features: usize) -> Result<(), Error> {
        check_weight(&self.name, self.weight)?;
        if self.columns.len() != self.learner.n_features() {
            return Err(Error::malformed(&self.name, "it has another number of columns than its learner"));
        }
        if self.columns.iter().any(|&column| column as usize >= n_features) {
            return Err(Error::malformed(&self.name, "a column is outside the row"));
        }
        self.learner.check()
    }
}

impl Learner {
    /// Number of features that it reads.
    pub fn n_features(&self) -> usize {
        match self {
            Self::Logistic(logistic) => logistic.n_features(),
            Self::Boosted(boosted) => boosted.n_features(),
        }
    }

    /// Log-odds of a row of its own features.
    pub fn margin(&self, row: &[f32]) -> f64 {
        match self {
            Self::Logistic(logistic) => logistic.margin(row),
            Self::Boosted(boosted) => boosted.margin(row),
        }
    }

    /// Adds each feature's share of the margin to `out`.
    pub fn explain(&self, row: &[f32], out: &mut [f64]) -> Explained {
        match self {
            Self::Logistic(logistic) => {
                Explained { base: logistic.contributions(row, out), margin: logistic.margin(row) }
            }
            Self::Boosted(boosted) => boosted.explain(row, out),
        }
    }

    /// Refuses a damaged learner.
    ///
    /// # Errors
    /// [`Error::Malformed`] says where.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Logistic(logistic) => logistic.check(),
            Self::Boosted(boosted) => boosted.check(),
        }
    }
}

fn check_weight(name: &str, weight: f64) -> Result<(), Error> {
    if weight.is_finite() && weight >= 0.0 {
        return Ok(());
    }
    Err(Error::malformed(name, format!("weight `{weight}` is not a finite number of at least 0")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::logistic::LogisticColumn;

    fn logistic(weights: &[f64]) -> Learner {
        let column = |&weight| LogisticColumn { log: false, mean: 1.0, deviation: 2.0, weight };
        Learner::Logistic(Logistic {
            intercept: -1.0,
            clip: 6.0,
            columns: weights.iter().map(column).collect(),
            products: Vec::new(),
        })
    }

    fn pair() -> Ensemble {
        let second = Member { columns: vec![2, 0], ..Member::new("second", 0.25, logistic(&[4.0, 8.0])) };
        Ensemble {
            n_features: 3,
            intercept: 0.5,
            members: vec![Member::new("first", 0.75, logistic(&[1.0, 2.0, 3.0])), second],
            text: None,
        }
    }

    #[test]
    fn a_hand_worked_combination() {
        // Standardised row: (1, 0, 2). First: -1 + 1 + 6 = 6; second: -1 + 8 + 8 = 15.
        let input = Input { row: &[3.0, f32::NAN, 5.0], tokens: &[] };
        assert_eq!(pair().margin(input), 0.5 + 0.75 * 6.0 + 0.25 * 15.0);
        let mut out = [0.0; 3];
        let attribution = pair().contributions(input, &mut out);
        assert_eq!(out, [0.75 + 2.0, 0.0, 4.5 + 2.0]);
        let margin = pair().margin(input);
        assert_eq!(attribution, Attribution { margin, base: 0.5 - 0.75 - 0.25, text: 0.0 });
    }

    #[test]
    fn damage_is_refused_by_the_name_of_the_member() {
        assert_eq!(pair().check(), Ok(()));
        let damage: [fn(&mut Ensemble); 5] = [
            |ensemble| ensemble.members[1].weight = -1.0,
            |ensemble| ensemble.members[1].columns[0] = 3,
            |ensemble| ensemble.members[1].columns.truncate(1),
            |ensemble| ensemble.members.clear(),
            |ensemble| ensemble.intercept = f64::NAN,
        ];
        for (case, damage) in damage.iter().enumerate() {
            let mut ensemble = pair();
            damage(&mut ensemble);
            let error = ensemble.check().unwrap_err().to_string();
            assert_eq!(error.contains("second"), case < 3, "{error}");
        }
    }
}
