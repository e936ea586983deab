//! What all families read, gathered once a change, so that no feature looks anything up twice or otherwise than its
//! neighbors. Start at [`Facts`].

use crate::features::file::FileFacts;
use crate::features::key_history::KeyFacts;
use crate::features::keys::EditFacts;
use crate::features::kind::KindFacts;
use crate::features::line::LineFacts;
use crate::features::message::MessageFacts;
use crate::features::outcome::OutcomeFacts;
use crate::features::partner::PartnerFacts;
use crate::features::size::SizeFacts;
use crate::features::tokens::TokenFacts;
use crate::history::{Footprint, History, Reading, Track};

/// Everything the features read, gathered once a change.
pub struct Facts<'a> {
    /// The change and its typed key edits.
    pub reading: &'a Reading<'a>,
    /// Its hashes.
    pub footprint: &'a Footprint,
    /// The history before it.
    pub history: &'a History,
    /// `t` of the change.
    pub t: i64,
    /// Decayed share of changes that went wrong here.
    pub base_rate: f64,
    /// The author's track; an empty one for somebody new.
    pub author: Track,
    pub(super) size: SizeFacts,
    pub(super) kind: KindFacts,
    pub(super) edits: EditFacts,
    pub(super) files: FileFacts,
    pub(super) keys: KeyFacts,
    pub(super) lines: LineFacts,
    pub(super) message: MessageFacts,
    pub(super) outcomes: OutcomeFacts,
    pub(super) tokens: TokenFacts,
    pub(super) partners: PartnerFacts,
}

impl<'a> Facts<'a> {
    /// Gathers the facts of a change from the history before it.
    pub fn new(reading: &'a Reading<'a>, footprint: &'a Footprint, history: &'a History) -> Self {
        let t = footprint.t;
        let base_rate = history.context.base_rate(t);
        Self {
            reading,
            footprint,
            history,
            t,
            base_rate,
            author: history.authors.get(footprint.author).copied().unwrap_or_default(),
            size: SizeFacts::of(&reading.change.record),
            kind: KindFacts::of(&reading.change.record),
            edits: EditFacts::of(reading),
            files: FileFacts::of(footprint, history),
            keys: KeyFacts::of(footprint, history, base_rate),
            lines: LineFacts::of(footprint, history),
            message: MessageFacts::of(reading.change),
            outcomes: OutcomeFacts::of(footprint, history, base_rate),
            tokens: TokenFacts::of(footprint, history, base_rate),
            partners: PartnerFacts::of(footprint, history),
        }
    }
}

/// 1 or 0.
pub(super) fn flag(condition: bool) -> Option<f64> {
    Some(if condition { 1.0 } else { 0.0 })
}

/// A count.
pub(super) fn count(n: usize) -> Option<f64> {
    Some(n as f64)
}

/// `part / whole`; none where the whole is nothing.
pub(super) fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
