//! History to labelled rows: the replay of a whole repository, written down.
//!
//! Owns the join of what [`timeline`](crate::timeline) reads of every change with the labels that
//! became known afterwards. Rows are as of one moment: no fact later than it is in them. Start
//! reading at [`mine`].

mod author_key;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Instant;

use crate::change::{Change, digest, is_bot};
use crate::dataset::{CustomValues, CustomVector, Metadata, Row, RowOutcome, Rows, RowsBuilder};
use crate::features::{CUSTOM_REVISION, schema};
use crate::git::{self, Repository, Unit, WalkOptions, WalkReport, walk};
use crate::label::{Curator, LabelSource, Outcome, RowLabel};
use crate::timeline::{Landed, Sources, Timeline};

pub use author_key::AuthorKey;

/// What to mine, and how.
pub struct MineOptions {
    /// Name of the repository in the rows.
    pub name: String,
    /// What counts as one change.
    pub unit: Unit,
    /// Incident links and reported outcomes.
    pub sources: Sources,
    /// Rows of changes landed before this are left out; the fold still sees them.
    pub since: Option<i64>,
    /// The moment that no fact may cross; none takes the newest change.
    pub until: Option<i64>,
    /// What the clock shows: no outcome later than this can be known, whatever time a commit claims.
    pub now: i64,
    /// Values of custom features, joined to the changes that they were known of in time.
    pub custom: Option<CustomValues>,
    /// Under which authors are hashed.
    pub author_key: AuthorKey,
}

/// Labelled rows of one repository.
pub struct Mined {
    /// The rows, in time order.
    pub rows: Rows,
    /// The moment they are as of, and the history's head.
    pub metadata: Metadata,
    /// What the walk met.
    pub report: WalkReport,
    /// Incident links and outcomes that named no change of this history.
    pub n_unknown_targets: usize,
    /// Incident links and outcomes that became known after the moment the rows are as of.
    pub n_later_targets: usize,
    /// What became of the values of custom features.
    pub custom: CustomUse,
    /// Seconds it took.
    pub seconds: f64,
}

/// What became of the values of custom features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CustomUse {
    /// Values that were known when their change landed.
    pub n_used: usize,
    /// Values that became known only later, and are null.
    pub n_later: usize,
    /// Commits of the repository that are no change of this walk: merges, other branches, later ones.
    pub n_other_commits: usize,
}

/// Why a history could not be mined.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The repository could not be read.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The rows could not be put together.
    #[error(transparent)]
    Dataset(#[from] crate::dataset::Error),
}

/// Replays the history of a repository and joins every change with what became of it. `each` is told
/// how many changes were read so far.
///
/// # Errors
/// When the repository cannot be read, or a custom feature is given for a commit that it does not have.
pub fn mine(
    repository: &Repository,
    options: MineOptions,
    mut each: impl FnMut(usize),
) -> Result<Mined, Error> {
    let started = Instant::now();
    let mut walk_options = WalkOptions::new(options.unit);
    walk_options.until = options.until;
    if let Some(custom) = &options.custom {
        custom.check(&options.name, |change_id| repository.resolve(change_id).is_ok())?;
    }
    let mut collector = Collector::new(repository, &options)?;
    let mut timeline = Timeline::new(options.sources.clone());
    let mut failed = None;
    let report = walk(repository, &walk_options, |change| {
        let landed = timeline.land(&change);
        each(landed.ordinal as usize + 1);
        match collector.push(&change, landed) {
            Ok(()) => ControlFlow::Continue(()),
            Err(err) => {
                failed = Some(err);
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some(err) = failed {
        return Err(err.into());
    }
    let last_known_at = timeline.last_t().max(options.sources.last_known_at(options.now));
    let as_of = options.until.or(last_known_at).unwrap_or(0).min(options.now);
    let head = timeline.head().filter(|_| options.until.is_some()).unwrap_or(&report.head.0).to_owned();
    collector.record(timeline.advance(as_of));
    let (custom, rows) = (collector.custom_use(), collector.finish(as_of, options.since));
    Ok(Mined {
        rows,
        custom,
        metadata: Metadata { mined_at: as_of, head },
        report,
        n_unknown_targets: timeline.n_unknown_targets(),
        n_later_targets: timeline.n_later_targets(),
        seconds: started.elapsed().as_secs_f64(),
    })
}

struct Collector {
    builder: RowsBuilder,
    curator: Curator,
    repo: String,
    root: String,
    unit: Unit,
    author_key: AuthorKey,
    custom: Option<CustomValues>,
    custom_use: CustomUse,
}

impl Collector {
    fn new(repository: &Repository, options: &MineOptions) -> Result<Self, git::Error> {
        Ok(Self {
            builder: RowsBuilder::new(revisions(options.custom.as_ref())),
            curator: Curator::new(),
            repo: options.name.clone(),
            root: repository.root_commit()?.0,
            unit: options.unit,
            author_key: options.author_key.clone(),
            custom: options.custom.clone(),
            custom_use: CustomUse::default(),
        })
    }

    fn push(&mut self, change: &Change, mut landed: Landed) -> Result<(), crate::dataset::Error> {
        if let Some(custom) = &self.custom {
            let CustomVector { values, n_later } = custom.of(&self.repo, &change.id.0, change.committed_at);
            self.custom_use.n_used += values.iter().filter(|value| !value.is_nan()).count();
            self.custom_use.n_later += n_later;
            landed.vector.extend(values);
        }
        self.curator.push(change, &landed.classification);
        self.record(landed.outcomes);
        let (n_added, n_deleted) = change.record.n_lines();
        let row = Row {
            repo: self.repo.clone(),
            root: self.root.clone(),
            unit: self.unit.to_string(),
            change_id: change.id.clone(),
            digest: digest(&change.record).to_string(),
            committed_at: change.committed_at,
            author: self.author_key.hash(&change.author),
            bot: is_bot(&change.author),
            kind: landed.classification.kind,
            planned: false,
            outcome_at: None,
            label_raw: None,
            label_strict: None,
            in_strict: false,
            label_source: None,
            label_known_at: None,
            severity: None,
            effort: (n_added + n_deleted) as u64,
            template: landed.classification.template,
            planned_wording: landed.classification.planned_by_wording,
            outcomes: Vec::new(),
            reverted_at: None,
            is_revert: landed.classification.is_revert,
            n_files: u32::try_from(change.record.files.len()).unwrap_or(u32::MAX),
        };
        self.builder.push(row, &landed.tokens, &landed.vector)
    }

    fn record(&mut self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            if let Some(row) = self.builder.facts_mut().get_mut(outcome.ordinal as usize) {
                row.outcomes.push(row_outcome(&outcome));
                if outcome.source == LabelSource::Revert {
                    row.reverted_at = row.reverted_at.or(Some(outcome.occurred_at));
                }
            }
            self.curator.record(outcome);
        }
    }

    fn custom_use(&mut self) -> CustomUse {
        let Some(custom) = &self.custom else { return CustomUse::default() };
        let walked: BTreeSet<&str> =
            self.builder.facts_mut().iter().map(|row| row.change_id.0.as_str()).collect();
        let n_other_commits = custom.changes(&self.repo).filter(|id| !walked.contains(id)).count();
        CustomUse { n_other_commits, ..self.custom_use }
    }

    fn finish(mut self, as_of: i64, since: Option<i64>) -> Rows {
        let labels = self.curator.curate(as_of, None);
        for (row, label) in self.builder.facts_mut().iter_mut().zip(labels) {
            take_label(row, label);
        }
        let rows = self.builder.finish();
        match since {
            None => rows,
            Some(since) => {
                let kept: Vec<usize> =
                    (0..rows.n_rows()).filter(|&idx| rows.facts()[idx].committed_at >= since).collect();
                rows.select(&kept)
            }
        }
    }
}

fn row_outcome(outcome: &Outcome) -> RowOutcome {
    RowOutcome {
        source: outcome.source,
        known_at: outcome.known_at,
        positive: outcome.positive,
        planned: outcome.planned,
        retracts: outcome.retracts(),
    }
}

/// Names and revisions of this build's features, then of the custom ones.
fn revisions(custom: Option<&CustomValues>) -> impl Iterator<Item = (&str, u32)> {
    let custom_names = custom.map_or(&[][..], CustomValues::names).iter();
    schema().revisions().chain(custom_names.map(|name| (name.as_str(), CUSTOM_REVISION)))
}

fn take_label(row: &mut Row, label: RowLabel) {
    row.planned = label.planned;
    row.outcome_at = label.outcome_at;
    row.label_raw = label.label_raw;
    row.label_strict = label.label_strict;
    row.in_strict = label.in_strict;
    row.label_source = label.source;
    row.label_known_at = label.known_at;
    row.severity = label.severity;
}
