//! The buttons under a decision: what became of the change, on the same path as `POST /v1/outcomes`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::response::Response;

use crate::http::auth::Scope;
use crate::http::fields::Fields;
use crate::http::pages::form::Form;
use crate::http::pages::frame::{problem, see_other};
use crate::http::pages::session::Reader;
use crate::http::routes::outcomes;
use crate::http::service::Service;
use crate::http::{ApiError, Json, ProblemCode};

/// What a button reports, and what it says.
pub(super) const BUTTONS: [(&str, &str); 3] =
    [("harmless", "It went fine"), ("incident", "It caused an incident"), ("reverted", "It was reverted")];
/// Takes back what was reported by mistake.
const RETRACTED: &str = "retracted";

/// Records what a person says, and leads back to the decision.
pub(super) async fn take(
    State(service): State<Arc<Service>>,
    Extension(reader): Extension<Reader>,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    match report(&service, &reader, &id, body).await {
        Ok(()) => see_other(&format!("/decisions/{id}?recorded=1#outcome")),
        Err(api_error) => problem(&api_error, Some(&reader)),
    }
}

async fn report(service: &Service, reader: &Reader, id: &str, body: Body) -> Result<(), ApiError> {
    if !reader.may(Scope::Outcome) {
        let detail = "reporting an outcome needs a key with the scope `outcome`";
        return Err(ApiError::new(ProblemCode::Forbidden, detail));
    }
    let form = Form::read(body, &service.config.limits).await?;
    let word = form.value("outcome");
    if word != RETRACTED && BUTTONS.iter().all(|(outcome, _)| *outcome != word) {
        return Err(ApiError::new(ProblemCode::InvalidValue, "the form has no such button"));
    }
    let now = crate::http::compose::moment(service.now_ms().div_euclid(1000));
    let mut said = vec![
        ("decision_id", id.to_owned()),
        ("outcome", word.to_owned()),
        ("occurred_at", now),
        ("source", "page".to_owned()),
    ];
    if let Some(incident_id) = form.given("incident_id") {
        said.push(("incident_id", incident_id));
    }
    let said = said.into_iter().map(|(name, value)| (name.to_owned(), Json::Text(value)));
    outcomes::take(service, &reader.caller, Fields::root(Json::Object(said.collect()))?).await?;
    Ok(())
}
