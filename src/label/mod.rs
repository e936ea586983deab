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
pub use detector::{Detector, MAX_REMEMBERED, ROLLBACK_WINDOW_SECONDS};
pub use known::{
    STRICT_HORIZON_SECONDS, incident_negative_known_at, link_delay_p90, strict_negative_known_at,
};
pub use outcome::{Classification, Outcome};
pub use planned::planned_by_wording;
pub use template::template_of;
pub use wording::{DECISION_TRAILER, Reference, RevertWording, headline, revert_wording, trailers};

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

impl ChangeKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Ordinary, Self::PlannedRoundTrip, Self::Revert, Self::Rollback];

    /// Stable machine name, as in files and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::PlannedRoundTrip => "planned_round_trip",
            Self::Revert => "revert",
            Self::Rollback => "rollback",
        }
    }

    /// The kind of a machine name; none for a word that is not known.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl LabelSource {
    /// Every source.
    pub const ALL: [Self; 3] = [Self::Incident, Self::Revert, Self::Outcome];

    /// Stable machine name, as in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Revert => "revert",
            Self::Outcome => "outcome",
        }
    }

    /// The source of a machine name; none for a word that is not known.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_documents_and_are_read_back() {
        for kind in ChangeKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(ChangeKind::of_name(kind.as_str()), Some(kind));
        }
        for source in LabelSource::ALL {
            assert_eq!(serde_json::to_value(source).unwrap(), source.as_str());
            assert_eq!(LabelSource::of_name(source.as_str()), Some(source));
        }
        assert_eq!((ChangeKind::of_name("odd"), LabelSource::of_name("")), (None, None));
    }
}
