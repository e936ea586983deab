//! The shapes that other people's scripts rely on: requests and answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::explain::{Explanation, GroupShare};
use crate::http::assessor::{HistoryRef, ModelRef};

/// One question: a commit of a known repository, or a diff.
#[derive(Clone, Debug, ToSchema)]
#[schema(example = json!({"change": {"repo": "mediawiki-config", "commit": "0123456789abcdef0123456789abcdef01234567"}}))]
pub struct ScoreRequest {
    /// The change.
    #[schema(inline)]
    pub change: ChangeRequest,
    /// Custom features, named `x.…`: all that the model learned from, else the answer is degraded.
    pub features: Option<BTreeMap<String, f64>>,
    /// What the caller knows about the rollout.
    #[schema(required = false)]
    pub context: Option<ContextRequest>,
}

/// The change: `commit`, or `diff` with its author and message.
#[derive(Clone, Debug, ToSchema)]
pub struct ChangeRequest {
    /// Name of the repository.
    #[schema(min_length = 1, max_length = 200)]
    pub repo: String,
    /// A commit of that repository.
    #[schema(pattern = "^[0-9a-fA-F]{7,64}$")]
    pub commit: Option<String>,
    /// With `commit`: the combined change of `base..commit`.
    #[schema(pattern = "^[0-9a-fA-F]{7,64}$")]
    pub base: Option<String>,
    /// The caller's review identity, stable across amendments.
    #[schema(min_length = 1, max_length = 200)]
    pub id: Option<String>,
    /// Who wrote it.
    #[schema(max_length = 1000)]
    pub author: Option<String>,
    /// The whole message.
    #[schema(max_length = 1048576)]
    pub message: Option<String>,
    /// When it was written, RFC 3339 with the author's offset.
    #[schema(format = DateTime)]
    pub authored_at: Option<String>,
    /// A unified diff.
    pub diff: Option<String>,
}

/// What the caller knows about the rollout.
#[derive(Clone, Debug, ToSchema)]
pub struct ContextRequest {
    /// Where it rolls out.
    #[schema(min_length = 1, max_length = 200)]
    pub environment: Option<String>,
    /// The service that reads the configuration.
    #[schema(min_length = 1, max_length = 200)]
    pub service: Option<String>,
    /// When it will roll out, RFC 3339.
    #[schema(format = DateTime)]
    pub rollout_at: Option<String>,
    /// Anything else that rules of the policy may read: flags, numbers, texts.
    #[schema(required = false, value_type = Option<Object>)]
    pub more: Option<()>,
}

/// Many questions at once.
#[derive(Clone, Debug, ToSchema)]
pub struct BatchRequest {
    /// At most 1,000.
    #[schema(max_items = 1000)]
    pub items: Vec<ScoreRequest>,
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// Identity of the stored decision; null only when it could not be stored.
    pub decision_id: Option<String>,
    /// `fast_path`, `extra_validation` or `hold`.
    #[schema(example = "extra_validation")]
    pub decision: String,
    /// Whether the service could not vouch; then never `fast_path`.
    pub degraded: bool,
    /// False in shadow mode: recorded, not to be acted on.
    pub enforced: bool,
    /// `ordinary`, `planned_round_trip`, `revert` or `rollback`.
    pub kind: String,
    /// Which change this is about.
    pub change: ChangeAnswer,
    /// What the model says.
    pub risk: Option<RiskAnswer>,
    /// The budget that was applied.
    pub budget: Option<BudgetAnswer>,
    /// The history it was compared with.
    pub history: Option<HistoryRef>,
    /// Why, the weightiest first; never empty.
    pub reasons: Vec<ReasonAnswer>,
    /// What each feature added; sums to the margin.
    pub explanation: Option<ExplanationAnswer>,
    /// What must happen next.
    pub plan: Option<PlanAnswer>,
    /// The model that scored.
    pub model: Option<ModelRef>,
    /// Digest of the policy that decided.
    pub policy: Option<String>,
    /// When.
    pub decided_at: String,
    /// After this, ask again.
    pub expires_at: String,
    /// Where to read more.
    pub links: Option<LinksAnswer>,
    /// What the caller should know beside the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The commits of a range, each on its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartAnswer>,
    /// The feature vector, where asked for; null is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<Vec<Option<f64>>>,
    /// The hashed tokens, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Vec<u32>>,
    /// The whole explanation, where asked for: where in the diff, similar changes, what would lower it.
    /// docs/EXPLANATIONS.md says how to read it. Never stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub explained: Option<Box<Explanation>>,
}

/// Which change an answer is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangeAnswer {
    /// Name of the repository.
    pub repo: String,
    /// The full commit id.
    pub commit: Option<String>,
    /// The review identity.
    pub id: Option<String>,
    /// The digest of the change.
    pub digest: Option<String>,
    /// Beginning of a range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
}

/// A calibrated probability and its rank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RiskAnswer {
    /// Probability of an unplanned revert or an incident within the horizon.
    pub score: f64,
    /// Days after landing.
    pub horizon_days: u32,
    /// The same for an average change of this repository.
    pub base_rate: f64,
    /// Mid-rank among the reference, 0–100.
    pub percentile: f64,
    /// `weekend`, `yellow`, `red` or `green`.
    pub gate_level: String,
    /// What the percentile ranks against.
    pub reference: ReferenceAnswer,
}

/// What a percentile ranks against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReferenceAnswer {
    /// `repository` or `artifact`.
    pub scope: String,
    /// Number of changes; of an artifact, of the quantiles that stand for the changes that it learned from.
    pub n: usize,
    /// The oldest.
    pub from: Option<String>,
    /// The newest.
    pub to: Option<String>,
}

/// The budget that was applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BudgetAnswer {
    /// The season.
    pub season: String,
    /// Share of changes sent to extra validation.
    pub share: f64,
    /// The percentile from which a change is caught.
    pub threshold_percentile: f64,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReasonAnswer {
    /// The stable code.
    pub code: String,
    /// In plain words.
    pub text: String,
}

/// What each feature added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExplanationAnswer {
    /// Margin of an empty question, in log-odds.
    pub base: f64,
    /// `base` plus all contributions.
    pub margin: f64,
    /// The largest first; the rest summed in a last one named `others`.
    pub contributions: Vec<ContributionAnswer>,
    /// The same, summed to at most eight groups in plain words, and a ninth of custom features, the largest
    /// first; they too add up to `margin - base`. docs/EXPLANATIONS.md says what is in each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>, required = false)]
    pub groups: Vec<GroupShare>,
}

/// What one feature added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ContributionAnswer {
    /// Machine name, or `others`.
    pub feature: String,
    /// Its group.
    pub group: String,
    /// Its value; null is unknown.
    pub value: Option<f64>,
    /// Its share of the margin, in log-odds.
    pub contribution: f64,
    /// In plain words.
    pub text: String,
}

/// What must happen next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanAnswer {
    /// Validations that must be passed.
    pub require: Vec<String>,
    /// The rollout, step by step; empty where nothing may roll out, or the policy has no plan for the decision.
    pub stages: Vec<StageAnswer>,
}

/// One step of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StageAnswer {
    /// Share of the fleet after this step.
    pub percent: u8,
    /// How long health is watched before the next.
    pub bake_seconds: u64,
}

/// Where to read more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LinksAnswer {
    /// The stored decision.
    #[serde(rename = "self")]
    pub own: String,
    /// The page for people.
    pub page: String,
}

/// One commit of a range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PartAnswer {
    /// The commit.
    pub change: ChangeAnswer,
    /// What it alone would be told.
    pub decision: String,
    /// Its kind.
    pub kind: String,
    /// What the model says of it.
    pub risk: Option<RiskAnswer>,
    /// Why.
    pub reasons: Vec<ReasonAnswer>,
}

/// The answers to a batch, in order: an answer or a problem each.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BatchAnswer {
    /// One a question.
    #[schema(value_type = Vec<Object>)]
    pub results: Vec<serde_json::Value>,
}

/// Which model to use from now on.
#[derive(Clone, Debug, ToSchema)]
pub struct ActivateRequest {
    /// Its name in the registry.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Its version: the first 12 hex digits of the artifact's digest.
    #[schema(min_length = 1, max_length = 100)]
    pub version: String,
}

/// What became of a change. One of `decision_id`, `commit`, `id` and `digest` says which.
#[derive(Clone, Debug, ToSchema)]
pub struct OutcomeRequest {
    /// A stored decision.
    pub decision_id: Option<String>,
    /// Name of the repository; beside `commit` or `id`.
    pub repo: Option<String>,
    /// A commit.
    pub commit: Option<String>,
    /// A review identity.
    pub id: Option<String>,
    /// Digest of the change, `sha256:…`.
    pub digest: Option<String>,
    /// `incident`, `reverted`, `reverted_as_planned`, `caught`, `harmless` or `retracted`.
    #[schema(pattern = "^(incident|reverted|reverted_as_planned|caught|harmless|retracted)$")]
    pub outcome: String,
    /// When it happened, RFC 3339.
    #[schema(format = DateTime)]
    pub occurred_at: String,
    /// When it became known; by default now.
    #[schema(format = DateTime)]
    pub known_at: Option<String>,
    /// The incident.
    pub incident_id: Option<String>,
    /// Its severity, as its own system words it.
    pub severity: Option<String>,
    /// Who reports.
    pub source: Option<String>,
}

/// Break-glass: why a decision is not followed, and until when.
#[derive(Clone, Debug, ToSchema)]
pub struct OverrideRequest {
    /// Why.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
    /// Where it was agreed.
    #[schema(min_length = 1, max_length = 200)]
    pub ticket: Option<String>,
    /// Until when, RFC 3339; a moment that is still to come.
    #[schema(format = DateTime)]
    pub expires_at: String,
}
