use std::collections::BTreeSet;

use crate::change::{ChangeRecord, FileDiff, FileStatus, KeyChange, KeyChangeKind};
use crate::policy::hazard::edit::{Around, Edit};
use crate::policy::hazard::place::Place;
use crate::policy::hazard::rule::{HazardRule, Look, Sphere, hazard_rules};
use crate::policy::hazard::shown;

/// A rule that fired on a change; the first place where it did.
#[derive(Clone, Debug)]
pub struct Hazard {
    /// The rule.
    pub rule: &'static HazardRule,
    /// The file.
    pub path: String,
    /// The key.
    pub key: String,
    /// The edit in words, such as `3` → `0`; without secrets.
    pub edit: String,
    /// How many more edits of the change the same rule fired on.
    pub n_more: usize,
}

impl Hazard {
    /// One sentence for people: what, where, and by which rule.
    pub fn text(&self) -> String {
        let more = match self.n_more {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let Self { rule, path, edit, .. } = self;
        let key = if self.key.is_empty() { String::new() } else { format!("`{}` ", self.key) };
        format!("{}: {key}{edit} in `{path}`{more} (hazard rule `{}`)", rule.sentence, rule.name)
    }
}

/// Asks every rule but those switched off; one hazard a rule, in the order of the rules.
///
/// `keys` are the typed edits of each file by its path, `environment` is what the request says about
/// the rollout, for edits whose key and path name none.
pub fn find_hazards(
    record: &ChangeRecord,
    keys: &[(String, Vec<KeyChange>)],
    environment: Option<&str>,
    off: &BTreeSet<&str>,
) -> Vec<Hazard> {
    let rules: Vec<_> = hazard_rules().filter(|rule| !off.contains(rule.name)).collect();
    let mut found: Vec<Option<Hazard>> = rules.iter().map(|_| None).collect();
    let rollout = environment.map_or(Place::Unknown, Place::of_text);
    let mut around = Around { added_leaves: added_leaves(keys), ..Around::default() };
    for (file_diff, key_changes) in with_keys(record, keys) {
        let of_file = Place::of_path(file_diff.path()).or(|| rollout);
        around.removed_paths = removed_paths(key_changes);
        around.removed_elements = removed_elements(key_changes);
        for (rule, slot) in rules.iter().zip(&mut found) {
            if let Look::File(look) = rule.look
                && looks_at(rule.sphere, of_file)
                && let Some(finding) = look(file_diff)
            {
                note(slot, || hazard(rule, file_diff, finding.key, finding.what));
            }
        }
        let is_prose = is_prose(file_diff);
        for key_change in key_changes.iter().filter(|key_change| is_read(is_prose, key_change)) {
            let place = Place::of_text(&key_change.path).or(|| of_file);
            let edit = Edit::new((key_change, file_diff), &around);
            for (rule, slot) in rules.iter().zip(&mut found) {
                if let Look::Edit(is_hit) = rule.look
                    && looks_at(rule.sphere, place)
                    && is_hit(&edit)
                {
                    note(slot, || hazard(rule, file_diff, &shown::key(key_change), shown::edit(key_change)));
                }
            }
        }
    }
    found.into_iter().flatten().collect()
}

fn is_prose(file_diff: &FileDiff) -> bool {
    const PROSE: [&str; 5] = [".md", ".rst", ".html", ".adoc", ".svg"];
    PROSE.iter().any(|ending| file_diff.path().ends_with(ending))
}

/// Whether the rules over edits read this one: prose about dangerous values is not one, but a secret in
/// it is.
fn is_read(is_prose_file: bool, key_change: &KeyChange) -> bool {
    let is_prose =
        is_prose_file || matches!(key_change.leaf.as_str(), "description" | "summary" | "comment" | "help");
    key_change.kind == KeyChangeKind::Secret || (key_change.is_substantial() && !is_prose)
}

fn looks_at(sphere: Sphere, place: Place) -> bool {
    match sphere {
        Sphere::Everywhere => true,
        Sphere::OutsideTests => place != Place::Test,
        Sphere::Production => place == Place::Production,
    }
}

/// Keeps the first hazard of a rule and counts the others.
fn note(slot: &mut Option<Hazard>, hazard: impl FnOnce() -> Hazard) {
    match slot {
        Some(first) => first.n_more += 1,
        None => *slot = Some(hazard()),
    }
}

fn hazard(rule: &'static HazardRule, file_diff: &FileDiff, key: &str, edit: String) -> Hazard {
    Hazard { rule, path: shown::path(file_diff.path()), key: key.to_owned(), edit, n_more: 0 }
}

/// Each file with its edits; the two lists go by the same order, and a path that is in neither place
/// has none.
fn with_keys<'a>(
    record: &'a ChangeRecord,
    keys: &'a [(String, Vec<KeyChange>)],
) -> impl Iterator<Item = (&'a FileDiff, &'a [KeyChange])> {
    record.files.iter().enumerate().map(|(idx, file_diff)| {
        let is_own = |(path, _): &&(String, Vec<KeyChange>)| path == file_diff.path();
        let own = keys.get(idx).filter(is_own).or_else(|| keys.iter().find(is_own));
        (file_diff, own.map_or(&[] as &[_], |(_, key_changes)| key_changes.as_slice()))
    })
}

fn added_leaves(keys: &[(String, Vec<KeyChange>)]) -> rustc_hash::FxHashSet<&str> {
    let all = keys.iter().flat_map(|(_, key_changes)| key_changes);
    let added = all.filter(|key_change| key_change.kind == KeyChangeKind::Added);
    added.map(|key_change| key_change.leaf.as_str()).collect()
}

fn removed_paths(key_changes: &[KeyChange]) -> rustc_hash::FxHashSet<&str> {
    let removed = key_changes.iter().filter(|key_change| key_change.kind == KeyChangeKind::Removed);
    removed.map(|key_change| key_change.path.as_str()).collect()
}

fn removed_elements(key_changes: &[KeyChange]) -> Vec<(&str, &str)> {
    let removed = key_changes.iter().filter(|key_change| key_change.kind == KeyChangeKind::ListRemove);
    removed.filter_map(|key_change| Some((key_change.path.as_str(), key_change.old.as_deref()?))).collect()
}

/// Whether the lines of a file are all there to be read.
pub(super) fn is_whole(file_diff: &FileDiff) -> bool {
    let (n_added, n_deleted) = file_diff.n_lines();
    let is_deleted = file_diff.status == FileStatus::Deleted;
    is_deleted || n_added + n_deleted <= crate::change::MAX_KEY_LINES
}
