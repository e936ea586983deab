//! The names under which an outcome stands, besides the one that it was reported under: of the commit that landed, of the diff that
//! was asked about, of the decisions that are on the change. Start at [`Said::take_names`].

use serde_json::Value;

use crate::change::ChangeId;
use crate::http::assessor::Landed;
use crate::http::joins::{Joined, JoinedBy, name_of, names_of};
use crate::http::routes::outcomes::said::Said;
use crate::incident::{OutcomeKind, OutcomeTarget};
use crate::store::{self, Record, RecordKind, Search, Store};

/// Earlier reports under one name that are looked at.
const MAX_REPORTS: i64 = 100;
/// Decisions whose names an outcome is kept under.
const MAX_DECISIONS: usize = 100;

impl Said {
    /// Adds every name of the change, by what landed of it and by the decisions on it.
    pub(super) async fn take_names(
        &mut self,
        store: &Store,
        landed: Option<Landed>,
        decisions: &[Joined],
    ) -> Result<(), store::Error> {
        let is_by_digest = self.is_by_digest();
        // A diff that is bad is bad wherever it is asked about, until that is taken back; where it went well tells of there alone.
        let is_anywhere = is_by_digest && (self.is_bad() || self.outcome == OutcomeKind::Retracted);
        if !is_anywhere && self.repo.is_none() {
            self.repo = decisions.first().and_then(|joined| joined.record.columns.repo.clone());
        }
        match landed {
            // A diff may land more than once.
            Some(_) if is_by_digest => {}
            Some(landed) => self.add_names(store, landed).await?,
            None => self.add_digests(store, decisions).await?,
        }
        self.add_decisions(store, decisions).await
    }

    fn is_by_digest(&self) -> bool {
        self.decision_id.is_none() && matches!(self.names.first(), Some(OutcomeTarget::Digest(_)))
    }

    /// Adds what landed, and what that is called besides; a commit that was named gets its full id.
    async fn add_names(&mut self, store: &Store, landed: Landed) -> Result<(), store::Error> {
        if let [OutcomeTarget::Commit(named), ..] = self.names.as_mut_slice()
            && let Some(id) = landed.commits.iter().find(|id| id.starts_with(&named.0))
        {
            named.0.clone_from(id);
        }
        self.landed_digest = landed.digest.clone().filter(|_| landed.changes.len() == 1);
        self.add(landed.changes.iter().cloned().map(OutcomeTarget::Commit));
        self.landed = landed.changes;
        let digest = landed.digest.map(OutcomeTarget::Digest);
        for name in digest.into_iter().chain(landed.reviews.into_iter().map(OutcomeTarget::Id)) {
            if self.outcome != OutcomeKind::Retracted || !self.is_reported_elsewhere(store, &name).await? {
                self.add([name].into_iter());
            }
        }
        Ok(())
    }

    /// Without a repository nothing but diffs and decisions is named: the ids of reviews and commits are those of one.
    fn add(&mut self, names: impl Iterator<Item = OutcomeTarget>) {
        for name in names {
            let is_of_repo = matches!(name, OutcomeTarget::Commit(_) | OutcomeTarget::Id(_));
            let may_be_named = !is_of_repo || self.repo.is_some();
            if may_be_named && !self.names.contains(&name) {
                self.names.push(name);
            }
        }
    }

    /// Adds the decisions that are sure to be on this change, by which landed commits may call themselves, and what these were
    /// asked about where only the landed commit knows that it is one change. What went well tells of nothing but its name.
    /// Whoever withdraws what they said withdraws it under every name that it got, but not what was said of another change with
    /// such a name by itself: of a pick, what was said of the original.
    async fn add_decisions(&mut self, store: &Store, decisions: &[Joined]) -> Result<(), store::Error> {
        let withdraws = self.outcome == OutcomeKind::Retracted;
        if !self.is_bad() && !withdraws {
            return Ok(());
        }
        let reported = self.names.clone();
        // Of a diff alone it is not said which of its landings the decisions on commits are of.
        let withdraws_all = withdraws && !self.is_by_digest();
        for Joined { record, by } in decisions.iter().take(MAX_DECISIONS) {
            let of_asked = match by {
                _ if withdraws && self.is_reported_by_itself(store, record, &reported).await? => continue,
                JoinedBy::DecisionId | JoinedBy::CherryPick => names_of(record),
                JoinedBy::Commit | JoinedBy::Id if withdraws_all => names_of(record),
                JoinedBy::Commit | JoinedBy::Id | JoinedBy::Digest => Vec::new(),
            };
            self.add(of_asked.into_iter().chain([OutcomeTarget::Decision(record.id.clone())]));
        }
        Ok(())
    }

    /// Whether a bad report stands that named the change of a decision by another name than some.
    async fn is_reported_by_itself(
        &self,
        store: &Store,
        decision: &Record,
        but_for: &[OutcomeTarget],
    ) -> Result<bool, store::Error> {
        for name in names_of(decision).into_iter().filter(|name| !but_for.contains(name)) {
            if self.is_reported_elsewhere(store, &name).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a bad report stands that named something by this name, and is not about the same landing.
    async fn is_reported_elsewhere(&self, store: &Store, name: &OutcomeTarget) -> Result<bool, store::Error> {
        let standing = self.standing(store, name).await?;
        Ok(standing.is_some_and(|report| is_bad(&report) && !self.is_on_same_landing(&report)))
    }

    /// Whether an earlier report is about the same landing as this one.
    fn is_on_same_landing(&self, report: &Record) -> bool {
        let body = body(report);
        let landed = body["landed"].as_array().into_iter().flatten().filter_map(Value::as_str);
        !self.landed.is_empty() && landed.eq(self.landed.iter().map(|id| id.0.as_str()))
    }

    /// The report under a name that counts: of those that name it themselves the one known last, whatever came first.
    async fn standing(&self, store: &Store, name: &OutcomeTarget) -> Result<Option<Record>, store::Error> {
        let reports = self.reports(store, name).await?;
        Ok(reports.into_iter().max_by_key(|report| (known_at(report), report.first_id())))
    }

    /// The reports that name a change themselves.
    async fn reports(&self, store: &Store, name: &OutcomeTarget) -> Result<Vec<Record>, store::Error> {
        let (OutcomeTarget::Commit(ChangeId(change))
        | OutcomeTarget::Id(change)
        | OutcomeTarget::Digest(change)) = name
        else {
            return Ok(Vec::new());
        };
        let search = Search {
            kind: Some(RecordKind::Outcome),
            repo: self.repo.clone(),
            change: Some(change.clone()),
            limit: MAX_REPORTS,
            ..Search::default()
        };
        Ok(store.log().page(&search).await?.records)
    }

    /// Adds the diff of a change that has not landed, as it was last asked about under its name: whoever asks about the same
    /// diff under another name, or lands it, is to know. Who withdraws reports under a name withdraws what they said of diffs,
    /// but not what was said of these by themselves; what went well tells of nothing but its name.
    async fn add_digests(&mut self, store: &Store, decisions: &[Joined]) -> Result<(), store::Error> {
        let [name @ (OutcomeTarget::Id(_) | OutcomeTarget::Commit(_))] = self.names.as_slice() else {
            return Ok(());
        };
        let digests = if self.is_bad() {
            let newest = decisions.iter().map(|joined| &joined.record).max_by(|a, b| a.id.cmp(&b.id));
            let digest = newest.and_then(|record| record.columns.change_digest.clone());
            digest.into_iter().map(OutcomeTarget::Digest).collect()
        } else if self.outcome == OutcomeKind::Retracted {
            self.marked_under(store, name).await?
        } else {
            Vec::new()
        };
        self.names.extend(digests);
        Ok(())
    }

    /// The diffs that earlier reports under a name were about, but for those of which a bad report speaks by itself.
    async fn marked_under(
        &self,
        store: &Store,
        name: &OutcomeTarget,
    ) -> Result<Vec<OutcomeTarget>, store::Error> {
        let mut marked: Vec<OutcomeTarget> = Vec::new();
        for report in self.reports(store, name).await? {
            let names = body(&report)["names"].as_array().cloned().unwrap_or_default();
            for name in names.iter().filter_map(name_of) {
                if matches!(name, OutcomeTarget::Digest(_)) && !marked.contains(&name) {
                    marked.push(name);
                }
            }
        }
        let mut withdrawn = Vec::new();
        for digest in marked {
            if !self.standing(store, &digest).await?.is_some_and(|report| is_bad(&report)) {
                withdrawn.push(digest);
            }
        }
        Ok(withdrawn)
    }
}

fn body(report: &Record) -> Value {
    serde_json::from_str(&report.body).unwrap_or_default()
}

/// When it became known.
fn known_at(report: &Record) -> Option<jiff::Timestamp> {
    body(report)["known_at"].as_str()?.parse().ok()
}

fn is_bad(report: &Record) -> bool {
    body(report)["outcome"].as_str().and_then(OutcomeKind::of).is_some_and(OutcomeKind::is_bad)
}
