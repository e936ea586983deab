//! Elements of lists that are maps without a name of their own: the same one may stand elsewhere in its list, and with one that
//! goes none of its switches does. Start at [`Objects::fates`].

use std::collections::HashMap;

use crate::change::keys::inner::MAX_FACTS;

/// The maps of one hunk on either side, and for each fact which of them it stands in.
#[derive(Default)]
pub(super) struct Objects<'a> {
    all: Vec<Object<'a>>,
    of_facts: Vec<Option<usize>>,
    /// The one that is being read.
    current: Option<usize>,
}

struct Object<'a> {
    is_old: bool,
    /// Of the list.
    path: String,
    text: &'a str,
    /// The one that it stands in.
    parent: Option<usize>,
}

/// What becomes of a map.
#[derive(Clone, Copy, Default)]
pub(super) struct Fate {
    /// It stands in the same list before and after, wherever in it.
    pub(super) stays: bool,
    /// Its list has fewer maps than it had.
    pub(super) goes: bool,
}

pub(super) struct Fates<'a> {
    all: Vec<Fate>,
    of_facts: &'a [Option<usize>],
}

impl Fates<'_> {
    /// For each fact that of the map which it stands in.
    pub(super) fn of_facts(&self) -> impl Iterator<Item = Fate> + Clone {
        let of = |idx: &Option<usize>| idx.and_then(|idx| self.all.get(idx).copied()).unwrap_or_default();
        self.of_facts.iter().map(of)
    }
}

impl<'a> Objects<'a> {
    /// Goes into an element of a list, if it is a map; answers the one around it, for [`Objects::leave_to`].
    pub(super) fn open(&mut self, is_old: bool, path: &str, text: &'a str) -> Option<usize> {
        let around = self.current;
        if text.starts_with('{') && !text.starts_with("{{") && self.all.len() < MAX_FACTS {
            self.current = Some(self.all.len());
            self.all.push(Object { is_old, path: path.to_owned(), text, parent: around });
        }
        around
    }

    pub(super) fn leave_to(&mut self, around: Option<usize>) {
        self.current = around;
    }

    /// One more fact, which stands in the map that is being read.
    pub(super) fn note_fact(&mut self) {
        self.of_facts.push(self.current);
    }

    /// Forgets all facts but the first.
    pub(super) fn truncate(&mut self, n_facts: usize) {
        self.of_facts.truncate(n_facts);
    }

    pub(super) fn fates(&self) -> Fates<'_> {
        let mut all = vec![Fate::default(); self.all.len()];
        self.pair(&mut all);
        let mut n_more: HashMap<&str, isize> = HashMap::new();
        for object in &self.all {
            *n_more.entry(&object.path).or_default() += if object.is_old { 1 } else { -1 };
        }
        for (object, fate) in self.all.iter().zip(&mut all) {
            fate.goes = object.is_old && n_more.get(&*object.path).is_some_and(|n| *n > 0);
        }
        // With one go and stay those that stand in it, which come after it.
        for (idx, object) in self.all.iter().enumerate() {
            let of_parent = object.parent.and_then(|parent| all.get(parent).copied()).unwrap_or_default();
            if let Some(fate) = all.get_mut(idx) {
                fate.stays |= of_parent.stays;
                fate.goes |= of_parent.goes;
            }
        }
        Fates { all, of_facts: &self.of_facts }
    }

    /// Marks those of one side that stand in the same list on the other, each with one.
    fn pair(&self, all: &mut [Fate]) {
        let mut news: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for (idx, object) in self.all.iter().enumerate().rev().filter(|(_, object)| !object.is_old) {
            news.entry((&object.path, object.text)).or_default().push(idx);
        }
        for (idx, object) in self.all.iter().enumerate().filter(|(_, object)| object.is_old) {
            let Some(same) = news.get_mut(&(&*object.path, object.text)).and_then(Vec::pop) else { continue };
            for idx in [idx, same] {
                all.get_mut(idx).into_iter().for_each(|fate| fate.stays = true);
            }
        }
    }
}
