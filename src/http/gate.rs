//! Admission: a bounded number of questions at once, a bounded number waiting, the rest shed at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::config::Limits;
use crate::http::{ApiError, ProblemCode};

pub(super) struct Gate {
    turns: Arc<Semaphore>,
    n_waiting: AtomicUsize,
    max_waiting: usize,
}

impl Gate {
    pub(super) fn new(limits: &Limits) -> Self {
        let turns = Arc::new(Semaphore::new(limits.n_scoring.max(1)));
        Self { turns, n_waiting: AtomicUsize::new(0), max_waiting: limits.n_waiting }
    }

    /// Waits for a turn, unless too many wait already.
    pub(super) async fn enter(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        if let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() {
            return Ok(turn);
        }
        if self.n_waiting.fetch_add(1, Ordering::AcqRel) >= self.max_waiting {
            self.n_waiting.fetch_sub(1, Ordering::AcqRel);
            return Err(ApiError::standard(ProblemCode::Overloaded).retry_after(1));
        }
        let waiting = Waiting(&self.n_waiting);
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        drop(waiting);
        turn.map_err(|_| ApiError::standard(ProblemCode::Draining).retry_after(5))
    }

    pub(super) fn n_waiting(&self) -> usize {
        self.n_waiting.load(Ordering::Relaxed)
    }
}

/// Counts down also when the caller hangs up.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
