//! Whether a change that looks like a rollback is one, by the files of the repository. In doubt it is none. Start at [`proved`].

use crate::change::ChangeId;
use crate::git::{self, Proposed};
use crate::http::assessor::{Asked, HistoryMode};
use crate::http::live::read::Read;
use crate::http::live::repository::{LiveRepository, State};
use crate::label::{ChangeKind, ROLLBACK_WINDOW_SECONDS, STRICT_HORIZON_SECONDS};

/// Changes that went wrong lately which a rollback is held against.
const N_RECENTLY_BAD: usize = 50;

/// What takes back a landing by its lines and their places must leave the head as that landing found it. A commit that was a
/// rollback when it landed is one for as long, and while what it wrote stands.
pub(super) fn proved((repository, state): (&LiveRepository, &State), asked: &Asked, mut read: Read) -> Read {
    let Some(ordinal) = read.classification.rollback_of else { return read };
    let Read { change, is_commit, mode, .. } = &read;
    let is_proved = match mode {
        HistoryMode::BeforeLanding => {
            let age_seconds = asked.received_at.saturating_sub(change.committed_at);
            age_seconds <= ROLLBACK_WINDOW_SECONDS
                && repository
                    .read(|git| Ok(git.stands_as_landed(&change.record, &change.id)))
                    .unwrap_or(false)
        }
        HistoryMode::Present => repository.landing(state, ordinal).is_some_and(|landing| {
            let proposed = if *is_commit { Proposed::Commit(&change.id) } else { Proposed::Diff };
            let bad = recently_bad(repository, state, asked.received_at);
            let is_exact = |git: &git::Repository| {
                git.takes_back(&change.record, proposed, &landing)
                    && !bad.iter().any(|bad| git.brings_back(&change.record, proposed, bad))
            };
            repository.read(|git| Ok(is_exact(git))).unwrap_or(false)
        }),
    };
    if !is_proved {
        let is_revert = read.classification.is_revert;
        read.classification.kind = if is_revert { ChangeKind::Revert } else { ChangeKind::Ordinary };
        read.classification.rollback_of = None;
    }
    read
}

/// The landings of the last two weeks that are known to have gone wrong: who takes back their repair brings them back.
fn recently_bad(repository: &LiveRepository, state: &State, now: i64) -> Vec<ChangeId> {
    let since = now.saturating_sub(STRICT_HORIZON_SECONDS);
    let bad = state.timeline.history().bad_changes.iter().rev();
    let recent = bad.filter(|bad| bad.landed_at >= since).take(N_RECENTLY_BAD);
    recent.filter_map(|bad| repository.landing(state, bad.ordinal)).collect()
}
