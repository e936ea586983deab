//! A running service that is asked in the place of this process: how it is reached, and what is told where it gives no answer.
//! Start at [`ServiceArgs::post`].

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use diffrisk::http::trusting;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::Body;
use ureq::http::{Response, StatusCode};

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, OrExit};

/// Ten seconds: a service answers within its deadline, a fifth of a second or ten times that for a range, also where it folds or
/// is busy.
const TIMEOUT_MS: NonZeroU64 = NonZeroU64::new(10_000).expect("ten thousand is not zero");

/// Nobody is asked again at once, whatever it says.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// Which service is asked, and how.
#[derive(Debug, Args)]
pub struct ServiceArgs {
    /// Service to ask instead of scoring here, such as `http://127.0.0.1:8080`; it has its own model, policy and sources
    #[arg(long, value_name = "URL", conflicts_with = "read_here", value_parser = parse_server)]
    pub server: Option<String>,
    /// File that holds the service's key
    #[arg(long, value_name = "FILE", requires = "server")]
    key_file: Option<PathBuf>,
    /// Root certificates to trust the service by, in PEM; those of this machine unless given
    #[arg(long, value_name = "FILE", requires = "server")]
    server_ca: Option<PathBuf>,
    /// Milliseconds to wait for the service's whole answer; then there is none
    #[arg(long, value_name = "MS", requires = "server", default_value_t = TIMEOUT_MS)]
    timeout_ms: NonZeroU64,
}

/// The address of a service; what asks it would refuse another one only later, as if no service were there.
fn parse_server(text: &str) -> Result<String, String> {
    let is_address = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    is_address.then(|| text.to_owned()).ok_or_else(|| "expected `http://…` or `https://…`".to_owned())
}

/// What it means where a service gives no answer.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// What is said of a service that gave none, such as "gave no decision".
    pub unanswered: &'static str,
    /// The exit code of that.
    pub exit: Exit,
    /// What is said of a question that nobody could answer, such as "cannot score the change".
    pub refused: &'static str,
    /// The statuses of such a question: it is bad input, as it is without a service.
    pub bad_input: &'static [u16],
}

impl ServiceArgs {
    /// Posts a document to `server` and reads the answer.
    pub fn post<T: DeserializeOwned>(
        &self,
        (server, path): (&str, &str),
        body: &Value,
        wanted: Wanted,
    ) -> Result<T, Failure> {
        let (url, key) = (url(server, path), self.key()?);
        let sent = self.patiently(&url, |agent| {
            let request = agent.post(&url);
            key.iter().fold(request, |it, key| it.header("authorization", key)).send_json(body)
        });
        read(server, sent?, wanted)
    }

    /// Asks `server` a query and reads the answer.
    pub fn get<T: DeserializeOwned>(
        &self,
        (server, path): (&str, &str),
        query: &[(&str, String)],
        wanted: Wanted,
    ) -> Result<T, Failure> {
        let (url, key) = (url(server, path), self.key()?);
        let sent = self.patiently(&url, |agent| {
            let pairs = query.iter().map(|(name, value)| (*name, value.as_str()));
            let request = agent.get(&url).query_pairs(pairs);
            key.iter().fold(request, |it, key| it.header("authorization", key)).call()
        });
        read(server, sent?, wanted)
    }

    /// Asks again where the service is busy and says when to come back, as long as the whole takes no longer than was told.
    fn patiently(&self, url: &str, ask: impl Fn(&ureq::Agent) -> Sent) -> Result<Sent, Failure> {
        let started = Instant::now();
        let timeout = Duration::from_millis(self.timeout_ms.get());
        loop {
            let left = timeout.saturating_sub(started.elapsed()).max(Duration::from_millis(1));
            let sent = ask(&self.agent(url, left)?);
            let wait = sent.as_ref().ok().and_then(comes_back_after);
            // Another answer needs a moment as well: what is there now says more than a timeout would.
            let is_time =
                |wait: Duration| started.elapsed().checked_add(wait * 2).is_some_and(|at| at < timeout);
            match wait.filter(|wait| *wait < timeout && is_time(*wait)) {
                Some(wait) => std::thread::sleep(wait),
                None => return Ok(sent),
            }
        }
    }

    fn key(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.key_file else { return Ok(None) };
        let key = std::fs::read_to_string(path)
            .or_exit(Exit::BadInput, format!("cannot read `{}`", path.display()))?;
        Ok(Some(format!("Bearer {}", key.trim())))
    }

    /// Waits for nobody forever, since a pipeline that hangs has no exit code, and goes nowhere else than it was told. The
    /// machine's certificates are only looked for where they are needed.
    fn agent(&self, url: &str, timeout: Duration) -> Result<ureq::Agent, Failure> {
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

/// A response, or why there is none.
type Sent = Result<Response<Body>, ureq::Error>;

/// How long after its answer a service that takes no more questions now wants to be asked again: never at once.
fn comes_back_after(response: &Response<Body>) -> Option<Duration> {
    let is_busy =
        matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let seconds = response.headers().get("retry-after").filter(|_| is_busy)?;
    Some(Duration::from_secs(seconds.to_str().ok()?.parse().ok()?).max(LEAST_WAIT))
}

fn url(server: &str, path: &str) -> String {
    format!("{}{path}", server.trim_end_matches('/'))
}

fn read<T: DeserializeOwned>(server: &str, sent: Sent, wanted: Wanted) -> Result<T, Failure> {
    let unanswered = || format!("`{server}` {}", wanted.unanswered);
    let mut response = sent.or_exit(wanted.exit, unanswered())?;
    if response.status() == StatusCode::OK {
        return response.body_mut().read_json().or_exit(wanted.exit, unanswered());
    }
    let status = response.status().as_u16();
    let said = said(status, &mut response);
    let is_bad_input = wanted.bad_input.contains(&status);
    let (exit, what) =
        if is_bad_input { (Exit::BadInput, wanted.refused) } else { (wanted.exit, wanted.unanswered) };
    Err(Failure::ending(exit, format!("`{server}` {what}: {said}")))
}

/// A problem of the service (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
    path: Option<String>,
}

/// Why the service gave no answer, in its own words where it has any.
fn said(status: u16, response: &mut Response<Body>) -> String {
    let said = match response.body_mut().read_json() {
        Ok(Problem { code, detail, path: Some(path) }) => format!("{code}: {detail} ({path})"),
        Ok(Problem { code, detail, path: None }) => format!("{code}: {detail}"),
        Err(_) => format!("http status: {status}"),
    };
    without_controls(&said)
}

/// A text of a service that goes to a terminal or a log.
pub fn without_controls(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
