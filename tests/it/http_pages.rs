//! The pages: what they show, who may read them, and that nothing from outside comes alive in them.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use diffrisk::change::{Change, parse_diff};
use diffrisk::http::live::LiveError;
use diffrisk::http::{
    ApiError, Asked, Assessed, Assessor, HistoryRef, KeyFile, ModelRef, Parts, PolicyInUse, Scope,
    ServerConfig, Service, router,
};
use diffrisk::incident::OutcomeRecord;
use diffrisk::policy::{Policy, Reason};
use diffrisk::risk::Assessment;
use diffrisk::store::{Store, StoreConfig};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::http_fake::{COMMIT, Fake, NOON, Setup, post};

/// Markup, a turn of the writing direction, control characters, an attribute's end.
const HOSTILE: &str =
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{202e}\u{1b}[31m\u{200b}&lt;";

/// A fake whose every commit is a hostile change, in a repository that is followed.
struct Hostile(Arc<Fake>);

impl Assessor for Hostile {
    fn model(&self) -> Result<&ModelRef, Reason> {
        self.0.model()
    }

    fn features(&self) -> &[String] {
        self.0.features()
    }

    fn assess(&self, repo: &str, asked: &[Asked]) -> Vec<Result<Assessed, ApiError>> {
        let mut assessed = self.0.assess(repo, asked);
        for it in assessed.iter_mut().flatten() {
            spoil(&mut it.change);
            let key_changes = it.change.record.files.iter();
            it.keys = key_changes
                .map(|file| (file.path().to_owned(), diffrisk::change::key_changes(file)))
                .collect();
            it.owners = vec![HOSTILE.into()];
        }
        assessed
    }

    fn title(&self, _repo: &str, _commit: &str) -> Option<String> {
        Some(format!("say ghp_{} {HOSTILE}", "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"))
    }

    fn inputs(&self) -> &[String] {
        self.0.inputs()
    }

    fn infer(&self, vectors: &[Vec<f32>]) -> Result<Vec<f64>, Reason> {
        self.0.infer(vectors)
    }

    fn reassess(&self, vector: &[f32], tokens: &[u32]) -> Result<Assessment, Reason> {
        self.0.reassess(vector, tokens)
    }

    fn report(&self, outcome_record: &OutcomeRecord) {
        self.0.report(outcome_record);
    }

    fn refresh(&self, _repo: &str, _now: i64) -> Option<Result<HistoryRef, LiveError>> {
        None
    }

    fn repositories(&self, _now: i64) -> Vec<(String, Option<HistoryRef>)> {
        vec![("config".into(), None), (HOSTILE.into(), None)]
    }
}

fn spoil(change: &mut Change) {
    let diff = "--- a/app.yaml\n+++ b/app.yaml\n@@ -1,2 +1,2 @@\n top: 1\n-timeout: 30s\n+timeout: 3s\n";
    change.author = HOSTILE.into();
    change.message = HOSTILE.into();
    change.record = parse_diff(diff.as_bytes()).unwrap().into();
    let mut hostile = change.record.files[0].clone();
    hostile.new_path = Some(format!("{HOSTILE}.yaml"));
    if let diffrisk::change::FileContent::Text(hunks) = &mut hostile.content {
        hunks[0].lines[1].text = format!("{HOSTILE}: '{HOSTILE}'");
        hunks[0].lines[2].text = format!("key_{HOSTILE}: {HOSTILE}");
    }
    std::sync::Arc::make_mut(&mut change.record).files.push(hostile);
}

async fn hostile_service(config: ServerConfig) -> Arc<Service> {
    let rule = "[budget]\nnormal = 0.10\n[[rule]]\nname = \"odd <b>rule</b>\"\nwhen = \"true\"\nthen = \"extra_validation\"\nrequire = [\"<i>odd</i>\"]\n";
    let parts = Parts {
        config,
        assessor: Arc::new(Hostile(Fake::new("v1", 97.0))),
        models: None,
        policy: Some(PolicyInUse { policy: Policy::parse(rule).unwrap(), text: rule.into() }),
        policies: None,
        store: Some(Store::open(&StoreConfig::new("memory")).await.unwrap()),
        clock: Arc::new(|| NOON * 1000),
    };
    Service::new(parts).unwrap()
}

/// A page as a browser gets it.
struct Got {
    status: StatusCode,
    headers: HeaderMap,
    html: String,
}

async fn send(service: &Arc<Service>, request: Request<Body>) -> Got {
    let response = router(Arc::clone(service)).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Got { status: parts.status, headers: parts.headers, html: String::from_utf8(bytes.to_vec()).unwrap() }
}

async fn get(service: &Arc<Service>, path: &str) -> Got {
    send(service, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn scored(service: &Arc<Service>, body: &str) -> String {
    let got = send(service, post("/v1/score", body)).await;
    let answer: Value = serde_json::from_str(&got.html).unwrap();
    answer["decision_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn form(path: &str) -> axum::http::request::Builder {
    Request::post(path).header("content-type", "application/x-www-form-urlencoded")
}

/// Nothing in the page that a browser would run, load or obey.
fn assert_inert(html: &str) {
    let lower = html.to_lowercase();
    for alive in ["<script", "<img", "javascript:", " style=", "<iframe", "<b>rule", "<i>odd"] {
        assert!(!lower.contains(alive), "`{alive}` is alive");
    }
    let unseen = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}');
    assert!(!html.contains(unseen), "a character that nobody sees");
    // A quoted value is inert: its own quotes were escaped.
    let handlers = html.split('<').filter(|tag| {
        let unquoted: String = tag.split('"').step_by(2).collect();
        let tag = unquoted.split('>').next().unwrap_or("");
        tag.split_whitespace().any(|attribute| attribute.starts_with("on") && attribute.contains('='))
    });
    let handlers: Vec<&str> = handlers.collect();
    assert!(handlers.is_empty(), "{handlers:?}");
}

#[tokio::test]
async fn every_page_carries_the_strict_headers() {
    let service = hostile_service(ServerConfig::default()).await;
    let id = scored(&service, COMMIT).await;
    for path in ["/", &format!("/decisions/{id}"), "/model", "/decisions/none"] {
        let got = get(&service, path).await;
        let policy = got.headers["content-security-policy"].to_str().unwrap();
        for part in ["default-src 'none'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(got.headers["x-content-type-options"], "nosniff");
        assert_eq!(got.headers["cache-control"], "no-store");
        let stylesheet = got.html.split("stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
        let style = get(&service, stylesheet).await;
        assert_eq!(
            (style.status, &style.headers["content-type"]),
            (StatusCode::OK, &"text/css; charset=utf-8".parse().unwrap())
        );
        assert!(style.headers["cache-control"].to_str().unwrap().contains("immutable"));
    }
    assert_eq!(get(&service, "/assets/other.css").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&service, "/decisions/none").await.status, StatusCode::NOT_FOUND);
    let refused = get(&service, "/?decision=maybe").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.html.contains("<code><bdi>decision</bdi></code> is none of"), "{}", refused.html);
}

#[tokio::test]
async fn a_decision_says_verdict_next_step_odds_and_rank() {
    let bench = Setup { percentile: 97.4, ..Setup::default() }.start().await;
    let id = scored(&bench.service, COMMIT).await;
    let html = get(&bench.service, &format!("/decisions/{id}")).await.html;
    for said in [
        "<h1 id=\"verdict\">Extra validation</h1>",
        "about 1 in 7",
        "1 in 48",
        "97 of 100",
        "among the riskiest 5 % (level weekend)",
        "risk_above_budget",
        "Nothing has been reported yet.",
        "Where the model starts <span class=\"faint\">about 1 in 18</span>",
        "This change <span class=\"faint\">about 1 in 7</span>",
    ] {
        assert!(html.contains(said), "`{said}` is missing in {html}");
    }
    let list = get(&bench.service, "/").await.html;
    assert!(list.contains(&format!("/decisions/{id}")) && list.contains("0123456789"), "{list}");
    assert!(get(&bench.service, "/model").await.html.contains("fake v1"));
}

#[tokio::test]
async fn nothing_stored_or_read_comes_alive() {
    let service = hostile_service(ServerConfig::default()).await;
    let visible: String = HOSTILE.chars().filter(|c| !c.is_control()).collect();
    let commit = scored(&service, COMMIT).await;
    let odd = json!({"change": {"repo": visible, "id": visible, "author": HOSTILE, "message": HOSTILE,
        "diff": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"}});
    let posted = scored(&service, &odd.to_string()).await;
    let over = json!({"reason": visible, "ticket": visible, "expires_at": "2026-01-29T12:00:00Z"});
    let got = send(&service, post(&format!("/v1/decisions/{commit}/override"), &over.to_string())).await;
    assert_eq!(got.status, StatusCode::CREATED, "{}", got.html);
    let outcome = json!({"decision_id": commit, "outcome": "incident", "occurred_at": "2026-01-28T11:59:59Z",
        "incident_id": visible, "severity": visible, "source": visible});
    assert_eq!(send(&service, post("/v1/outcomes", &outcome.to_string())).await.status, StatusCode::CREATED);

    let query = "%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE";
    for path in [
        "/".to_owned(),
        format!("/?q={query}&repo={query}"),
        format!("/decisions/{commit}"),
        format!("/decisions/{posted}"),
        format!("/decisions/{query}"),
        "/model".into(),
    ] {
        assert_inert(&get(&service, &path).await.html);
    }
    let list = get(&service, "/").await.html;
    assert!(
        list.contains("say ") && list.contains("&#60;script&#62;"),
        "the title is not in the list: {list}"
    );
    assert!(!list.contains("aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"), "a secret of a title is in the list");
    let page = get(&service, &format!("/decisions/{commit}")).await.html;
    for shown in ["&#60;script&#62;", "⟨U+202E⟩", "⟨U+001B⟩", "odd &#60;b&#62;rule", "app.yaml", "Taken back"]
    {
        assert!(page.contains(shown), "`{shown}` is missing: {page}");
    }
}

#[tokio::test]
async fn a_button_feeds_the_same_path_as_the_api() {
    let bench = Setup::default().start().await;
    let id = scored(&bench.service, COMMIT).await;
    let path = format!("/decisions/{id}/outcome");
    let press = |body: &'static str| form(&path).body(Body::from(body)).unwrap();
    let got = send(&bench.service, press("outcome=reverted")).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER);
    assert_eq!(got.headers["location"].to_str().unwrap(), format!("/decisions/{id}?recorded=1#recorded"));
    let stored: Value =
        serde_json::from_str(&get(&bench.service, &format!("/v1/decisions/{id}")).await.html).unwrap();
    assert_eq!(
        (&stored["outcomes"][0]["outcome"], &stored["outcomes"][0]["source"]),
        (&json!("reverted"), &json!("page"))
    );
    assert_eq!(stored["revocations"].as_array().unwrap().len(), 1);
    assert_eq!(
        bench.fake.reported.lock().unwrap().len(),
        3,
        "by its commit, by its diff and by the decision"
    );
    let page = get(&bench.service, &format!("/decisions/{id}?recorded=1")).await.html;
    assert!(page.contains("It was reverted") && page.contains("Recorded.") && page.contains("Taken back"));
    assert!(page.contains("do not roll out on it") && !page.contains("was withdrawn"), "{page}");
    assert!(page.contains("<h1 id=\"verdict\">Taken back</h1>") && !page.contains("Roll it out"), "{page}");
    let got = send(&bench.service, press("outcome=retracted")).await;
    let location = got.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(location, format!("/decisions/{id}?recorded=withdrawn#recorded"));
    let page = get(&bench.service, location.split('#').next().unwrap()).await.html;
    assert!(
        page.contains("is withdrawn, and no model learns from it") && !page.contains("Thank you"),
        "{page}"
    );
    assert!(page.contains("id=\"recorded\"") && !page.contains("Withdraw what was reported"), "{page}");
    assert!(page.contains("Taken back") && page.contains("and that was withdrawn; ask again"), "{page}");
    for (body, status) in [("outcome=nothing", 422), ("outcome=%ff", 400), ("", 422)] {
        assert_eq!(send(&bench.service, press(body)).await.status.as_u16(), status, "{body}");
    }
    let unknown = form("/decisions/none/outcome").body(Body::from("outcome=harmless")).unwrap();
    assert_eq!(send(&bench.service, unknown).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let bench = Setup::default().start().await;
    let id = scored(&bench.service, COMMIT).await;
    let path = format!("/decisions/{id}/outcome");
    let from = |name: &str, value: &str| {
        let request = form(&path).header("host", "127.0.0.1:8080").header(name, value);
        request.body(Body::from("outcome=harmless")).unwrap()
    };
    for (name, value, status) in [
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("origin", "http://evil.example", 403),
        ("origin", "http://127.0.0.1:9999", 403),
        ("origin", "null", 403),
        ("origin", "http://127.0.0.1:8080", 303),
        ("sec-fetch-site", "same-origin", 303),
    ] {
        assert_eq!(send(&bench.service, from(name, value)).await.status.as_u16(), status, "{name}: {value}");
    }
    assert_eq!(bench.fake.reported.lock().unwrap().len(), 4);
    let rebound = Request::get("/").header("host", "evil.example:8080").body(Body::empty()).unwrap();
    assert_eq!(send(&bench.service, rebound).await.status, StatusCode::FORBIDDEN);
    for host in ["localhost:8080", "127.0.0.1", "[::1]:8080"] {
        let own = Request::get("/").header("host", host).body(Body::empty()).unwrap();
        assert_eq!(send(&bench.service, own).await.status, StatusCode::OK, "{host}");
    }
}

#[tokio::test]
async fn with_keys_a_browser_signs_in_and_reads_only_what_its_key_may() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    let mut key_file = KeyFile::default();
    let now = jiff::Timestamp::from_second(NOON).unwrap();
    let reading = key_file.add("reader", &[Scope::Read], now).unwrap();
    let scoring = key_file.add("pipeline", &[Scope::Score], now).unwrap();
    key_file.save(&path).unwrap();
    let service = hostile_service(ServerConfig { keys: Some(path), ..ServerConfig::default() }).await;

    let got = get(&service, "/decisions/1?x=2").await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert!(got.html.contains("name=\"next\" value=\"/decisions/1?x=2\""), "{}", got.html);
    assert_eq!(got.headers["www-authenticate"], "Bearer");
    // A form cannot be sent again after signing in: the page that it stands on is gone to.
    let ended = form("/decisions/1/outcome").header("sec-fetch-site", "same-origin");
    let got = send(&service, ended.body(Body::from("outcome=harmless")).unwrap()).await;
    assert!(got.html.contains("name=\"next\" value=\"/decisions/1\""), "{}", got.html);
    let got = get(&service, "/decisions/1/json").await;
    assert_eq!(
        (got.status, &got.headers["content-type"]),
        (StatusCode::UNAUTHORIZED, &"application/problem+json".parse().unwrap())
    );
    let sign_in = |key: &str| {
        let body = format!("key={key}&next=%2Fmodel");
        form("/sign-in").body(Body::from(body)).unwrap()
    };
    let refused = send(&service, sign_in("drk_no")).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(!refused.headers.contains_key("set-cookie") && !refused.html.contains("drk_no"));

    let got = send(&service, sign_in(&reading)).await;
    assert_eq!((got.status, &got.headers["location"]), (StatusCode::SEE_OTHER, &"/model".parse().unwrap()));
    let cookie = got.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains(&reading));
    let session = cookie.split(';').next().unwrap().to_owned();
    let with =
        |path: &str, cookie: &str| Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap();
    let got = send(&service, with("/", &session)).await;
    assert!(got.status == StatusCode::OK && got.html.contains("Sign out"), "{}", got.html);
    // A proxy that asks for a password of its own hands it on; a key that is shown counts, and not the session.
    for (shown, status) in [("Basic bWU6cHc=", StatusCode::OK), ("Bearer drk_no", StatusCode::UNAUTHORIZED)] {
        let request = Request::get("/").header("cookie", &session).header("authorization", shown);
        assert_eq!(send(&service, request.body(Body::empty()).unwrap()).await.status, status, "{shown}");
    }
    assert_eq!(send(&service, with("/v1/decisions", &session)).await.status, StatusCode::UNAUTHORIZED);
    let mut forged = session.clone().into_bytes();
    *forged.last_mut().unwrap() ^= 1;
    let forged = String::from_utf8(forged).unwrap();
    assert_eq!(send(&service, with("/", &forged)).await.status, StatusCode::UNAUTHORIZED);
    let press = form("/decisions/1/outcome").header("cookie", &session);
    let got = send(&service, press.body(Body::from("outcome=harmless")).unwrap()).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);

    let got = send(&service, sign_in(&scoring)).await;
    let session = got.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(send(&service, with("/", &session)).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_list_filters_searches_and_turns_pages() {
    let bench = Setup { percentile: 97.0, ..Setup::default() }.start().await;
    let question = |repo: &str, idx: usize| {
        json!({"change": {"repo": repo, "commit": format!("{idx:040x}")}}).to_string()
    };
    for idx in 0..60 {
        let repo = if idx % 2 == 0 { "alpha" } else { "beta_x" };
        scored(&bench.service, &question(repo, idx)).await;
    }
    let count = |html: &str| html.matches("class=\"row-link\"").count();
    let first = get(&bench.service, "/").await.html;
    assert_eq!(count(&first), 50);
    let older = first.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap();
    let older = older.split('"').next().unwrap().to_owned();
    let second = get(&bench.service, &older).await.html;
    assert!(count(&second) == 10 && second.contains(">Newest</a>"), "{older}");
    for (query, n) in [
        ("?repo=alpha", 30),
        ("?q=ALPHA", 30),
        ("?q=a_x", 30),
        ("?q=%25", 0),
        ("?q=000000003b", 1),
        ("?decision=hold", 0),
        ("?degraded=1", 0),
        ("?degraded=0", 50),
        ("?decision=extra_validation&repo=beta_x&q=&degraded=", 30),
    ] {
        assert_eq!(count(&get(&bench.service, &format!("/{query}")).await.html), n, "{query}");
    }
    let first_of_all = get(&bench.service, &older).await.html;
    let last = first_of_all.rsplit("href=\"/decisions/").next().unwrap().split('"').next().unwrap();
    let past_end = get(&bench.service, &format!("/?cursor={last}")).await.html;
    assert!(past_end.contains("No older decisions") && !past_end.contains("No decision yet"), "{past_end}");
    assert_eq!(get(&bench.service, &format!("/?q={}", "%C3%BC".repeat(200))).await.status, StatusCode::OK);
    let long = get(&bench.service, &format!("/?q={}&repo=alpha", "a".repeat(201))).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
    for said in ["aria-invalid=\"true\" aria-describedby=\"refused\"", &"a".repeat(201), "200 characters"] {
        assert!(long.html.contains(said), "{}", long.html);
    }
    for refused in ["?decision=maybe", "?q=%ff"] {
        assert_eq!(
            get(&bench.service, &format!("/{refused}")).await.status,
            StatusCode::BAD_REQUEST,
            "{refused}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_taken_of_a_form_leaves_it_filled_in() {
    let service = hostile_service(ServerConfig::default()).await;
    for (query, field, typed) in [
        ("repo=config&at=2099-01-01T00:00&path=app.yaml", "at", "value=\"2099-01-01T00:00:00\""),
        ("repo=config&at=yesterday", "at", "value=\"yesterday\""),
        ("repo=config&hours=999&path=app.yaml", "hours", "value=\"app.yaml\""),
    ] {
        let got = get(&service, &format!("/suspects?{query}")).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{query}");
        let tag = got.html.split('<').find(|tag| tag.contains(&format!("id=\"{field}\""))).unwrap();
        assert!(tag.contains("aria-invalid=\"true\" aria-describedby=\"refused\""), "{query}: {tag}");
        assert!(got.html.contains(typed) && got.html.contains("role=\"alert\""), "{query}: {}", got.html);
    }
}

#[tokio::test]
async fn an_address_without_a_page_is_a_page_for_a_browser_alone() {
    let service = hostile_service(ServerConfig::default()).await;
    let ask = |accept: &str| Request::get("/nowhere").header("accept", accept).body(Body::empty()).unwrap();
    let page = send(&service, ask("text/html,application/xhtml+xml,*/*;q=0.8")).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.html.contains("<h1>There is nothing here</h1>"), "{}", page.html);
    let plain = send(&service, ask("*/*")).await;
    assert_eq!(plain.headers["content-type"], "application/problem+json");
    assert_eq!(get(&service, "/nowhere").await.headers["content-type"], "application/problem+json");
}

#[tokio::test]
async fn a_bad_report_on_an_answer_that_ended_stands_over_it() {
    let bench = Setup::default().start().await;
    let id = scored(&bench.service, COMMIT).await;
    let path = format!("/decisions/{id}");
    assert!(get(&bench.service, &path).await.html.contains("<h1 id=\"verdict\">Fast path</h1>"));
    bench.now.fetch_add(86_400_000, std::sync::atomic::Ordering::Relaxed);
    let asked_again = "It was a fast path; ask again before you roll it out.";
    assert!(get(&bench.service, &path).await.html.contains(asked_again));
    for (button, word) in
        [("incident", "Reported as bad"), ("harmless", "Fast path"), ("retracted", "Fast path")]
    {
        let press = form(&format!("{path}/outcome")).body(Body::from(format!("outcome={button}"))).unwrap();
        assert_eq!(send(&bench.service, press).await.status, StatusCode::SEE_OTHER);
        let page = get(&bench.service, &path).await.html;
        assert!(page.contains(&format!("<h1 id=\"verdict\">{word}</h1>")), "{button}: {page}");
        assert!(!page.contains("Roll it out"), "{button}: {page}");
        let list = get(&bench.service, "/").await.html;
        assert!(list.contains(&format!("<span class=\"verdict\">{word}</span>")), "{button}: {list}");
        bench.now.fetch_add(1_000, std::sync::atomic::Ordering::Relaxed);
    }
}
