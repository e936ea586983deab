//! Measures a finished artifact on rows or a table. Fits nothing, and leaves out what the artifact, or the prior in it, has
//! seen. Start at [`evaluate`].

use std::collections::BTreeMap;

use serde::Serialize;

use crate::artifact::{Artifact, Document, Scoring, TABLE};
use crate::dataset::{LabelTask, Row, Rows, Table};
use crate::train::Error;
use crate::train::backtest::{Prediction, coin, other_populations};
use crate::train::report::{Block, DatasetReport, PriorUse, Scored};
use crate::train::seen::{Met, blended_with, met};
use crate::train::table::{whole, without_size};

/// What a finished artifact is worth on rows it has not seen.
#[derive(Clone, Debug, Serialize)]
pub struct EvaluationReport {
    /// `strict`, `raw`, or `label` for a table.
    pub task: &'static str,
    /// The task's own figures.
    #[serde(flatten)]
    pub block: Block,
    /// Rows left out because the artifact was trained on their repository when they had landed; none for a table, of
    /// whose single rows nobody knows it.
    pub n_seen: Option<usize>,
    /// Rows of a table that are no later than the newest one that the artifact was trained on: where they are of the same
    /// table, it has seen them.
    pub n_not_later: Option<usize>,
    /// Rows of a table whose time has a fraction and is otherwise that of the newest row that the artifact was trained on: it
    /// keeps whole numbers, and whether they are later cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_maybe_later: Option<usize>,
    /// What could not be measured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The artifact it was blended with, and whether that saw later data than the first row here.
    pub prior: Option<PriorUse>,
    /// The same model against any revert (`raw`), and without programs' changes (`humans`).
    #[serde(serialize_with = "crate::train::report::also")]
    pub also: BTreeMap<&'static str, Block>,
}

/// A report, and the score of every row that was not seen.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The figures.
    pub report: EvaluationReport,
    /// One prediction a row, in the order of the rows.
    pub predictions: Vec<Prediction>,
}

/// Measures an artifact on mined rows, as it is: nothing is fitted. Rows of a repository that it, or the
/// artifact it was blended with, was trained on are left out up to the newest one seen, also where that is known
/// again by its changes alone.
///
/// # Errors
/// When the artifact needs other values than the rows hold, or has seen all rows.
pub fn evaluate(artifact: &Artifact, rows: &Rows, task: LabelTask, seed: u64) -> Result<Evaluation, Error> {
    let document = artifact.document();
    if document.unit == TABLE {
        return Err(Error::Refused("it was trained on a table; name the table's columns"));
    }
    let revisions: Vec<(&str, u32)> =
        rows.features().iter().map(|feature| (feature.name.as_str(), feature.revision)).collect();
    let columns = artifact.columns(&revisions)?;
    let seen = seen_of(artifact, rows)?;
    let unseen: Vec<usize> = (0..rows.n_rows()).filter(|&row| !is_seen(&seen, &rows.facts()[row])).collect();
    if unseen.is_empty() {
        return Err(Error::Refused(
            "it was trained on every one of these rows; `mine --until` leaves the newest out for training, and they are unseen",
        ));
    }
    let vector = |row: usize| {
        let values = rows.vector(row);
        columns.iter().map(|&column| values[column]).collect::<Vec<f32>>()
    };
    let scores = unseen.iter().map(|&row| document.scoring.score(&vector(row), rows.tokens(row)));
    let efforts = unseen.iter().map(|&row| Some(rows.facts()[row].effort as f64)).collect();
    let measured = Measured::new(&document.scoring, scores, efforts, seed);
    let facts: Vec<&Row> = unseen.iter().map(|&row| &rows.facts()[row]).collect();
    // Files of several repositories come one after the other.
    let first_at = facts.iter().map(|row| row.committed_at).min();
    let block = |label: &dyn Fn(&Row) -> Option<bool>| {
        measured.block(
            document,
            first_at.map(|at| at as f64),
            &facts.iter().map(|row| label(row)).collect::<Vec<_>>(),
        )
    };
    let also = other_populations(task, block);
    let labels: Vec<Option<bool>> = facts.iter().map(|row| task.label(row)).collect();
    let ids = facts.iter().map(|row| row.change_id.0.clone()).collect();
    let report = EvaluationReport {
        task: task.as_str(),
        block: block(&|row| task.label(row)),
        n_seen: Some(rows.n_rows() - unseen.len()),
        n_not_later: None,
        n_maybe_later: None,
        notes: Vec::new(),
        prior: prior_use(document, first_at.unwrap_or(i64::MAX)),
        also,
    };
    Ok(Evaluation { predictions: measured.predictions(ids, labels), report })
}

/// Measures an artifact of a table on another table. Which single rows it was trained on is not known: only the very
/// table is refused.
///
/// # Errors
/// When the artifact was trained on this table or needs a column that it does not have.
pub fn evaluate_table(artifact: &Artifact, table: &Table, seed: u64) -> Result<Evaluation, Error> {
    let document = artifact.document();
    if document.unit != TABLE {
        return Err(Error::Refused("it was trained on mined rows, not on a table"));
    }
    if document.sources.iter().any(|source| source.dataset == table.digest().to_string()) {
        return Err(Error::Refused("it was trained on this very table"));
    }
    let names: Vec<(&str, u32)> = table.names.iter().map(|name| (name.as_str(), 1)).collect();
    let columns = artifact.columns(&names)?;
    let vector = |row: usize| columns.iter().map(|&column| table.columns[column][row]).collect::<Vec<f32>>();
    let scores = (0..table.n_rows()).map(|row| document.scoring.score(&vector(row), &[]));
    let effort = |row: usize| table.efforts.as_ref().map(|efforts| efforts[row]);
    let efforts = (0..table.n_rows()).map(effort).collect();
    let measured = Measured::new(&document.scoring, scores, efforts, seed);
    let until = document.trained_until;
    let is_maybe_later = |time: f64| whole(time) == until && time.fract() != 0.0;
    let n_maybe_later = table.times.iter().filter(|time| is_maybe_later(**time)).count();
    let n_not_later = table.times.iter().filter(|time| whole(**time) <= until).count() - n_maybe_later;
    let report = EvaluationReport {
        task: "label",
        block: measured.block(document, table.times.first().copied(), &table.labels),
        n_seen: None,
        n_not_later: Some(n_not_later),
        n_maybe_later: (n_maybe_later > 0).then_some(n_maybe_later),
        notes: without_size(table, &table.labeled()).into_iter().collect(),
        prior: None,
        also: BTreeMap::new(),
    };
    Ok(Evaluation { predictions: measured.predictions(table.ids.clone(), table.labels.clone()), report })
}

/// What the artifact, or the published one behind it, was trained on of these rows. Of another prior behind it no more
/// is known than its last moment, which the report gives.
fn seen_of(artifact: &Artifact, rows: &Rows) -> Result<Vec<Met>, Error> {
    let mut seen = met(artifact, rows, &[])?;
    let inner = match blended_with(artifact) {
        Err(Error::UnknownPrior { .. }) => None,
        inner => inner?,
    };
    if let (Some(inner), Some(prior)) = (inner, &artifact.document().prior) {
        seen.extend(met(&inner, rows, &prior.excluded_sources)?);
    }
    Ok(seen)
}

fn is_seen(seen: &[Met], row: &Row) -> bool {
    seen.iter().any(|met| met.rows == row.root && row.committed_at <= met.to)
}

fn prior_use(document: &Document, first_at: i64) -> Option<PriorUse> {
    let reference = document.prior.clone()?;
    Some(PriorUse { later_than_split: reference.trained_until > first_at, reference })
}

/// Margins and probabilities of the artifact and of what needs no model, one a row.
struct Measured {
    scored: Vec<Scored>,
    efforts: Vec<Option<f64>>,
    seed: u64,
}

impl Measured {
    fn new(
        scoring: &Scoring,
        scores: impl Iterator<Item = (f64, f64)>,
        efforts: Vec<Option<f64>>,
        seed: u64,
    ) -> Self {
        let (margins, probabilities): (Vec<f64>, Vec<f64>) = scores.unzip();
        let random = (0..margins.len()).map(|row| coin(row as u64 ^ seed)).collect();
        let mut scored = vec![Scored { name: "ensemble".to_owned(), margins, probabilities, is_model: true }];
        // A system that the rows cannot have is omitted.
        let known: Option<Vec<f64>> = efforts.iter().copied().collect();
        scored.extend(known.map(|efforts| Scored::flat("size_only", efforts, scoring.base_rate)));
        scored.push(Scored::flat("random", random, scoring.base_rate));
        Self { scored, efforts, seed }
    }

    /// Every system on the rows that have a label.
    fn block(&self, document: &Document, first: Option<f64>, labels: &[Option<bool>]) -> Block {
        let kept: Vec<usize> = (0..labels.len()).filter(|&row| labels[row].is_some()).collect();
        let scored: Vec<Scored> = self.scored.iter().map(|scored| scored.select(&kept)).collect();
        let labels: Vec<bool> = kept.iter().map(|&row| labels[row] == Some(true)).collect();
        let dataset = DatasetReport {
            n_train: document.sources.iter().map(|source| source.n_rows).sum(),
            n_test: labels.len(),
            pos_train: document.sources.iter().map(|source| source.n_positive).sum(),
            pos_test: labels.iter().filter(|&&label| label).count(),
            base_rate: crate::evaluation::observed_rate(&labels),
            split_time: first,
        };
        Block::measure(dataset, &labels, &scored, self.seed)
    }

    fn predictions(&self, ids: Vec<String>, labels: Vec<Option<bool>>) -> Vec<Prediction> {
        let rows = ids.into_iter().zip(labels).zip(&self.efforts).enumerate();
        let score = |row: usize| self.scored[0].probabilities[row];
        rows.map(|(row, ((id, label), effort))| Prediction {
            id,
            label,
            score: score(row),
            effort: effort.unwrap_or(f64::NAN),
        })
        .collect()
    }
}
