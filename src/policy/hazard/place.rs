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

    /// The environment that a path names: as of its words, but for the first word of a name such as
    /// `test-kitchen`, which is a service, not a kitchen under test. `test`, `values-test.yaml`, `test-2` and
    /// `beta-cluster` are environments; in doubt the edit is not of a test environment, so that every rule looks.
    pub(super) fn of_path(path: &str) -> Self {
        let mut place = Self::Unknown;
        for segment in path.split('/') {
            let mut parts = segment.split('-').peekable();
            while let Some(part) = parts.next() {
                let opens_name =
                    is_word_of_names(part) && parts.peek().is_some_and(|next| !is_qualifier(next));
                match Self::of_text(part) {
                    Self::Production => return Self::Production,
                    Self::Test if !opens_name => place = Self::Test,
                    _ => {}
                }
            }
        }
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

/// Whether a part of a path is a word for a test environment with which ordinary names begin, too.
fn is_word_of_names(part: &str) -> bool {
    const WORDS: [&str; 6] = ["beta", "dev", "integration", "lab", "labs", "stage"];
    let is_word = part.bytes().all(|byte| byte.is_ascii_lowercase());
    is_word && (part.starts_with("test") || WORDS.contains(&part))
}

/// Whether what follows such a word tells environments apart: a number, a region of two letters, or a word for
/// an environment or its values.
fn is_qualifier(part: &str) -> bool {
    const WORDS: [&str; 12] = [
        "env",
        "environment",
        "environments",
        "cluster",
        "config",
        "values",
        "data",
        "east",
        "west",
        "north",
        "south",
        "central",
    ];
    let word = part.split(['.', '_']).next().unwrap_or("");
    word.len() <= 2
        || word.bytes().any(|byte| byte.is_ascii_digit())
        || WORDS.contains(&word)
        || is_test(word)
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_service_whose_name_begins_with_a_test_word_is_no_test_environment() {
        let cases = [
            ("helmfile.d/services/test-kitchen/values.yaml", Place::Unknown),
            ("services/test-kitchen/values-staging.yaml", Place::Test),
            ("services/test-kitchen/values-prod.yaml", Place::Production),
            ("services/beta-features/values.yaml", Place::Unknown),
            ("charts/integration-hub/values.yaml", Place::Unknown),
            ("values-test.yaml", Place::Test),
            ("test/values.yaml", Place::Test),
            ("tests/data/list.yaml", Place::Test),
            ("hosts/test-2/app.yaml", Place::Test),
            ("hosts/db-test-eu.yaml", Place::Test),
            ("staging-eqiad/app.yaml", Place::Test),
            ("beta-cluster/app.yaml", Place::Test),
            ("dev-values.yaml", Place::Test),
            ("tests/test_kitchen.py", Place::Test),
            ("src/FooTest.php", Place::Test),
            ("web/prod/test-kitchen.yaml", Place::Production),
        ];
        for (path, expected) in cases {
            assert_eq!(Place::of_path(path), expected, "{path}");
        }
    }
}
