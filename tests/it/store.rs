//! The decision log: what is answered is on disk, once, in a chain that shows every change made to it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diffrisk::store::{
    Appended, Claim, Error, Log, NewRecord, Problem, RecordKind, Search, Store, StoreConfig, VerifyReport,
};
use sqlx::{Connection, PgConnection, SqliteConnection};

fn sqlite_config(dir: &Path) -> StoreConfig {
    StoreConfig::new(format!("sqlite://{}", dir.join("log.db").display()))
}

fn decision(n: u8) -> NewRecord {
    let mut new_record = NewRecord::new(RecordKind::Decision, format!("{{\"n\":{n}}}"));
    new_record.columns.repo = Some("config".into());
    new_record.columns.verdict = Some("extra_validation".into());
    new_record.columns.commit_id = Some(format!("c{n}"));
    new_record.columns.question = Some([n; 32]);
    new_record.columns.expires_ms = Some(i64::MAX);
    new_record.vector = Some(vec![f32::from(n), f32::NAN, -0.0]);
    new_record.tokens = Some(vec![u32::from(n), u32::MAX]);
    new_record
}

fn claim(key: u8, body: u8) -> Option<Claim> {
    Some(Claim {
        api_key: "ci".into(),
        key_digest: [key; 32],
        request_digest: [key; 32],
        body_digest: [body; 32],
    })
}

async fn filled(store_config: &StoreConfig, n_records: u8) -> Vec<String> {
    let store = Store::open(store_config).await.unwrap();
    let mut ids = Vec::new();
    for n in 0..n_records {
        match store.append_one(decision(n)).await.unwrap() {
            Appended::New(record) | Appended::Earlier(record) => ids.push(record.id),
            Appended::Conflict => panic!("no key was sent"),
        }
    }
    store.close().await;
    ids
}

async fn verified(store_config: &StoreConfig) -> VerifyReport {
    Log::open(store_config).await.unwrap().verify().await.unwrap()
}

async fn tamper(dir: &Path, statements: &[&str]) {
    let mut session =
        SqliteConnection::connect(&format!("sqlite://{}", dir.join("log.db").display())).await.unwrap();
    for sql in statements {
        sqlx::raw_sql(sqlx::AssertSqlSafe(*sql)).execute(&mut session).await.unwrap();
    }
    session.close().await.unwrap();
}

/// What every database must do; the address decides which one does it.
async fn check_log(store_config: &StoreConfig) {
    let store = Store::open(store_config).await.unwrap();
    let Appended::New(first) = store.append_one(decision(1)).await.unwrap() else { panic!() };
    let read = store.log().record(&first.id).await.unwrap().unwrap();
    assert_eq!(read, first);
    assert_eq!(read.vector().unwrap().map_bits(), vec![1.0_f32, f32::NAN, -0.0].map_bits());
    assert_eq!(read.tokens().unwrap(), [1, u32::MAX]);

    let again = store.append_one(decision(1)).await.unwrap();
    assert_eq!(again, Appended::Earlier(first.clone()), "the same question has the same decision");
    let mut revocation = NewRecord::new(RecordKind::Revocation, "{}".into());
    revocation.columns.subject_id = Some(first.id.clone());
    store.append_one(revocation).await.unwrap();
    assert!(
        matches!(store.append_one(decision(1)).await.unwrap(), Appended::New(_)),
        "a revoked one is not reused"
    );

    let mut keyed = decision(2);
    keyed.claim = claim(1, 1);
    let Appended::New(second) = store.append_one(keyed.clone()).await.unwrap() else { panic!() };
    keyed.id = diffrisk::store::new_id();
    assert_eq!(store.append_one(keyed.clone()).await.unwrap(), Appended::Earlier(second.clone()));
    keyed.claim = claim(1, 2);
    assert_eq!(store.append_one(keyed.clone()).await.unwrap(), Appended::Conflict);
    let mut expiring = decision(3);
    expiring.claim = claim(2, 1);
    expiring.columns.expires_ms = Some(expiring.at_ms + 1);
    store.append_one(expiring.clone()).await.unwrap();
    expiring.id = diffrisk::store::new_id();
    expiring.at_ms += 10;
    let anew = store.append_one(expiring).await.unwrap();
    assert!(matches!(anew, Appended::New(_)), "an expired decision is made anew under its key");

    for n in 10..20 {
        store.append_one(decision(n)).await.unwrap();
    }
    let search = Search {
        kind: Some(RecordKind::Decision),
        repo: Some("config".into()),
        limit: 4,
        ..Search::default()
    };
    let (mut n_records, mut search) = (0, search);
    loop {
        let page = store.log().page(&search).await.unwrap();
        n_records += page.records.len();
        assert!(page.records.windows(2).all(|pair| pair[0].id > pair[1].id), "newest first");
        search.before = page.next;
        if search.before.is_none() {
            break;
        }
    }
    assert_eq!(n_records, 15);
    let by_change = Search { change: Some("c12".into()), limit: 10, ..Search::default() };
    assert_eq!(store.log().page(&by_change).await.unwrap().records.len(), 1);
    assert_eq!(store.log().beside(&first.id).await.unwrap().sound.len(), 1);

    let report = store.log().verify().await.unwrap();
    assert_eq!((report.difference, report.n_records), (None, 17));
    store.close().await;
    assert!(matches!(store.append_one(decision(9)).await, Err(Error::Closed(_))));
}

trait MapBits {
    fn map_bits(&self) -> Vec<u32>;
}

impl MapBits for Vec<f32> {
    fn map_bits(&self) -> Vec<u32> {
        self.iter().map(|value| value.to_bits()).collect()
    }
}

#[tokio::test]
async fn a_log_in_memory_keeps_every_promise() {
    check_log(&StoreConfig::new("memory")).await;
}

#[tokio::test]
async fn a_log_in_sqlite_keeps_every_promise_and_its_files_to_its_owner() {
    let dir = tempfile::tempdir().unwrap();
    check_log(&sqlite_config(dir.path())).await;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn a_log_in_postgresql_keeps_every_promise() {
    let Some(server) = super::postgres::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut store_config = StoreConfig::new(server.url());
    store_config.stem = Some(dir.path().join("replica"));
    check_log(&store_config).await;
    let store = Store::open(&store_config).await.unwrap();
    store_config.stem = Some(dir.path().join("other"));
    std::fs::copy(dir.path().join("replica.key"), dir.path().join("other.key")).unwrap();
    let other = Store::open(&store_config).await.unwrap();
    let mut keyed = decision(40);
    keyed.claim = claim(40, 1);
    let mut also = decision(40);
    also.claim = claim(40, 1);
    let (one, two) = tokio::join!(store.append_one(keyed), other.append_one(also));
    let n_new = [one.unwrap(), two.unwrap()].iter().filter(|it| matches!(it, Appended::New(_))).count();
    assert_eq!(n_new, 1, "two replicas make one decision under one key");

    // Two large batches at once, of as many requests with keys in opposite orders.
    let of_key = |n: u16| {
        let mut new_record = NewRecord::new(RecordKind::Decision, format!("{{\"n\":{n}}}"));
        let [first, second] = n.to_be_bytes();
        let key_digest = std::array::from_fn(|at| [first, second, 0xEE][at % 3]);
        new_record.claim = Some(Claim {
            api_key: "ci".into(),
            key_digest,
            request_digest: key_digest,
            body_digest: [9; 32],
        });
        new_record
    };
    let upward: Vec<NewRecord> = (0..2_000).map(of_key).collect();
    let downward: Vec<NewRecord> = (2_000..4_000).rev().map(of_key).collect();
    let (one, two) = tokio::join!(store.append(upward), other.append(downward));
    for appended in [one.unwrap(), two.unwrap()] {
        assert_eq!(appended.iter().filter(|it| matches!(it, Appended::New(_))).count(), 2_000);
    }

    // A server that is set back to an earlier copy has lost what was answered: nothing more goes there.
    assert!(matches!(store.append_one(decision(50)).await.unwrap(), Appended::New(_)));
    let mut session = PgConnection::connect(&server.url()).await.unwrap();
    let newest =
        "DELETE FROM record WHERE (chain, seq) IN (SELECT chain, max(seq) FROM record GROUP BY chain)";
    sqlx::raw_sql(newest).execute(&mut session).await.unwrap();
    session.close().await.unwrap();
    let refused = store.append_one(decision(51)).await.unwrap_err().to_string();
    assert!(refused.contains("is not there any more"), "{refused}");
    assert!(store.closed().is_some());
    store.close().await;
    other.close().await;
}

#[tokio::test]
async fn postgresql_is_reached_over_tls_where_its_certificate_is_trusted() {
    let Some(server) = crate::postgres::start_with_tls() else { return };
    let dir = tempfile::tempdir().unwrap();
    let open = async |tls: String| {
        let mut store_config = StoreConfig::new(format!("{}?{tls}", server.url()));
        store_config.stem = Some(dir.path().join("replica"));
        Store::open(&store_config).await
    };
    let trusted = format!("sslmode=verify-full&sslrootcert={}", server.certificate().display());
    for tls in [trusted.as_str(), "sslmode=require", "sslmode=disable"] {
        let store = open(tls.to_owned()).await.unwrap();
        assert!(matches!(
            store.append_one(decision(1)).await.unwrap(),
            Appended::New(_) | Appended::Earlier(_)
        ));
        store.close().await;
    }
    assert!(open("sslmode=verify-full".to_owned()).await.is_err(), "nobody on this machine vouches for it");
}

#[tokio::test]
async fn fifty_parallel_appends_of_one_question_make_one_decision() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&sqlite_config(dir.path())).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..100_u8 {
        let store = store.clone();
        let mut new_record = decision(n % 2);
        new_record.claim = (n % 2 == 0).then(|| claim(7, 7)).flatten();
        tasks.spawn(async move { store.append_one(new_record).await.unwrap() });
    }
    let results = tasks.join_all().await;
    assert_eq!(results.iter().filter(|result| matches!(result, Appended::New(_))).count(), 2);
    store.close().await;
    assert_eq!(verified(&sqlite_config(dir.path())).await.difference, None);
}

#[tokio::test]
async fn all_that_stands_beside_a_decision_is_read_however_much_it_is() {
    let store = Store::open(&StoreConfig::new("memory")).await.unwrap();
    let outcome = |n: usize| {
        let mut outcome = NewRecord::new(RecordKind::Outcome, "{}".into());
        outcome.columns.subject_id = Some(if n == 700 { "e" } else { "d" }.into());
        outcome
    };
    store.append((0..1_002).map(outcome).collect()).await.unwrap();
    let beside = store.log().beside("d").await.unwrap().sound;
    assert!(beside.windows(2).all(|pair| pair[0].id < pair[1].id), "oldest first");
    assert_eq!(beside.len(), 1_001);
    let each = store.log().beside_each(["d", "e", "f"]).await.unwrap();
    let n_sound = |id: &str| each.get(id).map(|beside| (beside.sound.len(), beside.altered.len()));
    assert_eq!((n_sound("d"), n_sound("e"), n_sound("f")), (Some((1_001, 0)), Some((1, 0)), None));
    assert!(store.log().beside_each([]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_reopened_log_goes_on_with_its_chain() {
    let dir = tempfile::tempdir().unwrap();
    let store_config = sqlite_config(dir.path());
    for n in 1..4 {
        filled(&store_config, n).await;
    }
    let report = verified(&store_config).await;
    assert_eq!((report.n_chains, report.n_records, report.difference), (1, 4, None), "questions repeat");
}

#[tokio::test]
async fn only_one_process_writes_a_log() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&sqlite_config(dir.path())).await.unwrap();
    assert!(matches!(Store::open(&sqlite_config(dir.path())).await, Err(Error::Locked { .. })));
    store.close().await;
}

#[tokio::test]
async fn tampering_is_found_and_the_first_record_is_named() {
    let swap = "UPDATE record SET seq = -7 WHERE seq = 3; UPDATE record SET seq = 3 WHERE seq = 4; \
                UPDATE record SET seq = 4 WHERE seq = -7";
    let replay = "INSERT INTO record SELECT chain, 9, kind, 'again', at_ms, repo, verdict, degraded, commit_id, \
                  change_id, change_digest, subject_id, expires_ms, question, claim, body, vector, tokens, prev, \
                  digest, mac FROM record WHERE seq = 5";
    let cases = [
        ("UPDATE record SET body = replace(body, '2', '3') WHERE seq = 3", 3, Problem::Altered),
        ("UPDATE record SET verdict = 'fast_path' WHERE seq = 3", 3, Problem::Altered),
        ("UPDATE record SET expires_ms = expires_ms - 1 WHERE seq = 8", 8, Problem::Altered),
        ("UPDATE record SET vector = zeroblob(12) WHERE seq = 1", 1, Problem::Altered),
        ("UPDATE record SET digest = zeroblob(32) WHERE seq = 5", 5, Problem::Altered),
        ("UPDATE record SET digest = zeroblob(3) WHERE seq = 5", 5, Problem::Unreadable),
        ("UPDATE record SET mac = zeroblob(32) WHERE seq = 2", 2, Problem::ForgedRecord),
        ("UPDATE record SET mac = NULL WHERE seq = 7", 7, Problem::ForgedRecord),
        ("UPDATE record SET kind = 'other' WHERE seq = 6", 6, Problem::Unreadable),
        ("DELETE FROM record WHERE seq = 4", 4, Problem::Missing),
        ("DELETE FROM record WHERE seq = 0", 0, Problem::NoBeginning),
        ("DELETE FROM record WHERE seq > 5", 6, Problem::Truncated),
        ("DELETE FROM record", 0, Problem::Truncated),
        (swap, 3, Problem::Altered),
        (replay, 9, Problem::Altered),
        ("UPDATE record SET chain = 'other'", 0, Problem::Truncated),
        (
            "INSERT INTO checkpoint SELECT chain, 3, digest, 0, zeroblob(32) FROM record WHERE seq = 3; \
          DELETE FROM record WHERE seq <= 3",
            3,
            Problem::ForgedCheckpoint,
        ),
    ];
    for (sql, seq, problem) in cases {
        let dir = tempfile::tempdir().unwrap();
        let store_config = sqlite_config(dir.path());
        filled(&store_config, 8).await;
        tamper(dir.path(), &[sql]).await;
        let found = verified(&store_config).await.difference.unwrap_or_else(|| panic!("not found: {sql}"));
        assert_eq!((found.seq, found.problem), (seq, problem), "{sql}");
    }
}

#[tokio::test]
async fn a_lost_or_forged_heads_file_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let store_config = sqlite_config(dir.path());
    filled(&store_config, 3).await;
    let heads: PathBuf = dir.path().join("log.db.heads");
    let text = std::fs::read_to_string(&heads).unwrap();
    std::fs::write(&heads, text.replace("\"seq\":3", "\"seq\":2")).unwrap();
    assert_eq!(verified(&store_config).await.difference.unwrap().problem, Problem::ForgedHead);
    std::fs::remove_file(&heads).unwrap();
    assert_eq!(verified(&store_config).await.difference.unwrap().problem, Problem::Unsigned);
}

#[tokio::test]
async fn a_failed_commit_closes_the_log_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&sqlite_config(dir.path())).await.unwrap();
    store.append_one(decision(1)).await.unwrap();
    tamper(dir.path(), &["ALTER TABLE record RENAME TO gone"]).await;
    assert!(matches!(store.append_one(decision(2)).await, Err(Error::Closed(_))));
    tamper(dir.path(), &["ALTER TABLE gone RENAME TO record"]).await;
    assert!(matches!(store.append_one(decision(3)).await, Err(Error::Closed(_))), "it stays closed");
    assert!(store.closed().is_some());
}

#[tokio::test]
async fn a_log_whose_file_is_gone_or_replaced_takes_no_record() {
    for put_back in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&sqlite_config(dir.path())).await.unwrap();
        store.append_one(decision(1)).await.unwrap();
        let path = dir.path().join("log.db");
        std::fs::rename(&path, dir.path().join("moved.db")).unwrap();
        if put_back {
            std::fs::copy(dir.path().join("moved.db"), &path).unwrap();
        }
        let refused = store.append_one(decision(2)).await;
        assert!(matches!(refused, Err(Error::Closed(ref why)) if why.contains("log.db")), "{refused:?}");
        assert!(store.append_one(decision(3)).await.is_err(), "closed for good");
    }
}

#[tokio::test]
async fn nothing_is_pruned_that_is_not_as_it_was_written() {
    let alterations = [
        ("UPDATE record SET body = '{}' WHERE seq = 2", 2, Problem::Altered),
        ("DELETE FROM record WHERE seq = 2", 2, Problem::Missing),
        ("UPDATE record SET mac = NULL WHERE seq = 2", 2, Problem::ForgedRecord),
        ("UPDATE record SET mac = NULL, body = '{}' WHERE seq <= 2", 0, Problem::Altered),
        (
            "INSERT INTO checkpoint SELECT chain, 2, digest, at_ms, digest FROM record WHERE seq = 2",
            2,
            Problem::ForgedCheckpoint,
        ),
    ];
    for (sql, at, why) in alterations {
        let dir = tempfile::tempdir().unwrap();
        let store_config = sqlite_config(dir.path());
        filled(&store_config, 6).await;
        let store = Store::open(&store_config).await.unwrap();
        tamper(dir.path(), &[sql]).await;
        let n_before: i64 = store.log().counts().await.unwrap().values().sum();
        match store.prune(i64::MAX).await {
            Err(Error::NotAsWritten { seq, problem, .. }) => assert_eq!((seq, problem), (at, why), "{sql}"),
            other => panic!("{sql}: {other:?}"),
        }
        assert_eq!(store.log().counts().await.unwrap().values().sum::<i64>(), n_before, "{sql}");
        // The log itself goes on.
        store.append_one(decision(60)).await.unwrap();
    }
}

#[tokio::test]
async fn pruned_records_leave_a_chain_that_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let store_config = sqlite_config(dir.path());
    filled(&store_config, 6).await;
    let store = Store::open(&store_config).await.unwrap();
    assert_eq!(store.prune(0).await.unwrap(), 0);
    assert!(store.prune(i64::MAX).await.unwrap() >= 5);
    store.append_one(decision(50)).await.unwrap();
    let report = store.log().verify().await.unwrap();
    assert_eq!(report.difference, None);
    store.close().await;
    filled(&store_config, 2).await;
    assert_eq!(verified(&store_config).await.difference, None);
}

/// Others write options behind a question mark: a log of that name would be a second one.
#[tokio::test]
async fn an_address_with_options_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=ro", dir.path().join("log.db").display());
    assert!(matches!(Store::open(&StoreConfig::new(url)).await, Err(Error::Address { .. })));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_was_reported_outlives_its_record() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&sqlite_config(dir.path())).await.unwrap();
    let mut outcome = NewRecord::new(RecordKind::Outcome, r#"{"outcome":"incident"}"#.to_owned());
    outcome.columns.repo = Some("config".to_owned());
    let Appended::New(first) = store.append_one(outcome).await.unwrap() else { panic!() };
    for _ in 0..2 {
        store.append_one(NewRecord::new(RecordKind::Activation, "{}".to_owned())).await.unwrap();
        assert!(store.prune(i64::MAX).await.unwrap() >= 2);
        let search = Search { kind: Some(RecordKind::Outcome), limit: 10, ..Search::default() };
        let outcomes = store.log().page(&search).await.unwrap().records;
        assert_eq!(outcomes.len(), 1);
        assert_ne!(outcomes[0].id, first.id);
        assert_eq!(outcomes[0].columns, first.columns);
        let body: serde_json::Value = serde_json::from_str(&outcomes[0].body).unwrap();
        assert_eq!(body, serde_json::json!({ "outcome": "incident", "carried_from": first.id }));
        assert_eq!(outcomes[0].first_id(), first.id);
        assert_eq!(store.log().verify().await.unwrap().difference, None);
    }
}

#[tokio::test]
async fn a_decision_from_the_future_answers_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&sqlite_config(dir.path())).await.unwrap();
    let at =
        |new_record: NewRecord, ahead_ms: i64| NewRecord { at_ms: new_record.at_ms + ahead_ms, ..new_record };
    let claimed = |n: u8| NewRecord { claim: claim(n, 1), ..decision(n) };
    for new_record in [decision(1), claimed(2)] {
        let append = async |ahead_ms| store.append_one(at(new_record.clone(), ahead_ms)).await.unwrap();
        let renamed = |appended: Appended| matches!(appended, Appended::New(_));
        assert!(renamed(append(3 * 86_400_000).await));
        let now = store
            .append_one(NewRecord { id: diffrisk::store::new_id(), ..new_record.clone() })
            .await
            .unwrap();
        assert!(renamed(now), "it was made by a clock that is three days ahead");
        let again = NewRecord { id: diffrisk::store::new_id(), ..new_record.clone() };
        assert!(matches!(store.append_one(again).await.unwrap(), Appended::Earlier(_)));
    }
}

#[tokio::test]
async fn a_clock_that_is_far_ahead_makes_nothing_old() {
    const DAY_MS: i64 = 86_400_000;
    let dir = tempfile::tempdir().unwrap();
    let store_config =
        StoreConfig { retention: Some(Duration::from_secs(30 * 86_400)), ..sqlite_config(dir.path()) };
    let past = async |now_ms| {
        let store = Store::open(&store_config).await.unwrap();
        let past = store.past_retention(now_ms).unwrap();
        store.close().await;
        past
    };
    let now_ms = decision(1).at_ms;
    let empty = Store::open(&store_config).await.unwrap();
    assert_eq!(empty.past_retention(now_ms).unwrap(), now_ms - 30 * DAY_MS);
    let ahead = empty.past_retention(now_ms + 500 * DAY_MS).unwrap();
    assert!(ahead < now_ms - 29 * DAY_MS, "the clock of a log that was empty jumps: {ahead} of {now_ms}");
    empty.close().await;
    assert_eq!(past(now_ms - DAY_MS).await, now_ms - 31 * DAY_MS, "a clock that is behind keeps more");
    for _ in 0..2 {
        let ahead = past(now_ms + 500 * DAY_MS).await;
        assert!((now_ms - 31 * DAY_MS..now_ms - 29 * DAY_MS).contains(&ahead), "{ahead} of {now_ms}");
    }
}

/// A service that starts again and again by a wrong clock writes records of its own.
#[tokio::test]
async fn what_was_written_right_after_a_jump_of_the_clock_makes_nothing_old() {
    const DAY_MS: i64 = 86_400_000;
    let dir = tempfile::tempdir().unwrap();
    let store_config =
        StoreConfig { retention: Some(Duration::from_secs(30 * 86_400)), ..sqlite_config(dir.path()) };
    let store = Store::open(&store_config).await.unwrap();
    let now_ms = decision(1).at_ms;
    let ahead_ms = now_ms + 500 * DAY_MS;
    let id = format!("{:08x}-{:04x}-7000-8000-000000000000", ahead_ms >> 16, ahead_ms & 0xffff);
    store.append_one(NewRecord { id, at_ms: ahead_ms, ..decision(2) }).await.unwrap();
    store.close().await;
    let store = Store::open(&store_config).await.unwrap();
    let past = store.past_retention(ahead_ms).unwrap();
    assert!((now_ms - 31 * DAY_MS..now_ms - 28 * DAY_MS).contains(&past), "{past} of {now_ms}");
    store.close().await;
}

#[tokio::test]
async fn another_name_of_a_log_is_the_same_log() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&sqlite_config(dir.path())).await.unwrap();
    let alias = dir.path().join("alias.db");
    std::os::unix::fs::symlink(dir.path().join("log.db"), &alias).unwrap();
    let by_alias = StoreConfig::new(format!("sqlite://{}", alias.display()));
    assert!(matches!(Store::open(&by_alias).await, Err(Error::Locked { .. })));
    store.close().await;
}
