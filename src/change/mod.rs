//! The question: a configuration change and everything that can be read from it alone.
//!
//! Owns the [`Change`], its canonical diff ([`ChangeRecord`]), the parser for posted diffs and the
//! typed key edits. Never does I/O and never looks at history. Start reading at [`Change`].

mod author;
mod digest;
mod environment;
mod inverse;
mod keys;
mod parse;
mod record;
mod render;
pub mod secrets;
mod title;
mod unseen;

pub use author::{author_address, is_bot};
pub use digest::{Digest, NotADigest, digest};
pub(crate) use environment::{is_test_word, opens_name};
pub use inverse::inverse;
pub use keys::{
    ChangedWord, KeyChange, KeyChangeKind, KeyWords, MAX_LINES as MAX_KEY_LINES, changed_word, inner_changes,
    key_changes, key_words,
};
pub(crate) use keys::{for_each_word, lower_case};
pub use parse::{DiffError, DiffLimits, parse_diff, parse_diff_within};
pub use record::{
    Change, ChangeId, ChangeRecord, DiffLine, FileContent, FileDiff, FileStatus, Hunk, LineOrigin, Moment,
};
pub use render::render_diff;
pub(crate) use title::unmerged;
#[cfg(test)]
pub(crate) use unseen::UNSEEN;
pub(crate) use unseen::is_unseen;
