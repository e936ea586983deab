//! What the lines around an edit say of it, as far as rules look: so many on each side, that the cost of a change stays linear.
//! Start at [`Edit::comes_alone`].

use crate::change::{DiffLine, FileStatus, KeyChangeKind, LineOrigin};
use crate::policy::hazard::edit::{Edit, NEAR_TEXT};
use crate::policy::hazard::statement;
use crate::policy::hazard::text_around::is_in_text;
use crate::policy::hazard::words::{says, spaced};

/// Lines on each side that rules look at beside that of the edit.
const NEAR_LINES: usize = 40;

impl<'a> Edit<'a> {
    /// Whether a line beside that of the edit stands below the same key in the new file.
    pub(super) fn has_siblings(&self) -> bool {
        let (before, after) = self.hunk_lines().split_at(self.key_change.line_idx);
        let is_new = |line: &&DiffLine| line.origin != LineOrigin::Deleted && !line.text.trim().is_empty();
        let beside =
            [before.iter().rev().take(NEAR_LINES).find(is_new), after.iter().take(NEAR_LINES).find(is_new)];
        let depth = |line: &DiffLine| line.text.len() - line.text.trim_start().len();
        beside.into_iter().flatten().any(|line| depth(line) >= self.indent())
    }

    /// The lines of the hunk in which the edit stands.
    pub(super) fn hunk_lines(&self) -> &'a [DiffLine] {
        let hunk = self.file_diff.hunks().get(self.key_change.hunk_idx);
        hunk.map_or(&[], |hunk| hunk.lines.as_slice())
    }

    /// How far its line is indented, in bytes.
    pub(in crate::policy::hazard) fn indent(&self) -> usize {
        *self.line.indent.get_or_init(|| {
            let line = self.hunk_lines().get(self.key_change.line_idx);
            line.map_or(0, |line| line.text.len() - line.text.trim_start().len())
        })
    }

    /// Whether the lines before and after that of the edit stay; none where the hunk shows no such line.
    fn neighbours_stay(&self) -> [Option<bool>; 2] {
        let idx = self.key_change.line_idx;
        let stays = |idx: usize| self.hunk_lines().get(idx).map(|line| line.origin == LineOrigin::Context);
        [idx.checked_sub(1).and_then(stays), stays(idx + 1)]
    }

    /// Whether the line of the edit went and those around it stay.
    pub(in crate::policy::hazard) fn goes_alone(&self) -> bool {
        self.neighbours_stay() == [Some(true); 2]
    }

    /// Whether the line of the edit came into a file that was there, below one that stays, and above another or none.
    pub(in crate::policy::hazard) fn comes_alone(&self) -> bool {
        self.key_change.kind == KeyChangeKind::Added
            && self.file_diff.status == FileStatus::Modified
            && matches!(self.neighbours_stay(), [Some(true), Some(true) | None])
            && self.is_of_own_line()
            // What comes whole, as an element of a list, stands over nothing.
            && !self.line.trimmed().trim_start_matches("- ").starts_with('{')
    }

    /// Whether a line that came near the edit writes an element of a list that restricts nothing, or only ports.
    pub(in crate::policy::hazard) fn leaves_open_rule(&self) -> bool {
        *self.line.leaves_open_rule.get_or_init(|| {
            let near = self.hunk_lines().iter().skip(self.key_change.line_idx).take(NEAR_LINES);
            let mut came = near.filter(|line| line.origin == LineOrigin::Added).map(|line| line.text.trim());
            came.any(|text| text == "- {}" || text.starts_with("- ports:"))
        })
    }

    /// Whether the new line begins with one of these, as lines of nested notations do: `allow-transfer { any; };`.
    pub(in crate::policy::hazard) fn line_begins_with(&self, phrases: &[&str]) -> bool {
        let first = cut(self.line.trimmed()).split_ascii_whitespace().next();
        first.is_some_and(|first| says(&spaced(first), phrases))
    }

    /// The line that stands before that of the edit in the new file; none where the diff does not show it.
    pub(in crate::policy::hazard) fn line_before(&self) -> Option<&'a DiffLine> {
        let before = *self.line.before.get_or_init(|| {
            let before = self.hunk_lines().get(..self.key_change.line_idx)?;
            before.iter().rposition(|line| line.origin != LineOrigin::Deleted)
        });
        self.hunk_lines().get(before?)
    }

    /// The comment at the end of the line of the edit, if it stood there before.
    pub(in crate::policy::hazard) fn comment_beside(&self) -> Option<&'a str> {
        let line = Some(self.line.text).filter(|line| line.len() <= NEAR_TEXT)?;
        let at = [" # ", " // ", "\t# "].iter().find_map(|mark| line.find(mark))?;
        let comment = line.get(at..)?;
        let before = self.hunk_lines().get(..self.key_change.line_idx)?;
        let mut gone = before.iter().rev().take(NEAR_LINES).filter(|line| line.origin == LineOrigin::Deleted);
        gone.any(|line| line.text.ends_with(comment)).then_some(comment)
    }

    /// Whether the edit stands in a statement of a policy that refuses.
    pub(in crate::policy::hazard) fn is_denied(&self) -> bool {
        *self.line.is_denied.get_or_init(|| {
            let before = self.hunk_lines().get(..self.key_change.line_idx).unwrap_or(&[]);
            let near = before.iter().rev().take(NEAR_LINES);
            let in_new = near.filter(|line| line.origin != LineOrigin::Deleted);
            statement::is_denied(self.line.text, in_new.map(|line| line.text.as_str()))
        })
    }

    /// Whether a line that stays has the same key at the same depth as the new one, with nothing between that opens or ends
    /// a block around either.
    pub(in crate::policy::hazard) fn stands_twice(&self) -> bool {
        *self.line.stands_twice.get_or_init(|| self.has_twin() && !self.is_in_text())
    }

    fn has_twin(&self) -> bool {
        let lines = self.hunk_lines();
        let Some((depth, key)) = depth_and_key(self.line.text) else { return false };
        let (before, after) = lines.split_at(self.key_change.line_idx);
        let is_twin = |line: &DiffLine| {
            line.origin == LineOrigin::Context && depth_and_key(&line.text) == Some((depth, key))
        };
        let stays = |line: &&DiffLine| {
            let text = line.text.trim_start();
            let is_open = |text: &str| !text.starts_with(['-', '[', '}', ']', '#', '/']);
            // Of the branches of a template one is taken.
            let branches = ["{{", "{%", "<%"].iter().any(|mark| text.starts_with(mark));
            let is_deeper = line.text.len() - text.len() > depth;
            text.is_empty()
                || !branches && (is_deeper || line.text.len() - text.len() == depth && is_open(text))
        };
        let in_new = |line: &&DiffLine| line.origin != LineOrigin::Deleted;
        let first = self.key_change.line_idx.saturating_sub(NEAR_LINES);
        let mut near = lines.iter().skip(first).take(2 * NEAR_LINES + 1);
        // Nearly all lines have no twin, and are told by a look at where the key would stand.
        if !near.any(|line| line.origin == LineOrigin::Context && stands_at(&line.text, depth, key)) {
            return false;
        }
        before.iter().rev().take(NEAR_LINES).filter(in_new).take_while(stays).any(is_twin)
            || after.iter().skip(1).take(NEAR_LINES).filter(in_new).take_while(stays).any(is_twin)
    }

    /// Whether the line of the edit stands in a text of several lines: no line of it is a key.
    fn is_in_text(&self) -> bool {
        let lines = self.hunk_lines();
        let (Some(own), Some(before)) =
            (lines.get(self.key_change.line_idx), lines.get(..self.key_change.line_idx))
        else {
            return false;
        };
        let before = before.iter().rev().take(NEAR_LINES);
        let other = if own.origin == LineOrigin::Deleted { LineOrigin::Added } else { LineOrigin::Deleted };
        let of_side = before.filter(|line| line.origin != other);
        is_in_text(self.file_diff.path(), cut(&own.text), of_side.map(|line| cut(&line.text)))
    }

    /// Whether a new line after the edit, not far from it, writes the key with an empty list. Of a line that is too long to be
    /// looked through for each edit, an empty list is enough.
    pub(in crate::policy::hazard) fn is_now_an_empty_list(&self) -> bool {
        let leaf = self.key_change.leaf.as_str();
        let (hunk_idx, first) = (self.key_change.hunk_idx, self.key_change.line_idx);
        let empty_lists = self.around.empty_lists.as_slice();
        let start = empty_lists.partition_point(|line| (line.hunk_idx, line.line_idx) < (hunk_idx, first));
        let near = empty_lists
            .iter()
            .skip(start)
            .take_while(|line| line.hunk_idx == hunk_idx && line.line_idx < first + NEAR_LINES);
        near.map(|line| line.text).any(|text| text.len() > NEAR_TEXT || text.contains(leaf))
    }

    /// Whether one of these texts stands in the lines around the edit.
    pub(in crate::policy::hazard) fn stands_near(&self, texts: &[&str]) -> bool {
        let first = self.key_change.line_idx.saturating_sub(NEAR_LINES);
        let near = self.hunk_lines().iter().skip(first).take(2 * NEAR_LINES);
        near.map(|line| cut(&line.text)).any(|line| texts.iter().any(|text| line.contains(text)))
    }
}

/// Whether a key stands so deep in a line, between quotes or without.
fn stands_at(line: &str, depth: usize, key: &str) -> bool {
    line.get(depth..).is_some_and(|text| text.trim_start_matches('"').starts_with(key))
}

/// As much of a line as is looked at for every edit near it.
fn cut(line: &str) -> &str {
    line.get(..line.floor_char_boundary(NEAR_TEXT)).unwrap_or(line)
}

/// How deep a line stands, and the key that it begins with.
fn depth_and_key(line: &str) -> Option<(usize, &str)> {
    let line = cut(line);
    let text = line.trim_start();
    let is_end = |(at, sign): &(usize, char)| match sign {
        '=' => true,
        ':' => matches!(text.as_bytes().get(at + 1), None | Some(b' ')),
        _ => false,
    };
    let (end, _) = text.char_indices().find(is_end)?;
    let key = text.get(..end)?.trim_end().trim_matches('"');
    let is_key = !key.is_empty()
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/'));
    is_key.then_some((line.len() - text.len(), key))
}
