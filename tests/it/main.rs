//! Every integration test is a module of this one binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alternatives;
mod architecture;
mod artifact_damage;
mod bad_input;
mod cli;
mod cli_store;
mod custom_features;
mod danger;
mod dangerous_pairs;
mod dataset;
mod dependencies;
mod docs;
mod explain;
mod explain_words;
mod features;
mod fuzz;
mod git_damage;
mod git_script;
mod git_walk;
mod hazards;
mod http_doubts;
mod http_fake;
mod http_faults;
mod http_limits;
mod http_live;
mod http_pages;
mod http_routes;
mod http_score;
mod http_wire;
mod joins;
mod labels;
mod learners;
mod metamorphic;
mod model_watch;
mod moments;
mod no_look_ahead;
mod policy;
mod postgres;
mod process;
mod protocols;
mod recipes;
mod references;
mod replicas;
mod repo_watch;
mod secrets;
mod service_log;
mod store;
mod store_away;
mod store_claims;
mod store_copies;
mod store_forgery;
mod store_heads;
mod store_sync;
mod store_tamper;
mod surroundings;
mod suspects;
mod tables;
mod timeline;
mod tools;
mod training;

/// Notes why a test cannot run on this machine; `scripts/test` prints the reasons at its end.
fn skip(reason: &str) {
    use std::io::Write;
    println!("skipped: {reason}");
    let notes = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("skipped");
    let mut notes = std::fs::OpenOptions::new().create(true).append(true).open(notes).unwrap();
    writeln!(notes, "{reason}").unwrap();
}
