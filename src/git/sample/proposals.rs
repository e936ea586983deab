//! Changes that the sample leaves unlanded, for the demo to score, as diffs against its last state.

use git2::Patch;

use crate::git::sample::people::{PEOPLE, Person};
use crate::git::sample::start::{FLAG_FILES, service_path};
use crate::git::sample::tree::{Edit, Tree};

/// A change that nobody landed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Name of its file beside the repository.
    pub file_name: String,
    /// Who proposes it, as `Name <address>`.
    pub author: String,
    /// Its message.
    pub message: String,
    /// Its unified diff against the newest commit.
    pub diff: String,
}

/// A harmless change and three that deserve a look.
pub(super) fn proposals(tree: &Tree) -> Vec<Proposal> {
    let [regular, newcomer] = [&PEOPLE[1], &PEOPLE[11]];
    let note = tree.edit(
        &service_path("catalog", "staging"),
        "runtime.#note",
        Some("Sized for the nightly import.".to_owned()),
    );
    let timeout =
        tree.edit(&service_path("payments", "production"), "upstream.timeout", Some("1s".to_owned()));
    let replicas = tree.edit(&service_path("auth", "production"), "runtime.replicas", Some("0".to_owned()));
    let mut proposals = vec![
        proposal(tree, "harmless", regular, "catalog: explain the staging values", note),
        proposal(tree, "timeout", newcomer, "payments: set upstream timeout to 1s in production", timeout),
        proposal(tree, "capacity", newcomer, "auth: run 0 replicas in production", replicas),
    ];
    proposals
        .extend(full_rollout(tree).map(|(name, edit)| {
            proposal(tree, "rollout", regular, &format!("flags: {name} to 100 %"), edit)
        }));
    proposals
}

/// A flag that is open to few, opened to everybody.
fn full_rollout(tree: &Tree) -> Option<(String, Edit)> {
    let is_small = |path: &str, key: &str| {
        let percent = tree.value(path, key).and_then(|value| value.parse::<u32>().ok());
        key.ends_with(".percent") && percent.is_some_and(|percent| percent <= 5)
    };
    FLAG_FILES.iter().find_map(|path| {
        let key = tree.keys(path).find(|key| is_small(path, key))?;
        let name = key.trim_end_matches(".percent").to_owned();
        Some((name, tree.edit(path, key, Some("100".to_owned()))))
    })
}

fn proposal(tree: &Tree, name: &str, person: &Person, message: &str, edit: Edit) -> Proposal {
    let mut changed = tree.clone();
    changed.apply(&edit);
    Proposal {
        file_name: format!("{name}.diff"),
        author: format!("{} <{}>", person.name, person.email),
        message: message.to_owned(),
        diff: diff(&edit.path, &tree.render(&edit.path), &changed.render(&edit.path)),
    }
}

/// The diff of one file; empty where git cannot make one, which it always can of two short texts.
fn diff(path: &str, old: &str, new: &str) -> String {
    let path = std::path::Path::new(path);
    let patch = Patch::from_buffers(old.as_bytes(), Some(path), new.as_bytes(), Some(path), None);
    let buf = patch.and_then(|mut patch| patch.to_buf());
    buf.map(|buf| String::from_utf8_lossy(&buf).into_owned()).unwrap_or_default()
}
