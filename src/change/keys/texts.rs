//! What became another inside of a text: one word, what is assigned, the argument of a call.
//!
//! As with the rest of [`inner`](super::inner), the model's features know nothing of it. Start at [`parts`].

use rustc_hash::FxHashMap;

use crate::change::keys::changed_word::changed_word;
use crate::change::keys::collect::{Entry, Sort};
use crate::change::keys::emit;
use crate::change::keys::scope::{MAX_PATH, append_key};
use crate::change::{KeyChange, KeyChangeKind};

/// Longest path that is read, in bytes: one of lines, and as much inside a line.
pub(super) const MAX_INNER_PATH: usize = 2 * MAX_PATH;
/// Most assignments that are read from one text.
const MAX_ASSIGNED: usize = 64;

/// The parts of a text that became others, as edits of their own: `200 10m` → `200 0`, `-c a=15 -c b=3` → `-c a=0 -c b=0`,
/// `withPrivileged(false)` → `withPrivileged(true)`.
pub(super) fn parts(key_change: &KeyChange, out: &mut Vec<KeyChange>) {
    let sides = key_change.old.as_deref().zip(key_change.new.as_deref());
    let Some((old, new)) = sides.filter(|_| key_change.kind == KeyChangeKind::Text) else { return };
    if let Some((name, old, new)) = argument(old, new) {
        below(key_change, name, (old, new), out);
    }
    if let Some(word) = changed_word(old, new) {
        let path = match is_name(word.before) {
            true => [&key_change.path, "_", word.before].concat(),
            false => key_change.path.clone(),
        };
        let leaf_at = key_change.path.len().saturating_sub(key_change.leaf.len());
        return edited(key_change, (&path, leaf_at), (word.old, word.new), out);
    }
    let olds = assigned(old);
    for (name, new) in if olds.is_empty() { Vec::new() } else { assigned(new) } {
        let mut of_name = olds.iter().filter(|(other, _)| *other == name);
        if let (Some((_, old)), None) = (of_name.next(), of_name.next())
            && *old != new
        {
            below(key_change, name, (old, new), out);
        }
    }
}

/// Elements of lists that assign, where the same name left the list with another value: `a=1,b=2` → `a=0,b=2`.
pub(super) fn elements(known: &[KeyChange], out: &mut Vec<KeyChange>) {
    fn element<'a>(it: &'a KeyChange, side: &'a Option<String>) -> Option<((&'a str, &'a str), &'a str)> {
        let (name, value) = side.as_deref()?.split_once('=')?;
        name.split('.').all(is_name).then_some(((it.path.as_str(), name), value))
    }
    let left = known.iter().filter(|it| it.kind == KeyChangeKind::ListRemove);
    let left: FxHashMap<_, _> = left.filter_map(|it| element(it, &it.old)).collect();
    if left.is_empty() {
        return;
    }
    for came in known.iter().filter(|it| it.kind == KeyChangeKind::ListAdd) {
        if let Some((at, new)) = element(came, &came.new)
            && let Some(old) = left.get(&at)
        {
            below(came, at.1, (old, new), out);
        }
    }
}

/// An edit of what is called so inside of a known one.
pub(super) fn below(known: &KeyChange, name: &str, sides: (&str, &str), out: &mut Vec<KeyChange>) {
    let mut path = known.path.clone();
    let leaf_at = append_key(&mut path, name);
    edited(known, (&path, leaf_at), sides, out);
}

fn edited(known: &KeyChange, at: (&str, usize), (old, new): (&str, &str), out: &mut Vec<KeyChange>) {
    if at.0.len() <= MAX_INNER_PATH {
        emit::edited(&side_of(known, at, true, old), &side_of(known, at, false, new), false, out);
    }
}

/// One side of an edit that stands where a known one does.
pub(super) fn side_of<'a>(known: &KeyChange, at: (&str, usize), is_old: bool, value: &'a str) -> Entry<'a> {
    Entry::part(is_old, (known.hunk_idx, known.line_idx), at, Sort::Pair, value)
}

fn is_name(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// The names and values of `a=1 b=2`, `a=1,b=2`, `?a=1&b=2`.
fn assigned(text: &str) -> Vec<(&str, &str)> {
    let words =
        text.split([' ', '\t', ',', ';', '&', '?', '"', '\'']).filter_map(|word| word.split_once('='));
    let named = words.filter_map(|(name, value)| {
        let name = name.trim_start_matches('-');
        let is_plain = name.split('.').all(is_name) && !value.is_empty() && !value.contains('=');
        is_plain.then_some((name, value))
    });
    named.take(MAX_ASSIGNED).collect()
}

/// The name of a call, and its only argument before and after, where nothing else of a text became another.
fn argument<'a>(old: &'a str, new: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
    let n_same = old.bytes().zip(new.bytes()).take_while(|(old, new)| old == new).count();
    let open = old.as_bytes().get(..n_same)?.iter().rposition(|byte| *byte == b'(')?;
    let split = |text: &'a str| text.get(open + 1..)?.split_once(')');
    let ((old_inner, old_rest), (new_inner, new_rest)) = (split(old)?, split(new)?);
    let callee = old.get(..open)?;
    let start = callee.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
    let name = callee.get(start..)?;
    let is_literal = |text: &str| !text.is_empty() && !text.contains([',', '(', ' ']);
    (is_name(name) && old_rest == new_rest && is_literal(old_inner) && is_literal(new_inner))
        .then_some((name, old_inner, new_inner))
}
