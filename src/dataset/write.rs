use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use polars::prelude::{KeyValueMetadata, ParquetWriter, PolarsResult};
use serde::{Deserialize, Serialize};

use super::frame::frame;
use super::{Error, Metadata, Rows};

/// Key of our entry in the file's metadata.
pub(super) const METADATA_KEY: &str = "diffrisk.rows";

/// Raised when the columns or their meaning change.
pub(super) const FORMAT: u32 = 1;

/// Rows a row group: a few MB at 300 features, so that writing needs little beside the rows.
const GROUP_ROWS: usize = 8_192;

/// The metadata entry, JSON on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) format: u32,
    #[serde(flatten)]
    pub(super) metadata: Metadata,
    pub(super) features: Vec<(String, u32)>,
}

impl Rows {
    /// Writes the rows; the same rows and metadata give the same bytes. The file appears whole
    /// or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_parquet(&self, path: &Path, metadata: &Metadata) -> Result<(), Error> {
        let partial = path.with_added_extension("partial");
        let written = self.write_to(&partial, metadata);
        let renamed = written.and_then(|()| fs::rename(&partial, path));
        if renamed.is_err() {
            // Nothing to add to the first failure when clearing up fails too.
            let _ = fs::remove_file(&partial);
        }
        renamed.map_err(|source| Error::write(path, source))
    }

    fn write_to(&self, path: &Path, metadata: &Metadata) -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        self.write_groups(&mut file, metadata).map_err(std::io::Error::other)?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
    }

    fn write_groups(&self, out: impl Write, metadata: &Metadata) -> PolarsResult<()> {
        let entry = vec![(METADATA_KEY.to_owned(), self.entry(metadata))];
        let schema = frame(self, 0..0)?.schema().clone();
        let mut writer = ParquetWriter::new(out)
            .with_key_value_metadata(Some(KeyValueMetadata::from_static(entry)))
            .batched(&schema)?;
        for start in (0..self.n_rows()).step_by(GROUP_ROWS) {
            let end = (start + GROUP_ROWS).min(self.n_rows());
            writer.write_batch(&frame(self, start..end)?)?;
        }
        writer.finish().map(|_size| ())
    }

    fn entry(&self, metadata: &Metadata) -> String {
        let features = self.features.iter().map(|feature| (feature.name.clone(), feature.revision)).collect();
        let entry = Entry { format: FORMAT, metadata: metadata.clone(), features };
        serde_json::to_string(&entry).expect("strings and numbers are JSON")
    }
}
