//! The ways of testing on the newest part of a history: one model or several, local or pooled, with less.

use diffrisk::artifact::TwinKind;
use diffrisk::dataset::LabelTask;
use diffrisk::train::{
    Backtest, BacktestOptions, Error, Mode, PooledOptions, Prior, Protocol, Recipe, SplitAt, ablation,
    backtest, learning_curve, train_pooled,
};
use std::sync::Arc;

use crate::timeline::{mined, rows};
use crate::training::relabeled;

const DAY_SECONDS: i64 = 86_400;

/// Few trees: these tests ask whether the parts fit, not how well they rank.
fn recipe() -> Recipe {
    Recipe { n_trees: 20, n_bags: 1, ..Recipe::default() }
}

fn options(prior: Option<Prior>, protocol: Protocol) -> BacktestOptions {
    BacktestOptions {
        task: LabelTask::Strict,
        split: SplitAt::Share(0.6),
        recipe: recipe(),
        prior,
        protocol,
        leaky: false,
        seed: 3,
        clock: || 0.0,
    }
}

/// An artifact of two other repositories: the same changes under other roots.
fn prior() -> Prior {
    let pooled = PooledOptions {
        name: "others".to_owned(),
        task: LabelTask::Strict,
        recipe: Recipe { min_leaf_rows: 30, ..recipe() },
        seed: 3,
    };
    let others = ["one/config", "two/config"].map(|name| relabeled(rows(), name, name));
    let artifact = Arc::new(train_pooled(&[&others[0], &others[1]], &pooled).unwrap());
    Prior::for_root(artifact, &["another root"], TwinKind::Source).unwrap()
}

fn split(tested: &Backtest) -> i64 {
    tested.report.block.dataset.split_time.unwrap() as i64
}

fn scores(tested: &Backtest) -> Vec<(&str, u64)> {
    tested.predictions.iter().map(|it| (it.id.as_str(), it.score.to_bits())).collect()
}

fn auc(tested: &Backtest, system: &str) -> f64 {
    let systems = tested.report.block.systems.iter();
    systems.clone().find(|it| it.name == system).unwrap().roc_auc.unwrap()
}

#[test]
fn refits_start_like_the_frozen_model_and_never_see_later_facts() {
    let frozen = backtest(rows(), None, &options(None, Protocol::default())).unwrap();
    let rolling = Protocol { refit_days: Some(30), ..Protocol::default() };
    let refitted = backtest(rows(), None, &options(None, rolling)).unwrap();
    assert!(refitted.report.n_fits > 2 && frozen.report.n_fits == 1);
    let first_refit = split(&frozen) + 30 * DAY_SECONDS;
    let n_first =
        rows().facts().iter().filter(|row| (split(&frozen)..first_refit).contains(&row.committed_at)).count();
    assert_eq!(scores(&frozen)[..n_first], scores(&refitted)[..n_first]);
    assert_ne!(scores(&frozen)[n_first..], scores(&refitted)[n_first..]);

    let until = rows().facts().last().unwrap().committed_at - 20 * DAY_SECONDS;
    let moment = BacktestOptions { split: SplitAt::Moment(split(&frozen)), ..options(None, rolling) };
    let early = backtest(&mined(Some(until)), None, &moment).unwrap();
    assert!(early.predictions.len() > 100);
    assert_eq!(scores(&early), scores(&refitted)[..early.predictions.len()]);
}

#[test]
fn modes_use_the_experience_they_name() {
    let with_mode = |mode| {
        let protocol = Protocol { mode, ..Protocol::default() };
        backtest(rows(), None, &options(Some(prior()), protocol)).unwrap()
    };
    let alone = backtest(rows(), None, &options(None, Protocol::default())).unwrap();
    let local = with_mode(Mode::Local);
    assert_eq!(scores(&local), scores(&alone), "a prior beside it changes nothing");
    let pooled = with_mode(Mode::Pooled);
    assert_eq!((pooled.report.block.dataset.n_train, pooled.report.block.dataset.pos_train), (0, 0));
    assert_eq!(auc(&pooled, "ensemble"), auc(&pooled, "prior"));
    assert_eq!(auc(&local, "prior"), auc(&pooled, "prior"));
    let both = with_mode(Mode::Both);
    assert_eq!(auc(&both, "prior"), auc(&pooled, "prior"));
    assert_ne!(scores(&both), scores(&pooled));
    assert_ne!(scores(&both), scores(&local));
    let pooled = Protocol { mode: Mode::Pooled, ..Protocol::default() };
    assert!(matches!(backtest(rows(), None, &options(None, pooled)), Err(Error::NoPrior)));
}

#[test]
fn an_ablation_takes_every_family_away_once() {
    let study = ablation(rows(), None, &options(None, Protocol::default())).unwrap();
    let names: Vec<&str> = study.block.systems.iter().map(|system| system.name.as_str()).collect();
    assert_eq!(names[0], "ensemble");
    for family in ["size", "outcomes", "message", "tokens"] {
        assert!(names.contains(&format!("without {family}").as_str()), "{names:?}");
    }
    let auc =
        |name: &str| study.block.systems.iter().find(|system| system.name == name).unwrap().roc_auc.unwrap();
    let full = backtest(rows(), None, &options(None, Protocol::default())).unwrap();
    assert_eq!(auc("ensemble"), full.report.block.systems[0].roc_auc.unwrap());
    assert_ne!(auc("without outcomes"), auc("ensemble"));
    assert_eq!(study.block.comparisons.len(), 2 * (names.len() - 1));
    assert_eq!(study.variants.len(), names.len() - 1);
}

#[test]
fn a_learning_curve_trains_on_ever_more_months() {
    let study = learning_curve(rows(), None, &options(None, Protocol::default())).unwrap();
    let n_train: Vec<usize> = study.variants.iter().map(|variant| variant.n_train).collect();
    assert!(!n_train.is_empty() && n_train.is_sorted(), "{:?}", study.variants);
    assert!(*n_train.last().unwrap() < study.block.dataset.n_train);
}

#[test]
fn calibration_is_said_by_quarter() {
    let tested = backtest(rows(), None, &options(None, Protocol::default())).unwrap();
    let report = &tested.report;
    let labelled: Vec<f64> =
        tested.predictions.iter().filter(|it| it.label.is_some()).map(|it| it.score).collect();
    assert_eq!(report.periods.iter().map(|period| period.n).sum::<usize>(), labelled.len());
    assert_eq!(
        report.periods.iter().map(|period| period.observed).sum::<usize>(),
        report.block.dataset.pos_test
    );
    let expected: f64 = report.periods.iter().map(|period| period.predicted).sum();
    assert!((expected - labelled.iter().sum::<f64>()).abs() < 1e-9);
    assert!(report.periods.windows(2).all(|pair| (pair[1].from - pair[0].from) % (90 * DAY_SECONDS) == 0));
}
