//! What a change calls itself, also where a forge wrote the message that lands it. Start at [`title`].

use std::sync::LazyLock;

use regex::Regex;

/// What Gerrit, and Gitea and Forgejo put around the title.
static MERGED_TITLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^Merge "(.*)"$|^Merge pull request '(.+)' \(#\d{1,9}\) from \S+ into \S+$"#)
        .expect("the pattern is a constant")
});

/// The subject of a message; of a merge the title of what it merges, or the first line below that says more, where there is one.
pub(super) fn title(message: &str) -> &str {
    let subject = message.lines().next().unwrap_or("").trim();
    if !subject.starts_with("Merge") {
        return subject;
    }
    let inner = unmerged(subject);
    let below = || message.lines().skip(1).map(str::trim).find(|line| !line.is_empty());
    if inner == subject && says_nothing(subject) { below().unwrap_or(subject) } else { inner }
}

/// Whether a subject is the words of git or of Bitbucket about a merge.
fn says_nothing(subject: &str) -> bool {
    subject.starts_with("Merge ") || subject.starts_with("Merged in ") && subject.contains(" (pull request #")
}

/// The title inside of what Gerrit, Gitea and Forgejo call a merge; anything else as it is.
pub(crate) fn unmerged(subject: &str) -> &str {
    let subject = subject.trim();
    MERGED_TITLE
        .captures(subject)
        .and_then(|captures| captures.iter().skip(1).flatten().next())
        .map_or(subject, |title| title.as_str())
}

#[cfg(test)]
mod tests {
    use super::title;

    #[test]
    fn a_merge_is_called_what_it_merges() {
        for (message, expected) in [
            ("Raise web to 9\n\nMerge later", "Raise web to 9"),
            ("Merge pull request #7 from shop/web\n\nRaise web to 9\n\nWhy", "Raise web to 9"),
            (
                "Merge branch 'web' into 'main'\n\nRaise web to 9\n\nSee merge request shop/config!7",
                "Raise web to 9",
            ),
            ("Merge branch 'web'", "Merge branch 'web'"),
            ("Merge \"Raise web to 9\"\n\nReviewed-on: https://example.org/7", "Raise web to 9"),
            (
                "Merge pull request 'Raise web to 9' (#7) from web into main\n\nReviewed-on: https://example.org/7",
                "Raise web to 9",
            ),
            ("Merged in web (pull request #7)\n\nRaise web to 9\n\nApproved-by: A", "Raise web to 9"),
            ("Merged in what was left\n\nRaise web to 9", "Merged in what was left"),
            ("", ""),
        ] {
            assert_eq!(title(message), expected, "{message}");
        }
    }
}
