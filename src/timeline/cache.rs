//! A folded history on disk, private to its owner, versioned and summed. In doubt it is thrown away and folded again; it never
//! changes an answer. Start at [`fold`].

use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::change::{Change, ChangeId};
use crate::features::schema;
use crate::git::{self, Repository, Unit, WalkOptions, WalkReport, walk};
use crate::timeline::replay::{Landed, Timeline};
use crate::timeline::rows::{Row, RowFile};
use crate::timeline::sources::Sources;

/// Raised whenever the state's layout or meaning changes.
const FORMAT: u32 = 9;
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
    dir: PathBuf,
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
    /// What the walk met; none where nothing was new.
    pub report: Option<WalkReport>,
}

#[derive(Serialize, Deserialize)]
struct State {
    timeline: Timeline,
    walked_to: Option<ChangeId>,
    offsets: Vec<u64>,
    end: u64,
}

impl Cache {
    /// The cache of a repository below `root`; another clone, another unit, other sources or another schema has
    /// another directory.
    ///
    /// # Errors
    /// When the repository has no first commit, or it cannot be read.
    pub fn at(
        root: &Path,
        repository: &Repository,
        unit: Unit,
        sources_digest: &str,
    ) -> Result<Self, git::Error> {
        let (root_commit, git_dir) = (repository.root_commit()?.0, repository.git_dir().display());
        let key = format!("{FORMAT} {} {root_commit} {unit} {sources_digest} {git_dir}", schema().hash());
        let name = hex::encode(&Sha256::digest(key.as_bytes())[..12]);
        Ok(Self { dir: root.join(name) })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Throws the state away: the next fold begins at the start of the history.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn discard(&self) -> Result<(), CacheError> {
        match fs::remove_file(self.dir.join(STATE_FILE)) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => Err(err.into()),
            _ => Ok(()),
        }
    }

    /// Removes it whole, for a history that is kept elsewhere now.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self) -> Result<(), CacheError> {
        match fs::remove_dir_all(&self.dir) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => Err(err.into()),
            _ => Ok(()),
        }
    }

    fn load(&self) -> Result<Option<Start>, CacheError> {
        let bytes = match fs::read(self.dir.join(STATE_FILE)) {
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
        let rows = RowFile::open(&self.dir.join(ROWS_FILE), state.offsets, state.end)?;
        Ok(Some(Start { timeline: state.timeline, rows, walked_to: state.walked_to }))
    }

    fn empty(&self, sources: Sources) -> Result<Start, CacheError> {
        fs::create_dir_all(&self.dir)?;
        restrict(&self.dir)?;
        let rows = RowFile::new_in(&self.dir)?;
        Ok(Start { timeline: Timeline::new(sources), rows, walked_to: None })
    }

    fn save(&self, timeline: &Timeline, rows: &mut RowFile, walked_to: &ChangeId) -> Result<(), CacheError> {
        rows.sync()?;
        if rows.is_unpublished() {
            // Never an earlier state beside other rows.
            self.discard()?;
            rows.publish(&self.dir.join(ROWS_FILE))?;
        }
        let (offsets, end) = rows.extent();
        let state = StateRef { timeline, walked_to: Some(walked_to), offsets, end };
        let body = postcard::to_stdvec(&state)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        file.write_all(&Sha256::digest(&body))?;
        file.write_all(&body)?;
        file.as_file().sync_data()?;
        file.persist(self.dir.join(STATE_FILE)).map_err(|err| err.error)?;
        Ok(())
    }
}

#[derive(Serialize)]
struct StateRef<'a> {
    timeline: &'a Timeline,
    walked_to: Option<&'a ChangeId>,
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
    mut each: impl FnMut(&Change, &Landed),
) -> Result<Folded, CacheError> {
    let (loaded, refolded) = match cache.load() {
        Ok(loaded) => (loaded, None),
        Err(err) => (None, Some(err.to_string())),
    };
    let Some(start) = loaded else {
        let folded = fold_new(cache, repository, unit, cache.empty(sources.clone())?, &mut each)?;
        return Ok(Folded { refolded, ..folded });
    };
    match fold_new(cache, repository, unit, start, &mut each) {
        Err(CacheError::Git(err @ git::Error::NotAncestor { .. })) => {
            let folded = fold_new(cache, repository, unit, cache.empty(sources.clone())?, &mut each)?;
            Ok(Folded { refolded: Some(err.to_string()), ..folded })
        }
        other => other,
    }
}

/// Where a fold goes on.
struct Start {
    timeline: Timeline,
    rows: RowFile,
    walked_to: Option<ChangeId>,
}

fn fold_new(
    cache: &Cache,
    repository: &Repository,
    unit: Unit,
    start: Start,
    each: &mut impl FnMut(&Change, &Landed),
) -> Result<Folded, CacheError> {
    let Start { mut timeline, mut rows, walked_to } = start;
    let mut options = WalkOptions::new(unit);
    options.not_before = timeline.last_t().unwrap_or(i64::MIN);
    if let Some(walked_to) = &walked_to
        && *walked_to == repository.head()?
    {
        let walked_to = walked_to.clone();
        return Ok(Folded { timeline, rows, walked_to, refolded: None, n_new: 0, report: None });
    }
    options.after = walked_to;
    let mut n_new = 0;
    let mut failed = None;
    let report = walk(repository, &options, |change| {
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
    cache.save(&timeline, &mut rows, &report.head)?;
    let walked_to = report.head.clone();
    Ok(Folded { timeline, rows, walked_to, refolded: None, n_new, report: Some(report) })
}

#[cfg(unix)]
fn restrict(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn restrict(_dir: &Path) -> std::io::Result<()> {
    Ok(())
}
