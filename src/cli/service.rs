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
    let mut answer: Answer = service.post((server, path), body, DECISION)?;
    if let Some(why) = doubt(&answer, body, Timestamp::now()) {
        return Err(Failure::no_decision(format!("`{server}` {}: {why}", DECISION.unanswered)));
    }
    strip_controls(&mut answer);
    Ok(answer)
}

/// Why an answer is no decision on what was asked; none where it is one.
fn doubt(answer: &Answer, body: &Value, now: Timestamp) -> Option<&'static str> {
    let asked = &body["change"];
    let is_asked_commit = || asked["commit"].as_str() == answer.change.commit.as_deref();
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

/// Texts of a service go to terminals and logs.
fn strip_controls(answer: &mut Answer) {
    let reasons = answer.reasons.iter_mut().map(|reason| &mut reason.text);
    let required = answer.plan.iter_mut().flat_map(|plan| &mut plan.require);
    for text in reasons.chain(&mut answer.warnings).chain(required) {
        *text = without_controls(text);
    }
}
