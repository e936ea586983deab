//! What the service says about itself to programs: OpenAPI.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{Content, Ref, RefOr, Schema};

use crate::http::routes::{admin, decisions, health, infer, outcomes, overrides, score, suspects};
use crate::http::{ProblemCode, wire};
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
        score::one, score::batch, decisions::list, decisions::one, overrides::override_one, outcomes::report,
        suspects::list,
        admin::refresh, admin::model, admin::activate, admin::rollback, admin::policy, admin::reload_policy, infer::live,
        infer::ready, infer::metadata, infer::model_ready, infer::infer, health::live, health::ready,
        health::metrics
    ),
    components(schemas(wire::Answer, crate::http::ProblemBody)),
    modifiers(&Bearer, &Problems, &Strict, &Codes),
    servers((url = "/", description = "Wherever this document comes from")),
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

/// Which codes there are, of reasons and of problems. Codes are added: who reads them knows what to do with one that is new.
struct Codes;

impl utoipa::Modify for Codes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let schemas = openapi.components.iter_mut().flat_map(|components| &mut components.schemas);
        for (name, schema) in schemas {
            let codes: Vec<&str> = match name.as_str() {
                "ReasonAnswer" => ReasonCode::ALL.iter().map(|code| code.as_str()).collect(),
                "ProblemBody" => ProblemCode::ALL.iter().map(|code| code.as_str()).collect(),
                _ => continue,
            };
            let RefOr::T(Schema::Object(object)) = schema else { continue };
            if let Some(RefOr::T(Schema::Object(code))) = object.properties.get_mut("code") {
                code.extensions = Some([("x-extensible-enum", codes)].into_iter().collect());
            }
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
    static TEXT: LazyLock<String> = LazyLock::new(openapi_json);
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], TEXT.as_str()).into_response()
}

/// A route, for people.
pub(in crate::http) struct RouteLine {
    pub(in crate::http) method: String,
    pub(in crate::http) path: String,
    pub(in crate::http) summary: String,
}

/// Every route of the document.
pub(in crate::http) fn route_lines() -> &'static [RouteLine] {
    static LINES: LazyLock<Vec<RouteLine>> = LazyLock::new(read_route_lines);
    &LINES
}

fn read_route_lines() -> Vec<RouteLine> {
    let value = serde_json::to_value(Document::openapi()).unwrap_or_default();
    let mut lines = Vec::new();
    for (path, item) in value["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let summary = operation["summary"].as_str().unwrap_or("").replace('`', "");
            lines.push(RouteLine { method: method.to_uppercase(), path: path.clone(), summary });
        }
    }
    lines
}
