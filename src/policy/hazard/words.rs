//! The words of names, and how rules look for theirs among them.
//! Start at [`says`].

use crate::change::for_each_word;

/// Looks for words and phrases in a text of words between spaces; a phrase also counts written as one.
pub(super) fn says(spaced: &str, phrases: &[&str]) -> bool {
    // The first letter rules most phrases out: of a change of 500 files this took nine tenths of a decision.
    let begins_with = |words: &str, phrase: &str| {
        words.as_bytes().first() == phrase.as_bytes().first()
            && (words.strip_prefix(phrase).is_some_and(|rest| rest.starts_with(' '))
                || starts_joined(words, phrase))
    };
    let mut rest = spaced.strip_prefix(' ').unwrap_or(spaced);
    while !rest.is_empty() {
        if phrases.iter().any(|phrase| begins_with(rest, phrase)) {
            return true;
        }
        let space = rest.bytes().position(|byte| byte == b' ');
        rest = space.and_then(|space| rest.get(space + 1..)).unwrap_or("");
    }
    false
}

/// Whether a text begins with the words of a phrase written as one.
fn starts_joined(words: &str, phrase: &str) -> bool {
    let mut text = words.bytes();
    let mut letters = phrase.bytes().filter(|byte| *byte != b' ');
    letters.all(|letter| text.next() == Some(letter)) && text.next() == Some(b' ')
}

/// The words of a name in lower case, each between spaces.
pub(super) fn spaced(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 8);
    words.push(' ');
    for_each_word(name, |word| {
        words.push_str(word);
        words.push(' ');
    });
    words
}

/// Whether a word says nothing of what a key is about.
pub(super) fn is_generic(word: &str) -> bool {
    matches!(
        word,
        "enabled"
            | "enable"
            | "ensure"
            | "active"
            | "default"
            | "value"
            | "state"
            | "status"
            | "disabled"
            | "disable"
            | "on"
            | "mode"
            | "required"
            | "is"
            | "policy"
            | "production"
            | "prod"
            | "name"
    )
}

/// The name of a file without directories and what follows its first dot.
pub(super) fn file_stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split_once('.').map_or(name, |(stem, _)| stem)
}

/// The end of a dotted path, at most so many components of it.
pub(super) fn last_components(path: &str, n: usize) -> &str {
    let start = path.rmatch_indices('.').nth(n.saturating_sub(1)).map_or(0, |(dot, _)| dot + 1);
    path.get(start..).unwrap_or(path)
}
