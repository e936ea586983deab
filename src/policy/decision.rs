//! The answer of the policy as a plain value: the verdict, why, what it needs and how it rolls out.

use serde::{Deserialize, Serialize};

use crate::policy::reason::{Reason, ReasonCode};

/// What the rollout pipeline is told, ordered from soft to strict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Roll out as the plan says.
    FastPath,
    /// Pass the extra validation of the plan first.
    ExtraValidation,
    /// Do not roll out now; only a freeze window or a rule says so.
    Hold,
}

/// One step of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Share of the fleet that has the change after this step, in percent.
    pub percent: u8,
    /// How long health is watched before the next step.
    pub bake_seconds: u64,
}

/// The budget that was applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppliedBudget {
    /// Name of the season.
    pub season: String,
    /// Share of changes sent to extra validation in it, 0–1.
    pub share: f64,
    /// The percentile from which a change is caught, 0–100.
    pub threshold_percentile: f64,
}

/// The answer of the policy to one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The one word.
    pub verdict: Verdict,
    /// Whether something that the decision rests on could not be vouched for.
    pub degraded: bool,
    /// False in shadow mode: made and recorded, not to be acted on.
    pub enforced: bool,
    /// Why; never empty, the weightiest first.
    pub reasons: Vec<Reason>,
    /// Validations that must be passed, each once, in the order they were asked for.
    pub require: Vec<String>,
    /// The rollout plan; empty where nothing may roll out.
    pub stages: Vec<Stage>,
    /// The budget that was applied.
    pub budget: AppliedBudget,
    /// Unix seconds after which the question must be asked again.
    pub expires_at: i64,
}

impl Verdict {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FastPath => "fast_path",
            Self::ExtraValidation => "extra_validation",
            Self::Hold => "hold",
        }
    }

    /// The same for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::FastPath => "fast path",
            Self::ExtraValidation => "extra validation",
            Self::Hold => "hold",
        }
    }
}

impl Decision {
    /// The strictest of a decision and of those on the named parts of its change: with the plan of the strictest, every
    /// validation that one of them asks for, and the reasons that only a part has.
    #[must_use]
    pub fn with_parts(mut self, parts: &[(&str, &Self)]) -> Self {
        let of_whole = self.verdict;
        let mut parts = parts.to_vec();
        parts.sort_by_key(|(_, part)| std::cmp::Reverse(part.verdict));
        if let Some((_, strictest)) = parts.first().filter(|(_, part)| part.verdict > of_whole) {
            self.verdict = strictest.verdict;
            self.stages.clone_from(&strictest.stages);
        }
        let mut told: Vec<Reason> = self.reasons.clone();
        let mut n_stricter = 0;
        for (name, part) in parts {
            // That a part is a rollback tells something only where it raised the decision.
            let is_told = |reason: &&Reason| {
                let is_soft = reason.code == ReasonCode::Rollback && part.verdict == Verdict::FastPath;
                !reason.code.is_note() && !is_soft
            };
            for reason in part.reasons.iter().filter(is_told) {
                if told.iter().any(|known| says_the_same(known, reason)) {
                    continue;
                }
                told.push(reason.clone());
                let reason = Reason::new(reason.code, [name, ": ", &reason.text].concat());
                if part.verdict > of_whole {
                    self.reasons.insert(n_stricter, reason);
                    n_stricter += 1;
                } else {
                    self.reasons.push(reason);
                }
            }
            for validation in &part.require {
                if !self.require.contains(validation) {
                    self.require.push(validation.clone());
                }
            }
            self.degraded |= part.degraded;
            self.expires_at = self.expires_at.min(part.expires_at);
        }
        self
    }
}

/// How a part ranks is told once, whatever its numbers.
fn says_the_same(a: &Reason, b: &Reason) -> bool {
    let ranks = matches!(a.code, ReasonCode::RiskAboveBudget | ReasonCode::WindowHold);
    a.code == b.code && (ranks || a.text == b.text)
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(verdict: Verdict, codes: &[(ReasonCode, &str)], require: &[&str]) -> Decision {
        let percent = match verdict {
            Verdict::FastPath => 100,
            Verdict::ExtraValidation => 5,
            Verdict::Hold => 1,
        };
        Decision {
            verdict,
            degraded: codes.iter().any(|(code, _)| code.degrades()),
            enforced: true,
            reasons: codes.iter().map(|(code, text)| Reason::new(*code, *text)).collect(),
            require: require.iter().map(|name| (*name).to_owned()).collect(),
            stages: vec![Stage { percent, bake_seconds: 0 }],
            budget: AppliedBudget { season: "normal".into(), share: 0.5, threshold_percentile: 50.0 },
            expires_at: 100 - i64::from(percent),
        }
    }

    #[test]
    fn the_strictest_part_gives_verdict_plan_and_first_reason() {
        use ReasonCode::{
            FeatureMissing, HazardOther, KnownBad, RiskAboveBudget, Rollback, Rule, Shadow, WithinBudget,
        };
        let whole =
            decision(Verdict::ExtraValidation, &[(RiskAboveBudget, "81"), (HazardOther, "h")], &["owner"]);
        let held = decision(Verdict::Hold, &[(Rule, "r"), (HazardOther, "h"), (Shadow, "s")], &["security"]);
        let ranked =
            decision(Verdict::ExtraValidation, &[(RiskAboveBudget, "93"), (KnownBad, "k")], &["owner"]);
        let doubted = decision(Verdict::ExtraValidation, &[(FeatureMissing, "f")], &[]);
        let fast = decision(Verdict::FastPath, &[(WithinBudget, "w"), (Rollback, "u")], &[]);
        let together =
            whole.clone().with_parts(&[("a", &fast), ("b", &doubted), ("c", &ranked), ("d", &held)]);
        let reasons: Vec<&str> = together.reasons.iter().map(|reason| reason.text.as_str()).collect();
        assert_eq!(reasons, ["d: r", "81", "h", "b: f", "c: k"]);
        assert_eq!((together.verdict, together.degraded), (Verdict::Hold, true));
        assert_eq!(together.stages, held.stages);
        assert_eq!(together.require, ["owner", "security"]);
        assert_eq!(together.expires_at, fast.expires_at);
        assert_eq!(whole.clone().with_parts(&[]), whole);
        let undone = decision(Verdict::ExtraValidation, &[(Rollback, "u")], &[]);
        let soft = decision(Verdict::FastPath, &[(WithinBudget, "w")], &[]);
        let raised = soft.with_parts(&[("a", &undone)]);
        assert_eq!((raised.verdict, raised.reasons[0].text.as_str()), (Verdict::ExtraValidation, "a: u"));
    }
}
