//! Elements of lists that are maps without a name of their own: the same one may stand elsewhere in its list, and with one that
//! goes none of its switches does. Start at [`Objects::fates`].

use std::collections::{HashMap, HashSet};

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
    /// It went, and none came into its list.
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
        let came = self.all.iter().zip(&all).filter(|(object, fate)| !object.is_old && !fate.stays);
        let came: HashSet<&str> = came.map(|(object, _)| object.path.as_str()).collect();
        for (object, fate) in self.all.iter().zip(&mut all) {
            // Where another one came, it may be the same with other switches.
            fate.goes =
                object.is_old && object.parent.is_none() && !fate.stays && !came.contains(&*object.path);
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

    /// Marks those of one side that stand in the same list on the other, each with one; of those inside of others only where the
    /// lists are the same, for each side has one map there.
    fn pair(&self, all: &mut [Fate]) {
        let mut n_sides: HashMap<(&str, bool), usize> = HashMap::new();
        self.all.iter().for_each(|it| *n_sides.entry((&it.path, it.is_old)).or_default() += 1);
        let is_only =
            |it: &Object<'_>| [false, true].iter().all(|side| n_sides.get(&(&*it.path, *side)) == Some(&1));
        let mut is_placed: Vec<bool> = Vec::with_capacity(self.all.len());
        for object in &self.all {
            let parent =
                object.parent.and_then(|parent| Some((self.all.get(parent)?, is_placed.get(parent)?)));
            is_placed
                .push(parent.is_none_or(|(parent, is_parent_placed)| *is_parent_placed && is_only(parent)));
        }
        let placed =
            || self.all.iter().enumerate().zip(&is_placed).filter(|(_, placed)| **placed).map(|(it, _)| it);
        let mut news: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for (idx, object) in placed().filter(|(_, it)| !it.is_old) {
            news.entry((&object.path, object.text)).or_default().push(idx);
        }
        news.values_mut().for_each(|same| same.reverse());
        for (idx, object) in placed().filter(|(_, it)| it.is_old) {
            let Some(same) = news.get_mut(&(&*object.path, object.text)).and_then(Vec::pop) else { continue };
            for idx in [idx, same] {
                all.get_mut(idx).into_iter().for_each(|fate| fate.stays = true);
            }
        }
    }
}
