//! Rows as a frame of polars, column by column: the layout of the file on disk, which readers elsewhere rely on. Columns are
//! added, never renamed. Start at [`frame`].

use polars::prelude::{
    BooleanChunked, Column, DataFrame, Float32Chunked, Int64Chunked, IntoColumn, IntoSeries,
    ListBuilderTrait, ListPrimitiveChunkedBuilder, NewChunkedArray, PolarsResult, StringChunked,
    UInt32Chunked, UInt32Type, UInt64Chunked,
};
use std::ops::Range;

use super::row::{Row, Rows};
use super::write::OUTCOMES;
use crate::label::LabelSource;

/// A frame of some of the rows: facts, tokens, then the features in order.
pub(super) fn frame(rows: &Rows, range: Range<usize>) -> PolarsResult<DataFrame> {
    let facts = &rows.facts[range.clone()];
    let mut columns = identity_columns(facts);
    columns.extend(label_columns(facts));
    columns.extend(curation_columns(facts));
    columns.push(outcome_column(facts));
    columns.push(token_column(rows, range.clone()));
    let feature = |feature: &super::FeatureColumn| {
        let values = feature.values[range.clone()].iter().map(|value| (!value.is_nan()).then_some(*value));
        Float32Chunked::from_iter_options(feature.name.as_str().into(), values).into_column()
    };
    columns.extend(rows.features.iter().map(feature));
    DataFrame::new(facts.len(), columns)
}

fn identity_columns(facts: &[Row]) -> Vec<Column> {
    vec![
        text("repo", facts, |row| Some(&row.repo)),
        text("root", facts, |row| Some(&row.root)),
        text("unit", facts, |row| Some(&row.unit)),
        text("change_id", facts, |row| Some(&row.change_id.0)),
        text("digest", facts, |row| Some(&row.digest)),
        moment("committed_at", facts, |row| Some(row.committed_at)),
        text("author", facts, |row| Some(&row.author)),
        flag("bot", facts, |row| Some(row.bot)),
        text("kind", facts, |row| Some(row.kind.as_str())),
    ]
}

fn label_columns(facts: &[Row]) -> Vec<Column> {
    vec![
        flag("planned", facts, |row| Some(row.planned)),
        moment("outcome_at", facts, |row| row.outcome_at),
        label("label_raw", facts, |row| row.label_raw),
        label("label_strict", facts, |row| row.label_strict),
        flag("in_strict", facts, |row| Some(row.in_strict)),
        text("label_source", facts, |row| row.label_source.map(LabelSource::as_str)),
        moment("label_known_at", facts, |row| row.label_known_at),
        text("severity", facts, |row| row.severity.as_deref()),
    ]
}

fn curation_columns(facts: &[Row]) -> Vec<Column> {
    vec![
        hash("effort", facts, |row| row.effort),
        hash("template", facts, |row| row.template),
        flag("planned_wording", facts, |row| Some(row.planned_wording)),
        moment("reverted_at", facts, |row| row.reverted_at),
        flag("is_revert", facts, |row| Some(row.is_revert)),
        count("n_files", facts, |row| Some(row.n_files)),
    ]
}

/// Everything that became known of a change, as JSON; null where nothing did.
fn outcome_column(facts: &[Row]) -> Column {
    let cell = |row: &Row| {
        let is_some = !row.outcomes.is_empty();
        is_some.then(|| serde_json::to_string(&row.outcomes).expect("plain values are JSON"))
    };
    StringChunked::from_iter_options(OUTCOMES.into(), facts.iter().map(cell)).into_column()
}

fn token_column(rows: &Rows, range: Range<usize>) -> Column {
    let dtype = polars::prelude::DataType::UInt32;
    let mut builder = ListPrimitiveChunkedBuilder::<UInt32Type>::new("tokens".into(), range.len(), 0, dtype);
    range.for_each(|idx| builder.append_slice(rows.tokens(idx)));
    builder.finish().into_series().into_column()
}

fn text<'a>(name: &str, facts: &'a [Row], cell: impl Fn(&'a Row) -> Option<&'a str>) -> Column {
    StringChunked::from_iter_options(name.into(), facts.iter().map(cell)).into_column()
}

fn moment(name: &str, facts: &[Row], cell: impl Fn(&Row) -> Option<i64>) -> Column {
    Int64Chunked::from_iter_options(name.into(), facts.iter().map(cell)).into_column()
}

fn flag(name: &str, facts: &[Row], cell: impl Fn(&Row) -> Option<bool>) -> Column {
    BooleanChunked::from_iter_options(name.into(), facts.iter().map(cell)).into_column()
}

/// Labels are numbers on disk, 1 or 0, because that is what every reader of them expects.
fn label(name: &str, facts: &[Row], cell: impl Fn(&Row) -> Option<bool>) -> Column {
    count(name, facts, |row| cell(row).map(u32::from))
}

fn count(name: &str, facts: &[Row], cell: impl Fn(&Row) -> Option<u32>) -> Column {
    UInt32Chunked::from_iter_options(name.into(), facts.iter().map(cell)).into_column()
}

fn hash(name: &str, facts: &[Row], cell: impl Fn(&Row) -> u64) -> Column {
    UInt64Chunked::from_iter_values(name.into(), facts.iter().map(cell)).into_column()
}
