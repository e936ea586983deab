//! What a service may be told about listening, limits and time, as finished values with their defaults. Where the values come
//! from is in `settings`.

use std::path::PathBuf;
use std::time::Duration;

use crate::http::tls::TlsConfig;

/// How the service listens and what it takes. Order of a value: flag, environment, file, default.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerConfig {
    /// Address to listen on.
    pub listen: String,
    /// Longest time for one score before the answer is a degraded one.
    pub deadline: Duration,
    /// Time that the record always gets, however late the score was.
    pub record_time: Duration,
    /// A change further in the future than this is a doubt about somebody's clock.
    pub max_clock_skew: Duration,
    /// Key file; none: no keys are needed, and only loopback may be listened on.
    pub keys: Option<PathBuf>,
    /// Certificate and key; none: plain HTTP.
    pub tls: Option<TlsConfig>,
    /// What a request may be.
    pub limits: Limits,
    /// Base address of an OpenTelemetry collector; none: no span leaves the process.
    pub otlp: Option<String>,
    /// Longest time to finish what runs after SIGTERM.
    pub drain: Duration,
    /// Time between two looks at the repositories for new commits.
    pub poll: Duration,
}

/// What a request may be, and how many at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Bytes of a body, after decompression.
    pub body_bytes: usize,
    /// Files of a diff.
    pub diff_files: usize,
    /// Lines of a diff.
    pub diff_lines: usize,
    /// Items of a batch.
    pub batch_items: usize,
    /// Time for a head, and then for a body, to arrive; and for an idle connection to ask again.
    pub body_time: Duration,
    /// Connections at once; one more waits outside.
    pub n_connections: usize,
    /// Questions scored at once.
    pub n_scoring: usize,
    /// Questions that may wait for their turn; one more is shed.
    pub n_waiting: usize,
    /// Requests a second and key; none: no limit.
    pub requests_per_second: Option<u32>,
}

impl ServerConfig {
    /// How long a question may wait for its turn: the rest of the deadline is for the work and its record.
    pub(super) fn patience(&self) -> Duration {
        self.deadline / 4
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            deadline: Duration::from_millis(200),
            record_time: Duration::from_millis(50),
            max_clock_skew: Duration::from_secs(300),
            keys: None,
            tls: None,
            otlp: None,
            limits: Limits::default(),
            drain: Duration::from_secs(20),
            poll: Duration::from_secs(10),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 8 << 20,
            diff_files: 5_000,
            diff_lines: 200_000,
            batch_items: 1_000,
            body_time: Duration::from_secs(10),
            n_connections: 4_096,
            n_scoring: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            n_waiting: 256,
            requests_per_second: None,
        }
    }
}
