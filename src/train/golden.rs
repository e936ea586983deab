//! What an artifact is checked by later: golden rows with their answers, and the usual range of every column. Golden rows are
//! made up; no change can be read from them.

use crate::artifact::{Golden, Guard, Scoring};
use crate::train::examples::Examples;

/// Golden rows of an artifact.
const N_GOLDEN: usize = 8;
/// Share of the rows beyond either end of a column's usual range.
const TAIL: f64 = 0.0005;
/// Share of the rows that may have more values out of range than the guard allows.
const FLAGGED: f64 = 0.002;
/// Values out of range that are allowed beyond what was seen.
const SLACK: usize = 3;

/// Made-up rows, the first all unknown, with the answers of this model: no change can be read from them.
pub(super) fn golden_rows(scoring: &Scoring) -> Vec<Golden> {
    let n_features = scoring.ensemble.n_features;
    let value = |row: usize, column: usize| {
        // A low-discrepancy walk (multiples of the golden ratio): spread out, the same everywhere.
        let step = (row * n_features + column) as f64 * 0.618_033_988_749_895;
        (row > 0).then_some(step.fract() as f32)
    };
    (0..N_GOLDEN)
        .map(|row| {
            let vector: Vec<Option<f32>> = (0..n_features).map(|column| value(row, column)).collect();
            let tokens: Vec<u32> =
                (0..row as u32 * 4).map(|token| token.wrapping_mul(2_654_435_761)).collect();
            let golden = Golden { vector, tokens, margin: 0.0, score: 0.0 };
            let (margin, score) = scoring.score(&golden.row(), &golden.tokens);
            Golden { margin, score, ..golden }
        })
        .collect()
}

/// The usual range of every column over the training rows (in time order), and how many values outside
/// are too many: as many as the newest fifth hardly ever has against the ranges of the older rows.
pub(super) fn guard(examples: &Examples, rows: &[usize]) -> Guard {
    let (older, newer) = rows.split_at(rows.len() * 4 / 5);
    let before = Guard { ranges: ranges(examples, older), max_outside: 0 };
    let mut n_outside: Vec<usize> =
        newer.iter().map(|&row| before.outside(&examples.row(row)).len()).collect();
    n_outside.sort_unstable();
    let flagged = (n_outside.len() as f64 * FLAGGED) as usize;
    let limit = n_outside.len().checked_sub(flagged + 1).map_or(0, |idx| n_outside[idx]);
    Guard { ranges: ranges(examples, rows), max_outside: limit + SLACK }
}

fn ranges(examples: &Examples, rows: &[usize]) -> Vec<(f32, f32)> {
    let range = |column: &Vec<f32>| {
        let mut known: Vec<f32> =
            rows.iter().map(|&row| column[row]).filter(|value| !value.is_nan()).collect();
        known.sort_unstable_by(f32::total_cmp);
        let tail = (known.len() as f64 * TAIL) as usize;
        match (known.get(tail), known.get(known.len().saturating_sub(tail + 1))) {
            (Some(&low), Some(&high)) => (low, high),
            _ => (f32::MIN, f32::MAX),
        }
    };
    examples.matrix.columns.iter().map(range).collect()
}
