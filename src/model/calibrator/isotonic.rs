//! A calibrator of steps drawn as a line, blended with Platt's so that the map still rises strictly.

use serde::{Deserialize, Serialize};

use crate::model::calibrator::Platt;
use crate::model::{Target, logit, sigmoid};

/// Blocks that steps are drawn over at most, before pooling.
const MAX_BLOCKS: usize = 50;
/// Rows of a block at least.
const MIN_BLOCK_ROWS: usize = 20;

/// Isotonic regression (pool adjacent violators, Zadrozny and Elkan 2002), drawn as a line through
/// the pooled blocks and blended with Platt's line in log-odds: `(1 - share) · platt + share · line`.
/// Platt's part rises strictly, so the blend does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Isotonic {
    /// Platt's line.
    pub platt: Platt,
    /// Weight of the steps, below 1.
    pub share: f64,
    /// Mean margin of each block, rising.
    pub margins: Vec<f64>,
    /// Log-odds of each block, never falling.
    pub log_odds: Vec<f64>,
}

struct Block {
    margin_sum: f64,
    positive: f64,
    weight: f64,
}

impl Isotonic {
    pub(super) fn fit(margins: &[f64], target: &Target, platt: Platt, half: f64) -> Self {
        let n_positive = target.n_positive() as f64;
        let blocks = pool(blocks(margins, target));
        let share = n_positive / (n_positive + half);
        let margin_of = |block: &Block| block.margin_sum / block.weight;
        let log_odds_of = |block: &Block| {
            // One row's worth of Platt keeps pure blocks finite.
            let prior = sigmoid(platt.log_odds(margin_of(block)));
            logit((block.positive + prior) / (block.weight + 1.0))
        };
        let mut knots: Vec<(f64, f64)> =
            blocks.iter().map(|block| (margin_of(block), log_odds_of(block))).collect();
        for idx in 1..knots.len() {
            knots[idx].1 = knots[idx].1.max(knots[idx - 1].1);
        }
        knots.dedup_by(|next, before| next.0 <= before.0);
        let (margins, log_odds) = knots.into_iter().unzip();
        Self { platt, share, margins, log_odds }
    }

    /// Calibrated log-odds.
    pub fn log_odds(&self, margin: f64) -> f64 {
        (1.0 - self.share) * self.platt.log_odds(margin) + self.share * self.line(margin)
    }

    pub(super) fn is_sound(&self) -> bool {
        let rising = |values: &[f64]| values.windows(2).all(|pair| pair[0] <= pair[1]);
        let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
        let same_length = !self.margins.is_empty() && self.margins.len() == self.log_odds.len();
        let knots =
            [&self.margins, &self.log_odds].into_iter().all(|values| finite(values) && rising(values));
        self.platt.is_sound() && (0.0..1.0).contains(&self.share) && same_length && knots
    }

    /// The line through the blocks; outside it goes on with Platt's slope.
    fn line(&self, margin: f64) -> f64 {
        let above = self.margins.partition_point(|&knot| knot < margin);
        let last = self.margins.len() - 1;
        if above == 0 || above > last {
            let end = if above == 0 { 0 } else { last };
            return self.log_odds[end] + self.platt.slope * (margin - self.margins[end]);
        }
        let (low, high) = (self.margins[above - 1], self.margins[above]);
        let part = if high > low { (margin - low) / (high - low) } else { 1.0 };
        self.log_odds[above - 1] + part * (self.log_odds[above] - self.log_odds[above - 1])
    }
}

/// Rows by rising margin in blocks of equal numbers; equal margins share a block.
fn blocks(margins: &[f64], target: &Target) -> Vec<Block> {
    let mut order: Vec<usize> = (0..margins.len()).filter(|&row| target.weight[row] > 0.0).collect();
    order.sort_unstable_by(|&a, &b| margins[a].total_cmp(&margins[b]).then(a.cmp(&b)));
    let size = order.len().div_ceil(MAX_BLOCKS).max(MIN_BLOCK_ROWS);
    let mut blocks = Vec::new();
    let mut start = 0;
    while start < order.len() {
        let mut end = (start + size).min(order.len());
        while end < order.len() && margins[order[end]] == margins[order[end - 1]] {
            end += 1;
        }
        let mut block = Block { margin_sum: 0.0, positive: 0.0, weight: 0.0 };
        for &row in &order[start..end] {
            let weight = target.weight[row];
            block.margin_sum += weight * margins[row];
            block.positive += if target.y[row] { weight } else { 0.0 };
            block.weight += weight;
        }
        blocks.push(block);
        start = end;
    }
    blocks
}

/// Pools neighbours until the rates rise.
fn pool(blocks: Vec<Block>) -> Vec<Block> {
    let mut pooled: Vec<Block> = Vec::with_capacity(blocks.len());
    for mut block in blocks {
        while let Some(before) =
            pooled.pop_if(|before| before.positive * block.weight >= block.positive * before.weight)
        {
            block.margin_sum += before.margin_sum;
            block.positive += before.positive;
            block.weight += before.weight;
        }
        pooled.push(block);
    }
    pooled
}
