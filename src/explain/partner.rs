//! Files that usually come along with those of a change, and are absent from it.

use crate::change::{FileContent, FileDiff, FileStatus};
use crate::explain::grounds::Grounds;
use crate::history::hash64;

/// Earlier changes of a file before its partners say anything.
const MIN_CHANGES: u32 = 5;
/// Share of a file's changes from which a partner is expected.
const MIN_SHARE: f64 = 0.5;
/// Mode of an ordinary file.
const ORDINARY: u32 = 0o100_644;

/// A file that is expected.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MissingPartner {
    /// Its path.
    pub(super) path: String,
    /// Position of the changed file that it usually comes with.
    pub(super) of_idx: usize,
    /// Share of that file's changes which touched both.
    pub(super) share: f64,
}

/// The partners that are absent, the most usual first. The history remembers them by hash alone: one
/// whose path is in the repository no longer has no name, and nobody is advised to change it.
pub(super) fn missing_partners(grounds: &Grounds<'_>, files: &[FileDiff]) -> Vec<MissingPartner> {
    let present: Vec<u64> = files.iter().map(|file_diff| hash64(&[file_diff.path()])).collect();
    let mut hashes: Vec<(u64, usize, f64)> = Vec::new();
    for (of_idx, path) in present.iter().enumerate() {
        let Some(file_track) = grounds.history.files.get(*path) else { continue };
        if file_track.track.n < MIN_CHANGES {
            continue;
        }
        for partner in file_track.partners() {
            let share = f64::from(partner.n_together) / f64::from(file_track.track.n);
            if share >= MIN_SHARE && !present.contains(&partner.path) {
                hashes.push((partner.path, of_idx, share));
            }
        }
    }
    hashes.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| (a.0, a.1).cmp(&(b.0, b.1))));
    hashes.dedup_by_key(|(path, ..)| *path);
    if hashes.is_empty() {
        return Vec::new();
    }
    let wanted: Vec<u64> = hashes.iter().map(|(path, ..)| *path).collect();
    let named = (grounds.paths_of)(&wanted);
    let partner = |((_, of_idx, share), path): ((u64, usize, f64), Option<String>)| {
        Some(MissingPartner { path: path?, of_idx, share })
    };
    hashes.into_iter().zip(named).filter_map(partner).collect()
}

/// A file that changes, with no line of it said.
pub(super) fn touched_only(path: &str) -> FileDiff {
    FileDiff {
        old_path: Some(path.to_owned()),
        new_path: Some(path.to_owned()),
        status: FileStatus::Modified,
        old_mode: ORDINARY,
        new_mode: ORDINARY,
        content: FileContent::Text(Vec::new()),
    }
}
