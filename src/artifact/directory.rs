//! An artifact on disk: its four files, their sums and the digest that names it. Whatever leaves this file has passed
//! all checks; nothing is loaded in part. Start at [`Artifact::load`].

use std::borrow::Cow;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::artifact::check::schema_hash;
use crate::artifact::document::{Document, FeatureRef, TABLE, Twins};
use crate::features::{CUSTOM_REVISION, is_custom, schema};

/// More than any file of an artifact.
const MAX_FILE_BYTES: u64 = 1 << 30;
const MODEL_FILE: &str = "model.json";
const TWINS_FILE: &str = "twins.json";
const CARD_FILE: &str = "MODEL_CARD.md";
const SUMS_FILE: &str = "SHA256SUMS";

/// A checked artifact: its document, its card, its twins and the digest that names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    document: Document,
    card: String,
    /// Text of their file. Megabytes that a service never reads: those of the published artifact stay where they lie.
    twins: Option<Cow<'static, str>>,
    digest: String,
}

/// Why an artifact was refused or could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The artifact is not what was written, or not for this build.
    #[error("artifact refused: {0}")]
    Refused(String),
    /// A name alone does not say which model.
    #[error("`{name}` has several versions, name one as `{name}@VERSION`: {}", versions.join(", "))]
    Ambiguous {
        /// The name.
        name: String,
        /// Its versions.
        versions: Vec<String>,
    },
    /// There is no such model.
    #[error("there is no model `{0}` in the registry")]
    Unknown(String),
}

impl Artifact {
    /// Puts a finished document together and checks it as if it had been read.
    ///
    /// # Errors
    /// [`Error::Refused`] where it does not hold together.
    pub fn new(document: Document, card: String, twins: &Twins) -> Result<Self, Error> {
        twins.check(&document)?;
        let is_empty = twins.twins.is_empty() && twins.samples.is_empty();
        let twins = (!is_empty).then(|| to_json(twins)).transpose()?;
        Self::from_parts(&to_json(&document)?, card, twins.map(Cow::Owned))
    }

    /// Reads and checks the three texts of an artifact.
    pub(super) fn from_parts(
        model: &str,
        card: String,
        twins: Option<Cow<'static, str>>,
    ) -> Result<Self, Error> {
        let document: Document =
            serde_json::from_str(model).map_err(|err| Error::Refused(format!("`{MODEL_FILE}`: {err}")))?;
        document.check()?;
        Ok(Self { document, card, twins, digest: hex::encode(Sha256::digest(model.as_bytes())) })
    }

    /// Reads an artifact directory.
    ///
    /// # Errors
    /// [`Error::Io`] where a file is missing, [`Error::Refused`] on any mismatch: checksums, layout,
    /// schema, structure, golden rows.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        let sums = read(&dir.join(SUMS_FILE))?;
        let model = read(&dir.join(MODEL_FILE))?;
        let card = read(&dir.join(CARD_FILE))?;
        let twins_path = dir.join(TWINS_FILE);
        let twins = twins_path.exists().then(|| read(&twins_path)).transpose()?;
        if sums != sums_of(&model, &card, twins.as_deref()) {
            return Err(Error::Refused(format!(
                "`{SUMS_FILE}` does not belong to the files in `{}`",
                dir.display()
            )));
        }
        Self::from_parts(&model, card, twins.map(Cow::Owned))
    }

    /// Writes the directory: the document, its card, its twins and their checksums. An artifact that is there stays
    /// whole until all of this one is on disk, and leaves none of its files behind.
    ///
    /// # Errors
    /// [`Error::Io`] where a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), Error> {
        let model = to_json(&self.document)?;
        fs::create_dir_all(dir).map_err(failed("create", dir))?;
        let sums = sums_of(&model, &self.card, self.twins.as_deref());
        let texts = [
            (MODEL_FILE, Some(model.as_str())),
            (CARD_FILE, Some(&self.card)),
            (TWINS_FILE, self.twins.as_deref()),
            (SUMS_FILE, Some(&sums)),
        ];
        let mut written = Vec::new();
        for (name, text) in texts {
            let path = dir.join(name);
            let partial = text.map(|text| partial(dir, text).map_err(failed("write", &path))).transpose()?;
            written.push((path, partial));
        }
        for (path, partial) in written {
            let replaced = match partial {
                Some(partial) => partial.persist(&path).map(drop).map_err(|error| error.error),
                None if path.exists() => fs::remove_file(&path),
                None => Ok(()),
            };
            replaced.map_err(failed("write", &path))?;
        }
        Ok(())
    }

    /// Everything a score depends on.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The model card, as Markdown.
    pub fn card(&self) -> &str {
        &self.card
    }

    /// SHA-256 of the document, in hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The first 12 hex digits of the digest.
    pub fn version(&self) -> &str {
        &self.digest[..12]
    }

    /// The leave-out twins; empty where there are none.
    ///
    /// # Errors
    /// [`Error::Refused`] where they do not hold together.
    pub fn twins(&self) -> Result<Twins, Error> {
        let Some(text) = &self.twins else { return Ok(Twins::default()) };
        let twins: Twins =
            serde_json::from_str(text).map_err(|err| Error::Refused(format!("`{TWINS_FILE}`: {err}")))?;
        twins.check(&self.document)?;
        Ok(twins)
    }

    /// Position in `names` of every value that the model needs, in its order. Names beyond those are
    /// ignored.
    ///
    /// # Errors
    /// [`Error::Refused`] names the first value that is missing or has another revision.
    pub fn columns(&self, names: &[(&str, u32)]) -> Result<Vec<usize>, Error> {
        let position = |feature: &FeatureRef| {
            let found = names.iter().position(|(name, _)| *name == feature.name);
            match found {
                Some(idx) if names[idx].1 == feature.revision => Ok(idx),
                Some(idx) => Err(Error::Refused(format!(
                    "it needs revision {} of feature `{}`, here is revision {}",
                    feature.revision, feature.name, names[idx].1
                ))),
                None => Err(Error::Refused(format!("it needs feature `{}`, which is missing", feature.name))),
            }
        };
        self.document.schema.iter().map(position).collect()
    }

    /// Whether this build computes what the model needs. Custom features come with a change, the columns of a table with
    /// whatever is scored.
    ///
    /// # Errors
    /// [`Error::Refused`] names the first feature that is missing or has another revision.
    pub fn check_features(&self) -> Result<(), Error> {
        if self.document.unit == TABLE {
            return Ok(());
        }
        let needed = self.document.schema.iter().map(|feature| feature.name.as_str());
        let custom = needed.filter(|name| is_custom(name)).map(|name| (name, CUSTOM_REVISION));
        self.columns(&schema().revisions().chain(custom).collect::<Vec<_>>()).map(drop)
    }
}

impl Document {
    /// The hash of a schema, as stored beside it.
    pub fn hash_of(schema: &[FeatureRef]) -> String {
        schema_hash(schema.iter().map(|feature| (feature.name.as_str(), feature.revision)))
    }
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    let text = serde_json::to_string(value).map_err(|err| Error::Refused(err.to_string()))?;
    Ok(text + "\n")
}

fn sums_of(model: &str, card: &str, twins: Option<&str>) -> String {
    let line = |text: &str, name: &str| format!("{}  {name}\n", hex::encode(Sha256::digest(text.as_bytes())));
    let twins = twins.map_or(String::new(), |twins| line(twins, TWINS_FILE));
    line(card, CARD_FILE) + &line(model, MODEL_FILE) + &twins
}

/// Reads a file that ends: a pipe or a device would be read for good.
pub(super) fn read(path: &Path) -> Result<String, Error> {
    let metadata = fs::metadata(path).map_err(failed("read", path))?;
    if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
        let shown = path.display();
        return Err(Error::Refused(format!("`{shown}` is no file of at most {MAX_FILE_BYTES} bytes")));
    }
    fs::read_to_string(path).map_err(failed("read", path))
}

/// A text on disk under a name that nothing has yet; gone unless it is given another.
pub(super) fn partial(dir: &Path, text: &str) -> io::Result<NamedTempFile> {
    // The mode that any new file has here: the umask takes its part.
    let mode = Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().suffix(".partial").permissions(mode).tempfile_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { doing, path: path.to_owned(), source }
}
