//! Training and backtests on a plain table of numbers, by the learners of mined rows: no prior, no tokens, no history.
//! Start at [`train_table`].

use std::collections::BTreeMap;

use crate::artifact::{Artifact, Document, FORMAT, FeatureRef, Scoring, Source, TABLE};
use crate::dataset::{Split, Standing, Table};
use crate::train::Error;
use crate::train::backtest::{Backtest, Prediction, coin, one_class};
use crate::train::card::model_card;
use crate::train::curves::curves;
use crate::train::examples::Examples;
use crate::train::fit::Layout;
use crate::train::golden::{golden_rows, guard};
use crate::train::recipe::Recipe;
use crate::train::report::{Block, DatasetReport, Report, Scored};
use crate::train::steady::uniformity;
use crate::train::training::{TrainOptions, Trained, train_with_layout};

/// How to test on a table of numbers.
#[derive(Clone, Debug)]
pub struct TableBacktest {
    /// Which rows train and which test.
    pub split: Split,
    /// The recipe.
    pub recipe: Recipe,
    /// Seed of everything random.
    pub seed: u64,
    /// Seconds of a clock that never goes back, for the report.
    pub clock: fn() -> f64,
}

/// Trains on the split's older rows, scores the newer ones, and measures. The learners are those of
/// mined rows; a table has no prior, no tokens and no ranks of its own.
///
/// # Errors
/// When a side has one class, or too few positives to train.
pub fn backtest_table(table: &Table, options: &TableBacktest) -> Result<Backtest, Error> {
    let started = (options.clock)();
    let (trained, _) = fit(table, &options.split.train, &options.recipe, options.seed)?;
    let train_seconds = (options.clock)() - started;
    let test: Vec<usize> =
        options.split.test.iter().copied().filter(|&row| table.labels[row].is_some()).collect();
    let labels: Vec<bool> = test.iter().map(|&row| table.labels[row] == Some(true)).collect();
    let n_positive = labels.iter().filter(|&&label| label).count();
    let scored = score(table, &trained, &test, options.seed);
    let dataset = DatasetReport {
        n_train: trained.n_rows,
        n_test: labels.len(),
        pos_train: trained.n_positive,
        pos_test: n_positive,
        base_rate: crate::evaluation::observed_rate(&labels),
        split_time: options.split.split_time,
    };
    let from_split_on = table.from_split_on(&options.split);
    let predictions = predictions(table, &trained.scoring, &from_split_on);
    let notes = [not_later(table, &options.split, &from_split_on), without_size(table, &test)];
    let report = Report {
        task: "label",
        mode: None,
        refit_days: None,
        n_fits: 1,
        block: Block::measure(dataset, &labels, &scored, options.seed),
        train_seconds,
        mine_seconds: None,
        prior: None,
        leaky: false,
        also: BTreeMap::new(),
        with: None,
        periods: Vec::new(),
        percentile: uniformity(&scored[0].margins),
        suspects: None,
        studies: BTreeMap::new(),
        notes: trained
            .notes
            .iter()
            .cloned()
            .chain(one_class((labels.len(), n_positive)))
            .chain(notes.into_iter().flatten())
            .collect(),
    };
    Ok(Backtest { report, predictions })
}

/// What a report says of a split column that puts rows into the test that are no later than one that trains.
fn not_later(table: &Table, split: &Split, from_split_on: &[usize]) -> Option<String> {
    table.split_words.as_ref()?;
    let newest = table.times[*split.train.last()?];
    let n_not_later = from_split_on.iter().filter(|&&row| table.times[row] <= newest).count();
    let n_rows = from_split_on.len();
    (n_not_later > 0).then(|| {
        format!(
            "{n_not_later} of the {n_rows} rows of the test are no later than the newest that trains: the split column is taken at \
             its word"
        )
    })
}

/// What a report says of rows whose size is unknown, and which size alone cannot put in order.
pub(super) fn without_size(table: &Table, rows: &[usize]) -> Option<String> {
    let efforts = table.efforts.as_ref()?;
    let n_unknown = rows.iter().filter(|&&row| efforts[row].is_nan()).count();
    let n_rows = rows.len();
    (n_unknown > 0).then(|| {
        format!(
            "{n_unknown} of {n_rows} rows have no size (`effort`, or `la` and `ld` where there is no such column or `--exclude effort`): what size alone is worth is not defined"
        )
    })
}

/// A time in whole numbers, which is what an artifact keeps: rounded down.
pub(super) fn whole(time: f64) -> i64 {
    time.floor() as i64
}

/// An artifact from all labelled rows of a table.
///
/// # Errors
/// When there are too few positives, or a learner refuses.
pub fn train_table(table: &Table, name: &str, recipe: &Recipe, seed: u64) -> Result<Artifact, Error> {
    let rows: Vec<usize> = (0..table.labels.len()).filter(|&row| table.labels[row].is_some()).collect();
    let (trained, fitted) = fit(table, &rows, recipe, seed)?;
    let schema: Vec<FeatureRef> =
        table.names.iter().map(|name| FeatureRef { name: name.clone(), revision: 1 }).collect();
    let examples = examples(table)?;
    let seconds = |time: Option<&f64>| time.map_or(0, |time| whole(*time));
    let (from, to) = (
        seconds(rows.first().map(|&row| &table.times[row])),
        seconds(rows.last().map(|&row| &table.times[row])),
    );
    let source = Source {
        name: name.to_owned(),
        root: String::new(),
        unit: TABLE.to_owned(),
        from,
        to,
        last_label: None,
        n_rows: trained.n_rows,
        n_positive: trained.n_positive,
        dataset: table.digest().to_string(),
    };
    let document = Document {
        format: FORMAT,
        name: name.to_owned(),
        unit: TABLE.to_owned(),
        trained_until: to,
        seed,
        label_task: "label".to_owned(),
        schema_hash: Document::hash_of(&schema),
        schema,
        golden: golden_rows(&trained.scoring),
        guard: guard(&examples, &rows),
        scoring: trained.scoring,
        sources: vec![source],
        prior: None,
        parameters: fitted.describe(),
        metrics: curves(&[trained.unseen]),
        notes: trained.notes,
    };
    let card = model_card(&document);
    Ok(Artifact::new(document, card, &crate::artifact::Twins::default())?)
}

/// What was trained, and the recipe that was fitted: a table may bear fewer trees than the recipe asks for.
fn fit(table: &Table, train: &[usize], recipe: &Recipe, seed: u64) -> Result<(Trained, Recipe), Error> {
    let examples = examples(table)?;
    let mut standings = vec![Standing::Left; examples.n_rows()];
    for &row in train {
        standings[row] = match table.labels[row] {
            Some(true) => Standing::Positive,
            Some(false) => Standing::Negative,
            None => Standing::Left,
        };
    }
    let columns: Vec<usize> = (0..examples.names.len()).collect();
    let layout = Layout {
        log: vec![true; columns.len()],
        monotone: vec![0; columns.len()],
        logistic: columns.clone(),
        boosted: columns,
    };
    let as_of = i64::MAX;
    let n_positive = standings.iter().filter(|&&standing| standing == Standing::Positive).count();
    let recipe = recipe.with_trees_for(n_positive);
    let options = TrainOptions { recipe, prior: None, as_of, seed };
    let trained = train_with_layout(&examples, &standings, &layout, &options)?;
    Ok((trained, options.recipe))
}

fn examples(table: &Table) -> Result<Examples, Error> {
    let columns = table.columns.clone();
    Ok(Examples {
        names: table.names.clone(),
        revisions: vec![1; table.names.len()],
        matrix: crate::model::Matrix::new(columns)?,
        tokens: Vec::new(),
        times: table.times.clone(),
    })
}

fn score(table: &Table, trained: &Trained, test: &[usize], seed: u64) -> Vec<Scored> {
    let by_scoring = |name: &str, scoring: &Scoring| {
        let pairs = test.iter().map(|&row| scoring.score(&row_of(table, row), &[]));
        let (margins, probabilities) = pairs.unzip();
        Scored { name: name.to_owned(), margins, probabilities, is_model: true }
    };
    let mut scored = vec![by_scoring("ensemble", &trained.scoring)];
    for name in ["boosted", "logistic"] {
        if let Some(scoring) = trained.alone.get(name) {
            scored.push(by_scoring(name, scoring));
        }
    }
    let base_rate = trained.scoring.base_rate;
    if let Some(efforts) = &table.efforts {
        scored.push(Scored::flat("size_only", test.iter().map(|&row| efforts[row]).collect(), base_rate));
    }
    scored.push(Scored::flat("random", test.iter().map(|&row| coin(row as u64 ^ seed)).collect(), base_rate));
    scored
}

fn predictions(table: &Table, scoring: &Scoring, rows: &[usize]) -> Vec<Prediction> {
    let prediction = |&row: &usize| Prediction {
        id: table.ids[row].clone(),
        label: table.labels[row],
        score: scoring.score(&row_of(table, row), &[]).1,
        effort: table.efforts.as_ref().map_or(f64::NAN, |efforts| efforts[row]),
    };
    rows.iter().map(prediction).collect()
}

fn row_of(table: &Table, row: usize) -> Vec<f32> {
    table.columns.iter().map(|column| column[row]).collect()
}
