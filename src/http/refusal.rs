//! Why a model or a policy does not take over, in words for who operates the service. Owns no state. Start at [`Refusal`].

use std::io::ErrorKind;
use std::path::PathBuf;

use arc_swap::ArcSwapOption;

use crate::artifact;
use crate::http::error::with_cause;
use crate::http::{ApiError, ProblemCode};
use crate::policy::{self, Reason};
use crate::store;

/// Why a model or a policy is refused. What is in use stays in use.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Models are not taken from a registry.
    #[error("no registry is configured")]
    NoRegistry,
    /// A name or a version is no step of a path.
    #[error("a name and a version are letters, digits, `-`, `_` and `.`")]
    ModelName,
    /// The artifact or the registry cannot be used.
    #[error(transparent)]
    Artifact(#[from] artifact::Error),
    /// It came without a model.
    #[error("{}", .0.text)]
    NoModel(Reason),
    /// The newest decisions, on which models are compared, cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// It gives no probability where the one in use gave one.
    #[error("the margin of the stored decision `{decision_id}` is not a number")]
    NotANumber {
        /// The decision.
        decision_id: String,
    },
    /// There is no way back.
    #[error("there is no earlier model to go back to")]
    NoEarlierModel,
    /// The policy is the published one.
    #[error("no policy file is configured")]
    NoPolicyFile,
    /// The policy file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Unread {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The policy cannot be in force.
    #[error(transparent)]
    Policy(#[from] policy::Error),
    /// Reading it broke down.
    #[error("the {0} could not be loaded")]
    BrokeDown(&'static str),
}

impl Refusal {
    /// Whether the same model or policy may well be taken the next time.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Store(_) => true,
            Self::Unread { source, .. } => source.kind() != ErrorKind::NotFound,
            Self::Artifact(artifact::Error::Io { source, .. }) => source.kind() != ErrorKind::NotFound,
            _ => false,
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::new(ProblemCode::Refused, with_cause(&refusal))
    }
}

/// Why the newest of what is read again and again was refused: the last good one stays in force until there is a good one.
#[derive(Default)]
pub(super) struct LastRefusal(ArcSwapOption<String>);

impl LastRefusal {
    /// Whether it is another one than before.
    pub(super) fn note(&self, refused: String) -> bool {
        let is_new = self.0.load().as_deref() != Some(&refused);
        self.0.store(Some(refused.into()));
        is_new
    }

    pub(super) fn clear(&self) {
        self.0.store(None);
    }

    pub(super) fn get(&self) -> Option<String> {
        self.0.load().as_deref().cloned()
    }
}
