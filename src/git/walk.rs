//! The ordered walk: every change of a history, oldest first, read by several workers.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use git2::Oid;

use crate::change::{Change, ChangeId};
use crate::git::assemble;
use crate::git::extract::{Counts, Extractor, Limits};
use crate::git::graph::{Step, chunks};
use crate::git::{Error, Repository, Unit};

/// Changes a worker reads in a row: neighbours share files, and so the worker's cache.
const CHUNK_LEN: usize = 128;
/// Changes a worker may be ahead of the reader.
const CHANNEL_LEN: usize = 128;

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

/// Worker `i` of `n` reads the chunks `i`, `i + n`, …; the reader takes chunk after chunk from the
/// channel of its worker. So the order needs no sorting and memory is bounded by the channels.
fn read_steps(
    path: &Path,
    options: &WalkOptions,
    steps: &[Step],
    mut visit: impl FnMut(Change, Counts) -> ControlFlow<()>,
) -> Result<(), Error> {
    let n_threads = options.n_threads.clamp(1, steps.len().div_ceil(CHUNK_LEN).max(1));
    thread::scope(|scope| {
        let mut receivers: Vec<Receiver<Read>> = Vec::with_capacity(n_threads);
        for worker_idx in 0..n_threads {
            let (sender, receiver) = sync_channel(CHANNEL_LEN);
            receivers.push(receiver);
            scope.spawn(move || work(path, options.limits, steps, (worker_idx, n_threads), &sender));
        }
        for (chunk_idx, chunk) in chunks(steps.len(), CHUNK_LEN).enumerate() {
            let receiver = &receivers[chunk_idx % n_threads];
            for _ in chunk {
                let lost = |_| Error::WorkerLost { path: path.to_path_buf() };
                let (change, counts) = receiver.recv().map_err(lost)??;
                if visit(change, counts).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    })
}

/// Reads the chunks of one worker until done or nobody listens.
fn work(
    path: &Path,
    limits: Limits,
    steps: &[Step],
    (worker_idx, n_threads): (usize, usize),
    sender: &SyncSender<Read>,
) {
    let not_a_repository = |source| Error::NotARepository { path: path.to_path_buf(), source };
    let repository = match Repository::open(path) {
        Ok(repository) => repository,
        Err(error) => return drop(sender.send(Err(error))),
    };
    let odb = match repository.git().odb() {
        Ok(odb) => odb,
        Err(source) => return drop(sender.send(Err(not_a_repository(source)))),
    };
    let mut extractor = Extractor::new(&repository, &odb, limits);
    for chunk in chunks(steps.len(), CHUNK_LEN).skip(worker_idx).step_by(n_threads) {
        for step in &steps[chunk] {
            if sender.send(assemble::change(&mut extractor, path, step)).is_err() {
                return;
            }
        }
    }
}
