//! What every page has in common: the layout, the style sheet, the headers that keep it inert.

use std::sync::OnceLock;

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::http::pages::said::Said;
use crate::http::pages::session::Reader;
use crate::http::{ApiError, ProblemCode};

/// The one style sheet; there is no script at all.
const STYLE: &str = include_str!("../../../templates/style.css");
/// Nothing may be loaded, run or sent anywhere else, and no page may stand in another's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// The part of a page around its content.
pub(super) struct Frame {
    pub(super) title: String,
    pub(super) stylesheet: &'static str,
    /// Which entry of the navigation this page is.
    pub(super) here: Here,
    /// Name of the key that somebody signed in with; none where no key is needed.
    pub(super) signed_in: Option<String>,
}

/// An entry of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Here {
    Decisions,
    Suspects,
    Model,
    Api,
    Elsewhere,
}

/// A page that says why there is no other.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    frame: Frame,
    title: Said,
    detail: Said,
}

impl Frame {
    pub(super) fn new(title: impl Into<String>, here: Here, reader: Option<&Reader>) -> Self {
        let signed_in = reader.filter(|reader| reader.is_signed_in).map(|reader| reader.caller.name.clone());
        Self { title: title.into(), stylesheet: stylesheet_path(), here, signed_in }
    }

    pub(super) fn is_decisions(&self) -> bool {
        self.here == Here::Decisions
    }

    pub(super) fn is_suspects(&self) -> bool {
        self.here == Here::Suspects
    }

    pub(super) fn is_api(&self) -> bool {
        self.here == Here::Api
    }

    pub(super) fn is_model(&self) -> bool {
        self.here == Here::Model
    }
}

/// Renders a page, with the headers that every page carries.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => harden((status, html).into_response()),
        Err(error) => {
            tracing::error!(error = %error, "a page could not be rendered");
            ApiError::standard(ProblemCode::Internal).into_response()
        }
    }
}

/// A problem as a page.
pub(super) fn problem(api_error: &ApiError, reader: Option<&Reader>) -> Response {
    let title = api_error.code.title();
    let frame = Frame::new(title, Here::Elsewhere, reader);
    let (title, detail) = (Said::capitalised(title), Said::capitalised(&format!("{}.", api_error.detail)));
    refused(api_error, &ProblemPage { frame, title, detail })
}

/// A page that says what cannot be done, counted as the problem that it is.
pub(super) fn refused(api_error: &ApiError, template: &impl Template) -> Response {
    let mut response = page(api_error.code.status(), template);
    api_error.add_headers(&mut response);
    response.extensions_mut().insert(api_error.clone());
    response
}

/// Leads a browser to another page of this service, after a form was taken.
pub(super) fn see_other(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    harden((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    if headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // Not `no-referrer`: a form would then be sent with the origin `null`, and refused.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}

/// The style sheet under its content's digest: it may be kept for good.
pub(super) async fn stylesheet(Path(name): Path<String>) -> Response {
    if !stylesheet_path().ends_with(&format!("/{name}")) {
        return ApiError::standard(ProblemCode::NotFound).into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, STYLE).into_response()
}

fn stylesheet_path() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| format!("/assets/{}.css", &hex::encode(Sha256::digest(STYLE))[..16]))
}
