//! `decisions verify`, `replay`, `backup` and `restore` from outside, on a log that a service wrote.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::git_script::Script;
use crate::process::serve;

const DIFF: &str =
    "--- a/web.yaml\\n+++ b/web.yaml\\n@@ -1,2 +1,2 @@\\n-timeout: 30s\\n+timeout: 3s\\n retries: 2\\n";

fn decisions(args: &[&str], store: &Path) -> (i32, String) {
    let url = format!("sqlite://{}", store.display());
    let output: Output = Command::new(env!("CARGO_BIN_EXE_diffrisk"))
        .arg("decisions")
        .args(args)
        .args(["--store", &url])
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), said)
}

/// A log of one scored decision, and its id.
fn written(dir: &Path) -> String {
    let mut service = serve(dir, &[], &[]);
    let body = format!(
        r#"{{"change":{{"repo":"shop","author":"a@example.org","message":"faster","diff":"{DIFF}"}}}}"#
    );
    let (status, answer) = service.post("/v1/score", &body);
    assert_eq!(status, 200, "{answer}");
    assert!(answer["risk"]["score"].is_number(), "{answer}");
    assert_eq!(service.stop(), Some(0));
    answer["decision_id"].as_str().unwrap().to_owned()
}

fn sqlite(db: &Path, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite://{}", db.display());
        let mut session = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut session).await.unwrap();
        sqlx::Connection::close(session).await.unwrap();
    });
}

#[test]
fn a_decision_is_recomputed_to_the_last_bit_and_a_changed_one_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let id = written(dir.path());
    let db = dir.path().join("log.db");
    let (code, said) = decisions(&["replay", &id, "--json"], &db);
    assert_eq!(code, 0, "{said}");
    let replay: Value = serde_json::from_str(&said).unwrap();
    assert!(replay["n_compared"].as_u64().unwrap() > 10 && replay["differences"] == serde_json::json!([]));
    assert_eq!(decisions(&["replay", "nothing"], &db).0, 4);
    sqlite(&db, "UPDATE record SET body = replace(body, 'extra_validation', 'fast_path'), at_ms = at_ms + 1");
    let (code, said) = decisions(&["replay", &id], &db);
    assert_eq!(code, 5, "{said}");
    assert_eq!(decisions(&["verify"], &db).0, 5);
}

/// Whoever wrote over a refusal has not made it something that a person then lets through.
#[test]
fn a_decision_that_was_altered_under_a_running_service_cannot_be_overridden() {
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path(), &[], &[]);
    let score = |repo: &str| {
        service.post("/v1/score", &format!(r#"{{"change":{{"repo":"{repo}","diff":"{DIFF}"}}}}"#)).1
            ["decision_id"]
            .clone()
    };
    let override_of = |id: &Value| {
        let body = r#"{"reason":"a fix for tonight","expires_at":"2999-01-01T00:00:00Z"}"#;
        let (status, answer) =
            service.post(&format!("/v1/decisions/{}/override", id.as_str().unwrap()), body);
        (status, answer["code"].clone())
    };
    let (kept, altered) = (score("kept"), score("altered"));
    sqlite(
        &dir.path().join("log.db"),
        &format!("UPDATE record SET body = body || ' ' WHERE id = {}", altered.to_string().replace('"', "'")),
    );
    assert_eq!(override_of(&kept), (201, Value::Null));
    assert_eq!(override_of(&altered), (500, "record_altered".into()));
}

#[test]
fn a_decision_that_nothing_scored_is_not_replayed_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut service = serve(dir.path(), &["--model", "nowhere"], &[]);
    let (status, answer) =
        service.post("/v1/score", &format!(r#"{{"change":{{"repo":"shop","diff":"{DIFF}"}}}}"#));
    assert_eq!((status, &answer["model"]), (200, &Value::Null), "{answer}");
    assert_eq!(service.stop(), Some(0));
    let (id, db) = (answer["decision_id"].as_str().unwrap(), dir.path().join("log.db"));
    for more in [&[][..], &["--model", dir.path().to_str().unwrap()]] {
        let (code, said) = decisions(&[&["replay", id], more].concat(), &db);
        assert!(code == 4 && said.contains("nothing scored it"), "{code}: {said}");
    }
}

#[test]
fn a_backup_that_cannot_be_made_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy");
    for store in ["postgres://nobody@127.0.0.1:1/none", "memory", "sqlite://none.db"] {
        let mut backup = std::process::Command::new(env!("CARGO_BIN_EXE_diffrisk"));
        backup.args(["decisions", "backup", "copy", "--store", store]).current_dir(dir.path());
        let output = backup.output().unwrap();
        assert!(!output.status.success());
        assert!(!copy.exists(), "{store}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_backup_made_while_the_service_writes_is_restored_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("log.db");
    let copy = dir.path().join("copy");
    let mut service = serve(dir.path(), &[], &[]);
    let body = |n: usize| {
        format!(
            r#"{{"change":{{"repo":"shop","message":"{n}","diff":"{}"}}}}"#,
            DIFF.replace("3s", &format!("{n}s"))
        )
    };
    for n in 0..20 {
        assert_eq!(service.post("/v1/score", &body(n)).0, 200);
        if n == 10 {
            let (code, said) = decisions(&["backup", copy.to_str().unwrap()], &db);
            assert_eq!(code, 0, "{said}");
            assert!(said.contains("all as written"), "{said}");
        }
    }
    assert_eq!(service.stop(), Some(0));
    assert_ne!(decisions(&["restore", copy.to_str().unwrap()], &db).0, 0, "nothing is written over");
    let elsewhere = tempfile::tempdir().unwrap();
    let restored = elsewhere.path().join("log.db");
    // What SQLite left of a database that is gone would be taken for changes to the one that comes.
    for left in ["log.db-wal", "log.db", "log.db.heads"] {
        std::fs::write(elsewhere.path().join(left), "of another log").unwrap();
        assert_ne!(decisions(&["restore", copy.to_str().unwrap()], &restored).0, 0, "{left}");
        std::fs::remove_file(elsewhere.path().join(left)).unwrap();
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "half a log beside {left}");
    }
    let (code, said) = decisions(&["restore", copy.to_str().unwrap()], &restored);
    assert_eq!(code, 0, "{said}");
    let mut service = serve(elsewhere.path(), &[], &[]);
    assert_eq!(service.post("/v1/score", &body(99)).0, 200);
    assert_eq!(service.stop(), Some(0));
    assert_eq!(decisions(&["verify"], &restored).0, 0);
}

#[test]
fn a_log_or_backup_that_cannot_be_read_is_bad_input() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    let db = dir.path().join("log.db");
    let (copy, restored) = (dir.path().join("copy"), dir.path().join("restored.db"));
    let copy_named = copy.to_str().unwrap();
    assert_eq!(decisions(&["backup", copy_named], &db).0, 0);
    let whole = std::fs::read(copy.join("diffrisk.db")).unwrap();
    for n_bytes in [0, 100, 5_000, whole.len() / 2] {
        for left in ["diffrisk.db-wal", "diffrisk.db-shm"] {
            let _ = std::fs::remove_file(copy.join(left));
        }
        std::fs::write(copy.join("diffrisk.db"), &whole[..n_bytes]).unwrap();
        let (code, said) = decisions(&["restore", copy_named], &restored);
        assert_eq!(code, 4, "{n_bytes} of {} bytes: {said}", whole.len());
        assert_eq!(decisions(&["verify"], &copy.join("diffrisk.db")).0, 4);
    }
    sqlite(&db, "DELETE FROM layout");
    let (code, said) = decisions(&["backup", dir.path().join("another").to_str().unwrap()], &db);
    assert!(code == 4 && said.contains("brings it up to date"), "{code}: {said}");
}

#[test]
fn a_service_leaves_the_database_of_another_program_alone() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("tickets.db");
    std::fs::write(&db, "").unwrap();
    sqlite(&db, "CREATE TABLE tickets (id INTEGER PRIMARY KEY)");
    let store = format!("sqlite://{}", db.display());
    let mut serve = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
    let output =
        serve.args(["serve", "--listen", "127.0.0.1:0", "--store", &store]).current_dir(dir.path()).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(4) && said.contains("the database of another program"), "{said}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_start_that_is_refused_leaves_an_older_log_as_it_is() {
    let mut script = Script::new();
    let first = script.commit("Add a pool", &[("pool.yaml", b"size: 3\n")], &[]);
    script.set_main(first);
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(serve(dir.path(), &[], &[]).stop(), Some(0));
    let db = dir.path().join("log.db");
    sqlite(&db, "DROP INDEX idempotency_decision; DELETE FROM layout WHERE version > 3");
    std::fs::write(dir.path().join("bad.csv"), "no,incidents\n1,2\n").unwrap();
    std::fs::write(dir.path().join("bad.owners"), "a[ @nobody\n").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let repo = format!("a={}", script.path().display());
    for refused in [
        &["--listen", &taken][..],
        &["--listen", "127.0.0.1:0", "--repo", &repo, "--incidents", "a=bad.csv"],
        &["--listen", "127.0.0.1:0", "--repo", &repo, "--owners", "a=bad.owners"],
        &["--listen", "127.0.0.1:0", "--keys", "nowhere.toml", "--tls-key", "x", "--tls-certificate", "y"],
    ] {
        let mut serve = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
        serve.args(["serve", "--store", "sqlite://log.db", "--cache", "cache"]).args(refused);
        let output = serve.current_dir(dir.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(4) && said.contains("the service cannot start"), "{said}");
        let (code, said) = decisions(&["verify"], &db);
        assert!(code == 4 && said.contains("has layout 3"), "{refused:?}: {code}: {said}");
    }
}
