//! What the documents say about the project is held to the project.

use std::collections::BTreeMap;
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

/// Calls of the command in a document, in code or in a sentence, each up to where it ends.
fn calls(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices("diffrisk ").filter(|(at, _)| {
        let before = text[..*at].chars().next_back();
        before.is_none_or(|c| c == '`' || c == '\n' || c == ' ' || c == '/')
    });
    starts.map(|(at, name)| text[at + name.len()..].split(['`', '\n', '|', ';', '"']).next().unwrap_or(""))
}

/// Help texts by command, asked for once each.
#[derive(Default)]
struct Helps(BTreeMap<String, String>);

impl Helps {
    fn of(&mut self, names: &[&str]) -> &str {
        let asked = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_diffrisk"));
            String::from_utf8(command.args(names).arg("--help").output().unwrap().stdout).unwrap()
        };
        self.0.entry(names.join(" ")).or_insert_with(asked)
    }

    fn has_command(&mut self, names: &[&str], word: &str) -> bool {
        self.of(names).contains(&format!("\n  {word} "))
    }

    fn has_flag(&mut self, names: &[&str], flag: &str) -> bool {
        let words = self.of(names).split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        words.into_iter().any(|word| word == flag)
    }
}

#[test]
fn every_flag_in_the_documents_is_one_of_its_command() {
    let (mut helps, mut unknown, mut n_flags) = (Helps::default(), Vec::new(), 0);
    for path in markdown_files().into_iter().filter(|path| !path.ends_with("CHANGELOG.md")) {
        let text = fs::read_to_string(&path).unwrap();
        for call in calls(&text) {
            let words: Vec<&str> = call.split_whitespace().collect();
            let Some(&command) = words.first().filter(|word| helps.has_command(&[], word)) else { continue };
            let mut names = vec![command];
            names.extend(words.get(1).filter(|word| helps.has_command(&[command], word)));
            for word in words.iter().filter(|word| word.starts_with("--") && word.len() > 2) {
                let flag: String =
                    word.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
                n_flags += 1;
                if !helps.has_flag(&names, &flag) {
                    unknown.push(format!("{}: `diffrisk {} … {flag}`", path.display(), names.join(" ")));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    assert!(n_flags > 40, "only {n_flags} flags were found: are calls still recognized?");
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
