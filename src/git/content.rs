//! The bytes of files: read once, remembered by object, bounded in size.

use std::ops::Deref;
use std::rc::Rc;

use git2::{Blob, ErrorCode, Odb, Oid};

use crate::git::Repository;
use crate::git::cache::Cache;
use crate::git::extract::Limits;
use crate::git::tree::Node;

/// Mode of a submodule.
const SUBMODULE: u32 = 0o160_000;
/// Git looks for a NUL in so many bytes to call a file binary.
const BINARY_PROBE_BYTES: usize = 8_000;

/// The bytes of a file, cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Bytes<'repo> {
    /// A blob as libgit2 holds it: never copied, and its hash is known.
    Blob(Rc<Blob<'repo>>),
    /// Made here: the line that stands for a submodule, or nothing.
    Made(Rc<[u8]>),
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Blob(blob) => blob.content(),
            Self::Made(bytes) => bytes,
        }
    }
}

/// What a file holds.
#[derive(Clone, Debug)]
pub(super) enum Content<'repo> {
    /// Text, as git sees it.
    Text(Bytes<'repo>),
    /// A NUL byte in the first 8,000.
    Binary(Bytes<'repo>),
    /// Larger than the limit; not read.
    Huge {
        /// Its true size.
        size_bytes: usize,
    },
    /// The object is missing or broken.
    Unreadable,
}

impl Content<'_> {
    /// The size, where it is known.
    pub(super) fn size_bytes(&self) -> Option<usize> {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => Some(bytes.len()),
            Self::Huge { size_bytes } => Some(*size_bytes),
            Self::Unreadable => None,
        }
    }
}

/// Reads and remembers blobs.
pub(super) struct Contents<'repo> {
    repository: &'repo Repository,
    odb: &'repo Odb<'repo>,
    cache: Cache<Oid, Content<'repo>>,
    max_blob_bytes: usize,
}

impl<'repo> Contents<'repo> {
    /// Blobs of one repository, none larger than the limit.
    pub(super) fn new(repository: &'repo Repository, odb: &'repo Odb<'repo>, limits: Limits) -> Self {
        let cache = Cache::new(limits.blob_cache_bytes);
        Self { repository, odb, cache, max_blob_bytes: limits.max_blob_bytes }
    }

    /// What stands at a node; a submodule reads as git prints it.
    pub(super) fn read(&mut self, node: Node) -> Content<'repo> {
        if node.mode == SUBMODULE {
            let line = format!("Subproject commit {}\n", node.oid);
            return Content::Text(Bytes::Made(Rc::from(line.into_bytes())));
        }
        if let Some(content) = self.cache.get(&node.oid) {
            return content;
        }
        let content = self.read_blob(node.oid);
        let held_bytes = match &content {
            Content::Text(bytes) | Content::Binary(bytes) => bytes.len(),
            Content::Huge { .. } | Content::Unreadable => 0,
        };
        self.cache.put(node.oid, content.clone(), held_bytes);
        content
    }

    fn read_blob(&self, oid: Oid) -> Content<'repo> {
        if self.repository.is_cut(oid) {
            return Content::Unreadable;
        }
        match self.odb.read_header(oid) {
            Ok((size_bytes, _)) if size_bytes > self.max_blob_bytes => return Content::Huge { size_bytes },
            Err(error) if error.code() == ErrorCode::NotFound => return Content::Unreadable,
            Ok(_) | Err(_) => {}
        }
        let Ok(blob) = self.repository.git().find_blob(oid) else { return Content::Unreadable };
        let bytes = Bytes::Blob(Rc::new(blob));
        if is_binary(&bytes) { Content::Binary(bytes) } else { Content::Text(bytes) }
    }
}

/// Whether git would call these bytes binary.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    memchr::memchr(0, &bytes[..bytes.len().min(BINARY_PROBE_BYTES)]).is_some()
}
