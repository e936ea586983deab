//! The answer about what may have broken something: the changes that landed before, what the model says of the likeliest, and
//! the decisions that were made on them. Start at [`find`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::change::ChangeId;
use crate::change::secrets::redact;
use crate::explain::Direction;
use crate::http::assessor::{
    Asked, Assessed, Assessor, Broken, HistoryRef, Landed, ModelRef, Suspect, Target,
};
use crate::http::compose::{moment, scope_word};
use crate::http::explain::groups;
use crate::http::joins::decisions_on;
use crate::http::live::LiveError;
use crate::incident::OutcomeTarget;
use crate::policy::{Hazard, KnownOutcome, Policy};
use crate::store::{self, Store};

/// Paths of a change that are named.
const N_PATHS: usize = 5;

/// What landed before something broke, the likeliest cause first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SuspectsAnswer {
    /// Name of the repository.
    pub repo: String,
    /// When it broke.
    pub at: String,
    /// The changes landed from this moment on.
    pub from: String,
    /// The model; null where none is loaded, and the changes are ranked by the time alone.
    pub model: Option<ModelRef>,
    /// How far the history is known.
    pub history: Option<HistoryRef>,
    /// Changes that landed between the two moments.
    pub n_landed: usize,
    /// Of these, those that were reverted before it broke; they are not suspected.
    pub n_undone: usize,
    /// Of the rest, those that touched none of the paths; they are not suspected.
    pub n_elsewhere: usize,
    /// The likeliest causes.
    pub suspects: Vec<SuspectAnswer>,
    /// All others together.
    pub others: OthersAnswer,
    /// What to know beside the order.
    pub warnings: Vec<String>,
}

/// A change that may have broken something.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SuspectAnswer {
    /// Its full id.
    pub commit: String,
    /// What it calls itself; null where it cannot be read.
    pub title: Option<String>,
    /// When it landed.
    pub landed_at: String,
    /// Seconds between that and the moment when it broke.
    pub seconds_before: i64,
    /// Its share of the blame, from 0 to 1, if one of the changes is to blame.
    pub share: f64,
    /// Its kind.
    pub kind: String,
    /// What the model says of it, from what was known before it landed; null without a model.
    pub risk: Option<SuspectRisk>,
    /// What raises its risk most, in words.
    pub why: Option<String>,
    /// The hazard rules that fire on it under the policy in use, a sentence each; they have no say in the order.
    #[serde(default)]
    pub hazards: Vec<String>,
    /// The first of the files that it touches.
    pub paths: Vec<String>,
    /// How many files it touches.
    pub n_paths: usize,
    /// Owners of these.
    pub owners: Vec<String>,
    /// What is known against it by now, not against an earlier landing of its diff; it has no say in the order.
    pub known_bad: Option<KnownBadAnswer>,
    /// Decisions that were made on it, the newest first.
    pub decisions: Vec<DecidedAnswer>,
    /// Its other names, by which the decisions on it are found.
    #[serde(skip)]
    #[schema(ignore)]
    landed: Option<Landed>,
}

/// The risk of a change, as it was before it landed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SuspectRisk {
    /// Calibrated probability.
    pub score: f64,
    /// Rank among other changes, 0 to 100.
    pub percentile: f64,
    /// The smallest gate that catches it.
    pub gate_level: String,
    /// What the rank is among: `repository`, or `artifact` where too few changes here are new to the model.
    #[serde(default)]
    pub scope: String,
}

/// What happened to a change.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KnownBadAnswer {
    /// `reverted`, `caught` or `incident`.
    pub outcome: String,
    /// When.
    pub occurred_at: String,
}

/// A decision that was made on a change.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DecidedAnswer {
    /// Its id.
    pub decision_id: String,
    /// `fast_path`, `extra_validation` or `hold`.
    pub decision: String,
    /// Where it can be read.
    pub page: String,
}

/// The changes that are not listed.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct OthersAnswer {
    /// How many.
    pub n: usize,
    /// Their share of the blame together.
    pub share: f64,
}

/// The `n_shown` likeliest causes, without the decisions on them; none where the repository is not followed, or not here yet.
pub(super) fn find(
    (assessor, policy): (&dyn Assessor, Option<&Policy>),
    broken: &Broken,
    n_shown: usize,
    now: i64,
) -> Option<Result<SuspectsAnswer, LiveError>> {
    let suspects = match assessor.suspects(broken)? {
        Ok(suspects) => suspects,
        Err(error) => return Some(Err(error)),
    };
    let (shown, others) = suspects.ranked.split_at(n_shown.min(suspects.ranked.len()));
    let asked = |suspect: &Suspect| Asked {
        target: Target::Commit { commit: suspect.commit.clone(), base: None, id: None },
        custom: BTreeMap::new(),
        received_at: now,
    };
    let asked: Vec<Asked> = shown.iter().map(asked).collect();
    let assessed = assessor.assess(&broken.repo, &asked);
    let pairs = shown.iter().zip(assessed).filter_map(|(suspect, assessed)| Some((suspect, assessed.ok()?)));
    let repositories = assessor.repositories(now).into_iter();
    Some(Ok(SuspectsAnswer {
        repo: broken.repo.clone(),
        at: moment(broken.at),
        from: moment(broken.at.saturating_sub(broken.window_seconds)),
        model: assessor.model().ok().cloned(),
        history: repositories.filter(|(name, _)| *name == broken.repo).find_map(|(_, history)| history),
        n_landed: suspects.n_landed,
        n_undone: suspects.n_undone,
        n_elsewhere: suspects.n_elsewhere,
        others: OthersAnswer {
            n: others.len(),
            share: others.iter().fold(0.0, |sum, suspect| sum + suspect.share),
        },
        suspects: pairs
            .map(|(suspect, assessed)| answer((assessor, policy), broken, suspect, assessed))
            .collect(),
        warnings: suspects.warnings,
    }))
}

fn answer(
    (assessor, policy): (&dyn Assessor, Option<&Policy>),
    Broken { repo, at, .. }: &Broken,
    suspect: &Suspect,
    assessed: Assessed,
) -> SuspectAnswer {
    let paths: Vec<&str> = assessed.change.record.files.iter().map(|file| file.path()).collect();
    let title = Some(redact(assessed.change.title()).into_owned()).filter(|title| !title.is_empty());
    SuspectAnswer {
        commit: suspect.commit.clone(),
        title,
        landed_at: moment(suspect.landed_at),
        seconds_before: at - suspect.landed_at,
        share: suspect.share,
        kind: assessed.classification.kind.as_str().to_owned(),
        risk: assessed.assessment.as_ref().map(|assessment| SuspectRisk {
            score: assessment.score.get(),
            percentile: assessment.percentile,
            gate_level: assessment.gate_level.as_str().to_owned(),
            scope: scope_word(assessment.reference.scope).to_owned(),
        }),
        why: why(assessor, &assessed),
        hazards: policy.map(|policy| hazards(policy, repo, &assessed)).unwrap_or_default(),
        paths: paths.iter().take(N_PATHS).map(|path| redact(path).into_owned()).collect(),
        n_paths: paths.len(),
        owners: assessed.owners,
        known_bad: suspect.known_bad.as_ref().map(|known_bad| KnownBadAnswer {
            outcome: match known_bad.outcome {
                KnownOutcome::Incident => "incident".to_owned(),
                KnownOutcome::Reverted => "reverted".to_owned(),
                KnownOutcome::Caught => "caught".to_owned(),
            },
            occurred_at: moment(known_bad.occurred_at),
        }),
        decisions: Vec::new(),
        landed: assessor.landed(repo, &OutcomeTarget::Commit(ChangeId(suspect.commit.clone()))),
    }
}

/// Adds the decisions that were made on each suspect under any of its names, as far as they are as they were written.
///
/// # Errors
/// When the log cannot be read.
pub(super) async fn add_decisions(
    answer: &mut SuspectsAnswer,
    store: &Store,
    now_ms: i64,
) -> Result<(), store::Error> {
    for suspect in &mut answer.suspects {
        let names = [OutcomeTarget::Commit(ChangeId(suspect.commit.clone()))];
        let joined = (Some(answer.repo.as_str()), &names[..]);
        let decisions = decisions_on(store, joined, (None, suspect.landed.as_ref()), now_ms).await?;
        for record in decisions.into_iter().map(|joined| joined.record) {
            if !store.log().is_altered(&record).await? {
                suspect.decisions.push(DecidedAnswer {
                    page: format!("/decisions/{}", record.id),
                    decision: record.columns.verdict.unwrap_or_default(),
                    decision_id: record.id,
                });
            }
        }
        suspect.decisions.sort_by(|a, b| b.decision_id.cmp(&a.decision_id));
    }
    Ok(())
}

fn hazards(policy: &Policy, repo: &str, assessed: &Assessed) -> Vec<String> {
    let of_change = (assessed.classification.kind, assessed.change.record.as_ref());
    let found = policy.hazards_in(repo, of_change, &assessed.keys, None);
    found.iter().map(Hazard::text).collect()
}

/// The group of features that raises the risk most.
fn why(assessor: &dyn Assessor, assessed: &Assessed) -> Option<String> {
    let groups = groups(assessor, assessed, assessed.assessment.as_ref()?);
    groups.into_iter().find(|group| group.direction == Direction::Raises).map(|group| group.text)
}
