//! A service that decides in the place of this process. Whatever answers, only a decision on this very change, with its
//! record and still in force, lets the change through: a proxy may answer from a cache, or another service in its place.

use diffrisk::change::{digest, parse_diff};
use diffrisk::http::wire::Answer;
use jiff::Timestamp;
use serde_json::Value;

use crate::cli::client::{ServiceArgs, Wanted, without_controls};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

const DECISION: Wanted = Wanted {
    unanswered: "gave no decision",
    exit: Exit::NoDecision,
    refused: "cannot score the change",
    bad_input: &[400, 413, 422],
};

/// Asks `server` with the body of `POST /v1/score`.
pub fn decision(
    service: &ServiceArgs,
    server: &str,
    body: &Value,
    is_explained: bool,
) -> Result<Answer, Failure> {
    let path = if is_explained { "/v1/score?include=explanation" } else { "/v1/score" };
    let answer: Value = service.post((server, path), body, DECISION)?;
    let answer: Answer = serde_json::from_value(shown(answer))
        .map_err(|error| Failure::no_decision(format!("`{server}` {}: {error}", DECISION.unanswered)))?;
    if let Some(why) = doubt(&answer, body, Timestamp::now()) {
        return Err(Failure::no_decision(format!("`{server}` {}: {why}", DECISION.unanswered)));
    }
    Ok(answer)
}

/// Why an answer is no decision on what was asked; none where it is one.
fn doubt(answer: &Answer, body: &Value, now: Timestamp) -> Option<&'static str> {
    let asked = &body["change"];
    let is_asked_commit = || {
        let is_asked = |name: &str, answered: &Option<String>| asked[name].as_str() == answered.as_deref();
        is_asked("commit", &answer.change.commit) && is_asked("base", &answer.change.base)
    };
    let is_asked_diff = || {
        let record = asked["diff"].as_str().and_then(|text| parse_diff(text.as_bytes()).ok());
        // What cannot be read here, the service may read; it says what of.
        record.is_none_or(|record| answer.change.digest == Some(digest(&record).to_string()))
    };
    let is_in_force = || answer.expires_at.parse::<Timestamp>().is_ok_and(|expires_at| expires_at > now);
    if asked["repo"] != answer.change.repo.as_str() {
        Some("the answer is about another repository")
    } else if asked["commit"].is_string() && !is_asked_commit()
        || asked["diff"].is_string() && !is_asked_diff()
    {
        Some("the answer is about another change")
    } else if answer.reasons.is_empty() {
        Some("the answer has no reason")
    } else if answer.decision_id.is_none() && !answer.degraded {
        Some("the answer has no record")
    } else if !is_in_force() {
        Some("the answer has expired")
    } else {
        None
    }
}

/// What a service says as it may stand on terminals and in logs.
fn shown(said: Value) -> Value {
    match said {
        Value::String(text) => Value::String(without_controls(&text)),
        Value::Array(items) => items.into_iter().map(shown).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, shown(value))).collect(),
        other => other,
    }
}
