use crate::train::Error;
use crate::train::examples::{Examples, Labelled};
use crate::train::fit::{Layout, Margins, Members, PriorMembers};
use crate::train::recipe::Recipe;

/// Shares of the labelled rows, oldest first, after which a fold begins; each fold is predicted by
/// members fitted on everything before it.
const FOLD_STARTS: [f64; 4] = [0.4, 0.55, 0.7, 0.85];
/// Positives needed before a fold.
const MIN_POSITIVES: usize = 10;

/// Margins of rows by members that had not seen them, nor anything later.
#[derive(Clone, Debug, Default)]
pub(super) struct OutOfSample {
    /// Positions in the examples, in time order.
    pub rows: Vec<usize>,
    /// Their margins.
    pub margins: Vec<Margins>,
}

/// Predicts the newer part of the training rows, fold after fold, by members fitted on what lies
/// before each fold. All rows of the examples are predicted, labelled or not, up to `end`.
pub(super) fn forward_chain(
    examples: &Examples,
    labelled: &Labelled,
    layout: &Layout,
    recipe: &Recipe,
    prior: Option<&PriorMembers>,
    seed: u64,
) -> Result<OutOfSample, Error> {
    let mut out = OutOfSample::default();
    let n = labelled.rows.len();
    for (fold_idx, start_share) in FOLD_STARTS.iter().enumerate() {
        let start = (n as f64 * start_share) as usize;
        let end = FOLD_STARTS.get(fold_idx + 1).map_or(n, |share| (n as f64 * share) as usize);
        let before = labelled.head(start);
        if before.n_positive() < MIN_POSITIVES || before.n_positive() == before.rows.len() || start >= end {
            continue;
        }
        let members = Members::fit(examples, &before, layout, recipe, seed)?;
        for row in labelled.rows[start]..=labelled.rows[end - 1] {
            out.rows.push(row);
            out.margins.push(members.margins(&examples.row(row), examples.tokens(row), prior));
        }
    }
    Ok(out)
}
