//! Sentences in which names of the change stand between backticks.

use crate::http::pages::text::Shown;

/// Pieces of a sentence: whether each is a name, and its text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) pieces: Vec<(bool, Shown)>,
}

impl Said {
    /// A sentence as it is.
    pub(super) fn new(text: &str) -> Self {
        let pieces = text.split('`').enumerate().map(|(idx, piece)| (idx % 2 == 1, Shown::cut(piece, 500)));
        Self { pieces: pieces.filter(|(_, piece)| !piece.is_empty()).collect() }
    }

    /// A sentence with a capital at its beginning.
    pub(super) fn capitalised(text: &str) -> Self {
        let mut chars = text.chars();
        let first = chars.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
        Self::new(&(first + chars.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_apart_and_nothing_is_lost() {
        let said = Said::capitalised("the rule `a <b>` asks");
        let pieces: Vec<(bool, &str)> =
            said.pieces.iter().map(|(is_name, it)| (*is_name, it.as_str())).collect();
        assert_eq!(pieces, [(false, "The rule "), (true, "a <b>"), (false, " asks")]);
        assert_eq!(Said::new("").pieces, []);
    }
}
