//! A service whose log cannot be written or is not read: it goes on, and answers as before.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

/// Ended when dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A service whose stderr goes somewhere else than to its tester, and its address.
fn served(dir: &Path, stderr: impl Into<Stdio>, log: &str) -> (Ended, String) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
    command.args(["serve", "--listen", &address, "--keys", "keys.toml", "--deadline-ms", "60000"]);
    command.env("DIFFRISK_LOG", log).current_dir(dir).stdout(Stdio::null()).stderr(stderr);
    let service = Ended(command.spawn().unwrap());
    until("it listens", || agent().get(format!("http://{address}/livez")).call().is_ok());
    (service, address)
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "not so: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
    ureq::Agent::new_with_config(config.build())
}

/// Scores the `n`th change; answers the status and what was said.
fn scored(address: &str, key: &str, n: usize) -> (u16, Value) {
    let diff =
        format!("diff --git a/a.yaml b/a.yaml\n--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-n: 0\n+n: {n}\n");
    let request = agent().post(format!("http://{address}/v1/score"));
    let request = request.header("authorization", format!("Bearer {key}"));
    let mut response = request.send_json(json!({ "change": { "repo": "config", "diff": diff } })).unwrap();
    (response.status().as_u16(), response.body_mut().read_json().unwrap_or(Value::Null))
}

fn keys(dir: &Path, args: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
    let output = command.arg("keys").args(args).arg("--json").current_dir(dir).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn key(dir: &Path, name: &str) -> String {
    keys(dir, &["add", name, "--scopes", "score"])["key"].as_str().unwrap().to_owned()
}

fn ended(service: &mut Ended) -> Option<i32> {
    let sent = Command::new("kill").args(["-TERM", &service.0.id().to_string()]).status().unwrap();
    assert!(sent.success());
    until("it leaves", || service.0.try_wait().unwrap().is_some());
    service.0.wait().unwrap().code()
}

#[test]
fn a_log_on_a_full_disk_costs_no_answer_and_no_revocation() {
    let dir = tempfile::tempdir().unwrap();
    let (kept, revoked) = (key(dir.path(), "kept"), key(dir.path(), "revoked"));
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (mut service, address) = served(dir.path(), full, "info");
    for n in 0..3 {
        let (status, answer) = scored(&address, &kept, n);
        assert_eq!((status, answer["decision_id"].is_string()), (200, true), "{answer}");
    }
    assert_eq!(scored(&address, &revoked, 3).0, 200);
    keys(dir.path(), &["revoke", "revoked"]);
    until("the key is revoked", || scored(&address, &revoked, 4).0 == 401);
    assert_eq!(scored(&address, &kept, 5).0, 200);
    assert_eq!(ended(&mut service), Some(0));
}

#[test]
fn a_reader_who_does_not_read_the_log_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let kept = key(dir.path(), "kept");
    // Everything that is said fills the pipe at once.
    let (mut service, address) = served(dir.path(), Stdio::piped(), "trace");
    for n in 0..100 {
        assert_eq!(scored(&address, &kept, n).0, 200, "question {n}");
    }
    assert_eq!(ended(&mut service), Some(0));
}
