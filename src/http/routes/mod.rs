//! The routes, one file an errand.

pub(super) mod admin;
pub(super) mod decisions;
pub(super) mod docs;
pub(super) mod health;
pub(super) mod infer;
pub(super) mod outcomes;
pub(super) mod score;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A JSON answer.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    json_text(status, serde_json::to_string(value).unwrap_or_default())
}

/// The same for what is JSON already.
pub(super) fn json_text(status: StatusCode, body: String) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
