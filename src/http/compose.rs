//! From what is known about a change to the answer and its record. Plain values in and out.

use std::sync::Arc;

use crate::change::{Change, ChangeId, Moment};
use crate::explain::sentence;
use crate::http::assessor::{Asked, Assessed, HistoryMode, Target};
use crate::http::decode::Question;
use crate::http::explain::groups;
use crate::http::fingerprint::Fingerprint;
use crate::http::service::Serving;
use crate::http::wire::{
    Answer, BudgetAnswer, ChangeAnswer, ContributionAnswer, ExplanationAnswer, LinksAnswer, PartAnswer,
    PlanAnswer, ReasonAnswer, ReferenceAnswer, RiskAnswer, StageAnswer,
};
use crate::label::{ChangeKind, Classification};
use crate::policy::{self, Decision, Facts, KnownBad, Reading, Reason, ReasonCode, Verdict};
use crate::risk::{Assessment, HORIZON_DAYS, ReferenceScope};
use crate::store::{Columns, NewRecord, RecordKind, new_id};

/// Contributions shown one by one; the rest is summed in `others`.
const N_SHOWN: usize = 12;
/// How long a decision holds where there is no policy to say.
const UNPOLICED_SECONDS: i64 = 300;

/// An answer and the record it rests on.
pub(super) struct Composed {
    pub(super) answer: Answer,
    pub(super) new_record: NewRecord,
}

/// Decides on what was assessed, and writes both down.
pub(super) fn compose(serving: &Serving, question: &Question, assessed: Assessed, now_ms: i64) -> Composed {
    let now = now_ms.div_euclid(1000);
    let Decisions { decision, of_parts, .. } = decide(serving, question, &assessed, now);
    let mut answer = answer(serving, question, &assessed, &decision, now);
    let parts = assessed.parts.iter().zip(&of_parts);
    answer.parts = parts.map(|(part, decided)| part_answer(question, part, decided)).collect();
    let id = new_id();
    answer.links = Some(LinksAnswer { own: format!("/v1/decisions/{id}"), page: format!("/decisions/{id}") });
    answer.decision_id = Some(id.clone());
    let expires_ms = decision.expires_at.saturating_mul(1000);
    let columns = Columns {
        repo: Some(question.repo.clone()),
        verdict: Some(answer.decision.clone()),
        degraded: answer.degraded,
        commit_id: answer.change.commit.clone(),
        change_id: answer.change.id.clone(),
        change_digest: assessed.digest.clone(),
        subject_id: None,
        expires_ms: Some(expires_ms),
        question: (!answer.degraded).then(|| fingerprint(question, &assessed, &answer)),
    };
    let basis = basis(serving, &assessed);
    let body = serde_json::to_string(&answer).expect("an answer is plain data");
    let new_record = NewRecord {
        kind: RecordKind::Decision,
        id,
        at_ms: now_ms,
        body,
        columns,
        vector: (!assessed.vector.is_empty()).then_some(assessed.vector),
        tokens: (!assessed.tokens.is_empty()).then_some(assessed.tokens),
        claim: None,
        basis: Some(basis),
    };
    Composed { answer, new_record }
}

/// What stands where a change could not even be read: nothing known, and why.
pub(super) fn hollow(asked: &Asked, doubt: Reason) -> Assessed {
    let (id, author, message) = match &asked.target {
        Target::Commit { commit, .. } => (commit.clone(), String::new(), String::new()),
        Target::Diff { id, author, message, .. } => {
            (id.clone().unwrap_or_default(), author.clone(), message.clone())
        }
    };
    let at = asked.received_at;
    let change = Change {
        id: ChangeId(id),
        author,
        message,
        authored_at: Moment { unix_seconds: at, offset_minutes: 0 },
        committed_at: at,
        merged: Vec::new(),
        merged_messages: Vec::new(),
        record: Arc::default(),
    };
    Assessed {
        change,
        classification: ordinary(),
        keys: Vec::new(),
        owners: Vec::new(),
        commit: None,
        digest: None,
        facts: Facts { reading: Reading::Unread, ..Facts::default() },
        known_bad: None,
        assessment: None,
        doubts: vec![doubt],
        vector: Vec::new(),
        tokens: Vec::new(),
        history: None,
        history_epoch: 0,
        warnings: Vec::new(),
        parts: Vec::new(),
    }
}

/// Makes an answer that nobody vouches for: one more reason, and never the fast path.
pub(super) fn degrade(answer: &mut Answer, code: ReasonCode) {
    answer.degraded = true;
    if answer.decision == Verdict::FastPath.as_str() {
        answer.decision = Verdict::ExtraValidation.as_str().into();
        answer.plan = None;
    }
    answer.reasons.insert(0, reason_answer(&Reason::standard(code)));
}

fn ordinary() -> Classification {
    Classification {
        kind: ChangeKind::Ordinary,
        is_revert: false,
        planned_by_wording: false,
        planned_by_template: false,
        template: 0,
        reverts: None,
        rollback_of: None,
    }
}

/// The decision on a change, and what it came from.
pub(super) struct Decisions {
    pub(super) decision: Decision,
    /// On the whole, without its parts.
    pub(super) of_whole: Verdict,
    pub(super) of_parts: Vec<Decision>,
}

/// Decides on a change and on each of its parts, as strictly as the strictest.
pub(super) fn decide(serving: &Serving, question: &Question, assessed: &Assessed, now: i64) -> Decisions {
    let decide = |assessed: &Assessed| decide_one(serving, question, assessed, now);
    let whole = decide(assessed);
    let of_parts: Vec<Decision> = assessed.parts.iter().map(decide).collect();
    let names: Vec<String> = assessed.parts.iter().map(part_name).collect();
    let named: Vec<(&str, &Decision)> = names.iter().map(String::as_str).zip(&of_parts).collect();
    Decisions { of_whole: whole.verdict, decision: whole.with_parts(&named), of_parts }
}

fn part_name(part: &Assessed) -> String {
    let commit = part.commit.as_deref().unwrap_or(&part.change.id.0);
    format!("commit {}", commit.get(..12).unwrap_or(commit))
}

fn decide_one(serving: &Serving, question: &Question, assessed: &Assessed, now: i64) -> Decision {
    let mut doubts = assessed.doubts.clone();
    if assessed.assessment.is_none() && doubts.is_empty() {
        doubts.push(Reason::standard(ReasonCode::InternalError));
    }
    let Some(in_use) = &serving.policy else { return unpoliced(doubts, now) };
    in_use.policy.decide(&policy_question(question, assessed, &doubts, now))
}

/// What policy is asked about a change.
pub(super) fn policy_question<'a>(
    question: &'a Question,
    assessed: &'a Assessed,
    doubts: &'a [Reason],
    now: i64,
) -> policy::Question<'a> {
    policy::Question {
        change: &assessed.change,
        classification: &assessed.classification,
        keys: &assessed.keys,
        assessment: assessed.assessment.as_ref(),
        degraded: doubts,
        known_bad: assessed.known_bad.as_ref(),
        repo: &question.repo,
        owners: &assessed.owners,
        context: &question.context,
        facts: assessed.facts,
        now,
    }
}

/// The decision where no policy is loaded.
fn unpoliced(mut doubts: Vec<Reason>, now: i64) -> Decision {
    doubts.insert(0, Reason::standard(ReasonCode::PolicyMissing));
    Decision {
        verdict: Verdict::ExtraValidation,
        degraded: true,
        enforced: true,
        reasons: doubts,
        require: Vec::new(),
        stages: Vec::new(),
        budget: policy::AppliedBudget {
            season: policy::NORMAL_SEASON.into(),
            share: 1.0,
            threshold_percentile: 0.0,
        },
        expires_at: now.saturating_add(UNPOLICED_SECONDS),
    }
}

fn answer(
    serving: &Serving,
    question: &Question,
    assessed: &Assessed,
    decision: &Decision,
    now: i64,
) -> Answer {
    let assessment = assessed.assessment.as_ref().filter(|assessment| is_finite(assessment));
    let has_policy = serving.policy.is_some();
    Answer {
        decision_id: None,
        decision: decision.verdict.as_str().into(),
        degraded: decision.degraded,
        enforced: decision.enforced,
        kind: assessed.classification.kind.as_str().into(),
        change: change_answer(question, assessed),
        risk: assessment.map(risk_answer),
        budget: has_policy.then(|| BudgetAnswer {
            season: decision.budget.season.clone(),
            share: decision.budget.share,
            threshold_percentile: decision.budget.threshold_percentile,
        }),
        history: assessed.history.clone(),
        reasons: decision.reasons.iter().map(reason_answer).collect(),
        explanation: assessment.map(|assessment| ExplanationAnswer {
            groups: groups(serving.assessor.as_ref(), assessed, assessment),
            ..explanation_answer(assessment)
        }),
        plan: has_policy.then(|| plan_answer(decision)),
        model: assessment.and_then(|_| serving.assessor.model().ok()).cloned(),
        policy: serving.policy.as_ref().map(|in_use| in_use.policy.policy_digest().to_owned()),
        decided_at: moment(now),
        expires_at: moment(decision.expires_at),
        links: None,
        warnings: assessed.warnings.clone(),
        parts: Vec::new(),
        vector: None,
        tokens: None,
        explained: None,
    }
}

/// JSON has no other numbers.
fn is_finite(assessment: &Assessment) -> bool {
    let numbers = [assessment.base_rate, assessment.percentile, assessment.base, assessment.margin];
    let contributions = assessment.contributions.iter().map(|it| it.contribution);
    numbers.into_iter().chain(contributions).all(f64::is_finite)
}

fn part_answer(question: &Question, part: &Assessed, decision: &Decision) -> PartAnswer {
    PartAnswer {
        change: ChangeAnswer {
            repo: question.repo.clone(),
            commit: part.commit.clone(),
            digest: part.digest.clone(),
            ..ChangeAnswer::default()
        },
        decision: decision.verdict.as_str().into(),
        kind: part.classification.kind.as_str().into(),
        risk: part.assessment.as_ref().filter(|it| is_finite(it)).map(risk_answer),
        reasons: decision.reasons.iter().map(reason_answer).collect(),
    }
}

fn change_answer(question: &Question, assessed: &Assessed) -> ChangeAnswer {
    let (asked_commit, base) = match &question.asked.target {
        Target::Commit { commit, base, .. } => (Some(commit.clone()), base.clone()),
        Target::Diff { .. } => (None, None),
    };
    ChangeAnswer {
        repo: question.repo.clone(),
        commit: assessed.commit.clone().or(asked_commit),
        id: question.id.clone(),
        digest: assessed.digest.clone(),
        base,
    }
}

pub(super) fn risk_answer(assessment: &Assessment) -> RiskAnswer {
    let reference = &assessment.reference;
    RiskAnswer {
        score: assessment.score.get(),
        horizon_days: HORIZON_DAYS,
        base_rate: assessment.base_rate,
        percentile: assessment.percentile,
        gate_level: assessment.gate_level.as_str().into(),
        reference: ReferenceAnswer {
            scope: scope_word(reference.scope).into(),
            n: reference.n,
            from: reference.from.map(moment),
            to: reference.to.map(moment),
        },
    }
}

pub(super) fn explanation_answer(assessment: &Assessment) -> ExplanationAnswer {
    let all = &assessment.contributions;
    let n_shown = if all.len() > N_SHOWN + 1 { N_SHOWN } else { all.len() };
    let mut contributions: Vec<ContributionAnswer> = all[..n_shown]
        .iter()
        .map(|it| ContributionAnswer {
            feature: it.feature.to_string(),
            group: it.group.to_string(),
            value: it.value,
            contribution: it.contribution,
            text: sentence(it),
        })
        .collect();
    let rest = &all[n_shown..];
    if !rest.is_empty() {
        contributions.push(ContributionAnswer {
            feature: "others".into(),
            group: "others".into(),
            value: None,
            contribution: rest.iter().map(|it| it.contribution).sum(),
            text: format!("{} more features together", rest.len()),
        });
    }
    ExplanationAnswer { base: assessment.base, margin: assessment.margin, contributions, groups: Vec::new() }
}

fn plan_answer(decision: &Decision) -> PlanAnswer {
    let stage =
        |stage: &policy::Stage| StageAnswer { percent: stage.percent, bake_seconds: stage.bake_seconds };
    PlanAnswer { require: decision.require.clone(), stages: decision.stages.iter().map(stage).collect() }
}

pub(super) fn reason_answer(reason: &Reason) -> ReasonAnswer {
    ReasonAnswer { code: reason.code.as_str().into(), text: reason.text.clone() }
}

/// A moment in Unix seconds as RFC 3339 in UTC.
pub(super) fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| "9999-12-31T23:59:59Z".into(), |moment| moment.to_string())
}

pub(super) fn scope_word(scope: ReferenceScope) -> &'static str {
    match scope {
        ReferenceScope::Repository => "repository",
        ReferenceScope::Artifact => "artifact",
    }
}

/// What a decision under a key must rest on for the key to answer with it: model, policy, and what is known against the change.
fn basis(serving: &Serving, assessed: &Assessed) -> [u8; 32] {
    let all = std::iter::once(assessed).chain(&assessed.parts);
    let known_bad: Vec<KnownBad> = all.filter_map(|assessed| assessed.known_bad).collect();
    if known_bad.is_empty() {
        return serving.basis;
    }
    let mut fingerprint = Fingerprint::new();
    fingerprint.add(&serving.basis);
    fingerprint.add(format!("{known_bad:?}").as_bytes());
    fingerprint.finish()
}

/// Everything that a decision rests on: the same fingerprint may be answered with the same decision.
fn fingerprint(question: &Question, assessed: &Assessed, answer: &Answer) -> [u8; 32] {
    let (history, budget) = (assessed.history.as_ref(), answer.budget.as_ref());
    let known_bad = |assessed: &Assessed| assessed.known_bad.map(|bad| format!("{bad:?}"));
    let known_bad_here = known_bad(assessed);
    let texts = [
        Some(question.repo.as_str()),
        assessed.digest.as_deref(),
        assessed.commit.as_deref(),
        history.map(|history| history.head.as_str()),
        known_bad_here.as_deref(),
        budget.map(|budget| budget.season.as_str()),
        answer.model.as_ref().map(|model| model.digest.as_str()),
        answer.policy.as_deref(),
        Some(assessed.classification.kind.as_str()),
    ];
    let is_landed = history.is_some_and(|history| history.mode == HistoryMode::BeforeLanding);
    let share = budget.map_or(0, |budget| budget.share.to_bits());
    let mut fingerprint = Fingerprint::new();
    fingerprint.add(&question.said);
    texts.into_iter().for_each(|text| fingerprint.add_optional(text));
    assessed.owners.iter().for_each(|owner| fingerprint.add_optional(Some(owner)));
    let required = answer.plan.iter().flat_map(|plan| &plan.require);
    required.for_each(|who| fingerprint.add_optional(Some(who)));
    fingerprint.add(answer.decision.as_bytes());
    for part in &assessed.parts {
        fingerprint.add(part.classification.kind.as_str().as_bytes());
        fingerprint.add_optional(known_bad(part).as_deref());
    }
    fingerprint.add(&[u8::from(is_landed)]);
    fingerprint.add(&assessed.history_epoch.to_le_bytes());
    fingerprint.add(&share.to_le_bytes());
    fingerprint.finish()
}
