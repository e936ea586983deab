//! The runs of changed lines of a diff: where they stand, and how they move the lines of others.

use serde::{Deserialize, Serialize};

use crate::change::{ChangeRecord, DiffLine, FileContent, FileDiff, FileStatus, Hunk, LineOrigin};
use crate::label::template::stable_hash;

/// Largest diff, in runs, that can be proved the inverse of another.
const MAX_RUNS_A_CHANGE: usize = 2000;

/// Lines that stand together: a first line (from 1) and how many; none means the gap before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    start: u32,
    n_lines: u32,
}

/// Where the lines of a change stand in one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    path: u64,
    spans: Vec<Span>,
}

/// The edits of a diff that is text in every file.
pub(crate) struct Edits<'a>(Vec<FileEdits<'a>>);

struct FileEdits<'a> {
    file: &'a FileDiff,
    /// Hashes of its names before and after.
    names: Vec<u64>,
    runs: Vec<Run>,
}

/// Lines deleted and added at one place.
struct Run {
    old: Span,
    new: Span,
}

/// Number of runs kept for a change.
pub(crate) fn n_runs(places: &[Place]) -> usize {
    places.iter().map(|place| place.spans.len()).sum()
}

/// Whether two changes stand at the same places, whatever the order of their files.
pub(crate) fn are_same(left: &[Place], right: &[Place]) -> bool {
    left.len() == right.len() && left.iter().all(|place| right.contains(place))
}

/// Whether a diff is about any of the files.
pub(crate) fn share_a_file(places: &[Place], record: &ChangeRecord) -> bool {
    let names: Vec<u64> = record.files.iter().flat_map(names_of).collect();
    places.iter().any(|place| names.contains(&place.path))
}

fn names_of(file: &FileDiff) -> Vec<u64> {
    [&file.old_path, &file.new_path].into_iter().flatten().map(|path| stable_hash(path)).collect()
}

impl<'a> Edits<'a> {
    /// The edits; none for an empty diff, for one with contents that are not text, and for a huge one.
    pub(crate) fn of(record: &'a ChangeRecord) -> Option<Self> {
        let mut files = Vec::new();
        let mut n_runs = 0;
        for file in &record.files {
            let FileContent::Text(hunks) = &file.content else { return None };
            let runs: Vec<Run> = hunks.iter().flat_map(runs_of).collect();
            n_runs += runs.len();
            files.push(FileEdits { file, names: names_of(file), runs });
        }
        (!files.is_empty() && n_runs <= MAX_RUNS_A_CHANGE).then_some(Self(files))
    }

    /// Where the lines stand once the change has landed.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.0.iter().map(|file| file.place_of(file.file.new_path.as_deref(), |run| run.new)).collect()
    }

    /// Where the lines stood before.
    pub(crate) fn old_places(&self) -> Vec<Place> {
        self.0.iter().map(|file| file.place_of(file.file.old_path.as_deref(), |run| run.old)).collect()
    }

    /// Moves places through this change; false when it touches any of them.
    pub(crate) fn carry(&self, places: &mut [Place]) -> bool {
        places.iter_mut().all(|place| self.0.iter().all(|file| file.carry(place)))
    }
}

impl FileEdits<'_> {
    fn place_of(&self, path: Option<&str>, span: impl Fn(&Run) -> Span) -> Place {
        // A deleted file has no lines any more; its gap is kept under its old name.
        let path = path.unwrap_or_else(|| self.file.path());
        Place { path: stable_hash(path), spans: self.runs.iter().map(span).collect() }
    }

    /// Moves a place of this file through its runs; false when one touches it.
    fn carry(&self, place: &mut Place) -> bool {
        if !self.names.contains(&place.path) {
            return true;
        }
        if self.file.status != FileStatus::Modified || self.file.old_mode != self.file.new_mode {
            return false;
        }
        place.spans.iter_mut().all(|span| self.carry_span(span))
    }

    fn carry_span(&self, span: &mut Span) -> bool {
        if self.runs.iter().any(|run| run.old.touches(*span)) {
            return false;
        }
        let before = self.runs.iter().filter(|run| run.old.end() <= span.start);
        let shift: i64 = before.map(|run| i64::from(run.new.n_lines) - i64::from(run.old.n_lines)).sum();
        let Ok(start) = u32::try_from(i64::from(span.start) + shift) else { return false };
        span.start = start;
        true
    }
}

impl Span {
    fn end(self) -> u32 {
        self.start.saturating_add(self.n_lines)
    }

    /// Whether two spans share a line, or a gap lies inside the other, or two gaps are the same.
    fn touches(self, other: Self) -> bool {
        match (self.n_lines, other.n_lines) {
            (0, 0) => self.start == other.start,
            (0, _) => other.start < self.start && self.start < other.end(),
            // A gap that others edit up to from either side may lie on either side of their lines.
            (_, 0) => self.start <= other.start && other.start <= self.end(),
            _ => self.start < other.end() && other.start < self.end(),
        }
    }
}

fn runs_of(hunk: &Hunk) -> Vec<Run> {
    // Where a side has no line, its hunk header names the line before.
    let mut old_line = hunk.old_start + u32::from(hunk.old_lines == 0);
    let mut new_line = hunk.new_start + u32::from(hunk.new_lines == 0);
    let mut runs: Vec<Run> = Vec::new();
    let mut is_inside = false;
    for line in &hunk.lines {
        if line.origin == LineOrigin::Context {
            (old_line, new_line, is_inside) = (old_line + 1, new_line + 1, false);
            continue;
        }
        if !is_inside {
            runs.push(Run::at(old_line, new_line));
            is_inside = true;
        }
        let Some(run) = runs.last_mut() else { continue };
        run.push(line);
        match line.origin {
            LineOrigin::Deleted => old_line += 1,
            _ => new_line += 1,
        }
    }
    runs
}

impl Run {
    fn at(old_line: u32, new_line: u32) -> Self {
        let (old, new) = (Span { start: old_line, n_lines: 0 }, Span { start: new_line, n_lines: 0 });
        Self { old, new }
    }

    fn push(&mut self, line: &DiffLine) {
        if line.origin == LineOrigin::Deleted {
            self.old.n_lines += 1;
        } else {
            self.new.n_lines += 1;
        }
    }
}
