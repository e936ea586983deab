//! The names under which an outcome stands, besides the one that it was reported under: of the commit that landed, of the diff that
//! was asked about, of the decisions that are on the change. Start at [`Said::add_names`].

use serde_json::Value;

use crate::change::ChangeId;
use crate::http::assessor::Landed;
use crate::http::joins::{Joined, JoinedBy, name_of, names_of};
use crate::http::routes::outcomes::said::{Said, outcome_kind};
use crate::incident::{OutcomeKind, OutcomeTarget};
use crate::store::{self, Record, RecordKind, Search, Store};

/// Earlier reports under one name that are looked at.
const MAX_REPORTS: i64 = 100;
/// Decisions whose names an outcome is kept under.
const MAX_DECISIONS: usize = 100;

impl Said {
    /// Adds what the commit that was named is called besides, and its full id for a short one.
    pub(super) fn add_names(&mut self, landed: &Landed) {
        let [OutcomeTarget::Commit(named), ..] = self.names.as_mut_slice() else { return };
        if let Some(id) = landed.commits.first() {
            named.0.clone_from(id);
        }
        let digest = landed.digest.clone().map(OutcomeTarget::Digest);
        self.add(digest.into_iter().chain(landed.reviews.iter().cloned().map(OutcomeTarget::Id)));
    }

    fn add(&mut self, names: impl Iterator<Item = OutcomeTarget>) {
        for name in names {
            if !self.names.contains(&name) {
                self.names.push(name);
            }
        }
    }

    /// Adds the decisions that are sure to be on this change, by which landed commits may call themselves, and what these were
    /// asked about where only the landed commit knows that it is one change. What went well tells of nothing but its name.
    /// Whoever withdraws what they said of a pick does not withdraw what was said of the original by itself.
    pub(super) async fn add_decisions(
        &mut self,
        store: &Store,
        decisions: &[Joined],
    ) -> Result<(), store::Error> {
        let withdraws = self.outcome == OutcomeKind::Retracted;
        if !self.is_bad() && !withdraws {
            return Ok(());
        }
        for Joined { record, by } in decisions.iter().take(MAX_DECISIONS) {
            let of_asked = match by {
                JoinedBy::CherryPick if withdraws && self.is_reported_by_itself(store, record).await? => {
                    continue;
                }
                JoinedBy::DecisionId | JoinedBy::CherryPick => names_of(record),
                JoinedBy::Commit | JoinedBy::Id | JoinedBy::Digest => Vec::new(),
            };
            self.add(of_asked.into_iter().chain([OutcomeTarget::Decision(record.id.clone())]));
        }
        Ok(())
    }

    /// Whether a bad report stands that named the change of a decision itself.
    async fn is_reported_by_itself(&self, store: &Store, decision: &Record) -> Result<bool, store::Error> {
        let columns = &decision.columns;
        for name in [&columns.commit_id, &columns.change_id, &columns.change_digest].into_iter().flatten() {
            if newest_outcome(store, &self.reports(name)).await?.is_some_and(OutcomeKind::is_bad) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The reports that name a change themselves.
    fn reports(&self, change: &str) -> Search {
        Search {
            kind: Some(RecordKind::Outcome),
            repo: self.repo.clone(),
            change: Some(change.to_owned()),
            limit: MAX_REPORTS,
            ..Search::default()
        }
    }

    /// Adds the diff of a change that has not landed, as it was last asked about under its name: whoever asks about the same
    /// diff under another name, or lands it, is to know. Who withdraws reports under a name withdraws what they said of diffs,
    /// but not what was said of these by themselves; what went well tells of nothing but its name.
    pub(super) async fn add_digests(
        &mut self,
        store: &Store,
        decisions: &[Joined],
    ) -> Result<(), store::Error> {
        let [OutcomeTarget::Id(name) | OutcomeTarget::Commit(ChangeId(name))] = self.names.as_slice() else {
            return Ok(());
        };
        let digests = if self.is_bad() {
            let newest = decisions.iter().map(|joined| &joined.record).max_by(|a, b| a.id.cmp(&b.id));
            newest.and_then(|record| record.columns.change_digest.clone()).into_iter().collect()
        } else if self.outcome == OutcomeKind::Retracted {
            self.marked_under(store, name).await?
        } else {
            Vec::new()
        };
        self.names.extend(digests.into_iter().map(OutcomeTarget::Digest));
        Ok(())
    }

    /// The diffs that earlier reports under a name were about, but for those of which a bad report speaks by itself.
    async fn marked_under(&self, store: &Store, name: &str) -> Result<Vec<String>, store::Error> {
        let mut marked = Vec::new();
        for record in store.log().page(&self.reports(name)).await?.records {
            let names = body(&record)["names"].as_array().cloned().unwrap_or_default();
            marked.extend(names.iter().filter_map(name_of).filter_map(|name| match name {
                OutcomeTarget::Digest(digest) => Some(digest),
                _ => None,
            }));
        }
        marked.sort_unstable();
        marked.dedup();
        let mut withdrawn = Vec::new();
        for digest in marked {
            let outcome = newest_outcome(store, &self.reports(&digest)).await?;
            if !outcome.is_some_and(OutcomeKind::is_bad) {
                withdrawn.push(digest);
            }
        }
        Ok(withdrawn)
    }
}

fn body(record: &Record) -> Value {
    serde_json::from_str(&record.body).unwrap_or_default()
}

/// What the newest of some reports says.
async fn newest_outcome(store: &Store, reports: &Search) -> Result<Option<OutcomeKind>, store::Error> {
    let records = store.log().page(reports).await?.records;
    let newest = records.iter().max_by(|a, b| a.id.cmp(&b.id));
    Ok(newest.and_then(|record| Some(outcome_kind(body(record)["outcome"].as_str()?)?.1)))
}
