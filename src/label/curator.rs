//! From outcomes to row labels, as of a moment.

use std::collections::BTreeMap;

use crate::change::Change;
use crate::incident::OutcomeKind;
use crate::label::known::{STRICT_HORIZON_SECONDS, incident_negative_known_at, link_delay_p90};
use crate::label::template::Templates;
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
    /// Whether undoing it was, or would be, the plan.
    pub planned: bool,
    /// Where the label came from; none for a negative that nobody spoke about.
    pub source: Option<LabelSource>,
    /// When the label became known.
    pub known_at: Option<i64>,
    /// As the incident's own system words it.
    pub severity: Option<String>,
}

/// Collects changes and outcomes during a walk, and curates them at its end.
///
/// Holds about 40 bytes a change and 100 an outcome.
#[derive(Clone, Debug, Default)]
pub struct Curator {
    rows: Vec<Row>,
    outcomes: Vec<Outcome>,
}

#[derive(Clone, Debug)]
struct Row {
    committed_at: i64,
    template: u64,
    is_revert: bool,
    planned_by_wording: bool,
    has_files: bool,
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
            template: classification.template,
            is_revert: classification.is_revert,
            planned_by_wording: classification.planned_by_wording,
            has_files: !change.record.files.is_empty(),
        });
    }

    /// Takes an outcome.
    pub fn record(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    /// Number of changes taken.
    pub fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// The labels of all rows as known at `as_of`, one a change, in order.
    ///
    /// Whether a subject template is routinely undone is judged from everything known at `as_of`:
    /// only the curation of a test population may do so. For training rows give `template_before`,
    /// and only events before that moment count.
    pub fn curate(&self, as_of: i64, template_before: Option<i64>) -> Vec<RowLabel> {
        let templates = self.templates(as_of, template_before);
        let negative_after = self.link_delay(as_of);
        let verdicts = self.verdicts(as_of);
        let rows = self.rows.iter().enumerate();
        rows.map(|(idx, row)| {
            let planned = row.planned_by_wording || templates.is_routinely_undone(row.template);
            match u32::try_from(idx).ok().and_then(|ordinal| verdicts.get(&ordinal)) {
                Some(verdict) => self.judged(row, verdict, planned),
                None => negative(row, planned, as_of, negative_after),
            }
        })
        .collect()
    }

    /// How often each template was seen and undone, by what `as_of` and `template_before` leave.
    fn templates(&self, as_of: i64, template_before: Option<i64>) -> Templates {
        let is_counted = |at: i64| at <= as_of && template_before.is_none_or(|before| at < before);
        let mut templates = Templates::default();
        self.rows
            .iter()
            .filter(|row| is_counted(row.committed_at))
            .for_each(|row| templates.see(row.template));
        let reverts = self.outcomes.iter().filter(|outcome| outcome.source == LabelSource::Revert);
        for outcome in reverts.filter(|outcome| is_counted(outcome.known_at)) {
            if let Some(row) = self.row(outcome.ordinal) {
                templates.undo(row.template);
            }
        }
        templates
    }

    /// Seconds that nine of ten changes named in incidents known at `as_of` had waited for their first link.
    fn link_delay(&self, as_of: i64) -> Option<i64> {
        let links = self.outcomes.iter().filter(|outcome| outcome.source == LabelSource::Incident);
        let mut first_known_at: BTreeMap<u32, i64> = BTreeMap::new();
        for link in links.filter(|outcome| outcome.known_at <= as_of) {
            let known_at = first_known_at.entry(link.ordinal).or_insert(link.known_at);
            *known_at = link.known_at.min(*known_at);
        }
        let waits = first_known_at.into_iter();
        let waits = waits.filter_map(|(ordinal, known_at)| Some(known_at - self.row(ordinal)?.committed_at));
        link_delay_p90(waits.collect())
    }

    /// The outcome that decides, for every change that has one known at `as_of`.
    fn verdicts(&self, as_of: i64) -> BTreeMap<u32, &Outcome> {
        let mut by_row: BTreeMap<u32, Vec<&Outcome>> = BTreeMap::new();
        for outcome in self.outcomes.iter().filter(|outcome| outcome.known_at <= as_of) {
            by_row.entry(outcome.ordinal).or_default().push(outcome);
        }
        by_row.into_iter().filter_map(|(ordinal, outcomes)| Some((ordinal, verdict(&outcomes)?))).collect()
    }

    fn row(&self, ordinal: u32) -> Option<&Row> {
        self.rows.get(usize::try_from(ordinal).ok()?)
    }

    fn judged(&self, row: &Row, outcome: &Outcome, planned: bool) -> RowLabel {
        let revert_is_planned =
            outcome.by.and_then(|by| self.row(by)).is_some_and(|by| by.planned_by_wording);
        let planned = planned || revert_is_planned;
        let was_planned = match outcome.source {
            LabelSource::Revert => planned,
            LabelSource::Incident | LabelSource::Outcome => outcome.planned,
        };
        let is_bad = outcome.positive && !was_planned && (is_in_time(row, outcome) || !is_undoing(outcome));
        let is_undone = outcome.positive || outcome.planned;
        // What a person said about the change keeps it in the task; what words suggest does not.
        let is_said = outcome.source != LabelSource::Revert && !outcome.planned;
        let is_kept = is_said || !(row.is_revert || planned || outcome.planned);
        RowLabel {
            outcome_at: Some(outcome.occurred_at),
            label_raw: Some(is_undone),
            label_strict: Some(is_bad),
            in_strict: row.has_files && is_kept && is_bad == is_undone,
            planned: planned || outcome.reported == Some(OutcomeKind::RevertedAsPlanned),
            source: Some(outcome.source),
            known_at: Some(outcome.known_at),
            severity: outcome.severity.clone(),
        }
    }
}

fn verdict<'a>(outcomes: &[&'a Outcome]) -> Option<&'a Outcome> {
    deciding(outcomes, |outcome| (outcome.source, outcome.known_at, outcome.retracts()))
}

/// The outcome that decides among those known of one change, by what `facts` tells of each: where it came from, when
/// it became known, and whether it only withdraws a report. Declared incidents outrank reports, which outrank detected
/// reverts. The first incident decides, the newest report, the first revert; a retraction takes the reports away.
pub fn deciding<'a, T>(
    outcomes: &[&'a T],
    facts: impl Fn(&T) -> (LabelSource, i64, bool) + Copy,
) -> Option<&'a T> {
    let of = |wanted| outcomes.iter().copied().filter(move |outcome| facts(outcome).0 == wanted);
    let known_at = |outcome: &&T| facts(outcome).1;
    // `max_by_key` takes the last of equals: the report that came in later.
    let newest_report = of(LabelSource::Outcome).max_by_key(known_at);
    of(LabelSource::Incident)
        .min_by_key(known_at)
        .or(newest_report.filter(|outcome| !facts(outcome).2))
        .or_else(|| of(LabelSource::Revert).min_by_key(known_at))
}

/// Whether a change was undone soon enough to speak against it.
fn is_in_time(row: &Row, outcome: &Outcome) -> bool {
    outcome.occurred_at.saturating_sub(row.committed_at) <= STRICT_HORIZON_SECONDS
}

/// Whether the outcome is an undoing, which counts for 14 days; incidents count whenever they come.
fn is_undoing(outcome: &Outcome) -> bool {
    outcome.source == LabelSource::Revert || outcome.reported == Some(OutcomeKind::Reverted)
}

fn negative(row: &Row, planned: bool, as_of: i64, link_delay_p90: Option<i64>) -> RowLabel {
    let known_at = incident_negative_known_at(row.committed_at, link_delay_p90);
    let known = (known_at <= as_of).then_some(false);
    RowLabel {
        label_raw: known,
        label_strict: known,
        in_strict: !row.is_revert && !planned && row.has_files,
        planned,
        known_at: known.map(|_| known_at),
        ..RowLabel::default()
    }
}
