//! The lines of a text, with their numbers.

use memchr::memchr;

use crate::change::parse::DiffError;
use crate::change::parse::notation::Around;

/// Reads a text line by line, once, forward.
pub(super) struct Cursor<'text> {
    rest: &'text [u8],
    /// Lines taken so far.
    n_taken: usize,
    max_lines: usize,
    /// Whether each line lost nothing but a carriage return that somebody put at its end.
    has_carriage_returns: bool,
    /// Bytes behind the beginning of the last header.
    after_last_header: usize,
    is_named: bool,
    has_dot: bool,
}

impl<'text> Cursor<'text> {
    /// Stands before the first line.
    pub(super) fn new(text: &'text [u8], max_lines: usize) -> Self {
        Self {
            rest: text,
            n_taken: 0,
            max_lines,
            has_carriage_returns: false,
            after_last_header: 0,
            is_named: false,
            has_dot: false,
        }
    }

    /// From here on, lines end before their carriage return.
    pub(super) fn take_off_carriage_returns(&mut self) {
        self.has_carriage_returns = true;
    }

    /// Takes note of what the whole text holds: where its last file begins, and whether a line is a dot alone.
    pub(super) fn look_around(&mut self, last_header: Option<usize>) {
        self.after_last_header = last_header.map_or(usize::MAX, |start| self.rest.len() - start);
        let is_dot = |line: &[u8]| matches!(line, b"." | b".\r");
        self.has_dot = self.rest.split(|byte| *byte == b'\n').any(is_dot);
    }

    /// Takes note of a line outside of the files that names one.
    pub(super) fn note_name(&mut self, line: &[u8]) {
        const MARKS: [&[u8]; 4] = [b"+++ ", b"--- ", b"*** ", b"Index:"];
        let is_taken_off = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'X';
        let start = line.iter().position(|byte| !is_taken_off(byte)).unwrap_or(line.len());
        let bare = line.get(start..).unwrap_or(&[]);
        self.is_named |= MARKS.iter().any(|mark| bare.starts_with(mark));
    }

    /// What is known of the text around the next line.
    pub(super) fn around(&self) -> Around {
        let has_header_later =
            self.after_last_header != usize::MAX && self.rest.len() > self.after_last_header;
        Around { is_named: self.is_named, has_header_later, has_dot: self.has_dot }
    }

    /// The next line without its line feed, left in place.
    pub(super) fn peek(&self) -> Option<&'text [u8]> {
        self.first_of(self.rest)
    }

    /// The line after the next.
    pub(super) fn peek_second(&self) -> Option<&'text [u8]> {
        self.first_of(split_line(self.rest).1)
    }

    fn first_of(&self, rest: &'text [u8]) -> Option<&'text [u8]> {
        let (line, _) = (!rest.is_empty()).then(|| split_line(rest))?;
        Some(line.strip_suffix(b"\r").filter(|_| self.has_carriage_returns).unwrap_or(line))
    }

    /// Passes the next line.
    pub(super) fn advance(&mut self) -> Result<(), DiffError> {
        self.n_taken += 1;
        if self.n_taken > self.max_lines {
            return Err(DiffError::TooManyLines { limit: self.max_lines });
        }
        self.rest = split_line(self.rest).1;
        Ok(())
    }

    /// The number of the next line, from 1.
    pub(super) fn line(&self) -> usize {
        self.n_taken + 1
    }

    /// The next line is not what was expected, or there is none.
    pub(super) fn expected(&self, expected: &'static str) -> DiffError {
        match self.peek() {
            Some(_) => DiffError::Malformed { line: self.line(), expected },
            None => DiffError::Truncated { line: self.n_taken, expected },
        }
    }
}

fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b'\n', text) {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &[]),
    }
}
