//! The seam between the service and what scores: one model and the histories behind it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::artifact::Artifact;
use crate::change::{Change, ChangeId, ChangeRecord, KeyChange, Moment};
use crate::explain::Explanation;
use crate::http::ApiError;
use crate::http::live::LiveError;
use crate::incident::{OutcomeRecord, OutcomeTarget};
use crate::label::Classification;
use crate::policy::{Decision, Facts, KnownBad, Policy, Question, Reason};
use crate::risk::Assessment;

/// Scores changes with one model; never changes its mind about which. A hot swap makes another one.
pub trait Assessor: Send + Sync + 'static {
    /// The model, or why there is none.
    fn model(&self) -> Result<&ModelRef, Reason>;

    /// The artifact behind the model, where there is one to show.
    fn artifact(&self) -> Option<Arc<Artifact>> {
        None
    }

    /// The names of the vector's features, in order.
    fn features(&self) -> &[String];

    /// Reads and scores changes of one repository against one state of its history, in the order asked.
    fn assess(&self, repo: &str, asked: &[Asked]) -> Vec<Result<Assessed, ApiError>>;

    /// Whether a small question of this kind is answered from memory alone: nothing is read from a disk, and nothing
    /// is waited for.
    fn is_brief(&self, _repo: &str, _asked: &Asked) -> bool {
        false
    }

    /// Explains a decision by asking again with parts of the change altered; none where this assessor
    /// cannot, and then the score must speak for itself.
    fn explain(&self, _decided: &Decided<'_>) -> Option<Explanation> {
        None
    }

    /// What a commit calls itself, read now; none where it cannot be read.
    fn title(&self, _repo: &str, _commit: &str) -> Option<String> {
        None
    }

    /// What landed before something broke, the likeliest cause first; none where the repository is not followed.
    fn suspects(&self, _broken: &Broken) -> Option<Result<Suspects, LiveError>> {
        None
    }

    /// What the model itself takes, in its own order; empty without a model.
    fn inputs(&self) -> &[String];

    /// Scores ready vectors in the model's own order: probabilities.
    ///
    /// # Errors
    /// Why there is no model.
    fn infer(&self, vectors: &[Vec<f32>]) -> Result<Vec<f64>, Reason>;

    /// Recomputes a stored assessment from its vector and tokens.
    ///
    /// # Errors
    /// Why there is no model.
    fn reassess(&self, vector: &[f32], tokens: &[u32]) -> Result<Assessment, Reason>;

    /// Takes in an outcome that was reported to the service.
    fn report(&self, outcome_record: &OutcomeRecord);

    /// The newest change of a repository that is folded in; none where it is not followed.
    fn newest(&self, _repo: &str) -> Option<ChangeId> {
        None
    }

    /// Folds new commits of a repository; none where the repository is not known.
    fn refresh(&self, repo: &str, now: i64) -> Option<Result<HistoryRef, LiveError>>;

    /// The names of the commit that a followed repository holds under one of them; none where it holds none.
    fn landed(&self, _repo: &str, _target: &OutcomeTarget) -> Option<Landed> {
        None
    }

    /// The repositories and how far each is known.
    fn repositories(&self, now: i64) -> Vec<(String, Option<HistoryRef>)>;
}

/// Something that broke, and among which changes its cause is looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// The repository's name.
    pub repo: String,
    /// When it broke, in Unix seconds. What happened later has no say in the order.
    pub at: i64,
    /// Seconds before that within which the changes landed.
    pub window_seconds: i64,
    /// Files or directories, one of which the change touched; empty for any.
    pub paths: Vec<String>,
}

/// The changes that may have broken something.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suspects {
    /// The likeliest first; of as likely ones the newest.
    pub ranked: Vec<Suspect>,
    /// Changes that landed in the window.
    pub n_landed: usize,
    /// Of these, those that were undone before it broke.
    pub n_undone: usize,
    /// Of the rest, those that touched none of the paths.
    pub n_elsewhere: usize,
    /// What the caller should know beside the order.
    pub warnings: Vec<String>,
}

/// A change that may have broken something.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// Its full id.
    pub commit: String,
    /// When it landed, in Unix seconds.
    pub landed_at: i64,
    /// Its share of the blame, if one of the changes is to blame.
    pub share: f64,
    /// What was said against this landing of it.
    pub known_bad: Option<KnownBad>,
}

/// Every name under which a landed commit may have been asked about before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Landed {
    /// The changes of the history that it is: itself, or the commits that it merges; none where it has not landed.
    pub changes: Vec<ChangeId>,
    /// Its full id, and those of the commits that it merges.
    pub commits: Vec<String>,
    /// Gerrit Change-Ids of its message.
    pub reviews: Vec<String>,
    /// Commits that it says it was picked from.
    pub picked_from: Vec<String>,
    /// Decisions that its message names (`Diffrisk-Decision: …`).
    pub decisions: Vec<String>,
    /// Digest of its diff; none where that does not tell it from others.
    pub digest: Option<String>,
}

/// The model that scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelRef {
    /// Its name in the registry.
    pub name: String,
    /// The first 12 hex digits of its digest.
    pub version: String,
    /// SHA-256 of the artifact, `sha256:<hex>`.
    pub digest: String,
    /// When it was trained.
    pub trained_at: String,
}

/// How far a repository's history is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HistoryRef {
    /// The newest commit folded in.
    pub head: String,
    /// When that commit landed.
    pub as_of: String,
    /// Seconds since the repository was last looked at.
    pub lag_seconds: i64,
    /// Whether the vector was read now or just before the commit was folded.
    pub mode: HistoryMode,
}

/// Which state of the history a vector was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HistoryMode {
    /// The present one, for a proposal.
    Present,
    /// The one just before this commit was folded.
    BeforeLanding,
}

/// What is asked about one change.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The change.
    pub target: Target,
    /// Custom features sent with the request.
    pub custom: BTreeMap<String, f64>,
    /// When the request was received, in Unix seconds.
    pub received_at: i64,
}

/// The change that is asked about.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A commit of a repository that the service knows.
    Commit {
        /// Its id, perhaps abbreviated.
        commit: String,
        /// Beginning of a range that is one combined change.
        base: Option<String>,
        /// The caller's review identity.
        id: Option<String>,
    },
    /// A diff that is in no repository yet.
    Diff {
        /// The canonical diff; shared, since a question is handed on several times.
        record: Arc<ChangeRecord>,
        /// The caller's review identity.
        id: Option<String>,
        /// The author as written.
        author: String,
        /// The whole message.
        message: String,
        /// When it was authored.
        authored_at: Option<Moment>,
    },
}

/// A decision, and what it was made on.
#[derive(Clone, Copy, Debug)]
pub struct Decided<'a> {
    /// What policy was asked.
    pub question: Question<'a>,
    /// What it answered.
    pub decision: &'a Decision,
    /// The policy.
    pub policy: &'a Policy,
    /// The vector that was scored.
    pub vector: &'a [f32],
    /// The full commit id, for a commit.
    pub commit: Option<&'a str>,
}

/// Everything that is known about a change, with or without a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessed {
    /// The change; one without files where it could not be read.
    pub change: Change,
    /// Its kind.
    pub classification: Classification,
    /// The typed key edits of each file.
    pub keys: Vec<(String, Vec<KeyChange>)>,
    /// Owners of the changed paths.
    pub owners: Vec<String>,
    /// The full commit id, for a commit.
    pub commit: Option<String>,
    /// Digest of the change, `sha256:…`.
    pub digest: Option<String>,
    /// What is unknown around the change.
    pub facts: Facts,
    /// What already happened to it.
    pub known_bad: Option<KnownBad>,
    /// What the model says.
    pub assessment: Option<Assessment>,
    /// Why the service cannot vouch.
    pub doubts: Vec<Reason>,
    /// The feature vector.
    pub vector: Vec<f32>,
    /// The hashed tokens.
    pub tokens: Vec<u32>,
    /// The history it was compared with.
    pub history: Option<HistoryRef>,
    /// Grows with every event folded into that history, outcomes included.
    pub history_epoch: u64,
    /// What the caller should know beside the answer.
    pub warnings: Vec<String>,
    /// The commits of a range, each on its own.
    pub parts: Vec<Assessed>,
}
