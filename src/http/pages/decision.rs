//! `/decisions/{id}`: why, what to look at, what would lower it, and what became of it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::http::auth::Scope;
use crate::http::pages::beside::{BesideView, beside};
use crate::http::pages::frame::{self, Frame, Here, problem};
use crate::http::pages::headline::{Headline, Standing, Tone, headline, requirements, short, short_change};
use crate::http::pages::outcome::{BUTTONS, recorded};
use crate::http::pages::reading::{Reading, read};
use crate::http::pages::said::Said;
use crate::http::pages::session::Reader;
use crate::http::pages::text::{self, Shown};
use crate::http::routes::decisions::{failed, refuse_altered, unavailable};
use crate::http::service::Service;
use crate::http::wire::{Answer, StageAnswer};
use crate::http::{ApiError, ProblemCode};
use crate::policy::ReasonCode;
use crate::store::{Beside, Record, RecordKind};

#[derive(Template)]
#[template(path = "decision.html")]
struct DecisionPage {
    frame: Frame,
    id: Shown,
    repo: Shown,
    change: Shown,
    decided: String,
    decided_ago: String,
    headline: Headline,
    reasons: Vec<ReasonView>,
    reading: Reading,
    plan: Option<PlanView>,
    beside: BesideView,
    buttons: &'static [(&'static str, &'static str)],
    may_report: bool,
    is_known_bad: bool,
    may_withdraw: bool,
    /// What was just taken in.
    recorded: Option<&'static str>,
    facts: Vec<Fact>,
    parts: Vec<PartView>,
    warnings: Vec<Said>,
}

struct ReasonView {
    text: Said,
    code: Shown,
    is_doubt: bool,
}

struct PlanView {
    /// In the words of the headline.
    require: Vec<Shown>,
    stages: Vec<StageView>,
    /// What is said where there are no stages.
    without_stages: &'static str,
}

struct StageView {
    percent: u8,
    bake: String,
}

struct Fact {
    name: &'static str,
    value: Shown,
}

struct PartView {
    change: Shown,
    decision: &'static str,
    tone: &'static str,
    rank: Option<u32>,
    reason: Said,
}

/// The page of one decision.
pub(super) async fn page(
    State(service): State<Arc<Service>>,
    Extension(reader): Extension<Reader>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let recorded = recorded(query.as_deref().and_then(|query| query.strip_prefix("recorded=")).unwrap_or(""));
    match decision(&service, &reader, &id, recorded).await {
        Ok(decision_page) => frame::page(StatusCode::OK, &decision_page),
        Err(api_error) => problem(&api_error, Some(&reader)),
    }
}

async fn decision(
    service: &Arc<Service>,
    reader: &Reader,
    id: &str,
    recorded: Option<&'static str>,
) -> Result<DecisionPage, ApiError> {
    let log = service.store.as_ref().ok_or_else(unavailable)?.log();
    let record = log.record(id).await.map_err(|error| failed(&error))?;
    let record = record.filter(|record| record.kind == RecordKind::Decision);
    let record = record.ok_or_else(|| ApiError::new(ProblemCode::NotFound, "no decision has this id"))?;
    refuse_altered(log, &record).await?;
    let Beside { sound, altered } = log.beside(&record.id).await.map_err(|error| failed(&error))?;
    let answer: Answer = serde_json::from_str(&record.body).map_err(|_| {
        let detail = format!("this decision was recorded by another version; read it at /v1/decisions/{id}");
        ApiError::new(ProblemCode::Internal, detail)
    })?;
    let reading = read(service, &record, &answer).await?;
    let now = service.now_ms().div_euclid(1000);
    let beside = beside(&sound, now);
    let standing = Standing {
        now,
        expires_at: record.columns.expires_ms.map(|ms| ms.div_euclid(1000)),
        is_revoked: beside.is_revoked,
        went_wrong: beside.went_wrong,
        is_withdrawn: beside.is_withdrawn,
        is_overridden: !beside.overrides.is_empty(),
        is_superseded: is_superseded(service, &answer),
        n_altered: altered.len(),
    };
    Ok(assemble(reader, &record, &answer, Parts { reading, beside, standing, recorded }))
}

/// Whether another model or policy is in force than the one that decided.
fn is_superseded(service: &Service, answer: &Answer) -> bool {
    let serving = service.serving.load();
    let model = answer.model.as_ref().zip(serving.assessor.model().ok());
    let policy = answer.policy.as_deref().zip(serving.policy());
    model.is_some_and(|(asked, now)| asked.digest != now.digest)
        || policy.is_some_and(|(asked, now)| asked != now.policy_digest())
}

struct Parts {
    reading: Reading,
    beside: BesideView,
    standing: Standing,
    recorded: Option<&'static str>,
}

fn assemble(reader: &Reader, record: &Record, answer: &Answer, parts: Parts) -> DecisionPage {
    let Parts { reading, beside, standing, recorded } = parts;
    let is_known_bad = answer.reasons.iter().any(|reason| reason.code == ReasonCode::KnownBad.as_str());
    let may_withdraw = !standing.is_withdrawn && (is_known_bad || !beside.outcomes.is_empty());
    let change = &answer.change;
    let name = short_change(change.commit.as_deref(), change.id.as_deref(), change.digest.as_deref());
    let headline = headline(answer, standing);
    let at = record.at_ms.div_euclid(1000);
    DecisionPage {
        frame: Frame::new(format!("{}: {name}", headline.word), Here::Elsewhere, Some(reader)),
        id: Shown::new(&record.id),
        repo: Shown::cut(&change.repo, 80),
        change: name,
        decided: text::moment(at),
        decided_ago: text::relative(at, standing.now),
        reasons: answer.reasons.iter().map(|reason| reason_view(&reason.code, &reason.text)).collect(),
        plan: answer.plan.as_ref().map(|plan| PlanView {
            require: requirements(plan).iter().map(|it| Shown::new(it)).collect(),
            stages: plan.stages.iter().map(stage_view).collect(),
            without_stages: match headline.tone {
                Tone::Hold => "Nothing may roll out.",
                Tone::Fast | Tone::Extra => "The policy sets no stages.",
            },
        }),
        headline,
        reading,
        beside,
        buttons: &BUTTONS,
        may_report: reader.may(Scope::Outcome),
        is_known_bad,
        may_withdraw,
        recorded,
        facts: facts(answer, standing),
        parts: answer.parts.iter().map(part_view).collect(),
        warnings: answer
            .warnings
            .iter()
            .map(|warning| Said::capitalised(&text::with_moments(warning)))
            .collect(),
    }
}

fn reason_view(code: &str, said: &str) -> ReasonView {
    let is_doubt = code.parse().is_ok_and(ReasonCode::degrades);
    ReasonView { text: Said::capitalised(&text::with_moments(said)), code: Shown::new(code), is_doubt }
}

fn stage_view(stage: &StageAnswer) -> StageView {
    let bake = i64::try_from(stage.bake_seconds).unwrap_or(i64::MAX);
    StageView {
        percent: stage.percent.min(100),
        bake: if bake == 0 { String::new() } else { text::span(bake) },
    }
}

fn part_view(part: &crate::http::wire::PartAnswer) -> PartView {
    let tone = Tone::of(&part.decision);
    PartView {
        change: short_change(part.change.commit.as_deref(), None, part.change.digest.as_deref()),
        decision: tone.word(),
        tone: tone.class(),
        rank: part.risk.as_ref().map(|risk| text::rank_of_100(risk.percentile)),
        reason: Said::cut(&text::with_moments(part.reasons.first().map_or("", |reason| &reason.text)), 200),
    }
}

/// What the decision rests on, for who wants to check it.
fn facts(answer: &Answer, standing: Standing) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut fact = |name, value: String| facts.push(Fact { name, value: Shown::cut(&value, 200) });
    if let Some(model) = &answer.model {
        fact("Model", format!("{} {}", model.name, model.version));
        if let Some(at) = text::seconds_of(&model.trained_at) {
            fact("Trained until", format!("{} ({})", text::date(at), text::relative(at, standing.now)));
        }
    } else {
        fact("Model", "none: the change was not scored".into());
    }
    if let Some(history) = &answer.history {
        let mode = match history.mode {
            crate::http::HistoryMode::Present => "as it stood when asked",
            crate::http::HistoryMode::BeforeLanding => "as it stood before the commit landed",
        };
        let head = short(&history.head);
        let at = text::seconds_of(&history.as_of).map(text::moment).unwrap_or_default();
        fact("History", format!("{mode}; known up to {head} of {at}"));
    } else {
        fact("History", "none of this repository".into());
    }
    if let Some(budget) = &answer.budget {
        fact("Budget", format!("{} in the season {}", text::percent(budget.share), budget.season));
    }
    fact("Kind of change", answer.kind.replace('_', " "));
    for (name, value) in [
        ("Commit", &answer.change.commit),
        ("From", &answer.change.base),
        ("Review", &answer.change.id),
        ("Digest", &answer.change.digest),
        ("Policy", &answer.policy),
    ] {
        value.iter().for_each(|value| fact(name, (*value).clone()));
    }
    if let Some(at) = standing.expires_at.filter(|_| !standing.is_revoked) {
        fact("Holds until", format!("{} ({})", text::moment(at), text::relative(at, standing.now)));
    }
    facts
}
