//! Writes the sample's story as a repository with its incidents and owners beside it. Dates and ids are the same every time.
//! Start at [`write_sample`].

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use git2::build::TreeUpdateBuilder;
use git2::{Buf, FileMode, Oid, RepositoryInitOptions, Signature, Time};
use jiff::Timestamp;

use crate::change::ChangeId;
use crate::git::sample::proposals::{Proposal, proposals};
use crate::git::sample::start::first_tree;
use crate::git::sample::story::{Incident, Step, tell};
use crate::git::sample::tree::{Edit, Tree};

/// Monday 2024-11-18 00:00 UTC; the story ends in November 2026.
const START: i64 = 1_731_888_000;

/// Pieces of work in the story; with what is undone they make about 1,500 changes.
const N_WORKS: i64 = 1_380;

/// Where the sample was written.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The work tree.
    pub repository: PathBuf,
    /// Declared incidents, CSV.
    pub incidents: PathBuf,
    /// Ownership, GitHub form, also inside the repository.
    pub owners: PathBuf,
    /// Number of commits.
    pub n_changes: usize,
    /// The newest commit.
    pub head: ChangeId,
    /// A few changes that nobody landed yet, to be scored.
    pub proposals: Vec<Proposal>,
}

/// Why the sample could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The place is taken.
    #[error("`{}` exists already and is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// A file could not be written.
    #[error("`{}` cannot be written", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The repository could not be written.
    #[error("the sample repository cannot be written")]
    Git(#[from] git2::Error),
}

/// Writes the sample into a directory that is empty or not there: the repository `config`, the file
/// `incidents.csv`, and the files of a few proposed changes.
///
/// # Errors
/// When the directory is not empty or cannot be written.
pub fn write_sample(dir: &Path) -> Result<Sample, SampleError> {
    let repository = dir.join("config");
    if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(SampleError::NotEmpty(dir.to_owned()));
    }
    std::fs::create_dir_all(&repository).map_err(|source| file_error(&repository, source))?;
    let story = tell(START, N_WORKS);
    let ids = write_repository(&repository, &story.steps)?;
    let incidents = dir.join("incidents.csv");
    write_file(&incidents, &incidents_csv(&story.incidents, &ids))?;
    let proposals = proposals(&story.tree);
    for proposal in &proposals {
        write_file(&dir.join(&proposal.file_name), &proposal.diff)?;
    }
    let head = ids.last().map_or_else(String::new, Oid::to_string);
    let owners = repository.join("CODEOWNERS");
    Ok(Sample { repository, incidents, owners, n_changes: ids.len() + 1, head: ChangeId(head), proposals })
}

/// Writes the first commit and one for each step; the ids are those of the steps.
fn write_repository(path: &Path, steps: &[Step]) -> Result<Vec<Oid>, SampleError> {
    let mut options = RepositoryInitOptions::new();
    options.initial_head("main").external_template(false);
    let repository = git2::Repository::init_opts(path, &options)?;
    let odb = repository.odb()?;
    let mempack = odb.add_new_mempack_backend(1_000)?;
    let mut writer = Writer { repository: &repository, tree: first_tree(), root: None, parent: None };
    writer.write_first()?;
    let mut ids = Vec::with_capacity(steps.len());
    for step in steps {
        let id = writer.write_step(step, &ids)?;
        ids.push(id);
    }
    let mut pack = Buf::new();
    mempack.dump(&repository, &mut pack)?;
    let mut packwriter = odb.packwriter()?;
    std::io::Write::write_all(&mut packwriter, &pack).map_err(|source| file_error(path, source))?;
    packwriter.commit()?;
    mempack.reset()?;
    if let Some(head) = ids.last() {
        repository.reference("refs/heads/main", *head, true, "sample")?;
    }
    repository.checkout_head(Some(git2::build::CheckoutBuilder::new().force()))?;
    Ok(ids)
}

struct Writer<'a> {
    repository: &'a git2::Repository,
    tree: Tree,
    root: Option<Oid>,
    parent: Option<Oid>,
}

impl Writer<'_> {
    fn write_first(&mut self) -> Result<(), git2::Error> {
        let paths: Vec<String> = self.tree.paths().map(str::to_owned).collect();
        let signature = Signature::new("Ada Brandt", "ada@example.org", &Time::new(START - 3_600, 60))?;
        self.commit(&paths, &signature, "Start the repository\n")?;
        Ok(())
    }

    fn write_step(&mut self, step: &Step, ids: &[Oid]) -> Result<Oid, git2::Error> {
        for edit in &step.edits {
            self.tree.apply(edit);
        }
        let time = Time::new(step.at, step.person.offset_minutes);
        let signature = Signature::new(step.person.name, step.person.email, &time)?;
        self.commit(&paths_of(&step.edits), &signature, &message(step, ids))
    }

    fn commit(
        &mut self,
        paths: &[String],
        signature: &Signature<'_>,
        message: &str,
    ) -> Result<Oid, git2::Error> {
        let mut update = TreeUpdateBuilder::new();
        for path in paths {
            let blob = self.repository.blob(self.tree.render(path).as_bytes())?;
            update.upsert(path.as_str(), blob, FileMode::Blob);
        }
        let base = match self.root {
            Some(root) => self.repository.find_tree(root)?,
            None => self.repository.find_tree(self.repository.treebuilder(None)?.write()?)?,
        };
        let root = update.create_updated(self.repository, &base)?;
        let parent = self.parent.map(|parent| self.repository.find_commit(parent)).transpose()?;
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        let tree = self.repository.find_tree(root)?;
        let id = self.repository.commit(None, signature, signature, message, &tree, &parents)?;
        (self.root, self.parent) = (Some(root), Some(id));
        Ok(id)
    }
}

fn paths_of(edits: &[Edit]) -> Vec<String> {
    let mut paths: Vec<String> = edits.iter().map(|edit| edit.path.clone()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

fn message(step: &Step, ids: &[Oid]) -> String {
    let mut message = format!("{}\n", step.subject);
    if let Some(id) = step.reverts.and_then(|step_idx| ids.get(step_idx)) {
        let _ = write!(message, "\nThis reverts commit {id}.\n");
    }
    if !step.body.is_empty() {
        let _ = write!(message, "\n{}\n", step.body);
    }
    message
}

fn incidents_csv(incidents: &[Incident], ids: &[Oid]) -> String {
    let mut csv =
        String::from("incident_id,started_at,resolved_at,known_at,severity,title,repo,change_id,link_kind\n");
    for (idx, incident) in incidents.iter().enumerate() {
        let Some(id) = ids.get(incident.step_idx) else { continue };
        let [started, resolved, known] =
            [incident.started_at, incident.resolved_at, incident.known_at].map(utc);
        let Incident { severity, title, .. } = incident;
        let number = idx + 1;
        let _ = writeln!(
            csv,
            "INC-{number:04},{started},{resolved},{known},{severity},{title},config,{id},declared"
        );
    }
    csv
}

fn utc(unix_seconds: i64) -> String {
    Timestamp::from_second(unix_seconds).map(|timestamp| timestamp.to_string()).unwrap_or_default()
}

fn write_file(path: &Path, text: &str) -> Result<(), SampleError> {
    std::fs::write(path, text).map_err(|source| file_error(path, source))
}

fn file_error(path: &Path, source: std::io::Error) -> SampleError {
    SampleError::File { path: path.to_owned(), source }
}
