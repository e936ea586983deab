//! From hunks to entries: every changed line with its key path, on its own side of the diff.

use crate::change::keys::MAX_LINES;
use crate::change::keys::format::Format;
use crate::change::keys::line::{Line, Shape, read};
use crate::change::keys::scope::{Scope, append_key};
use crate::change::keys::{value, xml, zone};
use crate::change::{DiffLine, Hunk, LineOrigin};

/// One thing that a changed line says.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// Whether it stands in the old file.
    pub(super) is_old: bool,
    /// Hunk of the line.
    pub(super) hunk_idx: usize,
    /// Line in the hunk.
    pub(super) line_idx: usize,
    /// Number of the run of changed lines without context between them.
    pub(super) run: u32,
    /// Dotted path.
    pub(super) path: String,
    /// Where the last component of the path starts.
    pub(super) leaf_at: usize,
    /// What it is.
    pub(super) sort: Sort,
    /// The value, cleaned.
    pub(super) value: &'a str,
    /// The whole line without indentation.
    pub(super) text: &'a str,
    /// The whole line.
    pub(super) raw: &'a str,
    /// Whether its line says several things (attributes, a record with its time to live).
    pub(super) is_part: bool,
    /// Whether it has found its partner.
    pub(super) taken: bool,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sort {
    /// A key with its value, or one that opens a block.
    Pair,
    /// An element of a list.
    Item,
    /// Another line.
    Bare,
    /// A comment.
    Comment,
    /// A blank line.
    Blank,
}

impl<'a> Entry<'a> {
    /// A part of what a line says, known by itself: of a value, of a row, of two lines together.
    pub(super) fn part(
        is_old: bool,
        (hunk_idx, line_idx): (usize, usize),
        (path, leaf_at): (&str, usize),
        sort: Sort,
        value: &'a str,
    ) -> Self {
        Self {
            is_old,
            hunk_idx,
            line_idx,
            run: 0,
            path: path.to_owned(),
            leaf_at,
            sort,
            value,
            text: value,
            raw: value,
            is_part: true,
            taken: false,
        }
    }
}

impl Entry<'_> {
    /// The last component of the path.
    pub(super) fn leaf(&self) -> &str {
        self.path.get(self.leaf_at..).unwrap_or("")
    }
}

/// Reads the changed lines of a file's hunks.
pub(super) fn collect(format: Format, hunks: &[Hunk]) -> Vec<Entry<'_>> {
    let changed = hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.origin != LineOrigin::Context);
    let entries = Vec::with_capacity(changed.take(MAX_LINES).count());
    let mut collector = Collector { format, entries, ..Collector::default() };
    for (hunk_idx, hunk) in hunks.iter().enumerate() {
        collector.start_hunk(hunk_idx);
        for (line_idx, diff_line) in hunk.lines.iter().enumerate() {
            collector.line(line_idx, diff_line);
            if collector.n_changed >= MAX_LINES {
                return collector.entries;
            }
        }
    }
    collector.entries
}

struct Collector<'a> {
    format: Format,
    old: Scope,
    new: Scope,
    zone: zone::Owners<'a>,
    entries: Vec<Entry<'a>>,
    hunk_idx: usize,
    line_idx: usize,
    run: u32,
    in_run: bool,
    n_changed: usize,
}

impl Default for Collector<'_> {
    fn default() -> Self {
        Self {
            format: Format::Unknown,
            old: Scope::default(),
            new: Scope::default(),
            zone: zone::Owners::default(),
            entries: Vec::new(),
            hunk_idx: 0,
            line_idx: 0,
            run: 0,
            in_run: false,
            n_changed: 0,
        }
    }
}

impl<'a> Collector<'a> {
    fn start_hunk(&mut self, hunk_idx: usize) {
        self.hunk_idx = hunk_idx;
        self.old.clear();
        self.new.clear();
        self.zone = zone::Owners::default();
        self.run += 1;
        self.in_run = false;
    }

    fn line(&mut self, line_idx: usize, diff_line: &'a DiffLine) {
        self.line_idx = line_idx;
        let raw = diff_line.text.as_str();
        if diff_line.origin == LineOrigin::Context {
            self.run += u32::from(std::mem::take(&mut self.in_run));
            self.context(raw);
            return;
        }
        self.in_run = true;
        self.n_changed += 1;
        let is_old = diff_line.origin == LineOrigin::Deleted;
        match self.format {
            Format::Zone => self.zone_line(is_old, raw),
            Format::Xml => self.xml_line(is_old, raw),
            _ => self.plain_line(is_old, raw),
        }
    }

    fn context(&mut self, raw: &'a str) {
        match self.format {
            Format::Zone => {
                zone::read(raw, &mut self.zone, LineOrigin::Context, |_, _, _| {});
            }
            Format::Xml => {
                xml::step(&mut self.old, raw);
                xml::step(&mut self.new, raw);
            }
            _ => {
                let line = read(self.format, raw);
                step(&mut self.old, &line);
                step(&mut self.new, &line);
            }
        }
    }

    fn plain_line(&mut self, is_old: bool, raw: &'a str) {
        let line = read(self.format, raw);
        let scope = if is_old { &mut self.old } else { &mut self.new };
        step(scope, &line);
        let sort = match line.shape {
            Shape::Bracket => return,
            Shape::Blank => Sort::Blank,
            Shape::Comment => Sort::Comment,
            Shape::Pair(..) | Shape::Open(_) | Shape::Section(_) => Sort::Pair,
            Shape::Item(_) => Sort::Item,
            Shape::Bare => Sort::Bare,
        };
        let value = match line.shape {
            Shape::Pair(_, raw_value) => value::clean(raw_value),
            Shape::Item(raw_value) => value::clean(raw_value),
            Shape::Bare => line.text,
            _ => "",
        };
        let (path, leaf_at) = (scope.path().to_owned(), scope.leaf_at());
        self.push(Entry { path, leaf_at, sort, value, text: line.text, ..self.blank(is_old, raw) });
    }

    fn xml_line(&mut self, is_old: bool, raw: &'a str) {
        let text = raw.trim();
        let blank = self.blank(is_old, raw);
        let scope = if is_old { &mut self.old } else { &mut self.new };
        let entries = &mut self.entries;
        xml::read(scope, text, |parent, key, sort, value| {
            let mut path = parent.to_owned();
            let leaf_at = if key.is_empty() {
                path.rfind('.').map_or(0, |dot| dot + 1)
            } else {
                append_key(&mut path, key)
            };
            entries.push(Entry { path, leaf_at, sort, value, text, ..blank });
        });
    }

    fn zone_line(&mut self, is_old: bool, raw: &'a str) {
        let text = raw.trim();
        let blank = self.blank(is_old, raw);
        let origin = if is_old { LineOrigin::Deleted } else { LineOrigin::Added };
        let entries = &mut self.entries;
        zone::read(raw, &mut self.zone, origin, |path, sort, value| {
            let leaf_at = path.rfind('.').map_or(0, |dot| dot + 1);
            entries.push(Entry { path, leaf_at, sort, value, text, ..blank });
        });
    }

    fn push(&mut self, entry: Entry<'a>) {
        let repeats_blank = entry.sort == Sort::Blank
            && self.entries.last().is_some_and(|last| last.sort == Sort::Blank && last.run == entry.run);
        if !repeats_blank {
            self.entries.push(entry);
        }
    }

    fn blank(&self, is_old: bool, raw: &'a str) -> Entry<'a> {
        Entry {
            is_old,
            hunk_idx: self.hunk_idx,
            line_idx: self.line_idx,
            run: self.run,
            path: String::new(),
            leaf_at: 0,
            sort: Sort::Bare,
            value: "",
            text: "",
            raw,
            is_part: matches!(self.format, Format::Xml | Format::Zone),
            taken: false,
        }
    }
}

/// Moves a scope over one line, so that its path ends with the line's own key.
pub(super) fn step(scope: &mut Scope, line: &Line<'_>) {
    if matches!(line.shape, Shape::Blank | Shape::Comment) {
        return;
    }
    scope.close(line.dash_pos.unwrap_or(line.pos));
    // Of a bracket at the margin, what is named is the file.
    let opens_element = line.shape == Shape::Bracket && line.text == "{" && line.pos > 2;
    let begins_element = std::mem::replace(&mut scope.opens_element, opens_element);
    match line.shape {
        Shape::Pair(key, raw_value) => {
            let element_pos = line.dash_pos.or_else(|| begins_element.then(|| line.pos.saturating_sub(1)));
            if let Some(element_pos) = element_pos
                && is_identity(key)
            {
                scope.open_identity(element_pos, value::clean(raw_value));
            }
            if !(key == "value" && scope.in_identity()) {
                scope.open(line.pos, key);
            }
        }
        Shape::Open(header) if !header.is_empty() => scope.open(line.pos, header),
        Shape::Section(name) => {
            scope.clear();
            if !name.is_empty() {
                scope.open(1, name);
            }
        }
        _ => {}
    }
}

fn is_identity(key: &str) -> bool {
    matches!(key, "name" | "id" | "key" | "title" | "alias")
}
