//! What is read at the moment of viewing: the change from its repository, and the explanation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::change::secrets::redact;
use crate::explain::{DiffExplanation, Explanation, GroupShare, starting_point};
use crate::features::is_custom;
use crate::http::assessor::{Asked, Assessed, Target};
use crate::http::decode::Question;
use crate::http::explain::of_given;
use crate::http::pages::chart::{Bar, waterfall};
use crate::http::pages::diff::{ChangeView, change_view};
use crate::http::pages::headline::short;
use crate::http::pages::said::Said;
use crate::http::pages::text::{self, Shown};
use crate::http::service::{Service, Serving};
use crate::http::wire::{Answer, ExplanationAnswer};
use crate::http::{ApiError, ProblemCode};
use crate::policy::{self, Context};
use crate::store::Record;

/// Everything on the page that is not in the record.
#[derive(Default)]
pub(super) struct Reading {
    /// What the change calls itself; empty where that cannot be read.
    pub(super) title: Shown,
    pub(super) change: Option<ChangeView>,
    /// Why the change is not shown.
    pub(super) absent: &'static str,
    pub(super) owners: Vec<Shown>,
    pub(super) waterfall: Option<WaterfallView>,
    pub(super) similar: Option<SimilarView>,
    pub(super) alternatives: Vec<Said>,
    /// Which words of the change weigh most, in one sentence.
    pub(super) words: Option<Said>,
    pub(super) notes: Vec<Said>,
}

/// How the margin came about, from where the model starts to this change.
pub(super) struct WaterfallView {
    /// "about 1 in 107"; empty where it is not known.
    pub(super) start: String,
    pub(super) end: String,
    pub(super) base_x: u32,
    pub(super) end_x: u32,
    pub(super) rows: Vec<GroupView>,
}

/// One group of contributions.
pub(super) struct GroupView {
    pub(super) title: Said,
    pub(super) values: Vec<Said>,
    /// "×2.0" or "÷2.0": what it does to the odds.
    pub(super) factor: String,
    pub(super) bar: Bar,
}

/// Earlier changes like this one that went wrong.
pub(super) struct SimilarView {
    pub(super) text: Said,
    pub(super) changes: Vec<SimilarChangeView>,
}

pub(super) struct SimilarChangeView {
    pub(super) title: Shown,
    pub(super) commit: Shown,
    pub(super) landed: String,
    pub(super) text: Said,
}

/// How long a page waits for others that read.
const PLACE_TIME: Duration = Duration::from_secs(2);
/// How long a page waits for its change: one that takes longer is left out.
const READ_TIME: Duration = Duration::from_secs(8);
/// Values shown behind a group.
const N_VALUES: usize = 2;
const NOT_FOLLOWED: &str =
    "The change is in no repository that this service follows, and nothing of a diff is ever stored.";
const NOT_READABLE: &str =
    "The change cannot be read from its repository at this moment; nothing of it is stored here.";
const BUSY: &str = "The change cannot be read now: others are reading theirs. Nothing of it is stored here; look again in a moment.";
const SLOW: &str = "The change cannot be read now: its repository takes long. Nothing of it is stored here; look again in a moment.";
const EMPTY: &str = "The change touches no file.";
const NO_COMMIT: &str = "The change was asked about as a diff, and nothing of a diff is ever stored; see it where it is reviewed.";

/// Reads the change, where it is a commit of a followed repository.
pub(super) async fn read(
    service: &Arc<Service>,
    record: &Record,
    answer: &Answer,
) -> Result<Reading, ApiError> {
    let serving = service.serving.load_full();
    let (its_record, its_answer) = (record.clone(), answer.clone());
    let without = |absent| Reading { absent, waterfall: stored_waterfall(answer), ..Reading::default() };
    let Ok(place) = tokio::time::timeout(PLACE_TIME, Arc::clone(&service.readings).acquire_owned()).await
    else {
        return Ok(without(BUSY));
    };
    // Reads files and walks trees: not on the threads that answer.
    let work = tokio::task::spawn_blocking(move || {
        let _place = place;
        read_now(&serving, &its_record, &its_answer)
    });
    match tokio::time::timeout(READ_TIME, work).await {
        Ok(read) => read.map_err(|_| ApiError::standard(ProblemCode::Internal)),
        Err(_) => Ok(without(SLOW)),
    }
}

fn read_now(serving: &Serving, record: &Record, answer: &Answer) -> Reading {
    let waterfall = stored_waterfall(answer);
    let mut reading = Reading { absent: NOT_FOLLOWED, waterfall, ..Reading::default() };
    let repo = &answer.change.repo;
    let Some(mut asked) = asked(answer, record.at_ms.div_euclid(1000)) else {
        reading.absent = NO_COMMIT;
        return reading;
    };
    asked.custom = custom(serving.assessor.features(), record);
    if serving.assessor.repositories(asked.received_at).iter().all(|(name, _)| name != repo) {
        return reading;
    }
    match serving.assessor.assess(repo, std::slice::from_ref(&asked)).pop() {
        Some(Ok(assessed)) if !assessed.change.record.files.is_empty() => {
            let explanation = explained(serving, answer, asked, &assessed);
            take(&mut reading, &assessed, &explanation);
        }
        Some(Ok(assessed))
            if assessed.commit.is_some() && assessed.facts.reading != policy::Reading::Unread =>
        {
            reading.title = title(&assessed);
            reading.absent = EMPTY;
        }
        _ => reading.absent = NOT_READABLE,
    }
    reading
}

/// How the margin came about, as it was recorded.
fn stored_waterfall(answer: &Answer) -> Option<WaterfallView> {
    let score = answer.risk.as_ref().map(|risk| risk.score);
    answer.explanation.as_ref().map(|explanation| drawn(explanation, score))
}

/// Asks again about the change, without what the caller knew of the rollout: that is not recorded.
fn explained(serving: &Serving, answer: &Answer, asked: Asked, assessed: &Assessed) -> Explanation {
    let (repo, id) = (answer.change.repo.clone(), answer.change.id.clone());
    let question = Question { repo, id, asked, context: Context::default(), said: [0; 32] };
    of_given(serving, &question, assessed, answer)
}

fn title(assessed: &Assessed) -> Shown {
    Shown::cut(&redact(assessed.change.title()), 200)
}

fn take(reading: &mut Reading, assessed: &Assessed, explanation: &Explanation) {
    reading.title = title(assessed);
    reading.owners = assessed.owners.iter().map(|owner| Shown::cut(owner, 80)).collect();
    let diff = explanation.diff.as_ref();
    reading.change = Some(change_view(&assessed.change, &assessed.keys, diff));
    reading.words = diff.and_then(DiffExplanation::words_said).map(|words| Said::new(&words));
    reading.similar = explanation.similar.as_ref().map(|similar| SimilarView {
        text: Said::capitalised(&similar.text),
        changes: similar.changes.iter().map(similar_change_view).collect(),
    });
    reading.alternatives = explanation.alternatives.iter().map(|it| Said::new(&it.text)).collect();
    reading.notes = explanation.notes.iter().map(|note| Said::capitalised(note)).collect();
}

fn similar_change_view(change: &crate::explain::SimilarChange) -> SimilarChangeView {
    SimilarChangeView {
        title: Shown::cut(change.title.as_deref().unwrap_or("An earlier change"), 160),
        commit: Shown::new(short(change.change_id.as_deref().unwrap_or(""))),
        landed: text::date(change.landed_at),
        text: Said::capitalised(&change.text),
    }
}

fn asked(answer: &Answer, received_at: i64) -> Option<Asked> {
    let commit = answer.change.commit.clone()?;
    let target = Target::Commit { commit, base: answer.change.base.clone(), id: answer.change.id.clone() };
    Some(Asked { target, custom: Default::default(), received_at })
}

/// The custom features that were sent with the question, as its stored vector holds them.
fn custom(features: &[String], record: &Record) -> BTreeMap<String, f64> {
    let vector = record.vector().filter(|vector| vector.len() == features.len()).unwrap_or_default();
    let values = features.iter().zip(vector).filter(|(name, value)| is_custom(name) && !value.is_nan());
    values.map(|(name, value)| (name.clone(), f64::from(value))).collect()
}

/// By groups, or by features for a decision that was recorded before there were groups.
fn drawn(explanation: &ExplanationAnswer, score: Option<f64>) -> WaterfallView {
    let groups = &explanation.groups;
    let drawn = if groups.is_empty() { by_feature(explanation) } else { by_group(explanation.base, groups) };
    let odds = |probability: Option<f64>| probability.map(text::odds).unwrap_or_default();
    let start = score.and_then(|score| starting_point(score, groups));
    WaterfallView { start: odds(start), end: odds(score), ..drawn }
}

fn by_group(base: f64, groups: &[GroupShare]) -> WaterfallView {
    let steps: Vec<f64> = groups.iter().map(|group| group.contribution).collect();
    let row = |group: &GroupShare| {
        // What hardly matters needs no reason.
        let n_values = if group.is_telling() { N_VALUES } else { 0 };
        let values = group.values.iter().take(n_values).map(|value| Said::new(&value.text)).collect();
        (Said::capitalised(&group.title), values)
    };
    let factors = groups.iter().map(|group| group.factor);
    waterfall_view(base, &steps, factors, groups.iter().map(row))
}

fn by_feature(explanation: &ExplanationAnswer) -> WaterfallView {
    let steps: Vec<f64> = explanation.contributions.iter().map(|it| it.contribution).collect();
    let rows = explanation.contributions.iter().map(|it| (Said::new(&it.text), Vec::new()));
    let factors = explanation.contributions.iter().map(|it| it.contribution.exp());
    waterfall_view(explanation.base, &steps, factors, rows)
}

fn waterfall_view(
    base: f64,
    steps: &[f64],
    factors: impl Iterator<Item = f64>,
    rows: impl Iterator<Item = (Said, Vec<Said>)>,
) -> WaterfallView {
    let (base_x, bars) = waterfall(base, steps);
    let end_x = bars.last().map_or(base_x, |bar| bar.end);
    let row = |(((title, values), of_group), bar): (((Said, Vec<Said>), f64), Bar)| GroupView {
        title,
        values,
        factor: factor(of_group),
        bar,
    };
    WaterfallView {
        start: String::new(),
        end: String::new(),
        base_x,
        end_x,
        rows: rows.zip(factors).zip(bars).map(row).collect(),
    }
}

/// A factor on the odds in words.
fn factor(factor: f64) -> String {
    let sign = if factor >= 1.0 { '×' } else { '÷' };
    match factor.max(1.0 / factor) {
        factor if factor < 1.05 => "hardly".into(),
        factor if factor >= 1e6 => format!("{sign} a million"),
        factor if factor >= 9.95 => format!("{sign} {}", text::grouped(factor.round() as u64)),
        factor => format!("{sign} {factor:.1}"),
    }
}
