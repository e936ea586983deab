//! What a machine may keep from a command: room in a file, a directory to write to, an environment that others set.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::git_script::Script;
use crate::process::serve;

const DIFF: &str = "diff --git a/a.yaml b/a.yaml\n--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-n: 0\n+n: 1\n";

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs a command for which no directory can be written.
fn without_directories(args: &[&str]) -> Output {
    let nowhere = "/proc/nowhere";
    let mut command = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
    command.args(args).env("HOME", nowhere).env("TMPDIR", nowhere).env_remove("XDG_CACHE_HOME");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(DIFF.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn a_diff_without_a_repository_needs_no_directory() {
    let output = without_directories(&["score", "--name", "config", "--diff", "-"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn where_nothing_can_be_kept_the_ways_out_are_named() {
    let mut script = Script::new();
    let first = script.commit_at(0, "first", &[("a.yaml", b"n: 0\n")], &[]);
    script.set_main(first);
    let output = without_directories(&["gate", "--repo", script.path().to_str().unwrap(), "--diff", "-"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    for named in ["`/proc/nowhere`", "`--cache`", "`TMPDIR`"] {
        assert!(stderr(&output).contains(named), "{named}: {}", stderr(&output));
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_like_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 0; exec \"$0\" keys add ci --scopes read"]);
    let output = command.arg(env!("CARGO_BIN_EXE_diffrisk")).current_dir(dir.path()).output().unwrap();
    assert!(output.status.code().is_some_and(|code| code != 0), "{:?}", output.status);
    assert!(stderr(&output).contains("File too large"), "{}", stderr(&output));
}

#[test]
fn rows_that_find_no_room_name_what_the_system_says() {
    let mut script = Script::new();
    let first = script.commit_at(0, "first", &[("a.yaml", b"n: 0\n")], &[]);
    script.set_main(first);
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 1; exec \"$0\" mine --repo \"$1\" --out rows.parquet"]);
    command.arg(env!("CARGO_BIN_EXE_diffrisk")).arg(script.path()).current_dir(dir.path());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let said = "cannot write `rows.parquet`: File too large";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
}

#[test]
fn a_directory_that_no_repository_can_be_called_by_asks_for_a_name() {
    let mut script = Script::new();
    let first = script.commit_at(0, "first", &[("a.yaml", b"n: 0\n")], &[]);
    script.set_main(first);
    let dir = tempfile::tempdir().unwrap();
    for name in ["na\nme".to_owned(), "n".repeat(201)] {
        let moved = dir.path().join(name);
        std::fs::rename(script.path(), &moved).unwrap();
        for command in [["score", "--diff", "-"].as_slice(), &["suspects"]] {
            let mut diffrisk = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
            let output =
                diffrisk.args(command).arg("--repo").arg(&moved).stdin(Stdio::null()).output().unwrap();
            assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
            for said in ["the name of the directory", "`--name` gives another"] {
                assert!(stderr(&output).contains(said), "{}", stderr(&output));
            }
        }
        std::fs::rename(&moved, script.path()).unwrap();
    }
}

#[test]
fn a_service_decides_itself_how_many_threads_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path(), &[], &[("TOKIO_WORKER_THREADS", Path::new("many"))]);
    assert_eq!(service.get("/livez").0, 200);
}

#[test]
fn a_refused_variable_is_named_and_a_switch_is_one() {
    let serve = |name: &str, value: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
        command.arg("serve").env("DIFFRISK_CHECK_CONFIG", "true").env(name, value).output().unwrap()
    };
    for (name, value) in [("DIFFRISK_DEADLINE_MS", "soon"), ("DIFFRISK_POLL_SECONDS", "")] {
        let output = serve(name, value);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(&format!("`{name}`")), "{}", stderr(&output));
    }
    let output = serve("DIFFRISK_LISTEN", "nowhere");
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(stderr(&output).contains("server.listen: `nowhere`"), "{}", stderr(&output));
}

#[test]
fn help_that_nobody_gets_is_no_success() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_diffrisk")).arg("--help").stdout(full).status().unwrap();
    assert_eq!(status.code(), Some(1));
}
