//! The words of a change that weigh most, where the model reads words: named where they stand, and they add up.

use std::path::Path;
use std::sync::Arc;

use diffrisk::artifact::{Artifact, Golden, Twins, published};
use diffrisk::explain::{Explanation, Style, markdown, terminal};
use diffrisk::features::schema;
use diffrisk::history::{TokenKind, token_of};
use diffrisk::http::{Local, LocalSources};
use diffrisk::model::{Target, TextMember, TextParams};
use diffrisk::scorer::{ReferenceMargins, Scorer};
use serde_json::json;

const NOW_MS: i64 = 1_800_000_000_000;

fn overload() -> u32 {
    token_of(TokenKind::Added, "Overload")
}

/// The published artifact with a member that has learned that "overload" goes wrong and "harmless" does not.
fn artifact_with_words() -> Artifact {
    let (bad, good) = ([overload()], [token_of(TokenKind::Added, "harmless")]);
    let rows: Vec<&[u32]> = (0..40).map(|idx| if idx % 2 == 0 { &bad[..] } else { &good[..] }).collect();
    let target = Target { y: (0..40).map(|idx| idx % 2 == 0).collect(), weight: vec![1.0; 40] };
    let learner = TextParams::default().check().unwrap().fit(&rows, &target).unwrap();
    let mut document = published().unwrap().document().clone();
    document.scoring.ensemble.text = Some(TextMember { weight: 2.0, learner });
    let scoring = document.scoring.clone();
    let answer = |golden: Golden| {
        let (margin, score) = scoring.score(&golden.row(), &golden.tokens);
        Golden { margin, score, ..golden }
    };
    document.golden = document.golden.into_iter().map(answer).collect();
    Artifact::new(document, "# With words\n".to_owned(), &Twins::default()).unwrap()
}

fn explained(artifact: &Artifact, added: &str) -> Explanation {
    let dir = tempfile::tempdir().unwrap();
    let model: &Path = &dir.path().join("model");
    artifact.save(model).unwrap();
    let sources = LocalSources { model: Some(model), ..LocalSources::default() };
    let local = Local::open(sources, &dir.path().join("cache"), NOW_MS / 1000, &|_| {}).unwrap();
    let diff = format!("--- a/web.yaml\n+++ b/web.yaml\n@@ -1 +1,2 @@\n mode: plain\n+{added}\n");
    let change = json!({ "repo": "new", "author": "a <a@example.org>", "message": "mode", "diff": diff });
    local.explained(json!({ "change": change }).to_string().as_bytes(), NOW_MS).unwrap().1
}

#[test]
fn a_word_that_weighs_is_named_where_it_stands() {
    let artifact = artifact_with_words();
    let explanation = explained(&artifact, "policy: overload");
    let words = &explanation.diff.as_ref().unwrap().words;
    assert_eq!(words.len(), 1, "{words:?}");
    assert!(words[0].word == "overload" && words[0].contribution > 0.05, "{words:?}");
    let said = "Of its words these weigh most: `overload` in an added line (× ";
    for text in [terminal(&explanation, Style::Plain), markdown(&explanation)] {
        assert!(text.contains(said), "{text}");
    }
    assert!(explained(&artifact, "policy: other").diff.unwrap().words.is_empty());
}

#[test]
fn the_words_add_up_to_what_the_model_makes_of_them() {
    let artifact = artifact_with_words();
    let scorer = Scorer::new(Arc::new(artifact)).unwrap();
    let tokens = [overload(), token_of(TokenKind::Added, "harmless"), 12];
    let vector = vec![f32::NAN; schema().n_values()];
    let assessment = scorer.assess(&vector, &tokens, &ReferenceMargins::default()).assessment;
    let together =
        assessment.contributions.iter().find(|it| it.feature == "tokens").map_or(0.0, |it| it.contribution);
    let sum: f64 = scorer.token_contributions(&tokens).iter().map(|(_, share)| share).sum();
    assert!((sum - together).abs() < 1e-9, "{sum} {together}");
    let without = Scorer::new(Arc::clone(&published().unwrap())).unwrap();
    assert!(without.token_contributions(&tokens).is_empty(), "the published model reads no words");
}
