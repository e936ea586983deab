//! The service as a process on a socket: slow callers, TLS, leaving, traces, and a power cut.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::process::{Running, installed, serve};

fn question(n: usize) -> String {
    let diff = format!("--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: {n}\n");
    json!({ "change": { "repo": "shop", "diff": diff } }).to_string()
}

/// Until the other side hangs up.
fn rest(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn a_caller_that_never_finishes_is_let_go() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("diffrisk.toml"), "[limits]\nbody_seconds = 1\n").unwrap();
    let service = serve(dir.path(), &["--config", "diffrisk.toml"], &[]);
    let open = |said: &str| {
        let mut stream = TcpStream::connect(&service.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(said.as_bytes()).unwrap();
        stream
    };
    let mut half_head = open("POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Le");
    let mut half_body =
        open("POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"change\"");
    rest(&mut half_head);
    let said = rest(&mut half_body);
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("body_too_slow"), "{said}");
    assert_eq!(service.get("/livez").0, 200);
}

/// Before a key was shown, a connection may keep no more waiting than a head.
#[test]
fn a_head_without_an_end_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path(), &[], &[]);
    for (n_bytes, status) in [(20_000, "200"), (60_000, "431")] {
        let mut stream = TcpStream::connect(&service.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let long = "a".repeat(n_bytes);
        write!(
            stream,
            "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Long: {long}\r\n\r\n"
        )
        .unwrap();
        let said = rest(&mut stream);
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{n_bytes}: {said}");
    }
}

/// A start takes minutes where a long history is folded; here it waits for a database that says nothing.
#[test]
fn a_service_that_still_starts_minds_its_signals() {
    let database = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let store = format!("postgres://drisk@{}/log", database.local_addr().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", &store]).current_dir(dir.path());
    let child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let waiting = database.accept().unwrap();
    for name in ["HUP", "TERM"] {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status();
        assert!(sent.unwrap().success());
        std::thread::sleep(Duration::from_millis(200));
    }
    let output = child.wait_with_output().unwrap();
    drop(waiting);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(0) && said.contains("stopped before it listened"), "{output:?}");
}

#[test]
fn a_body_that_is_cut_off_is_not_one_that_is_too_large() {
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path(), &[], &[]);
    for (head, body) in [
        ("Content-Length: 1000", "{\"change\":"),
        ("Transfer-Encoding: chunked", "b\r\n{\"change\":\r\n"),
        ("Transfer-Encoding: chunked", "no number\r\n{\"change\":\r\n0\r\n\r\n"),
    ] {
        let mut asking = TcpStream::connect(&service.address).unwrap();
        write!(asking, "POST /v1/score HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n{body}").unwrap();
        asking.shutdown(std::net::Shutdown::Write).unwrap();
        let said = rest(&mut asking);
        // Who has left before the head of the answer gets none.
        assert!(said.is_empty() || said.contains("body_incomplete"), "{head}: {said}");
        assert!(body.starts_with('{') || said.starts_with("HTTP/1.1 400"), "{said}");
    }
    let (_, metrics) = service.get("/metrics");
    assert!(!metrics.contains("body_too_large"), "{metrics}");
}

#[test]
fn a_certificate_that_cannot_be_used_ends_a_start_before_the_log_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("none.pem"), "no certificate").unwrap();
    let mut serve = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
    serve.args(["serve", "--listen", "127.0.0.1:0", "--store", "sqlite://log.db"]);
    serve.args(["--tls-certificate", "none.pem", "--tls-key", "none.pem"]).current_dir(dir.path());
    let output = serve.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("none.pem") && !said.contains("listening"), "{said}");
    assert!(!dir.path().join("log.db").exists());
}

#[test]
fn a_log_that_lost_its_key_or_its_heads_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for (lost, is_told) in [("", false), ("log.db.heads", true), ("log.db.key", true), ("", false)] {
        if is_told {
            std::fs::remove_file(dir.path().join(lost)).unwrap();
        }
        let mut service = serve(dir.path(), &[], &[]);
        service.stop();
        let said = service.said.lock().unwrap().clone();
        let lines: Vec<&str> =
            said.lines().filter(|line| line.contains("the log has records and no sign")).collect();
        assert_eq!(lines.len(), usize::from(is_told), "{lost}: {said}");
        assert!(lines.iter().all(|line| line.contains(lost)), "{said}");
    }
}

#[test]
fn spans_that_no_collector_takes_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path(), &["--otlp", "http://127.0.0.1:1"], &[]);
    assert_eq!(service.post("/v1/score", &question(4)).0, 200);
    let is_counted = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        let (_, metrics) = service.get("/metrics");
        !metrics.contains("diffrisk_spans_dropped_total 0")
    });
    assert!(is_counted);
}

#[test]
fn a_service_told_to_leave_finishes_what_runs_and_its_log_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let mut service = serve(dir.path(), &[], &[]);
    let mut asking = TcpStream::connect(&service.address).unwrap();
    let body = question(2);
    let head =
        format!("POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
    asking.write_all(head.as_bytes()).unwrap();
    asking.write_all(&body.as_bytes()[..9]).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    service.signal("TERM");
    std::thread::sleep(Duration::from_millis(200));
    assert!(TcpStream::connect(&service.address).is_err(), "nobody new is let in");
    asking.write_all(&body.as_bytes()[9..]).unwrap();
    let said = rest(&mut asking);
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    assert_eq!(service.stop_code(), Some(0));
    assert_eq!(verify(dir.path()).0, 0);
}

#[test]
fn a_decision_belongs_to_its_callers_trace() {
    let dir = tempfile::tempdir().unwrap();
    let mut service = serve(dir.path(), &[], &[]);
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = ureq::post(format!("http://{}/v1/score", service.address));
    let request = request.header("traceparent", format!("00-{trace_id}-00f067aa0ba902b7-01"));
    let response = request.send(question(3)).unwrap();
    assert_eq!(response.status(), 200);
    let request_id = response.headers()["x-request-id"].to_str().unwrap();
    assert_eq!(service.stop(), Some(0));
    let said = service.said.lock().unwrap().clone();
    let lines = said.lines().filter(|line| line.contains("diffrisk::decision"));
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "one line a decision: {said}");
    assert_eq!(
        (lines[0]["trace_id"].as_str(), lines[0]["request_id"].as_str()),
        (Some(trace_id), Some(request_id))
    );
}

#[test]
fn spans_reach_a_collector_that_is_configured() {
    let collector = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", collector.local_addr().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path(), &["--otlp", &base], &[]);
    assert_eq!(service.post("/v1/score", &question(4)).0, 200);
    // A method is whatever the caller makes up.
    let mut odd = TcpStream::connect(&service.address).unwrap();
    write!(odd, "{} /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "A".repeat(9_000)).unwrap();
    assert!(rest(&mut odd).starts_with("HTTP/1.1 404"));
    let (mut stream, _) = collector.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(n_bytes @ 1..) = stream.read(&mut buffer) {
        said.extend_from_slice(&buffer[..n_bytes]);
        if said.ends_with(b"]}") {
            break;
        }
    }
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with("POST /v1/traces HTTP/1.1"), "{said}");
    assert!(said.contains("\"name\":\"POST /v1/score\"") && said.contains("resourceSpans"), "{said}");
    assert!(said.contains("\"name\":\"_OTHER other\"") && !said.contains("AAAA"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken_where_a_certificate_is_configured() {
    let Some(openssl) = installed("openssl") else {
        return crate::skip("no openssl to make a certificate with");
    };
    let dir = tempfile::tempdir().unwrap();
    make_certificate(&openssl, dir.path());
    let service = serve(dir.path(), &["--tls-certificate", "chain.pem", "--tls-key", "key.pem"], &[]);
    let said = over_tls(dir.path(), &service.address).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    let mut plain = TcpStream::connect(&service.address).unwrap();
    plain.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert!(!rest(&mut plain).contains("200 OK"), "nothing is answered in clear");
    let port = service.address.rsplit(':').next().unwrap();
    gate_over_tls(dir.path(), &format!("https://localhost:{port}"));
    service.signal("HUP");
    std::fs::write(dir.path().join("key.pem"), "no key").unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let kept = over_tls(dir.path(), &service.address).await;
    assert!(kept.is_ok(), "the last good certificate stays: {kept:?}");
    make_certificate(&openssl, dir.path());
    for _ in 0..100 {
        if over_tls(dir.path(), &service.address).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the renewed certificate is not in force");
}

/// Makes a certificate of its own root, and its key.
fn make_certificate(openssl: &std::path::Path, dir: &std::path::Path) {
    let made = Command::new(openssl)
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-keyout", "key.pem", "-out", "chain.pem", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Asks whether the service is ready, trusting the certificate that the directory holds now.
async fn over_tls(dir: &std::path::Path, address: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(dir.join("chain.pem")).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = builder
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut said = String::new();
    stream.read_to_string(&mut said).await?;
    Ok(said)
}

/// The gate asks a service whose certificate it is told to trust, and no other.
fn gate_over_tls(dir: &std::path::Path, server: &str) {
    let diff = "--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n";
    std::fs::write(dir.join("change.diff"), diff).unwrap();
    let gate = |roots: &[&str], environment: &[(&str, &str)]| {
        let mut gate = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
        gate.args(["gate", "--json", "--name", "shop", "--diff", "change.diff", "--server", server])
            .args(roots);
        let output = gate.envs(environment.iter().copied()).current_dir(dir).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let trusted = gate(&["--server-ca", "chain.pem"], &[]);
    assert!(matches!(trusted.0, Some(0 | 10)), "{trusted:?}");
    assert_eq!(gate(&[], &[("SSL_CERT_FILE", "chain.pem")]).0, trusted.0);
    let other = gate(&["--server-ca", "key.pem"], &[]);
    assert!(other.0 == Some(4) && other.1.contains("key.pem"), "{other:?}");
    let stranger = gate(&[], &[("SSL_CERT_FILE", "/dev/null"), ("SSL_CERT_DIR", "/nowhere")]);
    assert!(matches!(stranger.0, Some(3 | 4)), "{stranger:?}");
}

fn verify(dir: &std::path::Path) -> (i32, String) {
    let url = format!("sqlite://{}", dir.join("log.db").display());
    let mut verify = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
    let output = verify.args(["decisions", "verify", "--store", &url]).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Asks over and over until the service is gone; answers which decisions it was told.
fn hammer(address: &str, caller: usize, n_answers: &AtomicUsize) -> Vec<String> {
    let mut told = Vec::new();
    let agent =
        ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build());
    for n in 0.. {
        let body = question(caller * 1_000_000 + n + std::process::id() as usize);
        let sent = agent.post(format!("http://{address}/v1/score")).send(body);
        let Ok(mut response) = sent else { break };
        let Ok(answer) = response.body_mut().read_json::<Value>() else { break };
        n_answers.fetch_add(1, Ordering::Relaxed);
        told.extend(answer["decision_id"].as_str().map(ToOwned::to_owned));
    }
    told
}

/// Kills the service under load; what it told anybody must be in the log, once, in a chain that verifies.
fn check_power_cuts(n_cuts: usize, n_callers: usize) {
    let dir = tempfile::tempdir().unwrap();
    let mut told = BTreeSet::new();
    let mut n_told = 0;
    for cut in 0..n_cuts {
        let mut service: Running = serve(dir.path(), &[], &[]);
        let n_answers = Arc::new(AtomicUsize::new(0));
        let callers: Vec<_> = (0..n_callers)
            .map(|caller| {
                let (address, n_answers) = (service.address.clone(), Arc::clone(&n_answers));
                std::thread::spawn(move || hammer(&address, cut * n_callers + caller, &n_answers))
            })
            .collect();
        while n_answers.load(Ordering::Relaxed) < n_callers / 2 {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(7 * (cut as u64 % 11)));
        service.kill();
        for caller in callers {
            let ids = caller.join().unwrap();
            n_told += ids.len();
            told.extend(ids);
        }
    }
    let (code, said) = verify(dir.path());
    assert_eq!(code, 0, "the chain verifies after every cut: {said}");
    assert!(n_told > 0, "nobody was told anything");
    let url = format!("sqlite://{}", dir.path().join("log.db").display());
    let list = Command::new(env!("CARGO_BIN_EXE_diffrisk"))
        .args(["decisions", "list", "--json", "--limit", "100000", "--store", &url])
        .output()
        .unwrap();
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    let decisions = list["decisions"].as_array().unwrap().iter();
    let ids: Vec<&str> = decisions.map(|decision| decision["decision_id"].as_str().unwrap()).collect();
    let stored: BTreeSet<&str> = ids.iter().copied().collect();
    let lost = told.iter().filter(|id| !stored.contains(id.as_str())).count();
    println!("{n_cuts} cuts under {n_callers} callers: {n_told} told, {} stored, {lost} lost", ids.len());
    assert_eq!((lost, ids.len() - stored.len()), (0, 0), "lost, and there twice");
}

#[test]
fn what_was_answered_survives_a_power_cut() {
    check_power_cuts(4, 16);
}

#[test]
#[ignore = "takes minutes; scripts/test-full runs it"]
fn what_was_answered_survives_two_hundred_power_cuts() {
    check_power_cuts(200, 64);
}
