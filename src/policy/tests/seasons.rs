use super::*;

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
fn of_windows_that_hold_as_much_the_one_that_ends_last_is_told() {
    let window = |name: &str, to: &str| {
        format!(
            "\n[[window]]\nname = \"{name}\"\nfrom = \"2026-12-24T00:00\"\nto = \"{to}\"\nzone = \"UTC\"\nhold = 1.0\n"
        )
    };
    let (short, long) = (window("short", "2026-12-27T00:00"), window("long", "2026-12-28T00:00"));
    for windows in [[&short, &long], [&long, &short]] {
        let policy = policy(&format!("{FREEZE}{}{}", windows[0], windows[1]));
        let decision = Asked { now: IN_FREEZE, ..Asked::at(0.0) }.of(&policy);
        assert!(decision.reasons[0].text.contains("`long` holds every change until 2026-12-28T00:00:00Z"));
    }
}

#[test]
fn no_season_makes_a_repository_laxer() {
    let share = |budget: &str| {
        let policy = policy(&format!("{FREEZE}[repository.config]\nbudget = {{ {budget} }}\n"));
        Asked { now: IN_FREEZE, ..Asked::at(0.0) }.of(&policy).budget.share
    };
    assert_eq!(share("normal = 0.7"), 0.7);
    assert_eq!(share("normal = 0.05"), 0.5);
    assert_eq!(share("normal = 0.7, sensitive = 0.6"), 0.6, "what it names itself stands");
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
    let stages = |decision: &Decision| decision.stages.iter().map(|stage| stage.percent).collect::<Vec<_>>();
    let plans = "[plan.fast_path]\nstages = [{percent = 1, bake = \"15m\"}, {percent = 100}]\n";
    assert_eq!(stages(&rollback().of(&policy(plans))), [1, 100], "as any other");
    let at_once = policy(&format!("{plans}[plan.rollback]\nstages = [{{percent = 100}}]\n"));
    assert_eq!(stages(&rollback().of(&at_once)), [100]);
    assert_eq!(stages(&Asked::at(1.0).of(&at_once)), [1, 100]);
    let known_bad = Some(KnownBad { outcome: KnownOutcome::Reverted, occurred_at: WEDNESDAY });
    let decision = Asked { known_bad, ..rollback() }.of(&policy(""));
    assert_eq!(decision.verdict, Verdict::ExtraValidation);
}

#[test]
fn what_has_no_rank_is_among_the_riskiest_of_any_share() {
    for (percentile, share, is_caught) in [
        (None, 1.0, true),
        (None, 0.05, true),
        (None, 0.0, false),
        (Some(f64::NAN), 0.05, true),
        (Some(95.0), 0.05, true),
        (Some(94.999), 0.05, false),
    ] {
        assert_eq!(season::is_caught(percentile, share), is_caught, "{percentile:?} of {share}");
    }
}
