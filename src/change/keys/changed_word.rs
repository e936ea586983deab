//! The one word of a text that became another one.

/// A word that another one took the place of, in a text that is otherwise the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangedWord<'a> {
    /// What names it: the word before it, or what stands before its `=`; empty where nothing does.
    pub before: &'a str,
    /// The word that went, without quotes and punctuation.
    pub old: &'a str,
    /// The word that came.
    pub new: &'a str,
}

/// The word that tells two texts apart; none where either has one word only, or more than one word differs.
///
/// ```
/// use diffrisk::change::changed_word;
///
/// let word = changed_word("errors / total > 0.05", "errors / total > 5").unwrap();
/// assert_eq!((word.before, word.old, word.new), (">", "0.05", "5"));
/// let word = changed_word("10.0.0.1:80 weight=10 check", "10.0.0.1:80 weight=0 check").unwrap();
/// assert_eq!((word.before, word.old, word.new), ("weight", "10", "0"));
/// let word = changed_word("Agent({ verify: true })", "Agent({ verify: false })").unwrap();
/// assert_eq!((word.before, word.old, word.new), ("verify", "true", "false"));
/// assert_eq!(changed_word("200 10m", "200 10m 5m"), None);
/// ```
pub fn changed_word<'a>(old: &'a str, new: &'a str) -> Option<ChangedWord<'a>> {
    let (mut olds, mut news) = (old.split_ascii_whitespace(), new.split_ascii_whitespace());
    let (mut earlier, mut before, mut n_words, mut changed) = ("", "", 0, None);
    loop {
        let (old, new) = match (olds.next(), news.next()) {
            (Some(old), Some(new)) => (old, new),
            (None, None) => break,
            _ => return None,
        };
        if old != new {
            let name = if matches!(before, "=" | "=>" | ":" | ":=") { earlier } else { before };
            if changed.replace((name, old, new)).is_some() {
                return None;
            }
        }
        (earlier, before) = (before, old);
        n_words += 1;
    }
    let (before, old, new) = changed.filter(|_| n_words > 1)?;
    let bare = |word: &'a str| {
        let word = word.trim_matches(['"', '\'', ',', ';', '(', ')']);
        // A bracket that opened in an earlier word closes here.
        let closes = |c: char| c == '}' && !word.contains('{') || c == ']' && !word.contains('[');
        word.trim_end_matches(|c| closes(c) || matches!(c, ')' | ',' | ';' | '"' | '\''))
    };
    // Of `Config({"verify":` the name is what the innermost bracket opens with.
    let name = |word: &'a str| {
        let inner = word.rsplit(['(', '{', '[', ',']).next().unwrap_or(word);
        bare(inner.trim_end_matches(':'))
    };
    let assigned = old.split_once('=').zip(new.split_once('='));
    let assigned = assigned.filter(|((old, _), (new, _))| old == new && !old.is_empty());
    Some(match assigned {
        Some(((named, old), (_, new))) => ChangedWord { before: bare(named), old: bare(old), new: bare(new) },
        None => ChangedWord { before: name(before), old: bare(old), new: bare(new) },
    })
}
