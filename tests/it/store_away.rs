//! A database that does not answer any more: the service says so, and leaves all the same.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};

use crate::postgres;
use crate::process::{Running, serve_on};

/// A repository of which nothing gets through.
const STICKS: &str = "sticks-on-the-way";

/// A way to a server on which nothing moves any more once it is told so, or once a repository is named, and which may end at a
/// commit.
struct Way {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_stuck: AtomicBool,
    /// Where the next commit cuts it off.
    cut: Mutex<Option<Cut>>,
}

/// Whether the server still hears of the commit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    Before,
    Behind,
}

impl Way {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (own, state) = (listener.local_addr().unwrap().port(), Arc::new(State::default()));
        let of_all = Arc::clone(&state);
        std::thread::spawn(move || {
            for here in listener.incoming().map_while(Result::ok) {
                let Ok(there) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                for (from, to) in [(&here, &there), (&there, &here)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let state = Arc::clone(&of_all);
                    std::thread::spawn(move || pass_on(from, to, &state));
                }
            }
        });
        Self { port: own, state }
    }

    /// Its address.
    fn url(&self) -> String {
        format!("postgres://diffrisk@127.0.0.1:{}/postgres", self.port)
    }

    fn stick(&self, is_stuck: bool) {
        self.state.is_stuck.store(is_stuck, Ordering::Relaxed);
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, state: &State) {
    let mut buffer = [0; 8192];
    while let Ok(n_bytes @ 1..) = from.read(&mut buffer) {
        let says = |word: &str| buffer[..n_bytes].windows(word.len()).any(|part| part == word.as_bytes());
        if says(STICKS) {
            state.is_stuck.store(true, Ordering::Relaxed);
        }
        while state.is_stuck.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let cut = state.cut.lock().unwrap().take_if(|_| says("COMMIT"));
        if cut != Some(Cut::Before) && to.write_all(&buffer[..n_bytes]).is_err() {
            break;
        }
        if cut.is_some() {
            let _ = from.shutdown(Shutdown::Both);
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn run_sql(url: &str, statements: &[&str]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut session = PgConnection::connect(url).await.unwrap();
        for statement in statements {
            let statement = sqlx::AssertSqlSafe(statement.to_string());
            sqlx::raw_sql(statement).execute(&mut session).await.unwrap();
        }
    });
}

fn question(value: u32) -> String {
    let diff = format!("--- a/b.yaml\\n+++ b/b.yaml\\n@@ -1 +1 @@\\n-a: 1\\n+a: {value}\\n");
    format!(r#"{{"change": {{"repo": "shop", "diff": "{diff}"}}}}"#)
}

fn until_ready_is(service: &Running, wanted: bool) -> String {
    for _ in 0..300 {
        let (status, said) = service.get("/readyz");
        if (status == 200) == wanted {
            return said;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it never turned {wanted}: {}", service.said.lock().unwrap());
}

#[test]
fn a_database_that_hangs_makes_the_service_unready_and_keeps_it_from_nothing() {
    let Some(server) = postgres::start() else { return };
    let way = Way::to(server.port());
    let dir = tempfile::tempdir().unwrap();
    let stem = dir.path().join("log");
    let args = ["--store-stem", stem.to_str().unwrap(), "--drain-seconds", "1", "--deadline-ms", "2000"];
    let mut service = serve_on(&way.url(), dir.path(), &args, &[]);
    let question = &question(2);
    assert_eq!(service.post("/v1/score", question).1["degraded"], false);
    until_ready_is(&service, true);

    way.stick(true);
    let said = until_ready_is(&service, false);
    assert!(said.contains("the decision log cannot be reached"), "{said}");
    let (status, answer) = service.post("/v1/score", question);
    assert_eq!((status, &answer["decision_id"]), (200, &serde_json::Value::Null), "{answer}");
    assert!(answer["reasons"].to_string().contains("store_down"), "{answer}");
    assert!(service.get("/metrics").1.contains("diffrisk_store_open 0"));

    way.stick(false);
    until_ready_is(&service, true);
    assert_eq!(service.post("/v1/score", question).1["degraded"], false);

    // The record is on its way when the service is told to leave, and never gets there.
    let (_, answer) = service.post("/v1/score", &question.replace("shop", STICKS));
    assert!(answer["reasons"].to_string().contains("store_slow"), "{answer}");
    let asked_to_leave = Instant::now();
    assert_eq!(service.stop(), Some(0));
    let took = asked_to_leave.elapsed();
    assert!(took < Duration::from_secs(12), "{took:?}");
}

/// As after a failover to a server that only follows.
#[test]
fn a_database_that_takes_nothing_makes_the_service_unready() {
    let Some(server) = postgres::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let stem = dir.path().join("log");
    let service = serve_on(&server.url(), dir.path(), &["--store-stem", stem.to_str().unwrap()], &[]);
    until_ready_is(&service, true);
    let turn = |read_only: &str| {
        let switched = format!("ALTER DATABASE postgres SET default_transaction_read_only = {read_only}");
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                      WHERE pid <> pg_backend_pid() AND datname = 'postgres'";
        run_sql(&server.url(), &["SET default_transaction_read_only = off", &switched, others]);
    };
    turn("on");
    let said = until_ready_is(&service, false);
    assert!(said.contains("the decision log cannot be reached"), "{said}");
    assert!(service.get("/metrics").1.contains("diffrisk_store_open 0"));
    turn("off");
    until_ready_is(&service, true);
}

/// A role that may read and no longer write: the server answers all that it is asked but what counts.
#[test]
fn a_database_that_answers_and_refuses_records_makes_the_service_unready() {
    let Some(server) = postgres::start() else { return };
    run_sql(&server.url(), &["CREATE ROLE writer LOGIN", "GRANT CREATE ON SCHEMA public TO writer"]);
    let dir = tempfile::tempdir().unwrap();
    let stem = dir.path().join("log");
    let url = server.url().replace("diffrisk@", "writer@");
    let args = ["--store-stem", stem.to_str().unwrap(), "--deadline-ms", "20000"];
    let service = serve_on(&url, dir.path(), &args, &[]);
    assert_eq!(service.post("/v1/score", &question(2)).1["degraded"], false);
    run_sql(&server.url(), &["ALTER TABLE record OWNER TO diffrisk", "GRANT SELECT ON record TO writer"]);
    let (_, answer) = service.post("/v1/score", &question(3));
    assert_eq!((answer["decision"].as_str(), &answer["degraded"]), (Some("extra_validation"), &true.into()));
    until_ready_is(&service, false);

    run_sql(&server.url(), &["GRANT INSERT ON record TO writer"]);
    until_ready_is(&service, true);
    assert_eq!(service.post("/v1/score", &question(3)).1["degraded"], false);
    assert_eq!(n_records(&server, "probe"), 0);
}

/// A replica that stops in its transaction holds the keys it has taken there until the server ends it.
#[test]
fn a_replica_that_stopped_at_a_record_keeps_no_key_from_the_others() {
    let Some(server) = postgres::start() else { return };
    let way = Way::to(server.port());
    let dir = tempfile::tempdir().unwrap();
    let replica = |name: &str, url: &str| {
        let stem = dir.path().join(name);
        let args = ["--store-stem", stem.to_str().unwrap(), "--deadline-ms", "20000"];
        serve_on(url, dir.path(), &args, &[])
    };
    let (stopped, other) = (replica("stopped", &way.url()), replica("other", &server.url()));
    let asked = question(2).replace("shop", STICKS);
    let keyed = [("Idempotency-Key", "release-7")];
    std::thread::scope(|scope| {
        scope.spawn(|| stopped.post_with("/v1/score", &asked, &keyed));
        let is_stopped = (0..400).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            way.state.is_stuck.load(Ordering::Relaxed)
        });
        assert!(is_stopped);
        let (_, answer) = other.post_with("/v1/score", &asked, &keyed);
        assert_eq!(
            (&answer["degraded"], answer["decision_id"].is_string()),
            (&false.into(), true),
            "{answer}"
        );
        way.stick(false);
    });
    let (_, again) = other.post_with("/v1/score", &asked, &keyed);
    assert_eq!(again["degraded"], false, "{again}");
    assert_eq!(n_records(&server, "decision"), 1);
}

/// A connection that goes away while the server commits: the service asks where its chain ends, and goes on from there.
#[test]
fn a_commit_that_was_not_answered_for_is_looked_up() {
    for cut in [Cut::Before, Cut::Behind] {
        let Some(server) = postgres::start() else { return };
        let way = Way::to(server.port());
        let dir = tempfile::tempdir().unwrap();
        let stem = dir.path().join("log");
        let args = ["--store-stem", stem.to_str().unwrap(), "--deadline-ms", "20000"];
        let service = serve_on(&way.url(), dir.path(), &args, &[]);
        assert_eq!(service.post("/v1/score", &question(2)).1["degraded"], false);

        *way.state.cut.lock().unwrap() = Some(cut);
        let keyed = [("Idempotency-Key", "release-7")];
        let (_, answer) = service.post_with("/v1/score", &question(3), &keyed);
        assert_eq!(
            (answer["decision"].as_str(), &answer["degraded"]),
            (Some("extra_validation"), &true.into())
        );
        // The server may still be at it.
        let n_taken = if cut == Cut::Behind { 2 } else { 1 };
        let waited = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            n_records(&server, "decision") == n_taken
        });
        assert!(waited, "{cut:?}: {}", n_records(&server, "decision"));
        until_ready_is(&service, true);
        let (status, again) = service.post_with("/v1/score", &question(3), &keyed);
        assert_eq!((status, &again["degraded"]), (200, &false.into()), "{cut:?}: {again}");
        assert_eq!(n_records(&server, "decision"), 2, "{cut:?}");
        assert_eq!(service.post("/v1/score", &question(4)).1["degraded"], false);
        drop(service);
        let verified = Command::new(env!("CARGO_BIN_EXE_diffrisk"))
            .args(["decisions", "verify", "--store", &server.url(), "--store-stem", stem.to_str().unwrap()])
            .output()
            .unwrap();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    }
}

fn n_records(server: &postgres::Server, kind: &str) -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut session = PgConnection::connect(&server.url()).await.unwrap();
        let counted = sqlx::query_scalar("SELECT COUNT(*) FROM record WHERE kind = $1").bind(kind);
        counted.fetch_one(&mut session).await.unwrap()
    })
}
