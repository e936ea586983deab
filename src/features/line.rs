//! The past of the very lines that are deleted or come back, by hashes of their texts.

use crate::features::facts::share;
use crate::features::schema::{FeatureSpec, Unit};
use crate::history::{Footprint, History, SECONDS_PER_DAY, SECONDS_PER_HOUR};

/// Seconds within which a line counts as fresh: as long as an unplanned revert counts.
const FRESH_SECONDS: i64 = 14 * 86_400;

/// What the line family reads of the past of the very lines.
pub struct LineFacts {
    n_added: usize,
    n_deleted: usize,
    n_fresh: usize,
    n_back: usize,
    youngest_hours: Option<f64>,
    back_days: Option<f64>,
}

pub(super) const FEATURES: &[FeatureSpec] = &[
    FeatureSpec::new(
        "line_fresh_share",
        Unit::Share,
        "Share of the deleted lines that were added within the last 14 days",
        |f| share(f.lines.n_fresh, f.lines.n_deleted),
    ),
    FeatureSpec::new(
        "line_age_min_hours",
        Unit::Hours,
        "Hours since the youngest deleted line was added",
        |f| f.lines.youngest_hours,
    ),
    FeatureSpec::new(
        "line_back_share",
        Unit::Share,
        "Share of the added lines that an earlier change deleted from the file",
        |f| share(f.lines.n_back, f.lines.n_added),
    ),
    FeatureSpec::new(
        "line_back_age_days",
        Unit::Days,
        "Days since an added line was last deleted from the file",
        |f| f.lines.back_days,
    ),
];

impl LineFacts {
    pub(super) fn of(footprint: &Footprint, history: &History) -> Self {
        let age = |then: i64| footprint.t.saturating_sub(then).max(0);
        let known =
            |lines: &[u64]| lines.iter().filter_map(|&line| history.lines.get(line)).collect::<Vec<_>>();
        let deleted_ages: Vec<i64> =
            known(&footprint.lines.deleted).iter().filter_map(|line| line.added_t).map(age).collect();
        let back_ages: Vec<i64> =
            known(&footprint.lines.added).iter().filter_map(|line| line.deleted_t).map(age).collect();
        let youngest = |ages: &[i64]| ages.iter().min().map(|&age| age as f64);
        Self {
            n_added: footprint.lines.added.len(),
            n_deleted: footprint.lines.deleted.len(),
            n_fresh: deleted_ages.iter().filter(|&&age| age <= FRESH_SECONDS).count(),
            n_back: back_ages.len(),
            youngest_hours: youngest(&deleted_ages).map(|age| age / SECONDS_PER_HOUR),
            back_days: youngest(&back_ages).map(|age| age / SECONDS_PER_DAY),
        }
    }
}
