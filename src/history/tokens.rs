//! A table of hashed words with how often each was seen and went wrong, halved over the years. Two words may share a slot;
//! none can be read back.

use serde::{Deserialize, Serialize};

/// Slots of the table; a token's hash picks one.
const N_SLOTS: usize = 1 << 17;
/// Half-life of what a slot remembers, in days.
const HALF_LIFE_DAYS: f32 = 730.0;

/// Where a token was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TokenKind {
    /// In an added line.
    Added,
    /// In a deleted line.
    Deleted,
    /// In a path.
    Path,
    /// In the title.
    Message,
    /// Below the title.
    Body,
}

/// How often each hashed token was seen, and how often in a change that went wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenTable {
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Slot {
    n: f32,
    n_bad: f32,
    day: i32,
}

impl Default for TokenTable {
    fn default() -> Self {
        Self { slots: vec![Slot::default(); N_SLOTS] }
    }
}

impl TokenTable {
    /// Folds in a change's tokens at `t`.
    pub fn land(&mut self, tokens: &[u32], t: i64) {
        for &token in tokens {
            self.slot_at(token, t).n += 1.0;
        }
    }

    /// Folds in that the change with these tokens went wrong.
    pub fn bad(&mut self, tokens: &[u32], t: i64) {
        for &token in tokens {
            self.slot_at(token, t).n_bad += 1.0;
        }
    }

    /// Log of the smoothed bad rate of a token over `base_rate`:
    /// `ln(((bad + k·b) / (n + k)) / b)`; 0 for a token never seen.
    pub fn lift(&self, token: u32, t: i64, base_rate: f64, k: f64) -> f64 {
        let slot = &self.slots[token as usize % N_SLOTS];
        let keep = f64::from(keep(day_of(t) - slot.day));
        let (n, n_bad) = (f64::from(slot.n) * keep, f64::from(slot.n_bad) * keep);
        (((n_bad + k * base_rate) / (n.max(n_bad) + k)) / base_rate).ln()
    }

    /// Times a token was seen, fading with a half-life of two years.
    pub fn n_seen(&self, token: u32, t: i64) -> f64 {
        let slot = &self.slots[token as usize % N_SLOTS];
        f64::from(slot.n * keep(day_of(t) - slot.day))
    }

    fn slot_at(&mut self, token: u32, t: i64) -> &mut Slot {
        let day = day_of(t);
        let slot = &mut self.slots[token as usize % N_SLOTS];
        let keep = keep(day - slot.day);
        slot.n *= keep;
        slot.n_bad *= keep;
        slot.day = slot.day.max(day);
        slot
    }
}

fn keep(age_days: i32) -> f32 {
    if age_days <= 0 { 1.0 } else { (-(age_days as f32) / HALF_LIFE_DAYS).exp2() }
}

fn day_of(t: i64) -> i32 {
    i32::try_from(t.div_euclid(86_400)).unwrap_or(i32::MAX)
}
