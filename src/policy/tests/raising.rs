use super::*;
use crate::change::{key_changes, parse_diff};

/// A change that takes all copies of a service away, and that the model finds harmless.
fn all_copies_gone() -> Asked {
    let diff = "diff --git a/web.yaml b/web.yaml\n--- a/web.yaml\n+++ b/web.yaml\n@@ -1,1 +1,1 @@\n\
                -replicas: 3\n+replicas: 0\n";
    let record = parse_diff(diff.as_bytes()).unwrap();
    let keys = vec![("web.yaml".to_owned(), key_changes(&record.files[0]))];
    Asked { change: Change { record: record.into(), ..change(&[]) }, keys, ..Asked::at(0.0) }
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
    std::sync::Arc::make_mut(&mut moved.record).files[0].new_path = Some("old/zone".to_owned());
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
    // Also without an assessment, for it does not ask about the risk.
    let decision = Asked { assessment: None, ..Asked::at(1.0) }.of(&policy);
    assert!(codes(&decision).contains(&"rule_failed"), "{:?}", decision.reasons);
}

#[test]
fn a_rule_in_doubt_asks_for_its_validations_and_never_for_less_than_extra_ones() {
    let asks = |when: &str| {
        policy(&format!("[[rule]]\nname = \"r\"\nwhen = '{when}'\nrequire = [\"security_review\"]\n"))
    };
    let failed = Asked::at(1.0).of(&asks("context.environment == \"prod\""));
    let paths: Vec<String> = (0..2_000).map(|idx| format!("a/{idx}.yaml")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let twins = asks("change.paths.exists(p, change.paths.exists(q, p + \"x\" == q))");
    let too_large = Asked { change: change(&paths), ..Asked::at(1.0) }.of(&twins);
    for decision in [failed, too_large] {
        assert_eq!((decision.verdict, decision.degraded), (Verdict::ExtraValidation, true));
        assert_eq!(decision.require, ["security_review"]);
    }
}

/// The question's size is its caller's to choose.
#[test]
fn a_rule_that_a_change_is_too_large_for_asks_for_what_it_would() {
    let policy = policy(
        "[[rule]]\nname = \"twins\"\nwhen = 'change.paths.exists(p, change.paths.exists(q, p + \"x\" == q))'\nthen = \"hold\"\n",
    );
    let paths: Vec<String> = (0..2_000).map(|idx| format!("a/{idx}.yaml")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let decision = Asked { change: change(&paths), ..Asked::at(1.0) }.of(&policy);
    assert_eq!((decision.verdict, decision.degraded), (Verdict::Hold, true));
    assert_eq!(
        decision.reasons[0].text,
        "the rule `twins` could not be answered: the change is too large for it"
    );
    assert_eq!(
        Asked { change: change(&paths[..2]), ..Asked::at(1.0) }.of(&policy).verdict,
        Verdict::FastPath
    );
}

#[test]
fn a_rule_over_the_risk_holds_without_an_assessment_where_the_rest_of_it_does() {
    let rule = |when: &str| {
        policy(&format!(
            "[[rule]]\nname = \"r\"\nwhen = '{when}'\nthen = \"hold\"\nrequire = [\"security_review\"]\n"
        ))
    };
    let unassessed = || Asked { assessment: None, ..Asked::at(1.0) };
    let decision = unassessed().of(&rule("change.repo == \"config\" || risk.percentile > 99.0"));
    assert_eq!((decision.verdict, decision.degraded), (Verdict::Hold, true));
    let decision = unassessed().of(&rule("risk.percentile > 99.0"));
    assert_eq!(decision.verdict, Verdict::ExtraValidation);
    assert!(decision.require.iter().any(|name| name == "security_review"), "{:?}", decision.require);
    assert_eq!(decision.reasons.iter().filter(|reason| reason.code == ReasonCode::RuleFailed).count(), 0);
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
