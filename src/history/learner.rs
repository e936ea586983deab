//! A small model that learns along the fold, one outcome at a time, when it becomes known. Its state is part of the history
//! and is the same on every machine.

use serde::{Deserialize, Serialize};

/// Slots of the table; an input's hash picks one.
const N_SLOTS: usize = 1 << 17;

/// A logistic regression on hashed inputs that learns one change at a time, when its label becomes known.
///
/// `margin = Σ wᵢ / √n` over the `n` inputs of a change; each step is AdaGrad's (Duchi, Hazan and Singer
/// 2011): `w ← w − rate · g / √(1 + Σ g²)`, the gradient of a positive counted `positive_weight` times.
/// The base rate is learned beside it and left out of the margin, so that an empty state says 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learner {
    rate: f32,
    positive_weight: f32,
    base: Slot,
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Slot {
    weight: f32,
    squares: f32,
}

impl Learner {
    /// A learner that knows nothing but that trouble is rare (log-odds −4, about 2 %).
    pub fn new(rate: f32, positive_weight: f32) -> Self {
        let base = Slot { weight: -4.0, squares: 0.0 };
        Self { rate, positive_weight, base, slots: vec![Slot::default(); N_SLOTS] }
    }

    /// Log-odds over the base rate; 0 where nothing of the change was ever learned.
    pub fn margin(&self, inputs: &[u32]) -> f64 {
        let sum: f64 = inputs.iter().map(|&input| f64::from(self.slots[slot_of(input)].weight)).sum();
        sum / (inputs.len().max(1) as f64).sqrt()
    }

    /// Learns from a change whose label became known.
    pub fn learn(&mut self, inputs: &[u32], went_wrong: bool) {
        let scale = 1.0 / (inputs.len().max(1) as f32).sqrt();
        let margin = f64::from(self.base.weight) + self.margin(inputs);
        let probability = (1.0 / (1.0 + (-margin).exp())) as f32;
        let residual = if went_wrong { self.positive_weight * (probability - 1.0) } else { probability };
        for &input in inputs {
            self.slots[slot_of(input)].step(residual * scale, self.rate);
        }
        self.base.step(residual, self.rate * 0.05);
    }
}

impl Slot {
    fn step(&mut self, gradient: f32, rate: f32) {
        self.squares += gradient * gradient;
        self.weight -= rate * gradient / (1.0 + self.squares).sqrt();
    }
}

/// Fibonacci hashing (Knuth): the top bits depend on every bit, the sign of the line included.
fn slot_of(input: u32) -> usize {
    (input.wrapping_mul(0x9e37_79b1) >> (32 - N_SLOTS.trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_wrong_is_told_from_what_holds() {
        let mut learner = Learner::new(1.0, 10.0);
        assert_eq!(learner.margin(&[2, 4]), 0.0);
        for _ in 0..50 {
            learner.learn(&[2, 4], true);
            learner.learn(&[4, 6], false);
        }
        assert!(learner.margin(&[2]) > 1.0, "{}", learner.margin(&[2]));
        assert!(learner.margin(&[6]) < learner.margin(&[4]));
        assert_eq!(learner.margin(&[8]), 0.0, "never seen");
    }

    #[test]
    fn a_hand_worked_step() {
        let mut learner = Learner::new(2.0, 1.0);
        learner.learn(&[2], true);
        let gradient = 1.0 / (1.0 + 4.0_f64.exp()) - 1.0;
        let expected = -2.0 * gradient / (1.0 + gradient * gradient).sqrt();
        assert!((learner.margin(&[2]) - expected).abs() < 1e-6);
    }
}
