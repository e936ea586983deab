//! What landed of the change that an outcome is about, and the decisions that were made on it: each tells of the other. Start at
//! [`Joins::find`].

use crate::http::assessor::Landed;
use crate::http::joins::{Joined, JoinedBy, decisions_on, names_of};
use crate::http::routes::decisions::failed;
use crate::http::routes::outcomes::said::Said;
use crate::http::service::Service;
use crate::http::{ApiError, ProblemCode};
use crate::incident::OutcomeTarget;
use crate::store::{Record, Store};

/// Decisions whose names are looked for in the history.
const MAX_ASKED: usize = 20;

/// What a report is about.
pub(super) struct Joins {
    /// The decisions on the change, the surest join first.
    pub(super) decisions: Vec<Joined>,
    /// The commit that landed, where a followed repository holds one.
    pub(super) landed: Option<Landed>,
}

impl Joins {
    /// Finds both. What landed is looked for under the names that were reported, and then under those of the decisions: a landed
    /// commit may name one of them, and brings the others.
    pub(super) async fn find(
        service: &Service,
        store: &Store,
        said: &Said,
        reported: Option<Record>,
        now_ms: i64,
    ) -> Result<Self, ApiError> {
        let mut repo = said.repo.clone();
        let mut landed = landed_under(service, repo.as_deref(), said.all_names()).await?;
        let decisions = async |repo: Option<&str>, landed: Option<&Landed>| {
            let names = (repo, said.names.as_slice());
            let found = decisions_on(store, names, (reported.clone(), landed), now_ms).await;
            found.map_err(|error| failed(&error))
        };
        let mut joined = decisions(repo.as_deref(), landed.as_ref()).await?;
        if landed.is_none() {
            repo = repo.or_else(|| joined.first()?.record.columns.repo.clone());
            landed = landed_under(service, repo.as_deref(), names_of_all(&joined)).await?;
            if landed.is_some() {
                joined = decisions(said.repo.as_deref(), landed.as_ref()).await?;
            }
        }
        Ok(Self { decisions: joined, landed })
    }

    /// Those that were made on the change and that an earlier look did not find.
    pub(super) fn since(self, earlier: &[Joined]) -> Vec<Joined> {
        let is_new = |joined: &Joined| earlier.iter().all(|known| known.record.id != joined.record.id);
        self.decisions.into_iter().filter(is_new).collect()
    }
}

/// Everything that decisions may be found by in a history: a commit may name them, be what they were made on, or have its diff.
fn names_of_all(decisions: &[Joined]) -> Vec<OutcomeTarget> {
    let asked = || decisions.iter().filter(|joined| joined.by != JoinedBy::CherryPick).take(MAX_ASKED);
    let by_id = asked().map(|joined| OutcomeTarget::Decision(joined.record.id.clone()));
    by_id.chain(asked().flat_map(|joined| names_of(&joined.record))).collect()
}

/// The names of the first commit that landed under one of some names in a followed repository: by a diff last, for that may have
/// landed more than once.
async fn landed_under(
    service: &Service,
    repo: Option<&str>,
    mut names: Vec<OutcomeTarget>,
) -> Result<Option<Landed>, ApiError> {
    let Some(repo) = repo.map(ToOwned::to_owned) else { return Ok(None) };
    names.sort_by_key(|name| matches!(name, OutcomeTarget::Digest(_)));
    let serving = service.serving.load_full();
    let read = tokio::task::spawn_blocking(move || {
        names.iter().find_map(|name| serving.assessor.landed(&repo, name))
    });
    read.await.map_err(|_| ApiError::standard(ProblemCode::Internal))
}
