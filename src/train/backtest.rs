//! Trains before a moment and tests after it, once or again and again. Nothing after the moment reaches a fit; what later
//! facts are for is measuring alone. Start at [`backtest`].

use std::collections::BTreeMap;

use crate::artifact::Scoring;
use crate::dataset::{LabelTask, Row, Rows, Split, SplitError, Standing, standings};
use crate::train::Error;
use crate::train::examples::Examples;
use crate::train::population::Population;
use crate::train::recipe::Recipe;
use crate::train::report::{Block, PriorUse, Report, Scored, WithUse};
use crate::train::sources::in_time_order;
use crate::train::steady::{periods, uniformity};
use crate::train::suspects::suspects;
use crate::train::training::{Prior, TrainOptions, Trained, train};

const DAY_SECONDS: i64 = 86_400;
/// Days of a month, on average.
const MONTH_DAYS: f64 = 30.44;

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
    /// What may train, and when.
    pub protocol: Protocol,
    /// Whether the prior overlaps with the test and that was allowed.
    pub leaky: bool,
    /// Seed of everything random.
    pub seed: u64,
    /// Seconds of a clock that never goes back, for the report.
    pub clock: fn() -> f64,
}

/// What may train, and when; by default everything known at the split, once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protocol {
    /// Whose experience the ensemble has.
    pub mode: Mode,
    /// Days after which a new model is fitted on what is known by then; none keeps the one of the split.
    pub refit_days: Option<u32>,
    /// Months before the split beyond which rows do not train; none trains on all. History is read from
    /// its start all the same.
    pub history_months: Option<u32>,
}

/// Whose experience the ensemble has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The repository's own and the prior's.
    #[default]
    Both,
    /// The repository's own alone.
    Local,
    /// The prior's alone: no local label is used, history is folded all the same.
    Pooled,
}

impl Mode {
    /// Stable machine name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Local => "local",
            Self::Pooled => "pooled",
        }
    }
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
    let as_of = split_time(rows, options)?;
    let started = (options.clock)();
    let run = run(rows, more, options, as_of)?;
    let train_seconds = (options.clock)() - started;
    let population = run.population(rows, options.seed);
    let block = population.block_or_empty(|row| options.task.label(row)).with_members();
    let n_tested = (block.dataset.n_test, block.dataset.pos_test);
    let also = other_populations(options.task, |label| population.block_or_empty(label).with_members());
    let prior = options.prior.as_ref().map(|prior| PriorUse {
        reference: prior.reference.clone(),
        later_than_split: prior.reference.trained_until > as_of,
    });
    let facts: Vec<&Row> = run.test.iter().map(|&row| &rows.facts()[row]).collect();
    let times: Vec<i64> = facts.iter().map(|row| row.committed_at).collect();
    let labels: Vec<Option<bool>> = facts.iter().map(|row| options.task.label(row)).collect();
    let ensemble = &run.scored[0];
    let predictions = facts.iter().enumerate().map(|(idx, row)| Prediction {
        id: row.change_id.0.clone(),
        label: labels[idx],
        score: ensemble.probabilities[idx],
        effort: row.effort as f64,
    });
    Ok(Backtest {
        predictions: predictions.collect(),
        report: Report {
            task: options.task.as_str(),
            mode: Some(options.protocol.mode.as_str()),
            refit_days: options.protocol.refit_days,
            n_fits: run.n_fits,
            block,
            train_seconds,
            mine_seconds: None,
            prior,
            leaky: options.leaky,
            also,
            with: run.with,
            periods: periods(&times, &labels, &ensemble.probabilities),
            percentile: uniformity(&ensemble.margins),
            suspects: Some(suspects(&facts, &labels, &ensemble.probabilities, (as_of, options.seed))),
            studies: BTreeMap::new(),
            notes: run.notes.into_iter().chain(one_class(n_tested)).collect(),
        },
    })
}

/// The same model on the changes of people alone, on the raw label, and beside that on the strict one, which never goes
/// without being told.
pub(super) fn other_populations(
    task: LabelTask,
    block: impl Fn(&dyn Fn(&Row) -> Option<bool>) -> Block,
) -> BTreeMap<&'static str, Block> {
    let mut others = BTreeMap::from([
        ("humans", block(&|row| task.label(row).filter(|_| !row.bot))),
        ("raw", block(&|row| LabelTask::Raw.label(row))),
    ]);
    if task == LabelTask::Raw {
        others.insert("strict", block(&|row| LabelTask::Strict.label(row)));
    }
    others
}

/// Every system's score of every change from the split on.
pub(super) struct Run {
    /// Positions of those changes in the rows, in time order.
    pub test: Vec<usize>,
    /// One entry a system; the ensemble comes first.
    pub scored: Vec<Scored>,
    /// Rows that the first model was trained on, and positives among them.
    pub trained_on: (usize, usize),
    /// Models fitted, one after the other.
    pub n_fits: usize,
    /// Rows of other repositories.
    pub with: Option<WithUse>,
    /// Where the test begins, in Unix seconds.
    pub as_of: i64,
    /// What the models could not learn.
    pub notes: Vec<String>,
}

impl Run {
    /// Puts the next window's scores behind; a system that one of the windows lacks, because its model was
    /// the prior alone, is left out of all.
    fn append(&mut self, mut more: Vec<Scored>) {
        let of_name = |more: &[Scored], name: &str| more.iter().position(|scored| scored.name == name);
        self.scored.retain(|all| of_name(&more, &all.name).is_some());
        for all in &mut self.scored {
            if let Some(idx) = of_name(&more, &all.name) {
                all.append(more.swap_remove(idx));
            }
        }
    }

    pub(super) fn population<'a>(&'a self, rows: &'a Rows, seed: u64) -> Population<'a> {
        Population {
            rows,
            test: &self.test,
            scored: &self.scored,
            trained_on: self.trained_on,
            as_of: self.as_of,
            seed,
        }
    }
}

/// Fits at the split, and again wherever the options ask for it, and scores what follows each fit.
pub(super) fn run(
    rows: &Rows,
    more: Option<&Rows>,
    options: &BacktestOptions,
    as_of: i64,
) -> Result<Run, Error> {
    let windows = windows(rows, as_of, options.protocol.refit_days);
    let mut joined: Option<Run> = None;
    for (moment, test) in &windows {
        let (trained, with) = fit(rows, more, options, *moment)?;
        let mut scored = score(rows, &trained, test, options.seed);
        if windows.len() > 1 {
            // Margins of two models are not comparable, their probabilities are.
            scored.iter_mut().filter(|scored| scored.is_model).for_each(Scored::order_by_probability);
        }
        match &mut joined {
            None => {
                let trained_on = (trained.n_rows, trained.n_positive);
                let (test, notes) = (test.clone(), trained.notes);
                joined = Some(Run { test, scored, trained_on, n_fits: 1, with, as_of, notes });
            }
            Some(joined) => {
                joined.test.extend(test);
                joined.n_fits += 1;
                joined.append(scored);
                joined.notes.extend(trained.notes);
                joined.notes.dedup();
            }
        }
    }
    joined.ok_or_else(|| Error::OneClass("the test".to_owned()))
}

/// The moments at which a model is fitted, and the changes that each one scores.
fn windows(rows: &Rows, as_of: i64, refit_days: Option<u32>) -> Vec<(i64, Vec<usize>)> {
    let span = refit_days.map_or(i64::MAX, |days| i64::from(days.max(1)) * DAY_SECONDS);
    let mut windows: Vec<(i64, Vec<usize>)> = Vec::new();
    for (row, facts) in rows.facts().iter().enumerate().filter(|(_, facts)| facts.committed_at >= as_of) {
        let moment = as_of + (facts.committed_at - as_of) / span * span;
        match windows.last_mut() {
            Some((last, test)) if *last == moment => test.push(row),
            _ => windows.push((moment, vec![row])),
        }
    }
    windows
}

/// What a report says of a test on which nothing that needs both classes is defined.
pub(super) fn one_class((n, n_positive): (usize, usize)) -> Option<String> {
    let which = match (n, n_positive) {
        (0, _) => "no change with a known label",
        (_, 0) => "no positive",
        (n, n_positive) if n == n_positive => "no negative",
        _ => return None,
    };
    Some(format!("the test has {which}: what needs both classes is not defined"))
}

/// The moment at which the test begins, in Unix seconds.
pub(super) fn split_time(rows: &Rows, options: &BacktestOptions) -> Result<i64, Error> {
    let times = || rows.facts().iter().map(|row| row.committed_at);
    let kept = (0..rows.n_rows()).filter(|&idx| options.task.label(&rows.facts()[idx]).is_some());
    match options.split {
        SplitAt::Share(share) => {
            let times: Vec<f64> = times().map(|time| time as f64).collect();
            let split = Split::at_share(&times, &kept.collect::<Vec<_>>(), share)?;
            Ok(split.split_time.unwrap_or(f64::MAX) as i64)
        }
        SplitAt::Moment(moment) => {
            // Labels may be known elsewhere: every change from the moment on is scored, whatever is known of it here.
            let n_train = kept.filter(|&idx| rows.facts()[idx].committed_at < moment).count();
            let n_test = times().filter(|time| *time >= moment).count();
            let needs_own = options.prior.is_none() || options.protocol.mode == Mode::Local;
            match (n_train, n_test) {
                (0, _) if needs_own => Err(SplitError::Empty { n_train, n_test }.into()),
                (_, 0) => Err(SplitError::Empty { n_train, n_test }.into()),
                _ => Ok(moment),
            }
        }
    }
}

fn fit(
    rows: &Rows,
    more: Option<&Rows>,
    options: &BacktestOptions,
    as_of: i64,
) -> Result<(Trained, Option<WithUse>), Error> {
    if options.protocol.mode == Mode::Pooled {
        let prior = options.prior.as_ref().ok_or(Error::NoPrior)?;
        return Ok((Trained::of_prior(prior, &Examples::of_rows(rows)?)?, None));
    }
    let train_options = TrainOptions {
        recipe: options.recipe.clone(),
        prior: options.prior.clone().filter(|_| options.protocol.mode != Mode::Local),
        as_of,
        seed: options.seed,
    };
    let before: Vec<usize> =
        (0..rows.n_rows()).filter(|&idx| rows.facts()[idx].committed_at < as_of).collect();
    let mut training = rows.select(&before);
    let mut with = None;
    if let Some(more) = more {
        with = Some(add(&mut training, more, options, as_of)?);
        training = in_time_order(&training).unwrap_or(training);
    }
    let standings = standings_within(&training, options, as_of);
    let examples = Examples::of_rows(&training)?;
    let mut trained = train(&examples, &standings, &train_options)?;
    if let (Mode::Local, Some(prior)) = (options.protocol.mode, &options.prior) {
        trained.alone.extend(Trained::of_prior(prior, &examples)?.alone);
    }
    Ok((trained, with))
}

/// Puts what had landed elsewhere behind the rows, and counts what becomes of it.
fn add(training: &mut Rows, more: &Rows, options: &BacktestOptions, as_of: i64) -> Result<WithUse, Error> {
    let n_own = training.n_rows();
    let early: Vec<usize> =
        (0..more.n_rows()).filter(|&idx| more.facts()[idx].committed_at < as_of).collect();
    training.append(&more.select(&early)).map_err(Error::OtherRows)?;
    let known = standings_within(training, options, as_of);
    // What would train if all were known that came to be known.
    let oldest = oldest_moment(options, as_of);
    let later = standings(more, options.task, i64::MAX);
    let trains_later = |idx: usize| later[idx] != Standing::Left && more.facts()[idx].committed_at >= oldest;
    let mut with = WithUse { n_dropped: more.n_rows() - early.len(), ..WithUse::default() };
    for (&idx, standing) in early.iter().zip(&known[n_own..]) {
        match standing {
            Standing::Positive | Standing::Negative => with.n_added += 1,
            Standing::Left if trains_later(idx) => with.n_dropped += 1,
            Standing::Left => with.n_left_out += 1,
        }
    }
    Ok(with)
}

/// What every row was worth at `as_of` to a model that learns from no row before the history asked for.
fn standings_within(rows: &Rows, options: &BacktestOptions, as_of: i64) -> Vec<Standing> {
    let oldest = oldest_moment(options, as_of);
    let known = rows.facts().iter().zip(standings(rows, options.task, as_of));
    known.map(|(row, standing)| if row.committed_at < oldest { Standing::Left } else { standing }).collect()
}

fn oldest_moment(options: &BacktestOptions, as_of: i64) -> i64 {
    let seconds = |months| (f64::from(months) * MONTH_DAYS * DAY_SECONDS as f64) as i64;
    options.protocol.history_months.map_or(i64::MIN, |months| as_of - seconds(months))
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
    let efforts = test.iter().map(|&row| rows.facts()[row].effort as f64).collect();
    scored.push(Scored::flat("size_only", efforts, base_rate));
    scored.push(Scored::flat("random", test.iter().map(|&row| coin(row as u64 ^ seed)).collect(), base_rate));
    scored
}

fn by_scoring(name: &str, scoring: &Scoring, rows: &Rows, test: &[usize]) -> Scored {
    let pairs = test.iter().map(|&row| scoring.score(&rows.vector(row), rows.tokens(row)));
    let (margins, probabilities) = pairs.unzip();
    Scored { name: name.to_owned(), margins, probabilities, is_model: true }
}

/// A number between 0 and 1 without pattern (splitmix64).
pub(super) fn coin(seed: u64) -> f64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}
