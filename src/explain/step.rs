//! Smaller first steps of an edit: another new value in the same line.

use crate::change::{DiffLine, FileDiff, KeyChange, KeyChangeKind};
use crate::explain::edit::with_hunk;
use crate::explain::numbers::quoted;

/// Smaller first steps of a rollout, in percent.
const PERCENTS: [f64; 4] = [50.0, 25.0, 5.0, 1.0];
/// Percentage points from which a rise has steps.
const MIN_POINTS: f64 = 10.0;
/// A quantity that grows or shrinks by less than this has no step between.
const MIN_FACTOR: f64 = 5.0;

/// A value on the way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// As it would be written in place of the new value.
    pub(super) value: String,
    /// As it is said.
    pub(super) said: String,
}

/// Values on the way from the old to the new one, the largest step first.
pub(super) fn steps_of(edit: &KeyChange) -> Vec<Step> {
    let new = edit.new.as_deref().unwrap_or("");
    match edit.kind {
        KeyChangeKind::Percentage { old, new: to } if to - old > MIN_POINTS => {
            let is_fraction = new.parse::<f64>().is_ok_and(|written| (written - to).abs() > 1e-9);
            let between = PERCENTS.into_iter().filter(|step| *step > old && *step < to);
            let step = |percent: f64| {
                let number = if is_fraction { percent / 100.0 } else { percent };
                Step { value: written(new, number), said: format!("{percent} %") }
            };
            between.map(step).collect()
        }
        KeyChangeKind::Number { old, new: to } => halfway(edit, old, to).into_iter().collect(),
        KeyChangeKind::Duration { old_s, new_s } => halfway(edit, old_s, new_s).into_iter().collect(),
        KeyChangeKind::Size { old_bytes, new_bytes } => {
            halfway(edit, old_bytes, new_bytes).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Half of the way in orders of magnitude, in the unit of the new value, or of the old one where that
/// gives a whole number; none where the way is short.
fn halfway(edit: &KeyChange, from: f64, to: f64) -> Option<Step> {
    if !(from > 0.0 && to > 0.0 && (to / from).ln().abs() >= MIN_FACTOR.ln()) {
        return None;
    }
    let (old, new) = (edit.old.as_deref().unwrap_or(""), edit.new.as_deref().unwrap_or(""));
    let middle = (from * to).sqrt();
    let in_new = number_of(new).map(|number| (new, number / to));
    let in_old = number_of(old).map(|number| (old, number / from));
    let is_whole = |(_, per_unit): &(&str, f64)| middle * per_unit >= 1.0;
    let (pattern, per_unit) = in_new.filter(is_whole).or(in_old.filter(is_whole)).or(in_new)?;
    let step = middle * per_unit;
    let step = if step >= 1.0 { two_digits(step) } else { step };
    let reached = step / per_unit;
    let is_between = reached > from.min(to) && reached < from.max(to);
    let value = written(pattern, step);
    let said = quoted(&value);
    is_between.then_some(Step { value, said })
}

/// The number that a value begins with.
fn number_of(value: &str) -> Option<f64> {
    value.get(..number_end(value))?.parse().ok().filter(|number| *number > 0.0)
}

/// A number of at least one with two leading digits, and none after the point.
fn two_digits(number: f64) -> f64 {
    let unit = 10_f64.powf((number.log10().floor() - 1.0).max(0.0));
    (number / unit).round() * unit
}

/// A number with whatever follows it in the value that it replaces.
fn written(value: &str, number: f64) -> String {
    // Two leading digits below one: a root has no end.
    let n_digits = if number < 1.0 { (1.0 - number.log10().floor()).clamp(0.0, 12.0) as usize } else { 0 };
    let digits = if number < 1.0 { format!("{number:.n_digits$}") } else { format!("{number}") };
    let digits = if number < 1.0 { digits.trim_end_matches('0') } else { &digits };
    format!("{digits}{}", value.get(number_end(value)..).unwrap_or(""))
}

fn number_end(value: &str) -> usize {
    let is_part = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+');
    value.bytes().position(|b| !is_part(b)).unwrap_or(value.len())
}

/// The line of an edit, and its new value, which stands there just once.
pub(super) fn line_of<'a>(file_diff: &'a FileDiff, edit: &'a KeyChange) -> Option<(&'a DiffLine, &'a str)> {
    let line = file_diff.hunks().get(edit.hunk_idx)?.lines.get(edit.line_idx)?;
    let new = edit.new.as_deref().filter(|new| !new.is_empty())?;
    (line.text.matches(new).count() == 1).then_some((line, new))
}

/// The file with another new value; none where the value does not stand in the line just once, or would be read as another edit.
/// Reads the whole file.
pub(super) fn with_value(file_diff: &FileDiff, edit: &KeyChange, value: &str) -> Option<FileDiff> {
    let (line, new) = line_of(file_diff, edit)?;
    let mut altered = file_diff.hunks().get(edit.hunk_idx)?.clone();
    altered.lines[edit.line_idx] = DiffLine { text: line.text.replace(new, value), ..line.clone() };
    let altered = with_hunk(file_diff, edit.hunk_idx, altered);
    let is_meant = |other: &KeyChange| other.path == edit.path && other.new.as_deref() == Some(value);
    crate::change::key_changes(&altered).iter().any(is_meant).then_some(altered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{key_changes, parse_diff};

    fn steps(old: &str, new: &str) -> Vec<String> {
        let diff = format!("--- a/x.yaml\n+++ b/x.yaml\n@@ -1 +1 @@\n-{old}\n+{new}\n");
        let record = parse_diff(diff.as_bytes()).unwrap();
        let edits = key_changes(&record.files[0]);
        let steps = steps_of(&edits[0]);
        assert!(steps.iter().all(|step| with_value(&record.files[0], &edits[0], &step.value).is_some()));
        steps.into_iter().map(|step| step.value).collect()
    }

    #[test]
    fn every_quantity_has_its_steps_in_its_own_unit() {
        let cases: [(&str, &str, &[&str]); 10] = [
            ("rollout: 1%", "rollout: 100%", &["50%", "25%", "5%"]),
            ("rollout: 1%", "rollout: 5%", &[]),
            ("timeout: 30s", "timeout: 3s", &["9s"]),
            ("timeout: 30s", "timeout: 20s", &[]),
            ("timeout: 3s", "timeout: 5m", &["30s"]),
            ("memory: 512Mi", "memory: 8Gi", &["2Gi"]),
            ("memory: 1Gi", "memory: 2Gi", &[]),
            ("replicas: 3", "replicas: 300", &["30"]),
            ("replicas: 3", "replicas: 0", &[]),
            ("alpha: 0.1", "alpha: 0.001", &["0.01"]),
        ];
        for (old, new, expected) in cases {
            assert_eq!(steps(old, new), expected, "{old} to {new}");
        }
    }
}
