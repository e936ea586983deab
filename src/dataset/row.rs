//! Mined rows in memory: facts, tokens and one vector a feature, all in the order of time. Rows are put in by
//! [`RowsBuilder`] alone, which holds them to one schema. Start at [`Rows`].

use serde::{Deserialize, Serialize};

use super::Error;
use crate::change::ChangeId;
use crate::features::is_custom;
use crate::label::{ChangeKind, LabelSource};

/// What is known about one change beside its features and tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Name of the repository.
    pub repo: String,
    /// Its root commit, which tells the same history under two names.
    pub root: String,
    /// `commit` or `landing`.
    pub unit: String,
    /// The full commit id.
    pub change_id: ChangeId,
    /// Digest of the canonical diff, as printed.
    pub digest: String,
    /// `t` of the fold, in Unix seconds; never decreases inside a repository.
    pub committed_at: i64,
    /// Keyed hash of the author.
    pub author: String,
    /// Whether the author is a bot.
    pub bot: bool,
    /// What kind of change it is, as the curator of labels sees it.
    pub kind: ChangeKind,
    /// Whether undoing it was the plan.
    pub planned: bool,
    /// When it was undone or caused an incident.
    pub outcome_at: Option<i64>,
    /// Any revert or incident; none while it is not known.
    pub label_raw: Option<bool>,
    /// An unplanned revert within the horizon, or an incident; none while it is not known.
    pub label_strict: Option<bool>,
    /// Whether the strict task keeps this row.
    pub in_strict: bool,
    /// Where the label came from; none for a negative.
    pub label_source: Option<LabelSource>,
    /// When the label became known.
    pub label_known_at: Option<i64>,
    /// Severity of the incident, as its record gives it.
    pub severity: Option<String>,
    /// Lines added plus lines deleted.
    pub effort: u64,
    /// Hash of the subject's template: what it says without names and numbers.
    pub template: u64,
    /// Whether the change's own wording says that it will be undone.
    pub planned_wording: bool,
    /// Everything that became known about it, in the order in which it did.
    pub outcomes: Vec<RowOutcome>,
    /// When a later change reverted it, planned or not.
    pub reverted_at: Option<i64>,
    /// Whether it is itself a revert.
    pub is_revert: bool,
    /// Files touched; zero is a change without a diff.
    pub n_files: u32,
}

/// What became known about a change at one moment; which of several decides depends on the moment that one asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowOutcome {
    /// Where it came from.
    pub source: LabelSource,
    /// When it became known, in Unix seconds.
    pub known_at: i64,
    /// Whether it speaks against the change.
    pub positive: bool,
    /// Whether undoing the change was the plan, by what was known at that moment.
    pub planned: bool,
    /// Whether it only withdraws what was reported before.
    pub retracts: bool,
}

/// A feature's values over all rows.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureColumn {
    /// Machine name.
    pub name: String,
    /// Raised when the meaning of the name changes.
    pub revision: u32,
    /// One value a row; NaN is unknown.
    pub values: Vec<f32>,
}

/// What a file of rows says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The moment that no fact in the rows crosses, in Unix seconds.
    pub mined_at: i64,
    /// Full id of the newest commit that was folded.
    pub head: String,
}

/// Changes in time order: facts by row, features by column, tokens in one flat list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    pub(super) facts: Vec<Row>,
    pub(super) features: Vec<FeatureColumn>,
    pub(super) token_ends: Vec<usize>,
    pub(super) token_values: Vec<u32>,
    /// One moment a row, in Unix seconds, from which on nothing is known of it; `i64::MAX` where there is none.
    pub(super) known_until: Vec<i64>,
}

/// Collects rows one by one while history is folded.
#[derive(Clone, Debug, Default)]
pub struct RowsBuilder {
    rows: Rows,
}

impl RowsBuilder {
    /// Starts with the features' names and revisions, in the order of the vectors to come.
    pub fn new<'a>(features: impl IntoIterator<Item = (&'a str, u32)>) -> Self {
        let column = |(name, revision): (&str, u32)| FeatureColumn {
            name: name.to_owned(),
            revision,
            values: Vec::new(),
        };
        let features = features.into_iter().map(column).collect();
        Self { rows: Rows { features, ..Rows::default() } }
    }

    /// Adds the next change.
    ///
    /// # Errors
    /// When the vector does not have one value a feature.
    pub fn push(&mut self, row: Row, tokens: &[u32], vector: &[f32]) -> Result<(), Error> {
        let rows = &mut self.rows;
        if vector.len() != rows.features.len() {
            return Err(Error::VectorLength { expected: rows.features.len(), found: vector.len() });
        }
        for (feature, value) in rows.features.iter_mut().zip(vector) {
            feature.values.push(*value);
        }
        rows.facts.push(row);
        rows.known_until.push(i64::MAX);
        rows.push_tokens(tokens);
        Ok(())
    }

    /// Number of rows so far.
    pub fn n_rows(&self) -> usize {
        self.rows.n_rows()
    }

    /// The facts of the rows so far, to be completed: labels are known only when the fold ends.
    pub fn facts_mut(&mut self) -> &mut [Row] {
        &mut self.rows.facts
    }

    /// The finished rows.
    pub fn finish(self) -> Rows {
        self.rows
    }
}

impl Rows {
    /// Number of changes.
    pub fn n_rows(&self) -> usize {
        self.facts.len()
    }

    /// The facts, one a change.
    pub fn facts(&self) -> &[Row] {
        &self.facts
    }

    /// The features, one column each.
    pub fn features(&self) -> &[FeatureColumn] {
        &self.features
    }

    /// The column of a feature.
    pub fn feature(&self, name: &str) -> Option<&FeatureColumn> {
        self.features.iter().find(|feature| feature.name == name)
    }

    /// The token hashes of a change; none for a row that does not exist.
    pub fn tokens(&self, row_idx: usize) -> &[u32] {
        let end = self.token_ends.get(row_idx).copied().unwrap_or(0);
        let start =
            row_idx.checked_sub(1).and_then(|before| self.token_ends.get(before)).copied().unwrap_or(0);
        self.token_values.get(start..end).unwrap_or(&[])
    }

    /// Says that nothing is known of these rows from a moment on, in Unix seconds: whoever asks for a later one, beside rows that
    /// were mined later, is told what was known then.
    pub fn hold_to(&mut self, moment: i64) {
        self.known_until.iter_mut().for_each(|known_until| *known_until = moment.min(*known_until));
    }

    /// The feature vector of a change, in the order of [`Rows::features`].
    pub fn vector(&self, row_idx: usize) -> Vec<f32> {
        self.features.iter().map(|feature| feature.values.get(row_idx).copied().unwrap_or(f32::NAN)).collect()
    }

    /// The rows at these positions, in this order; positions that do not exist are passed over.
    pub fn select(&self, row_idxs: &[usize]) -> Self {
        let row_idxs: Vec<usize> = row_idxs.iter().copied().filter(|idx| *idx < self.n_rows()).collect();
        let column = |feature: &FeatureColumn| FeatureColumn {
            values: row_idxs.iter().map(|idx| feature.values[*idx]).collect(),
            ..FeatureColumn { name: feature.name.clone(), revision: feature.revision, values: Vec::new() }
        };
        let mut selected = Self {
            facts: row_idxs.iter().map(|idx| self.facts[*idx].clone()).collect(),
            features: self.features.iter().map(column).collect(),
            known_until: row_idxs.iter().map(|idx| self.known_until[*idx]).collect(),
            ..Self::default()
        };
        row_idxs.iter().for_each(|idx| selected.push_tokens(self.tokens(*idx)));
        selected
    }

    /// The same rows with every value of some features unknown, and without tokens where asked.
    pub fn blanked(&self, is_lost: impl Fn(&str) -> bool, tokens: bool) -> Self {
        let mut blanked = self.clone();
        for feature in blanked.features.iter_mut().filter(|feature| is_lost(&feature.name)) {
            feature.values.fill(f32::NAN);
        }
        if tokens {
            blanked.token_values.clear();
            blanked.token_ends.fill(0);
        }
        blanked
    }

    /// Puts other rows behind these. A custom feature that only one side has is unknown on the other.
    ///
    /// # Errors
    /// When the features are not the same, by name, revision and order.
    pub fn append(&mut self, other: &Self) -> Result<(), Error> {
        self.check_same_features(other)?;
        self.add_custom_features(other);
        let n_rows = self.n_rows() + other.n_rows();
        for feature in &mut self.features {
            match other.feature(&feature.name) {
                Some(more) => feature.values.extend_from_slice(&more.values),
                None => feature.values.resize(n_rows, f32::NAN),
            }
        }
        self.facts.extend_from_slice(&other.facts);
        self.known_until.extend_from_slice(&other.known_until);
        (0..other.n_rows()).for_each(|idx| self.push_tokens(other.tokens(idx)));
        Ok(())
    }

    /// Name of the repository of the first row.
    fn repo(&self) -> String {
        self.facts.first().map_or_else(|| "no rows".to_owned(), |row| row.repo.clone())
    }

    fn push_tokens(&mut self, tokens: &[u32]) {
        self.token_values.extend_from_slice(tokens);
        self.token_ends.push(self.token_values.len());
    }

    /// Whether other rows have the same features, custom ones aside.
    ///
    /// # Errors
    /// When they are not the same, by name, revision and order.
    pub fn check_same_features(&self, other: &Self) -> Result<(), Error> {
        let built_in = |rows: &Self| {
            let features = rows.features.iter().filter(|feature| !is_custom(&feature.name));
            features.map(|feature| (feature.name.clone(), feature.revision)).collect::<Vec<_>>()
        };
        let (ours, theirs) = (built_in(self), built_in(other));
        for idx in 0..ours.len().max(theirs.len()) {
            let (left, right) = (ours.get(idx).cloned(), theirs.get(idx).cloned());
            if left != right {
                let (feature, revision) = left.or(right).unwrap_or_default();
                let feature = format!("{feature} (revision {revision})");
                return Err(Error::Features { left: self.repo(), right: other.repo(), feature });
            }
        }
        Ok(())
    }
}
