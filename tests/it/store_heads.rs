//! The files of signed heads: they grow, are set aside, go with what they vouch for, and survive a crash in a line.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diffrisk::store::{
    Log, NewRecord, Problem, RecordKind, Store, StoreConfig, VerifyReport, backup, restore,
};

/// A log whose heads are set aside after every second or third line.
fn small_files(dir: &Path) -> StoreConfig {
    let url = format!("sqlite://{}", dir.join("log.db").display());
    StoreConfig { heads_set_aside_at: 600, ..StoreConfig::new(url) }
}

/// Each start and each stop signs a head.
async fn filled(store_config: &StoreConfig, n_starts: usize) {
    for _ in 0..n_starts {
        let store = Store::open(store_config).await.unwrap();
        store.append_one(NewRecord::new(RecordKind::Decision, "{}".into())).await.unwrap();
        store.close().await;
    }
}

async fn verified(store_config: &StoreConfig) -> VerifyReport {
    Log::open(store_config).await.unwrap().verify().await.unwrap()
}

/// The files of heads, oldest first; the one that grows is last.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.to_string_lossy().contains("log.db.heads")).collect();
    files.sort();
    files.sort_by_key(|path| path.ends_with("log.db.heads"));
    files
}

#[tokio::test]
async fn every_file_of_heads_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let store_config = small_files(dir.path());
    filled(&store_config, 8).await;
    assert!(files(dir.path()).len() >= 5, "{:?}", files(dir.path()));
    let report = verified(&store_config).await;
    assert_eq!((report.n_chains, report.n_heads, report.difference), (1, 16, None));
    // Whatever was set aside last vouches for the end, also before a next line is written.
    let last = files(dir.path()).pop().unwrap();
    let set_aside = dir.path().join("log.db.heads.999998");
    fs::rename(&last, &set_aside).unwrap();
    filled(&store_config, 1).await;
    let report = verified(&store_config).await;
    assert_eq!((report.n_chains, report.n_unsigned, report.difference), (1, 0, None));
    fs::write(&set_aside, "nonsense\n").unwrap();
    assert_eq!(verified(&store_config).await.difference.unwrap().problem, Problem::ForgedHead);
}

/// A copy of the log that went on elsewhere, with the installation's own key, is not the history that the heads here vouch for.
#[tokio::test]
async fn another_continuation_of_the_chain_is_told_from_the_one_that_was_signed() {
    let [here, there] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let configs = [&here, &there]
        .map(|dir| StoreConfig::new(format!("sqlite://{}", dir.path().join("log.db").display())));
    filled(&configs[0], 1).await;
    for entry in fs::read_dir(here.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), there.path().join(entry.file_name())).unwrap();
    }
    for store_config in &configs {
        filled(store_config, 1).await;
        assert_eq!(verified(store_config).await.difference, None);
    }
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(here.path().join(format!("log.db{suffix}")));
    }
    fs::copy(there.path().join("log.db"), here.path().join("log.db")).unwrap();
    assert_eq!(verified(&configs[0]).await.difference.unwrap().problem, Problem::Forked);
}

#[tokio::test]
async fn a_line_that_a_crash_cut_spoils_no_later_one() {
    for cut in ["{\"chain\":\"0198", "\0\0\0\0\0\0"] {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", dir.path().join("log.db").display());
        let store_config = StoreConfig::new(url);
        filled(&store_config, 2).await;
        let mut file = OpenOptions::new().append(true).open(dir.path().join("log.db.heads")).unwrap();
        file.write_all(cut.as_bytes()).unwrap();
        assert_eq!(verified(&store_config).await.difference, None, "{cut}");
        filled(&store_config, 2).await;
        let report = verified(&store_config).await;
        assert_eq!((report.n_chains, report.n_heads, report.difference), (1, 8, None), "{cut}");
    }
}

#[tokio::test]
async fn heads_go_with_the_records_they_vouch_for() {
    let dir = tempfile::tempdir().unwrap();
    let store_config = small_files(dir.path());
    filled(&store_config, 8).await;
    let n_files = files(dir.path()).len();
    // One that another key signed is no head of a pruned record: it stays and is found.
    let forged = files(dir.path()).remove(0);
    let text = fs::read_to_string(&forged).unwrap();
    fs::write(&forged, text.replace("\"mac\":\"", "\"mac\":\"0")).unwrap();

    let store = Store::open(&store_config).await.unwrap();
    assert_eq!(store.prune(0).await.unwrap(), 0);
    assert!(files(dir.path()).len() >= n_files);
    assert!(store.prune(i64::MAX).await.unwrap() >= 8);
    assert!(files(dir.path()).len() <= 3, "{:?}", files(dir.path()));
    assert_eq!(store.log().verify().await.unwrap().difference.unwrap().problem, Problem::ForgedHead);
    fs::write(&forged, text).unwrap();
    store.append_one(NewRecord::new(RecordKind::Decision, "{}".into())).await.unwrap();
    assert!(store.prune(i64::MAX).await.unwrap() >= 1);
    assert!(!forged.exists());
    store.close().await;

    filled(&store_config, 1).await;
    let report = verified(&store_config).await;
    assert_eq!((report.n_chains, report.n_unsigned, report.difference), (1, 0, None));
}

#[tokio::test]
async fn a_new_chain_begins_a_file_and_an_older_one_keeps_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let store_config = small_files(dir.path());
    filled(&store_config, 3).await;
    let broken = "UPDATE record SET body = '{ }' WHERE seq = (SELECT max(seq) FROM record)";
    let url = format!("sqlite://{}", dir.path().join("log.db").display());
    let mut session = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await.unwrap();
    sqlx::raw_sql(broken).execute(&mut session).await.unwrap();
    sqlx::Connection::close(session).await.unwrap();
    let older = files(dir.path());

    filled(&store_config, 3).await;
    let chain_of = |line: &str| line.split('"').nth(3).unwrap().to_owned();
    for path in files(dir.path()) {
        let chains: BTreeSet<_> = fs::read_to_string(&path).unwrap().lines().map(chain_of).collect();
        assert_eq!(chains.len(), 1, "{path:?}");
    }
    let store = Store::open(&store_config).await.unwrap();
    assert!(store.prune(i64::MAX).await.unwrap() >= 3);
    assert!(older[..older.len() - 1].iter().all(|path| path.exists()), "{older:?}");
    let report = store.log().verify().await.unwrap();
    assert_eq!((report.n_chains, report.difference.unwrap().problem), (2, Problem::Altered));
}

#[tokio::test]
async fn a_backup_holds_the_heads_of_all_files_in_one() {
    let dir = tempfile::tempdir().unwrap();
    let store_config = small_files(dir.path());
    filled(&store_config, 6).await;
    let report = backup(&store_config, &dir.path().join("copy")).await.unwrap();
    assert_eq!((report.n_heads, report.difference), (12, None));
    let restored = dir.path().join("restored");
    fs::create_dir(&restored).unwrap();
    let restored_config = small_files(&restored);
    let left_over = restored.join("log.db.heads.000001");
    fs::copy(files(dir.path()).remove(0), &left_over).unwrap();
    restore(&dir.path().join("copy"), &restored_config).await.unwrap_err();
    fs::remove_file(left_over).unwrap();
    assert_eq!(restore(&dir.path().join("copy"), &restored_config).await.unwrap().n_heads, 12);
    filled(&restored_config, 2).await;
    let report = verified(&restored_config).await;
    assert_eq!((report.n_chains, report.n_heads, report.difference), (1, 16, None));
}

#[tokio::test]
async fn a_log_in_memory_forgets_heads_as_well() {
    // None is signed because of the time: there is one for each pruning.
    let head_every = Duration::from_secs(3600);
    let store_config = StoreConfig { head_every, ..StoreConfig::new("memory") };
    let store = Store::open(&store_config).await.unwrap();
    for _ in 0..3 {
        store.append_one(NewRecord::new(RecordKind::Decision, "{}".into())).await.unwrap();
        assert!(store.prune(i64::MAX).await.unwrap() >= 1);
        let report = store.log().verify().await.unwrap();
        assert_eq!((report.n_heads, report.n_unsigned, report.difference), (1, 0, None));
    }
}

#[tokio::test]
async fn what_is_pruned_while_a_log_is_verified_is_not_missing() {
    let dir = tempfile::tempdir().unwrap();
    let store_config = small_files(dir.path());
    let store = Store::open(&store_config).await.unwrap();
    let pruning = async {
        for _ in 0..200 {
            store.append_one(NewRecord::new(RecordKind::Decision, "{}".into())).await.unwrap();
            store.prune(i64::MAX).await.unwrap();
        }
    };
    let verifying = async {
        for _ in 0..200 {
            assert_eq!(store.log().verify().await.unwrap().difference, None);
        }
    };
    tokio::join!(pruning, verifying);
}
