//! What is remembered of the repository as a whole: its landings one by one for a while, and its base rate.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::history::track::{OutcomeWeight, Track};

/// Landings remembered one by one.
const MAX_RECENT: usize = 4_096;
/// The bad rate assumed before anything is known: the middle of what public repositories show.
const PRIOR_RATE: f64 = 0.02;
/// How many changes that assumption weighs.
const PRIOR_CHANGES: f64 = 150.0;

/// What is remembered of the repository as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// All changes and outcomes.
    pub track: Track,
    /// Landings by hour of the author's clock.
    pub hours: [u32; 24],
    landings: VecDeque<Landing>,
    outcomes: VecDeque<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Landing {
    t: i64,
    author: u64,
    top_dir: u64,
}

impl Context {
    /// Folds in a landing.
    pub fn land(&mut self, t: i64, author: u64, top_dir: u64, hour: usize) {
        self.track.land(t);
        self.hours[hour % 24] += 1;
        push_bounded(&mut self.landings, Landing { t, author, top_dir });
    }

    /// Folds in an outcome that became known at `t`.
    pub fn outcome(&mut self, weight: OutcomeWeight, t: i64) {
        self.track.outcome(weight, t);
        if weight != OutcomeWeight::UndoneOnly {
            push_bounded(&mut self.outcomes, t);
        }
    }

    /// Decayed share of changes that went wrong, shrunk toward 2 %.
    pub fn base_rate(&self, t: i64) -> f64 {
        let (bad, n) = (self.track.bad(t), self.track.exposure(t));
        ((bad + PRIOR_RATE * PRIOR_CHANGES) / (n.max(bad) + PRIOR_CHANGES)).clamp(1e-4, 0.5)
    }

    /// Landings in the last `seconds` (of the newest 4,096).
    pub fn n_landed_within(&self, t: i64, seconds: i64) -> usize {
        self.within(t, seconds).count()
    }

    /// Landings of one author in the last `seconds`.
    pub fn n_by_author_within(&self, t: i64, seconds: i64, author: u64) -> usize {
        self.within(t, seconds).filter(|landing| landing.author == author).count()
    }

    /// Landings in one top directory in the last `seconds`.
    pub fn n_in_top_dir_within(&self, t: i64, seconds: i64, top_dir: u64) -> usize {
        self.within(t, seconds).filter(|landing| landing.top_dir == top_dir).count()
    }

    /// Bad outcomes that became known in the last `seconds`.
    pub fn n_bad_within(&self, t: i64, seconds: i64) -> usize {
        self.outcomes.iter().rev().take_while(|&&known| t.saturating_sub(known) <= seconds).count()
    }

    fn within(&self, t: i64, seconds: i64) -> impl Iterator<Item = &Landing> {
        self.landings.iter().rev().take_while(move |landing| t.saturating_sub(landing.t) <= seconds)
    }
}

fn push_bounded<T>(queue: &mut VecDeque<T>, entry: T) {
    if queue.len() >= MAX_RECENT {
        queue.pop_front();
    }
    queue.push_back(entry);
}
