//! What operators see: counters, histograms and gauges in the OpenMetrics text format.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) route: String,
    pub(super) status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct DecisionLabels {
    pub(super) decision: String,
    pub(super) degraded: String,
}

/// Of a policy's season, and whether the rank of a change was above its budget.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct BudgetLabels {
    pub(super) season: String,
    pub(super) above: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct CodeLabels {
    pub(super) code: String,
}

pub(super) struct Metrics {
    registry: Registry,
    pub(super) requests: Family<RequestLabels, Counter>,
    pub(super) request_seconds: Histogram,
    pub(super) decisions: Family<DecisionLabels, Counter>,
    pub(super) budgeted: Family<BudgetLabels, Counter>,
    pub(super) degraded: Family<CodeLabels, Counter>,
    pub(super) problems: Family<CodeLabels, Counter>,
    pub(super) scoring_seconds: Histogram,
    pub(super) record_seconds: Histogram,
    pub(super) reused: Counter,
    pub(super) overrides: Counter,
    pub(super) outcomes: Counter,
    pub(super) swaps: Family<CodeLabels, Counter>,
    pub(super) spans_dropped: Counter,
    pub(super) store_open: Gauge,
    pub(super) waiting: Gauge,
    pub(super) percentile: Histogram,
    pub(super) history_lag: Gauge<f64, AtomicU64>,
    pub(super) repositories_away: Gauge,
}

fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.000_1, 2.0, 16))
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("diffrisk"),
            requests: Family::default(),
            request_seconds: seconds(),
            decisions: Family::default(),
            budgeted: Family::default(),
            degraded: Family::default(),
            problems: Family::default(),
            scoring_seconds: seconds(),
            record_seconds: seconds(),
            reused: Counter::default(),
            overrides: Counter::default(),
            outcomes: Counter::default(),
            swaps: Family::default(),
            spans_dropped: Counter::default(),
            store_open: Gauge::default(),
            waiting: Gauge::default(),
            percentile: Histogram::new((1..=20).map(|step| f64::from(step) * 5.0)),
            history_lag: Gauge::default(),
            repositories_away: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("requests", "Requests answered", self.requests.clone());
        let help = "Time from a request's head to its answer";
        registry.register_with_unit("request", help, Unit::Seconds, self.request_seconds.clone());
        registry.register("decisions", "Decisions answered", self.decisions.clone());
        let help = "Ranked changes, by whether the budget of their season sends them to extra validation";
        registry.register("budgeted", help, self.budgeted.clone());
        registry.register("degraded", "Reasons of degraded decisions", self.degraded.clone());
        registry.register("problems", "Requests that got no decision", self.problems.clone());
        let help = "Time to read and score a change";
        registry.register_with_unit("scoring", help, Unit::Seconds, self.scoring_seconds.clone());
        let help = "Time until a decision was on disk";
        registry.register_with_unit("record", help, Unit::Seconds, self.record_seconds.clone());
        registry.register("reused", "Answers from a stored decision", self.reused.clone());
        registry.register("overrides", "Decisions overridden", self.overrides.clone());
        registry.register("outcomes", "Outcomes reported", self.outcomes.clone());
        // From the start, so that the first of each is a growth.
        for code in ["model_activated", "model_refused", "policy_activated", "policy_refused"] {
            drop(self.swaps.get_or_create(&CodeLabels { code: code.into() }));
        }
        registry.register("swaps", "Models and policies activated or refused", self.swaps.clone());
        registry.register(
            "spans_dropped",
            "Spans that the trace collector did not get",
            self.spans_dropped.clone(),
        );
        registry.register("store_open", "Whether the decision log takes records", self.store_open.clone());
        registry.register("waiting", "Questions waiting for their turn", self.waiting.clone());
        registry.register("percentile", "Percentiles of scored changes", self.percentile.clone());
        let help = "Seconds since the least fresh repository was looked at";
        registry.register("history_lag_seconds", help, self.history_lag.clone());
        let help = "Repositories that could not be read since the start";
        registry.register("repositories_away", help, self.repositories_away.clone());
    }

    /// The whole state as OpenMetrics text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string never fails.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}
