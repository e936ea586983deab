//! What would lower the risk: every kind of alternative is told where less is really asked for, and
//! nowhere else.

use diffrisk::explain::{Alternative, AlternativeKind};
use diffrisk::git::UnitChoice;
use diffrisk::http::live::RepositoryConfig;
use diffrisk::http::{Local, LocalSources};
use diffrisk::policy::Verdict;
use serde_json::json;

use crate::git_script::{Files, Script};

/// A while after the last commit of the script: a Friday.
const NOW: i64 = 1_600_430_400;

/// `app.yaml` and `chart.yaml` always change together, `docs.md` by itself.
fn history(with_chart: bool) -> Script {
    let mut script = Script::new();
    let mut parents = Vec::new();
    for n in 0..12 {
        let app = format!("image: v{n}\ntimeout: 30s\n");
        let chart = format!("version: 1.{n}\n");
        let docs = format!("step {}\n", n / 2);
        let all: Files<'_> =
            &[("app.yaml", app.as_bytes()), ("chart.yaml", chart.as_bytes()), ("docs.md", docs.as_bytes())];
        parents = vec![script.commit_at(n, &format!("release {n}"), all, &parents)];
    }
    let app = "image: v11\ntimeout: 30s\n".as_bytes();
    let left: Files<'_> = &[("app.yaml", app), ("docs.md", b"step 5\n"), ("chart.yaml", b"version: 1.11\n")];
    let head = script.commit_at(12, "tidy up", if with_chart { left } else { &left[..2] }, &parents);
    script.set_main(head);
    script
}

/// The alternatives to a proposal, and what was decided on it.
fn alternatives(script: &Script, policy: &str, diff: &str) -> (Verdict, Vec<Alternative>) {
    owned_alternatives(script, "", policy, diff)
}

/// The same where paths have owners.
fn owned_alternatives(
    script: &Script,
    owners: &str,
    policy: &str,
    diff: &str,
) -> (Verdict, Vec<Alternative>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.toml");
    std::fs::write(&path, policy).unwrap();
    let owners_path = directory.path().join("CODEOWNERS");
    std::fs::write(&owners_path, owners).unwrap();
    let config = RepositoryConfig {
        name: "config".into(),
        path: script.path().to_owned(),
        unit: UnitChoice::Commit,
        owners: (!owners.is_empty()).then_some(owners_path),
        incidents: None,
    };
    let sources = LocalSources { repository: Some(&config), policy: Some(&path), ..LocalSources::default() };
    let local = Local::open(sources, &directory.path().join("cache"), NOW, &|_| {}).unwrap();
    assert!(local.refused().is_empty(), "{:?}", local.refused());
    let change =
        json!({ "repo": "config", "author": "a <a@example.org>", "message": "change", "diff": diff });
    let body = json!({ "change": change }).to_string();
    let explanation = local.explained(body.as_bytes(), NOW * 1000).unwrap().1;
    (explanation.headline.verdict, explanation.alternatives)
}

fn file(path: &str, old: &str, new: &str) -> String {
    format!("--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-{old}\n+{new}\n")
}

fn rule(when: &str) -> String {
    format!(
        "[budget]\nnormal = 0.0\n[[rule]]\nname = \"odd\"\nwhen = '{when}'\nthen = \"extra_validation\"\n"
    )
}

/// Nothing is stopped but by hazards.
const NO_BUDGET: &str = "[budget]\nnormal = 0.0\n";

/// Whether the kind is told, with a verdict that is really softer.
fn is_told(kind: AlternativeKind, (verdict, alternatives): &(Verdict, Vec<Alternative>)) -> bool {
    let told = alternatives.iter().find(|alternative| alternative.kind == kind);
    told.is_some_and(|told| {
        assert!(told.verdict.unwrap() <= *verdict, "{told:?}");
        told.verdict.unwrap() < *verdict
    })
}

#[test]
fn splitting_a_file_out_is_told_where_the_rest_then_passes() {
    let script = history(true);
    let both = file("docs.md", "step 5", "step 6") + &file("app.yaml", "image: v11", "image: v12");
    let on_app = rule("change.paths.exists(p, p == \"app.yaml\")");
    assert!(is_told(AlternativeKind::SplitFile, &alternatives(&script, &on_app, &both)));
    let on_both = rule("change.paths.exists(p, p == \"app.yaml\" || p == \"docs.md\")");
    assert!(
        !is_told(AlternativeKind::SplitFile, &alternatives(&script, &on_both, &both)),
        "the rest is stopped too"
    );
    let on_pair = rule("size(change.paths) == 2");
    assert!(
        !is_told(AlternativeKind::SplitFile, &alternatives(&script, &on_pair, &both)),
        "a split that lets everything through is a game"
    );
    assert!(alternatives(&script, NO_BUDGET, &both).1.is_empty(), "nothing is asked for");
}

/// It passes for what it takes back; a part of it would have to be proved anew.
#[test]
fn a_rollback_is_told_no_part_of_itself() {
    let mut script = Script::new();
    let before: Files<'_> = &[("app.yaml", b"image: v11\n"), ("docs.md", b"step 5\n")];
    let after: Files<'_> = &[("app.yaml", b"image: v12\n"), ("docs.md", b"step 6\n")];
    let first = script.commit_at(0, "begin", before, &[]);
    let second = script.commit_at(110, "go on", after, &[first]);
    script.set_main(second);
    let policy = rule("change.paths.exists(p, p == \"app.yaml\")");
    let back = file("docs.md", "step 6", "step 5") + &file("app.yaml", "image: v12", "image: v11");
    let found = alternatives(&script, &policy, &back);
    assert!(found.0 == Verdict::ExtraValidation && found.1.is_empty(), "{found:?}");
    let forth = file("docs.md", "step 6", "step 7") + &file("app.yaml", "image: v12", "image: v13");
    assert!(is_told(AlternativeKind::SplitFile, &alternatives(&script, &policy, &forth)));
}

#[test]
fn splitting_an_edit_out_is_told_where_the_rest_then_passes() {
    let script = history(true);
    let diff = "--- a/app.yaml\n+++ b/app.yaml\n@@ -1,2 +1,2 @@\n-image: v11\n-timeout: 30s\n+image: v12\n+timeout: 29s\n";
    let on_key = rule("change.keys.exists(k, k == \"timeout\")");
    assert!(is_told(AlternativeKind::SplitEdit, &alternatives(&script, &on_key, diff)));
    let on_both = rule("change.keys.exists(k, k == \"timeout\" || k == \"image\")");
    assert!(!is_told(AlternativeKind::SplitEdit, &alternatives(&script, &on_both, diff)));
}

#[test]
fn a_smaller_step_is_told_where_the_large_one_is_stopped() {
    let script = history(true);
    for (old, new, first) in
        [("rollout_percent: 1", "rollout_percent: 100", "50 %"), ("timeout: 30s", "timeout: 3s", "`9s`")]
    {
        let found = alternatives(&script, NO_BUDGET, &file("app.yaml", old, new));
        assert!(is_told(AlternativeKind::SmallerStep, &found), "{old} to {new}: {found:?}");
        let step = found.1.iter().find(|it| it.kind == AlternativeKind::SmallerStep).unwrap();
        assert!(step.text.starts_with(&format!("Go to {first} first")), "{step:?}");
    }
    for (old, new) in [("rollout_percent: 1", "rollout_percent: 5"), ("timeout: 30s", "timeout: 29s")] {
        let found = alternatives(&script, NO_BUDGET, &file("app.yaml", old, new));
        assert!(found.1.is_empty(), "{old} to {new}: {found:?}");
    }
    let always = rule("true");
    let found = alternatives(&script, &always, &file("app.yaml", "timeout: 30s", "timeout: 3s"));
    assert!(!is_told(AlternativeKind::SmallerStep, &found), "every step is stopped: {found:?}");
}

#[test]
fn an_alternative_to_a_rename_still_touches_what_the_owners_of_the_old_path_own() {
    let script = history(true);
    let diff = "diff --git a/app.yaml b/web.yaml\nsimilarity index 60%\nrename from app.yaml\nrename to web.yaml\n\
                --- a/app.yaml\n+++ b/web.yaml\n@@ -1,2 +1,2 @@\n image: v11\n-timeout: 30s\n+timeout: 3s\n";
    let of_owners = rule("\"@app\" in change.owners");
    for (owners, is_freed) in
        [("app.yaml @app\n", false), ("web.yaml @app\n", false), ("docs.md @app\n", true)]
    {
        let found = owned_alternatives(&script, owners, &of_owners, diff);
        assert_eq!(is_told(AlternativeKind::SmallerStep, &found), is_freed, "{owners}: {found:?}");
    }
}

#[test]
fn another_time_is_told_where_a_window_holds_the_change_now() {
    let script = history(true);
    let window = |from: &str, to: &str| {
        format!(
            "{NO_BUDGET}[[window]]\nname = \"freeze\"\nfrom = \"{from}\"\nto = \"{to}\"\nzone = \"UTC\"\nseason = \"normal\"\nhold = 1.0\n"
        )
    };
    let diff = file("docs.md", "step 5", "step 6");
    let held = alternatives(&script, &window("2020-09-18T00:00", "2020-09-21T06:00"), &diff);
    assert_eq!(held.0, Verdict::Hold);
    assert!(is_told(AlternativeKind::AnotherTime, &held), "{held:?}");
    assert!(held.1[0].text.contains("Monday, 21 September 2020, 06:00 UTC"), "{held:?}");
    // A softer hour that ends soon is told with its end.
    for minute in ["06:10", "09:10"] {
        let again = window(&format!("2020-09-21T{minute}"), "2020-09-22T06:00").replace(NO_BUDGET, "");
        let windows = window("2020-09-18T00:00", "2020-09-21T06:00") + &again.replace("freeze", "again");
        let twice = alternatives(&script, &windows, &diff);
        let told = format!("06:00 UTC until Monday, 21 September 2020, {minute} UTC");
        assert!(twice.1[0].text.contains(&told), "{twice:?}");
    }
    let later = alternatives(&script, &window("2020-10-18T00:00", "2020-10-21T06:00"), &diff);
    assert!(!is_told(AlternativeKind::AnotherTime, &later), "no window is in force: {later:?}");
    let long = alternatives(&script, &window("2020-09-18T00:00", "2020-12-21T06:00"), &diff);
    assert!(!is_told(AlternativeKind::AnotherTime, &long), "three months are no advice: {long:?}");
}

#[test]
fn the_usual_partner_is_named_where_it_is_absent_and_in_the_repository() {
    let script = history(true);
    let alone = file("app.yaml", "image: v11", "image: v12");
    let without_chart =
        rule("change.paths.exists(p, p == \"app.yaml\") && !change.paths.exists(p, p == \"chart.yaml\")");
    let found = alternatives(&script, &without_chart, &alone);
    assert!(is_told(AlternativeKind::IncludePartner, &found), "{found:?}");
    assert!(found.1[0].text.starts_with("See whether `chart.yaml` must change as well"), "{found:?}");
    let both = alone.clone() + &file("chart.yaml", "version: 1.11", "version: 1.12");
    assert!(!is_told(AlternativeKind::IncludePartner, &alternatives(&script, &without_chart, &both)));
    let always = rule("true");
    assert!(
        !is_told(AlternativeKind::IncludePartner, &alternatives(&script, &always, &alone)),
        "it helps nothing"
    );
    let gone = history(false);
    assert!(
        !is_told(AlternativeKind::IncludePartner, &alternatives(&gone, &without_chart, &alone)),
        "a file that is there no longer has no name"
    );
}
