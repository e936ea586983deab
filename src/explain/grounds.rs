//! What one decision rested on, held together so that parts of it can be asked again, and the whole explanation made of
//! it. Start at [`Explanation::with_grounds`].

use crate::explain::alternative::alternatives;
use crate::explain::diff::diff_explanation;
use crate::explain::odds::Odds;
use crate::explain::rescore::Rescorer;
use crate::explain::similar::similar_changes;
use crate::explain::value::Explanation;
use crate::history::{Footprint, History, Reading};
use crate::policy::{Decision, Policy, Question};
use crate::scorer::{ReferenceMargins, Scorer};

/// Everything that one decision was made on, so that parts of it can be asked again.
#[derive(Clone, Copy)]
pub struct Grounds<'a> {
    /// What policy was asked: the change, its keys, its assessment and the facts around it.
    pub question: Question<'a>,
    /// What policy answered.
    pub decision: &'a Decision,
    /// The policy.
    pub policy: &'a Policy,
    /// The vector that was scored.
    pub vector: &'a [f32],
    /// The history as it stands.
    pub history: &'a History,
    /// `t` of the newest change in it; ages count from there where the change is older.
    pub last_t: i64,
    /// Position of the change in the history, where it has landed.
    pub ordinal: Option<u32>,
    /// The model.
    pub scorer: &'a Scorer,
    /// What percentiles rank against.
    pub margins: &'a ReferenceMargins,
    /// Owners of a path.
    pub owners_of: &'a dyn Fn(&str) -> Vec<String>,
    /// The paths behind hashes, in order; none for one that the repository does not hold now. The history
    /// keeps no names.
    pub paths_of: &'a dyn Fn(&[u64]) -> Vec<Option<String>>,
}

impl Grounds<'_> {
    /// What shares of the margin do to the odds.
    pub(super) fn odds(&self) -> Odds<'_> {
        Odds { calibrator: Some(&self.scorer.artifact().document().scoring.calibrator) }
    }
}

impl Explanation {
    /// The whole explanation of a change whose diff and history are at hand. Commits and titles of
    /// similar changes are left to whoever can read the repository.
    pub fn with_grounds(grounds: &Grounds<'_>) -> Self {
        let question = &grounds.question;
        let calibrator = grounds.odds().calibrator;
        let mut explanation = Self::of(question.assessment, grounds.decision, grounds.vector, calibrator);
        explanation.owners = question.owners.to_vec();
        let footprint = footprint_of(question);
        explanation.similar = Some(similar_changes(grounds, &footprint));
        if question.change.record.files.is_empty() || question.assessment.is_none() {
            return explanation;
        }
        let mut rescorer = Rescorer::new(grounds);
        let (diff, measured) = diff_explanation(grounds, &mut rescorer, &footprint);
        if diff.n_rescored < diff.n_files && diff.n_files > 1 {
            explanation.notes.push(format!(
                "the change has {} files; the {} likeliest to matter were scored again without each",
                diff.n_files, diff.n_rescored
            ));
        }
        if grounds.ordinal.is_some() {
            explanation.notes.push(
                "the change has landed: where in the diff the risk is was measured with the history of today, \
                 which also knows what came later"
                    .to_owned(),
            );
        } else {
            explanation.alternatives = alternatives(grounds, &mut rescorer, &measured);
        }
        explanation.diff = Some(diff);
        explanation
    }
}

/// By what the fold would remember the change.
fn footprint_of(question: &Question<'_>) -> Footprint {
    Footprint::of(&Reading {
        change: question.change,
        classification: question.classification,
        keys: question.keys.iter().map(|(_, keys)| keys.clone()).collect(),
    })
}
