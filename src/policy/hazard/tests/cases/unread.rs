//! The cases of `unread.rs`.

use super::Case;

pub(super) const CASES: &[Case] = &[
    ("merge_marker", "a/web.yaml", " a: 1\n+<<<<<<< HEAD\n+b: 2", " a: 1\n+b: \"<<<<<<< HEAD\""),
    (
        "unread",
        "a/rules.dat",
        " version https://git-lfs.github.com/spec/v1\n-oid sha256:1111111111111111111111111111111111111111111111111111111111111111\n\
         +oid sha256:2222222222222222222222222222222222222222222222222222222222222222",
        " version: 1\n-oid: 7\n+oid: 8",
    ),
];
