//! What stands beside a decision: overrides, outcomes, and that it was taken back.

use serde_json::Value;

use crate::http::pages::text::{self, Shown};
use crate::store::{Record, RecordKind};

/// Everything beside a decision, oldest first.
#[derive(Default)]
pub(super) struct BesideView {
    pub(super) outcomes: Vec<OutcomeView>,
    pub(super) overrides: Vec<OverrideView>,
    pub(super) is_revoked: bool,
    /// Whether the report that counts is a bad one.
    pub(super) went_wrong: bool,
    /// Whether the report that counts takes back the ones before.
    pub(super) is_withdrawn: bool,
}

/// What became of the change, as somebody reported it.
pub(super) struct OutcomeView {
    pub(super) what: Shown,
    pub(super) is_bad: bool,
    pub(super) at: String,
    /// Incident, severity and source, where they are known.
    pub(super) more: Shown,
}

/// Who went past the decision, why, and until when.
pub(super) struct OverrideView {
    pub(super) reason: Shown,
    pub(super) ticket: Shown,
    pub(super) by: Shown,
    pub(super) at: String,
    pub(super) until: String,
}

/// What the report that counts says: of all about a change the one known last, of one moment the one that came later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counting {
    Nothing,
    Good,
    Bad,
    Withdrawn,
}

impl Counting {
    /// Of the records beside a decision, in the order that they came in.
    pub(super) fn of(records: &[Record]) -> Self {
        let outcomes = records.iter().filter(|record| record.kind == RecordKind::Outcome);
        let said = outcomes.filter_map(|record| serde_json::from_str::<Value>(&record.body).ok());
        let counting = said.max_by_key(|said| said["known_at"].as_str().and_then(text::seconds_of));
        match counting.as_ref().map(|said| said["outcome"].as_str().unwrap_or("")) {
            None => Self::Nothing,
            Some("retracted") => Self::Withdrawn,
            Some(word) if outcome_words(word).1 => Self::Bad,
            Some(_) => Self::Good,
        }
    }
}

/// Reads the records beside a decision; one that cannot be read is passed over.
pub(super) fn beside(records: &[Record], now: i64) -> BesideView {
    let counting = Counting::of(records);
    let mut view = BesideView {
        went_wrong: counting == Counting::Bad,
        is_withdrawn: counting == Counting::Withdrawn,
        ..BesideView::default()
    };
    for record in records {
        let Ok(said) = serde_json::from_str::<Value>(&record.body) else { continue };
        match record.kind {
            RecordKind::Outcome => view.outcomes.push(outcome_view(&said, now)),
            RecordKind::Override => view.overrides.push(override_view(&said, now)),
            RecordKind::Revocation => view.is_revoked = true,
            _ => {}
        }
    }
    view
}

fn outcome_view(said: &Value, now: i64) -> OutcomeView {
    let (what, is_bad) = outcome_words(said["outcome"].as_str().unwrap_or(""));
    let named = [("incident_id", "incident "), ("severity", "severity "), ("source", "reported through ")];
    let more =
        named.iter().filter_map(|(key, words)| said[*key].as_str().map(|value| format!("{words}{value}")));
    OutcomeView {
        what: Shown::cut(what, 100),
        is_bad,
        at: when(&said["occurred_at"], now),
        more: Shown::cut(&more.collect::<Vec<_>>().join(", "), 300),
    }
}

/// An outcome in words, and whether it is a bad one.
fn outcome_words(word: &str) -> (&str, bool) {
    match word {
        "harmless" => ("It went fine", false),
        "incident" => ("It caused an incident", true),
        "reverted" => ("It was reverted", true),
        "reverted_as_planned" => ("It was undone as planned", false),
        "caught" => ("It was caught before it did harm", true),
        "retracted" => ("What was reported before is withdrawn", false),
        other => (other, false),
    }
}

fn override_view(said: &Value, now: i64) -> OverrideView {
    let shown = |key: &str| Shown::cut(said[key].as_str().unwrap_or(""), 1000);
    OverrideView {
        reason: shown("reason"),
        ticket: shown("ticket"),
        by: shown("by"),
        at: when(&said["at"], now),
        until: when(&said["expires_at"], now),
    }
}

fn when(value: &Value, now: i64) -> String {
    let seconds = value.as_str().and_then(text::seconds_of);
    seconds.map_or_else(String::new, |at| format!("{} ({})", text::moment(at), text::relative(at, now)))
}
