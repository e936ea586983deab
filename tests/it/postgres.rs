//! A PostgreSQL server of its own for a test, where the machine has one.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A running server; stops when dropped.
pub struct Server {
    child: Child,
    dir: tempfile::TempDir,
    port: u16,
}

/// Starts a server in a fresh directory, or prints why not.
pub fn start() -> Option<Server> {
    told(try_start(|_| Ok(Vec::new())))
}

/// The same with a certificate for 127.0.0.1 that only its own file vouches for.
pub fn start_with_tls() -> Option<Server> {
    told(try_start(|dir| {
        let openssl = crate::process::installed("openssl").ok_or("no openssl to make a certificate with")?;
        let made = Command::new(openssl)
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-keyout", "key.pem", "-out", "chain.pem", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"])
            .current_dir(dir)
            .output()
            .map_err(|error| error.to_string())?;
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let file = |setting: &str, name: &str| format!("{setting}={}", dir.join(name).display());
        let files = [file("ssl_cert_file", "chain.pem"), file("ssl_key_file", "key.pem")];
        Ok(["ssl=on".to_owned()].into_iter().chain(files).flat_map(|one| ["-c".to_owned(), one]).collect())
    }))
}

fn told(started: Result<Server, String>) -> Option<Server> {
    match started {
        Ok(server) => Some(server),
        Err(reason) => {
            crate::skip(&reason);
            assert!(std::env::var_os("CI").is_none(), "nothing is skipped where CI is set: {reason}");
            None
        }
    }
}

impl Server {
    /// Its address.
    pub fn url(&self) -> String {
        format!("postgres://diffrisk@127.0.0.1:{}/postgres", self.port)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate that it shows, where it shows one.
    pub fn certificate(&self) -> PathBuf {
        self.dir.path().join("chain.pem")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The newest installed server's programs.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> =
        std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|e| e.path()).collect();
    versions.sort();
    versions.pop().map(|version| version.join("bin")).filter(|bin| bin.join("initdb").exists())
}

/// PostgreSQL refuses to run as root; `setpriv` takes the rights away there.
fn command(program: PathBuf, dir: &std::path::Path) -> Command {
    let is_root =
        std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !is_root {
        return Command::new(program);
    }
    let _ = Command::new("chown").arg("-R").arg("nobody").arg(dir).status();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--clear-groups", "--"]).arg(program);
    command
}

fn try_start(
    settings: impl FnOnce(&std::path::Path) -> Result<Vec<String>, String>,
) -> Result<Server, String> {
    let bin = programs().ok_or("no PostgreSQL server is installed (Debian package `postgresql`)")?;
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let settings = settings(dir.path())?;
    let data = dir.path().join("data");
    let mut initdb = command(bin.join("initdb"), dir.path());
    initdb.args(["--username=diffrisk", "--auth=trust", "--no-sync", "-D"]).arg(&data).current_dir("/");
    let made = initdb.output().map_err(|error| error.to_string())?;
    if !made.status.success() {
        return Err(format!("initdb failed: {}", String::from_utf8_lossy(&made.stderr)));
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    drop(listener);
    let mut server = command(bin.join("postgres"), dir.path());
    server.args(settings);
    server.arg("-D").arg(&data).arg("-p").arg(port.to_string()).arg("-k").arg(dir.path()).current_dir("/");
    let child =
        server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(|error| error.to_string())?;
    let server = Server { child, dir, port };
    for _ in 0..100 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let mut ready = Command::new(bin.join("pg_isready"));
        ready.args(["-q", "-h", "127.0.0.1", "-p"]).arg(port.to_string());
        if ready.status().is_ok_and(|status| status.success()) {
            return Ok(server);
        }
    }
    Err(format!("the PostgreSQL server in {} did not get ready", server.dir.path().display()))
}
