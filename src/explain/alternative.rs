//! What would lower the risk: real alternatives, each scored and decided on like any change.
//!
//! An alternative is told only where the decision really is a softer one, or the gate level one that fewer
//! changes share: on the fast path nothing is told outside the riskiest tenth. A part that
//! is split out must itself stay under the scrutiny that the whole gets: a split that lets everything
//! through only games the score, and so does another wording or another author.

use std::sync::Arc;

use crate::change::{Change, FileDiff, FileStatus, KeyChange};
use crate::explain::diff::{Measured, Patience, n_tries};
use crate::explain::edit::taken_out;
use crate::explain::grounds::Grounds;
use crate::explain::numbers::{percent, quoted, whole};
use crate::explain::partner::{missing_partners, touched_only};
use crate::explain::rescore::{Reassessed, Rescorer};
use crate::explain::step::{line_of, steps_of, with_value};
use crate::explain::value::{Alternative, AlternativeKind};
use crate::label::ChangeKind;
use crate::policy::{Decision, Question, ReasonCode, Verdict};
use crate::risk::GateLevel;

/// Parts of each kind that are tried, those that add most first.
const N_TRIED: usize = 3;
/// Alternatives told at most.
const N_SHOWN: usize = 4;
/// How far ahead another time is looked for.
const MAX_HOURS_AHEAD: i64 = 21 * 24;
/// Ends of decisions that are looked at for when it ends: one an hour, as the published policy has them.
const N_ENDS: usize = 21 * 24;
/// Edits of a file of which one may be split out: the others are taken out one after the other.
const MAX_EDITS: usize = 50;
/// Files whose edits are looked at for a smaller step.
const N_STEPPED: usize = 50;

/// The alternatives under which less is asked for.
pub(super) fn alternatives(
    grounds: &Grounds<'_>,
    rescorer: &mut Rescorer<'_>,
    measured: &Measured,
) -> Vec<Alternative> {
    let Some(assessment) = grounds.question.assessment else { return Vec::new() };
    if grounds.question.classification.kind == ChangeKind::Rollback {
        // It passes for what it takes back as a whole, and for a day: a part of it, or the whole another day, is another change.
        return Vec::new();
    }
    if grounds.decision.verdict == Verdict::FastPath && assessment.gate_level < GateLevel::Yellow {
        // Nothing is asked for, and there is no gate to leave.
        return Vec::new();
    }
    let now = Now { verdict: grounds.decision.verdict, gate_level: assessment.gate_level };
    let mut tries = Tries { n_left: n_tries(rescorer) };
    let mut found = Vec::new();
    // Those that lower the score are tried as well: policy may have its own reason to stop at one.
    for &(file_idx, _) in measured.files.iter().take(N_TRIED) {
        found.extend(split_file(&now, rescorer, &mut tries, file_idx));
    }
    for edit in measured.edits.iter().take(N_TRIED) {
        found.extend(split_edit(&now, rescorer, &mut tries, (edit.file_idx, edit.edit_idx)));
    }
    found.extend(smaller_steps(&now, rescorer, &mut tries));
    found.extend(with_partner(&now, grounds, rescorer, &mut tries));
    found.extend(another_time(&now, grounds));
    found.sort_by_key(|found| (found.verdict, found.gate_level));
    found.truncate(N_SHOWN);
    found
}

/// Alternatives that may still be scored and decided on: each asks every rule about every edit again.
struct Tries {
    n_left: usize,
}

impl Tries {
    /// Takes one; false where none is left.
    fn take(&mut self) -> bool {
        let is_left = self.n_left > 0;
        self.n_left = self.n_left.saturating_sub(1);
        is_left
    }
}

/// What is asked for as things stand.
struct Now {
    verdict: Verdict,
    gate_level: GateLevel,
}

impl Now {
    /// Whether less is asked for then, and nothing more. Half of all changes are red: who is told how to
    /// become green, and takes the fast path either way, is told nothing.
    fn is_softer(&self, verdict: Verdict, gate_level: GateLevel) -> bool {
        verdict <= self.verdict
            && gate_level <= self.gate_level
            && (verdict < self.verdict
                || (gate_level < self.gate_level && self.gate_level >= GateLevel::Yellow))
    }

    fn is_eased_by(&self, reassessed: &Reassessed) -> bool {
        !reassessed.decision.degraded
            && self.is_softer(reassessed.decision.verdict, reassessed.assessment.gate_level)
    }
}

fn split_file(
    now: &Now,
    rescorer: &mut Rescorer<'_>,
    tries: &mut Tries,
    file_idx: usize,
) -> Option<Alternative> {
    if !tries.take() {
        return None;
    }
    let rest = rescorer.without_file(file_idx, Rescorer::reassess);
    if !now.is_eased_by(&rest) {
        return None;
    }
    let alone = rescorer.only_file(file_idx, Rescorer::reassess);
    if now.is_eased_by(&alone) {
        return None;
    }
    let path = quoted(rescorer.files()[file_idx].path());
    let text = format!(
        "Land {path} on its own: the rest then {}, and {path} alone {}.",
        outcome(now, &rest),
        outcome(now, &alone)
    );
    Some(told(AlternativeKind::SplitFile, text, &rest))
}

fn split_edit(
    now: &Now,
    rescorer: &mut Rescorer<'_>,
    tries: &mut Tries,
    (file_idx, edit_idx): (usize, usize),
) -> Option<Alternative> {
    let edits = rescorer.keys(file_idx).to_vec();
    if edits.len() > MAX_EDITS || is_all_of_it(rescorer, (file_idx, edit_idx)) || !tries.take() {
        return None;
    }
    let without = taken_out(&rescorer.files()[file_idx], &edits, edit_idx)?;
    if is_as_before(&without) {
        // Without its one edit the file is not part of the change any more, and no edit to be told apart from it.
        return None;
    }
    let rest = rescorer.with_file(file_idx, without, Rescorer::reassess);
    if !now.is_eased_by(&rest) {
        return None;
    }
    let alone = only_edit(&rescorer.files()[file_idx], &edits, edit_idx)?;
    let alone = rescorer.with_file(file_idx, alone, |rescorer| rescorer.reassess());
    if now.is_eased_by(&alone) {
        return None;
    }
    let key = &edits.get(edit_idx)?.path;
    let name = if key.is_empty() { "this line".to_owned() } else { quoted(key) };
    let text = format!("Land the edit of {name} on its own: the rest then {}.", outcome(now, &rest));
    Some(told(AlternativeKind::SplitEdit, text, &rest))
}

/// Whether nothing of a file changes any more.
fn is_as_before(file_diff: &FileDiff) -> bool {
    file_diff.status != FileStatus::Renamed && file_diff.changed_lines().next().is_none()
}

/// Whether the rest of the change is about nothing but the key of an edit, what is above it and what is below: without it, the
/// rest is half of one thing.
fn is_all_of_it(rescorer: &Rescorer<'_>, (file_idx, edit_idx): (usize, usize)) -> bool {
    let Some(edit) = rescorer.keys(file_idx).get(edit_idx) else { return false };
    let is_below = |below: &str, above: &str| {
        below.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let is_same = |other: &KeyChange| is_below(&other.path, &edit.path) || is_below(&edit.path, &other.path);
    let mut others = (0..rescorer.files().len()).flat_map(|idx| {
        rescorer.keys(idx).iter().filter(|other| other.is_substantial()).map(move |other| (idx, other))
    });
    others.all(|(idx, other)| idx == file_idx && is_same(other))
}

/// The file with nothing but one edit.
fn only_edit(file_diff: &FileDiff, edits: &[KeyChange], edit_idx: usize) -> Option<FileDiff> {
    let kept = edits.get(edit_idx)?;
    let mut left = file_diff.clone();
    loop {
        let now = crate::change::key_changes(&left);
        let other = now.iter().position(|edit| {
            edit.is_substantial() && (&edit.path, &edit.old, &edit.new) != (&kept.path, &kept.old, &kept.new)
        });
        let Some(other) = other else { return Some(left) };
        left = taken_out(&left, &now, other)?;
    }
}

/// The first step of a rollout or of a large numeric edit, in place of the whole.
fn smaller_steps(now: &Now, rescorer: &mut Rescorer<'_>, tries: &mut Tries) -> Vec<Alternative> {
    let (mut found, mut patience) = (Vec::new(), Patience::new());
    for file_idx in 0..rescorer.files().len().min(N_STEPPED) {
        for edit in rescorer.keys(file_idx).to_vec() {
            if line_of(&rescorer.files()[file_idx], &edit).is_none() {
                continue;
            }
            for step in steps_of(&edit) {
                if !patience.is_left() {
                    return found;
                }
                let Some(altered) = with_value(&rescorer.files()[file_idx], &edit, &step.value) else {
                    patience.lose(&rescorer.files()[file_idx]);
                    continue;
                };
                if !tries.take() {
                    return found;
                }
                let reassessed = rescorer.with_file(file_idx, altered, |rescorer| rescorer.reassess());
                if now.is_eased_by(&reassessed) {
                    let text = format!(
                        "Go to {} first for {}: the change then {}.",
                        step.said,
                        quoted(&edit.path),
                        outcome(now, &reassessed)
                    );
                    found.push(told(AlternativeKind::SmallerStep, text, &reassessed));
                    break;
                }
            }
            if found.len() >= N_TRIED {
                return found;
            }
        }
    }
    found
}

/// The change with the file that usually comes along, and nothing said of what is edited in it.
fn with_partner(
    now: &Now,
    grounds: &Grounds<'_>,
    rescorer: &mut Rescorer<'_>,
    tries: &mut Tries,
) -> Option<Alternative> {
    for partner in missing_partners(grounds, rescorer.files()).into_iter().take(N_TRIED) {
        if !tries.take() {
            return None;
        }
        let reassessed = rescorer.with_also(touched_only(&partner.path), Rescorer::reassess);
        if now.is_eased_by(&reassessed) {
            let text = format!(
                "See whether {} must change as well: it did in {} of the earlier changes of {}, and with it \
                 the change {}.",
                quoted(&partner.path),
                percent((100.0 * partner.share).round()),
                quoted(rescorer.files()[partner.of_idx].path()),
                outcome(now, &reassessed)
            );
            return Some(told(AlternativeKind::IncludePartner, text, &reassessed));
        }
    }
    None
}

/// The first hour from which the calendar asks for less; the score stays as it is.
fn another_time(now: &Now, grounds: &Grounds<'_>) -> Option<Alternative> {
    let question = &grounds.question;
    let assessment = question.assessment?;
    let start = question.context.rollout_at.unwrap_or(question.now).max(question.now);
    let hour = |n: i64| (start.div_euclid(3_600) + n) * 3_600;
    let ask = |at: i64, question: &Question<'_>| {
        let context = crate::policy::Context { rollout_at: Some(at), ..question.context.clone() };
        grounds.policy.decide(&Question { context: &context, now: at, ..*question })
    };
    // Five hundred hours with every rule about every edit take half a second: what the calendar says is
    // asked of an empty change, and each answer of its is asked about in full only once.
    let empty = Change { record: Arc::default(), ..question.change.clone() };
    let hollow = Question { change: &empty, keys: &[], ..*question };
    let mut asked = vec![Calendar::of(&ask(start, &hollow))];
    let softer = (1..=MAX_HOURS_AHEAD).map(hour).find_map(|at| {
        let calendar = Calendar::of(&ask(at, &hollow));
        if asked.contains(&calendar) {
            return None;
        }
        asked.push(calendar);
        let decision = ask(at, question);
        (!decision.degraded && decision.verdict < now.verdict).then_some((at, decision))
    });
    let (at, decision) = softer?;
    let said = |at: i64| {
        let timestamp = jiff::Timestamp::from_second(at).ok()?;
        Some(timestamp.strftime("%A, %-d %B %Y, %H:%M UTC").to_string())
    };
    // From one end of a decision to the next: none of them reaches over an edge of a window.
    let mut passed = vec![Calendar::of(&ask(at, &hollow))];
    let ends = std::iter::successors(Some(at), |at| Some(ask(*at, &hollow).expires_at)).skip(1);
    let is_near = |moment: &i64| *moment <= at.saturating_add(MAX_HOURS_AHEAD * 3_600);
    let tightens = ends.take(N_ENDS).take_while(is_near).find(|moment| {
        let calendar = Calendar::of(&ask(*moment, &hollow));
        let is_known = passed.contains(&calendar);
        passed.push(calendar);
        !is_known && ask(*moment, question).verdict > decision.verdict
    });
    let until = tightens.and_then(said).map_or("on".to_owned(), |end| format!("until {end}"));
    let (when, then) = (said(at)?, verdict_words(decision.verdict));
    Some(Alternative {
        kind: AlternativeKind::AnotherTime,
        text: format!("Ask again from {when} {until}: the same change then {then}."),
        verdict: Some(decision.verdict),
        score: Some(assessment.score.get()),
        percentile: Some(assessment.percentile),
        gate_level: Some(assessment.gate_level),
    })
}

/// What the calendar makes of a moment.
#[derive(PartialEq)]
struct Calendar {
    verdict: Verdict,
    season: String,
    reasons: Vec<ReasonCode>,
}

impl Calendar {
    fn of(decision: &Decision) -> Self {
        Self {
            verdict: decision.verdict,
            season: decision.budget.season.clone(),
            reasons: decision.reasons.iter().map(|reason| reason.code).collect(),
        }
    }
}

fn told(kind: AlternativeKind, text: String, reassessed: &Reassessed) -> Alternative {
    Alternative {
        kind,
        text,
        verdict: Some(reassessed.decision.verdict),
        score: Some(reassessed.assessment.score.get()),
        percentile: Some(reassessed.assessment.percentile),
        gate_level: Some(reassessed.assessment.gate_level),
    }
}

/// What is then asked for, beside what is asked for now; the level never stands without the rank.
fn outcome(now: &Now, reassessed: &Reassessed) -> String {
    let (verdict, level) = (reassessed.decision.verdict, reassessed.assessment.gate_level);
    let rank = format!("riskier than {} of 100", whole(reassessed.assessment.percentile.floor()));
    if verdict != now.verdict {
        format!("{} ({rank})", verdict_words(verdict))
    } else if level != now.gate_level {
        format!("is at gate level {} instead of {} ({rank})", level.as_str(), now.gate_level.as_str())
    } else {
        format!("still {} ({rank})", verdict_words(verdict))
    }
}

fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::FastPath => "takes the fast path",
        Verdict::ExtraValidation => "needs extra validation",
        Verdict::Hold => "is held",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_is_a_softer_verdict_or_a_level_that_fewer_changes_share() {
        let cases = [
            ((Verdict::FastPath, GateLevel::Red), (Verdict::FastPath, GateLevel::Green), false),
            ((Verdict::ExtraValidation, GateLevel::Red), (Verdict::ExtraValidation, GateLevel::Green), false),
            ((Verdict::ExtraValidation, GateLevel::Red), (Verdict::FastPath, GateLevel::Green), true),
            ((Verdict::ExtraValidation, GateLevel::Red), (Verdict::FastPath, GateLevel::Yellow), false),
            ((Verdict::FastPath, GateLevel::Yellow), (Verdict::FastPath, GateLevel::Red), true),
            (
                (Verdict::ExtraValidation, GateLevel::Weekend),
                (Verdict::ExtraValidation, GateLevel::Yellow),
                true,
            ),
            ((Verdict::Hold, GateLevel::Green), (Verdict::ExtraValidation, GateLevel::Green), true),
        ];
        for ((verdict, gate_level), (then, level_then), expected) in cases {
            let now = Now { verdict, gate_level };
            assert_eq!(
                now.is_softer(then, level_then),
                expected,
                "{verdict:?} {gate_level:?} {then:?} {level_then:?}"
            );
        }
    }
}
