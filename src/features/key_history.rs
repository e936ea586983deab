//! The past of the very keys and key names that are edited: touches, ages, usual steps, and edits taken back.

use crate::features::facts::{count, share};
use crate::features::file::tracks;
use crate::features::schema::{FeatureSpec, Unit};
use crate::features::spread::Spread;
use crate::history::{Footprint, History, KeyTrack, SECONDS_PER_DAY};

/// The weight of the base rate in a key's smoothed rate, in changes.
const SMOOTHING: f64 = 5.0;

/// What the key family reads of the keys' past.
pub struct KeyFacts {
    n_keys: usize,
    n_known: usize,
    n_undoing: usize,
    n_repeating: usize,
    touches: Option<Spread>,
    age_days: Option<Spread>,
    magnitude: Option<Spread>,
    leaf_touches: Option<Spread>,
    leaf_recent: Option<Spread>,
    pub(super) lift: Option<Spread>,
    pub(super) leaf_lift: Option<Spread>,
    pub(super) n_bad: Option<Spread>,
}

pub(super) const FEATURES: &[FeatureSpec] = &[
    FeatureSpec::new(
        "key_known_share",
        Unit::Share,
        "Share of the edited keys that were edited before",
        |f| share(f.keys.n_known, f.keys.n_keys),
    )
    .revised(2),
    FeatureSpec::new("key_touches_max", Unit::Count, "Earlier edits of the key edited most often", |f| {
        Some(f.keys.touches?.max)
    }),
    FeatureSpec::new("key_age_min_days", Unit::Days, "Days since the key edited last was edited", |f| {
        Some(f.keys.age_days?.min)
    }),
    FeatureSpec::new(
        "key_age_max_days",
        Unit::Days,
        "Days since the key untouched longest was edited",
        |f| Some(f.keys.age_days?.max),
    ),
    FeatureSpec::new(
        "key_magnitude",
        Unit::LogRatio,
        "Largest numeric edit against the key's usual ones, as a difference of |ln(new / old)|",
        |f| Some(f.keys.magnitude?.max),
    ),
    FeatureSpec::new("key_undoes", Unit::Count, "Keys set back to the value before their last edit", |f| {
        count(f.keys.n_undoing)
    }),
    FeatureSpec::new("key_repeats", Unit::Count, "Keys edited exactly as in their last edit", |f| {
        count(f.keys.n_repeating)
    }),
    FeatureSpec::new(
        "key_leaf_touches",
        Unit::Count,
        "Earlier edits of the rarest key name, in any file",
        |f| Some(f.keys.leaf_touches?.min),
    ),
    FeatureSpec::new(
        "key_leaf_recent",
        Unit::Count,
        "Late edits of the busiest key name, halved every 30 days",
        |f| Some(f.keys.leaf_recent?.max),
    ),
];

impl KeyFacts {
    pub(super) fn of(footprint: &Footprint, history: &History, base_rate: f64) -> Self {
        let t = footprint.t;
        let marked: Vec<_> =
            footprint.keys.iter().filter_map(|mark| Some((mark, history.keys.get(mark.key)?))).collect();
        let spread =
            |value: &dyn Fn(&KeyTrack) -> f64| Spread::of(marked.iter().map(|(_, track)| value(track)));
        let leaves: Vec<u64> = footprint.keys.iter().map(|mark| mark.leaf).collect();
        let n_where = |test: &dyn Fn(u64, u64, &KeyTrack) -> bool| {
            marked.iter().filter(|(mark, track)| test(mark.old, mark.new, track)).count()
        };
        let magnitudes =
            marked.iter().filter_map(|(mark, track)| Some(mark.abs_log_ratio? - track.mean_abs_log_ratio()?));
        Self {
            n_keys: footprint.keys.len(),
            n_known: marked.len(),
            n_undoing: n_where(&|_, new, track| new == track.last_old && new != track.last_new),
            n_repeating: n_where(&|old, new, track| (old, new) == (track.last_old, track.last_new)),
            touches: spread(&|track| f64::from(track.track.n)),
            age_days: spread(&|track| track.track.age_seconds(t).unwrap_or(0.0) / SECONDS_PER_DAY),
            magnitude: Spread::of(magnitudes.map(f64::from)),
            leaf_touches: Spread::of(tracks(&history.leaves, &leaves).map(|track| f64::from(track.n))),
            leaf_recent: Spread::of(tracks(&history.leaves, &leaves).map(|track| track.recent(t))),
            lift: spread(&|track| track.track.lift(t, base_rate, SMOOTHING)),
            leaf_lift: Spread::of(
                tracks(&history.leaves, &leaves).map(|track| track.lift(t, base_rate, SMOOTHING)),
            ),
            n_bad: spread(&|track| track.track.bad(t)),
        }
    }
}
