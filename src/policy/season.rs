//! What the calendar says at a moment: the season's budget, a freeze, and when the answer ends. Of overlapping windows the
//! strictest wins.

use crate::policy::decision::AppliedBudget;
use crate::policy::{NORMAL_SEASON, Policy, Window};

/// What the calendar says about one question.
pub(super) struct Season<'a> {
    /// The strictest budget.
    pub budget: AppliedBudget,
    /// The strictest freeze: the window, and the moment at which it is in force.
    pub freeze: Option<(&'a Window, i64)>,
}

impl Policy {
    /// The season of a repository now and at the planned rollout, whichever is stricter: the largest
    /// share and, apart from it, the largest hold of all windows in force.
    pub(super) fn season(&self, repo: &str, now: i64, rollout_at: Option<i64>) -> Season<'_> {
        let moments = || std::iter::once(now).chain(rollout_at);
        let mut season = NORMAL_SEASON;
        let mut share = 0.0;
        let mut freeze: Option<(&Window, i64)> = None;
        // Of two that hold as much, the one that ends last tells until when.
        let strictness = |(window, moment): (&Window, i64)| {
            (window.hold, window.calendar.next_edge(moment).unwrap_or(i64::MAX))
        };
        for moment in moments() {
            let (name, its_share) = self.strictest_season(repo, moment);
            if its_share > share || (its_share == share && season == NORMAL_SEASON) {
                (season, share) = (name, its_share);
            }
            for window in self.in_force(moment).filter(|window| window.hold > 0.0) {
                if freeze.is_none_or(|strictest| strictness((window, moment)) > strictness(strictest)) {
                    freeze = Some((window, moment));
                }
            }
        }
        let threshold_percentile = threshold(share);
        Season { budget: AppliedBudget { season: season.to_owned(), share, threshold_percentile }, freeze }
    }

    /// When a decision made now must be asked for again: the policy's own limit, or the next moment
    /// at which any window opens or closes.
    pub(super) fn expires_at(&self, now: i64) -> i64 {
        let limit = now.saturating_add(i64::try_from(self.expires_after).unwrap_or(i64::MAX));
        let edges = self.windows.iter().filter_map(|window| window.calendar.next_edge(now));
        edges.fold(limit, i64::min)
    }

    /// The season with the largest share of those in force at a moment; `normal` outside all windows.
    fn strictest_season(&self, repo: &str, moment: i64) -> (&str, f64) {
        let mut strictest: Option<(&str, f64)> = None;
        for window in self.in_force(moment) {
            let share = self.share(repo, &window.season);
            if strictest.is_none_or(|(_, most)| share > most) {
                strictest = Some((&window.season, share));
            }
        }
        strictest.unwrap_or_else(|| (NORMAL_SEASON, self.share(repo, NORMAL_SEASON)))
    }

    fn in_force(&self, moment: i64) -> impl Iterator<Item = &Window> {
        self.windows.iter().filter(move |window| window.calendar.contains(moment))
    }

    /// The share of a season, the repository's own first. Where it has none, its own normal share is the least: no season
    /// makes a repository laxer that is stricter than others. A season without one cannot be loaded;
    /// were there one, everything would be sent to extra validation.
    fn share(&self, repo: &str, season: &str) -> f64 {
        let own = self.repositories.get(repo).map(|repository| &repository.budget);
        let named = |name: &str| own.and_then(|budget| budget.get(name)).copied();
        let of_all = || {
            let share = self.budget.get(season).copied().unwrap_or(1.0);
            share.max(named(NORMAL_SEASON).unwrap_or(0.0))
        };
        named(season).unwrap_or_else(of_all)
    }
}

/// The percentile from which a share of the riskiest begins, without the noise of binary fractions.
pub(super) fn threshold(share: f64) -> f64 {
    ((1.0 - share) * 1e11).round() / 1e9
}

/// Whether a percentile is in the riskiest share. A rank exactly on the limit is, and so is one that
/// is not known or not a number; a share of nothing catches nobody.
pub(super) fn is_caught(percentile: Option<f64>, share: f64) -> bool {
    let below = percentile.is_some_and(|percentile| percentile < threshold(share));
    share > 0.0 && !below
}
