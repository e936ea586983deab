use std::collections::BTreeMap;

use crate::dataset::row::{Row, Rows};
use crate::label::{LabelSource, STRICT_HORIZON_SECONDS, strict_negative_known_at};

/// Times a subject template must have been seen before it says anything about undoing.
const MIN_TEMPLATE_SEEN: u32 = 8;
/// Share of a template's changes that were undone from which undoing it is the plan.
const PLANNED_SHARE: f64 = 0.3;

/// What a model is asked to predict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LabelTask {
    /// An unplanned revert within 14 days, or an incident.
    #[default]
    Strict,
    /// Any revert or incident.
    Raw,
}

/// What a row is worth to training at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Known to have gone wrong.
    Positive,
    /// Known to have held.
    Negative,
    /// Not known yet, or no question of this task.
    Left,
}

impl LabelTask {
    /// Stable machine name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Raw => "raw",
        }
    }

    /// The label of a test row; none where the task leaves it out or it is not known.
    pub fn label(self, row: &Row) -> Option<bool> {
        match self {
            _ if row.is_revert || row.n_files == 0 => None,
            Self::Strict => row.label_strict.filter(|_| row.in_strict),
            Self::Raw => row.label_raw,
        }
    }
}

/// What every row was worth at `as_of`: only outcomes known before it count, and templates count only
/// events before it. A change without an outcome is a negative 14 days after landing; an unplanned
/// revert after 14 days trains as a positive though no strict test holds it.
pub fn standings(rows: &Rows, task: LabelTask, as_of: i64) -> Vec<Standing> {
    let templates = planned_templates(rows, as_of);
    let standing =
        |row: &Row| standing(row, task, as_of, templates.get(&key_of(row)).copied().unwrap_or(false));
    rows.facts().iter().map(standing).collect()
}

fn standing(row: &Row, task: LabelTask, as_of: i64, planned_template: bool) -> Standing {
    if row.is_revert || row.n_files == 0 || row.committed_at >= as_of {
        return Standing::Left;
    }
    let known = row.label_known_at.is_some_and(|known_at| known_at < as_of);
    let positive = row.label_raw == Some(true);
    let planned = row.planned_wording || planned_template;
    match task {
        LabelTask::Strict if planned && row.label_source.is_none_or(|s| s == LabelSource::Revert) => {
            Standing::Left
        }
        _ if positive && known => Standing::Positive,
        _ if strict_negative_known_at(row.committed_at) <= as_of && !strict_positive_later(row, as_of) => {
            Standing::Negative
        }
        _ => Standing::Left,
    }
}

/// Whether the row went wrong in a way that was not known at `as_of`: it is no negative either.
fn strict_positive_later(row: &Row, as_of: i64) -> bool {
    let within =
        row.outcome_at.is_some_and(|at| at.saturating_sub(row.committed_at) <= STRICT_HORIZON_SECONDS);
    row.label_raw == Some(true) && within && row.label_known_at.is_none_or(|known_at| known_at >= as_of)
}

fn planned_templates(rows: &Rows, as_of: i64) -> BTreeMap<(&str, u64), bool> {
    let mut counts: BTreeMap<(&str, u64), (u32, u32)> = BTreeMap::new();
    for row in rows.facts().iter().filter(|row| row.committed_at < as_of) {
        let (n_seen, n_undone) = counts.entry(key_of(row)).or_default();
        *n_seen += 1;
        *n_undone += u32::from(row.reverted_at.is_some_and(|at| at < as_of));
    }
    let planned = |(n_seen, n_undone): (u32, u32)| {
        n_seen >= MIN_TEMPLATE_SEEN && f64::from(n_undone) >= PLANNED_SHARE * f64::from(n_seen)
    };
    counts.into_iter().map(|(key, count)| (key, planned(count))).collect()
}

fn key_of(row: &Row) -> (&str, u64) {
    (&row.root, row.template)
}
