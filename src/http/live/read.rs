//! From a commit or a posted diff to a vector and all that is known beside it, read from the state before the change. No model
//! is asked here. Start at [`commit`] and [`proposal`].

use std::sync::Arc;

use crate::change::{
    Change, ChangeId, Digest, FileContent, FileDiff, FileStatus, KeyChange, Moment, digest, key_changes,
};
use crate::features::schema;
use crate::git::Unit;
use crate::history::hash64;
use crate::http::assessor::{Asked, Assessed, HistoryMode, HistoryRef, Landed, Target};
use crate::http::compose::{hollow, moment};
use crate::http::live::linked::Linked;
use crate::http::live::reports::Reports;
use crate::http::live::repository::{LiveRepository, State};
use crate::incident::OutcomeTarget;
use crate::label::Classification;
use crate::policy::{Facts, KnownBad, KnownOutcome, Reason, ReasonCode};
use crate::timeline::{Bad, Timeline, review_of};

/// What a question names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A diff against the head.
    Diff,
    /// A commit.
    Commit,
    /// The commits after this one.
    Range(ChangeId),
}

/// A change with its vector, before a model has seen it.
pub(super) struct Read {
    pub(super) change: Change,
    pub(super) classification: Classification,
    /// Typed key edits, one list a file.
    pub(super) keys: Vec<Vec<KeyChange>>,
    pub(super) vector: Vec<f32>,
    pub(super) tokens: Vec<u32>,
    pub(super) mode: HistoryMode,
    pub(super) form: Form,
    pub(super) known_bad: Option<KnownBad>,
    /// Digest of the diff.
    pub(super) digest: Digest,
    /// Why what was read is in doubt.
    pub(super) doubt: Option<Reason>,
    /// What the history knows of the change itself, so that what is said of earlier ones speaks of it, too; none where it does not.
    pub(super) overlap: Option<&'static str>,
}

/// Files beside a repository that are refused.
const EARLIER_OWNERS: &str = "owners are those of an earlier version of their file";
const UNKNOWN_OWNERS: &str = "nobody knows who owns what: the file of owners is refused";
const EARLIER_INCIDENTS: &str = "incidents are those of an earlier version of their file";
/// A commit that the history holds inside of other changes.
const WITHIN_OTHERS: &str = "the history holds this commit inside of other changes: what is said of earlier changes speaks of itself and of later ones, too";
/// A commit on top of others that have not landed.
const RESTS_ON_OTHERS: &str = "the commits below this one have not landed, and what they change is not looked at here: a range (`base`) looks at all of them";
/// A range of which the history holds commits.
const PARTS_LANDED: &str = "the history holds commits of this range: what is said of earlier changes, and so the risk of the whole, speaks of them, too; the parts are scored as before they landed, and the decision is as strict as theirs";

/// By what a change was asked about, and what was reported of changes that never landed.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) reports: &'a Reports,
    /// The incident links of its repository, and the moment of the question in Unix seconds.
    pub(super) linked: Option<(&'a Linked, i64)>,
    pub(super) repo: &'a str,
    /// The caller's review identity.
    pub(super) asked_id: Option<&'a str>,
    /// Whether the history is still to learn of some report.
    pub(super) is_behind: bool,
}

/// Reads a proposed change from the present state of a history.
pub(super) fn proposal(timeline: &Timeline, known: Known<'_>, change: Change, form: Form) -> Read {
    let asked = timeline.ask(&change);
    let tokens = asked.extracted.tokens();
    let digest = digest(&change.record);
    let known_bad = known.bad(timeline, &change, &digest, form != Form::Diff);
    Read {
        classification: asked.classification,
        keys: asked.keys,
        vector: asked.extracted.vector,
        tokens,
        mode: HistoryMode::Present,
        change,
        form,
        known_bad,
        digest,
        doubt: None,
        overlap: None,
    }
}

/// Reads a commit: with the vector from before it landed, or as a proposal where it has not landed.
pub(super) fn commit(
    repository: &LiveRepository,
    state: &State,
    known: Known<'_>,
    commit: &str,
    received_at: i64,
) -> Result<Read, crate::git::Error> {
    let id = repository.read(|git| git.resolve(commit))?;
    let mut change = repository.read(|git| git.change(&id, repository.unit))?;
    match repository.row(state, &id) {
        Some((ordinal, row)) => {
            change.committed_at = row.committed_at;
            let at_ordinal = state.timeline.known().of_ordinal(ordinal).map(known_bad);
            let digest = digest(&change.record);
            let known_bad = at_ordinal.or_else(|| known.bad(&state.timeline, &change, &digest, true));
            Ok(Read {
                keys: change.record.files.iter().map(key_changes).collect(),
                change,
                classification: row.classification,
                vector: row.vector,
                tokens: row.tokens,
                mode: HistoryMode::BeforeLanding,
                form: Form::Commit,
                known_bad,
                digest,
                doubt: None,
                overlap: None,
            })
        }
        None => {
            change.committed_at = received_at;
            unlanded(repository, state, known, change)
        }
    }
}

/// Reads a commit that is no change of the history, as a proposal.
fn unlanded(
    repository: &LiveRepository,
    state: &State,
    known: Known<'_>,
    change: Change,
) -> Result<Read, crate::git::Error> {
    let is_within_others = is_within_others(repository, state, &change.id);
    let parents = repository.read(|git| git.parents(&change.id))?;
    let read = proposal(&state.timeline, known, change, Form::Commit);
    let is_merge = parents.len() > 1;
    let rests_on_others =
        !is_within_others && !parents.first().is_none_or(|it| is_landed(repository, state, it));
    let doubt = match repository.unit {
        _ if is_merge && rests_on_others => Some(other_way_doubt()),
        Unit::Commit if is_merge && is_within_others => Some(merge_doubt()),
        Unit::Commit | Unit::Landing => None,
    };
    let overlap = match () {
        () if is_within_others => Some(WITHIN_OTHERS),
        () if rests_on_others => Some(RESTS_ON_OTHERS),
        () => None,
    };
    Ok(Read { doubt, overlap, ..read })
}

/// Whether the history holds a commit, but not as a change of its own: a merge among commits, or a commit inside of a
/// landing. What is said of earlier changes then speaks of itself, and of later ones.
fn is_within_others(repository: &LiveRepository, state: &State, id: &ChangeId) -> bool {
    repository.read(|git| Ok(git.holds(&state.walked_to().0, id))).unwrap_or(false)
}

/// Whether the history holds a commit, as a change of its own or inside of one.
fn is_landed(repository: &LiveRepository, state: &State, id: &ChangeId) -> bool {
    state.timeline.detector().ordinal_of(id).is_some() || is_within_others(repository, state, id)
}

/// Reads a range as one change: where it is just one commit, as that; else as a proposal.
pub(super) fn range(
    repository: &LiveRepository,
    state: &State,
    known: Known<'_>,
    (base, change, parts): (ChangeId, Change, &[ChangeId]),
) -> Read {
    if let [only] = parts
        && let Ok(read) = commit(repository, state, known, &only.0, change.committed_at)
        && matches!(read.mode, HistoryMode::BeforeLanding)
        && read.digest == digest(&change.record)
    {
        return read;
    }
    let is_landed = |part: &ChangeId| state.timeline.detector().ordinal_of(part).is_some();
    let overlap = parts.iter().any(is_landed).then_some(PARTS_LANDED);
    // What is known against its newest commit is that part's to say.
    let nameless = Change { message: String::new(), ..change.clone() };
    let known_bad = known.bad(&state.timeline, &nameless, &digest(&change.record), false);
    Read { overlap, known_bad, ..proposal(&state.timeline, known, change, Form::Range(base)) }
}

/// A merge is no change where each commit is one; nothing was learned of such.
fn merge_doubt() -> Reason {
    let text = "the commit is a merge, and the history holds what it merges commit by commit: ask for those, or read \
                the repository by landings (unit `landing`)";
    Reason::new(ReasonCode::UnknownUnit, text.to_owned())
}

/// A merge of the trunk into a branch is what the trunk brought, not what the branch brings.
fn other_way_doubt() -> Reason {
    let text = "the commit merges into a branch that has not landed, so that it shows what came from elsewhere, and not \
                what the branch changes: ask for the range (`base`)";
    Reason::new(ReasonCode::UnknownUnit, text.to_owned())
}

/// The change that a posted diff proposes.
pub(super) fn proposed_change(asked: &Asked) -> Option<Change> {
    let Target::Diff { record, id, author, message, authored_at } = &asked.target else { return None };
    let received = Moment { unix_seconds: asked.received_at, offset_minutes: 0 };
    Some(Change {
        id: ChangeId(id.clone().unwrap_or_default()),
        author: author.clone(),
        message: message.clone(),
        authored_at: authored_at.unwrap_or(received),
        committed_at: asked.received_at,
        merged: Vec::new(),
        merged_messages: Vec::new(),
        record: Arc::clone(record),
    })
}

impl Read {
    /// Everything that is known about the change, without a score yet.
    pub(super) fn into_assessed(
        self,
        asked: &Asked,
        repository: Option<(&LiveRepository, &State)>,
    ) -> Assessed {
        let mut assessed = hollow(asked, Reason::standard(ReasonCode::InternalError));
        assessed.doubts.clear();
        let files = self.change.record.files.iter();
        assessed.keys = files.map(|file| file.path().to_owned()).zip(self.keys).collect();
        assessed.digest = Some(self.digest.to_string());
        assessed.commit = (self.form != Form::Diff).then(|| self.change.id.0.clone());
        assessed.classification = self.classification;
        assessed.known_bad = self.known_bad;
        assessed.vector = self.vector;
        assessed.tokens = self.tokens;
        assessed.facts = facts(&self.change, &assessed.vector, repository.is_none());
        assessed.doubts.extend(self.doubt);
        assessed.doubts.extend(unread(&self.change, self.form != Form::Diff));
        assessed.change = self.change;
        match repository {
            Some(of) => tell_history(&mut assessed, of, self.mode, asked.received_at),
            None => assessed.facts.unknown_owners = true,
        }
        assessed.warnings.extend(self.overlap.map(ToOwned::to_owned));
        if assessed.change.record.partial {
            assessed
                .warnings
                .push("the diff has less context than `git diff -U3`: some values are coarser".into());
        }
        assessed
    }
}

/// Says whose files a change touches, and how well the history that it was read from is known.
fn tell_history(
    assessed: &mut Assessed,
    (repository, state): (&LiveRepository, &State),
    mode: HistoryMode,
    received_at: i64,
) {
    assessed.facts.unknown_owners = !repository.owners.are_known();
    assessed.owners = assessed.change.record.owners(|path| repository.owners.owners_of(path));
    let whose = if repository.owners.are_known() { EARLIER_OWNERS } else { UNKNOWN_OWNERS };
    let refusals =
        [(whose, repository.owners.refused()), (EARLIER_INCIDENTS, repository.incidents.refused())];
    // An answer with a warning is not given again when its cause is mended or another one, nor the other way round. Causes name
    // files and what stands in them: they are the log's.
    let mut of_warnings = 0_u64;
    for (warning, refused) in refusals {
        let Some(refused) = refused else { continue };
        assessed.warnings.push(warning.to_owned());
        of_warnings = of_warnings.wrapping_add(hash64(&[warning, &refused]));
    }
    assessed.history = history(repository, state, mode, received_at);
    assessed.history_epoch = state.epoch().wrapping_add(of_warnings);
    assessed.facts.history_lag_seconds = Some(repository.lag_seconds(received_at));
}

/// What is unknown around a change, as its own vector says: read from the state that it was scored with.
fn facts(change: &Change, vector: &[f32], unknown_repository: bool) -> Facts {
    let n_new = change.record.files.iter().filter(|file| file.status == FileStatus::Added).count();
    let n_unread = change.record.files.iter().filter(|file| file.content == FileContent::Unread).count();
    Facts {
        unknown_repository,
        unknown_author: value(vector, "author_new").is_none_or(|new| new > 0.0),
        unknown_path: value(vector, "file_unknown")
            .is_none_or(|n_unknown| f64::from(n_unknown) > n_new as f64),
        missing_feature_share: n_unread as f64 / change.record.files.len().max(1) as f64,
        ..Facts::default()
    }
}

/// A known value of this build's vector.
fn value(vector: &[f32], name: &str) -> Option<f32> {
    let idx = schema().position(name)?;
    vector.get(idx).copied().filter(|value| !value.is_nan())
}

/// A file whose content nobody read may hide anything, whatever share of the change it is. And an empty diff is
/// what a caller posts whose own `git diff` failed; a commit may well be empty.
fn unread(change: &Change, is_commit: bool) -> Option<Reason> {
    let files = &change.record.files;
    let n_unread = files.iter().filter(|file| file.content == FileContent::Unread).count();
    let text = if n_unread > 0 {
        format!("the content of {n_unread} of {} files could not be read", files.len())
    } else if files.is_empty() && !is_commit {
        "the diff is empty".to_owned()
    } else if !is_commit && files.iter().any(changes_nothing) {
        "the diff names a file and changes nothing in it".to_owned()
    } else {
        return None;
    };
    Some(Reason::new(ReasonCode::FeatureMissing, text))
}

fn changes_nothing(file: &FileDiff) -> bool {
    let is_same = file.status == FileStatus::Modified && file.old_mode == file.new_mode;
    is_same && file.content != FileContent::Binary && file.n_lines() == (0, 0)
}

/// How far the history of a repository is known.
pub(super) fn history(
    repository: &LiveRepository,
    state: &State,
    mode: HistoryMode,
    now: i64,
) -> Option<HistoryRef> {
    let lag_seconds = repository.lag_seconds(now);
    let (head, as_of) = (state.walked_to().0.clone(), moment(state.timeline.last_t()?));
    Some(HistoryRef { head, as_of, lag_seconds, mode })
}

impl Known<'_> {
    /// What already happened to this very change under its diff, its review identity or its commit.
    fn bad(self, timeline: &Timeline, change: &Change, digest: &Digest, is_commit: bool) -> Option<KnownBad> {
        let digest = Some(digest).filter(|_| change.record.is_told_by_lines());
        let reviews = || self.asked_id.into_iter().chain(review_of(&change.message));
        let outcomes = timeline.known();
        let by_digest = digest.and_then(|digest| outcomes.of_digest(digest));
        let of_landed = by_digest.or_else(|| reviews().find_map(|id| outcomes.of_review(id))).map(known_bad);
        let by_commit = is_commit.then(|| OutcomeTarget::Commit(change.id.clone()));
        let by_review = reviews().map(|id| OutcomeTarget::Id(id.to_owned()));
        let named = of_landed.or_else(|| {
            by_commit.into_iter().chain(by_review).find_map(|name| self.by_name(timeline, &name))
        });
        let named = named.or_else(|| self.by_others(timeline, change));
        named.or_else(|| self.by_diff(timeline, digest?))
    }

    /// Under a name: of what has landed the timeline tells, of the rest the reports; and these of all, where the timeline is
    /// behind.
    fn by_name(self, timeline: &Timeline, name: &OutcomeTarget) -> Option<KnownBad> {
        let landed = timeline.named(name);
        let of_landed = landed.and_then(|ordinal| timeline.known().of_ordinal(ordinal)).map(known_bad);
        of_landed.or_else(|| self.told(name, landed.is_some()))
    }

    /// What was said under a name to the service, unless the timeline knows it, or in the file of incidents of what no history
    /// held then.
    fn told(self, name: &OutcomeTarget, has_landed: bool) -> Option<KnownBad> {
        let is_told = !has_landed || self.is_behind;
        let reported = self.reports.known_bad(self.repo, name).filter(|_| is_told);
        reported.or_else(|| self.linked.and_then(|(linked, at)| linked.known_bad(name, at)))
    }

    /// Whether nothing was ever said of what no history holds.
    fn is_empty(self) -> bool {
        self.reports.is_empty() && self.linked.is_none_or(|(linked, _)| linked.is_empty())
    }

    /// Under a decision that its message names, of which the report was, or the commit that it was picked from.
    fn by_others(self, timeline: &Timeline, change: &Change) -> Option<KnownBad> {
        let Landed { decisions, picked_from, .. } = Landed::named_in(change);
        let decisions = decisions.into_iter().map(OutcomeTarget::Decision);
        let originals = picked_from.into_iter().map(|id| OutcomeTarget::Commit(ChangeId(id)));
        decisions.chain(originals).find_map(|name| self.by_name(timeline, &name))
    }

    /// Under a diff that never landed. To look whether it has takes long in a long history, and few were reported.
    fn by_diff(self, timeline: &Timeline, digest: &Digest) -> Option<KnownBad> {
        if self.is_empty() {
            return None;
        }
        let name = OutcomeTarget::Digest(digest.to_string());
        self.told(&name, timeline.named(&name).is_some())
    }
}

pub(super) fn known_bad(bad: Bad) -> KnownBad {
    let gravest = bad.incident.map(|event| (KnownOutcome::Incident, event));
    let gravest = gravest.or_else(|| bad.revert.map(|event| (KnownOutcome::Reverted, event)));
    let gravest = gravest.or_else(|| bad.catch.map(|event| (KnownOutcome::Caught, event)));
    let (outcome, event) = gravest.expect("something speaks against a change that is bad");
    KnownBad { outcome, occurred_at: event.occurred_at }
}
