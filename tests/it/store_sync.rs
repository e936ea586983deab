//! A disk whose sync fails: the log closes for good, readiness turns red, and answers are degraded.
//!
//! A small library of C, put before the system's own, lets `fsync` and `fdatasync` fail as a broken disk does.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Running, serve};

const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int fails(int fd) {
    char link[64], path[4096];
    if (access(getenv("SYNC_FAILS"), F_OK) != 0) return 0;
    const char *end = getenv("SYNC_FAILS_ON");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path), m = strlen(end);
    return n >= m && memcmp(path + n - m, end, m) == 0;
}
int fsync(int fd) {
    if (fails(fd)) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
int fdatasync(int fd) {
    if (fails(fd)) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
"#;

fn shim(dir: &Path) -> Option<PathBuf> {
    let source = dir.join("shim.c");
    let library = dir.join("shim.so");
    std::fs::write(&source, SHIM).unwrap();
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl").output();
    compiled.is_ok_and(|output| output.status.success()).then_some(library)
}

/// Lets the syncs of files with such an end of their names fail once the switch is there.
fn environment<'a>(library: &'a Path, switch: &'a Path, end: &'a str) -> [(&'static str, &'a Path); 3] {
    [("LD_PRELOAD", library), ("SYNC_FAILS", switch), ("SYNC_FAILS_ON", Path::new(end))]
}

#[test]
fn a_failed_sync_closes_the_log_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let Some(library) = shim(dir.path()) else {
        crate::skip("no C compiler makes a library that lets a sync fail");
        return;
    };
    let switch = dir.path().join("broken");
    let environment = environment(&library, &switch, "");
    let mut service: Running = serve(dir.path(), &[], &environment);
    let body = r#"{"change":{"repo":"x","diff":"--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n"}}"#;
    let (status, answer) = service.post("/v1/score", body);
    assert_eq!((status, answer["decision_id"].is_string()), (200, true), "{answer}");
    assert_eq!(service.get("/readyz").0, 200);
    std::fs::write(&switch, "").unwrap();
    for n in 0..100 {
        let (status, answer) = service.post("/v1/score", &body.replace("a: 2", &format!("a: {n}")));
        assert_eq!(status, 200, "{answer}");
        assert_eq!((&answer["degraded"], answer["decision_id"].is_null()), (&true.into(), true), "{answer}");
        assert_ne!(answer["decision"], "fast_path");
        assert_eq!(answer["reasons"][0]["code"], "store_down", "{answer}");
    }
    std::fs::remove_file(&switch).unwrap();
    let (_, answer) = service.post("/v1/score", body);
    assert_eq!(answer["reasons"][0]["code"], "store_down", "a disk that recovers does not reopen the log");
    assert_eq!(service.get("/readyz").0, 503);
    assert_eq!(service.stop(), Some(0));
}

/// The journal is copied back beside the commits, whose own syncs go well.
#[test]
fn a_failed_sync_of_the_file_behind_the_journal_closes_the_log_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let Some(library) = shim(dir.path()) else {
        crate::skip("no C compiler makes a library that lets a sync fail");
        return;
    };
    let switch = dir.path().join("broken");
    let mut service: Running = serve(dir.path(), &[], &environment(&library, &switch, "log.db"));
    std::fs::write(&switch, "").unwrap();
    let is_recorded = |n: usize| {
        let body = format!(
            r#"{{"change":{{"repo":"x","diff":"--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 1{n}\n"}}}}"#
        );
        let (status, answer) = service.post("/v1/score", &body);
        assert_eq!(status, 200, "{answer}");
        assert!(
            answer["decision_id"].is_string() || answer["reasons"][0]["code"] == "store_down",
            "{answer}"
        );
        answer["decision_id"].is_string()
    };
    let n_recorded = (0..1000).take_while(|&n| is_recorded(n)).count();
    assert!((1..1000).contains(&n_recorded), "{n_recorded} were recorded before the copy failed");
    assert_eq!(service.get("/readyz").0, 503);
    std::fs::remove_file(&switch).unwrap();
    assert!(!is_recorded(1000), "a disk that recovers does not reopen the log");
    assert_eq!(service.stop(), Some(0));
}
