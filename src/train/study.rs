//! What the ensemble loses without a part of what it knows.

use serde::Serialize;

use crate::dataset::Rows;
use crate::features::{Group, is_custom, schema};
use crate::train::Error;
use crate::train::backtest::{BacktestOptions, Protocol, Run, run, split_time};
use crate::train::report::Block;

/// Months of training rows that a learning curve tries.
const CURVE_MONTHS: [u32; 6] = [3, 6, 12, 24, 48, 96];

/// The ensemble beside variants of itself on one population.
#[derive(Clone, Debug, Serialize)]
pub struct Study {
    /// What each variant was trained on.
    pub variants: Vec<Variant>,
    /// All of them side by side; the comparisons are the ensemble's lead over each.
    #[serde(flatten)]
    pub block: Block,
}

/// The ensemble, trained on less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Variant {
    /// What it is without, or how much it has.
    pub name: String,
    /// Rows trained on.
    pub n_train: usize,
    /// Positives among them.
    pub pos_train: usize,
}

/// The ensemble without each family of features in turn: their values are unknown in training and when
/// scoring, to the prior too. Tokens count as a family.
///
/// # Errors
/// As [`backtest`](crate::train::backtest()).
pub fn ablation(rows: &Rows, more: Option<&Rows>, options: &BacktestOptions) -> Result<Study, Error> {
    let as_of = split_time(rows, options)?;
    let mut study = Collector::new(rows, run(rows, more, options, as_of)?, options);
    for family in families(rows) {
        let is_lost = |name: &str| family_of(name) == Some(family);
        let reduced = rows.blanked(is_lost, family == TOKENS);
        let reduced_more = more.map(|more| more.blanked(is_lost, family == TOKENS));
        let variant = run(&reduced, reduced_more.as_ref(), options, as_of)?;
        study.push(format!("without {family}"), variant);
    }
    study.finish()
}

/// The ensemble trained on the newest months before the split only, ever more of them. Months with too
/// few positives to train on are left out.
///
/// # Errors
/// As [`backtest`](crate::train::backtest()).
pub fn learning_curve(rows: &Rows, more: Option<&Rows>, options: &BacktestOptions) -> Result<Study, Error> {
    let as_of = split_time(rows, options)?;
    let mut study = Collector::new(rows, run(rows, more, options, as_of)?, options);
    let oldest = rows.facts().first().map_or(as_of, |row| row.committed_at);
    for months in CURVE_MONTHS.into_iter().filter(|months| i64::from(*months) * 30 * 86_400 < as_of - oldest)
    {
        let protocol = Protocol { history_months: Some(months), ..options.protocol };
        let options = BacktestOptions { protocol, ..options.clone() };
        match run(rows, more, &options, as_of) {
            Ok(variant) => study.push(format!("{months} months"), variant),
            Err(
                Error::TooFewPositives { .. }
                | Error::OneClass(_)
                | Error::Model(crate::model::Error::TooFewRows { .. }),
            ) => {}
            Err(error) => return Err(error),
        }
    }
    study.finish()
}

/// Family of what is no column.
const TOKENS: &str = "tokens";

fn families(rows: &Rows) -> Vec<&'static str> {
    let mut families: Vec<&str> = Vec::new();
    for family in rows.features().iter().filter_map(|feature| family_of(&feature.name)) {
        if !families.contains(&family) {
            families.push(family);
        }
    }
    families.push(TOKENS);
    families
}

/// The family of a column; none where the schema does not know it.
fn family_of(name: &str) -> Option<&'static str> {
    if is_custom(name) {
        return Some(Group::Custom.as_str());
    }
    let idx = schema().names().iter().position(|known| known == name)?;
    Some(schema().feature_at(idx).group.as_str())
}

/// Puts the variants' ensembles beside the first run's.
struct Collector<'a> {
    rows: &'a Rows,
    options: &'a BacktestOptions,
    run: Run,
    variants: Vec<Variant>,
}

impl<'a> Collector<'a> {
    fn new(rows: &'a Rows, mut run: Run, options: &'a BacktestOptions) -> Self {
        run.scored.truncate(1);
        Self { rows, options, run, variants: Vec::new() }
    }

    fn push(&mut self, name: String, variant: Run) {
        let (n_train, pos_train) = variant.trained_on;
        let ensemble = variant.scored.into_iter().next();
        self.run.scored.extend(ensemble.map(|ensemble| ensemble.renamed(name.clone())));
        self.variants.push(Variant { name, n_train, pos_train });
    }

    fn finish(self) -> Result<Study, Error> {
        let population = self.run.population(self.rows, self.options.seed);
        let block = population.block(|row| self.options.task.label(row))?;
        Ok(Study { variants: self.variants, block })
    }
}
