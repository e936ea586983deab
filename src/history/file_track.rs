//! What is remembered of one file beyond its counts: authors, length, partners; each list bounded.

use serde::{Deserialize, Serialize};

use crate::history::track::Track;

/// Authors remembered of one file.
pub(crate) const MAX_AUTHORS: usize = 8;
/// Partners remembered of one file.
const MAX_PARTNERS: usize = 8;

/// What is remembered of one file beyond its [`Track`]: who wrote it, how long it is, and what
/// usually changes with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FileTrack {
    /// Changes and outcomes.
    pub track: Track,
    /// Hash of the newest author.
    pub last_author: u64,
    /// Whether its newest change said that it undoes an earlier one.
    pub last_was_revert: bool,
    /// Lines added minus lines deleted so far.
    pub n_lines: i64,
    authors: Vec<(u64, u32)>,
    partners: Vec<Partner>,
}

/// A file that changed together with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partner {
    /// Hash of its path.
    pub path: u64,
    /// Changes that touched both.
    pub n_together: u32,
}

impl FileTrack {
    /// Folds in who changed the file.
    pub fn add_author(&mut self, author: u64) {
        self.last_author = author;
        if let Some((_, n)) = self.authors.iter_mut().find(|(known, _)| *known == author) {
            *n += 1;
            return;
        }
        if self.authors.len() >= MAX_AUTHORS {
            drop_rarest(&mut self.authors, |&(author, n)| (n, author));
        }
        self.authors.push((author, 1));
    }

    /// Folds in a file that changed with this one.
    pub fn add_partner(&mut self, path: u64) {
        if let Some(partner) = self.partners.iter_mut().find(|partner| partner.path == path) {
            partner.n_together += 1;
            return;
        }
        if self.partners.len() >= MAX_PARTNERS {
            drop_rarest(&mut self.partners, |partner| (partner.n_together, partner.path));
        }
        self.partners.push(Partner { path, n_together: 1 });
    }

    /// Changes of this file by `author`, as far as remembered.
    pub fn n_by(&self, author: u64) -> u32 {
        self.authors.iter().find(|(known, _)| *known == author).map_or(0, |(_, n)| *n)
    }

    /// Changes by the author who changed it most; their hash beside it.
    pub fn top_author(&self) -> Option<(u64, u32)> {
        self.authors.iter().copied().max_by_key(|&(author, n)| (n, author))
    }

    /// Number of authors remembered (at most eight).
    pub fn n_authors(&self) -> usize {
        self.authors.len()
    }

    /// Files that changed with this one, in no order of meaning.
    pub fn partners(&self) -> &[Partner] {
        &self.partners
    }
}

fn drop_rarest<T, K: Ord>(entries: &mut Vec<T>, key: impl Fn(&T) -> K) {
    let rarest = entries.iter().enumerate().min_by_key(|(_, entry)| key(entry)).map(|(idx, _)| idx);
    if let Some(idx) = rarest {
        entries.swap_remove(idx);
    }
}
