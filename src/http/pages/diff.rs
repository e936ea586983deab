//! The change itself, read from the repository at this moment: risky files first, capped, inert.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::secrets::redact;
use crate::change::{Change, DiffLine, FileContent, FileDiff, FileStatus, Hunk, KeyChange, LineOrigin};
use crate::explain::{DiffExplanation, EditExplanation, FileExplanation, HazardSpot, hazards_said};
use crate::http::pages::said::Said;
use crate::http::pages::text::{self, Shown};

/// Files whose lines are shown; the others are listed.
const MAX_FILES: usize = 20;
/// Lines shown over all files.
const MAX_LINES: usize = 600;
/// Lines shown of one file.
const MAX_FILE_LINES: usize = 120;
/// Files that are listed by their path.
const MAX_LISTED: usize = 200;
/// Key edits spelled out of one file.
const MAX_EDITS: usize = 12;
/// A share of the log-odds below this is not worth a mark.
const MIN_SHARE: f64 = 0.05;
const MAX_LINE_CHARS: usize = 300;
/// Characters shown before the place where two long lines part.
const N_BEFORE: usize = 40;
const MAX_VALUE_CHARS: usize = 80;

/// A change to look at.
pub(super) struct ChangeView {
    pub(super) size: String,
    pub(super) files: Vec<FileView>,
    pub(super) listed: Vec<Shown>,
    /// "12 more files", listed or not; empty where all are shown.
    pub(super) more_files: String,
    pub(super) n_unlisted: usize,
}

/// One file of it.
pub(super) struct FileView {
    pub(super) path: Shown,
    /// "new file", "deleted", "renamed from …"; empty for an ordinary edit.
    pub(super) status: String,
    pub(super) n_added: usize,
    pub(super) n_deleted: usize,
    /// What this file alone adds to the risk.
    pub(super) share: Option<String>,
    /// Its past in one sentence.
    pub(super) past: Said,
    /// Where hazard rules fired in it.
    pub(super) hazards: Vec<Said>,
    /// Its key edits spelled out with their past; else `edits` has them plainly.
    pub(super) said: Vec<Said>,
    pub(super) edits: Vec<EditView>,
    /// "3 more keys"; empty where all are shown.
    pub(super) more_edits: String,
    pub(super) hunks: Vec<HunkView>,
    /// "40 more lines"; empty where all are shown.
    pub(super) more_lines: String,
    /// Why there are no lines.
    pub(super) note: &'static str,
}

/// One key edit spelled out.
pub(super) struct EditView {
    pub(super) key: Shown,
    pub(super) old: Option<Shown>,
    pub(super) new: Option<Shown>,
}

/// A run of lines.
pub(super) struct HunkView {
    /// "lines 12–40".
    pub(super) place: String,
    /// What this run alone does to the odds, where there are several.
    pub(super) factor: Option<String>,
    pub(super) lines: Vec<LineView>,
}

/// A line with its marks.
pub(super) struct LineView {
    pub(super) class: &'static str,
    /// One of the edits that add to the risk.
    pub(super) is_risky: bool,
    pub(super) mark: char,
    pub(super) old_no: Option<u32>,
    pub(super) new_no: Option<u32>,
    pub(super) text: Shown,
}

/// The change, files of a hazard first, then those with the largest share of the risk, then those with more key edits.
pub(super) fn change_view(
    change: &Change,
    keys: &[(String, Vec<KeyChange>)],
    diff: Option<&DiffExplanation>,
) -> ChangeView {
    let explained = diff.map_or(&[][..], |diff| &diff.files);
    let explained_of = |idx: usize| explained.iter().find(|file| file.file_idx == idx);

    let of_path: BTreeMap<&str, &[KeyChange]> =
        keys.iter().map(|(path, edits)| (path.as_str(), edits.as_slice())).collect();
    let edits_of = |file: &FileDiff| of_path.get(file.path()).copied().unwrap_or_default();
    let share_of = |idx: usize| explained_of(idx).and_then(|file| file.share).unwrap_or(0.0);
    let is_hazard = |idx: usize| explained_of(idx).is_some_and(|file| !file.hazards.is_empty());
    let n_edits = |file: &FileDiff| edits_of(file).len().min(MAX_EDITS);
    let mut files: Vec<(usize, &FileDiff)> = change.record.files.iter().enumerate().collect();
    files.sort_by(|(a_idx, a), (b_idx, b)| {
        let by_hazard = is_hazard(*b_idx).cmp(&is_hazard(*a_idx));
        let by_share = by_hazard.then_with(|| share_of(*b_idx).total_cmp(&share_of(*a_idx)));
        by_share.then_with(|| n_edits(b).cmp(&n_edits(a)))
    });
    let n_shown = files.len().min(MAX_FILES);
    let (shown, others) = files.split_at(n_shown);
    let mut n_left = MAX_LINES;
    let view =
        |(idx, file): &(usize, &FileDiff)| file_view(file, edits_of(file), explained_of(*idx), &mut n_left);
    let file_views = shown.iter().map(view).collect();
    let (n_added, n_deleted) = change.record.n_lines();
    let n_files = change.record.files.len();
    ChangeView {
        size: format!(
            "{}, {} added, {} deleted",
            text::counted(n_files, "file"),
            text::counted(n_added, "line"),
            text::grouped(n_deleted as u64)
        ),
        files: file_views,
        listed: others
            .iter()
            .take(MAX_LISTED)
            .map(|(_, file)| Shown::cut(&redact(file.path()), 200))
            .collect(),
        more_files: more(others.len(), "file"),
        n_unlisted: others.len().saturating_sub(MAX_LISTED),
    }
}

fn file_view(
    file: &FileDiff,
    edits: &[KeyChange],
    explained: Option<&FileExplanation>,
    n_left: &mut usize,
) -> FileView {
    let (n_added, n_deleted) = file.n_lines();
    let n_lines: usize = file.hunks().iter().map(|hunk| hunk.lines.len()).sum();
    let mut n_here = (*n_left).min(MAX_FILE_LINES);
    let n_before = n_here;
    let mut hunks = Vec::new();
    for (hunk_idx, factor) in hunks_by_risk(file, explained) {
        if n_here == 0 {
            break;
        }
        let risky = risky_lines(explained, hunk_idx);
        hunks.push(HunkView { factor, ..hunk_view(&file.hunks()[hunk_idx], &risky, &mut n_here) });
    }
    *n_left -= n_before - n_here;
    let (said, n_said) = edits_said(explained);
    let keyed: Vec<&KeyChange> = edits.iter().filter(|edit| !edit.path.is_empty()).collect();
    FileView {
        path: Shown::cut(&redact(file.path()), 300),
        status: status(file),
        n_added,
        n_deleted,
        share: explained.and_then(|it| it.factor).and_then(factor_words),
        hazards: explained.iter().flat_map(|it| hazards_said(it)).map(|it| Said::capitalised(&it)).collect(),
        past: explained.map(|it| Said::capitalised(&it.past)).unwrap_or_default(),
        edits: if n_said > 0 {
            Vec::new()
        } else {
            keyed.iter().take(MAX_EDITS).map(|it| edit_view(it)).collect()
        },
        more_edits: more(if n_said > 0 { n_said } else { keyed.len() }.saturating_sub(MAX_EDITS), "key"),
        said,
        hunks,
        more_lines: more(n_lines - (n_before - n_here), "line"),
        note: match (&file.content, n_lines) {
            (FileContent::Binary, _) => "Binary: there are no lines to show.",
            (FileContent::Unread, _) => "Too large, or not readable in the repository.",
            (FileContent::Text(_), 0) => "No line changed: only its name or mode.",
            (FileContent::Text(_), _) => "",
        },
    }
}

/// "3 more keys"; empty for none.
fn more(n: usize, noun: &str) -> String {
    if n == 0 { String::new() } else { text::counted(n, &format!("more {noun}")) }
}

/// The hunks with what each does to the odds: those of a hazard and those that raise the odds first, so that none of them
/// is cut off where lines are, the others in the order of the file.
fn hunks_by_risk(file: &FileDiff, explained: Option<&FileExplanation>) -> Vec<(usize, Option<String>)> {
    let measured = |idx: usize| explained?.hunks.iter().find(|hunk| hunk.hunk_idx == idx)?.factor;
    let raised = |idx: &usize| measured(*idx).filter(|factor| factor.ln() > MIN_SHARE).unwrap_or(1.0);
    let mut order: Vec<usize> = (0..file.hunks().len()).collect();
    let hazardous: BTreeSet<usize> = hazards(explained).filter_map(|spot| spot.hunk_idx).collect();
    let is_hazard = |idx: &usize| hazardous.contains(idx);
    order.sort_by(|a, b| is_hazard(b).cmp(&is_hazard(a)).then_with(|| raised(b).total_cmp(&raised(a))));
    order.into_iter().map(|idx| (idx, measured(idx).and_then(factor_words))).collect()
}

fn hazards(explained: Option<&FileExplanation>) -> impl Iterator<Item = &HazardSpot> {
    explained.into_iter().flat_map(|file| &file.hazards)
}

/// Lines of a hunk whose edits add to the risk, or are a hazard.
fn risky_lines(explained: Option<&FileExplanation>, hunk_idx: usize) -> Vec<usize> {
    let of_hazards = hazards(explained).filter(|spot| spot.hunk_idx == Some(hunk_idx));
    let edits = explained.iter().flat_map(|file| &file.edits).filter(|edit| edit.hunk_idx == hunk_idx);
    edits
        .filter(|edit| edit.factor.is_some_and(|factor| factor.ln() > MIN_SHARE))
        .map(|edit| edit.line_idx)
        .chain(of_hazards.filter_map(|spot| spot.line_idx))
        .collect()
}

/// The edits in words, those of the same words once, and how many there are of different words.
fn edits_said(explained: Option<&FileExplanation>) -> (Vec<Said>, usize) {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for edit in explained.iter().flat_map(|it| &it.edits) {
        let words = edit_words(edit);
        match counted.iter_mut().find(|(known, _)| *known == words) {
            Some((_, n)) => *n += 1,
            None => counted.push((words, 1)),
        }
    }
    let said = counted.iter().take(MAX_EDITS).map(|(words, n)| match n {
        1 => Said::new(words),
        n => Said::new(&format!("{words}, in {n} places")),
    });
    (said.collect(), counted.len())
}

/// An edit in words, and what it alone does to the odds.
fn edit_words(edit: &EditExplanation) -> String {
    match edit.factor.and_then(factor_words) {
        Some(factor) => format!("{} ({factor})", edit.text),
        None => edit.text.clone(),
    }
}

/// "odds × 1.8"; none where it hardly matters.
fn factor_words(factor: f64) -> Option<String> {
    let is_told = factor.is_finite() && factor.ln().abs() > MIN_SHARE;
    is_told.then(|| match factor {
        factor if factor > 1.0 => format!("odds × {factor:.1}"),
        factor => format!("odds ÷ {:.1}", 1.0 / factor),
    })
}

fn status(file: &FileDiff) -> String {
    match (file.status, &file.old_path) {
        (FileStatus::Added, _) => "new file".into(),
        (FileStatus::Deleted, _) => "deleted".into(),
        (FileStatus::Renamed, Some(old_path)) => {
            format!("renamed from {}", Shown::cut(&redact(old_path), 200))
        }
        (FileStatus::Renamed, None) => "renamed".into(),
        (FileStatus::Modified, _) => String::new(),
    }
}

fn edit_view(edit: &KeyChange) -> EditView {
    let value = |value: &Option<String>| value.as_ref().map(|it| Shown::cut(&redact(it), MAX_VALUE_CHARS));
    EditView { key: Shown::cut(&redact(&edit.path), 120), old: value(&edit.old), new: value(&edit.new) }
}

/// At most `n_left` lines of a hunk; takes them off.
fn hunk_view(hunk: &Hunk, risky: &[usize], n_left: &mut usize) -> HunkView {
    let (mut old_no, mut new_no) = (hunk.old_start, hunk.new_start);
    let mut lines = Vec::new();
    let shown = &hunk.lines[..hunk.lines.len().min(*n_left)];
    for (line_idx, (line, n_out)) in shown.iter().zip(left_out(shown)).enumerate() {
        let is_old = line.origin != LineOrigin::Added;
        let is_new = line.origin != LineOrigin::Deleted;
        let (class, mark) = match line.origin {
            LineOrigin::Context => ("same", ' '),
            LineOrigin::Added => ("added", '+'),
            LineOrigin::Deleted => ("deleted", '−'),
        };
        let text = from(&redact(&line.text), n_out);
        lines.push(LineView {
            is_risky: risky.contains(&line_idx),
            class,
            mark,
            old_no: is_old.then_some(old_no),
            new_no: is_new.then_some(new_no),
            text,
        });
        old_no += u32::from(is_old);
        new_no += u32::from(is_new);
    }
    *n_left -= lines.len();
    let place = format!("lines {}–{}", hunk.new_start, hunk.new_start + hunk.new_lines.saturating_sub(1));
    HunkView { place, factor: None, lines }
}

/// Characters left out at the beginning of each line: those in which a line is like the one that it replaces, where they
/// would be all that is shown of both.
fn left_out(lines: &[DiffLine]) -> Vec<usize> {
    let mut left_out = vec![0; lines.len()];
    let (mut start, mut deleted) = (0, 0..0);
    for run in lines.chunk_by(|a, b| a.origin == b.origin) {
        let here = start..start + run.len();
        if run[0].origin == LineOrigin::Added {
            for (old_idx, new_idx) in deleted.zip(here.clone()) {
                let (old, new) = (redact(&lines[old_idx].text), redact(&lines[new_idx].text));
                let n_alike = old.chars().zip(new.chars()).take_while(|(old, new)| old == new).count();
                if n_alike + N_BEFORE > MAX_LINE_CHARS {
                    (left_out[old_idx], left_out[new_idx]) = (n_alike - N_BEFORE, n_alike - N_BEFORE);
                }
            }
        }
        deleted = if run[0].origin == LineOrigin::Deleted { here.clone() } else { 0..0 };
        start = here.end;
    }
    left_out
}

/// A line without so many characters at its beginning.
fn from(text: &str, n_out: usize) -> Shown {
    match text.char_indices().nth(n_out).filter(|_| n_out > 0) {
        Some((at, _)) => Shown::cut(&format!("…{}", &text[at..]), MAX_LINE_CHARS),
        None => Shown::cut(text, MAX_LINE_CHARS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::parse_diff;
    use crate::explain::HunkExplanation;

    #[test]
    fn of_two_long_lines_that_begin_alike_the_place_where_they_part_is_shown() {
        let long = "\"a\": 1, ".repeat(100);
        let diff = format!(
            "--- a/x.json\n+++ b/x.json\n@@ -1,2 +1,2 @@\n-{long}\"b\": 2}}\n-short\n+{long}\"b\": 3}}\n+shore\n"
        );
        let record = parse_diff(diff.as_bytes()).unwrap();
        let view = hunk_view(&record.files[0].hunks()[0], &[], &mut 10);
        let lines: Vec<&str> = view.lines.iter().map(|line| line.text.as_str()).collect();
        assert!(lines[0].starts_with('…') && lines[0].ends_with("\"b\": 2}"), "{lines:?}");
        assert!(lines[2].starts_with('…') && lines[2].ends_with("\"b\": 3}"), "{lines:?}");
        assert_eq!([lines[1], lines[3]], ["short", "shore"]);
        assert!(lines[0].chars().count() < 60, "{lines:?}");
    }

    #[test]
    fn what_raises_the_odds_most_is_shown_first_and_the_rest_in_the_order_of_the_file() {
        let hunk = |line: u32| format!("@@ -{line} +{line} @@\n-a: 1\n+a: 2\n");
        let hunks: String = [1, 10, 20, 30].map(hunk).concat();
        let record = parse_diff(format!("--- a/x.yaml\n+++ b/x.yaml\n{hunks}").as_bytes()).unwrap();
        let file = &record.files[0];
        let factors = [Some(0.5), None, Some(1.2), Some(3.0)];
        let measured = factors.into_iter().enumerate();
        let measured = measured.map(|(hunk_idx, factor)| HunkExplanation {
            hunk_idx,
            new_start: 0,
            share: None,
            factor,
        });
        let explained = FileExplanation {
            file_idx: 0,
            path: "x.yaml".into(),
            old_path: None,
            status: FileStatus::Modified,
            n_added: 4,
            n_deleted: 4,
            share: None,
            factor: None,
            past: String::new(),
            owners: Vec::new(),
            hazards: Vec::new(),
            hunks: measured.collect(),
            edits: Vec::new(),
            n_edits: 0,
        };
        let order = hunks_by_risk(file, Some(&explained));
        let said: Vec<(usize, Option<&str>)> =
            order.iter().map(|(idx, said)| (*idx, said.as_deref())).collect();
        assert_eq!(
            said,
            [(3, Some("odds × 3.0")), (2, Some("odds × 1.2")), (0, Some("odds ÷ 2.0")), (1, None)]
        );
        let plain: Vec<usize> = hunks_by_risk(file, None).into_iter().map(|(idx, _)| idx).collect();
        assert_eq!(plain, [0, 1, 2, 3]);
    }
}
