//! What became of a change: reverts, incidents and reported outcomes, each known at a moment.
//!
//! Owns the kind of a change ([`Classification`], from its own wording, its diff and earlier
//! events only), the streaming [`Detector`] that turns landings into [`Outcome`]s, and the
//! [`Curator`] that turns outcomes into row labels. Does no I/O; nothing here but
//! [`Curator::curate`] may look at later events. The rules and how well they agree with published
//! labels stand in `docs/LABELS.md`. Start reading at [`Detector`].

mod curator;
mod detector;
mod identity;
mod known;
mod outcome;
mod planned;
mod rollback;
mod template;
mod wording;

pub use curator::{Curator, RowLabel, deciding};
pub use detector::{Detector, MAX_REMEMBERED};
pub use known::{
    STRICT_HORIZON_SECONDS, incident_negative_known_at, link_delay_p90, strict_negative_known_at,
};
pub use outcome::{Classification, Outcome};
pub use planned::{is_bot, planned_by_wording};
pub use template::template_of;
pub use wording::{Reference, RevertWording, headline, revert_wording};

use serde::{Deserialize, Serialize};

/// What kind of change this is, as far as it can be told when it is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// None of the others.
    Ordinary,
    /// Undoing it is the plan: depool and repool, a failover, a test, a switch "for now".
    PlannedRoundTrip,
    /// Its words say that it undoes, or lands again, an earlier change.
    Revert,
    /// Its diff proves that it is the exact inverse of a change landed recently.
    Rollback,
}

/// Where a label came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelSource {
    /// A declared incident link.
    Incident,
    /// A later change that reverts it.
    Revert,
    /// An outcome that somebody reported.
    Outcome,
}
