//! Words that say "undoing it is the plan".

use std::sync::LazyLock;

use regex::Regex;

use crate::label::wording::headline;

/// Taken from the published labels of three configuration repositories (see docs/LABELS.md), where
/// each alternative is undone by design: traffic and hosts taken out and put back, switches for the
/// time of a job, decorations for the time of an event.
static PLANNED: LazyLock<Regex> = LazyLock::new(|| {
    let alternatives = [
        r"de-?pool|re-?pool|drain|role swap|promote \S+ to (?:\S+ master|primary)",
        r"fail-?over|fail over|failing over|switch-?over|\bDR\b|\bdrill",
        r"maintenance|\bmaint\b|reboot|restart|read[ -]?only|disabl\w* writes",
        r"temporar|\btemp\b|\bfor now\b|\bwip\b|not merge|comment out|debug",
        r"throttle|banner|celebration|anniversary|logo for",
        r"scal\w+ (?:up|down)",
        r"(?:disabl|enabl|mut|silenc)\w*(?: all)?(?: \w+)? notifications",
        r"\b(?:for|to|in)\b.*\bmigration|\bfor\b.*\b(?:upgrade|reimage|kernel)",
    ];
    regex(&format!("(?i){}", alternatives.join("|")))
});

/// Whether the headline of a message says that undoing the change is the plan.
pub fn planned_by_wording(message: &str) -> bool {
    PLANNED.is_match(headline(message))
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of this file, compiled by its tests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_are_recognized_by_their_headline_alone() {
        let planned = [
            "Depool db1101",
            "mariadb: Re-pool es3",
            "Temporarily raise the limit",
            "Fail over to codfw",
            "Disable all notifications on web1",
            "WIP try x",
            "Add throttle rule for workshop",
            "Merge pull request #3 from a/b\n\nRestart the workers",
        ];
        planned.iter().for_each(|message| assert!(planned_by_wording(message), "{message}"));
        let others = [
            "Raise the limit",
            "Raise the limit\n\nTemporarily.",
            "Add push-notifications chart",
            "Template",
        ];
        others.iter().for_each(|message| assert!(!planned_by_wording(message), "{message}"));
    }
}
