//! What a machine may keep from a command: room in a file, a directory to write to, an environment that others set.

use std::path::Path;

use crate::process::serve;

#[test]
fn a_service_decides_itself_how_many_threads_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path(), &[], &[("TOKIO_WORKER_THREADS", Path::new("many"))]);
    assert_eq!(service.get("/livez").0, 200);
}
