//! From outcomes to row labels, as of a moment.

use crate::change::Change;
use crate::label::known::{STRICT_HORIZON_SECONDS, strict_negative_known_at};
use crate::label::{Classification, LabelSource, Outcome};

/// The labels of one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowLabel {
    /// When the outcome that decides happened.
    pub outcome_at: Option<i64>,
    /// Whether it was undone at all, or named in an incident; none while not known.
    pub label_raw: Option<bool>,
    /// Whether it was undone unplanned within 14 days, or named in an incident; none while not known.
    pub label_strict: Option<bool>,
    /// Whether the strict task keeps the row.
    pub in_strict: bool,
    /// Whether undoing it was, or would have been, the plan.
    pub planned: bool,
    /// Where the label came from; none for a negative.
    pub source: Option<LabelSource>,
    /// When the label became known.
    pub known_at: Option<i64>,
    /// As the incident's own system words it.
    pub severity: Option<String>,
}

/// Collects changes and outcomes during a walk, and curates them at its end.
#[derive(Clone, Debug, Default)]
pub struct Curator {
    rows: Vec<Row>,
    outcomes: Vec<Outcome>,
}

#[derive(Clone, Debug)]
struct Row {
    committed_at: i64,
    is_revert: bool,
    planned_by_wording: bool,
    n_files: usize,
}

impl Curator {
    /// An empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the change with the next ordinal.
    pub fn push(&mut self, change: &Change, classification: &Classification) {
        self.rows.push(Row {
            committed_at: change.committed_at,
            is_revert: classification.is_revert,
            planned_by_wording: classification.planned_by_wording,
            n_files: change.record.files.len(),
        });
    }

    /// Takes an outcome.
    pub fn record(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    /// The labels of all rows as known at `as_of`. Templates count over everything known at `as_of`, or
    /// only over events before `template_before`.
    pub fn curate(&self, as_of: i64, template_before: Option<i64>) -> Vec<RowLabel> {
        let _ = template_before;
        let mut labels: Vec<RowLabel> = self.rows.iter().map(|row| negative(row, as_of)).collect();
        for outcome in self.outcomes.iter().filter(|outcome| outcome.known_at <= as_of && outcome.positive) {
            let (Some(row), Some(label)) =
                (self.rows.get(outcome.ordinal as usize), labels.get_mut(outcome.ordinal as usize))
            else {
                continue;
            };
            let in_time = outcome.occurred_at - row.committed_at <= STRICT_HORIZON_SECONDS;
            label.planned |= outcome.planned;
            label.outcome_at = Some(outcome.occurred_at);
            label.known_at = Some(outcome.known_at);
            label.source = Some(outcome.source);
            label.severity.clone_from(&outcome.severity);
            label.label_raw = Some(true);
            label.label_strict = Some(in_time && !label.planned);
            label.in_strict &= in_time && !label.planned;
        }
        labels
    }
}

fn negative(row: &Row, as_of: i64) -> RowLabel {
    let known_at = strict_negative_known_at(row.committed_at);
    let known = (known_at <= as_of).then_some(false);
    RowLabel {
        label_raw: known,
        label_strict: known,
        in_strict: !row.is_revert && !row.planned_by_wording && row.n_files > 0,
        planned: row.planned_by_wording,
        known_at: known.map(|_| known_at),
        ..RowLabel::default()
    }
}
