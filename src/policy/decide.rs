//! From a question to a decision: facts, hazards, rules, budget and windows, in this order. What speaks against a change is
//! collected in a [`Ledger`] that only rises. Start at [`Policy::decide`].

use crate::change::{ChangeRecord, KeyChange};
use crate::label::ChangeKind;
use crate::policy::decision::{Decision, Verdict};
use crate::policy::document::{Mode, OnDoubt};
use crate::policy::hazard::{Hazard, find_hazards};
use crate::policy::ledger::Ledger;
use crate::policy::question::Question;
use crate::policy::reason::{Reason, ReasonCode};
use crate::policy::rule::{Match, RuleFacts};
use crate::policy::season::{Season, is_caught};
use crate::policy::{Plan, Policy, words};
use crate::risk::Assessment;

impl Policy {
    /// Decides on one change. Never fails: what is in doubt is a degraded answer.
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        let mut ledger = Ledger::default();
        let season = self.season(question.repo, question.now, question.context.rollout_at);
        for reason in question.degraded {
            ledger.doubt(reason.clone());
        }
        self.weigh_facts(question, &mut ledger);
        let assessment = sound(question.assessment, question.degraded.is_empty(), &mut ledger);
        if question.classification.kind == ChangeKind::Rollback {
            ledger.raise(self.rollback, Reason::standard(ReasonCode::Rollback));
        } else {
            weigh_budget(assessment, &season, &mut ledger);
            weigh_freeze(assessment, &season, &mut ledger);
            for hazard in self.hazards(question) {
                ledger.raise(Verdict::ExtraValidation, Reason::new(hazard.rule.code, hazard.text()));
            }
        }
        self.weigh_rules(question, assessment, &mut ledger);
        weigh_change(question, &mut ledger);
        self.conclude(question, season, ledger)
    }

    /// What is not known around the change, as far as the policy minds.
    fn weigh_facts(&self, question: &Question<'_>, ledger: &mut Ledger) {
        let facts = question.facts;
        let minded = [
            (facts.unknown_repository, self.unknown_repository, ReasonCode::UnknownRepository),
            (facts.unknown_author, self.unknown_author, ReasonCode::UnknownAuthor),
            (facts.unknown_path, self.unknown_path, ReasonCode::UnknownPath),
            (facts.out_of_distribution, self.out_of_distribution, ReasonCode::OutOfDistribution),
        ];
        for (unknown, on_doubt, code) in minded {
            if unknown && on_doubt == OnDoubt::Degrade {
                ledger.doubt(Reason::standard(code));
            }
        }
        let is_scored_cold = facts.unknown_repository && question.assessment.is_some();
        if is_scored_cold && self.unknown_repository == OnDoubt::Allow {
            ledger.note(ReasonCode::NoLocalHistory, ReasonCode::NoLocalHistory.sentence());
        }
        let few_missing = facts.missing_feature_share <= self.max_missing_features;
        if !few_missing {
            ledger.doubt(Reason::standard(ReasonCode::FeatureMissing));
        }
        let stale_after = i64::try_from(self.history_stale_after).unwrap_or(i64::MAX);
        if let Some(lag) = facts.history_lag_seconds.filter(|lag| *lag > stale_after) {
            ledger.doubt(Reason::new(
                ReasonCode::HistoryStale,
                words::history_stale(lag, self.history_stale_after),
            ));
        }
    }

    /// The built-in hazard rules that fire on a change, but those that are switched off; none on a proved rollback.
    pub fn hazards(&self, question: &Question<'_>) -> Vec<Hazard> {
        let of_change = (question.classification.kind, question.change.record.as_ref());
        let environment = question.context.environment.as_deref();
        self.hazards_in(question.repo, of_change, question.keys, environment)
    }

    /// The same of a diff in a repository, whatever else is known of it.
    pub fn hazards_in(
        &self,
        repo: &str,
        (kind, record): (ChangeKind, &ChangeRecord),
        keys: &[(String, Vec<KeyChange>)],
        environment: Option<&str>,
    ) -> Vec<Hazard> {
        if kind == ChangeKind::Rollback {
            return Vec::new();
        }
        let of_repository = self.repositories.get(repo).map(|repository| &repository.hazards_off);
        let off = self.hazards_off.iter().chain(of_repository.into_iter().flatten());
        let off = off.map(String::as_str).collect();
        find_hazards(record, keys, environment, &off)
    }

    fn weigh_rules(&self, question: &Question<'_>, assessment: Option<&Assessment>, ledger: &mut Ledger) {
        if self.rules.is_empty() {
            return;
        }
        let facts = RuleFacts::of(question, assessment, &self.rules);
        for rule in &self.rules {
            let failed = |why: &str| {
                let text = format!("the rule `{}` could not be answered: {why}", rule.name);
                Reason::new(ReasonCode::RuleFailed, text)
            };
            match rule.evaluate(&facts) {
                Match::No => continue,
                Match::Yes => {
                    let verdict = rule.then.unwrap_or(Verdict::FastPath);
                    ledger.raise(verdict, Reason::new(ReasonCode::Rule, words::rule_matched(rule)));
                }
                // Without an assessment the decision is degraded already: what failed on it is no doubt of its own.
                Match::Failed(_) if rule.reads_risk && assessment.is_none() => {}
                Match::Failed(why) => ledger.doubt(failed(&why)),
                // Whoever asks could choose the size: no way around what the rule might have asked for.
                Match::TooLarge(why) => {
                    let verdict = rule.then.unwrap_or(Verdict::FastPath).max(Verdict::ExtraValidation);
                    ledger.raise(verdict, failed(why));
                }
            }
            ledger.require(rule.require.iter().map(String::as_str));
        }
    }

    fn conclude(&self, question: &Question<'_>, season: Season<'_>, mut ledger: Ledger) -> Decision {
        let enforced = self.mode(question.repo) == Mode::Enforce;
        if !enforced {
            ledger.note(ReasonCode::Shadow, ReasonCode::Shadow.sentence());
        }
        let degraded = ledger.is_degraded() || !question.degraded.is_empty();
        let verdict = ledger.verdict();
        let plan = self.plan(verdict, question.classification.kind);
        ledger.require(plan.require.iter().map(String::as_str));
        let (reasons, require) = ledger.finish();
        Decision {
            verdict,
            degraded,
            enforced,
            reasons,
            require,
            stages: plan.stages.clone(),
            budget: season.budget,
            expires_at: self.expires_at(question.now),
        }
    }

    fn plan(&self, verdict: Verdict, kind: ChangeKind) -> &Plan {
        let [fast_path, extra_validation, hold] = &self.plans;
        match verdict {
            Verdict::FastPath => {
                self.rollback_plan.as_ref().filter(|_| kind == ChangeKind::Rollback).unwrap_or(fast_path)
            }
            Verdict::ExtraValidation => extra_validation,
            Verdict::Hold => hold,
        }
    }
}

/// The assessment, where there is one and every number in it is one.
fn sound<'a>(
    assessment: Option<&'a Assessment>,
    none_expected: bool,
    ledger: &mut Ledger,
) -> Option<&'a Assessment> {
    let Some(assessment) = assessment else {
        if none_expected {
            ledger.doubt(Reason::standard(ReasonCode::NoModel));
        }
        return None;
    };
    if is_sound(assessment) {
        return Some(assessment);
    }
    ledger.doubt(Reason::standard(ReasonCode::NotANumber));
    None
}

fn is_sound(assessment: &Assessment) -> bool {
    let in_range = (0.0..=100.0).contains(&assessment.percentile)
        && (0.0..=1.0).contains(&assessment.base_rate)
        && (0.0..=1.0).contains(&assessment.score.get());
    let contributions = assessment.contributions.iter().map(|contribution| contribution.contribution);
    in_range && [assessment.base, assessment.margin].into_iter().chain(contributions).all(f64::is_finite)
}

fn weigh_budget(assessment: Option<&Assessment>, season: &Season<'_>, ledger: &mut Ledger) {
    let Some(assessment) = assessment else { return };
    if is_caught(Some(assessment.percentile), season.budget.share) {
        let text = words::above_budget(assessment, &season.budget);
        ledger.raise(Verdict::ExtraValidation, Reason::new(ReasonCode::RiskAboveBudget, text));
    } else {
        ledger.note(ReasonCode::WithinBudget, words::within_budget(assessment, &season.budget));
    }
}

/// A freeze holds the riskiest share; a change whose rank is not known counts as the riskiest.
fn weigh_freeze(assessment: Option<&Assessment>, season: &Season<'_>, ledger: &mut Ledger) {
    let Some((window, moment)) = season.freeze else { return };
    if is_caught(assessment.map(|assessment| assessment.percentile), window.hold) {
        let text = words::window_hold(window, moment, assessment);
        ledger.raise(Verdict::Hold, Reason::new(ReasonCode::WindowHold, text));
    }
}

/// What is known of this very change, beside the model.
fn weigh_change(question: &Question<'_>, ledger: &mut Ledger) {
    if let Some(known_bad) = question.known_bad {
        let text = words::known_bad(*known_bad);
        ledger.raise(Verdict::ExtraValidation, Reason::new(ReasonCode::KnownBad, text));
    }
    if question.classification.kind == ChangeKind::PlannedRoundTrip {
        ledger.note(ReasonCode::PlannedRoundTrip, ReasonCode::PlannedRoundTrip.sentence());
        ledger.require(["undo_by", "owner"]);
    }
}
