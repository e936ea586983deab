//! The cases of `warned.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    (
        "warned_value_changed",
        "a/job.yaml",
        " # never more than one, the lock is not shared\n-workers: 1\n+workers: 2",
        " # a task for each node\n-workers: 1\n+workers: 2",
    ),
    (
        "warned_value_changed",
        "a/features.toml",
        "-raw_sql = \"off\"  # not yet through the review\n+raw_sql = \"some\" # not yet through the review",
        "-raw_sql = \"off\"  # SEC-905\n+raw_sql = \"some\" # SEC-905",
    ),
];
