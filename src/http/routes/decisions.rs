//! Routes that read stored decisions. A record that is not as it was written is named and never shown.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::http::percent::unescape;
use crate::http::routes::json as answer_json;
use crate::http::service::Service;
use crate::http::wire::Answer;
use crate::http::{ApiError, ProblemCode};
use crate::store::{Beside, Log, Record, RecordKind, Search, Store};

const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 500;

/// Some stored decisions, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DecisionsAnswer {
    /// The answers as they were given, each with what stands beside it.
    #[schema(value_type = Vec<Object>)]
    pub decisions: Vec<Value>,
    /// Give this as `cursor` for the next ones; null at the end.
    pub next: Option<String>,
}

/// A stored decision, with the overrides and outcomes beside it.
#[utoipa::path(
    get, path = "/v1/decisions/{id}", tag = "decisions", operation_id = "get_decision",
    params(("id" = String, Path, description = "The decision's id")),
    responses(
        (status = 200, description = "The answer as it was given, plus `record`, `overrides`, `outcomes` and `revocations`", body = Answer),
        (status = 500, description = "It is not as it was written", body = crate::http::ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such decision", body = crate::http::ProblemBody, content_type = "application/problem+json")
    )
)]
pub(in crate::http) async fn one(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let log = service.store.as_ref().ok_or_else(unavailable)?.log();
    let record = log.record(&id).await.map_err(|error| failed(&error))?;
    let record = record.filter(|record| record.kind == RecordKind::Decision);
    let record = record.ok_or_else(|| ApiError::standard(ProblemCode::NotFound))?;
    refuse_altered(log, &record).await?;
    let beside = log.beside(&record.id).await.map_err(|error| failed(&error))?;
    Ok(answer_json(StatusCode::OK, &shown(&record, &beside)))
}

/// Stored decisions, newest first, page by page.
#[utoipa::path(
    get, path = "/v1/decisions", tag = "decisions", operation_id = "list_decisions",
    params(
        ("repo" = Option<String>, Query, description = "Only of this repository"),
        ("decision" = Option<String>, Query, pattern = "^(fast_path|extra_validation|hold)$", description = "Only with this word"),
        ("change" = Option<String>, Query, description = "Only on this commit, review identity or digest"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "1 to 500, by default 50")
    ),
    responses((status = 200, description = "A page", body = DecisionsAnswer))
)]
pub(in crate::http) async fn list(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let search = search(query.as_deref().unwrap_or(""))?;
    let log = service.store.as_ref().ok_or_else(unavailable)?.log();
    let page = log.page(&search).await.map_err(|error| failed(&error))?;
    let each = log.beside_each(page.records.iter().map(|record| record.id.as_str())).await;
    let mut each = each.map_err(|error| failed(&error))?;
    let mut decisions = Vec::new();
    for record in &page.records {
        decisions.push(match is_altered(log, record).await? {
            true => altered(record),
            false => shown(record, &each.remove(&record.id).unwrap_or_default()),
        });
    }
    Ok(answer_json(StatusCode::OK, &DecisionsAnswer { decisions, next: page.next }))
}

/// The decision with this id, as it was written.
pub(super) async fn decision(store: &Store, id: &str) -> Result<Record, ApiError> {
    let record = store.log().record(id).await.map_err(|error| failed(&error))?;
    let record = record.filter(|record| record.kind == RecordKind::Decision);
    let record = record.ok_or_else(|| ApiError::standard(ProblemCode::NotFound))?;
    refuse_altered(store.log(), &record).await?;
    Ok(record)
}

async fn is_altered(log: &Log, record: &Record) -> Result<bool, ApiError> {
    log.is_altered(record).await.map_err(|error| failed(&error))
}

/// What somebody wrote over a decision is never shown as one.
pub(in crate::http) async fn refuse_altered(log: &Log, record: &Record) -> Result<(), ApiError> {
    match is_altered(log, record).await? {
        true => Err(ApiError::standard(ProblemCode::RecordAltered)),
        false => Ok(()),
    }
}

/// All that is said of a record which is not as it was written.
fn altered(record: &Record) -> Value {
    json!({ "decision_id": record.id, "record": place(record), "problem": ProblemCode::RecordAltered.as_str() })
}

fn place(record: &Record) -> Value {
    json!({ "chain": record.chain, "seq": record.seq, "digest": hex::encode(record.digest) })
}

/// A record for the wire: the answer, where it stands in the chain, and what stands beside it.
fn shown(record: &Record, beside: &Beside) -> Value {
    let mut shown: Map<String, Value> = serde_json::from_str(&record.body).unwrap_or_default();
    shown.insert("record".into(), place(record));
    for (name, kind) in [
        ("overrides", RecordKind::Override),
        ("outcomes", RecordKind::Outcome),
        ("revocations", RecordKind::Revocation),
    ] {
        let bodies = beside.sound.iter().filter(|record| record.kind == kind);
        let bodies = bodies.filter_map(|record| serde_json::from_str(&record.body).ok());
        let altered = beside.altered.iter().filter(|record| record.kind == kind).map(|record| {
            json!({ "id": record.id, "record": place(record), "problem": ProblemCode::RecordAltered.as_str() })
        });
        let bodies: Vec<Value> = bodies.chain(altered).collect();
        shown.insert(name.into(), bodies.into());
    }
    shown.into()
}

fn search(query: &str) -> Result<Search, ApiError> {
    let mut search = Search { kind: Some(RecordKind::Decision), limit: DEFAULT_LIMIT, ..Search::default() };
    let mut seen = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if seen.contains(&name) {
            return Err(bad("a query is there twice"));
        }
        seen.push(name);
        let value = unescape(value).ok_or_else(|| bad("a value is not percent-encoded UTF-8"))?;
        match name {
            "repo" | "decision" | "change" | "cursor" | "limit" if value.is_empty() => {}
            "repo" => search.repo = Some(value),
            "decision" => search.verdict = Some(verdict(value)?),
            "change" => search.change = Some(value),
            "cursor" => search.before = Some(cursor(value)?),
            "limit" => search.limit = limit(&value)?,
            _ => return Err(bad("the queries are `repo`, `decision`, `change`, `cursor` and `limit`")),
        }
    }
    Ok(search)
}

fn verdict(word: String) -> Result<String, ApiError> {
    let is_known = ["fast_path", "extra_validation", "hold"].contains(&word.as_str());
    if is_known { Ok(word) } else { Err(bad("`decision` is `fast_path`, `extra_validation` or `hold`")) }
}

/// The id of a record, as `next` gives it.
fn cursor(text: String) -> Result<String, ApiError> {
    let is_id = text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if is_id { Ok(text) } else { Err(bad("`cursor` is the `next` of the page before")) }
}

fn limit(text: &str) -> Result<i64, ApiError> {
    let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| bad("`limit` is a number from 1 to 500"))
}

fn bad(detail: &str) -> ApiError {
    ApiError::new(ProblemCode::BadQuery, detail)
}

pub(in crate::http) fn unavailable() -> ApiError {
    ApiError::standard(ProblemCode::StoreUnavailable)
}

pub(in crate::http) fn failed(error: &crate::store::Error) -> ApiError {
    tracing::error!(error = %error, "the decision log could not be read or written");
    unavailable()
}
