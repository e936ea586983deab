//! What the words of a message say about undoing an earlier change.

use std::sync::LazyLock;

use regex::Regex;

/// What a message says about undoing an earlier change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevertWording {
    /// Whether the change is a revert, a rollback, or lands one again.
    pub is_revert: bool,
    /// What it undoes, the most trustworthy reference first.
    pub references: Vec<Reference>,
}

/// How a message points at the change that it undoes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A full or short commit id, in lower case.
    Commit(String),
    /// A Gerrit Change-Id.
    Review(String),
    /// The number of a pull request.
    Pull(u32),
    /// The quoted subject.
    Subject(String),
}

static BY_COMMIT: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?i)\b(?:this )?reverts?(?: merge)? commits?:?\s+((?:[0-9a-f]{7,64}[,;]?\s*(?:and\s+)?)+)")
});
static HEX: LazyLock<Regex> = LazyLock::new(|| regex(r"[0-9a-f]{7,64}"));
static BY_PULL: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)\breverts\s+(?:[\w.-]+/[\w.-]+)?#(\d{1,9})\b"));
static QUOTED: LazyLock<Regex> = LazyLock::new(|| regex(r#"(?i)^\W*revert(?:\^(\d{1,3}))?:?\s+"(.*)"\.?$"#));
static SAYS_REVERT: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)^\W*(?:revert|reland|reapply|roll ?back)\b"));

/// Reads what a message says about undoing an earlier change.
pub fn revert_wording(message: &str) -> RevertWording {
    let subject = message.lines().next().unwrap_or("").trim();
    let mut references = Vec::new();
    for captures in BY_COMMIT.captures_iter(message) {
        references.extend(
            HEX.find_iter(&captures[1].to_lowercase()).map(|id| Reference::Commit(id.as_str().to_owned())),
        );
    }
    references.extend(BY_PULL.captures_iter(message).filter_map(|c| c[1].parse().ok()).map(Reference::Pull));
    references.extend(QUOTED.captures(subject).map(|captures| Reference::Subject(captures[2].to_owned())));
    let is_revert = !references.is_empty() || SAYS_REVERT.is_match(subject);
    RevertWording { is_revert, references }
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of this file, compiled by its tests")
}
