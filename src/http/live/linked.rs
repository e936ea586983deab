//! Changes that incident links name and no followed history holds: proposals, and what a rewritten history dropped. Start at
//! [`Linked`].

use std::collections::HashMap;

use crate::change::{ChangeId, digest};
use crate::git::Repository;
use crate::http::live::incidents::Links;
use crate::incident::{IncidentLink, OutcomeTarget};
use crate::policy::{KnownBad, KnownOutcome};
use crate::timeline::Timeline;

/// Dropped commits that are read for their diffs.
const MAX_READ: usize = 200;

/// The incident links of a history as it stands.
pub(super) struct Linked {
    /// Tells the links from any others.
    pub(super) digest: u64,
    /// What is known under a name, and since when, in Unix seconds.
    known: HashMap<OutcomeTarget, (i64, KnownBad)>,
}

impl Linked {
    /// The names of what the links are about, as far as the history does not hold it. Of a dropped commit that can still be read,
    /// the diff counts as well.
    pub(super) fn of(links: &Links, timeline: &Timeline, repository: &Repository) -> Self {
        let mut known = HashMap::new();
        let mut n_read = 0;
        for link in &links.0 {
            let target = target(link);
            if timeline.named(&target).is_some() {
                continue;
            }
            let by_diff = match &target {
                OutcomeTarget::Commit(id) if n_read < MAX_READ => {
                    n_read += 1;
                    names_of_dropped(repository, id)
                }
                _ => Vec::new(),
            };
            for name in by_diff.into_iter().chain([target]) {
                let bad = bad(link);
                let first = known.entry(name).or_insert((link.known_at, bad));
                if link.known_at < first.0 {
                    *first = (link.known_at, bad);
                }
            }
        }
        Self { digest: links.digest(), known }
    }

    /// What was known at a moment of a change with a name.
    pub(super) fn known_bad(&self, name: &OutcomeTarget, at: i64) -> Option<KnownBad> {
        let (known_at, bad) = self.known.get(name)?;
        (*known_at <= at).then_some(*bad)
    }

    /// Whether nothing is known of any.
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

fn bad(link: &IncidentLink) -> KnownBad {
    KnownBad { outcome: KnownOutcome::Incident, occurred_at: link.started_at.unwrap_or(link.known_at) }
}

fn target(link: &IncidentLink) -> OutcomeTarget {
    let id = &link.change_id.0;
    if id.parse::<crate::change::Digest>().is_ok() {
        return OutcomeTarget::Digest(id.clone());
    }
    ChangeId::of_commit(id).map_or_else(|| OutcomeTarget::Id(id.clone()), OutcomeTarget::Commit)
}

/// The full id and the diff of a commit that is no change of the history.
fn names_of_dropped(repository: &Repository, id: &ChangeId) -> Vec<OutcomeTarget> {
    let Ok(id) = repository.resolve(&id.0) else { return Vec::new() };
    let change = repository.change(&id, crate::git::Unit::Commit).ok();
    let by_lines = change.filter(|change| change.record.is_told_by_lines());
    let by_diff = by_lines.map(|change| OutcomeTarget::Digest(digest(&change.record).to_string()));
    by_diff.into_iter().chain([OutcomeTarget::Commit(id)]).collect()
}
