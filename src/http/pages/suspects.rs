//! `/suspects`: what landed before something broke, the likeliest cause first, for whoever is called at night.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::explain::{share_percent, span_hours};
use crate::http::auth::Scope;
use crate::http::pages::form::{Form, query};
use crate::http::pages::frame::{self, Frame, Here, problem};
use crate::http::pages::headline::{Tone, short_change};
use crate::http::pages::list::{Choice, repository_choices};
use crate::http::pages::outcome::{INCIDENT, recorded};
use crate::http::pages::said::Said;
use crate::http::pages::session::Reader;
use crate::http::pages::text::{self, Shown};
use crate::http::routes::suspects::{SuspectsQuestion, suspects};
use crate::http::service::Service;
use crate::http::suspects::{DecidedAnswer, KnownBadAnswer, SuspectAnswer, SuspectsAnswer};
use crate::http::{ApiError, ProblemCode};

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
    /// What was just taken in.
    recorded: Option<&'static str>,
    /// Why nothing was looked for, or a report was not taken.
    refused: Option<Refused>,
    /// None where nothing was asked yet.
    found: Option<Found>,
}

/// A field that was filled in with something that cannot be taken.
struct Refused {
    field: &'static str,
    text: Said,
}

/// A report of a suspect that was not taken, to be mended by who sent it.
pub(super) struct RefusedReport {
    pub(super) commit: String,
    pub(super) incident_id: String,
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
    /// The incident that was typed and not taken.
    refused: Option<Shown>,
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
    let looked = async {
        let form = Form::parse(raw.as_deref().unwrap_or(""))?;
        match found(&service, &reader, &form).await {
            Ok(found) => Ok((None, filled_in(&service, &reader, &form, found))),
            Err(api_error) => {
                let refused = Refused::of(&api_error).ok_or_else(|| api_error.clone())?;
                let again = filled_in(&service, &reader, &form, None);
                Ok((Some(api_error), SuspectsPage { refused: Some(refused), ..again }))
            }
        }
    };
    match looked.await {
        Ok((None, suspects_page)) => frame::page(StatusCode::OK, &suspects_page),
        Ok((Some(api_error), suspects_page)) => frame::refused(&api_error, &suspects_page),
        Err(api_error) => problem(&api_error, Some(&reader)),
    }
}

/// The page once more, with a report that was not taken as it was typed.
pub(super) async fn again(
    service: &Arc<Service>,
    reader: &Reader,
    raw: &str,
    (report, why): (RefusedReport, &ApiError),
) -> Response {
    let looked = async {
        let form = Form::parse(raw)?;
        let mut found = found(service, reader, &form).await?;
        for row in
            found.iter_mut().flat_map(|found| &mut found.rows).filter(|row| row.commit == report.commit)
        {
            row.refused = Some(Shown::new(&report.incident_id));
        }
        let text = Said::capitalised(&format!("{}.", why.detail));
        let refused = Some(Refused { field: "incident_id", text });
        Ok(SuspectsPage { refused, ..filled_in(service, reader, &form, found) })
    };
    match looked.await {
        Ok(suspects_page) => frame::refused(why, &suspects_page),
        Err(api_error) => problem(&api_error, Some(reader)),
    }
}

impl Refused {
    /// None where what was filled in is not at fault.
    fn of(api_error: &ApiError) -> Option<Self> {
        let detail = api_error.detail.as_str();
        let field = match api_error.code {
            ProblemCode::NotFound => "repo",
            ProblemCode::BadQuery if detail.starts_with("`at`") => "at",
            ProblemCode::BadQuery if detail.starts_with("`hours`") => "hours",
            ProblemCode::BadQuery if detail.starts_with("a value is longer") => "path",
            _ => return None,
        };
        let text = match field {
            "at" if detail.contains("in the future") => {
                "it cannot have broken at a moment that is still to come"
            }
            _ => detail,
        };
        Some(Self { field, text: Said::capitalised(&format!("{text}.")) })
    }
}

async fn found(service: &Arc<Service>, reader: &Reader, form: &Form) -> Result<Option<Found>, ApiError> {
    if form.given("repo").is_none() {
        return Ok(None);
    }
    let now = service.now_ms().div_euclid(1000);
    let at = in_utc(form.value("at"));
    let fields = ["repo", "hours", "path"].map(|name| (name, form.value(name)));
    let query = query(&[&fields[..], &[("at", &at)]].concat());
    let answer = suspects(service, SuspectsQuestion::parse(&query, now)?).await?;
    // Empty for now is another moment by the time that a form is sent.
    let asked = [&fields[..], &[("at", answer.at.as_str())]].concat();
    let asked = asked.into_iter().map(|(name, value)| (name, Shown::new(value))).collect();
    Ok(Some(Found::of(&answer, asked, reader.may(Scope::Outcome))))
}

/// The form as it was filled in, over what was found.
fn filled_in(service: &Service, reader: &Reader, form: &Form, found: Option<Found>) -> SuspectsPage {
    let names = service.repositories().cloned();
    let chosen = form.given("hours").unwrap_or_else(|| "336".to_owned());
    let span = |(value, word): (&str, &str)| Choice {
        value: Shown::new(value),
        word: Shown::new(word),
        is_chosen: chosen == value,
    };
    SuspectsPage {
        frame: Frame::new("What broke it?", Here::Suspects, Some(reader)),
        repositories: repository_choices(names, form.given("repo").as_deref()),
        spans: SPANS.into_iter().map(span).collect(),
        at: Shown::new(in_utc(form.value("at")).trim_end_matches('Z')),
        path: Shown::new(form.value("path")),
        recorded: recorded(form.value("recorded")),
        refused: None,
        found,
    }
}

impl SuspectsPage {
    /// Whether a field is the one that cannot be taken.
    fn is_refused(&self, field: &str) -> bool {
        self.refused.as_ref().is_some_and(|refused| refused.field == field)
    }
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
            refused: None,
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
