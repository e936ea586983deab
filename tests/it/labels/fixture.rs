//! A fold of a few changes, written down in one line each.

use diffrisk::change::{
    Change, ChangeId, ChangeRecord, DiffLine, FileContent, FileDiff, FileStatus, Hunk, LineOrigin, Moment,
};
use diffrisk::label::{Classification, Curator, Detector, Outcome, RowLabel};

pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 24 * HOUR;

/// A change with one edited file; its id is `n` in 40 hexadecimal digits.
pub(crate) fn change(n: u32, message: &str, committed_at: i64) -> Change {
    Change {
        id: ChangeId(id(n)),
        author: "Ann <ann@example.org>".to_owned(),
        message: message.to_owned(),
        authored_at: Moment { unix_seconds: committed_at, offset_minutes: 0 },
        committed_at,
        merged: Vec::new(),
        merged_messages: Vec::new(),
        record: edit("config.yaml", 10, &["a: 1"], &[&format!("a: {n}")]).into(),
    }
}

/// Forty digits that differ in their first seven.
pub(crate) fn id(n: u32) -> String {
    format!("{n:07x}{n:033x}")
}

/// A diff of one file that replaces lines, with one line of context on either side.
pub(crate) fn edit(path: &str, line: u32, old: &[&str], new: &[&str]) -> ChangeRecord {
    let text = |origin, text: &&str| DiffLine { origin, text: (*text).to_owned(), no_newline: false };
    let mut lines = vec![text(LineOrigin::Context, &"above")];
    lines.extend(old.iter().map(|line| text(LineOrigin::Deleted, line)));
    lines.extend(new.iter().map(|line| text(LineOrigin::Added, line)));
    lines.push(text(LineOrigin::Context, &"below"));
    let hunk = Hunk {
        old_start: line - 1,
        old_lines: u32::try_from(old.len()).unwrap() + 2,
        new_start: line - 1,
        new_lines: u32::try_from(new.len()).unwrap() + 2,
        lines,
    };
    let file = FileDiff {
        old_path: Some(path.to_owned()),
        new_path: Some(path.to_owned()),
        status: FileStatus::Modified,
        old_mode: 0o100_644,
        new_mode: 0o100_644,
        content: FileContent::Text(vec![hunk]),
    };
    ChangeRecord { files: vec![file], partial: false }
}

/// A detector and a curator fed side by side.
#[derive(Clone, Default)]
pub(crate) struct Fold {
    pub(crate) detector: Detector,
    pub(crate) curator: Curator,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) classifications: Vec<Classification>,
}

impl Fold {
    /// Lands changes in order.
    pub(crate) fn of(changes: &[Change]) -> Self {
        let mut fold = Self::default();
        changes.iter().for_each(|change| {
            fold.land(change);
        });
        fold
    }

    /// Lands one change; answers what that makes known.
    pub(crate) fn land(&mut self, change: &Change) -> Vec<Outcome> {
        let classification = self.detector.classify(change);
        self.curator.push(change, &classification);
        let outcomes = self.detector.land(change, &classification);
        outcomes.iter().cloned().for_each(|outcome| self.curator.record(outcome));
        self.outcomes.extend(outcomes.iter().cloned());
        self.classifications.push(classification);
        outcomes
    }

    /// The labels when everything is known.
    pub(crate) fn labels(&self) -> Vec<RowLabel> {
        self.curator.curate(i64::MAX, None)
    }

    /// Which ordinals were undone, by which.
    pub(crate) fn reverted(&self) -> Vec<(u32, u32)> {
        self.outcomes.iter().filter_map(|outcome| Some((outcome.ordinal, outcome.by?))).collect()
    }
}
