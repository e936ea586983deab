//! The closed set of reasons: a stable code for programs, a sentence for people, and whether it degrades the answer. Codes are
//! added, never renamed. Start at [`ReasonCode`].

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One reason of a decision: a code for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The stable code.
    pub code: ReasonCode,
    /// The same in plain words, with the numbers of this change.
    pub text: String,
}

impl Reason {
    /// A reason with its own sentence.
    pub fn new(code: ReasonCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// A reason that says no more than its code means.
    pub fn standard(code: ReasonCode) -> Self {
        Self::new(code, code.sentence())
    }
}

/// Defines the closed set of codes once: variant, wire name, whether it degrades, sentence.
macro_rules! reason_codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $degrades:literal, $sentence:literal;)*) => {
        /// Why a decision is what it is; the closed set that rollout tools may rely on.
        ///
        /// A code is never renamed and never reused for another meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ReasonCode {
            $(#[doc = $sentence] $variant,)*
        }

        impl ReasonCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it means, in one sentence without a final stop.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }

            /// Whether it says that the service cannot vouch: such a decision is `degraded`.
            pub fn degrades(self) -> bool {
                match self { $(Self::$variant => $degrades,)* }
            }
        }
    };
}

impl ReasonCode {
    /// Whether it only tells how things stand, and asks for nothing.
    pub(super) fn is_note(self) -> bool {
        matches!(self, Self::WithinBudget | Self::NoLocalHistory | Self::Shadow)
    }
}

reason_codes! {
    RiskAboveBudget = "risk_above_budget", false, "the change ranks among the riskiest share that is sent to extra validation";
    WithinBudget = "within_budget", false, "the change ranks below the share that is sent to extra validation";
    WindowHold = "window_hold", false, "a freeze window holds the riskiest share, and the change ranks in it";
    Rule = "rule", false, "a rule of the policy matched";
    KnownBad = "known_bad", false, "this very change was already reverted, caught or named in an incident";
    Rollback = "rollback", false, "the change takes back exactly what landed within a day";
    PlannedRoundTrip = "planned_round_trip", false, "the change reads as one that is to be undone: say by when and by whom";
    NoLocalHistory = "no_local_history", false, "nothing is known of this repository: scored by what other repositories teach";
    Shadow = "shadow", false, "the repository is in shadow mode: the decision is not enforced";
    HazardReplicasToZero = "hazard_replicas_to_zero", false, "a replica count or capacity falls to zero";
    HazardFullRollout = "hazard_full_rollout", false, "a rollout percentage jumps from a few percent to everything";
    HazardWildcard = "hazard_wildcard", false, "a wildcard enters a list of what is allowed";
    HazardSecret = "hazard_secret", false, "a secret stands in clear";
    HazardOther = "hazard_other", false, "a built-in hazard rule matched";
    RuleFailed = "rule_failed", true, "a rule of the policy could not be evaluated, or did not answer yes or no";
    NoModel = "no_model", true, "no model is loaded";
    ArtifactRefused = "artifact_refused", true, "the model artifact failed its checks and was refused";
    UnknownCommit = "unknown_commit", true, "the commit is not in the repository, also after a refresh";
    UnknownRepository = "unknown_repository", true, "the repository is not known here";
    UnknownAuthor = "unknown_author", true, "the author has no earlier change here, and the policy does not allow that";
    UnknownPath = "unknown_path", true, "a path has no earlier change here, and the policy does not allow that";
    HistoryStale = "history_stale", true, "the history was refreshed too long ago";
    FeatureMissing = "feature_missing", true, "too many features that the model needs are missing";
    UnknownUnit = "unknown_unit", true, "the model learned from changes of another unit than this repository's";
    CustomFeatureMissing = "custom_feature_missing", true, "a custom feature that the model learned from was not sent";
    OutOfDistribution = "out_of_distribution", true, "the change is unlike anything the model was trained on";
    DeadlinePassed = "deadline_passed", true, "the answer was not ready before the deadline";
    StoreDown = "store_down", true, "the decision could not be recorded";
    StoreSlow = "store_slow", true, "the decision was not recorded in time";
    ClockSkew = "clock_skew", true, "a clock is wrong: the request and the service disagree about the time";
    PolicyMissing = "policy_missing", true, "no valid policy is loaded";
    ItemFailed = "item_failed", true, "this item of the batch could not be scored";
    NotANumber = "not_a_number", true, "a number that the decision rests on is not a number";
    InternalError = "internal_error", true, "an unexpected error stopped the scoring";
}

impl std::fmt::Display for ReasonCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A code that is not in the closed set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a reason code")]
pub struct UnknownReasonCode(pub String);

impl std::str::FromStr for ReasonCode {
    type Err = UnknownReasonCode;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|code| code.as_str() == name);
        found.copied().ok_or_else(|| UnknownReasonCode(name.to_owned()))
    }
}

impl Serialize for ReasonCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ReasonCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}
