//! The repositories that a running service follows: commits are folded without anybody's call.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{Running, serve};

const DIFF: &str = "--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n";

fn git(repository: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(repository).args(["-c", "user.name=A", "-c", "user.email=a@example.org"]);
    let date = "2026-01-05T12:00:00Z";
    let output = command
        .args(["-c", "commit.gpgsign=false"])
        .args(args)
        .env("GIT_AUTHOR_DATE", date)
        .env("GIT_COMMITTER_DATE", date)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Sets a file to a number and commits that; answers the commit's id.
fn commit(repository: &Path, n: u32) -> String {
    std::fs::write(repository.join("a.yaml"), format!("a: {n}\n")).unwrap();
    git(repository, &["add", "."]);
    git(repository, &["commit", "-q", "-m", &format!("a: set to {n}")]);
    git(repository, &["rev-parse", "HEAD"])
}

fn answer(service: &Running) -> Value {
    service.post("/v1/score", &json!({ "change": { "repo": "shop", "diff": DIFF } }).to_string()).1
}

/// Waits until answers are given from a history that ends with a commit, at most a minute.
fn until_known(service: &Running, commit: &str) -> Value {
    let started = Instant::now();
    loop {
        let answer = answer(service);
        if answer["history"]["head"] == commit {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{commit} is not known: {answer}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn commits_that_land_or_are_rewritten_are_folded_without_being_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let repository = dir.path().join("shop");
    std::fs::create_dir(&repository).unwrap();
    git(&repository, &["init", "-q", "-b", "main"]);
    let first = commit(&repository, 1);
    let (followed, cache) = (format!("shop={}", repository.display()), dir.path().join("cache"));
    let args = ["--repo", &followed, "--cache", cache.to_str().unwrap(), "--poll-seconds", "1"];
    let service = serve(dir.path(), &args, &[]);
    assert_eq!(answer(&service)["history"]["head"], first.as_str());

    let second = commit(&repository, 2);
    let third = commit(&repository, 3);
    let landed = until_known(&service, &third);
    assert!(landed["history"]["lag_seconds"].as_i64() <= Some(60), "{landed}");

    // A branch that was moved back and went another way is folded again, not on top of what is gone.
    git(&repository, &["reset", "-q", "--hard", &second]);
    let other = commit(&repository, 4);
    until_known(&service, &other);
    let mode_of = |commit: &str| {
        let question = json!({ "change": { "repo": "shop", "commit": commit } });
        service.post("/v1/score", &question.to_string()).1["history"]["mode"].clone()
    };
    assert_eq!(mode_of(&second), "before_landing", "a commit that is still there");
    assert_eq!(mode_of(&third), "present", "one that no branch holds any more has not landed");
}
