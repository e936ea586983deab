//! Holds the code to the table of who may import whom, in the order of the data.
//!
//! A forbidden import means that a type is in the wrong module: move the type, do not widen the
//! table. A new module is a new row here and in `docs/ARCHITECTURE.md`, in the same commit.

mod scan;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use scan::{Source, check_source};

/// One row: a module, what it may import (the words of the document), whether it does I/O.
pub struct ModuleRow {
    module: &'static str,
    may_import: &'static str,
    io: &'static str,
}

const fn row(module: &'static str, may_import: &'static str, io: &'static str) -> ModuleRow {
    ModuleRow { module, may_import, io }
}

/// The modules in the order of the data; each may use rows above it only.
const TABLE: [ModuleRow; 22] = [
    row("change", "–", "no"),
    row("risk", "–", "no"),
    row("suspect", "risk", "no"),
    row("model", "–", "no"),
    row("evaluation", "–", "no"),
    row("git", "change", "files"),
    row("incident", "change", "files"),
    row("label", "change, incident", "no"),
    row("history", "change, incident, label", "no"),
    row("features", "change, label, history", "no"),
    row("timeline", "change, git, incident, label, history, features", "files"),
    row("dataset", "change, label, features", "files"),
    row("mining", "change, git, label, history, features, timeline, dataset", "files"),
    row("artifact", "features, model, evaluation, risk", "files"),
    row("train", "dataset, features, model, evaluation, artifact, risk, suspect", "no"),
    row("scorer", "change, label, history, features, model, artifact, risk", "no"),
    row("policy", "change, label, risk", "no"),
    row("explain", "change, label, history, features, model, artifact, risk, scorer, policy", "no"),
    row("store", "change, incident, risk, policy", "disk"),
    row("http", "all above but train, dataset, evaluation, model", "network"),
    row("cli", "any public module", "all"),
    row("main", "any public module", "all"),
];

/// Crates that have one home each: the crate as code names it, and the modules it may appear in.
const HOMES: [(&str, &[&str]); 10] = [
    ("git2", &["git"]),
    ("polars", &["dataset"]),
    ("linfa", &["model"]),
    ("linfa_logistic", &["model"]),
    ("smartcore", &["model"]),
    ("sqlx", &["store"]),
    ("axum", &["http"]),
    ("tower", &["http"]),
    ("cel", &["policy"]),
    ("clap", &["cli", "main"]),
];

/// What a row's words allow.
fn allowed(idx: usize) -> BTreeSet<&'static str> {
    let above = || TABLE[..idx].iter().map(|row| row.module);
    match TABLE[idx].may_import {
        "–" => BTreeSet::new(),
        "any public module" => TABLE.iter().map(|row| row.module).collect(),
        words => match words.strip_prefix("all above but ") {
            Some(but) => above().filter(|module| !but.split(", ").any(|word| word == *module)).collect(),
            None => words.split(", ").collect(),
        },
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a directory, sorted.
fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(rust_files(&path)),
            false if path.extension().is_some_and(|extension| extension == "rs") => files.push(path),
            false => {}
        }
    }
    files.sort();
    files
}

/// The names that a crate root declares with `mod`.
fn declared_modules(root_file: &str) -> Vec<String> {
    let name = |line: &str| line.trim_start_matches("pub ").strip_prefix("mod ").map(str::to_owned);
    root_file.lines().filter_map(name).map(|name| name.trim_end_matches(';').to_owned()).collect()
}

#[test]
fn every_import_is_in_the_table() {
    let mut faults = Vec::new();
    for path in rust_files(&root().join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        let relative = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap().to_owned();
        faults.extend(check_source(&Source { path: relative, text }));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What a file owns, what it must never do, where to start reading: the first thing that its reader sees.
#[test]
fn every_file_says_first_what_it_owns() {
    let is_of_tests =
        |path: &Path| path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests");
    let source = root().join("src");
    let files =
        rust_files(&source).into_iter().filter(|path| !is_of_tests(path.strip_prefix(&source).unwrap()));
    let silent: Vec<PathBuf> =
        files.filter(|path| !fs::read_to_string(path).unwrap().starts_with("//! ")).collect();
    assert!(silent.is_empty(), "no `//!` at the top of {silent:#?}");
}

#[test]
fn every_module_has_a_row_and_every_row_a_module() {
    let read = |name: &str| fs::read_to_string(root().join("src").join(name)).unwrap();
    let mut modules = declared_modules(&read("lib.rs"));
    modules.extend(declared_modules(&read("main.rs")));
    modules.push("main".to_owned());
    let modules: BTreeSet<&str> = modules.iter().map(String::as_str).collect();
    let rows: BTreeSet<&str> = TABLE.iter().map(|row| row.module).collect();
    let without_row: Vec<_> = modules.difference(&rows).collect();
    let without_module: Vec<_> = rows.difference(&modules).collect();
    assert!(without_row.is_empty(), "modules without a row: {without_row:?}");
    assert!(without_module.is_empty(), "rows without a module: {without_module:?}");
}

#[test]
fn the_table_goes_one_way() {
    for (idx, row) in TABLE.iter().enumerate().filter(|(_, row)| row.may_import != "any public module") {
        let above: BTreeSet<&str> = TABLE[..idx].iter().map(|row| row.module).collect();
        let below: Vec<_> = allowed(idx).difference(&above).copied().collect();
        assert!(below.is_empty(), "`{}` may import {below:?}, which is not above it", row.module);
    }
}

#[test]
fn the_document_shows_the_same_table() {
    let document = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    let rows: Vec<Vec<String>> = document.lines().filter(|line| line.starts_with("| `")).map(cells).collect();
    let shown: Vec<[&str; 3]> = rows.iter().map(|row| [&*row[0], &*row[2], &*row[3]]).collect();
    let modules: Vec<String> = TABLE.iter().map(|row| format!("`{}`", row.module)).collect();
    let held = TABLE.iter().zip(&modules).map(|(row, module)| [&**module, row.may_import, row.io]);
    assert_eq!(shown, held.collect::<Vec<_>>());
}

#[test]
fn the_checker_finds_what_is_forbidden() {
    let cases = [
        ("change/mod.rs", "use crate::risk::RiskScore;", "`change` may not import `risk`"),
        ("change/a/b.rs", "fn f() { crate::git::open(); }", "`change` may not import `git`"),
        ("policy/rules.rs", "use crate::{change, label};", "`use crate::{`"),
        ("policy/rules.rs", "use super::super::change;", "`super::super`"),
        ("policy/mod.rs", "use super::model::Matrix;", "`policy` may not import `model`"),
        ("risk.rs", "use super::model::Matrix;", "`risk` may not import `model`"),
        ("policy/mod.rs", "use crate::nowhere::X;", "`nowhere` has no row"),
        ("unheard.rs", "", "`unheard` has no row"),
        ("train/mod.rs", "use polars::prelude::*;", "`polars` belongs in dataset"),
        ("train/mod.rs", "fn f(x: sqlx::Pool) {}", "`sqlx` belongs in store"),
        ("policy/mod.rs", "let now = SystemTime::now();", "`SystemTime::now`"),
        ("change/mod.rs", "use std::fs;", "`std::fs`"),
    ];
    for (path, text, expected) in cases {
        let faults = check_source(&Source { path: path.to_owned(), text: text.to_owned() });
        assert!(faults.len() == 1 && faults[0].contains(expected), "{path}: {text} gave {faults:?}");
    }
}

#[test]
fn the_checker_lets_pass_what_is_allowed() {
    let cases = [
        ("label/mod.rs", "use crate::change::Change;\nuse crate::label::detector::X;"),
        ("label/mod.rs", "//! See [`crate::store`].\n/* crate::http */ // crate::git\nfn f() {}"),
        (
            "label/mod.rs",
            r##"let text = "crate::store \" sqlx::"; let raw = r#"crate::http"#; let c = '"';"##,
        ),
        ("label/tests.rs", "use super::detector::X; fn f<'a>(x: &'a str) {}"),
        ("git/mod.rs", "use git2::Repository; use std::fs;"),
        ("change/mod.rs", "use super::*; let my_polars = 1; self.axum::<u8>();"),
        ("policy/rule/tests.rs", "let started = Instant::now();"),
        ("cli/mine.rs", "use clap::Args; use diffrisk::dataset::Rows; use crate::cli::output;"),
    ];
    for (path, text) in cases {
        let faults = check_source(&Source { path: path.to_owned(), text: text.to_owned() });
        assert!(faults.is_empty(), "{path}: {text} gave {faults:?}");
    }
}
