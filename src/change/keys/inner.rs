//! Edits that the line-by-line reading does not show: inside inline maps, in the words of a directive,
//! in a line that stayed while the block around it became another one, on the line below its key, or in another hunk.
//!
//! The model's features count what [`key_changes`](crate::change::key_changes) reads; these edits are for rules
//! that must not be passed by writing the same thing on one line. Start at [`inner_changes`].

use std::collections::{BTreeMap, HashMap, HashSet};

use memchr::memchr_iter;

use crate::change::keys::collect::{Entry, Sort, step};
use crate::change::keys::format::Format;
use crate::change::keys::line::{Line, Shape, read};
use crate::change::keys::objects::Objects;
use crate::change::keys::scope::{MAX_DEPTH, Scope, append_key};
use crate::change::keys::texts::{MAX_INNER_PATH, side_of};
use crate::change::keys::{MAX_LINES, emit, named, renamed, table, texts, value};
use crate::change::{FileDiff, Hunk, KeyChange, KeyChangeKind, LineOrigin};

/// Most facts that are read from one file.
pub(super) const MAX_FACTS: usize = 1 << 16;

/// Reads what `known`, the key edits of the file, leave unseen, in the order of the lines; none where there is more
/// than is read: 65,536 facts, 64 maps inside one another, paths of 800 bytes. Nothing is read of a file with more changed lines than
/// are read as keys.
///
/// ```
/// use diffrisk::change::{inner_changes, key_changes, parse_diff};
///
/// let diff = "--- a/a.yaml\n+++ b/a.yaml\n@@ -1 +1 @@\n-web: {replicas: 3, port: 80}\n+web: {replicas: 0, port: 80}\n";
/// let file_diff = &parse_diff(diff.as_bytes()).unwrap().files[0];
/// let inner = inner_changes(file_diff, &key_changes(file_diff)).unwrap();
/// assert_eq!((inner[0].path.as_str(), inner[0].new.as_deref()), ("web.replicas", Some("0")));
/// ```
pub fn inner_changes(file_diff: &FileDiff, known: &[KeyChange]) -> Option<Vec<KeyChange>> {
    let (n_added, n_deleted) = file_diff.n_lines();
    if n_added + n_deleted > MAX_LINES {
        return Some(Vec::new());
    }
    let path = file_diff.path();
    let (format, is_reread) = match (Format::of_path(path), Format::of_directives(path)) {
        (Format::Unknown, Some(format)) => (format, true),
        (format, _) => (format, false),
    };
    let mut key_changes = Vec::new();
    if !matches!(format, Format::Prose | Format::List) {
        known.iter().for_each(|key_change| texts::parts(key_change, &mut key_changes));
        texts::elements(known, &mut key_changes);
        named::values(known, file_diff, &mut key_changes);
        renamed::units(known, &mut key_changes);
    }
    table::cells(file_diff, &mut key_changes);
    if key_changes.len() > MAX_FACTS {
        return None;
    }
    let has_keys =
        !matches!(format, Format::Xml | Format::Zone | Format::Prose | Format::Code | Format::List);
    if has_keys && (is_reread || may_say_more(format, file_diff, known)) {
        read_again(file_diff, (format, is_reread), &mut key_changes)?;
    }
    if !key_changes.is_empty() {
        let seen: HashSet<_> = known.iter().filter(|known| known.is_substantial()).map(said).collect();
        key_changes.retain(|inner| !seen.contains(&said(inner)));
    }
    moved_apart(known, &mut key_changes);
    Some(key_changes)
}

/// Reads both sides of each hunk into facts and compares them; none where there are too many.
fn read_again(
    file_diff: &FileDiff,
    (format, is_reread): (Format, bool),
    out: &mut Vec<KeyChange>,
) -> Option<()> {
    let mut n_facts = 0;
    for (hunk_idx, hunk) in file_diff.hunks().iter().enumerate() {
        let mut facts = Facts {
            format,
            is_reread,
            hunk_idx,
            line_idx: 0,
            entries: Vec::new(),
            objects: Objects::default(),
            is_cut: false,
            open_keys: [None; 2],
        };
        facts.read(hunk);
        n_facts += facts.entries.len();
        if facts.is_cut || n_facts > MAX_FACTS {
            return None;
        }
        facts.compare(out);
    }
    Some(())
}

/// What an edit says, wherever it stands.
fn said(it: &KeyChange) -> (&str, Option<&str>, Option<&str>) {
    (&it.path, it.old.as_deref(), it.new.as_deref())
}

/// What left one hunk with one value and came into another with another: an edit, though it went elsewhere. Only where
/// no other edit has the same path, for of a path hunks may show the end alone.
fn moved_apart(known: &[KeyChange], out: &mut Vec<KeyChange>) {
    let is_gone = |it: &&KeyChange| it.kind == KeyChangeKind::Removed && it.old.as_deref() != Some("");
    if !known.iter().any(|it| is_gone(&it)) {
        return;
    }
    let mut by_path: HashMap<&str, Vec<&KeyChange>> = HashMap::new();
    known
        .iter()
        .filter(|it| !it.path.is_empty())
        .for_each(|it| by_path.entry(&it.path).or_default().push(it));
    for gone in known.iter().filter(is_gone) {
        let Some([first, second]) = by_path.get(gone.path.as_str()).map(Vec::as_slice) else { continue };
        let came = if std::ptr::eq(*first, gone) { second } else { first };
        if came.kind != KeyChangeKind::Added {
            continue;
        }
        let at = (came.path.as_str(), came.path.len().saturating_sub(came.leaf.len()));
        let of = |is_old, value| side_of(came, at, is_old, value);
        if let (Some(old), Some(new)) = (gone.old.as_deref(), came.new.as_deref())
            && old != new
            && !new.is_empty()
        {
            emit::edited(&of(true, old), &of(false, new), false, out);
        }
    }
}

/// A look at the bytes that settles nearly every file.
fn may_say_more(format: Format, file_diff: &FileDiff, known: &[KeyChange]) -> bool {
    let shifts = |key_change: &KeyChange| match key_change.kind {
        KeyChangeKind::Moved | KeyChangeKind::Whitespace => true,
        KeyChangeKind::Added => key_change.new.as_deref() == Some(""),
        KeyChangeKind::Removed => key_change.old.as_deref() == Some(""),
        _ => false,
    };
    let holds = |text: &str| {
        format == Format::Conf
            || text.len() > emit::MAX_VALUE
            || text.bytes().any(|byte| matches!(byte, b'{' | b'&' | b'!' | b'(' | b'['))
            || has_option(text)
            || (format.has_values_below() && is_value_alone(text))
    };
    known.iter().any(shifts) || file_diff.changed_lines().any(|line| holds(&line.text))
}

/// Whether a line may be the value of the key above it.
fn is_value_alone(line: &str) -> bool {
    let text = line.trim();
    !text.is_empty()
        && !text.starts_with(['-', '}', ']', '#'])
        && !text.contains(": ")
        && !text.ends_with(':')
}

/// Whether a text has what a long option begins with, or an option of Java (`-Xmx1g`).
fn has_option(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr_iter(b'-', bytes).any(|at| match bytes.get(at + 1) {
        Some(b'-') => at > 0 && bytes.get(at - 1) == Some(&b' '),
        next => next == Some(&b'X'),
    })
}

/// Everything that the lines of one hunk say, on either side.
struct Facts<'a> {
    format: Format,
    is_reread: bool,
    hunk_idx: usize,
    line_idx: usize,
    entries: Vec<Entry<'a>>,
    objects: Objects<'a>,
    /// Whether there was more than is read.
    is_cut: bool,
    /// Where the line before stands, of either side, if it is a key without a value.
    open_keys: [Option<u32>; 2],
}

impl<'a> Facts<'a> {
    fn read(&mut self, hunk: &'a Hunk) {
        let (mut old, mut new) = (Scope::default(), Scope::default());
        for (line_idx, diff_line) in hunk.lines.iter().enumerate() {
            self.line_idx = line_idx;
            let line = read(self.format, &diff_line.text);
            match diff_line.origin {
                LineOrigin::Deleted => {
                    step(&mut old, &line);
                    self.line(true, &old, &line);
                    self.pass(true, &line);
                }
                LineOrigin::Added => {
                    step(&mut new, &line);
                    self.line(false, &new, &line);
                    self.pass(false, &line);
                }
                LineOrigin::Context => {
                    step(&mut old, &line);
                    step(&mut new, &line);
                    if old.path() != new.path() {
                        self.line(true, &old, &line);
                        self.line(false, &new, &line);
                    }
                    self.pass(true, &line);
                    self.pass(false, &line);
                }
            }
        }
    }

    fn line(&mut self, is_old: bool, scope: &Scope, line: &Line<'a>) {
        let at = (scope.path(), scope.leaf_at());
        match line.shape {
            Shape::Pair(_, raw) => {
                let text = value::clean(raw);
                let marked = without_mark(text).map(value::clean);
                self.push(is_old, at, Sort::Pair, marked.unwrap_or(text), self.is_reread || marked.is_some());
                self.inside(is_old, at, raw);
            }
            Shape::Item(_) | Shape::Bare if self.is_below_its_key(is_old, line) => {
                let text = value::clean(line.text);
                // The line of the key alone said that it has no value.
                let is_key = |it: &Entry<'_>| it.is_old == is_old && it.path == at.0 && it.value.is_empty();
                self.entries.pop_if(|last| is_key(last));
                self.objects.truncate(self.entries.len());
                self.push(is_old, at, Sort::Pair, without_mark(text).map_or(text, value::clean), true);
                self.element_line(is_old, at, line.text);
            }
            Shape::Item(raw) => self.element_line(is_old, at, raw),
            Shape::Bare if self.format == Format::Cron => self.schedule(is_old, line.text),
            // A record of a list may begin with the comma before it.
            Shape::Bare => self.element_line(is_old, at, line.text.trim_start_matches([',', ' '])),
            Shape::Open(_) | Shape::Section(_) | Shape::Blank | Shape::Comment | Shape::Bracket => {}
        }
    }

    /// Whether a line is the value of the key on the line above it.
    fn is_below_its_key(&self, is_old: bool, line: &Line<'_>) -> bool {
        let above = if is_old { self.open_keys[0] } else { self.open_keys[1] };
        line.dash_pos.is_none() && above.is_some_and(|pos| line.pos > pos)
    }

    /// Remembers a line of one side for the next one.
    fn pass(&mut self, is_old: bool, line: &Line<'_>) {
        let [old, new] = &mut self.open_keys;
        let above = if is_old { old } else { new };
        match line.shape {
            Shape::Blank | Shape::Comment => {}
            Shape::Pair(_, raw) if self.format.has_values_below() && value::clean(raw).is_empty() => {
                *above = Some(line.pos);
            }
            _ => *above = None,
        }
    }

    /// A line that is an element of a list, or another without a key.
    fn element_line(&mut self, is_old: bool, at: (&str, usize), raw: &'a str) {
        let around = self.objects.open(is_old, at.0, value::clean(raw));
        self.inside(is_old, at, raw);
        self.objects.leave_to(around);
    }

    /// The elements of a map below `path`; of one with a name and a value also that the one has the other.
    fn elements(&mut self, is_old: bool, path: &str, elements: Vec<&'a str>, depth: usize) {
        let pairs = elements.iter().filter_map(|element| pair_of(element));
        let named = named::value_of(pairs);
        if let Some((name, value)) = named {
            self.under(is_old, path, name, unescaped(value::clean(value)));
        }
        let is_known =
            |it: &&str| named.is_some() && pair_of(it).is_some_and(|(key, _)| named::holds_value(key));
        let others = elements.iter().copied().filter(|it| !is_known(it));
        others.for_each(|it| self.element(is_old, path, it, depth));
    }

    /// What stands inside a value: an inline map, options of a command, the first word of a directive.
    fn inside(&mut self, is_old: bool, at: (&str, usize), raw: &'a str) {
        let text = value::clean(raw);
        if let Some(elements) = value::elements_within(text, MAX_FACTS) {
            // Longer lists are one text to the reading of lines.
            let depth = if elements.len() > value::MAX_ELEMENTS { 2 } else { 1 };
            self.elements(is_old, at.0, elements, depth);
            return;
        }
        if text.len() > emit::MAX_VALUE {
            let words = text.split([',', ' ', '\t']).filter(|word| !word.is_empty());
            words.for_each(|word| self.push(is_old, at, Sort::Item, word, true));
            return;
        }
        let leaf = at.0.get(at.1..).unwrap_or("");
        // The value of a directive may be all there is: `timeout 300`.
        let names = || {
            text.starts_with(|c: char| c.is_ascii_alphabetic())
                && (leaf != "timeout" || text.contains([' ', '\t']))
        };
        if self.format == Format::Conf && is_directive(leaf) && names() {
            let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
            let above = at.0.get(..at.1.saturating_sub(1)).unwrap_or("");
            let rest = rest.trim().trim_end_matches(" always");
            self.under(is_old, above, &[leaf, "_", word].concat(), value::clean(rest));
        }
        self.options(is_old, at.0, text);
    }

    /// One element of an inline list or map below `path`.
    fn element(&mut self, is_old: bool, path: &str, element: &'a str, depth: usize) {
        if depth > MAX_DEPTH || path.len() > MAX_INNER_PATH {
            self.is_cut = true;
            return;
        }
        let within = |text: &'a str| value::elements_within(text, MAX_FACTS);
        let Some((key, raw)) = pair_of(element) else {
            return match within(element) {
                Some(inner) => {
                    let around = self.objects.open(is_old, path, element);
                    self.elements(is_old, path, inner, depth + 1);
                    self.objects.leave_to(around);
                }
                None if depth > 1 => {
                    let leaf_at = path.rfind('.').map_or(0, |dot| dot + 1);
                    self.push(is_old, (path, leaf_at), Sort::Item, unescaped(value::clean(element)), true);
                }
                None => self.options(is_old, path, value::clean(element)),
            };
        };
        let mut below = path.to_owned();
        let leaf_at = append_key(&mut below, key);
        match within(raw) {
            Some(inner) => {
                self.push(is_old, (&below, leaf_at), Sort::Pair, "", true);
                self.elements(is_old, &below, inner, depth + 1);
            }
            None => {
                let bare = unescaped(value::clean(without_mark(raw).unwrap_or(raw)));
                self.push(is_old, (&below, leaf_at), Sort::Pair, bare, true);
            }
        }
    }

    /// The options of a command line: `--auth=false`, `-Xmx4g`, `-XX:+UseG1GC`.
    fn options(&mut self, is_old: bool, path: &str, text: &'a str) {
        if !text.contains('-') {
            return;
        }
        for word in text.split_ascii_whitespace() {
            if let Some((key, value)) = word.strip_prefix("--").and_then(|word| word.split_once('=')) {
                self.under(is_old, path, key, value::clean(value));
            } else if let Some(heap) = word.strip_prefix("-Xmx") {
                self.under(is_old, path, "max_heap_size", heap);
            } else if let Some(switch) = word.strip_prefix("-XX:") {
                let sides = [('+', "true"), ('-', "false")];
                let turned = sides.iter().find_map(|(sign, side)| Some((switch.strip_prefix(*sign)?, side)));
                turned.into_iter().for_each(|(key, side)| self.under(is_old, path, key, side));
            }
        }
    }

    /// A line of a crontab: five fields of time, then the command that names it.
    fn schedule(&mut self, is_old: bool, text: &'a str) {
        let is_gap = |byte: &u8| matches!(byte, b' ' | b'\t');
        let mut fields_end = 0;
        for _ in 0..5 {
            let rest = text.as_bytes().get(fields_end..).unwrap_or(&[]);
            let gap = rest.iter().take_while(|byte| is_gap(byte)).count();
            let len = rest.iter().skip(gap).take_while(|byte| !is_gap(byte)).count();
            fields_end += gap + len;
        }
        let (Some(fields), Some(command)) = (text.get(..fields_end), text.get(fields_end..)) else { return };
        let is_time = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '/' | ',' | '-' | ' ' | '\t');
        if !command.trim().is_empty() && fields.chars().all(is_time) {
            let name = command.trim().replace('.', "_");
            self.under(is_old, &["cron.", &name].concat(), "schedule", fields);
        }
    }

    /// A fact below a path.
    fn under(&mut self, is_old: bool, path: &str, key: &str, value: &'a str) {
        let mut below = path.to_owned();
        let leaf_at = append_key(&mut below, key);
        self.push(is_old, (&below, leaf_at), Sort::Pair, value, true);
    }

    /// A fact; `is_part` tells what only this reading sees.
    fn push(&mut self, is_old: bool, at: (&str, usize), sort: Sort, value: &'a str, is_part: bool) {
        let (path, leaf_at) = at;
        if self.entries.len() >= MAX_FACTS || path.len() > MAX_INNER_PATH {
            self.is_cut = true;
            return;
        }
        let leaf_at = if path.is_empty() { 0 } else { leaf_at };
        let line = (self.hunk_idx, self.line_idx);
        self.entries.push(Entry { is_part, ..Entry::part(is_old, line, (path, leaf_at), sort, value) });
        self.objects.note_fact();
    }

    /// One edit for every path whose value became another one, and for every part that came or went.
    fn compare(&self, out: &mut Vec<KeyChange>) {
        let mut by_path: BTreeMap<(&str, Option<&str>), [Vec<&Entry<'_>>; 2]> = BTreeMap::new();
        let fates = self.objects.fates();
        let placed = self.entries.iter().zip(fates.of_facts());
        for (entry, _) in placed.clone().filter(|(_, fate)| !fate.stays) {
            let element = (entry.sort == Sort::Item).then_some(entry.value);
            let [olds, news] = by_path.entry((entry.path.as_str(), element)).or_default();
            if entry.is_old { olds } else { news }.push(entry);
        }
        let of_gone = placed.filter(|(_, fate)| fate.goes).map(|(entry, _)| entry);
        let gone: HashSet<(usize, &str)> = of_gone.map(|it| (it.line_idx, it.path.as_str())).collect();
        let goes_whole = |entry: &Entry<'_>| gone.contains(&(entry.line_idx, entry.path.as_str()));
        let first = out.len();
        for sides in by_path.values() {
            match sides.each_ref().map(Vec::as_slice) {
                [[old], [new]] if old.value != new.value => emit::edited(old, new, false, out),
                [[old], [new]] if old.is_part != new.is_part => {
                    out.push(emit::change(new, KeyChangeKind::Moved))
                }
                [olds, news] if olds.len() == news.len() && news.iter().all(|new| new.is_part) => {
                    // Elements without a name of their own: the first is the first.
                    let pairs = olds.iter().zip(news.iter()).filter(|(old, new)| old.value != new.value);
                    pairs.for_each(|(old, new)| emit::edited(old, new, false, out));
                }
                // With a whole element, none of its switches goes.
                [[entry, ..], []] if goes_whole(entry) => {}
                [[entry, ..], []] | [[], [entry, ..]] if entry.is_part => emit::alone(entry, out),
                _ => {}
            }
        }
        if let Some(found) = out.get_mut(first..) {
            found.sort_by(|a, b| (a.line_idx, &a.path, &a.new).cmp(&(b.line_idx, &b.path, &b.new)));
        }
    }
}

/// The value behind a YAML anchor or tag: `&r 0`, `!!int 0`.
fn without_mark(text: &str) -> Option<&str> {
    let (mark, rest) = text.split_once(' ')?;
    let is_mark = mark.len() > 1 && (mark.starts_with('&') || mark.starts_with('!'));
    is_mark.then(|| rest.trim_start())
}

/// Whether the first word of a directive's value says what the directive is about.
fn is_directive(key: &str) -> bool {
    matches!(
        key,
        "timeout"
            | "option"
            | "no"
            | "stats"
            | "add_header"
            | "proxy_set_header"
            | "Header"
            | "header"
            | "set"
    )
}

/// A text of a map that is itself a text between quotes: `\"on\"`.
fn unescaped(text: &str) -> &str {
    text.strip_prefix(ESCAPED).and_then(|rest| rest.strip_suffix(ESCAPED)).unwrap_or(text)
}

/// A quote inside of quotes.
const ESCAPED: &str = "\\\"";

/// The key and the raw value of one element of an inline map.
fn pair_of(element: &str) -> Option<(&str, &str)> {
    let (key, rest) = match element.as_bytes().first()? {
        b'\\' => {
            let (key, rest) = element.strip_prefix(ESCAPED)?.split_once(ESCAPED)?;
            (key, rest.trim_start())
        }
        quote @ (b'"' | b'\'') => {
            let inner_len = element.get(1..)?.bytes().position(|byte| byte == *quote)?;
            (element.get(1..=inner_len)?, element.get(inner_len + 2..)?.trim_start())
        }
        _ => {
            let is_word =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'$');
            let len = element.bytes().take_while(|byte| is_word(*byte)).count();
            (element.get(..len)?, element.get(len..)?.trim_start())
        }
    };
    let raw = ["=>", ":", "="].iter().find_map(|separator| rest.strip_prefix(separator))?.trim();
    (!key.is_empty() && !raw.is_empty() && !raw.starts_with("//")).then_some((key, raw))
}
