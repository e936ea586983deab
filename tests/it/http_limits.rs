//! Keys, scopes, rates, sizes: who may ask for how much.

use std::io::Write;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use diffrisk::http::{KeyFile, Limits, Scope, ServerConfig};

use crate::http_fake::{COMMIT, Setup};

fn asked(key: Option<&str>) -> Request<Body> {
    let request = Request::post("/v1/score");
    let request = match key {
        Some(key) => request.header("authorization", format!("Bearer {key}")),
        None => request,
    };
    request.body(COMMIT.into()).unwrap()
}

#[tokio::test]
async fn a_key_opens_only_its_scopes_until_it_is_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    let mut key_file = KeyFile::default();
    let now = jiff::Timestamp::now();
    let score = key_file.add("ci", &[Scope::Score], now).unwrap();
    let read = key_file.add("audit", &[Scope::Read], now).unwrap();
    key_file.save(&path).unwrap();
    let mut setup = Setup::default();
    setup.config.keys = Some(path.clone());
    setup.config.listen = "127.0.0.1:0".into();
    let bench = setup.start().await;
    let listener = diffrisk::http::bind(&bench.service).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(diffrisk::http::serve(bench.service.clone(), listener.unwrap(), async {
        let _ = stopped.await;
    }));

    for key in [None, Some("drk_00"), Some("")] {
        let (status, problem) = bench.send(asked(key)).await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::UNAUTHORIZED, Some("unauthorized")));
    }
    assert_eq!(bench.send(asked(Some(&read))).await.0, StatusCode::FORBIDDEN);
    assert_eq!(bench.send(asked(Some(&score))).await.0, StatusCode::OK);
    assert_eq!(bench.get("/livez").await.0, StatusCode::OK);
    assert_eq!(bench.get("/metrics").await.0, StatusCode::UNAUTHORIZED);

    key_file.revoke("ci").unwrap();
    key_file.save(&path).unwrap();
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(bench.send(asked(Some(&score))).await.0, StatusCode::UNAUTHORIZED);
    for not_understood in [&b"[[key]"[..], b"# \xff"] {
        std::fs::write(&path, not_understood).unwrap();
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert_eq!(bench.send(asked(Some(&read))).await.0, StatusCode::FORBIDDEN, "the last good file stays");
    }
    std::fs::remove_file(&path).unwrap();
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(bench.send(asked(Some(&read))).await.0, StatusCode::UNAUTHORIZED, "no file, no key");
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_service_without_keys_listens_on_loopback_only() {
    let config = ServerConfig { listen: "0.0.0.0:0".into(), ..ServerConfig::default() };
    let bench = Setup { config, ..Setup::default() }.start().await;
    let refused = diffrisk::http::bind(&bench.service).await.unwrap_err();
    assert!(refused.to_string().contains("--keys"), "{refused}");
}

#[tokio::test]
async fn a_caller_that_asks_too_often_is_told_when_to_come_back() {
    let mut setup = Setup::default();
    setup.config.limits.requests_per_second = Some(3);
    let bench = setup.start().await;
    let router = diffrisk::http::router(bench.service.clone());
    let mut statuses = Vec::new();
    let page = Request::get("/").body(Body::empty()).unwrap();
    for request in [asked(None), page, asked(None), asked(None)] {
        let response = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
        assert!(response.headers()["ratelimit"].to_str().unwrap().starts_with("\"default\";r="));
        assert_eq!(response.headers()["ratelimit-policy"], "\"default\";q=3;w=1");
        statuses.push(response.status().as_u16());
        if response.status() == 429 {
            assert_eq!(response.headers()["retry-after"], "1");
        }
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_body_is_bounded_also_when_it_is_packed() {
    let mut setup = Setup::default();
    setup.config.limits = Limits { body_bytes: 100_000, ..Limits::default() };
    let bench = setup.start().await;
    let sent = |body: Vec<u8>, encoding: &'static str| {
        Request::post("/v1/score").header("content-encoding", encoding).body(Body::from(body)).unwrap()
    };
    assert_eq!(bench.send(sent(packed(COMMIT.as_bytes()), "gzip")).await.0, StatusCode::OK);
    let bomb = packed(&vec![b' '; 50_000_000]);
    assert!(bomb.len() < 100_000);
    for (body, encoding, status, code) in [
        (bomb, "gzip", 413, "body_too_large"),
        (vec![b' '; 100_001], "identity", 413, "body_too_large"),
        (COMMIT.into(), "gzip", 400, "malformed_json"),
        (COMMIT.into(), "br", 415, "unsupported_encoding"),
    ] {
        let (was, problem) = bench.send(sent(body, encoding)).await;
        assert_eq!((was.as_u16(), problem["code"].as_str()), (status, Some(code)));
    }
}

#[tokio::test]
async fn more_than_the_queue_holds_is_shed_at_once() {
    let mut setup = Setup::default();
    setup.config.limits = Limits { n_scoring: 1, n_waiting: 2, ..Limits::default() };
    let bench = std::sync::Arc::new(setup.start().await);
    bench.fake.faults.lock().unwrap().insert(crate::http_fake::Fault::Slow);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let bench = std::sync::Arc::clone(&bench);
        tasks.spawn(async move {
            let started = std::time::Instant::now();
            let (status, _) = bench.send(asked(None)).await;
            (status.as_u16(), started.elapsed())
        });
    }
    let results = tasks.join_all().await;
    // Four turns of the one thread, and two that wait.
    assert_eq!(results.iter().filter(|(status, _)| *status == 200).count(), 6);
    let served = results.iter().filter(|(status, _)| *status == 200).map(|(_, time)| *time);
    let fastest_served = served.min().unwrap();
    assert!(results.iter().all(|(status, time)| *status == 200 || *time < fastest_served));
}

/// Every route that needs a key where keys are configured.
const ROUTES: [(&str, &str); 16] = [
    ("POST", "/v1/score"),
    ("POST", "/v1/score/batch"),
    ("GET", "/v1/decisions"),
    ("GET", "/v1/decisions/1"),
    ("POST", "/v1/decisions/1/override"),
    ("POST", "/v1/outcomes"),
    ("POST", "/v1/repos/config/refresh"),
    ("GET", "/v1/model"),
    ("POST", "/v1/model/activate"),
    ("POST", "/v1/model/rollback"),
    ("GET", "/v1/policy"),
    ("POST", "/v1/policy/reload"),
    ("GET", "/v2/models/fake"),
    ("GET", "/v2/models/fake/ready"),
    ("POST", "/v2/models/fake/infer"),
    ("GET", "/metrics"),
];

#[tokio::test]
async fn without_keys_no_other_site_reaches_any_route() {
    let bench = Setup::default().start().await;
    let asked = |(method, path): (&str, &str), headers: &[(&str, &str)]| {
        let request = Request::builder().method(method).uri(path).header("content-type", "text/plain");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(Body::from(COMMIT)).unwrap()
    };
    let here = ("host", "127.0.0.1:8080");
    for route in ROUTES {
        for headers in [
            vec![("host", "evil.example:8080")],
            vec![("host", "evil.example:8080"), ("sec-fetch-site", "same-origin")],
            vec![("host", "127.0.0.1.evil.example")],
            vec![here, ("host", "evil.example")],
            vec![here, ("sec-fetch-site", "cross-site")],
            vec![here, ("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:8080")],
            vec![here, ("origin", "http://evil.example")],
            vec![here, ("origin", "http://127.0.0.1:9999")],
            vec![here, ("origin", "null")],
        ] {
            let (status, problem) = bench.send(asked(route, &headers)).await;
            assert_eq!(
                (status, problem["code"].as_str()),
                (StatusCode::FORBIDDEN, Some("cross_site")),
                "{route:?} {headers:?}"
            );
        }
        for headers in [
            vec![here],
            vec![("host", "localhost:8080")],
            vec![here, ("sec-fetch-site", "none")],
            vec![here, ("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")],
        ] {
            let (status, problem) = bench.send(asked(route, &headers)).await;
            assert_ne!(status, StatusCode::FORBIDDEN, "{route:?} {headers:?} {problem}");
        }
    }
    assert_eq!(bench.fake.reported.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn with_keys_the_key_decides_whatever_the_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    let mut key_file = KeyFile::default();
    let key = key_file.add("ci", &[Scope::Score], jiff::Timestamp::now()).unwrap();
    key_file.save(&path).unwrap();
    let mut setup = Setup::default();
    setup.config.keys = Some(path);
    let bench = setup.start().await;
    let named = |key: Option<&str>| {
        let mut request = asked(key);
        request.headers_mut().insert("host", "risk.example.org".parse().unwrap());
        request.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
        request
    };
    assert_eq!(bench.send(named(Some(&key))).await.0, StatusCode::OK);
    assert_eq!(bench.send(named(None)).await.0, StatusCode::UNAUTHORIZED);
}
