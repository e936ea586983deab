//! The route that looks for what may have broken something: a query in, a ranked list out. Nothing is recorded. Start at
//! [`list`].

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::http::assessor::Broken;
use crate::http::error::with_cause;
use crate::http::percent::unescape;
use crate::http::routes::decisions::failed;
use crate::http::routes::json;
use crate::http::service::Service;
use crate::http::suspects::{SuspectsAnswer, add_decisions, find};
use crate::http::{ApiError, ProblemCode};
use crate::suspect::HORIZON_SECONDS;

/// Changes that are listed unless asked otherwise, and at most.
pub(in crate::http) const DEFAULT_SHOWN: usize = 10;
const MAX_SHOWN: usize = 100;
/// Paths of one question.
const MAX_PATHS: usize = 20;
const MAX_FIELD_BYTES: usize = 1_000;
const HOUR_SECONDS: i64 = 3_600;
/// Longest window in hours: a change is no suspect beyond the horizon of its risk.
const MAX_HOURS: i64 = HORIZON_SECONDS / HOUR_SECONDS;
/// How long the newest commits are waited for, and a turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is asked.
pub(in crate::http) struct SuspectsQuestion {
    pub(in crate::http) broken: Broken,
    pub(in crate::http) n_shown: usize,
}

/// The changes that landed before something broke, the likeliest cause first.
#[utoipa::path(
    get, path = "/v1/suspects", tag = "suspects", operation_id = "list_suspects",
    params(
        ("repo" = String, Query, description = "A followed repository"),
        ("at" = Option<String>, Query, description = "When it broke, RFC 3339 or Unix seconds; now unless given"),
        ("hours" = Option<u32>, Query, minimum = 1, maximum = 336, description = "How many hours before that the changes landed; 336 (14 days) unless given"),
        ("path" = Option<Vec<String>>, Query, max_items = 20, description = "Only changes that touch one of these files, or a file below one of these directories"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "1 to 100, by default 10")
    ),
    responses(
        (status = 200, description = "The suspects", body = SuspectsAnswer),
        (status = 404, description = "No such repository is followed", body = crate::http::ProblemBody, content_type = "application/problem+json")
    )
)]
pub(in crate::http) async fn list(
    State(service): State<Arc<Service>>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let now = service.now_ms().div_euclid(1000);
    let question = SuspectsQuestion::parse(query.as_deref().unwrap_or(""), now)?;
    Ok(json(StatusCode::OK, &suspects(&service, question).await?))
}

/// Looks at the repository now, ranks what landed, and adds the decisions that were made on it.
pub(in crate::http) async fn suspects(
    service: &Arc<Service>,
    question: SuspectsQuestion,
) -> Result<SuspectsAnswer, ApiError> {
    let SuspectsQuestion { broken, n_shown } = question;
    let overloaded = || ApiError::standard(ProblemCode::Overloaded).retry_after(2);
    let refreshed = tokio::time::timeout(PATIENCE, service.refresh(&broken.repo)).await;
    let is_stale = match refreshed {
        Ok(None) => return Err(ApiError::new(ProblemCode::NotFound, "no such repository is followed")),
        Ok(Some(Ok(_))) => false,
        Ok(Some(Err(_))) | Err(_) => true,
    };
    let turn = tokio::time::timeout(PATIENCE, Arc::clone(&service.searches).lock_owned()).await;
    let turn = turn.map_err(|_| overloaded())?;
    let (serving, now_ms) = (service.serving.load_full(), service.now_ms());
    // Reads files: not on the threads that answer. The turn ends with the work, also where nobody waits for it any more: a
    // repository that hangs keeps one thread.
    let found = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        find((serving.assessor.as_ref(), serving.policy()), &broken, n_shown, now_ms.div_euclid(1000))
    });
    let found = found.await.map_err(|_| ApiError::standard(ProblemCode::Internal))?;
    let unavailable = || ApiError::standard(ProblemCode::RepositoryUnavailable).retry_after(10);
    let mut answer = found.ok_or_else(unavailable)?.map_err(|error| {
        tracing::error!(error = with_cause(&error), "suspects cannot be looked for");
        unavailable()
    })?;
    if is_stale {
        let text = "the repository could not be looked at just now: the newest commits may be missing";
        answer.warnings.insert(0, text.to_owned());
    }
    if let Some(store) = service.open_store() {
        add_decisions(&mut answer, store, now_ms).await.map_err(|error| failed(&error))?;
    }
    Ok(answer)
}

impl SuspectsQuestion {
    /// Reads a query string; what is not given is what people mean most often.
    pub(in crate::http) fn parse(query: &str, now: i64) -> Result<Self, ApiError> {
        let (mut repo, mut at, mut hours, mut limit) = (None, None, None, None);
        let mut paths = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = unescape(value).ok_or_else(|| bad("a value is not percent-encoded UTF-8"))?;
            if value.len() > MAX_FIELD_BYTES {
                return Err(bad("a value is longer than 1,000 bytes"));
            }
            let place = match name {
                "repo" => &mut repo,
                "at" => &mut at,
                "hours" => &mut hours,
                "limit" => &mut limit,
                "path" if value.is_empty() => return Err(bad("a path is empty")),
                "path" => {
                    paths.push(value);
                    continue;
                }
                _ => return Err(bad("the queries are `repo`, `at`, `hours`, `path` and `limit`")),
            };
            if place.replace(value).is_some() {
                return Err(bad("a query is there twice"));
            }
        }
        if paths.len() > MAX_PATHS {
            return Err(bad("more than 20 paths"));
        }
        let number = |text: Option<String>, most: i64, otherwise: i64, detail: &str| match text {
            None => Ok(otherwise),
            Some(text) => {
                text.parse().ok().filter(|number| (1..=most).contains(number)).ok_or_else(|| bad(detail))
            }
        };
        let hours = number(hours, MAX_HOURS, MAX_HOURS, "`hours` is a number from 1 to 336")?;
        let n_shown =
            number(limit, MAX_SHOWN as i64, DEFAULT_SHOWN as i64, "`limit` is a number from 1 to 100")?;
        let at = at.map_or(Ok(now), |text| moment_of(&text))?;
        if at > now {
            return Err(bad("`at` lies in the future"));
        }
        let repo = repo.filter(|repo| !repo.is_empty()).ok_or_else(|| bad("`repo` is missing"))?;
        let window_seconds = hours * HOUR_SECONDS;
        Ok(Self {
            broken: Broken { repo, at, window_seconds, paths },
            n_shown: n_shown.unsigned_abs() as usize,
        })
    }
}

fn moment_of(text: &str) -> Result<i64, ApiError> {
    let seconds = text.parse().ok().filter(|seconds| jiff::Timestamp::from_second(*seconds).is_ok());
    let moment = seconds.or_else(|| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second));
    moment.ok_or_else(|| bad("`at` is RFC 3339, such as `2026-01-31T12:00:00Z`, or Unix seconds"))
}

fn bad(detail: &str) -> ApiError {
    ApiError::new(ProblemCode::BadQuery, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn parsed(query: &str) -> Result<(Broken, usize), String> {
        let question = SuspectsQuestion::parse(query, NOW).map_err(|error| error.detail.to_string())?;
        Ok((question.broken, question.n_shown))
    }

    #[test]
    fn what_is_not_given_is_the_whole_horizon_before_now() {
        let broken =
            Broken { repo: "shop".into(), at: NOW, window_seconds: HORIZON_SECONDS, paths: Vec::new() };
        assert_eq!(parsed("repo=shop"), Ok((broken.clone(), DEFAULT_SHOWN)));
        let paths = vec!["envs/prod".to_owned(), "a b".to_owned()];
        let asked = Broken { at: 1_769_860_800, window_seconds: 6 * 3_600, paths, ..broken };
        let query = "repo=shop&at=2026-01-31T12:00:00Z&hours=6&path=envs%2Fprod&path=a+b&limit=3";
        assert_eq!(parsed(query), Ok((asked, 3)));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (query, said) in [
            ("", "`repo` is missing"),
            ("repo=a&repo=b", "twice"),
            ("repo=a&hours=0", "`hours`"),
            ("repo=a&hours=337", "`hours`"),
            ("repo=a&limit=101", "`limit`"),
            ("repo=a&at=yesterday", "`at` is RFC 3339"),
            ("repo=a&at=1800000001", "`at` lies in the future"),
            ("repo=a&service=b", "the queries are"),
            ("repo=%ff", "percent-encoded"),
            ("repo=a&path=", "a path is empty"),
        ] {
            let detail = parsed(query).unwrap_err();
            assert!(detail.contains(said), "{query}: {detail}");
        }
        assert!(parsed(&format!("repo=a{}", "&path=b".repeat(21))).is_err());
        assert!(parsed(&format!("repo={}", "a".repeat(1_001))).is_err());
    }
}
