//! What was reported about the changes of one followed repository, and which of it stands when its history is folded anew.
//! Start at [`Told`].

use std::collections::{BTreeMap, HashMap};

use crate::change::ChangeId;
use crate::incident::{OutcomeKind, OutcomeRecord, OutcomeTarget};
use crate::timeline::Timeline;

/// Reports in the order they came. Of those about one change under the same name, the one known last is kept.
#[derive(Default)]
pub(super) struct Told {
    /// By how many came before.
    reports: BTreeMap<usize, Report>,
    /// The number of the one that is kept, by what it said it was about and what it is about in this history: one diff may
    /// land twice, and a report about the first landing stands beside one about the second.
    kept: HashMap<(OutcomeTarget, OutcomeTarget), usize>,
    n_taken: usize,
}

/// A report, and what it is about in this history.
struct Report {
    /// As it came. The commit that it is about goes when the history is rewritten; its diff lands again.
    said: OutcomeRecord,
    /// A diff's report is one of the commit that landed with it.
    meant: OutcomeRecord,
    /// The first of those in a row that said the same under this name, and its number: a history learned of that one.
    first: (usize, OutcomeRecord),
}

impl Told {
    /// What was reported before the start, in the order it came.
    pub(super) fn of(reported: Vec<OutcomeRecord>) -> Self {
        let mut told = Self::default();
        reported.into_iter().for_each(|said| told.take(said.clone(), said));
        told
    }

    /// How many reports came so far, also those that are not kept: a restart reads the same number from the store.
    pub(super) fn n_taken(&self) -> usize {
        self.n_taken
    }

    /// Takes in a report. `meant` is the same one with the commit that it is about, as [`about_commit`] finds it.
    pub(super) fn take(&mut self, said: OutcomeRecord, meant: OutcomeRecord) {
        self.keep(self.n_taken, said, meant);
        self.n_taken += 1;
    }

    fn keep(&mut self, number: usize, said: OutcomeRecord, meant: OutcomeRecord) {
        let kept = self.kept.entry((said.target.clone(), meant.target.clone())).or_insert(number);
        if self.reports.get(kept).is_some_and(|earlier| earlier.meant.known_at > meant.known_at) {
            return;
        }
        let earlier = self.reports.remove(kept).filter(|earlier| earlier.meant.outcome == meant.outcome);
        let first = earlier.map_or_else(|| (number, meant.clone()), |earlier| earlier.first);
        *kept = number;
        self.reports.insert(number, Report { said, meant, first });
    }

    /// The report that counts about the change that another one is about.
    pub(super) fn newest_about(
        &self,
        timeline: &Timeline,
        outcome_record: &OutcomeRecord,
    ) -> Option<&OutcomeRecord> {
        let ordinal = timeline.reported_on(outcome_record)?;
        let about_it = self.reports.values();
        let about_it: Vec<&Report> =
            about_it.filter(|earlier| timeline.reported_on(&earlier.meant) == Some(ordinal)).collect();
        newest_of(&about_it).map(|newest| &newest.meant)
    }

    /// Tells a history what was said of a change before it landed. Of the reports about diffs only those of its own are
    /// looked at: to look for the change of every diff would take long.
    pub(super) fn tell_landed(&self, timeline: &mut Timeline, ordinal: u32, digest: &str) {
        let may_be_it = |report: &&Report| match &report.meant.target {
            OutcomeTarget::Digest(other) => other == digest || !report.meant.surer.is_empty(),
            _ => true,
        };
        let standing =
            standing(timeline, self.reports.values().filter(may_be_it), |landed| landed == ordinal);
        standing.into_iter().for_each(|(_, report)| drop(timeline.report(report)));
    }

    /// What stands of all reports in a history that was folded without them, each with the position of its change. Where the
    /// history does not hold what a report was about, `landed_as` finds the commit that landed with its diff.
    pub(super) fn standing_in(
        &mut self,
        timeline: &Timeline,
        mut landed_as: impl FnMut(&Timeline, &OutcomeRecord) -> Option<String>,
    ) -> Vec<(u32, OutcomeRecord)> {
        self.kept.clear();
        for (number, Report { said, mut meant, first }) in std::mem::take(&mut self.reports) {
            let is_diff = matches!(meant.target, OutcomeTarget::Digest(_));
            if is_diff || timeline.reported_on(&meant).is_none() {
                meant = about_commit(&said, |said| landed_as(timeline, said));
            }
            // In the place of the first, so that it is found again as such.
            let (first_number, first) = first;
            let first = OutcomeRecord { target: meant.target.clone(), ..first };
            if first_number != number {
                self.keep(first_number, said.clone(), first);
            }
            self.keep(number, said, meant);
        }
        let standing = standing(timeline, self.reports.values(), |_| true);
        standing.into_iter().map(|(ordinal, report)| (ordinal, report.clone())).collect()
    }
}

/// A report with the commit that landed with its diff, where there is one.
pub(super) fn about_commit(
    outcome_record: &OutcomeRecord,
    landed_as: impl FnOnce(&OutcomeRecord) -> Option<String>,
) -> OutcomeRecord {
    let mut outcome_record = outcome_record.clone();
    if matches!(outcome_record.target, OutcomeTarget::Digest(_))
        && let Some(commit) = landed_as(&outcome_record)
    {
        outcome_record.target = OutcomeTarget::Commit(ChangeId(commit));
    }
    outcome_record
}

/// What the newest report about each of some changes says, as it was said first since nobody said otherwise, in the order they
/// came; one that withdraws stands for none.
fn standing<'a>(
    timeline: &Timeline,
    reports: impl Iterator<Item = &'a Report>,
    is_asked: impl Fn(u32) -> bool,
) -> Vec<(u32, &'a OutcomeRecord)> {
    let mut about: BTreeMap<u32, Vec<&Report>> = BTreeMap::new();
    for report in reports {
        if let Some(ordinal) = timeline.reported_on(&report.meant).filter(|ordinal| is_asked(*ordinal)) {
            about.entry(ordinal).or_default().push(report);
        }
    }
    let said_first = |(ordinal, reports): (u32, Vec<&'a Report>)| {
        let newest = newest_of(&reports)?;
        let outcome = newest.meant.outcome;
        let others = reports.iter().filter(|other| other.meant.outcome != outcome);
        let overtaken =
            others.map(|other| other.meant.known_at).filter(|known_at| *known_at <= newest.meant.known_at);
        let since = overtaken.max().unwrap_or(i64::MIN);
        let same = reports.iter().filter(|same| same.meant.outcome == outcome).map(|same| &same.first);
        let first = same
            .filter(|(_, first)| first.known_at >= since)
            .min_by_key(|(number, first)| (first.known_at, *number));
        let (number, first) = first.unwrap_or(&newest.first);
        (outcome != OutcomeKind::Retracted).then_some((*number, ordinal, first))
    };
    let mut standing: Vec<(usize, u32, &OutcomeRecord)> = about.into_iter().filter_map(said_first).collect();
    standing.sort_unstable_by_key(|(number, ..)| *number);
    standing.into_iter().map(|(_, ordinal, report)| (ordinal, report)).collect()
}

/// The report that counts of those about one change, in the order they came.
fn newest_of<'a>(reports: &[&'a Report]) -> Option<&'a Report> {
    reports.iter().copied().reduce(|standing, report| {
        let (earlier, later) = (&standing.meant, &report.meant);
        // Who withdraws what was said of a diff anywhere does not withdraw what was said of it here.
        let is_of_elsewhere = later.repo.is_none() && later.outcome == OutcomeKind::Retracted;
        let counts = earlier.known_at <= later.known_at && !(is_of_elsewhere && earlier.repo.is_some());
        if counts { report } else { standing }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::change::{Change, Moment};
    use crate::timeline::Sources;

    fn landed(commit: &str) -> OutcomeTarget {
        OutcomeTarget::Commit(ChangeId(commit.to_owned()))
    }

    impl Told {
        /// Takes in a report about a diff that landed with `commit`, and tells what is kept then.
        fn kept_with(
            &mut self,
            outcome: OutcomeKind,
            known_at: i64,
            commit: &str,
        ) -> Vec<(OutcomeTarget, OutcomeKind)> {
            let diff = OutcomeTarget::Digest("sha256:a".into());
            let about = |target| OutcomeRecord::tried(target, outcome, known_at);
            self.take(about(diff), about(landed(commit)));
            self.kept()
        }

        fn kept(&self) -> Vec<(OutcomeTarget, OutcomeKind)> {
            let meant = self.reports.values().map(|report| &report.meant);
            meant.map(|report| (report.target.clone(), report.outcome)).collect()
        }
    }

    const CHANGE_ID: &str = "I0123456789abcdef0123456789abcdef01234567";

    /// One change landed, which a commit, a review and a decision name.
    fn one_landed() -> Timeline {
        let mut timeline = Timeline::new(Sources::default());
        timeline.land(&Change {
            id: ChangeId("a".repeat(40)),
            author: "A <a@example.org>".to_owned(),
            message: format!("Raise\n\nChange-Id: {CHANGE_ID}\nDiffrisk-Decision: 0198-x\n"),
            authored_at: Moment { unix_seconds: 0, offset_minutes: 0 },
            committed_at: 0,
            merged: Vec::new(),
            merged_messages: Vec::new(),
            record: Arc::default(),
        });
        timeline
    }

    /// Of those who say the same, the one counts who said it first since nobody said otherwise.
    #[test]
    fn what_was_said_first_since_it_was_said_otherwise_stands() {
        use OutcomeKind::{Harmless, Incident, Retracted};
        let timeline = one_landed();
        let names = [
            landed(&"a".repeat(40)),
            OutcomeTarget::Id(CHANGE_ID.to_owned()),
            OutcomeTarget::Decision("0198-x".to_owned()),
        ];
        let standing_of = |all: [(usize, OutcomeKind, i64, Option<&str>); 3]| {
            let mut told = Told::default();
            for (name, outcome, known_at, repo) in all {
                let repo = repo.map(ToOwned::to_owned);
                let said =
                    OutcomeRecord { repo, ..OutcomeRecord::tried(names[name].clone(), outcome, known_at) };
                told.take(said.clone(), said);
            }
            let standing = standing(&timeline, told.reports.values(), |_| true);
            standing.into_iter().map(|(_, report)| (report.outcome, report.known_at)).collect::<Vec<_>>()
        };
        let here = Some("shop");
        let again = [(0, Incident, 1, here), (1, Harmless, 5, here), (2, Incident, 9, here)];
        assert_eq!(standing_of(again), [(Incident, 9)], "it was found harmless in between");
        let twice = [(0, Incident, 1, here), (1, Harmless, 0, here), (2, Incident, 9, here)];
        assert_eq!(standing_of(twice), [(Incident, 1)]);
        // Withdrawn of the diff anywhere, it still stands here, and as it was said first.
        let elsewhere = [(0, Incident, 1, here), (2, Incident, 3, here), (1, Retracted, 5, None)];
        assert_eq!(standing_of(elsewhere), [(Incident, 1)]);
        let withdrawn = [(0, Incident, 1, here), (2, Incident, 3, here), (1, Retracted, 5, here)];
        assert_eq!(standing_of(withdrawn), []);
    }

    #[test]
    fn what_was_overtaken_is_counted_and_not_kept() {
        use OutcomeKind::{Caught, Harmless, Incident};
        let mut told = Told::default();
        let mut take = |outcome, known_at, commit| told.kept_with(outcome, known_at, commit);
        assert_eq!(take(Caught, 5, "a"), [(landed("a"), Caught)]);
        assert_eq!(take(Harmless, 5, "a"), [(landed("a"), Harmless)]);
        assert_eq!(take(Incident, 6, "b"), [(landed("a"), Harmless), (landed("b"), Incident)]);
        assert_eq!(take(Caught, 4, "a"), [(landed("a"), Harmless), (landed("b"), Incident)]);
        assert_eq!(told.n_taken(), 4);
    }

    #[test]
    fn what_a_rewritten_history_makes_the_same_is_kept_once() {
        use OutcomeKind::{Caught, Harmless};
        let mut told = Told::default();
        told.kept_with(Harmless, 6, "b");
        told.kept_with(Caught, 5, "a");
        assert_eq!(told.kept(), [(landed("b"), Harmless), (landed("a"), Caught)]);
        let rewritten = Timeline::new(Sources::default());
        told.standing_in(&rewritten, |_, _| Some("c".to_owned()));
        assert_eq!(told.kept(), [(landed("c"), Harmless)]);
        assert_eq!(told.kept_with(Caught, 6, "c"), [(landed("c"), Caught)]);
        assert_eq!(told.n_taken(), 3);
    }
}
