//! The binary from outside: what it prints where, and how it ends.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use diffrisk::artifact::{Registry, published};

pub fn diffrisk(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_diffrisk")).args(args).env_remove("DIFFRISK_STORE").output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A fresh address of a decision log.
fn store_url(dir: &Path) -> String {
    format!("sqlite://{}", dir.join("diffrisk.db").display())
}

#[test]
fn help_goes_to_stdout_and_lists_the_exit_codes() {
    let output = diffrisk(&["--help"]);
    assert_eq!(code(&output), 0);
    assert!(stdout(&output).contains("10  `gate`: extra validation") && stderr(&output).is_empty());
    let subcommands =
        ["mine", "train", "evaluate", "backtest", "score", "gate", "serve", "decisions", "models", "keys"];
    for args in subcommands.map(|subcommand| [subcommand, "--help"]) {
        let output = diffrisk(&args);
        assert!(stdout(&output).lines().all(|line| line.chars().count() <= 100), "{}", stdout(&output));
    }
    assert!(stdout(&output).lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn nonsense_is_a_usage_error_on_stderr() {
    for args in [&["--nonsense"][..], &["nonsense"], &[], &["decisions", "list", "--decision", "maybe"]] {
        let output = diffrisk(args);
        assert_eq!(code(&output), 2, "{args:?}");
        assert!(stdout(&output).is_empty() && !stderr(&output).is_empty(), "{args:?}");
    }
}

#[test]
fn a_missing_decision_log_is_bad_input_and_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let output = diffrisk(&["decisions", "verify", "--store", &store_url(dir.path())]);
    assert_eq!(code(&output), 4, "{}", stderr(&output));
    assert!(stderr(&output).starts_with("error: the decision log cannot be opened"));
    assert!(stderr(&output).contains("diffrisk.db`: No such file"), "{}", stderr(&output));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    let nowhere = dir.path().join("nowhere");
    let restore = ["decisions", "restore", nowhere.to_str().unwrap(), "--store", &store_url(dir.path())];
    let output = diffrisk(&restore);
    assert_eq!(code(&output), 4, "{}", stderr(&output));
    assert!(stderr(&output).contains("nowhere/diffrisk.db`: No such file"), "{}", stderr(&output));
}

#[test]
fn keys_are_made_and_taken_away_in_json_too_and_a_faulty_file_is_named_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    let keys = |args: &[&str]| diffrisk(&[&["keys", "--keys", path.to_str().unwrap()], args].concat());
    let json = |args: &[&str]| -> serde_json::Value {
        let output = keys(args);
        assert_eq!((code(&output), stderr(&output).as_str()), (0, ""), "{args:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let added = json(&["add", "ci", "--scopes", "score,read", "--json"]);
    assert_eq!((&added["name"], &added["scopes"]), (&"ci".into(), &serde_json::json!(["score", "read"])));
    assert!(added["key"].as_str().unwrap().len() > 20, "{added}");
    assert_eq!(json(&["list", "--json"])["keys"][0]["id"], added["id"]);
    assert!(json(&["add", "ci", "--rotate", "5", "--json"])["key"].is_string());
    assert_eq!(code(&keys(&["add", "ci", "--scopes", "read"])), 0);
    let differ = keys(&["add", "ci", "--rotate", "5"]);
    assert_eq!(code(&differ), 4, "{}", stderr(&differ));
    assert!(stderr(&differ).contains("different scopes"), "{}", stderr(&differ));
    let overflow = keys(&["add", "ci", "--rotate", "4294967295"]);
    assert_eq!(code(&overflow), 2, "{}", stderr(&overflow));
    assert!(stderr(&overflow).contains("--rotate"), "{}", stderr(&overflow));
    assert_eq!(json(&["revoke", "ci", "--json"])["n_revoked"], 3);

    std::fs::write(&path, "[[key]]\nid = \"a\"\nname = secret-key\n").unwrap();
    let output = keys(&["list"]);
    assert_eq!(code(&output), 4);
    assert!(stderr(&output).contains("keys.toml` is not a key file: line 3: "), "{}", stderr(&output));
    assert!(!stderr(&output).contains("secret-key"), "a line may hold a key: {}", stderr(&output));
}

#[test]
fn a_model_is_promoted_by_name_and_version_and_says_so_in_json() {
    let dir = tempfile::tempdir().unwrap();
    let models =
        |args: &[&str]| diffrisk(&[&["models", "--models", dir.path().to_str().unwrap()], args].concat());
    let trained = dir.path().join("trained");
    published().unwrap().save(&trained).unwrap();
    let added = models(&["add", trained.to_str().unwrap(), "--json"]);
    std::fs::remove_dir_all(&trained).unwrap();
    let named = Registry::at(dir.path()).list().pop().unwrap();
    let not_in_use = serde_json::json!({ "name": named.name, "version": named.version, "in_use": false });
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&added.stdout).unwrap(), not_in_use);
    let in_use = serde_json::json!({ "name": named.name, "version": named.version, "in_use": true });
    let json = |args: &[&str]| -> serde_json::Value {
        let output = models(args);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(json(&["promote", &named.name, "--json"]), in_use);
    std::fs::write(dir.path().join("previous"), format!("{named}\n")).unwrap();
    assert_eq!(json(&["rollback", "--json"]), in_use);

    // A file that names no model of the registry is said to, where there is one.
    let default = dir.path().join("default");
    for (content, said) in [("garbage", "does not hold `name/version`"), ("other/1", "names other/1")] {
        std::fs::write(&default, content).unwrap();
        assert_eq!(json(&["list", "--json"])["models"][0]["in_use"], false);
        assert!(stderr(&models(&["list"])).contains(said), "{}", stderr(&models(&["list"])));
    }
    std::fs::remove_file(&default).unwrap();
    assert_eq!(stderr(&models(&["list"])), "");

    std::fs::create_dir(dir.path().join(&named.name).join("0123456789ab")).unwrap();
    let output = models(&["promote", &named.name]);
    assert_eq!(code(&output), 4);
    for said in ["several versions", &format!("`{}@VERSION`", named.name), "0123456789ab", &named.version] {
        assert!(stderr(&output).contains(said), "{said}: {}", stderr(&output));
    }
}

#[test]
fn a_reader_who_stops_reading_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_diffrisk"))
        .arg("--help")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
}

/// Linux's disk that is always full.
#[test]
fn an_answer_that_cannot_be_written_is_no_success() {
    let full = std::fs::File::create("/dev/full").unwrap();
    let args = ["models", "show", "published", "--json"];
    let output = Command::new(env!("CARGO_BIN_EXE_diffrisk")).args(args).stdout(full).output().unwrap();
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(stderr(&output).contains("the answer cannot be written"), "{}", stderr(&output));
}

#[test]
fn flags_that_would_be_passed_over_are_usage_errors() {
    for args in [
        &["gate", "--diff", "-", "--owners", "OWNERS"][..],
        &["gate", "--diff", "-", "--incidents", "incidents.csv"],
        &["score", "--diff", "-", "--unit", "commit"],
        &["score", "--repo", ".", "--range", "a...b"],
        &["backtest", "--repo", ".", "--group", "project"],
        &["backtest", "--repo", ".", "--split-column", "split"],
        &["backtest", "--repo", ".", "--split", "70"],
        &["train", "--data", "t.csv", "--out", "m", "--label", "y", "--label-task", "raw"],
        &["evaluate", "--data", "t.csv", "--model", "m", "--label", "y", "--label-task", "raw"],
        &[
            "backtest",
            "--table",
            file!(),
            "--label",
            "y",
            "--time",
            "t",
            "--id",
            "i",
            "--predictions",
            file!(),
        ],
    ] {
        let output = diffrisk(args);
        assert_eq!(code(&output), 2, "{args:?}: {}", stderr(&output));
    }
    let output = diffrisk(&["models", "list", "--models", "nowhere"]);
    assert_eq!(code(&output), 4, "{}", stderr(&output));
}

mod log {
    use diffrisk::store::{Columns, NewRecord, RecordKind, Store, StoreConfig, new_id};
    use sqlx::{Connection, SqliteConnection};

    use super::*;

    /// A log with one decision, one outcome beside it and a closed writer.
    async fn written(url: &str) -> String {
        let store = Store::open(&StoreConfig::new(url)).await.unwrap();
        let mut decision = NewRecord::new(RecordKind::Decision, r#"{"decision":"hold"}"#.to_owned());
        decision.id = new_id();
        decision.columns = Columns {
            repo: Some("config".to_owned()),
            verdict: Some("hold".to_owned()),
            commit_id: Some("a".repeat(40)),
            ..Columns::default()
        };
        let id = decision.id.clone();
        let mut outcome = NewRecord::new(RecordKind::Outcome, r#"{"outcome":"harmless"}"#.to_owned());
        outcome.columns.subject_id = Some(id.clone());
        store.append(vec![decision, outcome]).await.unwrap();
        store.close().await;
        id
    }

    fn write(dir: &Path) -> (String, String) {
        let url = store_url(dir);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let id = runtime.block_on(written(&url));
        (url, id)
    }

    #[test]
    fn decisions_are_listed_shown_and_exported() {
        let dir = tempfile::tempdir().unwrap();
        let (url, id) = write(dir.path());
        let output = diffrisk(&["decisions", "list", "--store", &url]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert!(stdout(&output).contains(&id) && stdout(&output).contains("hold"));
        let output = diffrisk(&["decisions", "list", "--json", "--repo", "another", "--store", &url]);
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["decisions"].as_array().unwrap().len(), 0);
        let output = diffrisk(&["decisions", "show", &id, "--json", "--store", &url]);
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["decision"]["decision"], "hold");
        assert_eq!(json["beside"][0]["outcome"], "harmless");
        let output = diffrisk(&["decisions", "export-outcomes", "--store", &url]);
        assert_eq!(stdout(&output), "{\"outcome\":\"harmless\"}\n");
        let output = diffrisk(&["decisions", "show", "nothing", "--store", &url]);
        assert_eq!((code(&output), stderr(&output).as_str()), (4, "error: there is no decision `nothing`\n"));
    }

    /// Whoever mines knows no log: the lines name what landed, or everything that may find it.
    #[test]
    fn exported_outcomes_name_what_the_history_holds() {
        let dir = tempfile::tempdir().unwrap();
        let url = store_url(dir.path());
        let of = |names: serde_json::Value, landed: &[&str]| {
            let mut body =
                serde_json::json!({"outcome": "caught", "repo": "shop", "id": "pr/1", "names": names});
            if !landed.is_empty() {
                body["landed"] = serde_json::json!(landed);
                body["landed_digest"] = serde_json::json!("sha256:11");
            }
            NewRecord::new(RecordKind::Outcome, body.to_string())
        };
        let names = serde_json::json!([{"id": "pr/1"}, {"digest": "sha256:00"}]);
        let records = vec![of(names.clone(), &[]), of(names, &["aa", "bb"])];
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Store::open(&StoreConfig::new(&*url)).await.unwrap();
            store.append(records).await.unwrap();
            store.close().await;
        });
        let output = diffrisk(&["decisions", "export-outcomes", "--store", &url]);
        let expected = [
            r#"{"outcome":"caught","repo":"shop","id":"pr/1","digest":"sha256:00"}"#,
            r#"{"outcome":"caught","repo":"shop","commit":"aa","digest":"sha256:11"}"#,
            r#"{"outcome":"caught","repo":"shop","commit":"bb","digest":"sha256:11"}"#,
        ];
        assert_eq!(stdout(&output), expected.map(|line| format!("{line}\n")).concat());
    }

    #[test]
    fn ids_are_listed_whole() {
        let dir = tempfile::tempdir().unwrap();
        let url = store_url(dir.path());
        let mut decision = NewRecord::new(RecordKind::Decision, "{}".to_owned());
        decision.id = new_id();
        decision.columns = Columns {
            repo: Some("operations/mediawiki-config".to_owned()),
            verdict: Some("extra_validation".to_owned()),
            degraded: true,
            commit_id: Some("a".repeat(40)),
            ..Columns::default()
        };
        let id = decision.id.clone();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Store::open(&StoreConfig::new(&*url)).await.unwrap();
            store.append(vec![decision]).await.unwrap();
            store.close().await;
        });
        let output = diffrisk(&["decisions", "list", "--store", &url]);
        let text = stdout(&output);
        assert!(text.contains(&id) && text.contains("extra_validation *"), "{text}");
        assert!(text.ends_with("* degraded\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert_eq!(code(&diffrisk(&["decisions", "show", &id, "--store", &url])), 0);
    }

    #[test]
    fn verify_finds_a_changed_record_and_exits_5() {
        let dir = tempfile::tempdir().unwrap();
        let (url, id) = write(dir.path());
        let output = diffrisk(&["decisions", "verify", "--store", &url]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert!(stdout(&output).contains("all as written"));
        let show = || diffrisk(&["decisions", "show", &id, "--json", "--store", &url]);
        assert_eq!(code(&show()), 0);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut session = SqliteConnection::connect(&url).await.unwrap();
            let sql = "UPDATE record SET verdict = 'fast_path' WHERE kind = 'decision'";
            sqlx::raw_sql(sql).execute(&mut session).await.unwrap();
            session.close().await.unwrap();
        });
        let output = show();
        assert_eq!((code(&output), stdout(&output).as_str()), (5, ""), "{}", stderr(&output));
        let output = diffrisk(&["decisions", "list", "--store", &url]);
        assert!(stdout(&output).contains("ALTERED") && !stdout(&output).contains("fast_path"));
        let heads = dir.path().join("diffrisk.db.heads");
        std::fs::write(&heads, "nonsense\n").unwrap();
        let output = diffrisk(&["decisions", "verify", "--json", "--store", &url]);
        assert_eq!(code(&output), 5, "{}", stderr(&output));
    }
}

mod learning {
    use diffrisk::git::{Repository, Unit, write_sample};
    use serde_json::Value;

    use super::*;

    fn json(args: &[&str]) -> Value {
        let output = diffrisk(args);
        assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    #[test]
    fn a_model_of_a_table_is_not_judged_by_the_table_that_it_was_trained_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let (own, other, model) = (path("own.csv"), path("other.csv"), path("model"));
        let table = |shift: u32| {
            let line =
                |n: u32| format!("{n},{n},{},{}\n", (n * 7 + shift) % 31, u32::from(n.is_multiple_of(3)));
            ["id,t,lines,y\n".to_owned(), (0..200).map(line).collect()].concat()
        };
        std::fs::write(&own, table(0)).unwrap();
        std::fs::write(&other, table(5)).unwrap();
        let columns = ["--label", "y", "--time", "t", "--id", "id", "--json"];
        json(&[&["train", "--data", &own, "--out", &model], &columns[..]].concat());
        let card = std::fs::read_to_string(Path::new(&model).join("MODEL_CARD.md")).unwrap();
        assert!(card.contains("200 rows, 67 of them positive, the newest at 199"), "{card}");
        assert!(!card.contains("revert") && !card.contains("author"), "{card}");
        // Sixty-seven positives bear sixty trees of the four hundred that a table has at most.
        assert!(card.contains("| n_trees | 60 |") && card.contains("| n_positive_full | 150.0 |"), "{card}");
        let evaluate =
            |data: &str| diffrisk(&[&["evaluate", "--model", &model, "--data", data], &columns[..]].concat());
        let output = evaluate(&own);
        assert!(
            code(&output) == 4 && stderr(&output).contains("trained on this very table"),
            "{}",
            stderr(&output)
        );
        assert_eq!(code(&evaluate(&other)), 0);
    }

    #[test]
    fn changes_are_predicted_where_no_label_is_known_yet() {
        let dir = tempfile::tempdir().unwrap();
        let sample = write_sample(&dir.path().join("sample")).unwrap();
        let repository = Repository::open(&sample.repository).unwrap();
        let newest = repository.change(&repository.head().unwrap(), Unit::Commit).unwrap().committed_at;
        let (repo, out) = (sample.repository.to_str().unwrap(), dir.path().join("out.csv"));
        // Labels of the last fourteen days are not known; those of somebody else may be.
        let moment = (newest - 7 * 86_400).to_string();
        let arguments = ["backtest", "--repo", repo, "--split-at", &moment, "--json", "--predictions"];
        let report = json(&[&arguments[..], &[out.to_str().unwrap()]].concat());
        let predictions = std::fs::read_to_string(&out).unwrap();
        let n_predicted = predictions.lines().count() - 1;
        assert!(
            n_predicted > 0 && predictions.lines().skip(1).all(|line| line.split(',').nth(2).unwrap() != "")
        );
        assert!(report["systems"][0]["roc_auc"].is_null(), "{report}");
        let notes = report["notes"].to_string();
        assert!(notes.contains("what needs both classes is not defined"), "{notes}");
        let beyond = (newest + 1).to_string();
        let output = diffrisk(&["backtest", "--repo", repo, "--split-at", &beyond]);
        assert!(code(&output) == 4 && stderr(&output).contains("0 for the test"), "{}", stderr(&output));
    }

    #[test]
    fn rows_of_a_table_without_a_label_are_predicted_where_the_test_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let (table, out) = (path("table.csv"), path("out.csv"));
        // Every tenth label is not known.
        let line = |n: u32| {
            let label = if n % 10 == 7 { String::new() } else { u32::from(n.is_multiple_of(3)).to_string() };
            let (side, team) = (if n < 600 { "train" } else { "test" }, ["a", "b"][n as usize % 2]);
            format!("{n},{n},{},{side},{team},{label}\n", (n * 7) % 31)
        };
        let lines: String = (0..1_000).map(line).collect();
        std::fs::write(&table, ["id,t,lines,split,team,y\n", &lines].concat()).unwrap();
        let columns = ["--label", "y", "--time", "t", "--id", "id", "--predictions", &out, "--json"];
        let predicted = |more: &[&str]| {
            let report = json(&[&["backtest", "--table", &table], &columns[..], more].concat());
            let text = std::fs::read_to_string(&out).unwrap();
            let rows: Vec<Vec<String>> =
                text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect();
            let n_known = rows.iter().filter(|row| !row[1].is_empty()).count();
            assert_eq!(report["dataset"]["n_test"], n_known, "{more:?}");
            let ids: Vec<u32> = rows.iter().map(|row| row[0].parse().unwrap()).collect();
            assert!(rows.iter().all(|row| (row[1].is_empty()) == (row[0].ends_with('7'))), "{more:?}");
            ids
        };
        assert_eq!(predicted(&["--split-column", "split"]), (600..1_000).collect::<Vec<_>>());
        assert_eq!(predicted(&["--split-at", "800"]), (800..1_000).collect::<Vec<_>>());
        let by_share = predicted(&[]);
        assert_eq!(by_share, (by_share[0]..1_000).collect::<Vec<_>>());
        let by_team = predicted(&["--group", "team"]);
        assert_eq!(by_team, (by_team[0]..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn incident_links_are_read_from_parquet_wherever_a_history_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let sample = write_sample(&dir.path().join("sample")).unwrap();
        let (repo, rows) = (sample.repository.to_str().unwrap(), dir.path().join("rows.parquet"));
        let rows = rows.to_str().unwrap();
        json(&["mine", "--repo", repo, "--out", rows, "--json"]);
        let doubled = diffrisk(&["backtest", "--repo", repo, "--with", rows]);
        assert!(
            code(&doubled) == 4 && stderr(&doubled).contains("are of the one under test"),
            "{}",
            stderr(&doubled)
        );
        // Nor do they where the history was written anew, with other commits.
        let anew = dir.path().join("anew");
        let anew = anew.to_str().unwrap();
        let script = format!(
            "git init -q --bare {anew} && git -C {repo} fast-export --all | sed 's/^committer .*>/committer A <a@example.org>/' | git -C {anew} fast-import --quiet && git -C {anew} symbolic-ref HEAD $(git -C {repo} symbolic-ref HEAD)"
        );
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
        json(&["mine", "--repo", anew, "--out", rows, "--json"]);
        let doubled = diffrisk(&["backtest", "--repo", repo, "--with", rows]);
        assert!(
            code(&doubled) == 4 && stderr(&doubled).contains("changes under test are among its rows"),
            "{}",
            stderr(&doubled)
        );
        // Mined rows are a table of Parquet, but none of incidents: it is read, and refused.
        let [followed, linked] = [format!("a={repo}"), format!("a={rows}")];
        for args in [
            &["mine", "--repo", repo, "--incidents", rows, "--out", "x"][..],
            &["score", "--repo", repo, "--commit", "HEAD", "--incidents", rows],
            &["gate", "--repo", repo, "--commit", "HEAD", "--incidents", rows],
            &["serve", "--check-config", "--repo", &followed, "--incidents", &linked],
        ] {
            let output = diffrisk(args);
            let said = "column `tokens` of";
            assert!(code(&output) == 4 && stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
        }
    }

    #[test]
    fn incidents_count_whatever_the_directory_of_a_work_tree_is_called() {
        let dir = tempfile::tempdir().unwrap();
        let sample = write_sample(&dir.path().join("sample")).unwrap();
        let [repo, incidents] = [&sample.repository, &sample.incidents].map(|path| path.to_str().unwrap());
        let cache = dir.path().join("cache");
        let table = std::fs::read_to_string(&sample.incidents).unwrap();
        let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = lines.next().unwrap();
        let column = |name: &str| header.iter().position(|column| *column == name).unwrap();
        let first = lines.next().unwrap();
        for (name, is_told) in [(first[column("repo")], false), ("workspace", true)] {
            let args = ["score", "--repo", repo, "--name", name, "--cache", cache.to_str().unwrap()];
            let change = ["--commit", first[column("change_id")], "--incidents", incidents, "--json"];
            let output = diffrisk(&[&args[..], &change[..]].concat());
            let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
            let codes: Vec<&Value> =
                answer["reasons"].as_array().unwrap().iter().map(|reason| &reason["code"]).collect();
            assert!(codes.contains(&&Value::from("known_bad")), "{name}: {answer}");
            assert_eq!(stderr(&output).contains("names `workspace` nowhere"), is_told, "{}", stderr(&output));
        }
    }

    #[test]
    fn the_sample_is_mined_learned_and_backtested() {
        let dir = tempfile::tempdir().unwrap();
        let sample = write_sample(&dir.path().join("sample")).unwrap();
        let [repo, incidents] = [&sample.repository, &sample.incidents].map(|path| path.to_str().unwrap());
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let (rows, model, predictions) = (path("rows.parquet"), path("model"), path("predictions.csv"));

        let mined = json(&["mine", "--repo", repo, "--incidents", incidents, "--out", &rows, "--json"]);
        assert_eq!(mined["n_rows"], sample.n_changes);
        assert_eq!(mined["head"], sample.head.0);
        assert!(mined["labels"]["strict"].as_u64().unwrap() >= 60, "{mined}");
        assert_eq!(mined["n_unknown_targets"], 0);

        let trained = json(&["train", "--data", &rows, "--prior", "none", "--out", &model, "--json"]);
        assert_eq!((&trained["name"], &trained["task"]), (&Value::from("model"), &Value::from("strict")));
        let again = path("again/model");
        let repeated = json(&["train", "--data", &rows, "--prior", "none", "--out", &again, "--json"]);
        assert_eq!(trained["digest"], repeated["digest"], "the same rows and seed give the same artifact");

        let args = ["backtest", "--repo", repo, "--incidents", incidents, "--prior", "none", "--json"];
        let tested = json(&[&args[..], &["--predictions", &predictions]].concat());
        let auc = |name: &str| {
            let systems = tested["systems"].as_array().unwrap().iter();
            systems.clone().find(|system| system["name"] == name).unwrap()["roc_auc"].as_f64().unwrap()
        };
        assert!(auc("ensemble") > auc("size_only") + 0.1, "{tested}");
        let dataset = &tested["also"]["raw"]["dataset"];
        assert!(dataset["split_time"].is_number(), "{dataset}");
        assert!(dataset["split_time_utc"].as_str().unwrap().ends_with('Z'), "{dataset}");
        let more = json(&[&args[..], &["--mode", "local", "--refit-days", "150"]].concat());
        assert_eq!((&more["mode"], &more["refit_days"]), (&Value::from("local"), &Value::from(150)));
        assert!(more["n_fits"].as_u64().unwrap() > 1 && more["periods"].as_array().unwrap().len() > 1);
        let text = std::fs::read_to_string(&predictions).unwrap();
        assert!(text.starts_with("id,label,score,effort\n"));
        let n_after = tested["also"]["raw"]["dataset"]["n_test"].as_u64().unwrap();
        assert!(text.lines().count() as u64 > n_after);
    }

    #[test]
    fn an_artifact_is_measured_on_rows_that_it_has_not_seen() {
        let dir = tempfile::tempdir().unwrap();
        let sample = write_sample(&dir.path().join("sample")).unwrap();
        let repo = sample.repository.to_str().unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let (early, whole, model) = (path("early.parquet"), path("whole.parquet"), path("model"));
        let until = ["--until", "2026-03-01T00:00:00Z"];
        let seen = json(&[&["mine", "--repo", repo, "--out", &early, "--json"], &until[..]].concat());
        let all = json(&["mine", "--repo", repo, "--out", &whole, "--json"]);
        json(&["train", "--data", &early, "--prior", "none", "--out", &model, "--json"]);

        let predictions = path("predictions.csv");
        let measured =
            json(&["evaluate", "--model", &model, "--data", &whole, "--predictions", &predictions, "--json"]);
        assert_eq!(measured["n_seen"], seen["n_rows"]);
        assert_eq!(
            (&measured["task"], &measured["model"]["name"]),
            (&Value::from("strict"), &Value::from("model"))
        );
        let systems = measured["systems"].as_array().unwrap().iter();
        let names: Vec<&str> = systems.map(|system| system["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["ensemble", "size_only", "random"]);
        assert!(measured["systems"][0]["roc_auc"].as_f64().unwrap() > 0.6, "{measured}");
        let n_unseen = all["n_rows"].as_u64().unwrap() - seen["n_rows"].as_u64().unwrap();
        let text = std::fs::read_to_string(&predictions).unwrap();
        assert_eq!(text.lines().count() as u64, n_unseen + 1);

        let registry = path("registry");
        json(&["models", "--models", &registry, "add", &model, "--json"]);
        json(&["models", "--models", &registry, "promote", "model", "--json"]);
        let in_use = format!("{registry}/default");
        assert_eq!(json(&["evaluate", "--model", &in_use, "--data", &whole, "--json"]), measured);

        let output = diffrisk(&["evaluate", "--model", &model, "--data", &early]);
        assert_eq!(code(&output), 4);
        assert!(stderr(&output).contains("it was trained on every one of these rows"), "{}", stderr(&output));
    }

    #[test]
    fn what_cannot_be_read_is_bad_input() {
        let dir = tempfile::tempdir().unwrap();
        let empty = dir.path().to_str().unwrap();
        for args in [
            &["mine", "--repo", "nowhere", "--out", "x.parquet"][..],
            &["mine", "--repo", empty, "--out", "x.parquet"],
            &["train", "--data", "nowhere.parquet", "--out", "x"],
            &["backtest", "--table", "nowhere.csv", "--label", "y", "--time", "t", "--id", "i"],
            &["models", "show", "nobody", "--models", empty],
            &["keys", "list", "--keys", "nowhere.toml"],
        ] {
            let output = diffrisk(args);
            assert_eq!(code(&output), 4, "{args:?}: {}", stderr(&output));
            assert!(stderr(&output).starts_with("error: ") && stdout(&output).is_empty(), "{args:?}");
        }
        for args in [
            &["backtest", "--table", "x.csv", "--label", "y"][..],
            &["backtest", "--table", "x.csv", "--label", "y", "--time", "t", "--id", "i", "--ablate"],
            &["backtest", "--repo", ".", "--refit-days", "0"],
            &["mine", "--repo", empty, "--out", "x", "--since", "yesterday"],
            &["keys", "add", "bob", "--rotate", "4294967295", "--keys", "nowhere.toml"],
            &["train", "--data", "rows.parquet", "--out", "x", "--columns", "a"],
            &["train", "--data", "rows.parquet", "--out", "x", "--exclude", "a"],
            &["evaluate", "--model", "x", "--data", "rows.parquet", "--columns", "a"],
            &["backtest", "--repo", ".", "--columns", "a"],
            &["backtest", "--repo", ".", "--label", "y"],
            &["train", "--data", "x.parquet", "x.parquet", "--out", "x"],
            &["train", "--pooled", "--data", "x.parquet", "x.parquet", "--out", "x"],
            &["train", "--data", "rows.parquet", "--out", "x", "--name", ""],
            &["train", "--data", "rows.parquet", "--out", "x", "--name", "../x"],
            &["train", "--data", "rows.parquet", "--out", "x", "--name", "a\nb"],
            &["train", "--data", "a.csv", "b.csv", "--label", "y", "--time", "t", "--id", "i", "--out", "x"],
        ] {
            assert_eq!(code(&diffrisk(args)), 2, "{args:?}");
        }
        let table = ["--label", "y", "--time", "t", "--id", "i"];
        let backtest = [&["backtest", "--table", "nowhere.csv"], &table[..]].concat();
        for more in [
            &["--label-task", "raw"][..],
            &["--allow-overlap"],
            &["--prior", "elsewhere"],
            &["--split-column", "s", "--split", "0.7"],
        ] {
            assert_eq!(code(&diffrisk(&[&backtest[..], more].concat())), 2, "{more:?}");
        }
        let train = [&["train", "--data", "nowhere.csv", "--out", "x"], &table[..]].concat();
        assert_eq!(code(&diffrisk(&[&train[..], &["--prior", "elsewhere"]].concat())), 2);
        // What goes with a table gets as far as reading it.
        for more in [&["--prior", "none"][..], &["--split-column", "s", "--group", "g"], &["--split", "0.6"]]
        {
            assert_eq!(code(&diffrisk(&[&backtest[..], more].concat())), 4, "{more:?}");
        }
        assert_eq!(code(&diffrisk(&[&train[..], &["--prior", "none", "--name", "a-b_c.1"]].concat())), 4);
    }
}
