//! The fold: what is remembered of all changes so far, and how the next one is folded in.
//!
//! Owns the [`History`] state and the [`Footprint`] by which a change is remembered. A question is
//! answered from the state *before* the change is folded in, so no answer can see the future.
//! Never computes a feature and never does I/O. Start reading at [`History::land`].
//!
//! Memory is bounded by [`Limits`]: every map drops its least recently touched quarter when full
//! (ties by key, so that the same events leave the same state). With the default limits the state
//! stays under about 300 MB; the largest repository measured (33,000 changes) needs a tenth of it.

mod bad_changes;
mod context;
mod decay;
mod file_track;
mod footprint;
mod key_track;
mod learner;
mod ledger;
mod line_track;
mod map;
mod prose;
mod reading;
mod state;
mod tokens;
mod track;
mod window;
mod words;

pub use bad_changes::{BadChange, BadChanges};
pub use context::Context;
pub use decay::{Decayed, SECONDS_PER_DAY, SECONDS_PER_HOUR};
pub(crate) use file_track::MAX_AUTHORS;
pub use file_track::{FileTrack, Partner};
pub use footprint::{FileMark, Footprint, KeyMark, dir_prefixes, extension_of, log_ratio};
pub use key_track::KeyTrack;
pub use learner::Learner;
pub use line_track::{LineMarks, LineTrack};
pub use map::BoundedMap;
pub use prose::{body_lines, names_ticket, tickets};
pub use reading::{Reading, hash64};
pub use state::{History, Limits};
pub use tokens::{TokenKind, TokenTable};
pub use track::{OutcomeWeight, Track};
pub use window::RankWindow;
pub use words::{token_of, words_in};
