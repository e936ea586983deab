//! What is said of a history of which contents could not be read: a partial clone, a damaged repository. Start at [`tell`].

use crate::http::assessor::Assessed;
use crate::http::live::repository::State;
use crate::policy::{Reason, ReasonCode};
use crate::timeline::is_in_doubt;

/// One in so many changes is told of.
const IS_TOLD: usize = 1_000;

/// Why a history is incomplete and how it is mended; none where nearly all of it was read.
pub(super) fn warning(state: &State) -> Option<String> {
    let (n, n_changes) = (state.n_incomplete, state.position().n_rows);
    let again = match is_in_doubt(n, n_changes) {
        true => "a service reads it at its next start",
        false => "it is read once the cache is thrown away",
    };
    (n * IS_TOLD > n_changes).then(|| {
        format!(
            "the contents of {n} of {n_changes} changes of the history could not be read, and what is said of earlier changes is \
             incomplete: `git fsck` names what is missing or damaged, `git fetch --refetch` fetches it again, and {again}"
        )
    })
}

/// Says so beside an answer, which is in doubt where that is more than one change in a hundred.
pub(super) fn tell(assessed: &mut Assessed, state: &State) {
    let Some(warning) = warning(state) else { return };
    assessed.warnings.push(warning);
    // An answer from before is not given again.
    assessed.history_epoch = assessed.history_epoch.wrapping_add(state.n_incomplete as u64);
    let n_changes = state.position().n_rows;
    if is_in_doubt(state.n_incomplete, n_changes) {
        let text = format!(
            "the contents of {} of {n_changes} changes of the history could not be read",
            state.n_incomplete
        );
        assessed.doubts.push(Reason::new(ReasonCode::FeatureMissing, text));
    }
}
