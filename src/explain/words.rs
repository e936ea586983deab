//! The words of a change that weigh most, where the model reads words.

use crate::change::LineOrigin;
use crate::change::secrets::redact;
use crate::explain::grounds::Grounds;
use crate::explain::numbers::quoted;
use crate::explain::value::WordShare;
use crate::history::{Footprint, Reading, TokenKind, body_lines, token_of, words_in};

/// Words shown at most.
const N_SHOWN: usize = 5;
/// A word that moves the odds by less than a twentieth is not shown.
const MIN_SHARE: f64 = 0.05;

/// The words that weigh most, the weightiest first. The model keeps hashes alone: the words are found in the
/// change itself, and those of a secret are not.
pub(super) fn telling_words(grounds: &Grounds<'_>) -> Vec<WordShare> {
    let question = &grounds.question;
    let reading = Reading {
        change: question.change,
        classification: question.classification,
        keys: question.keys.iter().map(|(_, keys)| keys.clone()).collect(),
    };
    let tokens = Footprint::of(&reading).tokens.concat();
    let mut shares = grounds.scorer.token_contributions(&tokens);
    shares.retain(|(_, share)| share.abs() >= MIN_SHARE);
    shares.sort_by(|(a_token, a), (b_token, b)| b.abs().total_cmp(&a.abs()).then(a_token.cmp(b_token)));
    shares.truncate(N_SHOWN);
    let named = |(token, contribution): (u32, f64)| {
        let (word, place) = find(grounds, token)?;
        Some(WordShare { text: format!("{} {place}", quoted(&word)), word, contribution })
    };
    shares.into_iter().filter_map(named).collect()
}

/// The word behind a token, and where it stands.
fn find(grounds: &Grounds<'_>, token: u32) -> Option<(String, &'static str)> {
    let change = grounds.question.change;
    let in_text = |text: &str, kind: TokenKind| {
        let text = redact(text);
        words_in(&text).find(|word| token_of(kind, word) == token).map(str::to_ascii_lowercase)
    };
    if let Some(word) = in_text(change.title(), TokenKind::Message) {
        return Some((word, "in the title"));
    }
    let below = body_lines(&change.message, change.title());
    if let Some(word) = below.into_iter().find_map(|line| in_text(line, TokenKind::Body)) {
        return Some((word, "below the title"));
    }
    for file_diff in &change.record.files {
        if let Some(word) = in_text(file_diff.path(), TokenKind::Path) {
            return Some((word, "in a path"));
        }
        for line in file_diff.hunks().iter().flat_map(|hunk| &hunk.lines) {
            let (kind, place) = match line.origin {
                LineOrigin::Added => (TokenKind::Added, "in an added line"),
                LineOrigin::Deleted => (TokenKind::Deleted, "in a deleted line"),
                LineOrigin::Context => continue,
            };
            if let Some(word) = in_text(&line.text, kind) {
                return Some((word, place));
            }
        }
    }
    None
}
