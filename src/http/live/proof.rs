//! Whether a change that looks like a rollback is one, by the files of the repository. In doubt it is none. Start at [`proved`].

use crate::change::{ChangeId, ChangeRecord};
use crate::git::{self, Proposed};
use crate::history::hash64;
use crate::http::assessor::{Asked, HistoryMode};
use crate::http::live::read::{Form, Read};
use crate::http::live::repository::{LiveRepository, State};
use crate::label::{ChangeKind, ROLLBACK_WINDOW_SECONDS, STRICT_HORIZON_SECONDS};
use crate::timeline::Timeline;

/// Changes that went wrong lately which a rollback is held against.
const N_RECENTLY_BAD: usize = 50;

/// What takes back a landing by its lines and their places must leave the head as that landing found it; what takes back
/// several at once must leave all files as the first of them found them. A commit that was a rollback when it landed is one
/// for as long, and while what it wrote stands.
pub(super) fn proved((repository, state): (&LiveRepository, &State), asked: &Asked, mut read: Read) -> Read {
    let Read { change, mode, .. } = &read;
    let of_landing = read.classification.rollback_of;
    let is_proved = match mode {
        HistoryMode::BeforeLanding => {
            let age_seconds = asked.received_at.saturating_sub(change.committed_at);
            of_landing.is_some()
                && age_seconds <= ROLLBACK_WINDOW_SECONDS
                && repository
                    .read(|git| Ok(git.stands_as_landed(&change.record, &change.id)))
                    .unwrap_or(false)
        }
        HistoryMode::Present => {
            let landing = of_landing.and_then(|ordinal| repository.landing(state, ordinal));
            let since = asked.received_at.saturating_sub(ROLLBACK_WINDOW_SECONDS);
            let proposed = match read.form {
                Form::Commit => Proposed::Commit(&change.id),
                Form::Diff | Form::Range => Proposed::Diff,
            };
            let takes_back = |git: &git::Repository| {
                landing.as_ref().is_some_and(|landing| git.takes_back(&change.record, proposed, landing))
                    || was_all_touched(&state.timeline, &change.record, since)
                        && git.restores(&change.record, proposed, since)
            };
            repository.read(|git| Ok(takes_back(git))).unwrap_or(false) && {
                let bad = recently_bad(repository, state, asked.received_at);
                let brings_back = |git: &git::Repository| {
                    bad.iter().any(|bad| git.brings_back(&change.record, proposed, bad))
                };
                repository.read(|git| Ok(!brings_back(git))).unwrap_or(false)
            }
        }
    };
    if is_proved {
        read.classification.kind = ChangeKind::Rollback;
    } else if of_landing.is_some() {
        let is_revert = read.classification.is_revert;
        read.classification.kind = if is_revert { ChangeKind::Revert } else { ChangeKind::Ordinary };
        read.classification.rollback_of = None;
    }
    read
}

/// Whether each file of a change was touched since a moment, so far as the history knows: nearly no change is looked at further.
fn was_all_touched(timeline: &Timeline, record: &ChangeRecord, since: i64) -> bool {
    let files = &timeline.history().files;
    let was_touched =
        |path: &String| files.get(hash64(&[path])).is_some_and(|file| file.track.last_t >= since);
    !record.files.is_empty()
        && record
            .files
            .iter()
            .all(|file| [&file.old_path, &file.new_path].into_iter().flatten().all(was_touched))
}

/// The landings of the last two weeks that are known to have gone wrong: who takes back their repair brings them back.
fn recently_bad(repository: &LiveRepository, state: &State, now: i64) -> Vec<ChangeId> {
    let since = now.saturating_sub(STRICT_HORIZON_SECONDS);
    let bad = state.timeline.history().bad_changes.iter().rev();
    let recent = bad.filter(|bad| bad.landed_at >= since).take(N_RECENTLY_BAD);
    recent.filter_map(|bad| repository.landing(state, bad.ordinal)).collect()
}
