//! The lines that differ between two texts, exactly as git's own line diff shows them.

use git2::{DiffLine as GitLine, DiffLineType, DiffOptions, Patch};

use crate::change::{DiffLine, Hunk, LineOrigin};

/// Lines of context around a change.
const CONTEXT_LINES: u32 = 3;

/// The hunks between two texts; none where they are equal.
///
/// # Errors
/// When git's line diff fails (memory).
pub(super) fn hunks(old: &[u8], new: &[u8]) -> Result<Vec<Hunk>, git2::Error> {
    let mut options = DiffOptions::new();
    options.context_lines(CONTEXT_LINES).indent_heuristic(true).force_text(true);
    let patch = Patch::from_buffers(old, None, new, None, Some(&mut options))?;
    (0..patch.num_hunks()).map(|hunk_idx| read_hunk(&patch, hunk_idx)).collect()
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
        // The three marks of a missing line feed belong to the line above them.
        DiffLineType::ContextEOFNL | DiffLineType::AddEOFNL | DiffLineType::DeleteEOFNL => return,
        _ => return,
    };
    lines.push(line_of(origin, git_line.content()));
}

/// One line of a hunk from its raw bytes, line feed included where there is one.
pub(super) fn line_of(origin: LineOrigin, raw: &[u8]) -> DiffLine {
    let stripped = raw.strip_suffix(b"\n");
    DiffLine {
        origin,
        text: String::from_utf8_lossy(stripped.unwrap_or(raw)).into_owned(),
        no_newline: stripped.is_none(),
    }
}
