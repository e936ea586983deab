//! Which environment an edit belongs to, by the words of its key and of its path.

use crate::change::{for_each_word, is_test_word, opens_name};

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
            } else if is_test_word(word) && place == Self::Unknown {
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
                let is_name = parts.peek().is_some_and(|next| opens_name(part, next));
                match Self::of_text(part) {
                    Self::Production => return Self::Production,
                    Self::Test if !is_name => place = Self::Test,
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
