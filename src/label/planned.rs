//! Words that say "undoing it is the plan", and authors that look like bots.

use std::sync::LazyLock;

use regex::Regex;

static PLANNED: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)\b(?:de-?pool|re-?pool|fail-?over|switch-?over|maintenance|temporar(?:y|ily)|disable (?:all )?notifications|drill|restart|for now|wip)\b";
    Regex::new(pattern).expect("a pattern of this file, compiled by its tests")
});
static BOT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\bbot\b|\[bot\]|jenkins|renovate|dependabot")
        .expect("a pattern of this file, compiled by its tests")
});

/// Whether the words of a message say that undoing the change is the plan.
pub fn planned_by_wording(message: &str) -> bool {
    PLANNED.is_match(message)
}

/// Whether an author looks like a program.
pub fn is_bot(author: &str) -> bool {
    BOT.is_match(author)
}
