//! What is reported about a followed repository: at once where nobody folds its history, otherwise by who does. Start at
//! [`LiveRepository::report`].

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::change::ChangeId;
use crate::http::live::LiveError;
use crate::http::live::repository::told::about_commit;
use crate::http::live::repository::{Basis, LiveRepository, N_TRIES, State, lock};
use crate::incident::OutcomeRecord;

/// Reports that the history is still to learn of, in the order they came.
#[derive(Default)]
pub(super) struct Waiting {
    reports: Mutex<VecDeque<OutcomeRecord>>,
    /// Taking one in broke down, and nobody knows what the history has of it.
    has_broken_down: AtomicBool,
}

impl Waiting {
    /// Puts a report behind the others; tells whether it is the only one.
    fn push(&self, outcome_record: OutcomeRecord) -> bool {
        let mut reports = lock(&self.reports);
        reports.push_back(outcome_record);
        reports.len() == 1
    }

    /// Takes in the first report, which waits until that is done. It leaves also where that breaks down: the others are not
    /// to break down with it.
    fn take_first<T>(&self, take: impl FnOnce(&OutcomeRecord) -> T) -> Option<T> {
        let first = lock(&self.reports).front().cloned()?;
        let _leaving = Leaving(self);
        Some(take(&first))
    }

    /// Whether there is anything that the history does not know, or may not know.
    fn is_any(&self) -> bool {
        self.has_broken_down.load(Ordering::SeqCst) || !lock(&self.reports).is_empty()
    }
}

/// The first report leaves when this does.
struct Leaving<'a>(&'a Waiting);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.has_broken_down.store(true, Ordering::SeqCst);
        }
        lock(&self.0.reports).pop_front();
    }
}

impl LiveRepository {
    /// Takes in an outcome reported to the service, or leaves it to who folds the history.
    ///
    /// # Errors
    /// When the history cannot be folded again; what was reported counts all the same.
    pub(in crate::http::live) fn report(&self, outcome_record: &OutcomeRecord) -> Result<(), LiveError> {
        let is_only = self.waiting.push(outcome_record.clone());
        // Who comes while others wait need not try as long as they did.
        let n_tries = if is_only { N_TRIES } else { 1 };
        self.try_basis(n_tries).map_or(Ok(()), |basis| self.take_waiting(&basis))
    }

    /// Takes in what was reported while somebody folded. All of it counts, also where an error is answered.
    pub(super) fn take_waiting(&self, basis: &Basis) -> Result<(), LiveError> {
        let mut taken = Ok(());
        while let Some(result) = self.waiting.take_first(|outcome_record| self.take(basis, outcome_record)) {
            taken = taken.and(result);
        }
        taken
    }

    /// Whether the history is still to learn of something that was reported. Asked after its state was taken to read from.
    pub(in crate::http::live) fn is_behind(&self) -> bool {
        self.waiting.is_any()
    }

    /// The landed changes that went wrong, by what the history is still to learn of.
    pub(in crate::http::live) fn bad_waiting(&self, state: &State) -> Vec<ChangeId> {
        let waiting = lock(&self.waiting.reports);
        let bad = waiting.iter().filter(|outcome_record| outcome_record.outcome.is_bad());
        let landed = bad.filter_map(|outcome_record| state.timeline.reported_on(outcome_record));
        landed.filter_map(|ordinal| self.landing(state, ordinal)).collect()
    }

    /// What an earlier report about the same change has taught is only unlearned by folding again without it.
    fn take(&self, basis: &Basis, outcome_record: &OutcomeRecord) -> Result<(), LiveError> {
        let meant = self.by_commit(outcome_record);
        let earlier = {
            let state = self.state();
            lock(&self.told).newest_about(&state.timeline, &meant).cloned()
        };
        lock(&self.told).take(outcome_record.clone(), meant.clone());
        match earlier {
            // Said before, or overtaken before it came.
            Some(earlier) if earlier.outcome == meant.outcome || earlier.known_at > meant.known_at => {
                self.state_mut().n_reported += 1;
                Ok(())
            }
            Some(_) => self.refold(basis, self.looked_at()).map(|_| ()).inspect_err(|_| self.count(&meant)),
            None => {
                self.count(&meant);
                Ok(())
            }
        }
    }

    fn count(&self, outcome_record: &OutcomeRecord) {
        let mut state = self.state_mut();
        state.timeline.report(outcome_record);
        state.n_reported += 1;
    }

    /// An outcome of a diff is one of the landed change with that diff.
    fn by_commit(&self, outcome_record: &OutcomeRecord) -> OutcomeRecord {
        about_commit(outcome_record, |said| {
            let state = self.state();
            let ordinal = state.timeline.reported_on(said)?;
            self.landing(&state, ordinal).map(|id| id.0)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::incident::{OutcomeKind, OutcomeTarget};

    #[test]
    fn a_report_that_breaks_down_leaves_and_is_not_forgotten() {
        let about = |id: &str| OutcomeRecord::tried(OutcomeTarget::Id(id.into()), OutcomeKind::Caught, 5);
        let waiting = Waiting::default();
        assert!(waiting.push(about("pr/1")));
        assert!(!waiting.push(about("pr/2")));
        let broken = catch_unwind(AssertUnwindSafe(|| {
            waiting.take_first(|_| -> OutcomeRecord { panic!("on purpose") })
        }));
        assert!(broken.is_err());
        assert_eq!(waiting.take_first(OutcomeRecord::clone), Some(about("pr/2")));
        assert_eq!(waiting.take_first(OutcomeRecord::clone), None);
        assert!(waiting.is_any(), "what was told of pr/1 is in doubt until the next start");
    }

    #[test]
    fn a_report_waits_until_the_history_knows_it() {
        let waiting = Waiting::default();
        waiting.push(OutcomeRecord::tried(OutcomeTarget::Id("pr/1".into()), OutcomeKind::Caught, 5));
        assert_eq!(waiting.take_first(|_| waiting.is_any()), Some(true));
        assert!(!waiting.is_any());
    }
}
