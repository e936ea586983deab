//! From columns to a table: roles, features, and what is left out.

use std::path::Path;

use super::source::{Cells, Source, SourceColumn, number};
use super::{LeftOut, Table, TableOptions};
use crate::dataset::Error;
use crate::dataset::error::cut;

/// Columns that describe a row, or tell its label, by name.
const DEFAULT_LEFT_OUT: [&str; 7] =
    ["effort", "project", "hours_to_revert", "is_revert", "planned", "bot", "no_diff"];

/// The same by the start of the name.
const DEFAULT_LEFT_OUT_PREFIXES: [&str; 2] = ["label", "split"];

/// What a column that was left out, or asked for and refused, should have held.
const NUMBER: &str = "a number";
/// The same of a time, in a column that has a type.
const TIMES: &str = "numbers, or moments with a time zone";
const NO_TIME: &str = "a number (`NA` and the like are read as an empty cell)";
const LABEL: &str = "a label of 1 or 0 (true, false)";
const EFFORT: &str = "a number of lines (`--exclude effort` takes `la` and `ld` in its place)";
const SPLIT: &str = "`train` or `test`";

/// Of so many cells at most one is a stray in a column of numbers; where more are no numbers, it is a column of something else.
const CELLS_A_STRAY: usize = 10;

/// Puts the columns into their roles, in time order.
pub(super) fn table(source: Source, options: &TableOptions) -> Result<Table, Error> {
    refuse_two_roles(&source.path, options)?;
    let times = required_numbers(&source, &options.time)?;
    let labels = labels(&source, &options.label)?;
    for name in options.exclude.iter().chain(options.columns.iter().flatten()) {
        find(&source, name)?;
    }
    refuse_twice(&source.path, options.columns.as_deref().unwrap_or_default())?;
    let mut table = Table {
        ids: texts(&source, &options.id)?,
        groups: options.group.as_deref().map(|name| texts(&source, name)).transpose()?,
        split_words: options
            .split_column
            .as_deref()
            .map(|name| split_words(&source, name, &labels))
            .transpose()?,
        efforts: efforts(&source, options)?,
        path: source.path.clone(),
        times,
        labels,
        names: Vec::new(),
        columns: Vec::new(),
        left_out: Vec::new(),
    };
    take_features(&mut table, source, options)?;
    sort_by_time(&mut table);
    Ok(table)
}

fn refuse_twice(path: &Path, columns: &[String]) -> Result<(), Error> {
    let is_again = |(idx, name): &(usize, &String)| columns.iter().take(*idx).any(|earlier| earlier == *name);
    match columns.iter().enumerate().find(is_again) {
        Some((_, column)) => Err(Error::NotAFeature {
            path: path.to_owned(),
            column: column.clone(),
            why: "it is asked for twice",
        }),
        None => Ok(()),
    }
}

/// Whatever else the label's column were, it would tell the label. An id may be the time.
fn refuse_two_roles(path: &Path, options: &TableOptions) -> Result<(), Error> {
    let roles = [
        (Some(&options.time), "the time"),
        (Some(&options.id), "the id"),
        (options.split_column.as_ref(), "the split"),
        (options.group.as_ref(), "the group"),
    ];
    match roles.into_iter().find(|(column, _)| *column == Some(&options.label)) {
        Some((_, other)) => {
            let (path, column) = (path.to_owned(), options.label.clone());
            Err(Error::TwoRoles { path, column, other })
        }
        None => Ok(()),
    }
}

fn find<'a>(source: &'a Source, name: &str) -> Result<&'a SourceColumn, Error> {
    let found = source.columns.iter().find(|column| column.name == name);
    let names = || source.columns.iter().map(|column| column.name.clone()).collect();
    found.ok_or_else(|| Error::missing_among(&source.path, name, names()))
}

/// A column of numbers; a cell that is none is an error, which says what was expected.
fn numbers(source: &Source, name: &str, expected: &'static str) -> Result<Vec<f64>, Error> {
    let not_expected = |row, value: &str| Error::cell(&source.path, name, row, value, expected);
    match &find(source, name)?.cells {
        Cells::Numbers(numbers) => Ok(numbers.clone()),
        // The id may be a number, too.
        Cells::Text(texts) => {
            let cells = texts.iter().enumerate();
            cells.map(|(idx, cell)| number(cell).ok_or_else(|| not_expected(idx + 1, cell))).collect()
        }
        Cells::Other { row, value, .. } => Err(not_expected(*row, value)),
        Cells::Typed(found) => Err(Error::column_type(&source.path, name, expected, found)),
    }
}

/// A column of times without a gap.
fn required_numbers(source: &Source, name: &str) -> Result<Vec<f64>, Error> {
    let numbers = match numbers(source, name, NUMBER) {
        Err(Error::ColumnType { found, .. }) => Err(Error::column_type(&source.path, name, TIMES, found)),
        numbers => numbers,
    }?;
    match numbers.iter().position(|number| number.is_nan()) {
        Some(idx) => Err(Error::cell(&source.path, name, idx + 1, "", NO_TIME)),
        None => Ok(numbers),
    }
}

fn texts(source: &Source, name: &str) -> Result<Vec<String>, Error> {
    match &find(source, name)?.cells {
        Cells::Text(texts) => Ok(texts.clone()),
        // Columns named by the options are read as text; this holds whatever the options say.
        Cells::Numbers(_) | Cells::Other { .. } | Cells::Typed(_) => Err(Error::missing(&source.path, name)),
    }
}

/// The words of the split column; a row without a label may have none, and is then in neither part.
fn split_words(source: &Source, name: &str, labels: &[Option<bool>]) -> Result<Vec<String>, Error> {
    let words = texts(source, name)?;
    let is_none = |(word, label): (&String, &Option<bool>)| match word.as_str() {
        "train" | "test" => false,
        "" => label.is_some(),
        _ => true,
    };
    match words.iter().zip(labels).position(is_none) {
        Some(idx) => Err(Error::cell(&source.path, name, idx + 1, &words[idx], SPLIT)),
        None => Ok(words),
    }
}

fn labels(source: &Source, name: &str) -> Result<Vec<Option<bool>>, Error> {
    let label = |(idx, number): (usize, f64)| match number {
        number if number.is_nan() => Ok(None),
        1.0 => Ok(Some(true)),
        0.0 => Ok(Some(false)),
        other => Err(Error::cell(&source.path, name, idx + 1, &other.to_string(), LABEL)),
    };
    numbers(source, name, LABEL)?.into_iter().enumerate().map(label).collect()
}

/// `effort`, else lines added plus lines deleted, where the table has them.
fn efforts(source: &Source, options: &TableOptions) -> Result<Option<Vec<f64>>, Error> {
    let is_effort = |column: &SourceColumn| column.name == "effort" && role("effort", options).is_none();
    let is_excluded = options.exclude.iter().any(|column| column == "effort");
    if source.columns.iter().any(is_effort) {
        match numbers(source, "effort", EFFORT) {
            Err(_) if is_excluded => {}
            efforts => return efforts.map(Some),
        }
    }
    let column = |name: &str| numbers(source, name, NUMBER).ok();
    let added_and_deleted = column("la").zip(column("ld"));
    let sum = |(added, deleted): (Vec<f64>, Vec<f64>)| {
        added.iter().zip(deleted).map(|(added, deleted)| added + deleted).collect()
    };
    Ok(added_and_deleted.map(sum))
}

fn take_features(table: &mut Table, source: Source, options: &TableOptions) -> Result<(), Error> {
    let Source { path, columns, .. } = source;
    for SourceColumn { name, cells } in columns {
        match (reason_to_leave_out(&path, &name, options)?, cells) {
            (Some(why), _) => table.left_out.push(LeftOut { column: name, why: why.to_owned() }),
            (None, Cells::Numbers(numbers)) => {
                table.names.push(name);
                table.columns.push(numbers.into_iter().map(to_f32).collect());
            }
            (None, Cells::Other { row, value, .. }) if options.columns.is_some() => {
                return Err(Error::cell(&path, &name, row, &value, NUMBER));
            }
            (None, Cells::Typed(found)) if options.columns.is_some() => {
                return Err(Error::column_type(&path, &name, "numbers", found));
            }
            (None, Cells::Other { row, value, n_numbers, n_others }) => {
                let is_stray = n_numbers + n_others >= CELLS_A_STRAY * n_others;
                let but = format!(", but {n_numbers} other cells are: mend it to have the column");
                let but = if is_stray { but.as_str() } else { "" };
                let why = format!("row {row} is `{}`, not a number{but}", cut(&value));
                table.left_out.push(LeftOut { column: name, why });
            }
            (None, Cells::Typed(found)) => {
                table.left_out.push(LeftOut { column: name, why: format!("{found}, not numbers") });
            }
            (None, Cells::Text(_)) => table.left_out.push(LeftOut { column: name, why: "text".to_owned() }),
        }
    }
    Ok(())
}

/// Why a column is no feature, whatever it holds.
fn reason_to_leave_out(
    path: &Path,
    name: &str,
    options: &TableOptions,
) -> Result<Option<&'static str>, Error> {
    let role = role(name, options);
    if let Some(columns) = &options.columns {
        return match (columns.iter().any(|column| column == name), role) {
            (true, Some(why)) => {
                Err(Error::NotAFeature { path: path.to_owned(), column: name.to_owned(), why })
            }
            (true, None) => Ok(None),
            (false, _) => Ok(Some(role.unwrap_or("not among the columns asked for"))),
        };
    }
    let excluded = options.exclude.iter().any(|column| column == name).then_some("excluded");
    Ok(role.or(excluded).or_else(|| left_out_by_default(name).then_some("left out by default")))
}

/// The role that keeps a column from being a feature.
fn role(name: &str, options: &TableOptions) -> Option<&'static str> {
    let is = |role: &Option<String>| role.as_deref() == Some(name);
    match name {
        _ if name == options.label => Some("the label"),
        _ if name == options.time => Some("the time"),
        _ if name == options.id => Some("the id"),
        _ if is(&options.split_column) => Some("the split"),
        _ if is(&options.group) => Some("the group"),
        _ => None,
    }
}

fn left_out_by_default(name: &str) -> bool {
    DEFAULT_LEFT_OUT.contains(&name) || DEFAULT_LEFT_OUT_PREFIXES.iter().any(|start| name.starts_with(start))
}

/// Features are single precision; what is beyond it goes to its largest value, never to infinity.
#[expect(clippy::cast_possible_truncation, reason = "single precision is meant")]
fn to_f32(number: f64) -> f32 {
    number.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
}

fn sort_by_time(table: &mut Table) {
    let mut order: Vec<usize> = (0..table.n_rows()).collect();
    order.sort_by(|a, b| table.times[*a].total_cmp(&table.times[*b]));
    table.ids = pick(&table.ids, &order);
    table.times = pick(&table.times, &order);
    table.labels = pick(&table.labels, &order);
    table.efforts = table.efforts.as_ref().map(|efforts| pick(efforts, &order));
    table.groups = table.groups.as_ref().map(|groups| pick(groups, &order));
    table.split_words = table.split_words.as_ref().map(|words| pick(words, &order));
    table.columns = table.columns.iter().map(|column| pick(column, &order)).collect();
}

fn pick<T: Clone>(values: &[T], order: &[usize]) -> Vec<T> {
    order.iter().map(|idx| values[*idx].clone()).collect()
}
