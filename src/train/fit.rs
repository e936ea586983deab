//! Fits the members on one set of rows and joins them into one ensemble. Which rows and which weights is the caller's
//! business. Start at [`Members::fit`].

use crate::artifact::Scoring;
use crate::model::boosted::BoostedValidParams;
use crate::model::{self, Ensemble, Input, Learner, Member, Target, TextLogistic, TextMember};
use crate::train::Error;
use crate::train::examples::{Examples, Labelled};
use crate::train::recipe::Recipe;
use crate::train::training::Prior;

/// Which columns the members read, and in which direction they may move the risk.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Layout {
    /// Columns of the logistic member.
    pub logistic: Vec<usize>,
    /// Those of them that are read on a log scale.
    pub log: Vec<bool>,
    /// Columns of the boosted member.
    pub boosted: Vec<usize>,
    /// Their directions: 1 rising, -1 falling, 0 free.
    pub monotone: Vec<i8>,
}

/// The members fitted on one set of rows.
#[derive(Clone, Debug)]
pub(super) struct Members {
    pub logistic: Member,
    pub boosted: Member,
    pub text: Option<TextLogistic>,
}

/// The prior's model in the columns of the examples.
#[derive(Clone, Debug)]
pub(super) struct PriorMembers {
    pub ensemble: Ensemble,
}

/// A row's margin by each member.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Margins {
    pub logistic: f64,
    pub boosted: f64,
    pub text: f64,
    pub prior: f64,
}

/// What each member weighs in the combination.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Weights(pub Margins);

impl Members {
    /// Fits the members.
    pub(super) fn fit(
        examples: &Examples,
        labelled: &Labelled,
        layout: &Layout,
        recipe: &Recipe,
        seed: u64,
    ) -> Result<Self, Error> {
        let target = labelled.target();
        let mut logistic_params = recipe.logistic();
        logistic_params.log_columns = layout.log.clone();
        let matrix = examples.select(&labelled.rows, &layout.logistic);
        let logistic = logistic_params.check()?.fit(&matrix, &target)?;
        let logistic = member("logistic", &layout.logistic, Learner::Logistic(logistic));
        let matrix = examples.select(&labelled.rows, &layout.boosted);
        let boosted = boosted_params(recipe, layout, seed)?;
        let boosted = if recipe.on_top {
            let margins = labelled.rows.iter().map(|&row| logistic.margin_of(&examples.row(row)));
            boosted.fit_on_top(&matrix, &target, &margins.collect::<Vec<f64>>())?
        } else {
            boosted.fit(&matrix, &target)?
        };
        Ok(Self {
            logistic,
            boosted: member("boosted", &layout.boosted, Learner::Boosted(boosted)),
            text: fit_text(examples, labelled, recipe, &target)?,
        })
    }

    pub(super) fn margins(&self, row: &[f32], tokens: &[u32], prior: Option<&PriorMembers>) -> Margins {
        Margins {
            logistic: self.logistic.margin_of(row),
            boosted: self.boosted.margin_of(row),
            text: self.text.as_ref().map_or(0.0, |text| text.margin(tokens)),
            prior: prior.map_or(0.0, |prior| prior.ensemble.margin(Input { row, tokens })),
        }
    }

    /// The members and the prior's as one non-negative combination. It has room for one that reads words: the prior's, where it
    /// has one.
    pub(super) fn combine(&self, weights: Weights, prior: Option<&Scoring>, n_features: usize) -> Ensemble {
        let Weights(weights) = weights;
        let mut members = vec![
            Member { weight: weights.logistic, ..self.logistic.clone() },
            Member { weight: weights.boosted, ..self.boosted.clone() },
        ];
        let (mut intercept, mut text) = (0.0, None);
        if let Some(prior) = prior {
            intercept = weights.prior * prior.ensemble.intercept;
            members.extend(prior.ensemble.members.iter().map(|member| Member {
                name: format!("prior_{}", member.name),
                weight: weights.prior * member.weight,
                ..member.clone()
            }));
            text = prior.ensemble.text.clone();
        }
        let of_prior = text.map(|text| TextMember { weight: weights.prior * text.weight, ..text });
        let own = self.text.clone().map(|learner| TextMember { weight: weights.text, learner });
        let text = of_prior.or(own);
        Ensemble { n_features, intercept, members, text }
    }
}

impl PriorMembers {
    /// The prior's members over other columns: `columns[i]` is where the prior's value `i` stands.
    pub(super) fn new(scoring: &Scoring, columns: &[usize], n_features: usize) -> Self {
        let moved = |member: &Member| {
            let columns = member.columns.iter().map(|&column| columns[column as usize] as u32).collect();
            Member { columns, ..member.clone() }
        };
        let members = scoring.ensemble.members.iter().map(moved).collect();
        Self { ensemble: Ensemble { n_features, members, ..scoring.ensemble.clone() } }
    }

    /// The prior's own scoring over these columns.
    pub(super) fn scoring(&self, given: &Prior) -> Scoring {
        Scoring { ensemble: self.ensemble.clone(), ..given.scoring.clone() }
    }
}

impl Weights {
    /// The weights of `(1 - share)` of what these say and `share` of what the prior says by itself, both as log-odds:
    /// Platt's lines of the two have these slopes.
    pub(super) fn averaged(self, own_slope: f64, prior_slope: f64, share: f64) -> Self {
        let Self(weights) = self;
        let own = (1.0 - share) * own_slope;
        Self(Margins {
            logistic: own * weights.logistic,
            boosted: own * weights.boosted,
            text: own * weights.text,
            prior: own * weights.prior + share * prior_slope,
        })
    }
}

impl Margins {
    /// `Σ weight · margin`.
    pub(super) fn combined(self, Weights(weights): Weights) -> f64 {
        weights.logistic * self.logistic
            + weights.boosted * self.boosted
            + weights.text * self.text
            + weights.prior * self.prior
    }
}

fn boosted_params(recipe: &Recipe, layout: &Layout, seed: u64) -> Result<BoostedValidParams, Error> {
    Ok(recipe.boosted(layout.monotone.clone(), seed).check()?)
}

/// The token member; none where no token is frequent enough to say anything.
fn fit_text(
    examples: &Examples,
    labelled: &Labelled,
    recipe: &Recipe,
    target: &Target,
) -> Result<Option<TextLogistic>, Error> {
    let rows: Vec<&[u32]> = labelled.rows.iter().map(|&row| examples.tokens(row)).collect();
    match recipe.text().check()?.fit(&rows, target) {
        Err(model::Error::Empty(_)) => Ok(None),
        fitted => Ok(Some(fitted?)),
    }
}

fn member(name: &str, columns: &[usize], learner: Learner) -> Member {
    let columns = columns.iter().map(|&column| column as u32).collect();
    Member { name: name.to_owned(), weight: 1.0, columns, learner }
}
