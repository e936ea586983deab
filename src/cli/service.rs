//! A service that decides in the place of this process. Whatever answers, only a decision on this very change, with its
//! record and still in force, lets the change through: a proxy may answer from a cache, or another service in its place.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use diffrisk::change::{digest, parse_diff};
use diffrisk::http::trusting;
use diffrisk::http::wire::Answer;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use ureq::Body;
use ureq::http::{Response, StatusCode};

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, OrExit};

/// Ten seconds: a service answers within its deadline of a fifth of a second, also where it folds or is busy.
const TIMEOUT_MS: NonZeroU64 = NonZeroU64::new(10_000).expect("ten thousand is not zero");

/// Which service is asked, and how.
#[derive(Debug, Args)]
pub struct ServiceArgs {
    /// Service to ask instead of scoring here, such as `http://127.0.0.1:8080`; it has its own model, policy and sources
    #[arg(long, value_name = "URL", conflicts_with_all = ["model", "policy", "incidents", "owners", "cache", "unit"])]
    pub server: Option<String>,
    /// File that holds the service's key
    #[arg(long, value_name = "FILE", requires = "server")]
    key_file: Option<PathBuf>,
    /// Root certificates to trust the service by, in PEM; those of this machine unless given
    #[arg(long, value_name = "FILE", requires = "server")]
    server_ca: Option<PathBuf>,
    /// Milliseconds to wait for the service's whole answer; then no decision exists
    #[arg(long, value_name = "MS", requires = "server", default_value_t = TIMEOUT_MS)]
    timeout_ms: NonZeroU64,
}

impl ServiceArgs {
    /// Asks `server` with the body of `POST /v1/score`.
    pub fn ask(&self, server: &str, body: &Value, is_explained: bool) -> Result<Answer, Failure> {
        let include = if is_explained { "?include=explanation" } else { "" };
        let url = format!("{}/v1/score{include}", server.trim_end_matches('/'));
        let mut request = self.agent(&url)?.post(&url);
        if let Some(path) = &self.key_file {
            let key = std::fs::read_to_string(path)
                .or_exit(Exit::BadInput, format!("cannot read `{}`", path.display()))?;
            request = request.header("authorization", format!("Bearer {}", key.trim()));
        }
        let no_decision = || format!("`{server}` gave no decision");
        let mut response = request.send_json(body).or_exit(Exit::NoDecision, no_decision())?;
        if response.status() != StatusCode::OK {
            return Err(refusal(server, &mut response));
        }
        let mut answer: Answer = response.body_mut().read_json().or_exit(Exit::NoDecision, no_decision())?;
        if let Some(why) = doubt(&answer, body, Timestamp::now()) {
            return Err(Failure::no_decision(format!("{}: {why}", no_decision())));
        }
        strip_controls(&mut answer);
        Ok(answer)
    }

    /// Waits for nobody forever, since a pipeline that hangs has no exit code, and goes nowhere else than it was told. The
    /// machine's certificates are only looked for where they are needed.
    fn agent(&self, url: &str) -> Result<ureq::Agent, Failure> {
        let timeout = Duration::from_millis(self.timeout_ms.get());
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
        let config = config.max_redirects_will_error(false).timeout_global(Some(timeout));
        if !url.starts_with("https:") {
            return Ok(ureq::Agent::new_with_config(config.build()));
        }
        let tls = trusting(self.server_ca.as_deref());
        let tls = tls.or_exit(Exit::BadInput, "the service cannot be trusted")?;
        Ok(ureq::Agent::new_with_config(config.tls_config(tls).build()))
    }
}

/// A problem of the service (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
    path: Option<String>,
}

/// Why the service gave no decision, in its own words where it has any. A question that nobody could answer is
/// bad input, as it is without a service.
fn refusal(server: &str, response: &mut Response<Body>) -> Failure {
    let status = response.status().as_u16();
    let said = match response.body_mut().read_json() {
        Ok(Problem { code, detail, path: Some(path) }) => format!("{code}: {detail} ({path})"),
        Ok(Problem { code, detail, path: None }) => format!("{code}: {detail}"),
        Err(_) => format!("http status: {status}"),
    };
    let said = without_controls(&said);
    match status {
        400 | 413 | 422 => Failure::bad_input(format!("`{server}` cannot score the change: {said}")),
        _ => Failure::no_decision(format!("`{server}` gave no decision: {said}")),
    }
}

/// Why an answer is no decision on what was asked; none where it is one.
fn doubt(answer: &Answer, body: &Value, now: Timestamp) -> Option<&'static str> {
    let asked = &body["change"];
    let is_asked_commit = || asked["commit"].as_str() == answer.change.commit.as_deref();
    let is_asked_diff = || {
        let record = asked["diff"].as_str().and_then(|text| parse_diff(text.as_bytes()).ok());
        // What cannot be read here, the service may read; it says what of.
        record.is_none_or(|record| answer.change.digest == Some(digest(&record).to_string()))
    };
    let is_in_force = || answer.expires_at.parse::<Timestamp>().is_ok_and(|expires_at| expires_at > now);
    if asked["repo"] != answer.change.repo.as_str() {
        Some("the answer is about another repository")
    } else if asked["commit"].is_string() && !is_asked_commit()
        || asked["diff"].is_string() && !is_asked_diff()
    {
        Some("the answer is about another change")
    } else if answer.reasons.is_empty() {
        Some("the answer has no reason")
    } else if answer.decision_id.is_none() && !answer.degraded {
        Some("the answer has no record")
    } else if !is_in_force() {
        Some("the answer has expired")
    } else {
        None
    }
}

/// Texts of a service go to terminals and logs.
fn strip_controls(answer: &mut Answer) {
    let reasons = answer.reasons.iter_mut().map(|reason| &mut reason.text);
    let required = answer.plan.iter_mut().flat_map(|plan| &mut plan.require);
    for text in reasons.chain(&mut answer.warnings).chain(required) {
        *text = without_controls(text);
    }
}

fn without_controls(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
