//! Why a model or a policy does not take over, in words for who operates the service. Owns no state. Start at [`Refusal`].

use std::path::PathBuf;

use crate::artifact;
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
    #[error("{}", with_cause(.0))]
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

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::new(ProblemCode::Refused, refusal.to_string())
    }
}

/// An error and its cause in one line; some errors say their cause themselves.
pub(super) fn with_cause(error: &impl std::error::Error) -> String {
    let said = error.to_string();
    match error.source().map(ToString::to_string) {
        Some(cause) if !said.ends_with(&cause) => format!("{said}: {cause}"),
        _ => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::CacheError;

    #[test]
    fn a_cause_is_said_once() {
        let gone = || std::io::Error::other("gone");
        assert_eq!(with_cause(&CacheError::Io(gone())), "the cache cannot be read or written: gone");
        let keys = crate::http::SettingsError::File { path: "a.toml".into(), source: gone() };
        assert_eq!(with_cause(&keys), "cannot read the configuration `a.toml`: gone");
    }
}
