//! What a machine may keep from a command: room in a file, a directory to write to, an environment that others set.

use std::path::Path;
use std::process::{Command, Output};

use crate::process::serve;

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
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
fn a_service_decides_itself_how_many_threads_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path(), &[], &[("TOKIO_WORKER_THREADS", Path::new("many"))]);
    assert_eq!(service.get("/livez").0, 200);
}
