//! Values of custom features (`x.…`): who computes them is not us, so each says when it was known.

mod columns;
mod lines;
mod read;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lines::Line;

use super::Error;

/// Values of custom features by repository and change, as their owner's file gives them.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomValues {
    path: PathBuf,
    names: Vec<String>,
    n_lines: usize,
    /// Repository, then full commit id.
    repos: BTreeMap<String, BTreeMap<String, Vec<Known>>>,
}

/// The values of one change.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomVector {
    /// One value a name; NaN where none was known in time.
    pub values: Vec<f32>,
    /// Values that became known only after the change.
    pub n_later: usize,
}

/// A line of a file of custom features that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Line of the file, the header of a CSV file being line 1; rows of a Parquet file count from 1.
    pub line: u64,
    /// The column; none where the whole line is bad.
    pub column: Option<String>,
    /// What is wrong.
    pub reason: String,
}

/// What one line says of a change.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    known_at: i64,
    line: u64,
    values: Vec<f32>,
}

impl CustomValues {
    /// Reads a file with the columns `repo`, `change_id`, `known_at` and any number of `x.…`: CSV with a
    /// header, JSON lines, or Parquet. The file is taken whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be read, a column is none of these, or any line is bad.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let read = read::read(path)?;
        let mut custom =
            Self { path: path.to_owned(), names: read.names, n_lines: read.n_lines, repos: BTreeMap::new() };
        let mut bad = read.bad;
        for line in read.lines {
            bad.extend(custom.take(line).err());
        }
        bad.sort_by_key(|bad_line| bad_line.line);
        custom.refuse(bad)?;
        Ok(custom)
    }

    /// Names of the features, in the order of the alphabet.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What was known of a change at the moment `t`; of several values the one known last.
    pub fn of(&self, repo: &str, change_id: &str, t: i64) -> CustomVector {
        let mut vector = CustomVector { values: vec![f32::NAN; self.names.len()], n_later: 0 };
        let known = self.repos.get(repo).and_then(|changes| changes.get(change_id));
        for known in known.into_iter().flatten() {
            let given = known.values.iter().zip(&mut vector.values).filter(|(value, _)| !value.is_nan());
            if known.known_at > t {
                vector.n_later += given.count();
            } else {
                given.for_each(|(value, slot)| *slot = *value);
            }
        }
        vector
    }

    /// Changes of a repository that the file speaks of.
    pub fn changes(&self, repo: &str) -> impl Iterator<Item = &str> {
        self.repos.get(repo).into_iter().flat_map(|changes| changes.keys().map(String::as_str))
    }

    /// Refuses the file where it says nothing of a repository, or speaks of a change that does not exist.
    ///
    /// # Errors
    /// Names the repositories that the file knows, or every line with an unknown change.
    pub fn check(&self, repo: &str, exists: impl Fn(&str) -> bool) -> Result<(), Error> {
        let Some(changes) = self.repos.get(repo) else {
            let known: Vec<String> = self.repos.keys().map(|known| format!("`{known}`")).collect();
            let others =
                if known.is_empty() { String::new() } else { format!(", only of {}", known.join(", ")) };
            let found = format!("it says nothing of `{repo}`{others}");
            return Err(Error::format(&self.path, "a file of this repository's custom features", found));
        };
        let unknown = changes.iter().filter(|(change_id, _)| !exists(change_id));
        let bad_lines = unknown.flat_map(|(change_id, known)| {
            known.iter().map(move |known| BadLine {
                line: known.line,
                column: Some("change_id".to_owned()),
                reason: format!("`{change_id}` is no commit of `{repo}`"),
            })
        });
        let mut bad: Vec<BadLine> = bad_lines.collect();
        bad.sort_by_key(|bad_line| bad_line.line);
        self.refuse(bad)
    }

    /// Takes a line in, in the order in which values became known.
    fn take(&mut self, line: Line) -> Result<(), BadLine> {
        let all = self.repos.entry(line.repo).or_default().entry(line.change_id).or_default();
        let known = Known { known_at: line.known_at, line: line.line, values: line.values };
        let is_given = |value: &f32| !value.is_nan();
        for other in all.iter().filter(|other| other.known_at == known.known_at) {
            let pairs = other.values.iter().zip(&known.values);
            let twice = pairs.zip(&self.names).find(|((a, b), _)| is_given(a) && is_given(b));
            if let Some((_, name)) = twice {
                let reason = format!("line {} gives a value of the same change and moment", other.line);
                return Err(BadLine { line: known.line, column: Some(name.clone()), reason });
            }
        }
        let idx = all.partition_point(|other| other.known_at <= known.known_at);
        all.insert(idx, known);
        Ok(())
    }

    fn refuse(&self, bad: Vec<BadLine>) -> Result<(), Error> {
        if bad.is_empty() {
            return Ok(());
        }
        Err(Error::CustomLines { path: self.path.clone(), n_lines: self.n_lines, bad })
    }
}
