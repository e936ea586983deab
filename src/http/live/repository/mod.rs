//! One followed repository: folded at the start, fed with what lands, folded again when its history was rewritten. Questions
//! read one state as a whole, never one that is half folded. Start at [`LiveRepository`].

mod look;
mod mend;
mod report;
mod told;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::time::{Duration, Instant};

use crate::change::{Change, ChangeId};
use crate::git::{self, Repository, Unit, UnitChoice};
use crate::history::hash64;
use crate::http::live::LiveError;
use crate::http::live::incidents::{Links, LiveIncidents};
use crate::http::live::linked::Linked;
use crate::http::live::owners::LiveOwners;
use crate::http::live::progress::log_fold;
use crate::http::live::repository::report::Waiting;
use crate::http::live::repository::told::Told;
use crate::incident::{IncidentFile, OutcomeRecord, OutcomeTarget};
use crate::timeline::{
    Cache, CacheError, Folded, Heard, Landed, Row, RowFile, Sources, Timeline, fold, fold_with,
};

/// How often whoever need not wait for a fold asks for the place of who folds, and the time in between: half of the deadline
/// of a question in all.
const N_TRIES: u32 = 20;
const TRY_PAUSE: Duration = Duration::from_millis(5);

/// Seconds by which two clocks that are both right may differ over the time between two looks.
const CLOCK_SLACK: i64 = 60;

/// How often whoever writes a history asks for it, and the time in between, before they insist: ten seconds in all.
const N_POLITE: u32 = 5_000;
const POLITE_PAUSE: Duration = Duration::from_millis(2);

/// A repository that the service follows: a fixed local path, never one from a request.
#[derive(Clone, Debug, PartialEq)]
pub struct RepositoryConfig {
    /// The name that requests use.
    pub name: String,
    /// A work tree or a bare directory.
    pub path: PathBuf,
    /// What counts as one change.
    pub unit: UnitChoice,
    /// A CODEOWNERS file: a path on disk, or one in the repository.
    pub owners: Option<PathBuf>,
    /// Incident links.
    pub incidents: Option<IncidentFile>,
}

/// One followed repository: its folded history, and how to read more.
pub(super) struct LiveRepository {
    pub(super) name: String,
    pub(super) unit: Unit,
    pub(super) root: String,
    pub(super) owners: LiveOwners,
    pub(super) incidents: LiveIncidents,
    path: PathBuf,
    cache_root: PathBuf,
    told: Mutex<Told>,
    state: RwLock<State>,
    rows: Mutex<RowFile>,
    open: Mutex<Vec<Repository>>,
    /// Held by who folds.
    basis: Mutex<Basis>,
    /// Reported while somebody folds, who takes it in then.
    waiting: Waiting,
    /// When it was last looked at, in Unix seconds of the questions' clock.
    looked_at: AtomicI64,
    /// The same by a clock that nobody sets.
    looked: Mutex<Instant>,
    /// When the head was last compared with the history.
    glanced_at: Mutex<Option<Instant>>,
    /// How often cached rows could not be read.
    n_damages: AtomicU64,
    /// That number when the history was folded anew because of it.
    n_mended: AtomicU64,
}

/// What a history is folded with, and where it is kept then.
struct Basis {
    links: Links,
    /// Of the history as it tells of itself, in which every report finds its change.
    cache: Cache,
    /// Of the history as it grew with what was reported.
    heard_cache: Cache,
}

/// The history as it stands.
pub(super) struct State {
    pub(super) timeline: Timeline,
    /// The incident links that it was folded with.
    pub(super) linked: Linked,
    /// Outcomes reported so far.
    n_reported: usize,
    /// The head that the fold came to; a merge may be none of its changes.
    walked_to: ChangeId,
    n_cached: usize,
    /// Changes of which contents could not be read.
    pub(super) n_incomplete: usize,
    newest: Vec<Row>,
    /// How often the history was folded from its cache.
    n_folds: u64,
}

/// How far a history has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// Which fold of it this is: rows of another one may be of other changes.
    pub(super) fold: u64,
    /// Rows so far.
    pub(super) n_rows: usize,
}

impl Position {
    /// The place before its newest rows.
    pub(super) fn newest(self, n_rows: usize) -> Self {
        Self { n_rows: self.n_rows.saturating_sub(n_rows), ..self }
    }
}

impl State {
    /// A history as it was folded first, and its rows.
    fn of(folded: Folded, (basis, repository): (&Basis, &Repository), n_reported: usize) -> (Self, RowFile) {
        let Folded { timeline, rows, walked_to, n_incomplete, .. } = folded;
        let state = Self {
            linked: Linked::of(&basis.links, &timeline, repository),
            timeline,
            n_reported,
            walked_to,
            n_cached: rows.len(),
            n_incomplete,
            newest: Vec::new(),
            n_folds: 0,
        };
        (state, rows)
    }

    /// The commit of the repository up to which everything is folded in.
    pub(super) fn walked_to(&self) -> &ChangeId {
        &self.walked_to
    }

    /// How far it has come.
    pub(super) fn position(&self) -> Position {
        Position { fold: self.n_folds, n_rows: self.n_cached + self.newest.len() }
    }

    /// Tells the states at one head apart: by the reports that came, by the incidents, and by how many of those are still to
    /// become known. A restart changes none of them.
    pub(super) fn epoch(&self) -> u64 {
        let parts = [self.n_reported as u64, self.linked.digest, self.timeline.n_expected() as u64];
        let named = parts.map(|part| part.to_string());
        hash64(&named.each_ref().map(String::as_str))
    }
}

impl Basis {
    /// Other incidents have another cache.
    fn of(links: Links, cache_root: &Path, repository: &Repository, unit: Unit) -> Result<Self, git::Error> {
        let digest = format!("{:016x}", links.digest());
        let cache = Cache::at(cache_root, repository, unit, &digest)?;
        let heard_cache = Cache::at(cache_root, repository, unit, &format!("{digest} heard"))?;
        Ok(Self { links, cache, heard_cache })
    }

    /// Folds the history with what stands of the reports, each told when the changes of before it had landed. Cached rows that
    /// cannot be read are folded again.
    fn fold(
        &self,
        repository: &Repository,
        unit: Unit,
        told: &Mutex<Told>,
        on_change: &dyn Fn(usize),
    ) -> Result<Folded, CacheError> {
        match self.try_fold(repository, unit, told, on_change) {
            Err(error @ (CacheError::Damaged(_) | CacheError::Shape(_))) => {
                tracing::warn!(%error, "the cached history is folded again");
                self.discard()?;
                self.try_fold(repository, unit, told, on_change)
            }
            folded => folded,
        }
    }

    fn try_fold(
        &self,
        repository: &Repository,
        unit: Unit,
        told: &Mutex<Told>,
        on_change: &dyn Fn(usize),
    ) -> Result<Folded, CacheError> {
        let sources = Sources::new(self.links.0.clone(), Vec::new());
        let n_folded = Cell::new(0);
        let each = |_: &Change, _: &Landed| {
            n_folded.set(n_folded.get() + 1);
            on_change(n_folded.get());
        };
        let mut folded = fold(&self.cache, repository, unit, &sources, each)?;
        let heard = heard(&mut folded, told)?;
        if !heard.is_after(folded.rows.len()) {
            drop(folded);
            folded = fold_with(&self.heard_cache, repository, unit, (&sources, &heard), each)?;
        }
        heard.tell_rest(&mut folded.timeline, folded.rows.len());
        Ok(folded)
    }

    /// Throws both caches away.
    fn discard(&self) -> Result<(), CacheError> {
        self.cache.discard().and_then(|()| self.heard_cache.discard())
    }

    /// Removes both caches, where nobody else uses them.
    fn leave(&self) {
        self.cache.leave();
        self.heard_cache.leave();
    }

    fn not_folded(&self, name: &str, source: CacheError) -> LiveError {
        LiveError::Fold {
            name: name.to_owned(),
            cache: self.cache.dir().to_owned(),
            source: Box::new(source),
        }
    }
}

impl LiveRepository {
    /// Folds the history, or what is new of it since the cache was written; `on_change` hears how many changes it folded.
    pub(super) fn open(
        repository_config: &RepositoryConfig,
        cache_root: &Path,
        reported: Vec<OutcomeRecord>,
        now: i64,
        on_change: &dyn Fn(usize),
    ) -> Result<Self, LiveError> {
        let name = &repository_config.name;
        let failed = |source| LiveError::Git { name: name.clone(), source };
        let repository = Repository::open(&repository_config.path).map_err(failed)?;
        let root = repository.root_commit().map_err(failed)?.0;
        let unit = repository.unit(repository_config.unit).map_err(failed)?;
        let (incidents, links) = LiveIncidents::open(repository_config)?;
        let basis = Basis::of(links, cache_root, &repository, unit).map_err(failed)?;
        let told = Mutex::new(Told::of(reported));
        let folded = basis.fold(&repository, unit, &told, on_change);
        let folded = folded.map_err(|source| basis.not_folded(name, source))?;
        let n_reported = lock(&told).n_taken();
        if let Some(reason) = &folded.refolded {
            tracing::warn!(repo = name, reason, "the cached history was thrown away and folded again");
        }
        let owners = LiveOwners::open(repository_config.owners.as_deref(), &repository)?;
        let n_new = folded.n_new;
        let (state, rows) = State::of(folded, (&basis, &repository), n_reported);
        tracing::info!(repo = name, n_changes = state.n_cached, n_new, %unit, "the history is folded");
        let live = Self {
            name: name.clone(),
            unit,
            root,
            owners,
            incidents,
            path: repository_config.path.clone(),
            cache_root: cache_root.to_owned(),
            told,
            state: RwLock::new(state),
            rows: Mutex::new(rows),
            open: Mutex::new(vec![repository]),
            basis: Mutex::new(basis),
            waiting: Waiting::default(),
            looked_at: AtomicI64::new(now),
            looked: Mutex::new(Instant::now()),
            glanced_at: Mutex::default(),
            n_damages: AtomicU64::new(0),
            n_mended: AtomicU64::new(0),
        };
        live.advance(now);
        Ok(live)
    }

    /// The history, to read from.
    pub(super) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(|poisoned| self.left_half_way(poisoned))
    }

    /// The same, where nobody writes it.
    pub(super) fn try_state(&self) -> Option<RwLockReadGuard<'_, State>> {
        self.state.try_read().ok()
    }

    /// Where a fold broke down the history is damaged, until it is folded again.
    fn left_half_way<T>(&self, poisoned: PoisonError<T>) -> T {
        self.n_damages.fetch_add(1, Ordering::SeqCst);
        self.state.clear_poison();
        tracing::error!(repo = self.name, "a fold broke down: the history is folded again");
        poisoned.into_inner()
    }

    /// The history, to write to. Whoever waits for it keeps all later readers waiting, and a batch reads for long: so it is
    /// first asked for again and again, and waited for only where readers leave no gap.
    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        for _ in 0..N_POLITE {
            match self.state.try_write() {
                Ok(state) => return state,
                Err(TryLockError::Poisoned(poisoned)) => return self.left_half_way(poisoned),
                Err(TryLockError::WouldBlock) => std::thread::sleep(POLITE_PAUSE),
            }
        }
        self.state.write().unwrap_or_else(|poisoned| self.left_half_way(poisoned))
    }

    /// How far the history has come, where nobody writes it, nothing of it became due by `t`, none of it is damaged and the
    /// head was seen just now.
    pub(super) fn at_rest(&self, t: i64) -> Option<Position> {
        if !self.saw_head() {
            return None;
        }
        let state = self.try_state()?;
        (self.is_whole() && !state.timeline.is_due(t)).then(|| state.position())
    }

    /// When the repository was last looked at, in Unix seconds.
    pub(super) fn looked_at(&self) -> i64 {
        self.looked_at.load(Ordering::Relaxed)
    }

    /// Seconds since the last look at `now`; where the clock was set back since, by one that nobody sets.
    pub(super) fn lag_seconds(&self, now: i64) -> i64 {
        let elapsed = i64::try_from(lock(&self.looked).elapsed().as_secs()).unwrap_or(i64::MAX);
        let lag = now.saturating_sub(self.looked_at());
        if lag < 0 || elapsed > lag.saturating_add(CLOCK_SLACK) { elapsed } else { lag }
    }

    fn note_look(&self, now: i64) {
        self.looked_at.store(now, Ordering::Relaxed);
        *lock(&self.looked) = Instant::now();
    }

    /// Takes in what became known by `t`.
    pub(super) fn advance(&self, t: i64) {
        if self.state().timeline.is_due(t) {
            self.state_mut().timeline.advance(t);
        }
    }

    /// The place of who folds, where it is free soon.
    fn try_basis(&self, n_tries: u32) -> Option<MutexGuard<'_, Basis>> {
        for _ in 0..n_tries {
            match self.basis.try_lock() {
                Ok(basis) => return Some(basis),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(TRY_PAUSE),
            }
        }
        None
    }

    /// The commit that landed under a name.
    pub(super) fn landed_as(&self, target: &OutcomeTarget) -> Option<String> {
        let state = self.state();
        let ordinal = state.timeline.named(target)?;
        self.landing(&state, ordinal).map(|id| id.0)
    }

    /// Reads the repository with an open handle, one a thread.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Repository) -> Result<T, git::Error>,
    ) -> Result<T, git::Error> {
        let pooled = lock(&self.open).pop();
        let repository = match pooled {
            // Where a repository was put in the place of another, an open handle reads on in the one that is gone.
            Some(repository) if repository.is_in_place() => repository,
            _ => Repository::open(&self.path)?,
        };
        let result = read(&repository);
        lock(&self.open).push(repository);
        result
    }

    /// The row of a landed change, as it was read just before it was folded in.
    pub(super) fn row(&self, state: &State, id: &ChangeId) -> Option<(u32, Row)> {
        let ordinal = state.timeline.detector().ordinal_of(id)?;
        let row = self.rows(state, ordinal as usize, 1).ok()?.pop();
        let row_id = row.as_ref().map(|row| ChangeId(row.change_id.clone()));
        if row_id.as_ref() == Some(id) {
            return Some((ordinal, row?));
        }
        // A commit that was merged has the place of its landing, and no row of its own.
        let is_of_landing =
            row_id.and_then(|row_id| state.timeline.detector().ordinal_of(&row_id)) == Some(ordinal);
        if !is_of_landing {
            self.n_damages.fetch_add(1, Ordering::SeqCst);
            tracing::error!(repo = self.name, commit = id.0, "cached rows are not those of the history");
        }
        None
    }

    /// The landed change at a position.
    pub(super) fn landing(&self, state: &State, ordinal: u32) -> Option<ChangeId> {
        self.rows(state, ordinal as usize, 1).ok()?.pop().map(|row| ChangeId(row.change_id))
    }

    /// Rows from a position on.
    ///
    /// # Errors
    /// When those of the cache cannot be read; [`Self::n_damages`] counts it.
    pub(super) fn rows(&self, state: &State, first: usize, n_rows: usize) -> Result<Vec<Row>, CacheError> {
        let n_from_cache = state.n_cached.saturating_sub(first).min(n_rows);
        let mut rows = Vec::new();
        if n_from_cache > 0 {
            rows = lock(&self.rows).read(first, n_from_cache).inspect_err(|error| {
                self.n_damages.fetch_add(1, Ordering::SeqCst);
                tracing::error!(repo = self.name, error = %error, "cached rows cannot be read");
            })?;
        }
        let from_newest = state.newest.iter().skip((first + n_from_cache).saturating_sub(state.n_cached));
        rows.extend(from_newest.take(n_rows - n_from_cache).cloned());
        Ok(rows)
    }

    /// Folds again from the cache: the history was rewritten, or much is new.
    fn refold(&self, basis: &Basis, now: i64) -> Result<usize, LiveError> {
        self.refold_over(basis, now, || ())
    }

    /// The same; `replaced` runs before anybody reads what is folded.
    fn refold_over(&self, basis: &Basis, now: i64, replaced: impl FnOnce()) -> Result<usize, LiveError> {
        let failed = |source| LiveError::Git { name: self.name.clone(), source };
        let repository = Repository::open(&self.path).map_err(failed)?;
        let folded = basis.fold(&repository, self.unit, &self.told, &log_fold(&self.name));
        let mut folded = folded.map_err(|source| basis.not_folded(&self.name, source))?;
        let n_reported = lock(&self.told).n_taken();
        folded.timeline.advance(now);
        let (new, rows) = State::of(folded, (basis, &repository), n_reported);
        let n_cached = new.n_cached;
        let mut state = self.state_mut();
        let n_before = state.position().n_rows;
        *state = State { n_folds: state.n_folds + 1, ..new };
        *lock(&self.rows) = rows;
        replaced();
        drop(state);
        tracing::info!(repo = self.name, n_changes = n_cached, "the history is folded again");
        Ok(n_cached.saturating_sub(n_before))
    }
}

/// What stands of the reports, by where in a history that was folded without them each became known.
fn heard(folded: &mut Folded, told: &Mutex<Told>) -> Result<Heard, CacheError> {
    let (timeline, rows) = (&folded.timeline, &mut folded.rows);
    let standing = lock(told).standing_in(timeline, |timeline, said| {
        let ordinal = timeline.reported_on(said)?;
        rows.read(ordinal as usize, 1).ok()?.pop().map(|row| row.change_id)
    });
    let mut reports = Vec::with_capacity(standing.len());
    for (ordinal, report) in standing {
        let landed = rows.read(ordinal as usize, 1)?.pop();
        let landed = landed.ok_or(CacheError::Damaged("a row is missing"))?;
        let head = report.head.as_ref().and_then(|head| timeline.detector().ordinal_of(head));
        let n_landed = head.map_or_else(|| rows.n_before(report.known_at), |head| Ok(head as usize + 1))?;
        let n_landed = n_landed.max(ordinal as usize + 1);
        let target = OutcomeTarget::Commit(ChangeId(landed.change_id));
        reports.push((n_landed, OutcomeRecord { target, ..report }));
    }
    Ok(Heard::new(reports))
}

/// Takes a lock, also after a thread that held it broke down.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
