//! The bytes of files: read once, remembered by object, bounded in size.

use std::rc::Rc;

use git2::{ErrorCode, Odb, Oid};

use crate::git::cache::Cache;
use crate::git::tree::Node;

/// Mode of a submodule.
const SUBMODULE: u32 = 0o160_000;
/// Git looks for a NUL in so many bytes to call a file binary.
const BINARY_PROBE_BYTES: usize = 8_000;

/// What a file holds.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Text, as git sees it.
    Text(Rc<[u8]>),
    /// A NUL byte in the first 8,000.
    Binary(Rc<[u8]>),
    /// Larger than the limit; not read.
    Huge {
        /// Its true size.
        size_bytes: usize,
    },
    /// The object is missing or broken.
    Unreadable,
}

impl Content {
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
    odb: &'repo Odb<'repo>,
    cache: Cache<Oid, Content>,
    max_blob_bytes: usize,
}

impl<'repo> Contents<'repo> {
    /// Blobs of one object database, none larger than `max_blob_bytes`.
    pub(super) fn new(odb: &'repo Odb<'repo>, max_blob_bytes: usize, cache_bytes: usize) -> Self {
        Self { odb, cache: Cache::new(cache_bytes), max_blob_bytes }
    }

    /// What stands at a node; a submodule reads as git prints it.
    pub(super) fn read(&mut self, node: Node) -> Content {
        if node.mode == SUBMODULE {
            return Content::Text(Rc::from(format!("Subproject commit {}\n", node.oid).into_bytes()));
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

    fn read_blob(&self, oid: Oid) -> Content {
        match self.odb.read_header(oid) {
            Ok((size_bytes, _)) if size_bytes > self.max_blob_bytes => return Content::Huge { size_bytes },
            Err(error) if error.code() == ErrorCode::NotFound => return Content::Unreadable,
            Ok(_) | Err(_) => {}
        }
        let Ok(object) = self.odb.read(oid) else { return Content::Unreadable };
        let bytes: Rc<[u8]> = Rc::from(object.data());
        if is_binary(&bytes) { Content::Binary(bytes) } else { Content::Text(bytes) }
    }
}

/// Whether git would call these bytes binary.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    memchr::memchr(0, &bytes[..bytes.len().min(BINARY_PROBE_BYTES)]).is_some()
}
