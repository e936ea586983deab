//! Admission: a bounded number of questions in work at once, a bounded number waiting, the rest shed at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::config::Limits;
use crate::http::workers::max_long;
use crate::http::{ApiError, ProblemCode};

/// Turns for each thread that scores: while it works on one question, the next ones are read and wait for it, so that it
/// need not sleep in between.
const N_TURNS_PER_THREAD: usize = 4;

/// Waiting questions a turn from which on the scoring threads do all the work: the system shares the processors between
/// them and those who read and refuse, where a runtime would let every refusal go first.
const N_CROWD_PER_TURN: usize = 8;

/// Longest that anybody waits, whatever was expected: turns may be held by work that takes far longer than the mean.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// How much one more question counts in the running mean of their times, as a power of two.
const MEAN_SHIFT: u32 = 4;

pub(super) struct Gate {
    ordinary: Turns,
    /// For work that takes long, which is not to take the turns of all other work, nor its room to wait.
    long: Turns,
    longest_wait: Duration,
    /// Running mean of the time a turn is held for one question, in nanoseconds.
    mean_ns: Arc<AtomicU64>,
}

/// A number of turns, and who waits for one.
struct Turns {
    free: Arc<Semaphore>,
    n_turns: usize,
    n_waiting: AtomicUsize,
    max_waiting: usize,
}

/// The right to work on a question; ends when it is dropped.
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
    began: Instant,
    n_questions: u32,
    /// Whether it tells how long others take.
    is_counted: bool,
    mean_ns: Arc<AtomicU64>,
}

impl Turns {
    fn new(n_turns: usize, max_waiting: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(n_turns)), n_turns, n_waiting: AtomicUsize::new(0), max_waiting }
    }

    fn n_waiting(&self) -> usize {
        self.n_waiting.load(Ordering::Relaxed)
    }
}

impl Gate {
    pub(super) fn new(limits: &Limits) -> Self {
        let n_turns = limits.n_scoring.max(1) * N_TURNS_PER_THREAD;
        Self {
            ordinary: Turns::new(n_turns, limits.n_waiting),
            long: Turns::new(max_long(limits.n_scoring), limits.n_waiting),
            longest_wait: LONGEST_WAIT,
            mean_ns: Arc::default(),
        }
    }

    /// Waits for a turn. Where too many wait already, or those before are expected to take longer than `patience`, the
    /// caller is told at once to come back, and after two seconds in any case: an answer that nobody waits for any more helps
    /// nobody.
    pub(super) async fn enter(&self, patience: Duration) -> Result<Turn, ApiError> {
        let is_in_vain = |n_before| self.expected_wait(n_before) > patience;
        self.turn_of(&self.ordinary, is_in_vain, self.longest_wait).await
    }

    /// The same of a turn for work that takes long, of which nobody knows how long, within `patience`.
    pub(super) async fn enter_long(&self, patience: Duration) -> Result<Turn, ApiError> {
        let turn = self.turn_of(&self.long, |_| false, patience.min(self.longest_wait)).await?;
        Ok(turn.uncounted())
    }

    async fn turn_of(
        &self,
        turns: &Turns,
        is_in_vain: impl FnOnce(usize) -> bool,
        longest_wait: Duration,
    ) -> Result<Turn, ApiError> {
        if let Ok(permit) = Arc::clone(&turns.free).try_acquire_owned() {
            return Ok(self.turn(permit));
        }
        let n_before = turns.n_waiting.fetch_add(1, Ordering::AcqRel);
        let waiting = Waiting(&turns.n_waiting);
        let overloaded = || ApiError::standard(ProblemCode::Overloaded).retry_after(1);
        if n_before >= turns.max_waiting || is_in_vain(n_before) {
            return Err(overloaded());
        }
        let permit = tokio::time::timeout(longest_wait, Arc::clone(&turns.free).acquire_owned()).await;
        drop(waiting);
        let permit = permit.map_err(|_| overloaded())?;
        let permit = permit.map_err(|_| ApiError::standard(ProblemCode::Draining))?;
        Ok(self.turn(permit))
    }

    pub(super) fn n_waiting(&self) -> usize {
        self.ordinary.n_waiting() + self.long.n_waiting()
    }

    /// Whether more wait than come at once from callers that are answered in time.
    pub(super) fn is_crowded(&self) -> bool {
        self.ordinary.n_waiting() > N_CROWD_PER_TURN * self.ordinary.n_turns
    }

    fn turn(&self, permit: OwnedSemaphorePermit) -> Turn {
        let mean_ns = Arc::clone(&self.mean_ns);
        Turn { _permit: permit, began: Instant::now(), n_questions: 1, is_counted: true, mean_ns }
    }

    fn expected_wait(&self, n_before: usize) -> Duration {
        let n_rounds = n_before / self.ordinary.n_turns;
        let mean = Duration::from_nanos(self.mean_ns.load(Ordering::Relaxed));
        mean.saturating_mul(u32::try_from(n_rounds).unwrap_or(u32::MAX))
    }
}

impl Turn {
    /// Says how many questions share this turn.
    pub(super) fn shared_by(&mut self, n_questions: usize) {
        self.n_questions = u32::try_from(n_questions).unwrap_or(u32::MAX).max(1);
    }

    /// One whose time tells nothing of how long others take.
    pub(super) fn uncounted(mut self) -> Self {
        self.is_counted = false;
        self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_counted {
            return;
        }
        let held = self.began.elapsed() / self.n_questions;
        let held_ns = u64::try_from(held.as_nanos()).unwrap_or(u64::MAX);
        // Two that end together may lose one of their times; a mean does not mind.
        let mean_ns = self.mean_ns.load(Ordering::Relaxed);
        let mean_ns = mean_ns - (mean_ns >> MEAN_SHIFT) + (held_ns >> MEAN_SHIFT);
        self.mean_ns.store(mean_ns, Ordering::Relaxed);
    }
}

/// Counts down also when the caller hangs up.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_waits_longer_for_a_turn_than_they_may() {
        let gate = Gate::new(&Limits { n_scoring: 1, ..Limits::default() });
        let gate = Gate { longest_wait: Duration::from_millis(1), ..gate };
        let mut turns = Vec::new();
        while let Ok(turn) = gate.enter(Duration::ZERO).await {
            turns.push(turn);
        }
        assert_eq!(turns.len(), N_TURNS_PER_THREAD);
        let refused = gate.enter(Duration::from_secs(1)).await.err();
        assert_eq!(refused.map(|error| error.code), Some(ProblemCode::Overloaded));
        assert_eq!(gate.n_waiting(), 0);
        turns.clear();
        assert!(gate.enter(Duration::ZERO).await.is_ok());
    }

    #[tokio::test]
    async fn work_that_takes_long_leaves_turns_to_others() {
        let gate = Gate::new(&Limits { n_scoring: 1, ..Limits::default() });
        let gate = Gate { longest_wait: Duration::from_millis(1), ..gate };
        let mut long = Vec::new();
        while let Ok(turn) = gate.enter_long(Duration::from_secs(1)).await {
            long.push(turn);
        }
        assert_eq!(long.len(), max_long(1));
        for _ in 0..N_TURNS_PER_THREAD {
            long.push(gate.enter(Duration::ZERO).await.ok().unwrap());
        }
    }
}
