//! Strings that look drawn at random: long, of three character classes, without the rhythm of words.

use std::iter::Peekable;

use memchr::memmem::{self, FindIter};

use crate::change::secrets::SecretMatch;

/// The kinds of this module.
pub(super) const NAMES: [&str; 1] = ["high_entropy"];

/// Shortest and longest string that is judged, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=128;
/// Least entropy in bits a byte. Twenty-four random letters and digits have about 4.3.
const LEAST_BITS: f64 = 3.8;
/// Least share of neighbours of different classes: random text has .62, names in camel case .3.
const LEAST_CHANGES: f64 = 0.42;

/// Finds such strings.
pub(super) fn find(text: &str, found: &mut Vec<SecretMatch>) {
    let bytes = text.as_bytes();
    let mut start = 0;
    let mut blocks = None;
    for (idx, byte) in bytes.iter().chain(std::iter::once(&b' ')).enumerate() {
        if is_token_byte(*byte) {
            continue;
        }
        let Some(token) = bytes.get(start..idx) else { continue };
        if LENGTHS.contains(&token.len())
            && looks_random(token)
            && !is_commit_below(token)
            && !is_public(bytes.get(..start).unwrap_or(&[]), token)
            && !blocks.get_or_insert_with(|| Blocks::of(bytes)).is_in_public(start)
        {
            found.push(SecretMatch { start, end: idx, kind: "high_entropy" });
        }
        start = idx + 1;
    }
}

/// Whether a token is a path that ends with a commit: `NixOS/nixpkgs/9b10…`.
fn is_commit_below(token: &[u8]) -> bool {
    let is_hex = |part: &[u8]| {
        matches!(part.len(), 40 | 64) && part.iter().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
    };
    let Some(slash) = token.iter().rposition(|b| *b == b'/') else { return false };
    let (above, last) = (token.get(..slash).unwrap_or(&[]), token.get(slash + 1..).unwrap_or(&[]));
    is_hex(last) && !looks_random(above)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-')
}

fn class(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    }
}

fn looks_random(token: &[u8]) -> bool {
    let mut counts = [0_u32; 4];
    for byte in token {
        if let Some(count) = counts.get_mut(usize::from(class(*byte))) {
            *count += 1;
        }
    }
    let [lower, upper, digit, other] = counts;
    if lower < 3 || upper < 3 || digit < 2 || other > 6 {
        return false;
    }
    let n_changes = token
        .windows(2)
        .filter(|pair| pair.first().map(|b| class(*b)) != pair.last().map(|b| class(*b)))
        .count();
    n_changes as f64 >= LEAST_CHANGES * token.len() as f64 && entropy_bits(token) >= LEAST_BITS
}

/// Shannon entropy of the bytes, in bits a byte.
fn entropy_bits(token: &[u8]) -> f64 {
    let mut counts = [0_u32; 128];
    for byte in token {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let n = token.len() as f64;
    counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / n).map(|p| -p * p.log2()).sum()
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &[u8] = b"-----";

/// The blocks of certificates, of requests for one and of public keys, read on from one place of a text to the next.
struct Blocks<'a> {
    bytes: &'a [u8],
    begins: Peekable<FindIter<'a, 'static>>,
    ends: Peekable<FindIter<'a, 'static>>,
    /// The block that began last.
    begun: Option<Block>,
    /// Where the last footer begins.
    ended_at: Option<usize>,
}

/// A block by its header.
struct Block {
    /// Where its name begins.
    name_at: usize,
    /// Where capitals and spaces end.
    name_end: usize,
    /// Whether the header ends there, too.
    is_closed: bool,
    /// The end of the word `PRIVATE` in the name.
    private_end: Option<usize>,
}

impl<'a> Blocks<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let marks = |mark: &'static str| memmem::find_iter(bytes, mark).peekable();
        Self { bytes, begins: marks(BEGIN), ends: marks(END), begun: None, ended_at: None }
    }

    /// Whether a place, which is none before the last one, stands in such a block. Looks back no further than they are long.
    fn is_in_public(&mut self, at: usize) -> bool {
        const LONGEST: usize = 16 << 10;
        while let Some(begin) = self.begins.next_if(|begin| begin + BEGIN.len() <= at) {
            self.begun = Some(Block::named_at(self.bytes, begin + BEGIN.len()));
        }
        while let Some(end) = self.ends.next_if(|end| end + END.len() <= at) {
            self.ended_at = Some(end);
        }
        self.begun.as_ref().is_some_and(|block| {
            let is_near = at - (block.name_at - BEGIN.len()) <= LONGEST;
            is_near && self.ended_at.is_none_or(|end| end < block.name_at) && block.is_public(at)
        })
    }
}

impl Block {
    fn named_at(bytes: &[u8], name_at: usize) -> Self {
        let rest = bytes.get(name_at..).unwrap_or(&[]);
        let n_bytes = rest.iter().take_while(|b| **b == b' ' || b.is_ascii_uppercase()).count();
        let (name, after) = rest.split_at(n_bytes);
        let private = memmem::find(name, b"PRIVATE");
        Self {
            name_at,
            name_end: name_at + n_bytes,
            is_closed: after.starts_with(DASHES),
            private_end: private.map(|start| name_at + start + b"PRIVATE".len()),
        }
    }

    /// Whether the name, as far as it stands before a place, is that of something public.
    fn is_public(&self, at: usize) -> bool {
        let is_name = at <= self.name_end || self.is_closed && self.name_end + DASHES.len() <= at;
        is_name && self.private_end.is_none_or(|private_end| private_end > at)
    }
}

/// Checksums, public keys and certificates are random and no secret.
fn is_public(before: &[u8], token: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 8] =
        [b"sha1-", b"sha256-", b"sha384-", b"sha512-", b"AAAAB3Nza", b"AAAAC3Nza", b"AAAAE2Vj", b"MII"];
    BEGINNINGS.iter().any(|beginning| token.starts_with(beginning))
        || [&b"sha256:"[..], b"SHA256:", b"h1:", b"integrity=", b"ssh-rsa ", b"pin-sha256=\""]
            .iter()
            .any(|mark| before.ends_with(mark))
}
