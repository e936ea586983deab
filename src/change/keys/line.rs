//! One line read on its own: its position, and the shape of what it says.

use crate::change::keys::format::Format;

/// A line without its indentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Twice the column of the content plus two; a list dash sits on the odd number after its column.
    pub(super) pos: u32,
    /// Where the list dash stands, if there is one.
    pub(super) dash_pos: Option<u32>,
    /// The text without indentation, dash and trailing white space.
    pub(super) text: &'a str,
    /// What it says.
    pub(super) shape: Shape<'a>,
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape<'a> {
    /// Nothing.
    Blank,
    /// Only a comment.
    Comment,
    /// Only closing brackets, or an opening one without a name.
    Bracket,
    /// A document or section boundary: forgets all that was open; a section has a name.
    Section(&'a str),
    /// Opens a block by a header: `resource "a" "b" {`.
    Open(&'a str),
    /// A key and its raw value (empty where a block follows).
    Pair(&'a str, &'a str),
    /// An element of a list, raw.
    Item(&'a str),
    /// Anything else.
    Bare,
}

/// Reads one line.
pub(super) fn read(format: Format, raw: &str) -> Line<'_> {
    let (mut pos, mut text) = split_indent(raw);
    let mut dash_pos = None;
    if !matches!(format, Format::Code | Format::Prose | Format::Php) {
        while let Some(rest) = text.strip_prefix('-').filter(|rest| rest.is_empty() || rest.starts_with(' '))
        {
            dash_pos = dash_pos.or(Some(pos + 1));
            let content = rest.trim_start();
            pos += 2 * u32::try_from(text.len() - content.len()).unwrap_or(1);
            text = content;
        }
    }
    let mut shape = shape_of(format, text);
    if dash_pos.is_some() && matches!(shape, Shape::Bare | Shape::Blank) {
        shape = Shape::Item(text);
    }
    Line { pos, dash_pos, text, shape }
}

fn split_indent(raw: &str) -> (u32, &str) {
    let mut column = 0_u32;
    let mut start = 0;
    for &byte in raw.as_bytes() {
        match byte {
            b' ' => column += 1,
            b'\t' => column += 4,
            _ => break,
        }
        start += 1;
    }
    (2 * column.min(1 << 20) + 2, raw.get(start..).unwrap_or("").trim_end())
}

fn shape_of(format: Format, text: &str) -> Shape<'_> {
    let Some(&first) = text.as_bytes().first() else { return Shape::Blank };
    if format.is_comment(text) {
        return Shape::Comment;
    }
    if matches!(format, Format::Prose) {
        return Shape::Bare;
    }
    if text == "---" || text == "..." {
        return Shape::Section("");
    }
    if matches!(first, b'}' | b']' | b')' | b'{' | b'[' | b'(') && text.bytes().all(is_bracket) {
        return Shape::Bracket;
    }
    if format.has_sections()
        && let Some(header) = section_header(text)
    {
        return Shape::Section(header.trim_matches(['[', ']']));
    }
    if let Some((key, value)) = split_pair(format, text) {
        return Shape::Pair(key, value);
    }
    without_separator(format, text)
}

/// `[production]`, without the comment behind it.
fn section_header(text: &str) -> Option<&str> {
    let has_comment_behind = |at: usize| {
        let rest = text.get(at + 1..).unwrap_or("");
        rest.starts_with([' ', '\t']) && rest.trim_start().starts_with(['#', ';'])
    };
    // An element of a list has its quotes.
    let inner = text.strip_prefix('[')?;
    if inner.starts_with(['"', '\'']) {
        return text.ends_with(']').then_some(text);
    }
    let end = text.match_indices(']').map(|(at, _)| at).find(|at| has_comment_behind(*at));
    match end {
        Some(end) => text.get(..=end),
        None => text.ends_with(']').then_some(text),
    }
}

fn is_bracket(byte: u8) -> bool {
    matches!(byte, b'}' | b']' | b')' | b'{' | b'[' | b'(' | b',' | b';' | b' ')
}

fn without_separator(format: Format, text: &str) -> Shape<'_> {
    if let Some(header) = block_header(text) {
        return Shape::Open(header);
    }
    if format.pairs_by_space()
        && let Some((key, value)) = text.split_once([' ', '\t'])
        && key.bytes().all(is_word_byte)
    {
        return Shape::Pair(key, value);
    }
    if !format.has_items() {
        return Shape::Bare;
    }
    let element = text.trim_end_matches([',', ';']);
    let is_word = !element.bytes().any(|b| matches!(b, b' ' | b'(' | b'{' | b'<'));
    if is_word || is_quoted(element) || format == Format::List { Shape::Item(text) } else { Shape::Bare }
}

/// The header of a block that the line opens: `location / {`, `class { 'x':`, `<VirtualHost *>`.
fn block_header(text: &str) -> Option<&str> {
    if let Some(header) = text.strip_suffix('{').or_else(|| text.strip_suffix(" do")) {
        let header = header.trim_end();
        let word = header.split([' ', '(']).next().unwrap_or("");
        let is_control = matches!(
            word,
            "if" | "else"
                | "elseif"
                | "elsif"
                | "for"
                | "foreach"
                | "while"
                | "switch"
                | "function"
                | "}"
                | "unless"
                | "case"
        );
        return Some(if is_control { "" } else { header });
    }
    if text.ends_with(':') && text.contains('{') {
        return Some(text.trim_end_matches(':'));
    }
    let inner = text.strip_prefix('<')?.strip_suffix('>')?;
    Some(if inner.starts_with('/') { "" } else { inner })
}

fn is_quoted(text: &str) -> bool {
    let quote = text.as_bytes().first().copied().unwrap_or(b' ');
    text.len() > 1
        && matches!(quote, b'"' | b'\'')
        && text.as_bytes().last() == Some(&quote)
        && text.bytes().filter(|&b| b == quote).count() == 2
}

/// Splits at the separator of a key and its value, if the line has one.
fn split_pair(format: Format, text: &str) -> Option<(&str, &str)> {
    let first = text.as_bytes().first().copied()?;
    let (key, rest) = if matches!(first, b'"' | b'\'') {
        let inner_len = text.get(1..)?.bytes().position(|b| b == first)?;
        let rest = text.get(inner_len + 2..)?.trim_start();
        (text.get(1..=inner_len)?, after_separator(rest)?)
    } else {
        scan_pair(format, text)?
    };
    (!key.is_empty()).then(|| (key, rest.trim_start()))
}

fn after_separator(rest: &str) -> Option<&str> {
    let value =
        rest.strip_prefix("=>").or_else(|| rest.strip_prefix(':')).or_else(|| rest.strip_prefix('='))?;
    (!value.starts_with(['=', ':'])).then_some(value)
}

/// Longest key that is looked for, in bytes.
const MAX_KEY: usize = 160;

fn scan_pair(format: Format, text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut idx = 0;
    while idx < bytes.len().min(MAX_KEY) {
        let byte = bytes.get(idx).copied()?;
        let next = bytes.get(idx + 1).copied().unwrap_or(b' ');
        match byte {
            b'=' => return split_equals(format, text, idx, next),
            b':' if next == b':' => idx += 1,
            b':' if matches!(next, b' ' | b'\t') && format != Format::Code => {
                return key_of(format, text, idx, idx + 1);
            }
            b':' if next == b'=' => return key_of(format, text, idx, idx + 2),
            b'{' if next == b'{' => idx = idx + 2 + text.get(idx + 2..)?.find("}}")?,
            b'\'' | b'"' if idx > 0 && bytes.get(idx - 1) == Some(&b'[') => {
                idx += 1 + text.get(idx + 1..)?.bytes().position(|b| b == byte)?;
            }
            b'(' if text.starts_with("define(") => return split_define(text),
            b'(' | b'{' | b'\'' | b'"' | b'<' | b';' | b',' => return None,
            _ => {}
        }
        idx += 1;
    }
    None
}

fn split_equals(format: Format, text: &str, at: usize, next: u8) -> Option<(&str, &str)> {
    let before = at.checked_sub(1).and_then(|idx| text.as_bytes().get(idx).copied())?;
    match (before, next) {
        (b'!' | b'<' | b'>' | b'=', _) | (_, b'=' | b'~') => None,
        (_, b'>') => key_of(format, text, at, at + 2),
        (b'+' | b'-' | b'|' | b'.' | b'?' | b'*' | b'/' | b'%', _) => key_of(format, text, at - 1, at + 1),
        _ => key_of(format, text, at, at + 1),
    }
}

/// `define( 'NAME', value );`
fn split_define(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.strip_prefix("define(")?.split_once(',')?;
    let value = value.trim_end_matches([';', ')', ' ']);
    Some((key.trim().trim_matches(['\'', '"']), value))
}

/// The key before a separator: one word, or several where the format allows it.
fn key_of(format: Format, text: &str, key_end: usize, value_start: usize) -> Option<(&str, &str)> {
    let key = text.get(..key_end)?.trim_end();
    let value = text.get(value_start..)?;
    if !key.contains([' ', '\t']) || format == Format::Yaml {
        return Some((key, value));
    }
    let (head, name) = key.rsplit_once([' ', '\t'])?;
    let is_declared = head.split_ascii_whitespace().all(is_declaration);
    is_declared.then_some((name, value))
}

fn is_declaration(word: &str) -> bool {
    matches!(
        word,
        "export"
            | "set"
            | "local"
            | "const"
            | "var"
            | "let"
            | "ENV"
            | "ARG"
            | "setenv"
            | "public"
            | "private"
            | "static"
            | "final"
            | "readonly"
            | "global"
            | "override"
            | "String"
            | "Integer"
            | "Boolean"
            | "protected"
            | "declare"
    )
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}
