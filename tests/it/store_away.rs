//! A database that does not answer any more: the service says so, and leaves all the same.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};

use crate::postgres;
use crate::process::{Running, serve_on};

/// A repository of which nothing gets through.
const STICKS: &str = "sticks-on-the-way";

/// A way to a server on which nothing moves any more once it is told so, or once a repository is named.
struct Way {
    port: u16,
    is_stuck: Arc<AtomicBool>,
}

impl Way {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (own, is_stuck) = (listener.local_addr().unwrap().port(), Arc::new(AtomicBool::new(false)));
        let stuck = Arc::clone(&is_stuck);
        std::thread::spawn(move || {
            for here in listener.incoming().map_while(Result::ok) {
                let Ok(there) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                for (from, to) in [(&here, &there), (&there, &here)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let stuck = Arc::clone(&stuck);
                    std::thread::spawn(move || pass_on(from, to, &stuck));
                }
            }
        });
        Self { port: own, is_stuck }
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, is_stuck: &AtomicBool) {
    let mut buffer = [0; 8192];
    while let Ok(n_bytes @ 1..) = from.read(&mut buffer) {
        if buffer[..n_bytes].windows(STICKS.len()).any(|part| part == STICKS.as_bytes()) {
            is_stuck.store(true, Ordering::Relaxed);
        }
        while is_stuck.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
        }
        if to.write_all(&buffer[..n_bytes]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
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
    let url = format!("postgres://diffrisk@127.0.0.1:{}/postgres", way.port);
    let stem = dir.path().join("log");
    let args = ["--store-stem", stem.to_str().unwrap(), "--drain-seconds", "1", "--deadline-ms", "2000"];
    let mut service = serve_on(&url, dir.path(), &args, &[]);
    let question =
        r#"{"change": {"repo": "shop", "diff": "--- a/b.yaml\n+++ b/b.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n"}}"#;
    assert_eq!(service.post("/v1/score", question).1["degraded"], false);
    until_ready_is(&service, true);

    way.is_stuck.store(true, Ordering::Relaxed);
    let said = until_ready_is(&service, false);
    assert!(said.contains("the decision log cannot be reached"), "{said}");
    let (status, answer) = service.post("/v1/score", question);
    assert_eq!((status, &answer["decision_id"]), (200, &serde_json::Value::Null), "{answer}");
    assert!(answer["reasons"].to_string().contains("store_down"), "{answer}");
    assert!(service.get("/metrics").1.contains("diffrisk_store_open 0"));

    way.is_stuck.store(false, Ordering::Relaxed);
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let turn = |read_only: &str| {
        let switched = format!("ALTER DATABASE postgres SET default_transaction_read_only = {read_only}");
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                      WHERE pid <> pg_backend_pid() AND datname = 'postgres'";
        runtime.block_on(async {
            let mut session = PgConnection::connect(&server.url()).await.unwrap();
            for statement in ["SET default_transaction_read_only = off", &switched, others] {
                let statement = sqlx::AssertSqlSafe(statement.to_owned());
                sqlx::raw_sql(statement).execute(&mut session).await.unwrap();
            }
        });
    };
    turn("on");
    let said = until_ready_is(&service, false);
    assert!(said.contains("the decision log cannot be reached"), "{said}");
    assert!(service.get("/metrics").1.contains("diffrisk_store_open 0"));
    turn("off");
    until_ready_is(&service, true);
}
