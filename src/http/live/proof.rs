//! Whether a change that looks like a rollback is one, by the files of the repository. In doubt it is none. Start at [`proved`].

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{ChangeId, ChangeRecord, LineOrigin};
use crate::git::{self, Back, Landing, Landings, Proposed};
use crate::history::hash64;
use crate::http::assessor::{Asked, HistoryMode};
use crate::http::live::read::{Form, Read};
use crate::http::live::repository::{LiveRepository, State};
use crate::label::{ChangeKind, ROLLBACK_WINDOW_SECONDS, STRICT_HORIZON_SECONDS};
use crate::policy::find_hazards;
use crate::timeline::Timeline;

/// Changes that went wrong lately which a rollback is held against.
const N_RECENTLY_BAD: usize = 50;

/// What takes back a landing by its lines and their places must leave the head as that landing found it; what takes back
/// several at once must leave all files as the first of them found them. A commit that was a rollback when it landed is one
/// for as long, and while what it wrote stands. None is what brings back something of a change that is known to be bad, or
/// something dangerous that was new itself.
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
    let at = match mode {
        HistoryMode::BeforeLanding => change.committed_at,
        HistoryMode::Present => asked.received_at,
    };
    let since = at.saturating_sub(ROLLBACK_WINDOW_SECONDS);
    let takes_back = match mode {
        HistoryMode::BeforeLanding => {
            let age_seconds = asked.received_at.saturating_sub(change.committed_at);
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
            let may_restore = was_all_touched(&state.timeline, &change.record, since);
            let takes_back = |git: &git::Repository| {
                landing.as_ref().is_some_and(|landing| git.takes_back(&change.record, proposed, landing))
                    || may_restore && git.restores(&change.record, proposed, since, &landings)
            };
            (landing.is_some() || may_restore) && repository.read(|git| Ok(takes_back(git))).unwrap_or(false)
        }
    };
    let reopens = || brings_back_fresh((repository, state), &read, since, &landings);
    if takes_back && !brings_back((repository, state), asked, &read, proposed) && !reopens() {
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

/// The lines of a change on which hazard rules fire, by file; of what is told of a whole file, all that changed in it.
fn dangerous_lines(read: &Read) -> BTreeMap<&str, Back<'_>> {
    let files = read.change.record.files.as_slice();
    let keys: Vec<_> =
        files.iter().zip(&read.keys).map(|(file, keys)| (file.path().to_owned(), keys.clone())).collect();
    let mut dangerous: BTreeMap<&str, Back<'_>> = BTreeMap::new();
    for spot in
        find_hazards(&read.change.record, &keys, None, &BTreeSet::new()).iter().flat_map(|it| &it.spots)
    {
        let Some(file) = files.get(spot.file_idx) else { continue };
        let of_line = |(hunk, line): (usize, usize)| file.hunks().get(hunk)?.lines.get(line);
        let one = spot.line.and_then(of_line);
        let lines = one.into_iter().chain(file.changed_lines().filter(|_| one.is_none()));
        let back = dangerous.entry(file.path()).or_default();
        for line in lines {
            match line.origin {
                LineOrigin::Added => back.gained.insert(line.text.trim()),
                LineOrigin::Deleted => back.lost.insert(line.text.trim()),
                LineOrigin::Context => false,
            };
        }
    }
    dangerous
}

/// Whether something dangerous that a change brings back was new itself: the last commit of a pull request may hide what one
/// before it wrote, and no state in between ever rolled out. In doubt it was.
fn brings_back_fresh(
    (repository, state): (&LiveRepository, &State),
    read: &Read,
    since: i64,
    landings: Landings<'_>,
) -> bool {
    let back = dangerous_lines(read);
    if back.is_empty() {
        return false;
    }
    let of_landing = read.classification.rollback_of.and_then(|it| repository.landing(state, it));
    let parent = || repository.read(|git| git.resolve(&format!("{}^", read.change.id.0)));
    let from = match (of_landing, read.mode) {
        (Some(landing), _) => Some(landing),
        (None, HistoryMode::Present) => None,
        (None, HistoryMode::BeforeLanding) => match parent() {
            Ok(parent) => Some(parent),
            Err(_) => return true,
        },
    };
    let is_fresh = |git: &git::Repository| Ok(git.brings_back_fresh(&back, from.as_ref(), since, landings));
    repository.read(is_fresh).unwrap_or(true)
}

/// Whether it takes a look at the files of the repository to tell that a proposal is no rollback.
pub(super) fn may_take_back(repository: &LiveRepository, record: &ChangeRecord, received_at: i64) -> bool {
    let since = received_at.saturating_sub(ROLLBACK_WINDOW_SECONDS);
    repository.try_state().is_none_or(|state| was_all_touched(&state.timeline, record, since))
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
    let recent = recent.filter_map(|bad| repository.landing(state, bad.ordinal));
    recent.chain(repository.bad_waiting(state)).collect()
}
