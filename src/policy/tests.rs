use proptest::prelude::*;

use super::*;
use crate::change::{
    Change, ChangeId, ChangeRecord, FileContent, FileDiff, FileStatus, KeyChange, Moment, key_changes,
    parse_diff,
};
use crate::label::{ChangeKind, Classification};
use crate::risk::{Assessment, Contribution, GateLevel, Reference, ReferenceScope, RiskScore};

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
        record: ChangeRecord { files: paths.iter().map(file).collect(), partial: false },
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
fn a_freeze_is_a_dial() {
    let policy = policy(FREEZE);
    for (percentile, verdict) in [
        (49.9, Verdict::FastPath),
        (50.0, Verdict::ExtraValidation),
        (79.9, Verdict::ExtraValidation),
        (80.0, Verdict::Hold),
    ] {
        let decision = Asked { now: IN_FREEZE, ..Asked::at(percentile) }.of(&policy);
        assert_eq!(decision.verdict, verdict, "{percentile}");
        assert_eq!(decision.budget.season, "sensitive");
    }
    let decision = Asked { now: IN_FREEZE, ..Asked::at(81.5) }.of(&policy);
    assert_eq!(
        decision.reasons[0].text,
        "the window `year end` holds the riskiest 20 % of changes until 2027-01-04T05:00:00Z; \
         this change is riskier than 81 % of changes here"
    );
}

#[test]
fn among_overlapping_windows_the_strictest_wins() {
    let policy = policy(&format!(
        "{FREEZE}\n[[window]]\nname = \"all stop\"\nfrom = \"2026-12-24T00:00\"\n\
         to = \"2026-12-27T00:00\"\nzone = \"UTC\"\nhold = 1.0\n"
    ));
    let decision = Asked { now: IN_FREEZE, ..Asked::at(0.0) }.of(&policy);
    assert_eq!(decision.verdict, Verdict::Hold);
    assert_eq!(decision.budget.share, 0.50);
    assert!(decision.reasons[0].text.contains("`all stop` holds every change until 2026-12-27T00:00:00Z"));
}

#[test]
fn the_season_counts_from_the_rollout_or_now_whichever_is_stricter() {
    let policy = policy(FREEZE);
    let later = Context { rollout_at: Some(IN_FREEZE), ..Context::default() };
    assert_eq!(Asked { context: later, ..Asked::at(60.0) }.of(&policy).budget.season, "sensitive");
    let earlier = Context { rollout_at: Some(WEDNESDAY), ..Context::default() };
    let decision = Asked { context: earlier, now: IN_FREEZE, ..Asked::at(60.0) }.of(&policy);
    assert_eq!(decision.budget.season, "sensitive");
}

#[test]
fn a_decision_expires_at_the_next_window_edge() {
    let policy =
        policy("[[window]]\nseason = \"sensitive\"\nweekly = \"Fri 16:00/Mon 06:00\"\nzone = \"UTC\"\n");
    assert_eq!(Asked::at(1.0).of(&policy).expires_at, WEDNESDAY + 3_600);
    let friday_1559 = WEDNESDAY + 2 * DAY + 4 * 3_600 - 60;
    let decision = Asked { now: friday_1559, ..Asked::at(60.0) }.of(&policy);
    assert_eq!((decision.verdict, decision.expires_at), (Verdict::FastPath, friday_1559 + 60));
    let friday_1600 = friday_1559 + 60;
    assert_eq!(Asked { now: friday_1600, ..Asked::at(60.0) }.of(&policy).verdict, Verdict::ExtraValidation);
}

#[test]
fn a_rollback_takes_the_fast_path_and_is_never_held_by_a_window() {
    let rollback = || Asked { classification: classification(ChangeKind::Rollback), ..Asked::at(99.9) };
    let decision = Asked { now: IN_FREEZE, ..rollback() }.of(&policy(FREEZE));
    assert_eq!((decision.verdict, codes(&decision)), (Verdict::FastPath, vec!["rollback"]));
    let strict = policy(&format!("{FREEZE}[rollback]\ndecision = \"extra_validation\"\n"));
    let decision = Asked { now: IN_FREEZE, ..rollback() }.of(&strict);
    assert_eq!(decision.verdict, Verdict::ExtraValidation);
    let known_bad = Some(KnownBad { outcome: KnownOutcome::Reverted, occurred_at: WEDNESDAY });
    let decision = Asked { known_bad, ..rollback() }.of(&policy(""));
    assert_eq!(decision.verdict, Verdict::ExtraValidation);
}

/// A change that takes all copies of a service away, and that the model finds harmless.
fn all_copies_gone() -> Asked {
    let diff = "diff --git a/web.yaml b/web.yaml\n--- a/web.yaml\n+++ b/web.yaml\n@@ -1,1 +1,1 @@\n\
                -replicas: 3\n+replicas: 0\n";
    let record = parse_diff(diff.as_bytes()).unwrap();
    let keys = vec![("web.yaml".to_owned(), key_changes(&record.files[0]))];
    Asked { change: Change { record, ..change(&[]) }, keys, ..Asked::at(0.0) }
}

#[test]
fn a_hazard_raises_however_small_the_score() {
    let decision = all_copies_gone().of(&policy(""));
    assert_eq!(decision.verdict, Verdict::ExtraValidation);
    assert_eq!(codes(&decision), ["hazard_replicas_to_zero", "within_budget"]);
    assert!(!decision.degraded);
    assert_eq!(
        decision.reasons[0].text,
        "A replica count or capacity falls to zero: `replicas` `3` → `0` in `web.yaml` \
         (hazard rule `replicas_to_zero`)"
    );
}

#[test]
fn a_hazard_yields_to_the_policy_file_to_a_test_environment_and_to_a_rollback() {
    let fast = |asked: Asked, extra: &str| asked.of(&policy(extra)).verdict == Verdict::FastPath;
    assert!(fast(all_copies_gone(), "[hazards]\noff = [\"replicas_to_zero\"]"));
    assert!(fast(all_copies_gone(), "[repository.config]\nhazards = { off = [\"replicas_to_zero\"] }"));
    assert!(!fast(all_copies_gone(), "[repository.other]\nhazards = { off = [\"replicas_to_zero\"] }"));
    let context = Context { environment: Some("staging".to_owned()), ..Context::default() };
    assert!(fast(Asked { context, ..all_copies_gone() }, ""));
    assert!(fast(Asked { classification: classification(ChangeKind::Rollback), ..all_copies_gone() }, ""));
}

#[test]
fn a_planned_round_trip_adds_requirements_and_lowers_nothing() {
    let planned = |percentile| Asked {
        classification: classification(ChangeKind::PlannedRoundTrip),
        ..Asked::at(percentile)
    };
    for percentile in [10.0, 95.0] {
        let decision = planned(percentile).of(&policy(""));
        assert_eq!(decision.verdict, Asked::at(percentile).of(&policy("")).verdict);
        assert!(["undo_by", "owner"].iter().all(|name| decision.require.iter().any(|r| r == name)));
    }
}

#[test]
fn what_already_went_wrong_is_never_on_the_fast_path() {
    let known_bad = Some(KnownBad { outcome: KnownOutcome::Incident, occurred_at: WEDNESDAY });
    let decision = Asked { known_bad, ..Asked::at(1.0) }.of(&policy(""));
    assert_eq!(decision.verdict, Verdict::ExtraValidation);
    assert_eq!(
        decision.reasons[0].text,
        "this very change was named in an incident on 2026-01-28; landing it again needs a second look"
    );
}

#[test]
fn rules_raise_and_require() {
    let policy = policy(
        "[[rule]]\nname = \"auth needs a second pair of eyes\"\n\
         when = 'change.paths.exists(p, p.startsWith(\"auth/\"))'\nthen = \"extra_validation\"\n\
         require = [\"second_reviewer\"]\n\
         [[rule]]\nname = \"no dns\"\nwhen = 'change.paths.exists(p, p.startsWith(\"dns/\"))'\nthen = \"hold\"\n",
    );
    let decision = Asked { change: change(&["auth/keys.yaml"]), ..Asked::at(1.0) }.of(&policy);
    assert_eq!(codes(&decision), ["rule", "within_budget"]);
    assert_eq!(decision.require, ["second_reviewer"]);
    assert_eq!(
        decision.reasons[0].text,
        "the rule `auth needs a second pair of eyes` asks for extra validation"
    );
    let decision = Asked { change: change(&["dns/zone"]), ..Asked::at(1.0) }.of(&policy);
    assert_eq!(decision.verdict, Verdict::Hold);
    let mut moved = change(&["dns/zone"]);
    moved.record.files[0].new_path = Some("old/zone".to_owned());
    assert_eq!(Asked { change: moved, ..Asked::at(1.0) }.of(&policy).verdict, Verdict::Hold);
}

#[test]
fn a_rule_that_cannot_be_answered_is_a_doubt() {
    let policy =
        policy("[[rule]]\nname = \"prod\"\nwhen = 'context.environment == \"prod\"'\nthen = \"hold\"\n");
    let decision = Asked::at(1.0).of(&policy);
    assert_eq!((decision.verdict, decision.degraded), (Verdict::ExtraValidation, true));
    assert_eq!(decision.reasons[0].code, ReasonCode::RuleFailed);
    assert_eq!(decision.reasons[0].text, "the rule `prod` could not be answered: there is no `environment`");
    let context = Context { environment: Some("test".to_owned()), ..Context::default() };
    assert_eq!(Asked { context, ..Asked::at(1.0) }.of(&policy).verdict, Verdict::FastPath);
}

#[test]
fn doubts_follow_the_policy() {
    let lenient = policy("");
    let strict_text =
        "unknown_repository = \"degrade\"\nunknown_author = \"degrade\"\nunknown_path = \"degrade\"\n";
    let strict_policy = Policy::parse(strict_text).unwrap();
    let cases = [
        (Facts { unknown_repository: true, ..Facts::default() }, "unknown_repository"),
        (Facts { unknown_author: true, ..Facts::default() }, "unknown_author"),
        (Facts { unknown_path: true, ..Facts::default() }, "unknown_path"),
        (Facts { out_of_distribution: true, ..Facts::default() }, "out_of_distribution"),
        (Facts { missing_feature_share: 0.51, ..Facts::default() }, "feature_missing"),
        (Facts { missing_feature_share: f64::NAN, ..Facts::default() }, "feature_missing"),
        (Facts { history_lag_seconds: Some(7_201), ..Facts::default() }, "history_stale"),
    ];
    for (facts, code) in cases {
        let decision = Asked { facts, ..Asked::at(1.0) }.of(&strict_policy);
        assert_eq!((decision.verdict, decision.degraded), (Verdict::ExtraValidation, true), "{code}");
        assert_eq!(decision.reasons[0].code.as_str(), code);
    }
    let facts =
        Facts { unknown_repository: true, unknown_author: true, unknown_path: true, ..Facts::default() };
    let decision = Asked { facts, ..Asked::at(1.0) }.of(&lenient);
    assert_eq!((decision.verdict, decision.degraded), (Verdict::FastPath, false));
    assert_eq!(codes(&decision), ["no_local_history", "within_budget"]);
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
fn a_policy_that_cannot_work_is_refused_by_line_or_key() {
    for (text, message) in [
        ("[budget]\nnormal = 0.1\n[[windw]]\n", "policy line 3, column 3: unknown field `windw`"),
        ("[budget]\nnormal = \"x\"\n", "policy line 2, column 10: invalid type: string \"x\", expected f64"),
        ("[budget]\nsensitive = 0.5\n", "policy key `budget`: has no `normal`"),
        ("[budget]\nnormal = nan\n", "policy key `budget.normal`: `NaN` is not a share"),
        ("mode = \"off\"\n", "policy line 1, column 8: unknown variant `off`"),
        (
            "[[window]]\nzone = \"UTC\"\nweekly = \"Fri 16:00/Mon 06:00\"\nseason = \"x\"\n",
            "policy key `window[0].season`: `x` has no share",
        ),
        (
            "[[window]]\nzone = \"Mars\"\nweekly = \"Fri 16:00/Mon 06:00\"\nseason = \"normal\"\n",
            "policy key `window[0].zone`",
        ),
        ("[[window]]\nzone = \"UTC\"\nhold = 0.5\n", "policy key `window[0].weekly`"),
        (
            "[[rule]]\nname = \"r\"\nwhen = 'change.path == 1'\nthen = \"hold\"\n",
            "policy rule `r` (`rule[0].when`): `change.path` is not known",
        ),
        (
            "[[rule]]\nname = \"r\"\nwhen = 'true'\nthen = \"fast_path\"\n",
            "policy key `rule[0].then`: a rule can raise",
        ),
        ("[[rule]]\nname = \"r\"\nwhen = 'true'\n", "policy key `rule[0]`: needs a `then` or a `require`"),
        ("[rollback]\ndecision = \"hold\"\n", "policy key `rollback.decision`"),
        (
            "[plan.fast_path]\nstages = [{percent = 5, bake = \"1m\"}, {percent = 1, bake = \"1m\"}]\n",
            "policy key `plan.fast_path.stages`: must grow",
        ),
        (
            "[plan.fast_path]\nstages = [{percent = 5, bake = \"1m\"}]\n",
            "policy key `plan.fast_path.stages`: must end at 100",
        ),
        (
            "[plan.fast_path]\nstages = [{percent = 5}, {percent = 100}]\n",
            "policy key `plan.fast_path.stages[0]`: needs a `bake`",
        ),
        ("expires_after = \"0s\"\n", "policy key `expires_after`"),
        ("expires_after = \"1 hour\"\n", "policy key `expires_after`"),
        ("[repository.a]\nbudget = { night = 0.1 }\n", "policy key `repository.a.budget`"),
    ] {
        let error = Policy::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(message), "{text}\n{error}");
    }
}

#[test]
fn the_published_policy_says_what_the_defaults_are() {
    let published = Policy::default_published();
    assert!(published.policy_digest().starts_with("sha256:"));
    assert_eq!(published.plan_percents(Verdict::FastPath), [1, 5, 25, 100]);
    let empty = Policy::parse("").unwrap();
    assert_eq!(published.expires_after, empty.expires_after);
    assert_eq!(published.history_stale_after, empty.history_stale_after);
    assert_eq!(published.unknown_repository, empty.unknown_repository);
    assert_eq!(published.budget["normal"], empty.budget["normal"]);
}

impl Policy {
    fn plan_percents(&self, verdict: Verdict) -> Vec<u8> {
        self.plans[verdict as usize].stages.iter().map(|stage| stage.percent).collect()
    }
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

/// A number that may be anything.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        0.0..=100.0_f64,
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        -10.0..110.0_f64
    ]
}

fn any_moment() -> impl Strategy<Value = i64> {
    prop_oneof![1_500_000_000_i64..2_000_000_000, any::<i64>()]
}

proptest! {
    #[test]
    fn a_riskier_percentile_never_gets_a_softer_verdict(
        (one, other) in (0.0..=100.0_f64, 0.0..=100.0_f64),
        now in any_moment(),
        rollout_at in proptest::option::of(any_moment()),
    ) {
        let policy = policy(FREEZE);
        let verdict = |percentile| {
            let context = Context { rollout_at, ..Context::default() };
            Asked { context, now, ..Asked::at(percentile) }.of(&policy).verdict
        };
        prop_assert!(verdict(one.min(other)) <= verdict(one.max(other)));
    }

    #[test]
    fn nothing_degraded_is_on_the_fast_path(
        code_idx in 0..ReasonCode::ALL.len(),
        percentile in 0.0..=100.0_f64,
        is_rollback in any::<bool>(),
        has_model in any::<bool>(),
        now in any_moment(),
    ) {
        let code = ReasonCode::ALL[code_idx];
        let kind = if is_rollback { ChangeKind::Rollback } else { ChangeKind::Ordinary };
        let asked = Asked { now, classification: classification(kind), degraded: vec![Reason::standard(code)], ..Asked::at(percentile) };
        let asked = if has_model { asked } else { Asked { assessment: None, ..asked } };
        let decision = asked.of(&policy(FREEZE));
        prop_assert!(decision.degraded && decision.verdict != Verdict::FastPath);
        prop_assert!(decision.reasons.iter().any(|reason| reason.code == code));
    }

    #[test]
    fn no_model_is_never_on_the_fast_path(now in any_moment(), is_rollback in any::<bool>()) {
        let kind = if is_rollback { ChangeKind::Rollback } else { ChangeKind::Ordinary };
        let decision = Asked { now, assessment: None, classification: classification(kind), ..Asked::at(1.0) }.of(&policy(FREEZE));
        prop_assert!(decision.degraded && decision.verdict != Verdict::FastPath);
        prop_assert!(decision.reasons.iter().any(|reason| reason.code == ReasonCode::NoModel));
    }

    #[test]
    fn a_number_that_is_not_one_is_never_on_the_fast_path(
        number in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)],
        place in 0..6_usize,
        now in any_moment(),
    ) {
        let mut asked = Asked { now, ..Asked::at(1.0) };
        let mut assessed = assessment(1.0);
        match place {
            0 => assessed.percentile = number,
            1 => assessed.base_rate = number,
            2 => assessed.base = number,
            3 => assessed.margin = number,
            4 => assessed.contributions.push(Contribution { feature: "f".into(), group: "g".into(), value: None, contribution: number }),
            _ => asked.facts.missing_feature_share = if number.is_nan() { number } else { f64::INFINITY },
        }
        asked.assessment = Some(assessed);
        let decision = asked.of(&policy(FREEZE));
        prop_assert!(decision.degraded && decision.verdict != Verdict::FastPath);
    }

    #[test]
    fn rules_never_lower(percentile in any_number(), now in any_moment(), when in prop_oneof![
        Just("true"), Just("false"), Just("risk.percentile > 50"), Just("context.a == 1"), Just("change.paths[3] == 'x'"),
    ], then in prop_oneof![Just("extra_validation"), Just("hold")]) {
        let plain = policy(FREEZE);
        let ruled = policy(&format!("{FREEZE}\n[[rule]]\nname = \"r\"\nwhen = \"{when}\"\nthen = \"{then}\"\n"));
        let asked = || Asked { now, ..Asked::at(percentile) };
        let (without, with) = (asked().of(&plain), asked().of(&ruled));
        prop_assert!(with.verdict >= without.verdict);
        prop_assert!(!without.degraded || with.degraded);
        prop_assert_eq!(with.expires_at, without.expires_at);
    }

    #[test]
    fn a_decision_always_has_a_reason_and_a_later_end(percentile in any_number(), now in 0..4_000_000_000_i64) {
        let decision = Asked { now, ..Asked::at(percentile) }.of(&Policy::default_published());
        prop_assert!(!decision.reasons.is_empty());
        prop_assert!(decision.expires_at > now && decision.expires_at <= now + 3_600);
        prop_assert!(decision.verdict != Verdict::FastPath || (0.0..90.0).contains(&percentile));
    }

    #[test]
    fn any_text_is_a_policy_or_an_error(text in ".{0,200}") {
        let _ = Policy::parse(&text);
    }
}
