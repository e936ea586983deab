//! Loose objects that end too early, as a full disk or a lost power supply leaves them: libgit2 waits for the rest of such a one
//! for ever, so that it must not be asked for it. Start at [`Loose::of`].

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use flate2::bufread::ZlibDecoder;
use git2::Oid;
use rustc_hash::FxHashMap;

/// Directories of objects behind one another that are looked into.
const MAX_ALTERNATES: usize = 16;

/// The loose objects of one directory, as far as they were looked at. The same for all who open it in this process: each is
/// inflated once.
#[derive(Default)]
pub(super) struct Loose {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// When each of its directories was changed last, by their names.
    changed: FxHashMap<String, SystemTime>,
    /// Bytes of those that are whole.
    sound: FxHashMap<Oid, u64>,
    cut: FxHashMap<Oid, Kind>,
}

/// What a loose object says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Blob,
    /// A commit, a tree or a tag, without which the history cannot be read; or nobody knows.
    Other,
}

impl Loose {
    /// What is known of the directories of a repository's objects, its own and those that it borrows from.
    pub(super) fn of(objects: &Path) -> Vec<(PathBuf, Arc<Self>)> {
        static KNOWN: LazyLock<Mutex<HashMap<PathBuf, Arc<Loose>>>> = LazyLock::new(Mutex::default);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |dir: PathBuf| {
            let loose = Arc::clone(known.entry(dir.clone()).or_default());
            (dir, loose)
        };
        with_alternates(objects).into_iter().map(of).collect()
    }

    /// Looks at what came since the last look, and answers the first object without which the history cannot be read.
    pub(super) fn look(&self, objects: &Path) -> Option<Oid> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in fs::read_dir(objects).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let is_one = name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            let changed = entry.metadata().and_then(|it| it.modified()).ok().filter(|_| is_one);
            if let Some(changed) = changed
                && seen.changed.get(&name) != Some(&changed)
            {
                seen.look_into(&entry.path(), &name);
                seen.changed.insert(name, changed);
            }
        }
        seen.look_again_at_cut(objects);
        seen.cut.iter().find(|(_, kind)| **kind == Kind::Other).map(|(oid, _)| *oid)
    }

    /// Whether an object ends too early, as it is now: one that was whole may be cut later, by whoever mends the disk.
    pub(super) fn is_cut(&self, objects: &Path, oid: Oid) -> bool {
        let path = path_of(objects, oid);
        // Most are packed.
        let Ok(metadata) = fs::metadata(&path) else { return false };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.check(oid, &path, metadata.len());
        seen.cut.contains_key(&oid)
    }
}

impl Seen {
    /// Looks at those that ended too early as they are now: they may have been fetched again, into a pack as well.
    fn look_again_at_cut(&mut self, objects: &Path) {
        for oid in self.cut.keys().copied().collect::<Vec<_>>() {
            let path = path_of(objects, oid);
            match fs::metadata(&path) {
                Ok(metadata) => self.check(oid, &path, metadata.len()),
                Err(_) => drop(self.cut.remove(&oid)),
            }
        }
    }

    fn look_into(&mut self, dir: &Path, first: &str) {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(oid) = name.to_str().and_then(|rest| Oid::from_str(&[first, rest].concat()).ok()) else {
                continue;
            };
            let n_bytes = entry.metadata().map_or(0, |metadata| metadata.len());
            self.check(oid, &entry.path(), n_bytes);
        }
    }

    /// Inflates an object, unless one of its length was whole.
    fn check(&mut self, oid: Oid, path: &Path, n_bytes: u64) {
        let was_sound = self.sound.get(&oid) == Some(&n_bytes);
        match (!was_sound).then(|| cut_kind(path)).flatten() {
            Some(kind) => {
                self.cut.insert(oid, kind);
            }
            None => {
                self.cut.remove(&oid);
                self.sound.insert(oid, n_bytes);
            }
        }
    }
}

/// Where a loose object lies.
fn path_of(objects: &Path, oid: Oid) -> PathBuf {
    let hex = oid.to_string();
    objects.join(&hex[..2]).join(&hex[2..])
}

/// What an object is that ends too early; none of one that does not, or that libgit2 refuses by itself.
fn cut_kind(path: &Path) -> Option<Kind> {
    let mut file = BufReader::new(File::open(path).ok()?);
    // Nothing at all is refused at once.
    if file.fill_buf().ok()?.is_empty() {
        return None;
    }
    let mut inflated = BufReader::new(ZlibDecoder::new(file));
    let mut head = Vec::with_capacity(32);
    let is_early = |error: &io::Error| error.kind() == ErrorKind::UnexpectedEof;
    if let Err(error) = inflated.by_ref().take(32).read_until(0, &mut head) {
        return is_early(&error).then_some(Kind::Other);
    }
    let kind = if head.starts_with(b"blob ") { Kind::Blob } else { Kind::Other };
    let size = std::str::from_utf8(&head)
        .ok()
        .and_then(|head| head.trim_end_matches('\0').split(' ').nth(1)?.parse().ok());
    match io::copy(&mut inflated, &mut io::sink()) {
        Ok(n_bytes) => size.is_some_and(|size: u64| n_bytes < size).then_some(kind),
        Err(error) => is_early(&error).then_some(kind),
    }
}

/// A directory of objects and those that it borrows from, each once.
fn with_alternates(objects: &Path) -> Vec<PathBuf> {
    let mut dirs = vec![objects.to_owned()];
    let mut idx = 0;
    while let Some(dir) = dirs.get(idx).cloned() {
        let lines = fs::read_to_string(dir.join("info/alternates")).unwrap_or_default();
        for line in lines.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let other = dir.join(line);
            if dirs.len() < MAX_ALTERNATES && !dirs.contains(&other) {
                dirs.push(other);
            }
        }
        idx += 1;
    }
    dirs
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    fn packed(content: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_ends_too_early_is_told_from_what_is_only_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("object");
        let kind = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            cut_kind(&path)
        };
        let body: String = (0..400).map(|n| format!("{n}: {}\n", n * 7919 % 1009)).collect();
        let blob = packed(format!("blob {}\0{body}", body.len()).as_bytes());
        let tree = packed(format!("tree {}\0{body}", body.len()).as_bytes());
        assert_eq!(kind(&blob), None);
        assert_eq!(kind(&blob[..blob.len() / 2]), Some(Kind::Blob));
        assert_eq!(kind(&tree[..tree.len() - 1]), Some(Kind::Other));
        assert_eq!(kind(&blob[..4]), Some(Kind::Other), "nobody knows what it was");
        assert_eq!(kind(&[]), None);
        assert_eq!(kind(&vec![0; blob.len()]), None, "refused by itself");
        assert_eq!(kind(&packed(b"blob 9\0abc")), Some(Kind::Blob), "shorter than it says");
    }
}
