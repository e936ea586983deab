//! The lines of a text, with their numbers.

use memchr::memchr;

use crate::change::parse::DiffError;
use crate::change::parse::file::GIT_HEADER;
use crate::change::parse::notation::Around;

/// Reads a text line by line, once, forward.
pub(super) struct Cursor<'text> {
    rest: &'text [u8],
    /// Lines taken so far.
    n_taken: usize,
    max_lines: usize,
    survey: Survey,
    /// Whether a line outside of the files named one.
    is_named: bool,
}

/// What a look over the whole text tells.
#[derive(Clone, Copy, Default)]
struct Survey {
    /// Whether each header, and so each line, lost nothing but a carriage return that somebody put at its end.
    has_carriage_returns: bool,
    /// Bytes from the last header on; 0 where there is none.
    from_last_header: usize,
    /// Whether a line is a dot alone.
    has_dot: bool,
}

impl Survey {
    fn of(text: &[u8]) -> Self {
        let mut survey = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let (line, after) = split_line(rest);
            if line.starts_with(GIT_HEADER) || line.starts_with(b"--- ") && after.starts_with(b"+++ ") {
                let is_first = survey.from_last_header == 0;
                survey.has_carriage_returns =
                    line.ends_with(b"\r") && (is_first || survey.has_carriage_returns);
                survey.from_last_header = rest.len();
            }
            survey.has_dot |= matches!(line, b"." | b".\r");
            rest = after;
        }
        survey
    }
}

impl<'text> Cursor<'text> {
    /// Stands before the first line.
    pub(super) fn new(text: &'text [u8], max_lines: usize) -> Self {
        Self { rest: text, n_taken: 0, max_lines, survey: Survey::of(text), is_named: false }
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
        let Survey { from_last_header, has_dot, .. } = self.survey;
        Around {
            is_named: self.is_named,
            has_header_later: self.rest.len() > from_last_header && from_last_header > 0,
            has_dot,
        }
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
        Some(line.strip_suffix(b"\r").filter(|_| self.survey.has_carriage_returns).unwrap_or(line))
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
