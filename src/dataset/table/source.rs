//! From a file to columns: numbers where every cell is one, text where the table needs it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord};
use flate2::bufread::MultiGzDecoder;

use super::TableOptions;
use crate::dataset::Error;
use crate::dataset::parquet::ParquetFile;
use crate::dataset::write::METADATA_KEY;

/// A file as columns, in its own order.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) columns: Vec<SourceColumn>,
}

/// A named column.
pub(super) struct SourceColumn {
    pub(super) name: String,
    pub(super) cells: Cells,
}

/// What a column holds.
pub(super) enum Cells {
    /// Every cell is a number, true, false, or unknown (NaN).
    Numbers(Vec<f64>),
    /// Kept as text, because the table needs it so.
    Text(Vec<String>),
    /// Something else; the first offending cell tells what.
    Other { row: usize, value: String, n_numbers: usize, n_others: usize },
    /// Values of a type of Parquet that are no numbers.
    Typed(String),
}

/// Reads a file of any of the three forms.
pub(super) fn read(path: &Path, options: &TableOptions) -> Result<Source, Error> {
    let file = File::open(path).map_err(|error| Error::read(path, error))?;
    let mut file = BufReader::new(file);
    let texts = text_columns(options);
    let time = options.time.as_str();
    let head = file.fill_buf().map_err(|error| Error::read(path, error))?;
    if head.starts_with(b"PAR1") {
        read_parquet(path, &texts, time)
    } else if head.starts_with(&[0x1f, 0x8b]) {
        read_csv(path, MultiGzDecoder::new(file), &texts)
    } else {
        read_csv(path, file, &texts)
    }
}

/// The columns that are text whatever they hold.
fn text_columns(options: &TableOptions) -> BTreeSet<&str> {
    let optional = [options.split_column.as_deref(), options.group.as_deref()];
    optional.into_iter().flatten().chain([options.id.as_str()]).collect()
}

fn read_csv(path: &Path, bytes: impl Read, texts: &BTreeSet<&str>) -> Result<Source, Error> {
    let not_csv = |error: csv::Error| Error::format(path, "a CSV table", error);
    let mut reader = ReaderBuilder::new().from_reader(bytes);
    let headers = reader.headers().map_err(not_csv)?.clone();
    let mut columns: Vec<SourceColumn> = header_names(path, &headers)?
        .into_iter()
        .map(|name| {
            let text = texts.contains(name.as_str());
            let cells = if text { Cells::Text(Vec::new()) } else { Cells::Numbers(Vec::new()) };
            SourceColumn { name, cells }
        })
        .collect();
    for (row_idx, record) in reader.records().enumerate() {
        let record = record.map_err(not_csv)?;
        columns.iter_mut().zip(record.iter()).for_each(|(column, cell)| column.cells.push(row_idx + 1, cell));
    }
    Ok(Source { path: path.to_owned(), columns })
}

fn header_names(path: &Path, headers: &StringRecord) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::new();
    for header in headers {
        let name = header.trim_start_matches('\u{feff}').trim().to_owned();
        if names.contains(&name) {
            return Err(Error::format(path, "a CSV table", format!("column `{name}` is there twice")));
        }
        names.push(name);
    }
    Ok(names)
}

fn read_parquet(path: &Path, texts: &BTreeSet<&str>, time: &str) -> Result<Source, Error> {
    let mut file = ParquetFile::read(path)?;
    if file.entry(METADATA_KEY).is_some() {
        let why = "these are mined rows, some of whose columns tell the label: `train` and `evaluate` read them without names of columns, `backtest` the repository itself";
        return Err(Error::format(path, "a table", why));
    }
    let mut columns = Vec::new();
    for name in file.names() {
        let cells = if texts.contains(name.as_str()) {
            Cells::Text(file.as_texts(&name)?.into_iter().map(Option::unwrap_or_default).collect())
        } else if name == time {
            parquet_numbers(file.times(&name))?
        } else {
            parquet_numbers(file.floats(&name))?
        };
        columns.push(SourceColumn { name, cells });
    }
    Ok(Source { path: path.to_owned(), columns })
}

fn parquet_numbers(numbers: Result<Vec<f64>, Error>) -> Result<Cells, Error> {
    let numbers = match numbers {
        Err(Error::ColumnType { found, .. }) => return Ok(Cells::Typed(found)),
        numbers => numbers?,
    };
    let Some(idx) = numbers.iter().position(|number| number.is_infinite()) else {
        return Ok(Cells::Numbers(numbers));
    };
    let n_others = numbers.iter().filter(|number| number.is_infinite()).count();
    let n_numbers = n_finite(&numbers);
    Ok(Cells::Other { row: idx + 1, value: numbers[idx].to_string(), n_numbers, n_others })
}

fn n_finite(numbers: &[f64]) -> usize {
    numbers.iter().filter(|number| number.is_finite()).count()
}

impl Cells {
    fn push(&mut self, row: usize, cell: &str) {
        match self {
            Self::Text(texts) => texts.push(cell.to_owned()),
            Self::Numbers(numbers) => match number(cell) {
                Some(number) => numbers.push(number),
                None => {
                    let n_numbers = n_finite(numbers);
                    *self = Self::Other { row, value: cell.to_owned(), n_numbers, n_others: 1 };
                }
            },
            Self::Other { n_numbers, n_others, .. } => match number(cell) {
                Some(number) => *n_numbers += usize::from(number.is_finite()),
                None => *n_others += 1,
            },
            Self::Typed(_) => {}
        }
    }
}

/// A finite number; true and false are 1 and 0; an empty cell, `NaN` and what else R, SQL and Python write for one
/// are unknown. Marks that no program means so, such as `-` and `?`, are no numbers.
pub(super) fn number(cell: &str) -> Option<f64> {
    match cell.trim() {
        "" | "NA" | "N/A" | "n/a" | "<NA>" | "None" | "NULL" | "null" => Some(f64::NAN),
        "true" | "True" | "TRUE" => Some(1.0),
        "false" | "False" | "FALSE" => Some(0.0),
        text => text.parse().ok().filter(|number: &f64| !number.is_infinite()),
    }
}
