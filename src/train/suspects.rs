//! How high the change that went wrong stands among those that landed before it was undone: what the order of suspects is worth,
//! beside the newest first, the riskiest first and the largest first. Start at [`suspects`].

use std::collections::BTreeMap;

use serde::Serialize;

use crate::dataset::Row;
use crate::evaluation::{Bootstrap, Interval};
use crate::suspect::{Candidate, HORIZON_SECONDS, shares};

/// Ranks up to which a change counts as found.
const RANKS: [u32; 4] = [1, 3, 5, 10];
const N_RESAMPLES: usize = 400;

/// What the orders of suspects found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SuspectReport {
    /// Changes of the test that were undone, or named in an incident, within the horizon, and whose window begins after the split.
    pub n_events: usize,
    /// Suspects of an event, in the middle.
    pub median_candidates: Option<usize>,
    /// The orders, what ships first.
    pub systems: Vec<SuspectSystem>,
    /// Lead in mean reciprocal rank over the newest first, by paired bootstrap over the events.
    pub lead_over_newest: Option<Interval>,
}

/// One order of suspects.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SuspectSystem {
    /// `suspects`, `newest`, `riskiest` or `largest`.
    pub name: &'static str,
    /// Share of events whose cause is among the first 1, 3, 5 and 10; undefined is null.
    pub hit: BTreeMap<String, Option<f64>>,
    /// Mean of one over the rank of the cause (Voorhees 1999).
    pub mrr: Option<f64>,
}

/// Ranks of the causes under one order, ties in the middle.
struct Ranks {
    name: &'static str,
    ranks: Vec<f64>,
}

/// Ranks each bad change of the test among those that landed in the horizon before it was undone and still stood then. `rows`
/// are the changes from the split on, in time order, with their labels and probabilities.
pub(super) fn suspects(
    rows: &[&Row],
    labels: &[Option<bool>],
    probabilities: &[f64],
    (split, seed): (i64, u64),
) -> SuspectReport {
    let mut orders =
        ["suspects", "newest", "riskiest", "largest"].map(|name| Ranks { name, ranks: Vec::new() });
    let mut n_candidates = Vec::new();
    for (cause, row) in rows.iter().enumerate().filter(|(idx, _)| labels[*idx] == Some(true)) {
        let Some(at) = row.outcome_at.filter(|at| at - HORIZON_SECONDS >= split) else { continue };
        let is_cause = |idx: &usize| *idx == cause;
        // What undid it landed at that moment, and is no suspect.
        let stands = |idx: &usize| rows[*idx].outcome_at.is_none_or(|outcome_at| outcome_at >= at);
        let first = rows.partition_point(|row| row.committed_at < at - HORIZON_SECONDS);
        let end = rows.partition_point(|row| row.committed_at < at);
        let candidates: Vec<usize> = (first..end.max(first)).filter(stands).collect();
        let Some(place) = candidates.iter().position(is_cause) else { continue };
        n_candidates.push(candidates.len());
        let of_each = |value: &dyn Fn(usize) -> f64| candidates.iter().map(|&idx| value(idx)).collect();
        let candidate =
            |idx: &usize| Candidate { landed_at: rows[*idx].committed_at, probability: probabilities[*idx] };
        let scores: [Vec<f64>; 4] = [
            shares(&candidates.iter().map(candidate).collect::<Vec<_>>(), at),
            of_each(&|idx| rows[idx].committed_at as f64),
            of_each(&|idx| probabilities[idx]),
            of_each(&|idx| rows[idx].effort as f64),
        ];
        for (order, scores) in orders.iter_mut().zip(scores) {
            order.ranks.push(rank(&scores, place));
        }
    }
    n_candidates.sort_unstable();
    SuspectReport {
        n_events: n_candidates.len(),
        median_candidates: n_candidates.get(n_candidates.len() / 2).copied(),
        lead_over_newest: lead(&orders[0], &orders[1], seed),
        systems: orders.iter().map(Ranks::measured).collect(),
    }
}

impl Ranks {
    fn measured(&self) -> SuspectSystem {
        let mean = |value: &dyn Fn(f64) -> f64| {
            let n = self.ranks.len() as f64;
            (n > 0.0).then(|| self.ranks.iter().map(|rank| value(*rank)).sum::<f64>() / n)
        };
        let hit = |most: u32| mean(&|rank| f64::from(u8::from(rank <= f64::from(most))));
        SuspectSystem {
            name: self.name,
            hit: RANKS.into_iter().map(|most| (most.to_string(), hit(most))).collect(),
            mrr: mean(&f64::recip),
        }
    }
}

/// The place of one score when the largest stands first, from 1.
fn rank(scores: &[f64], place: usize) -> f64 {
    let n_above = scores.iter().filter(|score| **score > scores[place]).count();
    let n_tied = scores.iter().filter(|score| **score == scores[place]).count();
    1.0 + n_above as f64 + (n_tied - 1) as f64 / 2.0
}

fn lead(first: &Ranks, second: &Ranks, seed: u64) -> Option<Interval> {
    let leads: Vec<f64> = first.ranks.iter().zip(&second.ranks).map(|(a, b)| a.recip() - b.recip()).collect();
    let bootstrap = Bootstrap { seed, n_resamples: N_RESAMPLES, ..Bootstrap::default() };
    bootstrap.interval(leads.len(), |counts| {
        let n: u32 = counts.iter().sum();
        let sum: f64 = leads.iter().zip(counts).map(|(lead, count)| lead * f64::from(*count)).sum();
        (n > 0).then(|| sum / f64::from(n))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::empty_row;

    const HOUR: i64 = 3_600;
    /// A moment whose window begins after a split at 0.
    const START: i64 = HORIZON_SECONDS;

    fn landed(hour: i64, effort: u64, undone_at_hour: Option<i64>) -> Row {
        let outcome_at = undone_at_hour.map(|hour| START + hour * HOUR);
        Row { committed_at: START + hour * HOUR, effort, outcome_at, ..empty_row() }
    }

    fn hits(report: &SuspectReport, name: &str) -> Vec<f64> {
        let system = report.systems.iter().find(|system| system.name == name).unwrap();
        system.hit.values().map(|hit| hit.unwrap()).collect()
    }

    #[test]
    fn a_cause_is_looked_for_among_what_stood_when_it_was_undone() {
        let rows = [
            landed(1, 50, None),
            // Undone before: no suspect, however risky.
            landed(2, 10, Some(3)),
            // The cause: risky, and two landed after it.
            landed(4, 5, Some(8)),
            landed(5, 20, None),
            landed(6, 30, None),
            // What undid it.
            landed(8, 5, None),
        ];
        let rows: Vec<&Row> = rows.iter().collect();
        let labels = [false, false, true, false, false, false].map(Some);
        let report = suspects(&rows, &labels, &[0.01, 0.9, 0.2, 0.01, 0.01, 0.9], (0, 1));
        assert_eq!((report.n_events, report.median_candidates), (1, Some(4)));
        // In the order "1", "10", "3", "5".
        assert_eq!(hits(&report, "suspects"), [1.0; 4]);
        assert_eq!(hits(&report, "newest"), [0.0, 1.0, 1.0, 1.0], "third");
        assert_eq!(hits(&report, "riskiest"), [1.0; 4]);
        assert_eq!(hits(&report, "largest"), [0.0, 1.0, 0.0, 1.0], "fourth");
        assert_eq!(
            report.systems.iter().map(|it| it.mrr.unwrap()).sum::<f64>(),
            1.0 + 1.0 / 3.0 + 1.0 + 0.25
        );
        let lead = report.lead_over_newest.unwrap();
        assert!((lead.value - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn an_event_whose_window_begins_before_the_split_is_none() {
        let row = landed(1, 1, Some(2));
        let report = |split| suspects(&[&row], &[Some(true)], &[0.1], (split, 1));
        assert_eq!((report(2 * HOUR).n_events, report(2 * HOUR + 1).n_events), (1, 0));
        let empty = report(2 * HOUR + 1);
        assert_eq!((empty.median_candidates, empty.lead_over_newest), (None, None));
        assert!(empty.systems.iter().all(|system| system.mrr.is_none()));
    }
}
