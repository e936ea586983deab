//! Words for test environments, in keys and in paths.

/// Whether a word in lower case names a test environment.
pub(crate) fn is_test_word(word: &str) -> bool {
    word.starts_with("test")
        || matches!(
            word,
            "staging"
                | "stage"
                | "stg"
                | "dev"
                | "devel"
                | "development"
                | "qa"
                | "uat"
                | "sandbox"
                | "beta"
                | "labs"
                | "lab"
                | "preprod"
                | "integration"
                | "fixture"
                | "fixtures"
                | "vagrant"
        )
}

/// Whether a part of a path, up to a hyphen, is such a word and yet only the beginning of a name:
/// `test-kitchen` is a service, not a kitchen under test. `test-2`, `beta-cluster` and `dev-values.yaml` are
/// environments. `next` is what follows the hyphen.
pub(crate) fn opens_name(part: &str, next: &str) -> bool {
    is_word_of_names(part) && !is_qualifier(next)
}

/// Whether a part of a path is a word for a test environment with which ordinary names begin, too.
fn is_word_of_names(part: &str) -> bool {
    const WORDS: [&str; 7] = ["beta", "dev", "integration", "lab", "labs", "qa", "stage"];
    let is_word = part.bytes().all(|byte| byte.is_ascii_lowercase());
    is_word && (part.starts_with("test") || WORDS.contains(&part))
}

/// Whether what follows such a word tells environments apart: a number, a region of two letters, or a word for
/// an environment or its values.
fn is_qualifier(part: &str) -> bool {
    const WORDS: [&str; 12] = [
        "env", "environment", "environments", "cluster", "config", "values", "data", "east", "west", "north",
        "south", "central",
    ];
    let word = part.split(['.', '_']).next().unwrap_or("");
    word.len() <= 2
        || word.bytes().any(|byte| byte.is_ascii_digit())
        || WORDS.contains(&word)
        || is_test_word(word)
}
