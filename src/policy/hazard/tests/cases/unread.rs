//! The cases of `unread.rs`.

use super::Case;

pub(super) const CASES: &[Case] =
    &[("merge_marker", "a/web.yaml", " a: 1\n+<<<<<<< HEAD\n+b: 2", " a: 1\n+b: \"<<<<<<< HEAD\"")];
