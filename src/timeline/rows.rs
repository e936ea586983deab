//! Rows of landed changes in one append-only file, each with its checksum, so that a commit is scored with the vector read
//! before it landed. A damaged row is an error, never another row.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::Crc;
use serde::{Deserialize, Serialize};
use tempfile::TempPath;

use crate::label::Classification;
use crate::timeline::cache::CacheError;
use crate::timeline::place::InUse;

/// What the cache keeps of a landed change: enough to score it again without its diff.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its id.
    pub change_id: String,
    /// `t` of the change.
    pub committed_at: i64,
    /// Its kind.
    pub classification: Classification,
    /// Its vector.
    pub vector: Vec<f32>,
    /// Its hashed tokens.
    pub tokens: Vec<u32>,
}

/// How the name of a file without rows' own name begins.
const UNPUBLISHED: &str = ".rows-";

/// Rows one after the other in a file, each with its length and checksum; only ever appended to.
pub struct RowFile {
    file: BufWriter<File>,
    /// Where a new file stands until it takes the place of an earlier one, which others may still read.
    unpublished: Option<TempPath>,
    offsets: Vec<u64>,
    end: u64,
    /// What keeps its directory where it is.
    _in_use: Option<InUse>,
}

impl RowFile {
    /// Opens the file, cut back to the rows that `offsets` and `end` know of.
    ///
    /// # Errors
    /// When the file cannot be opened or is shorter than that.
    pub fn open(path: &Path, offsets: Vec<u64>, end: u64) -> Result<Self, CacheError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        if file.metadata()?.len() < end {
            return Err(CacheError::Damaged("the rows are cut short"));
        }
        file.set_len(end)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 20, file),
            unpublished: None,
            offsets,
            end,
            _in_use: None,
        })
    }

    /// A new file without rows, in a directory, under no name yet.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn new_in(dir: &Path) -> Result<Self, CacheError> {
        sweep(dir)?;
        let (file, path) = tempfile::Builder::new().prefix(UNPUBLISHED).tempfile_in(dir)?.into_parts();
        // Held for as long as the file is open: no lock, nobody who folds.
        file.try_lock().map_err(|error| CacheError::Io(error.into()))?;
        let file = BufWriter::with_capacity(1 << 20, file);
        Ok(Self { file, unpublished: Some(path), offsets: Vec::new(), end: 0, _in_use: None })
    }

    /// Keeps its directory in use for as long as the rows are.
    pub(super) fn holding(self, in_use: InUse) -> Self {
        Self { _in_use: Some(in_use), ..self }
    }

    /// Whether it has no name yet.
    pub(super) fn is_unpublished(&self) -> bool {
        self.unpublished.is_some()
    }

    /// Gives a new file its name. Whoever reads the file that had it goes on reading that.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub(super) fn publish(&mut self, path: &Path) -> Result<(), CacheError> {
        match self.unpublished.take() {
            Some(unpublished) => Ok(unpublished.persist(path).map_err(|err| err.error)?),
            None => Ok(()),
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// Where the rows start, and where the last one ends, in bytes.
    pub fn extent(&self) -> (&[u64], u64) {
        (&self.offsets, self.end)
    }

    /// Appends a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn push(&mut self, row: &Row) -> Result<(), CacheError> {
        let bytes = postcard::to_stdvec(row)?;
        let mut crc = Crc::new();
        crc.update(&bytes);
        let n_bytes = u32::try_from(bytes.len()).map_err(|_| CacheError::Damaged("a row is too long"))?;
        self.file.write_all(&n_bytes.to_le_bytes())?;
        self.file.write_all(&crc.sum().to_le_bytes())?;
        self.file.write_all(&bytes)?;
        self.offsets.push(self.end);
        self.end += 8 + u64::from(n_bytes);
        Ok(())
    }

    /// Hands everything to the disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn sync(&mut self) -> Result<(), CacheError> {
        self.file.flush()?;
        Ok(self.file.get_ref().sync_data()?)
    }

    /// How many rows are of changes that landed before a moment (Unix seconds); their times never fall.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn n_before(&mut self, t: i64) -> Result<usize, CacheError> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let row = self.read(middle, 1)?.pop();
            if row.is_some_and(|row| row.committed_at < t) { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    /// Reads the rows from `first` on, at most `n`.
    ///
    /// # Errors
    /// When they cannot be read or do not have their checksum.
    pub fn read(&mut self, first: usize, n: usize) -> Result<Vec<Row>, CacheError> {
        self.file.flush()?;
        let last = (first + n).min(self.offsets.len());
        let Some(&start) = self.offsets.get(first).filter(|_| first < last) else {
            return Ok(Vec::new());
        };
        let stop = self.offsets.get(last).copied().unwrap_or(self.end);
        let n_bytes =
            usize::try_from(stop - start).map_err(|_| CacheError::Damaged("the rows are too long"))?;
        let mut bytes = vec![0; n_bytes];
        let file = self.file.get_mut();
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut bytes)?;
        file.seek(SeekFrom::Start(self.end))?;
        let mut rest = bytes.as_slice();
        let mut rows = Vec::with_capacity(last - first);
        while !rest.is_empty() {
            let (row, after) = decode(rest)?;
            rows.push(row);
            rest = after;
        }
        Ok(rows)
    }
}

/// Removes what folds that were cut off have left.
fn sweep(dir: &Path) -> Result<(), CacheError> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNPUBLISHED)
            && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok())
        {
            // Somebody else may have removed it first.
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(())
}

fn decode(bytes: &[u8]) -> Result<(Row, &[u8]), CacheError> {
    let damaged = CacheError::Damaged("a row is cut short");
    let Some((head, rest)) = bytes.split_at_checked(8) else { return Err(damaged) };
    let word = |idx: usize| u32::from_le_bytes([head[idx], head[idx + 1], head[idx + 2], head[idx + 3]]);
    let Some((body, rest)) = rest.split_at_checked(word(0) as usize) else { return Err(damaged) };
    let mut crc = Crc::new();
    crc.update(body);
    if crc.sum() != word(4) {
        return Err(CacheError::Damaged("a row does not have its checksum"));
    }
    Ok((postcard::from_bytes(body)?, rest))
}
