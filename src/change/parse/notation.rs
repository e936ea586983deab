//! Notations of a diff beside the unified one. They show less of a change, or are not read here while something else applies
//! them: a text that holds one is refused. Start at [`other`].

use crate::change::parse::file::GIT_HEADER;

/// Why a line outside of the files must not be passed over: it speaks of a change, in a notation that shows less of it or
/// is not read here.
pub(super) fn other(line: &[u8], next: &[u8], around: Around) -> Option<&'static str> {
    let has = |text: &[u8]| memchr::memmem::find(line, text).is_some();
    let is_submodule = || {
        line.starts_with(b"Submodule ") && (line.ends_with(b":") || has(b"submodule)") || has(b" contains "))
    };
    let differs =
        || (line.starts_with(b"Binary files ") || line.starts_with(b"Files ")) && line.ends_with(b" differ");
    match () {
        () if line.starts_with(b"\x1b[") => Some("a diff without colours (`--no-color`)"),
        () if is_indented(line, next, around) => Some("a diff that is not indented"),
        () if is_submodule() => Some("a submodule as a file of the diff (`--submodule=short`)"),
        () if line.starts_with(b"* Unmerged path ") => Some("a diff without unmerged files"),
        () if line.starts_with(b"Only in ") && has(b": ") => {
            Some("the content of a file that is on one side only (`diff -N`)")
        }
        () if differs() => Some("a `diff --git` line before a notice that files differ"),
        () if is_encoded(line, next) => Some("a diff as it is, not encoded for a mail"),
        () if line.starts_with(b"***************") => Some(CONTEXT_DIFF),
        () if is_ed_command(line, around) => Some("a unified diff, not an `ed` script"),
        () => patched_by_others(line, next),
    }
}

const CONTEXT_DIFF: &str = "a unified diff, not a context diff";

/// What is known of the text around a line.
#[derive(Clone, Copy)]
pub(super) struct Around {
    /// Whether a line outside of the files named one.
    pub(super) is_named: bool,
    /// Whether the header of another file comes later.
    pub(super) has_header_later: bool,
    /// Whether a line of the text is a dot alone, which ends what `ed` inserts.
    pub(super) has_dot: bool,
}

/// Whether the lines below are not those that `git am` reads: it decodes them first. A header may go on on the next line.
fn is_encoded(line: &[u8], next: &[u8]) -> bool {
    let more = if next.starts_with(b" ") || next.starts_with(b"\t") { next } else { &[] };
    let text = [line, more].concat().to_ascii_lowercase();
    let has = |word: &[u8]| memchr::memmem::find(&text, word).is_some();
    text.starts_with(b"content-transfer-encoding:") && (has(b"base64") || has(b"quoted-printable"))
}

/// A notation that `patch` takes and git does not.
fn patched_by_others(line: &[u8], next: &[u8]) -> Option<&'static str> {
    let is_range =
        |line: &[u8]| line.strip_prefix(b"*** ").and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit);
    let begins_context = line.starts_with(b"********") && is_range(next);
    match () {
        () if line.starts_with(b"*** ") && next.starts_with(b"--- ") || begins_context => Some(CONTEXT_DIFF),
        () if is_command(line) && (next.starts_with(b"< ") || next.starts_with(b"> ")) => {
            Some("a unified diff, not a normal one")
        }
        () => None,
    }
}

/// Whether a header, a hunk or another notation stands behind blanks or `X`s: `patch` takes the same number of them off every
/// line, and git does not.
fn is_indented(line: &[u8], next: &[u8], around: Around) -> bool {
    fn bare(line: &[u8]) -> &[u8] {
        let is_taken_off = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'X';
        let start = line.iter().position(|byte| !is_taken_off(byte)).unwrap_or(line.len());
        line.get(start..).unwrap_or(&[])
    }
    let (text, next) = (bare(line), bare(next));
    let is_hunk = || {
        let ranges = text.strip_prefix(b"@@ -").unwrap_or(&[]);
        ranges.first().is_some_and(u8::is_ascii_digit) && memchr::memmem::find(ranges, b" @@").is_some()
    };
    let is_header = || {
        text.starts_with(GIT_HEADER)
            || text.starts_with(b"--- ") && next.starts_with(b"+++ ")
            || around.is_named && is_hunk()
            || patched_by_others(text, next).is_some()
    };
    text.len() < line.len() && is_header()
}

/// Whether a line is a command of `ed` as `patch` takes one, `3c`, `5,7d`, and not one of a message: `30d`.
fn is_ed_command(line: &[u8], around: Around) -> bool {
    let Some((letter, range)) = line.split_last() else { return false };
    let parts: Vec<&[u8]> = range.split(|byte| *byte == b',').collect();
    let is_number = |part: &&[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let is_script = match letter {
        b'a' | b'c' | b'i' => around.has_dot,
        b'd' => !around.has_header_later,
        _ => false,
    };
    is_script && parts.len() <= 2 && parts.iter().all(is_number)
}

/// Whether a line is a command of a normal diff: `3c3`, `5,7d4`.
fn is_command(line: &[u8]) -> bool {
    let is_range = |part: &[u8]| !part.is_empty() && part.iter().all(|b| b.is_ascii_digit() || *b == b',');
    let letter = line.iter().position(|b| matches!(b, b'a' | b'c' | b'd'));
    letter.is_some_and(|at| is_range(&line[..at]) && is_range(&line[at + 1..]))
}
