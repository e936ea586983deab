//! Routes that put something beside a decision: outcomes and overrides. They add records and change none; a report is in force
//! only once it is durable. Start at [`report`].

mod names;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::change::secrets::redact;
use crate::change::{ChangeId, Digest};
use crate::http::assessor::Landed;
use crate::http::auth::Caller;
use crate::http::compose::moment;
use crate::http::decode::sha;
use crate::http::fields::{Field, Fields};
use crate::http::joins::{Joined, decisions_on, name_json, names_of, surer};
use crate::http::routes::decisions::{failed, refuse_altered, unavailable};
use crate::http::routes::json as answer_json;
use crate::http::service::Service;
use crate::http::wire::{OutcomeRequest, OverrideRequest};
use crate::http::{ApiError, ProblemCode, parse_json};
use crate::incident::{OutcomeKind, OutcomeRecord, OutcomeTarget};
use crate::store::{Columns, NewRecord, Record, RecordKind, Store};

const MAX_BYTES: usize = 200;

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

/// An override as it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct OverrideAnswer {
    /// The decision.
    pub decision_id: String,
    /// Why, secrets masked.
    pub reason: String,
    /// Where it was asked for.
    pub ticket: Option<String>,
    /// Until when, RFC 3339.
    pub expires_at: String,
    /// Name of the caller's key.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
}

/// Reports what became of a change; labels are made of it.
#[utoipa::path(
    post, path = "/v1/outcomes", tag = "outcomes", request_body = OutcomeRequest,
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
    let bytes = service.bodies.read(&headers, body).await?;
    let outcome_answer = take(&service, &caller, Fields::root(parse_json(&bytes)?)?).await?;
    Ok(answer_json(StatusCode::CREATED, &outcome_answer))
}

/// Records an outcome, takes standing decisions back where it is a bad one, and tells the history.
pub(in crate::http) async fn take(
    service: &Service,
    caller: &Caller,
    fields: Fields,
) -> Result<OutcomeAnswer, ApiError> {
    let now_ms = service.now_ms();
    let newest_known_at = service.newest_known_at.load(Ordering::Relaxed);
    let mut said = Said::read(fields, now_ms.div_euclid(1000), newest_known_at)?;
    let store = service.open_store().ok_or_else(unavailable)?;
    let reported = said.resolve(store).await?;
    let landed = said.find_landed(service).await?;
    let names = (said.repo.as_deref(), said.names.as_slice());
    let decisions = decisions_on(store, names, (reported, landed.as_ref()), now_ms).await;
    let decisions = decisions.map_err(|error| failed(&error))?;
    // A diff that is bad is bad wherever it is asked about, until that is taken back; where it went well tells of there alone.
    let is_by_digest = matches!(said.names.first(), Some(OutcomeTarget::Digest(_)));
    if !(is_by_digest && (said.is_bad() || said.outcome == OutcomeKind::Retracted)) {
        said.repo = said.repo.or_else(|| decisions.first()?.record.columns.repo.clone());
    }
    match &landed {
        Some(landed) => said.add_names(landed),
        None => said.add_digests(store, &decisions).await.map_err(|error| failed(&error))?,
    }
    said.add_decisions(store, &decisions).await.map_err(|error| failed(&error))?;
    said.head = newest(service, said.repo.clone()).await?;
    let joined: Vec<JoinedAnswer> = decisions.iter().map(JoinedAnswer::of).collect();
    let new_records = said.records(caller, &decisions, &joined, now_ms);
    let outcome_id = new_records[0].id.clone();
    store.append(new_records).await.map_err(|error| failed(&error))?;
    service.newest_known_at.fetch_max(said.known_at, Ordering::Relaxed);
    service.metrics.outcomes.inc();
    let (serving, outcome_records) = (service.serving.load_full(), said.outcome_records());
    // Waits a moment for the history's lock.
    let taken = tokio::task::spawn_blocking(move || {
        outcome_records.iter().for_each(|outcome_record| serving.assessor.report(outcome_record));
    });
    taken.await.map_err(|_| ApiError::standard(ProblemCode::Internal))?;
    Ok(OutcomeAnswer { outcome_id, joined })
}

/// The newest change of a followed repository.
async fn newest(service: &Service, repo: Option<String>) -> Result<Option<ChangeId>, ApiError> {
    let Some(repo) = repo else { return Ok(None) };
    let serving = service.serving.load_full();
    let read = tokio::task::spawn_blocking(move || serving.assessor.newest(&repo));
    read.await.map_err(|_| ApiError::standard(ProblemCode::Internal))
}

/// Records that a decision is not followed, and why; the decision itself stays as it is.
#[utoipa::path(
    post, path = "/v1/decisions/{id}/override", tag = "decisions", request_body = OverrideRequest,
    params(("id" = String, Path, description = "The decision's id")),
    responses(
        (status = 201, description = "It is on disk", body = OverrideAnswer),
        (status = 404, description = "No such decision", body = crate::http::ProblemBody, content_type = "application/problem+json")
    )
)]
pub(in crate::http) async fn override_one(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let bytes = service.bodies.read(&headers, body).await?;
    let mut fields = Fields::root(parse_json(&bytes)?)?;
    let reason = fields.required("reason")?.name(1000)?;
    let ticket = fields.optional("ticket").map(|ticket| ticket.name(MAX_BYTES)).transpose()?;
    let expires = fields.required("expires_at")?;
    let path = expires.path.clone();
    let expires_at = expires.moment()?.0.as_second();
    fields.finish()?;
    let now_ms = service.now_ms();
    if expires_at.saturating_mul(1000) <= now_ms {
        return Err(ApiError::at(ProblemCode::InvalidValue, path, "expected a moment that is still to come"));
    }
    let store = service.open_store().ok_or_else(unavailable)?;
    let decision = decision(store, &id).await?;
    let said = OverrideAnswer {
        decision_id: id.clone(),
        reason: redact(&reason).into_owned(),
        ticket: ticket.map(|ticket| redact(&ticket).into_owned()),
        expires_at: moment(expires_at),
        by: caller.name.clone(),
        at: moment(now_ms.div_euclid(1000)),
    };
    let body = serde_json::to_string(&said).map_err(|_| ApiError::standard(ProblemCode::Internal))?;
    let mut new_record = NewRecord::new(RecordKind::Override, body);
    new_record.at_ms = now_ms;
    new_record.columns = Columns { repo: decision.columns.repo, subject_id: Some(id), ..Columns::default() };
    store.append_one(new_record).await.map_err(|error| failed(&error))?;
    service.metrics.overrides.inc();
    tracing::warn!(target: "diffrisk::override", decision_id = decision.id, by = caller.name, "a decision is overridden");
    Ok(answer_json(StatusCode::CREATED, &said))
}

/// An outcome as it was said.
struct Said {
    decision_id: Option<String>,
    repo: Option<String>,
    /// What the change is called; of a decision, everything that it was made on.
    names: Vec<OutcomeTarget>,
    word: String,
    outcome: OutcomeKind,
    occurred_at: i64,
    known_at: i64,
    incident_id: Option<String>,
    severity: Option<String>,
    source: Option<String>,
    /// The newest change of its repository that had landed by now.
    head: Option<ChangeId>,
    /// The commit that landed with the change, where a name says which landing it is.
    landed: Option<ChangeId>,
}

impl Said {
    /// Reads one; what is known `now` is known no earlier than what came before, of which a clock may have been ahead.
    fn read(mut fields: Fields, now: i64, newest_known_at: i64) -> Result<Self, ApiError> {
        let text = |fields: &mut Fields, name: &str| {
            fields.optional(name).map(|field| field.name(MAX_BYTES)).transpose()
        };
        let decision_id = text(&mut fields, "decision_id")?;
        let repo = text(&mut fields, "repo")?;
        let targets = [
            fields.optional("commit").map(sha).transpose()?.map(|id| OutcomeTarget::Commit(ChangeId(id))),
            text(&mut fields, "id")?.map(OutcomeTarget::Id),
            fields.optional("digest").map(digest).transpose()?.map(OutcomeTarget::Digest),
        ];
        let names: Vec<OutcomeTarget> = targets.into_iter().flatten().collect();
        if names.len() + usize::from(decision_id.is_some()) != 1 {
            let detail = "needs exactly one of `decision_id`, `commit`, `id` and `digest`";
            return Err(ApiError::at(ProblemCode::InvalidValue, "$", detail));
        }
        let needs_repo = matches!(names.first(), Some(OutcomeTarget::Commit(_) | OutcomeTarget::Id(_)));
        if needs_repo && repo.is_none() {
            return Err(ApiError::at(
                ProblemCode::MissingField,
                "$.repo",
                "required beside `commit` or `id`",
            ));
        }
        let (word, outcome) = fields.required("outcome")?.word(outcome_kind, OUTCOMES)?;
        let occurred_at = past(fields.required("occurred_at")?, now)?;
        let known = fields.optional("known_at");
        let known_path = "$.known_at";
        // Who reports may be a moment ahead of this clock.
        let known_now = now.max(occurred_at).max(newest_known_at);
        let known_at = known.map(|known| past(known, now)).transpose()?.unwrap_or(known_now);
        if known_at < occurred_at {
            return Err(ApiError::at(ProblemCode::InvalidValue, known_path, "known before it happened"));
        }
        let said = Self {
            decision_id,
            repo,
            names,
            word,
            outcome,
            occurred_at,
            known_at,
            incident_id: text(&mut fields, "incident_id")?,
            severity: text(&mut fields, "severity")?,
            source: text(&mut fields, "source")?.map(|source| redact(&source).into_owned()),
            head: None,
            landed: None,
        };
        fields.finish()?;
        Ok(said)
    }

    /// Finds the decision that was named, and the names of its change.
    async fn resolve(&mut self, store: &Store) -> Result<Option<Record>, ApiError> {
        let Some(id) = &self.decision_id else { return Ok(None) };
        let decision = decision(store, id).await?;
        if self.repo.is_some() && self.repo != decision.columns.repo {
            let detail = "the decision is on a change of another repository";
            return Err(ApiError::at(ProblemCode::InvalidValue, "$.repo", detail));
        }
        self.repo.clone_from(&decision.columns.repo);
        self.names = names_of(&decision);
        Ok(Some(decision))
    }

    /// The names of the commit that an outcome is about, where a followed repository holds it. Of a diff that landed more than
    /// once, only the other names of a change say which landing it is.
    async fn find_landed(&mut self, service: &Service) -> Result<Option<Landed>, ApiError> {
        let (Some(repo), names) = (self.repo.clone(), self.names.clone()) else { return Ok(None) };
        let serving = service.serving.load_full();
        let read = tokio::task::spawn_blocking(move || {
            names.into_iter().find_map(|name| Some((serving.assessor.landed(&repo, &name)?, name)))
        });
        let found = read.await.map_err(|_| ApiError::standard(ProblemCode::Internal))?;
        Ok(found.map(|(landed, name)| {
            let is_sure = !matches!(name, OutcomeTarget::Digest(_));
            self.landed = landed.commits.first().filter(|_| is_sure).cloned().map(ChangeId);
            landed
        }))
    }

    /// The record of the outcome, and one for each decision that it takes back.
    fn records(
        &self,
        caller: &Caller,
        decisions: &[Joined],
        joined: &[JoinedAnswer],
        now_ms: i64,
    ) -> Vec<NewRecord> {
        let mut said = json!({
            "decision_id": self.decision_id, "repo": self.repo, "outcome": self.word,
            "occurred_at": moment(self.occurred_at), "known_at": moment(self.known_at),
            "incident_id": self.incident_id, "severity": self.severity, "source": self.source,
            "by": caller.name, "joined": joined, "names": self.names.iter().map(name_json).collect::<Vec<_>>(),
        });
        let mut columns = Columns { repo: self.repo.clone(), ..Columns::default() };
        let (name, place, value) = match self.names.first() {
            Some(OutcomeTarget::Commit(id)) => ("commit", Some(&mut columns.commit_id), Some(id.0.clone())),
            Some(OutcomeTarget::Id(id)) => ("id", Some(&mut columns.change_id), Some(id.clone())),
            Some(OutcomeTarget::Digest(digest)) => {
                ("digest", Some(&mut columns.change_digest), Some(digest.clone()))
            }
            Some(OutcomeTarget::Decision(_)) | None => ("commit", None, None),
        };
        said[name] = json!(value);
        for (key, commit) in [("head", &self.head), ("landed", &self.landed)] {
            if let Some(commit) = commit {
                said[key] = json!(commit.0);
            }
        }
        if let Some(place) = place {
            *place = value;
        }
        columns.subject_id = decisions.first().map(|joined| joined.record.id.clone());
        let mut outcome = NewRecord::new(RecordKind::Outcome, said.to_string());
        outcome.at_ms = now_ms;
        outcome.columns = columns;
        let mut new_records = vec![outcome];
        new_records.extend(self.revocations(decisions, now_ms));
        new_records
    }

    fn is_bad(&self) -> bool {
        self.outcome.is_bad()
    }

    /// A change that turned out bad must not pass on a decision made before that was known.
    fn revocations(&self, decisions: &[Joined], now_ms: i64) -> Vec<NewRecord> {
        let is_bad = self.is_bad();
        let stands =
            |record: &&Record| record.columns.expires_ms.is_some_and(|expires_ms| expires_ms > now_ms);
        let records = decisions.iter().map(|joined| &joined.record).filter(|_| is_bad).filter(stands);
        let revocation = |record: &Record| {
            let body = json!({ "decision_id": record.id, "reason": self.word, "at": moment(now_ms.div_euclid(1000)) });
            let mut new_record = NewRecord::new(RecordKind::Revocation, body.to_string());
            new_record.at_ms = now_ms;
            new_record.columns = Columns {
                repo: record.columns.repo.clone(),
                subject_id: Some(record.id.clone()),
                ..Columns::default()
            };
            new_record
        };
        records.map(revocation).collect()
    }

    /// For the history: one under each name.
    fn outcome_records(&self) -> Vec<OutcomeRecord> {
        let record = |target: &OutcomeTarget| OutcomeRecord {
            target: target.clone(),
            repo: self.repo.clone(),
            outcome: self.outcome,
            occurred_at: self.occurred_at,
            known_at: self.known_at,
            incident_id: self.incident_id.clone(),
            severity: self.severity.clone(),
            source: self.source.clone(),
            head: self.head.clone(),
            surer: surer(target, self.landed.as_ref()),
        };
        self.names.iter().map(record).collect()
    }
}

const OUTCOMES: &str = "`incident`, `reverted`, `reverted_as_planned`, `caught`, `harmless` and `retracted`";

fn outcome_kind(word: &str) -> Option<(String, OutcomeKind)> {
    let kind = serde_json::from_value(Value::String(word.to_owned())).ok()?;
    Some((word.to_owned(), kind))
}

/// A moment that is not to come.
fn past(field: Field, now: i64) -> Result<i64, ApiError> {
    let path = field.path.clone();
    let at = field.moment()?.0.as_second();
    let refused = || ApiError::at(ProblemCode::InvalidValue, path, "expected a moment that is past");
    (at <= now.saturating_add(60)).then_some(at).ok_or_else(refused)
}

async fn decision(store: &Store, id: &str) -> Result<Record, ApiError> {
    let record = store.log().record(id).await.map_err(|error| failed(&error))?;
    let record = record.filter(|record| record.kind == RecordKind::Decision);
    let record = record.ok_or_else(|| ApiError::standard(ProblemCode::NotFound))?;
    refuse_altered(store.log(), &record).await?;
    Ok(record)
}

fn digest(field: Field) -> Result<String, ApiError> {
    let path = field.path.clone();
    let digest = field.text()?.parse::<Digest>();
    digest
        .map(|digest| digest.to_string())
        .map_err(|error| ApiError::at(ProblemCode::InvalidValue, path, error.to_string()))
}
