//! The buttons under a decision and of a suspect: what became of the change, on the same path as `POST /v1/outcomes`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::response::Response;

use crate::http::auth::Scope;
use crate::http::compose::moment;
use crate::http::fields::Fields;
use crate::http::pages::form::{Form, query};
use crate::http::pages::frame::{problem, see_other};
use crate::http::pages::session::Reader;
use crate::http::pages::suspects::{self, RefusedReport};
use crate::http::routes::outcomes;
use crate::http::service::Service;
use crate::http::{ApiError, Json, ProblemCode};

/// What a suspect did.
pub(super) const INCIDENT: &str = "incident";
/// What a button reports, and what it says.
pub(super) const BUTTONS: [(&str, &str); 3] =
    [("harmless", "It went fine"), (INCIDENT, "It caused an incident"), ("reverted", "It was reverted")];
/// Takes back what was reported by mistake.
const RETRACTED: &str = "retracted";

/// What a page says of a form that was just taken in, by the word that its address carries.
pub(super) fn recorded(word: &str) -> Option<&'static str> {
    match word {
        "1" => Some("Recorded. Thank you: the next model learns from it."),
        "withdrawn" => {
            Some("Recorded: what was reported is withdrawn, and no model learns from it any more.")
        }
        _ => None,
    }
}

/// The word for a button, and where on the page it is read.
fn recorded_query(form: &Form) -> &'static str {
    match form.value("outcome") {
        RETRACTED => "recorded=withdrawn#recorded",
        _ => "recorded=1#recorded",
    }
}

/// Records what a person says, and leads back to the decision.
pub(super) async fn take(
    State(service): State<Arc<Service>>,
    Extension(reader): Extension<Reader>,
    Path(id): Path<String>,
    body: Body,
) -> Response {
    match report(&service, &reader, &id, body).await {
        Ok(recorded) => see_other(&format!("/decisions/{id}?{recorded}")),
        Err(api_error) => problem(&api_error, Some(&reader)),
    }
}

/// Records that a suspect broke it, or takes that back, and leads back to the suspects.
pub(super) async fn take_of_suspect(
    State(service): State<Arc<Service>>,
    Extension(reader): Extension<Reader>,
    body: Body,
) -> Response {
    let form = match read(&service, &reader, body).await {
        Ok(form) => form,
        Err(api_error) => return problem(&api_error, Some(&reader)),
    };
    let asked = query(&["repo", "at", "hours", "path"].map(|name| (name, form.value(name))));
    match blame(&service, &reader, &form).await {
        Ok(()) => see_other(&format!("/suspects?{asked}&{}", recorded_query(&form))),
        Err(api_error) if is_of_the_incident(&api_error) => {
            let incident_id = form.value("incident_id").to_owned();
            let refused = RefusedReport { commit: form.value("commit").to_owned(), incident_id };
            suspects::again(&service, &reader, &asked, (refused, &api_error)).await
        }
        Err(api_error) => problem(&api_error, Some(&reader)),
    }
}

/// Whether the one field that a person fills in is at fault.
fn is_of_the_incident(api_error: &ApiError) -> bool {
    api_error.path.as_deref().is_some_and(|path| path.ends_with("incident_id"))
}

async fn report(
    service: &Arc<Service>,
    reader: &Reader,
    id: &str,
    body: Body,
) -> Result<&'static str, ApiError> {
    let form = read(service, reader, body).await?;
    let is_button = |word: &str| word == RETRACTED || BUTTONS.iter().any(|(outcome, _)| *outcome == word);
    let now = moment(service.now_ms().div_euclid(1000));
    record(service, reader, &form, (is_button, &now), &[("decision_id", id)]).await?;
    Ok(recorded_query(&form))
}

async fn blame(service: &Arc<Service>, reader: &Reader, form: &Form) -> Result<(), ApiError> {
    let is_button = |word: &str| [INCIDENT, RETRACTED].contains(&word);
    let named = ["repo", "commit"].map(|name| (name, form.value(name)));
    record(service, reader, form, (is_button, form.value("at")), &named).await
}

async fn read(service: &Arc<Service>, reader: &Reader, body: Body) -> Result<Form, ApiError> {
    if !reader.may(Scope::Outcome) {
        let detail = "reporting an outcome needs a key with the scope `outcome`";
        return Err(ApiError::new(ProblemCode::Forbidden, detail));
    }
    Form::read(body, &service.config.limits).await
}

/// Records the button that was pressed, about the change that is named.
async fn record(
    service: &Arc<Service>,
    reader: &Reader,
    form: &Form,
    (is_button, occurred_at): (impl Fn(&str) -> bool, &str),
    named: &[(&str, &str)],
) -> Result<(), ApiError> {
    let word = form.value("outcome");
    if !is_button(word) {
        return Err(ApiError::new(ProblemCode::InvalidValue, "the form has no such button"));
    }
    let mut said = vec![("outcome", word), ("occurred_at", occurred_at), ("source", "page")];
    said.extend(named);
    let incident_id = form.value("incident_id");
    if !incident_id.is_empty() {
        said.push(("incident_id", incident_id));
    }
    let said = said.into_iter().map(|(name, value)| (name.to_owned(), Json::Text(value.to_owned())));
    outcomes::take(service, &reader.caller, Fields::root(Json::Object(said.collect()))?).await?;
    Ok(())
}
