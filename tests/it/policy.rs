//! The policy from outside: what the documents say about it is held to it.

use std::fs;
use std::path::Path;

use diffrisk::policy::{DEFAULT_POLICY, Policy, ReasonCode};

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

/// The code blocks of a document in one language.
fn blocks<'a>(text: &'a str, language: &'a str) -> impl Iterator<Item = &'a str> {
    let fence = "```";
    text.split(fence).skip(1).step_by(2).filter_map(move |block| {
        let (first, body) = block.split_once('\n')?;
        (first.trim() == language).then_some(body)
    })
}

#[test]
fn every_example_in_the_document_is_a_policy() {
    let text = document("POLICY.md");
    let mut n_examples = 0;
    for example in blocks(&text, "toml") {
        let budget =
            if example.contains("[budget]") { "" } else { "\n[budget]\nnormal = 0.1\nsensitive = 0.5\n" };
        Policy::parse(&format!("{example}{budget}")).unwrap_or_else(|error| panic!("{error}\n{example}"));
        n_examples += 1;
    }
    assert!(n_examples >= 5);
}

#[test]
fn the_document_shows_the_published_policy_and_every_reason_code() {
    let text = document("POLICY.md");
    assert!(text.contains(DEFAULT_POLICY), "docs/POLICY.md does not show src/policy/default.toml as it is");
    for code in ReasonCode::ALL {
        let row =
            format!("| `{code}` | {} | {} |", if code.degrades() { "yes" } else { "" }, code.sentence());
        assert!(text.contains(&row), "docs/POLICY.md lacks\n{row}");
    }
}
