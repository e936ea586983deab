//! Writes mined rows as Parquet with what the file says about itself. The file appears whole or not at all, and nothing but
//! a file is replaced. Start at [`Rows::write_parquet`].

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use polars::prelude::{CompatLevel, KeyValueMetadata, ParquetWriter, PolarsResult, SchemaExt};
use polars_parquet::write::schema_to_metadata_key;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::frame::frame;
use super::{Error, Metadata, Rows};

/// Key of our entry in the file's metadata.
pub(super) const METADATA_KEY: &str = "diffrisk.rows";

/// The column of everything that became known of a change; files of before lack it.
pub(super) const OUTCOMES: &str = "outcomes";

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
    /// or not at all, where a symbolic link leads if the path is one.
    ///
    /// # Errors
    /// When the file cannot be written, or the path is there and no file: a directory, a pipe, a device.
    pub fn write_parquet(&self, path: &Path, metadata: &Metadata) -> Result<(), Error> {
        let written = target(path).and_then(|target| self.write_to(&target, metadata));
        written.map_err(|source| Error::write(path, source))
    }

    fn write_to(&self, path: &Path, metadata: &Metadata) -> io::Result<()> {
        let mut partial = partial(path)?;
        self.write_all(partial.as_file_mut(), metadata)?;
        partial.as_file().sync_all()?;
        partial.persist(path).map(drop).map_err(|error| error.error)
    }

    fn write_all(&self, file: &mut File, metadata: &Metadata) -> io::Result<()> {
        let mut file = Told { file: BufWriter::new(file), error: None };
        let written = self.write_groups(&mut file, metadata).map_err(io::Error::other);
        let written = written.and_then(|()| file.flush());
        file.error.map_or(written, Err)
    }

    fn write_groups(&self, out: impl Write, metadata: &Metadata) -> PolarsResult<()> {
        let schema = frame(self, 0..0)?.schema().clone();
        // Texts are told to be plain ones: few readers can filter or sort the views that polars would name.
        let plain = schema_to_metadata_key(&schema.to_arrow(CompatLevel::oldest()));
        let mut entries = vec![(METADATA_KEY.to_owned(), self.entry(metadata))];
        entries.extend(plain.value.map(|value| (plain.key, value)));
        let mut writer = ParquetWriter::new(out)
            .with_key_value_metadata(Some(KeyValueMetadata::from_static(entries)))
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

/// A file that keeps what the system said first of a write that failed: the writer of Parquet takes some for faults of its own.
struct Told<W> {
    file: W,
    error: Option<io::Error>,
}

impl<W: Write> Told<W> {
    fn keep<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        done.map_err(|error| {
            let kind = error.kind();
            // What was interrupted is tried again.
            if kind != ErrorKind::Interrupted {
                self.error.get_or_insert(error);
            }
            kind.into()
        })
    }
}

impl<W: Write> Write for Told<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        self.keep(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.file.flush();
        self.keep(flushed)
    }
}

/// The file that a path means. Nothing but a file is replaced: the new one would take the place of a device.
fn target(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Ok(target) if target.is_file() => Ok(target),
        Ok(_) => Err(io::Error::new(ErrorKind::InvalidInput, "it is there and no regular file")),
        Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => Ok(path.to_owned()),
        Err(error) => Err(error),
    }
}

/// A file of a name that nothing has yet, beside the one it will become; gone unless it does.
fn partial(path: &Path) -> io::Result<NamedTempFile> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or(OsStr::new("rows")).to_owned();
    name.push(".");
    // The mode that any new file has here: the umask takes its part.
    let mode = Permissions::from_mode(0o666);
    tempfile::Builder::new().prefix(&name).suffix(".partial").permissions(mode).tempfile_in(dir)
}
