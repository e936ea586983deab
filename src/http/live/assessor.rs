//! Answers questions from live histories under one artifact: the real [`Assessor`]. Every
//! doubt is a reason beside the answer, never an error. Start at `assess`.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use crate::artifact::{self, Artifact};
use crate::change::ChangeId;
use crate::change::secrets::redact;
use crate::explain::{Explanation, Grounds};
use crate::features::schema;
use crate::git;
use crate::history::hash64;
use crate::http::ApiError;
use crate::http::assessor::{
    Asked, Assessed, Assessor, Broken, Decided, HistoryMode, HistoryRef, Landed, ModelRef, Suspects, Target,
};
use crate::http::compose::hollow;
use crate::http::live::followed::Followed;
use crate::http::live::incomplete;
use crate::http::live::model::{Model, take_custom};
use crate::http::live::proof::{may_take_back, proved};
use crate::http::live::ranked::Ranked;
use crate::http::live::read::{Form, Known, Read, commit, history, proposal, proposed_change, range};
use crate::http::live::repository::{LiveRepository, State};
use crate::http::live::suspects::suspects;
use crate::http::live::{Live, LiveError};
use crate::incident::{OutcomeRecord, OutcomeTarget};
use crate::policy::{Reason, ReasonCode};
use crate::risk::Assessment;
use crate::scorer::{ReferenceMargins, Scorer};
use crate::timeline::Timeline;

/// Commits of a range that are looked at one by one.
const MAX_PARTS: usize = 100;

/// The followed histories with one model.
pub struct LiveAssessor {
    live: Arc<Live>,
    model: Result<Model, Reason>,
    /// Names of a vector's values: this build's, then the custom ones that the model takes.
    features: Vec<String>,
    /// A place a repository, taken when it is here.
    references: BTreeMap<String, OnceLock<Mutex<Ranked>>>,
}

impl LiveAssessor {
    /// Joins the histories with a model.
    ///
    /// # Errors
    /// Where the artifact needs a feature that this build does not compute, or was trained on a table though repositories
    /// are followed: it could score no change of them.
    pub fn new(live: Arc<Live>, artifact: Arc<Artifact>) -> Result<Self, artifact::Error> {
        let model = Model::new(artifact)?;
        if let Some(refused) = model.refused().filter(|_| live.follows_any()) {
            return Err(artifact::Error::Refused(refused.to_owned()));
        }
        let features = schema().names().iter().chain(model.custom()).cloned().collect();
        let references = live.repositories.keys().map(|name| (name.clone(), OnceLock::new())).collect();
        let assessor = Self { live, model: Ok(model), features, references };
        assessor.live.repositories.values().filter_map(Followed::here).for_each(|it| assessor.rank(it));
        Ok(assessor)
    }

    /// Histories without a model: every answer is degraded with the reason.
    pub fn without_model(live: Arc<Live>, reason: Reason) -> Self {
        let features = schema().names().to_vec();
        Self { live, model: Err(reason), features, references: BTreeMap::new() }
    }

    /// Ranks the newest changes of a repository, where that was not done before. Reads its state.
    fn rank(&self, repository: &LiveRepository) {
        if let (Ok(model), Some(place)) = (&self.model, self.references.get(&repository.name)) {
            place.get_or_init(|| Mutex::new(Ranked::new(&model.artifact, model.scorer().ok(), repository)));
        }
    }

    fn assess_cold(&self, known: Known<'_>, asked: &Asked) -> Assessed {
        match proposed_change(asked) {
            Some(change) => {
                let read = proposal(&self.live.cold, known, change, Form::Diff);
                self.score(asked, read.into_assessed(asked, None), &ReferenceMargins::default())
            }
            None => {
                let mut assessed = hollow(asked, Reason::standard(ReasonCode::UnknownRepository));
                assessed.facts.unknown_repository = true;
                assessed
            }
        }
    }

    /// One of a repository that could not be read so far: in doubt, but a diff is scored as if nobody knew the repository.
    fn assess_away(&self, known: Known<'_>, asked: &Asked) -> Assessed {
        let text = "the repository could not be read since the service was started";
        let doubt = Reason::new(ReasonCode::HistoryStale, text);
        let Some(change) = proposed_change(asked) else { return hollow(asked, doubt) };
        let read = Read { doubt: Some(doubt), ..proposal(&self.live.cold, known, change, Form::Diff) };
        let mut assessed = self.score(asked, read.into_assessed(asked, None), &ReferenceMargins::default());
        assessed.facts.unknown_repository = false;
        assessed
    }

    fn assess_all_here(
        &self,
        repository: &LiveRepository,
        asked: &[Asked],
    ) -> Vec<Result<Assessed, ApiError>> {
        let (state, reports) = (repository.state(), self.live.reports());
        let (repo, is_behind) = (repository.name.as_str(), repository.is_behind());
        let linked = |asked: &Asked| Some((&state.linked, asked.received_at));
        let known = |asked| Known {
            reports: &reports,
            linked: linked(asked),
            repo,
            asked_id: asked_id(asked),
            is_behind,
        };
        asked.iter().map(|asked| Ok(self.assess_here((repository, &state), known(asked), asked))).collect()
    }

    fn assess_here(
        &self,
        (repository, state): (&LiveRepository, &State),
        known: Known<'_>,
        asked: &Asked,
    ) -> Assessed {
        let margins = self.margins(repository, state);
        let read = match &asked.target {
            Target::Diff { .. } => match proposed_change(asked) {
                Some(change) => Ok(proposal(&state.timeline, known, change, Form::Diff)),
                None => return hollow(asked, Reason::standard(ReasonCode::InternalError)),
            },
            Target::Commit { commit: id, base: None, .. } => {
                commit(repository, state, known, id, asked.received_at)
            }
            Target::Commit { commit: id, base: Some(base), .. } => {
                return self.assess_range((repository, state), known, asked, &margins, (base, id));
            }
        };
        match read {
            Ok(read) => self.score_here((repository, state), asked, read, &margins),
            Err(error) => unknown_commit(repository, state, asked, &error),
        }
    }

    /// Scores a change of a followed repository. What a model learned of commits says nothing of whole landings.
    fn score_here(
        &self,
        here: (&LiveRepository, &State),
        asked: &Asked,
        read: Read,
        margins: &ReferenceMargins,
    ) -> Assessed {
        let read = proved(here, asked, read);
        let mut assessed = self.score(asked, read.into_assessed(asked, Some(here)), margins);
        incomplete::tell(&mut assessed, here.1);
        let unit = here.0.unit.to_string();
        for other in self.model.iter().filter_map(|model| model.other_unit(&unit)) {
            let text = format!("the model learned from changes of unit `{other}`; here one is a `{unit}`");
            assessed.doubts.push(Reason::new(ReasonCode::UnknownUnit, text));
        }
        assessed
    }

    fn assess_range(
        &self,
        (repository, state): (&LiveRepository, &State),
        known: Known<'_>,
        asked: &Asked,
        margins: &ReferenceMargins,
        (base, id): (&str, &str),
    ) -> Assessed {
        let resolved = |git: &git::Repository| Ok((git.resolve(base)?, git.range(base, id)?));
        let (base, whole) = match repository.read(resolved) {
            Ok(range) => range,
            Err(git::Error::EmptyRange { .. }) => return empty_range(repository, state, asked),
            Err(error) => return unknown_commit(repository, state, asked, &error),
        };
        let mut parts: Vec<ChangeId> = whole.merged.iter().rev().cloned().collect();
        parts.push(whole.id.clone());
        let n_parts = parts.len();
        let mut change = whole;
        change.committed_at = asked.received_at;
        let read = range(repository, state, known, (base, change, &parts));
        let mut assessed = self.score_here((repository, state), asked, read, margins);
        if n_parts > MAX_PARTS {
            let text =
                format!("the range has {n_parts} commits; at most {MAX_PARTS} are looked at one by one");
            assessed.doubts.push(Reason::new(ReasonCode::ItemFailed, text));
            return assessed;
        }
        for part in parts {
            let asked_part = Asked {
                target: Target::Commit { commit: part.0.clone(), base: None, id: None },
                custom: asked.custom.clone(),
                received_at: asked.received_at,
            };
            let known = Known { asked_id: None, ..known };
            let assessed_part = match commit(repository, state, known, &part.0, asked.received_at) {
                // What a merge at the end of the range merges is among the parts.
                Ok(read) => {
                    self.score_here((repository, state), &asked_part, Read { doubt: None, ..read }, margins)
                }
                Err(error) => unknown_commit(repository, state, &asked_part, &error),
            };
            assessed.parts.push(assessed_part);
        }
        assessed
    }

    /// Adds what the model says.
    fn score(&self, asked: &Asked, mut assessed: Assessed, margins: &ReferenceMargins) -> Assessed {
        match self.scorer() {
            Ok(scorer) => {
                take_custom(&mut assessed, scorer.custom(), &asked.custom);
                let answer = scorer.assess(&assessed.vector, &assessed.tokens, margins);
                assessed.facts.out_of_distribution = answer.out_of_distribution.is_some();
                assessed.warnings.extend(answer.out_of_distribution.as_deref().map(outside));
                assessed.assessment = Some(answer.assessment);
            }
            Err(reason) => assessed.doubts.push(reason),
        }
        assessed
    }

    /// What scores changes, or why there is nothing that does.
    fn scorer(&self) -> Result<&Scorer, Reason> {
        self.model.as_ref().map_err(Clone::clone)?.scorer()
    }

    /// Whether a diff can be scored at once: nobody writes the history, nothing became due, no rank is missing.
    fn is_at_rest(&self, repository: &LiveRepository, t: i64) -> bool {
        let Some(at) = repository.at_rest(t) else { return false };
        let is_up_to_date = |ranked: &Mutex<Ranked>| ranked.try_lock().is_ok_and(|ranked| ranked.is_at(at));
        let Some(place) = self.references.get(&repository.name) else { return true };
        place.get().is_some_and(is_up_to_date)
    }

    fn margins(&self, repository: &LiveRepository, state: &State) -> Arc<ReferenceMargins> {
        let ranked = self.references.get(&repository.name).and_then(OnceLock::get);
        let (Ok(model), Some(ranked)) = (&self.model, ranked) else {
            return Arc::default();
        };
        if !model.custom().is_empty() {
            // Nobody sent the custom features of past changes: their margins are not comparable.
            return Arc::default();
        }
        let mut ranked = ranked.lock().unwrap_or_else(PoisonError::into_inner);
        ranked.up_to_date(model.scorer().ok(), repository, state)
    }
}

impl Assessor for LiveAssessor {
    fn model(&self) -> Result<&ModelRef, Reason> {
        self.model.as_ref().map(|model| &model.model_ref).map_err(Clone::clone)
    }

    fn artifact(&self) -> Option<Arc<Artifact>> {
        self.model.as_ref().ok().map(|model| Arc::clone(&model.artifact))
    }

    fn features(&self) -> &[String] {
        &self.features
    }

    fn assess(&self, repo: &str, asked: &[Asked]) -> Vec<Result<Assessed, ApiError>> {
        let followed = self.live.get(repo);
        let Some(repository) = followed.and_then(Followed::here) else {
            let reports = self.live.reports();
            let known = |asked| Known {
                reports: &reports,
                linked: None,
                repo,
                asked_id: asked_id(asked),
                is_behind: false,
            };
            let cold = |asked| match followed {
                Some(_) => self.assess_away(known(asked), asked),
                None => self.assess_cold(known(asked), asked),
            };
            return asked.iter().map(|asked| Ok(cold(asked))).collect();
        };
        let received_at = asked.iter().map(|asked| asked.received_at).max().unwrap_or(0);
        // A history that a fold left half-way would break the next step as well.
        if !mended(repository, received_at) {
            return doubt_damaged(asked);
        }
        self.rank(repository);
        repository.advance(received_at);
        // What was asked before the last look, as a page asks again, is no reason to look.
        let looked = if received_at < repository.looked_at() {
            Ok(())
        } else if asked.iter().any(|asked| is_missing(repository, asked)) {
            repository.look_for(received_at).map(|_| ())
        } else {
            repository.glance(received_at)
        };
        if let Err(error) = looked {
            tracing::warn!(repo, error = %error, "the repository could not be looked at for a question");
        }
        let assess_whole = || {
            let n_damages = repository.n_damages();
            let assessed = self.assess_all_here(repository, asked);
            repository.is_whole_since(n_damages).then_some(assessed)
        };
        let assessed =
            assess_whole().or_else(|| if mended(repository, received_at) { assess_whole() } else { None });
        assessed.unwrap_or_else(|| doubt_damaged(asked))
    }

    fn is_brief(&self, repo: &str, asked: &Asked) -> bool {
        let Target::Diff { record, .. } = &asked.target else { return false };
        let is_brief_here = |repository: &LiveRepository| {
            self.is_at_rest(repository, asked.received_at)
                && !may_take_back(repository, record, asked.received_at)
        };
        self.live.get(repo).and_then(Followed::here).is_none_or(is_brief_here)
    }

    fn explain(&self, decided: &Decided<'_>) -> Option<Explanation> {
        let scorer = self.scorer().ok()?;
        let Some(repository) = self.live.get(decided.question.repo).and_then(Followed::here) else {
            return Some(Explanation::with_grounds(&grounds(decided, &self.live.cold, scorer)));
        };
        self.rank(repository);
        let state = repository.state();
        let margins = self.margins(repository, &state);
        let landed = |commit: &str| state.timeline.detector().ordinal_of(&ChangeId(commit.to_owned()));
        let owners_of = |path: &str| repository.owners.owners_of(path);
        let mut explanation = Explanation::with_grounds(&Grounds {
            margins: &margins,
            ordinal: decided.commit.and_then(landed),
            owners_of: &owners_of,
            paths_of: &|hashes| paths_of(repository, hashes),
            ..grounds(decided, &state.timeline, scorer)
        });
        name_similar(repository, &state, &mut explanation);
        Some(explanation)
    }

    fn title(&self, repo: &str, commit: &str) -> Option<String> {
        let id = ChangeId(commit.to_owned());
        self.live.get(repo)?.here()?.read(|git| git.title(&id)).ok()
    }

    fn suspects(&self, broken: &Broken) -> Option<Result<Suspects, LiveError>> {
        let repository = self.live.get(&broken.repo)?.here()?;
        Some(suspects(repository, self.scorer(), broken))
    }

    fn inputs(&self) -> &[String] {
        self.model.as_ref().map_or(&[], |model| &model.inputs)
    }

    fn infer(&self, vectors: &[Vec<f32>]) -> Result<Vec<f64>, Reason> {
        Ok(self.model.as_ref().map_err(Clone::clone)?.infer(vectors))
    }

    fn reassess(&self, vector: &[f32], tokens: &[u32]) -> Result<Assessment, Reason> {
        Ok(self.scorer()?.assess(vector, tokens, &ReferenceMargins::default()).assessment)
    }

    fn report(&self, outcome_record: &OutcomeRecord) {
        self.live.report(outcome_record);
    }

    fn newest(&self, repo: &str) -> Option<ChangeId> {
        let state = self.live.get(repo)?.here()?.state();
        state.timeline.head().map(|head| ChangeId(head.to_owned()))
    }

    fn refresh(&self, repo: &str, now: i64) -> Option<Result<HistoryRef, LiveError>> {
        let refreshed = self.live.get(repo)?.refresh(now);
        Some(refreshed.and_then(|repository| {
            self.rank(repository);
            let history = history(repository, &repository.state(), HistoryMode::Present, now);
            history.ok_or_else(|| LiveError::Empty { name: repo.to_owned() })
        }))
    }

    fn landed(&self, repo: &str, target: &OutcomeTarget) -> Option<Landed> {
        let repository = self.live.get(repo)?.here()?;
        Landed::under(repository, target)
    }

    fn repositories(&self, now: i64) -> Vec<(String, Option<HistoryRef>)> {
        let repositories = self.live.repositories.iter();
        let of_here = |here: &LiveRepository| history(here, &here.state(), HistoryMode::Present, now);
        let shown =
            |(name, followed): (&String, &Followed)| (name.clone(), followed.here().and_then(of_here));
        repositories.map(shown).collect()
    }
}

/// Whether nothing of a history is known to be damaged, after it was folded again if need be.
fn mended(repository: &LiveRepository, now: i64) -> bool {
    if let Err(error) = repository.mend(now) {
        tracing::error!(repo = repository.name, error = %error, "a damaged history could not be folded again");
    }
    repository.is_whole()
}

fn doubt_damaged(asked: &[Asked]) -> Vec<Result<Assessed, ApiError>> {
    let text = "the history that the service keeps is damaged";
    asked.iter().map(|asked| Ok(hollow(asked, Reason::new(ReasonCode::InternalError, text)))).collect()
}

/// Which values are unlike anything that the model was trained on; a value and its rank are one.
fn outside(names: &[String]) -> String {
    const N_NAMED: usize = 5;
    let mut features: Vec<&str> = names.iter().map(|name| name.trim_end_matches(".rank")).collect();
    features.sort_unstable();
    features.dedup();
    let named: Vec<String> = features.iter().take(N_NAMED).map(|name| format!("`{name}`")).collect();
    let more = match features.len() - named.len() {
        0 => String::new(),
        n_more => format!(" and {n_more} more"),
    };
    format!("unlike anything that the model was trained on are {}{more}", named.join(", "))
}

fn asked_id(asked: &Asked) -> Option<&str> {
    let (Target::Commit { id, .. } | Target::Diff { id, .. }) = &asked.target;
    id.as_deref()
}

fn is_missing(repository: &LiveRepository, asked: &Asked) -> bool {
    let Target::Commit { commit, .. } = &asked.target else { return false };
    let Ok(id) = repository.read(|git| git.resolve(commit)) else { return true };
    repository.state().timeline.detector().ordinal_of(&id).is_none()
}

fn unknown_commit(repository: &LiveRepository, state: &State, asked: &Asked, error: &git::Error) -> Assessed {
    tracing::info!(repo = repository.name, error = %error, "a commit cannot be read");
    // Of a repository that went away, everything is unknown.
    let is_here = repository.read(|git| git.head()).is_ok();
    let reason = match error {
        git::Error::UnknownRevision { .. } if is_here => Reason::standard(ReasonCode::UnknownCommit),
        _ => Reason::new(
            ReasonCode::UnknownCommit,
            "the commit could not be looked for: the repository cannot be read",
        ),
    };
    let mut assessed = hollow(asked, reason);
    assessed.history = history(repository, state, HistoryMode::Present, asked.received_at);
    assessed
}

/// A range without a commit shows as little as an empty diff: its ends may be swapped or the same.
fn empty_range(repository: &LiveRepository, state: &State, asked: &Asked) -> Assessed {
    let text = "the range holds no commit: `base` is `commit` or comes after it";
    let mut assessed = hollow(asked, Reason::new(ReasonCode::FeatureMissing, text));
    assessed.history = history(repository, state, HistoryMode::Present, asked.received_at);
    assessed
}

/// What a decision was made on, for a repository without history.
fn grounds<'a>(decided: &Decided<'a>, timeline: &'a Timeline, scorer: &'a Scorer) -> Grounds<'a> {
    static NO_MARGINS: LazyLock<ReferenceMargins> = LazyLock::new(ReferenceMargins::default);
    Grounds {
        question: decided.question,
        decision: decided.decision,
        policy: decided.policy,
        vector: decided.vector,
        history: timeline.history(),
        last_t: timeline.last_t().unwrap_or(i64::MIN),
        ordinal: None,
        scorer,
        margins: &NO_MARGINS,
        owners_of: &|_| Vec::new(),
        paths_of: &|hashes| vec![None; hashes.len()],
    }
}

/// The paths behind hashes, as the files of the repository's head are called now.
fn paths_of(repository: &LiveRepository, hashes: &[u64]) -> Vec<Option<String>> {
    let paths = repository.read(|git| git.paths(&git.head()?)).unwrap_or_default();
    let mut named = vec![None; hashes.len()];
    for path in paths {
        let hash = hash64(&[&path]);
        if let Some(idx) = hashes.iter().position(|wanted| *wanted == hash) {
            named[idx] = Some(path);
        }
    }
    named
}

/// Says which commits the similar changes are, and what they call themselves.
fn name_similar(repository: &LiveRepository, state: &State, explanation: &mut Explanation) {
    let similar = explanation.similar.iter_mut().flat_map(|similar| &mut similar.changes);
    for change in similar {
        let row = repository.rows(state, change.ordinal as usize, 1).ok().and_then(|mut rows| rows.pop());
        change.change_id = row.map(|row| row.change_id);
        let id = change.change_id.clone().map(ChangeId);
        let title = id.and_then(|id| repository.read(|git| git.title(&id)).ok());
        change.title = title.map(|title| redact(&title).into_owned());
    }
}
