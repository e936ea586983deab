//! Custom features: from a file beside the history to rows, a model, and an answer.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Output};

use diffrisk::artifact::{Artifact, TwinKind, published};
use diffrisk::dataset::{CustomValues, LabelTask, Rows};
use diffrisk::features::schema;
use diffrisk::model::TextMember;
use diffrisk::train::{Prior, Recipe, TrainOptions, evaluate, train_rows};
use serde_json::Value;

use crate::timeline::{rows, sample};

fn diffrisk(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_diffrisk")).args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A value for every change of the sample: how loaded its team was, which its label follows. Every
/// seventh became known a minute too late.
pub(crate) fn load_of(rows: &Rows) -> String {
    let mut csv = "repo,change_id,x.load,known_at,x.spare\n".to_owned();
    for (idx, row) in rows.facts().iter().enumerate() {
        let load = if row.label_strict == Some(true) { 4.0 } else { 1.0 } + (idx % 5) as f64 / 4.0;
        let known_at = row.committed_at + if idx % 7 == 0 { 60 } else { 0 };
        writeln!(csv, "sample,{},{load},{known_at},", row.change_id.0).unwrap();
    }
    csv
}

fn mine(dir: &Path, features: Option<&str>, out: &str) -> Output {
    let repo = sample().join("config").to_str().unwrap().to_owned();
    let out = dir.join(out).to_str().unwrap().to_owned();
    let mut args = vec!["mine", "--repo", &repo, "--name", "sample", "--out", &out, "--json"];
    args.extend(features.into_iter().flat_map(|path| ["--features", path]));
    diffrisk(&args)
}

#[test]
fn a_custom_feature_is_mined_learned_asked_for_and_missed() {
    let dir = tempfile::tempdir().unwrap();
    let plain = rows();
    let features = dir.path().join("load.csv");
    std::fs::write(&features, load_of(plain)).unwrap();
    let output = mine(dir.path(), Some(features.to_str().unwrap()), "rows.parquet");
    let said: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    let (rows, _) = Rows::read_parquet(&dir.path().join("rows.parquet")).unwrap();
    let n_later = rows.n_rows().div_ceil(7);
    assert_eq!(said["custom"]["n_later"], n_later);
    assert_eq!(said["custom"]["n_used"], rows.n_rows() - n_later);

    // Behind the built-in ones; what was known too late is unknown, and so is what nobody gave.
    let names: Vec<&str> = rows.features().iter().map(|feature| feature.name.as_str()).collect();
    assert_eq!(names[..schema().n_values()], *schema().names());
    assert_eq!(names[schema().n_values()..], ["x.load", "x.spare"]);
    let load = rows.feature("x.load").unwrap();
    assert_eq!(load.revision, 1);
    for (idx, value) in load.values.iter().enumerate() {
        assert_eq!(value.is_nan(), idx % 7 == 0, "row {idx}");
    }
    assert!(rows.feature("x.spare").unwrap().values.iter().all(|value| value.is_nan()));
    for idx in 0..rows.n_rows() {
        assert_eq!(rows.vector(idx)[..3], plain.vector(idx)[..3]);
    }

    // A model of rows with it and rows without it needs it, and says so.
    let mut both = rows.clone();
    both.append(plain).unwrap();
    assert!(both.feature("x.load").unwrap().values[rows.n_rows()..].iter().all(|value| value.is_nan()));
    let recipe = Recipe { n_trees: 10, n_bags: 1, ..Recipe::default() };
    let as_of = rows.facts()[rows.n_rows() * 7 / 10].committed_at;
    let options = TrainOptions { recipe, prior: None, as_of, seed: 7 };
    let is_older = |&idx: &usize| rows.facts()[idx].committed_at < as_of;
    let older: Vec<usize> = (0..rows.n_rows()).filter(is_older).collect();
    let train =
        |rows: &Rows| train_rows(&rows.select(&older), "loaded", LabelTask::Strict, &options).unwrap();
    let (artifact, without) = (train(&rows), train(plain));
    let last = &artifact.document().schema[schema().n_values()..];
    let last: Vec<(&str, u32)> = last.iter().map(|f| (f.name.as_str(), f.revision)).collect();
    assert_eq!(last, [("x.load", 1), ("x.spare", 1)]);
    let refused = evaluate(&artifact, plain, LabelTask::Strict, 1).unwrap_err().to_string();
    assert!(refused.contains("`x.load`"), "{refused}");
    let auc = |artifact: &Artifact, rows: &Rows| {
        let measured = evaluate(artifact, rows, LabelTask::Strict, 1).unwrap();
        measured.report.block.systems[0].roc_auc.unwrap()
    };
    let (with, without) = (auc(&artifact, &rows), auc(&without, plain));
    assert!(with > without + 0.1, "{with} with the feature, {without} without");

    // The prior knows nothing of it, and is left out where it only stands in the way.
    let prior = Prior::for_root(published().unwrap(), &[], TwinKind::Source).unwrap();
    let blended = |rows: &Rows, prior: &Prior| {
        let options = TrainOptions { prior: Some(prior.clone()), ..options.clone() };
        let artifact = train_rows(&rows.select(&older), "blended", LabelTask::Strict, &options).unwrap();
        let document = artifact.document();
        let says_so = document.notes.iter().any(|note| note.contains("The prior is left out"));
        (document.prior.is_some(), says_so, document.scoring.ensemble.text.clone())
    };
    let (with_prior, left_out) = (blended(plain, &prior), blended(&rows, &prior));
    assert_eq!([(with_prior.0, with_prior.1), (left_out.0, left_out.1)], [(true, false), (false, true)]);
    // One that reads words itself gives way to the words of the own members.
    let mut reading = prior.clone();
    reading.scoring.ensemble.text = Some(TextMember { weight: 0.1, ..with_prior.2.unwrap() });
    assert_eq!(blended(&rows, &reading), left_out);
    assert!(left_out.2.is_some());
    asked(dir.path(), &artifact);
}

/// `score` and `gate` with the value, without it, and with one that the model does not know.
fn asked(dir: &Path, artifact: &Artifact) {
    let (model, cache) = (dir.join("model"), dir.join("cache"));
    artifact.save(&model).unwrap();
    let card = std::fs::read_to_string(model.join("MODEL_CARD.md")).unwrap();
    assert!(card.contains("## Custom features\n\n`x.load`, `x.spare`."), "{card}");
    let repo = sample().join("config");
    let ask = |command: &str, more: &[&str]| {
        let mut args = vec![command, "--json", "--model", model.to_str().unwrap()];
        args.extend(["--repo", repo.to_str().unwrap(), "--cache", cache.to_str().unwrap()]);
        args.extend(["--commit", "HEAD"]);
        args.extend_from_slice(more);
        let output = diffrisk(&args);
        let answer: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
        (output.status.code(), answer)
    };
    let is_missed = |answer: &Value| {
        let reasons = answer["reasons"].as_array().unwrap();
        reasons.iter().any(|reason| reason["code"] == "custom_feature_missing")
    };
    let both = ["--feature", "x.load=6", "--feature", "x.spare=0"];
    let (_, high) = ask("score", &both);
    assert!(!is_missed(&high) && high["warnings"].is_null(), "{high}");
    let (_, low) = ask("score", &["--feature", "x.load=1", "--feature", "x.spare=0"]);
    let score = |answer: &Value| answer["risk"]["score"].as_f64().unwrap();
    assert!(score(&high) > score(&low), "{} and {}", high["risk"], low["risk"]);
    let contributions = high["explanation"]["contributions"].as_array().unwrap();
    let load = contributions.iter().find(|it| it["feature"] == "x.load").unwrap();
    assert_eq!((&load["group"], &load["text"]), (&"custom".into(), &"x.load is 6".into()));
    let groups = high["explanation"]["groups"].as_array().unwrap();
    assert!(groups.iter().any(|group| group["group"] == "custom"), "{groups:?}");

    let (code, partly) = ask("gate", &["--feature", "x.load=1", "--feature", "x.unheard_of=1"]);
    assert_eq!((code, &partly["degraded"], is_missed(&partly)), (Some(10), &true.into(), true));
    assert!(partly["warnings"][0].as_str().unwrap().contains("`x.unheard_of`"), "{partly}");
    for (feature, expected) in [
        ("size_lines=1", "custom features are named"),
        ("x.load=much", "`much` is not a number"),
        ("x.lo ad=1", "expected `x.` and letters"),
    ] {
        let output = diffrisk(&["score", "--diff", "-", "--feature", feature]);
        assert_eq!(output.status.code(), Some(2), "{feature}");
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

#[test]
fn a_file_of_custom_features_is_taken_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let id = "a".repeat(40);
    let head = "repo,change_id,known_at,x.load\n";
    let line = |known_at: &str, value: &str| format!("sample,{id},{known_at},{value}\n");
    let cases = [
        ("no.txt", head.to_owned(), "its name ends in none of .csv, .jsonl, .parquet"),
        ("a.csv", format!("repo,change_id,known_at,size_lines\n{}", line("1", "2")), "column `size_lines`"),
        ("b.csv", format!("repo,change_id,known_at,x.a b\n{}", line("1", "2")), "column `x.a b`"),
        ("c.csv", format!("repo,change_id,x.load\nsample,{id},1\n"), "no column `known_at`"),
        ("d.csv", format!("repo,change_id,known_at\nsample,{id},1\n"), "no column named `x.…`"),
        (
            "e.csv",
            format!("repo,change_id,known_at,x.a,x.a\nsample,{id},1,2,3\n"),
            "column `x.a` is there twice",
        ),
        ("f.csv", format!("{head}{}", line("yesterday", "2")), "line 2, column `known_at`: `yesterday`"),
        ("g.csv", format!("{head}{}", line("", "2")), "line 2, column `known_at`: is missing"),
        ("h.csv", format!("{head}{}", line("1", "much")), "line 2, column `x.load`: `much`"),
        ("i.csv", format!("{head}{}", line("1", "1e39")), "line 2, column `x.load`: `1e39`"),
        ("j.csv", format!("{head}sample,abc123,1,2\n"), "line 2, column `change_id`: `abc123`"),
        ("k.csv", format!("{head}sample,{id}\n"), "line 2: has 2 fields, the header has 4"),
        ("l.csv", format!("{head}{0}{0}", line("1", "2")), "line 3, column `x.load`: line 2 gives a value"),
        ("m.jsonl", "{\"repo\":\"sample\"\n".to_owned(), "line 1: is no flat JSON object"),
        (
            "n.jsonl",
            format!("\n{{\"repo\":\"sample\",\"change_id\":\"{id}\",\"known_at\":1,\"x.load\":\"2\"}}\n"),
            "line 2, column `x.load`: expected a number",
        ),
        (
            "o.jsonl",
            format!("{{\"repo\":\"sample\",\"change_id\":\"{id}\",\"known_at\":1,\"x.a\":1,\"x.a\":2}}\n"),
            "line 1, column `x.a`: is there twice",
        ),
        ("p.parquet", "PAR1".to_owned(), "is not a Parquet file"),
    ];
    for (name, text, expected) in cases {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let refused = CustomValues::load(&path).unwrap_err().to_string();
        assert!(refused.contains(expected) && refused.contains(name), "{name}: {refused}");
    }
}

#[test]
fn a_commit_that_does_not_exist_is_named_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let features = dir.path().join("load.csv");
    let known = &rows().facts()[3].change_id.0;
    let unknown = "b".repeat(40);
    let text = |repo: &str| {
        format!(
            "repo,change_id,known_at,x.load\n{repo},{known},1,2\n{repo},{unknown},1,2\nother,{unknown},1,2\n"
        )
    };
    for (repo, expected) in [
        ("sample", format!("line 3, column `change_id`: `{unknown}` is no commit of `sample`")),
        ("else", "it says nothing of `sample`, only of `else`, `other`".to_owned()),
    ] {
        std::fs::write(&features, text(repo)).unwrap();
        let output = mine(dir.path(), Some(features.to_str().unwrap()), "rows.parquet");
        assert_eq!(output.status.code(), Some(4));
        assert!(
            stderr(&output).contains(&expected) && stderr(&output).contains("load.csv"),
            "{}",
            stderr(&output)
        );
    }
    assert!(!dir.path().join("rows.parquet").exists());
}

#[test]
fn of_several_values_the_one_known_last_counts_and_all_forms_say_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let id = "c".repeat(40);
    let csv = format!(
        "x.b,known_at,repo,change_id,x.a\n1,1970-01-01T00:00:20Z,r,{id},\n2,10,r,{id},true\n3,30,r,{id},5\n"
    );
    let json = format!(
        "{{\"x.b\":1,\"known_at\":\"1970-01-01T00:00:20Z\",\"repo\":\"r\",\"change_id\":\"{id}\",\"x.a\":null}}\n\
         {{\"x.b\":2,\"known_at\":10,\"repo\":\"r\",\"change_id\":\"{id}\",\"x.a\":true}}\n\
         {{\"x.b\":3,\"known_at\":30,\"repo\":\"r\",\"change_id\":\"{id}\",\"x.a\":5}}\n"
    );
    for (name, text) in [("v.csv", csv), ("v.jsonl", json)] {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let custom = CustomValues::load(&path).unwrap();
        assert_eq!(custom.names(), ["x.a", "x.b"]);
        let of = |t: i64| {
            let vector = custom.of("r", &id, t);
            let shown: Vec<Option<f32>> =
                vector.values.iter().map(|value| (!value.is_nan()).then_some(*value)).collect();
            (shown, vector.n_later)
        };
        assert_eq!(of(9), (vec![None, None], 5), "{name}");
        assert_eq!(of(10), (vec![Some(1.0), Some(2.0)], 3), "{name}");
        assert_eq!(of(29), (vec![Some(1.0), Some(1.0)], 2), "{name}");
        assert_eq!(of(30), (vec![Some(5.0), Some(3.0)], 0), "{name}");
        assert!(custom.of("r", &"d".repeat(40), 30).values.iter().all(|value| value.is_nan()));
        assert!(custom.of("q", &id, 30).values.iter().all(|value| value.is_nan()));
    }
}
