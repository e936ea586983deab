//! Whether a change that looks like a rollback is one, by the files of the repository. In doubt it is none. Start at [`proved`].

use crate::change::{ChangeId, ChangeRecord};
use crate::git::{self, Landing, Proposed};
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
/// for as long, and while what it wrote stands. None is what brings back something of a change that is known to be bad.
pub(super) fn proved((repository, state): (&LiveRepository, &State), asked: &Asked, mut read: Read) -> Read {
    let Read { change, mode, .. } = &read;
    let of_landing = read.classification.rollback_of;
    let landings = |id: &ChangeId| {
        let (_, row) = repository.row(state, id)?;
        Some(Landing { at: row.committed_at, takes_back: row.classification.kind == ChangeKind::Rollback })
    };
    let proposed = match &read.form {
        Form::Diff => Proposed::Diff,
        Form::Commit => Proposed::Commit(&change.id),
        Form::Range(base) => Proposed::Range(base, &change.id),
    };
    let takes_back = match mode {
        HistoryMode::BeforeLanding => {
            let age_seconds = asked.received_at.saturating_sub(change.committed_at);
            let since = change.committed_at.saturating_sub(ROLLBACK_WINDOW_SECONDS);
            let took_back = |git: &git::Repository| {
                git.stands_as_landed(&change.record, &change.id)
                    && (of_landing.is_some() || git.restored(&change.id, since, &landings))
            };
            let may_take_back =
                of_landing.is_some() || was_all_touched(&state.timeline, &change.record, since);
            age_seconds <= ROLLBACK_WINDOW_SECONDS
                && may_take_back
                && repository.read(|git| Ok(took_back(git))).unwrap_or(false)
        }
        HistoryMode::Present => {
            let landing = of_landing.and_then(|ordinal| repository.landing(state, ordinal));
            let since = asked.received_at.saturating_sub(ROLLBACK_WINDOW_SECONDS);
            let may_restore = was_all_touched(&state.timeline, &change.record, since);
            let takes_back = |git: &git::Repository| {
                landing.as_ref().is_some_and(|landing| git.takes_back(&change.record, proposed, landing))
                    || may_restore && git.restores(&change.record, proposed, since, &landings)
            };
            (landing.is_some() || may_restore) && repository.read(|git| Ok(takes_back(git))).unwrap_or(false)
        }
    };
    if takes_back && !brings_back((repository, state), asked, &read, proposed) {
        read.classification.kind = ChangeKind::Rollback;
    } else if of_landing.is_some() {
        let is_revert = read.classification.is_revert;
        read.classification.kind = if is_revert { ChangeKind::Revert } else { ChangeKind::Ordinary };
        read.classification.rollback_of = None;
    }
    read
}

/// Whether a change brings back something of what is known to have gone wrong lately. In doubt it does.
fn brings_back(
    (repository, state): (&LiveRepository, &State),
    asked: &Asked,
    read: &Read,
    proposed: Proposed<'_>,
) -> bool {
    let record = &read.change.record;
    let is_landed = read.mode == HistoryMode::BeforeLanding;
    let bad = recently_bad(repository, state, asked.received_at);
    let mut bad = bad.iter().filter(|bad| **bad != read.change.id);
    let brings_back = |git: &git::Repository, bad: &ChangeId| -> Result<bool, git::Error> {
        let landed = git.change(bad, repository.unit)?.record;
        Ok(git.writes_again(record, &landed) || !is_landed && git.brings_back(record, proposed, bad))
    };
    bad.any(|bad| repository.read(|git| brings_back(git, bad)).unwrap_or(true))
}

/// Whether each file that a change finds was touched since a moment, or one that it makes, so far as the history knows: nearly
/// no change is looked at further.
fn was_all_touched(timeline: &Timeline, record: &ChangeRecord, since: i64) -> bool {
    let files = &timeline.history().files;
    let was_touched =
        |path: &String| files.get(hash64(&[path])).is_some_and(|file| file.track.last_t >= since);
    let mut found = record.files.iter().filter_map(|file| file.old_path.as_ref()).peekable();
    let finds_some = found.peek().is_some();
    let mut made = record.files.iter().filter_map(|file| file.new_path.as_ref());
    found.all(was_touched) && (finds_some || made.any(was_touched))
}

/// The landings of the last two weeks that are known to have gone wrong: who takes back their repair brings them back.
fn recently_bad(repository: &LiveRepository, state: &State, now: i64) -> Vec<ChangeId> {
    let since = now.saturating_sub(STRICT_HORIZON_SECONDS);
    let bad = state.timeline.history().bad_changes.iter().rev();
    let recent = bad.filter(|bad| bad.landed_at >= since).take(N_RECENTLY_BAD);
    recent.filter_map(|bad| repository.landing(state, bad.ordinal)).collect()
}
