//! Asks every hazard rule about every edit and file of a change, and keeps where each rule fires first. What a file
//! is too large to be read for is said, not passed over. Start at [`find_hazards`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::change::{
    ChangeRecord, FileDiff, FileStatus, KeyChange, KeyChangeKind, LineOrigin, inner_changes,
};
use crate::policy::hazard::bytes::holds;
use crate::policy::hazard::edit::{Around, Edit, EmptyList, MAX_LEFT};
use crate::policy::hazard::line::Line;
use crate::policy::hazard::place::Place;
use crate::policy::hazard::rule::{EditLook, FileLook, HazardRule, Look, Sphere, hazard_rules};
use crate::policy::hazard::shown;
use crate::policy::reason::ReasonCode;

/// A rule that fired on a change, where it did first and where else.
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
    /// The number of its line; none for a whole file.
    pub line: Option<u32>,
    /// Everywhere that the rule fired, this place before the others.
    pub spots: Vec<Spot>,
}

/// A place in a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spot {
    /// Position of the file in the record.
    pub file_idx: usize,
    /// Positions of the hunk and of the line in it; none for a whole file.
    pub line: Option<(usize, usize)>,
}

impl Hazard {
    /// One sentence for people: what, where, and by which rule.
    pub fn text(&self) -> String {
        let more = match self.spots.len() {
            0 | 1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let Self { rule, path, edit, .. } = self;
        let what = match (self.key.as_str(), self.line) {
            ("", Some(line)) => format!("{edit} in line {line} of `{path}`"),
            ("", None) => format!("{edit} in `{path}`"),
            (key, _) => format!("`{key}` {edit} in `{path}`"),
        };
        format!("{}: {what}{more} (hazard rule `{}`)", rule.sentence, rule.name)
    }
}

/// The mode of a symbolic link in a tree.
const LINK: u32 = 0o120_000;

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
    let rollout = environment.map_or(Place::Unknown, Place::of_text);
    let files: Vec<_> =
        with_keys(record, keys).map(|(file_diff, known)| FileEdits::of(file_diff, known, record)).collect();
    let mut around = Around { record: Some(record), added_leaves: added_leaves(&files), ..Around::default() };
    let mut asked = Asked { fired: BTreeMap::new(), seen: FxHashSet::default(), off };
    for (file_idx, file_edits) in files.iter().enumerate() {
        let of_file = Place::of_path(file_edits.file_diff.path()).or(|| rollout);
        around.removed_paths = removed_paths(file_edits);
        around.removed_elements = removed_elements(file_edits);
        around.empty_lists = empty_lists(file_edits.file_diff);
        asked.ask_file((file_idx, file_edits), of_file);
        asked.ask_edits((file_idx, file_edits), of_file, &around);
    }
    asked.fired.into_values().collect()
}

/// The rules by what they look at.
#[derive(Default)]
struct Rules {
    over_files: Vec<Ordered<FileLook>>,
    over_edits: Vec<Ordered<EditLook>>,
    /// Those over edits that are silent where one of the others fires.
    general: Vec<Ordered<EditLook>>,
}

/// A rule, its position among all, and how it looks.
struct Ordered<F> {
    rule_idx: usize,
    rule: &'static HazardRule,
    look: F,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let mut rules = Rules::default();
    for (rule_idx, rule) in hazard_rules().enumerate() {
        match rule.look {
            Look::File(look) => rules.over_files.push(Ordered { rule_idx, rule, look }),
            Look::Edit(look) if rule.is_general => rules.general.push(Ordered { rule_idx, rule, look }),
            Look::Edit(look) => rules.over_edits.push(Ordered { rule_idx, rule, look }),
        }
    }
    rules
});

/// The rules that fired, in their order.
struct Asked<'a> {
    fired: BTreeMap<usize, Hazard>,
    /// Where each did: one line has several readings.
    seen: FxHashSet<(usize, Spot)>,
    off: &'a BTreeSet<&'a str>,
}

impl Asked<'_> {
    /// Asks the rules over whole files.
    fn ask_file(&mut self, (file_idx, file_edits): (usize, &FileEdits<'_>), of_file: Place) {
        for Ordered { rule_idx, rule, look } in &RULES.over_files {
            if !self.off.contains(rule.name)
                && looks_at(rule.sphere, of_file)
                && let Some(finding) = look(file_edits)
            {
                let spot = Spot { file_idx, line: None };
                self.note(*rule_idx, spot, || {
                    hazard(rule, (file_edits.file_diff, spot), finding.key, finding.what)
                });
            }
        }
    }

    /// Asks the rules over edits about those of a file; the general ones last, and not about a line that another rule told of.
    fn ask_edits(
        &mut self,
        (file_idx, file_edits): (usize, &FileEdits<'_>),
        of_file: Place,
        around: &Around<'_>,
    ) {
        let file_diff = file_edits.file_diff;
        let is_prose = is_prose(file_diff);
        let read: Vec<_> = file_edits.all().filter(|key_change| is_read(key_change)).collect();
        let on_one_line =
            |a: &&KeyChange, b: &&KeyChange| (a.hunk_idx, a.line_idx) == (b.hunk_idx, b.line_idx);
        let by_line = read.chunk_by(on_one_line);
        let mut lines = Vec::with_capacity(read.len());
        lines.extend(by_line.filter_map(|edits| Some((Line::of(edits.first()?, file_diff), edits))));
        let on_lines =
            lines.iter().flat_map(|(line, edits)| edits.iter().map(move |edit| (line, *edit, *edits)));
        let mut edits = Vec::with_capacity(read.len());
        edits.extend(on_lines.map(|(line, key_change, of_line)| PlacedEdit {
            edit: Edit::new((key_change, file_diff), line, around),
            spot: Spot { file_idx, line: Some((key_change.hunk_idx, key_change.line_idx)) },
            place: Place::of_key(&key_change.path, of_file),
            is_text: is_prose || is_said(key_change) || is_part_of_said(key_change, of_line),
        }));
        let mut told = FxHashSet::default();
        for placed in &edits {
            if self.ask_edit(placed, &RULES.over_edits) {
                told.insert(placed.spot);
            }
        }
        for placed in &edits {
            if !told.contains(&placed.spot) && self.ask_edit(placed, &RULES.general) {
                told.insert(placed.spot);
            }
        }
    }

    /// Whether one of the rules fires, be it one that is switched off: the general ones have nothing to say then, either.
    fn ask_edit(&mut self, placed: &PlacedEdit<'_>, rules: &[Ordered<EditLook>]) -> bool {
        let Edit { key_change, file_diff, .. } = placed.edit;
        let mut is_told = false;
        for Ordered { rule_idx, rule, look } in rules {
            if (!placed.is_text || rule.code == ReasonCode::HazardSecret)
                && looks_at(rule.sphere, placed.place)
                && look(&placed.edit)
            {
                is_told = true;
                if !self.off.contains(rule.name) {
                    self.note(*rule_idx, placed.spot, || {
                        let (key, edit) = (shown::key(key_change), shown::edit(key_change));
                        hazard(rule, (file_diff, placed.spot), &key, edit)
                    });
                }
            }
        }
        is_told
    }

    /// Keeps the first hazard of a rule, and where else it fired.
    fn note(&mut self, rule_idx: usize, spot: Spot, hazard: impl FnOnce() -> Hazard) {
        if self.seen.insert((rule_idx, spot)) {
            self.fired.entry(rule_idx).or_insert_with(hazard).spots.push(spot);
        }
    }
}

/// An edit, and where it stands.
struct PlacedEdit<'a> {
    edit: Edit<'a>,
    spot: Spot,
    place: Place,
    /// Whether it is something said to people.
    is_text: bool,
}

/// Whether a file is written for people.
pub(super) fn is_prose(file_diff: &FileDiff) -> bool {
    const PROSE: [&str; 5] = [".md", ".rst", ".html", ".adoc", ".svg"];
    PROSE.iter().any(|ending| file_diff.path().ends_with(ending))
}

/// Whether any rule over edits reads this one.
fn is_read(key_change: &KeyChange) -> bool {
    key_change.is_substantial() || key_change.kind == KeyChangeKind::Comment
}

/// Whether an edit is something said to people: what it says of dangerous values is not one, but a secret in it is.
fn is_said(key_change: &KeyChange) -> bool {
    key_change.kind == KeyChangeKind::Comment
        || matches!(key_change.leaf.as_str(), "description" | "summary" | "comment" | "help" | "usage")
}

/// Whether an edit is what another one of its line, which is said to people, has inside.
fn is_part_of_said(key_change: &KeyChange, of_line: &[&KeyChange]) -> bool {
    let holds = |said: &&&KeyChange| {
        let rest = key_change.path.strip_prefix(said.path.as_str());
        rest.is_some_and(|rest| rest.starts_with(['.', '_']))
    };
    of_line.iter().filter(holds).any(|said| said.kind != KeyChangeKind::Comment && is_said(said))
}

fn looks_at(sphere: Sphere, place: Place) -> bool {
    match sphere {
        Sphere::Everywhere => true,
        Sphere::OutsideTests => place != Place::Test,
        Sphere::Production => place == Place::Production,
        Sphere::Tests => place == Place::Test,
    }
}

/// One that fired nowhere yet.
fn hazard(
    rule: &'static HazardRule,
    (file_diff, spot): (&FileDiff, Spot),
    key: &str,
    edit: String,
) -> Hazard {
    let line = spot.line.map(|(hunk_idx, line_idx)| file_diff.line_number(hunk_idx, line_idx));
    let path = shown::path(file_diff.path());
    Hazard { rule, path, key: key.to_owned(), edit, line, spots: Vec::new() }
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

/// A file with its edits: those of its lines, and those inside them.
pub(super) struct FileEdits<'a> {
    /// Whether a link came in the place of a file: what is read behind it, the diff does not show.
    pub(super) became_link: bool,
    /// Whether the file goes, or is put elsewhere, and comes in one diff: nobody sees side by side what changed in it.
    pub(super) comes_again: bool,
    pub(super) file_diff: &'a FileDiff,
    known: &'a [KeyChange],
    inner: Vec<KeyChange>,
    /// Whether its lines were read, everything inside them, and all that left a list.
    pub(super) is_whole: bool,
}

impl<'a> FileEdits<'a> {
    fn of(file_diff: &'a FileDiff, known: &'a [KeyChange], record: &ChangeRecord) -> Self {
        // A file, or the directory that it stood in.
        let is_at = |path: &str| {
            path.strip_prefix(file_diff.path()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let took_place = || {
            let mut left = record.files.iter().filter(|file| file.new_path != file.old_path);
            left.any(|file| file.old_path.as_deref().is_some_and(is_at))
        };
        let became_link = file_diff.new_mode == LINK && file_diff.status == FileStatus::Added && took_place();
        let comes_again = file_diff.status == FileStatus::Added
            && record.files.iter().any(|file| {
                file.old_path.as_deref() == Some(file_diff.path()) && file.new_path != file.old_path
            });
        let inner = inner_changes(file_diff, known);
        let is_read = inner.is_some() && has_few_lines(file_diff);
        let inner = inner.unwrap_or_default();
        let is_whole = is_read && sees_all_that_left(&[known, &inner]);
        Self { became_link, comes_again, file_diff, known, inner, is_whole }
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &KeyChange> {
        self.known.iter().chain(&self.inner)
    }
}

/// Last components of keys that came, and of those that are written another way now; not in files of test environments, whose
/// keys stand for none that goes elsewhere.
fn added_leaves<'a>(files: &'a [FileEdits<'_>]) -> FxHashSet<&'a str> {
    let counts = |it: &&FileEdits<'_>| Place::of_path(it.file_diff.path()) != Place::Test;
    let is_added = |key_change: &&KeyChange| key_change.kind == KeyChangeKind::Added;
    let known = files.iter().filter(counts).flat_map(FileEdits::all).filter(is_added);
    let inner = files.iter().filter(counts).flat_map(|it| &it.inner);
    let kept = inner.filter(|it| it.kind == KeyChangeKind::Moved);
    known.chain(kept).map(|key_change| key_change.leaf.as_str()).collect()
}

/// Paths of keys that went, and of the elements of lists whose name went.
fn removed_paths<'a>(file_edits: &'a FileEdits<'_>) -> FxHashSet<&'a str> {
    let removed = file_edits.all().filter(|key_change| key_change.kind == KeyChangeKind::Removed);
    removed
        .flat_map(|key_change| {
            let named = matches!(key_change.leaf.as_str(), "name" | "id")
                .then(|| key_change.path.rsplit_once('.').map(|(element, _)| element))
                .flatten();
            std::iter::once(key_change.path.as_str()).chain(named)
        })
        .collect()
}

fn removed_elements<'a>(file_edits: &'a FileEdits<'_>) -> FxHashMap<&'a str, Vec<&'a str>> {
    let mut removed: FxHashMap<&str, Vec<&str>> = FxHashMap::default();
    for key_change in file_edits.all().filter(|key_change| key_change.kind == KeyChangeKind::ListRemove) {
        if let Some(old) = &key_change.old {
            removed.entry(key_change.path.as_str()).or_default().push(old);
        }
    }
    removed
}

/// The new lines that write an empty list.
fn empty_lists(file_diff: &FileDiff) -> Vec<EmptyList<'_>> {
    let hunks = file_diff.hunks().iter().enumerate();
    let lines = hunks.flat_map(|(hunk_idx, hunk)| {
        hunk.lines.iter().enumerate().map(move |(line_idx, line)| (hunk_idx, line_idx, line))
    });
    lines
        .filter(|(_, _, line)| line.origin == LineOrigin::Added && holds(&line.text, "[]"))
        .map(|(hunk_idx, line_idx, line)| EmptyList { hunk_idx, line_idx, text: &line.text })
        .collect()
}

/// Whether rules see all that left each list.
fn sees_all_that_left(edits: &[&[KeyChange]]) -> bool {
    let left = || edits.iter().copied().flatten().filter(|edit| edit.kind == KeyChangeKind::ListRemove);
    if left().count() <= MAX_LEFT {
        return true;
    }
    let mut n_left: FxHashMap<&str, usize> = FxHashMap::default();
    left().for_each(|edit| *n_left.entry(edit.path.as_str()).or_default() += 1);
    n_left.values().all(|n| *n <= MAX_LEFT)
}

/// Whether the lines of a file are all read as keys.
fn has_few_lines(file_diff: &FileDiff) -> bool {
    let (n_added, n_deleted) = file_diff.n_lines();
    let is_deleted = file_diff.status == FileStatus::Deleted;
    is_deleted || n_added + n_deleted <= crate::change::MAX_KEY_LINES
}
