//! An outcome as it was said, and the records that it makes. Start at [`Said::read`].

use serde_json::json;

use crate::change::secrets::redact;
use crate::change::{ChangeId, Digest};
use crate::http::auth::Caller;
use crate::http::compose::moment;
use crate::http::decode::sha;
use crate::http::fields::{Field, Fields};
use crate::http::joins::{Joined, name_json, names_of, surer};
use crate::http::revoke::revocations;
use crate::http::routes::decisions::decision;
use crate::http::routes::outcomes::JoinedAnswer;
use crate::http::{ApiError, ProblemCode};
use crate::incident::{OutcomeKind, OutcomeRecord, OutcomeTarget};
use crate::store::{Columns, NewRecord, Record, RecordKind, Store};

const MAX_BYTES: usize = 200;

/// An outcome as it was said.
pub(super) struct Said {
    pub(super) decision_id: Option<String>,
    pub(super) repo: Option<String>,
    /// What the change is called; of a decision, everything that it was made on.
    pub(super) names: Vec<OutcomeTarget>,
    pub(super) outcome: OutcomeKind,
    occurred_at: i64,
    pub(super) known_at: i64,
    incident_id: Option<String>,
    severity: Option<String>,
    source: Option<String>,
    /// The newest change of its repository that had landed by now.
    pub(super) head: Option<ChangeId>,
    /// The changes of the history that it is about, where a name says which landing it is: one, or those that a merge brought.
    pub(super) landed: Vec<ChangeId>,
    /// Its diff, where that is one.
    pub(super) landed_digest: Option<String>,
}

impl Said {
    /// Reads one; what is known `now` is known no earlier than what came before, of which a clock may have been ahead.
    pub(super) fn read(mut fields: Fields, now: i64, newest_known_at: i64) -> Result<Self, ApiError> {
        let decision_id = text(&mut fields, "decision_id")?;
        let repo = text(&mut fields, "repo")?;
        let name = name(&mut fields)?;
        if decision_id.is_some() == name.is_some() {
            return Err(ApiError::at(ProblemCode::InvalidValue, "$", ONE_NAME));
        }
        let needs_repo = matches!(name, Some(OutcomeTarget::Commit(_) | OutcomeTarget::Id(_)));
        if needs_repo && repo.is_none() {
            let detail = "required beside `commit` or `id`";
            return Err(ApiError::at(ProblemCode::MissingField, "$.repo", detail));
        }
        let outcome = fields.required("outcome")?.word(OutcomeKind::of, OUTCOMES)?;
        let occurred_at = past(fields.required("occurred_at")?, now)?;
        let known = fields.optional("known_at");
        // Who reports may be a moment ahead of this clock.
        let known_now = now.max(occurred_at).max(newest_known_at);
        let known_at = known.map(|known| past(known, now)).transpose()?.unwrap_or(known_now);
        if known_at < occurred_at {
            return Err(ApiError::at(ProblemCode::InvalidValue, "$.known_at", "known before it happened"));
        }
        let said = Self {
            decision_id,
            repo,
            names: name.into_iter().collect(),
            outcome,
            occurred_at,
            known_at,
            incident_id: text(&mut fields, "incident_id")?,
            severity: text(&mut fields, "severity")?,
            source: text(&mut fields, "source")?.map(|source| redact(&source).into_owned()),
            head: None,
            landed: Vec::new(),
            landed_digest: None,
        };
        fields.finish()?;
        Ok(said)
    }

    /// Finds the decision that was named, and the names of its change.
    pub(super) async fn resolve(&mut self, store: &Store) -> Result<Option<Record>, ApiError> {
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

    /// What it was reported under.
    pub(super) fn all_names(&self) -> Vec<OutcomeTarget> {
        let decision = self.decision_id.clone().map(OutcomeTarget::Decision);
        decision.into_iter().chain(self.names.iter().cloned()).collect()
    }

    /// The record of the outcome, and one for each decision that it takes back.
    pub(super) fn records(
        &self,
        caller: &Caller,
        decisions: &[Joined],
        joined: &[JoinedAnswer],
        now_ms: i64,
    ) -> Vec<NewRecord> {
        let mut said = json!({
            "decision_id": self.decision_id, "repo": self.repo, "outcome": self.outcome.as_str(),
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
        if let Some(head) = &self.head {
            said["head"] = json!(head.0);
        }
        if !self.landed.is_empty() {
            said["landed"] = self.landed.iter().map(|commit| json!(commit.0)).collect();
            said["landed_digest"] = json!(self.landed_digest);
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

    pub(super) fn is_bad(&self) -> bool {
        self.outcome.is_bad()
    }

    /// One for each decision that it takes back.
    pub(super) fn revocations(&self, decisions: &[Joined], now_ms: i64) -> Vec<NewRecord> {
        if self.is_bad() { revocations(decisions, self.outcome.as_str(), now_ms) } else { Vec::new() }
    }

    /// For the history: one under each name.
    pub(super) fn outcome_records(&self) -> Vec<OutcomeRecord> {
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
            surer: surer(target, &self.landed),
        };
        self.names.iter().map(record).collect()
    }
}

const ONE_NAME: &str = "needs exactly one of `decision_id`, `commit`, `id` and `digest`";
const OUTCOMES: &str = "`incident`, `reverted`, `reverted_as_planned`, `caught`, `harmless` and `retracted`";

fn text(fields: &mut Fields, name: &str) -> Result<Option<String>, ApiError> {
    fields.optional(name).map(|field| field.name(MAX_BYTES)).transpose()
}

/// What a change is called, where that is not a decision.
fn name(fields: &mut Fields) -> Result<Option<OutcomeTarget>, ApiError> {
    let commit = fields.optional("commit").map(sha).transpose()?;
    let commit = commit.map(|id| OutcomeTarget::Commit(ChangeId(id)));
    let id = text(fields, "id")?.map(OutcomeTarget::Id);
    let digest = fields.optional("digest").map(digest).transpose()?.map(OutcomeTarget::Digest);
    let mut names = [commit, id, digest].into_iter().flatten();
    match (names.next(), names.next()) {
        (_, Some(_)) => Err(ApiError::at(ProblemCode::InvalidValue, "$", ONE_NAME)),
        (name, None) => Ok(name),
    }
}

/// A moment that is not to come.
fn past(field: Field, now: i64) -> Result<i64, ApiError> {
    let path = field.path.clone();
    let at = field.moment()?.0.as_second();
    let refused = || ApiError::at(ProblemCode::InvalidValue, path, "expected a moment that is past");
    (at <= now.saturating_add(60)).then_some(at).ok_or_else(refused)
}

fn digest(field: Field) -> Result<String, ApiError> {
    let path = field.path.clone();
    let digest = field.text()?.parse::<Digest>();
    digest
        .map(|digest| digest.to_string())
        .map_err(|error| ApiError::at(ProblemCode::InvalidValue, path, error.to_string()))
}
