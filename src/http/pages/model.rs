//! `/model`: what the model in use is, what it pays attention to, and whether it still fits.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::artifact::{Artifact, Document};
use crate::features::is_custom;
use crate::http::assessor::ModelRef;
use crate::http::pages::attention::{Attention, attention};
use crate::http::pages::drift::{Drift, drift};
use crate::http::pages::frame::{self, Frame, Here, problem};
use crate::http::pages::measured::{Measured, measured};
use crate::http::pages::session::Reader;
use crate::http::pages::text::{self, Shown};
use crate::http::routes::decisions::failed;
use crate::http::service::Service;
use crate::http::{ApiError, ProblemCode};
use crate::store::{Record, RecordKind, Search};

/// Decisions that the drift of inputs is read from.
const N_RECENT: i64 = 500;
/// A model's strength fades within a year; after this it is said.
const OLD_DAYS: i64 = 180;

#[derive(Template)]
#[template(path = "model.html")]
struct ModelPage {
    frame: Frame,
    name: Shown,
    age: Option<Age>,
    problem: Option<Shown>,
    refused: Option<Shown>,
    card: Option<Card>,
}

struct Age {
    words: String,
    until: String,
    is_old: bool,
}

/// What is read from the artifact and from recent decisions.
struct Card {
    summary: String,
    sources: Vec<SourceView>,
    members: Vec<(Shown, String)>,
    measured: Measured,
    attention: Attention,
    drift: Drift,
    digest: Shown,
    prior: Option<Shown>,
}

struct SourceView {
    name: Shown,
    span: String,
    n_rows: String,
    n_positive: String,
    share: String,
}

/// The page of the model in use.
pub(super) async fn page(
    State(service): State<Arc<Service>>,
    Extension(reader): Extension<Reader>,
) -> Response {
    match model(&service, &reader).await {
        Ok(model_page) => frame::page(StatusCode::OK, &model_page),
        Err(api_error) => problem(&api_error, Some(&reader)),
    }
}

async fn model(service: &Service, reader: &Reader) -> Result<ModelPage, ApiError> {
    let (serving, status) = service.model_status().await;
    let now = service.now_ms().div_euclid(1000);
    let records = recent(service).await?;
    let artifact = serving.assessor.artifact();
    // Walks every tree once.
    let card = tokio::task::spawn_blocking(move || artifact.map(|artifact| card(&artifact, &records)));
    let card = card.await.map_err(|_| ApiError::standard(ProblemCode::Internal))?;
    let model = serving.assessor.model();
    Ok(ModelPage {
        frame: Frame::new("Model", Here::Model, Some(reader)),
        name: Shown::cut(
            &model.as_ref().map_or("No model".into(), |it| format!("{} {}", it.name, it.version)),
            120,
        ),
        age: model.as_ref().ok().and_then(|model_ref| age(model_ref, now)),
        problem: model.err().map(|reason| Shown::new(&reason.text)),
        refused: status.refused.map(|refused| Shown::cut(&refused, 300)),
        card,
    })
}

/// The newest decisions; none where there is no store.
async fn recent(service: &Service) -> Result<Vec<Record>, ApiError> {
    let Some(store) = &service.store else { return Ok(Vec::new()) };
    let search = Search { kind: Some(RecordKind::Decision), limit: N_RECENT, ..Search::default() };
    Ok(store.log().page(&search).await.map_err(|error| failed(&error))?.records)
}

fn age(model_ref: &ModelRef, now: i64) -> Option<Age> {
    let until = text::seconds_of(&model_ref.trained_at)?;
    let is_old = now - until > OLD_DAYS * 86_400;
    Some(Age { words: text::span(now - until), until: text::moment(until), is_old })
}

fn card(artifact: &Artifact, records: &[Record]) -> Card {
    let document = artifact.document();
    Card {
        summary: summary(document),
        sources: document.sources.iter().map(source_view).collect(),
        members: members(document),
        measured: measured(document),
        attention: attention(document),
        drift: drift(artifact, records),
        digest: Shown::new(artifact.digest()),
        prior: document.prior.as_ref().map(|prior| Shown::cut(&prior.name, 100)),
    }
}

fn summary(document: &Document) -> String {
    let count = |n: fn(&crate::artifact::Source) -> usize| {
        text::grouped(document.sources.iter().map(n).sum::<usize>() as u64)
    };
    let custom = document.schema.iter().filter(|feature_ref| is_custom(&feature_ref.name)).count();
    let asked = match custom {
        0 => String::new(),
        n => format!(" {} of them must come with every question.", text::grouped(n as u64)),
    };
    format!(
        "Trained on {} changes of {} {}, {} of which went wrong. It reads {} values of a change.{asked}",
        count(|source| source.n_rows),
        document.sources.len(),
        if document.sources.len() == 1 { "source" } else { "sources" },
        count(|source| source.n_positive),
        text::grouped(document.schema.len() as u64)
    )
}

fn source_view(source: &crate::artifact::Source) -> SourceView {
    SourceView {
        name: Shown::cut(&source.name, 80),
        span: format!("{} to {}", text::date(source.from), text::date(source.to)),
        n_rows: text::grouped(source.n_rows as u64),
        n_positive: text::grouped(source.n_positive as u64),
        share: text::percent(source.n_positive as f64 / source.n_rows.max(1) as f64),
    }
}

fn members(document: &Document) -> Vec<(Shown, String)> {
    let ensemble = &document.scoring.ensemble;
    let members = ensemble.members.iter().map(|member| (Shown::cut(&member.name, 60), member.weight));
    let text = ensemble.text.iter().map(|text| (Shown::new("words of the change"), text.weight));
    members.chain(text).map(|(name, weight)| (name, format!("{weight:.2}"))).collect()
}
