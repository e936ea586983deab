//! The text of a value: without quotes, punctuation and comment; inline lists taken apart.

/// A raw value without quotes, trailing punctuation and trailing comment; empty where a block opens.
pub(super) fn clean(raw: &str) -> &str {
    let raw = raw.trim();
    match raw.as_bytes().first() {
        None => "",
        Some(quote @ (b'"' | b'\'')) => unquoted(raw, *quote).unwrap_or_else(|| bare(raw)),
        Some(_) => bare(raw),
    }
}

/// The inside of a quoted value, if nothing but punctuation or a comment follows it.
fn unquoted(raw: &str, quote: u8) -> Option<&str> {
    let mut escaped = false;
    let inner_len = raw.as_bytes().get(1..)?.iter().position(|&byte| {
        let ends = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    let rest = raw.get(inner_len + 2..)?.trim_start_matches([',', ';', ')', ']', '}', ' ', '\t']);
    let is_end = rest.is_empty() || rest.starts_with('#') || rest.starts_with("//") || rest.starts_with("/*");
    is_end.then(|| raw.get(1..=inner_len)).flatten()
}

fn bare(raw: &str) -> &str {
    let text = raw.get(..comment_start(raw)).unwrap_or(raw).trim_end();
    let text = text.trim_end_matches([',', ';']).trim_end();
    let text = text.strip_suffix('{').filter(|rest| !rest.ends_with('$')).map_or(text, str::trim_end);
    if text.len() <= 8 && is_opening(text) { "" } else { text }
}

fn is_opening(text: &str) -> bool {
    matches!(
        text,
        "[" | "(" | "{" | "array(" | "|" | ">" | "|-" | ">-" | "|+" | ">+" | "[{" | "({" | "array ("
    )
}

/// Where a trailing comment starts: a marker after white space, outside of quotes.
fn comment_start(raw: &str) -> usize {
    let bytes = raw.as_bytes();
    let mut quote = 0_u8;
    let mut previous = b' ';
    for (idx, &byte) in bytes.iter().enumerate() {
        match byte {
            b'"' | b'\'' if quote == 0 && !previous.is_ascii_alphanumeric() => quote = byte,
            _ if byte == quote && previous != b'\\' => quote = 0,
            b'#' if quote == 0 && matches!(previous, b' ' | b'\t') => return idx,
            b'/' if quote == 0 && matches!(previous, b' ' | b'\t' | b',' | b';') => {
                if matches!(bytes.get(idx + 1), Some(b'/' | b'*')) {
                    return idx;
                }
            }
            _ => {}
        }
        previous = byte;
    }
    bytes.len()
}

/// Most elements of an inline list that are compared.
pub(super) const MAX_ELEMENTS: usize = 256;

/// The elements of an inline list or map (`[1, 2]`, `{ a: 1 }`, `array( 'x' )`), outermost level.
pub(super) fn elements(value: &str) -> Option<Vec<&str>> {
    elements_within(value, MAX_ELEMENTS)
}

/// As [`elements`], none where there are more than `max`.
pub(super) fn elements_within(value: &str, max: usize) -> Option<Vec<&str>> {
    let value = value.trim();
    let inner = strip_brackets(value)?;
    let mut found = Vec::new();
    let (mut depth, mut start, mut quote) = (0_i32, 0, 0_u8);
    for (idx, byte) in inner.bytes().enumerate() {
        match byte {
            b'"' | b'\'' if quote == 0 => quote = byte,
            _ if byte == quote => quote = 0,
            _ if quote != 0 => {}
            b'[' | b'{' | b'(' => depth += 1,
            b']' | b'}' | b')' => depth -= 1,
            b',' if depth == 0 => {
                found.push(inner.get(start..idx)?.trim());
                start = idx + 1;
            }
            _ => {}
        }
        if found.len() >= max {
            return None;
        }
    }
    let last = inner.get(start..)?.trim();
    if !last.is_empty() {
        found.push(last);
    }
    Some(found)
}

fn strip_brackets(value: &str) -> Option<&str> {
    let inner = value.strip_prefix("array").map_or(value, str::trim_start);
    let close = match inner.as_bytes().first()? {
        b'[' => ']',
        b'{' if !inner.starts_with("{{") => '}',
        b'(' => ')',
        _ => return None,
    };
    inner.get(1..)?.trim_end_matches([',', ';', ' ']).strip_suffix(close)
}

/// The elements of a list without brackets: `a, b, c`; none where it is prose or one element.
pub(super) fn comma_elements(value: &str) -> Option<Vec<&str>> {
    if !value.contains(',') || value.contains(['(', '{', '[']) {
        return None;
    }
    let found: Vec<&str> = value.split(',').map(str::trim).take(MAX_ELEMENTS + 1).collect();
    let is_list = found.len() <= MAX_ELEMENTS && found.iter().all(|element| !element.contains(' '));
    is_list.then_some(found)
}
