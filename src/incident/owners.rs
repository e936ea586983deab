//! Who owns a path, as files in the repository say it.

use crate::incident::Error;
use crate::incident::codeowners::CodeOwners;

/// Ownership as a file of the repository declares it; by default nobody owns anything.
#[derive(Clone, Debug, Default)]
pub struct Owners(Option<CodeOwners>);

impl Owners {
    /// Reads a CODEOWNERS file as GitHub does: the last pattern that matches wins. One with sections is GitLab's: the last of
    /// each section, and a path that begins without a slash is found at any depth.
    ///
    /// # Errors
    /// When the file is empty, or a pattern cannot be understood; the line is named.
    pub fn from_codeowners(text: &str) -> Result<Self, Error> {
        Ok(Self(Some(CodeOwners::parse(text)?)))
    }

    /// The owners of a path in the order that the file names them; empty where nobody owns it.
    pub fn owners_of(&self, path: &str) -> Vec<String> {
        self.0.as_ref().map_or_else(Vec::new, |code_owners| code_owners.owners_of(path))
    }
}
