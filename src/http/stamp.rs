//! What tells one version of a file from the next.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Of a file that is followed: also whose it is, and who may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: (i64, i64),
    changed: (i64, i64),
    n_bytes: u64,
    inode: u64,
    mode: u32,
}

impl Stamp {
    /// Of the file as it is now; none where it cannot be looked at.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            n_bytes: metadata.len(),
            inode: metadata.ino(),
            mode: metadata.mode(),
        })
    }
}

/// Reads a file whole. What is no file (a pipe, a device) is refused before it is opened: reading would wait for a writer.
pub(super) fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    std::fs::read(path)
}

/// The same as a text.
pub(super) fn read_text(path: &Path) -> std::io::Result<String> {
    String::from_utf8(read(path)?).map_err(|_| std::io::Error::other("not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn another_mode_is_another_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        std::fs::write(&path, "").unwrap();
        let set = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        set(0o644);
        let before = Stamp::of(&path);
        set(0o600);
        assert!(before.is_some() && Stamp::of(&path) != before);
    }
}
