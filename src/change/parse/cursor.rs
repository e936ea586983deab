//! The lines of a text, with their numbers.

use memchr::memchr;

use crate::change::parse::DiffError;

/// Reads a text line by line, once, forward.
pub(super) struct Cursor<'text> {
    rest: &'text [u8],
    /// Lines taken so far.
    n_taken: usize,
    max_lines: usize,
    /// Whether each line lost nothing but a carriage return that somebody put at its end.
    has_carriage_returns: bool,
}

impl<'text> Cursor<'text> {
    /// Stands before the first line.
    pub(super) fn new(text: &'text [u8], max_lines: usize) -> Self {
        Self { rest: text, n_taken: 0, max_lines, has_carriage_returns: false }
    }

    /// From here on, lines end before their carriage return.
    pub(super) fn take_off_carriage_returns(&mut self) {
        self.has_carriage_returns = true;
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
