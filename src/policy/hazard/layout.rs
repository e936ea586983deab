//! Rules about how lines of YAML are written: what only white space and quotes say.
//!
//! The reading of keys takes such lines for unchanged; what they mean changed all the same.

use memchr::memchr2;
use rustc_hash::FxHashSet;

use crate::change::{Hunk, LineOrigin};
use crate::policy::hazard::found::FileEdits;
use crate::policy::hazard::rule::{FileFinding, HazardRule, Look, Sphere};
use crate::policy::reason::ReasonCode;

pub(super) const RULES: &[HazardRule] = &[
    HazardRule {
        name: "nesting_changed",
        code: ReasonCode::HazardOther,
        sphere: Sphere::OutsideTests,
        sentence: "Lines of YAML were only indented another way, and stand below another key now",
        example: "`readinessProbe:` moves two columns to the left, out of its container",
        look: Look::File(nesting_changed),
        is_general: false,
    },
    HazardRule {
        name: "switch_quoted",
        code: ReasonCode::HazardOther,
        sphere: Sphere::OutsideTests,
        sentence: "A switch that was off became a text, which templates take for on",
        example: "`enabled: false` → `enabled: \"false\"`",
        look: Look::File(switch_quoted),
        is_general: false,
    },
];

fn nesting_changed(file_edits: &FileEdits<'_>) -> Option<FileFinding> {
    in_hunks(file_edits, nested_elsewhere)
}

fn switch_quoted(file_edits: &FileEdits<'_>) -> Option<FileFinding> {
    in_hunks(file_edits, |hunk| {
        let added = hunk.lines.iter().enumerate().filter(|(_, line)| line.origin == LineOrigin::Added);
        let with_quotes = |text: &str| memchr2(b'"', b'\'', text.as_bytes()).is_some();
        let mut quoted = added
            .filter(|(_, line)| with_quotes(&line.text) && says_something(&line.text))
            .filter_map(|(idx, line)| Some((idx, switched_off(&line.text)?)))
            .filter(|(_, (_, value))| *value != bare(value))
            .peekable();
        // Most hunks end here, before their other lines are read.
        quoted.peek()?;
        let switches = said(hunk, LineOrigin::Deleted).filter_map(|(_, line)| switched_off(line));
        let was_bare: FxHashSet<&str> =
            switches.filter(|(_, value)| *value == bare(value)).map(|(key, _)| key).collect();
        quoted.find(|(_, (key, _))| was_bare.contains(key)).map(|(idx, _)| idx)
    })
}

/// The key and the value of a line that switches something off.
fn switched_off(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim().trim_start_matches("- ").split_once(": ")?;
    // What must be text has its quotes for a reason: variables of a process, annotations, labels.
    let is_switch = key != "value" && !key.contains(['/', '.']);
    (is_switch && matches!(bare(value), "false" | "no" | "off")).then_some((key, value.trim()))
}

/// Looks at every hunk of a file of YAML for the index of a line; the line, by its number.
fn in_hunks(file_edits: &FileEdits<'_>, look: impl Fn(&Hunk) -> Option<usize>) -> Option<FileFinding> {
    let path = file_edits.file_diff.path();
    let is_yaml = path.ends_with(".yaml") || path.ends_with(".yml");
    let mut hunks = file_edits.file_diff.hunks().iter().filter(|_| is_yaml);
    let number = hunks.find_map(|hunk| {
        let above = hunk.lines.iter().take(look(hunk)?);
        Some(hunk.new_start as usize + above.filter(|line| line.origin != LineOrigin::Deleted).count())
    })?;
    Some(FileFinding { key: "", what: format!("line {number}") })
}

/// The first line of a hunk that kept its text, and whose parent is another one; only where all lines kept theirs: a key
/// that comes around others wraps them on purpose.
fn nested_elsewhere(hunk: &Hunk) -> Option<usize> {
    // Most hunks end here: what they added has other letters than what they deleted.
    if letters(hunk, LineOrigin::Deleted) != letters(hunk, LineOrigin::Added) {
        return None;
    }
    let (olds, news) = (said(hunk, LineOrigin::Deleted), said(hunk, LineOrigin::Added));
    if !olds.clone().map(|(_, line)| line.trim()).eq(news.clone().map(|(_, line)| line.trim())) {
        return None;
    }
    let (mut before, mut after) = (Parents::default(), Parents::default());
    let mut moved = olds.zip(news).filter(|&((_, old), (_, new))| {
        let (parent_before, parent_after) = (before.enter(old), after.enter(new));
        parent_before != parent_after && indent(old) != indent(new)
    });
    moved.next().map(|(_, (idx, _))| idx)
}

/// The sum of all letters that one side of a hunk changed, in whatever lines.
fn letters(hunk: &Hunk, side: LineOrigin) -> u64 {
    let changed = hunk.lines.iter().filter(|line| line.origin == side && says_something(&line.text));
    changed.flat_map(|line| line.text.trim().bytes()).map(u64::from).sum()
}

/// The lines of one side of a hunk that say something, with their indices.
fn said(hunk: &Hunk, side: LineOrigin) -> impl Iterator<Item = (usize, &str)> + Clone {
    let lines = hunk.lines.iter().enumerate();
    lines
        .filter(move |(_, line)| line.origin == side || line.origin == LineOrigin::Context)
        .map(|(idx, line)| (idx, line.text.as_str()))
        .filter(|(_, text)| says_something(text))
}

/// Whether a line is neither empty nor a comment.
fn says_something(line: &str) -> bool {
    line.bytes().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|first| first != b'#')
}

/// A value without quotes around it.
fn bare(value: &str) -> &str {
    value.trim().trim_matches(['"', '\''])
}

/// Twice the column at which a line stands; a dash stands half a column further, since a list may stand where its key does.
fn indent(line: &str) -> usize {
    let text = line.trim_start_matches(' ');
    2 * (line.len() - text.len()) + usize::from(text.starts_with("- "))
}

/// The open lines above the current one, the outermost first.
#[derive(Default)]
struct Parents<'a> {
    open: Vec<(usize, &'a str)>,
}

impl<'a> Parents<'a> {
    /// Goes to the next line, and tells its parent; none where the hunk does not show it.
    fn enter(&mut self, line: &'a str) -> Option<&'a str> {
        let at = indent(line);
        while self.open.last().is_some_and(|(above, _)| *above >= at) {
            self.open.pop();
        }
        let parent = self.open.last().map(|(_, text)| *text);
        self.open.push((at, line.trim()));
        parent
    }
}
