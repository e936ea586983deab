//! Which path leads where, who may go there, and what every answer carries.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use futures_util::FutureExt;

use crate::http::auth::{Guard, Scope, authorize};
use crate::http::metrics::{CodeLabels, RequestLabels};
use crate::http::otlp::Span;
use crate::http::pages;
use crate::http::percent::unescape;
use crate::http::routes::{admin, decisions, docs, health, infer, outcomes, overrides, score, suspects};
use crate::http::service::Service;
use crate::http::trace::TraceContext;
use crate::http::{ApiError, ProblemCode};

/// Asked by `POST`, but changes nothing.
const INFER: &str = "/v2/models/{model}/infer";

/// Every route of the service.
pub fn router(service: Arc<Service>) -> Router {
    let guard = |method_router: MethodRouter<Arc<Service>>, needed| {
        let service = Arc::clone(&service);
        method_router.layer(from_fn_with_state(Guard { service, needed }, authorize))
    };
    let guarded = Router::new()
        .route("/v1/score", guard(post(score::one), Scope::Score))
        .route("/v1/score/batch", guard(post(score::batch), Scope::Score))
        .route("/v1/decisions", guard(get(decisions::list), Scope::Read))
        .route("/v1/decisions/{id}", guard(get(decisions::one), Scope::Read))
        .route("/v1/decisions/{id}/override", guard(post(overrides::override_one), Scope::Override))
        .route("/v1/suspects", guard(get(suspects::list), Scope::Read))
        .route("/v1/outcomes", guard(post(outcomes::report), Scope::Outcome))
        .route("/v1/repos/{name}/refresh", guard(post(admin::refresh), Scope::Score))
        .route("/v1/model", guard(get(admin::model), Scope::Read))
        .route("/v1/model/activate", guard(post(admin::activate), Scope::Admin))
        .route("/v1/model/rollback", guard(post(admin::rollback), Scope::Admin))
        .route("/v1/policy", guard(get(admin::policy), Scope::Read))
        .route("/v1/policy/reload", guard(post(admin::reload_policy), Scope::Admin))
        .route("/v2/models/{model}", guard(get(infer::metadata), Scope::Score))
        .route("/v2/models/{model}/ready", guard(get(infer::model_ready), Scope::Score))
        .route(INFER, guard(post(infer::infer), Scope::Score))
        .route("/metrics", guard(get(health::metrics), Scope::Read));
    let open = Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/v2/health/live", get(infer::live))
        .route("/v2/health/ready", get(infer::ready))
        .route("/openapi.json", get(docs::openapi));
    guarded
        .merge(open)
        .merge(pages::router(&service))
        .fallback(pages::nowhere)
        .method_not_allowed_fallback(|| async { ApiError::standard(ProblemCode::MethodNotAllowed) })
        .layer(from_fn_with_state(Arc::clone(&service), observe))
        .with_state(service)
}

/// A panic of a handler is a problem of one request, never of the service. What changes something runs in a
/// task of its own, and so to its end, also where the caller hangs up.
async fn run_caught(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.contains('%') && unescape(path).is_none() {
        let detail = "the path is not percent-encoded UTF-8, or has a control character";
        return ApiError::new(ProblemCode::NotFound, detail).into_response();
    }
    let response = if only_reads(&request) {
        AssertUnwindSafe(next.run(request)).catch_unwind().await.ok()
    } else {
        tokio::spawn(next.run(request)).await.ok()
    };
    response.unwrap_or_else(|| ApiError::standard(ProblemCode::Internal).into_response())
}

fn only_reads(request: &Request) -> bool {
    let path = request.extensions().get::<MatchedPath>();
    request.method().is_safe() || path.is_some_and(|path| path.as_str() == INFER)
}

/// Counts, times and names every request.
async fn observe(State(service): State<Arc<Service>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("other", |path| path.as_str()).to_owned();
    let context = TraceContext::of(request.headers());
    let method = service.exporter.as_ref().map(|_| method_name(request.method()));
    request.extensions_mut().insert(context.clone());
    let mut response = run_caught(request, next).await;
    let status = response.status().as_u16();
    service.metrics.requests.get_or_create(&RequestLabels { route: route.clone(), status }).inc();
    service.metrics.request_seconds.observe(started.elapsed().as_secs_f64());
    if let Some(api_error) = response.extensions().get::<ApiError>() {
        let code = api_error.code.as_str();
        service.metrics.problems.get_or_create(&CodeLabels { code: code.to_owned() }).inc();
        let trace_id = context.trace_id.as_str();
        tracing::info!(
            route,
            status,
            code,
            path = api_error.path,
            request_id = context.request_id,
            trace_id,
            "problem"
        );
    }
    harden(&mut response, &context.request_id);
    if let (Some(exporter), Some(method)) = (&service.exporter, method) {
        let end_ns = jiff::Timestamp::now().as_nanosecond();
        let start_ns = end_ns - i128::try_from(started.elapsed().as_nanos()).unwrap_or(0);
        exporter.send(Span { context, method, route, status, start_ns, end_ns });
    }
    response
}

/// A method's name as OpenTelemetry has it: anything may be sent as one.
fn method_name(method: &Method) -> &'static str {
    let known = ["GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"];
    known.into_iter().find(|name| *name == method.as_str()).unwrap_or("_OTHER")
}

fn harden(response: &mut Response, id: &str) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
