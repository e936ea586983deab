//! Looks at a repository for what landed: at every poll, for a commit that is not there, and in passing. Start at
//! [`LiveRepository::refresh`].

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::change::{Change, digest};
use crate::git::{self, Repository, WalkOptions, WalkReport, walk};
use crate::http::live::LiveError;
use crate::http::live::incidents::Links;
use crate::http::live::repository::{Basis, LiveRepository, N_TRIES, lock};
use crate::timeline::Row;

/// Changes landed since the start that are kept in memory; after that, a refold reads them from the cache.
const MAX_NEWEST: usize = 20_000;

/// For so long, the head that was seen last is taken for the head.
const GLANCE: Duration = Duration::from_millis(100);

/// How long questions wait for what lands.
const LANDING_TURN: Duration = Duration::from_millis(5);

impl LiveRepository {
    /// Folds in what landed since the last look, and the whole history where its incidents changed; answers how many changes
    /// landed.
    pub(in crate::http::live) fn refresh(&self, now: i64) -> Result<usize, LiveError> {
        let mut basis = lock(&self.basis);
        let mut refreshed = self.look(&basis, now);
        if refreshed.is_ok()
            && let Some(links) = self.incidents.look_again(&basis.links)
            && let Err(error) = self.fold_with(&mut basis, links, now)
        {
            self.incidents.forget();
            refreshed = Err(error);
        }
        self.take_waiting(&basis).and(refreshed)
    }

    /// Folds with other incident links, in a cache of their own; nobody asks for the one before any more.
    fn fold_with(&self, basis: &mut Basis, links: Links, now: i64) -> Result<(), LiveError> {
        let failed = |source| LiveError::Git { name: self.name.clone(), source };
        let next = self.read(|repository| Basis::of(links, &self.cache_root, repository, self.unit));
        let next = next.map_err(failed)?;
        self.refold(&next, now)?;
        std::mem::replace(basis, next).leave();
        Ok(())
    }

    /// As [`Self::refresh`], for a commit that is not there: who folds a whole history is not waited for, so that questions
    /// about unknown commits do not take all threads that score.
    pub(in crate::http::live) fn look_for(&self, now: i64) -> Result<usize, LiveError> {
        let Some(basis) = self.try_basis(N_TRIES) else { return Ok(0) };
        let looked = self.look(&basis, now);
        self.take_waiting(&basis).and(looked)
    }

    /// Folds in what landed, where the head has moved since it was last seen and nobody folds: what takes back a change that
    /// landed a moment ago is asked about long before the next look.
    pub(in crate::http::live) fn glance(&self, now: i64) -> Result<(), LiveError> {
        {
            let mut glanced_at = lock(&self.glanced_at);
            if is_fresh(*glanced_at) {
                return Ok(());
            }
            *glanced_at = Some(Instant::now());
        }
        let failed = |source| LiveError::Git { name: self.name.clone(), source };
        if self.read(Repository::head).map_err(failed)? == self.state().walked_to {
            return Ok(());
        }
        let Some(basis) = self.try_basis(1) else { return Ok(()) };
        let looked = self.look(&basis, now).map(|_| ());
        self.take_waiting(&basis).and(looked)
    }

    fn look(&self, basis: &Basis, now: i64) -> Result<usize, LiveError> {
        let failed = |source| LiveError::Git { name: self.name.clone(), source };
        let (walked_to, last_t) = {
            let state = self.state();
            (state.walked_to.clone(), state.timeline.last_t())
        };
        let head = self.read(Repository::head).map_err(failed)?;
        let n_new = if head == walked_to {
            0
        } else {
            let mut options = WalkOptions::new(self.unit);
            options.after = Some(walked_to);
            options.not_before = last_t.unwrap_or(i64::MIN);
            match self.read(|repository| new_changes(repository, &options)) {
                Ok((changes, report)) => self.land(changes, report),
                Err(git::Error::NotAncestor { .. }) => self.refold(basis, now)?,
                Err(error) => return Err(failed(error)),
            }
        };
        let look_again = |repository: &Repository| {
            self.owners.look_again(repository);
            Ok(())
        };
        self.read(look_again).map_err(failed)?;
        self.note_look(now);
        self.advance(now);
        if self.state().newest.len() > MAX_NEWEST {
            self.refold(basis, now)?;
        }
        Ok(n_new)
    }

    fn land(&self, changes: Vec<Change>, report: WalkReport) -> usize {
        let n_new = changes.len();
        let mut state = self.state_mut();
        let mut began = Instant::now();
        for change in changes {
            // A question need not wait for them all.
            if began.elapsed() > LANDING_TURN {
                drop(state);
                state = self.state_mut();
                began = Instant::now();
            }
            let landed = state.timeline.land(&change);
            let digest = digest(&change.record).to_string();
            lock(&self.told).tell_landed(&mut state.timeline, landed.ordinal, &digest);
            state.walked_to = change.id.clone();
            state.newest.push(Row {
                change_id: change.id.0,
                committed_at: change.committed_at,
                classification: landed.classification,
                vector: landed.vector,
                tokens: landed.tokens,
            });
        }
        state.walked_to = report.head;
        state.n_incomplete += report.n_incomplete;
        n_new
    }

    /// Whether the head was seen just now.
    pub(super) fn saw_head(&self) -> bool {
        is_fresh(*lock(&self.glanced_at))
    }
}

/// Whether the head was seen so lately that it is taken for the head.
fn is_fresh(glanced_at: Option<Instant>) -> bool {
    glanced_at.is_some_and(|glanced_at| glanced_at.elapsed() < GLANCE)
}

fn new_changes(
    repository: &Repository,
    options: &WalkOptions,
) -> Result<(Vec<Change>, WalkReport), git::Error> {
    let mut changes = Vec::new();
    let report = walk(repository, options, |change| {
        changes.push(change);
        ControlFlow::Continue(())
    })?;
    Ok((changes, report))
}
