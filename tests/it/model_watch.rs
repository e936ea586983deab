//! The registry that a running service follows: a good model takes over, a bad one is refused and named.

use std::path::Path;
use std::time::{Duration, Instant};

use diffrisk::artifact::{Artifact, ModelName, Registry};
use diffrisk::dataset::LabelTask;
use diffrisk::train::{Recipe, TrainOptions, train_rows};
use serde_json::Value;

use crate::process::{Running, serve};
use crate::timeline::rows;

fn two_models() -> [Artifact; 2] {
    let rows = rows();
    let as_of = rows.facts().last().unwrap().committed_at + 1;
    [1, 2].map(|seed| {
        let recipe = Recipe { n_trees: 6, n_bags: 1, ..Recipe::default() };
        let options = TrainOptions { recipe, prior: None, as_of, seed };
        train_rows(rows, "sample", LabelTask::Strict, &options).unwrap()
    })
}

fn model(service: &Running) -> Value {
    serde_json::from_str(&service.get("/v1/model").1).unwrap()
}

/// Waits until the service says so, at most a minute.
fn until(service: &Running, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        let model = model(service);
        if is_so(&model) {
            return model;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "not {what}: {model}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn version(model: &Value) -> &str {
    model["model"]["version"].as_str().unwrap_or("none")
}

fn name_default(root: &Path, model_name: &ModelName) {
    std::fs::write(root.join("default"), format!("{model_name}\n")).unwrap();
}

const QUESTION: &str =
    r#"{"change":{"repo":"shop","diff":"--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n"}}"#;

#[test]
fn a_followed_registry_swaps_what_is_sound_and_refuses_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("models");
    let registry = Registry::at(&root);
    let [first, second] = two_models();
    let first_name = registry.add(&first).unwrap();
    registry.promote(&first_name).unwrap();
    let default = root.join("default");
    let service = serve(dir.path(), &["--model", default.to_str().unwrap(), "--poll-seconds", "1"], &[]);
    assert_eq!(version(&model(&service)), first.version());

    // A version that appears is not taken before `default` names it.
    let second_name = registry.add(&second).unwrap();
    let card = root.join("sample").join(&second_name.version).join("MODEL_CARD.md");
    let sound = std::fs::read(&card).unwrap();
    std::fs::write(&card, "another card").unwrap();
    std::thread::sleep(Duration::from_millis(2_500));
    let still = model(&service);
    assert_eq!((version(&still), &still["status"]["refused"]), (first.version(), &Value::Null));

    name_default(&root, &second_name);
    let refused = until(&service, "refused", |model| model["status"]["refused"].is_string());
    assert_eq!(version(&refused), first.version(), "the one in use stays");
    assert!(refused["status"]["refused"].as_str().unwrap().contains("SHA256SUMS"), "{refused}");
    let (status, answer) = service.post("/v1/score", QUESTION);
    assert_eq!((status, answer["model"]["version"].as_str()), (200, Some(first.version())), "{answer}");

    // Mended files are taken without anybody's call.
    std::fs::write(&card, sound).unwrap();
    let swapped = until(&service, "swapped", |model| version(model) == second.version());
    assert_eq!(swapped["status"]["refused"], Value::Null);
    assert_eq!(swapped["status"]["previous"]["version"], first.version());
    let comparison = &swapped["status"]["comparison"];
    assert!(
        comparison["n"] == 1 && comparison["max_difference"].as_f64() > Some(0.0),
        "the stored vector: {comparison}"
    );
    assert_eq!(service.post("/v1/score", QUESTION).1["model"]["version"], second.version());

    // Damaged where it lies, or pointed at nothing: what is in memory goes on.
    std::fs::remove_file(card).unwrap();
    until(&service, "refused again", |model| model["status"]["refused"].is_string());
    name_default(&root, &ModelName { name: "sample".into(), version: "000000000000".into() });
    let gone = until(&service, "refused as unknown", |model| {
        model["status"]["refused"].as_str().is_some_and(|refused| refused.contains("000000000000"))
    });
    assert_eq!(version(&gone), second.version());
    let (_, rolled_back) = service.post("/v1/model/rollback", "");
    assert_eq!(version(&rolled_back), first.version(), "the earlier one was kept whole: {rolled_back}");
}

/// Also where the file that names it could not be mended, and nobody has looked at it since it was taken.
#[test]
fn a_model_that_was_rolled_back_does_not_come_again_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("models");
    let registry = Registry::at(&root);
    let [first, second] = two_models();
    let names = [&first, &second].map(|artifact| registry.add(artifact).unwrap());
    registry.promote(&names[0]).unwrap();
    let args = ["--model", "default", "--poll-seconds", "3"];
    let service = serve(&root, &args, &[]);
    let body = serde_json::json!({ "name": names[1].name, "version": names[1].version }).to_string();
    let (status, activated) = service.post("/v1/model/activate", &body);
    assert_eq!((status, version(&activated)), (200, second.version()), "{activated}");
    std::fs::rename(root.join(names[0].to_string()), dir.path().join("away")).unwrap();
    let (status, rolled_back) = service.post("/v1/model/rollback", "");
    assert_eq!((status, version(&rolled_back)), (200, first.version()), "{rolled_back}");
    std::thread::sleep(Duration::from_secs(7));
    assert_eq!(version(&model(&service)), first.version());
    // Until the files change.
    let card = root.join(names[1].to_string()).join("MODEL_CARD.md");
    let text = std::fs::read(&card).unwrap();
    std::fs::write(&card, text).unwrap();
    until(&service, "swapped", |model| version(model) == second.version());
}
