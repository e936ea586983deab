//! Reported outcomes as the log holds them: those of earlier runs at a start, and those that other replicas are told
//! while the service runs.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;

use crate::change::ChangeId;
use crate::http::joins::{Joined, decisions_on, name_of, names_of, surer};
use crate::http::revoke::revocations;
use crate::http::service::Service;
use crate::incident::{OUTCOME_KEYS, OutcomeRecord, OutcomeTarget, parse_outcomes};
use crate::policy::ReasonCode;
use crate::store::{self, Record, RecordKind, Search, Store, id_at};

/// How far back is read again: a record may get its place after one with a younger id, and clocks differ between replicas.
const OVERLAP_MS: i64 = 15 * 60_000;
/// How old a decision is at most that is taken back for what another replica was told.
const TAKEN_BACK_MS: i64 = 15 * 60_000;
/// Reports that decisions are still to be taken back for, at most.
const MAX_OPEN: usize = 10_000;
const PAGE: i64 = 500;
/// Longest wait for a database that hangs.
const READ_TIME: Duration = Duration::from_secs(10);

/// Reads the outcomes of a log, each once.
#[derive(Default)]
pub(super) struct Reported {
    /// When they were read last, in Unix milliseconds; none before the first time.
    read_ms: Option<i64>,
    /// Ids of those that will be read again.
    seen: BTreeSet<String>,
    /// Bad ones that decisions are still to be taken back for: those of the last minutes before a start, and those of which
    /// that failed.
    open: VecDeque<Open>,
}

/// A bad outcome that decisions are still to be taken back for.
struct Open {
    said: OutcomeRecord,
    /// When it was heard here, or of one that was there at a start, said; in Unix milliseconds. What is decided from then on knows of it.
    heard_ms: i64,
}

/// What one reading found.
#[derive(Default)]
struct Found {
    /// With the id of the record that said each first, and the moment of the one that was read: of two that speak of the same moment,
    /// the later one counts.
    outcomes: Vec<(String, i64, OutcomeRecord)>,
    seen: BTreeSet<String>,
    n_unproved: usize,
    n_nameless: usize,
}

impl Reported {
    /// All outcomes at first, and then those that other chains hold since: what this process is told it knows already. `heard_ms` is
    /// the present by the clock that decisions are dated by.
    ///
    /// # Errors
    /// When the database fails; the next time begins where this one did.
    pub(super) async fn read(
        &mut self,
        store: &Store,
        heard_ms: i64,
    ) -> Result<Vec<OutcomeRecord>, store::Error> {
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let since = self.read_ms.map(|read_ms| id_at(read_ms - OVERLAP_MS)).unwrap_or_default();
        let mut found = Found::default();
        let mut after = Some(since);
        while after.is_some() {
            let search = Search { kind: Some(RecordKind::Outcome), after, limit: PAGE, ..Search::default() };
            let page = store.log().page(&search).await?;
            for record in page.records.iter().filter(|record| self.is_news(store, record)) {
                found.take(store, record).await?;
            }
            after = page.next;
        }
        found.tell();
        self.seen.append(&mut found.seen);
        self.seen = self.seen.split_off(&id_at(now_ms - OVERLAP_MS));
        found.outcomes.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        for (_, at_ms, said) in &found.outcomes {
            match self.read_ms {
                Some(_) => self.note_open(said, heard_ms),
                // What is old at a start was heard before.
                None if *at_ms > heard_ms - TAKEN_BACK_MS => self.note_open(said, *at_ms),
                None => {}
            }
        }
        self.read_ms = Some(now_ms);
        Ok(found.outcomes.into_iter().map(|(.., outcome_record)| outcome_record).collect())
    }

    /// Decisions are to be taken back for a bad report, and not for one that was itself withdrawn or contradicted. A decision's own
    /// name is that of no other.
    fn note_open(&mut self, said: &OutcomeRecord, heard_ms: i64) {
        if !said.outcome.is_bad() {
            self.open.retain(|Open { said: earlier, .. }| {
                earlier.target != said.target || earlier.repo != said.repo
            });
        } else if !matches!(said.target, OutcomeTarget::Decision(_)) {
            if self.open.len() == MAX_OPEN {
                tracing::error!(named = ?said.target, "no decisions are taken back for a report: too many wait for that");
                return;
            }
            self.open.push_back(Open { said: said.clone(), heard_ms });
        }
    }

    fn is_news(&self, store: &Store, record: &Record) -> bool {
        // What pruning wrote once more was read when it came.
        let is_repeated = || record.first_id() != record.id;
        let is_told = self.read_ms.is_some() && (record.chain == store.chain() || is_repeated());
        !is_told && !self.seen.contains(&record.id)
    }
}

impl Found {
    /// One that cannot be understood, or that no replica of this installation wrote, is counted and passed over: it could
    /// clear the name of a bad change.
    async fn take(&mut self, store: &Store, record: &Record) -> Result<(), store::Error> {
        self.seen.insert(record.id.clone());
        if !store.log().wrote(record) {
            self.n_unproved += 1;
            return Ok(());
        }
        let Ok(parsed) = parse_outcomes(line(&record.body).as_bytes()) else {
            self.n_nameless += 1;
            return Ok(());
        };
        for outcome_record in parsed {
            // What pruning wrote once more was heard when it came.
            let said_ms = if record.first_id() == record.id { record.at_ms } else { i64::MIN };
            let under_names = under_each_name(store, record, outcome_record).await?;
            self.outcomes.extend(under_names.into_iter().map(|named| (record.first_id(), said_ms, named)));
        }
        Ok(())
    }

    fn tell(&self) {
        let (n_unproved, n_nameless) = (self.n_unproved, self.n_nameless);
        if n_unproved > 0 {
            tracing::error!(
                n_unproved,
                "reported outcomes were not written with this key, or changed since, and are passed over: what they \
                 said against a change is not known any more; see `diffrisk decisions verify`"
            );
        }
        if n_nameless > 0 {
            tracing::warn!(n_nameless, "reported outcomes that name no change are passed over");
        }
    }
}

/// Takes in what other replicas were told since the last look.
pub(super) async fn take_reported(service: &Service) {
    let Some(store) = service.open_store().filter(|_| !service.is_store_away()) else { return };
    let mut reported = service.reported.lock().await;
    let outcomes = match tokio::time::timeout(READ_TIME, reported.read(store, service.now_ms())).await {
        Ok(Ok(outcomes)) if outcomes.is_empty() && reported.open.is_empty() => return,
        Ok(Ok(outcomes)) => outcomes,
        Ok(Err(error)) => {
            return tracing::warn!(error = %error, "what other replicas were told cannot be read");
        }
        Err(_) => return tracing::warn!("what other replicas were told cannot be read in time"),
    };
    take_in(service, outcomes).await;
    if reported.open.is_empty() {
        return;
    }
    service.asking.earlier_within(READ_TIME).await;
    while let Some(open) = reported.open.front() {
        if let Err(error) = take_back(service, store, open).await {
            tracing::error!(error = %error, "what was decided before a report was known is still to be taken back");
            // The next time begins with another one: whatever this one's trouble is, the rest need not share it.
            reported.open.rotate_left(1);
            return;
        }
        reported.open.pop_front();
    }
}

/// Tells the histories. What is said here without a moment is known no earlier than what was said elsewhere.
async fn take_in(service: &Service, outcomes: Vec<OutcomeRecord>) {
    let (serving, n_reported) = (service.serving.load_full(), outcomes.len());
    let Some(newest_known_at) = outcomes.iter().map(|said| said.known_at).max() else { return };
    service.newest_known_at.fetch_max(newest_known_at, Ordering::Relaxed);
    // Waits a moment for each history's lock.
    let taken = tokio::task::spawn_blocking(move || {
        outcomes.iter().for_each(|outcome_record| serving.assessor.report(outcome_record));
    });
    match taken.await {
        Ok(()) => tracing::info!(n_reported, "outcomes that other replicas were told are known here"),
        Err(_) => tracing::error!(n_reported, "outcomes that other replicas were told could not be taken in"),
    }
}

/// Takes back what was decided here shortly before a bad outcome was heard of that another replica was told.
async fn take_back(
    service: &Service,
    store: &Store,
    Open { said, heard_ms }: &Open,
) -> Result<(), store::Error> {
    let now_ms = service.now_ms();
    let names = (said.repo.as_deref(), std::slice::from_ref(&said.target));
    let mut decisions = decisions_on(store, names, (None, None), now_ms).await?;
    decisions.retain(|joined| joined.record.at_ms > heard_ms - TAKEN_BACK_MS);
    let beside = store.log().beside_each(decisions.iter().map(|joined| joined.record.id.as_str())).await?;
    let is_revoked = |joined: &Joined| {
        let beside = beside.get(&joined.record.id);
        beside.is_some_and(|it| it.sound.iter().any(|record| record.kind == RecordKind::Revocation))
    };
    decisions.retain(|joined| !knew_of_it(&joined.record) && !is_revoked(joined));
    let revocations = revocations(&decisions, said.outcome.as_str(), now_ms);
    if !revocations.is_empty() {
        store.append(revocations).await?;
    }
    Ok(())
}

/// Whether a decision was made by who knew of a bad outcome.
fn knew_of_it(decision: &Record) -> bool {
    let answer: Value = serde_json::from_str(&decision.body).unwrap_or_default();
    let mut reasons = answer["reasons"].as_array().into_iter().flatten();
    reasons.any(|reason| reason["code"] == ReasonCode::KnownBad.as_str())
}

/// One report under every name of its change, as when it came; records of earlier versions hold one name, and perhaps the
/// decision that has the others.
async fn under_each_name(
    store: &Store,
    record: &Record,
    outcome_record: OutcomeRecord,
) -> Result<Vec<OutcomeRecord>, store::Error> {
    let said: Value = serde_json::from_str(&record.body).unwrap_or_default();
    let mut names: Vec<OutcomeTarget> =
        said["names"].as_array().into_iter().flatten().filter_map(name_of).collect();
    if names.is_empty()
        && let Some(decision_id) = said["decision_id"].as_str()
    {
        names = store.log().record(decision_id).await?.iter().flat_map(names_of).collect();
    }
    if names.is_empty() {
        names.push(outcome_record.target.clone());
    }
    let commit = |id: &str| ChangeId(id.to_owned());
    let head = said["head"].as_str().map(commit);
    let landed = said["landed"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let landed: Vec<ChangeId> = landed.map(commit).collect();
    let under = |target| OutcomeRecord {
        surer: surer(&target, &landed),
        target,
        head: head.clone(),
        ..outcome_record.clone()
    };
    Ok(names.into_iter().map(under).collect())
}

fn line(body: &str) -> String {
    let mut said: serde_json::Map<String, Value> = serde_json::from_str(body).unwrap_or_default();
    said.retain(|key, value| OUTCOME_KEYS.contains(&key.as_str()) && !value.is_null());
    Value::Object(said).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::OutcomeKind;
    use crate::store::{NewRecord, StoreConfig};

    fn outcome(word: &str, at_ms: i64) -> NewRecord {
        let body = serde_json::json!({
            "repo": "shop", "commit": "0123456789abcdef", "outcome": word,
            "occurred_at": "2026-01-01T00:00:00Z", "known_at": "2026-01-02T00:00:00Z"
        });
        NewRecord { at_ms, ..NewRecord::new(RecordKind::Outcome, body.to_string()) }
    }

    /// Of two reports that speak of one moment the later one counts, also where pruning wrote the earlier one once more.
    #[tokio::test]
    async fn pruning_makes_no_report_the_later_one() {
        let store = Store::open(&StoreConfig::new("memory")).await.unwrap();
        let now_ms = jiff::Timestamp::now().as_millisecond();
        for (word, at_ms) in [("harmless", now_ms + 1_000), ("incident", now_ms + 3_000)] {
            store.append_one(outcome(word, at_ms)).await.unwrap();
        }
        store.append_one(NewRecord::new(RecordKind::Activation, "{}".to_owned())).await.unwrap();
        let mut follower = Reported::default();
        let kinds = |outcomes: Vec<OutcomeRecord>| -> Vec<OutcomeKind> {
            outcomes.into_iter().map(|outcome_record| outcome_record.outcome).collect()
        };
        let said = [OutcomeKind::Harmless, OutcomeKind::Incident];
        assert_eq!(kinds(follower.read(&store, now_ms).await.unwrap()), said);
        assert!(store.prune(now_ms + 2_000).await.unwrap() > 0);
        assert_eq!(kinds(follower.read(&store, now_ms).await.unwrap()), [], "it was read when it came");
        assert_eq!(kinds(Reported::default().read(&store, now_ms).await.unwrap()), said);
    }

    /// However long it takes to take decisions back, their age is that at the moment when the report was heard.
    #[tokio::test]
    async fn what_is_still_open_keeps_the_moment_when_it_was_heard() {
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let minutes_ago = |minutes: i64| now_ms - minutes * 60_000;
        let store = Store::open(&StoreConfig::new("memory")).await.unwrap();
        for at_ms in [minutes_ago(20), minutes_ago(10)] {
            store.append_one(outcome("incident", at_ms)).await.unwrap();
        }
        let mut follower = Reported::default();
        follower.read(&store, now_ms).await.unwrap();
        let heard = |follower: &Reported| follower.open.iter().map(|open| open.heard_ms).collect::<Vec<_>>();
        assert_eq!(heard(&follower), [minutes_ago(10)], "what is old at a start was heard before");
        let of = |target, kind| OutcomeRecord::tried(target, kind, 1);
        let decision = OutcomeTarget::Decision("0198".to_owned());
        follower.note_open(&of(decision, OutcomeKind::Incident), now_ms);
        assert_eq!(heard(&follower).len(), 1, "a decision's own name is that of no other");
        let proposal = OutcomeTarget::Id("pr/1".to_owned());
        follower.note_open(&of(proposal.clone(), OutcomeKind::Caught), now_ms);
        assert_eq!(heard(&follower), [minutes_ago(10), now_ms]);
        follower.note_open(&of(proposal, OutcomeKind::Retracted), now_ms);
        assert_eq!(heard(&follower), [minutes_ago(10)]);
    }
}
