//! Paths as git writes them: with prefixes, in quotes, before a tab.

/// The two names of a `diff --git` line, where they are the same path on both sides.
pub(super) fn same_name(rest: &[u8]) -> Option<Vec<u8>> {
    let (old, new) = split_names(rest)?;
    if old == new {
        return Some(old);
    }
    let (old, new) = (without_first_part(&old)?, without_first_part(&new)?);
    (old == new).then(|| old.to_vec())
}

/// Both names of a `diff --git` line; unquoted ones are told apart by their equal length.
fn split_names(rest: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    if rest.first() == Some(&b'"') {
        let (old, rest) = unquote(rest)?;
        return Some((old, name(rest.strip_prefix(b" ")?)?));
    }
    let middle = rest.len() / 2;
    if rest.len() % 2 == 1 && rest[middle] == b' ' && is_bare(rest) {
        return Some((rest[..middle].to_vec(), rest[middle + 1..].to_vec()));
    }
    None
}

/// A name, quoted or bare.
pub(super) fn name(raw: &[u8]) -> Option<Vec<u8>> {
    if raw.first() == Some(&b'"') {
        return unquote(raw).map(|(name, _)| name);
    }
    is_bare(raw).then(|| raw.to_vec())
}

/// Whether a name may stand without quotes: git quotes those with control characters, where some end and others do not.
fn is_bare(raw: &[u8]) -> bool {
    !raw.is_empty() && !raw.iter().any(u8::is_ascii_control)
}

/// The name of a `---` or `+++` line: a tab ends it, what follows is a date.
pub(super) fn dated_name(raw: &[u8]) -> Option<Vec<u8>> {
    if raw.first() == Some(&b'"') {
        return name(raw);
    }
    let end = memchr::memchr(b'\t', raw).unwrap_or(raw.len());
    name(&raw[..end])
}

/// Whether what reads the line knows where the name ends.
pub(super) fn is_ended(raw: &[u8]) -> bool {
    raw.first() == Some(&b'"') || raw.contains(&b'\t') || !raw.contains(&b' ')
}

/// Whether the date behind a name is that of the epoch, in whatever zone.
pub(super) fn is_of_epoch(raw: &[u8]) -> bool {
    let date = memchr::memrchr(b'\t', raw).map_or(&[][..], |tab_idx| &raw[tab_idx + 1..]);
    date.starts_with(b"1970-01-01 ") || date.starts_with(b"1969-12-31 ")
}

/// The path from where it is looked for: without `./` or `/` before it.
pub(super) fn without_dots(mut path: &[u8]) -> &[u8] {
    let beginning =
        |path: &[u8]| if path.starts_with(b"./") { 2 } else { usize::from(path.starts_with(b"/")) };
    while let Some(rest) =
        path.get(beginning(path)..).filter(|rest| rest.len() < path.len() && !rest.is_empty())
    {
        path = rest;
    }
    path
}

/// The path without `a/`, `old/`, …
pub(super) fn without_first_part(path: &[u8]) -> Option<&[u8]> {
    let slash_idx = memchr::memchr(b'/', path)?;
    (slash_idx + 1 < path.len()).then(|| &path[slash_idx + 1..])
}

/// A name in double quotes with C escapes, and what follows the closing quote.
fn unquote(raw: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = raw.strip_prefix(b"\"")?;
    let mut name = Vec::new();
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        match byte {
            b'"' => return (!name.is_empty()).then_some((name, rest)),
            b'\\' => {
                let (unescaped, after) = unescape(rest)?;
                name.push(unescaped);
                rest = after;
            }
            _ => name.push(byte),
        }
    }
}

fn unescape(rest: &[u8]) -> Option<(u8, &[u8])> {
    let (&byte, after) = rest.split_first()?;
    let unescaped = match byte {
        b'a' => 7,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 11,
        b'f' => 12,
        b'r' => b'\r',
        b'"' | b'\\' => byte,
        b'0'..=b'3' => {
            let digits = std::str::from_utf8(rest.get(..3)?).ok()?;
            return Some((u8::from_str_radix(digits, 8).ok()?, &rest[3..]));
        }
        _ => return None,
    };
    Some((unescaped, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_names_of_a_header_are_one_path() {
        let cases: [(&[u8], Option<&[u8]>); 7] = [
            (b"a/x b/x", Some(b"x")),
            (b"a/x y b/x y", Some(b"x y")),
            (b"x y x y", Some(b"x y")),
            (b"i/x w/x", Some(b"x")),
            (b"\"a/\\303\\251\\t\" \"b/\\303\\251\\t\"", Some(b"\xc3\xa9\t")),
            (b"a/x b/y", None),
            (b"", None),
        ];
        for (header, path) in cases {
            assert_eq!(same_name(header).as_deref(), path, "{}", String::from_utf8_lossy(header));
        }
    }

    #[test]
    fn a_bad_quote_is_no_name() {
        for raw in [b"\"a".as_slice(), b"\"a\\", b"\"\\9\"", b"\"\\0\"", b"\"\"", b"\"\\389\""] {
            assert_eq!(name(raw), None, "{}", String::from_utf8_lossy(raw));
        }
    }

    #[test]
    fn a_date_is_no_part_of_a_name() {
        assert_eq!(dated_name(b"a/x y\t2026-01-01").unwrap(), b"a/x y");
    }
}
