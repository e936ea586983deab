//! From text to hashed words: the one reading that history, features and explanations share.

use crate::change::lower_case;
use crate::history::reading::hash64;
use crate::history::tokens::TokenKind;

/// Bytes of one line that are read for words.
const MAX_LINE_BYTES: usize = 400;

/// The words of a text: runs of letters and digits, two bytes or longer.
pub fn words_in(text: &str) -> impl Iterator<Item = &str> {
    let end = text.floor_char_boundary(MAX_LINE_BYTES);
    let words = text[..end].split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| word.len() >= 2)
}

/// The token of a word where it stands; upper and lower case are one. The lowest bit is the sign of a line, so
/// that an added and a deleted word are two tokens.
pub fn token_of(kind: TokenKind, word: &str) -> u32 {
    let (space, sign) = match kind {
        TokenKind::Added => ("line", 1),
        TokenKind::Deleted => ("line", 0),
        TokenKind::Path => ("path", 0),
        TokenKind::Message => ("message", 0),
        TokenKind::Body => ("body", 0),
    };
    ((hash64(&[space, &lower_case(word)]) >> 32) as u32 & !1) | sign
}
