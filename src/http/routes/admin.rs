//! Routes that look at or exchange the model and the policy, or fold new commits now. What is refused leaves the old one in
//! force.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::features::is_custom;
use crate::http::assessor::{HistoryRef, ModelRef};
use crate::http::error::with_cause;
use crate::http::fields::Fields;
use crate::http::models::SwapStatus;
use crate::http::routes::json;
use crate::http::service::{Service, Serving};
use crate::http::wire::ActivateRequest;
use crate::http::{ApiError, ProblemCode, parse_json};

/// The model in use and how it got there.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ModelAnswer {
    /// The model; null where none is loaded.
    pub model: Option<ModelRef>,
    /// Why there is none.
    pub problem: Option<String>,
    /// Number of values in a vector.
    pub n_features: usize,
    /// Custom features that the model learned from: a question without them gets a degraded answer.
    pub custom_features: Vec<String>,
    /// The last change of model.
    pub status: SwapStatus,
}

/// The policy in use.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PolicyAnswer {
    /// Its digest; null where no policy is loaded.
    pub digest: Option<String>,
    /// The file.
    pub text: Option<String>,
    /// Why the last new policy was refused; null when it was taken.
    pub refused: Option<String>,
}

/// The model in use.
#[utoipa::path(get, path = "/v1/model", tag = "model", operation_id = "get_model", responses((status = 200, description = "The model", body = ModelAnswer)))]
pub(in crate::http) async fn model(State(service): State<Arc<Service>>) -> Response {
    let (serving, status) = service.model_status().await;
    json(StatusCode::OK, &model_answer(&serving, status))
}

/// Swaps in another model of the registry; a bad one is refused and the one in use stays.
#[utoipa::path(
    post, path = "/v1/model/activate", tag = "model", operation_id = "activate_model", request_body = ActivateRequest,
    responses(
        (status = 200, description = "It is in use", body = ModelAnswer),
        (status = 409, description = "It was refused, and why", body = crate::http::ProblemBody, content_type = "application/problem+json")
    )
)]
pub(in crate::http) async fn activate(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let bytes = service.bodies.read_small(&headers, body).await?;
    let mut fields = Fields::root(parse_json(&bytes)?)?;
    let name = fields.required("name")?.name(100)?;
    let version = fields.required("version")?.name(100)?;
    fields.finish()?;
    service.activate(&name, &version).await?;
    Ok(model(State(service)).await)
}

/// Goes back to the model before the one in use, in one call and without reading a file.
#[utoipa::path(
    post, path = "/v1/model/rollback", tag = "model", operation_id = "rollback_model",
    responses(
        (status = 200, description = "It is in use again", body = ModelAnswer),
        (status = 409, description = "There is none", body = crate::http::ProblemBody, content_type = "application/problem+json")
    )
)]
pub(in crate::http) async fn rollback(State(service): State<Arc<Service>>) -> Result<Response, ApiError> {
    service.rollback().await?;
    Ok(model(State(service)).await)
}

/// The policy in use.
#[utoipa::path(get, path = "/v1/policy", tag = "policy", operation_id = "get_policy", responses((status = 200, description = "The policy", body = PolicyAnswer)))]
pub(in crate::http) async fn policy(State(service): State<Arc<Service>>) -> Response {
    let in_use = service.serving.load().policy.clone();
    let answer = PolicyAnswer {
        digest: in_use.as_ref().map(|in_use| in_use.policy.policy_digest().to_owned()),
        text: in_use.as_ref().map(|in_use| in_use.text.clone()),
        refused: service.policy_refused.get(),
    };
    json(StatusCode::OK, &answer)
}

/// Reads the policy file again; a bad one is refused and the one in use stays.
#[utoipa::path(
    post, path = "/v1/policy/reload", tag = "policy", operation_id = "reload_policy",
    responses(
        (status = 200, description = "It is in use", body = PolicyAnswer),
        (status = 409, description = "It was refused, and why", body = crate::http::ProblemBody, content_type = "application/problem+json")
    )
)]
pub(in crate::http) async fn reload_policy(
    State(service): State<Arc<Service>>,
) -> Result<Response, ApiError> {
    service.reload_policy().await?;
    Ok(policy(State(service)).await)
}

/// Folds new commits of a repository now.
#[utoipa::path(
    post, path = "/v1/repos/{name}/refresh", tag = "repositories", operation_id = "refresh_repository",
    params(("name" = String, Path, description = "The repository's name")),
    responses(
        (status = 200, description = "How far the history is known now", body = HistoryRef),
        (status = 404, description = "No such repository", body = crate::http::ProblemBody, content_type = "application/problem+json")
    )
)]
pub(in crate::http) async fn refresh(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    let refreshed = service.refresh(&name).await.ok_or_else(|| ApiError::standard(ProblemCode::NotFound))?;
    let history = refreshed.map_err(|error| {
        tracing::error!(error = with_cause(&error), "a repository cannot be refreshed");
        ApiError::standard(ProblemCode::RepositoryUnavailable).retry_after(10)
    })?;
    Ok(json(StatusCode::OK, &history))
}

fn model_answer(serving: &Serving, status: SwapStatus) -> ModelAnswer {
    let model = serving.assessor.model();
    ModelAnswer {
        model: model.as_ref().ok().map(|model| (*model).clone()),
        problem: model.err().map(|reason| reason.text),
        n_features: serving.assessor.features().len(),
        custom_features: serving.assessor.features().iter().filter(|name| is_custom(name)).cloned().collect(),
        status,
    }
}
