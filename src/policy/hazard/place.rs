//! Which environment an edit belongs to, by the words of its key and of its path.

use crate::change::for_each_word;

/// The environment of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Production is named.
    Production,
    /// A test environment is named.
    Test,
    /// Nothing is named.
    Unknown,
}

impl Place {
    /// The environment that a text names; production where it names both.
    pub(super) fn of_text(text: &str) -> Self {
        let mut place = Self::Unknown;
        for_each_word(text, |word| {
            if is_production(word) {
                place = Self::Production;
            } else if is_test(word) && place == Self::Unknown {
                place = Self::Test;
            }
        });
        place
    }

    /// This one, or the other where nothing is named.
    pub(super) fn or(self, other: impl FnOnce() -> Self) -> Self {
        if self == Self::Unknown { other() } else { self }
    }
}

fn is_production(word: &str) -> bool {
    matches!(word, "prod" | "production" | "prd" | "live")
}

fn is_test(word: &str) -> bool {
    const WORDS: [&str; 17] = [
        "staging",
        "stage",
        "stg",
        "dev",
        "devel",
        "development",
        "qa",
        "uat",
        "sandbox",
        "beta",
        "labs",
        "lab",
        "preprod",
        "integration",
        "fixture",
        "fixtures",
        "vagrant",
    ];
    word.starts_with("test") || WORDS.contains(&word)
}
