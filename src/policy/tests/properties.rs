use proptest::prelude::*;

use super::*;
use crate::risk::Contribution;

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
