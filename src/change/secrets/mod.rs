//! Secrets in the text of a change: found by kind, and replaced before anything leaves the process.
//!
//! Four ways: fixed shapes of known issuers ([`kinds`]), values assigned to a key that is named like a
//! secret ([`assigned`]), what command lines pass by a letter ([`passed`]), and random-looking strings ([`entropy`]). A match never
//! carries the text itself. Start at [`find`] and [`redact`].

mod assigned;
mod entropy;
mod kinds;
mod passed;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub(crate) use assigned::is_assigned;

/// Where a secret stands in a text, and of what kind it is; the text itself is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretMatch {
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// Stable name of the kind.
    pub kind: &'static str,
}

/// Finds the secrets of a text, in order and without overlap.
///
/// ```
/// let text = format!("token = {}{}", "ghp_", "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5");
/// assert_eq!(diffrisk::change::secrets::find(&text)[0].kind, "github_token");
/// ```
pub fn find(text: &str) -> Vec<SecretMatch> {
    let mut found = Vec::new();
    kinds::find(text, &mut found);
    assigned::find(text, &mut found);
    passed::find(text, &mut found);
    entropy::find(text, &mut found);
    without_overlap(text, found)
}

/// Replaces every secret by `[redacted:kind]`; borrows where there is none.
///
/// ```
/// assert_eq!(diffrisk::change::secrets::redact("timeout: 30s"), "timeout: 30s");
/// assert_eq!(diffrisk::change::secrets::redact("password: hunter2x"), "password: [redacted:password]");
/// ```
pub fn redact(text: &str) -> Cow<'_, str> {
    let found = find(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    for secret in &found {
        clean.push_str(text.get(done..secret.start).unwrap_or(""));
        clean.push_str("[redacted:");
        clean.push_str(secret.kind);
        clean.push(']');
        done = secret.end;
    }
    clean.push_str(text.get(done..).unwrap_or(""));
    Cow::Owned(clean)
}

/// The names of all kinds, in a fixed order.
pub fn kind_names() -> impl Iterator<Item = &'static str> {
    kinds::names().chain(assigned::NAMES).chain(passed::NAMES).chain(entropy::NAMES)
}

/// Whether a value looks like a secret by its own shape. Built for the hot path: one look at the
/// bytes settles nearly every value.
pub(crate) fn is_likely(value: &str) -> bool {
    if value.len() < 16 || !may_be_secret(value.as_bytes()) {
        return false;
    }
    let mut found = Vec::new();
    kinds::find(value, &mut found);
    entropy::find(value, &mut found);
    !found.is_empty()
}

/// Whether a line may hold a secret, by its own shape, by the name before it or by the program that takes it: what is worth
/// [`find`].
pub(crate) fn may_hold(line: &str) -> bool {
    may_be_secret(line.as_bytes()) || assigned::may_name(line) || passed::may_pass(line)
}

/// A run of sixteen bytes without white space that mixes letters and digits, credentials in a URL, or
/// the header of a key block.
fn may_be_secret(bytes: &[u8]) -> bool {
    let (mut len, mut n_digits, mut n_letters) = (0_u32, 0_u32, 0_u32);
    for &byte in bytes {
        match byte {
            b'0'..=b'9' => n_digits += 1,
            b'A'..=b'Z' | b'a'..=b'z' => n_letters += 1,
            b'@' if len > 8 => return true,
            b'-' | b'_' | b'+' | b'/' | b'=' | b'.' | b':' | b'~' | b'$' => {}
            _ => {
                (len, n_digits, n_letters) = (0, 0, 0);
                continue;
            }
        }
        len += 1;
        if len >= 16 && n_digits > 0 && n_letters > 3 {
            return true;
        }
    }
    bytes.starts_with(b"-----BEGIN")
}

/// Of overlapping matches the first stays, and of those that start together the longest. A string that looks
/// random takes in the secret of a known kind inside it, and has its name; `KEY=` before that is no part of it.
fn without_overlap(text: &str, mut found: Vec<SecretMatch>) -> Vec<SecretMatch> {
    let is_random = |secret: &SecretMatch| secret.kind == entropy::NAMES[0];
    let mut known: Vec<(usize, SecretMatch)> = found.iter().copied().enumerate().collect();
    known.retain(|(_, secret)| !is_random(secret));
    known.sort_by_key(|(_, secret)| secret.start);
    let mut known = known.into_iter().peekable();
    // Those that reach over the place of the next random string; these come in the order of the text.
    let mut near: Vec<(usize, SecretMatch)> = Vec::new();
    for random in found.iter_mut().filter(|secret| is_random(secret)) {
        near.extend(std::iter::from_fn(|| known.next_if(|(_, secret)| secret.start < random.end)));
        near.retain(|(_, secret)| random.start < secret.end);
        if let Some((_, inside)) = near.iter().min_by_key(|(number, _)| *number) {
            let before = text.get(random.start..inside.start).unwrap_or("");
            random.start = if before.contains('=') { inside.start } else { random.start.min(inside.start) };
            (random.end, random.kind) = (random.end.max(inside.end), inside.kind);
        }
    }
    found.sort_by_key(|secret| (secret.start, std::cmp::Reverse(secret.end)));
    let mut last_end = 0;
    found.retain(|secret| {
        let keeps = secret.start >= last_end && secret.end > secret.start;
        if keeps {
            last_end = secret.end;
        }
        keeps
    });
    found
}
