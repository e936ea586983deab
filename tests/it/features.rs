//! The schema: its documentation, its names, its size.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use diffrisk::features::{Trend, schema};

fn document() -> String {
    let schema = schema();
    let mut text = format!(
        "# Features\n\nGenerated from the schema; `UPDATE_DOCS=1 cargo test --test it features::` writes it anew.\n\n\
         {} features, {} values in a vector: the features in this order, then, for each that is no flag, its rank\n\
         within the last 1,000 changes under the same name with `.rank` behind it. Unknown is null, never zero.\n\
         Where `risk` names a direction, the boosted trees are held to it; the logistic member weighs what moves\n\
         together and may lean the other way, so that the whole may, a little.\n\
         Schema hash `{}`.\n",
        schema.features.len(),
        schema.n_values(),
        schema.hash()
    );
    let mut group = "";
    for spec in &schema.features {
        if spec.group.as_str() != group {
            group = spec.group.as_str();
            write!(text, "\n## {group}\n\n| name | unit | revision | risk | meaning |\n| --- | --- | --- | --- | --- |\n")
                .unwrap();
        }
        let trend = match spec.trend {
            Trend::Free => "",
            Trend::Rising => "rises with it",
            Trend::Falling => "falls with it",
        };
        writeln!(
            text,
            "| `{}` | {} | {} | {trend} | {} |",
            spec.name,
            spec.unit.as_str(),
            spec.revision,
            spec.sentence.replace('|', "\\|")
        )
        .unwrap();
    }
    text
}

#[test]
fn the_features_document_says_what_the_schema_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/FEATURES.md");
    let expected = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    assert!(fs::read_to_string(path).unwrap() == expected, "docs/FEATURES.md is stale");
}

#[test]
fn every_feature_has_a_name_of_its_own_and_a_sentence() {
    let schema = schema();
    let names: BTreeSet<&str> = schema.features.iter().map(|spec| spec.name).collect();
    assert_eq!(names.len(), schema.features.len());
    assert!(schema.features.len() >= 120);
    for spec in &schema.features {
        assert!(spec.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", spec.name);
        let starts_well = spec.sentence.starts_with(|c: char| c.is_uppercase());
        assert!(starts_well && !spec.sentence.ends_with('.'), "{}: {}", spec.name, spec.sentence);
    }
}
