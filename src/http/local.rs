//! One question answered in this process: the same body as `POST /v1/score`, with no record behind.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::explain::Explanation;
use crate::http::assess::doubt_clocks;
use crate::http::assessor::{Assessed, Assessor, Broken};
use crate::http::compose::compose;
use crate::http::config::{Limits, ServerConfig};
use crate::http::decode::{Question, question};
use crate::http::error::with_cause;
use crate::http::explain::explain;
use crate::http::live::{Live, LiveError, RepositoryConfig};
use crate::http::models::{ModelSource, PolicySource};
use crate::http::service::Serving;
use crate::http::suspects::{SuspectsAnswer, find};
use crate::http::wire::Answer;
use crate::http::{ApiError, parse_json};

/// Model, policy and histories without a service around them: what `score` and `gate` ask.
pub struct Local {
    serving: Serving,
    limits: Limits,
    max_clock_skew: Duration,
    refused: Vec<String>,
    incomplete: Vec<String>,
}

/// Where the parts of a [`Local`] come from; none takes what is published.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalSources<'a> {
    /// A registry's `default` file or an artifact directory.
    pub model: Option<&'a Path>,
    /// A policy file.
    pub policy: Option<&'a Path>,
    /// The repository that the question is about.
    pub repository: Option<&'a RepositoryConfig>,
}

impl Local {
    /// Folds the repository, or loads its folded history, and loads model and policy; `on_change` hears how many changes were
    /// folded so far. A model or policy that is refused leaves every answer degraded; [`Local::refused`] says why.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn open(
        sources: LocalSources<'_>,
        cache: &Path,
        now: i64,
        on_change: &dyn Fn(usize),
    ) -> Result<Self, Box<LiveError>> {
        let configs: Vec<RepositoryConfig> = sources.repository.into_iter().cloned().collect();
        let live = Arc::new(Live::open(&configs, cache, &[], now, on_change).map_err(Box::new)?);
        let incomplete = live.incomplete();
        let (assessor, no_model) = ModelSource::new(live, sources.model.map(Path::to_owned)).first();
        let policy = PolicySource::new(sources.policy.map(Path::to_owned)).load();
        let no_policy = policy.as_ref().err().map(with_cause);
        let serving = Serving::new(assessor, policy.ok().map(Arc::new));
        let refused = no_model.as_ref().map(with_cause).into_iter().chain(no_policy).collect();
        let ServerConfig { limits, max_clock_skew, .. } = ServerConfig::default();
        Ok(Self { serving, limits, max_clock_skew, refused, incomplete })
    }

    /// Why the model or the policy is not in use.
    pub fn refused(&self) -> &[String] {
        &self.refused
    }

    /// Why the history is incomplete, and how it is mended; empty where all of it was read.
    pub fn incomplete(&self) -> &[String] {
        &self.incomplete
    }

    /// Answers a body of `POST /v1/score` at `now_ms` (Unix milliseconds). No decision is stored: its id
    /// and links are null.
    ///
    /// # Errors
    /// When the body is no question.
    pub fn answer(&self, body: &[u8], now_ms: i64) -> Result<Answer, ApiError> {
        let (question, assessed) = self.assess(body, now_ms)?;
        Ok(self.compose(&question, assessed, now_ms))
    }

    /// As [`Local::answer`], with the whole explanation beside it.
    ///
    /// # Errors
    /// When the body is no question.
    pub fn explained(&self, body: &[u8], now_ms: i64) -> Result<(Answer, Explanation), ApiError> {
        let (question, assessed) = self.assess(body, now_ms)?;
        let explanation = explain(&self.serving, &question, &assessed, now_ms.div_euclid(1000));
        Ok((self.compose(&question, assessed, now_ms), explanation))
    }

    fn assess(&self, body: &[u8], now_ms: i64) -> Result<(Question, Assessed), ApiError> {
        let question = question(parse_json(body)?, &self.limits, now_ms.div_euclid(1000))?;
        let mut assessed =
            self.serving.assessor.assess(&question.repo, std::slice::from_ref(&question.asked));
        let assessed =
            assessed.pop().unwrap_or_else(|| Err(ApiError::standard(crate::http::ProblemCode::Internal)));
        let mut assessed = assessed?;
        doubt_clocks(&mut assessed, now_ms, self.max_clock_skew);
        Ok((question, assessed))
    }

    fn compose(&self, question: &Question, assessed: Assessed, now_ms: i64) -> Answer {
        let mut answer = compose(&self.serving, question, assessed, now_ms).answer;
        (answer.decision_id, answer.links) = (None, None);
        answer
    }

    /// The `n_shown` likeliest causes of something that broke in the repository, at `now` (Unix seconds). No decision is known
    /// here.
    ///
    /// # Errors
    /// When its folded history is damaged and cannot be folded again, or the repository is another one.
    pub fn suspects(
        &self,
        broken: &Broken,
        n_shown: usize,
        now: i64,
    ) -> Result<SuspectsAnswer, Box<LiveError>> {
        let found = find((self.serving.assessor.as_ref(), self.serving.policy()), broken, n_shown, now);
        found.unwrap_or_else(|| Err(LiveError::BrokeDown { name: broken.repo.clone() })).map_err(Box::new)
    }

    /// What scores.
    pub fn assessor(&self) -> &Arc<dyn Assessor> {
        &self.serving.assessor
    }
}
