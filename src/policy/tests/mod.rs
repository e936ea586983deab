mod loading;
mod properties;
mod raising;
mod seasons;

use super::*;
use crate::change::{Change, ChangeId, ChangeRecord, FileContent, FileDiff, FileStatus, KeyChange, Moment};
use crate::label::{ChangeKind, Classification};
use crate::risk::{Assessment, GateLevel, Reference, ReferenceScope, RiskScore};

/// Wednesday 2026-01-28 12:00 UTC.
const WEDNESDAY: i64 = 1_769_601_600;
const DAY: i64 = 86_400;

/// A question that owns its parts; every test changes one of them.
struct Asked {
    change: Change,
    classification: Classification,
    keys: Vec<(String, Vec<KeyChange>)>,
    assessment: Option<Assessment>,
    degraded: Vec<Reason>,
    known_bad: Option<KnownBad>,
    context: Context,
    facts: Facts,
    now: i64,
}

impl Asked {
    fn at(percentile: f64) -> Self {
        Self {
            change: change(&["services/web.yaml"]),
            classification: classification(ChangeKind::Ordinary),
            keys: Vec::new(),
            assessment: Some(assessment(percentile)),
            degraded: Vec::new(),
            known_bad: None,
            context: Context::default(),
            facts: Facts::default(),
            now: WEDNESDAY,
        }
    }

    fn of(self, policy: &Policy) -> Decision {
        policy.decide(&Question {
            change: &self.change,
            classification: &self.classification,
            keys: &self.keys,
            assessment: self.assessment.as_ref(),
            degraded: &self.degraded,
            known_bad: self.known_bad.as_ref(),
            repo: "config",
            owners: &[],
            context: &self.context,
            facts: self.facts,
            now: self.now,
        })
    }
}

fn change(paths: &[&str]) -> Change {
    let file = |path: &&str| FileDiff {
        old_path: Some((*path).to_owned()),
        new_path: Some((*path).to_owned()),
        status: FileStatus::Modified,
        old_mode: 0o100_644,
        new_mode: 0o100_644,
        content: FileContent::Text(Vec::new()),
    };
    Change {
        id: ChangeId("0".repeat(40)),
        author: "Ada <ada@example.org>".to_owned(),
        message: "Change a value".to_owned(),
        merged_messages: Vec::new(),
        authored_at: Moment { unix_seconds: WEDNESDAY, offset_minutes: 0 },
        committed_at: WEDNESDAY,
        merged: Vec::new(),
        record: ChangeRecord { files: paths.iter().map(file).collect(), partial: false }.into(),
    }
}

fn classification(kind: ChangeKind) -> Classification {
    Classification {
        kind,
        is_revert: kind == ChangeKind::Revert,
        planned_by_wording: kind == ChangeKind::PlannedRoundTrip,
        planned_by_template: false,
        template: 0,
        reverts: None,
        rollback_of: None,
    }
}

fn assessment(percentile: f64) -> Assessment {
    Assessment {
        score: RiskScore::new(0.1).unwrap(),
        base_rate: 0.02,
        percentile,
        gate_level: GateLevel::of_percentile(percentile),
        reference: Reference { scope: ReferenceScope::Repository, n: 1_000, from: None, to: None },
        base: -3.0,
        margin: -2.0,
        contributions: Vec::new(),
    }
}

fn policy(extra: &str) -> Policy {
    let text = format!("[budget]\nnormal = 0.10\nsensitive = 0.50\n{extra}");
    Policy::parse(&text).unwrap_or_else(|error| panic!("{error}"))
}

fn codes(decision: &Decision) -> Vec<&'static str> {
    decision.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

const FREEZE: &str = r#"
[[window]]
name = "year end"
from = "2026-12-20T00:00"
to = "2027-01-04T06:00"
zone = "Europe/Berlin"
season = "sensitive"
hold = 0.20
"#;
const IN_FREEZE: i64 = 1_798_200_000; // 2026-12-25T12:00:00Z

#[test]
fn a_share_of_changes_is_sent_to_extra_validation() {
    let policy = policy("");
    for (percentile, verdict) in [
        (0.0, Verdict::FastPath),
        (89.99, Verdict::FastPath),
        (90.0, Verdict::ExtraValidation),
        (100.0, Verdict::ExtraValidation),
    ] {
        assert_eq!(Asked::at(percentile).of(&policy).verdict, verdict, "{percentile}");
    }
    let decision = Asked::at(97.4).of(&policy);
    assert_eq!(decision.budget.threshold_percentile, 90.0);
    assert_eq!(
        decision.reasons[0].text,
        "riskier than 97 % of changes here; 10 % are sent to extra validation"
    );
    assert!(!decision.degraded && decision.enforced);
}

#[test]
fn shadow_mode_decides_and_does_not_enforce() {
    let policy = policy("[repository.config]\nmode = \"shadow\"\nbudget = { normal = 0.05 }\n");
    let decision = Asked::at(96.0).of(&policy);
    assert_eq!((decision.verdict, decision.enforced), (Verdict::ExtraValidation, false));
    assert_eq!(Asked::at(94.0).of(&policy).verdict, Verdict::FastPath);
    assert!(codes(&decision).contains(&"shadow"));
    assert_eq!(policy.mode("another"), Mode::Enforce);
}

#[test]
fn reason_codes_are_unique_and_read_back() {
    let mut names = std::collections::BTreeSet::new();
    for code in ReasonCode::ALL {
        assert!(names.insert(code.as_str()), "{code}");
        assert_eq!(code.as_str().parse::<ReasonCode>().unwrap(), *code);
        assert!(!code.sentence().ends_with('.'), "{code}");
        let json = serde_json::to_string(&Reason::standard(*code)).unwrap();
        assert_eq!(serde_json::from_str::<Reason>(&json).unwrap().code, *code);
    }
}
