//! One file of a diff: its header, its names and modes, its hunks.

use crate::change::parse::DiffError;
use crate::change::parse::cursor::Cursor;
use crate::change::parse::{hunk, names, normalise, notation};
use crate::change::{FileContent, FileDiff, FileStatus, Hunk, LineOrigin};

pub(super) const GIT_HEADER: &[u8] = b"diff --git ";
/// Directories, files, links and submodules.
const KINDS_OF_MODES: [u32; 4] = [0o040_000, 0o100_000, 0o120_000, 0o160_000];
const NAME: &str = "a file name";
const SAME_NAME: &str = "the same path as in the header of the file";
const PLAIN_PATH: &str = "a path without `.`, `..`, zero bytes and empty parts";
const ENDED_NAME: &str = "a tab behind a file name that has a blank in it, as git writes one";

/// A file, and whether it shows less than the canonical diff would.
pub(super) struct ParsedFile {
    pub(super) file_diff: FileDiff,
    pub(super) partial: bool,
}

/// What the header of a file says.
#[derive(Default)]
struct Header {
    /// The path of the `diff --git` line, where it is one path.
    name: Option<Vec<u8>>,
    old_name: Option<Vec<u8>>,
    new_name: Option<Vec<u8>>,
    is_added: bool,
    is_deleted: bool,
    is_copied: bool,
    old_mode: u32,
    new_mode: u32,
    is_binary: bool,
    /// The two ids of the `index` line, mostly abbreviated.
    ids: Option<(Vec<u8>, Vec<u8>)>,
}

/// Reads the file that starts at the next line; none where no file starts there.
pub(super) fn parse(cursor: &mut Cursor<'_>, line: &[u8]) -> Result<Option<ParsedFile>, DiffError> {
    if let Some(rest) = line.strip_prefix(GIT_HEADER) {
        let name = names::same_name(without_cr(rest));
        cursor.advance()?;
        return parse_git(cursor, Header { name, ..Header::default() }).map(Some);
    }
    if line.starts_with(b"diff --cc ") || line.starts_with(b"diff --combined ") {
        return Err(cursor.expected("a plain diff, not the combined diff of a merge"));
    }
    if line.starts_with(b"@@ -") {
        return Err(cursor.expected("the header of a file before its first hunk"));
    }
    if starts_names(cursor, line) {
        return parse_plain(cursor).map(Some);
    }
    let next = cursor.peek_second().map(without_cr).unwrap_or_default();
    match notation::other(without_cr(line), next, cursor.around()) {
        Some(expected) => Err(cursor.expected(expected)),
        None => Ok(None),
    }
}

fn parse_git(cursor: &mut Cursor<'_>, mut header: Header) -> Result<ParsedFile, DiffError> {
    let header_line = cursor.line() - 1;
    while let Some(line) = cursor.peek() {
        if !read_extended(without_cr(line), &mut header).ok_or_else(|| cursor.expected(NAME))? {
            break;
        }
        cursor.advance()?;
    }
    let mut hunks = Vec::new();
    match cursor.peek() {
        Some(line) if starts_names(cursor, line) => {
            check_names(cursor, &mut header)?;
            hunks = parse_hunks(cursor)?;
        }
        Some(line) if is_binary_notice(line) => {
            header.is_binary = true;
            skip_binary(cursor)?;
        }
        Some(line) if line.starts_with(b"@@ -") || line.starts_with(b"--- ") => {
            return Err(cursor.expected("`---` and `+++` lines before the first hunk"));
        }
        Some(_) | None => {}
    }
    finish(header, hunks, header_line)
}

/// A file of `diff -u`: two names, then hunks.
fn parse_plain(cursor: &mut Cursor<'_>) -> Result<ParsedFile, DiffError> {
    let header_line = cursor.line();
    let (old, new) = parse_names(cursor)?;
    let is_of_epoch = (old.is_of_epoch, new.is_of_epoch);
    let (old, new) = (old.name, new.name);
    let mut header = Header { is_added: old.is_none(), is_deleted: new.is_none(), ..Header::default() };
    header.name = match (old, new) {
        (None, None) => return Err(DiffError::Malformed { line: header_line, expected: NAME }),
        (Some(only), None) => Some(without_prefix(names::without_dots(&only).to_vec(), b"a/")),
        (None, Some(only)) => Some(without_prefix(names::without_dots(&only).to_vec(), b"b/")),
        (Some(old), Some(new)) => plain_name(&old, new),
    };
    if header.name.is_none() {
        return Err(DiffError::Malformed { line: header_line + 1, expected: SAME_NAME });
    }
    let hunks = parse_hunks(cursor)?;
    header.is_added |= is_of_epoch.0 && hunks.iter().all(|hunk| (hunk.old_start, hunk.old_lines) == (0, 0));
    header.is_deleted |= is_of_epoch.1 && hunks.iter().all(|hunk| (hunk.new_start, hunk.new_lines) == (0, 0));
    finish(header, hunks, header_line)
}

/// The path of two plain names: equal, one a backup of the other (`x.orig`, `x~`), itself or by its first part, or equal
/// but for their first part.
fn plain_name(old: &[u8], new: Vec<u8>) -> Option<Vec<u8>> {
    let (old, new) = (names::without_dots(old), names::without_dots(&new));
    let shorter = if new.len() <= old.len() { new } else { old };
    if old == new || is_backup(old, new) || is_backup(new, old) {
        return Some(shorter.to_vec());
    }
    let (old_part, new_part) = (names::without_first_part(old), names::without_first_part(new));
    if old_part.is_none() || old_part != new_part {
        return None;
    }
    let first = |name: &[u8]| name.split(|b| *b == b'/').next().map(<[u8]>::to_vec).unwrap_or_default();
    let (old_first, new_first) = (first(old), first(new));
    // `prod.orig/x` against `prod/x` is a change of `prod/x`.
    if is_backup(&old_first, &new_first) || is_backup(&new_first, &old_first) {
        return Some(shorter.to_vec());
    }
    new_part.map(<[u8]>::to_vec)
}

/// Whether a name is that of a backup of another, or of its new version.
fn is_backup(name: &[u8], of: &[u8]) -> bool {
    const ENDINGS: [&[u8]; 8] =
        [b".orig", b".old", b".bak", b".save", b".new", b".rpmsave", b".dpkg-old", b"~"];
    name.strip_prefix(of).is_some_and(|ending| ENDINGS.contains(&ending))
}

fn without_prefix(name: Vec<u8>, prefix: &[u8]) -> Vec<u8> {
    match name.strip_prefix(prefix) {
        Some(rest) if !rest.is_empty() => rest.to_vec(),
        _ => name,
    }
}

/// Takes in one line of a git header. False where the line is none; none where it is broken.
fn read_extended(line: &[u8], header: &mut Header) -> Option<bool> {
    if let Some(rest) = after_any(line, &[b"rename from ", b"rename old "]) {
        header.old_name = Some(names::name(rest)?);
    } else if let Some(rest) = after_any(line, &[b"rename to ", b"rename new "]) {
        header.new_name = Some(names::name(rest)?);
    } else if line.starts_with(b"copy from ") {
        header.is_copied = true;
    } else if let Some(rest) = line.strip_prefix(b"copy to ") {
        header.new_name = Some(names::name(rest)?);
    } else if let Some(rest) = line.strip_prefix(b"new file mode ") {
        (header.is_added, header.new_mode) = (true, mode(rest)?);
    } else if let Some(rest) = line.strip_prefix(b"deleted file mode ") {
        (header.is_deleted, header.old_mode) = (true, mode(rest)?);
    } else if let Some(rest) = line.strip_prefix(b"old mode ") {
        header.old_mode = mode(rest)?;
    } else if let Some(rest) = line.strip_prefix(b"new mode ") {
        header.new_mode = mode(rest)?;
    } else if let Some(rest) = line.strip_prefix(b"index ") {
        let (ids, both) = match memchr::memchr(b' ', rest) {
            Some(space_idx) => (&rest[..space_idx], Some(mode(&rest[space_idx + 1..])?)),
            None => (rest, None),
        };
        // It tells the mode of a file that keeps its own; a line of another mode says more.
        if let Some(both) = both {
            for mode in [&mut header.old_mode, &mut header.new_mode] {
                *mode = if *mode == 0 { both } else { *mode };
            }
        }
        let dots_idx = memchr::memmem::find(ids, b"..")?;
        header.ids = Some((ids[..dots_idx].to_vec(), ids[dots_idx + 2..].to_vec()));
    } else {
        return Some(line.starts_with(b"similarity index ") || line.starts_with(b"dissimilarity index "));
    }
    Some(true)
}

fn after_any<'line>(line: &'line [u8], prefixes: &[&[u8]]) -> Option<&'line [u8]> {
    prefixes.iter().find_map(|prefix| line.strip_prefix(*prefix))
}

/// A mode of the kinds that git knows.
fn mode(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.len() == 6)?;
    let mode = u32::from_str_radix(digits, 8).ok()?;
    KINDS_OF_MODES.contains(&(mode & 0o170_000)).then_some(mode)
}

/// The names of the `---` and `+++` lines must be those of the header: else the score would be of
/// one file and the change of another.
fn check_names(cursor: &mut Cursor<'_>, header: &mut Header) -> Result<(), DiffError> {
    let line = cursor.line();
    let (old, new) = parse_names(cursor)?;
    let (old, new) = (old.name, new.name);
    let expected_old = header.old_name.as_ref().or(header.name.as_ref());
    let expected_new = header.new_name.as_ref().or(header.name.as_ref());
    let fits = |name: &Option<Vec<u8>>, expected: Option<&Vec<u8>>| match (name, expected) {
        (Some(name), Some(expected)) => {
            name == expected || names::without_first_part(name) == Some(expected.as_slice())
        }
        (None, _) | (_, None) => true,
    };
    if !header.is_copied && !fits(&old, expected_old) {
        return Err(DiffError::Malformed { line, expected: SAME_NAME });
    }
    if !fits(&new, expected_new) {
        return Err(DiffError::Malformed { line: line + 1, expected: SAME_NAME });
    }
    header.is_added |= old.is_none();
    header.is_deleted |= new.is_none();
    if header.name.is_none() && expected_new.is_none() {
        header.name = match (old, new) {
            (Some(old), Some(new)) => plain_name(&old, new),
            (Some(only), None) | (None, Some(only)) => names::without_first_part(&only).map(<[u8]>::to_vec),
            (None, None) => None,
        };
    }
    Ok(())
}

fn starts_names(cursor: &Cursor<'_>, line: &[u8]) -> bool {
    line.starts_with(b"--- ") && cursor.peek_second().is_some_and(|next| next.starts_with(b"+++ "))
}

/// One of the two lines before the hunks.
struct Written {
    /// Unquoted; none for `/dev/null`.
    name: Option<Vec<u8>>,
    /// Whether the date behind it is that of the epoch, as of a file that `diff -N` found on one side only.
    is_of_epoch: bool,
}

/// Both names.
fn parse_names(cursor: &mut Cursor<'_>) -> Result<(Written, Written), DiffError> {
    let old = parse_name(cursor, b"--- ")?;
    let new = parse_name(cursor, b"+++ ")?;
    Ok((old, new))
}

fn parse_name(cursor: &mut Cursor<'_>, prefix: &[u8]) -> Result<Written, DiffError> {
    let raw = cursor.peek().and_then(|line| without_cr(line).strip_prefix(prefix));
    let raw = raw.ok_or_else(|| cursor.expected(NAME))?;
    // Some end the name there, some before a date, some nowhere.
    if !names::is_ended(raw) {
        return Err(cursor.expected(ENDED_NAME));
    }
    let name = names::dated_name(raw).ok_or_else(|| cursor.expected(NAME))?;
    let is_of_epoch = names::is_of_epoch(raw);
    cursor.advance()?;
    Ok(Written { name: (name != b"/dev/null").then_some(name), is_of_epoch })
}

fn parse_hunks(cursor: &mut Cursor<'_>) -> Result<Vec<Hunk>, DiffError> {
    let mut hunks: Vec<Hunk> = Vec::new();
    loop {
        let line = cursor.line();
        let next = hunk::parse(cursor)?;
        if hunks
            .last()
            .is_some_and(|previous| !normalise::follows(previous, &next) || hunk::is_last(previous))
        {
            return Err(DiffError::Malformed { line, expected: "a hunk after the end of the one before" });
        }
        hunks.push(next);
        match cursor.peek() {
            Some(line) if line.starts_with(b"@@ -") => {}
            Some(line) if hunk::is_surplus(line) && !starts_names(cursor, line) => {
                return Err(cursor.expected("the next hunk or file: the hunk above is complete"));
            }
            Some(_) | None => return Ok(hunks),
        }
    }
}

fn is_binary_notice(line: &[u8]) -> bool {
    line.starts_with(b"Binary files ") || line.starts_with(b"GIT binary patch")
}

/// Passes the encoded data of a binary patch; lines of it hold no space.
fn skip_binary(cursor: &mut Cursor<'_>) -> Result<(), DiffError> {
    let is_encoded = cursor.peek().is_some_and(|line| line.starts_with(b"GIT"));
    cursor.advance()?;
    let is_data =
        |line: &[u8]| line.starts_with(b"literal ") || line.starts_with(b"delta ") || !line.contains(&b' ');
    while is_encoded && cursor.peek().is_some_and(is_data) {
        cursor.advance()?;
    }
    Ok(())
}

fn finish(header: Header, hunks: Vec<Hunk>, header_line: usize) -> Result<ParsedFile, DiffError> {
    let malformed = |expected| DiffError::Malformed { line: header_line, expected };
    let is_added = header.is_added || header.is_copied;
    if is_added && header.is_deleted {
        return Err(malformed("a file that is either added or deleted"));
    }
    let (hunks, partial) = normalise::canonical(hunks);
    // Of a copy, most is not shown.
    let is_unread = header.is_copied || hunks.is_empty() && !says_all(&header);
    let text = |name: Vec<u8>| String::from_utf8_lossy(&name).into_owned();
    let old_path = header.old_name.or_else(|| header.name.clone()).map(text);
    let new_path = header.new_name.or(header.name).map(text);
    let (Some(old_path), Some(new_path)) = (old_path.or_else(|| new_path.clone()), new_path) else {
        return Err(malformed("a header that names the file"));
    };
    if !(is_plain(&old_path) && is_plain(&new_path)) {
        return Err(malformed(PLAIN_PATH));
    }
    let status = match () {
        () if is_added => FileStatus::Added,
        () if header.is_deleted => FileStatus::Deleted,
        () if old_path != new_path => FileStatus::Renamed,
        () => FileStatus::Modified,
    };
    let file_diff = FileDiff {
        old_path: (!is_added).then_some(old_path),
        new_path: (!header.is_deleted).then_some(new_path),
        status,
        old_mode: if is_added { 0 } else { header.old_mode },
        new_mode: if header.is_deleted { 0 } else { header.new_mode },
        content: match () {
            () if header.is_binary || shows_binary(&hunks) => FileContent::Binary,
            () if is_unread => FileContent::Unread,
            () => FileContent::Text(hunks),
        },
    };
    Ok(ParsedFile { file_diff, partial: partial || header.is_copied })
}

/// Whether what is written as text is none, as of a diff that was made of everything as text (`git diff --text`): the change
/// is then the same one, with the same digest, as read from its commit. Git takes a file for binary by a zero byte among its
/// first 8,000; where a diff does not show the beginning, nobody can tell.
fn shows_binary(hunks: &[Hunk]) -> bool {
    const N_PROBED: usize = 8_000;
    let Some(hunk) = hunks.first() else { return false };
    let begins_binary = |start: u32, absent: LineOrigin| {
        let mut n_left = N_PROBED;
        let mut lines = hunk.lines.iter().filter(|line| line.origin != absent);
        start <= 1
            && lines.any(|line| {
                let probed = &line.text.as_bytes()[..n_left.min(line.text.len())];
                n_left = n_left.saturating_sub(line.text.len() + 1);
                probed.contains(&0)
            })
    };
    begins_binary(hunk.old_start, LineOrigin::Added) || begins_binary(hunk.new_start, LineOrigin::Deleted)
}

/// Whether a path is written in one way only: rules that ask how it begins must not be passed by another one.
fn is_plain(path: &str) -> bool {
    !path.contains('\0') && path.trim_end_matches('/').split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Whether a header without a changed line is the whole change: a rename, another mode, an empty file. Git
/// names two contents only where they differ, so that a header alone was cut off or filtered (`git diff -w`).
fn says_all(header: &Header) -> bool {
    let is_moved = header.old_name.is_some();
    let has_other_mode = header.old_mode != header.new_mode && header.old_mode != 0 && header.new_mode != 0;
    match &header.ids {
        Some((old, new)) => old == new || (is_nothing(old) && is_nothing(new)),
        None => is_moved || has_other_mode,
    }
}

/// Whether an id is that of no file, or of an empty one (under SHA-1, under SHA-256).
fn is_nothing(id: &[u8]) -> bool {
    let empty_blobs = [
        &b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"[..],
        b"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    ];
    id.len() >= 4 && (id.iter().all(|b| *b == b'0') || empty_blobs.iter().any(|blob| blob.starts_with(id)))
}

/// Header lines may have been sent with carriage returns.
fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
