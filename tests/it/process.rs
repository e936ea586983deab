//! The binary run as a service of its own, spoken to over a real socket.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A running service; killed when dropped.
pub struct Running {
    child: Child,
    pub address: String,
    /// Everything it said so far; read by a thread of its own, so that it never waits for a reader.
    pub said: std::sync::Arc<std::sync::Mutex<String>>,
}

/// Starts `diffrisk serve` on a free port with its log in a directory, and waits until it listens.
pub fn serve(dir: &Path, args: &[&str], environment: &[(&str, &Path)]) -> Running {
    serve_on(&format!("sqlite://{}", dir.join("log.db").display()), dir, args, environment)
}

/// The same with its log at an address.
pub fn serve_on(store: &str, dir: &Path, args: &[&str], environment: &[(&str, &Path)]) -> Running {
    // A busy machine must not turn what a test looks at into another doubt.
    let patient = ["--deadline-ms", "60000"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--store", store])
        .args(patient.iter().filter(|_| !args.contains(&patient[0])))
        .args(args)
        .envs(environment.iter().copied());
    command.current_dir(dir).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let address = loop {
        let line = lines.next().unwrap_or_else(|| panic!("it ended: {}", said.lock().unwrap())).unwrap();
        said.lock().unwrap().push_str(&format!("{line}\n"));
        if let Some((_, address)) = line.split_once("listening on http") {
            break address.trim_start_matches('s').trim_start_matches("://").trim().to_owned();
        }
    };
    let heard = std::sync::Arc::clone(&said);
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            heard.lock().unwrap().push_str(&format!("{line}\n"));
        }
    });
    Running { child, address, said }
}

impl Running {
    pub fn post(&self, path: &str, body: &str) -> (u16, Value) {
        self.post_with(path, body, &[])
    }

    pub fn post_with(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let request = agent().post(format!("http://{}{path}", self.address));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let mut response = request.header("content-type", "application/json").send(body).unwrap();
        (response.status().as_u16(), response.body_mut().read_json().unwrap_or(Value::Null))
    }

    /// Sends a form as a browser does, and reads the page that it is led to.
    pub fn press(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let request = agent().post(format!("http://{}{path}", self.address));
        let mut response = request.send_form(fields.iter().copied()).unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap_or_default())
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        let mut response = agent().get(format!("http://{}{path}", self.address)).call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap_or_default())
    }

    /// Threads that it has now.
    pub fn n_threads(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap().count()
    }

    /// Asks it to leave, as a service manager does; answers its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().unwrap().code()
    }

    /// Its exit code, once it has left.
    pub fn stop_code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Ends it as a power cut does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What another service answers; none while it does not.
pub fn fetched(url: &str) -> Option<Value> {
    agent().get(url).call().ok()?.body_mut().read_json().ok()
}

fn agent() -> ureq::Agent {
    ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build())
}

/// A program on this machine; none where it is not installed.
pub fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|program| program.is_file())
}
