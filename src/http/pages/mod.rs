//! Pages for people: the list of decisions, one decision, what may have broken something, the model behind them, the API.
//!
//! Rendered whole on the server, with no script and nothing from elsewhere; all text from outside is
//! a [`text::Shown`]. A page shows what was recorded and, where the change can be read from a followed
//! repository at this moment, the change itself; nothing of it is kept. Authors are not named.

mod api;
mod attention;
mod beside;
mod chart;
mod decision;
mod diff;
mod drift;
mod form;
mod frame;
mod headline;
mod list;
mod measured;
mod model;
mod outcome;
mod reading;
mod said;
mod session;
mod suspects;
mod text;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::http::routes::decisions;
use crate::http::service::Service;
use crate::http::{ApiError, ProblemCode};

/// What stands at an address where there is nothing: a page for a browser, a problem for everybody else.
pub(super) async fn nowhere(headers: HeaderMap) -> Response {
    let api_error = ApiError::standard(ProblemCode::NotFound);
    let mut accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    match accepts.any(|accept| accept.contains("text/html")) {
        true => frame::problem(&api_error, None),
        false => api_error.into_response(),
    }
}

/// Every page; each asks for the scope `read` where keys are configured.
pub(super) fn router(service: &Arc<Service>) -> Router<Arc<Service>> {
    let guarded = Router::new()
        .route("/", get(list::page))
        .route("/decisions/{id}", get(decision::page))
        .route("/decisions/{id}/json", get(decisions::one))
        .route("/decisions/{id}/outcome", post(outcome::take))
        .route("/suspects", get(suspects::page))
        .route("/suspects/outcome", post(outcome::take_of_suspect))
        .route("/model", get(model::page))
        .layer(from_fn_with_state(Arc::clone(service), session::enter));
    let open = Router::new()
        .route("/sign-in", post(session::sign_in))
        .route("/sign-out", post(session::sign_out))
        .route("/docs", get(api::page))
        .route("/assets/{name}", get(frame::stylesheet));
    guarded.merge(open).layer(from_fn(session::same_origin))
}
