//! What names a dataset: a hash over all values that a fit may read, in their order. The file that held them, its name and
//! its compression do not count.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Row, Rows, Table};

/// SHA-256 over everything that a fit may read, printed as `sha256:<hex>`. It depends on the
/// values alone, not on the file that held them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Digest(pub String);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Rows {
    /// Digest of facts, tokens, feature list and values.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new("rows");
        self.facts.iter().for_each(|row| hasher.row(row));
        (0..self.n_rows()).for_each(|idx| hasher.numbers(self.tokens(idx), |token| token.to_le_bytes()));
        for feature in &self.features {
            hasher.text(&feature.name);
            hasher.text(&feature.revision.to_string());
            hasher.floats(&feature.values);
        }
        hasher.finish()
    }
}

impl Table {
    /// Digest of ids, times, labels, efforts, feature names and values.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new("table");
        self.ids.iter().for_each(|id| hasher.text(id));
        hasher.numbers(&self.times, |time| time.to_le_bytes());
        hasher.numbers(&self.labels, |label| [label.map_or(2, u8::from)]);
        hasher.numbers(self.efforts.as_deref().unwrap_or(&[]), |effort| effort.to_le_bytes());
        for (name, values) in self.names.iter().zip(&self.columns) {
            hasher.text(name);
            hasher.floats(values);
        }
        hasher.finish()
    }
}

/// Length-prefixed feeding, so that no two inputs run together.
struct Hasher(Sha256);

impl Hasher {
    fn new(what: &str) -> Self {
        let mut hasher = Self(Sha256::new());
        hasher.text(what);
        hasher
    }

    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    fn numbers<T: Copy, const N: usize>(&mut self, numbers: &[T], bytes: impl Fn(T) -> [u8; N]) {
        self.0.update((numbers.len() as u64).to_le_bytes());
        numbers.iter().for_each(|number| self.0.update(bytes(*number)));
    }

    /// Every NaN counts as the same "unknown".
    fn floats(&mut self, values: &[f32]) {
        self.numbers(values, |value| if value.is_nan() { f32::NAN } else { value }.to_bits().to_le_bytes());
    }

    /// A row by its debug form: every field is in it, and a new field changes the digest.
    fn row(&mut self, row: &Row) {
        self.text(&format!("{row:?}"));
    }

    fn finish(self) -> Digest {
        Digest(format!("sha256:{}", hex::encode(self.0.finalize())))
    }
}
