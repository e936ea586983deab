//! The ordered walk: every change of a history, oldest first, read by several workers.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use git2::Oid;

use crate::change::{Change, ChangeId};
use crate::git::assemble;
use crate::git::extract::{Counts, Extractor, Limits};
use crate::git::graph::{Step, chunks};
use crate::git::{Error, Repository, Unit};

/// Changes a worker reads in a row: neighbours share files, and so the worker's cache.
const CHUNK_LEN: usize = 128;
/// Changes, and lines of them, that a worker may be ahead of the reader; more lines only as one change.
const CHANNEL_LEN: usize = 128;
const MAX_LINES: usize = 500_000;

/// What to walk, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkOptions {
    /// What counts as one change.
    pub unit: Unit,
    /// Start after this commit; none starts at the first. It must be on the first-parent line of the
    /// head: only then is what follows the same as in a walk from the first commit.
    pub after: Option<ChangeId>,
    /// Stop before the first change landed later than this.
    pub until: Option<i64>,
    /// Least `committed_at` of the first change: the last one of the walk that is continued.
    pub not_before: i64,
    /// Worker threads, at least one.
    pub n_threads: usize,
    /// How much of each change is read.
    pub limits: Limits,
}

impl WalkOptions {
    /// The whole history by two workers.
    pub fn new(unit: Unit) -> Self {
        let limits = Limits::default();
        Self { unit, after: None, until: None, not_before: i64::MIN, n_threads: 2, limits }
    }
}

/// What a walk saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkReport {
    /// The head it walked to.
    pub head: ChangeId,
    /// Changes handed over.
    pub n_changes: usize,
    /// Files and trees that are missing or broken.
    pub n_unreadable: usize,
    /// Changes with such a file or tree.
    pub n_incomplete: usize,
    /// Files that git calls binary.
    pub n_binary: usize,
    /// Files too large to be read.
    pub n_huge: usize,
    /// Changes with too many files to be read.
    pub n_oversized: usize,
}

/// Hands over the changes of a repository, oldest first, until the callback breaks. The order and
/// every change are the same whatever the number of threads.
///
/// # Errors
/// When the repository is empty or shallow, `after` is no ancestor of the head, or a commit cannot
/// be read. Files that cannot be read are counted instead.
pub fn walk(
    repository: &Repository,
    options: &WalkOptions,
    mut visit: impl FnMut(Change) -> ControlFlow<()>,
) -> Result<WalkReport, Error> {
    repository.refuse_shallow()?;
    let head = repository.head_oid()?;
    let steps = steps(repository, options, head)?;
    let mut counts = Counts::default();
    let (mut n_changes, mut n_incomplete) = (0, 0);
    read_steps(repository.path(), options, &steps, |change, change_counts| {
        counts.add(change_counts);
        n_changes += 1;
        n_incomplete += usize::from(change_counts.n_unreadable > 0);
        visit(change)
    })?;
    let Counts { n_unreadable, n_binary, n_huge, n_oversized } = counts;
    Ok(WalkReport {
        head: ChangeId(head.to_string()),
        n_changes,
        n_unreadable,
        n_incomplete,
        n_binary,
        n_huge,
        n_oversized,
    })
}

/// The steps to a head that is read once: a push may move it meanwhile.
fn steps(repository: &Repository, options: &WalkOptions, head: Oid) -> Result<Vec<Step>, Error> {
    let not_ancestor = |after: &ChangeId| Error::NotAncestor {
        after: after.0.clone(),
        head: head.to_string(),
        path: repository.path().to_path_buf(),
    };
    let after = match &options.after {
        // A commit that is gone is none of the history's.
        Some(after) => Some((repository.commit_oid(&after.0).map_err(|_| not_ancestor(after))?, after)),
        None => None,
    };
    if let Some((_, after)) = after.filter(|(oid, _)| !repository.is_ancestor(*oid, head)) {
        return Err(not_ancestor(after));
    }
    let graph = repository.graph(head, after.map(|(oid, _)| oid))?;
    if let Some((_, after)) = after.filter(|(oid, _)| !graph.lands_on(*oid)) {
        return Err(not_ancestor(after));
    }
    let mut steps = graph.steps(options.unit, options.not_before);
    if let Some(until) = options.until {
        steps.retain(|step| step.committed_at <= until);
    }
    Ok(steps)
}

type Read = Result<(Change, Counts), Error>;

/// Lines that one worker read and the reader did not take yet.
#[derive(Default)]
struct Room {
    n_lines: Mutex<usize>,
    taken: Condvar,
    is_closed: AtomicBool,
}

impl Room {
    /// Waits until there is room for so many lines, or none is needed any more.
    fn enter(&self, n_lines: usize) {
        let is_full = |held: &mut usize| {
            *held > 0 && *held + n_lines > MAX_LINES && !self.is_closed.load(Ordering::SeqCst)
        };
        let held = self.n_lines.lock().unwrap_or_else(PoisonError::into_inner);
        *self.taken.wait_while(held, is_full).unwrap_or_else(PoisonError::into_inner) += n_lines;
    }

    fn leave(&self, n_lines: usize) {
        *self.n_lines.lock().unwrap_or_else(PoisonError::into_inner) -= n_lines;
        self.taken.notify_all();
    }

    /// Lets in everything: nobody reads any more.
    fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.leave(0);
    }
}

/// Closes all rooms when it goes, also where the reader breaks down.
struct Reading<'a>(&'a [Room]);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(Room::close);
    }
}

/// Lines of a change that are held in memory.
fn n_lines(read: &Read) -> usize {
    let Ok((change, _)) = read else { return 0 };
    change.record.files.iter().flat_map(|file| file.hunks()).map(|hunk| hunk.lines.len()).sum()
}

/// Worker `i` of `n` reads the chunks `i`, `i + n`, …; the reader takes chunk after chunk from the
/// channel of its worker. So the order needs no sorting, and memory is bounded by the channels and their rooms.
fn read_steps(
    path: &Path,
    options: &WalkOptions,
    steps: &[Step],
    mut visit: impl FnMut(Change, Counts) -> ControlFlow<()>,
) -> Result<(), Error> {
    let n_threads = options.n_threads.clamp(1, steps.len().div_ceil(CHUNK_LEN).max(1));
    let rooms: Vec<Room> = (0..n_threads).map(|_| Room::default()).collect();
    thread::scope(|scope| {
        let _reading = Reading(&rooms);
        let mut receivers: Vec<Receiver<Read>> = Vec::with_capacity(n_threads);
        for (worker_idx, room) in rooms.iter().enumerate() {
            let (sender, receiver) = sync_channel(CHANNEL_LEN);
            receivers.push(receiver);
            let send = move |read: Read| {
                room.enter(n_lines(&read));
                sender.send(read).is_ok()
            };
            scope.spawn(move || work(path, options.limits, steps, (worker_idx, n_threads), send));
        }
        let next = |worker_idx: usize| {
            let lost = |_| Error::WorkerLost { path: path.to_path_buf() };
            let read = receivers[worker_idx].recv().map_err(lost)?;
            rooms[worker_idx].leave(n_lines(&read));
            read
        };
        let visited = chunks(steps.len(), CHUNK_LEN).enumerate().try_for_each(|(chunk_idx, chunk)| {
            for _ in chunk {
                match next(chunk_idx % n_threads) {
                    Ok((change, counts)) => visit(change, counts).map_break(Ok)?,
                    Err(error) => return ControlFlow::Break(Err(error)),
                }
            }
            ControlFlow::Continue(())
        });
        visited.break_value().unwrap_or(Ok(()))
    })
}

/// Reads the chunks of one worker until done or nobody listens.
fn work(
    path: &Path,
    limits: Limits,
    steps: &[Step],
    (worker_idx, n_threads): (usize, usize),
    send: impl Fn(Read) -> bool,
) {
    let not_a_repository = |source| Error::NotARepository { path: path.to_path_buf(), source };
    let repository = match Repository::open(path) {
        Ok(repository) => repository,
        Err(error) => {
            send(Err(error));
            return;
        }
    };
    let odb = match repository.git().odb() {
        Ok(odb) => odb,
        Err(source) => {
            send(Err(not_a_repository(source)));
            return;
        }
    };
    let mut extractor = Extractor::new(&repository, &odb, limits);
    for chunk in chunks(steps.len(), CHUNK_LEN).skip(worker_idx).step_by(n_threads) {
        for step in &steps[chunk] {
            if !send(assemble::change(&mut extractor, path, step)) {
                return;
            }
        }
    }
}
