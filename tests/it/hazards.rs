//! The hazard rules from outside: their document, the policy file, and that they raise a decision.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use diffrisk::policy::{Policy, hazard_rules};

/// The table of rules as docs/HAZARDS.md shows it.
fn table() -> String {
    let mut table =
        "| rule | reason | where | fires when | for example |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for rule in hazard_rules() {
        let (place, example) = (rule.sphere.in_words(), rule.example.replace('|', "\\|"));
        writeln!(table, "| `{}` | `{}` | {place} | {} | {example} |", rule.name, rule.code, rule.sentence)
            .unwrap();
    }
    table
}

#[test]
fn the_document_lists_the_rules_as_they_are() {
    const MARKS: [&str; 2] = ["<!-- rules -->\n", "<!-- end of rules -->\n"];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/HAZARDS.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(MARKS[0]).unwrap();
    let (_, after) = rest.split_once(MARKS[1]).unwrap();
    let expected = format!("{before}{}\n{}\n{}{after}", MARKS[0], table(), MARKS[1]);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    assert!(fs::read_to_string(path).unwrap() == expected, "docs/HAZARDS.md is stale");
}

#[test]
fn rules_are_switched_off_by_name_and_unknown_names_refused() {
    let policy = |extra: &str| Policy::parse(&format!("[budget]\nnormal = 0.1\n{extra}"));
    assert!(policy("[hazards]\noff = [\"debug_on\"]").is_ok());
    assert!(policy("[repository.a]\nhazards = { off = [\"debug_on\"] }").is_ok());
    let refused = |extra: &str| policy(extra).unwrap_err().to_string();
    assert_eq!(
        refused("[hazards]\noff = [\"debug_off\"]"),
        "policy key `hazards.off`: `debug_off` is no hazard rule; docs/HAZARDS.md lists them"
    );
    assert!(refused("[repository.a]\nhazards = { off = [\"x\"] }").contains("`repository.a.hazards.off`"));
    assert!(refused("[hazards]\non = []").contains("unknown field `on`"));
}
