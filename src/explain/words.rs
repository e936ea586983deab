//! The words of a change that weigh most, where the model reads words.

use crate::change::secrets::redact;
use crate::change::{Change, LineOrigin};
use crate::explain::grounds::Grounds;
use crate::explain::numbers::quoted;
use crate::explain::value::WordShare;
use crate::history::{Footprint, TokenKind, body_lines, token_of, words_in};

/// Words shown at most.
const N_SHOWN: usize = 5;
/// A word that moves the odds by less than a twentieth is not shown.
const MIN_SHARE: f64 = 0.05;

/// The words that weigh most, the weightiest first. The model keeps hashes alone: the words are found in the
/// change itself, and those of a secret are not.
pub(super) fn telling_words(grounds: &Grounds<'_>, footprint: &Footprint) -> Vec<WordShare> {
    let Some(assessment) = grounds.question.assessment else { return Vec::new() };
    let mut shares = grounds.scorer.token_contributions(&footprint.tokens.concat());
    shares.retain(|(_, share)| share.abs() >= MIN_SHARE);
    shares.sort_by(|(a_token, a), (b_token, b)| b.abs().total_cmp(&a.abs()).then(a_token.cmp(b_token)));
    shares.truncate(N_SHOWN);
    if shares.is_empty() {
        return Vec::new();
    }
    let mut found = Found { wanted: shares, words: Vec::new() };
    found.read(grounds.question.change);
    let Found { wanted, words } = found;
    let named = |(token, contribution): (u32, f64)| {
        let (_, word, place) = words.iter().find(|(known, ..)| *known == token)?;
        let text = format!("{} {place}", quoted(word));
        let factor = grounds.odds().factor(assessment.margin, contribution);
        Some(WordShare { word: word.clone(), contribution, factor, text })
    };
    wanted.into_iter().filter_map(named).collect()
}

/// The words behind some tokens, as far as they were found.
struct Found {
    /// Tokens with their shares.
    wanted: Vec<(u32, f64)>,
    /// Token, word, and where it stands.
    words: Vec<(u32, String, &'static str)>,
}

impl Found {
    fn read(&mut self, change: &Change) {
        self.read_text(change.title(), TokenKind::Message, "in the title");
        for line in body_lines(&change.message, change.title()) {
            self.read_text(line, TokenKind::Body, "below the title");
        }
        for file_diff in &change.record.files {
            self.read_text(file_diff.path(), TokenKind::Path, "in a path");
            for line in file_diff.hunks().iter().flat_map(|hunk| &hunk.lines) {
                match line.origin {
                    LineOrigin::Added => self.read_text(&line.text, TokenKind::Added, "in an added line"),
                    LineOrigin::Deleted => {
                        self.read_text(&line.text, TokenKind::Deleted, "in a deleted line");
                    }
                    LineOrigin::Context => {}
                }
            }
            if self.words.len() == self.wanted.len() {
                return;
            }
        }
    }

    /// Looks for wanted words in a text; one that its clean form does not have is a secret's.
    fn read_text(&mut self, text: &str, kind: TokenKind, place: &'static str) {
        for word in words_in(text) {
            let token = token_of(kind, word);
            let is_wanted = self.wanted.iter().any(|(wanted, _)| *wanted == token);
            if !is_wanted || self.words.iter().any(|(known, ..)| *known == token) {
                continue;
            }
            if words_in(&redact(text)).any(|clean| clean == word) {
                self.words.push((token, word.to_ascii_lowercase(), place));
            }
        }
    }
}
