use super::*;

fn answer(when: &str) -> Match {
    Rule::compile(when).unwrap().evaluate(&RuleFacts::made_up())
}

#[test]
fn rules_see_the_change_the_risk_and_the_context() {
    for (when, expected) in [
        (r#"change.paths.exists(p, p.startsWith("services/"))"#, Match::Yes),
        (r#"change.paths.exists(p, p.startsWith("auth/"))"#, Match::No),
        (r#"change.keys.all(k, k.contains("timeout"))"#, Match::Yes),
        (r#"change.author.endsWith("example.org>") && change.repo == "config""#, Match::Yes),
        (r#"change.email.endsWith("@example.org")"#, Match::Yes),
        ("change.lines_added + change.lines_deleted > 1", Match::Yes),
        (r#""@team" in change.owners"#, Match::Yes),
        (r#"size(change.owners) == 0"#, Match::No),
        ("risk.percentile > 49", Match::Yes),
        ("risk.percentile >= 50.0 && risk.score < 1", Match::Yes),
        (r#"risk.gate_level in ["weekend", "yellow"]"#, Match::No),
        (r#"has(context.environment) && context.environment == "production""#, Match::No),
        (r#"change.kind != "rollback""#, Match::Yes),
        (
            r#"change.paths.exists(p, change.keys.exists(k, p.contains("web") && k.contains("web")))"#,
            Match::Yes,
        ),
        (r#"size(change.paths.filter(p, p.endsWith(".yaml"))) == 1"#, Match::Yes),
    ] {
        assert_eq!(answer(when), expected, "{when}");
    }
}

#[test]
fn a_bad_rule_is_refused_when_the_policy_is_loaded() {
    for (when, needle) in [
        ("change.pathz.exists(p, true)", "`change.pathz` is not known"),
        ("risk.level == 'red'", "`risk.level` is not known"),
        ("change.kind == 'rolback'", "`change.kind` is never `rolback`; it is one of `ordinary`"),
        ("'Weekend' != risk.gate_level", "`risk.gate_level` is never `Weekend`"),
        ("risk.gate_level in ['weekend', 'orange']", "never `orange`"),
        ("risk.gate_level >= 'yellow'", "the words of `risk.gate_level` have no order"),
        ("'ordinary' < change['kind']", "the words of `change.kind` have no order"),
        ("change['kind'] == 'rolback'", "`change.kind` is never `rolback`"),
        ("risk['gate_level'] in ['orange']", "never `orange`"),
        ("change.paths == 'auth/login.yaml'", "`change.paths` is a list and never equals a text"),
        ("change.lines_added == '1'", "`change.lines_added` is a number and never equals a text"),
        ("'35' != risk.percentile", "`risk.percentile` is a number"),
        ("change.kind == 1", "`change.kind` is a text and never equals a number"),
        ("change.email == 'Ada@example.org'", "`change.email` is in lower case"),
        ("change.email.endsWith('@Example.org')", "`change.email` is in lower case"),
        ("has(context.more) && context.more.vip == true", "`context.NAME`"),
        ("chnge.paths == []", "`chnge` is not known"),
        ("change.paths.exists(p, q == 'x')", "`q` is not known"),
        ("change.author.matches('x')", "function `matches` is not known"),
        ("change.lines_added", "not with yes or no"),
        ("change.lines_added > 'a'", ""),
        ("change.paths.exists(p, ", ""),
        ("", ""),
        ("[1].exists(a, [1].exists(b, [1].exists(c, true)))", "nests more than 2 loops"),
        ("change.paths.startsWith('x')", ""),
    ] {
        let message = Rule::compile(when).unwrap_err();
        assert!(message.contains(needle) && !message.is_empty(), "{when}: {message}");
        assert!(!message.contains('\n'), "{when}: {message}");
    }
    assert!(Rule::compile(&format!("true || {}", "true || ".repeat(1000))).is_err());
}

#[test]
fn what_cannot_be_answered_is_a_failure_and_not_a_no() {
    assert_eq!(
        answer("context.environment == 'test'"),
        Match::Failed("there is no `environment`".to_owned())
    );
    assert!(matches!(answer("change.paths[7] == 'x'"), Match::Failed(_)));
    let rule = Rule::compile("risk.percentile > 99.0").unwrap();
    assert!(rule.reads_risk);
    let facts = RuleFacts { risk: None, ..RuleFacts::made_up() };
    assert!(matches!(rule.evaluate(&facts), Match::Failed(_)));
}

/// CEL calls values of two sorts unequal, and a rule would be silent.
#[test]
fn a_part_of_the_context_of_another_sort_is_a_failure() {
    let answer = |when: &str, value: Value| {
        let context = vec![("tier".to_owned(), value)];
        Rule::compile(when).unwrap().evaluate(&RuleFacts { context, ..RuleFacts::made_up() })
    };
    let text = |text: &str| Value::String(text.to_owned().into());
    for when in ["context.tier == '1'", "'1' == context['tier']", "context.tier in ['1', '2']"] {
        assert_eq!(answer(when, text("1")), Match::Yes, "{when}");
        assert!(matches!(answer(when, Value::Float(1.0)), Match::Failed(_)), "{when}");
        assert!(matches!(answer(when, Value::Bool(true)), Match::Failed(_)), "{when}");
    }
    assert_eq!(answer("context.tier == 1 || context.tier == '1'", text("1")), Match::Yes);
    // What holds all the same holds.
    assert_eq!(answer("change.lines_added > 0 || context.tier == '1'", Value::Float(1.0)), Match::Yes);
    assert_eq!(answer("context.tier != '1'", Value::Float(1.0)), Match::Yes);
    for when in [
        "context.tier > 5 || context.tier == 'many'",
        "context.tier == change.lines_added + 1 || context.tier == 'x'",
        "type(context.tier) == string && context.tier == 'a'",
    ] {
        assert_eq!(answer(when, Value::Float(4.0)), Match::No, "{when}");
    }
    assert!(matches!(answer("context.tier == true", text("true")), Match::Failed(_)));
}

#[test]
fn of_a_change_that_was_not_read_no_rule_says_no() {
    let rules = ["change.paths.exists(p, p.startsWith('auth/'))", "context.tier == 'x'"]
        .map(|when| Rule::compile(when).unwrap());
    let context = vec![("tier".to_owned(), Value::String("y".to_owned().into()))];
    let read = |reading| {
        let facts = RuleFacts { reading, context: context.clone(), ..RuleFacts::made_up() };
        rules.each_ref().map(|rule| rule.evaluate(&facts))
    };
    assert_eq!(read(Reading::Whole), [Match::No, Match::No]);
    assert!(matches!(read(Reading::Unread), [Match::Failed(_), Match::No]));
    assert!(matches!(read(Reading::TooLong), [Match::TooLarge(_), Match::No]));
}

#[test]
fn a_change_too_large_for_a_rule_is_a_failure() {
    let rule = Rule::compile("change.paths.exists(p, change.keys.exists(k, k == p))").unwrap();
    let many = |prefix: &str| (0..5_000).map(|idx| format!("{prefix}{idx}")).collect::<Vec<_>>();
    let facts = RuleFacts { paths: many("p"), keys: many("k"), ..RuleFacts::made_up() };
    assert!(matches!(rule.evaluate(&facts), Match::TooLarge(_)));
    let rule = Rule::compile("change.paths.exists(p, p.endsWith('p4999'))").unwrap();
    assert_eq!(rule.evaluate(&facts), Match::Yes);
    let rule = Rule::compile("size(change.paths.filter(p, p.endsWith('9'))) == 500").unwrap();
    assert_eq!(rule.evaluate(&facts), Match::Yes);
}

#[test]
fn of_more_keys_than_were_read_no_rule_over_keys_says_no() {
    let more = || RuleFacts { has_more_keys: true, ..RuleFacts::made_up() };
    let over_keys = Rule::compile("change.keys.exists(k, k == 'x')").unwrap();
    assert_eq!(over_keys.evaluate(&RuleFacts::made_up()), Match::No);
    assert!(matches!(over_keys.evaluate(&more()), Match::TooLarge(_)));
    let over_paths = Rule::compile("change.paths.exists(p, p == 'x')").unwrap();
    assert_eq!(over_paths.evaluate(&more()), Match::No);
}

#[test]
fn texts_that_are_searched_or_copied_count_by_their_length() {
    let many = (0..2_000).map(|idx| format!("p{idx}")).collect::<Vec<_>>();
    let with_note = |n_bytes: usize| RuleFacts {
        paths: many.clone(),
        context: vec![("note".to_owned(), Value::String("x".repeat(n_bytes).into()))],
        ..RuleFacts::made_up()
    };
    for when in
        ["change.paths.exists(p, context.note.contains(p))", "change.paths.exists(p, context.note + p == p)"]
    {
        let rule = Rule::compile(when).unwrap();
        assert_eq!(rule.evaluate(&with_note(1_000)), Match::No, "{when}");
        assert!(matches!(rule.evaluate(&with_note(1_000_000)), Match::TooLarge(_)), "{when}");
    }
}

/// A stack that is used up ends the process, whatever catches panics.
#[test]
fn an_expression_that_nests_too_deeply_is_refused_and_a_long_one_is_not() {
    let refused = [
        format!("[1]{} == 1", "[0]".repeat(1_300)),
        format!("{}true", "!(true && ".repeat(300)) + &")".repeat(300),
        format!("{}1{} > 0", "size([".repeat(500), "])".repeat(500)),
        format!("{}1{} == {{}}", "{1:".repeat(900), "}".repeat(900)),
        format!("{}true{}", "(true ? ".repeat(300), " : false)".repeat(300)),
        format!("{}{} == []", "[".repeat(2_000), "]".repeat(2_000)),
        format!("change{}", ".a".repeat(1_900)),
    ];
    for when in refused {
        let why = Rule::compile(&when).unwrap_err();
        assert!(!why.is_empty() && why.len() < 1_000, "{why}");
    }
    let why = Rule::compile(&format!("{}true{}", "(".repeat(200), ")".repeat(200))).unwrap_err();
    assert!(why.ends_with("nests too deeply"), "{why}");
    let long = vec!["change.lines_added > 1000"; 140].join(" || ");
    assert!(Rule::compile(&long).is_ok());
}
