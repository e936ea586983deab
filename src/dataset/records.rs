//! Parquet as text by column name, for those who have a reader of their own for words, such as incident links. Takes no
//! decision about what the columns mean.

use std::collections::BTreeMap;
use std::path::Path;

use super::Error;
use super::parquet::ParquetFile;

/// One row of a Parquet file as text by column name; null cells are absent.
pub type Record = BTreeMap<String, String>;

/// Reads a Parquet file of records, such as incident links, as text; moments become Unix seconds.
///
/// # Errors
/// When the file cannot be read as Parquet, or a column holds something other than text, numbers, flags, or moments with a
/// time zone.
pub fn read_records(path: &Path) -> Result<Vec<Record>, Error> {
    let mut file = ParquetFile::read(path)?;
    let mut records = vec![Record::new(); file.n_rows()];
    for name in file.names() {
        let cells = file.as_texts(&name)?;
        for (record, cell) in records.iter_mut().zip(cells) {
            cell.map(|cell| record.insert(name.clone(), cell));
        }
    }
    Ok(records)
}
