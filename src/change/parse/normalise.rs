//! Hunks brought to three lines of context, and the signs that they had less.

use crate::change::{DiffLine, Hunk, LineOrigin};

const CONTEXT_LINES: usize = 3;

/// Whether a hunk stands after another in both files.
pub(super) fn follows(previous: &Hunk, next: &Hunk) -> bool {
    first_line(next.old_start, next.old_lines) >= end(previous.old_start, previous.old_lines)
        && first_line(next.new_start, next.new_lines) >= end(previous.new_start, previous.new_lines)
}

/// The hunks with exactly the context of the canonical diff, and whether some had less.
///
/// A canonical hunk has fewer than three lines of context before its first change only at the top
/// of the file, and after its last change only at the end. So a hunk is partial when it has fewer
/// before and does not start at line 1 of both files, or fewer after and another hunk follows.
/// What a last hunk lacks at its end cannot be told from the end of the file, and is not guessed.
pub(super) fn canonical(hunks: Vec<Hunk>) -> (Vec<Hunk>, bool) {
    let n_hunks = hunks.len();
    let is_partial = |(hunk_idx, hunk): (usize, &Hunk)| {
        let starts_later =
            first_line(hunk.old_start, hunk.old_lines) > 1 || first_line(hunk.new_start, hunk.new_lines) > 1;
        let lacks_end = hunk_idx + 1 < n_hunks && n_context(hunk.lines.iter().rev()) < CONTEXT_LINES;
        lacks_end || starts_later && n_context(hunk.lines.iter()) < CONTEXT_LINES
    };
    let partial = hunks.iter().enumerate().any(is_partial);
    (hunks.into_iter().flat_map(split).collect(), partial)
}

/// The number of the first line that a range holds, or would hold if it were not empty.
fn first_line(start: u32, n_lines: u32) -> u32 {
    if n_lines == 0 { start.saturating_add(1) } else { start }
}

fn end(start: u32, n_lines: u32) -> u32 {
    first_line(start, n_lines).saturating_add(n_lines)
}

fn n_context<'a>(lines: impl Iterator<Item = &'a DiffLine>) -> usize {
    lines.take_while(|line| line.origin == LineOrigin::Context).count()
}

/// Cuts context beyond three lines, and a hunk in two where more than six stand between changes.
fn split(hunk: Hunk) -> Vec<Hunk> {
    let mut parts: Vec<Hunk> = Vec::new();
    let mut part = Part::at(&hunk);
    for line in hunk.lines {
        let is_context = line.origin == LineOrigin::Context;
        if !is_context && part.n_trailing > 2 * CONTEXT_LINES && part.has_change {
            parts.extend(part.cut());
        }
        part.push(line, is_context);
    }
    parts.extend(part.cut());
    parts
}

/// A hunk under construction: the next line numbers and what was gathered.
struct Part {
    old_next: u32,
    new_next: u32,
    lines: Vec<DiffLine>,
    /// Context lines since the last change (or since the start).
    n_trailing: usize,
    has_change: bool,
}

impl Part {
    fn at(hunk: &Hunk) -> Self {
        Self {
            old_next: first_line(hunk.old_start, hunk.old_lines),
            new_next: first_line(hunk.new_start, hunk.new_lines),
            lines: Vec::new(),
            n_trailing: 0,
            has_change: false,
        }
    }

    fn push(&mut self, line: DiffLine, is_context: bool) {
        if is_context {
            self.n_trailing += 1;
        } else if !self.has_change {
            let n_surplus = self.n_trailing.saturating_sub(CONTEXT_LINES);
            self.drop_front(n_surplus);
        }
        if !is_context {
            (self.has_change, self.n_trailing) = (true, 0);
        }
        self.lines.push(line);
    }

    /// Passes context lines before the first change.
    fn drop_front(&mut self, n_lines: usize) {
        self.lines.drain(..n_lines);
        let n_passed = u32::try_from(n_lines).unwrap_or(u32::MAX);
        self.old_next = self.old_next.saturating_add(n_passed);
        self.new_next = self.new_next.saturating_add(n_passed);
    }

    /// Ends the hunk after three lines of context; what lies beyond begins the next one.
    fn cut(&mut self) -> Option<Hunk> {
        if !self.has_change {
            return None;
        }
        let n_beyond = self.n_trailing.saturating_sub(CONTEXT_LINES);
        let beyond = self.lines.split_off(self.lines.len() - n_beyond);
        let lines = std::mem::replace(&mut self.lines, beyond);
        let count = |absent| u32::try_from(lines.iter().filter(|line| line.origin != absent).count());
        let (old_lines, new_lines) = (count(LineOrigin::Added).ok()?, count(LineOrigin::Deleted).ok()?);
        let (old_first, new_first) = (self.old_next, self.new_next);
        self.old_next = old_first.saturating_add(old_lines);
        self.new_next = new_first.saturating_add(new_lines);
        (self.n_trailing, self.has_change) = (n_beyond, false);
        let start = |first: u32, n_lines| if n_lines == 0 { first.saturating_sub(1) } else { first };
        let (old_start, new_start) = (start(old_first, old_lines), start(new_first, new_lines));
        Some(Hunk { old_start, old_lines, new_start, new_lines, lines })
    }
}
