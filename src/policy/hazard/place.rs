//! Which environment an edit belongs to, by the words of its key and of its path.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

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
        // `auth_for_testing` names a purpose, not a place.
        let (mut place, mut is_before, mut is_purpose) = (Self::Unknown, false, false);
        if !may_name(text) {
            return place;
        }
        for_each_word(text, |word| {
            if is_production(word) && !is_before {
                place = Self::Production;
            } else if (is_production(word) || is_test(word)) && place == Self::Unknown && !is_purpose {
                place = Self::Test;
            }
            is_purpose = word == "for";
            is_before = matches!(word, "pre" | "non");
        });
        place
    }

    /// The environment that the path of a key names, else that of its file. In a file of production, words that are
    /// the names of things as often as those of environments (`integration.stripe`, `beta_users`) name none.
    pub(super) fn of_key(path: &str, of_file: Self) -> Self {
        // So is the command called that checks a service of a compose file.
        let path = path.strip_suffix("healthcheck.test").unwrap_or(path);
        let place = Self::of_text(path);
        let is_sure = || path.split('.').any(names_test);
        match (place, of_file) {
            (Self::Unknown, _) => of_file,
            (Self::Test, Self::Production) if !is_sure() => of_file,
            _ => place,
        }
    }

    /// The environment that a path names: as of its words, but for the first word of a name such as
    /// `test-kitchen`, which is a service, not a kitchen under test. `test`, `values-test.yaml`, `test-2` and
    /// `beta-cluster` are environments; in doubt the edit is not of a test environment, so that every rule looks.
    pub(super) fn of_path(path: &str) -> Self {
        let (mut place, mut above) = (Self::Unknown, "");
        for segment in path.split('/') {
            // Somebody's own machine; of hosts, `local` is the end of a name, and of `/usr`, what was installed here.
            let is_passing = || segment.split(['-', '.', '_']).any(is_passing);
            if segment == "local" && above != "usr" || is_passing() {
                place = Self::Test;
            }
            above = segment;
            let mut parts = segment.split('-').peekable();
            let mut before = "";
            while let Some(part) = parts.next() {
                let is_name = parts.peek().is_some_and(|next| opens_name(part, next));
                let named = Self::of_text(&[before, " ", part].concat());
                before = if matches!(part, "pre" | "non") { part } else { "" };
                match named {
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

/// Whether a text holds the letters of a word for an environment. Most keys hold none, and are not taken apart.
fn may_name(text: &str) -> bool {
    const PARTS: [&str; 15] = [
        "prod", "prd", "live", "test", "stag", "stg", "dev", "qa", "uat", "sandbox", "beta", "lab",
        "integration", "fixture", "vagrant",
    ];
    static ANY: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let mut builder = AhoCorasick::builder();
        // They begin with most letters, so a look for their beginnings first is of no use.
        let builder = builder.ascii_case_insensitive(true).prefilter(false);
        let automaton = builder.kind(Some(AhoCorasickKind::DFA)).build(PARTS);
        automaton.expect("a few words are no large automaton")
    });
    ANY.is_match(text)
}

/// Whether a word names a test environment: `testimonials` and `tester` do not.
fn is_test(word: &str) -> bool {
    let is_name = || {
        word.strip_prefix("test").is_some_and(|rest| {
            !matches!(rest, "" | "s" | "ing" | "env" | "bed" | "net" | "data" | "lab" | "wiki")
        })
    };
    is_test_word(word) && !(word.starts_with("test") && is_name())
        || matches!(word, "nonprod" | "nonproduction")
}

/// Whether a word of a path names something that lives for a run or on a desk.
fn is_passing(word: &str) -> bool {
    matches!(word, "ephemeral" | "minikube" | "scratch" | "throwaway" | "unittest" | "unittests")
}

/// Whether a component of the path of a key names a test environment: of a name such as `ALLOW_TEST_LOGIN`, which is that of a
/// feature, its first or its last word must.
fn names_test(component: &str) -> bool {
    let (mut first, mut last, mut any, mut n_words) = (false, false, false, 0);
    for_each_word(component, |word| {
        last = is_test(word) && !is_also_a_name(word);
        any |= last;
        first |= n_words == 0 && last;
        n_words += 1;
    });
    first || last || any && component.contains('-')
}

/// Whether a word of a test environment is as often the name of something else.
fn is_also_a_name(word: &str) -> bool {
    matches!(word, "integration" | "stage" | "lab" | "labs" | "beta" | "fixture" | "fixtures")
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
            ("services/testimonials/values.yaml", Place::Unknown),
            ("values-pre-prod.yaml", Place::Test),
            ("local/values.yaml", Place::Test),
            ("files/usr/local/etc/app.yaml", Place::Unknown),
            ("clusters/non-prod/app.yaml", Place::Test),
            ("clusters/nonprod/app.yaml", Place::Test),
            ("values-minikube.yaml", Place::Test),
            ("stacks/scratch-core/db.tf", Place::Test),
        ];
        for (path, expected) in cases {
            assert_eq!(Place::of_path(path), expected, "{path}");
        }
    }

    /// None of them is passed over by the look at letters.
    #[test]
    fn every_word_for_an_environment_names_one() {
        let words = [
            "prod", "production", "prd", "live", "test", "tests", "testing", "staging", "stage", "stg",
            "dev", "devel", "development", "qa", "uat", "sandbox", "beta", "labs", "lab", "preprod",
            "integration", "fixture", "fixtures", "vagrant", "nonprod", "nonproduction",
        ];
        for word in words {
            for text in [word.to_owned(), word.to_ascii_uppercase(), format!("a.b_{word}-2.c")] {
                assert_ne!(Place::of_text(&text), Place::Unknown, "{text}");
            }
        }
        assert_eq!(Place::of_text("web.replicas"), Place::Unknown);
    }

    #[test]
    fn a_key_with_a_test_word_seldom_takes_a_file_out_of_production() {
        let cases = [
            ("integration.stripe.verify_ssl", Place::Production, Place::Production),
            ("stage.timeout", Place::Production, Place::Production),
            ("testimonials.replicas", Place::Production, Place::Production),
            ("staging.replicas", Place::Production, Place::Test),
            ("web.healthcheck.test", Place::Unknown, Place::Unknown),
            ("integration.replicas", Place::Unknown, Place::Test),
            ("production.replicas", Place::Test, Place::Production),
            ("replicas", Place::Test, Place::Test),
            ("ALLOW_TEST_LOGIN", Place::Production, Place::Production),
            ("REPLICAS_STAGING", Place::Production, Place::Test),
        ];
        for (key, of_file, expected) in cases {
            assert_eq!(Place::of_key(key, of_file), expected, "{key}");
        }
    }
}
