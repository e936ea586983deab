//! Where in the diff the risk is: each part is taken out, and the rest is scored again.

use crate::change::secrets::redact;
use crate::change::{DiffLine, FileContent, FileDiff, FileStatus, Hunk, KeyChange, LineOrigin};
use crate::explain::edit;
use crate::explain::grounds::Grounds;
use crate::explain::hazards::Spots;
use crate::explain::rescore::Rescorer;
use crate::explain::value::{DiffExplanation, EditExplanation, FileExplanation, HunkExplanation};
use crate::explain::words::telling_words;
use crate::history::{Footprint, hash64};

/// Work that one explanation may take, in lines read: a score of a change reads all its lines once.
const MAX_WORK: usize = 60_000;
/// What a score costs beside its lines, in lines.
const COST_OF_SCORE: usize = 600;
/// What a file costs beside its lines, in lines.
const COST_OF_FILE: usize = 12;
/// What a score with its decision costs, in scores.
const COST_OF_DECISION: usize = 4;
/// Parts of one kind that are scored at most.
const MAX_PARTS: usize = 24;
/// Edits of one file that are listed.
const MAX_EDITS: usize = 200;

/// What may be read in vain: an attempt that comes to nothing has read its whole file, and whoever wrote the change chooses how many
/// there are.
pub(super) struct Patience {
    n_lines: usize,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self { n_lines: MAX_WORK }
    }

    /// Whether another attempt may be made.
    pub(super) fn is_left(&self) -> bool {
        self.n_lines > 0
    }

    /// Notes an attempt on a file that came to nothing.
    pub(super) fn lose(&mut self, file_diff: &FileDiff) {
        self.n_lines = self.n_lines.saturating_sub(COST_OF_FILE + n_lines_of(file_diff));
    }
}

/// An edit that was taken out, for whoever asks what else could be done about it.
pub(super) struct MeasuredEdit {
    pub(super) file_idx: usize,
    /// Position among the typed edits of the file.
    pub(super) edit_idx: usize,
    pub(super) share: f64,
}

/// What was measured, largest share first.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) files: Vec<(usize, f64)>,
    pub(super) edits: Vec<MeasuredEdit>,
}

/// The diff with the share of each part that could be measured.
pub(super) fn diff_explanation(
    grounds: &Grounds<'_>,
    rescorer: &mut Rescorer<'_>,
    footprint: &Footprint,
) -> (DiffExplanation, Measured) {
    let n_files = rescorer.files().len();
    let (mut measured, spots) = (Measured::default(), Spots::of(grounds));
    let order = likeliest_first(grounds, rescorer, &spots);
    let n_parts = n_parts(rescorer);
    if n_files > 1 {
        for &file_idx in order.iter().take(n_parts) {
            measured.files.push((file_idx, rescorer.share_of_file(file_idx)));
        }
        measured.files.sort_by(|(a_idx, a), (b_idx, b)| b.total_cmp(a).then_with(|| a_idx.cmp(b_idx)));
    }
    let mut by_risk: Vec<usize> = measured.files.iter().map(|(file_idx, _)| *file_idx).collect();
    by_risk.extend(order.iter().copied().filter(|idx| !measured.files.iter().any(|(known, _)| known == idx)));
    by_risk.sort_by_key(|file_idx| spots.in_file(*file_idx).is_empty());
    let (mut left, mut files) = ((n_parts, Patience::new()), Vec::with_capacity(n_files));
    for file_idx in by_risk {
        let share = measured.files.iter().find(|(known, _)| *known == file_idx).map(|(_, share)| *share);
        let edits = edits(grounds, rescorer, (file_idx, &spots), &mut left, &mut measured);
        let hunks = hunks(rescorer, file_idx, &mut left.0);
        let file_diff = &rescorer.files()[file_idx];
        let (n_added, n_deleted) = file_diff.n_lines();
        files.push(FileExplanation {
            file_idx,
            path: redact(file_diff.path()).into_owned(),
            old_path: file_diff
                .old_path
                .as_deref()
                .filter(|old| *old != file_diff.path())
                .map(|old| redact(old).into_owned()),
            status: file_diff.status,
            n_added,
            n_deleted,
            share,
            factor: share.map(|share| rescorer.factor_of(share)),
            past: past_of(grounds, file_diff),
            owners: (grounds.owners_of)(file_diff.path()),
            hazards: spots.in_file(file_idx).to_vec(),
            hunks,
            n_edits: rescorer.keys(file_idx).iter().filter(|edit| edit.is_substantial()).count(),
            edits,
        });
    }
    measured.edits.sort_by(|a, b| b.share.total_cmp(&a.share));
    let words = telling_words(grounds, footprint);
    (DiffExplanation { n_files, n_rescored: measured.files.len(), files, words }, measured)
}

/// How many parts of each kind may be scored: a large change gets fewer, each of them costs more.
fn n_parts(rescorer: &Rescorer<'_>) -> usize {
    (MAX_WORK / cost_of(rescorer)).clamp(4, MAX_PARTS)
}

/// How many alternatives may be scored and decided on.
pub(super) fn n_tries(rescorer: &Rescorer<'_>) -> usize {
    (MAX_WORK / (COST_OF_DECISION * cost_of(rescorer))).clamp(2, MAX_PARTS)
}

/// What one score of the change costs, in lines.
fn cost_of(rescorer: &Rescorer<'_>) -> usize {
    let n_lines: usize = rescorer.files().iter().map(n_lines_of).sum();
    COST_OF_SCORE + n_lines + COST_OF_FILE * rescorer.files().len()
}

/// All lines that a score reads, context included.
fn n_lines_of(file_diff: &FileDiff) -> usize {
    file_diff.hunks().iter().map(|hunk| hunk.lines.len()).sum()
}

/// The files, those first that hold a hazard, went wrong most often, edit most keys and change most lines.
fn likeliest_first(grounds: &Grounds<'_>, rescorer: &Rescorer<'_>, spots: &Spots) -> Vec<usize> {
    let weight = |file_idx: &usize| {
        let file_diff = &rescorer.files()[*file_idx];
        let track = grounds.history.files.get(hash64(&[file_diff.path()]));
        let n_bad = track.map_or(0, |file_track| file_track.track.n_bad);
        let n_edits = rescorer.keys(*file_idx).iter().filter(|edit| edit.is_substantial()).count();
        let (n_added, n_deleted) = file_diff.n_lines();
        (!spots.in_file(*file_idx).is_empty(), n_bad, n_edits.min(50), n_added + n_deleted)
    };
    let mut order: Vec<usize> = (0..rescorer.files().len()).collect();
    order.sort_by_cached_key(|file_idx| (std::cmp::Reverse(weight(file_idx)), *file_idx));
    order
}

fn edits(
    grounds: &Grounds<'_>,
    rescorer: &mut Rescorer<'_>,
    (file_idx, spots): (usize, &Spots),
    (n_left, patience): &mut (usize, Patience),
    measured: &mut Measured,
) -> Vec<EditExplanation> {
    let key_changes = rescorer.keys(file_idx).to_vec();
    let path = rescorer.files()[file_idx].path().to_owned();
    let is_hazard = |hunk_idx, line_idx| spots.is_on(file_idx, (hunk_idx, line_idx));
    let mut order: Vec<usize> =
        (0..key_changes.len()).filter(|idx| key_changes[*idx].is_substantial()).collect();
    let is_alone = order.len() == 1 && rescorer.files().len() == 1;
    order.sort_by_cached_key(|idx| !is_hazard(key_changes[*idx].hunk_idx, key_changes[*idx].line_idx));
    let mut edits = Vec::new();
    for edit_idx in order.into_iter().take(MAX_EDITS) {
        let key_change = &key_changes[edit_idx];
        let is_measured = *n_left > 0 && !is_alone && patience.is_left();
        let without =
            is_measured.then(|| edit::taken_out(&rescorer.files()[file_idx], &key_changes, edit_idx));
        if let Some(None) = without {
            patience.lose(&rescorer.files()[file_idx]);
        }
        let share = without.flatten().map(|without| rescorer.share_over(file_idx, without));
        if let Some(share) = share {
            *n_left -= 1;
            measured.edits.push(MeasuredEdit { file_idx, edit_idx, share });
        }
        let file_diff = &rescorer.files()[file_idx];
        edits.push(EditExplanation {
            key: redact(&key_change.path).into_owned(),
            hunk_idx: key_change.hunk_idx,
            line_idx: key_change.line_idx,
            line: file_diff.line_number(key_change.hunk_idx, key_change.line_idx),
            share,
            factor: share.map(|share| rescorer.factor_of(share)),
            text: edit::sentence(grounds, &path, key_change, text_of(file_diff, key_change)),
        });
    }
    put_gravest_first(&mut edits, |edit| is_hazard(edit.hunk_idx, edit.line_idx));
    edits
}

/// Those of a hazard, then measured ones, largest first; the sort is stable, the others keep the order of the file.
fn put_gravest_first(edits: &mut [EditExplanation], is_hazard: impl Fn(&EditExplanation) -> bool) {
    edits.sort_by(|a, b| {
        let by_hazard = is_hazard(b).cmp(&is_hazard(a));
        by_hazard.then_with(|| match (a.share, b.share) {
            (Some(a), Some(b)) => b.total_cmp(&a),
            (a, b) => b.is_some().cmp(&a.is_some()),
        })
    });
}

/// The line that an edit stands on.
fn text_of<'a>(file_diff: &'a FileDiff, key_change: &KeyChange) -> &'a str {
    let line =
        file_diff.hunks().get(key_change.hunk_idx).and_then(|hunk| hunk.lines.get(key_change.line_idx));
    line.map_or("", |line| line.text.trim())
}

fn hunks(rescorer: &mut Rescorer<'_>, file_idx: usize, n_left: &mut usize) -> Vec<HunkExplanation> {
    let n_hunks = rescorer.files()[file_idx].hunks().len();
    let mut hunks = Vec::with_capacity(n_hunks);
    for hunk_idx in 0..n_hunks {
        let new_start = rescorer.files()[file_idx].hunks()[hunk_idx].new_start;
        let share = if n_hunks > 1 && *n_left > 0 {
            *n_left -= 1;
            let without = without_hunk(&rescorer.files()[file_idx], hunk_idx);
            Some(rescorer.share_over(file_idx, without))
        } else {
            None
        };
        let factor = share.map(|share| rescorer.factor_of(share));
        hunks.push(HunkExplanation { hunk_idx, new_start, share, factor });
    }
    hunks
}

fn without_hunk(file_diff: &FileDiff, hunk_idx: usize) -> FileDiff {
    let hunks: Vec<Hunk> = file_diff.hunks().to_vec();
    let kept = hunks.into_iter().enumerate().filter(|(idx, _)| *idx != hunk_idx).map(|(_, hunk)| hunk);
    FileDiff { content: FileContent::Text(kept.collect()), ..file_diff.clone() }
}

/// A hunk without one edit: the added line is gone, the deleted one stays as it was.
pub(super) fn without_lines(hunk: &Hunk, added: Option<usize>, deleted: Option<usize>) -> Hunk {
    let lines = hunk.lines.iter().enumerate().filter(|(idx, _)| Some(*idx) != added);
    let lines: Vec<DiffLine> = lines
        .map(|(idx, line)| {
            let origin = if Some(idx) == deleted { LineOrigin::Context } else { line.origin };
            DiffLine { origin, ..line.clone() }
        })
        .collect();
    let n_of = |left_out: LineOrigin| {
        u32::try_from(lines.iter().filter(|line| line.origin != left_out).count()).unwrap_or(u32::MAX)
    };
    Hunk { old_lines: n_of(LineOrigin::Added), new_lines: n_of(LineOrigin::Deleted), lines, ..hunk.clone() }
}

/// "changed 41 times before, last 412 days ago; 3 of the changes went wrong".
fn past_of(grounds: &Grounds<'_>, file_diff: &FileDiff) -> String {
    let known = |path: Option<&str>| path.and_then(|path| grounds.history.files.get(hash64(&[path])));
    let file_track = known(Some(file_diff.path())).or_else(|| known(file_diff.old_path.as_deref()));
    let Some(file_track) = file_track else {
        let is_landed = grounds.ordinal.is_some();
        return if is_landed { "nothing is known of its past" } else { "never seen here before" }.to_owned();
    };
    let track = &file_track.track;
    if file_diff.status == FileStatus::Added && track.n <= 1 {
        return edit::touched(grounds, (track, 1), "changed");
    }
    let wrong = match track.n_bad {
        0 => "none of the changes went wrong".to_owned(),
        1 => "one of the changes went wrong".to_owned(),
        n => format!("{n} of the changes went wrong"),
    };
    format!("{}; {wrong}", edit::touched(grounds, (track, 1), "changed"))
}
