//! The margins that a repository's newest changes had, against which a new one is ranked; kept up with the history.

use std::sync::Arc;

use crate::artifact::Artifact;
use crate::http::live::repository::{LiveRepository, Position, State};
use crate::scorer::{ReferenceMargins, Scorer};

/// The margins of a repository's newest changes, as far as they were taken in.
pub(super) struct Ranked {
    margins: Arc<ReferenceMargins>,
    at: Position,
    /// The newest change of this repository that the model was trained on, in Unix seconds: its own rows rank too kindly.
    trained_until: i64,
}

impl Ranked {
    /// Nothing ranked yet; begins after what the model was trained on, and never before the newest thousand. Without a scorer
    /// nothing ever is.
    pub(super) fn new(artifact: &Artifact, scorer: Option<&Scorer>, repository: &LiveRepository) -> Self {
        let state = repository.state();
        let sources = artifact.document().sources.iter();
        let trained_on = sources.filter(|source| source.root == repository.root);
        let mut ranked = Self {
            margins: Arc::default(),
            at: state.position().newest(ReferenceMargins::SIZE),
            trained_until: trained_on.map(|source| source.to).max().unwrap_or(i64::MIN),
        };
        ranked.catch_up(scorer, repository, &state);
        ranked
    }

    /// Whether all rows up to a position were taken in.
    pub(super) fn is_at(&self, position: Position) -> bool {
        self.at == position
    }

    /// The margins, with those of rows that came since.
    pub(super) fn up_to_date(
        &mut self,
        scorer: Option<&Scorer>,
        repository: &LiveRepository,
        state: &State,
    ) -> Arc<ReferenceMargins> {
        self.catch_up(scorer, repository, state);
        Arc::clone(&self.margins)
    }

    fn catch_up(&mut self, scorer: Option<&Scorer>, repository: &LiveRepository, state: &State) {
        let position = state.position();
        if position.fold != self.at.fold {
            // The history may have been rewritten.
            self.margins = Arc::default();
            self.at = position.newest(ReferenceMargins::SIZE);
        }
        let Some(scorer) = scorer else { return };
        let Ok(rows) = repository.rows(state, self.at.n_rows, position.n_rows - self.at.n_rows) else {
            return;
        };
        for row in rows.iter().filter(|row| row.committed_at > self.trained_until) {
            let margin = scorer.margin(&row.vector, &row.tokens);
            Arc::make_mut(&mut self.margins).push(row.committed_at, margin);
        }
        self.at = position;
    }
}
