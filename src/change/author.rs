//! Who wrote a change: an address, and whether it reads like that of a program. Start at [`is_bot`].

use std::sync::LazyLock;

use regex::Regex;

/// A word, or an account, that ends in `bot`.
static ENDS_IN_BOT: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)(\w*)bot\b"));
/// Robots that do without it.
static ROBOT: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)\b(?:renovate|jenkins|github-actions|copybara)\b"));
/// Family names that end in `bot`.
const FAMILIES: [&str; 7] = ["ab", "ca", "guil", "har", "tal", "tur", "lam"];

/// The address in `Name <address>`, else the whole, without white space around it.
pub fn author_address(author: &str) -> &str {
    match (author.rfind('<'), author.rfind('>')) {
        (Some(start), Some(end)) if start < end => author[start + 1..end].trim(),
        _ => author.trim(),
    }
}

/// Whether an author (`Name <address>`) looks like a program.
pub fn is_bot(author: &str) -> bool {
    let mut bots = ENDS_IN_BOT.captures_iter(author).map(|captures| captures[1].to_ascii_lowercase());
    bots.any(|stem| !FAMILIES.iter().any(|family| stem.ends_with(family))) || ROBOT.is_match(author)
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of this file, compiled by its tests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_from_people() {
        let bots = [
            "dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>",
            "PipelineBot <x+pipelinebot@example.org>",
            "Renovate <a@example.org>",
            "some-bot <a@example.org>",
        ];
        bots.iter().for_each(|author| assert!(is_bot(author), "{author}"));
        let people =
            ["Ana Botto <ana.botto@example.org>", "Jo Talbot <jo.talbot@example.org>", "Bo <bo@example.org>"];
        people.iter().for_each(|author| assert!(!is_bot(author), "{author}"));
    }
}
