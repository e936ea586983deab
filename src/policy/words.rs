//! The sentences of reasons: plain words, exact numbers.

use jiff::Timestamp;

use crate::policy::decision::{AppliedBudget, Verdict};
use crate::policy::question::{KnownBad, KnownOutcome};
use crate::policy::rule::Rule;
use crate::policy::{NORMAL_SEASON, Window};
use crate::risk::{Assessment, ReferenceScope};

/// "riskier than 97 % of changes here".
pub(super) fn rank(assessment: &Assessment) -> String {
    let among = match assessment.reference.scope {
        ReferenceScope::Repository => "changes here",
        ReferenceScope::Artifact => "the changes that the model learned from",
    };
    format!("riskier than {} % of {among}", assessment.percentile.floor())
}

/// "riskier than 97 % of changes here; 10 % are sent to extra validation".
pub(super) fn above_budget(assessment: &Assessment, budget: &AppliedBudget) -> String {
    format!(
        "{}; {} % are sent to extra validation{}",
        rank(assessment),
        percent(budget.share),
        season(budget)
    )
}

/// "riskier than 42 % of changes here; only the riskiest 10 % are sent to extra validation".
pub(super) fn within_budget(assessment: &Assessment, budget: &AppliedBudget) -> String {
    let share = percent(budget.share);
    format!(
        "{}; only the riskiest {share} % are sent to extra validation{}",
        rank(assessment),
        season(budget)
    )
}

/// "`year end` holds the riskiest 20 % until 2027-01-04T05:00:00Z; this change is riskier than …".
pub(super) fn window_hold(window: &Window, moment: i64, assessment: Option<&Assessment>) -> String {
    let what = if window.hold >= 1.0 {
        "every change".to_owned()
    } else {
        format!("the riskiest {} % of changes", percent(window.hold))
    };
    let until =
        window.calendar.next_edge(moment).map(|edge| format!(" until {}", utc(edge))).unwrap_or_default();
    let rank = match assessment {
        Some(assessment) => format!("this change is {}", rank(assessment)),
        None => "how risky this change is cannot be told".to_owned(),
    };
    format!("the window `{}` holds {what}{until}; {rank}", window.name)
}

/// "the rule `auth needs a second pair of eyes` asks for extra validation".
pub(super) fn rule_matched(rule: &Rule) -> String {
    let asks = match rule.then {
        Some(Verdict::Hold) => "holds this change".to_owned(),
        Some(_) => "asks for extra validation".to_owned(),
        None => format!("requires {}", rule.require.join(", ")),
    };
    format!("the rule `{}` {asks}", rule.name)
}

/// "this very change was reverted on 2026-01-31; landing it again needs a second look".
pub(super) fn known_bad(known_bad: KnownBad) -> String {
    let day: String = utc(known_bad.occurred_at).chars().take(10).collect();
    let what = match known_bad.outcome {
        KnownOutcome::Reverted => "was reverted",
        KnownOutcome::Caught => return format!("this very change was caught on {day}, before it did harm"),
        KnownOutcome::Incident => "was named in an incident",
    };
    format!("this very change {what} on {day}; landing it again needs a second look")
}

/// "the history was refreshed 3 h ago; the policy allows 1 h".
pub(super) fn history_stale(lag_seconds: i64, limit_seconds: u64) -> String {
    let limit = i64::try_from(limit_seconds).unwrap_or(i64::MAX);
    format!("the history was refreshed {} ago; the policy allows {}", span(lag_seconds), span(limit))
}

/// A share as percent, at most two digits after the point.
pub(super) fn percent(share: f64) -> String {
    format!("{}", (share * 10_000.0).round() / 100.0)
}

fn season(budget: &AppliedBudget) -> String {
    if budget.season == NORMAL_SEASON { String::new() } else { format!(" in the season `{}`", budget.season) }
}

fn utc(unix_seconds: i64) -> String {
    Timestamp::from_second(unix_seconds).map_or_else(|_| "an unknown day".to_owned(), |t| t.to_string())
}

fn span(seconds: i64) -> String {
    match seconds {
        s if s >= 2 * 86_400 => format!("{} d", s / 86_400),
        s if s >= 2 * 3_600 => format!("{} h", s / 3_600),
        s if s >= 2 * 60 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}
