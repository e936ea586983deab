//! What goes on in the repository around a change: how busy it is, how well it fares, and what the change says it is.

use crate::features::facts::{count, flag};
use crate::features::schema::{FeatureSpec, Unit};
use crate::history::{SECONDS_PER_DAY, SECONDS_PER_HOUR};

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

pub(super) const FEATURES: &[FeatureSpec] = &[
    FeatureSpec::new("context_last_hour", Unit::Count, "Changes in the last hour", |f| {
        count(f.history.context.n_landed_within(f.t, HOUR))
    }),
    FeatureSpec::new("context_last_day", Unit::Count, "Changes in the last day", |f| {
        count(f.history.context.n_landed_within(f.t, DAY))
    }),
    FeatureSpec::new("context_last_week", Unit::Count, "Changes in the last week", |f| {
        count(f.history.context.n_landed_within(f.t, 7 * DAY))
    }),
    FeatureSpec::new("context_gap_hours", Unit::Hours, "Hours since the last change", |f| {
        Some(f.history.context.track.age_seconds(f.t)? / SECONDS_PER_HOUR)
    }),
    FeatureSpec::new(
        "context_bad_day",
        Unit::Count,
        "Unplanned reverts and incidents of the last day",
        |f| count(f.history.context.n_bad_within(f.t, DAY)),
    )
    .rising(),
    FeatureSpec::new(
        "context_bad_week",
        Unit::Count,
        "Unplanned reverts and incidents of the last week",
        |f| count(f.history.context.n_bad_within(f.t, 7 * DAY)),
    )
    .rising(),
    FeatureSpec::new(
        "context_bad_quarter",
        Unit::Count,
        "Unplanned reverts and incidents of the last 90 days",
        |f| count(f.history.context.n_bad_within(f.t, 90 * DAY)),
    )
    .rising(),
    FeatureSpec::new(
        "context_bad_age_days",
        Unit::Days,
        "Days since the last unplanned revert or incident",
        |f| Some(f.history.context.track.bad_age_seconds(f.t)? / SECONDS_PER_DAY),
    ),
    FeatureSpec::new(
        "context_base_rate",
        Unit::Share,
        "Share of changes that went wrong here so far, halved every year",
        |f| Some(f.base_rate),
    ),
    FeatureSpec::new(
        "context_planned",
        Unit::Flag,
        "Whether changes with this wording are usually undone as planned",
        |f| flag(f.reading.classification.planned_by_wording || f.reading.classification.planned_by_template),
    ),
    FeatureSpec::new(
        "context_is_revert",
        Unit::Flag,
        "Whether the change says that it undoes an earlier one",
        |f| flag(f.reading.classification.is_revert),
    ),
    FeatureSpec::new("context_undoes_recent", Unit::Flag, "Whether it exactly undoes an earlier edit", |f| {
        flag(
            f.history.edits.get(f.footprint.inverse_edit).is_some()
                && f.footprint.edit != f.footprint.inverse_edit,
        )
    }),
    FeatureSpec::new("context_seen_before", Unit::Flag, "Whether the very same edit landed before", |f| {
        flag(f.history.edits.get(f.footprint.edit).is_some())
    }),
];
