//! Where in a diff hazard rules fired: whoever is told of a hazard wants to see it before anything else. Start at
//! [`Spots::of`].

use rustc_hash::FxHashMap;

use crate::change::{FileDiff, FileStatus, LineOrigin};
use crate::explain::grounds::Grounds;
use crate::explain::value::HazardSpot;

/// Places of one rule in one file that are told.
const MAX_SPOTS: usize = 50;

/// The places by file.
#[derive(Default)]
pub(super) struct Spots(FxHashMap<usize, Vec<HazardSpot>>);

impl Spots {
    /// Those of the rules that speak against the change under its policy.
    pub(super) fn of(grounds: &Grounds<'_>) -> Self {
        let files = &grounds.question.change.record.files;
        let mut spots: FxHashMap<usize, Vec<HazardSpot>> = FxHashMap::default();
        for hazard in grounds.policy.hazards(&grounds.question) {
            let rule = hazard.rule;
            for spot in &hazard.spots {
                let of_file = spots.entry(spot.file_idx).or_default();
                let n_told = of_file.iter().rev().take_while(|told| told.rule == rule.name).count();
                if let Some(file_diff) = files.get(spot.file_idx)
                    && n_told < MAX_SPOTS
                {
                    of_file.push(HazardSpot {
                        rule: rule.name.to_owned(),
                        text: rule.sentence.to_owned(),
                        hunk_idx: spot.line.map(|(hunk_idx, _)| hunk_idx),
                        line_idx: spot.line.map(|(_, line_idx)| line_idx),
                        line: spot.line.map(|(hunk_idx, line_idx)| file_diff.line_number(hunk_idx, line_idx)),
                        line_before: spot.line.and_then(|line| line_before(file_diff, line)),
                    });
                }
            }
        }
        Self(spots)
    }

    /// Those of a file.
    pub(super) fn in_file(&self, file_idx: usize) -> &[HazardSpot] {
        self.0.get(&file_idx).map_or(&[], Vec::as_slice)
    }

    /// Whether one is on a line.
    pub(super) fn is_on(&self, file_idx: usize, (hunk_idx, line_idx): (usize, usize)) -> bool {
        let is_here = |spot: &HazardSpot| (spot.hunk_idx, spot.line_idx) == (Some(hunk_idx), Some(line_idx));
        self.in_file(file_idx).iter().any(is_here)
    }
}

/// The number that a deleted line had: whoever looks for it in what is there now finds another one.
fn line_before(file_diff: &FileDiff, (hunk_idx, line_idx): (usize, usize)) -> Option<u32> {
    let hunk = file_diff.hunks().get(hunk_idx)?;
    let is_deleted = hunk.lines.get(line_idx)?.origin == LineOrigin::Deleted;
    let n_before = hunk.lines[..line_idx].iter().filter(|line| line.origin != LineOrigin::Added).count();
    let line = hunk.old_start.saturating_add(u32::try_from(n_before).unwrap_or(u32::MAX));
    (is_deleted && file_diff.status != FileStatus::Deleted).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::parse_diff;

    #[test]
    fn a_line_that_went_has_the_number_that_it_had() {
        let diff = "--- a/a.yaml\n+++ b/a.yaml\n@@ -5,3 +5,3 @@\n+new: 1\n a: 1\n-b: 2\n c: 3\n";
        let record = parse_diff(diff.as_bytes()).unwrap();
        let lines = [0, 1, 2].map(|line_idx| line_before(&record.files[0], (0, line_idx)));
        assert_eq!(lines, [None, None, Some(6)]);
        let gone = "--- a/a.yaml\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a: 1\n-b: 2\n";
        let record = parse_diff(gone.as_bytes()).unwrap();
        assert_eq!(line_before(&record.files[0], (0, 1)), None, "it has no other number");
    }
}
