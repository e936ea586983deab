//! `/suspects`: what landed before something broke, the likeliest cause first, for whoever is called at night.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::explain::{share_percent, span_hours};
use crate::http::ApiError;
use crate::http::auth::Scope;
use crate::http::pages::form::{Form, query};
use crate::http::pages::frame::{self, Frame, Here, problem};
use crate::http::pages::headline::{Tone, short_change};
use crate::http::pages::list::{Choice, repository_choices};
use crate::http::pages::outcome::INCIDENT;
use crate::http::pages::said::Said;
use crate::http::pages::session::Reader;
use crate::http::pages::text::{self, Shown};
use crate::http::routes::suspects::{SuspectsQuestion, suspects};
use crate::http::service::Service;
use crate::http::suspects::{DecidedAnswer, KnownBadAnswer, SuspectAnswer, SuspectsAnswer};

/// Spans that can be chosen, in hours.
const SPANS: [(&str, &str); 6] = [
    ("1", "an hour"),
    ("6", "6 hours"),
    ("24", "a day"),
    ("72", "3 days"),
    ("168", "a week"),
    ("336", "14 days"),
];

/// Paths of a change that are named; the others are counted.
const N_PATHS: usize = 2;

#[derive(Template)]
#[template(path = "suspects.html")]
struct SuspectsPage {
    frame: Frame,
    repositories: Vec<Choice>,
    spans: Vec<Choice>,
    at: Shown,
    path: Shown,
    is_recorded: bool,
    /// None where nothing was asked yet.
    found: Option<Found>,
}

struct Found {
    /// What was asked, for the forms that lead back to it.
    asked: Vec<(&'static str, Shown)>,
    may_report: bool,
    summary: String,
    /// What the ranks are among.
    among: &'static str,
    warnings: Vec<String>,
    rows: Vec<Row>,
    /// What is not listed; none where nothing is left.
    others: Option<String>,
}

struct Row {
    share: String,
    /// Of a thousand.
    width: u32,
    title: Shown,
    change: Shown,
    commit: String,
    why: Said,
    hazards: Vec<Said>,
    paths: Shown,
    owners: Shown,
    rank: Option<u32>,
    landed: String,
    known_bad: Option<String>,
    is_incident: bool,
    decisions: Vec<Decided>,
}

struct Decided {
    page: Shown,
    word: &'static str,
}

/// The page.
pub(super) async fn page(
    State(service): State<Arc<Service>>,
    Extension(reader): Extension<Reader>,
    RawQuery(raw): RawQuery,
) -> Response {
    match look(&service, &reader, raw.as_deref().unwrap_or("")).await {
        Ok(suspects_page) => frame::page(StatusCode::OK, &suspects_page),
        Err(api_error) => problem(&api_error, Some(&reader)),
    }
}

async fn look(service: &Arc<Service>, reader: &Reader, raw: &str) -> Result<SuspectsPage, ApiError> {
    let form = Form::parse(raw)?;
    let now = service.now_ms().div_euclid(1000);
    let found = match form.given("repo") {
        None => None,
        Some(_) => {
            let at = in_utc(form.value("at"));
            let fields = ["repo", "hours", "path"].map(|name| (name, form.value(name)));
            let query = query(&[&fields[..], &[("at", &at)]].concat());
            let answer = suspects(service, SuspectsQuestion::parse(&query, now)?).await?;
            // Empty for now is another moment by the time that a form is sent.
            let asked = [&fields[..], &[("at", answer.at.as_str())]].concat();
            let asked = asked.into_iter().map(|(name, value)| (name, Shown::new(value))).collect();
            Some(Found::of(&answer, asked, reader.may(Scope::Outcome)))
        }
    };
    let names = service.repositories().cloned();
    let chosen = form.given("hours").unwrap_or_else(|| "336".to_owned());
    let span = |(value, word): (&str, &str)| Choice {
        value: Shown::new(value),
        word: Shown::new(word),
        is_chosen: chosen == value,
    };
    Ok(SuspectsPage {
        frame: Frame::new("What broke it?", Here::Suspects, Some(reader)),
        repositories: repository_choices(names, form.given("repo").as_deref()),
        spans: SPANS.into_iter().map(span).collect(),
        at: Shown::new(in_utc(form.value("at")).trim_end_matches('Z')),
        path: Shown::new(form.value("path")),
        is_recorded: form.value("recorded") == "1",
        found,
    })
}

/// A browser sends a moment without its zone, which the page says is UTC, and without seconds where there are none.
fn in_utc(at: &str) -> String {
    match at.len() {
        16 => format!("{at}:00Z"),
        19 => format!("{at}Z"),
        _ => at.to_owned(),
    }
}

impl Found {
    fn of(answer: &SuspectsAnswer, asked: Vec<(&'static str, Shown)>, may_report: bool) -> Self {
        let n_others = answer.others.n;
        let others = (n_others > 0).then(|| {
            format!(
                "{} more, {} together.",
                text::counted(n_others, "change"),
                share_percent(answer.others.share)
            )
        });
        Self {
            asked,
            may_report,
            summary: summary(answer),
            among: among(answer),
            warnings: answer.warnings.clone(),
            rows: answer.suspects.iter().map(Row::of).collect(),
            others,
        }
    }
}

fn among(answer: &SuspectsAnswer) -> &'static str {
    let mut risks = answer.suspects.iter().filter_map(|suspect| suspect.risk.as_ref());
    match risks.next() {
        Some(risk) if risk.scope == "artifact" => "changes that the model learned from",
        _ => "changes here",
    }
}

fn summary(answer: &SuspectsAnswer) -> String {
    let moments =
        [&answer.from, &answer.at].map(|moment| text::moment(text::seconds_of(moment).unwrap_or(0)));
    let [from, at] = moments;
    let mut parts = vec![format!("{} landed from {from} to {at}", text::counted(answer.n_landed, "change"))];
    for (n, what) in [(answer.n_undone, "reverted before it broke"), (answer.n_elsewhere, "elsewhere")] {
        if n > 0 {
            parts.push(format!("{} {what}", text::grouped(n as u64)));
        }
    }
    if answer.suspects.is_empty() {
        parts.push("none is left to suspect".to_owned());
    }
    format!("{}.", parts.join("; "))
}

impl Row {
    fn of(suspect: &SuspectAnswer) -> Self {
        let risk = suspect.risk.as_ref();
        let mut paths: Vec<String> = suspect.paths.iter().take(N_PATHS).cloned().collect();
        let n_more = suspect.n_paths - paths.len();
        if n_more > 0 {
            paths.push(text::counted(n_more, "more file"));
        }
        Self {
            share: share_percent(suspect.share),
            width: (1_000.0 * suspect.share) as u32,
            title: Shown::cut(suspect.title.as_deref().unwrap_or("(cannot be read)"), 120),
            change: short_change(Some(&suspect.commit), None, None),
            commit: suspect.commit.clone(),
            why: Said::new(suspect.why.as_deref().unwrap_or("")),
            hazards: suspect.hazards.iter().map(|hazard| Said::new(hazard)).collect(),
            paths: Shown::cut(&text::joined(&paths), 400),
            owners: Shown::cut(&text::joined(&suspect.owners), 200),
            rank: risk.map(|risk| text::rank_of_100(risk.percentile)),
            landed: format!("{} before", span_hours(suspect.seconds_before as f64 / 3_600.0)),
            known_bad: suspect.known_bad.as_ref().map(known_bad),
            is_incident: suspect.known_bad.as_ref().is_some_and(|known_bad| known_bad.outcome == INCIDENT),
            decisions: suspect.decisions.iter().map(decided).collect(),
        }
    }
}

fn known_bad(known_bad: &KnownBadAnswer) -> String {
    let what = &known_bad.outcome;
    let at = text::seconds_of(&known_bad.occurred_at).unwrap_or(0);
    format!("{what} {}", text::moment(at))
}

fn decided(decided: &DecidedAnswer) -> Decided {
    Decided { page: Shown::new(&decided.page), word: Tone::of(&decided.decision).word() }
}
