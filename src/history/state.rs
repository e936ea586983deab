//! The state after every event so far, and what each event does to it. The only place that changes it; a vector is read from
//! it before its own change lands. Start at [`History`].

use serde::{Deserialize, Serialize};

use crate::change::FileStatus;
use crate::history::bad_changes::BadChanges;
use crate::history::context::Context;
use crate::history::file_track::FileTrack;
use crate::history::footprint::{FileMark, Footprint};
use crate::history::key_track::KeyTrack;
use crate::history::learner::Learner;
use crate::history::ledger::Ledger;
use crate::history::line_track::{LineMarks, LineTrack};
use crate::history::map::BoundedMap;
use crate::history::tokens::{TokenKind, TokenTable};
use crate::history::track::{OutcomeWeight, Track};
use crate::history::window::RankWindow;
use crate::label::{LabelSource, Outcome, STRICT_HORIZON_SECONDS};

/// Partners are learned from changes of at most this many files: larger ones say little about which
/// belong together, and their pairs grow with the square.
const MAX_PARTNER_FILES: usize = 20;
/// Changes against which a value is ranked.
const RANK_WINDOW: usize = 1_000;

/// Rate and weight of a positive of the learners, the fast one first.
const LEARNERS: [(f32, f32); 2] = [(3.0, 10.0), (1.0, 3.0)];

/// How much the fold may remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files.
    pub n_files: usize,
    /// Keys.
    pub n_keys: usize,
    /// Lines.
    pub n_lines: usize,
    /// Authors, directories, templates and the like, each.
    pub n_others: usize,
    /// Newest changes whose footprints are kept for outcomes that become known later.
    pub n_footprints: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { n_files: 100_000, n_keys: 300_000, n_lines: 300_000, n_others: 50_000, n_footprints: 4_096 }
    }
}

/// All that is remembered of the changes so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct History {
    /// The repository as a whole.
    pub context: Context,
    /// By author.
    pub authors: BoundedMap<Track>,
    /// By author and top directory.
    pub author_dirs: BoundedMap<Track>,
    /// By path.
    pub files: BoundedMap<FileTrack>,
    /// By directory, at depth 1, 2 and 3.
    pub dirs: [BoundedMap<Track>; 3],
    /// By file name ending.
    pub extensions: BoundedMap<Track>,
    /// By title template.
    pub templates: BoundedMap<Track>,
    /// By the first three words of the title.
    pub first_words: BoundedMap<Track>,
    /// By whole title.
    pub titles: BoundedMap<Track>,
    /// By the removed and added lines.
    pub edits: BoundedMap<Track>,
    /// By file and key path.
    pub keys: BoundedMap<KeyTrack>,
    /// By the last part of the key path.
    pub leaves: BoundedMap<Track>,
    /// By the domain of the author's address.
    pub domains: BoundedMap<Track>,
    /// By ticket.
    pub tickets: BoundedMap<Track>,
    /// By file and line.
    pub lines: BoundedMap<LineTrack>,
    /// By token.
    pub tokens: TokenTable,
    /// What was learned of words, people and places together: a fast and a slow learner.
    pub learners: [Learner; 2],
    /// The last vectors.
    pub window: RankWindow,
    /// The changes that went wrong, for comparison.
    pub bad_changes: BadChanges,
    ledger: Ledger,
}

impl History {
    /// An empty history whose vectors have `n_features` values, within the default limits.
    pub fn new(n_features: usize) -> Self {
        Self::with_limits(n_features, Limits::default())
    }

    /// An empty history within `limits`.
    pub fn with_limits(n_features: usize, limits: Limits) -> Self {
        let map = || BoundedMap::new(limits.n_others);
        Self {
            context: Context::default(),
            authors: map(),
            author_dirs: map(),
            files: BoundedMap::new(limits.n_files),
            dirs: [map(), map(), map()],
            extensions: map(),
            templates: map(),
            first_words: map(),
            titles: map(),
            edits: map(),
            keys: BoundedMap::new(limits.n_keys),
            leaves: map(),
            domains: map(),
            tickets: map(),
            lines: BoundedMap::new(limits.n_lines),
            tokens: TokenTable::default(),
            learners: LEARNERS.map(|(rate, positive_weight)| Learner::new(rate, positive_weight)),
            window: RankWindow::new(n_features, RANK_WINDOW),
            bad_changes: BadChanges::default(),
            ledger: Ledger::new(limits.n_footprints),
        }
    }

    /// Number of changes folded in: the ordinal of the next one.
    pub fn n_landed(&self) -> u32 {
        self.ledger.n_landed()
    }

    /// The footprint of a change, unless it is older than what is kept.
    pub fn footprint(&self, ordinal: u32) -> Option<&Footprint> {
        self.ledger.get(ordinal)
    }

    /// Folds in a change that landed, with the values its vector was ranked by.
    pub fn land(&mut self, mut footprint: Footprint, values: &[f32]) {
        let t = footprint.t;
        self.settle(t);
        self.land_lines(&std::mem::take(&mut footprint.lines), t);
        for file_mark in &footprint.files {
            self.land_file(file_mark, &footprint);
        }
        self.land_partners(&footprint);
        for key_mark in &footprint.keys {
            let key_track = self.keys.touch(key_mark.key, t);
            key_track.track.land(t);
            (key_track.last_old, key_track.last_new) = (key_mark.old, key_mark.new);
            if let Some(abs_log_ratio) = key_mark.abs_log_ratio {
                key_track.add_numeric(abs_log_ratio);
            }
        }
        self.for_each_track(&footprint, |track| track.land(t));
        for tokens in &footprint.tokens {
            self.tokens.land(tokens, t);
        }
        self.context.land(t, footprint.author, footprint.top_dir(), usize::from(footprint.hour));
        self.window.push(values);
        if let Some(unsettled) = self.ledger.push(footprint) {
            // So many land that it cannot be waited for: better learned early than that only what went wrong is learned.
            learn_held(&mut self.learners, &unsettled);
        }
    }

    /// Folds in an outcome at the moment it became known. Outcomes that are neither
    /// positive nor planned move nothing; those of changes older than what is kept move the repository's own counts alone.
    pub fn outcome(&mut self, outcome: &Outcome) {
        if outcome.retracts() {
            self.bad_changes.retract(outcome.ordinal);
        }
        if !outcome.positive && !outcome.planned {
            return;
        }
        let t = outcome.known_at;
        let Some(footprint) = self.ledger.get(outcome.ordinal).cloned() else {
            self.context.outcome(OutcomeWeight::UndoneOnly, t);
            return;
        };
        let weight = weight_of(outcome, footprint.t);
        if weight == OutcomeWeight::Bad {
            self.bad_changes.push(outcome, &footprint);
        }
        let Some(weight) = self.ledger.decide(outcome.ordinal, weight) else { return };
        self.for_each_track(&footprint, |track| track.outcome(weight, t));
        for file_mark in &footprint.files {
            if let Some(file_track) = self.files.get_mut(file_mark.path) {
                file_track.track.outcome(weight, t);
            }
        }
        for key_mark in &footprint.keys {
            if let Some(key_track) = self.keys.get_mut(key_mark.key) {
                key_track.track.outcome(weight, t);
            }
        }
        if weight != OutcomeWeight::UndoneOnly {
            learn(&mut self.learners, &footprint, true);
            for tokens in &footprint.tokens {
                self.tokens.bad(tokens, t);
            }
        }
        self.context.outcome(weight, t);
    }

    /// Learns from the changes that held for as long as an unplanned revert counts.
    fn settle(&mut self, t: i64) {
        while let Some(footprint) = self.ledger.settle(t.saturating_sub(STRICT_HORIZON_SECONDS)) {
            learn_held(&mut self.learners, footprint);
        }
    }

    fn land_lines(&mut self, lines: &LineMarks, t: i64) {
        for &line in &lines.deleted {
            self.lines.touch(line, t).deleted_t = Some(t);
        }
        for &line in &lines.added {
            self.lines.touch(line, t).added_t = Some(t);
        }
    }

    fn land_file(&mut self, file_mark: &FileMark, footprint: &Footprint) {
        let inherited = file_mark.old_path.and_then(|old_path| self.files.get(old_path)).cloned();
        let file_track = self.files.touch(file_mark.path, footprint.t);
        if let Some(inherited) = inherited {
            *file_track = inherited;
        }
        file_track.track.land(footprint.t);
        file_track.add_author(footprint.author);
        file_track.last_was_revert = footprint.is_revert;
        file_track.n_lines += i64::from(file_mark.n_added) - i64::from(file_mark.n_deleted);
        if file_mark.status == FileStatus::Deleted {
            file_track.n_lines = 0;
        }
    }

    fn land_partners(&mut self, footprint: &Footprint) {
        if footprint.files.len() > MAX_PARTNER_FILES {
            return;
        }
        for file_mark in &footprint.files {
            if let Some(file_track) = self.files.get_mut(file_mark.path) {
                for other in footprint.files.iter().filter(|other| other.path != file_mark.path) {
                    file_track.add_partner(other.path);
                }
            }
        }
    }

    fn for_each_track(&mut self, footprint: &Footprint, mut fold: impl FnMut(&mut Track)) {
        let t = footprint.t;
        fold(self.authors.touch(footprint.author, t));
        for &top_dir in &footprint.dirs[0] {
            fold(self.author_dirs.touch(footprint.author ^ top_dir.rotate_left(32), t));
        }
        for (map, dirs) in self.dirs.iter_mut().zip(&footprint.dirs) {
            for &dir in dirs {
                fold(map.touch(dir, t));
            }
        }
        for &extension in &footprint.extensions {
            fold(self.extensions.touch(extension, t));
        }
        fold(self.domains.touch(footprint.domain, t));
        for &ticket in &footprint.tickets {
            fold(self.tickets.touch(ticket, t));
        }
        fold(self.templates.touch(footprint.template, t));
        fold(self.first_words.touch(footprint.first_words, t));
        fold(self.titles.touch(footprint.title, t));
        fold(self.edits.touch(footprint.edit, t));
        let mut leaves: Vec<u64> = footprint.keys.iter().map(|key_mark| key_mark.leaf).collect();
        leaves.sort_unstable();
        leaves.dedup();
        for leaf in leaves {
            fold(self.leaves.touch(leaf, t));
        }
    }

    /// Log of the smoothed bad rate of each token of a kind over the base rate, in the order read.
    pub fn token_lifts(&self, footprint: &Footprint, kind: TokenKind, base_rate: f64, k: f64) -> Vec<f64> {
        let tokens = footprint.tokens_of(kind);
        tokens.iter().map(|&token| self.tokens.lift(token, footprint.t, base_rate, k)).collect()
    }
}

/// Teaches every learner that a change held.
fn learn_held(learners: &mut [Learner], footprint: &Footprint) {
    if !footprint.is_revert && !footprint.is_planned {
        learn(learners, footprint, false);
    }
}

/// Teaches every learner how a change fared.
fn learn(learners: &mut [Learner], footprint: &Footprint, went_wrong: bool) {
    let inputs = footprint.inputs();
    learners.iter_mut().for_each(|learner| learner.learn(&inputs, went_wrong));
}

fn weight_of(outcome: &Outcome, landed_at: i64) -> OutcomeWeight {
    let within_horizon = outcome.occurred_at.saturating_sub(landed_at) <= STRICT_HORIZON_SECONDS;
    match outcome.source {
        _ if outcome.planned || !outcome.positive => OutcomeWeight::UndoneOnly,
        LabelSource::Revert if !within_horizon => OutcomeWeight::UndoneOnly,
        LabelSource::Revert | LabelSource::Incident | LabelSource::Outcome => OutcomeWeight::Bad,
    }
}
