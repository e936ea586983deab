//! `POST /v1/score`: question, assessment, decision, record, answer; any doubt on the way degrades.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::http::asking::Unanswered;
use crate::http::assess::{assess_all, doubt_clocks};
use crate::http::auth::Caller;
use crate::http::compose::{Composed, compose, degrade, hollow};
use crate::http::decode::Question;
use crate::http::gate::Turn;
use crate::http::metrics::{BudgetLabels, CodeLabels, DecisionLabels};
use crate::http::service::{Service, Serving};
use crate::http::wire::Answer;
use crate::http::{ApiError, ProblemCode};
use crate::policy::{Reading, Reason, ReasonCode};
use crate::store::{Appended, Claim, Error, NewRecord, Record, Store};
use sha2::{Digest, Sha256};

/// Decisions of a batch that are recorded at once: some ten milliseconds of the log's time.
const MAX_AT_ONCE: usize = 100;

/// What is asked, by whom, and how much time there is.
pub(super) struct Job {
    pub(super) caller: Caller,
    pub(super) questions: Vec<Result<Question, ApiError>>,
    /// Whether the body is too small for any of them to take long.
    pub(super) is_small: bool,
    /// Whether they are too many to be answered before others.
    pub(super) takes_long: bool,
    /// The idempotency key, and the digest of the whole body.
    pub(super) key: Option<(String, [u8; 32])>,
    pub(super) include: Include,
    pub(super) deadline: Instant,
    pub(super) request_id: String,
    pub(super) trace_id: String,
}

/// What is added to an answer because it was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Include {
    /// The feature vector and the tokens.
    pub(super) vector: bool,
    /// The whole explanation.
    pub(super) explanation: bool,
}

/// An answer, and its words where they are those of its record.
pub(super) struct Given {
    pub(super) answer: Answer,
    pub(super) written: Option<String>,
    /// Whether it was answered before.
    is_reused: bool,
}

/// One result a question, in order.
pub(super) type Results = Vec<Result<Given, ApiError>>;

/// Answers all questions of a request against one model, one policy and one state of each history. The turn ends with the scoring: whoever waits for the disk keeps nobody from thinking.
pub(super) async fn answer_all(service: &Arc<Service>, job: Job, turn: Turn) -> Results {
    let started = Instant::now();
    let unanswered = service.asking.begin();
    let serving = service.serving.load_full();
    let now_ms = service.now_ms();
    let composed = compose_all(service, &serving, &job, now_ms, turn).await;
    service.metrics.scoring_seconds.observe(started.elapsed().as_secs_f64());
    let mut results: Vec<Result<Composed, ApiError>> = Vec::new();
    for (idx, result) in composed.into_iter().enumerate() {
        results.push(result.map(|mut composed| {
            composed.new_record.claim = job.key.as_ref().map(|key| claim(&job.caller, key, idx));
            composed
        }));
    }
    let answers = record_all(service, results, job.deadline, unanswered).await;
    let answers: Results = answers.into_iter().map(|answer| answer.map(|it| finish(it, &job))).collect();
    for given in answers.iter().flatten() {
        note(service, given, &job, started);
    }
    answers
}

/// Scores and decides, for no longer than the deadline. The work holds the turn, so that what nobody waits for any more
/// still counts as work.
async fn compose_all(
    service: &Arc<Service>,
    serving: &Arc<Serving>,
    job: &Job,
    now_ms: i64,
    turn: Turn,
) -> Vec<Result<Composed, ApiError>> {
    let questions: Vec<Question> = job.questions.iter().flatten().cloned().collect();
    let is_brief = job.is_small && is_brief(serving, &questions) && !service.gate.is_crowded();
    if is_brief {
        // What arrived meanwhile is read first, so that it waits for a turn of its own or is told to come back.
        tokio::task::yield_now().await;
    }
    let done = if job.deadline <= Instant::now() {
        None
    } else {
        let shared = Arc::clone(serving);
        let max_skew = service.config.max_clock_skew;
        let takes_long = job.takes_long;
        let work = move || {
            let composed = compose_each(&shared, &questions, now_ms, max_skew);
            drop(turn);
            composed
        };
        if is_brief {
            let done = catch_unwind(AssertUnwindSafe(work)).ok();
            (Instant::now() < job.deadline).then_some(done)
        } else {
            tokio::time::timeout_at(job.deadline.into(), service.workers.run(takes_long, work)).await.ok()
        }
    };
    let mut composed = match done {
        Some(Some(composed)) => composed,
        Some(None) => doubt_all(serving, job, ReasonCode::InternalError, now_ms),
        None => doubt_all(serving, job, ReasonCode::DeadlinePassed, now_ms),
    }
    .into_iter();
    let in_order = job.questions.iter().map(|question| match question {
        Ok(_) => composed.next().unwrap_or_else(|| Err(ApiError::standard(ProblemCode::Internal))),
        Err(api_error) => Err(api_error.clone()),
    });
    in_order.collect()
}

/// Whether the questions are answered in less time than it takes to hand them to another thread and wake it. What rules cost is
/// their author's choice.
fn is_brief(serving: &Serving, questions: &[Question]) -> bool {
    let [question] = questions else { return false };
    let has_rules = serving.policy.as_ref().is_some_and(|in_use| in_use.policy.has_rules());
    !has_rules && serving.assessor.is_brief(&question.repo, &question.asked)
}

fn compose_each(
    serving: &Serving,
    questions: &[Question],
    now_ms: i64,
    max_skew: Duration,
) -> Vec<Result<Composed, ApiError>> {
    let assessed = assess_all(serving.assessor.as_ref(), questions);
    let pairs = questions.iter().zip(assessed);
    let composed = pairs.map(|(question, assessed)| {
        let mut assessed = assessed?;
        doubt_clocks(&mut assessed, now_ms, max_skew);
        Ok(compose(serving, question, assessed, now_ms))
    });
    composed.collect()
}

fn doubt_all(serving: &Serving, job: &Job, code: ReasonCode, now_ms: i64) -> Vec<Result<Composed, ApiError>> {
    let questions = job.questions.iter().flatten();
    let doubted = |question: &Question| {
        let mut assessed = hollow(&question.asked, Reason::standard(code));
        if code == ReasonCode::DeadlinePassed {
            assessed.facts.reading = Reading::TooLong;
        }
        assessed
    };
    questions.map(|question| Ok(compose(serving, question, doubted(question), now_ms))).collect()
}

/// Waits until the disk has every decision; those that it may not have are degraded.
async fn record_all(
    service: &Arc<Service>,
    results: Vec<Result<Composed, ApiError>>,
    deadline: Instant,
    unanswered: Unanswered,
) -> Vec<Result<Recorded, ApiError>> {
    let started = Instant::now();
    let (mut answers, mut new_records) = (Vec::with_capacity(results.len()), Vec::new());
    for result in results {
        answers.push(result.map(|composed| {
            new_records.push(composed.new_record);
            composed.answer
        }));
    }
    let n_records = new_records.len();
    let deadline = deadline.max(started + service.config.record_time);
    let (appended, code) = append(service, new_records, deadline, unanswered).await;
    service.metrics.record_seconds.observe(started.elapsed().as_secs_f64());
    // The key is that of the whole request, which is another one.
    let is_refused = appended.contains(&Appended::Conflict);
    let mut appended = match is_refused {
        true => vec![Appended::Conflict; n_records],
        false => appended,
    }
    .into_iter();
    let recorded = answers.into_iter().map(|answer| {
        let answer = answer?;
        match appended.next() {
            Some(Appended::New(record)) => Ok(Recorded { answer, record: Some(record), is_reused: false }),
            Some(Appended::Earlier(record)) => {
                service.metrics.reused.inc();
                reused(record)
            }
            Some(Appended::Conflict) => Err(ApiError::standard(ProblemCode::IdempotencyConflict)),
            None => Ok(unrecorded(answer, code)),
        }
    });
    recorded.collect()
}

/// What became of the first of some records, and why nothing did of the others. What is not appended in time may be appended later:
/// its question counts as unanswered until then.
async fn append(
    service: &Arc<Service>,
    new_records: Vec<NewRecord>,
    deadline: Instant,
    unanswered: Unanswered,
) -> (Vec<Appended>, ReasonCode) {
    if service.open_store().is_none() || service.is_store_away() {
        return (Vec::new(), ReasonCode::StoreDown);
    }
    let service = Arc::clone(service);
    let mut appending = Box::pin(async move {
        let _unanswered = unanswered;
        match &service.store {
            Some(store) => append_in_parts(store, new_records).await,
            None => (Vec::new(), ReasonCode::StoreDown),
        }
    });
    match tokio::time::timeout_at(deadline.into(), &mut appending).await {
        Ok(appended) => appended,
        Err(_) => {
            tokio::spawn(appending);
            (Vec::new(), ReasonCode::StoreSlow)
        }
    }
}

/// Appends some records after others, so that nobody waits for all of a batch; none after a conflict, which refuses them all.
async fn append_in_parts(store: &Store, new_records: Vec<NewRecord>) -> (Vec<Appended>, ReasonCode) {
    let (mut appended, mut rest) = (Vec::with_capacity(new_records.len()), new_records);
    while !rest.is_empty() && !appended.contains(&Appended::Conflict) {
        let later = rest.split_off(rest.len().min(MAX_AT_ONCE));
        match store.append(rest).await {
            Ok(of_part) => appended.extend(of_part),
            Err(Error::Full) => return (appended, ReasonCode::StoreSlow),
            Err(error) => {
                tracing::error!(error = %error, "a decision could not be recorded");
                return (appended, ReasonCode::StoreDown);
            }
        }
        rest = later;
    }
    (appended, ReasonCode::StoreDown)
}

/// An answer, and the record that stands behind it.
struct Recorded {
    answer: Answer,
    record: Option<Record>,
    is_reused: bool,
}

fn unrecorded(mut answer: Answer, code: ReasonCode) -> Recorded {
    degrade(&mut answer, code);
    answer.decision_id = None;
    answer.links = None;
    Recorded { answer, record: None, is_reused: false }
}

fn reused(record: Record) -> Result<Recorded, ApiError> {
    let answer = serde_json::from_str(&record.body).map_err(|_| ApiError::standard(ProblemCode::Internal))?;
    Ok(Recorded { answer, record: Some(record), is_reused: true })
}

/// Adds the vector where it was asked for, bit for bit as it was stored.
fn finish(recorded: Recorded, job: &Job) -> Given {
    let Recorded { mut answer, record, is_reused } = recorded;
    match record {
        Some(record) if job.include.vector => {
            let shown = |value: &f32| (!value.is_nan()).then_some(f64::from(*value));
            answer.vector = record.vector().map(|vector| vector.iter().map(shown).collect());
            answer.tokens = record.tokens();
            Given { answer, written: None, is_reused }
        }
        record => Given { answer, written: record.map(|record| record.body), is_reused },
    }
}

fn claim(caller: &Caller, key: &(String, [u8; 32]), idx: usize) -> Claim {
    let digest = |idx: usize| Sha256::digest(format!("{idx}\n{}", key.0)).into();
    Claim {
        api_key: caller.name.clone(),
        key_digest: digest(idx),
        request_digest: digest(0),
        body_digest: key.1,
    }
}

/// Counts a decision, and writes its one line to the log.
fn note(service: &Service, Given { answer, is_reused, .. }: &Given, job: &Job, started: Instant) {
    let labels = DecisionLabels { decision: answer.decision.clone(), degraded: answer.degraded.to_string() };
    service.metrics.decisions.get_or_create(&labels).inc();
    let codes: Vec<&str> = answer.reasons.iter().map(|reason| reason.code.as_str()).collect();
    if answer.degraded {
        let doubts = codes.iter().filter(|code| code.parse().is_ok_and(ReasonCode::degrades));
        doubts.for_each(|code| {
            service.metrics.degraded.get_or_create(&CodeLabels { code: (*code).to_owned() }).inc();
        });
    }
    if let Some(risk) = &answer.risk {
        service.metrics.percentile.observe(risk.percentile);
    }
    if let (Some(_), Some(budget)) = (&answer.risk, &answer.budget) {
        let above = codes.contains(&ReasonCode::RiskAboveBudget.as_str()).to_string();
        let labels = BudgetLabels { season: budget.season.clone(), above };
        service.metrics.budgeted.get_or_create(&labels).inc();
    }
    tracing::info!(
        target: "diffrisk::decision",
        decision_id = answer.decision_id,
        reused = is_reused,
        repo = answer.change.repo,
        commit = answer.change.commit,
        digest = answer.change.digest,
        decision = answer.decision,
        degraded = answer.degraded,
        kind = answer.kind,
        score = answer.risk.as_ref().map(|risk| risk.score),
        percentile = answer.risk.as_ref().map(|risk| risk.percentile),
        reasons = codes.join(","),
        model = answer.model.as_ref().map(|model| model.version.as_str()),
        caller = job.caller.name,
        request_id = job.request_id,
        trace_id = job.trace_id,
        latency_ms = started.elapsed().as_secs_f64() * 1000.0,
        "decision"
    );
}
