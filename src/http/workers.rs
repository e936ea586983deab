//! The threads that score what is not scored where it was read: as many as score at once, and no more.
//!
//! The runtime's own blocking threads grow in number and take turns, so that each score wakes a thread that has been
//! asleep; these go on with the next question, which is ready by then (see [`super::gate`]).

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

pub(super) struct Workers(rayon::ThreadPool);

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives none.
    pub(super) fn new(n_threads: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(n_threads.max(1));
        Ok(Self(builder.thread_name(|idx| format!("scoring-{idx}")).build()?))
    }

    /// Puts work behind what waits already; none where it panicked. Work goes on when nobody waits for it any more.
    pub(super) fn run<T, W>(&self, work: W) -> impl Future<Output = Option<T>> + use<T, W>
    where
        T: Send + 'static,
        W: FnOnce() -> T + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.0.spawn_fifo(move || {
            if let Ok(done) = catch_unwind(AssertUnwindSafe(work)) {
                let _ = sender.send(done);
            }
        });
        async { receiver.await.ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_loses_its_own_answer_and_no_thread() {
        let workers = Workers::new(1).unwrap();
        let failed = workers.run(|| -> u8 { panic!("on purpose") });
        let next = workers.run(|| 7);
        assert_eq!((failed.await, next.await), (None, Some(7)));
    }
}
