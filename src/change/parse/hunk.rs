//! One hunk: its header, its lines, and how many of them there must be.

use crate::change::parse::DiffError;
use crate::change::parse::cursor::Cursor;
use crate::change::{DiffLine, Hunk, LineOrigin};

const HEADER: &str = "a hunk header `@@ -start,lines +start,lines @@`";
const LINE: &str = "a line of the hunk that starts with a space, `+`, `-` or `\\`";

/// Lines that room is made for before they are read; a header may promise any number.
const MAX_RESERVED: u32 = 256;

/// Reads one hunk; the cursor stands on its header.
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Hunk, DiffError> {
    let header = cursor.peek().and_then(parse_header);
    let mut hunk = header.ok_or_else(|| cursor.expected(HEADER))?;
    let header_line = cursor.line();
    cursor.advance()?;
    let (mut n_old, mut n_new) = (hunk.old_lines, hunk.new_lines);
    let mut ended = Ended::default();
    hunk.lines.reserve(n_old.max(n_new).min(MAX_RESERVED) as usize);
    while n_old > 0 || n_new > 0 {
        let line = cursor.peek().ok_or_else(|| cursor.expected("the rest of the hunk"))?;
        if is_no_newline_mark(line) {
            mark_no_newline(&mut hunk, cursor)?;
            ended.mark(hunk.lines.last());
            continue;
        }
        // A context line that is empty may have lost its space on the way.
        let (origin, text) = match line.split_first() {
            None => (LineOrigin::Context, line),
            Some((b' ', text)) => (LineOrigin::Context, text),
            Some((b'-', text)) => (LineOrigin::Deleted, text),
            Some((b'+', text)) => (LineOrigin::Added, text),
            Some(_) => return Err(cursor.expected(LINE)),
        };
        if ended.has(origin) {
            return Err(cursor.expected("no line behind the last one of a side, which has no newline"));
        }
        let too_many = "no more lines on this side than the hunk header says";
        if origin != LineOrigin::Added {
            n_old = n_old.checked_sub(1).ok_or_else(|| cursor.expected(too_many))?;
        }
        if origin != LineOrigin::Deleted {
            n_new = n_new.checked_sub(1).ok_or_else(|| cursor.expected(too_many))?;
        }
        let text = String::from_utf8_lossy(text).into_owned();
        hunk.lines.push(DiffLine { origin, text, no_newline: false });
        cursor.advance()?;
    }
    if cursor.peek().is_some_and(is_no_newline_mark) {
        mark_no_newline(&mut hunk, cursor)?;
    }
    if hunk.lines.iter().all(|line| line.origin == LineOrigin::Context) {
        return Err(DiffError::Malformed { line: header_line, expected: "a hunk with a changed line" });
    }
    Ok(hunk)
}

/// The sides whose last line was read. What applies a diff joins the next one to it.
#[derive(Default)]
struct Ended {
    old: bool,
    new: bool,
}

impl Ended {
    fn mark(&mut self, last: Option<&DiffLine>) {
        let Some(last) = last else { return };
        self.old |= last.origin != LineOrigin::Added;
        self.new |= last.origin != LineOrigin::Deleted;
    }

    fn has(&self, origin: LineOrigin) -> bool {
        self.old && origin != LineOrigin::Added || self.new && origin != LineOrigin::Deleted
    }
}

/// Whether a hunk reaches the end of a file that has no newline there.
pub(super) fn is_last(hunk: &Hunk) -> bool {
    hunk.lines.iter().any(|line| line.no_newline)
}

/// Whether a line cannot stand after a finished hunk: it would be one line too many.
pub(super) fn is_surplus(line: &[u8]) -> bool {
    let is_signature = line == b"-- " || line == b"--";
    matches!(line.first(), Some(b'+' | b'-' | b' ' | b'\\')) && !is_signature && !line.starts_with(b"--- ")
}

fn is_no_newline_mark(line: &[u8]) -> bool {
    line.starts_with(b"\\ ")
}

fn mark_no_newline(hunk: &mut Hunk, cursor: &mut Cursor<'_>) -> Result<(), DiffError> {
    let Some(last) = hunk.lines.last_mut() else { return Err(cursor.expected(LINE)) };
    last.no_newline = true;
    cursor.advance()
}

fn parse_header(line: &[u8]) -> Option<Hunk> {
    let ranges = std::str::from_utf8(line.strip_prefix(b"@@ -")?.split(|&byte| byte == b'@').next()?).ok()?;
    let (old, new) = ranges.strip_suffix(' ')?.split_once(" +")?;
    let ((old_start, old_lines), (new_start, new_lines)) = (parse_range(old)?, parse_range(new)?);
    Some(Hunk { old_start, old_lines, new_start, new_lines, lines: Vec::new() })
}

fn parse_range(range: &str) -> Option<(u32, u32)> {
    let (start, n_lines) = range.split_once(',').unwrap_or((range, "1"));
    let number =
        |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?;
    let (start, n_lines): (u32, u32) = (number(start)?, number(n_lines)?);
    // A start of 0 stands before the first line, where there is none; and no range may overflow.
    (start > 0 || n_lines == 0).then_some(())?;
    start.checked_add(n_lines)?;
    Some((start, n_lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_gives_both_ranges() {
        let hunk = parse_header(b"@@ -1,2 +3 @@ fn main() @ x").unwrap();
        assert_eq!((hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines), (1, 2, 3, 1));
        for bad in [
            b"@@ -1,2 +3".as_slice(),
            b"@@ -1,2 3 @@",
            b"@@ --1 +1 @@",
            b"@@ -+1 +1 @@",
            b"@@ -0,1 +1 @@",
            b"@@ -4294967295,9 +1 @@",
            b"@@ - +1 @@",
            b"@@@ -1 -1 +1 @@@",
        ] {
            assert!(parse_header(bad).is_none(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
