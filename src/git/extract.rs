//! One change out of two trees: the canonical diff, and what of it could not be read.

use std::rc::Rc;

use git2::{Odb, Oid};

use crate::change::{ChangeRecord, FileContent, FileDiff, FileStatus};
use crate::git::Repository;
use crate::git::content::{Bytes, Content, Contents};
use crate::git::lines;
use crate::git::rename::{self, Pair};
use crate::git::tree::{Entry, Node, Trees};

/// How much of a change is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A larger blob is counted as huge and not read.
    pub max_blob_bytes: usize,
    /// A change of more files keeps its list of files, but no lines and no renames.
    pub max_files: usize,
    /// Memory for blobs that one worker keeps.
    pub blob_cache_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_blob_bytes: 8 << 20, max_files: 10_000, blob_cache_bytes: 64 << 20 }
    }
}

/// What could not be read as lines, in one change or in many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files with a side that is missing or broken, and trees that are.
    pub n_unreadable: usize,
    /// Files that git calls binary.
    pub n_binary: usize,
    /// Files with a side above [`Limits::max_blob_bytes`].
    pub n_huge: usize,
    /// Changes of more than [`Limits::max_files`] files.
    pub n_oversized: usize,
}

impl Counts {
    /// Adds the counts of another change.
    pub(super) fn add(&mut self, other: Self) {
        self.n_unreadable += other.n_unreadable;
        self.n_binary += other.n_binary;
        self.n_huge += other.n_huge;
        self.n_oversized += other.n_oversized;
    }
}

/// Reads changes of one repository on one thread, keeping what neighbours share.
pub(super) struct Extractor<'repo> {
    repository: &'repo Repository,
    trees: Trees<'repo>,
    contents: Contents<'repo>,
    limits: Limits,
    counts: Counts,
    last_tree: Option<(Oid, Oid)>,
}

impl<'repo> Extractor<'repo> {
    /// An extractor over an open repository and its object database.
    pub(super) fn new(repository: &'repo Repository, odb: &'repo Odb<'repo>, limits: Limits) -> Self {
        let contents = Contents::new(repository, odb, limits);
        Self {
            repository,
            trees: Trees::new(repository, odb),
            contents,
            limits,
            counts: Counts::default(),
            last_tree: None,
        }
    }

    /// The repository it reads.
    pub(super) fn repository(&self) -> &'repo Repository {
        self.repository
    }

    /// The tree of a commit read a moment ago: a parent mostly is.
    pub(super) fn last_tree(&self, commit: Oid) -> Option<Oid> {
        self.last_tree.filter(|(oid, _)| *oid == commit).map(|(_, tree)| tree)
    }

    /// Remembers the tree of the commit that is read now.
    pub(super) fn remember_tree(&mut self, commit: Oid, tree: Oid) {
        self.last_tree = Some((commit, tree));
    }

    /// The canonical diff between two trees; none stands for the empty tree.
    pub(super) fn record(&mut self, old: Option<Oid>, new: Option<Oid>) -> (ChangeRecord, Counts) {
        self.counts = Counts::default();
        let (entries, n_unreadable) = self.trees.diff(old, new);
        self.counts.n_unreadable = n_unreadable;
        let files = if entries.len() > self.limits.max_files {
            self.counts.n_oversized = 1;
            entries.into_iter().flat_map(list_only).collect()
        } else {
            self.files(entries)
        };
        (ChangeRecord { files, partial: false }, self.counts)
    }

    /// The paths of all files in a tree.
    pub(super) fn paths(&mut self, tree: Oid) -> Vec<String> {
        let (entries, _) = self.trees.diff(None, Some(tree));
        entries.iter().map(|entry| String::from_utf8_lossy(&entry.path).into_owned()).collect()
    }

    fn files(&mut self, entries: Vec<Entry>) -> Vec<FileDiff> {
        let pairs = rename::join(entries, &mut self.contents);
        let pairs = pairs.into_iter().flat_map(split_type_change);
        pairs.map(|pair| self.file(&pair)).collect()
    }

    fn file(&mut self, pair: &Pair) -> FileDiff {
        let content = self.content(node_of(&pair.old), node_of(&pair.new));
        file_of(pair, content)
    }

    fn content(&mut self, old: Option<Node>, new: Option<Node>) -> FileContent {
        if old.map(|node| node.oid) == new.map(|node| node.oid) {
            return FileContent::Text(Vec::new());
        }
        let empty = || Content::Text(Bytes::Made(Rc::from([])));
        let old_content = old.map_or_else(empty, |node| self.contents.read(node));
        let new_content = new.map_or_else(empty, |node| self.contents.read(node));
        match (old_content, new_content) {
            (Content::Unreadable, _) | (_, Content::Unreadable) => self.unreadable(),
            (Content::Huge { .. }, _) | (_, Content::Huge { .. }) => {
                self.counts.n_huge += 1;
                FileContent::Unread
            }
            (Content::Binary(_), _) | (_, Content::Binary(_)) => {
                self.counts.n_binary += 1;
                FileContent::Binary
            }
            (Content::Text(old_bytes), Content::Text(new_bytes)) => {
                lines::hunks(&old_bytes, &new_bytes).map_or_else(|_| self.unreadable(), FileContent::Text)
            }
        }
    }

    fn unreadable(&mut self) -> FileContent {
        self.counts.n_unreadable += 1;
        FileContent::Unread
    }
}

fn node_of(side: &Option<(Vec<u8>, Node)>) -> Option<Node> {
    side.as_ref().map(|(_, node)| *node)
}

/// Git shows a file that became a link, or a submodule, as a deletion and an addition.
fn split_type_change(pair: Pair) -> Vec<Pair> {
    match (node_of(&pair.old), node_of(&pair.new)) {
        (Some(old), Some(new)) if (old.mode ^ new.mode) & 0o170_000 != 0 => {
            vec![Pair { old: pair.old, new: None }, Pair { old: None, new: pair.new }]
        }
        _ => vec![pair],
    }
}

/// The files of an oversized change: paths and modes only.
fn list_only(entry: Entry) -> Vec<FileDiff> {
    let Entry { path, old, new } = entry;
    let pair = Pair { old: old.map(|node| (path.clone(), node)), new: new.map(|node| (path, node)) };
    let pairs = split_type_change(pair);
    pairs.iter().map(|pair| file_of(pair, FileContent::Unread)).collect()
}

fn file_of(pair: &Pair, content: FileContent) -> FileDiff {
    let path_of = |side: &Option<(Vec<u8>, Node)>| {
        side.as_ref().map(|(path, _)| String::from_utf8_lossy(path).into_owned())
    };
    let (old, new) = (node_of(&pair.old), node_of(&pair.new));
    let is_moved =
        matches!((&pair.old, &pair.new), (Some((old_path, _)), Some((new_path, _))) if old_path != new_path);
    let status = match (old, new) {
        (None, _) => FileStatus::Added,
        (_, None) => FileStatus::Deleted,
        _ if is_moved => FileStatus::Renamed,
        _ => FileStatus::Modified,
    };
    // A pure rename is printed without a mode, and a record knows no more than the diff says.
    let is_printed = status != FileStatus::Renamed || old != new;
    let mode_of = |node: Option<Node>| node.filter(|_| is_printed).map_or(0, |node| node.mode);
    FileDiff {
        old_path: path_of(&pair.old),
        new_path: path_of(&pair.new),
        status,
        old_mode: mode_of(old),
        new_mode: mode_of(new),
        content,
    }
}
