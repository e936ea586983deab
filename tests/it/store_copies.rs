//! Copies of a log, however they were made, and files that are not a log's alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use diffrisk::store::{Error, Log, NewRecord, RecordKind, Store, StoreConfig, VerifyReport, backup, restore};
use sqlx::{Connection, SqliteConnection};

fn config(path: &Path) -> StoreConfig {
    StoreConfig { heads_set_aside_at: 500, ..StoreConfig::new(format!("sqlite://{}", path.display())) }
}

async fn append(store: &Store, n_records: usize) {
    for n in 0..n_records {
        store.append_one(NewRecord::new(RecordKind::Decision, format!("{{\"n\":{n}}}"))).await.unwrap();
    }
}

async fn filled(store_config: &StoreConfig) {
    for _ in 0..3 {
        let store = Store::open(store_config).await.unwrap();
        append(&store, 3).await;
        store.close().await;
    }
}

async fn verified(store_config: &StoreConfig) -> VerifyReport {
    Log::open(store_config).await.unwrap().verify().await.unwrap()
}

async fn run(db: &Path, sql: &str) {
    let mut session = SqliteConnection::connect(&format!("sqlite://{}", db.display())).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut session).await.unwrap();
    session.close().await.unwrap();
}

/// Copies every file of a log as other tools do, under the name that a backup has.
fn copied(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if let Some(ending) = name.strip_prefix("log.db").filter(|ending| *ending != "-shm") {
            fs::copy(entry.path(), to.join(format!("diffrisk.db{ending}"))).unwrap();
        }
    }
}

fn n_files(dir: &Path) -> usize {
    fs::read_dir(dir).unwrap().count()
}

#[tokio::test]
async fn what_lies_in_the_journal_of_a_backup_is_restored() {
    let dir = tempfile::tempdir().unwrap();
    let (source, target) = (dir.path().join("source"), dir.path().join("target"));
    fs::create_dir(&source).unwrap();
    fs::create_dir(&target).unwrap();
    let store = Store::open(&config(&source.join("log.db"))).await.unwrap();
    append(&store, 5).await;
    let copy = dir.path().join("copy");
    copied(&source, &copy);
    assert!(fs::metadata(copy.join("diffrisk.db-wal")).unwrap().len() > 0);
    let restored = config(&target.join("log.db"));
    let report = restore(&copy, &restored).await.unwrap();
    assert_eq!((report.n_records, report.difference), (6, None));
    let mode = |name: &str| fs::metadata(target.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode("log.db"), mode("log.db.key"), mode("log.db.heads")], [0o600; 3]);
    store.close().await;
    let store = Store::open(&restored).await.unwrap();
    append(&store, 1).await;
    store.close().await;
    let report = verified(&restored).await;
    assert_eq!((report.n_chains, report.n_records, report.difference), (1, 7, None), "its chain goes on");
}

#[tokio::test]
async fn heads_that_were_set_aside_are_restored() {
    let dir = tempfile::tempdir().unwrap();
    let (source, target) = (dir.path().join("source"), dir.path().join("target"));
    fs::create_dir(&source).unwrap();
    fs::create_dir(&target).unwrap();
    filled(&config(&source.join("log.db"))).await;
    let copy = dir.path().join("copy");
    copied(&source, &copy);
    assert!(copy.join("diffrisk.db.heads.000001").exists());
    let n_heads = verified(&config(&source.join("log.db"))).await.n_heads;
    let report = restore(&copy, &config(&target.join("log.db"))).await.unwrap();
    assert_eq!((report.n_heads, report.difference), (n_heads, None));
}

#[tokio::test]
async fn a_log_of_an_older_version_is_copied_and_put_back_as_it_is() {
    let older = [
        (3, "DROP INDEX idempotency_decision"),
        (2, "CREATE INDEX record_question ON record (question) WHERE question IS NOT NULL"),
    ];
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("log.db");
    filled(&config(&source)).await;
    for (layout, sql) in older {
        run(&source, &format!("{sql}; DELETE FROM layout WHERE version > {layout}")).await;
        let (copy, target) = (dir.path().join(format!("copy{layout}")), dir.path().join(format!("{layout}")));
        let report = backup(&config(&source), &copy).await.unwrap();
        assert_eq!((report.n_records, report.difference), (10, None));
        fs::create_dir(&target).unwrap();
        let target = config(&target.join("log.db"));
        assert_eq!(restore(&copy, &target).await.unwrap().difference, None);
        let unread = Log::open(&target).await.map(drop).unwrap_err();
        assert!(matches!(unread, Error::OldLayout { found, .. } if found == layout), "{unread}");
        Store::open(&target).await.unwrap().close().await;
        let report = verified(&target).await;
        assert_eq!((report.n_chains, report.n_records, report.difference), (1, 10, None));
    }
}

#[tokio::test]
async fn a_backup_that_fails_leaves_nothing_in_the_way_of_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("log.db");
    filled(&config(&source)).await;
    let key_path = dir.path().join("log.db.key");
    let key = fs::read(&key_path).unwrap();
    let (made, there) = (dir.path().join("made"), dir.path().join("there"));
    fs::create_dir(&there).unwrap();
    fs::write(there.join("other"), "of somebody else").unwrap();
    // Found out when the copy is made, and when it is verified.
    for broken in [None, Some("no key")] {
        match broken {
            None => fs::remove_file(&key_path).unwrap(),
            Some(text) => fs::write(&key_path, text).unwrap(),
        }
        for copy in [&made, &there] {
            backup(&config(&source), copy).await.unwrap_err();
        }
        assert!(!made.exists());
        assert_eq!(n_files(&there), 1);
    }
    fs::write(&key_path, key).unwrap();
    for copy in [&made, &there] {
        assert_eq!(backup(&config(&source), copy).await.unwrap().difference, None);
        backup(&config(&source), copy).await.unwrap_err();
        assert_eq!(
            verified(&config(&copy.join("diffrisk.db"))).await.difference,
            None,
            "the first one stays"
        );
    }
}

#[tokio::test]
async fn a_log_with_two_names_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (dir.path().join("log.db"), dir.path().join("other.db"));
    filled(&config(&one)).await;
    fs::hard_link(&one, &other).unwrap();
    for path in [&one, &other] {
        let refused = Store::open(&config(path)).await.map(drop).unwrap_err();
        assert!(matches!(refused, Error::ManyNames { n_names: 2, .. }), "{refused}");
        assert!(config(path).check().is_err());
    }
    assert!(!dir.path().join("other.db.lock").exists());
    fs::remove_file(other).unwrap();
    Store::open(&config(&one)).await.unwrap().close().await;
}

#[tokio::test]
async fn the_database_of_another_program_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("other.db");
    fs::write(&db, "").unwrap();
    for sql in ["CREATE TABLE tickets (id INTEGER PRIMARY KEY)", "CREATE TABLE layout (version TEXT)"] {
        run(&db, sql).await;
        let before = fs::read(&db).unwrap();
        for refused in [
            Store::open(&config(&db)).await.map(drop).unwrap_err(),
            Log::open(&config(&db)).await.map(drop).unwrap_err(),
        ] {
            assert!(refused.to_string().contains("the database of another program"), "{refused}");
        }
        assert!(fs::read(&db).unwrap() == before && n_files(dir.path()) == 1);
    }
}

#[tokio::test]
async fn a_start_that_was_cut_off_before_its_first_table_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("log.db");
    fs::write(&db, "").unwrap();
    run(&db, "CREATE TABLE layout (version BIGINT PRIMARY KEY)").await;
    filled(&config(&db)).await;
    assert_eq!(verified(&config(&db)).await.difference, None);
}

#[tokio::test]
async fn what_a_start_could_not_read_or_write_is_found_before() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("log.db");
    filled(&config(&db)).await;
    config(&db).check().unwrap();
    for ending in ["db.key", "db.heads", "db.lock", "db-wal"] {
        let path = dir.path().join(format!("log.{ending}"));
        let aside = dir.path().join("aside");
        let was_there = fs::rename(&path, &aside).is_ok();
        fs::create_dir(&path).unwrap();
        let refused = config(&db).check().unwrap_err().to_string();
        assert!(refused.contains(path.to_str().unwrap()), "{refused}");
        fs::remove_dir(&path).unwrap();
        if was_there {
            fs::rename(&aside, &path).unwrap();
        }
    }
    fs::write(dir.path().join("log.db.key"), "no key").unwrap();
    assert!(matches!(config(&db).check(), Err(Error::Malformed { .. })));
}
