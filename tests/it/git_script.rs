//! Histories scripted with fixed dates.

use std::path::Path;

use diffrisk::git::Repository;
use git2::{Oid, Signature, Time};

/// A repository under construction: every commit is one hour after the one before.
pub(crate) struct Script {
    directory: tempfile::TempDir,
    pub(crate) repository: git2::Repository,
    n_commits: i64,
}

pub(crate) type Files<'a> = &'a [(&'a str, &'a [u8])];

impl Script {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init_bare(directory.path()).unwrap();
        repository.set_head("refs/heads/main").unwrap();
        Self { directory, repository, n_commits: 0 }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn open(&self) -> Repository {
        Repository::open(self.path()).unwrap()
    }

    fn tree(&self, files: Files<'_>) -> Oid {
        let mut index = git2::Index::new().unwrap();
        for (path, content) in files {
            let id = self.repository.blob(content).unwrap();
            let entry = git2::IndexEntry {
                ctime: git2::IndexTime::new(0, 0),
                mtime: git2::IndexTime::new(0, 0),
                dev: 0,
                ino: 0,
                mode: 0o100_644,
                uid: 0,
                gid: 0,
                file_size: 0,
                id,
                flags: 0,
                flags_extended: 0,
                path: path.as_bytes().to_vec(),
            };
            index.add(&entry).unwrap();
        }
        index.write_tree_to(&self.repository).unwrap()
    }

    pub(crate) fn commit_at(&mut self, hours: i64, message: &str, files: Files<'_>, parents: &[Oid]) -> Oid {
        let who = format!("author {}", self.n_commits);
        self.commit_by(&who, hours, (message, files), parents)
    }

    pub(crate) fn commit_by(
        &mut self,
        who: &str,
        hours: i64,
        (message, files): (&str, Files<'_>),
        parents: &[Oid],
    ) -> Oid {
        let when = Time::new(1_600_000_000 + hours * 3_600, 120);
        let signature = Signature::new(who, "a@example.org", &when).unwrap();
        let tree = self.repository.find_tree(self.tree(files)).unwrap();
        let parents: Vec<_> = parents.iter().map(|&oid| self.repository.find_commit(oid).unwrap()).collect();
        let parents: Vec<_> = parents.iter().collect();
        self.n_commits += 1;
        self.repository.commit(None, &signature, &signature, message, &tree, &parents).unwrap()
    }

    pub(crate) fn commit(&mut self, message: &str, files: Files<'_>, parents: &[Oid]) -> Oid {
        self.commit_at(self.n_commits, message, files, parents)
    }

    pub(crate) fn set_main(&self, oid: Oid) {
        self.repository.reference("refs/heads/main", oid, true, "script").unwrap();
    }
}
