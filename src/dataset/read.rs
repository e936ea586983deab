//! Reads the Parquet file that `mine` wrote back into [`Rows`]. A cell that a row cannot hold ends the reading with its
//! place; columns that later versions added may be absent.

use std::fmt::Display;
use std::path::Path;

use super::parquet::ParquetFile;
use super::row::{FeatureColumn, Row, RowOutcome, Rows};
use super::write::{Entry, FORMAT, METADATA_KEY, OUTCOMES};
use super::{Error, Metadata};
use crate::change::ChangeId;
use crate::label::{ChangeKind, LabelSource};

/// What a file of rows is called in messages.
const ROWS: &str = "a file of rows written by `mine`";

impl Rows {
    /// Reads rows and what the file says about itself.
    ///
    /// # Errors
    /// When the file is not one of rows, is of another format, or lacks a column.
    pub fn read_parquet(path: &Path) -> Result<(Self, Metadata), Error> {
        let mut file = ParquetFile::read(path)?;
        let entry = entry(&file)?;
        let n_rows = file.n_rows();
        let (facts, known_until) = (vec![empty_row(); n_rows], vec![i64::MAX; n_rows]);
        let mut rows = Self { facts, known_until, ..Self::default() };
        read_identity(&mut file, &mut rows.facts)?;
        read_labels(&mut file, &mut rows.facts)?;
        read_curation(&mut file, &mut rows.facts)?;
        read_outcomes(&mut file, &mut rows.facts)?;
        (rows.token_values, rows.token_ends) = file.lists("tokens")?;
        for (name, revision) in entry.features {
            let values = file.feature(&name)?;
            if let Some(idx) = values.iter().position(|value| value.is_infinite()) {
                let value = values[idx].to_string();
                return Err(Error::cell(file.path(), &name, idx + 1, &value, "a finite number"));
            }
            rows.features.push(FeatureColumn { name, revision, values });
        }
        Ok((rows, entry.metadata))
    }
}

fn entry(file: &ParquetFile) -> Result<Entry, Error> {
    let text = file.entry(METADATA_KEY).ok_or_else(|| {
        Error::format(file.path(), ROWS, format!("its metadata has no entry `{METADATA_KEY}`"))
    })?;
    let entry: Entry = serde_json::from_str(text).map_err(|error| Error::format(file.path(), ROWS, error))?;
    match entry.format {
        FORMAT => Ok(entry),
        other => Err(Error::format(file.path(), ROWS, format!("format {other}, this build reads {FORMAT}"))),
    }
}

/// A row of which nothing is known yet.
pub(crate) fn empty_row() -> Row {
    Row {
        repo: String::new(),
        root: String::new(),
        unit: String::new(),
        change_id: ChangeId(String::new()),
        digest: String::new(),
        committed_at: 0,
        author: String::new(),
        bot: false,
        kind: ChangeKind::Ordinary,
        planned: false,
        outcome_at: None,
        label_raw: None,
        label_strict: None,
        in_strict: false,
        label_source: None,
        label_known_at: None,
        severity: None,
        effort: 0,
        template: 0,
        planned_wording: false,
        outcomes: Vec::new(),
        reverted_at: None,
        is_revert: false,
        n_files: 0,
    }
}

fn read_identity(file: &mut ParquetFile, rows: &mut [Row]) -> Result<(), Error> {
    fill(file, rows, "repo", ParquetFile::texts, |row, cell| put(&mut row.repo, cell))?;
    fill(file, rows, "root", ParquetFile::texts, |row, cell| put(&mut row.root, cell))?;
    fill(file, rows, "unit", ParquetFile::texts, |row, cell| put(&mut row.unit, cell))?;
    fill(file, rows, "change_id", ParquetFile::texts, |row, cell| put(&mut row.change_id.0, cell))?;
    fill(file, rows, "digest", ParquetFile::texts, |row, cell| put(&mut row.digest, cell))?;
    fill(file, rows, "committed_at", ParquetFile::integers, |row, cell| put(&mut row.committed_at, cell))?;
    fill(file, rows, "author", ParquetFile::texts, |row, cell| put(&mut row.author, cell))?;
    fill(file, rows, "bot", ParquetFile::flags, |row, cell| put(&mut row.bot, cell))?;
    fill(file, rows, "kind", ParquetFile::texts, |row, cell| {
        put(&mut row.kind, cell.and_then(|word| ChangeKind::of_name(&word)))
    })
}

fn read_labels(file: &mut ParquetFile, rows: &mut [Row]) -> Result<(), Error> {
    fill(file, rows, "planned", ParquetFile::flags, |row, cell| put(&mut row.planned, cell))?;
    fill(file, rows, "outcome_at", ParquetFile::integers, |row, cell| set(&mut row.outcome_at, cell))?;
    fill(file, rows, "label_raw", ParquetFile::naturals, |row, cell| set_label(&mut row.label_raw, cell))?;
    fill(file, rows, "label_strict", ParquetFile::naturals, |row, cell| {
        set_label(&mut row.label_strict, cell)
    })?;
    fill(file, rows, "in_strict", ParquetFile::flags, |row, cell| put(&mut row.in_strict, cell))?;
    fill(file, rows, "label_source", ParquetFile::texts, |row, cell| {
        row.label_source = cell.as_deref().and_then(LabelSource::of_name);
        row.label_source.is_some() || cell.is_none()
    })?;
    fill(file, rows, "label_known_at", ParquetFile::integers, |row, cell| {
        set(&mut row.label_known_at, cell)
    })?;
    fill(file, rows, "severity", ParquetFile::texts, |row, cell| set(&mut row.severity, cell))
}

fn read_curation(file: &mut ParquetFile, rows: &mut [Row]) -> Result<(), Error> {
    fill(file, rows, "effort", ParquetFile::naturals, |row, cell| put(&mut row.effort, cell))?;
    fill(file, rows, "template", ParquetFile::naturals, |row, cell| put(&mut row.template, cell))?;
    fill(file, rows, "planned_wording", ParquetFile::flags, |row, cell| put(&mut row.planned_wording, cell))?;
    fill(file, rows, "reverted_at", ParquetFile::integers, |row, cell| set(&mut row.reverted_at, cell))?;
    fill(file, rows, "is_revert", ParquetFile::flags, |row, cell| put(&mut row.is_revert, cell))?;
    fill(file, rows, "n_files", ParquetFile::naturals, |row, cell| {
        put(&mut row.n_files, cell.and_then(|count| u32::try_from(count).ok()))
    })
}

/// What became known of each row. Files of before have the outcome that decided alone.
fn read_outcomes(file: &mut ParquetFile, rows: &mut [Row]) -> Result<(), Error> {
    if file.names().iter().any(|name| name == OUTCOMES) {
        return fill(file, rows, OUTCOMES, ParquetFile::texts, |row, cell| {
            let outcomes = cell.map_or_else(|| Ok(Vec::new()), |cell| serde_json::from_str(&cell));
            outcomes.map(|outcomes| row.outcomes = outcomes).is_ok()
        });
    }
    for row in rows {
        let deciding = row.label_source.zip(row.label_known_at).map(|(source, known_at)| RowOutcome {
            source,
            known_at,
            positive: row.label_raw == Some(true),
            planned: row.planned_wording && source == LabelSource::Revert,
            retracts: false,
        });
        row.outcomes.extend(deciding);
    }
    Ok(())
}

/// Takes the cells of a column and hands each to its row, which says whether it can hold it.
fn fill<T: Clone + Display>(
    file: &mut ParquetFile,
    rows: &mut [Row],
    name: &str,
    cells: impl Fn(&mut ParquetFile, &str) -> Result<Vec<Option<T>>, Error>,
    take: impl Fn(&mut Row, Option<T>) -> bool,
) -> Result<(), Error> {
    for (idx, (row, cell)) in rows.iter_mut().zip(cells(file, name)?).enumerate() {
        if !take(row, cell.clone()) {
            let value = cell.map_or_else(|| "null".to_owned(), |cell| cell.to_string());
            return Err(Error::cell(file.path(), name, idx + 1, &value, "a value of this column"));
        }
    }
    Ok(())
}

/// A cell that must be there.
fn put<T>(slot: &mut T, cell: Option<T>) -> bool {
    cell.map(|cell| *slot = cell).is_some()
}

/// A cell that may be null.
fn set<T>(slot: &mut Option<T>, cell: Option<T>) -> bool {
    *slot = cell;
    true
}

/// A label of 1, 0 or null.
fn set_label(slot: &mut Option<bool>, cell: Option<u64>) -> bool {
    *slot = cell.map(|label| label == 1);
    cell.is_none_or(|label| label <= 1)
}
