use std::collections::BTreeMap;

use crate::artifact::Scoring;
use crate::dataset::{LabelTask, Row, Rows, Split, Standing, standings};
use crate::train::Error;
use crate::train::examples::Examples;
use crate::train::recipe::Recipe;
use crate::train::report::{Block, DatasetReport, PriorUse, Report, Scored, WithUse};
use crate::train::training::{Prior, TrainOptions, Trained, train};

/// How to test on the newest part of a history.
#[derive(Clone, Debug)]
pub struct BacktestOptions {
    /// The task.
    pub task: LabelTask,
    /// Where the test begins: a moment in Unix seconds, or a share of the task's kept rows.
    pub split: SplitAt,
    /// The recipe.
    pub recipe: Recipe,
    /// The prior.
    pub prior: Option<Prior>,
    /// Whether the prior overlaps with the test and that was allowed.
    pub leaky: bool,
    /// Seed of everything random.
    pub seed: u64,
    /// Seconds of a clock that never goes back, for the report.
    pub clock: fn() -> f64,
}

/// Where a test begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SplitAt {
    /// The commit time at this share of the rows that the task keeps.
    Share(f64),
    /// This moment, in Unix seconds.
    Moment(i64),
}

/// A change from the split on, as the ensemble scores it.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The full id.
    pub id: String,
    /// The label; none where the task leaves the change out.
    pub label: Option<bool>,
    /// The ensemble's probability.
    pub score: f64,
    /// Lines added and deleted.
    pub effort: f64,
}

/// A report, and the score of every change from the split on.
#[derive(Clone, Debug)]
pub struct Backtest {
    /// The figures.
    pub report: Report,
    /// One prediction a change, in time order.
    pub predictions: Vec<Prediction>,
}

/// Trains on what was known before the split, scores everything after it, and measures.
/// `more` are rows of other repositories for training only.
///
/// # Errors
/// When the split leaves a side empty, or nothing can be trained.
pub fn backtest(rows: &Rows, more: Option<&Rows>, options: &BacktestOptions) -> Result<Backtest, Error> {
    let split = split(rows, options)?;
    let as_of = split.split_time.unwrap_or(f64::MAX) as i64;
    let started = (options.clock)();
    let trained = fit(rows, more, options, as_of)?;
    let train_seconds = (options.clock)() - started;
    let test: Vec<usize> =
        (0..rows.n_rows()).filter(|&idx| rows.facts()[idx].committed_at >= as_of).collect();
    let scored = score(rows, &trained.0, &test, options.seed);
    let population =
        Population { rows, test: &test, scored: &scored, trained: &trained.0, as_of, seed: options.seed };
    let block = population.block(|row| options.task.label(row))?;
    let also = BTreeMap::from([
        ("humans", population.block_or_empty(|row| options.task.label(row).filter(|_| !row.bot))),
        ("raw", population.block_or_empty(|row| LabelTask::Raw.label(row))),
    ]);
    let prior = options.prior.as_ref().map(|prior| PriorUse {
        reference: prior.reference.clone(),
        later_than_split: prior.reference.trained_until > as_of,
    });
    let predictions =
        test.iter().enumerate().map(|(idx, &row)| prediction(rows, row, &scored[0], idx, options.task));
    Ok(Backtest {
        predictions: predictions.collect(),
        report: Report {
            task: options.task.as_str(),
            block,
            train_seconds,
            mine_seconds: None,
            prior,
            leaky: options.leaky,
            also,
            with: trained.1,
        },
    })
}

fn split(rows: &Rows, options: &BacktestOptions) -> Result<Split, Error> {
    let times: Vec<f64> = rows.facts().iter().map(|row| row.committed_at as f64).collect();
    let kept: Vec<usize> =
        (0..rows.n_rows()).filter(|&idx| options.task.label(&rows.facts()[idx]).is_some()).collect();
    Ok(match options.split {
        SplitAt::Share(share) => Split::at_share(&times, &kept, share)?,
        SplitAt::Moment(moment) => Split::at_time(&times, &kept, moment as f64)?,
    })
}

fn fit(
    rows: &Rows,
    more: Option<&Rows>,
    options: &BacktestOptions,
    as_of: i64,
) -> Result<(Trained, Option<WithUse>), Error> {
    let train_options = TrainOptions {
        recipe: options.recipe.clone(),
        prior: options.prior.clone(),
        as_of,
        seed: options.seed,
    };
    let before: Vec<usize> =
        (0..rows.n_rows()).filter(|&idx| rows.facts()[idx].committed_at < as_of).collect();
    let mut training = rows.select(&before);
    let mut with = None;
    if let Some(more) = more {
        let early: Vec<usize> =
            (0..more.n_rows()).filter(|&idx| is_early(&more.facts()[idx], as_of)).collect();
        with = Some(WithUse { n_added: early.len(), n_dropped: more.n_rows() - early.len() });
        training
            .append(&more.select(&early))
            .map_err(|err| crate::artifact::Error::Refused(err.to_string()))?;
        training = in_time_order(&training);
    }
    let standings: Vec<Standing> = standings(&training, options.task, as_of);
    let examples = Examples::of_rows(&training)?;
    Ok((train(&examples, &standings, &train_options)?, with))
}

fn is_early(row: &Row, as_of: i64) -> bool {
    row.committed_at < as_of && row.label_known_at.is_none_or(|known_at| known_at < as_of)
}

fn in_time_order(rows: &Rows) -> Rows {
    let mut order: Vec<usize> = (0..rows.n_rows()).collect();
    order.sort_by_key(|&idx| rows.facts()[idx].committed_at);
    rows.select(&order)
}

/// Every system on every change from the split on; the ensemble comes first.
fn score(rows: &Rows, trained: &Trained, test: &[usize], seed: u64) -> Vec<Scored> {
    let mut scored = vec![by_scoring("ensemble", &trained.scoring, rows, test)];
    for name in ["boosted", "logistic", "prior"] {
        if let Some(scoring) = trained.alone.get(name) {
            scored.push(by_scoring(name, scoring, rows, test));
        }
    }
    let base_rate = trained.scoring.base_rate;
    let flat = |name: &str, margins: Vec<f64>| Scored {
        name: name.to_owned(),
        probabilities: vec![base_rate; margins.len()],
        margins,
    };
    scored.push(flat("size_only", test.iter().map(|&row| rows.facts()[row].effort as f64).collect()));
    scored.push(flat("random", test.iter().map(|&row| coin(row as u64 ^ seed)).collect()));
    scored
}

fn by_scoring(name: &str, scoring: &Scoring, rows: &Rows, test: &[usize]) -> Scored {
    let pairs = test.iter().map(|&row| scoring.score(&rows.vector(row), rows.tokens(row)));
    let (margins, probabilities) = pairs.unzip();
    Scored { name: name.to_owned(), margins, probabilities }
}

/// A number between 0 and 1 without pattern (splitmix64).
pub(super) fn coin(seed: u64) -> f64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

fn prediction(rows: &Rows, row: usize, ensemble: &Scored, idx: usize, task: LabelTask) -> Prediction {
    let facts = &rows.facts()[row];
    Prediction {
        id: facts.change_id.0.clone(),
        label: task.label(facts),
        score: ensemble.probabilities[idx],
        effort: facts.effort as f64,
    }
}

struct Population<'a> {
    rows: &'a Rows,
    test: &'a [usize],
    scored: &'a [Scored],
    trained: &'a Trained,
    as_of: i64,
    seed: u64,
}

impl Population<'_> {
    fn block(&self, label: impl Fn(&Row) -> Option<bool>) -> Result<Block, Error> {
        let block = self.block_or_empty(label);
        let (n, positive) = (block.dataset.n_test, block.dataset.pos_test);
        match positive {
            0 => Err(Error::TooFewPositives { what: "the test".to_owned(), found: 0, expected: 1 }),
            _ if positive == n => Err(Error::OneClass("the test".to_owned())),
            _ => Ok(block),
        }
    }

    fn block_or_empty(&self, label: impl Fn(&Row) -> Option<bool>) -> Block {
        let kept: Vec<(usize, bool)> = (0..self.test.len())
            .filter_map(|idx| Some((idx, label(&self.rows.facts()[self.test[idx]])?)))
            .collect();
        let labels: Vec<bool> = kept.iter().map(|(_, label)| *label).collect();
        let pick = |values: &[f64]| kept.iter().map(|(idx, _)| values[*idx]).collect();
        let scored: Vec<Scored> = self
            .scored
            .iter()
            .map(|s| Scored {
                name: s.name.clone(),
                margins: pick(&s.margins),
                probabilities: pick(&s.probabilities),
            })
            .collect();
        let dataset = DatasetReport {
            n_train: self.trained.n_rows,
            n_test: labels.len(),
            pos_train: self.trained.n_positive,
            pos_test: labels.iter().filter(|&&label| label).count(),
            base_rate: crate::evaluation::observed_rate(&labels),
            split_time: Some(self.as_of as f64),
        };
        Block::measure(dataset, &labels, &scored, self.seed)
    }
}
