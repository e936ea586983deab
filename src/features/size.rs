//! How large a change is and how far it is spread, from its canonical diff alone.

use rustc_hash::FxHashSet;

use crate::change::{ChangeRecord, FileContent, FileStatus};
use crate::features::facts::{count, flag, share};
use crate::features::schema::{FeatureSpec, Unit};
use crate::history::dir_prefixes;

/// What the size family reads.
pub struct SizeFacts {
    n_added: usize,
    n_deleted: usize,
    n_largest: usize,
    n_files: usize,
    n_dirs: usize,
    n_top_dirs: usize,
    n_hunks: usize,
    n_new: usize,
    n_deleted_files: usize,
    n_renamed: usize,
    n_binary: usize,
    n_mode_changes: usize,
    entropy_bits: f64,
}

pub(super) const FEATURES: &[FeatureSpec] = &[
    FeatureSpec::new("size_lines_added", Unit::Count, "Lines added", |f| count(f.size.n_added)),
    FeatureSpec::new("size_lines_deleted", Unit::Count, "Lines deleted", |f| count(f.size.n_deleted)),
    FeatureSpec::new("size_lines", Unit::Count, "Lines added and deleted", |f| count(f.size.n_lines())),
    FeatureSpec::new("size_deleted_share", Unit::Share, "Share of the changed lines that are deleted", |f| {
        share(f.size.n_deleted, f.size.n_lines())
    }),
    FeatureSpec::new("size_files", Unit::Count, "Files touched", |f| count(f.size.n_files)),
    FeatureSpec::new("size_dirs", Unit::Count, "Directories touched", |f| count(f.size.n_dirs)),
    FeatureSpec::new("size_top_dirs", Unit::Count, "Top directories touched", |f| count(f.size.n_top_dirs)),
    FeatureSpec::new("size_hunks", Unit::Count, "Separate places edited", |f| count(f.size.n_hunks)),
    FeatureSpec::new(
        "size_entropy",
        Unit::Bits,
        "Spread of the changed lines over the files, as entropy",
        |f| Some(f.size.entropy_bits),
    ),
    FeatureSpec::new("size_largest_file", Unit::Count, "Changed lines in the file changed most", |f| {
        count(f.size.n_largest)
    }),
    FeatureSpec::new("size_files_new", Unit::Count, "New files", |f| count(f.size.n_new)),
    FeatureSpec::new("size_files_deleted", Unit::Count, "Deleted files", |f| count(f.size.n_deleted_files)),
    FeatureSpec::new("size_files_renamed", Unit::Count, "Renamed files", |f| count(f.size.n_renamed)),
    FeatureSpec::new("size_files_binary", Unit::Count, "Binary files", |f| count(f.size.n_binary)),
    FeatureSpec::new("size_mode_changed", Unit::Flag, "Whether a file's mode changes", |f| {
        flag(f.size.n_mode_changes > 0)
    }),
    FeatureSpec::new("size_one_line", Unit::Flag, "Whether one line or less is added and deleted", |f| {
        flag(f.size.n_added <= 1 && f.size.n_deleted <= 1)
    }),
];

impl SizeFacts {
    pub(super) fn of(record: &ChangeRecord) -> Self {
        let lines: Vec<(usize, usize)> = record.files.iter().map(|file_diff| file_diff.n_lines()).collect();
        let totals: Vec<usize> = lines.iter().map(|(added, deleted)| added + deleted).collect();
        let n_with = |status| record.files.iter().filter(|file_diff| file_diff.status == status).count();
        let distinct_dirs = |depth: usize| {
            let dirs = record.files.iter().map(|file_diff| dir_prefixes(file_diff.path())[depth]);
            dirs.collect::<FxHashSet<_>>().len()
        };
        Self {
            n_added: lines.iter().map(|(added, _)| added).sum(),
            n_deleted: lines.iter().map(|(_, deleted)| deleted).sum(),
            n_largest: totals.iter().copied().max().unwrap_or(0),
            n_files: record.files.len(),
            n_dirs: distinct_dirs(2),
            n_top_dirs: distinct_dirs(0),
            n_hunks: record.files.iter().map(|file_diff| file_diff.hunks().len()).sum(),
            n_new: n_with(FileStatus::Added),
            n_deleted_files: n_with(FileStatus::Deleted),
            n_renamed: n_with(FileStatus::Renamed),
            n_binary: record
                .files
                .iter()
                .filter(|file_diff| file_diff.content == FileContent::Binary)
                .count(),
            n_mode_changes: record
                .files
                .iter()
                .filter(|f| f.old_mode != f.new_mode && f.old_mode != 0 && f.new_mode != 0)
                .count(),
            entropy_bits: entropy_bits(&totals),
        }
    }

    fn n_lines(&self) -> usize {
        self.n_added + self.n_deleted
    }
}

/// Shannon entropy of the shares, in bits (Hassan 2009, "Predicting faults using the complexity of
/// code changes", without his normalization).
fn entropy_bits(totals: &[usize]) -> f64 {
    let sum: usize = totals.iter().sum();
    let shares = totals.iter().filter(|&&total| total > 0).map(|&total| total as f64 / sum as f64);
    shares.map(|share| -share * share.log2()).sum()
}
