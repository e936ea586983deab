//! What the documents say about the project is held to the project.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Tracked files, or none where this is not a git work tree.
fn tracked_files() -> Vec<PathBuf> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().unwrap();
    let names = String::from_utf8(output.stdout).unwrap();
    names.split('\0').filter(|name| !name.is_empty()).map(|name| root().join(name)).collect()
}

fn markdown_files() -> Vec<PathBuf> {
    let is_markdown = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    tracked_files().into_iter().filter(is_markdown).collect()
}

/// Targets of `[text](target)` links.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for path in markdown_files() {
        let text = fs::read_to_string(&path).unwrap();
        for link in links(&text).filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let target = path.parent().unwrap().join(link.split('#').next().unwrap());
            if !target.exists() {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_readme_opens_with_the_two_commands() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let first_screen: String = readme.lines().take(40).collect::<Vec<_>>().join("\n");
    assert!(first_screen.contains("cargo run --release -- demo") && first_screen.contains("scripts/test"));
}

#[test]
fn changelog_entries_begin_with_their_kind() {
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let kinds = ["- New: ", "- Changed: ", "- Fixed: ", "- Docs: "];
    let entries = changelog.lines().filter(|line| line.starts_with("- "));
    let odd: Vec<_> = entries.filter(|entry| !kinds.iter().any(|kind| entry.starts_with(kind))).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    let markers = ["work", "root", "home"].map(|directory| format!("/{directory}/"));
    let mut found = Vec::new();
    for path in tracked_files() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let names_machine = |line: &&str| markers.iter().any(|marker| starts_a_path(line, marker));
        found.extend(text.lines().filter(names_machine).map(|line| format!("{}: {line}", path.display())));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Whether a path begins with this directory: a word stands behind it and none before it.
fn starts_a_path(line: &str, marker: &str) -> bool {
    line.match_indices(marker).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + marker.len()..].chars().next();
        !before.is_some_and(|c| c.is_alphanumeric() || "_.)}".contains(c))
            && after.is_some_and(char::is_alphabetic)
    })
}
