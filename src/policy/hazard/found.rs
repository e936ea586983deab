//! Asks every hazard rule about every edit and file of a change, and keeps where each rule fires first. What a file
//! is too large to be read for is said, not passed over. Start at [`find_hazards`].

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::change::{ChangeRecord, FileDiff, FileStatus, KeyChange, KeyChangeKind, inner_changes};
use crate::policy::hazard::around::{Around, Whole};
use crate::policy::hazard::edit::{Edit, MAX_LEFT};
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
    let left = left_paths(record);
    let files: Vec<_> =
        with_keys(record, keys).map(|(file_diff, known)| FileEdits::of(file_diff, known, &left)).collect();
    let whole = Whole::new(&files);
    let mut asked = Asked { fired: BTreeMap::new(), seen: FxHashSet::default(), off };
    for (file_idx, file_edits) in files.iter().enumerate() {
        let of_file = Place::of_path(file_edits.file_diff.path()).or(|| rollout);
        asked.ask_file((file_idx, file_edits), of_file);
        asked.ask_edits((file_idx, file_edits), of_file, &Around::new(file_edits, &whole));
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
        lines.extend(by_line.filter_map(|edits| {
            let said = edits.iter().copied().filter(|it| is_said(it) && it.kind != KeyChangeKind::Comment);
            let said: FxHashSet<&str> = said.map(|it| it.path.as_str()).collect();
            Some((Line::of(edits.first()?, file_diff), edits, said))
        }));
        let on_lines =
            lines.iter().flat_map(|(line, edits, said)| edits.iter().map(move |edit| (line, *edit, said)));
        let mut edits = Vec::with_capacity(read.len());
        edits.extend(on_lines.map(|(line, key_change, said)| PlacedEdit {
            edit: Edit::new((key_change, file_diff), line, around),
            spot: Spot { file_idx, line: Some((key_change.hunk_idx, key_change.line_idx)) },
            place: Place::of_key(&key_change.path, of_file),
            is_text: is_prose || is_said(key_change) || is_part_of_said(key_change, said),
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

/// Whether an edit is what another one of its line, which is said to people, has inside; `said` are the paths of those.
fn is_part_of_said(key_change: &KeyChange, said: &FxHashSet<&str>) -> bool {
    let path = key_change.path.as_str();
    !said.is_empty()
        && path.match_indices(['.', '_']).any(|(end, _)| path.get(..end).is_some_and(|it| said.contains(it)))
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
    let by_path: LazyCell<FxHashMap<&str, &(String, Vec<KeyChange>)>, _> = LazyCell::new(|| {
        // The first of a path counts.
        keys.iter().rev().map(|own| (own.0.as_str(), own)).collect()
    });
    record.files.iter().enumerate().map(move |(idx, file_diff)| {
        let is_own = |(path, _): &&(String, Vec<KeyChange>)| path == file_diff.path();
        let own = keys.get(idx).filter(is_own).or_else(|| by_path.get(file_diff.path()).copied());
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
    /// Lines that came and lines that went, counted once for all edits.
    pub(super) n_lines: (usize, usize),
    known: &'a [KeyChange],
    inner: Vec<KeyChange>,
    /// Whether its lines were read, everything inside them, and all that left a list.
    pub(super) is_whole: bool,
}

impl<'a> FileEdits<'a> {
    fn of(file_diff: &'a FileDiff, known: &'a [KeyChange], left: &[&str]) -> Self {
        // A file, or the directory that it stood in.
        let took_place = || {
            let directory = [file_diff.path(), "/"].concat();
            let first = left.partition_point(|path| *path < directory.as_str());
            left.get(first).is_some_and(|path| path.starts_with(&directory))
        };
        let comes = matches!(file_diff.status, FileStatus::Added | FileStatus::Renamed);
        let comes_again = comes && left.binary_search(&file_diff.path()).is_ok();
        let became_link = file_diff.new_mode == LINK
            && file_diff.status == FileStatus::Added
            && (comes_again || took_place());
        let inner = inner_changes(file_diff, known);
        let n_lines = file_diff.n_lines();
        let is_read = inner.is_some() && has_few_lines(file_diff, n_lines);
        let inner = inner.unwrap_or_default();
        let is_whole = is_read && sees_all_that_left(&[known, &inner]);
        Self { became_link, comes_again, file_diff, n_lines, known, inner, is_whole }
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &KeyChange> {
        self.known.iter().chain(&self.inner)
    }

    /// Those inside its lines.
    pub(super) fn inner(&self) -> &[KeyChange] {
        &self.inner
    }
}

/// The paths that files went away from, in their order.
fn left_paths(record: &ChangeRecord) -> Vec<&str> {
    let left = record.files.iter().filter(|file| file.new_path != file.old_path);
    let mut left: Vec<&str> = left.filter_map(|file| file.old_path.as_deref()).collect();
    left.sort_unstable();
    left
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
fn has_few_lines(file_diff: &FileDiff, (n_added, n_deleted): (usize, usize)) -> bool {
    let is_deleted = file_diff.status == FileStatus::Deleted;
    is_deleted || n_added + n_deleted <= crate::change::MAX_KEY_LINES
}
