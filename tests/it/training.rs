//! Training, the artifact on disk, and the scorer, on the sample history.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use diffrisk::artifact::{Artifact, Document, ModelName, Registry, TwinKind, Twins};
use diffrisk::dataset::{LabelTask, Row, Rows, Standing, standings};
use diffrisk::incident::{IncidentLink, LinkKind};
use diffrisk::risk::ReferenceScope;
use diffrisk::scorer::{ReferenceMargins, Scorer};
use diffrisk::train::{
    BacktestOptions, Error, PooledOptions, Prior, Protocol, Recipe, SplitAt, TrainOptions, backtest,
    evaluate, train_pooled, train_rows,
};

use crate::timeline::{mined, mined_with, rows};

/// Few trees: these tests ask whether the parts fit, not how well they rank.
fn recipe() -> Recipe {
    Recipe { n_trees: 20, n_bags: 1, ..Recipe::default() }
}

fn options(rows: &Rows) -> TrainOptions {
    let as_of = rows.facts().last().unwrap().committed_at + 1;
    TrainOptions { recipe: recipe(), prior: None, as_of, seed: 7 }
}

pub(crate) fn artifact() -> &'static Artifact {
    static ARTIFACT: OnceLock<Artifact> = OnceLock::new();
    ARTIFACT.get_or_init(|| train_rows(rows(), "sample", LabelTask::Strict, &options(rows())).unwrap())
}

fn saved() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    artifact().save(directory.path()).unwrap();
    directory
}

#[test]
fn an_artifact_written_over_another_leaves_nothing_of_it() {
    let directory = saved();
    assert!(directory.path().join("twins.json").exists());
    let without_twins = Artifact::new(artifact().document().clone(), "short\n".to_owned(), &Twins::default());
    without_twins.unwrap().save(directory.path()).unwrap();
    assert_eq!(Artifact::load(directory.path()).unwrap().card(), "short\n");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
}

#[test]
fn the_same_rows_and_seed_give_the_same_bytes() {
    let again = train_rows(rows(), "sample", LabelTask::Strict, &options(rows())).unwrap();
    assert_eq!(again.digest(), artifact().digest());
    assert_eq!(Artifact::load(saved().path()).unwrap(), again);
}

#[test]
fn an_artifact_with_any_byte_changed_is_refused() {
    let directory = saved();
    for file in ["model.json", "MODEL_CARD.md", "twins.json", "SHA256SUMS"] {
        let path = directory.path().join(file);
        let bytes = fs::read(&path).unwrap();
        for step in 1..20 {
            let mut damaged = bytes.clone();
            let idx = bytes.len() * step / 20;
            damaged[idx] = damaged[idx].wrapping_add(1);
            fs::write(&path, damaged).unwrap();
            assert!(Artifact::load(directory.path()).is_err(), "{file} at {idx}");
        }
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(Artifact::load(directory.path()).is_err(), "{file} cut");
        fs::write(&path, bytes).unwrap();
    }
    Artifact::load(directory.path()).unwrap();
}

#[test]
fn a_document_that_does_not_hold_together_is_refused_though_its_sums_fit() {
    let damage: [fn(&mut diffrisk::artifact::Document); 6] = [
        |document| document.format += 1,
        |document| document.schema[3].revision += 1,
        |document| document.golden[2].margin += 1e-12,
        |document| document.golden.clear(),
        |document| document.scoring.quantiles.reverse(),
        |document| document.scoring.ensemble.members[0].weight = -1.0,
    ];
    for (idx, damage) in damage.iter().enumerate() {
        let mut document = artifact().document().clone();
        damage(&mut document);
        let refused = Artifact::new(document, String::new(), &diffrisk::artifact::Twins::default());
        assert!(refused.is_err(), "damage {idx}");
    }
}

#[test]
fn an_artifact_that_needs_another_revision_is_refused_by_name() {
    let names: Vec<(String, u32)> =
        artifact().document().schema.iter().map(|feature| (feature.name.clone(), feature.revision)).collect();
    let mut here: Vec<(&str, u32)> =
        names.iter().map(|(name, revision)| (name.as_str(), *revision)).collect();
    here[5].1 += 1;
    let refused = artifact().columns(&here).unwrap_err().to_string();
    assert!(refused.contains(here[5].0), "{refused}");
    here.remove(5);
    assert!(artifact().columns(&here).unwrap_err().to_string().contains(&names[5].0));
}

#[test]
fn contributions_and_base_add_up_to_the_margin() {
    let scorer = Scorer::new(Arc::new(artifact().clone())).unwrap();
    for idx in (0..rows().n_rows()).step_by(97) {
        let answer = scorer.assess(&rows().vector(idx), rows().tokens(idx), &ReferenceMargins::default());
        let sum: f64 = answer.assessment.contributions.iter().map(|c| c.contribution).sum();
        assert!((answer.assessment.base + sum - answer.assessment.margin).abs() < 1e-9);
        assert_eq!(answer.assessment.reference.scope, ReferenceScope::Artifact);
    }
}

#[test]
fn a_vector_of_unknowns_still_gets_a_probability_and_is_all_unknown() {
    let scorer = Scorer::new(Arc::new(artifact().clone())).unwrap();
    let answer = scorer.assess(&vec![f32::NAN; rows().features().len()], &[], &ReferenceMargins::default());
    assert_eq!(answer.unknown_share, 1.0);
    assert!(answer.assessment.score.get() > 0.0);
}

#[test]
fn a_row_is_not_known_before_its_label_is() {
    let facts = rows().facts();
    let as_of = facts[facts.len() / 2].committed_at;
    for (row, standing) in facts.iter().zip(standings(rows(), LabelTask::Strict, as_of)) {
        match standing {
            Standing::Positive => assert!(row.label_known_at.unwrap() < as_of),
            Standing::Negative => assert!(row.committed_at + 14 * 86_400 <= as_of),
            Standing::Left => {}
        }
        assert!(row.committed_at < as_of || standing == Standing::Left);
    }
}

/// The newest two fifths as a test, without a prior.
fn local_options() -> BacktestOptions {
    BacktestOptions {
        task: LabelTask::Strict,
        split: SplitAt::Share(0.6),
        recipe: recipe(),
        prior: None,
        protocol: Protocol::default(),
        leaky: false,
        seed: 3,
        clock: || 0.0,
    }
}

#[test]
fn labels_after_the_split_do_not_change_what_is_trained() {
    let options = local_options();
    let whole = backtest(rows(), None, &options).unwrap();
    let split = whole.report.block.dataset.split_time.unwrap() as i64;
    let cut = mined(Some(rows().facts().last().unwrap().committed_at - 20 * 86_400));
    let moved = BacktestOptions { split: SplitAt::Moment(split), ..options };
    let early = backtest(&cut, None, &moved).unwrap();
    for (a, b) in whole.predictions.iter().zip(&early.predictions) {
        assert_eq!((&a.id, a.score.to_bits()), (&b.id, b.score.to_bits()));
    }
    assert!(early.predictions.len() > 100);
}

#[test]
fn rows_of_others_are_counted_by_what_was_known_of_them_at_the_split() {
    let others = relabeled(rows(), "others", &"b".repeat(40));
    let options = local_options();
    let report = backtest(rows(), Some(&others), &options).unwrap().report;
    let as_of = report.block.dataset.split_time.unwrap() as i64;
    let (known, later) =
        (standings(&others, LabelTask::Strict, as_of), standings(&others, LabelTask::Strict, i64::MAX));
    let count = |is_one: &dyn Fn(usize) -> bool| (0..others.n_rows()).filter(|&idx| is_one(idx)).count();
    let landed_later = |idx: usize| others.facts()[idx].committed_at >= as_of;
    let n_added = count(&|idx| known[idx] != Standing::Left);
    let n_unknown =
        count(&|idx| !landed_later(idx) && known[idx] == Standing::Left && later[idx] != Standing::Left);
    let n_later = count(&landed_later);
    let with = report.with.unwrap();
    assert!(n_unknown > 0 && n_later > 0, "{n_unknown} and {n_later}");
    assert_eq!((with.n_added, with.n_dropped), (n_added, n_later + n_unknown));
    assert_eq!(with.n_added + with.n_dropped + with.n_left_out, others.n_rows());
    assert_eq!(report.block.dataset.n_train, 2 * n_added, "as many of one's own");
}

#[test]
fn a_prior_meets_its_own_source_only_through_a_twin() {
    let pooled = PooledOptions {
        name: "pooled".to_owned(),
        task: LabelTask::Strict,
        recipe: Recipe { min_leaf_rows: 30, ..recipe() },
        seed: 1,
    };
    let mut other = rows().clone();
    other = relabeled(&other, "elsewhere/config", "another-root");
    let artifact = Arc::new(train_pooled(&[rows(), &other], &pooled).unwrap());
    let root = rows().facts()[0].root.clone();
    let own = Prior::for_root(Arc::clone(&artifact), &[&root], TwinKind::Source).unwrap();
    assert_eq!(own.reference.excluded_sources, [root.as_str()]);
    let strict = Prior::for_root(Arc::clone(&artifact), &[&root], TwinKind::OrganizationAndLater).unwrap();
    assert!(strict.reference.trained_until < own.reference.trained_until, "{:?}", strict.reference);
    let both = Prior::for_root(Arc::clone(&artifact), &[&root, "another-root"], TwinKind::Source);
    assert!(matches!(both, Err(Error::Overlap { .. })), "no twin is without both");
    let stranger = Prior::for_root(Arc::clone(&artifact), &["unheard-of"], TwinKind::Source).unwrap();
    assert!(stranger.reference.excluded_sources.is_empty());
    let lone = Arc::new(train_rows(rows(), "sample", LabelTask::Strict, &options(rows())).unwrap());
    let root = &rows().facts()[0].root;
    assert!(matches!(Prior::for_root(lone, &[root], TwinKind::Source), Err(Error::Overlap { .. })));
}

#[test]
fn a_prior_knows_its_own_source_again_under_another_root() {
    let artifact = Arc::new(train_rows(rows(), "sample", LabelTask::Strict, &options(rows())).unwrap());
    let fork = relabeled(rows(), "elsewhere/fork", "squashed-root");
    let root = &rows().facts()[0].root;
    let met = |rows: &Rows| Prior::for_rows(Arc::clone(&artifact), rows, TwinKind::Source);
    assert!(matches!(met(&fork), Err(Error::Overlap { root: named, .. }) if named == *root));
    let directory = tempfile::tempdir().unwrap();
    artifact.save(directory.path()).unwrap();
    let read = Arc::new(Artifact::load(directory.path()).unwrap());
    assert!(matches!(Prior::for_rows(read, &fork, TwinKind::Source), Err(Error::Overlap { .. })));
    let last: Vec<usize> = (fork.n_rows() - 5..fork.n_rows()).collect();
    assert!(matches!(met(&fork.select(&last)), Err(Error::Overlap { .. })));
    assert!(met(&with_other_digests(&fork)).is_ok());
}

#[test]
fn what_a_prior_was_blended_with_has_seen_its_sources_too() {
    let published = diffrisk::artifact::published().unwrap();
    let prior = Prior::for_root(Arc::clone(&published), &[], TwinKind::Source).unwrap();
    let blended = TrainOptions { prior: Some(prior), ..options(rows()) };
    let blended = Arc::new(train_rows(rows(), "blended", LabelTask::Strict, &blended).unwrap());
    let source = &published.document().sources[0];
    let others = with_other_digests(&relabeled(rows(), "elsewhere/config", &source.root));
    let met = Prior::for_rows(Arc::clone(&blended), &others, TwinKind::Source);
    assert!(
        matches!(met, Err(Error::Overlap { prior, root }) if prior == published.document().name && root == source.root)
    );
    let twin = Prior::for_root(Arc::clone(&published), &[&source.root], TwinKind::Source).unwrap();
    let without = TrainOptions { prior: Some(twin), ..options(rows()) };
    let without = Arc::new(train_rows(rows(), "without", LabelTask::Strict, &without).unwrap());
    assert!(Prior::for_rows(without, &others, TwinKind::Source).is_ok(), "its prior never saw them");
    let strangers = with_other_digests(&relabeled(rows(), "elsewhere/config", "unheard-of"));
    let met = Prior::for_rows(Arc::clone(&blended), &strangers, TwinKind::Source).unwrap();
    assert!(met.reference.trained_until >= published.document().trained_until, "{:?}", met.reference);
    let again = Prior { reference: met.reference.clone(), ..met };
    let twice = TrainOptions { prior: Some(again), ..options(rows()) };
    let twice = Arc::new(train_rows(&strangers, "twice", LabelTask::Strict, &twice).unwrap());
    assert!(matches!(Prior::for_rows(twice, rows(), TwinKind::Source), Err(Error::UnknownPrior { .. })));
    // And they are no rows to judge it by.
    let n_of = |rows: &Rows| evaluate(&blended, rows, LabelTask::Strict, 1).map(|it| it.report.n_seen).ok();
    assert_eq!(n_of(&strangers), Some(Some(0)));
    assert_ne!(n_of(&others), Some(Some(0)));
}

#[test]
fn the_published_prior_has_a_sample_of_every_source() {
    let artifact = diffrisk::artifact::published().unwrap();
    let roots: Vec<&str> = artifact.document().sources.iter().map(|source| source.root.as_str()).collect();
    let samples = artifact.twins().unwrap().samples;
    let sampled: Vec<&str> = samples.iter().map(|sample| sample.root.as_str()).collect();
    assert_eq!(sampled, roots);
    assert!(samples.iter().all(|sample| sample.digests.len() > 1_000));
}

/// The same rows, as if every change had other lines.
fn with_other_digests(rows: &Rows) -> Rows {
    rebuilt(rows, |row| {
        let digits: String = row.digest["sha256:".len()..].chars().rev().collect();
        Row { digest: format!("sha256:{digits}"), ..row.clone() }
    })
}

/// The same rows of a repository by another name and root.
pub fn relabeled(rows: &Rows, repo: &str, root: &str) -> Rows {
    rebuilt(rows, |row| Row { repo: repo.to_owned(), root: root.to_owned(), ..row.clone() })
}

fn rebuilt(rows: &Rows, change: impl Fn(&Row) -> Row) -> Rows {
    let features: Vec<(String, u32)> =
        rows.features().iter().map(|feature| (feature.name.clone(), feature.revision)).collect();
    let names = features.iter().map(|(name, revision)| (name.as_str(), *revision));
    let mut builder = diffrisk::dataset::RowsBuilder::new(names);
    for (idx, row) in rows.facts().iter().enumerate() {
        builder.push(change(row), rows.tokens(idx), &rows.vector(idx)).unwrap();
    }
    builder.finish()
}

#[test]
fn a_registry_promotes_and_goes_back_and_never_to_a_bad_artifact() {
    let directory = tempfile::tempdir().unwrap();
    let registry = Registry::at(directory.path());
    let first = registry.add(artifact()).unwrap();
    registry.promote(&first).unwrap();
    assert!(registry.rollback().unwrap_err().to_string().contains("there is no way back"));
    let options = TrainOptions { seed: 8, ..options(rows()) };
    let other = train_rows(rows(), "sample", LabelTask::Strict, &options).unwrap();
    let second = registry.add(&other).unwrap();
    registry.promote(&second).unwrap();
    registry.promote(&second).unwrap();
    assert_eq!(registry.current().unwrap(), second, "the way back stays");
    assert_eq!(registry.rollback().unwrap(), first);
    let model: &Path = &directory.path().join(&second.name).join(&second.version).join("model.json");
    fs::write(model, "{}").unwrap();
    assert!(registry.promote(&second).is_err());
    assert_eq!(registry.current().unwrap(), first);
}

#[test]
fn a_model_whose_features_this_build_does_not_compute_is_not_put_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let registry = Registry::at(directory.path());
    let mut document = artifact().document().clone();
    document.name = "other".to_owned();
    document.schema[0].revision += 1;
    document.schema_hash = Document::hash_of(&document.schema);
    let other = Artifact::new(document, "short\n".to_owned(), &Twins::default()).unwrap();
    let at_a_start = Scorer::new(Arc::new(other.clone())).err().unwrap().to_string();
    assert_eq!(registry.add(&other).unwrap_err().to_string(), at_a_start);
    assert_eq!(registry.list(), []);
    let first = registry.add(artifact()).unwrap();
    registry.promote(&first).unwrap();
    // As another version put it there, and had it in use before.
    let model_name = ModelName { name: "other".to_owned(), version: other.version().to_owned() };
    other.save(&directory.path().join("other").join(other.version())).unwrap();
    fs::write(directory.path().join("previous"), format!("{model_name}\n")).unwrap();
    assert_eq!(registry.promote(&model_name).unwrap_err().to_string(), at_a_start);
    assert_eq!(registry.rollback().unwrap_err().to_string(), at_a_start);
    assert_eq!(registry.current().unwrap(), first);
}

#[test]
fn every_repository_of_the_rows_is_a_source_and_meets_itself_as_a_prior() {
    let other = relabeled(rows(), "elsewhere/config", "another-root");
    let some: Vec<usize> = (100..other.n_rows() - 50).collect();
    let other = other.select(&some);
    let mut both = rows().clone();
    both.append(&other).unwrap();
    let artifact = train_rows(&both, "both", LabelTask::Strict, &options(&both)).unwrap();
    let sources = &artifact.document().sources;
    for (source, rows) in sources.iter().zip([rows(), &other]) {
        let (first, last) = (&rows.facts()[0], rows.facts().last().unwrap());
        assert_eq!((&source.name, &source.root, &source.unit), (&first.repo, &first.root, &first.unit));
        assert_eq!((source.from, source.to), (first.committed_at, last.committed_at));
        assert_eq!(source.last_label, rows.facts().iter().filter_map(|row| row.label_known_at).max());
        let standings = standings(rows, LabelTask::Strict, artifact.document().trained_until);
        let n = |wanted: Standing| standings.iter().filter(|standing| **standing == wanted).count();
        assert_eq!(source.n_positive, n(Standing::Positive));
        assert_eq!(source.n_rows, n(Standing::Positive) + n(Standing::Negative));
        assert_eq!(source.dataset, rows.digest().to_string());
    }
    assert_eq!(sources.len(), 2);
    let artifact = Arc::new(artifact);
    for root in [rows().facts()[0].root.as_str(), "another-root"] {
        let met = Prior::for_root(Arc::clone(&artifact), &["unheard-of", root], TwinKind::Source);
        assert!(matches!(met, Err(Error::Overlap { .. })), "{root}");
    }
}

#[test]
fn a_small_history_ships_the_prior_and_says_so() {
    let prior = Prior::for_root(diffrisk::artifact::published().unwrap(), &[], TwinKind::Source).unwrap();
    for n_rows in [60, 100] {
        let few = rows().select(&(0..n_rows).collect::<Vec<_>>());
        let options = TrainOptions { prior: Some(prior.clone()), ..options(&few) };
        let artifact = train_rows(&few, "few", LabelTask::Strict, &options).unwrap();
        let notes = &artifact.document().notes;
        assert!(notes.len() == 1 && notes[0].contains("Too little history"), "{notes:?}");
        assert!(artifact.card().contains(&notes[0]));
        let (here, published) = (Scorer::new(Arc::new(artifact)), Scorer::new(Arc::clone(&prior.artifact)));
        for idx in (0..rows().n_rows()).step_by(97) {
            let score = |scorer: &Scorer| {
                scorer.assess(&rows().vector(idx), rows().tokens(idx), &ReferenceMargins::default())
            };
            let (here, published) = (score(here.as_ref().unwrap()), score(published.as_ref().unwrap()));
            assert_eq!(here, published, "row {idx}");
        }
    }
}

#[test]
fn a_probability_lies_between_what_own_labels_and_the_prior_say() {
    let prior = Prior::for_root(diffrisk::artifact::published().unwrap(), &[], TwinKind::Source).unwrap();
    let scorer = |prior_share: f64| {
        let recipe = Recipe { prior_share, ..recipe() };
        let options = TrainOptions { prior: Some(prior.clone()), recipe, ..options(rows()) };
        let artifact = train_rows(rows(), "sample", LabelTask::Strict, &options).unwrap();
        Scorer::new(Arc::new(artifact)).unwrap()
    };
    let log_odds = |scorer: &Scorer, idx: usize| {
        let answer = scorer.assess(&rows().vector(idx), rows().tokens(idx), &ReferenceMargins::default());
        let p = answer.assessment.score.get();
        (p / (1.0 - p)).ln()
    };
    let published = Scorer::new(Arc::clone(&prior.artifact)).unwrap();
    let [own, half, its] = [0.0, 0.5, 1.0].map(scorer);
    for idx in (0..rows().n_rows()).step_by(97) {
        let [own, half, its] = [&own, &half, &its].map(|scorer| log_odds(scorer, idx));
        assert!((half - 0.5 * (own + its)).abs() < 1e-9, "row {idx}: {own} {half} {its}");
        assert!((its - log_odds(&published, idx)).abs() < 1e-9, "row {idx}");
        assert!((own - its).abs() > 1e-6, "row {idx}: nothing was learned here");
    }
}

#[test]
fn labels_of_another_kind_set_their_own_level() {
    let prior = Prior::for_root(diffrisk::artifact::published().unwrap(), &[], TwinKind::Source).unwrap();
    let trained = |rows: &Rows| {
        let options = TrainOptions { prior: Some(prior.clone()), ..options(rows) };
        train_rows(rows, "incidents", LabelTask::Strict, &options).unwrap()
    };
    let says_so =
        |artifact: &Artifact| artifact.document().notes.iter().any(|note| note.contains("The level"));
    // One change in five, where the prior expects one in fifty: in no order, which could be learned.
    let is_drawn = |row: &&Row| !row.is_revert && row.change_id.0.starts_with(['0', '1', '2']);
    let declared = mined_with(rows().facts().iter().filter(is_drawn).map(declared_of).collect());
    let artifact = trained(&declared);
    assert!(says_so(&artifact), "{:?}", artifact.document().notes);
    assert!(artifact.document().prior.is_some());
    let scoring = &artifact.document().scoring;
    let probability = |idx: usize| scoring.score(&declared.vector(idx), declared.tokens(idx)).1;
    let expected = (0..declared.n_rows()).map(probability).sum::<f64>();
    let n_positive = declared.facts().iter().filter(|row| row.label_strict == Some(true)).count();
    assert!((0.75..1.3).contains(&(expected / n_positive as f64)), "{expected} of {n_positive}");
    assert!(!says_so(&trained(rows())));
}

/// A link of an incident to a change, known the day after.
fn declared_of(row: &Row) -> IncidentLink {
    IncidentLink {
        incident_id: format!("INC-{}", row.committed_at),
        repo: "sample".to_owned(),
        change_id: row.change_id.clone(),
        link_kind: LinkKind::Declared,
        known_at: row.committed_at + 86_400,
        started_at: None,
        resolved_at: None,
        severity: None,
        title: None,
    }
}

#[test]
fn folds_that_are_too_small_are_passed_over() {
    let as_of = options(rows()).as_of;
    let standings = standings(rows(), LabelTask::Strict, as_of);
    let of = |wanted: Standing, n: usize| {
        (0..rows().n_rows()).filter(move |&idx| standings[idx] == wanted).take(n).collect::<Vec<_>>()
    };
    let mut kept = of.clone()(Standing::Positive, 40);
    kept.extend(of(Standing::Negative, 170));
    kept.sort_unstable();
    // Two fifths of 210 rows are fewer than the 120 that one split of the boosted member needs.
    let small = rows().select(&kept);
    let artifact = train_rows(&small, "small", LabelTask::Strict, &options(&small)).unwrap();
    assert!(artifact.document().notes.is_empty());
    let names: Vec<&str> =
        artifact.document().scoring.ensemble.members.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["logistic", "boosted"]);
    let tiny = small.select(&(0..84).collect::<Vec<_>>());
    let refused = train_rows(&tiny, "tiny", LabelTask::Strict, &options(&tiny)).unwrap_err().to_string();
    assert!(refused.contains("84 rows are too few") || refused.contains("positives"), "{refused}");
}

#[test]
fn too_few_positives_are_named() {
    let few = rows().select(&(0..60).collect::<Vec<_>>());
    let refused = train_rows(&few, "few", LabelTask::Strict, &options(&few)).unwrap_err().to_string();
    assert!(refused.contains("positives"), "{refused}");
}

#[test]
fn the_embedded_artifact_is_the_default_of_the_registry() {
    let registry = Registry::at(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models"));
    let current = registry.current().unwrap();
    let embedded = diffrisk::artifact::published().unwrap();
    assert_eq!(embedded.version(), current.version);
    assert_eq!(*embedded, registry.load(&current).unwrap());
    assert!(embedded.document().sources.len() >= 6);
    embedded.twins().unwrap();
    Scorer::new(embedded).unwrap();
}
