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
    /// Whether the last report takes back the ones before.
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

/// Reads the records beside a decision; one that cannot be read is passed over.
pub(super) fn beside(records: &[Record], now: i64) -> BesideView {
    let mut view = BesideView::default();
    for record in records {
        let Ok(said) = serde_json::from_str::<Value>(&record.body) else { continue };
        match record.kind {
            RecordKind::Outcome => {
                view.is_withdrawn = said["outcome"] == "retracted";
                view.outcomes.push(outcome_view(&said, now));
            }
            RecordKind::Override => view.overrides.push(override_view(&said, now)),
            RecordKind::Revocation => view.is_revoked = true,
            _ => {}
        }
    }
    view
}

fn outcome_view(said: &Value, now: i64) -> OutcomeView {
    let word = said["outcome"].as_str().unwrap_or("");
    let (what, is_bad) = match word {
        "harmless" => ("It went fine", false),
        "incident" => ("It caused an incident", true),
        "reverted" => ("It was reverted", true),
        "reverted_as_planned" => ("It was undone as planned", false),
        "caught" => ("It was caught before it did harm", true),
        "retracted" => ("What was reported before is withdrawn", false),
        other => (other, false),
    };
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
