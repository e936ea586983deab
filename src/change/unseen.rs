//! Letters that whoever reads a text does not see. Start at [`is_unseen`].

/// Whether a character shows nothing, or turns around the order in which others are shown, so that a text reads as another one:
/// soft hyphens, marks and joiners without width, separators of lines, overrides of the direction, annotations, tags. Control
/// characters are another matter.
pub(crate) fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One of each sort, for the tests of what shows a text.
#[cfg(test)]
pub(crate) const UNSEEN: [char; 14] = [
    '\u{ad}', '\u{61c}', '\u{180e}', '\u{200b}', '\u{200d}', '\u{2028}', '\u{202e}', '\u{2060}', '\u{2063}',
    '\u{2066}', '\u{206f}', '\u{feff}', '\u{fff9}', '\u{e0041}',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_are_seen_are_none_of_them() {
        assert!(UNSEEN.into_iter().all(is_unseen));
        assert!("aé\t\n \u{a0}עא👩🏴–…\u{fffd}".chars().all(|c| !is_unseen(c)));
    }
}
