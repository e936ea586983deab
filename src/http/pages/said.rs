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

    /// At most `n_chars` characters of a sentence; a name that is cut off is left out.
    pub(super) fn cut(text: &str, n_chars: usize) -> Self {
        let Some((at, _)) = text.char_indices().nth(n_chars) else { return Self::new(text) };
        let kept = &text[..at];
        let is_in_name = kept.matches('`').count() % 2 == 1;
        let kept = if is_in_name { kept.rsplit_once('`').map_or("", |(before, _)| before) } else { kept };
        Self::new(&format!("{kept}…"))
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
        let pieces =
            |text, n| Said::cut(text, n).pieces.iter().map(|(_, it)| it.to_string()).collect::<Vec<_>>();
        assert_eq!(pieces("see `abc` and on", 6), ["see …"]);
        assert_eq!(pieces("see `abc` and on", 12), ["see ", "abc", " an…"]);
        assert_eq!(pieces("see `abc`", 9), ["see ", "abc"]);
    }
}
