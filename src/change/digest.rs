//! The identity of a change's content: what it removes and adds, and nothing else.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::change::{ChangeRecord, FileContent, FileDiff, FileStatus, LineOrigin};

/// SHA-256 over the sorted paths with their removed and added lines. Line numbers, context,
/// author and message do not count, so it survives a rebase and a clean cherry-pick. Binary files
/// count by path alone, as a diff shows no more of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// A text that is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a digest: expected `sha256:` and 64 hexadecimal digits")]
pub struct NotADigest;

/// The digest of a record.
pub fn digest(record: &ChangeRecord) -> Digest {
    let mut files: Vec<&FileDiff> = record.files.iter().collect();
    files.sort_by(|one, two| one.sort_key().cmp(&two.sort_key()));
    let mut hasher = Sha256::new();
    hasher.update(b"diffrisk change 1\0");
    for file_diff in files {
        hash_file(file_diff, &mut hasher);
    }
    Digest(hasher.finalize().into())
}

fn hash_file(file_diff: &FileDiff, hasher: &mut Sha256) {
    for path in [&file_diff.old_path, &file_diff.new_path] {
        hash_text(path.as_deref().unwrap_or(""), hasher);
    }
    let (old_mode, new_mode) = (file_diff.old_mode, file_diff.new_mode);
    let changes_mode = file_diff.status != FileStatus::Added && old_mode != new_mode && new_mode != 0;
    let modes = if changes_mode { (old_mode, new_mode) } else { (0, 0) };
    hasher.update(modes.0.to_le_bytes());
    hasher.update(modes.1.to_le_bytes());
    hasher.update([match file_diff.content {
        FileContent::Text(_) => 0,
        FileContent::Binary => 1,
        FileContent::Unread => 2,
    }]);
    for origin in [LineOrigin::Deleted, LineOrigin::Added] {
        hash_lines(file_diff, origin, hasher);
    }
}

fn hash_lines(file_diff: &FileDiff, origin: LineOrigin, hasher: &mut Sha256) {
    let lines = || file_diff.hunks().iter().flat_map(|hunk| &hunk.lines).filter(|line| line.origin == origin);
    hasher.update((lines().count() as u64).to_le_bytes());
    for line in lines() {
        hash_text(&line.text, hasher);
        hasher.update([u8::from(line.no_newline)]);
    }
}

/// With its length before it, so that no two lists of texts look the same.
fn hash_text(text: &str, hasher: &mut Sha256) {
    hasher.update((text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let digits = text.strip_prefix("sha256:").ok_or(NotADigest)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| NotADigest)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = NotADigest;

    fn try_from(text: String) -> Result<Self, NotADigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}
