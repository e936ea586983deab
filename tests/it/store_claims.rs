//! What an idempotency key may stand for, whatever the index beside the chain says.

use std::path::Path;

use diffrisk::store::{Appended, Claim, NewRecord, Record, RecordKind, Store, StoreConfig, new_id};
use sqlx::{Connection, SqliteConnection};

const NOW: i64 = 1_800_000_000_000;

fn config(dir: &Path) -> StoreConfig {
    StoreConfig::new(format!("sqlite://{}", dir.join("log.db").display()))
}

fn keyed(at_ms: i64, basis: u8) -> NewRecord {
    let mut new_record = NewRecord::new(RecordKind::Decision, "{}".into());
    new_record.at_ms = at_ms;
    new_record.columns.expires_ms = Some(at_ms + 1_000);
    new_record.claim = Some(Claim {
        api_key: "ci".into(),
        key_digest: [1; 32],
        request_digest: [1; 32],
        body_digest: [2; 32],
    });
    new_record.basis = Some([basis; 32]);
    new_record
}

fn activation(basis: u8) -> NewRecord {
    let mut new_record = NewRecord::new(RecordKind::Activation, format!("{{\"basis\":{basis}}}"));
    new_record.at_ms = NOW;
    new_record
}

async fn appended(store: &Store, new_record: NewRecord) -> (bool, Record) {
    match store.append_one(new_record).await.unwrap() {
        Appended::New(record) => (true, record),
        Appended::Earlier(record) => (false, record),
        Appended::Conflict => panic!("the body is the same"),
    }
}

#[tokio::test]
async fn an_expired_decision_stays_expired_whatever_the_index_says() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&config(dir.path())).await.unwrap();
    let (_, first) = appended(&store, keyed(NOW, 1)).await;
    let url = format!("sqlite://{}", dir.path().join("log.db").display());
    let mut session = SqliteConnection::connect(&url).await.unwrap();
    let forged = format!("UPDATE idempotency SET expires_ms = {}", i64::MAX);
    sqlx::raw_sql(sqlx::AssertSqlSafe(forged)).execute(&mut session).await.unwrap();
    let (is_new, second) = appended(&store, keyed(NOW + 2_000, 1)).await;
    assert!(is_new && second.id != first.id);
    let (is_new, third) = appended(&store, keyed(NOW + 2_001, 1)).await;
    assert!(!is_new && third.id == second.id, "the key stands for the new decision from then on");
    store.close().await;
}

#[tokio::test]
async fn a_decision_under_a_model_that_was_replaced_meanwhile_stands_for_no_key() {
    let store = Store::open(&StoreConfig::new("memory")).await.unwrap();
    store.append_one(activation(1)).await.unwrap();
    let (_, under_old) = appended(&store, keyed(NOW, 1)).await;
    assert_eq!(appended(&store, keyed(NOW, 1)).await, (false, under_old.clone()));
    // Swapped while a decision under the old model was on its way: it arrives after the activation.
    store.append_one(activation(2)).await.unwrap();
    assert_eq!(appended(&store, keyed(NOW, 1)).await, (false, under_old.clone()));
    let (is_new, under_new) = appended(&store, keyed(NOW, 2)).await;
    assert!(is_new && under_new.id != under_old.id, "what was made under the old model is made anew");
    assert_eq!(appended(&store, keyed(NOW, 2)).await, (false, under_new.clone()));
}

#[tokio::test]
async fn one_batch_of_a_swap_and_decisions_keeps_their_order() {
    let store = Store::open(&StoreConfig::new("memory")).await.unwrap();
    let results =
        store.append(vec![keyed(NOW, 1), activation(2), keyed(NOW, 2), keyed(NOW, 2)]).await.unwrap();
    let [Appended::New(old), Appended::New(_), Appended::New(new), Appended::Earlier(again)] = &results[..]
    else {
        panic!("{results:?}")
    };
    assert!(old.id != new.id && new.id == again.id);
}

#[tokio::test]
async fn a_decision_taken_back_in_the_same_batch_answers_nothing() {
    let store = Store::open(&StoreConfig::new("memory")).await.unwrap();
    let asked = || {
        let mut new_record = keyed(NOW, 1);
        new_record.claim = None;
        new_record.id = new_id();
        new_record.columns.question = Some([9; 32]);
        new_record
    };
    let first = asked();
    let mut revocation = NewRecord::new(RecordKind::Revocation, "{}".into());
    revocation.columns.subject_id = Some(first.id.clone());
    let results = store.append(vec![first, revocation, asked()]).await.unwrap();
    assert!(matches!(&results[2], Appended::New(_)), "{results:?}");
}

#[tokio::test]
async fn a_key_stands_no_longer_for_a_decision_that_was_taken_back() {
    let store = Store::open(&StoreConfig::new("memory")).await.unwrap();
    let (_, first) = appended(&store, keyed(NOW, 1)).await;
    let mut revocation = NewRecord::new(RecordKind::Revocation, "{}".into());
    revocation.at_ms = NOW + 1;
    revocation.columns.subject_id = Some(first.id.clone());
    store.append_one(revocation).await.unwrap();
    // Whatever clock asks next.
    let (is_new, second) = appended(&store, keyed(NOW - 100, 1)).await;
    assert!(is_new && second.id != first.id);
    assert_eq!(appended(&store, keyed(NOW + 2, 1)).await, (false, second), "it stands for the new one");
}

/// Since the older decision something may have come to be known that a question in doubt cannot know.
#[tokio::test]
async fn a_question_in_doubt_is_not_answered_by_an_older_decision_without_doubt() {
    let store = Store::open(&StoreConfig::new("memory")).await.unwrap();
    let asked = |seconds: i64, degraded: bool| {
        let mut new_record = keyed(NOW + seconds * 1_000, 1);
        new_record.columns.expires_ms = Some(NOW + 60_000);
        new_record.columns.degraded = degraded;
        new_record
    };
    let (_, sure) = appended(&store, asked(0, false)).await;
    assert_eq!(appended(&store, asked(5, true)).await, (false, sure.clone()), "asked at one time");
    let (is_new, doubted) = appended(&store, asked(20, true)).await;
    assert!(is_new && doubted.columns.degraded && doubted.id != sure.id);
    assert_eq!(appended(&store, asked(30, false)).await, (false, sure), "the key stays with the surer one");
}
