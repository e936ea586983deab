//! The route that reports what became of a change. It adds records and changes none; a report is in force only once it is
//! durable. Start at [`report`].

mod joined;
mod names;
mod said;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::change::ChangeId;
use crate::http::auth::Caller;
use crate::http::fields::Fields;
use crate::http::joins::Joined;
use crate::http::routes::decisions::{failed, unavailable};
use crate::http::routes::json as answer_json;
use crate::http::routes::outcomes::joined::Joins;
use crate::http::routes::outcomes::said::Said;
use crate::http::service::Service;
use crate::http::wire::OutcomeRequest;
use crate::http::{ApiError, ProblemCode, parse_json};

/// How long a report waits for questions that were asked before it, and how long these are waited for beside.
const LATE_ANSWER: Duration = Duration::from_secs(1);
const LATE_ANSWERS: Duration = Duration::from_secs(120);

/// An outcome was recorded.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OutcomeAnswer {
    /// Identity of the record.
    pub outcome_id: String,
    /// The decisions on that change, the surest join first.
    pub joined: Vec<JoinedAnswer>,
}

/// A decision that an outcome belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct JoinedAnswer {
    /// The decision.
    pub decision_id: String,
    /// `decision_id`, `commit`, `id`, `cherry_pick` or `digest`.
    pub joined_by: String,
}

impl JoinedAnswer {
    fn of(joined: &Joined) -> Self {
        Self { decision_id: joined.record.id.clone(), joined_by: joined.by.as_str().to_owned() }
    }
}

/// Reports what became of a change; labels are made of it.
#[utoipa::path(
    post, path = "/v1/outcomes", tag = "outcomes", operation_id = "report_outcome", request_body = OutcomeRequest,
    responses(
        (status = 201, description = "It is on disk", body = OutcomeAnswer),
        (status = 404, description = "No such decision", body = crate::http::ProblemBody, content_type = "application/problem+json")
    )
)]
pub(in crate::http) async fn report(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let bytes = service.bodies.read_small(&headers, body).await?;
    let outcome_answer = take(&service, &caller, Fields::root(parse_json(&bytes)?)?).await?;
    Ok(answer_json(StatusCode::CREATED, &outcome_answer))
}

/// Records an outcome, takes standing decisions back where it is a bad one, and tells the history.
pub(in crate::http) async fn take(
    service: &Arc<Service>,
    caller: &Caller,
    fields: Fields,
) -> Result<OutcomeAnswer, ApiError> {
    let now_ms = service.now_ms();
    let newest_known_at = service.newest_known_at.load(Ordering::Relaxed);
    let mut said = Said::read(fields, now_ms.div_euclid(1000), newest_known_at)?;
    let store = service.open_store().ok_or_else(unavailable)?;
    let reported = said.resolve(store).await?;
    let Joins { decisions, landed } = Joins::find(service, store, &said, reported, now_ms).await?;
    said.take_names(store, landed, &decisions).await.map_err(|error| failed(&error))?;
    said.head = newest(service, said.repo.clone()).await?;
    let mut joined: Vec<JoinedAnswer> = decisions.iter().map(JoinedAnswer::of).collect();
    let new_records = said.records(caller, &decisions, &joined, now_ms);
    let outcome_id = new_records[0].id.clone();
    store.append(new_records).await.map_err(|error| failed(&error))?;
    service.newest_known_at.fetch_max(said.known_at, Ordering::Relaxed);
    service.metrics.outcomes.inc();
    tell_histories(service, &said).await?;
    if said.is_bad() {
        let late = tokio::spawn(take_back_late(Arc::clone(service), said, decisions));
        if let Ok(Ok(late)) = tokio::time::timeout(LATE_ANSWER, late).await {
            joined.extend(late);
        }
    }
    Ok(OutcomeAnswer { outcome_id, joined })
}

/// Waits a moment for the histories' locks.
async fn tell_histories(service: &Service, said: &Said) -> Result<(), ApiError> {
    let (serving, outcome_records) = (service.serving.load_full(), said.outcome_records());
    let told = tokio::task::spawn_blocking(move || {
        outcome_records.iter().for_each(|outcome_record| serving.assessor.report(outcome_record));
    });
    told.await.map_err(|_| ApiError::standard(ProblemCode::Internal))
}

/// Takes back what was decided by who asked before the history knew, and was recorded after its decisions were looked for.
async fn take_back_late(service: Arc<Service>, said: Said, earlier: Vec<Joined>) -> Vec<JoinedAnswer> {
    service.asking.earlier_within(LATE_ANSWERS).await;
    let late = async {
        let store = service.open_store().ok_or_else(unavailable)?;
        let late = Joins::find(&service, store, &said, None, service.now_ms()).await?.since(&earlier);
        let revocations = said.revocations(&late, service.now_ms());
        if !revocations.is_empty() {
            store.append(revocations).await.map_err(|error| failed(&error))?;
        }
        Ok::<_, ApiError>(late.iter().map(JoinedAnswer::of).collect())
    };
    late.await.unwrap_or_else(|error| {
        tracing::error!(error = %error, "what was decided while a report came could not be taken back");
        Vec::new()
    })
}

/// The newest change of a followed repository.
async fn newest(service: &Service, repo: Option<String>) -> Result<Option<ChangeId>, ApiError> {
    let Some(repo) = repo else { return Ok(None) };
    let serving = service.serving.load_full();
    let read = tokio::task::spawn_blocking(move || serving.assessor.newest(&repo));
    read.await.map_err(|_| ApiError::standard(ProblemCode::Internal))
}
