//! What somebody writes into the database who has everything but the key: it is named, and never built upon.

use std::path::Path;

use diffrisk::store::{
    Appended, Claim, Error, Log, NewRecord, Problem, Record, RecordKind, Search, Store, StoreConfig, backup,
    new_id, restore,
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use sqlx::{Connection, SqliteConnection};

const NOW: i64 = 1_800_000_000_000;

fn config(dir: &Path) -> StoreConfig {
    StoreConfig::new(format!("sqlite://{}", dir.join("log.db").display()))
}

fn asked(n: u8) -> NewRecord {
    let mut new_record = NewRecord::new(RecordKind::Decision, format!("{{\"n\":{n}}}"));
    new_record.at_ms = NOW;
    new_record.columns.verdict = Some("extra_validation".into());
    new_record.columns.question = Some([n; 32]);
    new_record.columns.expires_ms = Some(i64::MAX);
    new_record
}

/// A closed log of one chain; answers its last record.
async fn written(dir: &Path, n_records: u8) -> Record {
    let store = Store::open(&config(dir)).await.unwrap();
    let mut last = None;
    for n in 0..n_records {
        let Appended::New(record) = store.append_one(asked(n)).await.unwrap() else { panic!() };
        last = Some(record);
    }
    store.close().await;
    last.unwrap()
}

async fn session(dir: &Path) -> SqliteConnection {
    SqliteConnection::connect(&format!("sqlite://{}", dir.join("log.db").display())).await.unwrap()
}

/// The record that an attacker would put after another: every digest right, and any MAC but the key's.
fn forged_after(last: &Record, mac: Option<[u8; 32]>) -> Record {
    let mut record = last.clone();
    record.seq += 1;
    record.id = new_id();
    record.body = r#"{"decision":"fast_path"}"#.into();
    record.columns.verdict = Some("fast_path".into());
    record.columns.question = Some([77; 32]);
    record.prev = last.digest;
    record.digest = record.computed_digest();
    record.mac = mac;
    record
}

async fn put(dir: &Path, record: &Record) {
    let mut session = session(dir).await;
    let sql = "INSERT INTO record (chain, seq, kind, id, at_ms, verdict, degraded, expires_ms, question, claim, body, \
               prev, digest, mac) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $11, $12, $13)";
    let query = sqlx::query(sql).bind(&record.chain).bind(record.seq).bind(record.kind.as_str());
    let query = query.bind(&record.id).bind(record.at_ms).bind(&record.columns.verdict);
    let query = query.bind(record.columns.expires_ms).bind(record.columns.question.map(|it| it.to_vec()));
    let query = query.bind(record.claim.map(|it| it.to_vec())).bind(&record.body).bind(&record.prev[..]);
    let query = query.bind(&record.digest[..]).bind(record.mac.map(|it| it.to_vec()));
    query.execute(&mut session).await.unwrap();
    session.close().await.unwrap();
}

async fn verified(dir: &Path) -> (Option<(i64, Problem)>, usize) {
    let report = Log::open(&config(dir)).await.unwrap().verify().await.unwrap();
    (report.difference.map(|difference| (difference.seq, difference.problem)), report.n_unsigned)
}

fn heads(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("log.db.heads")).unwrap()
}

#[tokio::test]
async fn records_put_after_the_last_head_are_named_and_never_signed_for() {
    for mac in [None, Some([0; 32]), Some([9; 32])] {
        let dir = tempfile::tempdir().unwrap();
        let last = written(dir.path(), 3).await;
        let first_forged = forged_after(&last, mac.map(|_| last.mac.unwrap()));
        let second_forged = forged_after(&first_forged, mac);
        put(dir.path(), &first_forged).await;
        put(dir.path(), &second_forged).await;
        let named = Some((first_forged.seq, Problem::ForgedRecord));
        assert_eq!(verified(dir.path()).await.0, named);

        let store = Store::open(&config(dir.path())).await.unwrap();
        let Appended::New(record) = store.append_one(asked(9)).await.unwrap() else { panic!() };
        store.close().await;
        assert_ne!(record.chain, last.chain, "a forged end is not built upon");
        let signed = format!("\"chain\":\"{}\",\"seq\":{}", last.chain, last.seq + 1);
        assert!(!heads(dir.path()).contains(&signed), "{}", heads(dir.path()));
        assert_eq!(verified(dir.path()).await.0, named, "it stays named");
    }
}

#[tokio::test]
async fn what_a_crash_leaves_after_the_last_head_is_built_upon() {
    let dir = tempfile::tempdir().unwrap();
    let last = written(dir.path(), 3).await;
    let first_head = heads(dir.path()).lines().next().unwrap().to_owned();
    std::fs::write(dir.path().join("log.db.heads"), format!("{first_head}\n")).unwrap();
    assert_eq!(verified(dir.path()).await, (None, 3));
    let store = Store::open(&config(dir.path())).await.unwrap();
    let Appended::New(record) = store.append_one(asked(9)).await.unwrap() else { panic!() };
    store.close().await;
    assert_eq!((record.chain, record.seq), (last.chain, last.seq + 1));
    assert_eq!(verified(dir.path()).await, (None, 0));
}

#[tokio::test]
async fn a_forged_decision_answers_no_question_and_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let last = written(dir.path(), 1).await;
    let claim =
        Claim { api_key: "ci".into(), key_digest: [1; 32], request_digest: [1; 32], body_digest: [2; 32] };
    let mut by_key = forged_after(&last, None);
    by_key.columns.question = None;
    by_key.claim = Some(claim.digest(None));
    by_key.chain = "another".into();
    by_key.digest = by_key.computed_digest();
    put(dir.path(), &by_key).await;
    let store = Store::open(&config(dir.path())).await.unwrap();
    let mut session = session(dir.path()).await;
    let sql = "INSERT INTO idempotency VALUES ('ci', $1, $2, $3, $4, $5)";
    let query = sqlx::query(sql).bind(&claim.key_digest[..]).bind(&claim.body_digest[..]).bind(&by_key.id);
    query.bind(NOW).bind(i64::MAX).execute(&mut session).await.unwrap();

    assert_eq!(store.append_one(asked(0)).await.unwrap(), Appended::Earlier(last.clone()));
    let altered = Record { body: by_key.body.clone(), ..last.clone() };
    let sql = "UPDATE record SET body = $1, digest = $2 WHERE id = $3";
    let query = sqlx::query(sql).bind(&altered.body).bind(altered.computed_digest().to_vec()).bind(&last.id);
    query.execute(&mut session).await.unwrap();

    assert!(matches!(store.append_one(asked(0)).await.unwrap(), Appended::New(_)));
    let mut keyed = asked(51);
    keyed.claim = Some(claim);
    assert!(matches!(store.append_one(keyed).await.unwrap(), Appended::New(_)));
    store.close().await;
}

#[tokio::test]
async fn a_forged_outcome_is_not_vouched_for() {
    let dir = tempfile::tempdir().unwrap();
    let last = written(dir.path(), 1).await;
    let mut outcome = forged_after(&last, last.mac);
    outcome.kind = RecordKind::Outcome;
    outcome.body =
        r#"{"repo":"config","commit":"c1","outcome":"retracted","occurred_at":"2026-01-28T12:00:00Z"}"#
            .into();
    outcome.digest = outcome.computed_digest();
    put(dir.path(), &outcome).await;
    let log = Log::open(&config(dir.path())).await.unwrap();
    let search = Search { kind: Some(RecordKind::Outcome), limit: 9, ..Search::default() };
    let page = log.page(&search).await.unwrap();
    assert!(page.records[0].is_intact() && !log.wrote(&page.records[0]));
    let decisions = Search { kind: Some(RecordKind::Decision), limit: 9, ..Search::default() };
    assert!(log.page(&decisions).await.unwrap().records.iter().all(|record| log.wrote(record)));
}

#[tokio::test]
async fn a_record_tells_by_itself_that_it_was_altered() {
    let dir = tempfile::tempdir().unwrap();
    let last = written(dir.path(), 3).await;
    let log = Log::open(&config(dir.path())).await.unwrap();
    assert!(!log.is_altered(&last).await.unwrap());
    let other_word = |record: &mut Record| record.columns.verdict = Some("fast_path".into());
    let mut altered = last.clone();
    other_word(&mut altered);
    assert!(log.is_altered(&altered).await.unwrap());
    altered.digest = altered.computed_digest();
    assert!(log.is_altered(&altered).await.unwrap(), "its MAC is of another digest");
    altered.mac = None;
    assert!(log.is_altered(&altered).await.unwrap(), "others before it are sealed");
    // A key that was lost makes no record a forgery.
    std::fs::remove_file(dir.path().join("log.db.key")).unwrap();
    Store::open(&config(dir.path())).await.unwrap().close().await;
    let log = Log::open(&config(dir.path())).await.unwrap();
    assert!(!log.wrote(&last) && !log.is_altered(&last).await.unwrap());
}

#[tokio::test]
async fn a_log_from_before_the_seals_is_brought_up_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let last = written(dir.path(), 3).await;
    let mut session = session(dir.path()).await;
    let older = "ALTER TABLE record DROP COLUMN mac; DELETE FROM layout WHERE version > 1; \
                 CREATE INDEX record_question ON record (question) WHERE question IS NOT NULL";
    sqlx::raw_sql(older).execute(&mut session).await.unwrap();
    session.close().await.unwrap();
    sign_as_before(dir.path());
    let unread = Log::open(&config(dir.path())).await.map(|_| ()).unwrap_err();
    assert!(matches!(unread, Error::OldLayout { found: 1, known: 4 }), "{unread}");
    let (copy, elsewhere) = (dir.path().join("copy"), dir.path().join("elsewhere"));
    assert_eq!(backup(&config(dir.path()), &copy).await.unwrap().difference, None);
    std::fs::create_dir(&elsewhere).unwrap();
    assert_eq!(restore(&copy, &config(&elsewhere)).await.unwrap().difference, None);
    Store::open(&config(&elsewhere)).await.unwrap().close().await;
    assert_eq!(verified(&elsewhere).await, (None, 0));
    let store = Store::open(&config(dir.path())).await.unwrap();
    let Appended::New(record) = store.append_one(asked(9)).await.unwrap() else { panic!() };
    store.close().await;
    assert_eq!((record.chain.clone(), record.seq), (last.chain.clone(), last.seq + 1));
    assert_eq!(verified(dir.path()).await, (None, 0));
    // From the first sealed record on, none may lack its seal.
    let later = forged_after(&record, None);
    put(dir.path(), &later).await;
    assert_eq!(verified(dir.path()).await.0, Some((later.seq, Problem::ForgedRecord)));
    strip(dir.path()).await;
    assert_eq!(verified(dir.path()).await.0, Some((record.seq, Problem::ForgedRecord)));
}

/// Makes the records look like those of a version without seals.
async fn strip(dir: &Path) {
    let mut session = session(dir).await;
    sqlx::raw_sql("UPDATE record SET mac = NULL").execute(&mut session).await.unwrap();
    session.close().await.unwrap();
}

/// Signs the heads as a version did that did not say from where on records are sealed.
fn sign_as_before(dir: &Path) {
    let key = std::fs::read_to_string(dir.join("log.db.key")).unwrap();
    let key = hex::decode(key.trim()).unwrap();
    let signed = |line: &str| {
        let mut head: Value = serde_json::from_str(line).unwrap();
        head.as_object_mut().unwrap().remove("sealed_from").unwrap();
        let text = |name: &str| head[name].as_str().unwrap().to_owned();
        let (seq, at_ms) = (head["seq"].to_string(), head["at_ms"].to_string());
        let said = ["diffrisk head 1".to_owned(), text("chain"), seq, text("digest"), at_ms].join("\n");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(said.as_bytes());
        head["mac"] = json!(hex::encode(mac.finalize().into_bytes()));
        format!("{head}\n")
    };
    let older: String = heads(dir).lines().map(signed).collect();
    std::fs::write(dir.join("log.db.heads"), older).unwrap();
}

/// A closed log as a version without seals left it: a decision, a report and a decision, a moment apart each.
async fn written_without_seals(dir: &Path) -> Record {
    let store = Store::open(&config(dir)).await.unwrap();
    let reported = NewRecord::new(RecordKind::Outcome, r#"{"outcome":"incident"}"#.to_owned());
    let mut last = None;
    for (new_record, n) in [(asked(0), 0), (reported, 1), (asked(1), 2)] {
        let new_record = NewRecord { at_ms: NOW + n, ..new_record };
        let Appended::New(record) = store.append_one(new_record).await.unwrap() else { panic!() };
        last = Some(record);
    }
    store.close().await;
    strip(dir).await;
    sign_as_before(dir);
    last.unwrap()
}

/// Puts another body in the place of a record's, with the digest that belongs to it.
async fn alter(dir: &Path, seq: i64) {
    let search = Search { after: Some(String::new()), limit: 9, ..Search::default() };
    let mut records = Log::open(&config(dir)).await.unwrap().page(&search).await.unwrap().records;
    records.retain(|record| record.seq == seq);
    records[0].body = r#"{"decision":"fast_path"}"#.into();
    let mut session = session(dir).await;
    let query = sqlx::query("UPDATE record SET body = $1, digest = $2 WHERE seq = $3").bind(&records[0].body);
    query.bind(records[0].computed_digest().to_vec()).bind(seq).execute(&mut session).await.unwrap();
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_record_without_a_seal_after_the_last_head_is_named_in_an_older_log_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let last = written_without_seals(dir.path()).await;
    assert_eq!(verified(dir.path()).await, (None, 0));
    put(dir.path(), &forged_after(&last, None)).await;
    assert_eq!(verified(dir.path()).await.0, Some((last.seq + 1, Problem::ForgedRecord)));
}

/// What no seal proves, the head of a later record does: the whole log is read before any of it goes.
#[tokio::test]
async fn records_without_seals_are_pruned_where_the_whole_log_is_sound() {
    for is_altered in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        written_without_seals(dir.path()).await;
        let store = Store::open(&config(dir.path())).await.unwrap();
        if is_altered {
            alter(dir.path(), 1).await;
        }
        match store.prune(NOW + 1).await {
            Ok(n_pruned) => assert_eq!((n_pruned, is_altered), (2, false)),
            Err(Error::NotAsWritten { .. }) => assert!(is_altered),
            other => panic!("{other:?}"),
        }
        store.close().await;
    }
}

/// Written once more it would have a seal, whoever wrote it first.
#[tokio::test]
async fn a_report_that_no_seal_proves_is_not_carried_over() {
    let dir = tempfile::tempdir().unwrap();
    written_without_seals(dir.path()).await;
    let store = Store::open(&config(dir.path())).await.unwrap();
    let reported = NewRecord::new(RecordKind::Outcome, r#"{"outcome":"caught"}"#.to_owned());
    store.append_one(NewRecord { at_ms: NOW + 3, ..reported }).await.unwrap();
    store.append_one(NewRecord { at_ms: NOW + 4, ..asked(2) }).await.unwrap();
    assert_eq!(store.prune(NOW + 4).await.unwrap(), 5);
    let search = Search { kind: Some(RecordKind::Outcome), limit: 9, ..Search::default() };
    let outcomes = store.log().page(&search).await.unwrap().records;
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    assert!(outcomes[0].body.contains("caught"), "{outcomes:?}");
    store.close().await;
}

#[tokio::test]
async fn a_log_that_is_stripped_of_its_seals_is_no_older_log() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), 3).await;
    strip(dir.path()).await;
    assert_eq!(verified(dir.path()).await.0, Some((0, Problem::ForgedRecord)));
    let store = Store::open(&config(dir.path())).await.unwrap();
    assert!(matches!(store.prune(i64::MAX).await, Err(Error::NotAsWritten { seq: 0, .. })));
    store.close().await;
    assert_eq!(verified(dir.path()).await.0, Some((0, Problem::ForgedRecord)));
}
