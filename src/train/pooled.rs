//! The published artifact: one model over the changes of several repositories, with twins that leave out each of them. A twin
//! is fitted without its source, not merely weighed down. Start at [`train_pooled`].

use std::collections::BTreeMap;

use serde_json::json;

use crate::artifact::{
    Artifact, Document, FORMAT, FeatureRef, MIXED, Scoring, Source, Twin, TwinKind, Twins,
};
use crate::dataset::{LabelTask, Rows, Standing, standings};
use crate::evaluation::{capture, roc_auc};
use crate::model::{Ensemble, Target};
use crate::train::Error;
use crate::train::card::model_card;
use crate::train::combiner::{calibrated, quantiles, spread_of};
use crate::train::curves::{Unseen, curves};
use crate::train::examples::{Examples, Labelled};
use crate::train::fit::{Layout, Members};
use crate::train::golden::{golden_rows, guard};
use crate::train::recipe::Recipe;
use crate::train::sources::{describe_source, digest_samples};
use crate::train::training::layout;

/// Positives below which a repository is not pooled: its weight would rest on a handful of changes.
const MIN_SOURCE_POSITIVES: usize = 10;
/// Positives in the newest part below which a source says nothing about the curves.
const MIN_CURVE_POSITIVES: usize = 15;
/// Share of a source's kept rows after which its stricter twin sees nothing.
const TWIN_SPLIT: f64 = 0.7;

/// How to pool.
#[derive(Clone, Debug)]
pub struct PooledOptions {
    /// Name of the artifact.
    pub name: String,
    /// The task.
    pub task: LabelTask,
    /// The recipe.
    pub recipe: Recipe,
    /// Seed of everything random.
    pub seed: u64,
}

struct Pool<'a> {
    sources: Vec<PooledSource<'a>>,
    options: &'a PooledOptions,
}

struct PooledSource<'a> {
    rows: &'a Rows,
    examples: Examples,
    layout: Layout,
    name: String,
    root: String,
}

/// Trains the published artifact: one model over the changes of several repositories, with leave-out
/// twins for every one of them.
///
/// # Errors
/// When no repository has enough positives, or a learner refuses.
pub fn train_pooled(sources: &[&Rows], options: &PooledOptions) -> Result<Artifact, Error> {
    let pool = Pool::new(sources, options)?;
    let (scoring, trained) = pool.fit(&[], i64::MAX)?;
    let mut twins = Twins::default();
    let mut metrics = BTreeMap::from([("n_sources".to_owned(), json!(trained.len()))]);
    let mut left_out = Vec::new();
    for source in pool.sources.iter().filter(|source| trained.contains(&source.root)) {
        for kind in [TwinKind::Source, TwinKind::OrganizationAndLater] {
            let twin = pool.twin(source, kind)?;
            let unseen = pool.unseen(source, &twin);
            metrics.extend(measured(&source.name, kind, &unseen));
            let enough = unseen.labels.iter().filter(|&&label| label).count() >= MIN_CURVE_POSITIVES;
            left_out.extend((kind == TwinKind::Source && enough).then_some(unseen));
            twins.twins.push(twin);
        }
    }
    metrics.extend(curves(&left_out));
    let is_trained = |source: &&PooledSource<'_>| trained.contains(&source.root);
    twins.samples = pool.sources.iter().filter(is_trained).flat_map(|it| digest_samples(it.rows)).collect();
    let document = Document { metrics, ..pool.document(scoring, &trained) };
    let card = model_card(&document);
    Ok(Artifact::new(document, card, &twins)?)
}

impl<'a> Pool<'a> {
    fn new(sources: &[&'a Rows], options: &'a PooledOptions) -> Result<Self, Error> {
        let mut pooled = Vec::new();
        for rows in sources {
            if let Some(first) = sources.first() {
                first.check_same_features(rows).map_err(Error::OtherRows)?;
            }
            let examples = Examples::of_rows(rows)?.without_custom();
            let first = rows.facts().first();
            pooled.push(PooledSource {
                rows,
                layout: layout(&examples),
                examples,
                name: first.map_or(String::new(), |row| row.repo.clone()),
                root: first.map_or(String::new(), |row| row.root.clone()),
            });
        }
        Ok(Self { sources: pooled, options })
    }

    /// Fits on every source but those left out, on what was known at `as_of`; answers which took part.
    fn fit(&self, excluded: &[String], as_of: i64) -> Result<(Scoring, Vec<String>), Error> {
        let mut joined: Option<Examples> = None;
        let (mut labelled, mut took_part, mut most) = (Labelled::default(), Vec::new(), 0);
        for source in self.sources.iter().filter(|source| !excluded.contains(&source.root)) {
            let until = as_of.min(source.rows.facts().last().map_or(0, |row| row.committed_at + 1));
            let own = self.labelled(source, until);
            most = most.max(own.n_positive());
            if own.n_positive() < MIN_SOURCE_POSITIVES {
                continue;
            }
            let offset = joined.as_ref().map_or(0, Examples::n_rows);
            labelled.rows.extend(own.rows.iter().map(|row| row + offset));
            labelled.y.extend(&own.y);
            labelled.weight.extend(&own.weight);
            took_part.push(source.root.clone());
            match &mut joined {
                None => joined = Some(source.examples.clone()),
                Some(joined) => joined.append(&source.examples),
            }
        }
        let too_few = || {
            let left_out = self.sources.iter().filter(|source| excluded.contains(&source.root));
            let names: Vec<String> = left_out.map(|source| format!("`{}`", source.name)).collect();
            let what = match names.as_slice() {
                [] => "even the richest source".to_owned(),
                names => format!("a twin leaves {} out, and the richest source left", names.join(", ")),
            };
            Error::TooFewPositives { what, found: most, expected: MIN_SOURCE_POSITIVES }
        };
        let examples = joined.ok_or_else(too_few)?;
        let scoring = self.fit_joined(&examples, &labelled)?;
        Ok((scoring, took_part))
    }

    fn fit_joined(&self, examples: &Examples, labelled: &Labelled) -> Result<Scoring, Error> {
        let recipe = &self.options.recipe;
        let layout = &self.sources[0].layout;
        let without_text = Examples { tokens: Vec::new(), ..examples.clone() };
        let members = Members::fit(&without_text, labelled, layout, recipe, self.options.seed)?;
        let margins: Vec<_> =
            labelled.rows.iter().map(|&row| members.margins(&examples.row(row), &[], None)).collect();
        let logistic: Vec<f64> = margins.iter().map(|m| m.logistic).collect();
        let boosted: Vec<f64> = margins.iter().map(|m| m.boosted).collect();
        let mut ensemble =
            Ensemble { n_features: examples.names.len(), intercept: 0.0, members: Vec::new(), text: None };
        let spreads = if recipe.on_top {
            // Two terms of one sum: what the one says is only meant beside the other.
            [spread_of(&logistic); 2]
        } else {
            [spread_of(&logistic), spread_of(&boosted)]
        };
        for (mut member, weight, spread) in [
            (members.logistic, recipe.weights.logistic, spreads[0]),
            (members.boosted, recipe.weights.boosted, spreads[1]),
        ] {
            member.weight = weight / spread;
            ensemble.members.push(member);
        }
        let combined: Vec<f64> = (0..margins.len())
            .map(|idx| ensemble.members[0].weight * logistic[idx] + ensemble.members[1].weight * boosted[idx])
            .collect();
        let target = Target { y: labelled.y.clone(), weight: labelled.weight.clone() };
        let (calibrator, base_rate) = calibrated(recipe, &combined, &target)?;
        Ok(Scoring { ensemble, calibrator, quantiles: quantiles(combined), base_rate })
    }

    fn labelled(&self, source: &PooledSource<'_>, as_of: i64) -> Labelled {
        let mut labelled = Labelled::default();
        let standings = standings(source.rows, self.options.task, as_of);
        for (row, standing) in
            standings.iter().enumerate().filter(|(_, standing)| **standing != Standing::Left)
        {
            labelled.rows.push(row);
            labelled.y.push(*standing == Standing::Positive);
            labelled.weight.push(1.0);
        }
        labelled
    }

    fn twin(&self, source: &PooledSource<'_>, kind: TwinKind) -> Result<Twin, Error> {
        let (excluded, until) = match kind {
            TwinKind::Source => (vec![source.root.clone()], i64::MAX),
            TwinKind::OrganizationAndLater => {
                let same =
                    |other: &&PooledSource<'_>| organization(&other.name) == organization(&source.name);
                let roots = self.sources.iter().filter(same).map(|other| other.root.clone()).collect();
                (roots, self.split_of(source))
            }
        };
        let (scoring, _) = self.fit(&excluded, until)?;
        let latest =
            self.sources.iter().filter(|other| !excluded.contains(&other.root)).filter_map(last_moment).max();
        let trained_until = until.min(latest.unwrap_or(0));
        Ok(Twin { root: source.root.clone(), kind, excluded, trained_until, scoring })
    }

    /// The newest part of a source, as scored by a twin that never saw it.
    fn unseen(&self, source: &PooledSource<'_>, twin: &Twin) -> Unseen {
        let split = self.split_of(source);
        let mut unseen = Unseen::default();
        for (idx, row) in source.rows.facts().iter().enumerate().filter(|(_, row)| row.committed_at >= split)
        {
            if let Some(label) = self.options.task.label(row) {
                let (margin, probability) = twin.scoring.score(&source.rows.vector(idx), &[]);
                unseen.margins.push(margin);
                unseen.probabilities.push(probability);
                unseen.labels.push(label);
            }
        }
        unseen
    }

    fn split_of(&self, source: &PooledSource<'_>) -> i64 {
        let kept = source.rows.facts().iter().filter(|row| self.options.task.label(row).is_some());
        let times: Vec<i64> = kept.map(|row| row.committed_at).collect();
        times.get((times.len() as f64 * TWIN_SPLIT) as usize).copied().unwrap_or(i64::MAX)
    }

    fn document(&self, scoring: Scoring, trained: &[String]) -> Document {
        let took_part = || self.sources.iter().filter(|source| trained.contains(&source.root));
        let features = self.sources.first().into_iter().flat_map(|source| source.examples.features());
        let schema: Vec<FeatureRef> =
            features.map(|(name, revision)| FeatureRef { name: name.to_owned(), revision }).collect();
        let mut joined: Option<Examples> = None;
        for source in took_part() {
            match &mut joined {
                None => joined = Some(source.examples.clone()),
                Some(joined) => joined.append(&source.examples),
            }
        }
        let guard = joined.map(|examples| guard(&examples, &(0..examples.n_rows()).collect::<Vec<_>>()));
        Document {
            format: FORMAT,
            name: self.options.name.clone(),
            unit: MIXED.to_owned(),
            trained_until: took_part().filter_map(last_moment).max().unwrap_or(0),
            seed: self.options.seed,
            label_task: self.options.task.as_str().to_owned(),
            schema_hash: Document::hash_of(&schema),
            schema,
            golden: golden_rows(&scoring),
            scoring,
            guard: guard.unwrap_or_default(),
            sources: took_part().map(|source| self.source(source)).collect(),
            prior: None,
            parameters: self.options.recipe.describe(),
            metrics: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    fn source(&self, source: &PooledSource<'_>) -> Source {
        let labelled = self.labelled(source, last_moment(source).map_or(0, |last| last + 1));
        describe_source(source.rows, labelled.rows.len(), labelled.n_positive())
    }
}

/// How well a twin ranked, by name for the card.
fn measured(source: &str, kind: TwinKind, unseen: &Unseen) -> Vec<(String, serde_json::Value)> {
    let without = match kind {
        TwinKind::Source => "without it",
        TwinKind::OrganizationAndLater => "without its organization and later facts",
    };
    let named = |metric: &str, value: Option<f64>| {
        let rounded = value.map(|value| (value * 1e4).round() / 1e4);
        (format!("{source}, {without}: {metric}"), json!(rounded))
    };
    let Unseen { margins, labels, .. } = unseen;
    vec![
        named("ROC-AUC", roc_auc(margins, labels)),
        named("caught at 10 %", capture(margins, labels, 0.1)),
        named("positives", Some(labels.iter().filter(|&&label| label).count() as f64)),
    ]
}

/// What stands before the slash of `organization/repository`.
fn organization(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

fn last_moment(source: &PooledSource<'_>) -> Option<i64> {
    source.rows.facts().last().map(|row| row.committed_at)
}
