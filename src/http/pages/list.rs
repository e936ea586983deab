//! `/`: stored decisions, newest first, with search, filters and pages.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::change::secrets::redact;
use crate::http::pages::beside::Counting;
use crate::http::pages::form::{Form, query};
use crate::http::pages::frame::{self, Frame, Here, problem};
use crate::http::pages::headline::{Tone, short_change};
use crate::http::pages::said::Said;
use crate::http::pages::session::Reader;
use crate::http::pages::text::{self, Shown};
use crate::http::routes::decisions::{failed, unavailable};
use crate::http::service::Service;
use crate::http::wire::Answer;
use crate::http::{ApiError, ProblemCode};
use crate::policy::Verdict;
use crate::store::{self, Beside, Log, Record, RecordKind, Search};

const N_SHOWN: i64 = 50;
/// Longest value of a field, in characters: as browsers count, what they let in is taken.
const MAX_FIELD_CHARS: usize = 200;

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    frame: Frame,
    filters: Filters,
    /// Why nothing was searched for.
    refused: Option<String>,
    verdicts: Vec<Choice>,
    repositories: Vec<Choice>,
    days: Vec<Day>,
    n_rows: usize,
    /// Whether the last page was turned over.
    is_past_end: bool,
    /// Where older decisions are; none at the end.
    older: Option<String>,
    /// Where the newest ones are; none where they are shown.
    newest: Option<String>,
}

/// What was asked for; empty where all are.
#[derive(Default)]
struct Filters {
    text: Shown,
    degraded: bool,
    is_any: bool,
}

/// An entry of a menu.
pub(super) struct Choice {
    pub(super) value: Shown,
    pub(super) word: Shown,
    pub(super) is_chosen: bool,
}

/// The decisions of one day.
struct Day {
    title: String,
    rows: Vec<Row>,
}

struct Row {
    id: Shown,
    tone: Tone,
    word: &'static str,
    repo: Shown,
    change: Shown,
    /// What the commit calls itself; empty where that cannot be read.
    title: Shown,
    time: String,
    /// "97", where there is a rank.
    rank: Option<u32>,
    odds: Option<String>,
    reason: Said,
    is_degraded: bool,
    is_shadow: bool,
    is_overridden: bool,
}

/// What became of a decision, as far as the list tells.
#[derive(Clone, Copy, Default)]
struct Mark {
    is_altered: bool,
    is_revoked: bool,
    went_wrong: bool,
    is_overridden: bool,
}

/// The list.
pub(super) async fn page(
    State(service): State<Arc<Service>>,
    Extension(reader): Extension<Reader>,
    RawQuery(raw): RawQuery,
) -> Response {
    match list(&service, &reader, raw.as_deref().unwrap_or("")).await {
        Ok(list_page) if list_page.refused.is_some() => {
            let detail = format!("`q` is longer than {MAX_FIELD_CHARS} characters");
            frame::refused(&ApiError::new(ProblemCode::BadQuery, detail), &list_page)
        }
        Ok(list_page) => frame::page(StatusCode::OK, &list_page),
        Err(api_error) => problem(&api_error, Some(&reader)),
    }
}

async fn list(service: &Service, reader: &Reader, raw: &str) -> Result<ListPage, ApiError> {
    let form = Form::parse(raw)?;
    let search = search(&form)?;
    let log = service.store.as_ref().ok_or_else(unavailable)?.log();
    let refused = is_too_long(&form)
        .then(|| format!("Nothing was searched for: that is longer than {MAX_FIELD_CHARS} characters."));
    let (records, next) = match refused {
        Some(_) => (Vec::new(), None),
        None => {
            log.page(&search).await.map(|page| (page.records, page.next)).map_err(|error| failed(&error))?
        }
    };
    let titles = titles(service, &records).await?;
    let marks = marks(log, &records).await.map_err(|error| failed(&error))?;
    let now = service.now_ms().div_euclid(1000);
    let repositories = service.serving.load_full().assessor.repositories(now);
    let names = repositories.into_iter().map(|(name, _)| name);
    let link = |cursor: &str| {
        let fields = ["q", "repo", "decision", "degraded"].map(|name| (name, form.value(name)));
        let query = query(&[&fields[..], &[("cursor", cursor)]].concat());
        if query.is_empty() { "/".to_owned() } else { format!("/?{query}") }
    };
    Ok(ListPage {
        frame: Frame::new("Decisions", Here::Decisions, Some(reader)),
        filters: Filters {
            text: Shown::new(form.value("q")),
            degraded: search.degraded.is_some(),
            is_any: search.text.is_some()
                || search.repo.is_some()
                || search.verdict.is_some()
                || search.degraded.is_some(),
        },
        verdicts: verdict_choices(search.verdict.as_deref()),
        repositories: repository_choices(names, search.repo.as_deref()),
        refused,
        n_rows: records.len(),
        is_past_end: records.is_empty() && search.before.is_some(),
        days: days(&records, (&titles, &marks), now),
        older: next.as_deref().map(link),
        newest: search.before.is_some().then(|| link("")),
    })
}

/// Whether what is searched for is nothing that the log is asked for: the form is shown again as it was filled in.
fn is_too_long(form: &Form) -> bool {
    form.value("q").chars().count() > MAX_FIELD_CHARS
}

fn search(form: &Form) -> Result<Search, ApiError> {
    let bounded = |name: &str| match form.given(name) {
        Some(value) if value.chars().count() > MAX_FIELD_CHARS => Err(ApiError::new(
            ProblemCode::BadQuery,
            format!("`{name}` is longer than {MAX_FIELD_CHARS} characters"),
        )),
        given => Ok(given),
    };
    let verdict = bounded("decision")?;
    if verdict.as_deref().is_some_and(|word| VERDICTS.iter().all(|verdict| verdict.as_str() != word)) {
        return Err(ApiError::new(ProblemCode::BadQuery, "`decision` is none of the three decisions"));
    }
    Ok(Search {
        kind: Some(RecordKind::Decision),
        repo: bounded("repo")?,
        verdict,
        degraded: (form.value("degraded") == "1").then_some(true),
        text: form.given("q").filter(|_| !is_too_long(form)),
        before: bounded("cursor")?,
        limit: N_SHOWN,
        ..Search::default()
    })
}

const VERDICTS: [Verdict; 3] = [Verdict::FastPath, Verdict::ExtraValidation, Verdict::Hold];

fn verdict_choices(chosen: Option<&str>) -> Vec<Choice> {
    let choice = |verdict: &Verdict| Choice {
        value: Shown::new(verdict.as_str()),
        word: Shown::new(verdict.in_words()),
        is_chosen: chosen == Some(verdict.as_str()),
    };
    VERDICTS.iter().map(choice).collect()
}

/// The followed repositories, and the one asked for.
pub(super) fn repository_choices(names: impl Iterator<Item = String>, chosen: Option<&str>) -> Vec<Choice> {
    let mut names: Vec<String> = names.chain(chosen.map(ToOwned::to_owned)).collect();
    names.sort_unstable();
    names.dedup();
    let choice = |name: String| {
        let is_chosen = chosen == Some(name.as_str());
        Choice { value: Shown::new(&name), word: Shown::cut(&name, 60), is_chosen }
    };
    names.into_iter().map(choice).collect()
}

/// What the commits call themselves, read from their repositories at this moment: it is not stored.
async fn titles(service: &Service, records: &[Record]) -> Result<Vec<Option<String>>, ApiError> {
    let assessor = Arc::clone(&service.serving.load_full().assessor);
    let named = |record: &Record| (record.columns.repo.clone(), record.columns.commit_id.clone());
    let named: Vec<(Option<String>, Option<String>)> = records.iter().map(named).collect();
    // Reads files: not on the threads that answer.
    let work = tokio::task::spawn_blocking(move || {
        let title = |(repo, commit): &(Option<String>, Option<String>)| {
            assessor.title(repo.as_deref()?, commit.as_deref()?)
        };
        named.iter().map(title).collect()
    });
    work.await.map_err(|_| ApiError::standard(ProblemCode::Internal))
}

/// What the log says of each record, in their order.
async fn marks(log: &Log, records: &[Record]) -> Result<Vec<Mark>, store::Error> {
    let each = log.beside_each(records.iter().map(|record| record.id.as_str())).await?;
    let mut marks = Vec::with_capacity(records.len());
    for record in records {
        let is_altered = log.is_altered(record).await?;
        marks.push(Mark::of(is_altered, each.get(&record.id)));
    }
    Ok(marks)
}

impl Mark {
    fn of(is_altered: bool, beside: Option<&Beside>) -> Self {
        let Some(beside) = beside.filter(|_| !is_altered) else {
            return Self { is_altered, ..Self::default() };
        };
        let has = |kind: RecordKind| beside.sound.iter().any(|record| record.kind == kind);
        let (is_revoked, is_overridden) = (has(RecordKind::Revocation), has(RecordKind::Override));
        let went_wrong = Counting::of(&beside.sound) == Counting::Bad;
        Self { is_altered: !beside.altered.is_empty(), is_revoked, went_wrong, is_overridden }
    }

    /// What stands in place of the verdict.
    fn word(self) -> Option<&'static str> {
        match self {
            Self { is_altered: true, .. } => Some("Altered"),
            Self { is_revoked: true, .. } => Some("Taken back"),
            Self { went_wrong: true, .. } => Some("Reported as bad"),
            Self { .. } => None,
        }
    }
}

fn days(records: &[Record], (titles, marks): (&[Option<String>], &[Mark]), now: i64) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for ((record, title_of_change), mark) in records.iter().zip(titles).zip(marks) {
        let title = text::day(record.at_ms.div_euclid(1000), now);
        let row = row(record, title_of_change.as_deref(), *mark);
        match days.last_mut().filter(|day| day.title == title) {
            Some(day) => day.rows.push(row),
            None => days.push(Day { title, rows: vec![row] }),
        }
    }
    days
}

fn row(record: &Record, title: Option<&str>, mark: Mark) -> Row {
    // What was written over a decision is not told.
    let body = (!mark.is_altered).then_some(record.body.as_str());
    let answer: Option<Answer> = body.and_then(|body| serde_json::from_str(body).ok());
    let risk = answer.as_ref().and_then(|answer| answer.risk.as_ref());
    let columns = &record.columns;
    let verdict = Tone::of(columns.verdict.as_deref().unwrap_or(""));
    // The rank beside it says the same.
    let is_rank = |code: &str| matches!(code, "risk_above_budget" | "within_budget");
    let reasons = answer.iter().flat_map(|answer| &answer.reasons);
    let reason = reasons.into_iter().find(|reason| !is_rank(&reason.code));
    Row {
        id: Shown::new(&record.id),
        tone: if mark.word().is_some() { Tone::Hold } else { verdict },
        word: mark.word().unwrap_or(verdict.word()),
        repo: Shown::cut(columns.repo.as_deref().unwrap_or("no repository"), 60),
        change: short_change(
            columns.commit_id.as_deref(),
            columns.change_id.as_deref(),
            columns.change_digest.as_deref(),
        ),
        title: Shown::cut(&redact(title.unwrap_or("")), 120),
        time: text::clock(record.at_ms.div_euclid(1000)),
        rank: risk.map(|risk| text::rank_of_100(risk.percentile)),
        odds: risk.map(|risk| text::odds(risk.score)),
        reason: match mark.is_altered {
            true => Said::new(
                "It, or what stands beside it, is not as it was written; see `diffrisk decisions verify`",
            ),
            false => {
                reason.map(|reason| Said::cut(&text::with_moments(&reason.text), 160)).unwrap_or_default()
            }
        },
        is_degraded: columns.degraded && !mark.is_altered,
        is_shadow: answer.is_some_and(|answer| !answer.enforced),
        is_overridden: mark.is_overridden,
    }
}
