//! An open repository: its head, its revisions, and single changes.

use std::cell::Cell;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};
use std::time::SystemTime;

use git2::{ErrorCode, FileMode, Oid, Repository as GitRepository};

use crate::change::{Change, ChangeId, ChangeRecord, FileContent};
use crate::git::assemble::{self, oid_of};
use crate::git::extract::{Counts, Extractor, Limits};
use crate::git::graph::{Graph, Step};
use crate::git::loose::Loose;
use crate::git::{Error, Unit, UnitChoice};

/// A git repository, work tree or bare.
pub struct Repository {
    inner: GitRepository,
    path: PathBuf,
    /// Device and inode of the directory of its objects; none where it has none.
    identity: Option<(u64, u64)>,
    /// When the directory of its packs was changed last before it was opened.
    packed_at: Option<SystemTime>,
    /// Its loose objects and those that it borrows.
    loose: Vec<(PathBuf, Arc<Loose>)>,
    /// Kept, since whoever opens a repository asks for its root and its unit, and a walk reads every commit.
    trunk: Cell<Option<Trunk>>,
}

/// What the walk along the first parents of a head found.
#[derive(Clone, Copy)]
struct Trunk {
    head: Oid,
    root: Oid,
    n_commits: usize,
    n_merges: usize,
}

/// Opens a repository without its index: only what is committed counts.
pub(super) fn open(path: &Path) -> Result<GitRepository, Error> {
    let not_one = |source| Error::NotARepository { path: path.to_path_buf(), source };
    let inner = GitRepository::open(path).map_err(not_one)?;
    // libgit2 asks the index for attributes: that of a work tree is nothing of its history, and may be of a kind that libgit2
    // cannot read.
    git2::Index::new().and_then(|mut index| inner.set_index(&mut index)).map_err(not_one)?;
    Ok(inner)
}

/// What tells the objects of a repository from those of another in the same place.
fn identity_of(git_dir: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::metadata(git_dir.join("objects"));
    metadata.or_else(|_| std::fs::metadata(git_dir)).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

fn packed_at(common_dir: &Path) -> Option<SystemTime> {
    std::fs::metadata(common_dir.join("objects/pack")).and_then(|metadata| metadata.modified()).ok()
}

impl Repository {
    /// Opens a work tree or a bare directory.
    ///
    /// # Errors
    /// When there is no repository at the path.
    ///
    /// ```no_run
    /// use diffrisk::git::{Repository, UnitChoice};
    ///
    /// let repository = Repository::open("/srv/git/config.git")?;
    /// let unit = repository.unit(UnitChoice::Auto)?;
    /// let change = repository.change(&repository.resolve("HEAD~3")?, unit)?;
    /// println!("{}: {} files", change.subject(), change.record.files.len());
    /// # Ok::<(), diffrisk::git::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        static FAST_READS: Once = Once::new();
        FAST_READS.call_once(fast_reads);
        let path = path.as_ref().to_path_buf();
        let inner = open(&path)?;
        let loose = Loose::of(&inner.commondir().join("objects"));
        let (identity, packed_at) = (identity_of(inner.path()), packed_at(inner.commondir()));
        let repository = Self { inner, path, identity, packed_at, loose, trunk: Cell::new(None) };
        repository.refuse_cut()?;
        Ok(repository)
    }

    /// Looks at the loose objects that came since the last look.
    ///
    /// # Errors
    /// When one without which the history cannot be read ends too early.
    fn refuse_cut(&self) -> Result<(), Error> {
        let cut = self.loose.iter().find_map(|(objects, loose)| loose.look(objects));
        let path = || self.path.clone();
        cut.map_or(Ok(()), |oid| Err(Error::CutObject { id: oid.to_string(), path: path() }))
    }

    /// Whether an object ends too early to be read.
    pub(super) fn is_cut(&self, oid: Oid) -> bool {
        self.loose.iter().any(|(objects, loose)| loose.is_cut(objects, oid))
    }

    /// Refuses a commit that ends too early.
    pub(super) fn refuse_cut_commit(&self, oid: Oid) -> Result<(), Error> {
        match self.is_cut(oid) {
            true => Err(Error::CutObject { id: oid.to_string(), path: self.path.clone() }),
            false => Ok(()),
        }
    }

    /// Whether the directory of its data is still the one that was opened, with the packs of then: one that `git gc` removed is
    /// kept on the disk by whoever has it open.
    pub fn is_in_place(&self) -> bool {
        let is_same = self.identity.is_some() && self.identity == identity_of(self.inner.path());
        is_same && self.packed_at == packed_at(self.inner.commondir())
    }

    /// The path it was opened with.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory that holds its data, in full: the same whatever path leads there, another one for each clone and work tree.
    pub fn git_dir(&self) -> &Path {
        self.inner.path()
    }

    /// Whether the history is cut off.
    pub fn is_shallow(&self) -> bool {
        self.inner.is_shallow()
    }

    /// The commit that HEAD names.
    ///
    /// # Errors
    /// When the repository is empty or HEAD is broken.
    pub fn head(&self) -> Result<ChangeId, Error> {
        self.head_oid().map(change_id)
    }

    /// The first commit of the first-parent line: what identifies a repository wherever it lies.
    ///
    /// # Errors
    /// When the repository is empty, shallow, or a commit cannot be read.
    pub fn root_commit(&self) -> Result<ChangeId, Error> {
        self.refuse_shallow()?;
        self.trunk().map(|trunk| change_id(trunk.root))
    }

    /// The parents of a commit, in git's order.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn parents(&self, id: &ChangeId) -> Result<Vec<ChangeId>, Error> {
        let oid = self.commit_oid(&id.0)?;
        let commit = self.inner.find_commit(oid).map_err(|source| self.broken_commit(oid, source))?;
        Ok(commit.parent_ids().map(change_id).collect())
    }

    /// The full id of the commit that a revision names (a name, a short id, `HEAD~2`, …).
    ///
    /// # Errors
    /// When it names no commit.
    pub fn resolve(&self, revision: &str) -> Result<ChangeId, Error> {
        self.commit_oid(revision).map(change_id)
    }

    /// What counts as one change here.
    ///
    /// # Errors
    /// When the repository is empty or a commit cannot be read.
    pub fn unit(&self, choice: UnitChoice) -> Result<Unit, Error> {
        match choice {
            UnitChoice::Commit => return Ok(Unit::Commit),
            UnitChoice::Landing => return Ok(Unit::Landing),
            UnitChoice::Auto => {}
        }
        let Trunk { n_commits, n_merges, .. } = self.trunk()?;
        Ok(if n_merges * 2 >= n_commits { Unit::Landing } else { Unit::Commit })
    }

    /// One change, compared with its first parent (or with nothing, if it is the first).
    /// `committed_at` is its own committer date: only a walk knows what came before.
    ///
    /// # Errors
    /// When it cannot be read, or lies at the cut of a shallow clone.
    pub fn change(&self, id: &ChangeId, unit: Unit) -> Result<Change, Error> {
        let oid = self.commit_oid(&id.0)?;
        let merged = match unit {
            Unit::Commit => Vec::new(),
            Unit::Landing => self.merged(oid)?,
        };
        self.read(|extractor| {
            let commit = assemble::find_commit(extractor, &self.path, oid)?;
            if commit.parent_count() == 0 {
                self.refuse_shallow()?;
            }
            let committed_at = commit.committer().when().seconds();
            let (change, counts) =
                assemble::change(extractor, &self.path, &Step { oid, committed_at, merged })?;
            self.refuse_holes(oid, &change.record, counts)?;
            Ok(change)
        })
    }

    /// The paths of all files of a commit, in the order of git; one that is not UTF-8 is as elsewhere.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn paths(&self, id: &ChangeId) -> Result<Vec<String>, Error> {
        let oid = self.commit_oid(&id.0)?;
        self.read(|extractor| {
            let tree = assemble::find_commit(extractor, &self.path, oid)?.tree_id();
            Ok(extractor.paths(tree))
        })
    }

    /// What a commit calls itself, without its diff being read.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn title(&self, id: &ChangeId) -> Result<String, Error> {
        let oid = self.commit_oid(&id.0)?;
        self.read(|extractor| {
            let commit = assemble::find_commit(extractor, &self.path, oid)?;
            Ok(assemble::describe(&commit, &commit, 0).title().to_owned())
        })
    }

    /// When a commit was made, as it says itself, in Unix seconds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn committed_at(&self, id: &ChangeId) -> Result<i64, Error> {
        let oid = self.commit_oid(&id.0)?;
        self.read(|extractor| {
            let commit = assemble::find_commit(extractor, &self.path, oid)?;
            Ok(commit.committer().when().seconds())
        })
    }

    /// All that happened between two revisions as one change by the author of the later one;
    /// `merged` holds the commits in between, newest first.
    ///
    /// # Errors
    /// When a revision names no commit, nothing lies between them, or a commit cannot be read.
    pub fn range(&self, from: &str, to: &str) -> Result<Change, Error> {
        let (from, to) = (self.commit_oid(from)?, self.commit_oid(to)?);
        let mut between = self.graph(to, Some(from))?.newest_first();
        if !between.contains(&to) {
            return Err(self.empty_range(from, to));
        }
        between.retain(|&oid| oid != to);
        self.read(|extractor| {
            let from_tree = assemble::find_commit(extractor, &self.path, from)?.tree_id();
            let to_commit = assemble::find_commit(extractor, &self.path, to)?;
            let (record, counts) = extractor.record(Some(from_tree), Some(to_commit.tree_id()));
            self.refuse_holes(to, &record, counts)?;
            let committed_at = to_commit.committer().when().seconds();
            let change = Change {
                record: Arc::new(record),
                ..assemble::describe(&to_commit, &to_commit, committed_at)
            };
            assemble::with_merged(change, extractor, &self.path, &between)
        })
    }

    /// The bytes of a file at a revision; none where there is no such file.
    ///
    /// # Errors
    /// When the revision names no commit or the file cannot be read.
    pub fn blob_at(&self, revision: &str, file: &str) -> Result<Option<Vec<u8>>, Error> {
        let unreadable = |source| Error::File {
            file: file.to_owned(),
            revision: revision.to_owned(),
            path: self.path.clone(),
            source,
        };
        let commit = self.inner.find_commit(self.commit_oid(revision)?).map_err(unreadable)?;
        let tree = commit.tree().map_err(unreadable)?;
        let entry = match tree.get_path(Path::new(file)) {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        if self.is_cut(entry.id()) {
            return Err(unreadable(git2::Error::from_str("it ends too early")));
        }
        if entry.filemode() == i32::from(FileMode::Link) {
            return Err(unreadable(git2::Error::from_str("it is a link: name the file that it leads to")));
        }
        let object = entry.to_object(&self.inner).map_err(unreadable)?;
        Ok(object.as_blob().map(|blob| blob.content().to_vec()))
    }

    /// What libgit2 has of it.
    pub(super) fn git(&self) -> &GitRepository {
        &self.inner
    }

    /// The commit that HEAD names, after a look at what came since the last one.
    pub(super) fn head_oid(&self) -> Result<Oid, Error> {
        self.refuse_cut()?;
        let path = || self.path.clone();
        let head = match self.inner.head() {
            Ok(head) => head,
            Err(error) if error.code() == ErrorCode::UnbornBranch => return Err(self.unborn(error)),
            Err(source) => return Err(Error::Head { path: path(), source }),
        };
        let commit = head.peel_to_commit().map_err(|source| Error::Head { path: path(), source })?;
        Ok(commit.id())
    }

    /// HEAD names a branch without a commit: the repository is empty, or the branch is missing.
    fn unborn(&self, source: git2::Error) -> Error {
        let path = self.path.clone();
        let has_refs = self.inner.references().is_ok_and(|mut references| references.next().is_some());
        if has_refs { Error::Head { path, source } } else { Error::Empty { path } }
    }

    /// The commit that a revision names.
    pub(super) fn commit_oid(&self, revision: &str) -> Result<Oid, Error> {
        let unknown = || Error::UnknownRevision { revision: revision.to_owned(), path: self.path.clone() };
        if let Some(oid) = oid_of(revision) {
            self.refuse_cut_commit(oid)?;
            return self.inner.find_commit(oid).map(|commit| commit.id()).map_err(|_| unknown());
        }
        self.refuse_cut()?;
        // A branch may be called like the beginning of an id.
        let is_hex = revision.len() >= 7 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex && let Ok(commit) = self.inner.find_commit_by_prefix(revision) {
            return Ok(commit.id());
        }
        let object = self.inner.revparse_single(revision).map_err(|_| unknown())?;
        let commit = object.peel_to_commit().map_err(|_| unknown())?;
        Ok(commit.id())
    }

    /// The history up to a head, without what an earlier commit already held.
    pub(super) fn graph(&self, head: Oid, after: Option<Oid>) -> Result<Graph, Error> {
        Graph::load(&self.inner, head, after).map_err(|broken| self.broken_commit(broken.oid, broken.source))
    }

    /// Whether the history up to `head` holds a commit, as a change of its own or inside of one. False where either is
    /// not there.
    pub fn holds(&self, head: &str, id: &ChangeId) -> bool {
        let oids = oid_of(head).zip(oid_of(&id.0));
        oids.is_some_and(|(head, oid)| self.is_ancestor(oid, head))
    }

    /// Whether a commit is reachable from another.
    pub(super) fn is_ancestor(&self, ancestor: Oid, of: Oid) -> bool {
        ancestor == of || self.inner.graph_descendant_of(of, ancestor).unwrap_or(false)
    }

    /// Whether it was cloned without the trees of its commits, and they are still missing: nothing says what those changed.
    pub fn is_treeless(&self) -> bool {
        /// The newest commits that are looked at: a checkout fetches the tree of one.
        const LOOKED_AT: usize = 16;
        let is_asked_for = || -> Result<bool, git2::Error> {
            let config = self.inner.config()?;
            let mut filters = config.entries(Some("remote\\..*\\.partialclonefilter"))?;
            while let Some(filter) = filters.next() {
                if filter?.value().is_ok_and(|filter| filter.starts_with("tree:")) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let misses_tree = || -> Result<bool, git2::Error> {
            let odb = self.inner.odb()?;
            let mut next = Some(self.inner.head()?.peel_to_commit()?);
            for _ in 0..LOOKED_AT {
                let Some(commit) = next else { break };
                if !odb.exists(commit.tree_id()) {
                    return Ok(true);
                }
                next = commit.parents().next();
            }
            Ok(false)
        };
        is_asked_for().unwrap_or(false) && misses_tree().unwrap_or(true)
    }

    /// Refuses a history that nothing can be compared with.
    ///
    /// # Errors
    /// When the history is cut off, or nothing of it but the commits is there.
    pub fn refuse_shallow(&self) -> Result<(), Error> {
        if self.is_shallow() {
            return Err(Error::Shallow { path: self.path.clone() });
        }
        if std::fs::metadata(self.inner.commondir().join("info/grafts")).is_ok_and(|file| file.len() > 0) {
            return Err(Error::Grafted { path: self.path.clone() });
        }
        if self.is_treeless() { Err(Error::Treeless { path: self.path.clone() }) } else { Ok(()) }
    }

    /// A file that cannot be read is in the change and says so; below a tree that cannot be read, files are
    /// missing without a trace, and the change would look smaller than it is.
    ///
    /// # Errors
    /// When a tree could not be read.
    fn refuse_holes(&self, oid: Oid, record: &ChangeRecord, counts: Counts) -> Result<(), Error> {
        let n_unread = record.files.iter().filter(|file| file.content == FileContent::Unread).count();
        if counts.n_oversized > 0 || counts.n_unreadable + counts.n_huge <= n_unread {
            return Ok(());
        }
        Err(self.broken_commit(oid, git2::Error::from_str("a tree cannot be read")))
    }

    fn empty_range(&self, from: Oid, to: Oid) -> Error {
        Error::EmptyRange { from: from.to_string(), to: to.to_string(), path: self.path.clone() }
    }

    /// The error of a commit that could not be read.
    pub(super) fn broken_commit(&self, oid: Oid, source: git2::Error) -> Error {
        Error::Commit { id: oid.to_string(), path: self.path.clone(), source }
    }

    /// Commits that a merge brought in, newest first.
    fn merged(&self, oid: Oid) -> Result<Vec<Oid>, Error> {
        let broken = |source| self.broken_commit(oid, source);
        let commit = self.inner.find_commit(oid).map_err(broken)?;
        if commit.parent_count() < 2 {
            return Ok(Vec::new());
        }
        let first_parent = commit.parent_id(0).map_err(broken)?;
        let mut merged = self.graph(oid, Some(first_parent))?.newest_first();
        merged.retain(|&other| other != oid);
        Ok(merged)
    }

    fn trunk(&self) -> Result<Trunk, Error> {
        let head = self.head_oid()?;
        if let Some(trunk) = self.trunk.get().filter(|trunk| trunk.head == head) {
            return Ok(trunk);
        }
        let mut trunk = Trunk { head, root: head, n_commits: 0, n_merges: 0 };
        loop {
            let root = trunk.root;
            let commit = self.inner.find_commit(root).map_err(|source| self.broken_commit(root, source))?;
            trunk.n_commits += 1;
            trunk.n_merges += usize::from(commit.parent_count() > 1);
            match commit.parent_ids().next() {
                Some(parent) => trunk.root = parent,
                None => break,
            }
        }
        self.trunk.set(Some(trunk));
        Ok(trunk)
    }

    fn read<T>(&self, body: impl FnOnce(&mut Extractor<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let odb =
            self.inner.odb().map_err(|source| Error::NotARepository { path: self.path.clone(), source })?;
        body(&mut Extractor::new(self, &odb, Limits::default()))
    }
}

/// Checking every object against its own hash would double the cost of a walk; git checks on
/// transfer, and `git fsck` is the tool to check on demand. And a walk keeps what it needs again
/// itself: libgit2's own cache would hold a quarter of a gigabyte of commits and trees besides.
fn fast_reads() {
    git2::opts::strict_hash_verification(false);
    git2::opts::enable_caching(false);
}

fn change_id(oid: Oid) -> ChangeId {
    ChangeId(oid.to_string())
}
