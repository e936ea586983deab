//! The only way to a vector, when mining and when serving: read before the change is folded in. Start at
//! [`Extractor::vector`].

use crate::features::facts::Facts;
use crate::features::schema::schema;
use crate::history::{Footprint, History, Reading};

/// Turns a change and the history before it into a vector. Holds nothing: the schema is fixed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extractor;

/// What is read of a change before it is folded in.
#[derive(Clone, Debug)]
pub struct Extracted {
    /// One value a name of the schema; NaN = unknown.
    pub vector: Vec<f32>,
    /// By what the fold will remember the change.
    pub footprint: Footprint,
}

impl Extractor {
    /// The vector of a change, read from the history before it.
    pub fn vector(reading: &Reading<'_>, history: &History) -> Extracted {
        let schema = schema();
        let footprint = Footprint::of(reading);
        let facts = Facts::new(reading, &footprint, history);
        let mut vector = Vec::with_capacity(schema.n_values());
        for spec in &schema.features {
            vector.push((spec.value)(&facts).map_or(f32::NAN, finite));
        }
        for (rank_idx, &idx) in schema.ranked.iter().enumerate() {
            vector.push(history.window.rank(rank_idx, vector[idx]));
        }
        Extracted { vector, footprint }
    }

    /// An empty history for vectors of this schema.
    pub fn empty_history() -> History {
        History::new(schema().ranked.len())
    }
}

/// A value as it is kept: of one that is too large, such as `1e300 %`, the largest there is. Unknown stays unknown.
fn finite(value: f64) -> f32 {
    value.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
}

impl Extracted {
    /// Folds the change into the history it was read from.
    pub fn land(self, history: &mut History) {
        let ranked: Vec<f32> = schema().ranked.iter().map(|&idx| self.vector[idx]).collect();
        history.land(self.footprint, &ranked);
    }

    /// The hashed tokens of the row, the sign of the line in the lowest bit.
    pub fn tokens(&self) -> Vec<u32> {
        self.footprint.tokens.concat()
    }
}
