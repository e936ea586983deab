//! A small text in which xdiff comes to the same result as in a large one.
//!
//! After the common start and end are set aside, xdiff looks at the rest of the text in two ways
//! only. It asks of each changed line how often it stands in the whole other text (never, some
//! times, or at least as often as about the square root of the number of lines), and when it
//! slides a run of changes to where it looks best it reads the lines nearby. So a window of the
//! lines around the change is enough, if lines are filled in at its far end until every changed
//! line has the same answer as before. Whether any run could slide so far that it would see the
//! edge is checked afterwards; then the whole texts are compared instead.

use rustc_hash::FxHashMap;

use crate::change::{DiffLine, Hunk, LineOrigin};
use crate::git::lines::common::{Common, lines};
use crate::git::lines::{number, slide};

/// Lines of the window on either side of the change.
const MARGIN_LINES: usize = 64;
/// Lines that a run may see beyond where it can slide: git looks at no more than 20 blank ones.
const SIGHT_LINES: usize = 30;
/// Changes of more lines are compared whole: there is little to save.
const MAX_CHANGED_LINES: usize = 4_000;
/// Xdiff counts occurrences up to here.
const MAX_OFTEN: usize = 1_024;

/// Two small texts and where they stood in the large ones.
pub(super) struct Window<'text> {
    filler: Vec<Vec<u8>>,
    /// Whether the filler stands before the window (else after it).
    fills_start: bool,
    before: Vec<&'text [u8]>,
    common: &'text Common<'text>,
    after: Vec<&'text [u8]>,
    /// Lines of the large texts that stand before the window.
    n_skipped: usize,
    is_cut_before: bool,
    is_cut_after: bool,
}

impl<'text> Window<'text> {
    /// The window around a change; none where the whole texts are as good.
    pub(super) fn around(common: &'text Common<'text>, shares_a_line: bool) -> Option<Self> {
        if common.old.len() + common.new.len() > MAX_CHANGED_LINES {
            return None;
        }
        let (before, after) = (common.last_before(MARGIN_LINES), common.first_after(MARGIN_LINES));
        let (n_before, n_after) = (common.n_before(), common.n_after());
        let (is_cut_before, is_cut_after) = (before.len() < n_before, after.len() < n_after);
        if !is_cut_before && !is_cut_after {
            return None;
        }
        let mut window = Self {
            filler: Vec::new(),
            fills_start: is_cut_before,
            n_skipped: n_before - before.len(),
            before,
            common,
            after,
            is_cut_before,
            is_cut_after,
        };
        if shares_a_line {
            window.filler = window.make_filler(n_before + n_after)?;
        }
        Some(window)
    }

    /// The old text of the window.
    pub(super) fn old_text(&self) -> Vec<u8> {
        self.lines(&self.common.old).concat()
    }

    /// The new text of the window.
    pub(super) fn new_text(&self) -> Vec<u8> {
        self.lines(&self.common.new).concat()
    }

    /// Whether no run of changes could slide within sight of the edge.
    pub(super) fn is_wide_enough(&self, hunks: &[Hunk]) -> bool {
        let is_wide_enough = |middle: &[&[u8]], absent: LineOrigin| {
            let lines = self.lines(middle);
            let runs = runs(hunks, absent);
            let end = lines.len() - if self.fills_start { 0 } else { self.filler.len() };
            let start = if self.fills_start { self.filler.len() } else { 0 };
            let first_fits = runs.first().is_none_or(|run| {
                let n_up = slide::up(&lines[..run.start], &lines[run.clone()], run.start);
                !self.is_cut_before || run.start - n_up >= start + SIGHT_LINES
            });
            let last_fits = runs.last().is_none_or(|run| {
                let n_down = slide::down(&lines[run.clone()], &lines[run.end..], lines.len());
                !self.is_cut_after || run.end + n_down + SIGHT_LINES <= end
            });
            first_fits && last_fits
        };
        is_wide_enough(&self.common.old, LineOrigin::Added)
            && is_wide_enough(&self.common.new, LineOrigin::Deleted)
    }

    /// The hunks with the line numbers of the large texts.
    pub(super) fn shift(&self, mut hunks: Vec<Hunk>) -> Vec<Hunk> {
        let n_filled = if self.fills_start { self.filler.len() } else { 0 };
        let shift = |start: u32| (start + number(self.n_skipped)).saturating_sub(number(n_filled));
        for hunk in &mut hunks {
            (hunk.old_start, hunk.new_start) = (shift(hunk.old_start), shift(hunk.new_start));
        }
        hunks
    }

    /// The lines of one text of the window, around its middle.
    fn lines<'a>(&'a self, middle: &'a [&'a [u8]]) -> Vec<&'a [u8]> {
        let filler = || self.filler.iter().map(Vec::as_slice);
        let mut lines: Vec<&[u8]> = Vec::with_capacity(self.filler.len() + 2 * MARGIN_LINES + middle.len());
        if self.fills_start {
            lines.extend(filler());
        }
        lines.extend(&self.before);
        lines.extend(middle);
        lines.extend(&self.after);
        if !self.fills_start {
            lines.extend(filler());
        }
        lines
    }

    /// Lines that give every changed line the answer it has in the large texts; none where no
    /// small number of lines does.
    fn make_filler(&self, n_common: usize) -> Option<Vec<Vec<u8>>> {
        let (n_old, n_new) = (self.common.old.len(), self.common.new.len());
        let often = (often(n_common + n_old), often(n_common + n_new));
        let tallies = self.tallies();
        if tallies.keys().any(|line| line.first() == Some(&0)) {
            return None;
        }
        let n_lines = self.before.len() + self.after.len() + n_old.max(n_new);
        let n_least = self.before.len() + self.after.len() + n_old.min(n_new);
        // A text of 4^k lines and more, up to four times as many, counts 2^(k+1) as often.
        (3..7).find_map(|k| {
            let (least, most, window_often): (usize, usize, usize) =
                (1 << (2 * k), (1 << (2 * k + 2)) - 1, 1 << (k + 1));
            let mut filler = Vec::new();
            for (line, tally) in &tallies {
                let n_copies = tally.n_copies(often, window_often)?;
                filler.extend(std::iter::repeat_n(line.to_vec(), n_copies));
            }
            let n_missing = least.saturating_sub(n_least + filler.len());
            // No text line starts with a NUL where the changed lines do not.
            filler.extend((0..n_missing).map(|idx| format!("\0{idx}\n").into_bytes()));
            (n_lines + filler.len() <= most).then_some(filler)
        })
    }

    /// How often each changed line stands where.
    fn tallies(&self) -> FxHashMap<&'text [u8], Tally> {
        let mut tallies: FxHashMap<&[u8], Tally> = FxHashMap::default();
        for line in &self.common.old {
            tallies.entry(line).or_default().n_old += 1;
        }
        for line in &self.common.new {
            tallies.entry(line).or_default().n_new += 1;
        }
        let mut sieve = Sieve::default();
        tallies.keys().for_each(|line| sieve.insert(line));
        for line in lines(self.common.before).chain(lines(self.common.after)) {
            if sieve.may_hold(line)
                && let Some(tally) = tallies.get_mut(line)
            {
                tally.n_common += 1;
            }
        }
        for line in self.before.iter().chain(&self.after) {
            if let Some(tally) = tallies.get_mut(line) {
                tally.n_window += 1;
            }
        }
        tallies
    }
}

/// From how many occurrences on xdiff calls a line frequent, in a text of so many lines.
fn often(n_lines: usize) -> usize {
    let n_bits = usize::BITS - n_lines.leading_zeros();
    (1 << n_bits.div_ceil(2)).min(MAX_OFTEN)
}

/// How often a changed line stands in the parts of both texts.
#[derive(Default)]
struct Tally {
    n_old: usize,
    n_new: usize,
    n_common: usize,
    n_window: usize,
}

impl Tally {
    /// How many copies make the line as frequent in the window as it is in the large texts, seen
    /// from each text that it changed in; none where no number does.
    fn n_copies(&self, often: (usize, usize), window_often: usize) -> Option<usize> {
        // A line of the old text is looked up in the new one, and the other way round.
        let from_old = (self.n_old > 0).then_some((self.n_new, often.0));
        let from_new = (self.n_new > 0).then_some((self.n_old, often.1));
        let views = || [from_old, from_new].into_iter().flatten();
        let class = |n: usize, often: usize| usize::from(n > 0) + usize::from(n >= often);
        let n_needed = |(n_other, often)| match class(self.n_common + n_other, often) {
            0 => 0,
            1 => 1_usize.saturating_sub(self.n_window + n_other),
            _ => window_often.saturating_sub(self.n_window + n_other),
        };
        let n_copies = views().map(n_needed).max().unwrap_or(0);
        let agrees = |(n_other, often)| {
            class(self.n_common + n_other, often) == class(self.n_window + n_copies + n_other, window_often)
        };
        views().all(agrees).then_some(n_copies)
    }
}

/// Tells most lines that are not in a set from those that are, by length and last bytes.
struct Sieve([u64; 64]);

impl Default for Sieve {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl Sieve {
    fn insert(&mut self, line: &[u8]) {
        let bit = Self::bit(line);
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    fn may_hold(&self, line: &[u8]) -> bool {
        let bit = Self::bit(line);
        self.0[bit / 64] >> (bit % 64) & 1 == 1
    }

    fn bit(line: &[u8]) -> usize {
        let last = line.last_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let mixed = (last ^ line.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 52) as usize
    }
}

/// The runs of changed lines in one text, as ranges of its lines from 0.
fn runs(hunks: &[Hunk], absent: LineOrigin) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for hunk in hunks {
        let start = if absent == LineOrigin::Added { hunk.old_start } else { hunk.new_start };
        let mut line_idx = (start as usize).saturating_sub(1);
        for DiffLine { origin, .. } in &hunk.lines {
            if *origin == absent {
                continue;
            }
            if *origin != LineOrigin::Context {
                match runs.last_mut() {
                    Some(run) if run.end == line_idx => run.end += 1,
                    _ => runs.push(line_idx..line_idx + 1),
                }
            }
            line_idx += 1;
        }
    }
    runs
}
