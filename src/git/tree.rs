//! What differs between two trees: paths with the mode and object on either side.
//!
//! Reads raw tree objects itself, because libgit2 expands both trees whole while most subtrees of
//! two neighbouring commits are the same object and need no look.

use std::cmp::Ordering;
use std::rc::Rc;

use git2::{Odb, Oid};

use crate::git::Repository;
use crate::git::cache::Cache;

const DIRECTORY: u32 = 0o040_000;
/// Trees deeper than this are hostile (git refuses from 2,048) and would cost a thread its stack.
const MAX_DEPTH: usize = 512;
const CACHE_BYTES: usize = 32 << 20;

/// A file on one side of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// Git mode, in git's canonical form.
    pub(super) mode: u32,
    /// The object.
    pub(super) oid: Oid,
}

/// A path that differs between two trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Path from the root, as bytes.
    pub(super) path: Vec<u8>,
    /// What stood there before.
    pub(super) old: Option<Node>,
    /// What stands there now.
    pub(super) new: Option<Node>,
}

/// Reads and remembers tree objects.
pub(super) struct Trees<'repo> {
    repository: &'repo Repository,
    odb: &'repo Odb<'repo>,
    cache: Cache<Oid, Rc<[u8]>>,
    n_unreadable: usize,
}

impl<'repo> Trees<'repo> {
    /// Trees of one object database.
    pub(super) fn new(repository: &'repo Repository, odb: &'repo Odb<'repo>) -> Self {
        Self { repository, odb, cache: Cache::new(CACHE_BYTES), n_unreadable: 0 }
    }

    /// The paths that differ, in the order of git's diff, and how many trees could not be read.
    /// None stands for the empty tree.
    pub(super) fn diff(&mut self, old: Option<Oid>, new: Option<Oid>) -> (Vec<Entry>, usize) {
        let mut entries = Vec::new();
        self.n_unreadable = 0;
        self.descend(old, new, &mut Vec::new(), 0, &mut entries);
        (entries, self.n_unreadable)
    }

    fn descend(
        &mut self,
        old: Option<Oid>,
        new: Option<Oid>,
        prefix: &mut Vec<u8>,
        depth: usize,
        entries: &mut Vec<Entry>,
    ) {
        if old == new {
            return;
        }
        let (Some(old_raw), Some(new_raw)) = (self.read(old), self.read(new)) else {
            self.n_unreadable += 1;
            return;
        };
        if depth > MAX_DEPTH {
            self.n_unreadable += 1;
            return;
        }
        let mut old_items = Items { raw: &old_raw }.peekable();
        let mut new_items = Items { raw: &new_raw }.peekable();
        loop {
            let order = match (old_items.peek(), new_items.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old_item), Some(new_item)) => old_item.cmp_name(new_item),
            };
            let old_item = if order.is_le() { old_items.next() } else { None };
            let new_item = if order.is_ge() { new_items.next() } else { None };
            self.pair(old_item, new_item, prefix, depth, entries);
        }
    }

    fn pair(
        &mut self,
        old: Option<Item<'_>>,
        new: Option<Item<'_>>,
        prefix: &mut Vec<u8>,
        depth: usize,
        entries: &mut Vec<Entry>,
    ) {
        let Some(item) = new.or(old) else { return };
        let (old, new) = (old.map(|item| item.node), new.map(|item| item.node));
        if old == new {
            return;
        }
        let prefix_len = prefix.len();
        prefix.extend_from_slice(item.name);
        if item.node.mode == DIRECTORY {
            prefix.push(b'/');
            self.descend(old.map(|node| node.oid), new.map(|node| node.oid), prefix, depth + 1, entries);
        } else {
            entries.push(Entry { path: prefix.clone(), old, new });
        }
        prefix.truncate(prefix_len);
    }

    fn read(&mut self, oid: Option<Oid>) -> Option<Rc<[u8]>> {
        let Some(oid) = oid else { return Some(Rc::from([])) };
        if let Some(raw) = self.cache.get(&oid) {
            return Some(raw);
        }
        if self.repository.is_cut(oid) {
            return None;
        }
        let object = self.odb.read(oid).ok()?;
        let raw: Rc<[u8]> = Rc::from(object.data());
        if is_ambiguous(&raw) {
            return None;
        }
        self.cache.put(oid, Rc::clone(&raw), raw.len());
        Some(raw)
    }
}

/// Whether a tree names something twice, or a path by one name, or ends in something that is no entry: a diff shows other files
/// than a checkout has. `git fsck` refuses such a tree as well.
fn is_ambiguous(raw: &[u8]) -> bool {
    let mut before: &[u8] = b"";
    let mut items = Items { raw };
    let is_odd = items.by_ref().any(|item| {
        let is_odd = item.name == before || memchr::memchr(b'/', item.name).is_some();
        before = item.name;
        is_odd
    });
    is_odd || !items.raw.is_empty()
}

/// One line of a tree object.
#[derive(Clone, Copy)]
struct Item<'raw> {
    name: &'raw [u8],
    node: Node,
}

impl Item<'_> {
    /// Git's order of names: a directory sorts as if its name ended in a slash.
    fn cmp_name(&self, other: &Item<'_>) -> Ordering {
        let n_common = self.name.len().min(other.name.len());
        let common = self.name[..n_common].cmp(&other.name[..n_common]);
        common.then_with(|| self.byte_at(n_common).cmp(&other.byte_at(n_common)))
    }

    fn byte_at(&self, idx: usize) -> u8 {
        let end = if self.node.mode == DIRECTORY { b'/' } else { 0 };
        self.name.get(idx).copied().unwrap_or(end)
    }
}

/// The lines of a raw tree object (`mode name NUL id`); ends at the first malformed one.
struct Items<'raw> {
    raw: &'raw [u8],
}

impl<'raw> Iterator for Items<'raw> {
    type Item = Item<'raw>;

    fn next(&mut self) -> Option<Item<'raw>> {
        let space_idx = self.raw.iter().position(|&byte| byte == b' ')?;
        let (mode, rest) = (&self.raw[..space_idx], &self.raw[space_idx + 1..]);
        let nul_idx = memchr::memchr(0, rest)?;
        let (name, rest) = (&rest[..nul_idx], &rest[nul_idx + 1..]);
        let oid = Oid::from_bytes(rest.get(..20)?).ok()?;
        let mode = canonical_mode(mode)?;
        self.raw = &rest[20..];
        Some(Item { name, node: Node { mode, oid } })
    }
}

/// Git shows only six modes, whatever a tree holds.
fn canonical_mode(octal: &[u8]) -> Option<u32> {
    let digits = octal.iter().map(|&byte| (b'0'..=b'7').contains(&byte).then(|| u32::from(byte - b'0')));
    let mode = digits.take(8).try_fold(0, |mode, digit| Some(mode * 8 + digit?))?;
    Some(match mode & 0o170_000 {
        0o100_000 if mode & 0o100 != 0 => 0o100_755,
        0o100_000 => 0o100_644,
        0o120_000 => 0o120_000,
        0o040_000 => DIRECTORY,
        _ => 0o160_000,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_modes_are_shown_as_git_shows_them() {
        assert_eq!(canonical_mode(b"100664"), Some(0o100_644));
        assert_eq!(canonical_mode(b"40000"), Some(DIRECTORY));
        assert_eq!(canonical_mode(b"160000"), Some(0o160_000));
        assert_eq!(canonical_mode(b"1x"), None);
    }

    #[test]
    fn a_tree_that_means_two_things_is_told() {
        let tree = |names: &[&str]| -> Vec<u8> {
            let line = |name: &&str| [b"100644 ", name.as_bytes(), b"\0", &[7; 20]].concat();
            names.iter().flat_map(line).collect()
        };
        assert!(!is_ambiguous(&tree(&["a", "a.yaml", "b"])));
        assert!(is_ambiguous(&tree(&["a", "b", "b", "c"])));
        assert!(is_ambiguous(&tree(&["a", "prod/web.yaml"])));
    }

    #[test]
    fn a_directory_sorts_as_if_its_name_ended_in_a_slash() {
        let item = |name, mode| Item { name, node: Node { mode, oid: Oid::ZERO_SHA1 } };
        let (file, directory) = (item(b"a.b".as_slice(), 0o100_644), item(b"a".as_slice(), DIRECTORY));
        assert_eq!(directory.cmp_name(&file), Ordering::Greater);
        assert_eq!(item(b"a", 0o100_644).cmp_name(&file), Ordering::Less);
        assert_eq!(item(b"a", 0o100_644).cmp_name(&directory), Ordering::Less);
    }

    #[test]
    fn a_broken_tree_ends_at_the_break() {
        let mut raw = b"100644 a\0".to_vec();
        raw.extend([7; 20]);
        raw.extend(b"100644 b\0short");
        assert_eq!(Items { raw: &raw }.count(), 1);
    }
}
