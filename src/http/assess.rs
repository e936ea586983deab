//! All questions of a request asked together, where a fault of one is a fault of that one alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::http::ApiError;
use crate::http::assessor::{Asked, Assessed, Assessor};
use crate::http::compose::hollow;
use crate::http::decode::Question;
use crate::policy::{Reason, ReasonCode};

type Result<T> = std::result::Result<T, ApiError>;

/// Asks for the changes of each repository together, and puts the answers back in order.
pub(super) fn assess_all(assessor: &dyn Assessor, questions: &[Question]) -> Vec<Result<Assessed>> {
    let mut repos: Vec<&str> = questions.iter().map(|question| question.repo.as_str()).collect();
    repos.sort_unstable();
    repos.dedup();
    let mut results: Vec<Option<Result<Assessed>>> = questions.iter().map(|_| None).collect();
    for repo in repos {
        let of_repo = questions.iter().enumerate().filter(|(_, question)| question.repo == repo);
        let (places, asked): (Vec<usize>, Vec<Asked>) =
            of_repo.map(|(idx, question)| (idx, question.asked.clone())).unzip();
        let one_by_one = || asked.iter().map(|one| assess(assessor, repo, std::slice::from_ref(one))?.pop());
        let assessed = match assess(assessor, repo, &asked) {
            Some(assessed) => assessed.into_iter().map(Some).collect(),
            None if asked.len() > 1 => one_by_one().collect(),
            None => vec![None],
        };
        for (idx, result) in places.into_iter().zip(assessed) {
            results[idx] = result;
        }
    }
    let pairs = results.into_iter().zip(questions);
    pairs.map(|(result, question)| result.unwrap_or_else(|| Ok(failed(question, questions.len())))).collect()
}

/// A change from the future, or a history ahead of the service, means that some clock is wrong: ages,
/// windows and seasons cannot be trusted then. Each part of a change is a change.
pub(super) fn doubt_clocks(assessed: &mut Assessed, now_ms: i64, max_skew: Duration) {
    let skew = i64::try_from(max_skew.as_secs()).unwrap_or(i64::MAX);
    let latest = now_ms.div_euclid(1000).saturating_add(skew);
    // A moment past those that can be written is one of the future as well.
    let as_of = |text: &str| text.parse().map_or(i64::MAX, jiff::Timestamp::as_second);
    let as_of = assessed.history.as_ref().map(|history| as_of(&history.as_of));
    let moments = [assessed.change.authored_at.unix_seconds, assessed.change.committed_at];
    if moments.into_iter().chain(as_of).any(|at| at > latest) {
        assessed.doubts.push(Reason::standard(ReasonCode::ClockSkew));
    }
    assessed.parts.iter_mut().for_each(|part| doubt_clocks(part, now_ms, max_skew));
}

/// One repository's questions; none where they cannot be answered together.
fn assess(assessor: &dyn Assessor, repo: &str, asked: &[Asked]) -> Option<Vec<Result<Assessed>>> {
    let together = catch_unwind(AssertUnwindSafe(|| assessor.assess(repo, asked))).ok()?;
    (together.len() == asked.len()).then_some(together)
}

/// Alone, a question that fails is an error of the service; among others, that item failed.
fn failed(question: &Question, n_questions: usize) -> Assessed {
    let code = if n_questions > 1 { ReasonCode::ItemFailed } else { ReasonCode::InternalError };
    hollow(&question.asked, Reason::standard(code))
}
