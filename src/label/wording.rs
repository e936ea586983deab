//! What the words of a change say about undoing an earlier one.

use std::sync::LazyLock;

use regex::Regex;

use crate::change::unmerged;

/// What the words of a change say about undoing an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevertWording {
    /// Whether they say that it is a revert, a rollback, or lands one again.
    pub is_revert: bool,
    /// What it undoes, the most trustworthy way of pointing first.
    pub references: Vec<Reference>,
}

/// How a message points at the change that it undoes; ordered by trust.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// A full or short commit id, in lower case.
    Commit(String),
    /// A full or short Gerrit Change-Id without its leading `I`, in lower case.
    Review(String),
    /// The number of a pull or merge request.
    Pull(u32),
    /// The quoted subject.
    Subject(String),
}

/// Where a revert may say so: at the start of its headline, after one scope such as `db: ` or `[beta] `.
const SCOPE: &str = r#"^\W*(?:[^\s"]{1,40}:\s+|\[[^\]]{1,40}\]\s*)?(?:partial(?:ly)?\s+)?"#;

/// What a squashed pull or merge request leaves behind its title.
const PULL_SUFFIX: &str = r"\([#!]\d{1,9}\)\s*";

/// A part of every word by which a text can say that something is undone or lands again: most texts have none.
static MAY_UNDO: LazyLock<Regex> = LazyLock::new(|| regex("(?i)revert|back|land|appl"));
static BY_COMMIT: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?ix)(?<denied>not\s+|n't\s+)?
        \b(?:revert(?:s|ing)?|(?:back(?:s|ed|ing)?[\ -]?out|roll(?:s|ed|ing)?[\ -]?back)(?:\s+of)?):?\s+
        (?:this\s+)?(?:partially\s+)?(?:(?:merge\s+)?(?:commits?|changes?):?\s+)?
        (?<ids>(?:[0-9a-f]{7,64}\b[\s,;]*(?:and\s+)?)+)",
    )
});
static COMMIT: LazyLock<Regex> = LazyLock::new(|| regex(r"\b[0-9a-f]{7,64}\b"));
static BY_REVIEW: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?i)\brevert(?:s|ing)?(?:\s+of)?(?:\s+changes?)?:?\s+((?:I[0-9a-f]{8,40}\b[\s,;]*(?:and\s+)?)+)")
});
static REVIEW: LazyLock<Regex> = LazyLock::new(|| regex(r"\bi([0-9a-f]{8,40})\b"));
static BY_PULL: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)\breverts?\s+(?:pr\s+|pull request\s+|merge request\s+)?(?:[\w.-]+(?:/[\w.-]+)+)?[#!](\d{1,9})\b",
    )
});
static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r#"(?i){SCOPE}(?:revert|rollback of|roll back)(?:\^(\d{{1,4}}))?:?\s+"(.+?)(?:"[.\s]*{PULL_SUFFIX}|"?[.\s]*)$"#
    ))
});
static SAYS_COMMIT: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\breverts\s+commit"));
static SQUASHED: LazyLock<Regex> = LazyLock::new(|| regex(&format!(r"^(.+\S)\s+{PULL_SUFFIX}$")));
static SAYS_REVERT: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r"(?i){SCOPE}(?:revert(?:s|ed|ing)?|roll(?:s|ed|ing)?[ -]?back|rollbacks?|back(?:s|ed|ing)?[ -]?out|re-?land(?:s|ed|ing)?|re-?appl(?:y|ies|ied|ying))(?:[^\w-]|$)"
    ))
});
/// What GitHub, GitLab and git itself, and Bitbucket put before the title.
static MERGE: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"^Merge (?:pull request|branch|remote|tag)\b|^Merged in \S+ \(pull request #\d{1,9}\)$")
});
static PULL_NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^Merge pull request (?:'.+' \()?#(\d{1,9})\b|^Merged in \S+ \(pull request #(\d{1,9})\)|^[^\n]*\(#(\d{1,9})\)[ \t]*(?:\n|$)|(?m:^See merge request \S*!(\d{1,9})\s*$)",
    )
});
static CHANGE_ID: LazyLock<Regex> = LazyLock::new(|| regex(r"(?m)^Change-Id:\s*I([0-9a-f]{40})\s*$"));

/// Reads what a change says about undoing an earlier one. What its merged commits say points at what it undoes, but does not make
/// it a revert: most of a branch that reverts one of its own commits is something else.
pub fn revert_wording<'a>(
    message: &'a str,
    merged_messages: impl Iterator<Item = &'a str> + Clone,
) -> RevertWording {
    let texts = || std::iter::once(message).chain(merged_messages.clone());
    if !texts().any(|text| MAY_UNDO.is_match(text)) {
        return RevertWording::default();
    }
    let mut references: Vec<Reference> = texts().flat_map(references_in).collect();
    references.extend(quoted(headline(message)));
    references.extend(texts().filter_map(|text| quoted(first_line(text))));
    // Stable: references of one kind stay in the order in which the texts name them.
    references.sort_by_key(trust);
    references.dedup();
    let says_so = SAYS_COMMIT.is_match(message) || SAYS_REVERT.is_match(headline(message));
    RevertWording { is_revert: says_so || QUOTED.is_match(headline(message)), references }
}

/// What a change is called: its subject; for a merge, the title of what it merges.
pub fn headline(message: &str) -> &str {
    let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("");
    let title = unmerged(first);
    if title == first && MERGE.is_match(first) { lines.next().unwrap_or(first) } else { title }
}

/// The title in front of the number that a squashed pull or merge request leaves behind it, where there is one.
pub(crate) fn unsquashed(subject: &str) -> Option<&str> {
    SQUASHED.captures(subject).and_then(|captures| captures.get(1)).map(|title| title.as_str())
}

/// The first line of a message.
pub(crate) fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or("").trim()
}

/// The number of the pull or merge request that a message says it lands.
pub(crate) fn pull_number(message: &str) -> Option<u32> {
    let captures = PULL_NUMBER.captures(message)?;
    captures.iter().skip(1).flatten().next()?.as_str().parse().ok()
}

/// What names a decision of the service in a message.
pub const DECISION_TRAILER: &str = "Diffrisk-Decision:";

/// The values of the lines of a message that begin with a word.
pub fn trailers<'a>(message: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    message.lines().filter_map(move |line| Some(line.trim().strip_prefix(word)?.trim()))
}

/// The last Gerrit Change-Id of a message, without its leading `I`.
pub(crate) fn change_id(message: &str) -> Option<&str> {
    CHANGE_ID.captures_iter(message).last().and_then(|captures| captures.get(1)).map(|id| id.as_str())
}

/// Ids of the commits that a text says it undoes, full or short, in lower case.
pub(crate) fn commits_named(text: &str) -> Vec<String> {
    let mut named = Vec::new();
    for captures in BY_COMMIT.captures_iter(text).filter(|captures| captures.name("denied").is_none()) {
        let ids = captures["ids"].to_ascii_lowercase();
        named.extend(COMMIT.find_iter(&ids).map(|id| id.as_str().to_owned()));
    }
    named
}

fn references_in(text: &str) -> Vec<Reference> {
    let mut references: Vec<Reference> = commits_named(text).into_iter().map(Reference::Commit).collect();
    for captures in BY_REVIEW.captures_iter(text) {
        let ids = captures[1].to_ascii_lowercase();
        references.extend(REVIEW.captures_iter(&ids).map(|id| Reference::Review(id[1].to_owned())));
    }
    references
        .extend(BY_PULL.captures_iter(text).filter_map(|found| found[1].parse().ok()).map(Reference::Pull));
    references
}

/// The subject that a revert quotes: `Revert^3 "x"` undoes `Revert^2 "x"`, which undoes `Revert "x"`.
fn quoted(subject: &str) -> Option<Reference> {
    let captures = QUOTED.captures(subject)?;
    let inner = unmerged(&captures[2]);
    let depth: u32 = captures.get(1).map_or(1, |depth| depth.as_str().parse().unwrap_or(1));
    Some(Reference::Subject(match depth {
        0 | 1 => inner.to_owned(),
        2 => format!("Revert \"{inner}\""),
        _ => format!("Revert^{} \"{inner}\"", depth - 1),
    }))
}

fn trust(reference: &Reference) -> u8 {
    match reference {
        Reference::Commit(_) => 0,
        Reference::Review(_) => 1,
        Reference::Pull(_) => 2,
        Reference::Subject(_) => 3,
    }
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of this file, compiled by its tests")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(id: &str) -> Reference {
        Reference::Commit(id.to_owned())
    }

    fn subject(text: &str) -> Reference {
        Reference::Subject(text.to_owned())
    }

    #[track_caller]
    fn check(message: &str, is_revert: bool, references: &[Reference]) {
        let wording = revert_wording(message, std::iter::empty());
        assert_eq!(wording, RevertWording { is_revert, references: references.to_vec() }, "{message}");
    }

    #[test]
    fn commits_are_named_in_full_short_and_several_at_once() {
        let full = "876f967b0cf39320a335609443577ee28a6fc70a";
        check(&format!("Depool es2019\n\nThis reverts commit {full}.\n"), true, &[commit(full)]);
        check("Remove x\n\nThis reverts commit 465D676.", true, &[commit("465d676")]);
        check(
            "x\n\nThis reverts commits 53cd561d and 1083639a",
            true,
            &[commit("53cd561d"), commit("1083639a")],
        );
        check(
            "x\n\nThis reverts commits 53cd561d,\n1083639a.",
            true,
            &[commit("53cd561d"), commit("1083639a")],
        );
        check("x\n\nThis reverts partially commit cf037befb.", false, &[commit("cf037befb")]);
        check("x\n\nReverts a7b63339cd39", false, &[commit("a7b63339cd39")]);
        check("Backed out a7b63339cd39", true, &[commit("a7b63339cd39")]);
        check("Roll back commit a7b63339cd39", true, &[commit("a7b63339cd39")]);
        let both = [commit("aaaaaaa1"), commit("bbbbbbb2")];
        check("x\n\nThis reverts commit aaaaaaa1.\nThis reverts commit bbbbbbb2.", true, &both);
    }

    #[test]
    fn merges_pulls_and_reviews_are_named() {
        check("Revert things\n\nReverts org/repo#17", true, &[Reference::Pull(17)]);
        check("x\n\nReverts #17 for now", false, &[Reference::Pull(17)]);
        check("x\n\nReverts merge request group/sub/project!9", false, &[Reference::Pull(9)]);
        let review = "058fac389323b7f34134bc264c2c2cf5aa9feb6d";
        check(&format!("Revert of I{review}"), true, &[Reference::Review(review.to_owned())]);
        let two = [Reference::Review("9b4fdb4868".to_owned()), Reference::Review("6b68c9117".to_owned())];
        check("x\n\nThis reverts I9b4fdb4868\nand I6b68c9117.", false, &two);
        let merge = "This reverts commit 372b98ac22c3, reversing\nchanges made to 3bd95a6ba884.";
        let subject = subject("Bump x");
        check(&format!("Revert \"Merge \"Bump x\"\"\n\n{merge}"), true, &[commit("372b98ac22c3"), subject]);
    }

    #[test]
    fn quoted_subjects_are_unwrapped_one_layer_at_a_time() {
        check("Revert \"Raise x\"", true, &[subject("Raise x")]);
        check("Revert \"Revert \"Raise x\"\"", true, &[subject("Revert \"Raise x\"")]);
        check("Revert^2 \"Raise x\"", true, &[subject("Revert \"Raise x\"")]);
        check("Revert^4 \"Raise x\"", true, &[subject("Revert^3 \"Raise x\"")]);
        check("beta: Revert \"Raise x\".", true, &[subject("Raise x")]);
        check("Partially revert \"Raise x\"", true, &[subject("Raise x")]);
        check("Rollback of \"Raise x\"", true, &[subject("Raise x")]);
        check("Merge pull request #2 from a/b\n\nRevert \"Raise x\"", true, &[subject("Raise x")]);
        check("Revert \"Raise x (#1)\" (#2)", true, &[subject("Raise x (#1)")]);
        check("Revert \"Revert \"Raise x\" (#1)\" (#2)", true, &[subject("Revert \"Raise x\" (#1)")]);
        check("Revert \"Raise x (#1)", true, &[subject("Raise x (#1)")]);
    }

    #[test]
    fn landing_again_is_a_revert_that_points_at_nothing() {
        for message in [
            "Reland \"Raise x\"",
            "Reapply \"Raise x\"",
            "Re-apply x",
            "[beta] Roll back to 1.2",
            "db: back out y",
        ] {
            check(message, true, &[]);
        }
    }

    #[test]
    fn other_words_are_no_revert() {
        for message in [
            "Add rollbacker group",
            "Enable revertrisk filters",
            "Roll out x",
            "Ease rollback of y",
            "Restore x",
            "rollback-controller: raise the memory",
            "reapply-crds: pin the image",
            "x\n\nThis does not revert commit 1234567.",
            "",
        ] {
            check(message, false, &[]);
        }
    }

    #[test]
    fn merged_messages_speak_for_their_landing() {
        let merged = ["Tidy".to_owned(), "Revert \"Raise x\"\n\nThis reverts commit 1234567.".to_owned()];
        let wording =
            revert_wording("Merge pull request #3 from a/b\n\nPut x back", merged.iter().map(String::as_str));
        assert_eq!(wording.references, [commit("1234567"), subject("Raise x")]);
        assert!(!wording.is_revert);
    }

    #[test]
    fn a_headline_is_the_title_of_what_is_merged() {
        for merge in [
            "Merge pull request #3 from a/b\n\nPut x back\n\nLong",
            "Merge pull request 'Put x back' (#3) from a/b into main\n\nReviewed-on: https://example.org/a/b/pulls/3",
            "Merged in a/b (pull request #3)\n\nPut x back\n\nApproved-by: Ann",
        ] {
            assert_eq!((headline(merge), pull_number(merge)), ("Put x back", Some(3)), "{merge}");
        }
        assert_eq!(headline("Merge \"Put x back\""), "Put x back");
        assert_eq!(headline("Merge branch 'main'"), "Merge branch 'main'");
        assert_eq!(headline("\nPut x back"), "Put x back");
    }

    #[test]
    fn landed_pulls_are_recognized() {
        let pulls = [
            "Merge pull request #12 from a/b\n\nx",
            "Raise x (#12)\n\nmore",
            "x\n\nSee merge request a/b!12",
        ];
        pulls.iter().for_each(|message| assert_eq!(pull_number(message), Some(12), "{message}"));
        assert_eq!(pull_number("Raise x (#12) again"), None);
    }
}
