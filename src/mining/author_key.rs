//! Turns authors into keyed hashes before they reach a row. Without the key nobody can go back, nor join two installations.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::change::author_address;

/// The installation key under which authors are hashed: rows never hold a name or an address.
#[derive(Clone)]
pub struct AuthorKey(Vec<u8>);

impl AuthorKey {
    /// A key from its bytes, at least 16 of them.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() >= 16).then_some(Self(bytes))
    }

    /// First 16 hex digits of HMAC-SHA256 (RFC 2104) over the author's address in lower case.
    pub fn hash(&self, author: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(author_address(author).to_lowercase().as_bytes());
        hex::encode(&mac.finalize().into_bytes()[..8])
    }
}
