//! Columns of a Parquet file as plain vectors of one type, whatever width or dictionary the writer chose. A value that the
//! type cannot hold is refused, never cut. Start at [`ParquetFile::read`].

use std::fs::File;
use std::path::{Path, PathBuf};

use polars::prelude::{
    ArrowDataType, ArrowSchema, Column, DataFrame, DataType, ParquetReader, SerReader, TimeUnit,
};

use super::Error;

/// A Parquet file read whole; columns are taken out one by one, so that each is held once only.
pub(super) struct ParquetFile {
    path: PathBuf,
    columns: Vec<Column>,
    /// Columns left on disk because this build of polars does not know their type.
    unread: Vec<(String, String)>,
    n_rows: usize,
    entries: Vec<(String, String)>,
}

impl ParquetFile {
    /// Reads all columns of text, numbers, flags, moments and lists. Others stay on disk: polars panics on a
    /// type that it was built without, and a wall clock without a zone is no moment.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::read(path, source))?;
        let not_parquet = |error| Error::format(path, "a Parquet file", error);
        let mut reader = ParquetReader::new(file);
        let metadata = reader.get_metadata().map_err(not_parquet)?;
        let entries = metadata.key_value_metadata().iter().flatten();
        let entries = entries.filter_map(|e| Some((e.key.clone(), e.value.clone()?))).collect();
        let (readable, unread) = by_readability(&*reader.schema().map_err(not_parquet)?);
        let reader = reader.with_columns(Some(readable));
        let frame: DataFrame = reader.finish().map_err(not_parquet)?;
        let n_rows = frame.height();
        Ok(Self { path: path.to_owned(), columns: frame.into_columns(), unread, n_rows, entries })
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Names of the columns that were not taken yet, those left on disk last.
    pub(super) fn names(&self) -> Vec<String> {
        let read = self.columns.iter().map(|column| column.name().to_string());
        read.chain(self.unread.iter().map(|(name, _)| name.clone())).collect()
    }

    /// A value of the file's own metadata.
    pub(super) fn entry(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Takes a column out.
    fn take(&mut self, name: &str) -> Result<Column, Error> {
        if let Some(idx) = self.columns.iter().position(|column| column.name() == name) {
            return Ok(self.columns.swap_remove(idx));
        }
        let unread = self.unread.iter().find(|(unread, _)| unread == name);
        Err(unread.map_or_else(
            || Error::missing(&self.path, name),
            |(_, found)| {
                Error::column_type(
                    &self.path,
                    name,
                    "text, numbers, flags or moments with a time zone",
                    found,
                )
            },
        ))
    }

    /// The cells of a column of text.
    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<Option<String>>, Error> {
        let column = self.take(name)?;
        let cells = column.str().map_err(|_| self.type_error(&column, "text"))?;
        Ok(cells.iter().map(|cell| cell.map(str::to_owned)).collect())
    }

    /// The cells of any column of text, numbers, flags or moments, as text; moments in Unix seconds.
    pub(super) fn as_texts(&mut self, name: &str) -> Result<Vec<Option<String>>, Error> {
        let column = self.take(name)?;
        if let Some(seconds) = unix_seconds(&column) {
            return Ok(seconds.map(|cell| cell.map(|seconds| seconds.to_string())).collect());
        }
        let as_text = column.strict_cast(&DataType::String);
        let as_text = as_text.map_err(|_| self.type_error(&column, "text, numbers or flags"))?;
        let cells = as_text.str().map_err(|_| self.type_error(&column, "text, numbers or flags"))?;
        Ok(cells.iter().map(|cell| cell.map(str::to_owned)).collect())
    }

    /// The cells of a column of true and false.
    pub(super) fn flags(&mut self, name: &str) -> Result<Vec<Option<bool>>, Error> {
        let column = self.take(name)?;
        let cells = column.bool().map_err(|_| self.type_error(&column, "true or false"))?;
        Ok(cells.iter().collect())
    }

    /// The cells of a column of moments or other signed numbers.
    pub(super) fn integers(&mut self, name: &str) -> Result<Vec<Option<i64>>, Error> {
        let column = self.take_as(name, &DataType::Int64)?;
        let cells = column.i64().map_err(|_| self.type_error(&column, "integers"))?;
        Ok(cells.iter().collect())
    }

    /// The cells of a column of counts or hashes.
    pub(super) fn naturals(&mut self, name: &str) -> Result<Vec<Option<u64>>, Error> {
        let column = self.take_as(name, &DataType::UInt64)?;
        let cells = column.u64().map_err(|_| self.type_error(&column, "integers from 0"))?;
        Ok(cells.iter().collect())
    }

    /// The cells of a column of numbers or flags, null as NaN.
    pub(super) fn floats(&mut self, name: &str) -> Result<Vec<f64>, Error> {
        let column = self.take_as(name, &DataType::Float64)?;
        let cells = column.f64().map_err(|_| self.type_error(&column, "numbers"))?;
        Ok(cells.iter().map(|cell| cell.unwrap_or(f64::NAN)).collect())
    }

    /// The cells of a column of moments or numbers, moments in Unix seconds, null as NaN.
    pub(super) fn times(&mut self, name: &str) -> Result<Vec<f64>, Error> {
        if let Some(column) = self.columns.iter().find(|column| column.name() == name)
            && let Some(seconds) = unix_seconds(column)
        {
            return Ok(seconds.map(|cell| cell.map_or(f64::NAN, |seconds| seconds as f64)).collect());
        }
        self.floats(name)
    }

    /// The cells of a feature, null as NaN.
    pub(super) fn feature(&mut self, name: &str) -> Result<Vec<f32>, Error> {
        let column = self.take_as(name, &DataType::Float32)?;
        let cells = column.f32().map_err(|_| self.type_error(&column, "numbers"))?;
        Ok(cells.iter().map(|cell| cell.unwrap_or(f32::NAN)).collect())
    }

    /// The lists of a column of lists, flat, and where each of them ends.
    pub(super) fn lists(&mut self, name: &str) -> Result<(Vec<u32>, Vec<usize>), Error> {
        let column = self.take(name)?;
        let type_error = || self.type_error(&column, "lists of u32");
        let mut flat = (Vec::new(), Vec::new());
        for list in column.list().map_err(|_| type_error())?.amortized_iter() {
            if let Some(list) = list {
                flat.0.extend(list.as_ref().u32().map_err(|_| type_error())?.iter().flatten());
            }
            flat.1.push(flat.0.len());
        }
        Ok(flat)
    }

    /// Takes a column of numbers or flags out; text is refused, never parsed.
    fn take_as(&mut self, name: &str, dtype: &DataType) -> Result<Column, Error> {
        let column = self.take(name)?;
        if !(column.dtype().is_primitive_numeric() || column.dtype() == &DataType::Boolean) {
            return Err(self.type_error(&column, "numbers"));
        }
        column.strict_cast(dtype).map_err(|_| self.type_error(&column, "numbers in range"))
    }

    /// The error of a column that holds something else.
    fn type_error(&self, column: &Column, expected: &'static str) -> Error {
        Error::column_type(&self.path, column.name(), expected, column.dtype())
    }

    /// The path, for further errors.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Whole seconds since the epoch of a column of moments; none of another column.
fn unix_seconds(column: &Column) -> Option<impl Iterator<Item = Option<i64>>> {
    let moments = column.datetime().ok()?;
    let units_a_second = match moments.time_unit() {
        TimeUnit::Milliseconds => 1_000,
        TimeUnit::Microseconds => 1_000_000,
        TimeUnit::Nanoseconds => 1_000_000_000,
    };
    let cells = moments.physical().iter();
    Some(cells.map(move |cell| cell.map(|moment| moment.div_euclid(units_a_second))))
}

/// The columns to read, by name, and those to leave, by name and type.
fn by_readability(schema: &ArrowSchema) -> (Vec<String>, Vec<(String, String)>) {
    let (readable, unread): (Vec<_>, Vec<_>) =
        schema.iter_values().partition(|field| is_readable(&field.dtype));
    let names = readable.iter().map(|field| field.name.to_string()).collect();
    (names, unread.iter().map(|field| (field.name.to_string(), format!("{:?}", field.dtype))).collect())
}

fn is_readable(dtype: &ArrowDataType) -> bool {
    match dtype {
        ArrowDataType::Boolean
        | ArrowDataType::Int8
        | ArrowDataType::Int16
        | ArrowDataType::Int32
        | ArrowDataType::Int64
        | ArrowDataType::UInt8
        | ArrowDataType::UInt16
        | ArrowDataType::UInt32
        | ArrowDataType::UInt64
        | ArrowDataType::Float32
        | ArrowDataType::Float64 => true,
        text if is_text(text) => true,
        ArrowDataType::Timestamp(_, zone) => zone.is_some(),
        ArrowDataType::Dictionary(_, values, _) => is_text(values),
        ArrowDataType::List(field) | ArrowDataType::LargeList(field) => is_readable(&field.dtype),
        _ => false,
    }
}

fn is_text(dtype: &ArrowDataType) -> bool {
    matches!(dtype, ArrowDataType::Utf8 | ArrowDataType::LargeUtf8 | ArrowDataType::Utf8View)
}
