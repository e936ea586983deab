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
#include <stdlib.h>
#include <unistd.h>
static int fails(void) { return access(getenv("SYNC_FAILS"), F_OK) == 0; }
int fsync(int fd) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
int fdatasync(int fd) {
    if (fails()) { errno = EIO; return -1; }
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

#[test]
fn a_failed_sync_closes_the_log_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let Some(library) = shim(dir.path()) else {
        crate::skip("no C compiler makes a library that lets a sync fail");
        return;
    };
    let switch = dir.path().join("broken");
    let environment = [("LD_PRELOAD", library.as_path()), ("SYNC_FAILS", switch.as_path())];
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
