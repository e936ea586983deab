//! The whole explanation of a decision: the assessor is asked again, with parts of the change altered.

use crate::explain::{Explanation, GroupShare};
use crate::http::assessor::{Assessed, Assessor, Decided};
use crate::http::compose::{self, decide, policy_question};
use crate::http::decode::Question;
use crate::http::service::Serving;
use crate::http::wire::{Answer, RiskAnswer};
use crate::policy::{AppliedBudget, Decision, Reason, Stage, Verdict};
use crate::risk::{Assessment, GateLevel, Reference, ReferenceScope, RiskScore};

/// Explains what was decided on an assessed change, with its diff, similar changes and alternatives as
/// far as the assessor can look again.
pub(super) fn explain(serving: &Serving, question: &Question, assessed: &Assessed, now: i64) -> Explanation {
    decided(serving, question, assessed, now).0
}

/// The explanation, and the decision that it explains.
fn decided(serving: &Serving, question: &Question, assessed: &Assessed, now: i64) -> (Explanation, Decision) {
    let compose::Decisions { decision, of_whole, .. } = decide(serving, question, assessed, now);
    let in_full = serving.policy.as_ref().and_then(|in_use| {
        let policy_question = policy_question(question, assessed, &assessed.doubts, now);
        serving.assessor.explain(&Decided {
            question: policy_question,
            decision: &decision,
            policy: &in_use.policy,
            vector: &assessed.vector,
            commit: assessed.commit.as_deref(),
        })
    });
    let mut explanation = in_full.unwrap_or_else(|| briefly(serving, assessed, &decision));
    if decision.verdict != of_whole {
        // What would change the decision on the whole leaves the part that decided as it is.
        explanation.alternatives.clear();
    }
    (explanation, decision)
}

/// The explanation of an answer that was given: the change is read and assessed again, as things stand
/// now. None where it cannot be read any more.
pub(super) fn explained_again(
    serving: &Serving,
    question: &Question,
    answer: &Answer,
) -> Option<Explanation> {
    let asked = std::slice::from_ref(&question.asked);
    let assessed = serving.assessor.assess(&question.repo, asked).pop()?.ok()?;
    (!assessed.change.record.files.is_empty()).then(|| of_given(serving, question, &assessed, answer))
}

/// The explanation of an answer that was given, for a change that was assessed again.
pub(super) fn of_given(
    serving: &Serving,
    question: &Question,
    assessed: &Assessed,
    answer: &Answer,
) -> Explanation {
    let (mut explanation, decision) = decided(serving, question, assessed, question.asked.received_at);
    if !is_as_given(&decision, answer) {
        // What would change another decision says nothing of the one that was given.
        explanation.alternatives.clear();
    }
    explanation
}

/// Whether a decision rests on the same grounds as the one that was given. The verdict alone does not tell: a
/// rule that reads what the caller knew of the rollout gave it then, and the rank gives it now.
fn is_as_given(decision: &Decision, answer: &Answer) -> bool {
    let grounds = |code: &str, text: &str| {
        let names = text.split('`').skip(1).step_by(2).map(ToOwned::to_owned);
        (code.to_owned(), names.collect::<Vec<String>>())
    };
    let reasons = decision.reasons.iter().map(|it| grounds(it.code.as_str(), &it.text));
    let season = answer.budget.as_ref().map(|budget| budget.season.as_str());
    decision.verdict.as_str() == answer.decision
        && reasons.eq(answer.reasons.iter().map(|it| grounds(&it.code, &it.text)))
        && answer.plan.as_ref().is_none_or(|plan| plan.require == decision.require)
        && season.is_none_or(|season| season == decision.budget.season)
}

/// What the score says by itself.
fn briefly(serving: &Serving, assessed: &Assessed, decision: &Decision) -> Explanation {
    let (assessment, artifact) = (assessed.assessment.as_ref(), serving.assessor.artifact());
    let calibrator = artifact.as_ref().map(|artifact| &artifact.document().scoring.calibrator);
    let explanation = Explanation::of(assessment, decision, &assessed.vector, calibrator);
    Explanation { owners: assessed.owners.clone(), ..explanation }
}

/// What each group of features does, as an answer says it.
pub(super) fn groups(
    assessor: &dyn Assessor,
    assessed: &Assessed,
    assessment: &Assessment,
) -> Vec<GroupShare> {
    let artifact = assessor.artifact();
    let calibrator = artifact.as_ref().map(|artifact| &artifact.document().scoring.calibrator);
    GroupShare::of(assessment, &assessed.vector, calibrator)
}

/// What a given answer says of itself, for whoever has nothing else: a stored decision, or one that a
/// service made. It has no diff, no similar changes and no alternatives. A word that this build does not
/// know counts as extra validation.
pub fn explanation_of(answer: &Answer) -> Explanation {
    let verdicts = [Verdict::FastPath, Verdict::ExtraValidation, Verdict::Hold];
    let verdict = verdicts.into_iter().find(|verdict| verdict.as_str() == answer.decision);
    let plan = answer.plan.as_ref();
    let stages = plan.iter().flat_map(|plan| &plan.stages);
    let decision = Decision {
        verdict: verdict.unwrap_or(Verdict::ExtraValidation),
        degraded: answer.degraded,
        enforced: answer.enforced,
        reasons: answer.reasons.iter().filter_map(|it| reason(&it.code, &it.text)).collect(),
        require: plan.map(|plan| plan.require.clone()).unwrap_or_default(),
        stages: stages.map(|it| Stage { percent: it.percent, bake_seconds: it.bake_seconds }).collect(),
        budget: AppliedBudget { season: String::new(), share: 0.0, threshold_percentile: 0.0 },
        expires_at: 0,
    };
    let assessment = answer.risk.as_ref().and_then(|risk| assessment(risk, answer));
    let mut explanation = Explanation::of(assessment.as_ref(), &decision, &[], None);
    if let Some(given) = &answer.explanation {
        explanation.groups = given.groups.clone();
    }
    explanation.page = answer.links.as_ref().map(|links| links.page.clone());
    explanation.notes = answer.warnings.clone();
    explanation
}

fn reason(code: &str, text: &str) -> Option<Reason> {
    code.parse().ok().map(|code| Reason::new(code, text))
}

fn assessment(risk: &RiskAnswer, answer: &Answer) -> Option<Assessment> {
    let is_repository = risk.reference.scope == "repository";
    let scope = if is_repository { ReferenceScope::Repository } else { ReferenceScope::Artifact };
    let given = answer.explanation.as_ref();
    Some(Assessment {
        score: RiskScore::new(risk.score).ok()?,
        base_rate: risk.base_rate,
        percentile: risk.percentile,
        gate_level: GateLevel::ALL
            .into_iter()
            .find(|level| level.as_str() == risk.gate_level)
            .unwrap_or_else(|| GateLevel::of_percentile(risk.percentile)),
        reference: Reference { scope, n: risk.reference.n, from: None, to: None },
        base: given.map_or(0.0, |given| given.base),
        margin: given.map_or(0.0, |given| given.margin),
        contributions: Vec::new(),
    })
}
