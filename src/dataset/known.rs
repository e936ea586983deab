//! What a row was worth at a moment: the one place that decides which rows train. Reads nothing that became known after
//! that moment. Start at [`standings`].

use std::collections::BTreeMap;

use crate::dataset::row::{Row, RowOutcome, Rows};
use crate::label::{
    LabelSource, deciding, incident_negative_known_at, link_delay_p90, strict_negative_known_at,
};

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
            _ if row.n_files == 0 => None,
            Self::Strict => row.label_strict.filter(|_| row.in_strict),
            Self::Raw => row.label_raw.filter(|_| !row.is_revert || is_said(row.label_source)),
        }
    }
}

/// What every row was worth at `as_of`, by what was known before: of several outcomes the one that decided then,
/// templates by earlier events alone. A change without an outcome is a negative 14 days after landing, or, where
/// incidents are linked, after as long as nine of ten links known by then had taken. An unplanned revert after 14
/// days trains as a positive though no strict test holds it. Of rows that are held to an earlier moment than `as_of`
/// ([`Rows::hold_to`]) it is what they were worth at theirs.
pub fn standings(rows: &Rows, task: LabelTask, as_of: i64) -> Vec<Standing> {
    let templates = planned_templates(rows, as_of);
    let link_delays = link_delays(rows, as_of);
    let standing = |(row, as_of): (&Row, i64)| {
        let at = Moment {
            as_of,
            planned_template: templates.get(&key_of(row)).copied().unwrap_or(false),
            link_delay: link_delays.get(row.root.as_str()).copied(),
        };
        standing(row, task, &at)
    };
    held(rows, as_of).map(standing).collect()
}

/// The rows, each with the moment as of which it is judged.
fn held(rows: &Rows, as_of: i64) -> impl Iterator<Item = (&Row, i64)> {
    rows.facts.iter().zip(rows.known_until.iter().map(move |known_until| as_of.min(*known_until)))
}

/// A moment, and what was known then of the like of a row.
struct Moment {
    as_of: i64,
    /// Whether changes with its subject template were routinely undone.
    planned_template: bool,
    /// Seconds that nine of ten changes of its history named in incidents had waited for the first link; none without links.
    link_delay: Option<i64>,
}

fn standing(row: &Row, task: LabelTask, at: &Moment) -> Standing {
    if row.n_files == 0 || row.committed_at >= at.as_of {
        return Standing::Left;
    }
    let planned = row.planned_wording || at.planned_template;
    let known: Vec<&RowOutcome> = row.outcomes.iter().filter(|outcome| outcome.known_at < at.as_of).collect();
    let verdict = deciding(&known, |it| (it.source, it.known_at, it.retracts));
    if row.is_revert && !is_said(verdict.map(|outcome| outcome.source)) {
        return Standing::Left;
    }
    let was_planned = match verdict {
        None => planned,
        Some(outcome) if outcome.source == LabelSource::Revert => planned || outcome.planned,
        Some(outcome) => outcome.planned,
    };
    let is_undone = verdict.is_some_and(|outcome| outcome.positive || outcome.planned);
    let negative_at = match verdict {
        // Somebody spoke for it.
        Some(_) => strict_negative_known_at(row.committed_at),
        None => incident_negative_known_at(row.committed_at, at.link_delay),
    };
    match task {
        LabelTask::Strict if was_planned => Standing::Left,
        _ if is_undone => Standing::Positive,
        _ if negative_at <= at.as_of => Standing::Negative,
        _ => Standing::Left,
    }
}

/// Whether a person spoke of a change, and not only the words of another.
fn is_said(source: Option<LabelSource>) -> bool {
    source.is_some_and(|source| source != LabelSource::Revert)
}

/// How long nine of ten changes named in incidents known before `as_of` had waited for their first link, by history.
fn link_delays(rows: &Rows, as_of: i64) -> BTreeMap<&str, i64> {
    let mut delays: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (row, as_of) in held(rows, as_of) {
        let links = row.outcomes.iter().filter(|outcome| outcome.source == LabelSource::Incident);
        let known = links.filter(|outcome| outcome.known_at < as_of);
        let first_known_at = known.map(|outcome| outcome.known_at).min();
        let wait = first_known_at.map(|known_at| known_at - row.committed_at);
        wait.into_iter().for_each(|wait| delays.entry(row.root.as_str()).or_default().push(wait));
    }
    delays.into_iter().filter_map(|(root, waits)| Some((root, link_delay_p90(waits)?))).collect()
}

fn planned_templates(rows: &Rows, as_of: i64) -> BTreeMap<(&str, u64), bool> {
    let mut counts: BTreeMap<(&str, u64), (u32, u32)> = BTreeMap::new();
    for (row, as_of) in held(rows, as_of).filter(|(row, as_of)| row.committed_at < *as_of) {
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
