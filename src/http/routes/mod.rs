//! The routes, one file an errand.

pub(super) mod admin;
pub(super) mod decisions;
pub(super) mod docs;
pub(super) mod health;
pub(super) mod infer;
pub(super) mod outcomes;
pub(super) mod overrides;
pub(super) mod score;
pub(super) mod suspects;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::http::{ApiError, ProblemCode};

/// A JSON answer.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_string(value) {
        Ok(body) => json_text(status, body),
        Err(error) => {
            tracing::error!(error = %error, "an answer could not be written");
            ApiError::standard(ProblemCode::Internal).into_response()
        }
    }
}

/// The same for what is JSON already.
pub(super) fn json_text(status: StatusCode, body: String) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
