//! Short texts in short texts: which bytes a value has side by side tells of most words of rules that they are not in it.
//! Start at [`ByteSet`].

use memchr::memchr_iter;

/// The bytes of a text and the pairs of bytes that stand side by side in it, 128 bits each: some share one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ByteSet {
    bytes: u128,
    pairs: u128,
}

impl ByteSet {
    pub(super) fn of(text: &str) -> Self {
        let (mut set, mut before) = (Self::default(), None);
        for byte in text.bytes() {
            set.bytes |= bit(byte);
            set.pairs |= before.map_or(0, |before| pair(before, byte));
            before = Some(byte);
        }
        set
    }

    /// Whether the text may hold another, by the first two bytes of that.
    pub(super) fn may_hold(self, other: &str) -> bool {
        match other.as_bytes() {
            [] => true,
            [only] => self.bytes & bit(*only) != 0,
            [first, second, ..] => self.pairs & pair(*first, *second) != 0,
        }
    }
}

fn bit(byte: u8) -> u128 {
    1 << (byte & 127)
}

/// The bit of two bytes side by side, of either in its place.
fn pair(first: u8, second: u8) -> u128 {
    bit(first.wrapping_mul(5) ^ second.wrapping_mul(7))
}

/// Whether a text holds a short one; faster than the standard library's way where both are short.
pub(super) fn holds(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let Some(first) = part.first() else { return true };
    memchr_iter(*first, text).any(|at| text.get(at..).is_some_and(|rest| rest.starts_with(part)))
}

#[cfg(test)]
mod tests {
    use super::{ByteSet, holds};

    #[test]
    fn what_is_in_a_text_is_never_ruled_out() {
        let text = "listen 443 ssl; straße → 0.0.0.0/0";
        let bytes = ByteSet::of(text);
        for (start, _) in text.char_indices() {
            for (end, letter) in text.char_indices().skip_while(|(end, _)| *end < start) {
                let part = &text[start..end + letter.len_utf8()];
                assert!(bytes.may_hold(part) && holds(text, part), "{part}");
            }
        }
        assert!(bytes.may_hold("") && holds(text, ""));
        assert!(!bytes.may_hold("xfs") && !bytes.may_hold("x"), "it has no `x`");
        assert!(!bytes.may_hold("sn"), "its `s` and `n` are apart");
        assert!(!holds(text, "443  ssl") && !holds(text, "0.0.0.0/00") && !holds("", "a"));
    }
}
