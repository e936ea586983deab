//! From a file to numbered lines of named cells: CSV for spreadsheets, JSON lines for programs, Parquet
//! for frames.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::BadLine;
use super::lines::{Cell, Cells, FACT_COLUMNS, Line, check_column, line};
use crate::dataset::Error;
use crate::dataset::parquet::ParquetFile;
use crate::features::is_custom;

const CUSTOM: &str = "a file of custom features";

/// What a file holds, good and bad.
pub(super) struct Read {
    pub(super) names: Vec<String>,
    pub(super) lines: Vec<Line>,
    pub(super) bad: Vec<BadLine>,
    pub(super) n_lines: usize,
}

/// A numbered line, or why it cannot be taken apart.
type Numbered = (u64, Result<Cells, BadLine>);

/// Reads a file of any of the three forms, told by its name.
pub(super) fn read(path: &Path) -> Result<Read, Error> {
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    let (names, numbered) = match extension.as_deref() {
        Some("csv") => from_csv(path)?,
        Some("jsonl" | "ndjson") => from_json_lines(path)?,
        Some("parquet") => from_parquet(path)?,
        _ => return Err(Error::format(path, CUSTOM, "its name ends in none of .csv, .jsonl, .parquet")),
    };
    // Lines that cannot be taken apart may hold the columns that seem to be missing.
    let is_whole = numbered.iter().all(|(_, cells)| cells.is_ok());
    let names = checked(path, names, is_whole)?;
    let (mut lines, mut bad, n_lines) = (Vec::new(), Vec::new(), numbered.len());
    for (number, cells) in numbered {
        match cells.and_then(|cells| line(number, cells, &names)) {
            Ok(line) => lines.push(line),
            Err(bad_line) => bad.push(bad_line),
        }
    }
    Ok(Read { names, lines, bad, n_lines })
}

/// The custom features among the columns, in the order of the alphabet: the order of a file's columns
/// must not matter.
fn checked(path: &Path, columns: Vec<String>, is_whole: bool) -> Result<Vec<String>, Error> {
    let mut names = BTreeSet::new();
    for (idx, column) in columns.iter().enumerate() {
        if columns[..idx].contains(column) {
            return Err(Error::format(path, CUSTOM, format!("column `{column}` is there twice")));
        }
        check_column(column)
            .map_err(|why| Error::format(path, CUSTOM, format!("column `{column}`: {why}")))?;
        if is_custom(column) {
            names.insert(column.clone());
        }
    }
    let is_missing = |fact: &&str| columns.iter().all(|column| column != fact);
    if let Some(missing) = FACT_COLUMNS.into_iter().find(is_missing).filter(|_| is_whole) {
        return Err(Error::missing(path, missing));
    }
    if names.is_empty() && is_whole {
        return Err(Error::format(path, CUSTOM, "it has no column named `x.…`"));
    }
    Ok(names.into_iter().collect())
}

fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let mut bytes = fs::read(path).map_err(|source| Error::read(path, source))?;
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(bytes)
}

fn from_csv(path: &Path) -> Result<(Vec<String>, Vec<Numbered>), Error> {
    let bytes = bytes(path)?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(bytes.as_slice());
    let headers = reader.headers().map_err(|error| Error::format(path, CUSTOM, error))?.clone();
    let names: Vec<String> = headers.iter().map(str::to_owned).collect();
    let cell = |(name, text): (&String, &str)| (name.clone(), Cell::Text(text.to_owned()));
    // After the first half of a line's end in the manner of Windows, the reader has not counted it yet.
    let line_at = |position: &csv::Position| {
        let byte = usize::try_from(position.byte()).ok().and_then(|at| bytes.get(at));
        position.line() + u64::from(byte == Some(&b'\n'))
    };
    let numbered = reader.into_records().map(|record| match record {
        Ok(record) => {
            let number = record.position().map_or(0, line_at);
            (number, Ok(names.iter().zip(record.iter()).map(cell).collect()))
        }
        Err(error) => {
            let number = error.position().map_or(0, line_at);
            (number, Err(BadLine { line: number, column: None, reason: reason_of(&error) }))
        }
    });
    let numbered = numbered.collect();
    Ok((names, numbered))
}

fn reason_of(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} fields, the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

fn from_json_lines(path: &Path) -> Result<(Vec<String>, Vec<Numbered>), Error> {
    let bytes = bytes(path)?;
    let mut names: Vec<String> = Vec::new();
    let mut numbered = Vec::new();
    for (text, number) in bytes.split(|&byte| byte == b'\n').zip(1_u64..) {
        if text.trim_ascii().is_empty() {
            continue;
        }
        let bad = |column, reason| BadLine { line: number, column, reason };
        let object = serde_json::from_slice::<Object>(text);
        let object = object.map_err(|error| bad(None, format!("is no flat JSON object: {error}")));
        let cells = object.and_then(|object| {
            json_cells(object).map_err(|(name, reason)| bad(Some(name), reason.to_owned()))
        });
        for name in cells.iter().flat_map(Cells::keys) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        numbered.push((number, cells));
    }
    Ok((names, numbered))
}

fn json_cells(object: Object) -> Result<Cells, (String, &'static str)> {
    let mut cells = Cells::new();
    for (name, value) in object.0 {
        let cell = match value {
            Value::Null => Cell::Text(String::new()),
            Value::Bool(flag) => Cell::Number(f64::from(u8::from(flag))),
            Value::Number(number) => Cell::Number(number.as_f64().unwrap_or(f64::INFINITY)),
            Value::String(text) if !is_custom(&name) => Cell::Text(text),
            _ => return Err((name, "expected a number, true, false or null")),
        };
        if cells.contains_key(&name) {
            return Err((name, "is there twice"));
        }
        cells.insert(name, cell);
    }
    Ok(cells)
}

fn from_parquet(path: &Path) -> Result<(Vec<String>, Vec<Numbered>), Error> {
    let mut file = ParquetFile::read(path)?;
    let names = file.names();
    let mut rows = vec![Cells::new(); file.n_rows()];
    for name in &names {
        let cells: Vec<Option<Cell>> = if is_custom(name) {
            file.floats(name)?.into_iter().map(|number| Some(Cell::Number(number))).collect()
        } else {
            file.as_texts(name)?.into_iter().map(|text| text.map(Cell::Text)).collect()
        };
        for (row, cell) in rows.iter_mut().zip(cells) {
            cell.map(|cell| row.insert(name.clone(), cell));
        }
    }
    Ok((names, rows.into_iter().zip(1_u64..).map(|(cells, number)| (number, Ok(cells))).collect()))
}

/// The members of one JSON object in their order; a name may be there twice.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Object(members))
    }
}
