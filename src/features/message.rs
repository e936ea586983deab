//! How a change is described: length, form and telling words of its message. Reads only what its author wrote before it
//! landed.

use crate::change::Change;
use crate::features::facts::{count, flag};
use crate::features::schema::{FeatureSpec, Unit};
use crate::history::{body_lines, names_ticket};

/// The words told apart in titles, each with the forms that show it.
const WORDS: [&[&str]; 18] = [
    &["fix", "fixes", "fixed", "bugfix", "hotfix", "correct", "typo", "repair"],
    &["enable", "enabled", "activate"],
    &["disable", "disabled", "deactivate", "stop"],
    &["add", "adds", "added", "create", "new", "introduce", "initial"],
    &["remove", "removed", "delete", "drop", "cleanup", "clean", "unused", "kill"],
    &["update", "updates", "upgrade", "bump", "promote", "version", "release"],
    &["increase", "raise", "more"],
    &["decrease", "reduce", "lower", "less"],
    &["move", "rename", "migrate", "migration", "switch", "replace", "convert"],
    &["refactor", "simplify", "reorganize", "lint", "format", "style", "comment", "doc", "docs", "readme"],
    &["deploy", "rollout", "roll", "launch", "production", "prod"],
    &["test", "testing", "try", "experiment", "staging", "beta", "canary", "labs", "debug"],
    &["allow", "permit", "grant", "access", "rights", "permission", "permissions"],
    &["default", "defaults", "global", "everywhere", "common"],
    &["again", "reapply", "retry", "really", "actually", "second", "take", "follow", "followup"],
    &["temporary", "temporarily", "workaround", "hack", "quick", "emergency", "urgent"],
    &["config", "configuration", "setting", "settings"],
    &["alert", "alerts", "incident", "outage", "broken", "error", "errors", "fail", "failing"],
];

/// Pairs of words in titles that show one of [`WORDS`]: `on` alone says nothing, `turn on` does.
const PAIRS: [(usize, &[&str], &str); 4] = [
    (1, &["turn", "turns", "turned", "turning", "switch", "switched", "switching"], "on"),
    (2, &["turn", "turns", "turned", "turning", "switch", "switched", "switching"], "off"),
    (6, &["scale", "scales", "scaled", "scaling", "ramp", "ramping", "turn", "step"], "up"),
    (7, &["scale", "scales", "scaled", "scaling", "ramp", "ramping", "turn", "step"], "down"),
];

/// What the message family reads.
pub struct MessageFacts {
    title_length: usize,
    n_words: usize,
    n_body_lines: usize,
    body_length: usize,
    has_ticket: bool,
    has_url: bool,
    has_scope: bool,
    has_digits: bool,
    n_question_or_bang: usize,
    has_word: [bool; WORDS.len()],
}

macro_rules! word {
    ($name:literal, $idx:literal, $what:literal) => {
        FeatureSpec::new($name, Unit::Flag, concat!("Whether the title speaks of ", $what), |f| {
            flag(f.message.has_word[$idx])
        })
    };
}

pub(super) const FEATURES: &[FeatureSpec] = &[
    FeatureSpec::new("message_title_length", Unit::Count, "Characters of the title", |f| {
        count(f.message.title_length)
    }),
    FeatureSpec::new("message_words", Unit::Count, "Words of the title", |f| count(f.message.n_words)),
    FeatureSpec::new("message_body_lines", Unit::Count, "Lines below the title, trailers left out", |f| {
        count(f.message.n_body_lines)
    }),
    FeatureSpec::new(
        "message_body_length",
        Unit::Count,
        "Characters below the title, trailers left out",
        |f| count(f.message.body_length),
    ),
    FeatureSpec::new("message_ticket", Unit::Flag, "Whether a ticket is named", |f| {
        flag(f.message.has_ticket)
    }),
    FeatureSpec::new("message_url", Unit::Flag, "Whether an address on the web is named", |f| {
        flag(f.message.has_url)
    }),
    FeatureSpec::new("message_scope", Unit::Flag, "Whether the title starts with a scope and a colon", |f| {
        flag(f.message.has_scope)
    }),
    FeatureSpec::new("message_digits", Unit::Flag, "Whether the title holds a digit", |f| {
        flag(f.message.has_digits)
    }),
    FeatureSpec::new("message_marks", Unit::Count, "Question and exclamation marks in the title", |f| {
        count(f.message.n_question_or_bang)
    }),
    word!("word_fix", 0, "a fix"),
    word!("word_enable", 1, "turning something on").revised(2),
    word!("word_disable", 2, "turning something off").revised(2),
    word!("word_add", 3, "something new"),
    word!("word_remove", 4, "removing something"),
    word!("word_update", 5, "an update"),
    word!("word_increase", 6, "raising something").revised(2),
    word!("word_decrease", 7, "lowering something").revised(2),
    word!("word_move", 8, "a move or a migration"),
    word!("word_tidy", 9, "tidying up or documentation"),
    word!("word_deploy", 10, "a rollout or production"),
    word!("word_test", 11, "a test"),
    word!("word_allow", 12, "rights or access"),
    word!("word_default", 13, "a default").revised(2),
    word!("word_again", 14, "doing something again"),
    word!("word_temporary", 15, "something temporary or urgent").revised(2),
    word!("word_config", 16, "a setting").revised(2),
    word!("word_trouble", 17, "an alert or an error"),
];

/// Which of [`WORDS`] a title in lower case shows.
fn has_word(words: &[&str]) -> [bool; WORDS.len()] {
    let mut has_word = WORDS.map(|forms| words.iter().any(|word| forms.contains(word)));
    for (idx, verbs, particle) in PAIRS {
        has_word[idx] |= words.windows(2).any(|pair| verbs.contains(&pair[0]) && pair[1] == particle);
    }
    has_word
}

impl MessageFacts {
    pub(super) fn of(change: &Change) -> Self {
        let (title, message) = (change.title(), change.message.as_str());
        let body = body_lines(message, title);
        let lower = title.to_lowercase();
        let words: Vec<&str> =
            lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        Self {
            title_length: title.chars().count(),
            n_words: words.len(),
            n_body_lines: body.len(),
            body_length: body.iter().map(|line| line.chars().count()).sum(),
            has_ticket: names_ticket(message),
            has_url: message.contains("://"),
            has_scope: title
                .split_once(':')
                .is_some_and(|(scope, _)| scope.len() < 40 && !scope.contains(' ')),
            has_digits: title.contains(|c: char| c.is_ascii_digit()),
            n_question_or_bang: title.matches(['?', '!']).count(),
            has_word: has_word(&words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::has_word;

    #[test]
    fn a_particle_alone_turns_nothing_on_or_down() {
        let shown = |title: &str| {
            let words: Vec<&str> = title.split(' ').collect();
            [1, 2, 6, 7, 16].map(|idx| has_word(&words)[idx])
        };
        assert_eq!(shown("bump proxy to stop warning on eks"), [false, true, false, false, false]);
        assert_eq!(shown("tear down the listener"), [false; 5]);
        assert_eq!(shown("set the user to absent"), [false; 5]);
        assert_eq!(shown("turn on the cache"), [true, false, false, false, false]);
        assert_eq!(shown("switch off the cache"), [false, true, false, false, false]);
        assert_eq!(shown("scale up web"), [false, false, true, false, false]);
        assert_eq!(shown("scale down web"), [false, false, false, true, false]);
        assert_eq!(shown("raise the limit"), [false, false, true, false, false]);
    }
}
