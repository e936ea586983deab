//! The routes, one file an errand.

pub(super) mod admin;
pub(super) mod decisions;
pub(super) mod docs;
pub(super) mod health;
pub(super) mod infer;
pub(super) mod outcomes;
pub(super) mod score;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A JSON answer.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    let body = serde_json::to_vec(value).unwrap_or_default();
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The id under which a request is found in the logs: the caller's, where it is an ordinary one.
pub(super) fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get("x-request-id").and_then(|value| value.to_str().ok());
    let is_ordinary = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'/');
    let given = given.filter(|id| (1..=128).contains(&id.len()) && id.bytes().all(is_ordinary));
    given.map_or_else(crate::store::new_id, ToOwned::to_owned)
}
