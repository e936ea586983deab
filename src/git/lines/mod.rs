//! The lines that differ between two texts, exactly as git's own line diff shows them.
//!
//! Git's line diff (xdiff) reads both texts whole, hashes every line, and libgit2 takes a SHA-1 of
//! both besides; a configuration file of a megabyte in which one line changed costs it more than
//! all the rest of reading a change. So the common start and end are passed over first, by plain
//! comparison. What is left is either decided already (nothing in common, nothing to slide) or
//! goes to xdiff inside a [`Window`] in which it must come to the same result.

mod common;
mod slide;
mod window;
mod xdiff;

use crate::change::{DiffLine, Hunk, LineOrigin};
use crate::git::content::Bytes;
use crate::git::lines::common::Common;
use crate::git::lines::window::Window;

/// Lines of context around a change.
const CONTEXT_LINES: usize = 3;

/// The hunks between two texts; none where they are equal.
///
/// # Errors
/// When git's line diff fails (memory).
pub(super) fn hunks(old: &Bytes<'_>, new: &Bytes<'_>) -> Result<Vec<Hunk>, git2::Error> {
    if old[..] == new[..] {
        return Ok(Vec::new());
    }
    let common = Common::of(old, new);
    let shares_a_line = common.shares_a_line();
    if !shares_a_line && !common.can_slide() {
        return Ok(vec![only_hunk(&common)]);
    }
    let Some(window) = Window::around(&common, shares_a_line) else {
        return xdiff::hunks_of_files(old, new);
    };
    let hunks = xdiff::hunks(&window.old_text(), &window.new_text())?;
    if window.is_wide_enough(&hunks) { Ok(window.shift(hunks)) } else { xdiff::hunks_of_files(old, new) }
}

/// The hunk of a change in one place: the old middle went, the new one came.
fn only_hunk(common: &Common<'_>) -> Hunk {
    let before = common.last_before(CONTEXT_LINES);
    let after = common.first_after(CONTEXT_LINES);
    let mut lines = Vec::with_capacity(before.len() + common.old.len() + common.new.len() + after.len());
    for (origin, raw_lines) in [
        (LineOrigin::Context, &before),
        (LineOrigin::Deleted, &common.old),
        (LineOrigin::Added, &common.new),
        (LineOrigin::Context, &after),
    ] {
        lines.extend(raw_lines.iter().map(|raw| line_of(origin, raw)));
    }
    let n_context = before.len() + after.len();
    let first = number(common.n_before() - before.len());
    let (old_lines, new_lines) = (number(common.old.len() + n_context), number(common.new.len() + n_context));
    Hunk {
        old_start: first + u32::from(old_lines > 0),
        old_lines,
        new_start: first + u32::from(new_lines > 0),
        new_lines,
        lines,
    }
}

/// Texts are smaller than a `u32` can count, by the limit on blobs.
fn number(n_lines: usize) -> u32 {
    u32::try_from(n_lines).unwrap_or(u32::MAX)
}

/// One line of a hunk from its raw bytes, line feed included where there is one.
fn line_of(origin: LineOrigin, raw: &[u8]) -> DiffLine {
    let stripped = raw.strip_suffix(b"\n");
    DiffLine {
        origin,
        text: String::from_utf8_lossy(stripped.unwrap_or(raw)).into_owned(),
        no_newline: stripped.is_none(),
    }
}

#[cfg(test)]
mod tests;
