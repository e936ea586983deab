//! What rules ask of a whole line, read once for all edits that stand on it: a file of half a megabyte may be one line with
//! thousands of edits. Start at [`Line`].

use std::cell::OnceCell;

use crate::change::secrets::{self, SecretMatch};
use crate::change::{FileDiff, KeyChange, LineOrigin};
use crate::policy::hazard::bytes::ByteSet;

/// A line of the new file with edits on it; empty where it is gone.
#[derive(Default)]
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    bytes: ByteSet,
    is_in_new_file: bool,
    may_hold_secret: OnceCell<bool>,
    secrets: OnceCell<Vec<SecretMatch>>,
    writes_nothing: OnceCell<bool>,
    frees_from_passwords: OnceCell<bool>,
    /// What a rule found out of it, a place for each sort of edit.
    pub(super) shows_secret: [OnceCell<bool>; 3],
    /// Whether the statement of a policy around it refuses.
    pub(super) is_denied: OnceCell<bool>,
    /// Where its text without white space around it lies.
    trimmed: OnceCell<(usize, usize)>,
    /// Position in the hunk of the line before it in the new file.
    pub(super) before: OnceCell<Option<usize>>,
    /// How far it is indented, be it gone or not.
    pub(super) indent: OnceCell<usize>,
    /// What rules found out of the lines around it: whether the same key stands beside it,
    pub(super) stands_twice: OnceCell<bool>,
    /// a rule of a list that restricts nothing,
    pub(super) leaves_open_rule: OnceCell<bool>,
    /// words of a policy or of a role,
    pub(super) is_of_statement: OnceCell<bool>,
    pub(super) is_of_role: OnceCell<bool>,
    /// a comment that asks to leave it alone,
    pub(super) is_fenced: OnceCell<bool>,
    /// the beginning of a block that is open to all;
    pub(super) is_in_open_block: OnceCell<bool>,
    /// and whether it is a command that deletes.
    pub(super) destroys: OnceCell<bool>,
}

impl<'a> Line<'a> {
    /// The line on which an edit stands.
    pub(super) fn of(key_change: &KeyChange, file_diff: &'a FileDiff) -> Self {
        let hunk = file_diff.hunks().get(key_change.hunk_idx);
        let line = hunk.and_then(|hunk| hunk.lines.get(key_change.line_idx));
        match line.filter(|line| line.origin == LineOrigin::Added) {
            Some(line) => Self {
                text: &line.text,
                bytes: ByteSet::of(&line.text),
                is_in_new_file: true,
                ..Self::default()
            },
            None => Self::default(),
        }
    }

    /// Its text without white space around it.
    pub(super) fn trimmed(&self) -> &'a str {
        let (start, end) = *self.trimmed.get_or_init(|| {
            let start = self.text.len() - self.text.trim_start().len();
            (start, start + self.text.trim().len())
        });
        self.text.get(start..end).unwrap_or("")
    }

    /// Whether it came with the change.
    pub(super) fn is_in_new_file(&self) -> bool {
        self.is_in_new_file
    }

    /// Whether a look at its bytes leaves open that it holds a secret.
    pub(super) fn may_hold_secret(&self) -> bool {
        *self.may_hold_secret.get_or_init(|| secrets::may_hold(self.text))
    }

    /// Its secrets, in order.
    pub(super) fn secrets(&self) -> &[SecretMatch] {
        self.secrets.get_or_init(|| secrets::find(self.text))
    }

    /// Whether an empty value is written in it.
    pub(super) fn writes_nothing(&self) -> bool {
        const NOTHING: [&str; 7] = ["\"\"", "''", "[]", "{}", "()", "= null", ": null"];
        *self
            .writes_nothing
            .get_or_init(|| NOTHING.iter().any(|it| self.bytes.may_hold(it) && self.text.contains(it)))
    }

    /// Whether it lets somebody become anybody without a password, as lines of sudoers do.
    pub(super) fn frees_from_passwords(&self) -> bool {
        *self
            .frees_from_passwords
            .get_or_init(|| self.bytes.may_hold("NOPASSWD") && frees_from_passwords(self.text))
    }
}

/// Whether a text of sudoers asks for no password whatever is run.
pub(super) fn frees_from_passwords(text: &str) -> bool {
    text.contains("NOPASSWD: ALL") || text.contains("NOPASSWD:ALL")
}
