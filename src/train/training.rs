//! From examples and what is known of them to a calibrated model and its artifact, with or without a prior. Reads no label
//! that was not known at the moment of training. Start at [`train_rows`].

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::artifact::{
    Artifact, Document, FORMAT, FeatureRef, PriorRef, Scoring, Source, Twin, TwinKind, Twins,
};
use crate::dataset::{LabelTask, Rows, Standing, standings};
use crate::features::{Trend, is_custom, schema};
use crate::train::Error;
use crate::train::card::model_card;
use crate::train::chain::Chain;
use crate::train::combiner::Combiner;
use crate::train::curves::{Unseen, curves};
use crate::train::examples::{Examples, Labelled};
use crate::train::fit::{Layout, Members, PriorMembers};
use crate::train::golden::{golden_rows, guard};
use crate::train::recipe::Recipe;
use crate::train::seen::{blended_with, met};
use crate::train::small::{prior_alone, prior_guard, too_small};
use crate::train::sources::{describe_sources, digest_samples, in_time_order, unit_of};

/// Said where the prior is not in the model.
const WITHOUT_PRIOR: &str = "The prior is left out: the members trained here ranked changes that they had not seen evidently \
                             better without it.";
const OWN_LEVEL: &str = "The level of the probability is that of the labels here alone: with half of the prior's, it was evidently \
                         off on changes that the members trained here had not seen.";

/// Positives below which nothing is trained.
pub(super) const MIN_POSITIVES: usize = 20;

/// The artifact whose experience is blended in, and what must not be in it.
#[derive(Clone, Debug)]
pub struct Prior {
    /// The artifact.
    pub artifact: Arc<Artifact>,
    /// The model to use: the artifact's own, or a twin's.
    pub scoring: Scoring,
    /// How it is named in the result.
    pub reference: PriorRef,
}

/// How to train.
#[derive(Clone, Debug)]
pub struct TrainOptions {
    /// The recipe.
    pub recipe: Recipe,
    /// The prior; none trains on local rows alone.
    pub prior: Option<Prior>,
    /// The moment no training fact crosses, in Unix seconds; rows weigh less by their age at it. `i64::MAX`
    /// where there is no such moment: all rows then weigh the same.
    pub as_of: i64,
    /// Seed of everything random.
    pub seed: u64,
}

/// A fitted model, and each of its members alone for comparison.
#[derive(Clone, Debug)]
pub struct Trained {
    /// What ships.
    pub scoring: Scoring,
    /// Members alone by name: `boosted`, `logistic`, `tokens`, and `prior` where there is one.
    pub alone: BTreeMap<String, Scoring>,
    /// Rows trained on.
    pub n_rows: usize,
    /// Positives among them.
    pub n_positive: usize,
    /// The newer of those rows, as predicted by models that had seen neither them nor anything later.
    pub(super) unseen: Unseen,
    /// What a reader must know before relying on it: what could not be learned here.
    pub notes: Vec<String>,
    /// Whether the prior was left out of it, since the own members did evidently better without.
    pub(super) is_without_prior: bool,
}

impl Trained {
    /// The prior alone, over the columns of the examples.
    ///
    /// # Errors
    /// When the prior needs a column that the examples do not have.
    pub(super) fn of_prior(prior: &Prior, examples: &Examples) -> Result<Self, Error> {
        let scoring = prior_members(prior, examples)?.scoring(prior);
        let alone = BTreeMap::from([("prior".to_owned(), scoring.clone())]);
        let unseen = Unseen::default();
        let notes = Vec::new();
        Ok(Self { scoring, alone, n_rows: 0, n_positive: 0, unseen, notes, is_without_prior: false })
    }

    /// Whether nothing was learned here, and the prior ships as it is.
    fn is_prior_alone(&self) -> bool {
        !self.alone.contains_key("logistic")
    }
}

impl Prior {
    /// The prior for rows: as [`Self::for_root`] of their repositories and of every source of the artifact
    /// that shares more than a hundredth of their changes, whatever its root; and none of these repositories may be a
    /// source of what the artifact was blended with.
    ///
    /// # Errors
    /// As [`Self::for_root`], and [`Error::UnknownPrior`].
    pub fn for_rows(artifact: Arc<Artifact>, rows: &Rows, kind: TwinKind) -> Result<Self, Error> {
        if let (Some(inner), Some(prior)) = (blended_with(&artifact)?, &artifact.document().prior)
            && let Some(met) = met(&inner, rows, &prior.excluded_sources)?.into_iter().next()
        {
            return Err(Error::Overlap { prior: prior.name.clone(), root: met.source });
        }
        let met = met(&artifact, rows, &[])?;
        let mut roots: Vec<&str> = rows.facts().iter().map(|row| row.root.as_str()).collect();
        roots.dedup();
        roots.extend(met.iter().map(|met| met.source.as_str()));
        Self::for_root(artifact, &roots, kind)
    }

    /// The prior for repositories: the artifact's own model, or the twin without those of them that were
    /// its sources. `kind` picks the stricter twin, cut at the split and without the organization.
    ///
    /// # Errors
    /// [`Error::Overlap`] where repositories were sources and no twin is without all of them.
    pub fn for_root(artifact: Arc<Artifact>, roots: &[&str], kind: TwinKind) -> Result<Self, Error> {
        let document = artifact.document();
        let is_met = |source: &&Source| roots.contains(&source.root.as_str());
        let met: Vec<&str> = document.sources.iter().filter(is_met).map(|it| it.root.as_str()).collect();
        let Some(first) = met.first() else {
            let scoring = document.scoring.clone();
            let reference = reference(&artifact, document.trained_until, Vec::new());
            return Ok(Self { artifact, scoring, reference });
        };
        let overlap = || Error::Overlap { prior: document.name.clone(), root: (*first).to_owned() };
        let twins = artifact.twins()?.twins;
        let fits = |twin: &Twin| {
            let is_without = |root: &&str| twin.excluded.iter().any(|excluded| excluded == root);
            twin.kind == kind && met.contains(&twin.root.as_str()) && met.iter().all(is_without)
        };
        let twin = twins.into_iter().find(fits).ok_or_else(overlap)?;
        let reference = reference(&artifact, twin.trained_until, twin.excluded);
        Ok(Self { artifact, scoring: twin.scoring, reference })
    }

    /// The prior as it is, whatever it was trained on: only for runs that are marked as leaky.
    pub fn overlapping(artifact: Arc<Artifact>) -> Self {
        let document = artifact.document();
        let (scoring, until) = (document.scoring.clone(), document.trained_until);
        let reference = reference(&artifact, until, Vec::new());
        Self { artifact, scoring, reference }
    }
}

fn reference(artifact: &Artifact, trained_until: i64, excluded_sources: Vec<String>) -> PriorRef {
    let (name, digest) = (artifact.document().name.clone(), format!("sha256:{}", artifact.digest()));
    // What it was blended with taught it, too.
    let inner = artifact.document().prior.as_ref().map_or(i64::MIN, |prior| prior.trained_until);
    let trained_until = trained_until.max(inner);
    PriorRef { name, digest, trained_until, excluded_sources }
}

/// Fits, combines and calibrates on the rows whose standing is known.
///
/// # Errors
/// [`Error::TooFewPositives`] below 20, [`Error::OneClass`], or what a learner refuses.
pub fn train(examples: &Examples, standings: &[Standing], options: &TrainOptions) -> Result<Trained, Error> {
    train_with_layout(examples, standings, &layout(examples), options)
}

/// An artifact from mined rows of one or several repositories, on everything known at `as_of`; the rows
/// need not be in the order of time.
///
/// # Errors
/// As [`train`].
pub fn train_rows(
    rows: &Rows,
    name: &str,
    task: LabelTask,
    options: &TrainOptions,
) -> Result<Artifact, Error> {
    let sorted = in_time_order(rows);
    let rows = sorted.as_ref().unwrap_or(rows);
    let standings = standings(rows, task, options.as_of);
    let examples = Examples::of_rows(rows)?;
    let trained = train(&examples, &standings, options)?;
    let guard = match &options.prior {
        Some(prior) if trained.is_prior_alone() => prior_guard(prior, &examples)?,
        _ => {
            let used: Vec<usize> =
                (0..rows.n_rows()).filter(|&idx| standings[idx] != Standing::Left).collect();
            guard(&examples, &used)
        }
    };
    let features = rows.features().iter();
    let schema: Vec<FeatureRef> = features
        .map(|feature| FeatureRef { name: feature.name.clone(), revision: feature.revision })
        .collect();
    let document = Document {
        format: FORMAT,
        name: name.to_owned(),
        unit: unit_of(rows),
        trained_until: options.as_of,
        seed: options.seed,
        label_task: task.as_str().to_owned(),
        schema_hash: Document::hash_of(&schema),
        schema,
        golden: golden_rows(&trained.scoring),
        guard,
        scoring: trained.scoring,
        sources: describe_sources(rows, &standings),
        prior: (!trained.is_without_prior)
            .then_some(&options.prior)
            .and_then(|prior| prior.as_ref().map(|prior| prior.reference.clone())),
        parameters: options.recipe.describe(),
        metrics: curves(&[trained.unseen]),
        notes: trained.notes,
    };
    let card = model_card(&document);
    Ok(Artifact::new(document, card, &Twins { twins: Vec::new(), samples: digest_samples(rows) })?)
}

pub(super) fn train_with_layout(
    examples: &Examples,
    standings: &[Standing],
    layout: &Layout,
    options: &TrainOptions,
) -> Result<Trained, Error> {
    let recipe = &options.recipe;
    let labelled = labelled(examples, standings, options);
    let prior = options.prior.as_ref().map(|prior| prior_members(prior, examples)).transpose()?;
    if let (Some(given), Some(why)) = (&options.prior, too_small(&labelled, recipe)) {
        return prior_alone(given, examples, &labelled, &why);
    }
    check(&labelled)?;
    let (prior_members, seed) = (prior.as_ref(), options.seed);
    let chain = Chain { examples, labelled: &labelled, layout, recipe, prior: prior_members, seed };
    let out = chain.forward()?;
    if let (Some(given), true) = (&options.prior, out.rows.is_empty()) {
        let why = format!("too few of {} labelled changes come before the newest", labelled.rows.len());
        return prior_alone(given, examples, &labelled, &why);
    }
    let in_sample = "Calibrated on the very changes it was trained on: there are too few to keep some back.";
    let mut notes = if out.rows.is_empty() { vec![in_sample.to_owned()] } else { Vec::new() };
    let members = Members::fit(examples, &labelled, layout, recipe, seed)?;
    let combiner = Combiner { examples, labelled: &labelled, out: &out, recipe };
    let mut alone = BTreeMap::from([
        ("logistic".to_owned(), combiner.alone(&members.logistic, |margins| margins.logistic)?),
        ("boosted".to_owned(), combiner.alone(&members.boosted, |margins| margins.boosted)?),
    ]);
    let its = options.prior.as_ref().zip(prior.as_ref()).map(|(given, prior)| prior.scoring(given));
    let (mut scoring, mut unseen) = combiner.combined(&members, its.as_ref(), recipe.prior_share)?;
    let mut is_without_prior = false;
    // No prior knows of custom features, nor of labels of another kind. Where what was learned here evidently does better, it
    // only stands in the way.
    if its.is_some() {
        let (own, own_unseen) = combiner.combined(&members, None, 0.0)?;
        if own_unseen.ranks_evidently_better(&unseen, options.seed) {
            (scoring, unseen, is_without_prior) = (own, own_unseen, true);
            notes.push(WITHOUT_PRIOR.to_owned());
        } else if unseen.is_evidently_off() {
            (scoring, unseen) = combiner.combined(&members, its.as_ref(), 0.0)?;
            notes.push(OWN_LEVEL.to_owned());
        }
    }
    alone.extend(its.map(|its| ("prior".to_owned(), its)));
    let (n_rows, n_positive) = (labelled.rows.len(), labelled.n_positive());
    Ok(Trained { scoring, alone, n_rows, n_positive, unseen, notes, is_without_prior })
}

pub(super) fn check(labelled: &Labelled) -> Result<(), Error> {
    let found = labelled.n_positive();
    if found == labelled.rows.len() {
        return Err(Error::OneClass("the training part".to_owned()));
    }
    if found < MIN_POSITIVES {
        return Err(Error::TooFewPositives {
            what: "the training part".to_owned(),
            found,
            expected: MIN_POSITIVES,
        });
    }
    Ok(())
}

fn labelled(examples: &Examples, standings: &[Standing], options: &TrainOptions) -> Labelled {
    let mut labelled = Labelled::default();
    for (row, standing) in standings.iter().enumerate().filter(|(_, standing)| **standing != Standing::Left) {
        labelled.rows.push(row);
        labelled.y.push(*standing == Standing::Positive);
        let age_seconds = options.as_of as f64 - examples.times[row];
        let weight = if options.as_of == i64::MAX { 1.0 } else { options.recipe.recency_weight(age_seconds) };
        labelled.weight.push(weight);
    }
    let n = labelled.rows.len();
    for (idx, weight) in labelled.weight.iter_mut().enumerate() {
        *weight *= options.recipe.rank_weight((n - 1 - idx) as f64 / n as f64);
    }
    labelled
}

/// Ranks, the flags that have none, and shares and logarithms beside their ranks: what stays comparable
/// over repositories and years. Custom features are taken as they are: only their owner knows what they mean.
pub(super) fn layout(examples: &Examples) -> Layout {
    let schema = schema();
    let position = |name: &str| schema.names().iter().position(|known| known == name);
    let mut layout = Layout::default();
    for (column, name) in examples.names.iter().enumerate() {
        let Some(idx) = position(name) else {
            if is_custom(name) {
                layout.logistic.push(column);
                layout.boosted.push(column);
                layout.monotone.push(0);
            }
            continue;
        };
        let feature_idx = schema.features.iter().position(|spec| spec.name == name);
        let has_rank = feature_idx.is_some_and(|feature_idx| schema.ranked.contains(&feature_idx));
        if has_rank && !schema.feature_at(idx).unit.is_comparable() {
            continue;
        }
        layout.logistic.push(column);
        layout.boosted.push(column);
        layout.monotone.push(match schema.feature_at(idx).trend {
            Trend::Free => 0,
            Trend::Rising => 1,
            Trend::Falling => -1,
        });
    }
    layout
}

fn prior_members(prior: &Prior, examples: &Examples) -> Result<PriorMembers, Error> {
    let columns = prior_columns(prior, examples)?;
    Ok(PriorMembers::new(&prior.scoring, &columns, examples.names.len()))
}

/// Where each value that the prior needs stands in the examples.
pub(super) fn prior_columns(prior: &Prior, examples: &Examples) -> Result<Vec<usize>, Error> {
    Ok(prior.artifact.columns(&examples.features().collect::<Vec<_>>())?)
}
