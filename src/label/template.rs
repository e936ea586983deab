//! The template of a subject: what stays when the particulars are taken out.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Changes that a template needs before its habit counts.
const MIN_SEEN: u32 = 8;
/// Share of them, in tenths, that must have been undone.
const MIN_UNDONE_TENTHS: u64 = 3;
/// Most templates kept; beyond, those seen once are forgotten.
const MAX_TEMPLATES: usize = 1 << 20;

/// Hashes and mixed ids first, so that their letters do not stay behind, then runs of digits:
/// `db1104:3318` becomes `db#:#`.
static PARTICULARS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[0-9a-f]{7,64}\b|\bi[0-9a-f]{8,40}\b|\d+")
        .expect("a pattern of this file, compiled by its tests")
});

/// The subject in lower case with the digits of hosts, times and versions, hashes and ids replaced.
pub fn template_of(subject: &str) -> String {
    let lower = subject.to_lowercase();
    PARTICULARS.replace_all(&lower, "#").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A hash that stays the same on every machine and in every version.
pub(crate) fn stable_hash(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// How often each template was seen, and undone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Templates(BTreeMap<u64, Count>);

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Count {
    n_seen: u32,
    n_undone: u32,
}

impl Templates {
    /// Counts a landing.
    pub(crate) fn see(&mut self, template: u64) {
        let count = self.0.entry(template).or_default();
        count.n_seen = count.n_seen.saturating_add(1);
        if self.0.len() > MAX_TEMPLATES {
            self.0.retain(|_, count| count.n_seen > 1);
        }
    }

    /// Counts that one of its changes was undone.
    pub(crate) fn undo(&mut self, template: u64) {
        let count = self.0.entry(template).or_default();
        count.n_undone = count.n_undone.saturating_add(1);
    }

    /// Whether at least 8 were seen, of which at least 30 % were undone.
    pub(crate) fn is_routinely_undone(&self, template: u64) -> bool {
        self.0.get(&template).is_some_and(|count| {
            count.n_seen >= MIN_SEEN
                && u64::from(count.n_undone) * 10 >= u64::from(count.n_seen) * MIN_UNDONE_TENTHS
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particulars_are_taken_out_of_a_subject() {
        let cases = [
            ("Depool db1104:3318", "depool db#:#"),
            ("Roll to 1.35.0-wmf.19", "roll to #.#.#-wmf.#"),
            ("Deploy  8d6cd070 now", "deploy # now"),
            ("Follow I058fac389323b7f3", "follow #"),
        ];
        cases.iter().for_each(|(subject, template)| assert_eq!(&template_of(subject), template));
    }

    #[test]
    fn a_habit_needs_eight_changes_of_which_three_in_ten_were_undone() {
        let mut templates = Templates::default();
        (0..7).for_each(|_| templates.see(1));
        (0..3).for_each(|_| templates.undo(1));
        assert!(!templates.is_routinely_undone(1), "seven are too few");
        (0..3).for_each(|_| templates.see(1));
        assert!(templates.is_routinely_undone(1), "three of ten");
        templates.see(1);
        assert!(!templates.is_routinely_undone(1), "three of eleven");
    }
}
