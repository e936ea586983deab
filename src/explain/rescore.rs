//! Asks the same model and policy about an altered change: what a file, an edit or a smaller step makes of the answer. The
//! working copy is put back after every question. Start at [`Rescorer`].

use std::sync::Arc;

use crate::change::{Change, FileDiff, KeyChange, key_changes};
use crate::explain::grounds::Grounds;
use crate::explain::group::OutcomeOf;
use crate::features::{Extractor, Group, schema};
use crate::history::Reading;
use crate::policy::Decision;
use crate::risk::Assessment;

/// The change with something taken out or altered, scored again by the same model and history.
///
/// Holds one working copy: a part is taken out, the rest is scored, the part is put back.
pub(super) struct Rescorer<'a> {
    grounds: &'a Grounds<'a>,
    change: Change,
    keys: Vec<Vec<KeyChange>>,
    /// Positions of the vector that are not read again, because they do not speak of the diff or know
    /// of this change's own landing; only for a change that has landed.
    fixed: Vec<usize>,
    /// Margin of the whole change under the present history.
    pub(super) margin: f64,
}

/// The answer to an altered change.
pub(super) struct Reassessed {
    pub(super) assessment: Assessment,
    pub(super) decision: Decision,
}

impl<'a> Rescorer<'a> {
    pub(super) fn new(grounds: &'a Grounds<'a>) -> Self {
        let question = &grounds.question;
        let mut change = question.change.clone();
        change.committed_at = change.committed_at.max(grounds.last_t);
        let keys = question.keys.iter().map(|(_, keys)| keys.clone()).collect();
        let fixed = if grounds.ordinal.is_some() { fixed_positions() } else { Vec::new() };
        let mut rescorer = Self { grounds, change, keys, fixed, margin: 0.0 };
        rescorer.margin = rescorer.margin_now();
        rescorer
    }

    /// The files of the change.
    pub(super) fn files(&self) -> &[FileDiff] {
        &self.change.record.files
    }

    fn files_mut(&mut self) -> &mut Vec<FileDiff> {
        &mut Arc::make_mut(&mut self.change.record).files
    }

    /// The typed edits of a file.
    pub(super) fn keys(&self, file_idx: usize) -> &[KeyChange] {
        &self.keys[file_idx]
    }

    /// What a file adds: the margin with it minus the margin without it.
    pub(super) fn share_of_file(&mut self, file_idx: usize) -> f64 {
        self.margin - self.without_file(file_idx, |rescorer| rescorer.margin_now())
    }

    /// What an altered file adds over its alternative.
    pub(super) fn share_over(&mut self, file_idx: usize, alternative: FileDiff) -> f64 {
        self.margin - self.with_file(file_idx, alternative, |rescorer| rescorer.margin_now())
    }

    /// What a share of the whole multiplies the odds of its probability by.
    pub(super) fn factor_of(&self, share: f64) -> f64 {
        self.grounds.odds().factor(self.margin, share)
    }

    /// Answers something about the change without one file.
    pub(super) fn without_file<T>(&mut self, file_idx: usize, ask: impl FnOnce(&Self) -> T) -> T {
        let file_diff = self.files_mut().remove(file_idx);
        let keys = self.keys.remove(file_idx);
        let answer = ask(self);
        self.files_mut().insert(file_idx, file_diff);
        self.keys.insert(file_idx, keys);
        answer
    }

    /// Answers something about the change with nothing but one file.
    pub(super) fn only_file<T>(&mut self, file_idx: usize, ask: impl FnOnce(&Self) -> T) -> T {
        let one_file = vec![self.change.record.files[file_idx].clone()];
        let one_keys = vec![self.keys[file_idx].clone()];
        let files = std::mem::replace(self.files_mut(), one_file);
        let keys = std::mem::replace(&mut self.keys, one_keys);
        let answer = ask(self);
        *self.files_mut() = files;
        self.keys = keys;
        answer
    }

    /// Answers something about the change with one file more, of which no line is edited.
    pub(super) fn with_also<T>(&mut self, file_diff: FileDiff, ask: impl FnOnce(&Self) -> T) -> T {
        self.files_mut().push(file_diff);
        self.keys.push(Vec::new());
        let answer = ask(self);
        self.files_mut().pop();
        self.keys.pop();
        answer
    }

    /// Answers something about the change with another version of one file.
    pub(super) fn with_file<T>(
        &mut self,
        file_idx: usize,
        alternative: FileDiff,
        ask: impl FnOnce(&Self) -> T,
    ) -> T {
        let new_keys = key_changes(&alternative);
        let file_diff = std::mem::replace(&mut self.files_mut()[file_idx], alternative);
        let keys = std::mem::replace(&mut self.keys[file_idx], new_keys);
        let answer = ask(self);
        self.files_mut()[file_idx] = file_diff;
        self.keys[file_idx] = keys;
        answer
    }

    /// Assesses and decides on the change as it stands now.
    pub(super) fn reassess(&self) -> Reassessed {
        let question = &self.grounds.question;
        let (vector, tokens) = self.read();
        let assessment = self.grounds.scorer.assess(&vector, &tokens, self.grounds.margins).assessment;
        let pairs = self.files().iter().zip(&self.keys);
        let keys: Vec<(String, Vec<KeyChange>)> =
            pairs.map(|(file_diff, keys)| (file_diff.path().to_owned(), keys.clone())).collect();
        let owners = self.change.record.owners(self.grounds.owners_of);
        let decision = self.grounds.policy.decide(&crate::policy::Question {
            change: &self.change,
            keys: &keys,
            assessment: Some(&assessment),
            owners: &owners,
            ..*question
        });
        Reassessed { assessment, decision }
    }

    fn margin_now(&self) -> f64 {
        let (vector, tokens) = self.read();
        self.grounds.scorer.margin(&vector, &tokens)
    }

    fn read(&self) -> (Vec<f32>, Vec<u32>) {
        let reading = Reading {
            change: &self.change,
            classification: self.grounds.question.classification,
            keys: self.keys.clone(),
        };
        let extracted = Extractor::vector(&reading, self.grounds.history);
        let tokens = extracted.tokens();
        let mut vector = extracted.vector;
        for &idx in &self.fixed {
            if let (Some(value), Some(scored)) = (vector.get_mut(idx), self.grounds.vector.get(idx)) {
                *value = *scored;
            }
        }
        // What the caller sent stands behind this build's own values, and does not hang on the diff.
        let n_values = vector.len();
        vector.extend(self.grounds.vector.iter().skip(n_values));
        (vector, tokens)
    }
}

/// Positions of what the diff does not decide, and of what a change's own landing has marked.
fn fixed_positions() -> Vec<usize> {
    let schema = schema();
    let is_fixed = |idx: &usize| {
        let spec = schema.feature_at(*idx);
        let is_marked =
            matches!(OutcomeOf::of(spec), Some(OutcomeOf::Author | OutcomeOf::Description | OutcomeOf::Edit));
        is_marked || matches!(spec.group, Group::Context | Group::Time | Group::Message | Group::Author)
    };
    (0..schema.n_values()).filter(is_fixed).collect()
}
