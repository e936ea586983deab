//! The change that undoes a change.

use std::mem;

use crate::change::{ChangeRecord, DiffLine, FileContent, FileDiff, FileStatus, Hunk, LineOrigin};

/// The record with both sides exchanged: what a clean revert looks like.
pub fn inverse(record: &ChangeRecord) -> ChangeRecord {
    let mut files: Vec<FileDiff> = record.files.iter().map(inverse_file).collect();
    // Renames move to where the old path stands; a change of type is still deletion, then addition.
    files.sort_by(|one, two| one.sort_key().cmp(&two.sort_key()));
    ChangeRecord { files, partial: record.partial }
}

fn inverse_file(file_diff: &FileDiff) -> FileDiff {
    let mut inverse = file_diff.clone();
    mem::swap(&mut inverse.old_path, &mut inverse.new_path);
    mem::swap(&mut inverse.old_mode, &mut inverse.new_mode);
    inverse.status = match file_diff.status {
        FileStatus::Added => FileStatus::Deleted,
        FileStatus::Deleted => FileStatus::Added,
        same @ (FileStatus::Modified | FileStatus::Renamed) => same,
    };
    if let FileContent::Text(hunks) = &mut inverse.content {
        hunks.iter_mut().for_each(invert_hunk);
    }
    inverse
}

fn invert_hunk(hunk: &mut Hunk) {
    mem::swap(&mut hunk.old_start, &mut hunk.new_start);
    mem::swap(&mut hunk.old_lines, &mut hunk.new_lines);
    let is_context = |line: &DiffLine| line.origin == LineOrigin::Context;
    for run in hunk.lines.chunk_by_mut(|one, two| is_context(one) == is_context(two)) {
        for line in run.iter_mut() {
            line.origin = match line.origin {
                LineOrigin::Context => LineOrigin::Context,
                LineOrigin::Added => LineOrigin::Deleted,
                LineOrigin::Deleted => LineOrigin::Added,
            };
        }
        // Stable: in a run of changes deletions stand first.
        run.sort_by_key(|line| line.origin == LineOrigin::Added);
    }
}
