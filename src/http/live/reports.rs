//! What was reported about changes that no followed history holds, by the names they may be asked about again.

use std::collections::HashMap;

use crate::incident::{OutcomeKind, OutcomeRecord, OutcomeTarget};
use crate::policy::{KnownBad, KnownOutcome};

/// The newest report under each name of a change. What has landed is the timeline's to tell; this is for what has not, and for
/// repositories that nobody follows.
#[derive(Clone, Default)]
pub(super) struct Reports {
    /// By repository, which a digest may come without; each with its number in the order they came.
    newest: HashMap<Option<String>, HashMap<OutcomeTarget, (usize, OutcomeRecord)>>,
    n_taken: usize,
}

impl Reports {
    /// Takes in a report; of two about one name the one known later counts, then the one that came later.
    pub(super) fn take(&mut self, outcome_record: &OutcomeRecord) {
        self.n_taken += 1;
        let of_repo = self.newest.entry(outcome_record.repo.clone()).or_default();
        let known_at = of_repo.get(&outcome_record.target).map(|(_, earlier)| earlier.known_at);
        if known_at.is_none_or(|known_at| known_at <= outcome_record.known_at) {
            of_repo.insert(outcome_record.target.clone(), (self.n_taken, outcome_record.clone()));
        }
    }

    /// Whether nothing was ever reported.
    pub(super) fn is_empty(&self) -> bool {
        self.newest.is_empty()
    }

    /// What stands against a change of a repository under a name.
    pub(super) fn known_bad(&self, repo: &str, name: &OutcomeTarget) -> Option<KnownBad> {
        if self.is_empty() {
            return None;
        }
        let newest = |repo: Option<&str>| self.newest.get(&repo.map(ToOwned::to_owned))?.get(name);
        let (here, anywhere) = (newest(Some(repo)), newest(None));
        let known = |(number, report): &(usize, OutcomeRecord)| (report.known_at, *number);
        let bad = |(_, report): &(usize, OutcomeRecord)| {
            Some(KnownBad { outcome: bad_outcome(report.outcome)?, occurred_at: report.occurred_at })
        };
        // What was said here is not withdrawn by what is said of the diff anywhere, nor the other way round.
        let withdraws = |(_, report): &(usize, OutcomeRecord)| report.outcome == OutcomeKind::Retracted;
        if here.map(known) > anywhere.map(known) && !here.is_some_and(withdraws) {
            return here.and_then(bad);
        }
        anywhere.and_then(bad).or_else(|| here.and_then(bad))
    }
}

fn bad_outcome(outcome: OutcomeKind) -> Option<KnownOutcome> {
    match outcome {
        OutcomeKind::Incident => Some(KnownOutcome::Incident),
        OutcomeKind::Reverted => Some(KnownOutcome::Reverted),
        OutcomeKind::Caught => Some(KnownOutcome::Caught),
        OutcomeKind::RevertedAsPlanned | OutcomeKind::Harmless | OutcomeKind::Retracted => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(repo: Option<&str>, outcome: OutcomeKind, known_at: i64) -> OutcomeRecord {
        let target = OutcomeTarget::Digest("sha256:a".into());
        OutcomeRecord { repo: repo.map(ToOwned::to_owned), ..OutcomeRecord::tried(target, outcome, known_at) }
    }

    #[test]
    fn the_report_known_last_counts_in_its_own_repository() {
        use OutcomeKind::{Caught, Harmless, Incident, Retracted};
        let name = OutcomeTarget::Digest("sha256:a".into());
        let mut reports = Reports::default();
        assert_eq!(reports.known_bad("shop", &name), None);
        reports.take(&report(Some("shop"), Caught, 5));
        reports.take(&report(Some("shop"), Harmless, 4));
        let caught = KnownBad { outcome: KnownOutcome::Caught, occurred_at: 1 };
        assert_eq!(reports.known_bad("shop", &name), Some(caught));
        assert_eq!(reports.known_bad("other", &name), None);
        reports.take(&report(Some("shop"), Retracted, 5));
        assert_eq!(reports.known_bad("shop", &name), None);
        reports.take(&report(None, Incident, 6));
        let incident = KnownBad { outcome: KnownOutcome::Incident, occurred_at: 1 };
        assert_eq!(reports.known_bad("shop", &name), Some(incident));
        assert_eq!(reports.known_bad("other", &name), Some(incident));
        reports.take(&report(None, Harmless, 7));
        reports.take(&report(Some("shop"), Caught, 7));
        assert_eq!(
            reports.known_bad("shop", &name),
            Some(caught),
            "of one moment the one that came later counts"
        );
        reports.take(&report(None, Incident, 8));
        reports.take(&report(Some("shop"), Retracted, 9));
        assert_eq!(
            reports.known_bad("shop", &name),
            Some(incident),
            "what was said of the diff anywhere stands"
        );
        reports.take(&report(Some("shop"), Harmless, 10));
        assert_eq!(reports.known_bad("shop", &name), None);
        assert_eq!(reports.known_bad("shop", &OutcomeTarget::Id("pr/1".into())), None);
    }
}
