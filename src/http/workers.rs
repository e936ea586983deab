//! The threads that score what is not scored where it was read: as many as score at once.
//!
//! The runtime's own blocking threads grow in number and take turns, so that each score wakes a thread that has been
//! asleep; these go on with the next question, which is ready by then (see [`super::gate`]). Work that takes long is not to
//! keep all others waiting: while it is under way, another thread stands in for its own. Start at [`Workers::run`].

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

/// Threads that may stand in for others, at least.
const MIN_SPARE: usize = 4;

/// Dropped, its threads end once they have nothing to do.
pub(super) struct Workers(Arc<Pool>);

struct Pool {
    state: Mutex<State>,
    has_work: Condvar,
    /// Threads that work where nothing takes long.
    n_regular: usize,
    /// Those that may stand in for them.
    max_spare: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Box<dyn FnOnce() + Send>>,
    n_threads: usize,
    /// Pieces of work under way that take long.
    n_long: usize,
    is_closed: bool,
}

/// How far a piece of work has come.
enum Progress<W> {
    /// With the work, which goes when nobody waits for it any more.
    Waiting(W),
    UnderWay,
    /// Under way, and another thread may stand in.
    TakingLong,
    /// Done, or left before it began.
    Over,
}

/// Whoever waits for work; dropped, nobody does.
struct Waiter<W> {
    pool: Arc<Pool>,
    progress: Arc<Mutex<Progress<W>>>,
}

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives none.
    pub(super) fn new(n_threads: usize) -> io::Result<Self> {
        let n_regular = n_threads.max(1);
        let max_spare = max_long(n_threads);
        let pool = Arc::new(Pool { state: Mutex::default(), has_work: Condvar::new(), n_regular, max_spare });
        let workers = Self(Arc::clone(&pool));
        for _ in 0..n_regular {
            start_thread(&pool, &mut lock(&pool.state))?;
        }
        Ok(workers)
    }

    /// Puts work behind what waits already; none where it panicked. What nobody waits for any more is not begun; what has begun
    /// goes on, and counts as taking long. `takes_long` says that of it from the start.
    pub(super) fn run<T, W>(&self, takes_long: bool, work: W) -> impl Future<Output = Option<T>> + use<T, W>
    where
        T: Send + 'static,
        W: FnOnce() -> T + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let progress = Arc::new(Mutex::new(Progress::Waiting(work)));
        let waiter = Waiter { pool: Arc::clone(&self.0), progress: Arc::clone(&progress) };
        let pool = Arc::clone(&self.0);
        let job = Box::new(move || {
            let Some(work) = begin(&pool, &progress, takes_long) else { return };
            let done = catch_unwind(AssertUnwindSafe(work)).ok();
            end(&pool, &progress);
            if let Some(done) = done {
                let _ = sender.send(done);
            }
        });
        lock(&self.0.state).jobs.push_back(job);
        self.0.has_work.notify_one();
        async move {
            let _waiter = waiter;
            receiver.await.ok()
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        lock(&self.0.state).is_closed = true;
        self.0.has_work.notify_all();
    }
}

impl<W> Drop for Waiter<W> {
    fn drop(&mut self) {
        let mut progress = lock(&self.progress);
        match std::mem::replace(&mut *progress, Progress::Over) {
            Progress::Waiting(work) => {
                drop(progress);
                drop(work);
            }
            Progress::UnderWay => {
                *progress = Progress::TakingLong;
                let mut state = lock(&self.pool.state);
                state.n_long += 1;
                stand_in(&self.pool, &mut state);
            }
            before => *progress = before,
        }
    }
}

/// The work, where somebody still waits for it.
fn begin<W>(pool: &Arc<Pool>, progress: &Mutex<Progress<W>>, takes_long: bool) -> Option<W> {
    let mut progress = lock(progress);
    let Progress::Waiting(work) = std::mem::replace(&mut *progress, Progress::Over) else { return None };
    *progress = if takes_long { Progress::TakingLong } else { Progress::UnderWay };
    if takes_long {
        let mut state = lock(&pool.state);
        state.n_long += 1;
        stand_in(pool, &mut state);
    }
    Some(work)
}

fn end<W>(pool: &Pool, progress: &Mutex<Progress<W>>) {
    if matches!(std::mem::replace(&mut *lock(progress), Progress::Over), Progress::TakingLong) {
        lock(&pool.state).n_long -= 1;
    }
}

/// Pieces of work that take long from the start, of which no more than that are to be under way at once: each has a thread that
/// stands in for its own, unless work that was left by who waited for it has it.
pub(super) fn max_long(n_threads: usize) -> usize {
    n_threads.max(MIN_SPARE)
}

/// Starts a thread where one more may stand in. Without one the others wait.
fn stand_in(pool: &Arc<Pool>, state: &mut State) {
    if state.n_threads < pool.n_wanted(state)
        && let Err(error) = start_thread(pool, state)
    {
        tracing::warn!(error = %error, "no thread stands in for one whose question takes long");
    }
}

fn start_thread(pool: &Arc<Pool>, state: &mut State) -> io::Result<()> {
    let work = Arc::clone(pool);
    thread::Builder::new().name("scoring".to_owned()).spawn(move || work.work())?;
    state.n_threads += 1;
    Ok(())
}

impl Pool {
    fn n_wanted(&self, state: &State) -> usize {
        self.n_regular + state.n_long.min(self.max_spare)
    }

    /// Works until there is a thread too many, or nothing to come.
    fn work(&self) {
        let mut state = lock(&self.state);
        loop {
            if state.n_threads > self.n_wanted(&state) {
                break;
            }
            match state.jobs.pop_front() {
                Some(job) => {
                    drop(state);
                    job();
                    state = lock(&self.state);
                }
                None if state.is_closed => break,
                None => state = self.has_work.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
        state.n_threads -= 1;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_panic_loses_its_own_answer_and_no_thread() {
        let workers = Workers::new(1).unwrap();
        let failed = workers.run(false, || -> u8 { panic!("on purpose") });
        let next = workers.run(false, || 7);
        assert_eq!((failed.await, next.await), (None, Some(7)));
    }

    #[tokio::test]
    async fn what_takes_long_keeps_nobody_waiting() {
        for takes_long in [false, true] {
            let workers = Workers::new(1).unwrap();
            let ((begun, has_begun), (end, ended)) = (channel(), channel::<()>());
            let long = workers.run(takes_long, move || {
                begun.send(()).unwrap();
                ended.recv().is_err()
            });
            has_begun.recv().unwrap();
            let mut long = Some(long);
            if !takes_long {
                // Nobody waits for it any more.
                long = None;
            }
            assert_eq!(workers.run(false, || 7).await, Some(7));
            drop(end);
            if let Some(long) = long {
                assert_eq!(long.await, Some(true));
            }
            // The thread too many goes, and one stays.
            for _ in 0..3 {
                assert_eq!(workers.run(false, || 7).await, Some(7));
            }
            assert!(lock(&workers.0.state).n_threads <= 2);
        }
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_begun() {
        let workers = Workers::new(1).unwrap();
        let (end, ended) = channel::<()>();
        let first = workers.run(false, move || ended.recv().is_err());
        let (begun, has_begun) = channel::<()>();
        drop(workers.run(false, move || begun.send(())));
        let gone = has_begun.recv_timeout(Duration::from_secs(20));
        assert_eq!(gone, Err(RecvTimeoutError::Disconnected), "the work went with who waited for it");
        drop(end);
        assert_eq!(first.await, Some(true));
        assert_eq!(workers.run(false, || 7).await, Some(7));
    }
}
