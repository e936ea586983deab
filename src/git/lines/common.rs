//! What two texts share at their start and at their end, in whole lines.

use memchr::{memchr, memchr_iter, memrchr};
use rustc_hash::FxHashSet;

use crate::git::lines::slide;

/// Two texts cut into a common start, two different middles, and a common end.
pub(super) struct Common<'text> {
    /// The common start.
    pub(super) before: &'text [u8],
    /// Lines of the old middle, line feeds included.
    pub(super) old: Vec<&'text [u8]>,
    /// Lines of the new middle.
    pub(super) new: Vec<&'text [u8]>,
    /// The common end.
    pub(super) after: &'text [u8],
}

impl<'text> Common<'text> {
    /// Cuts two different texts: the longest common start first, as xdiff does.
    pub(super) fn of(old: &'text [u8], new: &'text [u8]) -> Self {
        let n_start = line_start(&old[..n_equal(old, new)]);
        let (old_rest, new_rest) = (&old[n_start..], &new[n_start..]);
        let n_end = whole_lines(old_rest, new_rest, n_equal_back(old_rest, new_rest));
        let (old_middle, after) = old_rest.split_at(old_rest.len() - n_end);
        let new_middle = &new_rest[..new_rest.len() - n_end];
        Self {
            before: &old[..n_start],
            old: lines(old_middle).collect(),
            new: lines(new_middle).collect(),
            after,
        }
    }

    /// Lines in the common start.
    pub(super) fn n_before(&self) -> usize {
        memchr_iter(b'\n', self.before).count()
    }

    /// Lines in the common end.
    pub(super) fn n_after(&self) -> usize {
        lines(self.after).count()
    }

    /// The last lines of the common start, at most so many.
    pub(super) fn last_before(&self, n_lines: usize) -> Vec<&'text [u8]> {
        let mut start = self.before.len();
        for _ in 0..n_lines {
            if start == 0 {
                break;
            }
            start = line_start(&self.before[..start - 1]);
        }
        lines(&self.before[start..]).collect()
    }

    /// The first lines of the common end, at most so many.
    pub(super) fn first_after(&self, n_lines: usize) -> Vec<&'text [u8]> {
        lines(self.after).take(n_lines).collect()
    }

    /// Whether some line stands in both middles.
    pub(super) fn shares_a_line(&self) -> bool {
        if self.old.is_empty() || self.new.is_empty() {
            return false;
        }
        let old: FxHashSet<&[u8]> = self.old.iter().copied().collect();
        self.new.iter().any(|line| old.contains(line))
    }

    /// Whether a middle could stand one line higher or lower and mean the same.
    pub(super) fn can_slide(&self) -> bool {
        let (before, after) = (self.last_before(1), self.first_after(1));
        let can_slide =
            |middle: &[&[u8]]| slide::up(&before, middle, 1) > 0 || slide::down(middle, &after, 1) > 0;
        can_slide(&self.old) || can_slide(&self.new)
    }
}

/// The lines of a text, line feeds included.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr(b'\n', rest).map_or(rest.len(), |feed_idx| feed_idx + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        Some(line)
    })
}

/// Where the last line that has no line feed starts.
fn line_start(text: &[u8]) -> usize {
    memrchr(b'\n', text).map_or(0, |feed_idx| feed_idx + 1)
}

/// How much of an equal end of two texts is whole lines on both sides.
fn whole_lines(old: &[u8], new: &[u8], n_equal: usize) -> usize {
    let starts_line = |text: &[u8]| match text.len() - n_equal {
        0 => true,
        start => text[start - 1] == b'\n',
    };
    if starts_line(old) && starts_line(new) {
        return n_equal;
    }
    let end = &old[old.len() - n_equal..];
    memchr(b'\n', end).map_or(0, |feed_idx| end.len() - feed_idx - 1)
}

const BLOCK_BYTES: usize = 512;

/// Equal bytes at the start.
fn n_equal(one: &[u8], two: &[u8]) -> usize {
    let blocks = one.chunks_exact(BLOCK_BYTES).zip(two.chunks_exact(BLOCK_BYTES));
    let n_blocks = blocks.take_while(|(one, two)| one == two).count();
    let start = n_blocks * BLOCK_BYTES;
    start + one[start..].iter().zip(&two[start..]).take_while(|(one, two)| one == two).count()
}

/// Equal bytes at the end.
fn n_equal_back(one: &[u8], two: &[u8]) -> usize {
    let blocks = one.rchunks_exact(BLOCK_BYTES).zip(two.rchunks_exact(BLOCK_BYTES));
    let n_blocks = blocks.take_while(|(one, two)| one == two).count();
    let n_end = n_blocks * BLOCK_BYTES;
    let (one, two) = (&one[..one.len() - n_end], &two[..two.len() - n_end]);
    n_end + one.iter().rev().zip(two.iter().rev()).take_while(|(one, two)| one == two).count()
}
