//! Whether a history is as it was folded, and how it becomes so again: cached rows may be damaged, and a fold may break down.
//! Start at [`LiveRepository::is_whole`].

use std::sync::atomic::Ordering;

use crate::http::live::LiveError;
use crate::http::live::repository::{Basis, LiveRepository, lock};

impl LiveRepository {
    /// How often cached rows could not be read. What was made of the history while it grew is not to be trusted.
    pub(in crate::http::live) fn n_damages(&self) -> u64 {
        self.n_damages.load(Ordering::SeqCst)
    }

    /// Whether nothing of the history is known to be damaged, nor left half-way by a fold that broke down.
    pub(in crate::http::live) fn is_whole(&self) -> bool {
        self.n_mended.load(Ordering::SeqCst) == self.n_damages() && !self.state.is_poisoned()
    }

    /// The same, and nothing was found damaged since; what was then may be mended by now, and was still read.
    pub(in crate::http::live) fn is_whole_since(&self, n_damages: u64) -> bool {
        self.n_damages() == n_damages && self.is_whole()
    }

    /// Throws a damaged cache away and folds the history from its start, where nobody is at it: who is, is not waited for, so that
    /// questions about one damaged history do not take all threads that score.
    ///
    /// # Errors
    /// When it cannot be folded; what was damaged stays so.
    pub(in crate::http::live) fn mend(&self, now: i64) -> Result<(), LiveError> {
        if self.is_whole() {
            return Ok(());
        }
        self.try_basis(1).map_or(Ok(()), |basis| self.mend_on(&basis, now))
    }

    /// The same; who is at it is waited for.
    ///
    /// # Errors
    /// As [`Self::mend`].
    pub(in crate::http::live) fn wait_for_mend(&self, now: i64) -> Result<(), LiveError> {
        if self.is_whole() { Ok(()) } else { self.mend_on(&lock(&self.basis), now) }
    }

    fn mend_on(&self, basis: &Basis, now: i64) -> Result<(), LiveError> {
        if self.is_whole() {
            return Ok(());
        }
        let discarded = basis.discard().map_err(|source| basis.not_folded(&self.name, source));
        // What is read of the old rows until they go is damaged, too.
        let replaced = || self.n_mended.store(self.n_damages(), Ordering::SeqCst);
        let mended = discarded.and_then(|()| self.refold_over(basis, now, replaced));
        self.take_waiting(basis).and(mended.map(|_| ()))
    }
}
