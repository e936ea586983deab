//! What became known of a change before it landed, kept until it does or too long has passed.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::change::Digest;
use crate::incident::{IncidentLink, OutcomeRecord, OutcomeTarget};

/// How long a statement waits for its change to land, in seconds.
const WAIT_SECONDS: i64 = 90 * 86_400;

/// Incident links and reported outcomes that became known before their change landed: what validation `caught` is
/// reported first, and lands mended or by force. In the order in which they became known.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Early(VecDeque<Statement>);

/// What somebody said of a change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Statement {
    /// An incident was linked to it.
    Link(IncidentLink),
    /// Its outcome was reported.
    Report(OutcomeRecord),
}

impl Statement {
    /// The digest that names the change, where nothing else does.
    pub(super) fn digest(&self) -> Option<&str> {
        match self {
            Self::Report(OutcomeRecord { target: OutcomeTarget::Digest(digest), .. }) => Some(digest),
            Self::Link(incident_link) => {
                let id = incident_link.change_id.0.as_str();
                id.parse::<Digest>().is_ok().then_some(id)
            }
            Self::Report(_) => None,
        }
    }

    fn known_at(&self) -> i64 {
        match self {
            Self::Link(incident_link) => incident_link.known_at,
            Self::Report(outcome_record) => outcome_record.known_at,
        }
    }
}

impl Early {
    /// Keeps a statement whose change is unknown.
    pub(super) fn keep(&mut self, statement: Statement) {
        self.0.push_back(statement);
    }

    /// Takes out what is said of a change that landed at `t`, as `is_its` tells; forgets what waited too long.
    pub(super) fn take(&mut self, t: i64, is_its: impl Fn(&Statement) -> bool) -> Vec<Statement> {
        while self.0.front().is_some_and(|statement| statement.known_at().saturating_add(WAIT_SECONDS) < t) {
            self.0.pop_front();
        }
        if !self.0.iter().any(&is_its) {
            return Vec::new();
        }
        let (its, others): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.0).into_iter().partition(is_its);
        self.0 = others;
        its.into()
    }
}
