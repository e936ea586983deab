//! How often the like of a change went wrong before: its author, files, keys, wording. Rates are drawn toward the base rate
//! while little is known; no outcome counts before it became known.

use crate::features::facts::flag;
use crate::features::file::tracks;
use crate::features::schema::{FeatureSpec, Unit};
use crate::features::spread::Spread;
use crate::history::{BoundedMap, FileTrack, Footprint, History, SECONDS_PER_DAY, Track};

/// The weight of the base rate in a smoothed rate, in changes.
const SMOOTHING: f64 = 8.0;

/// What the outcome family reads: how often the like of this change went wrong before.
pub struct OutcomeFacts {
    author_dir: Option<Spread>,
    file: Option<Spread>,
    file_undone: Option<Spread>,
    file_recent: Option<Spread>,
    file_n_bad: Option<Spread>,
    file_bad_age_days: Option<Spread>,
    dirs: [Option<Spread>; 3],
    dir_recent: Option<Spread>,
    dir_bad_age_days: Option<Spread>,
    extension: Option<Spread>,
    ticket: Option<Spread>,
    ticket_seen: Option<Spread>,
    ticket_bad_age_days: Option<Spread>,
    domain: Track,
    learned: [f64; 2],
    template: Track,
    first_words: Track,
    title: Track,
    edit: Track,
    last_undid: Option<Spread>,
}

pub(super) const FEATURES: &[FeatureSpec] = &[
    FeatureSpec::new(
        "author_bad_lift",
        Unit::LogRatio,
        "How often the author's changes here went wrong, against the base rate",
        |f| Some(f.author.lift(f.t, f.base_rate, SMOOTHING)),
    )
    .rising(),
    FeatureSpec::new("author_bad_recent_lift", Unit::LogRatio, "The same, halved every 30 days", |f| {
        Some(f.author.recent_lift(f.t, f.base_rate, SMOOTHING))
    })
    .rising(),
    FeatureSpec::new(
        "author_bad",
        Unit::Count,
        "The author's changes here that went wrong, halved every year",
        |f| Some(f.author.bad(f.t)),
    )
    .rising(),
    FeatureSpec::new(
        "author_undone_lift",
        Unit::LogRatio,
        "How often the author's changes here were undone, planned or not",
        |f| Some(f.author.undone_lift(f.t, f.base_rate, SMOOTHING)),
    ),
    FeatureSpec::new(
        "author_dir_bad_lift",
        Unit::LogRatio,
        "How often the author's changes in this top directory went wrong",
        |f| Some(f.outcomes.author_dir?.max),
    )
    .rising(),
    FeatureSpec::new(
        "file_bad_lift_max",
        Unit::LogRatio,
        "How often changes of the worst file went wrong, against the base rate",
        |f| Some(f.outcomes.file?.max),
    )
    .rising(),
    FeatureSpec::new("file_bad_lift_mean", Unit::LogRatio, "The same, on average over the files", |f| {
        Some(f.outcomes.file?.mean)
    })
    .rising(),
    FeatureSpec::new(
        "file_bad_recent_lift",
        Unit::LogRatio,
        "The same of the worst file, halved every 30 days",
        |f| Some(f.outcomes.file_recent?.max),
    )
    .rising(),
    FeatureSpec::new(
        "file_undone_lift",
        Unit::LogRatio,
        "How often changes of the worst file were undone, planned or not",
        |f| Some(f.outcomes.file_undone?.max),
    ),
    FeatureSpec::new(
        "file_bad",
        Unit::Count,
        "Changes of the worst file that went wrong, halved every year",
        |f| Some(f.outcomes.file_n_bad?.max),
    )
    .rising(),
    FeatureSpec::new(
        "dir_top_bad_lift",
        Unit::LogRatio,
        "How often changes of the worst top directory went wrong",
        |f| Some(f.outcomes.dirs[0]?.max),
    )
    .rising(),
    FeatureSpec::new(
        "dir_second_bad_lift",
        Unit::LogRatio,
        "How often changes of the worst directory of depth two went wrong",
        |f| Some(f.outcomes.dirs[1]?.max),
    )
    .rising(),
    FeatureSpec::new(
        "dir_third_bad_lift",
        Unit::LogRatio,
        "How often changes of the worst directory of depth three went wrong",
        |f| Some(f.outcomes.dirs[2]?.max),
    )
    .rising(),
    FeatureSpec::new("dir_bad_recent_lift", Unit::LogRatio, "The same, halved every 30 days", |f| {
        Some(f.outcomes.dir_recent?.max)
    })
    .rising(),
    FeatureSpec::new(
        "extension_bad_lift",
        Unit::LogRatio,
        "How often changes of files of the worst type went wrong",
        |f| Some(f.outcomes.extension?.max),
    )
    .rising(),
    FeatureSpec::new(
        "template_bad_lift",
        Unit::LogRatio,
        "How often changes described alike went wrong",
        |f| Some(f.outcomes.template.lift(f.t, f.base_rate, SMOOTHING)),
    )
    .rising(),
    FeatureSpec::new(
        "template_undone_lift",
        Unit::LogRatio,
        "How often changes described alike were undone, planned or not",
        |f| Some(f.outcomes.template.undone_lift(f.t, f.base_rate, SMOOTHING)),
    ),
    FeatureSpec::new("template_seen", Unit::Count, "Earlier changes described alike", |f| {
        Some(f64::from(f.outcomes.template.n))
    }),
    FeatureSpec::new(
        "first_words_bad_lift",
        Unit::LogRatio,
        "How often changes whose title starts alike went wrong",
        |f| Some(f.outcomes.first_words.lift(f.t, f.base_rate, SMOOTHING)),
    )
    .rising(),
    FeatureSpec::new("first_words_seen", Unit::Count, "Earlier changes whose title starts alike", |f| {
        Some(f64::from(f.outcomes.first_words.n))
    }),
    FeatureSpec::new("title_seen", Unit::Count, "Earlier changes with the very same title", |f| {
        Some(f64::from(f.outcomes.title.n))
    }),
    FeatureSpec::new(
        "title_was_undone",
        Unit::Flag,
        "Whether a change with the very same title was undone",
        |f| flag(f.outcomes.title.undone(f.t) > 0.0),
    ),
    FeatureSpec::new("edit_was_undone", Unit::Flag, "Whether the very same edit was undone before", |f| {
        flag(f.outcomes.edit.undone(f.t) > 0.0)
    }),
    FeatureSpec::new(
        "key_bad_lift_max",
        Unit::LogRatio,
        "How often edits of the worst key went wrong",
        |f| Some(f.keys.lift?.max),
    )
    .rising(),
    FeatureSpec::new(
        "key_bad",
        Unit::Count,
        "Edits of the worst key that went wrong, halved every year",
        |f| Some(f.keys.n_bad?.max),
    )
    .rising(),
    FeatureSpec::new(
        "leaf_bad_lift_max",
        Unit::LogRatio,
        "How often edits of the worst key name, in any file, went wrong",
        |f| Some(f.keys.leaf_lift?.max),
    )
    .rising(),
    FeatureSpec::new("leaf_bad_lift_mean", Unit::LogRatio, "The same, on average over the key names", |f| {
        Some(f.keys.leaf_lift?.mean)
    })
    .rising(),
];

pub(super) const LEARNED: &[FeatureSpec] = &[
    FeatureSpec::new(
        "learned_fast",
        Unit::LogOdds,
        "What the outcomes so far teach of its words, people and places together, the newest most",
        |f| Some(f.outcomes.learned[0]),
    )
    .rising(),
    FeatureSpec::new("learned_slow", Unit::LogOdds, "The same, learned with more patience", |f| {
        Some(f.outcomes.learned[1])
    })
    .rising(),
    FeatureSpec::new(
        "ticket_bad_lift",
        Unit::LogRatio,
        "How often changes that name the same ticket went wrong",
        |f| Some(f.outcomes.ticket?.max),
    )
    .rising(),
    FeatureSpec::new("ticket_seen", Unit::Count, "Earlier changes that name the same ticket", |f| {
        Some(f.outcomes.ticket_seen?.max)
    }),
    FeatureSpec::new(
        "ticket_bad_age_days",
        Unit::Days,
        "Days since a change that names the same ticket went wrong",
        |f| Some(f.outcomes.ticket_bad_age_days?.min),
    )
    .falling(),
    FeatureSpec::new(
        "domain_bad_lift",
        Unit::LogRatio,
        "How often changes from the same mail domain went wrong",
        |f| Some(f.outcomes.domain.lift(f.t, f.base_rate, SMOOTHING)),
    )
    .rising(),
    FeatureSpec::new(
        "file_last_undid_share",
        Unit::Share,
        "Share of the known files whose last change undid an earlier one",
        |f| Some(f.outcomes.last_undid?.mean),
    ),
];

pub(super) const AGES: &[FeatureSpec] = &[
    FeatureSpec::new(
        "author_bad_age_days",
        Unit::Days,
        "Days since a change of the author went wrong",
        |f| Some(f.author.bad_age_seconds(f.t)? / SECONDS_PER_DAY),
    )
    .falling(),
    FeatureSpec::new(
        "file_bad_age_days",
        Unit::Days,
        "Days since a change of one of the files went wrong",
        |f| Some(f.outcomes.file_bad_age_days?.min),
    )
    .falling(),
    FeatureSpec::new(
        "dir_bad_age_days",
        Unit::Days,
        "Days since a change in one of the directories of depth three went wrong",
        |f| Some(f.outcomes.dir_bad_age_days?.min),
    )
    .falling(),
    FeatureSpec::new(
        "template_bad_age_days",
        Unit::Days,
        "Days since a change described alike went wrong",
        |f| Some(f.outcomes.template.bad_age_seconds(f.t)? / SECONDS_PER_DAY),
    )
    .falling(),
];

impl OutcomeFacts {
    pub(super) fn of(footprint: &Footprint, history: &History, base_rate: f64) -> Self {
        let t = footprint.t;
        let files: Vec<&FileTrack> = footprint
            .files
            .iter()
            .filter_map(|mark| history.files.get(mark.old_path.unwrap_or(mark.path)))
            .collect();
        let file = |value: &dyn Fn(&Track) -> f64| {
            Spread::of(files.iter().map(|file_track| value(&file_track.track)))
        };
        let lift = |track: &Track| track.lift(t, base_rate, SMOOTHING);
        let dirs = |depth: usize| tracks(&history.dirs[depth], &footprint.dirs[depth]);
        let author_dirs: Vec<u64> =
            footprint.dirs[0].iter().map(|dir| footprint.author ^ dir.rotate_left(32)).collect();
        let ages = |age_seconds: Option<f64>| age_seconds.map(|age| age / SECONDS_PER_DAY);
        Self {
            author_dir: Spread::of(tracks(&history.author_dirs, &author_dirs).map(lift)),
            file: file(&lift),
            file_undone: file(&|track| track.undone_lift(t, base_rate, SMOOTHING)),
            file_recent: file(&|track| track.recent_lift(t, base_rate, SMOOTHING)),
            file_n_bad: file(&|track| track.bad(t)),
            file_bad_age_days: Spread::of(
                files.iter().filter_map(|file| ages(file.track.bad_age_seconds(t))),
            ),
            dirs: [0, 1, 2].map(|depth| Spread::of(dirs(depth).map(lift))),
            dir_recent: Spread::of(dirs(2).map(|track| track.recent_lift(t, base_rate, SMOOTHING))),
            dir_bad_age_days: Spread::of(dirs(2).filter_map(|track| ages(track.bad_age_seconds(t)))),
            extension: Spread::of(tracks(&history.extensions, &footprint.extensions).map(lift)),
            ticket: Spread::of(tracks(&history.tickets, &footprint.tickets).map(lift)),
            ticket_seen: Spread::of(
                tracks(&history.tickets, &footprint.tickets).map(|track| f64::from(track.n)),
            ),
            ticket_bad_age_days: Spread::of(
                tracks(&history.tickets, &footprint.tickets)
                    .filter_map(|track| ages(track.bad_age_seconds(t))),
            ),
            domain: track_of(&history.domains, footprint.domain),
            learned: learned(footprint, history),
            last_undid: Spread::of(files.iter().map(|file| f64::from(u8::from(file.last_was_revert)))),
            template: track_of(&history.templates, footprint.template),
            first_words: track_of(&history.first_words, footprint.first_words),
            title: track_of(&history.titles, footprint.title),
            edit: track_of(&history.edits, footprint.edit),
        }
    }
}

fn learned(footprint: &Footprint, history: &History) -> [f64; 2] {
    let inputs = footprint.inputs();
    history.learners.each_ref().map(|learner| learner.margin(&inputs))
}

fn track_of(map: &BoundedMap<Track>, hash: u64) -> Track {
    map.get(hash).copied().unwrap_or_default()
}
