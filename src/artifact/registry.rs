//! Artifacts by name and version in one directory, and which of them is in use. An artifact is loaded and checked before
//! it is added or promoted, also for whether this build has its features; the file that names it is replaced whole. Start at
//! [`Registry`].

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::artifact::directory::{Artifact, Error, partial, read};

/// The file that names the model in use.
const DEFAULT_FILE: &str = "default";
/// The file that names the one before it.
const PREVIOUS_FILE: &str = "previous";

/// A directory of artifacts, `<name>/<version>/`, and the file `default` that names one.
#[derive(Clone, Debug)]
pub struct Registry {
    root: PathBuf,
}

/// Name and version of one artifact, written `name/version`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModelName {
    /// Name.
    pub name: String,
    /// First 12 hex digits of the digest.
    pub version: String,
}

impl Registry {
    /// The registry below a directory.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The registry whose `default` file a path is, there or not yet; none for any other path.
    pub fn of_default_file(path: &Path) -> Option<Self> {
        let is_default = path.file_name().is_some_and(|name| name == DEFAULT_FILE) && !path.is_dir();
        // The directory of a name alone is the one that the process is in.
        let root = |dir: &Path| Self::at(if dir.as_os_str().is_empty() { Path::new(".") } else { dir });
        path.parent().filter(|_| is_default).map(root)
    }

    /// The artifact that a path leads to: a registry's `default` file, or an artifact directory.
    ///
    /// # Errors
    /// Where there is none, or it is refused.
    pub fn artifact_at(path: &Path) -> Result<Artifact, Error> {
        match Self::of_default_file(path) {
            Some(registry) => registry.load(&registry.current()?),
            None => Artifact::load(path),
        }
    }

    /// All artifacts, by name and version; unreadable directories are passed over.
    pub fn list(&self) -> Vec<ModelName> {
        let mut found = Vec::new();
        for name in sub_dirs(&self.root) {
            for version in sub_dirs(&self.root.join(&name)) {
                found.push(ModelName { name: name.clone(), version });
            }
        }
        found.sort();
        found
    }

    /// Loads an artifact and holds it to its name.
    ///
    /// # Errors
    /// Where it is missing, refused, or its digest is not the version it stands under.
    pub fn load(&self, model_name: &ModelName) -> Result<Artifact, Error> {
        let dir = self.root.join(&model_name.name).join(&model_name.version);
        if !dir.is_dir() {
            return Err(Error::Unknown(model_name.to_string()));
        }
        let artifact = Artifact::load(&dir)?;
        if artifact.version() != model_name.version {
            return Err(Error::Refused(format!("`{model_name}` holds version `{}`", artifact.version())));
        }
        Ok(artifact)
    }

    /// Finds `name`, `name@version` or `name/version`; a bare name must have one version.
    ///
    /// # Errors
    /// [`Error::Unknown`] where there is none, [`Error::Ambiguous`] where there is more than one.
    pub fn find(&self, wanted: &str) -> Result<ModelName, Error> {
        let (name, version) = match wanted.split_once(['@', '/']) {
            Some((name, version)) => (name, Some(version)),
            None => (wanted, None),
        };
        let fits =
            |found: &ModelName| found.name == name && version.is_none_or(|version| found.version == version);
        let matching: Vec<ModelName> = self.list().into_iter().filter(fits).collect();
        match matching.as_slice() {
            [] => Err(Error::Unknown(wanted.to_owned())),
            [found] => Ok(found.clone()),
            several => {
                let versions = several.iter().map(|found| found.version.clone()).collect();
                Err(Error::Ambiguous { name: name.to_owned(), versions })
            }
        }
    }

    /// The model in use.
    ///
    /// # Errors
    /// Where no `default` file can be read or it does not hold `name/version`.
    pub fn current(&self) -> Result<ModelName, Error> {
        self.named_by(DEFAULT_FILE)
    }

    /// Puts an artifact into the registry and answers its name.
    ///
    /// # Errors
    /// Where this build cannot serve it, or it cannot be written.
    pub fn add(&self, artifact: &Artifact) -> Result<ModelName, Error> {
        let model_name =
            ModelName { name: artifact.document().name.clone(), version: artifact.version().to_owned() };
        if !ModelName::is_step(&model_name.name) || !ModelName::is_step(&model_name.version) {
            return Err(Error::Refused(format!("`{model_name}` is no name and version of a model")));
        }
        artifact.check_features()?;
        artifact.save(&self.root.join(&model_name.name).join(&model_name.version))?;
        Ok(model_name)
    }

    /// Makes an artifact the one in use, after loading and checking it. The one in use already leaves the one
    /// before it as it is.
    ///
    /// # Errors
    /// Where it is refused, or would be at a start; the one in use then stays.
    pub fn promote(&self, model_name: &ModelName) -> Result<(), Error> {
        self.load(model_name)?.check_features()?;
        match self.current() {
            Ok(current) if current == *model_name => return Ok(()),
            Ok(current) => self.write(PREVIOUS_FILE, &current)?,
            Err(Error::Io { doing, path, source }) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Io { doing, path, source });
            }
            // None yet, or a file that names none: there is no way back to keep.
            Err(_) => {}
        }
        self.write(DEFAULT_FILE, model_name)
    }

    /// Goes back to the artifact in use before; doing it twice returns.
    ///
    /// # Errors
    /// Where there was none or it is refused.
    pub fn rollback(&self) -> Result<ModelName, Error> {
        if !self.root.join(PREVIOUS_FILE).exists() {
            let why = format!("nothing in `{}` was in use before: there is no way back", self.root.display());
            return Err(Error::Refused(why));
        }
        let previous = self.named_by(PREVIOUS_FILE)?;
        self.promote(&previous)?;
        Ok(previous)
    }

    fn named_by(&self, file: &str) -> Result<ModelName, Error> {
        let path = self.root.join(file);
        let text = read(&path)?;
        match text.trim().split_once('/') {
            Some((name, version)) => Ok(ModelName { name: name.to_owned(), version: version.to_owned() }),
            None => Err(Error::Refused(format!("`{}` does not hold `name/version`", path.display()))),
        }
    }

    fn write(&self, file: &str, model_name: &ModelName) -> Result<(), Error> {
        let path = self.root.join(file);
        let write = || -> io::Result<()> {
            let written = partial(&self.root, &format!("{model_name}\n"))?;
            written.persist(&path).map_err(|error| error.error)?;
            fs::File::open(&self.root)?.sync_all()
        };
        write().map_err(|source| Error::Io { doing: "write", path, source })
    }
}

impl ModelName {
    /// Whether a text can be a name or a version: one step of a path, and nothing else may reach the file system.
    pub fn is_step(text: &str) -> bool {
        let is_ordinary = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        (1..=100).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(is_ordinary)
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.version)
    }
}

fn sub_dirs(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let names = entries.flatten().filter(|entry| entry.path().is_dir());
    names.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
