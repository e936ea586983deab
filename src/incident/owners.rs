//! Who owns a path, as files in the repository say it.

use crate::incident::Error;
use crate::incident::codeowners::CodeOwners;
use crate::incident::kubernetes::OwnersFiles;

/// Ownership as declared by files of the repository.
#[derive(Clone, Debug, Default)]
pub struct Owners(Kind);

#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    Nobody,
    CodeOwners(CodeOwners),
    OwnersFiles(OwnersFiles),
}

impl Owners {
    /// Reads a GitHub CODEOWNERS file: the last pattern that matches wins.
    ///
    /// # Errors
    /// When a pattern cannot be understood; the line is named.
    pub fn from_codeowners(text: &str) -> Result<Self, Error> {
        Ok(Self(Kind::CodeOwners(CodeOwners::parse(text)?)))
    }

    /// Takes Kubernetes OWNERS files, each with the directory that it stands in (`""` for the
    /// root), and optionally an OWNERS_ALIASES file (named by the directory `OWNERS_ALIASES`).
    pub fn from_owners_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(Kind::OwnersFiles(OwnersFiles::parse(files)))
    }

    /// The owners of a path in the order that the file names them; empty where nobody owns it.
    pub fn owners_of(&self, path: &str) -> Vec<String> {
        match &self.0 {
            Kind::Nobody => Vec::new(),
            Kind::CodeOwners(code_owners) => code_owners.owners_of(path),
            Kind::OwnersFiles(owners_files) => owners_files.owners_of(path),
        }
    }
}
