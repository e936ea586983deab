//! What other people's programs make of the service: Prometheus, a Triton client, git.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{fetched, installed, serve};

fn root(name: &str) -> String {
    format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn prometheus_takes_the_alert_rules_and_the_metrics() {
    let Some(promtool) = installed("promtool") else {
        return crate::skip("no promtool is installed (Debian package `prometheus`)");
    };
    let rules =
        Command::new(&promtool).args(["check", "rules", &root("deploy/alerts.yml")]).output().unwrap();
    assert!(rules.status.success(), "{}", String::from_utf8_lossy(&rules.stderr));
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path(), &[], &[]);
    let diff = "--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n";
    service.post("/v1/score", &json!({ "change": { "repo": "shop", "diff": diff } }).to_string());
    service.post("/v1/score", "{");
    service.post("/v1/policy/reload", "");
    let (status, metrics) = service.get("/metrics");
    assert_eq!(status, 200);
    let mut check = Command::new(&promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut check.stdin.take().unwrap(), metrics.as_bytes()).unwrap();
    let checked = check.wait_with_output().unwrap();
    // promtool reads the older text format, which has no `# EOF`; a name it cannot take is an error of its parser.
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(!said.contains("error while linting") && !said.contains("parsing"), "{said}");
    let expressions = std::fs::read_to_string(root("deploy/alerts.yml")).unwrap();
    for name in expressions.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
        let family = name.trim_end_matches("_bucket").trim_end_matches("_total");
        let is_there = metrics.contains(&format!("# TYPE {family} "));
        assert!(
            !name.starts_with("diffrisk_") || is_there,
            "an alert waits for `{name}`, which nobody exports"
        );
    }
}

/// A Prometheus that scrapes the service; ended when dropped.
struct Prometheus {
    child: Child,
    address: String,
}

impl Prometheus {
    fn start(program: &Path, dir: &Path, service: &str) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: ['{}']\nscrape_configs:\n  \
             - job_name: diffrisk\n    static_configs: [{{ targets: ['{service}'] }}]\n",
            root("deploy/alerts.yml")
        );
        std::fs::write(dir.join("prometheus.yml"), config).unwrap();
        let child = Command::new(program)
            .arg(format!("--config.file={}", dir.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", dir.join("tsdb").display()))
            .arg(format!("--web.listen-address={free}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, address: free.to_string() }
    }

    /// Asks until the answer will do, for a minute at most.
    fn ask(&self, path: &str, will_do: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = fetched(&format!("http://{}/api/v1/{path}", self.address)).unwrap_or_default();
            if will_do(&answer) || Instant::now() > until {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_prometheus_server_scrapes_the_service_and_evaluates_every_alert() {
    let Some(program) = installed("prometheus") else {
        return crate::skip("no prometheus is installed (Debian package `prometheus`)");
    };
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path(), &[], &[]);
    let diff = "--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-a: 1\n+a: 2\n";
    service.post("/v1/score", &json!({ "change": { "repo": "shop", "diff": diff } }).to_string());
    let prometheus = Prometheus::start(&program, dir.path(), &service.address);
    let counted = prometheus
        .ask("query?query=sum(diffrisk_decisions_total)", |answer| answer["data"]["result"][0].is_object());
    assert_eq!(counted["data"]["result"][0]["value"][1], "1", "{counted}");
    let rules_of =
        |answer: &Value| answer["data"]["groups"][0]["rules"].as_array().cloned().unwrap_or_default();
    let is_known = |rule: &Value| rule["health"] != "unknown";
    let answer = prometheus.ask("rules", |answer| {
        let rules = rules_of(answer);
        !rules.is_empty() && rules.iter().all(is_known)
    });
    let rules = rules_of(&answer);
    assert!(!rules.is_empty());
    for rule in rules {
        assert!(rule["health"] == "ok" && rule["state"] != "firing", "{rule}");
    }
}

const TRITON: &str = r#"
import sys
import numpy
import tritonclient.http as http

client = http.InferenceServerClient(sys.argv[1])
assert client.is_server_live() and client.is_server_ready()
name = sys.argv[2]
assert client.is_model_ready(name)
width = client.get_model_metadata(name)["inputs"][0]["shape"][1]

def ask(binary):
    tensor = http.InferInput("vector", [2, width], "FP32")
    tensor.set_data_from_numpy(numpy.zeros((2, width), dtype=numpy.float32), binary_data=binary)
    outputs = [http.InferRequestedOutput("score", binary_data=False)]
    return client.infer(name, [tensor], outputs=outputs).as_numpy("score")

scores = ask(False)
assert scores.shape == (2,) and ((scores >= 0) & (scores <= 1)).all(), scores
try:
    ask(True)
    raise SystemExit("binary tensors were taken")
except http.InferenceServerException as error:
    assert "binary_data=False" in str(error), error
print("understood")
"#;

#[test]
fn a_triton_client_is_answered() {
    let Some(python) = triton_python() else {
        return crate::skip("no Python with tritonclient[http]; scripts/triton-venv makes one");
    };
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path(), &[], &[]);
    let model: Value = serde_json::from_str(&service.get("/v1/model").1).unwrap();
    let name = model["model"]["name"].as_str().unwrap();
    let asked = Command::new(python).args(["-c", TRITON, &service.address, name]).output().unwrap();
    let said = String::from_utf8_lossy(&asked.stdout).into_owned() + &String::from_utf8_lossy(&asked.stderr);
    assert!(asked.status.success() && said.contains("understood"), "{said}");
}

/// The Python of `TRITON_PYTHON`, or the one that scripts/triton-venv made.
fn triton_python() -> Option<std::path::PathBuf> {
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("triton-venv/bin/python");
    let named = std::env::var_os("TRITON_PYTHON").map(std::path::PathBuf::from);
    [named, Some(made)].into_iter().flatten().find(|python| {
        let imported = Command::new(python).args(["-c", "import tritonclient.http"]).output();
        imported.is_ok_and(|output| output.status.success())
    })
}

fn git(dir: &Path, args: &[&str]) -> (bool, String) {
    let path = std::env::join_paths(
        [Path::new(env!("CARGO_BIN_EXE_diffrisk")).parent().unwrap().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let output = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
        .args(args)
        .env("PATH", path.unwrap())
        .env("DIFFRISK_CACHE", dir.join(".git/diffrisk-cache"))
        .env("XDG_CACHE_HOME", dir.join(".git/cache"))
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_hook_takes_messages_of_any_length_and_says_when_it_has_no_room() {
    let dir = tempfile::tempdir().unwrap();
    let (bare, work) = (dir.path().join("config.git"), dir.path().join("work"));
    let must = |args: &[&str]| {
        let (is_done, said) = git(dir.path(), args);
        assert!(is_done, "{args:?}: {said}");
        said
    };
    let (bare, work) = (bare.to_str().unwrap(), work.to_str().unwrap());
    must(&["init", "-q", "--bare", "-b", "main", bare]);
    must(&["init", "-q", "-b", "main", work]);
    let hook = Path::new(bare).join("hooks/pre-receive");
    std::fs::copy(root("deploy/pre-receive"), &hook).unwrap();
    std::fs::write(Path::new(work).join("web.yaml"), "timeout: 1\n").unwrap();
    let message = dir.path().join("message");
    std::fs::write(&message, "why, at length\n".repeat(20_000)).unwrap();
    must(&["-C", work, "add", "-A"]);
    must(&["-C", work, "commit", "-q", "-F", message.to_str().unwrap()]);
    let (_, said) = git(dir.path(), &["-C", work, "push", bare, "main"]);
    assert!(said.contains("diffrisk: ") && !said.contains("no decision on"), "{said}");

    let recipe = std::fs::read_to_string(root("deploy/pre-receive")).unwrap();
    let nowhere = "export TMPDIR=/proc/nowhere\nset -euf";
    std::fs::write(&hook, recipe.replacen("set -euf", nowhere, 1)).unwrap();
    let (is_in, said) = git(dir.path(), &["-C", work, "push", bare, "main:other"]);
    assert!(!is_in && said.contains("diffrisk: no temporary directory can be made"), "{said}");
}

#[test]
fn a_push_is_let_in_or_refused_by_the_hook() {
    let dir = tempfile::tempdir().unwrap();
    let (bare, work) = (dir.path().join("config.git"), dir.path().join("work"));
    let must = |dir: &Path, args: &[&str]| {
        let (is_done, said) = git(dir, args);
        assert!(is_done, "{args:?}: {said}");
        said
    };
    must(dir.path(), &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
    must(dir.path(), &["clone", "-q", bare.to_str().unwrap(), work.to_str().unwrap()]);
    let commit = |file: &str, text: &str| {
        std::fs::write(work.join(file), text).unwrap();
        must(&work, &["add", "-A"]);
        must(&work, &["commit", "-q", "-m", &format!("change {file}")]);
    };
    must(&work, &["checkout", "-q", "-B", "main"]);
    for n in 0..12 {
        commit("web.yaml", &format!("timeout: {n}\nreplicas: 3\n"));
    }
    let recipe = std::fs::read_to_string(root("deploy/pre-receive")).unwrap();
    let hook = bare.join("hooks/pre-receive");
    std::fs::copy(root("deploy/pre-receive"), &hook).unwrap();
    let install = |setting: &str, share: &str| {
        let policy = dir.path().join("policy.toml");
        std::fs::write(&policy, format!("out_of_distribution = \"allow\"\n[budget]\nnormal = {share}\n"))
            .unwrap();
        let settings = format!("set -euf\nDIFFRISK_POLICY={}\n{setting}", policy.display());
        std::fs::write(&hook, recipe.replacen("set -euf", &settings, 1)).unwrap();
    };
    install("", "1.0");
    let (is_in, said) = git(&work, &["push", "origin", "main"]);
    assert!(!is_in && said.contains("refs/heads/main needs extra validation"), "{said}");
    assert!(!said.contains("no decision on"), "an empty repository has no history, and no fault: {said}");
    install("", "0.0");
    must(&work, &["push", "-q", "origin", "main"]);
    commit("web.yaml", "timeout: 12\nreplicas: 3\n");
    commit("web.yaml", "timeout: 13\nreplicas: 3\n");
    install("", "1.0");
    let (is_in, said) = git(&work, &["push", "origin", "main"]);
    assert!(!is_in && said.contains("refs/heads/main needs extra validation"), "{said}");
    assert_eq!(said.matches("needs extra validation").count(), 3, "the whole and each commit: {said}");
    assert!(!said.contains("no decision on"), "what lies in the quarantine was found: {said}");
    install("DIFFRISK_ADVISORY=1", "1.0");
    let said = must(&work, &["push", "origin", "main:advised"]);
    assert!(said.contains("needs extra validation"), "{said}");
    install("", "0.0");
    must(&work, &["push", "origin", "main"]);
    must(&work, &["push", "origin", "main:other"]);
    must(&work, &["push", "origin", ":other"]);

    install("", "1.0");
    must(&work, &["commit", "-q", "--allow-empty", "-m", "start the build again"]);
    must(&work, &["push", "origin", "main"]);
    must(&work, &["commit", "-q", "--allow-empty", "--amend", "-m", "start the build once more"]);
    must(&work, &["push", "-f", "origin", "main"]);
    commit("web.yaml", "timeout: 14\nreplicas: 3\n");
    std::fs::write(work.join(".gitattributes"), "*.yaml -diff\n").unwrap();
    commit("web.yaml", "timeout: 14\nreplicas: 0\n");
    let (is_in, said) = git(&work, &["push", "origin", "main"]);
    assert!(!is_in && said.contains("replicas"), "what git was asked to leave out is shown: {said}");

    // Nor does the push show another commit than the one that others get.
    let opened = git2::Repository::open(&work).unwrap();
    let [bad, good] =
        ["HEAD", "origin/main"].map(|name| opened.revparse_single(name).unwrap().id().to_string());
    must(&work, &["replace", &bad, &good]);
    let (is_in, said) = git(&work, &["push", "origin", &format!("refs/replace/{bad}")]);
    assert!(!is_in && said.contains("another object"), "{said}");
    must(&bare, &["fetch", "-q", work.to_str().unwrap(), "main:side"]);
    must(&bare, &["replace", &bad, &good]);
    must(&bare, &["update-ref", "-d", "refs/heads/side"]);
    must(&work, &["replace", "-d", &bad]);
    let (is_in, said) = git(&work, &["push", "origin", "main"]);
    assert!(!is_in && said.contains("replicas"), "{said}");
    must(&bare, &["replace", "-d", &bad]);

    // Where a branch that rolls out goes and comes again, it rolls out something else.
    install("DIFFRISK_DEPLOYED=\"refs/heads/live refs/heads/prod*\"", "0.0");
    must(&work, &["push", "origin", "origin/main:refs/heads/live"]);
    let (is_in, said) = git(&work, &["push", "origin", ":live"]);
    assert!(
        !is_in
            && said
                .contains("refs/heads/live: the deletion of a branch that rolls out needs extra validation"),
        "{said}"
    );
    install("DIFFRISK_DEPLOYED=refs/heads/live", "1.0");
    must(&bare, &["update-ref", "-d", "refs/heads/live"]);
    must(&work, &["checkout", "-q", "-b", "aside", "origin/main~3"]);
    commit("web.yaml", "timeout: 99\nreplicas: 3\n");
    let (is_in, said) = git(&work, &["push", "origin", "aside:refs/heads/live"]);
    assert!(!is_in && said.contains("refs/heads/live needs extra validation"), "{said}");
    must(&work, &["push", "origin", "origin/main~3:refs/heads/elsewhere"]);
    // What stood there within the day is a rollback.
    let said = must(&work, &["push", "origin", "origin/main~3:refs/heads/live"]);
    assert!(said.contains("[rollback]"), "{said}");
    must(&work, &["checkout", "-q", "main"]);

    // Patterns are no names of files of the repository that lie there.
    install("", "0.0");
    must(&work, &["push", "origin", "aside:refs/heads/known"]);
    must(&bare, &["update-ref", "refs/heads/release/1", "refs/heads/main"]);
    install("DIFFRISK_DEPLOYED='refs/heads/release/*'", "1.0");
    let (is_in, said) = git(&work, &["push", "origin", "aside:refs/heads/release/2"]);
    assert!(!is_in && said.contains("refs/heads/release/2 needs extra validation"), "{said}");

    // A forced push of one commit is looked at beside its own parent, too.
    install("", "0.0");
    must(&work, &["checkout", "-q", "--orphan", "bare"]);
    must(&work, &["rm", "-q", "-r", "-f", "."]);
    commit("note.txt", "a note\n");
    must(&work, &["push", "origin", "bare:refs/heads/forced"]);
    must(&work, &["checkout", "-q", "-b", "danger", "origin/main"]);
    commit("web.yaml", "timeout: 13\nreplicas: 0\n");
    let (is_in, said) = git(&work, &["push", "-f", "origin", "danger:refs/heads/forced"]);
    assert!(!is_in && said.contains("replicas_to_zero"), "{said}");

    // A tree that names a path twice shows one file and checks out another.
    let blobs = ["web.yaml", "note.txt"].map(|file| {
        std::fs::write(work.join(file), format!("of {file}\n")).unwrap();
        opened.blob_path(&work.join(file)).unwrap()
    });
    let line = |blob: &git2::Oid| [b"100644 web.yaml\0", blob.as_bytes()].concat();
    let raw = blobs.iter().flat_map(line).collect::<Vec<u8>>();
    let tree = opened.odb().unwrap().write(git2::ObjectType::Tree, &raw).unwrap();
    let twice = format!("{tree}");
    must(
        &work,
        &["update-ref", "refs/heads/twice", &{
            let parent = opened.revparse_single("origin/main").unwrap().peel_to_commit().unwrap();
            let who = parent.author();
            let tree = opened.find_tree(git2::Oid::from_str(&twice).unwrap()).unwrap();
            opened.commit(None, &who, &who, "twice", &tree, &[&parent]).unwrap().to_string()
        }],
    );
    let (is_in, said) = git(&work, &["push", "origin", "twice"]);
    assert!(!is_in && said.contains("stands in its tree twice"), "{said}");
    must(&work, &["checkout", "-q", "-f", "main"]);

    install("", "0.0");
    must(&work, &["tag", "-a", "v1", "-m", "v1", "origin/main"]);
    must(&work, &["push", "origin", "v1"]);
    for held in ["HEAD^{tree}", "HEAD:web.yaml"] {
        must(&work, &["tag", "-f", "held", held]);
        let (is_in, said) = git(&work, &["push", "-f", "origin", "held"]);
        assert!(!is_in && said.contains("refs/tags/held: what it names is no commit"), "{said}");
    }
    must(&work, &["reset", "-q", "--hard", "origin/main"]);

    // A merge may hold what none of the merged commits does, and be gone from the end of the push.
    must(&work, &["checkout", "-q", "-b", "side"]);
    commit("other.yaml", "timeout: 1\n");
    must(&work, &["checkout", "-q", "main"]);
    must(&work, &["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    std::fs::write(work.join("web.yaml"), "timeout: 13\nreplicas: 0\n").unwrap();
    must(&work, &["commit", "-q", "-a", "--amend", "-m", "merge"]);
    commit("web.yaml", "timeout: 13\nreplicas: 3\n");
    let (is_in, said) = git(&work, &["push", "origin", "main"]);
    assert!(!is_in && said.contains("replicas"), "{said}");
    must(&work, &["reset", "-q", "--hard", "origin/main"]);
    commit("web.yaml", "timeout: 15\nreplicas: 3\n");
    let broken = "git() { [ \"$1\" != rev-list ] && command git \"$@\"; }";
    install(broken, "0.0");
    for name in ["main", "main:new"] {
        let (is_in, said) = git(&work, &["push", "origin", name]);
        assert!(!is_in && said.contains("no decision on"), "a git that fails knows nothing: {said}");
    }
}
