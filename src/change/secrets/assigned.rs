//! Values of keys that are named like a secret: `db_password = …`, `"apiKey": "…"`, `--token=…`.

use crate::change::keys::{KeyWords, key_words};
use crate::change::secrets::SecretMatch;
use regex::Regex;
use std::sync::LazyLock;

/// The kinds of this module.
pub(super) const NAMES: [&str; 2] = ["password", "assigned_secret"];

/// Words that are in every name of a secret, so that only lines with one are looked at closely.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = "(?i-u:passw|passphrase|pwd|secret|token|credential|psk|api[-_]?key|access[-_]?key|private[-_]?key\
                   |signing[-_]?key|encryption[-_]?key|auth[-_]?key|master[-_]?key|app[-_]?key|requirepass|masterauth|_pass)";
    Regex::new(pattern).expect("the pattern is constant and tested")
});

/// Whether a text has a word that is in every name of a secret.
pub(super) fn may_name(text: &str) -> bool {
    NAMED.is_match(text)
}

/// Finds literal values assigned to such keys.
pub(super) fn find(text: &str, found: &mut Vec<SecretMatch>) {
    let mut from = 0;
    let mut ends = Ends::default();
    while let Some(hit) = NAMED.find_at(text, from) {
        let assignment = Assignment::around(text, hit.start(), hit.end(), &mut ends);
        from = assignment.as_ref().map_or(hit.end(), |assignment| assignment.value_start.max(hit.end()));
        let Some(assignment) = assignment else { continue };
        let words = words_of(assignment.key);
        if is_assigned(words, assignment.value) {
            let end = assignment.value_start + assignment.value.len();
            found.push(SecretMatch { start: assignment.value_start, end, kind: name_of(words) });
            from = end;
        }
    }
}

/// What the name says; two names of Redis are one word.
fn words_of(key: &str) -> KeyWords {
    match key {
        "requirepass" | "masterauth" => KeyWords::SECRET.and(KeyWords::PASSWORD),
        _ => key_words(key),
    }
}

fn name_of(words: KeyWords) -> &'static str {
    if words.has(KeyWords::PASSWORD) { "password" } else { "assigned_secret" }
}

/// Whether a value of such a key is the secret itself rather than a reference, a switch or a number.
pub(crate) fn is_assigned(words: KeyWords, value: &str) -> bool {
    if !words.names_secret()
        || value.len() < 5
        || value.len() > 4_096
        || is_reference(value)
        || is_placeholder(value)
    {
        return false;
    }
    if is_name_of_variable(value) {
        return false;
    }
    let n_digits = value.bytes().filter(u8::is_ascii_digit).count();
    let n_letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let is_plain_word =
        n_letters + value.bytes().filter(|b| matches!(b, b'-' | b'_' | b'.' | b'/')).count() == value.len();
    if words.has(KeyWords::PASSWORD) {
        return n_letters + n_digits > 0 && (n_letters > 0 || n_digits > 5) && !is_path(value);
    }
    n_letters > 2 && n_digits > 0 && value.len() >= 8 && !is_plain_word && !is_path(value) && !is_named(value)
}

/// Something that is put in later: a variable, a template, a call, a vault path, an encrypted value.
fn is_reference(value: &str) -> bool {
    const BEGINNINGS: [&str; 18] = [
        "$", "{", "<", "@", "!", "%", "ENC[", "enc:", "vault:", "ref+", "arn:", "projects/", "secret:",
        "env:", "var.", "local.", "module.", "data.",
    ];
    value.bytes().any(|b| matches!(b, b' ' | b'(' | b'[' | b'\t' | b'`'))
        || BEGINNINGS.iter().any(|beginning| value.starts_with(beginning))
        || ["${", "{{", "%{", "<%", "::", "->", "://", "..."].iter().any(|mark| value.contains(mark))
}

/// `OAUTH2_CLIENT_SECRET`: the variable that holds the secret, by a word of its name.
fn is_name_of_variable(value: &str) -> bool {
    const WORDS: [&str; 6] = ["SECRET", "TOKEN", "PASSWORD", "PASSWD", "KEY", "CREDENTIALS"];
    value.contains('_')
        && value.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && value.split('_').any(|word| WORDS.contains(&word))
}

fn is_placeholder(value: &str) -> bool {
    let lower = value.get(..value.floor_char_boundary(40)).unwrap_or("").to_ascii_lowercase();
    let is_word = matches!(
        lower.as_str(),
        "false"
            | "undef"
            | "undefined"
            | "absent"
            | "present"
            | "string"
            | "required"
            | "optional"
            | "enabled"
            | "disabled"
    );
    let marks = [
        "changeme", "change-me", "change_me", "placeholder", "redacted", "example", "dummy", "insert",
        "replace",
    ];
    is_word || marks.iter().any(|mark| lower.contains(mark)) || is_monotone(&lower)
}

/// One byte again and again: `xxxxxxxx`, `********`.
fn is_monotone(value: &str) -> bool {
    let first = value.bytes().next();
    value.bytes().all(|byte| Some(byte) == first)
}

fn is_path(value: &str) -> bool {
    value.starts_with(['/', '.', '~'])
        || value.ends_with(".pem")
        || value.ends_with(".key")
        || value.ends_with(".yaml")
}

/// The name of something: words and small numbers with dashes or dots, as Kubernetes objects have.
fn is_named(value: &str) -> bool {
    let is_lower = value
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_' | b'/'));
    let longest = value.split(['-', '.', '_', '/']).map(str::len).max().unwrap_or(0);
    let is_dotted = value.contains('.')
        && value.split('.').all(|part| part.starts_with(|c: char| c.is_ascii_alphabetic()));
    (is_lower && value.contains(['-', '_', '.', '/']) && longest < 16) || is_dotted
}

struct Assignment<'a> {
    key: &'a str,
    value: &'a str,
    value_start: usize,
}

impl<'a> Assignment<'a> {
    /// Reads the key around a hit, the separator after it and the value behind that.
    fn around(text: &'a str, hit_start: usize, hit_end: usize, ends: &mut Ends) -> Option<Self> {
        let bytes = text.as_bytes();
        let n_before = bytes.get(..hit_start)?.iter().rev().take(60).take_while(|b| is_key_byte(**b)).count();
        let n_after = bytes.get(hit_end..)?.iter().take(40).take_while(|b| is_key_byte(**b)).count();
        let key_end = hit_end + n_after;
        let key = text.get(hit_start - n_before..key_end)?;
        let value_start = value_start(bytes, key_end)?;
        let (value_start, value_end) = match bytes.get(value_start)? {
            b'"' => (
                value_start + 1,
                ends.double_quoted.of(bytes, value_start + 1, |b| matches!(b, b'"' | b'\n'))?,
            ),
            b'\'' => (
                value_start + 1,
                ends.single_quoted.of(bytes, value_start + 1, |b| matches!(b, b'\'' | b'\n'))?,
            ),
            _ => (value_start, ends.bare.of(bytes, value_start, ends_value).unwrap_or(bytes.len())),
        };
        Some(Self { key, value: text.get(value_start..value_end)?, value_start })
    }
}

/// Where values end, by how they are written: names of secrets that stand in one value do not each look for its end.
#[derive(Default)]
struct Ends {
    bare: End,
    double_quoted: End,
    single_quoted: End,
}

/// Where an end was last looked for, and what was found.
#[derive(Default)]
struct End(Option<(usize, Option<usize>)>);

impl End {
    /// The first byte from `start` on that ends a value.
    fn of(&mut self, bytes: &[u8], start: usize, is_end: fn(u8) -> bool) -> Option<usize> {
        let is_the_next =
            |(from, found): (usize, Option<usize>)| from <= start && found.is_none_or(|found| start <= found);
        if !self.0.is_some_and(is_the_next) {
            let rest = bytes.get(start..).unwrap_or(&[]);
            let found = rest.iter().position(|b| is_end(*b)).map(|n_bytes| start + n_bytes);
            self.0 = Some((start, found));
        }
        self.0.and_then(|(_, found)| found)
    }
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn ends_value(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\n' | b'\r' | b',' | b';' | b'"' | b'\'' | b'&' | b')' | b']' | b'}' | b'>'
    )
}

/// Skips closing quotes and brackets, one separator and white space; none where there is none.
fn value_start(bytes: &[u8], key_end: usize) -> Option<usize> {
    let skip = |from: usize, set: &[u8]| {
        from + bytes.get(from..).unwrap_or(&[]).iter().take(24).take_while(|b| set.contains(b)).count()
    };
    let separator = skip(key_end, b"\"'] \t");
    let after = skip(separator, b"=:>");
    let value = skip(after, b" \t");
    let is_by_space = after == separator && separator > key_end && is_word_option(bytes, key_end);
    (after > separator || is_by_space).then_some(value).filter(|value| *value < bytes.len())
}

/// Keys whose value follows after a space: `requirepass x`, `--password x`.
fn is_word_option(bytes: &[u8], key_end: usize) -> bool {
    const LONGEST: usize = 128;
    let before = bytes.get(key_end.saturating_sub(LONGEST)..key_end).unwrap_or(&[]);
    let start = before.iter().rposition(|b| matches!(b, b' ' | b'\n' | b'\t' | b'+' | b'"'));
    let key = before.get(start.map_or(0, |at| at + 1)..).unwrap_or(&[]);
    key.starts_with(b"--") || key == b"requirepass" || key == b"masterauth"
}
