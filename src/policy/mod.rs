//! The policy: from an assessment and the facts of a change to one decision.
//!
//! Owns the policy file, its calendar, its rules in CEL, the built-in hazard rules, the reasons and
//! the rollout plan. Takes values and returns values: no clock, no file, no feature. It can raise a
//! decision for many reasons and lowers it for one, a proved rollback; whatever is in doubt is at
//! least extra validation. Start reading at [`Policy::decide`].

mod calendar;
mod decide;
mod decision;
mod document;
mod duration;
mod hazard;
mod ledger;
mod load;
mod question;
mod reason;
mod rule;
mod season;
mod words;

use std::collections::{BTreeMap, BTreeSet};

pub use decision::{AppliedBudget, Decision, Stage, Verdict};
pub use document::Mode;
pub use hazard::{Hazard, HazardRule, Sphere, Spot, find_hazards, hazard_rules};
pub use question::{Context, ContextValue, Facts, KnownBad, KnownOutcome, Question, Reading};
pub use reason::{Reason, ReasonCode, UnknownReasonCode};

use crate::policy::calendar::Calendar;
use crate::policy::document::OnDoubt;
use crate::policy::rule::Rule;

/// The season in which no window is in force.
pub const NORMAL_SEASON: &str = "normal";

/// The published default policy, as a file.
pub const DEFAULT_POLICY: &str = include_str!("default.toml");

/// Why a policy file was refused. The one in force stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not TOML, or has a key or a type that a policy does not have.
    #[error("policy line {line}, column {column}: {message}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What was expected.
        message: String,
    },
    /// A value that a policy cannot have.
    #[error("policy key `{path}`: {message}")]
    Value {
        /// Where, such as `window[2].zone`; lists count from 0.
        path: String,
        /// What was expected.
        message: String,
    },
    /// A rule that can never work.
    #[error("policy rule `{name}` (`{path}.when`): {message}")]
    Rule {
        /// Where, such as `rule[0]`.
        path: String,
        /// What its owner calls it.
        name: String,
        /// What is wrong with it.
        message: String,
    },
}

/// A checked policy.
#[derive(Clone, Debug)]
pub struct Policy {
    digest: String,
    budget: BTreeMap<String, f64>,
    windows: Vec<Window>,
    rules: Vec<Rule>,
    hazards_off: BTreeSet<String>,
    rollback: Verdict,
    plans: [Plan; 3],
    /// Of a rollback on the fast path, where it is another one.
    rollback_plan: Option<Plan>,
    mode: Mode,
    repositories: BTreeMap<String, RepositoryPolicy>,
    unknown_repository: OnDoubt,
    unknown_author: OnDoubt,
    unknown_path: OnDoubt,
    out_of_distribution: OnDoubt,
    max_missing_features: f64,
    history_stale_after: u64,
    expires_after: u64,
}

/// A window of the calendar and what it means.
#[derive(Clone, Debug)]
struct Window {
    name: String,
    season: String,
    hold: f64,
    calendar: Calendar,
}

/// What must happen after a decision.
#[derive(Clone, Debug, Default)]
struct Plan {
    require: Vec<String>,
    stages: Vec<Stage>,
}

/// What differs for one repository.
#[derive(Clone, Debug)]
struct RepositoryPolicy {
    mode: Option<Mode>,
    budget: BTreeMap<String, f64>,
    hazards_off: BTreeSet<String>,
}

impl Policy {
    /// Reads and checks a policy file.
    ///
    /// ```
    /// use diffrisk::policy::Policy;
    ///
    /// let error = Policy::parse("[budget]\nnormal = 0.1\nnight = 2").unwrap_err();
    /// assert_eq!(error.to_string(), "policy key `budget.night`: `2` is not a share between 0 and 1");
    /// ```
    ///
    /// # Errors
    /// When the file is not TOML, has an unknown key, or a value or rule that can never work; the
    /// message names the line or the key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        load::load(text)
    }

    /// The policy that is used where none is configured.
    pub fn default_published() -> Self {
        Self::parse(DEFAULT_POLICY).expect("the published policy is parsed in a test")
    }

    /// Digest of the file, `sha256:…`: what a decision was made under.
    pub fn policy_digest(&self) -> &str {
        &self.digest
    }

    /// Whether its author wrote rules.
    pub fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    /// Whether decisions on a repository are to be acted on.
    pub fn mode(&self, repo: &str) -> Mode {
        self.repositories.get(repo).and_then(|repository| repository.mode).unwrap_or(self.mode)
    }
}

#[cfg(test)]
mod tests;
