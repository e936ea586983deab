//! The one error of the service: RFC 9457, with a stable code, echoing nothing of the request. And how errors inside are said
//! in one line, by [`with_cause`].

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Defines the closed set of problem codes once: variant, wire name, status, title.
macro_rules! problem_codes {
    ($($variant:ident = $name:literal, $status:ident, $title:literal;)*) => {
        /// Why a request got no decision; the closed set that callers may rely on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemCode {
            $(#[doc = $title] $variant,)*
        }

        impl ProblemCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status it comes with.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// What it means, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

problem_codes! {
    MalformedJson = "malformed_json", BAD_REQUEST, "the body is not JSON";
    DuplicateField = "duplicate_field", BAD_REQUEST, "a field is there twice";
    TooDeep = "too_deep", BAD_REQUEST, "the JSON is nested too deeply";
    UnknownField = "unknown_field", BAD_REQUEST, "a field that this request does not have";
    MissingField = "missing_field", BAD_REQUEST, "a required field is missing";
    WrongType = "wrong_type", BAD_REQUEST, "a field has another type";
    InvalidValue = "invalid_value", UNPROCESSABLE_ENTITY, "a value that this field cannot have";
    MalformedDiff = "malformed_diff", UNPROCESSABLE_ENTITY, "the diff cannot be read";
    TooManyItems = "too_many_items", UNPROCESSABLE_ENTITY, "more items than the limit";
    BuiltInFeature = "built_in_feature", UNPROCESSABLE_ENTITY, "a built-in feature cannot be sent";
    IdempotencyConflict = "idempotency_conflict", UNPROCESSABLE_ENTITY, "the idempotency key came with another body before";
    BadQuery = "bad_query", BAD_REQUEST, "the query string cannot be understood";
    BadHeader = "bad_header", BAD_REQUEST, "a header cannot be understood";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "the body is larger than the limit";
    BodyIncomplete = "body_incomplete", BAD_REQUEST, "the body was cut off, or its chunks are malformed";
    BodyTooSlow = "body_too_slow", REQUEST_TIMEOUT, "the body did not arrive in time";
    UnsupportedEncoding = "unsupported_encoding", UNSUPPORTED_MEDIA_TYPE, "a content encoding other than gzip";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "a content type other than JSON";
    BinaryTensors = "binary_tensors", BAD_REQUEST, "binary tensors are not taken; send plain JSON data";
    Unauthorized = "unauthorized", UNAUTHORIZED, "no valid API key";
    Forbidden = "forbidden", FORBIDDEN, "the API key lacks the scope";
    CrossSite = "cross_site", FORBIDDEN, "another site sent this, or led its own name here";
    NotFound = "not_found", NOT_FOUND, "there is nothing here";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "this method is not for this path";
    Refused = "refused", CONFLICT, "the new model or policy was refused; the one in use stays";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "more requests than the API key may send";
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "too many requests at once";
    Draining = "draining", SERVICE_UNAVAILABLE, "the service is shutting down";
    StoreUnavailable = "store_unavailable", SERVICE_UNAVAILABLE, "the decision log is not available";
    RecordAltered = "record_altered", INTERNAL_SERVER_ERROR, "the stored record is not as it was written; see `diffrisk decisions verify`";
    RepositoryUnavailable = "repository_unavailable", SERVICE_UNAVAILABLE, "the repository cannot be read";
    ModelUnavailable = "model_unavailable", SERVICE_UNAVAILABLE, "no model is loaded";
    Internal = "internal", INTERNAL_SERVER_ERROR, "an unexpected error";
}

/// When to come back where nothing better is known.
const RETRY_SECONDS: u64 = 5;

/// A request that got no decision.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}: {detail}{}", code.as_str(), path.as_ref().map_or(String::new(), |path| format!(" ({path})")))]
pub struct ApiError {
    /// The stable code; decides the status.
    pub code: ProblemCode,
    /// A sentence for the client. Never holds anything of the body.
    pub detail: String,
    /// Where in the body, as `$.change.diff`.
    pub path: Option<String>,
    /// Seconds after which the request may be sent again.
    pub retry_after: Option<u64>,
}

/// A problem on the wire (RFC 9457).
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ProblemBody {
    /// A link to the meaning of the code.
    #[serde(rename = "type")]
    #[schema(example = "/docs#unknown_field")]
    pub kind: String,
    /// What the code means.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request. Never echoes the body.
    pub detail: String,
    /// The stable code.
    #[schema(example = "unknown_field")]
    pub code: String,
    /// Where in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "$.change.diff")]
    pub path: Option<String>,
}

impl ApiError {
    /// A problem with its own sentence.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        let is_passing = code.status() == StatusCode::SERVICE_UNAVAILABLE;
        Self { code, detail: detail.into(), path: None, retry_after: is_passing.then_some(RETRY_SECONDS) }
    }

    /// A problem at a place of the body.
    pub fn at(code: ProblemCode, path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..Self::new(code, detail) }
    }

    /// A problem that says no more than its code means.
    pub fn standard(code: ProblemCode) -> Self {
        Self::new(code, code.title())
    }

    /// Says when the request may be sent again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// Adds the headers that go with the problem, however it is shown.
    pub(super) fn add_headers(&self, response: &mut Response) {
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == ProblemCode::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
    }

    /// The problem as it goes over the wire.
    pub fn body(&self) -> ProblemBody {
        ProblemBody {
            kind: format!("/docs#{}", self.code.as_str()),
            title: self.code.title().into(),
            status: self.code.status().as_u16(),
            detail: self.detail.clone(),
            code: self.code.as_str().into(),
            path: self.path.clone(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.body()).unwrap_or_default();
        let mut response = (self.code.status(), body).into_response();
        let content_type = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        self.add_headers(&mut response);
        response.extensions_mut().insert(self);
        response
    }
}

/// An error and its cause in one line; some errors say their cause themselves.
pub(super) fn with_cause(error: &impl std::error::Error) -> String {
    let said = error.to_string();
    match error.source().map(ToString::to_string) {
        Some(cause) if !said.ends_with(&cause) => format!("{said}: {cause}"),
        _ => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::CacheError;

    #[test]
    fn a_cause_is_said_once() {
        let gone = || std::io::Error::other("gone");
        assert_eq!(with_cause(&CacheError::Io(gone())), "the cache cannot be read or written: gone");
        let keys = crate::http::SettingsError::File { path: "a.toml".into(), source: gone() };
        assert_eq!(with_cause(&keys), "cannot read the configuration `a.toml`: gone");
    }
}
