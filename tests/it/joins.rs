//! A landed commit and the decisions that were made on it before, under whatever name it had then.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::Request;
use diffrisk::change::{ChangeId, digest};
use diffrisk::git::{Repository, Unit, UnitChoice};
use diffrisk::http::{Service, router};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::cli::diffrisk;
use crate::http_doubts::{START, config_of, git, repository, score, service, service_by, service_of};

const CHANGE_ID: &str = "I0123456789abcdef0123456789abcdef01234567";

async fn post(service: &Arc<Service>, path: &str, body: &Value) -> Value {
    let request = Request::post(path).body(Body::from(body.to_string())).unwrap();
    let response = router(Arc::clone(service)).oneshot(request).await.unwrap();
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

fn diff(old: &str, new: &str) -> String {
    format!("--- a/app/web.yaml\n+++ b/app/web.yaml\n@@ -1 +1 @@\n-timeout: {old}\n+timeout: {new}\n")
}

/// Lands a change on the file that the scripted repository holds.
fn land(dir: &Path, value: &str, message: &str) -> String {
    std::fs::write(dir.join("app/web.yaml"), format!("timeout: {value}\n")).unwrap();
    let at = START + 6 * 3_600;
    git(dir, at, &["commit", "-q", "-a", "-m", message]);
    git(dir, at, &["rev-parse", "HEAD"])
}

fn id(answer: &Value) -> String {
    answer["decision_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

async fn outcome(service: &Arc<Service>, change: Value, word: &str) -> Vec<(String, String)> {
    let mut body = json!({"outcome": word, "occurred_at": "2026-01-28T12:00:00Z"});
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let answer = post(service, "/v1/outcomes", &body).await;
    let joined = answer["joined"].as_array().unwrap_or_else(|| panic!("{answer}")).iter();
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    joined.map(|it| (text(&it["decision_id"]), text(&it["joined_by"]))).collect()
}

fn is_known_bad(answer: &Value) -> bool {
    answer["reasons"].as_array().unwrap().iter().any(|reason| reason["code"] == "known_bad")
}

#[tokio::test]
async fn a_landed_commit_finds_the_decisions_under_its_earlier_names() {
    let dir = tempfile::tempdir().unwrap();
    let commits = repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let asked = |diff: String, id: &str| json!({"repo": "config", "diff": diff, "id": id});
    // Four questions about what will land as one commit: another patch set under its Change-Id, the same diff
    // under no name, one that the message names, and the commit that it is picked from.
    let by_review = id(&score(&service, asked(diff("5", "70"), CHANGE_ID)).await);
    let by_digest = id(&score(&service, json!({"repo": "config", "diff": diff("5", "60")})).await);
    let by_decision = id(&score(&service, asked(diff("5", "80"), "pr/9")).await);
    let by_pick = id(&score(&service, json!({"repo": "config", "commit": commits[3]})).await);
    let other_repo = id(&score(&service, json!({"repo": "other", "diff": diff("5", "60")})).await);
    let unrelated = id(&score(&service, asked(diff("5", "90"), "pr/10")).await);
    let message = format!(
        "sixty\n\nDiffrisk-Decision: {by_decision}\nChange-Id: {CHANGE_ID}\n(cherry picked from commit {})",
        commits[3]
    );
    let landed = land(dir.path(), "60", &message);
    post(&service, "/v1/repos/config/refresh", &Value::Null).await;
    let by_commit = id(&score(&service, json!({"repo": "config", "commit": landed})).await);

    let joined = outcome(&service, json!({"repo": "config", "commit": landed}), "reverted").await;
    let expected = [
        (by_decision, "decision_id"),
        (by_commit, "commit"),
        (by_review, "id"),
        (by_pick, "cherry_pick"),
        (by_digest, "digest"),
    ];
    let expected: Vec<(String, String)> = expected.into_iter().map(|(id, by)| (id, by.to_owned())).collect();
    assert_eq!(joined, expected);
    assert!(joined.iter().all(|(id, _)| *id != other_repo && *id != unrelated));
    // Each of them stood for this change, and none may pass on it any more.
    for (id, _) in &joined {
        let request = Request::get(format!("/v1/decisions/{id}")).body(Body::empty()).unwrap();
        let response = router(Arc::clone(&service)).oneshot(request).await.unwrap();
        let stored: Value =
            serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap();
        assert_eq!(stored["revocations"].as_array().unwrap().len(), 1, "{stored}");
        assert_eq!(stored["outcomes"].as_array().unwrap().len(), 1, "{stored}");
    }
}

#[tokio::test]
async fn outcomes_by_identity_and_by_diff_reach_the_history() {
    for by_digest in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        repository(dir.path(), 6);
        let service = service(dir.path(), "", START + 7 * 3_600).await;
        let landed = land(dir.path(), "60", &format!("sixty\n\nChange-Id: {CHANGE_ID}"));
        post(&service, "/v1/repos/config/refresh", &Value::Null).await;
        let question = json!({"repo": "config", "commit": landed});
        let next = json!({"change": {"repo": "config", "diff": diff("60", "5")}});
        let vector =
            async || post(&service, "/v1/score?include=vector%2Cexplanation", &next).await["vector"].clone();
        let untaught = vector().await;
        let before = score(&service, question.clone()).await;
        assert!(!is_known_bad(&before), "{before}");
        let target = match by_digest {
            true => json!({"digest": before["change"]["digest"]}),
            false => json!({"repo": "config", "id": CHANGE_ID}),
        };
        outcome(&service, target.clone(), "incident").await;
        let after = score(&service, question.clone()).await;
        assert!(is_known_bad(&after) && after["decision"] != "fast_path", "{target}: {after}");
        assert_ne!(vector().await, untaught, "what went wrong teaches about the next change of the file");
        outcome(&service, target.clone(), "reverted").await;
        outcome(&service, target, "retracted").await;
        assert_eq!(vector().await, untaught, "and teaches nothing once it is withdrawn");
        assert!(!is_known_bad(&score(&service, question).await), "what is withdrawn no longer counts");
    }
}

#[tokio::test]
async fn what_was_reported_before_its_change_landed_counts_once_it_has() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let next = json!({"change": {"repo": "config", "diff": diff("60", "5")}});
    let vector = async || post(&service, "/v1/score?include=vector", &next).await["vector"].clone();
    let landed = land(dir.path(), "60", "sixty");
    let target = json!({"repo": "config", "commit": landed});
    outcome(&service, target.clone(), "incident").await;
    post(&service, "/v1/repos/config/refresh", &Value::Null).await;
    let taught = vector().await;
    assert!(is_known_bad(&score(&service, target.clone()).await));
    outcome(&service, target.clone(), "incident").await;
    assert_eq!(vector().await, taught, "the same report counts once");
    outcome(&service, target, "retracted").await;
    assert_ne!(vector().await, taught);
}

#[tokio::test]
async fn a_proposal_that_was_reported_as_bad_stays_known_bad() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "unknown_repository = \"allow\"", START + 7 * 3_600).await;
    for (repo, by) in
        [("config", "decision_id"), ("unfollowed", "decision_id"), ("config", "id"), ("config", "digest")]
    {
        let (asked, value) = (format!("pr/{repo}/{by}"), format!("{}{}", repo.len(), by.len()));
        let question = json!({"repo": repo, "diff": diff("5", &value), "id": asked});
        let amended = json!({"repo": repo, "diff": diff("5", "77"), "id": asked});
        let renamed = json!({"repo": repo, "diff": diff("5", &value), "message": "again"});
        let before = score(&service, question.clone()).await;
        assert!(!is_known_bad(&before), "{before}");
        let target = match by {
            "decision_id" => json!({"decision_id": before["decision_id"]}),
            "id" => json!({"repo": repo, "id": asked}),
            _ => json!({"digest": before["change"]["digest"]}),
        };
        outcome(&service, target.clone(), "caught").await;
        let after = score(&service, question.clone()).await;
        assert!(is_known_bad(&after) && after["decision"] != "fast_path", "{repo} by {by}: {after}");
        assert_eq!(is_known_bad(&score(&service, amended.clone()).await), by != "digest", "{repo} by {by}");
        assert!(is_known_bad(&score(&service, renamed.clone()).await), "{repo} by {by}");
        outcome(&service, target.clone(), "harmless").await;
        assert_eq!(
            is_known_bad(&score(&service, renamed.clone()).await),
            by == "id",
            "{repo} by {by}: of its name alone"
        );
        outcome(&service, target, "retracted").await;
        for question in [question, amended, renamed] {
            assert!(!is_known_bad(&score(&service, question).await), "{repo} by {by}: withdrawn");
        }
    }
}

#[tokio::test]
async fn a_commit_is_known_bad_by_its_review_identity() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let landed = land(dir.path(), "60", &format!("sixty\n\nChange-Id: {CHANGE_ID}"));
    git(dir.path(), START + 6 * 3_600, &["checkout", "-q", "-b", "side", "HEAD^"]);
    let again = land(dir.path(), "61", &format!("sixty-one\n\nChange-Id: {CHANGE_ID}"));
    git(dir.path(), START + 6 * 3_600, &["commit", "-q", "--amend", "-m", "sixty-one, of its own"]);
    let nameless = git(dir.path(), START + 6 * 3_600, &["rev-parse", "HEAD"]);
    git(dir.path(), START + 6 * 3_600, &["checkout", "-q", "main"]);
    post(&service, "/v1/repos/config/refresh", &Value::Null).await;
    outcome(&service, json!({"repo": "config", "commit": landed}), "incident").await;
    assert!(is_known_bad(&score(&service, json!({"repo": "config", "commit": again})).await));
    let asked = json!({"repo": "config", "commit": nameless});
    assert!(!is_known_bad(&score(&service, asked).await), "nothing speaks against it");
    let asked = json!({"repo": "config", "commit": nameless, "id": CHANGE_ID});
    assert!(is_known_bad(&score(&service, asked).await), "the caller says what it is");
    let message = format!("sixty-two\n\nChange-Id: {CHANGE_ID}");
    let posted = json!({"repo": "config", "diff": diff("60", "62"), "message": message});
    assert!(is_known_bad(&score(&service, posted).await), "and so does a message");
}

#[tokio::test]
async fn a_bad_outcome_takes_back_every_decision_on_its_change() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let landed = land(dir.path(), "60", &format!("sixty\n\nChange-Id: {CHANGE_ID}"));
    post(&service, "/v1/repos/config/refresh", &Value::Null).await;
    let by_commit = id(&score(&service, json!({"repo": "config", "commit": landed})).await);
    let joined = outcome(&service, json!({"repo": "config", "id": CHANGE_ID}), "incident").await;
    assert_eq!(joined, [(by_commit, "commit".to_owned())]);

    let asked = |message: &str| json!({"repo": "config", "diff": diff("60", "65"), "message": message});
    let one = id(&score(&service, asked("one")).await);
    let other = id(&score(&service, asked("other")).await);
    let joined = outcome(&service, json!({"decision_id": one}), "caught").await;
    assert_eq!(joined, [(one, "decision_id".to_owned()), (other, "digest".to_owned())]);
}

#[tokio::test]
async fn the_same_diff_is_another_change_after_90_days() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let clock = Arc::new(AtomicI64::new(START + 7 * 3_600));
    let service = service_by(config_of(dir.path()), "", &clock).await;
    let asked = score(&service, json!({"repo": "config", "diff": diff("5", "60")})).await;
    let decided_at = clock.load(Ordering::Relaxed);
    for (days, joined) in [(89, vec![(id(&asked), "digest".to_owned())]), (91, vec![])] {
        clock.store(decided_at + days * 86_400, Ordering::Relaxed);
        let digest = json!({"digest": asked["change"]["digest"]});
        assert_eq!(outcome(&service, digest, "incident").await, joined, "{days} days");
    }
}

#[tokio::test]
async fn a_question_about_a_commit_under_another_identity_is_another_question() {
    let dir = tempfile::tempdir().unwrap();
    let commits = repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let asked = |id: &str| json!({"repo": "config", "commit": commits[4], "id": id});
    let one = score(&service, asked("pr/1")).await;
    let other = score(&service, asked("pr/2")).await;
    assert_eq!((&one["change"]["id"], &other["change"]["id"]), (&json!("pr/1"), &json!("pr/2")));
    assert_eq!(id(&score(&service, asked("pr/1")).await), id(&one));
}

#[tokio::test]
async fn a_report_by_a_diff_alone_is_heard() {
    let dir = tempfile::tempdir().unwrap();
    let commits = repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let git = Repository::open(dir.path()).unwrap();
    let change = git.change(&ChangeId(commits[4].clone()), Unit::Commit).unwrap();
    let digest = digest(&change.record).to_string();
    assert_eq!(outcome(&service, json!({"digest": digest}), "incident").await, []);
    assert!(is_known_bad(&score(&service, json!({"repo": "config", "commit": commits[4]})).await));
}

/// The diff is the same change wherever it is asked about, whoever asked last.
#[tokio::test]
async fn a_report_by_a_diff_alone_is_heard_in_every_repository() {
    let dir = tempfile::tempdir().unwrap();
    let commits = repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let diff = "--- a/prod.yaml\n+++ b/prod.yaml\n@@ -1 +1 @@\n-limit: 10\n+limit: 12\n";
    let ask = async |repo: &str| score(&service, json!({"repo": repo, "diff": diff})).await;
    let digest = ask("stage").await["change"]["digest"].clone();
    ask("prod").await;
    let joined = outcome(&service, json!({"digest": digest}), "incident").await;
    assert_eq!(joined.len(), 2, "{joined:?}");
    for repo in ["stage", "prod", "third", "config"] {
        assert!(is_known_bad(&ask(repo).await), "{repo}");
    }
    // That it went well elsewhere takes nothing back here.
    ask("stage").await;
    outcome(&service, json!({"digest": digest}), "harmless").await;
    assert!(is_known_bad(&ask("prod").await));
    outcome(&service, json!({"digest": digest}), "retracted").await;
    for repo in ["stage", "prod", "third", "config"] {
        assert!(!is_known_bad(&ask(repo).await), "{repo}");
    }
    assert!(!is_known_bad(&score(&service, json!({"repo": "config", "commit": commits[4]})).await));
}

#[tokio::test]
async fn a_merged_commit_is_a_change_of_its_own_and_shares_what_its_landing_did() {
    let dir = tempfile::tempdir().unwrap();
    let base = repository(dir.path(), 4).pop().unwrap();
    let at = START + 6 * 3_600;
    git(dir.path(), at, &["checkout", "-q", "-b", "side"]);
    let merged = [land(dir.path(), "40", "forty"), land(dir.path(), "41", "forty-one")];
    git(dir.path(), at, &["checkout", "-q", "main"]);
    git(dir.path(), at, &["merge", "-q", "--no-ff", "-m", "Merge pull request #12 from side", "side"]);
    let landing = git(dir.path(), at, &["rev-parse", "HEAD"]);
    let service = service_of(dir.path(), UnitChoice::Landing, "", at + 3_600).await;
    for commit in &merged {
        let answer = score(&service, json!({"repo": "config", "commit": commit})).await;
        assert_eq!(
            (&answer["degraded"], &answer["history"]["mode"]),
            (&json!(false), &json!("present")),
            "{answer}"
        );
    }
    let range = json!({"repo": "config", "commit": landing, "base": base});
    let answer = score(&service, range).await;
    assert_eq!(
        (answer["parts"].as_array().unwrap().len(), &answer["degraded"]),
        (3, &json!(false)),
        "{answer}"
    );

    outcome(&service, json!({"repo": "config", "commit": merged[0]}), "incident").await;
    for commit in [&merged[0], &landing] {
        assert!(is_known_bad(&score(&service, json!({"repo": "config", "commit": commit})).await));
    }
}

#[tokio::test]
async fn a_pull_request_that_landed_is_known_bad_by_its_number() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    land(dir.path(), "60", "sixty (#12)");
    post(&service, "/v1/repos/config/refresh", &Value::Null).await;
    let asked = |id: &str| json!({"repo": "config", "diff": diff("60", "61"), "id": id});
    assert!(!is_known_bad(&score(&service, asked("pr/12")).await));
    outcome(&service, json!({"repo": "config", "id": "pr/12"}), "caught").await;
    assert!(is_known_bad(&score(&service, asked("pr/12")).await));
    assert!(!is_known_bad(&score(&service, asked("pr/13")).await));
}

#[tokio::test]
async fn a_commit_that_never_landed_is_known_bad_by_all_its_names() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let at = START + 6 * 3_600;
    git(dir.path(), at, &["checkout", "-q", "-b", "side"]);
    let reported = land(dir.path(), "60", &format!("sixty\n\nChange-Id: {CHANGE_ID}"));
    git(dir.path(), at, &["commit", "-q", "--amend", "-m", "sixty, of its own"]);
    let same_diff = git(dir.path(), at, &["rev-parse", "HEAD"]);
    git(dir.path(), at, &["reset", "-q", "--hard", "main"]);
    let same_review = land(dir.path(), "61", &format!("sixty-one\n\nChange-Id: {CHANGE_ID}"));
    git(dir.path(), at, &["checkout", "-q", "main"]);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let target = json!({"repo": "config", "commit": reported[..10]});
    outcome(&service, target.clone(), "caught").await;
    let all = [reported, same_diff, same_review];
    for commit in &all {
        let answer = score(&service, json!({"repo": "config", "commit": commit})).await;
        assert!(is_known_bad(&answer) && answer["decision"] != "fast_path", "{answer}");
    }
    outcome(&service, target, "retracted").await;
    for commit in &all {
        assert!(!is_known_bad(&score(&service, json!({"repo": "config", "commit": commit})).await));
    }
}

/// What the landed commit alone ties together: the decision that its message names, and the commit that it was picked from.
#[tokio::test]
async fn a_bad_outcome_is_known_under_the_names_that_only_the_landed_commit_knows() {
    let dir = tempfile::tempdir().unwrap();
    let commits = repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let proposal = json!({"repo": "config", "diff": diff("5", "80"), "id": "pr/9"});
    let picked = json!({"repo": "config", "commit": commits[3]});
    let decision = id(&score(&service, proposal.clone()).await);
    score(&service, picked.clone()).await;
    let message =
        format!("sixty\n\nDiffrisk-Decision: {decision}\n(cherry picked from commit {})", commits[3]);
    let landed = json!({"repo": "config", "commit": land(dir.path(), "60", &message)});
    post(&service, "/v1/repos/config/refresh", &Value::Null).await;
    let all = [proposal, picked, landed.clone()];
    for reported in [landed, json!({"decision_id": decision}), json!({"repo": "config", "id": "pr/9"})] {
        for (word, is_bad) in [("incident", true), ("retracted", false)] {
            outcome(&service, reported.clone(), word).await;
            let mut n_found = 0;
            for asked in &all {
                n_found += usize::from(is_known_bad(&score(&service, asked.clone()).await));
            }
            assert_eq!(n_found, if is_bad { 3 } else { 0 }, "{word} of {reported}");
        }
    }
}

/// A pick is another change: what is withdrawn of it was not said of the original.
#[tokio::test]
async fn who_withdraws_what_was_said_of_a_pick_leaves_what_was_said_of_the_original() {
    let dir = tempfile::tempdir().unwrap();
    let commits = repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let original = json!({"repo": "config", "commit": commits[3]});
    score(&service, original.clone()).await;
    let message = format!("sixty\n\n(cherry picked from commit {})", commits[3]);
    let pick = json!({"repo": "config", "commit": land(dir.path(), "60", &message)});
    post(&service, "/v1/repos/config/refresh", &Value::Null).await;
    outcome(&service, original.clone(), "incident").await;
    for word in ["retracted", "incident", "retracted"] {
        outcome(&service, pick.clone(), word).await;
        assert!(is_known_bad(&score(&service, original.clone()).await), "{word}");
    }
    outcome(&service, original.clone(), "retracted").await;
    assert!(!is_known_bad(&score(&service, original).await));
}

/// A report by the diff of a proposal reaches the commit that calls itself its decision's.
#[tokio::test]
async fn a_report_by_a_diff_reaches_the_commit_that_names_its_decision() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let asked = score(&service, json!({"repo": "config", "diff": diff("5", "80")})).await;
    let landed = land(dir.path(), "60", &format!("sixty\n\nDiffrisk-Decision: {}", id(&asked)));
    post(&service, "/v1/repos/config/refresh", &Value::Null).await;
    let (landed, by_digest) =
        (json!({"repo": "config", "commit": landed}), json!({"digest": asked["change"]["digest"]}));
    outcome(&service, by_digest.clone(), "incident").await;
    assert!(is_known_bad(&score(&service, landed.clone()).await));
    // What is withdrawn of the diff anywhere was not said of the decision here, and that can be withdrawn after it.
    let by_decision = json!({"decision_id": id(&asked)});
    for (name, word, is_bad) in [
        (&by_decision, "incident", true),
        (&by_digest, "retracted", true),
        (&by_decision, "retracted", false),
    ] {
        outcome(&service, name.clone(), word).await;
        assert_eq!(is_known_bad(&score(&service, landed.clone()).await), is_bad, "{word} of {name}");
    }
}

/// A proposal, mended before it landed; the landed commit names its decision and was asked about as well.
#[tokio::test]
async fn whatever_name_is_reported_every_decision_on_the_change_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let proposal = json!({"repo": "config", "diff": diff("5", "80"), "id": "pr/9"});
    let asked = score(&service, proposal.clone()).await;
    let landed = land(dir.path(), "60", &format!("sixty\n\nDiffrisk-Decision: {}", id(&asked)));
    post(&service, "/v1/repos/config/refresh", &Value::Null).await;
    let landed = json!({"repo": "config", "commit": landed});
    let asked_again = score(&service, landed.clone()).await;
    for reported in [
        landed,
        json!({"decision_id": id(&asked)}),
        json!({"decision_id": id(&asked_again)}),
        json!({"repo": "config", "id": "pr/9"}),
        json!({"digest": asked["change"]["digest"]}),
        json!({"digest": asked_again["change"]["digest"]}),
    ] {
        let mut joined = outcome(&service, reported.clone(), "incident").await;
        joined.sort();
        let ids: Vec<&str> = joined.iter().map(|(id, _)| id.as_str()).collect();
        for decision in [&asked, &asked_again] {
            assert!(ids.contains(&id(decision).as_str()), "{reported}: {joined:?}");
        }
        assert!(is_known_bad(&score(&service, proposal.clone()).await), "{reported}");
        outcome(&service, reported, "retracted").await;
    }
}

/// A withdrawal is of the change, whatever name it is said under.
#[tokio::test]
async fn what_was_reported_under_one_name_is_withdrawn_under_another() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let proposal = json!({"repo": "config", "diff": diff("5", "80"), "id": "pr/9"});
    let decision = id(&score(&service, proposal.clone()).await);
    let landed = land(dir.path(), "60", &format!("sixty\n\nDiffrisk-Decision: {decision}"));
    post(&service, "/v1/repos/config/refresh", &Value::Null).await;
    let landed = json!({"repo": "config", "commit": landed});
    let names = [landed.clone(), json!({"decision_id": decision}), json!({"repo": "config", "id": "pr/9"})];
    for reported in &names {
        for withdrawn in &names {
            for (name, word, is_bad) in [(reported, "incident", true), (withdrawn, "retracted", false)] {
                outcome(&service, name.clone(), word).await;
                for asked in [&proposal, &landed] {
                    let is_known = is_known_bad(&score(&service, asked.clone()).await);
                    assert_eq!(is_known, is_bad, "{reported} {withdrawn}: {asked}");
                }
            }
        }
    }
}

/// What is withdrawn under a review's name was not said of the diff by itself, wherever that was said and whatever came late.
#[tokio::test]
async fn who_withdraws_a_report_of_a_review_leaves_the_one_of_its_diff() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let review = json!({"repo": "config", "id": "pr/1"});
    let asked = json!({"repo": "config", "diff": diff("5", "80"), "id": "pr/1"});
    let digest = json!({"digest": score(&service, asked.clone()).await["change"]["digest"]});
    outcome(&service, digest.clone(), "incident").await;
    for word in ["caught", "retracted"] {
        outcome(&service, review.clone(), word).await;
        assert!(is_known_bad(&score(&service, asked.clone()).await), "{word}");
    }
    // Two reports of the diff itself: the one known later counts, though it came first.
    let early = json!({
        "digest": digest["digest"], "outcome": "harmless", "occurred_at": "2023-01-01T00:00:00Z",
        "known_at": "2023-01-01T00:00:00Z",
    });
    post(&service, "/v1/outcomes", &early).await;
    outcome(&service, review.clone(), "caught").await;
    outcome(&service, review, "retracted").await;
    assert!(is_known_bad(&score(&service, asked.clone()).await), "what was known long before came late");
    outcome(&service, digest, "retracted").await;
    assert!(!is_known_bad(&score(&service, asked).await));
}

/// Looked at again, it was not the landed change: whatever name was reported, what is said of the commit later counts.
#[tokio::test]
async fn what_is_found_harmless_later_is_no_longer_known_to_be_bad() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let decision =
        id(&score(&service, json!({"repo": "config", "diff": diff("5", "80"), "id": "pr/9"})).await);
    let landed = land(dir.path(), "60", &format!("sixty\n\nDiffrisk-Decision: {decision}"));
    post(&service, "/v1/repos/config/refresh", &Value::Null).await;
    let landed = json!({"repo": "config", "commit": landed});
    for reported in
        [landed.clone(), json!({"decision_id": decision}), json!({"repo": "config", "id": "pr/9"})]
    {
        for (name, word, is_bad) in [(&reported, "incident", true), (&landed, "harmless", false)] {
            outcome(&service, name.clone(), word).await;
            assert_eq!(is_known_bad(&score(&service, landed.clone()).await), is_bad, "{word} of {name}");
        }
    }
}

#[tokio::test]
async fn a_report_on_what_was_merged_or_merges_is_one_on_the_changes_of_the_history() {
    for (unit, merges_many) in
        [(UnitChoice::Landing, true), (UnitChoice::Commit, true), (UnitChoice::Commit, false)]
    {
        let dir = tempfile::tempdir().unwrap();
        repository(dir.path(), 4);
        let at = START + 6 * 3_600;
        git(dir.path(), at, &["checkout", "-q", "-b", "side"]);
        let mut merged = vec![land(dir.path(), "40", "forty")];
        if merges_many {
            merged.push(land(dir.path(), "41", "forty-one"));
        }
        git(dir.path(), at, &["checkout", "-q", "main"]);
        git(dir.path(), at, &["merge", "-q", "--no-ff", "-m", "Merge pull request #12 from side", "side"]);
        let merge = git(dir.path(), at, &["rev-parse", "HEAD"]);
        let service = service_of(dir.path(), unit, "", at + 3_600).await;
        let (changes, reported) = match unit {
            UnitChoice::Landing => (vec![merge], &merged[0]),
            _ => (merged.clone(), &merge.clone()),
        };
        let mut decisions = Vec::new();
        for change in &changes {
            decisions.push(id(&score(&service, json!({"repo": "config", "commit": change})).await));
        }
        let joined = outcome(&service, json!({"repo": "config", "commit": reported}), "incident").await;
        for (change, decision) in changes.iter().zip(&decisions) {
            assert!(joined.iter().any(|(id, _)| id == decision), "{unit:?} {joined:?}");
            assert!(is_known_bad(&score(&service, json!({"repo": "config", "commit": change})).await));
        }
    }
}

#[tokio::test]
async fn what_is_said_of_an_original_is_said_of_its_picks() {
    let dir = tempfile::tempdir().unwrap();
    let commits = repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let message = format!("sixty\n\n(cherry picked from commit {})", commits[3]);
    let pick = json!({"repo": "config", "commit": land(dir.path(), "60", &message)});
    post(&service, "/v1/repos/config/refresh", &Value::Null).await;
    let original = json!({"repo": "config", "commit": commits[3]});
    for (word, is_bad) in [("incident", true), ("retracted", false)] {
        outcome(&service, original.clone(), word).await;
        assert_eq!(is_known_bad(&score(&service, pick.clone()).await), is_bad, "{word}");
    }
}

/// What the file of incidents names and the history does not hold: proposals, and what a rewritten history dropped.
#[test]
fn incidents_of_what_has_not_landed_are_known() {
    let dir = tempfile::tempdir().unwrap();
    let commits = repository(dir.path(), 6);
    let now = START + 7 * 3_600;
    git(dir.path(), now, &["checkout", "-q", "-b", "side"]);
    let aside = land(dir.path(), "60", "sixty");
    git(dir.path(), now, &["checkout", "-q", "main"]);
    let text = diff("5", "80");
    let proposal =
        ["--repo".into(), dir.path().display().to_string(), "--name=config".into(), "--diff".into()];
    let files = tempfile::tempdir().unwrap();
    let (links, patch) = (files.path().join("incidents.csv"), files.path().join("proposal.diff"));
    std::fs::write(&patch, text).unwrap();
    let ask = |change: &str, known_at: i64, target: &[&str]| {
        let known_at = jiff::Timestamp::from_second(known_at).unwrap();
        let line = format!(
            "incident_id,repo,change_id,link_kind,known_at\nINC-1,config,{change},declared,{known_at}\n"
        );
        std::fs::write(&links, line).unwrap();
        let incidents = ["--json", "--incidents", links.to_str().unwrap()];
        let cache = ["--cache", files.path().to_str().unwrap()];
        let repo = [proposal[0].as_str(), &proposal[1], &proposal[2]];
        let output = diffrisk(&[&["score"][..], &repo, target, &incidents, &cache].concat());
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        is_known_bad(&answer)
    };
    let by_diff = ["--diff", patch.to_str().unwrap()];
    let record = diffrisk::change::parse_diff(diff("5", "80").as_bytes()).unwrap();
    let digest = digest(&record).to_string();
    assert!(ask(&digest, now, &by_diff));
    assert!(!ask(&digest, now + 400 * 365 * 86_400, &by_diff), "nobody knows of it yet");
    assert!(!ask(&commits[2], now, &by_diff));
    assert!(ask(&aside, now, &["--commit", &aside]));
    assert!(ask(&aside[..10], now, &["--commit", &aside]));
}

/// Two reviews of one diff landed, one after the other: what is withdrawn of one was not said of the other.
#[tokio::test]
async fn what_is_withdrawn_of_one_landing_was_not_said_of_another() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let proposal = |id: &str| json!({"repo": "config", "diff": diff("5", "60"), "id": id});
    let mut landings = Vec::new();
    for review in ["pr/1", "pr/2"] {
        let decision = id(&score(&service, proposal(review)).await);
        let landed = land(dir.path(), "60", &format!("sixty\n\nDiffrisk-Decision: {decision}"));
        land(dir.path(), "5", "back by hand");
        post(&service, "/v1/repos/config/refresh", &Value::Null).await;
        let landed = json!({"repo": "config", "commit": landed});
        score(&service, landed.clone()).await;
        landings.push((json!({"decision_id": decision}), landed, review));
    }
    let [first, second] = landings.try_into().unwrap();
    outcome(&service, first.0.clone(), "incident").await;
    for withdrawn in [second.1, json!({"repo": "config", "id": second.2})] {
        outcome(&service, withdrawn, "retracted").await;
        assert!(is_known_bad(&score(&service, first.1.clone()).await));
        assert!(is_known_bad(&score(&service, proposal(first.2)).await));
    }
    outcome(&service, first.1.clone(), "retracted").await;
    assert!(!is_known_bad(&score(&service, first.1).await));
}

/// A later commit that names a decision as well takes nothing from the one that landed with it.
#[tokio::test]
async fn the_first_commit_that_names_a_decision_is_its_landing() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let decision = id(&score(&service, json!({"repo": "config", "diff": diff("5", "60")})).await);
    let message = format!("sixty\n\nDiffrisk-Decision: {decision}");
    let landed = json!({"repo": "config", "commit": land(dir.path(), "60", &message)});
    let later = json!({"repo": "config", "commit": land(dir.path(), "61", &message)});
    post(&service, "/v1/repos/config/refresh", &Value::Null).await;
    outcome(&service, json!({"decision_id": decision}), "incident").await;
    assert!(is_known_bad(&score(&service, landed.clone()).await));
    let suspects = |at: i64| format!("/v1/suspects?repo=config&at={at}&hours=24");
    let request = Request::get(suspects(START + 7 * 3_600)).body(Body::empty()).unwrap();
    let response = router(Arc::clone(&service)).oneshot(request).await.unwrap();
    let found: Value =
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap();
    for (commit, is_bad) in [(landed, true), (later, false)] {
        let suspects = found["suspects"].as_array().unwrap_or_else(|| panic!("{found}")).iter();
        let mut known = suspects.filter(|it| it["commit"] == commit["commit"]).map(|it| &it["known_bad"]);
        assert_eq!(known.next().is_some_and(|it| !it.is_null()), is_bad, "{found}");
    }
}

/// A diff is bad in every repository, but the review that it was asked about under in one is no review of another.
#[tokio::test]
async fn a_report_by_a_diff_alone_names_no_review_of_another_repository() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let asked = score(&service, json!({"repo": "config", "diff": diff("5", "80"), "id": "pr/9"})).await;
    land(dir.path(), "60", &format!("sixty\n\nDiffrisk-Decision: {}", id(&asked)));
    post(&service, "/v1/repos/config/refresh", &Value::Null).await;
    outcome(&service, json!({"digest": asked["change"]["digest"]}), "incident").await;
    let elsewhere = |diff: String| json!({"repo": "shop", "diff": diff, "id": "pr/9"});
    assert!(is_known_bad(&score(&service, elsewhere(diff("5", "80"))).await));
    assert!(!is_known_bad(&score(&service, elsewhere(diff("5", "81"))).await));
}

/// A message can say anything: a decision of another repository is not made on what it lands here.
#[tokio::test]
async fn a_commit_that_names_a_decision_of_another_repository_does_not_land_it() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let elsewhere = score(&service, json!({"repo": "shop", "diff": diff("5", "80")})).await;
    let here = score(&service, json!({"repo": "config", "diff": diff("5", "80")})).await;
    for (asked, joined) in [(&elsewhere, vec![]), (&here, vec![(id(&here), "decision_id".to_owned())])] {
        let landed = land(dir.path(), &id(asked), &format!("set\n\nDiffrisk-Decision: {}", id(asked)));
        post(&service, "/v1/repos/config/refresh", &Value::Null).await;
        let of_landed = outcome(&service, json!({"repo": "config", "commit": landed}), "incident").await;
        assert_eq!(of_landed, joined, "{asked}");
    }
}

#[tokio::test]
async fn a_report_of_a_decision_names_its_repository_or_none() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 6);
    let service = service(dir.path(), "", START + 7 * 3_600).await;
    let asked = score(&service, json!({"repo": "shop", "diff": diff("5", "80")})).await;
    let of = |repo: &str| json!({"decision_id": id(&asked), "repo": repo, "outcome": "incident", "occurred_at": "2026-01-28T12:00:00Z"});
    let refused = post(&service, "/v1/outcomes", &of("config")).await;
    assert_eq!(
        (&refused["code"], &refused["path"]),
        (&json!("invalid_value"), &json!("$.repo")),
        "{refused}"
    );
    assert!(!is_known_bad(&score(&service, json!({"repo": "shop", "diff": diff("5", "80")})).await));
    let taken = post(&service, "/v1/outcomes", &of("shop")).await;
    assert_eq!(taken["joined"][0]["decision_id"], asked["decision_id"], "{taken}");
}

/// A merge that was pushed a moment ago and is not folded yet brings what it merges, too.
#[tokio::test]
async fn a_report_on_a_merge_that_was_just_pushed_reaches_what_it_merges() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path(), 4);
    let at = START + 6 * 3_600;
    git(dir.path(), at, &["checkout", "-q", "-b", "side"]);
    let merged = land(dir.path(), "40", "forty");
    land(dir.path(), "41", "forty-one");
    git(dir.path(), at, &["checkout", "-q", "main"]);
    let service = service_of(dir.path(), UnitChoice::Landing, "", at + 3_600).await;
    let asked = score(&service, json!({"repo": "config", "commit": merged})).await;
    git(dir.path(), at, &["merge", "-q", "--no-ff", "-m", "Merge pull request #12 from side", "side"]);
    let merge = git(dir.path(), at, &["rev-parse", "HEAD"]);
    let joined = outcome(&service, json!({"repo": "config", "commit": merge}), "incident").await;
    assert!(joined.iter().any(|(decision, _)| *decision == id(&asked)), "{joined:?}");
}
