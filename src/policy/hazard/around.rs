//! What the rest of a change and of a file does, so far as rules ask about an edit. A change may have a hundred thousand lines and
//! as many edits: whatever a rule asks of all lines is found out once for all edits, when the first one asks. Start at [`Around`].

use std::cell::OnceCell;
use std::collections::HashSet;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::change::secrets;
use crate::change::{DiffLine, FileDiff, KeyChange, KeyChangeKind, LineOrigin};
use crate::policy::hazard::bytes::holds;
use crate::policy::hazard::edit::MAX_LEFT;
use crate::policy::hazard::found::FileEdits;
use crate::policy::hazard::place::Place;
use crate::policy::hazard::sought::found_in;
use crate::policy::hazard::{guards, holding, sql};

/// What the whole change does.
pub(super) struct Whole<'a> {
    files: &'a [FileEdits<'a>],
    /// Last components of keys that came. Their names are made up by whoever changes them: no hash that can be met by design.
    added_leaves: HashSet<&'a str>,
    /// Of all texts that a rule may ask for, those that stand in a line that came.
    came: OnceCell<FxHashSet<String>>,
}

impl<'a> Whole<'a> {
    pub(super) fn new(files: &'a [FileEdits<'a>]) -> Self {
        Self { files, added_leaves: added_leaves(files), came: OnceCell::new() }
    }

    /// Whether a key of this name came.
    pub(super) fn comes(&self, leaf: &str) -> bool {
        self.added_leaves.contains(leaf)
    }

    /// Whether a text stands in a line that came: one of [`holding::traces`] or [`guards::STOPS`].
    pub(super) fn comes_as(&self, text: &str) -> bool {
        let came = self.came.get_or_init(|| {
            let edits = self.files.iter().flat_map(FileEdits::all);
            let traces = edits.flat_map(holding::traces);
            let texts = traces.chain(guards::STOPS.iter().map(|&stop| stop.to_owned())).collect();
            let lines = self.files.iter().flat_map(|it| added_lines(it.file_diff));
            found_in(texts, lines.map(|line| &line.text))
        });
        came.contains(text)
    }
}

/// What else a file does.
pub(super) struct Around<'a> {
    pub(super) whole: &'a Whole<'a>,
    file_edits: &'a FileEdits<'a>,
    /// Paths of keys that went.
    removed_paths: HashSet<&'a str>,
    /// The same in their order.
    sorted_paths: OnceCell<Vec<String>>,
    /// Their last components, lower case.
    removed_leaves: OnceCell<FxHashSet<String>>,
    /// What left a list, by its path.
    pub(super) left: FxHashMap<&'a str, Left<'a>>,
    /// New lines that write an empty list, in their order.
    pub(super) empty_lists: Vec<EmptyList<'a>>,
    /// Secrets in new lines that stood in a line that went, by their hunk.
    known_secrets: OnceCell<FxHashMap<usize, FxHashSet<String>>>,
    /// Tables that are dropped if they exist, and are made again.
    made_again: OnceCell<FxHashSet<String>>,
    loses_stage: OnceCell<bool>,
}

/// Elements that left a list, and what rules found out of them; each element that came is told against them.
#[derive(Default)]
pub(super) struct Left<'a> {
    /// The first 1,024 of them.
    pub(super) elements: Vec<&'a str>,
    /// Whether one is where a server is reached from its own machine alone, or from one network,
    pub(super) is_own: OnceCell<bool>,
    pub(super) is_somewhere: OnceCell<bool>,
    /// or a public address.
    pub(super) is_public: OnceCell<bool>,
    /// The most bits of a range of addresses, of either version.
    pub(super) most_bits: OnceCell<[Option<u8>; 2]>,
    /// The names of addresses of production, without the words for it.
    pub(super) of_production: OnceCell<FxHashSet<String>>,
}

/// A new line that writes an empty list.
pub(super) struct EmptyList<'a> {
    pub(super) hunk_idx: usize,
    pub(super) line_idx: usize,
    pub(super) text: &'a str,
}

impl<'a> Around<'a> {
    pub(super) fn new(file_edits: &'a FileEdits<'a>, whole: &'a Whole<'a>) -> Self {
        Self {
            whole,
            file_edits,
            removed_paths: removed_paths(file_edits),
            sorted_paths: OnceCell::new(),
            removed_leaves: OnceCell::new(),
            left: left(file_edits),
            empty_lists: empty_lists(file_edits.file_diff),
            known_secrets: OnceCell::new(),
            made_again: OnceCell::new(),
            loses_stage: OnceCell::new(),
        }
    }

    /// Whether the key at a path went.
    pub(super) fn loses(&self, path: &str) -> bool {
        self.removed_paths.contains(path)
    }

    /// Whether keys right below a path, or further down, went.
    pub(super) fn loses_below(&self, path: &str) -> bool {
        let sorted = self.sorted_paths.get_or_init(|| {
            let mut sorted: Vec<String> = self.removed_paths.iter().map(|&path| path.to_owned()).collect();
            sorted.sort_unstable();
            sorted
        });
        let above = [path, "."].concat();
        let first = sorted.partition_point(|gone| *gone < above);
        sorted.get(first).is_some_and(|gone| gone.starts_with(&above))
    }

    /// Whether a block of this name went, however it is written.
    pub(super) fn loses_block(&self, name: &str) -> bool {
        let leaves = self.removed_leaves.get_or_init(|| {
            let leaves = self.removed_paths.iter().filter_map(|path| path.rsplit('.').next());
            leaves.map(str::to_ascii_lowercase).collect()
        });
        leaves.contains(&name.to_ascii_lowercase())
    }

    /// Whether a secret of a new line stood in a line that went from the same hunk.
    pub(super) fn held_secret(&self, hunk_idx: usize, secret: &str) -> bool {
        let known = self.known_secrets.get_or_init(|| known_secrets(self.file_edits));
        known.get(&hunk_idx).is_some_and(|secrets| secrets.contains(secret))
    }

    /// Whether a table that is dropped if it exists, by its name in lower case, is made again.
    pub(super) fn makes_again(&self, name: &str) -> bool {
        let made = self.made_again.get_or_init(|| {
            let new = self.file_edits.all().filter_map(|key_change| key_change.new.as_deref());
            let lines = added_lines(self.file_edits.file_diff).map(|line| line.text.to_ascii_lowercase());
            found_in(new.flat_map(sql::dropped).collect(), lines.filter(|line| line.contains("create ")))
        });
        made.contains(name)
    }

    /// Whether one line came, and none went.
    pub(super) fn is_one_new_line(&self) -> bool {
        self.file_edits.n_lines == (1, 0)
    }

    /// Whether a stage of the build of an image went.
    pub(super) fn loses_stage(&self) -> bool {
        *self.loses_stage.get_or_init(|| {
            let file_diff = self.file_edits.file_diff;
            let mut gone = file_diff.changed_lines().filter(|line| line.origin == LineOrigin::Deleted);
            gone.any(|line| line.text.trim_start().starts_with("FROM "))
        })
    }
}

fn added_lines(file_diff: &FileDiff) -> impl Iterator<Item = &DiffLine> + Clone {
    let lines = file_diff.hunks().iter().flat_map(|hunk| &hunk.lines);
    lines.filter(|line| line.origin == LineOrigin::Added)
}

/// Last components of keys that came, and of those that are written another way now; not in files of test environments, whose
/// keys stand for none that goes elsewhere.
fn added_leaves<'a>(files: &'a [FileEdits<'_>]) -> HashSet<&'a str> {
    let counts = |it: &&FileEdits<'_>| Place::of_path(it.file_diff.path()) != Place::Test;
    let is_added = |key_change: &&KeyChange| key_change.kind == KeyChangeKind::Added;
    let known = files.iter().filter(counts).flat_map(FileEdits::all).filter(is_added);
    let inner = files.iter().filter(counts).flat_map(FileEdits::inner);
    let kept = inner.filter(|it| it.kind == KeyChangeKind::Moved);
    known.chain(kept).map(|key_change| key_change.leaf.as_str()).collect()
}

/// Paths of keys that went, and of the elements of lists whose name went.
fn removed_paths<'a>(file_edits: &'a FileEdits<'_>) -> HashSet<&'a str> {
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

fn left<'a>(file_edits: &'a FileEdits<'_>) -> FxHashMap<&'a str, Left<'a>> {
    let mut left: FxHashMap<&str, Left<'_>> = FxHashMap::default();
    for key_change in file_edits.all().filter(|key_change| key_change.kind == KeyChangeKind::ListRemove) {
        if let Some(old) = &key_change.old {
            let Left { elements, .. } = left.entry(key_change.path.as_str()).or_default();
            if elements.len() < MAX_LEFT {
                elements.push(old);
            }
        }
    }
    left
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

/// The secrets of the new lines with edits that stood in a line that went from the same hunk.
fn known_secrets(file_edits: &FileEdits<'_>) -> FxHashMap<usize, FxHashSet<String>> {
    let hunks = file_edits.file_diff.hunks();
    let places: FxHashSet<(usize, usize)> = file_edits.all().map(|it| (it.hunk_idx, it.line_idx)).collect();
    let mut shown: FxHashMap<usize, FxHashSet<String>> = FxHashMap::default();
    for (hunk_idx, line_idx) in places {
        let line = hunks.get(hunk_idx).and_then(|hunk| hunk.lines.get(line_idx));
        if let Some(line) = line.filter(|line| line.origin == LineOrigin::Added) {
            let found = secrets::find(&line.text).into_iter();
            let texts = found.filter_map(|secret| line.text.get(secret.start..secret.end));
            shown.entry(hunk_idx).or_default().extend(texts.map(str::to_owned));
        }
    }
    let gone = |hunk_idx: usize| {
        let lines = hunks.get(hunk_idx).into_iter().flat_map(|hunk| &hunk.lines);
        lines.filter(|line| line.origin == LineOrigin::Deleted).map(|line| &line.text)
    };
    shown.into_iter().map(|(hunk_idx, texts)| (hunk_idx, found_in(texts, gone(hunk_idx)))).collect()
}
