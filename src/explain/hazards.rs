//! Where in a diff hazard rules fired: whoever is told of a hazard wants to see it before anything else. Start at
//! [`Spots::of`].

use rustc_hash::FxHashMap;

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
