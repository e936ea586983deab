//! Which decisions were made on a change, under any of the names that it was asked about.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::change::ChangeId;
use crate::http::assessor::Landed;
use crate::incident::OutcomeTarget;
use crate::store::{self, Record, RecordKind, Search, Store};

/// How long after a decision the same diff still means the same change.
const DIGEST_JOIN_MS: i64 = 90 * 86_400_000;
/// Decisions that are read at once, and how often that is done for one name.
const PAGE: i64 = 1000;
const MAX_PAGES: usize = 20;

/// What a change and a decision on it have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JoinedBy {
    /// The decision was named.
    DecisionId,
    Commit,
    /// The review identity.
    Id,
    /// The commit that it was picked from.
    CherryPick,
    Digest,
}

impl JoinedBy {
    /// Its name in answers and records.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::DecisionId => "decision_id",
            Self::Commit => "commit",
            Self::Id => "id",
            Self::CherryPick => "cherry_pick",
            Self::Digest => "digest",
        }
    }
}

/// A decision, and what joined it.
pub(super) struct Joined {
    pub(super) record: Record,
    pub(super) by: JoinedBy,
}

/// The names of the change that a decision was made on, the surest first.
pub(super) fn names_of(decision: &Record) -> Vec<OutcomeTarget> {
    let columns = &decision.columns;
    let commit = columns.commit_id.clone().map(|id| OutcomeTarget::Commit(ChangeId(id)));
    let digest = columns.change_digest.clone().map(OutcomeTarget::Digest);
    let review = columns.change_id.clone().map(OutcomeTarget::Id);
    commit.into_iter().chain(digest).chain(review).collect()
}

/// A name as an outcome's record holds it.
pub(super) fn name_json(name: &OutcomeTarget) -> Value {
    match name {
        OutcomeTarget::Commit(id) => json!({ "commit": id.0 }),
        OutcomeTarget::Id(id) => json!({ "id": id }),
        OutcomeTarget::Digest(digest) => json!({ "digest": digest }),
        OutcomeTarget::Decision(id) => json!({ "decision_id": id }),
    }
}

/// The name that a record holds.
pub(super) fn name_of(json: &Value) -> Option<OutcomeTarget> {
    let text = |key: &str| json[key].as_str().map(ToOwned::to_owned);
    let commit = text("commit").map(|id| OutcomeTarget::Commit(ChangeId(id)));
    let digest = || text("digest").map(OutcomeTarget::Digest);
    let review = || text("id").map(OutcomeTarget::Id);
    commit.or_else(digest).or_else(review).or_else(|| text("decision_id").map(OutcomeTarget::Decision))
}

/// What tells better than a name which landing is meant: the commit that landed, where it is known. Picks have their original's
/// names as well, and each of these stands for itself.
pub(super) fn surer(name: &OutcomeTarget, landed: &[ChangeId]) -> Vec<OutcomeTarget> {
    match (name, landed) {
        (OutcomeTarget::Commit(_), _) => Vec::new(),
        (_, [commit]) => vec![OutcomeTarget::Commit(commit.clone())],
        _ => Vec::new(),
    }
}

/// The decisions on a change, the surest join first: by the decision's own id, the commit, the review identity, the
/// commit it was picked from, and the diff within 90 days. A landed commit brings the names that its message gives it.
pub(super) async fn decisions_on(
    store: &Store,
    (repo, names): (Option<&str>, &[OutcomeTarget]),
    (reported, landed): (Option<Record>, Option<&Landed>),
    now_ms: i64,
) -> Result<Vec<Joined>, store::Error> {
    let mut search = JoinSearch { store, repo, found: Vec::new(), ids: HashSet::new() };
    if let Some(decision) = reported {
        search.take(decision, JoinedBy::DecisionId);
    }
    for id in landed.iter().flat_map(|landed| &landed.decisions) {
        search.add_decision(id).await?;
    }
    let (mut commits, mut reviews, mut digests): (Vec<&str>, Vec<&str>, Vec<&str>) = Default::default();
    for name in names {
        match name {
            OutcomeTarget::Commit(id) => commits.push(&id.0),
            OutcomeTarget::Id(id) => reviews.push(id),
            OutcomeTarget::Digest(digest) => digests.push(digest),
            OutcomeTarget::Decision(_) => {}
        }
    }
    for commit in commits.into_iter().chain(landed.iter().flat_map(|landed| named(&landed.commits))) {
        search.add(commit, JoinedBy::Commit, i64::MIN).await?;
    }
    for id in reviews.into_iter().chain(landed.iter().flat_map(|landed| named(&landed.reviews))) {
        search.add(id, JoinedBy::Id, i64::MIN).await?;
    }
    for commit in landed.iter().flat_map(|landed| named(&landed.picked_from)) {
        search.add(commit, JoinedBy::CherryPick, i64::MIN).await?;
    }
    for digest in digests.into_iter().chain(landed.and_then(|landed| landed.digest.as_deref())) {
        search.add(digest, JoinedBy::Digest, now_ms - DIGEST_JOIN_MS).await?;
    }
    Ok(search.found)
}

fn named(names: &[String]) -> impl Iterator<Item = &str> {
    names.iter().map(String::as_str)
}

struct JoinSearch<'a> {
    store: &'a Store,
    repo: Option<&'a str>,
    found: Vec<Joined>,
    ids: HashSet<String>,
}

impl JoinSearch<'_> {
    /// Adds the decisions on a commit, review identity or digest that are younger than a moment.
    async fn add(&mut self, name: &str, by: JoinedBy, since_ms: i64) -> Result<(), store::Error> {
        let mut search = Search {
            kind: Some(RecordKind::Decision),
            repo: self.repo.map(ToOwned::to_owned),
            change: Some(name.to_owned()),
            limit: PAGE,
            ..Search::default()
        };
        for _ in 0..MAX_PAGES {
            let page = self.store.log().page(&search).await?;
            for record in page.records.into_iter().filter(|record| record.at_ms > since_ms) {
                self.take(record, by);
            }
            search.before = page.next;
            if search.before.is_none() {
                return Ok(());
            }
        }
        tracing::error!(
            by = by.as_str(),
            "a change has more decisions than are looked at: the oldest are not joined"
        );
        Ok(())
    }

    /// Adds a decision that the commit's own message names, where it was made on the same repository.
    async fn add_decision(&mut self, id: &str) -> Result<(), store::Error> {
        let record = self.store.log().record(id).await?;
        let is_meant = |record: &Record| {
            record.kind == RecordKind::Decision
                && self.repo.is_none_or(|repo| record.columns.repo.as_deref() == Some(repo))
        };
        if let Some(record) = record.filter(is_meant) {
            self.take(record, JoinedBy::DecisionId);
        }
        Ok(())
    }

    fn take(&mut self, record: Record, by: JoinedBy) {
        if self.ids.insert(record.id.clone()) {
            self.found.push(Joined { record, by });
        }
    }
}
