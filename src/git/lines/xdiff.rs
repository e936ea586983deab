//! Git's line diff, as libgit2 carries it.

use git2::{DiffLine as GitLine, DiffLineType, DiffOptions, Patch};

use crate::change::{DiffLine, Hunk, LineOrigin};
use crate::git::content::Bytes;
use crate::git::lines::{CONTEXT_LINES, line_of, number};

/// The hunks between two texts.
///
/// # Errors
/// When the diff fails (memory).
pub(super) fn hunks(old: &[u8], new: &[u8]) -> Result<Vec<Hunk>, git2::Error> {
    read_hunks(&Patch::from_buffers(old, None, new, None, Some(&mut options()))?)
}

/// The hunks between two whole files. Libgit2 takes a SHA-1 of every text whose id it does not
/// know, which costs more than the diff: so blobs are handed over as such.
///
/// # Errors
/// When the diff fails (memory).
pub(super) fn hunks_of_files(old: &Bytes<'_>, new: &Bytes<'_>) -> Result<Vec<Hunk>, git2::Error> {
    match (old, new) {
        (Bytes::Blob(old), Bytes::Blob(new)) => {
            read_hunks(&Patch::from_blobs(old, None, new, None, Some(&mut options()))?)
        }
        _ => hunks(old, new),
    }
}

fn options() -> DiffOptions {
    let mut options = DiffOptions::new();
    options.context_lines(number(CONTEXT_LINES)).indent_heuristic(true).force_text(true);
    options
}

fn read_hunks(patch: &Patch<'_>) -> Result<Vec<Hunk>, git2::Error> {
    (0..patch.num_hunks()).map(|hunk_idx| read_hunk(patch, hunk_idx)).collect()
}

fn read_hunk(patch: &Patch<'_>, hunk_idx: usize) -> Result<Hunk, git2::Error> {
    let (header, n_lines) = patch.hunk(hunk_idx)?;
    let mut lines = Vec::with_capacity(n_lines);
    for line_idx in 0..n_lines {
        push_line(&patch.line_in_hunk(hunk_idx, line_idx)?, &mut lines);
    }
    Ok(Hunk {
        old_start: header.old_start(),
        old_lines: header.old_lines(),
        new_start: header.new_start(),
        new_lines: header.new_lines(),
        lines,
    })
}

fn push_line(git_line: &GitLine<'_>, lines: &mut Vec<DiffLine>) {
    let origin = match git_line.origin_value() {
        DiffLineType::Addition => LineOrigin::Added,
        DiffLineType::Deletion => LineOrigin::Deleted,
        DiffLineType::Context => LineOrigin::Context,
        // The marks of a missing line feed belong to the line above them, which shows it itself.
        _ => return,
    };
    lines.push(line_of(origin, git_line.content()));
}
