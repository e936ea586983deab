//! The past of the files and directories that a change touches: how often, how lately, by whom. Outcomes are not read here.

use crate::features::facts::{count, share};
use crate::features::schema::{FeatureSpec, Unit};
use crate::features::spread::Spread;
use crate::history::{FileTrack, Footprint, History, SECONDS_PER_HOUR, Track};

/// What the file and ownership families read of the files' past.
pub struct FileFacts {
    n_files: usize,
    n_known: usize,
    changes: Option<Spread>,
    recent: Option<Spread>,
    age_hours: Option<Spread>,
    life_hours: Option<Spread>,
    lines: Option<Spread>,
    relative_churn: Option<Spread>,
    dir_changes: [Option<Spread>; 3],
    dir_recent: Option<Spread>,
    dir_age_hours: Option<Spread>,
    fixup_hours: Option<f64>,
    pub(super) by_author: Option<Spread>,
    pub(super) author_share: Option<Spread>,
    pub(super) top_share: Option<Spread>,
    pub(super) author_is_top: Option<Spread>,
    pub(super) author_is_last: Option<Spread>,
    pub(super) author_is_new: Option<Spread>,
    pub(super) n_authors: Option<Spread>,
}

pub(super) const FEATURES: &[FeatureSpec] = &[
    FeatureSpec::new(
        "file_changes_max",
        Unit::Count,
        "Earlier changes of the file changed most often",
        |f| Some(f.files.changes?.max),
    ),
    FeatureSpec::new("file_changes_mean", Unit::Count, "Earlier changes of the files, on average", |f| {
        Some(f.files.changes?.mean)
    }),
    FeatureSpec::new(
        "file_changes_min",
        Unit::Count,
        "Earlier changes of the file changed least often",
        |f| Some(f.files.changes?.min),
    ),
    FeatureSpec::new(
        "file_recent_max",
        Unit::Count,
        "Lately changed times of the busiest file, halved every 30 days",
        |f| Some(f.files.recent?.max),
    ),
    FeatureSpec::new(
        "file_age_min_hours",
        Unit::Hours,
        "Hours since the file touched last was changed",
        |f| Some(f.files.age_hours?.min),
    ),
    FeatureSpec::new(
        "file_age_max_hours",
        Unit::Hours,
        "Hours since the file untouched longest was changed",
        |f| Some(f.files.age_hours?.max),
    ),
    FeatureSpec::new(
        "file_life_hours",
        Unit::Hours,
        "Hours since the youngest known file was first seen",
        |f| Some(f.files.life_hours?.min),
    ),
    FeatureSpec::new("file_unknown_share", Unit::Share, "Share of the files never seen before", |f| {
        share(f.files.n_files - f.files.n_known, f.files.n_files)
    }),
    FeatureSpec::new("file_unknown", Unit::Count, "Files never seen before", |f| {
        count(f.files.n_files - f.files.n_known)
    }),
    FeatureSpec::new(
        "file_lines_max",
        Unit::Count,
        "Lines of the longest file, as far as history shows",
        |f| Some(f.files.lines?.max),
    ),
    FeatureSpec::new(
        "file_relative_churn",
        Unit::Share,
        "Largest share of a file's lines that change",
        |f| Some(f.files.relative_churn?.max),
    ),
    FeatureSpec::new(
        "file_fixup_hours",
        Unit::Hours,
        "Hours since the author last changed one of these files",
        |f| f.files.fixup_hours,
    ),
    FeatureSpec::new("dir_changes_top", Unit::Count, "Earlier changes in the busiest top directory", |f| {
        Some(f.files.dir_changes[0]?.max)
    }),
    FeatureSpec::new(
        "dir_changes_second",
        Unit::Count,
        "Earlier changes in the busiest directory of depth two",
        |f| Some(f.files.dir_changes[1]?.max),
    ),
    FeatureSpec::new(
        "dir_changes_third",
        Unit::Count,
        "Earlier changes in the busiest directory of depth three",
        |f| Some(f.files.dir_changes[2]?.max),
    ),
    FeatureSpec::new(
        "dir_changes_third_min",
        Unit::Count,
        "Earlier changes in the quietest directory of depth three",
        |f| Some(f.files.dir_changes[2]?.min),
    ),
    FeatureSpec::new(
        "dir_recent_max",
        Unit::Count,
        "Late changes in the busiest directory, halved every 30 days",
        |f| Some(f.files.dir_recent?.max),
    ),
    FeatureSpec::new(
        "dir_age_min_hours",
        Unit::Hours,
        "Hours since a change in the directory touched last",
        |f| Some(f.files.dir_age_hours?.min),
    ),
    FeatureSpec::new("dir_top_last_day", Unit::Count, "Changes in the top directory in the last day", |f| {
        count(f.history.context.n_in_top_dir_within(f.t, 86_400, f.footprint.top_dir()))
    }),
];

impl FileFacts {
    pub(super) fn of(footprint: &Footprint, history: &History) -> Self {
        let t = footprint.t;
        let known: Vec<&FileTrack> = footprint
            .files
            .iter()
            .filter_map(|mark| history.files.get(mark.old_path.unwrap_or(mark.path)))
            .collect();
        let spread = |value: &dyn Fn(&FileTrack) -> f64| Spread::of(known.iter().map(|track| value(track)));
        let author = footprint.author;
        let by_author = |track: &FileTrack| f64::from(track.n_by(author));
        let n_changes = |track: &FileTrack| f64::from(track.track.n.max(1));
        let dirs = |depth: usize| tracks(&history.dirs[depth], &footprint.dirs[depth]);
        let is = |condition: bool| if condition { 1.0 } else { 0.0 };
        let fixup = known
            .iter()
            .filter(|track| track.last_author == author)
            .filter_map(|track| track.track.age_seconds(t));
        Self {
            n_files: footprint.files.len(),
            n_known: known.len(),
            changes: spread(&|track| f64::from(track.track.n)),
            recent: spread(&|track| track.track.recent(t)),
            age_hours: spread(&|track| track.track.age_seconds(t).unwrap_or(0.0) / SECONDS_PER_HOUR),
            life_hours: spread(&|track| {
                t.saturating_sub(track.track.first_t).max(0) as f64 / SECONDS_PER_HOUR
            }),
            lines: spread(&|track| track.n_lines.max(0) as f64),
            relative_churn: relative_churn(footprint, history),
            dir_changes: [0, 1, 2].map(|depth| Spread::of(dirs(depth).map(|track| f64::from(track.n)))),
            dir_recent: Spread::of(dirs(2).map(|track| track.recent(t))),
            dir_age_hours: Spread::of(
                dirs(2).filter_map(|track| track.age_seconds(t)).map(|age| age / SECONDS_PER_HOUR),
            ),
            fixup_hours: Spread::of(fixup).map(|ages| ages.min / SECONDS_PER_HOUR),
            by_author: spread(&by_author),
            author_share: spread(&|track| by_author(track) / n_changes(track)),
            top_share: spread(&|track| {
                track.top_author().map_or(0.0, |(_, n)| f64::from(n)) / n_changes(track)
            }),
            author_is_top: spread(&|track| is(track.top_author().is_some_and(|(top, _)| top == author))),
            author_is_last: spread(&|track| is(track.last_author == author)),
            author_is_new: spread(&|track| is(track.n_by(author) == 0)),
            n_authors: spread(&|track| track.n_authors() as f64),
        }
    }
}

/// The tracks of those hashes that are known.
pub(super) fn tracks<'a>(
    map: &'a crate::history::BoundedMap<Track>,
    hashes: &'a [u64],
) -> impl Iterator<Item = &'a Track> {
    hashes.iter().filter_map(|&hash| map.get(hash))
}

fn relative_churn(footprint: &Footprint, history: &History) -> Option<Spread> {
    Spread::of(footprint.files.iter().filter_map(|mark| {
        let n_lines = history.files.get(mark.path)?.n_lines;
        (n_lines > 0).then(|| (f64::from(mark.n_added) + f64::from(mark.n_deleted)) / n_lines as f64)
    }))
}
