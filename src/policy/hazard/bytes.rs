//! Which bytes a text has, so that a look tells of most others that they are not in it.
//! Start at [`ByteSet`].

/// The bytes of a text, one bit of sixty-four each: two bytes may share one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ByteSet(u64);

impl ByteSet {
    pub(super) fn of(text: &str) -> Self {
        Self(text.bytes().fold(0, |bits, byte| bits | bit(byte)))
    }

    /// Whether the text may hold another, by the first two bytes of that.
    pub(super) fn may_hold(self, other: &str) -> bool {
        let start = other.bytes().take(2).fold(0, |bits, byte| bits | bit(byte));
        self.0 & start == start
    }
}

fn bit(byte: u8) -> u64 {
    1 << (byte & 63)
}

#[cfg(test)]
mod tests {
    use super::ByteSet;

    #[test]
    fn what_is_in_a_text_is_never_ruled_out() {
        let text = "listen 443 ssl; straße → 0.0.0.0/0";
        let bytes = ByteSet::of(text);
        for (start, _) in text.char_indices() {
            for (end, letter) in text.char_indices().skip_while(|(end, _)| *end < start) {
                let part = &text[start..end + letter.len_utf8()];
                assert!(bytes.may_hold(part), "{part}");
            }
        }
        assert!(bytes.may_hold(""));
        assert!(!bytes.may_hold("xfs"), "no byte of it has the bit of an `x`");
    }
}
