//! Values that somebody asked to leave alone, in a comment beside them. Start at [`warned_value_changed`].

use crate::change::{DiffLine, KeyChangeKind, LineOrigin};
use crate::policy::hazard::edit::{Edit, NEAR_TEXT};
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};
use crate::policy::hazard::words::{says, spaced};

pub(super) const RULES: &[HazardRule] = &[edit_rule(
    "warned_value_changed",
    Sphere::OutsideTests,
    warned_value_changed,
    [
        "A value changes whose comment says to leave it",
        "`max_surge: 1` → `4` below `# never more than one, the lock is not shared`",
    ],
)
.general()];

/// Words with which people fence a value off.
const FENCES: &[&str] = &[
    "do not", "don t", "never", "must not", "must stay", "must remain", "must be", "must match", "not yet",
    "keep at", "careful", "warning", "dangerous", "before you change", "before changing", "talk to", "ask",
];

/// What a whole file says of itself, and of no value.
const OF_FILES: &[&str] = &["edit", "modify this file", "generated", "managed by"];

fn warned_value_changed(edit: &Edit<'_>) -> bool {
    let is_changed = !edit.old.is_empty()
        && !edit.new.is_empty()
        && !matches!(edit.key_change.kind, KeyChangeKind::Comment | KeyChangeKind::Version);
    // Who trims a number by a little has read what stands beside it.
    let is_trimmed = edit.numbers().is_some_and(|(old, new)| old > 0.0 && new > old / 1.5 && new < old * 1.5);
    is_changed
        && !is_trimmed
        && *edit.line.is_fenced.get_or_init(|| {
            let above = || edit.line_before().and_then(comment_of);
            above().is_some_and(fences) || edit.comment_beside().is_some_and(fences)
        })
}

/// Whether a comment asks to leave a value alone.
fn fences(comment: &str) -> bool {
    let words = spaced(comment);
    says(&words, FENCES) && !says(&words, OF_FILES)
}

/// The words of a line that is nothing but a comment, and stays.
fn comment_of(line: &DiffLine) -> Option<&str> {
    let text = Some(line.text.trim()).filter(|text| text.len() <= NEAR_TEXT)?;
    let marks = ["#", "//", ";", "--", "/*", "*"];
    marks.iter().find_map(|mark| text.strip_prefix(mark)).filter(|_| line.origin == LineOrigin::Context)
}
