//! One span a request to an OpenTelemetry collector, off unless an address is configured.
//!
//! OTLP over HTTP in its JSON form needs no more than what is here. Spans go through a bounded queue to one
//! thread that sends them in batches; where the collector is slow or away they are dropped and counted, and
//! no request ever waits for it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use serde_json::{Value, json};

use crate::http::tls::trusting;
use crate::http::trace::TraceContext;

const N_QUEUED: usize = 4_096;
const N_BATCH: usize = 512;
const SEND_EVERY: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(5);
/// OTLP's numbers for a span of a server and for a failed one.
const KIND_SERVER: u8 = 2;
const STATUS_ERROR: u8 = 2;

/// A finished request.
pub(super) struct Span {
    pub(super) context: TraceContext,
    pub(super) method: &'static str,
    pub(super) route: String,
    pub(super) status: u16,
    pub(super) start_ns: i128,
    pub(super) end_ns: i128,
}

/// Where finished requests go.
pub(super) struct Exporter {
    spans: SyncSender<Span>,
    n_dropped: Counter,
}

impl Exporter {
    /// Sends to the collector at a base address such as `http://127.0.0.1:4318`, and counts what it did not get.
    ///
    /// # Errors
    /// When no thread can be started, or this machine has no certificate to trust a collector by that speaks TLS.
    pub(super) fn start(base: &str, n_dropped: Counter) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(N_QUEUED);
        let url = format!("{}/v1/traces", base.trim_end_matches('/'));
        let mut config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT));
        if url.starts_with("https:") {
            config = config.tls_config(trusting(None).map_err(std::io::Error::other)?);
        }
        let agent = ureq::Agent::new_with_config(config.build());
        let n_unsent = n_dropped.clone();
        let run = move || export(&agent, &url, &receiver, &n_unsent);
        std::thread::Builder::new().name("otlp".into()).spawn(run)?;
        Ok(Self { spans: sender, n_dropped })
    }

    /// Hands a span over; one that there is no room for is counted and dropped.
    pub(super) fn send(&self, span: Span) {
        if self.spans.try_send(span).is_err() {
            self.n_dropped.inc();
        }
    }
}

/// Collects for a second or a full batch, sends, and ends with the last sender.
fn export(agent: &ureq::Agent, url: &str, receiver: &Receiver<Span>, n_unsent: &Counter) {
    let mut is_away = false;
    loop {
        let Ok(first) = receiver.recv() else { return };
        let mut spans = vec![first];
        let due = Instant::now() + SEND_EVERY;
        let is_last = loop {
            match receiver.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(span) => spans.push(span),
                Err(RecvTimeoutError::Timeout) => break false,
                Err(RecvTimeoutError::Disconnected) => break true,
            }
            if spans.len() == N_BATCH {
                break false;
            }
        };
        let sent =
            agent.post(url).header("content-type", "application/json").send(document(&spans).to_string());
        if let Err(error) = &sent {
            n_unsent.inc_by(spans.len() as u64);
            if !is_away {
                tracing::warn!(error = %error, "the trace collector takes no spans; they are dropped");
            }
        }
        is_away = sent.is_err();
        if is_last {
            return;
        }
    }
}

fn document(spans: &[Span]) -> Value {
    let service = [attribute("service.name", json!({ "stringValue": "diffrisk" }))];
    json!({ "resourceSpans": [{
        "resource": { "attributes": service },
        "scopeSpans": [{
            "scope": { "name": "diffrisk", "version": env!("CARGO_PKG_VERSION") },
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }] })
}

fn span(span: &Span) -> Value {
    let attributes = [
        attribute("http.request.method", json!({ "stringValue": span.method })),
        attribute("http.route", json!({ "stringValue": span.route })),
        attribute("http.response.status_code", json!({ "intValue": span.status.to_string() })),
    ];
    let mut value = json!({
        "traceId": span.context.trace_id, "spanId": span.context.span_id,
        "name": format!("{} {}", span.method, span.route), "kind": KIND_SERVER,
        "startTimeUnixNano": span.start_ns.to_string(), "endTimeUnixNano": span.end_ns.to_string(),
        "attributes": attributes,
    });
    if let Some(parent_id) = &span.context.parent_id {
        value["parentSpanId"] = json!(parent_id);
    }
    if span.status >= 500 {
        value["status"] = json!({ "code": STATUS_ERROR });
    }
    value
}

fn attribute(key: &str, value: Value) -> Value {
    json!({ "key": key, "value": value })
}
