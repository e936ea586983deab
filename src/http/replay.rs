//! A stored decision recomputed from its artifact, its vector and its tokens, and held to what was answered.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use crate::artifact::{self, Artifact};
use crate::http::assessor::Assessor;
use crate::http::compose::{explanation_answer, risk_answer};
use crate::http::live::{Live, LiveAssessor};
use crate::http::wire::Answer;
use crate::risk::Assessment;
use crate::store::Record;

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replay {
    /// The decision.
    pub decision_id: String,
    /// Digest of the artifact that recomputed it.
    pub model: String,
    /// Numbers compared.
    pub n_compared: usize,
    /// Where the recomputed numbers are others; empty when all bytes are the same.
    pub differences: Vec<ReplayDifference>,
}

/// A number that is not the one that was answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplayDifference {
    /// Its place in the answer.
    pub path: String,
    /// What was answered.
    pub stored: Value,
    /// What the artifact says now.
    pub recomputed: Value,
}

/// Why a decision cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Its record is not as it was written.
    #[error("the record `{0}` is not as it was written")]
    Altered(String),
    /// Nothing scored it.
    #[error("the decision `{0}` has no score to recompute")]
    Unscored(String),
    /// Another artifact scored it.
    #[error("the decision was scored by `{wanted}`, not by `{given}`")]
    OtherModel {
        /// Digest of the artifact that scored it.
        wanted: String,
        /// Digest of the one at hand.
        given: String,
    },
    /// The artifact cannot score for this build.
    #[error(transparent)]
    Artifact(#[from] artifact::Error),
}

/// Recomputes a stored decision. The rank is compared where it was taken among the artifact's own
/// quantiles; a rank among a repository's newest changes rests on a history that moved on.
///
/// # Errors
/// When the record was altered, holds no score, or was scored by another artifact.
pub fn replay(record: &Record, artifact: Arc<Artifact>) -> Result<Replay, ReplayError> {
    if !record.is_intact() {
        return Err(ReplayError::Altered(record.id.clone()));
    }
    let unscored = || ReplayError::Unscored(record.id.clone());
    let answer = scored(record).ok_or_else(unscored)?;
    let wanted = answer.model.as_ref().map(|model| bare(&model.digest)).ok_or_else(unscored)?;
    if wanted != artifact.digest() {
        return Err(ReplayError::OtherModel { wanted, given: artifact.digest().to_owned() });
    }
    let vector = record.vector().ok_or_else(unscored)?;
    let tokens = record.tokens().unwrap_or_default();
    let assessor = LiveAssessor::new(Arc::new(Live::empty()), artifact)?;
    let assessment = assessor.reassess(&vector, &tokens).map_err(|_| unscored())?;
    let mut differences = Vec::new();
    let n_compared = compare("", &numbers(&answer), &recomputed(&answer, &assessment), &mut differences);
    Ok(Replay { decision_id: record.id.clone(), model: wanted, n_compared, differences })
}

/// Digest of the artifact that scored a stored decision; none for one that nothing scored.
pub fn scored_by(record: &Record) -> Option<String> {
    scored(record)?.model.map(|model| bare(&model.digest))
}

/// The digest without its prefix, which answers of earlier versions lack.
fn bare(digest: &str) -> String {
    digest.trim_start_matches("sha256:").to_owned()
}

fn scored(record: &Record) -> Option<Answer> {
    let answer: Answer = serde_json::from_str(&record.body).ok()?;
    (answer.risk.is_some() && answer.explanation.is_some()).then_some(answer)
}

/// What an answer says in numbers; sentences may be put better by a later version.
fn numbers(answer: &Answer) -> Value {
    let risk = answer.risk.as_ref();
    let is_own_rank = risk.is_some_and(|risk| risk.reference.scope == "artifact");
    let explanation = answer.explanation.as_ref();
    let contributions = explanation.iter().flat_map(|explanation| &explanation.contributions);
    json!({
        "risk": {
            "score": risk.map(|risk| risk.score),
            "base_rate": risk.map(|risk| risk.base_rate),
            "percentile": risk.filter(|_| is_own_rank).map(|risk| risk.percentile),
        },
        "explanation": {
            "base": explanation.map(|explanation| explanation.base),
            "margin": explanation.map(|explanation| explanation.margin),
            "contributions": contributions
                .map(|it| json!({ "feature": it.feature, "value": it.value, "contribution": it.contribution }))
                .collect::<Vec<_>>(),
        },
    })
}

fn recomputed(answer: &Answer, assessment: &Assessment) -> Value {
    let mut now = answer.clone();
    let mut risk = risk_answer(assessment);
    if let Some(stored) = &answer.risk {
        // The scope that was ranked in decides what is compared, not the one a replay ranks in.
        risk.reference = stored.reference.clone();
    }
    now.risk = Some(risk);
    now.explanation = Some(explanation_answer(assessment));
    numbers(&now)
}

/// Compares leaf by leaf; answers how many there are.
fn compare(path: &str, stored: &Value, now: &Value, differences: &mut Vec<ReplayDifference>) -> usize {
    match (stored, now) {
        (Value::Object(stored), Value::Object(now)) if stored.len() == now.len() => {
            let pairs = stored.iter().zip(now.values());
            pairs.map(|((key, a), b)| compare(&format!("{path}.{key}"), a, b, differences)).sum()
        }
        (Value::Array(stored), Value::Array(now)) if stored.len() == now.len() => {
            let pairs = stored.iter().zip(now).enumerate();
            pairs.map(|(idx, (a, b))| compare(&format!("{path}[{idx}]"), a, b, differences)).sum()
        }
        (stored, now) => {
            if serde_json::to_vec(stored).ok() != serde_json::to_vec(now).ok() {
                let path = format!("${path}");
                differences.push(ReplayDifference { path, stored: stored.clone(), recomputed: now.clone() });
            }
            1
        }
    }
}
