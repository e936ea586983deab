//! Routes for operators: whether the process lives, whether it can vouch for its answers, and its metrics.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::routes::json;
use crate::http::service::Service;

/// Whether the service can vouch for its answers, and if not, why.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ReadyAnswer {
    /// Whether all is well.
    pub ready: bool,
    /// Why not; empty when all is well.
    pub reasons: Vec<String>,
}

/// Whether the process answers at all.
#[utoipa::path(get, path = "/livez", tag = "operators", operation_id = "get_livez", security(()), responses((status = 200, description = "It does", body = LiveAnswer)))]
pub(in crate::http) async fn live() -> Response {
    json(StatusCode::OK, &LiveAnswer { live: true })
}

/// That the process answers.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct LiveAnswer {
    /// True: who does not answer says nothing.
    pub live: bool,
}

/// Whether requests should be sent here.
#[utoipa::path(
    get, path = "/readyz", tag = "operators", operation_id = "get_readyz", security(()),
    responses(
        (status = 200, description = "They should", body = ReadyAnswer),
        (status = 503, description = "They should not, and why", body = ReadyAnswer)
    )
)]
pub(in crate::http) async fn ready(State(service): State<Arc<Service>>) -> Response {
    let reasons = reasons(&service);
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &ReadyAnswer { ready: reasons.is_empty(), reasons })
}

/// The state of the service for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "operators", operation_id = "get_metrics",
    responses((status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text"))
)]
pub(in crate::http) async fn metrics(State(service): State<Arc<Service>>) -> Response {
    service.metrics.store_open.set(i64::from(service.open_store().is_some() && !service.is_store_away()));
    service.metrics.waiting.set(i64::try_from(service.gate.n_waiting()).unwrap_or(i64::MAX));
    let repositories = service.serving.load().assessor.repositories(service.now_ms().div_euclid(1000));
    let lags = repositories.iter().filter_map(|(_, history)| Some(history.as_ref()?.lag_seconds));
    service.metrics.history_lag.set(lags.max().unwrap_or(0) as f64);
    let n_away = repositories.iter().filter(|(_, history)| history.is_none()).count();
    service.metrics.repositories_away.set(i64::try_from(n_away).unwrap_or(i64::MAX));
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], service.metrics.text()).into_response()
}

fn reasons(service: &Service) -> Vec<String> {
    let serving = service.serving.load();
    let mut reasons = Vec::new();
    if let Err(reason) = serving.assessor.model() {
        reasons.push(reason.text);
    }
    if serving.policy.is_none() {
        reasons.push("no valid policy is loaded".into());
    }
    match &service.store {
        None => reasons.push("there is no decision log".into()),
        Some(store) if store.closed().is_some() => reasons.push("the decision log is closed".into()),
        Some(_) if service.is_store_away() => reasons.push("the decision log cannot be reached".into()),
        Some(_) => {}
    }
    if service.is_draining() {
        reasons.push("the service is shutting down".into());
    }
    reasons
}
