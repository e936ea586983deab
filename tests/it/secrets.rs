//! Secrets in a change, wherever they stand in it, never leave the process: not in an answer, a log line, a file
//! of the store, a metric or a page.

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::git_script::Script;
use crate::process::{Running, serve};

/// Bytes of a secret that may be seen in one piece.
const MAX_SEEN: usize = 9;

/// Text that looks drawn at random, another for every name and the same at every run.
fn drawn(name: &str, len: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let byte = |n: usize| Sha256::digest(format!("{name} {n}"))[0];
    (0..len).map(|n| char::from(LETTERS[usize::from(byte(n)) % LETTERS.len()])).collect()
}

/// What is planted in one place: the line as it stands there, and the parts of it that must not be seen.
struct Planted {
    lines: Vec<String>,
    drawn: Vec<String>,
}

fn planted(place: &str) -> Planted {
    let part = |n: usize, len: usize| drawn(&format!("{place} {n}"), len);
    let hex = |n: usize| hex::encode(Sha256::digest(format!("{place} hex {n}")));
    let drawn = vec![
        part(0, 36),
        part(1, 40),
        part(2, 24),
        part(3, 20),
        part(4, 40),
        hex(5)[..40].to_owned(),
        part(6, 43),
        part(7, 48),
        part(8, 64),
        part(9, 16).to_uppercase(),
        part(10, 43),
        hex(11)[..32].to_owned(),
    ];
    let lines = vec![
        format!("ci: ghp_{}", drawn[0]),
        format!("aws_secret_access_key = {}", drawn[1]),
        format!("payment: sk_live_{}", drawn[2]),
        format!("db: postgres://app:{}@db.example.org/app", drawn[3]),
        format!("Authorization: Bearer {}", drawn[4]),
        format!("client_secret: \"{}\"", drawn[5]),
        format!("jwt: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{}", drawn[6]),
        format!("unnamed: {}", drawn[7]),
        format!("-----BEGIN RSA PRIVATE KEY----- {} -----END RSA PRIVATE KEY-----", drawn[8]),
        format!("id: AKIA{}", drawn[9]),
        format!("mail: SG.{}.{}", &drawn[10][..22], drawn[10]),
        format!("password: {}", drawn[11]),
    ];
    Planted { lines, drawn }
}

/// A diff with a secret on every side of every line, under a path that is one itself.
fn diff(place: &str, path: &str) -> String {
    let (old, new, context) = (
        planted(&format!("{place} old")),
        planted(&format!("{place} new")),
        planted(&format!("{place} context")),
    );
    let mut hunk = String::new();
    for ((old, new), context) in old.lines.iter().zip(&new.lines).zip(&context.lines) {
        hunk.push_str(&format!("-{old}\n+{new}\n {context}\n"));
    }
    let n = old.lines.len() * 2;
    format!(
        "diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n--- a/{path}\n+++ b/{path}\n@@ -1,{n} +1,{n} @@\n{hunk}"
    )
}

fn all_drawn(places: &[&str]) -> Vec<String> {
    places.iter().flat_map(|place| planted(place).drawn).collect()
}

/// The secrets of which a piece is seen in some bytes.
fn seen<'a>(bytes: &[u8], secrets: &'a [String]) -> Vec<&'a String> {
    let lower = bytes.to_ascii_lowercase();
    let is_seen = |secret: &&String| {
        let secret = secret.to_ascii_lowercase();
        secret.as_bytes().windows(MAX_SEEN + 1).any(|part| memchr::memmem::find(&lower, part).is_some())
    };
    secrets.iter().filter(is_seen).collect()
}

/// A repository whose commits hold secrets in content, message, path and author.
fn repository() -> (Script, Vec<String>) {
    let mut script = Script::new();
    let path = format!("conf/ghp_{}/app.yaml", drawn("commit path", 36));
    let content = |place: &str| planted(place).lines.join("\n");
    let mut commits = Vec::new();
    for (n, place) in ["commit old", "commit new"].into_iter().enumerate() {
        let message = format!("rotate\n\n{}", planted("commit message").lines.join("\n"));
        let content = content(place);
        let files = [(path.as_str(), content.as_bytes()), ("web.yaml", b"timeout: 3\n")];
        let parents: Vec<git2::Oid> = commits.last().copied().into_iter().collect();
        commits.push(script.commit_at(n as i64, &message, &files, &parents));
    }
    let main = script.repository.reference("refs/heads/main", commits[1], true, "").unwrap();
    drop(main);
    (script, commits.iter().map(ToString::to_string).collect())
}

/// Everything that was said over HTTP.
struct Said<'a> {
    service: &'a Running,
    texts: Vec<(String, String)>,
}

impl Said<'_> {
    fn post(&mut self, path: &str, body: &Value) -> Value {
        let (_, answer) = self.service.post(path, &body.to_string());
        self.texts.push((format!("POST {path}"), answer.to_string()));
        answer
    }

    fn get(&mut self, path: &str) {
        let (_, text) = self.service.get(path);
        self.texts.push((format!("GET {path}"), text));
    }
}

fn ask(said: &mut Said<'_>, commits: &[String]) -> Vec<String> {
    let path = format!("conf/ghp_{}/app.yaml", drawn("posted path", 36));
    let posted = |path: &str| {
        let message = format!("rotate\n\n{}", planted("message").lines.join("\n"));
        let author = format!("A ghp_{} <a@example.org>", drawn("author", 36));
        json!({"repo": "shop", "diff": diff("posted", path), "message": message, "author": author})
    };
    let mut ids = Vec::new();
    for change in
        [posted(&path), posted("app.yaml"), posted("deploy/web.json"), posted("main.tf"), posted("x.php")]
    {
        let answer = said.post("/v1/score?include=vector", &json!({ "change": change }));
        ids.push(answer["decision_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned());
    }
    for commit in commits {
        let answer = said.post("/v1/score", &json!({"change": {"repo": "config", "commit": commit}}));
        assert_ne!(answer["risk"], Value::Null, "{answer}");
        ids.push(answer["decision_id"].as_str().unwrap().to_owned());
    }
    said.post("/v1/score/batch", &json!({"items": [{ "change": posted("batch.yaml") }]}));
    let range = json!({"repo": "config", "base": commits[0], "commit": commits[1]});
    said.post("/v1/score", &json!({ "change": range }));
    // What is refused echoes nothing either.
    let secret = format!("ghp_{}", drawn("refused", 36));
    said.post("/v1/score", &json!({"change": {"repo": "shop", "diff": format!("--- a/x\n{secret}")}}));
    said.post("/v1/score", &json!({"change": {"repo": "shop", "commit": secret}}));
    said.post("/v1/score", &json!({ &secret: 1 }));
    said.post("/v1/score", &json!({"change": {"repo": "shop", "diff": "", &secret: 1}}));
    let (_, answer) = said.service.post("/v1/score", &format!("{{\"change\": {secret}}}"));
    said.texts.push(("malformed".into(), answer.to_string()));
    let reason = planted("reason").lines.join(" ");
    let over = json!({"reason": reason, "expires_at": "2099-01-01T00:00:00Z"});
    let answer = said.post(&format!("/v1/decisions/{}/override", ids[0]), &over);
    assert!(answer["reason"].as_str().unwrap().contains("[redacted:"), "{answer}");
    ids
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("log.db") {
            found.push((name, std::fs::read(entry.path()).unwrap()));
        }
    }
    assert!(
        found.iter().any(|(name, bytes)| name == "log.db-wal" && bytes.len() > 1_000),
        "the WAL is looked at"
    );
    found
}

#[test]
fn no_secret_of_a_change_leaves_the_process() {
    let mut secrets = all_drawn(&[
        "posted old", "posted new", "posted context", "message", "commit old", "commit new",
        "commit message", "reason",
    ]);
    for place in ["posted path", "commit path", "author", "refused"] {
        secrets.push(drawn(place, 36));
    }
    assert_eq!(secrets.len(), 100);
    let (script, commits) = repository();
    let dir = tempfile::tempdir().unwrap();
    let repo = format!("config={}", script.path().display());
    let cache = dir.path().join("cache");
    let service = serve(
        dir.path(),
        &["--repo", &repo, "--cache", cache.to_str().unwrap()],
        &[("DIFFRISK_LOG", Path::new("debug"))],
    );
    let mut said = Said { service: &service, texts: Vec::new() };
    let ids = ask(&mut said, &commits);
    for id in &ids {
        said.get(&format!("/v1/decisions/{id}"));
        said.get(&format!("/decisions/{id}"));
        said.get(&format!("/decisions/{id}/json"));
    }
    for path in
        ["/", "/?q=ghp_", "/model", "/v1/decisions", "/v1/model", "/metrics", "/readyz", "/openapi.json"]
    {
        said.get(path);
    }
    let texts = said.texts;
    let log = service.said.lock().unwrap().clone();
    assert!(log.contains("decision_id") && texts.iter().any(|(_, text)| text.contains("app.yaml")), "{log}");
    let texts = texts.into_iter().map(|(name, text)| (name, text.into_bytes()));
    let mut found = Vec::new();
    for (name, bytes) in texts.chain([("the log".to_owned(), log.into_bytes())]).chain(files(dir.path())) {
        found.extend(seen(&bytes, &secrets).into_iter().map(|secret| format!("{secret} in {name}")));
    }
    assert!(found.is_empty(), "{} of {} secrets seen: {found:#?}", found.len(), secrets.len());
}

#[test]
fn the_search_for_secrets_finds_what_is_there() {
    let secrets = all_drawn(&["there"]);
    let whole = planted("there").lines.join("\n");
    assert_eq!(seen(whole.as_bytes(), &secrets).len(), secrets.len());
    assert!(seen(&whole.as_bytes()[..30], &secrets).len() == 1 && seen(b"nothing", &secrets).is_empty());
}
