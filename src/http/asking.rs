//! Questions that are being answered. What was found out meanwhile they may not know yet, and their decisions may not be recorded
//! yet: who takes decisions back waits for them and looks again. Start at [`Asking`].

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};

/// All of them, by generations.
pub(super) struct Asking {
    /// Of the generation that whoever asks now belongs to.
    newest: Mutex<Sender<Infallible>>,
    /// One a generation, the oldest first. Nothing is ever sent: each ends with the last of its questions.
    generations: tokio::sync::Mutex<VecDeque<Receiver<Infallible>>>,
}

/// A question whose decision is not recorded yet.
pub(super) struct Unanswered(
    #[expect(dead_code, reason = "it is counted while it is there")] Sender<Infallible>,
);

impl Default for Asking {
    fn default() -> Self {
        let (sender, receiver) = channel(1);
        Self { newest: Mutex::new(sender), generations: tokio::sync::Mutex::new([receiver].into()) }
    }
}

impl Asking {
    /// Counts a question in until what comes back is dropped: before it reads any state.
    pub(super) fn begin(&self) -> Unanswered {
        Unanswered(self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Waits as [`Self::earlier`] does, for so long at most; says so where some are still not answered then.
    pub(super) async fn earlier_within(&self, time: Duration) {
        if tokio::time::timeout(time, self.earlier()).await.is_err() {
            tracing::error!(
                "questions asked before a report are still not answered: what is decided on them stands"
            );
        }
    }

    /// Waits until all questions are answered that have begun by now. Whoever gives up in between disturbs nobody.
    async fn earlier(&self) {
        let mut generations = self.generations.lock().await;
        let (sender, receiver) = channel(1);
        generations.push_back(receiver);
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = sender;
        while generations.len() > 1 {
            generations[0].recv().await;
            generations.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn who_waits_waits_for_those_before_and_no_others() {
        let asking = Asking::default();
        asking.earlier().await;
        let first = asking.begin();
        assert!(asking.earlier().now_or_never().is_none(), "and gives up");
        let mut waits = Box::pin(asking.earlier());
        assert!(waits.as_mut().now_or_never().is_none());
        let later = asking.begin();
        drop(first);
        waits.await;
        assert!(asking.earlier().now_or_never().is_none());
        drop(later);
        asking.earlier().await;
    }
}
