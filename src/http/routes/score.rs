//! Routes that score: one change or a batch. Bodies, keys for repeating a request and deadlines are looked at here; what is
//! answered is made in `score`. Start at [`one`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::http::assessor::Target;
use crate::http::auth::Caller;
use crate::http::body::Whole;
use crate::http::explain::explained_again;
use crate::http::gate::{LONGEST_WAIT, Turn};
use crate::http::percent::unescape;
use crate::http::routes::{json, json_text};
use crate::http::score::{Given, Include, Job, answer_all};
use crate::http::service::Service;
use crate::http::trace::TraceContext;
use crate::http::wire::{Answer, BatchAnswer, BatchRequest, ScoreRequest};
use crate::http::{ApiError, ProblemCode, decode, parse_json};

const MAX_KEY_BYTES: usize = 255;
/// Body that is read, and body that is scored as well, within some half a millisecond.
const SMALL_BYTES: usize = 64 << 10;
const BRIEF_BYTES: usize = 8 << 10;
/// Scores of one request above which it takes long; a range does.
const N_BRIEF: u32 = 8;

/// Scores one change and decides on it.
#[utoipa::path(
    post, path = "/v1/score", tag = "score", operation_id = "score",
    params(
        ("include" = Option<String>, Query, pattern = "^(vector|explanation)(,(vector|explanation))*$", description = "`vector` adds the feature vector and the tokens, `explanation` adds `explained`; both: `vector,explanation`"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, description = "The same key and body: the same decision, for 24 hours or until it expires")
    ),
    request_body = ScoreRequest,
    responses(
        (status = 200, description = "The decision; `degraded` where the service cannot vouch", body = Answer),
        (status = "4XX", description = "The request was nonsense; no decision was made", body = crate::http::ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Not now; see `Retry-After`", body = crate::http::ProblemBody, content_type = "application/problem+json")
    )
)]
pub(in crate::http) async fn one(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    Extension(context): Extension<TraceContext>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let Request { mut job, body, received_at } =
        Request::read(&service, (caller, context), query, &headers, body).await?;
    let turn = service.gate.enter(service.config.patience()).await?;
    let limits = service.config.limits.clone();
    let decode = move |json| decode::question(json, &limits, received_at).map(|question| vec![Ok(question)]);
    let turn = parse(&service, &mut job, (body, turn), decode).await?;
    if n_scores(&job.questions) > 1 {
        job.deadline = Instant::now() + time_for(&service, &job.questions);
    }
    let explained = job.include.explanation.then(|| job.questions.clone());
    let mut answers = answer_all(&service, job, turn).await;
    let Given { answer, written, .. } =
        answers.pop().unwrap_or_else(|| Err(ApiError::standard(ProblemCode::Internal)))?;
    if let Some(question) = explained.and_then(|mut questions| questions.pop()?.ok()) {
        return Ok(json(StatusCode::OK, &explain_beside(&service, question, answer).await));
    }
    Ok(written.map_or_else(|| json(StatusCode::OK, &answer), |written| json_text(StatusCode::OK, written)))
}

/// Scores many changes, each on its own, against one history head, model and policy.
#[utoipa::path(
    post, path = "/v1/score/batch", tag = "score", operation_id = "score_batch",
    params(
        ("include" = Option<String>, Query, pattern = "^vector$", description = "`vector` adds the feature vector and the tokens to each answer"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, description = "The same key and body: the same decisions, for 24 hours or until they expire")
    ),
    request_body = BatchRequest,
    responses(
        (status = 200, description = "An answer or a problem each, in order", body = BatchAnswer),
        (status = "4XX", description = "The request as a whole was nonsense", body = crate::http::ProblemBody, content_type = "application/problem+json")
    )
)]
pub(in crate::http) async fn batch(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    Extension(context): Extension<TraceContext>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let Request { mut job, body, received_at } =
        Request::read(&service, (caller, context), query, &headers, body).await?;
    if job.include.explanation {
        let detail = "a batch has no explanations: ask `/v1/score`";
        return Err(ApiError::new(ProblemCode::BadQuery, detail));
    }
    let turn = service.gate.enter(service.config.patience()).await?;
    let limits = service.config.limits.clone();
    let decode = move |json| decode::batch(json, &limits, received_at);
    let mut turn = parse(&service, &mut job, (body, turn), decode).await?;
    job.deadline = Instant::now() + time_for(&service, &job.questions);
    turn.shared_by(job.questions.len());
    let answers = answer_all(&service, job, turn).await;
    let value = |given: Result<Given, ApiError>| match given {
        Ok(given) => serde_json::to_value(given.answer),
        Err(api_error) => serde_json::to_value(api_error.body()),
    };
    let results: Result<Vec<_>, _> = answers.into_iter().map(value).collect();
    let results = results.map_err(|_| ApiError::standard(ProblemCode::Internal))?;
    Ok(json(StatusCode::OK, &BatchAnswer { results }))
}

/// The deadline is for one score; many have one for each, up to a minute.
fn time_for(service: &Service, questions: &Questions) -> Duration {
    let deadline = service.config.deadline;
    deadline.saturating_mul(n_scores(questions)).min(Duration::from_secs(60)).max(deadline)
}

/// How many scores' time an answer has: a range is scored as a whole and commit by commit.
fn n_scores(questions: &Questions) -> u32 {
    const OF_RANGE: u32 = 10;
    let is_range =
        |question: &decode::Question| matches!(question.asked.target, Target::Commit { base: Some(_), .. });
    let scores = questions.iter().map(|question| match question {
        Ok(question) if is_range(question) => OF_RANGE,
        Ok(_) | Err(_) => 1,
    });
    scores.fold(0, u32::saturating_add).max(1)
}

/// A request for scores after its body was read.
struct Request {
    job: Job,
    body: Whole,
    received_at: i64,
}

impl Request {
    async fn read(
        service: &Service,
        (caller, context): (Caller, TraceContext),
        query: Option<String>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Self, ApiError> {
        let include = include(query.as_deref())?;
        let key = idempotency_key(headers)?;
        let body = service.bodies.read(headers, body).await?;
        let key = key.map(|key| (key, Sha256::digest(&*body).into()));
        let deadline = Instant::now() + service.config.deadline;
        let TraceContext { request_id, trace_id, .. } = context;
        let (questions, is_small) = (Vec::new(), body.len() <= BRIEF_BYTES);
        let job = Job {
            caller,
            questions,
            is_small,
            takes_long: false,
            key,
            include,
            deadline,
            request_id,
            trace_id,
        };
        Ok(Self { job, body, received_at: service.now_ms().div_euclid(1000) })
    }
}

type Questions = Vec<Result<decode::Question, ApiError>>;

/// Reads the questions of a request: small bodies in place, large ones where they hold up nobody else. Gives the turn that they are
/// worked on in: where they take long, one that leaves others theirs, and until there is one the body keeps its room.
async fn parse(
    service: &Service,
    job: &mut Job,
    (body, turn): (Whole, Turn),
    decode: impl FnOnce(crate::http::Json) -> Result<Questions, ApiError> + Send + 'static,
) -> Result<Turn, ApiError> {
    let (questions, _body) = if body.len() <= SMALL_BYTES {
        (decode(parse_json(&body)?), body)
    } else {
        let parsed = tokio::task::spawn_blocking(move || (parse_json(&body).and_then(decode), body)).await;
        parsed.map_err(|_| ApiError::standard(ProblemCode::Internal))?
    };
    job.questions = questions?;
    job.takes_long = n_scores(&job.questions) > N_BRIEF;
    if !job.takes_long {
        return Ok(turn);
    }
    drop(turn.uncounted());
    service.gate.enter_long(LONGEST_WAIT).await
}

fn include(query: Option<&str>) -> Result<Include, ApiError> {
    let mut include = Include::default();
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(include) };
    let words = query.strip_prefix("include=").and_then(unescape).unwrap_or_default();
    for word in words.split(',') {
        match word {
            "vector" => include.vector = true,
            "explanation" => include.explanation = true,
            _ => {
                let detail = "the only query is `include`, with `vector`, `explanation` or both";
                return Err(ApiError::new(ProblemCode::BadQuery, detail));
            }
        }
    }
    Ok(include)
}

/// How long the explanation beside an answer may take; the decision stands without it.
const EXPLANATION_TIME: Duration = Duration::from_secs(2);

/// The answer with the whole explanation; as it was, with a warning, where there is no time for one now.
async fn explain_beside(service: &Arc<Service>, question: decode::Question, mut answer: Answer) -> Answer {
    let no_time = "the explanation was left out: the service is busy";
    let Ok(turn) = service.gate.enter_long(service.config.patience()).await else {
        answer.warnings.push(no_time.to_owned());
        return answer;
    };
    let (serving, given) = (service.serving.load_full(), answer.clone());
    let work = service.workers.run(true, move || {
        let explanation = explained_again(&serving, &question, &given);
        drop(turn);
        explanation
    });
    match tokio::time::timeout(EXPLANATION_TIME, work).await {
        Ok(Some(Some(explanation))) => answer.explained = Some(Box::new(explanation)),
        Ok(Some(None)) => answer.warnings.push("the explanation was left out: nothing was scored".to_owned()),
        Ok(None) | Err(_) => answer.warnings.push(no_time.to_owned()),
    }
    answer
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ApiError::new(ProblemCode::BadHeader, "`Idempotency-Key` came twice"));
    }
    let key = value.to_str().ok().filter(|key| (1..=MAX_KEY_BYTES).contains(&key.len()));
    let refused = || {
        let detail = format!("`Idempotency-Key` takes 1 to {MAX_KEY_BYTES} visible characters");
        ApiError::new(ProblemCode::BadHeader, detail)
    };
    key.map(|key| Some(key.to_owned())).ok_or_else(refused)
}

/// A handler's error is an answer as well.
impl From<ApiError> for Response {
    fn from(api_error: ApiError) -> Self {
        api_error.into_response()
    }
}
