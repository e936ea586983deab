//! The one replay loop that mining, scoring and serving share.
//!
//! Owns the order of events: outcomes that are known come first, then the question is read from the
//! state, then the change is folded in. Also owns the [`Cache`] that keeps the folded state and
//! every vector on disk, so that a long history is folded once. Never trains, never decides. Start
//! reading at [`Timeline::land`].

mod cache;
mod early;
mod known;
mod place;
mod replay;
mod rows;
mod sources;

pub use cache::{Cache, CacheError, Folded, Heard, fold, fold_with, is_in_doubt};
pub use known::{Bad, Event, KnownOutcomes, review_of};
pub use replay::{Asked, Landed, Timeline};
pub use rows::{Row, RowFile};
pub use sources::Sources;
