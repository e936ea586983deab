//! From named cells to one line: the one place that knows the columns.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::BadLine;
use crate::features::{CustomNameError, check_custom_name};

/// The columns that say of what a line speaks.
pub(super) const FACT_COLUMNS: [&str; 3] = ["repo", "change_id", "known_at"];

/// A cell as its file gives it; an empty one is absent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Number(f64),
}

/// The named cells of one line.
pub(super) type Cells = BTreeMap<String, Cell>;

/// What a line says.
pub(super) struct Line {
    pub(super) line: u64,
    pub(super) repo: String,
    pub(super) change_id: String,
    pub(super) known_at: i64,
    /// One value a name; NaN where the line gives none.
    pub(super) values: Vec<f32>,
}

/// Why a column has no place in a file of custom features.
pub(super) fn check_column(name: &str) -> Result<(), String> {
    if FACT_COLUMNS.contains(&name) {
        return Ok(());
    }
    check_custom_name(name).map_err(|error| match error {
        CustomNameError::BuiltIn => {
            format!("is none of `repo`, `change_id` and `known_at`, and {error}")
        }
        CustomNameError::Malformed => error.to_string(),
    })
}

/// Reads one line whose columns were checked.
pub(super) fn line(number: u64, mut cells: Cells, names: &[String]) -> Result<Line, BadLine> {
    let bad =
        |column: &str, reason: String| BadLine { line: number, column: Some(column.to_owned()), reason };
    let repo = fact(&mut cells, "repo").map_err(|reason| bad("repo", reason))?;
    let change_id = fact(&mut cells, "change_id").and_then(full_id);
    let change_id = change_id.map_err(|reason| bad("change_id", reason))?;
    let known_at = fact(&mut cells, "known_at").and_then(|text| moment(&text));
    let known_at = known_at.map_err(|reason| bad("known_at", reason))?;
    let mut values = vec![f32::NAN; names.len()];
    for (name, slot) in names.iter().zip(&mut values) {
        if let Some(cell) = cells.get(name) {
            *slot = value(cell).map_err(|reason| bad(name, reason))?;
        }
    }
    Ok(Line { line: number, repo, change_id, known_at, values })
}

fn fact(cells: &mut Cells, name: &str) -> Result<String, String> {
    let text = match cells.remove(name) {
        Some(Cell::Text(text)) => text.trim().to_owned(),
        Some(Cell::Number(number)) => number.to_string(),
        None => String::new(),
    };
    if text.is_empty() { Err("is missing".to_owned()) } else { Ok(text) }
}

/// A short id may name another commit next year.
fn full_id(text: String) -> Result<String, String> {
    let is_full = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_full { Ok(text.to_ascii_lowercase()) } else { Err(format!("`{text}` is not a full commit id")) }
}

/// RFC 3339 or Unix seconds.
fn moment(text: &str) -> Result<i64, String> {
    let of_seconds = text.parse::<i64>().ok().filter(|seconds| Timestamp::from_second(*seconds).is_ok());
    let timestamp = || text.parse::<Timestamp>().ok().map(Timestamp::as_second);
    of_seconds.or_else(timestamp).ok_or_else(|| {
        format!("`{text}` is not a moment: expected RFC 3339 (2026-01-31T12:00:00Z) or Unix seconds")
    })
}

/// A number of single precision; true and false are 1 and 0; an empty cell and `NaN` are unknown.
fn value(cell: &Cell) -> Result<f32, String> {
    let number = match cell {
        Cell::Number(number) => Some(*number),
        Cell::Text(text) => match text.trim() {
            "" => Some(f64::NAN),
            "true" | "True" | "TRUE" => Some(1.0),
            "false" | "False" | "FALSE" => Some(0.0),
            text => text.parse().ok(),
        },
    };
    let fits = |number: &f64| number.is_nan() || number.abs() <= f64::from(f32::MAX);
    let shown = || match cell {
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => text.chars().take(40).collect(),
    };
    let refused = || format!("`{}` is not a number of single precision", shown());
    number.filter(fits).map(|number| number as f32).ok_or_else(refused)
}
