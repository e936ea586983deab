//! Logistic regression on hashed tokens.
//!
//! A row is a set of tokens; the lowest bit of a token is the sign of its line, so an added and a
//! removed word are two features. Values are inverse document frequencies scaled to length 1
//! (Salton and Buckley 1988). Only tokens of enough rows enter, as hashes, never in clear.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::error::require;
use crate::model::solve::dot;
use crate::model::{Error, Target, logit, sigmoid, softplus};

/// Directions that the optimiser remembers.
const MEMORY: usize = 8;

/// Parameters, unchecked.
#[derive(Clone, Debug, PartialEq)]
pub struct TextParams {
    /// Inverse strength of the penalty, as in [`crate::model::LogisticParams`].
    pub c: f64,
    /// Rows that a token must stand in to enter.
    pub min_rows: usize,
    /// Tokens kept at most, the most frequent first.
    pub max_tokens: usize,
    /// Optimiser steps at most.
    pub max_steps: usize,
}

/// Parameters that can fit.
#[derive(Clone, Debug, PartialEq)]
pub struct TextValidParams(TextParams);

/// A fitted token model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextLogistic {
    /// Margin of a row without known tokens.
    intercept: f64,
    /// Known tokens, rising.
    tokens: Vec<u32>,
    /// Inverse document frequency of each token.
    idf: Vec<f32>,
    /// Weight of each token.
    weights: Vec<f32>,
}

impl Default for TextParams {
    fn default() -> Self {
        Self { c: 1.0, min_rows: 5, max_tokens: 1 << 16, max_steps: 100 }
    }
}

impl TextParams {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the parameter and what it may be.
    pub fn check(self) -> Result<TextValidParams, Error> {
        require(self.c.is_finite() && self.c > 0.0, "c", self.c, "a finite number above 0")?;
        require(self.min_rows > 0, "min_rows", self.min_rows, "at least 1")?;
        require(self.max_tokens > 0, "max_tokens", self.max_tokens, "at least 1")?;
        require(self.max_steps > 0, "max_steps", self.max_steps, "at least 1")?;
        Ok(TextValidParams(self))
    }
}

impl TextValidParams {
    /// Fits the weights on the tokens of each row.
    ///
    /// # Errors
    /// Rows that do not fit the target, a single class, no token frequent enough.
    pub fn fit(&self, rows: &[&[u32]], target: &Target) -> Result<TextLogistic, Error> {
        target.check(rows.len())?;
        let (tokens, idf) = self.vocabulary(rows);
        if tokens.is_empty() {
            return Err(Error::Empty("tokens in enough rows"));
        }
        let mut model = TextLogistic { intercept: 0.0, weights: vec![0.0; tokens.len()], tokens, idf };
        let problem =
            Problem { rows: rows.iter().map(|row| model.vector(row)).collect(), target, c: self.0.c };
        let mut point = vec![0.0; model.tokens.len() + 1];
        point[model.tokens.len()] = logit(target.base_rate());
        problem.minimise(&mut point, self.0.max_steps)?;
        model.intercept = point[model.tokens.len()];
        model.weights = point[..model.tokens.len()].iter().map(|&weight| weight as f32).collect();
        Ok(model)
    }

    fn vocabulary(&self, rows: &[&[u32]]) -> (Vec<u32>, Vec<f32>) {
        let mut n_rows_of: BTreeMap<u32, usize> = BTreeMap::new();
        for row in rows {
            distinct(row).into_iter().for_each(|token| *n_rows_of.entry(token).or_default() += 1);
        }
        let mut known: Vec<(u32, usize)> =
            n_rows_of.into_iter().filter(|&(_, n_rows)| n_rows >= self.0.min_rows).collect();
        known.sort_by_key(|&(token, n_rows)| (std::cmp::Reverse(n_rows), token));
        known.truncate(self.0.max_tokens);
        known.sort_unstable();
        let idf = |n_rows: usize| ((1 + rows.len()) as f64 / (1 + n_rows) as f64).ln() + 1.0;
        known.into_iter().map(|(token, n_rows)| (token, idf(n_rows) as f32)).unzip()
    }
}

impl TextLogistic {
    /// Margin of a row without known tokens.
    pub fn base(&self) -> f64 {
        self.intercept
    }

    /// Log-odds of a row's tokens.
    pub fn margin(&self, tokens: &[u32]) -> f64 {
        let terms = self.vector(tokens).into_iter();
        self.intercept + terms.map(|(idx, value)| value * f64::from(self.weights[idx])).sum::<f64>()
    }

    /// Share of each known token; the base plus the shares is the margin.
    pub fn contributions(&self, tokens: &[u32]) -> Vec<(u32, f64)> {
        let terms = self.vector(tokens).into_iter();
        terms.map(|(idx, value)| (self.tokens[idx], value * f64::from(self.weights[idx]))).collect()
    }

    /// Refuses vectors of unequal length, tokens out of order and numbers that are not finite.
    ///
    /// # Errors
    /// [`Error::Malformed`] says what is wrong.
    pub fn check(&self) -> Result<(), Error> {
        let problem = if self.idf.len() != self.tokens.len() || self.weights.len() != self.tokens.len() {
            "vectors differ in length"
        } else if !self.tokens.windows(2).all(|pair| pair[0] < pair[1]) {
            "tokens are out of order"
        } else if !self.idf.iter().chain(&self.weights).all(|x| x.is_finite()) || !self.intercept.is_finite()
        {
            "a number is not finite"
        } else {
            return Ok(());
        };
        Err(Error::malformed("text", problem))
    }

    /// Known tokens as (index, value), of length 1.
    fn vector(&self, tokens: &[u32]) -> Vec<(usize, f64)> {
        let known = distinct(tokens).into_iter().filter_map(|token| self.tokens.binary_search(&token).ok());
        let mut vector: Vec<(usize, f64)> = known.map(|idx| (idx, f64::from(self.idf[idx]))).collect();
        let length = vector.iter().map(|(_, value)| value * value).sum::<f64>().sqrt();
        vector.iter_mut().for_each(|(_, value)| *value /= length);
        vector
    }
}

fn distinct(tokens: &[u32]) -> Vec<u32> {
    let mut tokens = tokens.to_vec();
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

/// Sparse rows and the penalised loss over them; the last coordinate is the intercept.
struct Problem<'a> {
    rows: Vec<Vec<(usize, f64)>>,
    target: &'a Target,
    c: f64,
}

impl Problem<'_> {
    /// Loss, and its gradient into `gradient`.
    fn evaluate(&self, point: &[f64], gradient: &mut [f64]) -> f64 {
        let (slopes, intercept) = (&point[..point.len() - 1], point[point.len() - 1]);
        gradient.copy_from_slice(point);
        gradient[slopes.len()] = 0.0;
        let mut loss = 0.5 * dot(slopes, slopes);
        for ((row, &y), &weight) in self.rows.iter().zip(&self.target.y).zip(&self.target.weight) {
            let margin = intercept + row.iter().map(|&(idx, value)| value * slopes[idx]).sum::<f64>();
            loss += self.c * weight * softplus(if y { -margin } else { margin });
            let residual = self.c * weight * (sigmoid(margin) - f64::from(u8::from(y)));
            row.iter().for_each(|&(idx, value)| gradient[idx] += residual * value);
            gradient[slopes.len()] += residual;
        }
        loss
    }

    /// L-BFGS (Nocedal and Wright, algorithm 7.4) with a halving line search.
    fn minimise(&self, point: &mut Vec<f64>, max_steps: usize) -> Result<(), Error> {
        let mut gradient = vec![0.0; point.len()];
        let mut loss = self.evaluate(point, &mut gradient);
        let tolerance = 1e-6 * dot(&gradient, &gradient).sqrt();
        let mut history: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
        for _ in 0..max_steps {
            if dot(&gradient, &gradient).sqrt() <= tolerance {
                break;
            }
            let direction = descent(&gradient, &history);
            let slope = dot(&direction, &gradient);
            let mut length = if history.is_empty() { 1.0 / (1.0 + slope.abs().sqrt()) } else { 1.0 };
            let mut next_gradient = vec![0.0; point.len()];
            let (next, next_loss) = loop {
                let next: Vec<f64> = point.iter().zip(&direction).map(|(x, d)| x + length * d).collect();
                let next_loss = self.evaluate(&next, &mut next_gradient);
                if next_loss <= loss + 1e-4 * length * slope {
                    break (next, next_loss);
                }
                length *= 0.5;
                if length < 1e-12 {
                    return Ok(());
                }
            };
            remember(&mut history, difference(&next, point), difference(&next_gradient, &gradient));
            (*point, gradient, loss) = (next, next_gradient, next_loss);
        }
        if loss.is_finite() { Ok(()) } else { Err(Error::Diverged("text")) }
    }
}

fn difference(left: &[f64], right: &[f64]) -> Vec<f64> {
    left.iter().zip(right).map(|(a, b)| a - b).collect()
}

fn remember(history: &mut Vec<(Vec<f64>, Vec<f64>)>, step: Vec<f64>, change: Vec<f64>) {
    if dot(&step, &change) > 0.0 {
        history.push((step, change));
        if history.len() > MEMORY {
            history.remove(0);
        }
    }
}

/// Two-loop recursion: minus the approximate inverse Hessian times the gradient.
fn descent(gradient: &[f64], history: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::with_capacity(history.len());
    for (step, change) in history.iter().rev() {
        let share = dot(step, &direction) / dot(step, change);
        direction.iter_mut().zip(change).for_each(|(d, c)| *d -= share * c);
        shares.push(share);
    }
    if let Some((step, change)) = history.last() {
        let scale = dot(step, change) / dot(change, change);
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for ((step, change), share) in history.iter().zip(shares.into_iter().rev()) {
        let back = dot(change, &direction) / dot(step, change);
        direction.iter_mut().zip(step).for_each(|(d, s)| *d += (share - back) * s);
    }
    direction
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted() -> TextLogistic {
        let rows: Vec<Vec<u32>> =
            (0..40).map(|i| if i % 4 == 0 { vec![7, 7, 9] } else { vec![9, 12] }).collect();
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let target = Target::unweighted((0..40).map(|i| i % 4 == 0 && i != 20).collect());
        TextParams::default().check().unwrap().fit(&rows, &target).unwrap()
    }

    #[test]
    fn a_telling_token_raises_the_margin() {
        let model = fitted();
        assert!(model.margin(&[7, 9]) > model.margin(&[9]));
        assert!(model.margin(&[12, 9]) < model.margin(&[9]));
        assert_eq!(model.margin(&[1, 2, 3]), model.base(), "unknown tokens say nothing");
    }

    #[test]
    fn shares_and_base_are_the_margin() {
        let model = fitted();
        let sum: f64 = model.contributions(&[12, 9, 9, 5]).iter().map(|(_, share)| share).sum();
        assert!((model.base() + sum - model.margin(&[12, 9, 9, 5])).abs() < 1e-12);
    }

    #[test]
    fn too_rare_tokens_are_refused_as_a_whole() {
        let target = Target::unweighted(vec![true, false]);
        let error = TextParams::default().check().unwrap().fit(&[&[1], &[2]], &target).unwrap_err();
        assert_eq!(error, Error::Empty("tokens in enough rows"));
    }
}
