//! Doubts that only a real repository can raise: what cannot be read, is ahead of the clock, or was never seen.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::Request;
use diffrisk::git::UnitChoice;
use diffrisk::http::live::{Live, RepositoryConfig};
use diffrisk::http::{ModelSource, Models, Parts, PolicyInUse, ServerConfig, Service, router};
use diffrisk::policy::Policy;
use diffrisk::store::{Store, StoreConfig};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

/// The first commit of every repository here; each later one is an hour younger.
pub const START: i64 = 1_769_600_000;

pub fn git(dir: &Path, at: i64, args: &[&str]) -> String {
    let date = format!("{at} +0000");
    let output = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "gc.auto=0"])
        .args(args)
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_DATE", &date)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository of so many commits, each of which changes one value of one file.
pub fn repository(dir: &Path, n_commits: i64) -> Vec<String> {
    git(dir, START, &["init", "-q", "-b", "main"]);
    std::fs::create_dir(dir.join("app")).unwrap();
    let mut commits = Vec::new();
    for n in 0..n_commits {
        let at = START + n * 3_600;
        std::fs::write(dir.join("app/web.yaml"), format!("timeout: {n}\n")).unwrap();
        git(dir, at, &["add", "-A"]);
        git(dir, at, &["commit", "-q", "-m", &format!("timeout {n}")]);
        commits.push(git(dir, at, &["rev-parse", "HEAD"]));
    }
    commits
}

pub async fn service(dir: &Path, policy: &str, now: i64) -> Arc<Service> {
    service_of(dir, UnitChoice::Commit, policy, now).await
}

pub async fn service_of(dir: &Path, unit: UnitChoice, policy: &str, now: i64) -> Arc<Service> {
    let repository_config = RepositoryConfig { unit, ..config_of(dir) };
    service_by(repository_config, policy, &Arc::new(AtomicI64::new(now))).await
}

pub fn config_of(dir: &Path) -> RepositoryConfig {
    RepositoryConfig {
        name: "config".into(),
        path: dir.to_owned(),
        unit: UnitChoice::Commit,
        owners: Some(dir.join("CODEOWNERS")).filter(|path| path.exists()),
        incidents: None,
    }
}

/// A service by a clock that can be set, in Unix seconds.
pub async fn service_by(
    repository_config: RepositoryConfig,
    policy: &str,
    clock: &Arc<AtomicI64>,
) -> Arc<Service> {
    let cache = repository_config.path.join(".git/cache");
    let now = clock.load(Ordering::Relaxed);
    let live = Live::open(&[repository_config], &cache, &[], now, &|_| {}).unwrap();
    let models = ModelSource::new(Arc::new(live), None);
    let policy = format!("{policy}\nout_of_distribution = \"allow\"\n[budget]\nnormal = 0.0\n");
    let parts = Parts {
        config: ServerConfig { deadline: std::time::Duration::from_secs(30), ..ServerConfig::default() },
        assessor: models.first().0,
        models: Some(Arc::new(models) as Arc<dyn Models>),
        policy: Some(PolicyInUse { policy: Policy::parse(&policy).unwrap(), text: policy }),
        policies: None,
        store: Some(Store::open(&StoreConfig::new("memory")).await.unwrap()),
        clock: {
            let clock = Arc::clone(clock);
            Arc::new(move || clock.load(Ordering::Relaxed) * 1_000)
        },
    };
    Service::new(parts).unwrap()
}

pub async fn score(service: &Arc<Service>, change: Value) -> Value {
    post(service, "/v1/score", change).await
}

async fn post(service: &Arc<Service>, path: &str, change: Value) -> Value {
    let request = Request::post(path).body(Body::from(json!({ "change": change }).to_string())).unwrap();
    let response = router(Arc::clone(service)).oneshot(request).await.unwrap();
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

fn check(answer: &Value, code: &str) {
    let codes = answer["reasons"].as_array().unwrap_or_else(|| panic!("{answer}")).iter();
    assert!(codes.clone().any(|reason| reason["code"] == code), "{code}: {answer}");
    assert_eq!(
        (&answer["decision"], &answer["degraded"]),
        (&json!("extra_validation"), &json!(true)),
        "{code}"
    );
}

fn remove_object(dir: &Path, id: &str) {
    std::fs::remove_file(dir.join(format!(".git/objects/{}/{}", &id[..2], &id[2..]))).unwrap();
}

const DIFF: &str = "--- a/app/web.yaml\n+++ b/app/web.yaml\n@@ -1 +1 @@\n-timeout: 4\n+timeout: 5\n";

#[tokio::test]
async fn what_nobody_could_read_is_in_doubt() {
    let dir = tempfile::tempdir().unwrap();
    let commits = repository(dir.path(), 6);
    let now = START + 7 * 3_600;
    let blob = git(dir.path(), now, &["rev-parse", &format!("{}:app/web.yaml", commits[3])]);
    let tree = git(dir.path(), now, &["rev-parse", &format!("{}:app", commits[4])]);
    let service = service(dir.path(), "", now).await;
    let sound = score(&service, json!({"repo": "config", "commit": commits[3]})).await;
    assert_eq!(sound["degraded"], false, "{sound}");
    remove_object(dir.path(), &blob);
    remove_object(dir.path(), &tree);
    let service = self::service(dir.path(), "", now).await;
    check(&score(&service, json!({"repo": "config", "commit": commits[3]})).await, "feature_missing");
    check(&score(&service, json!({"repo": "config", "commit": commits[4]})).await, "unknown_commit");
    check(&score(&service, json!({"repo": "config", "diff": ""})).await, "feature_missing");
}

/// Diffs that a caller posts whose own `git diff` failed, was cut off or filtered: nobody saw the change.
pub const NOTHING: [&str; 9] = [
    "",
    "\n",
    " \t\r\n \n",
    "\u{c}\n",
    "diff --git a/app/web.yaml b/app/web.yaml\n",
    "diff --git a/app/web.yaml b/app/web.yaml\nindex 1111111..2222222 100644\n",
    "diff --git a/app/web.yaml b/app/web.yaml\nindex 1111111..1111111 100644\n",
    "diff --git a/app/new.yaml b/app/new.yaml\nnew file mode 100644\nindex 0000000..2222222\n",
    "diff --git a/app/web.yaml b/app/web.yaml\ndeleted file mode 100644\nindex 1111111..0000000\n",
];

/// The same that no reader takes for a diff at all.
const MALFORMED: [&str; 5] = [
    "--- a/app/web.yaml\n+++ b/app/web.yaml\n",
    "--- a/app/web.yaml\n+++ b/app/web.yaml\n@@ -1 +1 @@\n",
    "--- a/app/web.yaml\n+++ b/app/web.yaml\n@@ -1 +1 @@\n timeout: 4\n",
    "fatal: bad revision 'HEAD~1'\n",
    "commit 0123456789abcdef\nAuthor: A <a@example.org>\n\n    nothing\n",
];

#[tokio::test]
async fn a_diff_that_shows_nothing_never_takes_the_fast_path() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    for repo in ["config", "nobody"] {
        for diff in NOTHING {
            check(&score(&service, json!({"repo": repo, "diff": diff})).await, "feature_missing");
        }
        for diff in MALFORMED {
            let problem = score(&service, json!({"repo": repo, "diff": diff})).await;
            assert_eq!((&problem["code"], &problem["decision"]), (&json!("malformed_diff"), &Value::Null));
        }
        let sound = score(&service, json!({"repo": repo, "diff": DIFF})).await;
        assert_eq!((&sound["degraded"], &sound["decision"]), (&json!(false), &json!("fast_path")), "{sound}");
    }
}

#[tokio::test]
async fn a_history_ahead_of_the_clock_is_in_doubt() {
    let dir = tempfile::tempdir().unwrap();
    let commits = repository(dir.path(), 4);
    let service = service(dir.path(), "", START - 86_400).await;
    check(&score(&service, json!({"repo": "config", "diff": DIFF})).await, "clock_skew");
    check(&score(&service, json!({"repo": "config", "commit": commits[0]})).await, "clock_skew");
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_no_history_newer_than_its_last_look() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 4);
    let clock = Arc::new(AtomicI64::new(START + 5 * 3_600));
    let service = service_by(config_of(dir.path()), "", &clock).await;
    // Clocks that are both right may differ a little, and a wrong one by any time.
    for seconds in [30, 3_600] {
        clock.fetch_sub(seconds, Ordering::Relaxed);
        let answer = score(&service, json!({"repo": "config", "diff": DIFF})).await;
        assert!(answer["history"]["lag_seconds"].as_i64().is_some_and(|lag| lag >= 0), "{answer}");
    }
}

#[tokio::test]
async fn a_part_from_the_future_puts_the_whole_in_doubt() {
    let dir = tempfile::tempdir().unwrap();
    let commits = repository(dir.path(), 4);
    for (n, date) in [(50, "2099-01-01T00:00:00Z"), (51, "2026-01-05T00:00:00Z")] {
        std::fs::write(dir.path().join("app/web.yaml"), format!("timeout: {n}\n")).unwrap();
        git(dir.path(), START + 4 * 3_600, &["commit", "-q", "-a", "-m", "timeout", "--date", date]);
    }
    let head = git(dir.path(), START, &["rev-parse", "HEAD"]);
    let service = service(dir.path(), "", START + 6 * 3_600).await;
    check(
        &score(&service, json!({"repo": "config", "base": commits[3], "commit": head})).await,
        "clock_skew",
    );
}

#[tokio::test]
async fn a_range_of_more_commits_than_are_looked_at_is_in_doubt() {
    let dir = tempfile::tempdir().unwrap();
    let commits = repository(dir.path(), 103);
    let service = service(dir.path(), "", START + 200 * 3_600).await;
    let range = |n: usize| json!({"repo": "config", "base": commits[0], "commit": commits[n]});
    let answer = score(&service, range(100)).await;
    assert_eq!(answer["parts"].as_array().unwrap().len(), 100);
    assert_eq!(answer["degraded"], false, "{answer}");
    check(&score(&service, range(102)).await, "item_failed");
}

#[tokio::test]
async fn a_range_that_holds_nothing_is_in_doubt() {
    let dir = tempfile::tempdir().unwrap();
    let commits = repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    for (base, commit) in [(5, 5), (5, 2), (0, 0)] {
        let range = json!({"repo": "config", "base": commits[base], "commit": commits[commit]});
        let answer = score(&service, range).await;
        check(&answer, "feature_missing");
        assert!(answer["history"]["head"].is_string() && answer["parts"].is_null(), "{answer}");
    }
}

#[tokio::test]
async fn a_range_says_what_its_strictest_part_says() {
    let dir = tempfile::tempdir().unwrap();
    let base = repository(dir.path(), 4).pop().unwrap();
    let commit = |n: i64, text: &str| {
        let at = START + n * 3_600;
        std::fs::write(dir.path().join("app/web.yaml"), text).unwrap();
        git(dir.path(), at, &["add", "-A"]);
        git(dir.path(), at, &["commit", "-q", "-m", text.trim()]);
        git(dir.path(), at, &["rev-parse", "HEAD"])
    };
    std::fs::create_dir(dir.path().join("auth")).unwrap();
    std::fs::write(dir.path().join("auth/a.yaml"), "allow: all\n").unwrap();
    let held = commit(5, "timeout: 5\n");
    std::fs::remove_dir_all(dir.path().join("auth")).unwrap();
    let newest = commit(6, "timeout: 6\n");
    let policy = r#"rule = [{ name = "auth waits", when = 'change.paths.exists(p, p.startsWith("auth/") && change.lines_deleted < 2)', then = "hold", require = ["security"] }]"#;
    let service = service(dir.path(), policy, START + 7 * 3_600).await;
    let whole = json!({"repo": "config", "commit": newest, "base": base});
    let answer = score(&service, whole.clone()).await;
    let decisions: Vec<&Value> =
        answer["parts"].as_array().unwrap().iter().map(|it| &it["decision"]).collect();
    assert_eq!((&answer["decision"], decisions), (&json!("hold"), vec![&json!("hold"), &json!("fast_path")]));
    assert_eq!(answer["reasons"][0]["code"], "rule");
    let text = answer["reasons"][0]["text"].as_str().unwrap();
    assert!(text.starts_with(&format!("commit {}: ", &held[..12])) && text.contains("auth waits"), "{text}");
    assert_eq!(answer["plan"]["stages"], json!([]), "what is held has no stages");
    assert!(answer["plan"]["require"].as_array().unwrap().contains(&json!("security")), "{}", answer["plan"]);
    let explained = post(&service, "/v1/score?include=explanation", whole).await;
    assert_eq!(explained["explained"]["headline"]["verdict"], "hold", "{explained}");
}

#[tokio::test]
async fn a_range_of_one_commit_is_that_commit_where_it_has_its_diff() {
    let dir = tempfile::tempdir().unwrap();
    let commits = repository(dir.path(), 6);
    git(dir.path(), START, &["checkout", "-q", "-b", "side", &commits[3]]);
    land(dir.path(), 6, ("app/web.yaml", "timeout: 9\n"));
    let side = git(dir.path(), START, &["rev-parse", "HEAD"]);
    git(dir.path(), START, &["checkout", "-q", "main"]);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    for (base, mode) in [(&commits[3], "before_landing"), (&side, "present")] {
        let answer = score(&service, json!({"repo": "config", "base": base, "commit": commits[4]})).await;
        assert_eq!(answer["history"]["mode"], mode, "{answer}");
        assert_eq!(answer["parts"].as_array().map(Vec::len), Some(1), "{answer}");
    }
}

#[tokio::test]
async fn a_file_that_moves_away_is_still_its_owners_matter() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 3);
    std::fs::write(dir.path().join("CODEOWNERS"), "/app/ @sec\n").unwrap();
    std::fs::create_dir(dir.path().join("other")).unwrap();
    git(dir.path(), START + 4 * 3_600, &["mv", "app/web.yaml", "other/web.yaml"]);
    git(dir.path(), START + 4 * 3_600, &["commit", "-q", "-m", "move"]);
    let moved = git(dir.path(), START, &["rev-parse", "HEAD"]);
    let policy = r#"rule = [{ name = "security looks", when = 'change.owners.exists(o, o == "@sec")', then = "hold" }]"#;
    let service = service(dir.path(), policy, START + 5 * 3_600).await;
    let answer = score(&service, json!({"repo": "config", "commit": moved})).await;
    assert_eq!(answer["decision"], "hold", "{answer}");
}

#[tokio::test]
async fn authors_and_paths_never_seen_are_in_doubt_where_the_policy_says_so() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let policy = "unknown_author = \"degrade\"\nunknown_path = \"degrade\"";
    let service = service(dir.path(), policy, START + 7 * 3_600).await;
    let by = |author: &str, diff: String| json!({"repo": "config", "author": author, "diff": diff});
    let known = score(&service, by("A <a@example.org>", DIFF.into())).await;
    assert_eq!(known["degraded"], false, "{known}");
    check(&score(&service, by("B <b@example.org>", DIFF.into())).await, "unknown_author");
    check(&score(&service, by("A <a@example.org>", DIFF.replace("web", "api"))).await, "unknown_path");
    let new_file = "diff --git a/app/new.yaml b/app/new.yaml\nnew file mode 100644\n--- /dev/null\n\
                    +++ b/app/new.yaml\n@@ -0,0 +1 @@\n+timeout: 5\n";
    let answer = score(&service, by("A <a@example.org>", new_file.into())).await;
    assert_eq!(answer["degraded"], false, "a new file has no history and cannot have one: {answer}");
}

#[tokio::test]
async fn the_same_lines_elsewhere_are_another_question() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 3);
    let service = service(dir.path(), "", START + 4 * 3_600).await;
    let at = |place: &str, mode: &str| {
        let diff = format!(
            "diff --git a/app/web.yaml b/app/web.yaml\nindex 1111111..2222222 {mode}\n--- a/app/web.yaml\n\
             +++ b/app/web.yaml\n@@ -1,2 +1,2 @@\n {place}:\n-  replicas: 3\n+  replicas: 0\n"
        );
        json!({"repo": "config", "author": "A <a@example.org>", "diff": diff})
    };
    let staging = score(&service, at("staging", "100644")).await;
    assert_eq!(staging["decision"], "fast_path", "{staging}");
    assert_eq!(score(&service, at("staging", "100644")).await["decision_id"], staging["decision_id"]);
    let production = score(&service, at("production", "100644")).await;
    assert_eq!(production["change"]["digest"], staging["change"]["digest"]);
    assert_eq!(production["decision"], "extra_validation", "{production}");
    let moved = score(&service, at("staging", "160000")).await;
    assert_eq!(moved["decision"], "extra_validation", "another submodule: {moved}");
}

/// Lands what a file holds, so many hours after the start.
fn land(dir: &Path, hour: i64, (file, text): (&str, &str)) {
    std::fs::write(dir.join(file), text).unwrap();
    git(dir, START + hour * 3_600, &["add", "-A"]);
    git(dir, START + hour * 3_600, &["commit", "-q", "-m", file]);
}

#[tokio::test]
async fn an_undoing_stands_where_it_says() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 3);
    let file = |staging: i64| {
        format!("staging:\n  a: 1\n  replicas: {staging}\nproduction:\n  a: 1\n  replicas: 3\n")
    };
    for (hour, replicas) in [(4, 0), (5, 3)] {
        land(dir.path(), hour, ("app/sizes.yaml", &file(replicas)));
    }
    let service = service(dir.path(), "", START + 6 * 3_600).await;
    let undo = |place: &str| {
        let diff = format!(
            "--- a/app/sizes.yaml\n+++ b/app/sizes.yaml\n@@ -1,3 +1,3 @@\n {place}:\n   a: 1\n-  replicas: 3\n\
             +  replicas: 0\n"
        );
        json!({"repo": "config", "author": "A <a@example.org>", "diff": diff})
    };
    let real = score(&service, undo("staging")).await;
    assert_eq!((&real["kind"], &real["decision"]), (&json!("rollback"), &json!("fast_path")), "{real}");
    let forged = score(&service, undo("production")).await;
    assert_eq!(
        (&forged["kind"], &forged["decision"]),
        (&json!("ordinary"), &json!("extra_validation")),
        "{forged}"
    );
}

#[tokio::test]
async fn an_undoing_leaves_the_files_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 3);
    let land = |hour: i64, text: &str| land(dir.path(), hour, ("app/access.yaml", text));
    let before = "staging:\n  allow_from: 0.0.0.0/0\n  port: 1\nproduction:\n  mode: slow\n  port: 2\n";
    land(4, before);
    land(5, "staging:\n  port: 1\nproduction:\n  port: 2\n");
    let service = service(dir.path(), "", START + 6 * 3_600).await;
    let undo = |staging: &str, production: &str| {
        let diff = format!(
            "--- a/app/access.yaml\n+++ b/app/access.yaml\n@@ -1,4 +1,6 @@\n staging:\n+  {staging}\n   port: 1\n \
             production:\n+  {production}\n   port: 2\n"
        );
        json!({"repo": "config", "author": "A <a@example.org>", "diff": diff})
    };
    let real = score(&service, undo("allow_from: 0.0.0.0/0", "mode: slow")).await;
    assert_eq!(real["kind"], "rollback", "{real}");
    let swapped = score(&service, undo("mode: slow", "allow_from: 0.0.0.0/0")).await;
    assert_eq!(
        (&swapped["kind"], &swapped["decision"]),
        (&json!("ordinary"), &json!("extra_validation")),
        "{swapped}"
    );

    // The undoing landed, and somebody edits the same lines again: it takes back nothing any more.
    land(6, before);
    let commit = git(dir.path(), START + 6 * 3_600, &["rev-parse", "HEAD"]);
    let landed = json!({"repo": "config", "commit": commit});
    assert_eq!(score(&service, landed.clone()).await["kind"], "rollback");
    land(7, &before.replace("slow", "fast"));
    let later = score(&service, landed).await;
    assert_eq!(later["kind"], "ordinary", "{later}");
}

#[tokio::test]
async fn a_landed_undoing_is_one_for_a_day() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 3);
    for (hour, replicas) in [(3, 3), (4, 4), (5, 3)] {
        land(dir.path(), hour, ("app/sizes.yaml", &format!("web:\n  replicas: {replicas}\n")));
    }
    let landed = git(dir.path(), START, &["rev-parse", "HEAD"]);
    for (hour, kind) in [(29, "rollback"), (30, "ordinary")] {
        let service = service(dir.path(), "", START + hour * 3_600).await;
        let answer = score(&service, json!({"repo": "config", "commit": landed})).await;
        assert_eq!(answer["kind"], kind, "{hour}: {answer}");
    }
}

/// A bad change, its repair, and what takes that back.
fn repaired(dir: &Path) -> (String, &'static str) {
    repository(dir, 3);
    for (hour, replicas, note) in [(3, 3, "a\n"), (4, 4, "a\n"), (5, 3, "b\n")] {
        std::fs::write(dir.join("app/note.txt"), note).unwrap();
        land(dir, hour, ("app/sizes.yaml", &format!("web:\n  replicas: {replicas}\n")));
    }
    let bad = git(dir, START + 5 * 3_600, &["rev-parse", "HEAD~1"]);
    let undo = "--- a/app/note.txt\n+++ b/app/note.txt\n@@ -1 +1 @@\n-b\n+a\n--- a/app/sizes.yaml\n+++ b/app/sizes.yaml\n\
                @@ -1,2 +1,2 @@\n web:\n-  replicas: 3\n+  replicas: 4\n";
    (bad, undo)
}

#[tokio::test]
async fn to_take_back_the_repair_of_a_bad_change_is_no_rollback() {
    let dir = tempfile::tempdir().unwrap();
    let (bad, diff) = repaired(dir.path());
    let service = service(dir.path(), "", START + 6 * 3_600).await;
    let undo = json!({"repo": "config", "author": "A <a@example.org>", "diff": diff});
    assert_eq!(score(&service, undo.clone()).await["kind"], "rollback");
    went_wrong(&service, &bad).await;
    let answer = score(&service, undo).await;
    assert_eq!(answer["kind"], "ordinary", "{answer}");
}

async fn went_wrong(service: &Arc<Service>, commit: &str) {
    let outcome = json!({"repo": "config", "commit": commit, "outcome": "incident", "occurred_at": "2026-01-28T16:00:00Z"});
    let request = Request::post("/v1/outcomes").body(Body::from(outcome.to_string())).unwrap();
    assert_eq!(router(Arc::clone(service)).oneshot(request).await.unwrap().status(), 201);
}

const LINKS: &str = "incident_id,started_at,known_at,repo,change_id,link_kind\n";

/// Opens a pipe to write to once somebody reads it, within a minute.
async fn opened_for_its_reader(pipe: &Path) -> std::fs::File {
    const O_NONBLOCK: i32 = 0o4000;
    let mut options = std::fs::File::options();
    options.write(true).custom_flags(O_NONBLOCK);
    for _ in 0..3_000 {
        if let Ok(opened) = options.open(pipe) {
            return opened;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("nobody reads {}", pipe.display());
}

/// Where the file of incidents is a pipe, whoever reads it with the history in their hands waits for a writer.
#[tokio::test]
async fn what_is_reported_while_the_history_is_folded_counts_at_once() {
    let (dir, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (bad, diff) = repaired(dir.path());
    let links = files.path().join("incidents.csv");
    std::fs::write(&links, LINKS).unwrap();
    let config = RepositoryConfig { incidents: Some(links.clone().into()), ..config_of(dir.path()) };
    let service = service_by(config, "", &Arc::new(AtomicI64::new(START + 6 * 3_600))).await;
    let undo = async |message: &str| {
        let change =
            json!({"repo": "config", "author": "A <a@example.org>", "message": message, "diff": diff});
        score(&service, change).await["kind"].clone()
    };
    assert_eq!(undo("before").await, "rollback");
    std::fs::remove_file(&links).unwrap();
    assert!(Command::new("mkfifo").arg(&links).status().unwrap().success());
    let folding = Arc::clone(&service);
    let look = async move { post(&folding, "/v1/repos/config/refresh", Value::Null).await };
    let look = tokio::spawn(look);
    let mut pipe = opened_for_its_reader(&links).await;
    went_wrong(&service, &bad).await;
    let answer = score(&service, json!({"repo": "config", "commit": bad})).await;
    assert!(answer["reasons"].to_string().contains("known_bad"), "{answer}");
    assert_eq!(undo("meanwhile").await, "ordinary");
    // Nor is what was asked before answered as it was then.
    assert_eq!(undo("before").await, "ordinary");
    assert!(!look.is_finished());
    pipe.write_all(LINKS.as_bytes()).unwrap();
    drop(pipe);
    assert!(look.await.unwrap()["head"].is_string());
    assert_eq!(undo("after").await, "ordinary");
}

#[tokio::test]
async fn incidents_that_could_not_be_folded_in_are_tried_again() {
    let (dir, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let commits = repository(dir.path(), 4);
    let links = files.path().join("incidents.csv");
    std::fs::write(&links, LINKS).unwrap();
    let config = RepositoryConfig { incidents: Some(links.clone().into()), ..config_of(dir.path()) };
    let service = service_by(config, "", &Arc::new(AtomicI64::new(START + 5 * 3_600))).await;
    let link = format!("INC-1,,2026-01-28T15:00:00Z,config,{},declared\n", commits[2]);
    std::fs::write(&links, format!("{LINKS}{link}")).unwrap();
    let (cache, away) = (dir.path().join(".git/cache"), files.path().join("cache"));
    std::fs::rename(&cache, &away).unwrap();
    std::fs::write(&cache, "in the way").unwrap();
    let refused = post(&service, "/v1/repos/config/refresh", Value::Null).await;
    assert!(refused["head"].is_null(), "{refused}");
    std::fs::remove_file(&cache).unwrap();
    std::fs::rename(&away, &cache).unwrap();
    let refreshed = post(&service, "/v1/repos/config/refresh", Value::Null).await;
    assert_eq!(refreshed["head"], commits[3], "{refreshed}");
    let answer = score(&service, json!({"repo": "config", "commit": commits[2]})).await;
    assert!(answer["reasons"].to_string().contains("known_bad"), "{answer}");
}

#[tokio::test]
async fn to_land_again_what_was_taken_back_is_no_rollback() {
    // Whatever the undoing calls itself; with and without a landing of another file in between, and one before.
    for (between, first) in [(false, false), (true, false), (false, true), (true, true)] {
        let dir = tempfile::tempdir().unwrap();
        repository(dir.path(), 3);
        let text = |replicas: i64| format!("web:\n  replicas: {replicas}\n  b: {}\n", i64::from(first));
        land(dir.path(), 2, ("app/sizes.yaml", "web:\n  replicas: 3\n  b: 0\n"));
        if first {
            land(dir.path(), 29, ("app/sizes.yaml", &text(3)));
        }
        land(dir.path(), 30, ("app/sizes.yaml", &text(0)));
        if between {
            land(dir.path(), 31, ("app/other.yaml", "a: 1\n"));
        }
        land(dir.path(), 31, ("app/sizes.yaml", &text(3)));
        let service = service(dir.path(), "", START + 33 * 3_600).await;
        let diff = "--- a/app/sizes.yaml\n+++ b/app/sizes.yaml\n@@ -1,2 +1,2 @@\n web:\n-  replicas: 3\n+  replicas: 0\n";
        let again = json!({"repo": "config", "author": "A <a@example.org>", "diff": diff});
        let proposed = score(&service, again).await;
        land(dir.path(), 32, ("app/sizes.yaml", &text(0)));
        let commit = git(dir.path(), START + 32 * 3_600, &["rev-parse", "HEAD"]);
        let landed = score(&service, json!({"repo": "config", "commit": commit})).await;
        for answer in [&proposed, &landed] {
            assert_eq!(
                (&answer["kind"], &answer["decision"]),
                (&json!("ordinary"), &json!("extra_validation")),
                "{between} {first}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn what_only_stood_between_two_commits_of_a_push_is_not_brought_back() {
    let text = |timeout: &str, note: &str| format!("web:\n  replicas: 3\n  timeout: {timeout}{note}\n");
    let undo = |from: &str, to: &str| {
        let diff = format!(
            "--- a/app/sizes.yaml\n+++ b/app/sizes.yaml\n@@ -1,3 +1,3 @@\n web:\n   replicas: 3\n-  timeout: {from}\n+  timeout: {to}\n"
        );
        json!({"repo": "config", "author": "A <a@example.org>", "diff": diff})
    };
    // What is dangerous as such is a rollback where it stood before.
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 3);
    land(dir.path(), 2, ("app/sizes.yaml", &text("30s", "")));
    land(dir.path(), 30, ("app/sizes.yaml", &text("3s", "")));
    let answer = score(&service(dir.path(), "", START + 33 * 3_600).await, undo("3s", "30s")).await;
    assert_eq!((&answer["kind"], &answer["decision"]), (&json!("rollback"), &json!("fast_path")), "{answer}");

    // A pull request of two commits, of which the second hides the first: together they change a comment.
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 3);
    land(dir.path(), 2, ("app/sizes.yaml", &text("30s", "")));
    land(dir.path(), 30, ("app/sizes.yaml", &text("3s", "")));
    land(dir.path(), 30, ("app/sizes.yaml", &text("30s", " # as ever")));
    let answer = score(&service(dir.path(), "", START + 33 * 3_600).await, undo("30s # as ever", "3s")).await;
    assert_eq!(
        (&answer["kind"], &answer["decision"]),
        (&json!("ordinary"), &json!("extra_validation")),
        "{answer}"
    );

    // A merge the wrong way round, so that the first parents of the trunk are somebody's own.
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 3);
    land(dir.path(), 2, ("app/sizes.yaml", &text("3s", "")));
    let old = git(dir.path(), START, &["rev-parse", "HEAD"]);
    for hour in 3..9 {
        land(dir.path(), hour, ("app/sizes.yaml", &text("30s", &" ".repeat(hour as usize))));
    }
    land(dir.path(), 9, ("app/sizes.yaml", &text("30s", "")));
    let now = START + 31 * 3_600;
    let side = git(dir.path(), now, &["commit-tree", "-p", &old, "-m", "empty", &format!("{old}^{{tree}}")]);
    let merge =
        git(dir.path(), now, &["commit-tree", "-p", &side, "-p", "HEAD", "-m", "merge", "HEAD^{tree}"]);
    git(dir.path(), now, &["update-ref", "refs/heads/main", &merge]);
    let answer = score(&service(dir.path(), "", START + 33 * 3_600).await, undo("30s", "3s")).await;
    assert_eq!(
        (&answer["kind"], &answer["decision"]),
        (&json!("ordinary"), &json!("extra_validation")),
        "{answer}"
    );
}

#[tokio::test]
async fn a_merge_into_a_branch_says_nothing_of_the_branch() {
    for unit in [UnitChoice::Commit, UnitChoice::Landing] {
        let dir = tempfile::tempdir().unwrap();
        repository(dir.path(), 3);
        land(dir.path(), 4, ("app/sizes.yaml", "replicas: 3\n"));
        let at = START + 6 * 3_600;
        git(dir.path(), at, &["checkout", "-q", "-b", "change"]);
        land(dir.path(), 5, ("app/sizes.yaml", "replicas: 0\n"));
        land(dir.path(), 5, ("app/note.txt", "a\n"));
        let stacked = git(dir.path(), at, &["rev-parse", "HEAD"]);
        git(dir.path(), at, &["checkout", "-q", "main"]);
        land(dir.path(), 5, ("app/other.yaml", "a: 1\n"));
        let main = git(dir.path(), at, &["rev-parse", "HEAD"]);
        git(dir.path(), at, &["checkout", "-q", "change"]);
        git(dir.path(), at, &["merge", "-q", "--no-ff", "-m", "take main in", "main"]);
        let merge = git(dir.path(), at, &["rev-parse", "HEAD"]);
        git(dir.path(), at, &["checkout", "-q", "main"]);
        let service = service_of(dir.path(), unit, "", START + 7 * 3_600).await;
        let answer = score(&service, json!({"repo": "config", "commit": merge})).await;
        let codes = answer["reasons"].to_string();
        assert!(answer["degraded"] == true && codes.contains("unknown_unit"), "{unit:?}: {answer}");
        let answer = score(&service, json!({"repo": "config", "commit": stacked})).await;
        assert!(answer["warnings"].to_string().contains("have not landed"), "{unit:?}: {answer}");
        let range = score(&service, json!({"repo": "config", "commit": merge, "base": main})).await;
        let said = range["reasons"].to_string();
        assert!(range["degraded"] == false && said.contains("replicas_to_zero"), "{unit:?}: {range}");
    }
}

#[tokio::test]
async fn several_landings_are_taken_back_at_once_and_none_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 3);
    let text = |replicas: i64, allow: &str| format!("web:\n  replicas: {replicas}\n  allow: {allow}\n");
    land(dir.path(), 3, ("app/sizes.yaml", &text(0, "any")));
    for (hour, replicas, allow) in [(30, 3, "any"), (31, 3, "office"), (32, 5, "office")] {
        land(dir.path(), hour, ("app/sizes.yaml", &text(replicas, allow)));
    }
    land(dir.path(), 32, ("app/other.yaml", "a: 1\n"));
    let commits = git(dir.path(), START + 32 * 3_600, &["rev-parse", "HEAD~4", "HEAD~3", "HEAD"]);
    let commits: Vec<&str> = commits.lines().collect();
    let service = service(dir.path(), "", START + 33 * 3_600).await;
    let undo = |replicas: i64, other: &str| {
        let diff = format!(
            "{other}--- a/app/sizes.yaml\n+++ b/app/sizes.yaml\n@@ -1,3 +1,3 @@\n web:\n-  replicas: 5\n-  allow: office\n\
             +  replicas: {replicas}\n+  allow: any\n"
        );
        json!({"repo": "config", "author": "A <a@example.org>", "diff": diff})
    };
    let other = "--- a/app/other.yaml\n+++ /dev/null\n@@ -1 +0,0 @@\n-a: 1\n";
    let whole = score(&service, undo(3, other)).await;
    assert_eq!((&whole["kind"], &whole["decision"]), (&json!("rollback"), &json!("fast_path")), "{whole}");
    let one_left = score(&service, undo(3, "")).await;
    assert_eq!(one_left["kind"], "ordinary", "a landing in between stays: {one_left}");
    let further = score(&service, undo(9, other)).await;
    assert_eq!(
        (&further["kind"], &further["decision"]),
        (&json!("ordinary"), &json!("extra_validation")),
        "files never stood so: {further}"
    );

    // A branch that takes them back one after the other is the same as a range.
    git(dir.path(), START + 33 * 3_600, &["checkout", "-q", "-b", "undo"]);
    for commit in ["HEAD", "HEAD~1", "HEAD~2"] {
        let commit = git(dir.path(), START + 33 * 3_600, &["rev-parse", &format!("main{}", &commit[4..])]);
        git(dir.path(), START + 33 * 3_600, &["revert", "--no-edit", &commit]);
    }
    let tip = git(dir.path(), START + 33 * 3_600, &["rev-parse", "HEAD"]);
    git(dir.path(), START + 33 * 3_600, &["checkout", "-q", "main"]);
    let range = json!({"repo": "config", "commit": tip, "base": commits[2]});
    let answer = score(&service, range).await;
    assert_eq!(answer["kind"], "rollback", "the decision is the strictest of its parts: {answer}");

    // Landed as one, it stays what it was.
    git(dir.path(), START + 33 * 3_600, &["merge", "-q", "--squash", "undo"]);
    git(dir.path(), START + 33 * 3_600, &["commit", "-q", "-m", "Back to before"]);
    let landed = git(dir.path(), START + 33 * 3_600, &["rev-parse", "HEAD"]);
    let answer = score(&service, json!({"repo": "config", "commit": landed})).await;
    assert_eq!((&answer["kind"], &answer["history"]["mode"]), (&json!("rollback"), &json!("before_landing")));
}

#[tokio::test]
async fn a_bad_line_is_not_brought_back_with_what_landed_after_it() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 3);
    let text = |replicas: i64, note: &str| {
        format!("web:\n  replicas: {replicas}\n  a: 1\n  b: 2\n  c: 3\n  note: {note}\n")
    };
    for (hour, replicas, note) in [(3, 3, "x"), (30, 0, "x"), (31, 0, "y"), (32, 3, "y")] {
        land(dir.path(), hour, ("app/sizes.yaml", &text(replicas, note)));
    }
    let bad = git(dir.path(), START + 32 * 3_600, &["rev-parse", "HEAD~2"]);
    git(
        dir.path(),
        START + 32 * 3_600,
        &["commit", "-q", "--amend", "-m", &format!("Repair\n\nThis reverts commit {bad}.")],
    );
    land(dir.path(), 32, ("app/other.yaml", "a: 1\n"));
    let service = service(dir.path(), "", START + 33 * 3_600).await;
    let other = "--- a/app/other.yaml\n+++ /dev/null\n@@ -1 +0,0 @@\n-a: 1\n";
    for diff in [
        format!("{other}--- a/app/sizes.yaml\n+++ b/app/sizes.yaml\n@@ -1,2 +1,2 @@\n web:\n-  replicas: 3\n+  replicas: 0\n"),
        "--- a/app/sizes.yaml\n+++ b/app/sizes.yaml\n@@ -1,2 +1,2 @@\n web:\n-  replicas: 3\n+  replicas: 0\n".to_owned(),
    ] {
        let answer = score(&service, json!({"repo": "config", "author": "A <a@example.org>", "diff": diff})).await;
        assert_eq!(
            (&answer["kind"], &answer["decision"]),
            (&json!("ordinary"), &json!("extra_validation")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_range_on_another_base_is_put_on_the_head_by_its_files() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 3);
    let block = |name: &str, replicas: i64| format!("{name}:\n  a: 1\n  b: 2\n  replicas: {replicas}\n");
    let text =
        |top: &str, first: i64, second: i64| [top, &block("api", first), &block("web", second)].concat();
    land(dir.path(), 30, ("app/sizes.yaml", &text("", 3, 0)));
    let base = git(dir.path(), START + 30 * 3_600, &["rev-parse", "HEAD"]);
    let top = block("new", 1);
    land(dir.path(), 31, ("app/sizes.yaml", &text(&top, 3, 0)));
    land(dir.path(), 32, ("app/sizes.yaml", &text(&top, 0, 0)));
    git(dir.path(), START + 32 * 3_600, &["checkout", "-q", "-b", "side", &base]);
    land(dir.path(), 32, ("app/sizes.yaml", &text("", 3, 3)));
    let tip = git(dir.path(), START + 32 * 3_600, &["rev-parse", "HEAD"]);
    git(dir.path(), START + 32 * 3_600, &["checkout", "-q", "main"]);
    let service = service(dir.path(), "", START + 33 * 3_600).await;
    let answer = score(&service, json!({"repo": "config", "commit": tip, "base": base})).await;
    assert_eq!(answer["kind"], "ordinary", "{answer}");
}

#[tokio::test]
async fn landings_that_renamed_are_taken_back_at_once() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 3);
    let at = START + 31 * 3_600;
    land(dir.path(), 3, ("app/sizes.yaml", "web:\n  replicas: 0\n"));
    git(dir.path(), at, &["mv", "app/sizes.yaml", "app/size.yaml"]);
    git(dir.path(), at, &["commit", "-q", "-m", "Another name"]);
    land(dir.path(), 32, ("app/size.yaml", "web:\n  replicas: 4\n"));
    let service = service(dir.path(), "", START + 33 * 3_600).await;
    let diff = git(dir.path(), at, &["diff", "--no-renames", "HEAD", "HEAD~2"]) + "\n";
    let undo = json!({"repo": "config", "author": "A <a@example.org>", "diff": diff});
    let answer = score(&service, undo).await;
    assert_eq!((&answer["kind"], &answer["decision"]), (&json!("rollback"), &json!("fast_path")), "{answer}");
}

#[tokio::test]
async fn a_commit_on_another_base_takes_nothing_back() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 3);
    let land = |hour: i64, text: &str| land(dir.path(), hour, ("app/sizes.yaml", text));
    land(4, "web:\n  a: 1\n  replicas: 5\n");
    let base = git(dir.path(), START + 4 * 3_600, &["rev-parse", "HEAD"]);
    land(4, "api:\n  a: 1\n  replicas: 0\nweb:\n  a: 1\n  replicas: 5\n");
    land(5, "api:\n  a: 1\n  replicas: 5\nweb:\n  a: 1\n  replicas: 5\n");
    git(dir.path(), START + 5 * 3_600, &["checkout", "-q", "-b", "side", &base]);
    land(5, "web:\n  a: 1\n  replicas: 0\n");
    let side = git(dir.path(), START + 5 * 3_600, &["rev-parse", "HEAD"]);
    git(dir.path(), START + 5 * 3_600, &["checkout", "-q", "main"]);
    let service = service(dir.path(), "", START + 6 * 3_600).await;
    let answer = score(&service, json!({"repo": "config", "commit": side})).await;
    assert_eq!(
        (&answer["kind"], &answer["decision"]),
        (&json!("ordinary"), &json!("extra_validation")),
        "{answer}"
    );
}

#[tokio::test]
async fn what_landed_a_moment_ago_is_taken_back_without_a_look_in_between() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 3);
    let write = |hour: i64, replicas: i64| {
        land(dir.path(), hour, ("app/size.yaml", &format!("replicas: {replicas}\n")));
    };
    write(4, 3);
    let service = service(dir.path(), "", START + 6 * 3_600).await;
    write(5, 0);
    let diff = "--- a/app/size.yaml\n+++ b/app/size.yaml\n@@ -1 +1 @@\n-replicas: 0\n+replicas: 3\n";
    let undo = json!({"repo": "config", "author": "A <a@example.org>", "diff": diff});
    let answer = score(&service, undo).await;
    assert_eq!(answer["kind"], "rollback", "{answer}");
    assert_eq!(answer["history"]["as_of"], "2026-01-28T16:33:20Z", "{answer}");
}

#[tokio::test]
async fn a_rule_that_asks_for_owners_nobody_knows_is_in_doubt() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 3);
    let policy = r#"rule = [{ name = "security looks", when = 'change.owners.exists(o, o == "@sec")', then = "hold" }]"#;
    let service = service(dir.path(), policy, START + 4 * 3_600).await;
    let diff = DIFF.replace("-timeout: 4", "-timeout: 2");
    check(
        &score(&service, json!({"repo": "config", "author": "A <a@example.org>", "diff": diff})).await,
        "rule_failed",
    );
    check(
        &score(&service, json!({"repo": "unknown", "author": "A <a@example.org>", "diff": diff})).await,
        "rule_failed",
    );
}
