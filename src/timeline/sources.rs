//! Incidents and reported outcomes in the order in which they became known, handed out once when their moment has come.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::incident::{IncidentLink, OutcomeRecord};

/// Outcomes that do not come from the history itself, ordered by the moment they became known.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sources {
    incidents: VecDeque<IncidentLink>,
    outcomes: VecDeque<OutcomeRecord>,
}

impl Sources {
    /// Orders incident links and reported outcomes by the moment they became known.
    pub fn new(mut incidents: Vec<IncidentLink>, mut outcomes: Vec<OutcomeRecord>) -> Self {
        incidents.sort_by(|a, b| (a.known_at, &a.incident_id).cmp(&(b.known_at, &b.incident_id)));
        outcomes.sort_by_key(|outcome| outcome.known_at);
        Self { incidents: incidents.into(), outcomes: outcomes.into() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.incidents.is_empty() && self.outcomes.is_empty()
    }

    /// When the last of those known at `now` became known.
    pub fn last_known_at(&self, now: i64) -> Option<i64> {
        let incidents_at = self.incidents.iter().map(|incident| incident.known_at);
        let outcomes_at = self.outcomes.iter().map(|outcome| outcome.known_at);
        incidents_at.chain(outcomes_at).filter(|known_at| *known_at <= now).max()
    }

    /// Incident links and outcomes that did not become known yet.
    pub(super) fn len(&self) -> usize {
        self.incidents.len() + self.outcomes.len()
    }

    /// Whether anything became known by `t`.
    pub(super) fn is_due(&self, t: i64) -> bool {
        let incident_at = self.incidents.front().map(|incident| incident.known_at);
        let outcome_at = self.outcomes.front().map(|outcome| outcome.known_at);
        incident_at.into_iter().chain(outcome_at).any(|known_at| known_at <= t)
    }

    /// Takes out the incident links known at `t`.
    pub(super) fn incidents_known_at(&mut self, t: i64) -> Vec<IncidentLink> {
        let n_known = self.incidents.partition_point(|incident| incident.known_at <= t);
        self.incidents.drain(..n_known).collect()
    }

    /// Takes out the reported outcomes known at `t`.
    pub(super) fn outcomes_known_at(&mut self, t: i64) -> Vec<OutcomeRecord> {
        let n_known = self.outcomes.partition_point(|outcome| outcome.known_at <= t);
        self.outcomes.drain(..n_known).collect()
    }
}
