//! The recipes of `deploy/` as a pipeline runs them, and a configuration that is checked before it is used.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::git_script::Script;
use crate::process::serve;

fn recipe(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)).unwrap()
}

/// Lines that stand deeper than the one before them, without their own indentation.
fn block_after<'a>(text: &'a str, line: &str) -> Vec<&'a str> {
    let (before, rest) = text.split_once(line).unwrap_or_else(|| panic!("no `{line}`"));
    let depth = |line: &str| line.len() - line.trim_start().len();
    let own = before.len() - before.rfind('\n').map_or(0, |end| end + 1);
    let lines = rest.lines().skip(1).take_while(|line| line.trim().is_empty() || depth(line) > own);
    let lines: Vec<&str> = lines.collect();
    let inner = lines.first().map_or(0, |line| depth(line));
    lines.into_iter().map(|line| line.get(inner..).unwrap_or("")).collect()
}

/// A clone with a branch of one change, which asks git to show nothing of it; answers its directory and the commit that it
/// branched from.
fn pipeline(dir: &Path) -> (PathBuf, String) {
    let work = dir.join("work");
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=A", "-c", "user.email=a@example.org"]).args(args).current_dir(&work);
        git.env("GIT_AUTHOR_NAME", OsStr::from_bytes(b"Andr\xe9"));
        let output = git.output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    std::fs::create_dir_all(work.join("prod")).unwrap();
    git(&["init", "-q", "-b", "main"]);
    // A submodule that moves along, and a message that looks like an option and is too long for one.
    let message = dir.join("message");
    std::fs::write(&message, format!("--fix: another number of copies\n\n{}", "why ".repeat(50_000)))
        .unwrap();
    let commit = |replicas: u8| {
        std::fs::write(work.join("web.yaml"), format!("replicas: {replicas}\n")).unwrap();
        let submodule = format!("160000,{},prod", (replicas + 1).to_string().repeat(40));
        git(&["add", "-A"]);
        git(&["update-index", "--add", "--cacheinfo", &submodule]);
        git(&["commit", "-q", "-F", message.to_str().unwrap()]);
        git(&["rev-parse", "HEAD"])
    };
    let base = commit(3);
    git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    git(&["checkout", "-q", "-b", "change"]);
    std::fs::write(work.join(".gitattributes"), "*.yaml -diff\n").unwrap();
    let ignored = "[submodule \"prod\"]\n\tpath = prod\n\turl = https://example.org/prod\n\tignore = all\n";
    std::fs::write(work.join(".gitmodules"), ignored).unwrap();
    commit(0);
    // Names that git takes for others, and a link in the place of the file that a recipe may write.
    git(&["tag", "origin/main"]);
    std::os::unix::fs::symlink("/dev/null", work.join("change.diff")).unwrap();
    (work, base)
}

fn run(script: &str, work: &Path, environment: &[(&str, &str)]) -> Output {
    let own = Path::new(env!("CARGO_BIN_EXE_diffrisk")).parent().unwrap();
    let here = std::env::var_os("PATH").unwrap();
    let path = [own.to_owned()].into_iter().chain(std::env::split_paths(&here));
    let mut shell = Command::new("bash");
    shell.args(["-e", "-o", "pipefail", "-c", script]).current_dir(work).envs(environment.iter().copied());
    shell.env("PATH", std::env::join_paths(path).unwrap()).output().unwrap()
}

/// A change that a hazard rule catches is told as extra validation, whoever runs the gate.
fn check_extra_validation(output: &Output) {
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(10), "{said}");
    assert!(said.contains("replicas_to_zero") && said.contains("in `prod`"), "{said}");
}

#[test]
fn the_recipes_of_pipelines_ask_about_the_change_and_end_with_its_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let service = serve(dir.path(), &[], &[]);
    let server = format!("http://{}", service.address);
    let (work, base) = pipeline(dir.path());
    let here = dir.path().to_str().unwrap();
    let key_file = dir.path().join("key");
    std::fs::write(&key_file, "drk_none").unwrap();

    let script = block_after(&recipe("github-actions.yml"), "run: |").join("\n");
    let github = [
        ("DIFFRISK_SERVER", server.as_str()),
        ("DIFFRISK_KEY", "drk_none"),
        ("RUNNER_TEMP", here),
        ("GITHUB_BASE_REF", "main"),
        ("PROPOSED", "HEAD"),
        ("GITHUB_REPOSITORY", "shop/config"),
    ];
    check_extra_validation(&run(&script, &work, &github));

    let text = recipe("gitlab-ci.yml");
    let lines = block_after(&text, "script:").into_iter().filter(|line| !line.starts_with('#'));
    let steps =
        lines.map(|line| line.strip_prefix("- ").map_or(format!(" {line}"), |step| format!("\n{step}")));
    let gitlab = [
        ("DIFFRISK_SERVER", server.as_str()),
        ("DIFFRISK_KEY_FILE", key_file.to_str().unwrap()),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base),
        ("CI_PROJECT_NAME", "config"),
    ];
    let steps = steps.collect::<String>();
    check_extra_validation(&run(&steps, &work, &gitlab));
    // Where the merge of the two branches is tried out, its commit is nobody's change.
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.args([
            "-C",
            work.to_str().unwrap(),
            "-c",
            "user.name=GitLab",
            "-c",
            "user.email=gitlab@example.org",
        ]);
        let output = command.args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let source = git(&["rev-parse", "HEAD"]);
    let merge = git(&["commit-tree", "HEAD^{tree}", "-p", &base, "-p", &source, "-m", "Merge branch"]);
    git(&["reset", "-q", "--hard", &merge]);
    let branches = [
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", source.as_str()),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", &base),
    ];
    let script = format!("trap 'cp \"$message\" ../said' EXIT\n{steps}");
    check_extra_validation(&run(&script, &work, &[&gitlab[..], &branches].concat()));
    let said = std::fs::read_to_string(dir.path().join("said")).unwrap();
    assert!(said.starts_with("--fix: another number of copies"), "{said}");
    assert!(text.contains("exit_codes: [10]"), "extra validation does not break the pipeline");
}

#[test]
fn in_shadow_mode_the_gate_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("policy.toml"),
        "[budget]\nnormal = 0.1\n[repository.config]\nmode = \"shadow\"\n",
    )
    .unwrap();
    let service = serve(dir.path(), &["--policy", "policy.toml"], &[]);
    let (work, base) = pipeline(dir.path());
    let gate = |name: &str| {
        let ask = "git diff --text -U3 \"$BASE\" HEAD > ../change.diff; diffrisk gate --server \"$SERVER\" --name \"$NAME\" --diff ../change.diff";
        let server = format!("http://{}", service.address);
        let output = run(ask, &work, &[("BASE", &base), ("SERVER", &server), ("NAME", name)]);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = gate("config");
    assert!(
        code == Some(0) && said.contains("extra_validation") && said.contains("replicas_to_zero"),
        "{said}"
    );
    assert_eq!(gate("another").0, Some(10));
}

#[test]
fn a_configuration_is_checked_whole_before_it_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let check = |config: &str| {
        std::fs::write(dir.path().join("diffrisk.toml"), config).unwrap();
        let mut serve = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
        serve.args(["serve", "--config", "diffrisk.toml", "--check-config"]).current_dir(dir.path());
        let output = serve.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (config, named) in [
        ("[store]\nretention_days = 0\n", "`retention_days` is at least 1"),
        ("[server]\ndrain_seconds = 9000000000000000000\n", "`drain_seconds` is longer than 366 days"),
        ("[limits]\nconcurrent = 9000000000000000000\n", "`concurrent` is more than 1024"),
        ("[store]\nurls = \"postgres://u:hunter2-horse@h/d\"\n", "line 2 (`urls`): unknown field `urls`"),
    ] {
        let (code, said) = check(config);
        assert!(code == Some(4) && said.contains(named) && !said.contains("hunter2"), "{said}");
    }
    let (code, said) = check("[server]\nlisten = \"127.0.0.1:0\"\n");
    assert_eq!(code, Some(0), "{said}");
    assert!(!dir.path().join("diffrisk.db").exists(), "nothing is opened for writing");
    std::fs::write(dir.path().join("policy.toml"), "[budget]\nnormal = 7.0\n").unwrap();
    let faulty = "[server]\nlisten = \"0.0.0.0:0\"\n[policy]\npath = \"policy.toml\"\n[model]\npath = \"nowhere\"\n\
                  [tls]\ncertificate = \"none.pem\"\nkey = \"none.pem\"\n[[repository]]\nname = \"a\"\npath = \"none\"\n";
    let (code, said) = check(faulty);
    assert_eq!(code, Some(4), "{said}");
    for fault in ["auth.keys", "policy.path", "model.path", "tls", "repository `a`"] {
        assert!(said.contains(fault), "{fault} is not named: {said}");
    }
    let (mut script, owners) = (Script::new(), dir.path().join("owners"));
    let first = script.commit("first", &[("a", b"1\n")], &[]);
    script.set_main(first);
    let sound = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[[repository]]\nname = \"a\"\npath = \"{}\"\n",
        script.path().display()
    );
    let with = |more: &str| format!("{sound}{more}\n");
    assert_eq!(check(&sound).0, Some(0));
    let (code, said) = check(&with("owners = \"nowhere\""));
    assert!(code == Some(4) && said.contains("repository `a`: `nowhere` is neither a file nor"), "{said}");
    std::fs::write(&owners, "/a[ @team\n").unwrap();
    let (code, said) = check(&with("owners = \"owners\""));
    assert!(code == Some(4) && said.contains("repository `a`: `owners`: "), "{said}");
    std::fs::write(&owners, "/a @team\n").unwrap();
    assert_eq!(check(&with("owners = \"owners\"")).0, Some(0));
    for (faulty, named) in [
        ("[telemetry]\notlp = \"ftp://x\"", "telemetry.otlp: `ftp://x`"),
        ("[telemetry]\notlp = \"http\"", "telemetry.otlp: `http`"),
        ("[limits]\nconnections = 0", "line 7 (`connections`): "),
        ("[limits]\nrequests_per_second = 0", "line 7 (`requests_per_second`): "),
        ("[store]\nurl = \"postgres://a@b:port/c\"", "store.url: "),
        ("[store]\nurl = \"sqlite://nowhere/log.db\"", "store.url: cannot read the directory `nowhere`"),
        ("[store]\nstem = \"nowhere/log\"", "store.url: cannot read the directory `nowhere`"),
        ("[[repository]]\nname = \"\"\npath = \"b\"", "the repository `b` needs a `name`"),
    ] {
        let (code, said) = check(&with(faulty));
        assert!(code == Some(4) && said.contains(named), "{faulty}: {said}");
    }
    let (code, said) = check("cache = \"policy.toml/cache\"\n");
    assert!(code == Some(4) && said.contains("cache: `policy.toml/cache` cannot be used"), "{said}");
    let mut serve = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
    serve.args(["serve", "--connections", "0", "--store", "memory", "--listen", "127.0.0.1:0"]);
    assert_eq!(serve.output().unwrap().status.code(), Some(2), "nobody could ever ask");
    let (code, said) = check("[server]\nlisten_on = \"127.0.0.1:0\"\n");
    assert!(code == Some(4) && said.contains("listen_on"), "{said}");
}
