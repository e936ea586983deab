//! Strings that look drawn at random: long, of three character classes, without the rhythm of words.

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
    for (idx, byte) in bytes.iter().chain(std::iter::once(&b' ')).enumerate() {
        if is_token_byte(*byte) {
            continue;
        }
        let Some(token) = bytes.get(start..idx) else { continue };
        if LENGTHS.contains(&token.len())
            && looks_random(token)
            && !is_commit_below(token)
            && !is_public(bytes.get(..start).unwrap_or(&[]), token)
            && !is_in_public_block(text, start)
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

/// Whether a place stands in the block of a certificate, a request for one or a public key. Looks back no
/// further than such blocks are long.
fn is_in_public_block(text: &str, at: usize) -> bool {
    const LONGEST: usize = 16 << 10;
    let from = text.ceil_char_boundary(at.saturating_sub(LONGEST));
    let begun = text.get(from..at).and_then(|before| before.rsplit_once("-----BEGIN "));
    let Some((_, block)) = begun else { return false };
    let (name, _) = block.split_once("-----").unwrap_or((block, ""));
    !block.contains("-----END ")
        && !name.contains("PRIVATE")
        && name.bytes().all(|b| b == b' ' || b.is_ascii_uppercase())
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
