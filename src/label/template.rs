//! The template of a subject: what stays when the particulars are taken out.

use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest, Sha256};

static PARTICULARS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[0-9a-f]{7,64}\b|\d+").expect("a pattern of this file, compiled by its tests")
});

/// The subject in lower case with digits, hosts, hashes and ids replaced.
pub fn template_of(subject: &str) -> String {
    let lower = subject.to_lowercase();
    PARTICULARS.replace_all(&lower, "#").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A hash that stays the same on every machine and in every version.
pub(crate) fn stable_hash(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}
