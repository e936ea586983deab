//! One edit as hazard rules look at it: words and values are read once, when the first rule asks. What the lines around it say is
//! in `nearby.rs`.
//! Start at [`Edit`].

mod nearby;

use std::cell::OnceCell;

use crate::change::{FileDiff, FileStatus, KeyChange, KeyChangeKind};
use crate::policy::hazard::around::{Around, Left};
use crate::policy::hazard::line::Line;
use crate::policy::hazard::reading::{Value, flipped, numbers, seconds, truth};
use crate::policy::hazard::template;
use crate::policy::hazard::turn::Turn;
use crate::policy::hazard::words::{file_stem, is_generic, last_components, says, spaced};

/// As much of each line around an edit as rules look at, in bytes.
pub(super) const NEAR_TEXT: usize = 1 << 12;
/// Elements that left a list, as many of them as rules compare with each that came.
pub(super) const MAX_LEFT: usize = 1 << 10;

/// One key edit with what stands around it, prepared for the rules. Most rules are done with it after a look at
/// its kind and its values; the words of its name are read when the first one asks.
pub(super) struct Edit<'a> {
    pub(super) key_change: &'a KeyChange,
    pub(super) file_diff: &'a FileDiff,
    /// The words of the key, lower case, each between spaces.
    leaf: OnceCell<String>,
    /// The words of the key and of the two above it.
    path: OnceCell<String>,
    /// Whether the key's own name says nothing, so that those above it speak.
    is_leaf_generic: OnceCell<bool>,
    /// The value before, lower case; empty where there is none.
    pub(super) old: Value<'a>,
    /// The value after.
    pub(super) new: Value<'a>,
    /// The numbers before and after; thirty rules ask.
    numbers: Option<(f64, f64)>,
    /// The side that a switch was turned to; a dozen rules ask.
    flipped: Option<bool>,
    /// How the name turns its switch around; told for switches alone.
    turn: OnceCell<Turn>,
    /// Whether the key went alone; many rules ask, and a path may have many keys above it.
    is_dropped: OnceCell<bool>,
    pub(super) line: &'a Line<'a>,
    around: &'a Around<'a>,
}

impl<'a> Edit<'a> {
    pub(super) fn new(
        (key_change, file_diff): (&'a KeyChange, &'a FileDiff),
        line: &'a Line<'a>,
        around: &'a Around<'a>,
    ) -> Self {
        let (old, new) = (Value::of(key_change.old.as_deref()), Value::of(key_change.new.as_deref()));
        Self {
            leaf: OnceCell::new(),
            path: OnceCell::new(),
            is_leaf_generic: OnceCell::new(),
            flipped: flipped(key_change.kind, &old, &new),
            turn: OnceCell::new(),
            is_dropped: OnceCell::new(),
            numbers: numbers(key_change.kind, &old, &new),
            old,
            new,
            key_change,
            file_diff,
            line,
            around,
        }
    }

    /// Whether the key's own name has one of these words or phrases.
    pub(super) fn leaf_says(&self, phrases: &[&str]) -> bool {
        says(self.leaf(), phrases)
    }

    /// Whether the key or one of the two above it has one of these words or phrases; where all that is known of the key
    /// says nothing (`enabled`), its file's name speaks.
    pub(super) fn path_says(&self, phrases: &[&str]) -> bool {
        says(self.path_words(), phrases)
    }

    fn path_words(&self) -> &str {
        self.path.get_or_init(|| {
            let path = spaced(last_components(&self.key_change.path, 3));
            match path.split(' ').filter(|word| !word.is_empty()).all(is_generic) {
                true => spaced(file_stem(self.file_diff.path())) + &path,
                false => path,
            }
        })
    }

    /// Whether the key speaks of one of these: its own name, or for a name that says nothing
    /// (`enabled`, `ensure`, `default`) those above it.
    pub(super) fn is_about(&self, phrases: &[&str]) -> bool {
        if self.is_leaf_generic() { self.path_says(phrases) } else { self.leaf_says(phrases) }
    }

    /// Whether the key is the switch of one of these: named so, or `enabled` right below.
    pub(super) fn switches(&self, phrases: &[&str]) -> bool {
        let is_below = || matches!(self.key_change.leaf.as_str(), "enabled" | "enable");
        self.leaf_says(phrases) || (is_below() && says(&spaced(self.key_change.parent()), phrases))
    }

    /// Whether a word of the key's own name, or for a name that says nothing of those above it, begins with one of these; or,
    /// if it is a long one, ends with it.
    pub(super) fn has_stem(&self, stems: &[&str], but: &[&str]) -> bool {
        let has = |spaced: &str| {
            let is_one =
                |word: &str, stem: &&str| word.starts_with(*stem) || stem.len() >= 5 && word.ends_with(*stem);
            let mut words = spaced.split(' ').filter(|word| !word.is_empty() && !but.contains(word));
            words.any(|word| stems.iter().any(|stem| is_one(word, stem)))
        };
        if self.is_leaf_generic() { has(self.path_words()) } else { has(self.leaf()) }
    }

    /// Whether the first word of the key's own name is one of these.
    pub(super) fn leaf_begins(&self, words: &[&str]) -> bool {
        self.leaf().split(' ').find(|word| !word.is_empty()).is_some_and(|first| words.contains(&first))
    }

    fn leaf(&self) -> &str {
        self.leaf.get_or_init(|| spaced(&self.key_change.leaf))
    }

    fn is_leaf_generic(&self) -> bool {
        let is_generic = || self.leaf().split(' ').filter(|word| !word.is_empty()).all(is_generic);
        *self.is_leaf_generic.get_or_init(is_generic)
    }

    /// The number before and after, in one unit, where the edit is one of numbers.
    pub(super) fn numbers(&self) -> Option<(f64, f64)> {
        self.numbers
    }

    /// Seconds before and after; none where the same span is written with its unit and as bare milliseconds.
    pub(super) fn seconds(&self) -> Option<(f64, f64)> {
        seconds(self.key_change.kind, &self.old, &self.new)
    }

    /// The side that a switch was turned to.
    pub(super) fn flipped(&self) -> Option<bool> {
        self.flipped
    }

    /// The side that a switch now stands on, turned or new.
    pub(super) fn set_to(&self) -> Option<bool> {
        match self.key_change.kind {
            KeyChangeKind::Added => truth(&self.new),
            _ => self.flipped(),
        }
    }

    /// Whether something of these names was switched off, by `x: false` or by `disable_x: true`.
    pub(super) fn turned_off(&self, phrases: &[&str]) -> bool {
        self.flipped.is_some_and(|to| self.is_off_side(to)) && self.is_about(phrases)
    }

    /// Whether a switch of these names that stood on went away, so that a default nobody here knows holds.
    pub(super) fn drops_switch(&self, phrases: &[&str]) -> bool {
        let stood_on = truth(&self.old) == Some(true) && self.old != "1";
        stood_on && self.is_dropped() && !self.is_negative() && self.is_about(phrases)
    }

    /// Whether something of these names was switched on, by `x: true` or by `disable_x: false`.
    pub(super) fn turned_on(&self, phrases: &[&str]) -> bool {
        self.lets() && self.is_about(phrases)
    }

    /// Whether a switch was turned so that what it names may happen: `x: true`, `disable_x: false`, `deny_x: false`.
    pub(super) fn lets(&self) -> bool {
        self.flipped.is_some_and(|to| self.turn().is_unclear || to != self.turn().refuses)
    }

    /// Whether the key's name turns the switch of a guard around, be it by what gets past the guard: `auth_bypass`.
    pub(super) fn is_negative(&self) -> bool {
        self.turn().is_negative
    }

    /// Whether a guard is off where its switch stands on a side, or may be.
    pub(super) fn is_off_side(&self, side: bool) -> bool {
        self.turn().is_unclear || side == self.turn().is_negative
    }

    /// Whether the key's name turns its switch around, whatever it is one of.
    pub(super) fn is_inverted(&self) -> bool {
        self.turn().is_inverted
    }

    fn turn(&self) -> &Turn {
        self.turn.get_or_init(|| match self.is_leaf_generic() {
            // An option stands below the key of its command, which is no part of its name.
            true if self.leaf().trim().contains(' ') => Turn::of(self.leaf(), self.path_words()),
            true => Turn::of(&spaced(last_components(&self.key_change.path, 2)), self.path_words()),
            false => Turn::of(self.leaf(), self.leaf()),
        })
    }

    /// Whether the key went alone: its surroundings stay, it comes back nowhere in the change, and
    /// the file is still there.
    pub(super) fn is_dropped(&self) -> bool {
        let path = self.key_change.path.as_str();
        let goes_with_parent = || {
            let mut above = path.match_indices('.').filter_map(|(dot, _)| path.get(..dot));
            above.any(|above| self.around.loses(above))
        };
        *self.is_dropped.get_or_init(|| self.is_gone() && !goes_with_parent())
    }

    /// Whether the key went, with or without what is around it, and comes back nowhere in the change.
    fn is_gone(&self) -> bool {
        self.key_change.kind == KeyChangeKind::Removed
            && self.file_diff.status != FileStatus::Deleted
            && !self.comes_elsewhere(&self.key_change.leaf)
            && self.is_of_own_line()
    }

    /// Whether the line of the edit has the key on it. A line of a block text, of a template or of a list has none of its
    /// own: it is known by the key around it, which neither came nor went.
    fn is_of_own_line(&self) -> bool {
        let KeyChange { hunk_idx, line_idx, leaf, .. } = self.key_change;
        let hunk = self.file_diff.hunks().get(*hunk_idx);
        let Some(line) = hunk.and_then(|hunk| hunk.lines.get(*line_idx)) else { return true };
        line.text.len() > NEAR_TEXT
            || writes_key(&template::written(&line.text), leaf)
            || template::is_of_template(&line.text)
                && !template::is_branch(&line.text)
                && !self.has_siblings()
    }

    /// As [`Edit::is_dropped`], also where only the block of one of these names went with it.
    pub(super) fn is_dropped_with(&self, blocks: &[&str]) -> bool {
        let is_of_block = || blocks.contains(&self.key_change.parent());
        let holder_goes = || {
            let above = self.key_change.path.rsplit_once('.').map_or("", |(above, _)| above);
            let holder = above.rsplit_once('.').map_or("", |(holder, _)| holder);
            self.around.loses(holder)
        };
        self.is_dropped() || (self.is_gone() && is_of_block() && !holder_goes())
    }

    /// Whether an element left a list of a file that is still there.
    pub(super) fn leaves_list(&self) -> bool {
        self.key_change.kind == KeyChangeKind::ListRemove && self.file_diff.status != FileStatus::Deleted
    }

    /// Whether keys right below this one went.
    pub(super) fn loses_keys_below(&self) -> bool {
        self.around.loses_below(&self.key_change.path)
    }

    /// Whether a key of this name came somewhere in the change.
    pub(super) fn comes_elsewhere(&self, leaf: &str) -> bool {
        self.around.whole.comes(leaf)
    }

    /// Whether one of these texts, all of them known to [`Whole::comes_as`](super::around::Whole::comes_as), stands in a line
    /// that came somewhere in the change.
    pub(super) fn comes_as(&self, texts: &[impl AsRef<str>]) -> bool {
        texts.iter().any(|text| self.around.whole.comes_as(text.as_ref()))
    }

    /// Whether a table of this name, which is dropped if it exists, is made again in the file, as dumps do.
    pub(super) fn is_made_again(&self, name: &str) -> bool {
        self.around.makes_again(name)
    }

    /// Whether one line came into the file, and none went.
    pub(super) fn is_one_new_line(&self) -> bool {
        self.around.is_one_new_line()
    }

    /// Whether a stage of a build went from the file.
    pub(super) fn loses_stage(&self) -> bool {
        self.around.loses_stage()
    }

    /// Whether a block of this name went from the file.
    pub(super) fn loses_block(&self, name: &str) -> bool {
        self.around.loses_block(name)
    }

    /// What a value took the place of: the one before, or for an element that came into a list those
    /// that left it.
    pub(super) fn replaced(&self) -> impl Iterator<Item = &str> {
        let came = self.key_change.kind == KeyChangeKind::ListAdd;
        let left = if came { self.left_list() } else { &[] };
        (!came).then_some(self.old.as_ref()).into_iter().chain(left.iter().copied())
    }

    /// The elements that left the list of the edit, the first 1,024 of them.
    pub(super) fn left_list(&self) -> &[&'a str] {
        self.left().map_or(&[], |left| left.elements.as_slice())
    }

    /// What left the list of the edit.
    pub(super) fn left(&self) -> Option<&Left<'a>> {
        self.around.left.get(self.key_change.path.as_str())
    }

    /// Whether a value took the place of one that is so; of a list it is found out once, for all that came.
    pub(super) fn replaces(
        &self,
        known: for<'left> fn(&'left Left<'a>) -> &'left OnceCell<bool>,
        is_so: impl Fn(&str) -> bool,
    ) -> bool {
        match self.key_change.kind {
            KeyChangeKind::ListAdd => self.left().is_some_and(|left| {
                *known(left).get_or_init(|| left.elements.iter().any(|element| is_so(element)))
            }),
            _ => is_so(&self.old),
        }
    }

    /// Whether a secret of the line stood in the deleted lines around the edit.
    pub(super) fn was_there(&self, secret: &str) -> bool {
        self.around.held_secret(self.key_change.hunk_idx, secret)
    }

    /// Whether the new value holds one of these texts and the old one does not.
    pub(super) fn gains(&self, texts: &[&str]) -> bool {
        self.new.has_any_beside(texts, &self.old)
    }

    /// Whether the old value holds one of these texts and the new one does not.
    pub(super) fn loses(&self, texts: &[&str]) -> bool {
        self.old.has_any_beside(texts, &self.new)
    }

    /// Whether one of these names stands in the new value as a word of its own, and not in the old.
    pub(super) fn gains_word(&self, names: &[&str]) -> bool {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | ':');
        let holds = |value: &str, name: &str| value.split(|c| !is_part(c)).any(|word| word.ends_with(name));
        self.gains(names) && names.iter().any(|name| holds(&self.new, name) && !holds(&self.old, name))
    }

    /// Whether the new value is one of these and the old one is none of them.
    pub(super) fn becomes(&self, values: &[&str]) -> bool {
        values.contains(&self.new.as_ref()) && !values.contains(&self.old.as_ref())
    }
}

/// Whether a line has the letters and digits of a key in their order, or gives the value of one that is named elsewhere.
fn writes_key(line: &str, key: &str) -> bool {
    let letters = |text: &str| {
        let kept = text.chars().filter(|c| c.is_alphanumeric());
        kept.flat_map(char::to_lowercase).collect::<String>()
    };
    let text = line.trim_start_matches([' ', '\t', '-', '"', '\'', '<', '{']);
    text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("value"))
        || letters(line).contains(&letters(key))
}
