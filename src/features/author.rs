//! How experienced the author is here, and how much of what is touched is theirs. Says nothing of how their changes fared;
//! that is in `outcome`.

use crate::change::{author_address, is_bot};
use crate::features::facts::{Facts, count, flag};
use crate::features::schema::{FeatureSpec, Unit};
use crate::history::{SECONDS_PER_DAY, SECONDS_PER_HOUR};

pub(super) const FEATURES: &[FeatureSpec] = &[
    FeatureSpec::new("author_changes", Unit::Count, "Changes by the author here so far", |f| {
        Some(f64::from(f.author.n))
    }),
    FeatureSpec::new(
        "author_recent",
        Unit::Count,
        "Changes by the author lately, halved every 30 days",
        |f| Some(f.author.recent(f.t)),
    ),
    FeatureSpec::new("author_tenure_days", Unit::Days, "Days since the author's first change here", |f| {
        (f.author.n > 0).then(|| f.t.saturating_sub(f.author.first_t).max(0) as f64 / SECONDS_PER_DAY)
    }),
    FeatureSpec::new("author_gap_hours", Unit::Hours, "Hours since the author's last change here", |f| {
        Some(f.author.age_seconds(f.t)? / SECONDS_PER_HOUR)
    }),
    FeatureSpec::new("author_new", Unit::Flag, "Whether this is the author's first change here", |f| {
        flag(f.author.n == 0)
    }),
    FeatureSpec::new("author_bot", Unit::Flag, "Whether the author's address reads like a program's", |f| {
        flag(is_bot(author_address(&f.reading.change.author)))
    })
    .revised(2),
    FeatureSpec::new("author_last_hour", Unit::Count, "Changes by the author in the last hour", |f| {
        count(f.history.context.n_by_author_within(f.t, 3_600, f.footprint.author))
    }),
    FeatureSpec::new("author_last_day", Unit::Count, "Changes by the author in the last day", |f| {
        count(f.history.context.n_by_author_within(f.t, 86_400, f.footprint.author))
    }),
    FeatureSpec::new("author_here", Unit::Count, "Changes by the author in this top directory", |f| {
        Some(author_dir_changes(f))
    }),
    FeatureSpec::new(
        "author_here_share",
        Unit::Share,
        "Share of the author's changes that fell into this top directory",
        |f| (f.author.n > 0).then(|| author_dir_changes(f) / f64::from(f.author.n)),
    ),
];

pub(super) const OWNERSHIP: &[FeatureSpec] = &[
    FeatureSpec::new(
        "owner_author_changes",
        Unit::Count,
        "Earlier changes of these files by the author, on average",
        |f| Some(f.files.by_author?.mean),
    ),
    FeatureSpec::new(
        "owner_author_share",
        Unit::Share,
        "Share of these files' changes made by the author, on average",
        |f| Some(f.files.author_share?.mean),
    ),
    FeatureSpec::new(
        "owner_author_share_min",
        Unit::Share,
        "The same, of the file the author knows least",
        |f| Some(f.files.author_share?.min),
    ),
    FeatureSpec::new(
        "owner_top_share",
        Unit::Share,
        "Share of these files' changes made by whoever changed them most",
        |f| Some(f.files.top_share?.mean),
    ),
    FeatureSpec::new(
        "owner_is_top",
        Unit::Share,
        "Share of the files that the author changed more than anybody",
        |f| Some(f.files.author_is_top?.mean),
    ),
    FeatureSpec::new("owner_is_last", Unit::Share, "Share of the files last changed by the author", |f| {
        Some(f.files.author_is_last?.mean)
    }),
    FeatureSpec::new("owner_authors_max", Unit::Count, "Different authors of a file, at most", |f| {
        Some(f.files.n_authors?.max)
    }),
    FeatureSpec::new(
        "owner_new_files_share",
        Unit::Share,
        "Share of the known files that the author never touched",
        |f| Some(f.files.author_is_new?.mean),
    ),
];

fn author_dir_changes(facts: &Facts<'_>) -> f64 {
    let key = facts.footprint.author ^ facts.footprint.top_dir().rotate_left(32);
    facts.history.author_dirs.get(key).map_or(0.0, |track| f64::from(track.n))
}
