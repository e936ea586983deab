//! A long fold says in the log how far it is. Start at [`log_fold`].

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Between two lines about one fold; of a shorter one only its end is told.
const PAUSE: Duration = Duration::from_secs(5);

/// Hears how many changes were folded so far, and says so in the log from time to time.
pub(super) fn log_fold(repo: &str) -> impl Fn(usize) {
    let pace = Pace(Cell::new(Instant::now()));
    move |n_folded| {
        if pace.is_due(Instant::now()) {
            tracing::info!(repo, n_folded, "the history is being folded");
        }
    }
}

/// When something was last told.
struct Pace(Cell<Instant>);

impl Pace {
    /// Whether it is to be told again, which it then is.
    fn is_due(&self, now: Instant) -> bool {
        let is_due = now.duration_since(self.0.get()) >= PAUSE;
        if is_due {
            self.0.set(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    use super::Pace;

    #[test]
    fn a_fold_tells_of_itself_every_five_seconds() {
        let began = Instant::now();
        let pace = Pace(Cell::new(began));
        let due: Vec<_> =
            (0..=14).filter(|&second| pace.is_due(began + Duration::from_secs(second))).collect();

        assert_eq!(due, [5, 10]);
    }
}
