//! A change as the fold remembers it: hashes and a few numbers, no text. All that an outcome known later can fall on.
//! Start at [`Footprint::of`].

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use crate::change::{FileStatus, KeyChange, KeyChangeKind, LineOrigin, author_address};
use crate::history::line_track::LineMarks;
use crate::history::prose::{body_lines, tickets};
use crate::history::reading::{Reading, hash64};
use crate::history::tokens::TokenKind;
use crate::history::words::{token_of, words_in};
use crate::label::template_of;

/// Files of one change that are remembered.
const MAX_FILES: usize = 1_000;
/// Key edits of one change that are remembered.
const MAX_KEYS: usize = 1_000;
/// Distinct tokens of one kind that are kept of a change.
const MAX_TOKENS: usize = 192;
/// Lines of one side of a change that are remembered.
const MAX_LINES: usize = 512;
/// Bytes below which a line is too common to remember.
const MIN_LINE_BYTES: usize = 4;
/// Files and directories that are inputs of a learner, each.
const MAX_INPUT_FILES: usize = 32;
/// An odd number with well spread bits (2⁶⁴ over the golden ratio).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Everything by which a change is remembered, as hashes: no text of a change is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Footprint {
    /// `t` of the change, Unix seconds.
    pub t: i64,
    /// Hash of the author's address.
    pub author: u64,
    /// Hash of the address behind the `@`.
    pub domain: u64,
    /// Hashes of the tickets that the message names.
    pub tickets: Vec<u64>,
    /// Whether the change says that it undoes an earlier one.
    pub is_revert: bool,
    /// Whether its wording says that undoing it is the plan.
    pub is_planned: bool,
    /// Hour of the author's clock.
    pub hour: u8,
    /// Hash of the title's template.
    pub template: u64,
    /// Hash of the first three words of the title.
    pub first_words: u64,
    /// Hash of the whole title.
    pub title: u64,
    /// Hash of the removed and added lines.
    pub edit: u64,
    /// Hash of the removed and added lines of the inverse.
    pub inverse_edit: u64,
    /// The files, at most 1,000.
    pub files: Vec<FileMark>,
    /// Distinct directories at depth 1, 2 and 3.
    pub dirs: [Vec<u64>; 3],
    /// Distinct file name endings.
    pub extensions: Vec<u64>,
    /// The key edits, at most 1,000.
    pub keys: Vec<KeyMark>,
    /// Hashed tokens; the lowest bit is 1 for an added line.
    pub tokens: [Vec<u32>; 5],
    /// Added and deleted lines; empty once the change has landed.
    pub lines: LineMarks,
}

/// One file of a footprint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileMark {
    /// Hash of the path.
    pub path: u64,
    /// Hash of the path before a rename.
    pub old_path: Option<u64>,
    /// What happened.
    pub status: FileStatus,
    /// Lines added.
    pub n_added: u32,
    /// Lines deleted.
    pub n_deleted: u32,
}

/// One key edit of a footprint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyMark {
    /// Hash of file and key path.
    pub key: u64,
    /// Hash of the key's last part, the same in every file.
    pub leaf: u64,
    /// Hash of the value before; 0 where there was none.
    pub old: u64,
    /// Hash of the value after; 0 where there is none.
    pub new: u64,
    /// `|ln(new / old)|` of a numeric edit.
    pub abs_log_ratio: Option<f32>,
}

impl Footprint {
    /// The footprint of a change.
    pub fn of(reading: &Reading<'_>) -> Self {
        let change = reading.change;
        let title = change.title();
        let mut footprint = Self {
            t: change.committed_at,
            author: hash64(&[author_address(&change.author)]),
            domain: hash64(&[domain_of(author_address(&change.author))]),
            tickets: tickets(&change.message).into_iter().map(|ticket| hash64(&[ticket])).collect(),
            is_revert: reading.classification.is_revert,
            is_planned: reading.classification.planned_by_wording,
            hour: hour_of(change.authored_at.unix_seconds, change.authored_at.offset_minutes),
            template: hash64(&[&template_of(title)]),
            first_words: hash_first_words(title),
            title: hash64(&[title]),
            ..Self::default()
        };
        footprint.read_files(reading);
        footprint.read_keys(reading);
        footprint.read_tokens(reading);
        footprint.read_lines(reading);
        (footprint.edit, footprint.inverse_edit) = edit_hashes(reading);
        footprint
    }

    /// Hash of the top directory of the first file; 0 where there is none.
    pub fn top_dir(&self) -> u64 {
        self.dirs[0].first().copied().unwrap_or(0)
    }

    /// Tokens of one kind.
    pub fn tokens_of(&self, kind: TokenKind) -> &[u32] {
        &self.tokens[kind as usize]
    }

    fn read_files(&mut self, reading: &Reading<'_>) {
        for file_diff in reading.change.record.files.iter().take(MAX_FILES) {
            let path = file_diff.path();
            let (n_added, n_deleted) = file_diff.n_lines();
            let renamed_from =
                (file_diff.status == FileStatus::Renamed).then_some(file_diff.old_path.as_deref());
            self.files.push(FileMark {
                path: hash64(&[path]),
                old_path: renamed_from.flatten().map(|old| hash64(&[old])),
                status: file_diff.status,
                n_added: u32::try_from(n_added).unwrap_or(u32::MAX),
                n_deleted: u32::try_from(n_deleted).unwrap_or(u32::MAX),
            });
            for (depth, dir) in dir_prefixes(path).into_iter().enumerate() {
                push_distinct(&mut self.dirs[depth], hash64(&[dir]));
            }
            push_distinct(&mut self.extensions, hash64(&[extension_of(path)]));
        }
    }

    fn read_keys(&mut self, reading: &Reading<'_>) {
        for (file_diff, keys) in reading.change.record.files.iter().zip(&reading.keys) {
            for key_change in keys {
                if self.keys.len() >= MAX_KEYS {
                    return;
                }
                if is_about_a_key(key_change) {
                    self.keys.push(KeyMark {
                        key: hash64(&[file_diff.path(), &key_change.path]),
                        leaf: hash64(&[&key_change.leaf]),
                        old: key_change.old.as_deref().map_or(0, |value| hash64(&[value])),
                        new: key_change.new.as_deref().map_or(0, |value| hash64(&[value])),
                        abs_log_ratio: log_ratio(&key_change.kind).map(|ratio| ratio.abs() as f32),
                    });
                }
            }
        }
    }

    fn read_tokens(&mut self, reading: &Reading<'_>) {
        let mut added = TokenSet::new(TokenKind::Added);
        let mut deleted = TokenSet::new(TokenKind::Deleted);
        let mut path = TokenSet::new(TokenKind::Path);
        let mut message = TokenSet::new(TokenKind::Message);
        for file_diff in &reading.change.record.files {
            path.read(file_diff.path());
            for line in file_diff.hunks().iter().flat_map(|hunk| &hunk.lines) {
                match line.origin {
                    LineOrigin::Added => added.read(&line.text),
                    LineOrigin::Deleted => deleted.read(&line.text),
                    LineOrigin::Context => {}
                }
            }
        }
        message.read(reading.change.title());
        let mut body = TokenSet::new(TokenKind::Body);
        for line in body_lines(&reading.change.message, reading.change.title()) {
            body.read(line);
        }
        self.tokens = [added, deleted, path, message, body].map(|set| set.tokens);
    }

    fn read_lines(&mut self, reading: &Reading<'_>) {
        for file_diff in reading.change.record.files.iter().take(MAX_FILES) {
            let path = file_diff.path();
            for line in file_diff.hunks().iter().flat_map(|hunk| &hunk.lines) {
                let side = match line.origin {
                    LineOrigin::Added => &mut self.lines.added,
                    LineOrigin::Deleted => &mut self.lines.deleted,
                    LineOrigin::Context => continue,
                };
                let text = line.text.trim();
                if text.len() >= MIN_LINE_BYTES && side.len() < MAX_LINES {
                    side.push(hash64(&[path, text]));
                }
            }
        }
    }

    /// What a [`crate::history::Learner`] reads of the change: its words, and hashes of who, where and what.
    pub fn inputs(&self) -> Vec<u32> {
        let named = [(1, self.author), (2, self.template), (3, self.first_words), (4, self.domain)];
        let files = self.files.iter().take(MAX_INPUT_FILES).map(|file_mark| (5, file_mark.path));
        let dirs = self.dirs[2].iter().take(MAX_INPUT_FILES).map(|&dir| (6, dir));
        let author_dirs = self.dirs[0].iter().take(MAX_INPUT_FILES).map(|&dir| (7, dir ^ self.author));
        let hashed = named.into_iter().chain(files).chain(dirs).chain(author_dirs);
        let mut inputs = self.tokens.concat();
        inputs.extend(hashed.map(|(space, hash)| fold32(hash.wrapping_add(space).wrapping_mul(GOLDEN))));
        inputs
    }
}

/// `ln(new / old)` of a numeric edit whose values have one sign and are not zero.
pub fn log_ratio(kind: &KeyChangeKind) -> Option<f64> {
    let (old, new) = match *kind {
        KeyChangeKind::Number { old, new } | KeyChangeKind::Percentage { old, new } => (old, new),
        KeyChangeKind::Duration { old_s, new_s } => (old_s, new_s),
        KeyChangeKind::Size { old_bytes, new_bytes } => (old_bytes, new_bytes),
        _ => return None,
    };
    let ratio = new / old;
    (ratio > 0.0 && ratio.is_finite()).then(|| ratio.ln())
}

fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

fn fold32(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The directories that hold a path, at depth 1, 2 and 3; the last is repeated where there are fewer.
pub fn dir_prefixes(path: &str) -> [&str; 3] {
    let dir = path.rfind('/').map_or("", |end| &path[..end]);
    let mut ends = dir.match_indices('/').map(|(idx, _)| idx);
    let first = ends.next().map_or(dir, |end| &dir[..end]);
    let second = ends.next().map_or(dir, |end| &dir[..end]);
    let third = ends.next().map_or(dir, |end| &dir[..end]);
    [first, second, third]
}

/// What follows the last dot of the file name, else the whole name.
pub fn extension_of(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit('.').next().unwrap_or(name)
}

fn is_about_a_key(key_change: &KeyChange) -> bool {
    !matches!(key_change.kind, KeyChangeKind::Comment | KeyChangeKind::Whitespace)
        && !key_change.leaf.is_empty()
}

fn hour_of(unix_seconds: i64, offset_minutes: i32) -> u8 {
    let local = unix_seconds.saturating_add(i64::from(offset_minutes) * 60);
    u8::try_from(local.rem_euclid(86_400) / 3_600).unwrap_or(0)
}

fn hash_first_words(title: &str) -> u64 {
    let lower = title.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(3).collect();
    hash64(&words)
}

fn edit_hashes(reading: &Reading<'_>) -> (u64, u64) {
    let (mut edit, mut inverse) = (0_u64, 0_u64);
    for file_diff in &reading.change.record.files {
        let (mut added, mut deleted) = (1_u64, 1_u64);
        for line in file_diff.hunks().iter().flat_map(|hunk| &hunk.lines) {
            let side = match line.origin {
                LineOrigin::Added => &mut added,
                LineOrigin::Deleted => &mut deleted,
                LineOrigin::Context => continue,
            };
            *side = side.wrapping_mul(0x0100_0000_01b3).wrapping_add(hash64(&[&line.text]));
        }
        let path = hash64(&[file_diff.path()]);
        edit = edit.wrapping_add(mix(path, added, deleted));
        inverse = inverse.wrapping_add(mix(path, deleted, added));
    }
    (edit, inverse)
}

fn mix(path: u64, first: u64, second: u64) -> u64 {
    (path ^ first.rotate_left(17)).wrapping_mul(GOLDEN) ^ second.rotate_left(43)
}

fn push_distinct(hashes: &mut Vec<u64>, hash: u64) {
    if !hashes.contains(&hash) {
        hashes.push(hash);
    }
}

struct TokenSet {
    kind: TokenKind,
    seen: FxHashSet<u32>,
    tokens: Vec<u32>,
}

impl TokenSet {
    fn new(kind: TokenKind) -> Self {
        Self { kind, seen: FxHashSet::default(), tokens: Vec::new() }
    }

    /// Reads the words of a text.
    fn read(&mut self, text: &str) {
        for word in words_in(text) {
            if self.tokens.len() >= MAX_TOKENS {
                return;
            }
            let token = token_of(self.kind, word);
            if self.seen.insert(token) {
                self.tokens.push(token);
            }
        }
    }
}
