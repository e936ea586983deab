//! Everything that a decision may rest on, as plain values. The moment is among them: policy has no clock.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::change::{Change, KeyChange};
use crate::label::Classification;
use crate::policy::reason::Reason;
use crate::risk::Assessment;

/// Everything that a decision may rest on.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The change.
    pub change: &'a Change,
    /// Its kind, told from its wording, its diff and the past.
    pub classification: &'a Classification,
    /// The typed key edits of each file, by path.
    pub keys: &'a [(String, Vec<KeyChange>)],
    /// What the model says; none where it cannot say anything.
    pub assessment: Option<&'a Assessment>,
    /// Why the service cannot vouch, as found before policy was asked; empty when all is well.
    pub degraded: &'a [Reason],
    /// What already happened to this very change.
    pub known_bad: Option<&'a KnownBad>,
    /// Name of the repository.
    pub repo: &'a str,
    /// Owners of the changed paths.
    pub owners: &'a [String],
    /// What the caller says about the rollout.
    pub context: &'a Context,
    /// What is known and unknown around the change.
    pub facts: Facts,
    /// The moment of the question, in Unix seconds.
    pub now: i64,
}

/// What the caller says about the rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Where it rolls out: `production`, `staging`, …
    pub environment: Option<String>,
    /// The service that reads the configuration.
    pub service: Option<String>,
    /// When it will roll out, in Unix seconds; the season counts from here or from now,
    /// whichever is stricter.
    pub rollout_at: Option<i64>,
    /// Anything else that rules may ask for.
    #[serde(default)]
    pub more: BTreeMap<String, ContextValue>,
}

/// A plain value of the context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ContextValue {
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

/// What is known and unknown around a change; the default is that nothing is in doubt.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts {
    /// No history of this repository is known here.
    pub unknown_repository: bool,
    /// The author has no earlier change in this repository.
    pub unknown_author: bool,
    /// A path of the change, new files apart, has no earlier change in this repository.
    pub unknown_path: bool,
    /// No ownership file says who owns its paths.
    pub unknown_owners: bool,
    /// How far the change itself was read.
    pub reading: Reading,
    /// The change is unlike anything the model was trained on.
    pub out_of_distribution: bool,
    /// Share of the model's features that are missing *and could have been known*: what a cold
    /// start or a new file cannot have does not count.
    pub missing_feature_share: f64,
    /// Seconds since the history was last refreshed; none where that has no meaning (a proposed
    /// diff without a repository).
    pub history_lag_seconds: Option<i64>,
}

/// How far a change was read before its rules are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// All of it.
    #[default]
    Whole,
    /// Not at all: what it changes is not known.
    Unread,
    /// Not to its end, for that took too long. Whoever asks could choose its size.
    TooLong,
}

/// What already happened to this very change (same commit, digest or review identity).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownBad {
    /// What happened.
    pub outcome: KnownOutcome,
    /// When, in Unix seconds.
    pub occurred_at: i64,
}

/// What can have happened to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownOutcome {
    /// It was reverted, and not as planned.
    Reverted,
    /// Validation found it to be bad before it did harm.
    Caught,
    /// It was named in an incident.
    Incident,
}
