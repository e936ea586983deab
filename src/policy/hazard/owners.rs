//! Rules about a file that says who must look at which paths (`CODEOWNERS`): of its lines, the last that fits decides. Start at
//! [`takes_over`] and [`owners_removed`].

use rustc_hash::FxHashSet;

use crate::change::{FileStatus, Hunk, LineOrigin};
use crate::policy::hazard::found::FileEdits;
use crate::policy::hazard::order::{cut, line_of};
use crate::policy::hazard::rule::FileFinding;

/// Lines above a new one that are looked at.
const NEAR_LINES: usize = 100;

/// One line of the file: a pattern, and who owns what it matches.
struct OwnersLine<'a> {
    pattern: &'a str,
    owners: Vec<&'a str>,
}

impl<'a> OwnersLine<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut words = cut(text).split_ascii_whitespace().take_while(|word| !word.starts_with('#'));
        let pattern = words.next()?;
        Some(Self { pattern, owners: words.collect() })
    }

    /// Whether it is for every path.
    fn is_all(&self) -> bool {
        matches!(self.pattern, "*" | "**" | "/" | "/**" | "/**/*" | "**/*")
    }

    /// Whether it is for all that another line is for, and for more.
    fn is_wider_than(&self, other: &Self) -> bool {
        let own = |pattern: &'a str| pattern.trim_start_matches('/');
        let above = own(self.pattern.strip_suffix("**").unwrap_or(self.pattern));
        let is_below = || own(other.pattern).strip_prefix(above).is_some_and(|rest| !rest.is_empty());
        self.is_all() && !other.is_all() || above.len() > 1 && above.ends_with('/') && is_below()
    }
}

/// The lines of one side of a hunk, with their places.
fn lines_of(hunk: &Hunk, origin: LineOrigin) -> impl Iterator<Item = (usize, OwnersLine<'_>)> {
    let lines = hunk.lines.iter().enumerate().filter(move |(_, line)| line.origin == origin);
    lines.filter_map(|(idx, line)| Some((idx, OwnersLine::read(&line.text)?)))
}

/// A new line for everything, or for more, below one for some that others own.
pub(super) fn takes_over(hunk: &Hunk) -> Option<usize> {
    let mut added = lines_of(hunk, LineOrigin::Added);
    let taking = added.find(|(idx, line)| {
        let above = hunk.lines.iter().take(*idx).rev().take(NEAR_LINES);
        let above = above.filter(|above| above.origin != LineOrigin::Deleted);
        let mut above = above.filter_map(|above| OwnersLine::read(&above.text));
        above.any(|above| line.is_wider_than(&above) && line.owners != above.owners)
    });
    taking.map(|(idx, _)| idx)
}

/// What had owners has none, or goes and nothing comes in its place.
pub(super) fn owners_removed(file_edits: &FileEdits<'_>) -> Option<FileFinding> {
    if !file_edits.file_diff.path().ends_with("CODEOWNERS") {
        return None;
    }
    let hunks = || file_edits.file_diff.hunks().iter();
    if file_edits.file_diff.status == FileStatus::Added {
        return None;
    }
    let idx_of = |hunk| disowned(hunk).map(|idx| (hunk, idx));
    if let Some((hunk, idx)) = hunks().find_map(idx_of) {
        return Some(FileFinding { key: "", what: line_of(hunk, idx) });
    }
    let kept: FxHashSet<&str> =
        hunks().flat_map(|hunk| lines_of(hunk, LineOrigin::Added)).map(|(_, line)| line.pattern).collect();
    let goes_alone = |hunk| {
        let mut gone = lines_of(hunk, LineOrigin::Deleted)
            .filter(|(_, line)| !line.owners.is_empty() && !kept.contains(line.pattern));
        let comes = lines_of(hunk, LineOrigin::Added).next().is_some();
        gone.next().filter(|_| !comes).map(|(idx, _)| (hunk, idx))
    };
    let (hunk, idx) = hunks().find_map(goes_alone)?;
    Some(FileFinding { key: "", what: line_of(hunk, idx) })
}

/// A new line without owners. Below the heading of a section with owners that is how lines are written: the others have none
/// either.
fn disowned(hunk: &Hunk) -> Option<usize> {
    let is_heading = |text: &str| text.trim_start().trim_start_matches('^').starts_with('[');
    let in_section = hunk.lines.iter().any(|line| is_heading(&line.text))
        || lines_of(hunk, LineOrigin::Context).any(|(_, line)| line.owners.is_empty());
    let owned = lines_of(hunk, LineOrigin::Deleted).filter(|(_, line)| !line.owners.is_empty());
    let owned: FxHashSet<&str> = owned.map(|(_, line)| line.pattern).collect();
    let free = lines_of(hunk, LineOrigin::Added).filter(|(_, line)| line.owners.is_empty());
    free.into_iter().find(|(_, line)| owned.contains(line.pattern) || !in_section).map(|(idx, _)| idx)
}
