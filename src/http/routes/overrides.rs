//! The route that puts an override beside a decision: break-glass, a record of its own and never an edit. Start at
//! [`override_one`].

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::change::secrets::redact;
use crate::http::auth::Caller;
use crate::http::compose::moment;
use crate::http::fields::Fields;
use crate::http::routes::decisions::{decision, failed, unavailable};
use crate::http::routes::json as answer_json;
use crate::http::service::Service;
use crate::http::wire::OverrideRequest;
use crate::http::{ApiError, ProblemCode, parse_json};
use crate::store::{Columns, NewRecord, RecordKind};

const MAX_TICKET_BYTES: usize = 200;

/// An override as it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct OverrideAnswer {
    /// The decision.
    pub decision_id: String,
    /// Why, secrets masked.
    pub reason: String,
    /// Where it was asked for.
    pub ticket: Option<String>,
    /// Until when, RFC 3339.
    pub expires_at: String,
    /// Name of the caller's key.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
}

/// Records that a decision is not followed, and why; the decision itself stays as it is.
#[utoipa::path(
    post, path = "/v1/decisions/{id}/override", tag = "decisions", operation_id = "override_decision", request_body = OverrideRequest,
    params(("id" = String, Path, description = "The decision's id")),
    responses(
        (status = 201, description = "It is on disk", body = OverrideAnswer),
        (status = 404, description = "No such decision", body = crate::http::ProblemBody, content_type = "application/problem+json")
    )
)]
pub(in crate::http) async fn override_one(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let bytes = service.bodies.read_small(&headers, body).await?;
    let mut fields = Fields::root(parse_json(&bytes)?)?;
    let reason = fields.required("reason")?.name(1000)?;
    let ticket = fields.optional("ticket").map(|ticket| ticket.name(MAX_TICKET_BYTES)).transpose()?;
    let expires = fields.required("expires_at")?;
    let path = expires.path.clone();
    let expires_at = expires.moment()?.0.as_second();
    fields.finish()?;
    let now_ms = service.now_ms();
    if expires_at.saturating_mul(1000) <= now_ms {
        return Err(ApiError::at(ProblemCode::InvalidValue, path, "expected a moment that is still to come"));
    }
    let store = service.open_store().ok_or_else(unavailable)?;
    let decision = decision(store, &id).await?;
    let said = OverrideAnswer {
        decision_id: id.clone(),
        reason: redact(&reason).into_owned(),
        ticket: ticket.map(|ticket| redact(&ticket).into_owned()),
        expires_at: moment(expires_at),
        by: caller.name.clone(),
        at: moment(now_ms.div_euclid(1000)),
    };
    let body = serde_json::to_string(&said).map_err(|_| ApiError::standard(ProblemCode::Internal))?;
    let mut new_record = NewRecord::new(RecordKind::Override, body);
    new_record.at_ms = now_ms;
    new_record.columns = Columns { repo: decision.columns.repo, subject_id: Some(id), ..Columns::default() };
    store.append_one(new_record).await.map_err(|error| failed(&error))?;
    service.metrics.overrides.inc();
    tracing::warn!(target: "diffrisk::override", decision_id = decision.id, by = caller.name, "a decision is overridden");
    Ok(answer_json(StatusCode::CREATED, &said))
}
