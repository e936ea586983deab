use super::*;

#[test]
fn a_policy_that_cannot_work_is_refused_by_line_or_key() {
    for (text, message) in [
        ("[budget]\nnormal = 0.1\n[[windw]]\n", "policy line 3, column 3: unknown field `windw`"),
        ("[budget]\nnormal = \"x\"\n", "policy line 2, column 10: invalid type: string \"x\", expected f64"),
        ("[budget]\nsensitive = 0.5\n", "policy key `budget`: has no `normal`"),
        ("[budget]\n", "policy key `budget`: has no `normal`"),
        ("[budget]\nnormal = nan\n", "policy key `budget.normal`: `NaN` is not a share"),
        ("mode = \"off\"\n", "policy line 1, column 8: unknown variant `off`"),
        (
            "[[window]]\nzone = \"UTC\"\nweekly = \"Fri 16:00/Mon 06:00\"\nseason = \"x\"\n",
            "policy key `window[0].season`: `x` has no share",
        ),
        (
            "[[window]]\nzone = \"Mars\"\nweekly = \"Fri 16:00/Mon 06:00\"\nseason = \"normal\"\n",
            "policy key `window[0].zone`",
        ),
        ("[[window]]\nzone = \"UTC\"\nhold = 0.5\n", "policy key `window[0].weekly`"),
        (
            "[[rule]]\nname = \"r\"\nwhen = 'change.path == 1'\nthen = \"hold\"\n",
            "policy rule `r` (`rule[0].when`): `change.path` is not known",
        ),
        (
            "[[rule]]\nname = \"r\"\nwhen = 'true'\nthen = \"fast_path\"\n",
            "policy key `rule[0].then`: a rule can raise",
        ),
        ("[[rule]]\nname = \"r\"\nwhen = 'true'\n", "policy key `rule[0]`: needs a `then` or a `require`"),
        ("[rollback]\ndecision = \"hold\"\n", "policy key `rollback.decision`"),
        (
            "[plan.fast_path]\nstages = [{percent = 5, bake = \"1m\"}, {percent = 1, bake = \"1m\"}]\n",
            "policy key `plan.fast_path.stages`: must grow",
        ),
        (
            "[plan.fast_path]\nstages = [{percent = 5, bake = \"1m\"}]\n",
            "policy key `plan.fast_path.stages`: must end at 100",
        ),
        (
            "[plan.fast_path]\nstages = [{percent = 5}, {percent = 100}]\n",
            "policy key `plan.fast_path.stages[0]`: needs a `bake`",
        ),
        ("expires_after = \"0s\"\n", "policy key `expires_after`"),
        ("expires_after = \"1 hour\"\n", "policy key `expires_after`"),
        ("[repository.a]\nbudget = { night = 0.1 }\n", "policy key `repository.a.budget`"),
    ] {
        let error = Policy::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(message), "{text}\n{error}");
    }
}

#[test]
fn a_file_that_says_nothing_is_no_policy() {
    for text in [
        "",
        "\n \n",
        "# nothing left\n\n  # here\n",
        "\u{feff}\r\n",
        "\u{feff}# later\n",
        "rule = []\n[hazards]\n",
    ] {
        let error = Policy::parse(text).unwrap_err().to_string();
        assert!(error.starts_with("policy key `budget`: the file says nothing"), "{text}: {error}");
    }
    assert_eq!(Policy::parse("mode = \"shadow\"\n").unwrap().budget["normal"], 0.10);
}

#[test]
fn the_published_policy_says_what_the_defaults_are() {
    let published = Policy::default_published();
    assert!(published.policy_digest().starts_with("sha256:"));
    assert_eq!(published.plan_percents(Verdict::FastPath), [1, 5, 25, 100]);
    let bare = Policy::parse("[budget]\nnormal = 0.10\n").unwrap();
    assert_eq!(published.expires_after, bare.expires_after);
    assert_eq!(published.history_stale_after, bare.history_stale_after);
    assert_eq!(published.unknown_repository, bare.unknown_repository);
    assert_eq!(published.budget["normal"], bare.budget["normal"]);
}

impl Policy {
    fn plan_percents(&self, verdict: Verdict) -> Vec<u8> {
        self.plans[verdict as usize].stages.iter().map(|stage| stage.percent).collect()
    }
}
