//! A folded history on disk, private to its owner, versioned and summed. In doubt it is thrown away and folded again; it never
//! changes an answer. Start at [`fold`].

use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::change::{Change, ChangeId};
use crate::features::schema;
use crate::git::{self, Repository, Unit, WalkOptions, WalkReport, walk};
use crate::history::hash64;
use crate::incident::OutcomeRecord;
use crate::timeline::place::{About, Place};
use crate::timeline::replay::{Landed, Timeline};
use crate::timeline::rows::{Row, RowFile};
use crate::timeline::sources::Sources;

/// Raised whenever the state's layout or meaning changes.
const FORMAT: u32 = 13;
const STATE_FILE: &str = "state.bin";
const ROWS_FILE: &str = "rows.bin";

/// Why a cached state was not used, or could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A file could not be read or written.
    #[error("the cache cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// The bytes are not what was written.
    #[error("the cached state is damaged: {0}")]
    Damaged(&'static str),
    /// It was folded with other reports than those that stand now.
    #[error("the cached state heard of other reports")]
    OtherReports,
    /// The bytes are of another shape.
    #[error("the cached state cannot be decoded: {0}")]
    Shape(#[from] postcard::Error),
    /// The repository could not be read.
    #[error(transparent)]
    Git(#[from] git::Error),
}

/// Where the folded state of one repository is kept: one directory, private to its owner.
#[derive(Clone, Debug)]
pub struct Cache {
    place: Place,
}

/// A folded history with its rows.
pub struct Folded {
    /// The state after the newest change.
    pub timeline: Timeline,
    /// Every row so far.
    pub rows: RowFile,
    /// The head that the fold came to; the repository's own may be further by now.
    pub walked_to: ChangeId,
    /// Why an earlier state was thrown away, where it was.
    pub refolded: Option<String>,
    /// Changes folded in this time.
    pub n_new: usize,
    /// Changes of the history of which contents could not be read.
    pub n_incomplete: usize,
    /// What the walk met; none where nothing was new.
    pub report: Option<WalkReport>,
}

/// What was reported to a service about changes of a history, each where in it that became known. A fold with reports has the
/// state, and the vectors, of a service that heard of them while the history grew.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// The number of changes that had landed by then, and the report.
    reports: Vec<(usize, OutcomeRecord)>,
}

impl Heard {
    /// Orders reports by the number of changes that had landed when they became known.
    pub fn new(mut reports: Vec<(usize, OutcomeRecord)>) -> Self {
        reports.sort_by_key(|(n_landed, _)| *n_landed);
        Self { reports }
    }

    /// Whether all of them became known once so many changes had landed: then none changes a vector.
    pub fn is_after(&self, n_landed: usize) -> bool {
        self.reports.first().is_none_or(|(first, _)| *first >= n_landed)
    }

    /// Those that became known when so many changes had landed, and no sooner.
    fn at(&self, n_landed: usize) -> impl Iterator<Item = &OutcomeRecord> {
        let first = self.reports.partition_point(|(earlier, _)| *earlier < n_landed);
        self.reports[first..].iter().take_while(move |(at, _)| *at == n_landed).map(|(_, report)| report)
    }

    /// Tells a history of so many changes what became known since.
    pub fn tell_rest(&self, timeline: &mut Timeline, n_landed: usize) {
        let first = self.reports.partition_point(|(earlier, _)| *earlier < n_landed);
        self.reports[first..].iter().for_each(|(_, report)| drop(timeline.report(report)));
    }

    /// Tells apart what a history of so many changes has heard; 0 where it has heard nothing.
    fn digest_before(&self, n_landed: usize) -> u64 {
        let before = self.reports.iter().take_while(|(earlier, _)| *earlier < n_landed);
        let named: Vec<String> = before.map(|report| format!("{report:?}")).collect();
        if named.is_empty() { 0 } else { hash64(&named.iter().map(String::as_str).collect::<Vec<_>>()) }
    }
}

#[derive(Serialize, Deserialize)]
struct State {
    timeline: Timeline,
    heard: u64,
    walked_to: Option<ChangeId>,
    n_incomplete: usize,
    offsets: Vec<u64>,
    end: u64,
}

impl Cache {
    /// The cache of a repository below `root`; another clone, another unit, other sources or another schema has
    /// another directory. Caches whose sources begin with the same word are used together, and go together.
    ///
    /// # Errors
    /// When the repository has no first commit, or it cannot be read.
    pub fn at(
        root: &Path,
        repository: &Repository,
        unit: Unit,
        sources_digest: &str,
    ) -> Result<Self, git::Error> {
        let about = About {
            format: FORMAT,
            schema: schema().hash(),
            git_dir: repository.git_dir().display().to_string(),
            root_commit: repository.root_commit()?.0,
            unit: unit.to_string(),
            sources: sources_digest.to_owned(),
        };
        Ok(Self { place: Place::of(root, about) })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        self.place.dir()
    }

    /// Throws the state away: the next fold begins at the start of the history.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn discard(&self) -> Result<(), CacheError> {
        match fs::remove_file(self.dir().join(STATE_FILE)) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => Err(err.into()),
            _ => Ok(()),
        }
    }

    /// Removes it whole, for a history that is kept elsewhere now, unless somebody else uses it.
    pub fn leave(&self) {
        self.place.leave();
    }

    fn load(&self, heard: &Heard) -> Result<Option<Start>, CacheError> {
        let in_use = self.place.hold()?;
        let bytes = match fs::read(self.dir().join(STATE_FILE)) {
            Ok(bytes) => bytes,
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(err.into()),
        };
        let Some((sum, body)) = bytes.split_at_checked(32) else {
            return Err(CacheError::Damaged("the state is cut short"));
        };
        if Sha256::digest(body).as_slice() != sum {
            return Err(CacheError::Damaged("the state does not have its checksum"));
        }
        let state: State = postcard::from_bytes(body)?;
        if state.heard != heard.digest_before(state.offsets.len()) {
            return Err(CacheError::OtherReports);
        }
        let rows = RowFile::open(&self.dir().join(ROWS_FILE), state.offsets, state.end)?.holding(in_use);
        let State { timeline, walked_to, n_incomplete, .. } = state;
        Ok(Some(Start { timeline, rows, walked_to, n_incomplete }))
    }

    fn empty(&self, sources: Sources) -> Result<Start, CacheError> {
        let in_use = self.place.hold()?;
        let rows = RowFile::new_in(self.dir())?.holding(in_use);
        Ok(Start { timeline: Timeline::new(sources), rows, walked_to: None, n_incomplete: 0 })
    }

    fn save(
        &self,
        timeline: &Timeline,
        heard: &Heard,
        rows: &mut RowFile,
        (walked_to, n_incomplete): (&ChangeId, usize),
    ) -> Result<(), CacheError> {
        rows.sync()?;
        if rows.is_unpublished() {
            // Never an earlier state beside other rows.
            self.discard()?;
            rows.publish(&self.dir().join(ROWS_FILE))?;
        }
        let (offsets, end) = rows.extent();
        let heard = heard.digest_before(offsets.len());
        let state = StateRef { timeline, heard, walked_to: Some(walked_to), n_incomplete, offsets, end };
        let body = postcard::to_stdvec(&state)?;
        let mut file = tempfile::NamedTempFile::new_in(self.dir())?;
        file.write_all(&Sha256::digest(&body))?;
        file.write_all(&body)?;
        file.as_file().sync_data()?;
        file.persist(self.dir().join(STATE_FILE)).map_err(|err| err.error)?;
        Ok(())
    }
}

#[derive(Serialize)]
struct StateRef<'a> {
    timeline: &'a Timeline,
    heard: u64,
    walked_to: Option<&'a ChangeId>,
    n_incomplete: usize,
    offsets: &'a [u64],
    end: u64,
}

/// The folded history of a repository: what the cache holds, plus what is new, saved again.
/// `each` sees every change folded in now. A cached state that is damaged, or whose newest change is
/// no longer part of the history, is thrown away and the history folded from its start.
///
/// # Errors
/// When the repository cannot be read, or the cache not be written.
pub fn fold(
    cache: &Cache,
    repository: &Repository,
    unit: Unit,
    sources: &Sources,
    each: impl FnMut(&Change, &Landed),
) -> Result<Folded, CacheError> {
    fold_with(cache, repository, unit, (sources, &Heard::default()), each)
}

/// As [`fold`], with what was reported while the history grew; what became known after its newest change is left to be told. A
/// cached state that heard of other reports is thrown away.
///
/// # Errors
/// As [`fold`].
pub fn fold_with(
    cache: &Cache,
    repository: &Repository,
    unit: Unit,
    (sources, heard): (&Sources, &Heard),
    mut each: impl FnMut(&Change, &Landed),
) -> Result<Folded, CacheError> {
    let folded = fold_from(cache, repository, (unit, heard), sources, &mut each)?;
    cache.place.sweep();
    Ok(folded)
}

/// Folds from the cached state on, or from the start of the history.
fn fold_from(
    cache: &Cache,
    repository: &Repository,
    (unit, heard): (Unit, &Heard),
    sources: &Sources,
    each: &mut impl FnMut(&Change, &Landed),
) -> Result<Folded, CacheError> {
    let (loaded, refolded) = match cache.load(heard) {
        Ok(loaded) => (loaded, None),
        Err(err) => (None, Some(err.to_string())),
    };
    let Some(start) = loaded else {
        let folded = fold_new(cache, repository, (unit, heard), cache.empty(sources.clone())?, each)?;
        return Ok(Folded { refolded, ..folded });
    };
    match fold_new(cache, repository, (unit, heard), start, each) {
        Err(CacheError::Git(err @ git::Error::NotAncestor { .. })) => {
            let folded = fold_new(cache, repository, (unit, heard), cache.empty(sources.clone())?, each)?;
            Ok(Folded { refolded: Some(err.to_string()), ..folded })
        }
        other => other,
    }
}

/// Whether contents could not be read of more than one in a hundred of so many changes: what such a history says is in doubt, and
/// no fold of it is kept.
pub fn is_in_doubt(n_incomplete: usize, n_changes: usize) -> bool {
    n_incomplete * 100 > n_changes
}

/// Where a fold goes on.
struct Start {
    timeline: Timeline,
    rows: RowFile,
    walked_to: Option<ChangeId>,
    n_incomplete: usize,
}

fn fold_new(
    cache: &Cache,
    repository: &Repository,
    (unit, heard): (Unit, &Heard),
    start: Start,
    each: &mut impl FnMut(&Change, &Landed),
) -> Result<Folded, CacheError> {
    let Start { mut timeline, mut rows, walked_to, mut n_incomplete } = start;
    let refolded = None;
    if let Some(walked_to) = &walked_to
        && *walked_to == repository.head()?
    {
        let (walked_to, n_new, report) = (walked_to.clone(), 0, None);
        return Ok(Folded { timeline, rows, walked_to, refolded, n_new, n_incomplete, report });
    }
    let mut options = WalkOptions::new(unit);
    options.not_before = timeline.last_t().unwrap_or(i64::MIN);
    options.after = walked_to;
    let mut n_new = 0;
    let mut failed = None;
    let report = walk(repository, &options, |change| {
        heard.at(rows.len()).for_each(|report| drop(timeline.report(report)));
        let landed = timeline.land(&change);
        each(&change, &landed);
        n_new += 1;
        if let Err(err) = rows.push(&Row {
            change_id: change.id.0,
            committed_at: change.committed_at,
            classification: landed.classification,
            vector: landed.vector,
            tokens: landed.tokens,
        }) {
            failed = Some(err);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    if let Some(err) = failed {
        return Err(err);
    }
    n_incomplete += report.n_incomplete;
    // What was mended is to be read again.
    if !is_in_doubt(n_incomplete, rows.len()) {
        cache.save(&timeline, heard, &mut rows, (&report.head, n_incomplete))?;
    }
    let walked_to = report.head.clone();
    Ok(Folded { timeline, rows, walked_to, refolded, n_new, n_incomplete, report: Some(report) })
}
