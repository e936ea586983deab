//! What usually changes together with the touched files, and is absent this time.

use crate::features::facts::count;
use crate::features::schema::{FeatureSpec, Unit};
use crate::history::{Footprint, History};

/// Earlier changes of a file before its partners say anything.
const MIN_CHANGES: u32 = 5;
/// Share of a file's changes from which a partner is expected.
const EXPECTED: f64 = 0.5;

/// What the partner family reads: what usually changes with these files and is absent.
pub struct PartnerFacts {
    strongest_missing: Option<f64>,
    n_missing: usize,
    strongest_present: Option<f64>,
    n_strange_pairs: usize,
}

pub(super) const FEATURES: &[FeatureSpec] = &[
    FeatureSpec::new(
        "partner_missing",
        Unit::Share,
        "Share of a file's changes that touched another file, absent here",
        |f| f.partners.strongest_missing,
    ),
    FeatureSpec::new("partner_missing_count", Unit::Count, "Files expected with these and absent", |f| {
        count(f.partners.n_missing)
    }),
    FeatureSpec::new(
        "partner_present",
        Unit::Share,
        "Share of a file's changes that touched another file, present here",
        |f| f.partners.strongest_present,
    ),
    FeatureSpec::new(
        "partner_strange",
        Unit::Count,
        "Pairs of a known file and another one that seldom or never changed with it",
        |f| count(f.partners.n_strange_pairs),
    ),
];

impl PartnerFacts {
    pub(super) fn of(footprint: &Footprint, history: &History) -> Self {
        let mut facts =
            Self { strongest_missing: None, n_missing: 0, strongest_present: None, n_strange_pairs: 0 };
        let mut paths: Vec<u64> = footprint.files.iter().map(|mark| mark.path).collect();
        paths.sort_unstable();
        for mark in &footprint.files {
            let Some(file_track) = history.files.get(mark.path).filter(|track| track.track.n >= MIN_CHANGES)
            else {
                continue;
            };
            let mut n_familiar = 0;
            for partner in file_track.partners() {
                let confidence = f64::from(partner.n_together) / f64::from(file_track.track.n);
                if paths.binary_search(&partner.path).is_ok() {
                    n_familiar += 1;
                    facts.strongest_present = Some(facts.strongest_present.unwrap_or(0.0).max(confidence));
                } else {
                    facts.strongest_missing = Some(facts.strongest_missing.unwrap_or(0.0).max(confidence));
                    facts.n_missing += usize::from(confidence >= EXPECTED);
                }
            }
            facts.n_strange_pairs += paths.len().saturating_sub(1 + n_familiar);
        }
        facts
    }
}
