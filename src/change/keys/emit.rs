//! From pairs and left-over entries to key edits, in the order of the lines.

use crate::change::keys::collect::{Entry, Sort};
use crate::change::keys::pair::Pair;
use crate::change::keys::words::{KeyWords, key_words};
use crate::change::keys::{typed, value};
use crate::change::{KeyChange, KeyChangeKind, secrets};

/// Longest value that is kept, in bytes.
pub(super) const MAX_VALUE: usize = 512;

/// Types every pair and every entry that is left over.
pub(super) fn emit(entries: &[Entry<'_>], pairs: &[Pair]) -> Vec<KeyChange> {
    let mut key_changes = Vec::with_capacity(entries.len());
    let alone_idxs = (0..entries.len()).filter(|idx| entries.get(*idx).is_some_and(|entry| !entry.taken));
    let mut order: Vec<(usize, Option<&Pair>)> = pairs.iter().map(|pair| (pair.new, Some(pair))).collect();
    order.extend(alone_idxs.map(|idx| (idx, None)));
    order.sort_unstable_by_key(|(idx, _)| {
        entries.get(*idx).map(|entry| (entry.hunk_idx, entry.line_idx, *idx))
    });
    for (idx, pair) in order {
        match (entries.get(idx), pair.and_then(|pair| Some((entries.get(pair.old)?, pair.is_move)))) {
            (Some(new), Some((old, is_move))) => edited(old, new, is_move, &mut key_changes),
            (Some(entry), None) => alone(entry, &mut key_changes),
            (None, _) => {}
        }
    }
    key_changes
}

/// Types one entry against the one that it took the place of.
pub(super) fn edited(old: &Entry<'_>, new: &Entry<'_>, is_move: bool, out: &mut Vec<KeyChange>) {
    let kind = match new.sort {
        Sort::Comment => KeyChangeKind::Comment,
        Sort::Blank => KeyChangeKind::Whitespace,
        _ if is_move || old.raw == new.raw => KeyChangeKind::Moved,
        _ if old.value == new.value && old.text == new.text => KeyChangeKind::Whitespace,
        _ if old.value == new.value && new.is_part => return,
        _ if old.value == new.value => equal_value(old, new),
        _ => return edited_value(old, new, out),
    };
    out.push(change(new, kind));
}

/// The same value on another line: another comment, or only quotes, spacing and punctuation.
fn equal_value(old: &Entry<'_>, new: &Entry<'_>) -> KeyChangeKind {
    let has_mark = |text: &str| text.contains('#') || text.contains("//") || text.contains("/*");
    if has_mark(old.text) || has_mark(new.text) { KeyChangeKind::Comment } else { KeyChangeKind::Whitespace }
}

fn edited_value(old: &Entry<'_>, new: &Entry<'_>, out: &mut Vec<KeyChange>) {
    let words = words_of(new);
    if is_secret(words, old.value) || is_secret(words, new.value) {
        return out.push(change(new, KeyChangeKind::Secret));
    }
    if edited_list(old, new, out) {
        return;
    }
    let kind = typed::kind_of(words, old.value, new.value);
    out.push(KeyChange { old: Some(kept(old.value)), new: Some(kept(new.value)), ..change(new, kind) });
}

/// Two inline lists: one edit for every element that came or went.
fn edited_list(old: &Entry<'_>, new: &Entry<'_>, out: &mut Vec<KeyChange>) -> bool {
    let both = |take: fn(&str) -> Option<Vec<&str>>| Some((take(old.value)?, take(new.value)?));
    let Some((olds, news)) = both(value::elements).or_else(|| both(value::comma_elements)) else {
        return false;
    };
    let gone: Vec<&&str> = olds.iter().filter(|element| !news.contains(element)).collect();
    let come: Vec<&&str> = news.iter().filter(|element| !olds.contains(element)).collect();
    if gone.is_empty() && come.is_empty() {
        out.push(change(new, KeyChangeKind::Moved));
        return true;
    }
    if olds.len() == news.len() && gone.len() == olds.len() {
        return false;
    }
    for element in gone {
        let old_value = Some(kept(value::clean(element)));
        out.push(KeyChange { old: old_value, ..change(new, KeyChangeKind::ListRemove) });
    }
    for element in come {
        let new_value = Some(kept(value::clean(element)));
        out.push(KeyChange { new: new_value, ..change(new, KeyChangeKind::ListAdd) });
    }
    true
}

/// Types an entry that is on one side only.
pub(super) fn alone(entry: &Entry<'_>, out: &mut Vec<KeyChange>) {
    let kind = match (entry.sort, entry.is_old) {
        (Sort::Comment, _) => KeyChangeKind::Comment,
        (Sort::Blank, _) => KeyChangeKind::Whitespace,
        _ if is_secret(words_of(entry), entry.value) => KeyChangeKind::Secret,
        (Sort::Item, true) => KeyChangeKind::ListRemove,
        (Sort::Item, false) => KeyChangeKind::ListAdd,
        (_, true) => KeyChangeKind::Removed,
        (_, false) => KeyChangeKind::Added,
    };
    let mut key_change = change(entry, kind);
    let has_value =
        !matches!(kind, KeyChangeKind::Comment | KeyChangeKind::Whitespace | KeyChangeKind::Secret);
    if has_value {
        let side = if entry.is_old { &mut key_change.old } else { &mut key_change.new };
        *side = Some(kept(entry.value));
    }
    out.push(key_change);
}

/// What the key's name says; the parent speaks where the leaf is silent (`wgTimeout.default`).
fn words_of(entry: &Entry<'_>) -> KeyWords {
    if entry.sort == Sort::Bare {
        return KeyWords::default();
    }
    if passes_requests_on(entry) {
        return KeyWords::HOST;
    }
    let words = key_words(entry.leaf());
    if !words.is_empty() {
        return words;
    }
    let above = entry.path.get(..entry.leaf_at.saturating_sub(1)).unwrap_or("");
    key_words(above.rsplit('.').next().unwrap_or("")).without(KeyWords::SECRET.and(KeyWords::PASSWORD))
}

/// Whether it is a directive of nginx such as `proxy_pass backend;`, which names an upstream: only the
/// statement is one, `proxy_pass: …` may well be the password of a proxy.
fn passes_requests_on(entry: &Entry<'_>) -> bool {
    const DIRECTIVES: [&str; 6] =
        ["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass"];
    let leaf = entry.leaf();
    DIRECTIVES.contains(&leaf)
        && entry.text.ends_with(';')
        && entry.text.strip_prefix(leaf).is_some_and(|rest| rest.starts_with([' ', '\t']))
}

fn is_secret(words: KeyWords, value: &str) -> bool {
    secrets::is_assigned(words, value) || secrets::is_likely(value)
}

/// An edit of an entry without its values.
pub(super) fn change(entry: &Entry<'_>, kind: KeyChangeKind) -> KeyChange {
    KeyChange {
        path: entry.path.clone(),
        leaf: entry.leaf().to_owned(),
        old: None,
        new: None,
        kind,
        hunk_idx: entry.hunk_idx,
        line_idx: entry.line_idx,
    }
}

fn kept(value: &str) -> String {
    let end = value.floor_char_boundary(value.len().min(MAX_VALUE));
    value.get(..end).unwrap_or("").to_owned()
}
