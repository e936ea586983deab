//! What ships where a history is too small to carry a model of its own: the prior, and a note that says so.

use crate::artifact::Guard;
use crate::train::Error;
use crate::train::examples::{Examples, Labelled};
use crate::train::recipe::Recipe;
use crate::train::training::{MIN_POSITIVES, Prior, Trained, prior_columns};

/// Why local rows cannot carry members of their own; none where they can.
pub(super) fn too_small(labelled: &Labelled, recipe: &Recipe) -> Option<String> {
    let (n_rows, n_positive) = (labelled.rows.len(), labelled.n_positive());
    let least = least_rows(recipe);
    if n_positive < MIN_POSITIVES {
        return Some(format!(
            "{n_positive} positives among {n_rows} labelled changes, {MIN_POSITIVES} are needed"
        ));
    }
    (n_rows < least).then(|| format!("{n_rows} labelled changes, {least} are needed"))
}

/// Rows below which the boosted member cannot grow one split.
pub(super) fn least_rows(recipe: &Recipe) -> usize {
    2 * recipe.min_leaf_rows
}

/// The prior as it is. Its calibration and ranks stay its own: so few labels would move them by chance.
pub(super) fn prior_alone(
    prior: &Prior,
    examples: &Examples,
    labelled: &Labelled,
    why: &str,
) -> Result<Trained, Error> {
    let mut trained = Trained::of_prior(prior, examples)?;
    for member in &mut trained.scoring.ensemble.members {
        member.name = format!("prior_{}", member.name);
    }
    (trained.n_rows, trained.n_positive) = (labelled.rows.len(), labelled.n_positive());
    let name = &prior.reference.name;
    trained.notes.push(format!(
        "Too little history for a model of its own ({why}): this is the prior `{name}` alone, with its own calibration."
    ));
    Ok(trained)
}

/// The prior's own bounds in the columns of the examples: a handful of rows knows no usual range.
pub(super) fn prior_guard(prior: &Prior, examples: &Examples) -> Result<Guard, Error> {
    let guard = &prior.artifact.document().guard;
    let mut ranges = vec![(f32::MIN, f32::MAX); examples.names.len()];
    for (range, column) in guard.ranges.iter().zip(prior_columns(prior, examples)?) {
        ranges[column] = *range;
    }
    Ok(Guard { ranges, max_outside: guard.max_outside })
}
