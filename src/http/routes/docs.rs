//! What the service says about itself: OpenAPI for programs, a page for people.

use std::fmt::Write as _;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{Content, Ref, RefOr, Schema};

use crate::http::ProblemCode;
use crate::http::routes::{admin, decisions, health, infer, outcomes, score, suspects};
use crate::http::wire;
use crate::policy::ReasonCode;

/// The OpenAPI document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "diffrisk",
        description = "Scores a configuration change before it rolls out: fast path or extra validation, and why.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
    ),
    paths(
        score::one, score::batch, decisions::list, decisions::one, outcomes::override_one, outcomes::report,
        suspects::list,
        admin::refresh, admin::model, admin::activate, admin::rollback, admin::policy, admin::reload_policy, infer::live,
        infer::ready, infer::metadata, infer::model_ready, infer::infer, health::live, health::ready,
        health::metrics
    ),
    components(schemas(wire::Answer, crate::http::ProblemBody)),
    modifiers(&Bearer, &Problems, &Strict),
    security(("bearer" = []))
)]
struct Document;

/// Every route but the health checks asks for a key, where keys are configured.
struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// What every route that asks for a key may answer beside what it says itself: the caller's problems, and the
/// service's. The others say `security(())` themselves.
struct Problems;

impl utoipa::Modify for Problems {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let items = openapi.paths.paths.values_mut();
        let operations = items.flat_map(|item| [&mut item.get, &mut item.post]).flatten();
        for operation in operations.filter(|operation| operation.security.is_none()) {
            let answers = &mut operation.responses.responses;
            for (status, description) in [
                ("4XX", "The request was nonsense, or is not allowed to who asks; nothing was done"),
                ("503", "Not now; see `Retry-After`"),
            ] {
                let content = Content::new(Some(Ref::from_schema_name("ProblemBody")));
                let response = utoipa::openapi::Response::builder().description(description);
                let response = response.content("application/problem+json", content).build();
                answers.entry(status.to_owned()).or_insert(RefOr::T(response));
            }
        }
    }
}

/// No request may hold a key that is not in its schema.
struct Strict;

impl utoipa::Modify for Strict {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let schemas = openapi.components.iter_mut().flat_map(|components| &mut components.schemas);
        for (_, schema) in schemas.filter(|(name, _)| name.ends_with("Request")) {
            close(schema);
        }
    }
}

/// Closes an object and those written out in it.
fn close(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(object)) = schema else { return };
    if object.additional_properties.is_none() && !object.properties.is_empty() {
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    }
    object.properties.values_mut().for_each(close);
}

/// The OpenAPI 3.1 document as it is committed in `docs/openapi.json`.
pub fn openapi_json() -> String {
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// The document.
pub(in crate::http) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], openapi_json()).into_response()
}

/// A page that needs nothing but itself: no script, no font, no call elsewhere.
pub(in crate::http) async fn page() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        ),
    ];
    (headers, docs_page()).into_response()
}

fn docs_page() -> String {
    let mut html = String::from(HEAD);
    let openapi = Document::openapi();
    let value = serde_json::to_value(&openapi).unwrap_or_default();
    html.push_str("<h2>Routes</h2><table><tr><th>Method</th><th>Path</th><th>What it does</th></tr>");
    for (path, item) in value["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let summary = operation["summary"].as_str().unwrap_or("");
            row(&mut html, &[&method.to_uppercase(), path, summary], None);
        }
    }
    html.push_str("</table><h2>Reasons</h2><p>The closed set of <code>reasons[].code</code>.</p>");
    html.push_str("<table><tr><th>Code</th><th>Degrades</th><th>Meaning</th></tr>");
    for code in ReasonCode::ALL {
        let degrades = if code.degrades() { "yes" } else { "" };
        row(&mut html, &[code.as_str(), degrades, code.sentence()], Some(code.as_str()));
    }
    html.push_str("</table><h2>Problems</h2><p>The closed set of <code>code</code> in an error answer.</p>");
    html.push_str("<table><tr><th>Code</th><th>Status</th><th>Meaning</th></tr>");
    for code in ProblemCode::ALL {
        let status = code.status().as_u16().to_string();
        row(&mut html, &[code.as_str(), &status, code.title()], Some(code.as_str()));
    }
    html.push_str("</table></main></body></html>\n");
    html
}

fn row(html: &mut String, cells: &[&str], id: Option<&str>) {
    // Writing to a string never fails; every cell is our own text, but a `<` stays a `<`.
    let _ = match id {
        Some(id) => write!(html, "<tr id=\"{id}\">"),
        None => write!(html, "<tr>"),
    };
    for (idx, cell) in cells.iter().enumerate() {
        let cell = cell.replace('&', "&amp;").replace('<', "&lt;");
        let _ = if idx + 1 < cells.len() {
            write!(html, "<td><code>{cell}</code></td>")
        } else {
            write!(html, "<td>{cell}</td>")
        };
    }
    html.push_str("</tr>");
}

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>diffrisk API</title>\
<meta name=\"viewport\" content=\"width=device-width\"><style>body{font:16px/1.5 system-ui,sans-serif;margin:0}\
main{max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;width:100%}\
td,th{text-align:left;border-bottom:1px solid #8884;padding:.3rem .6rem .3rem 0;vertical-align:top;overflow-wrap:anywhere}\
:target{background:#fe94}</style></head><body><main><h1>diffrisk API</h1>\
<p>Ask <code>POST /v1/score</code> about a change before it rolls out; act on <code>decision</code>. \
Anything in doubt is <code>extra_validation</code> with <code>\"degraded\": true</code>. \
The whole contract: <a href=\"/openapi.json\">OpenAPI 3.1</a>.</p>";
