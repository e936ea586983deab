//! What landed in a followed repository before something broke, in the order of how likely each change is the cause. Only what
//! was known at that moment has a say. Start at [`suspects`].

use crate::change::ChangeId;
use crate::http::assessor::{Broken, Suspect, Suspects};
use crate::http::live::read::known_bad;
use crate::http::live::repository::{LiveRepository, State};
use crate::http::live::{LiveError, incomplete};
use crate::policy::{KnownBad, Reason};
use crate::scorer::Scorer;
use crate::suspect::{Candidate, HORIZON_SECONDS, shares};
use crate::timeline::Row;

/// Rows that are read from the history at a time.
const N_READ: usize = 512;
/// Changes that are looked at, at most.
const MAX_LANDED: usize = 20_000;
/// Changes that are asked for their own date, at most.
const MAX_DATES: usize = 5_000;

/// Ranks the changes of a window by what the model says of each and by how long before it landed; without a model by the time
/// alone. A history whose rows are damaged is folded again first.
///
/// # Errors
/// When it cannot be, or is damaged afterwards as well.
pub(super) fn suspects(
    repository: &LiveRepository,
    scorer: Result<&Scorer, Reason>,
    broken: &Broken,
) -> Result<Suspects, LiveError> {
    let n_damages = repository.n_damages();
    let found = ranked(repository, &scorer, broken);
    if repository.is_whole_since(n_damages) {
        return Ok(found);
    }
    // Of what is known now, whenever it broke.
    repository.wait_for_mend(repository.looked_at())?;
    let n_damages = repository.n_damages();
    let found = ranked(repository, &scorer, broken);
    repository
        .is_whole_since(n_damages)
        .then_some(found)
        .ok_or_else(|| LiveError::BrokeDown { name: broken.repo.clone() })
}

/// The same; damaged rows count as none, and [`LiveRepository::is_whole`] tells of them.
fn ranked(repository: &LiveRepository, scorer: &Result<&Scorer, Reason>, broken: &Broken) -> Suspects {
    let mut found = Suspects::default();
    let mut rows = standing(repository, broken, &mut found);
    found.warnings.extend(incomplete::warning(&repository.state()));
    let n_standing = rows.len();
    if !broken.paths.is_empty() {
        rows.retain(|it| touches(repository, &it.row, &broken.paths));
    }
    found.n_elsewhere = n_standing - rows.len();
    if rows.is_empty() && found.n_elsewhere > 0 {
        let text = "no change touched such a path: paths begin at the root of the repository, without a `/` before it, and are taken as they are written";
        found.warnings.push(text.to_owned());
    }
    match scorer {
        Err(reason) => {
            found.warnings.push(format!("ranked by the time alone, for there is no score: {}", reason.text));
        }
        Ok(scorer) if !scorer.custom().is_empty() => {
            found.warnings.push("ranked without the custom features that the model takes".to_owned());
        }
        Ok(_) => {}
    }
    let probability = |row: &Row| scorer.as_ref().map_or(1.0, |it| it.probability(&row.vector, &row.tokens));
    let candidate = |row: &Row| Candidate { landed_at: row.committed_at, probability: probability(row) };
    let candidates: Vec<Candidate> = rows.iter().map(|it| candidate(&it.row)).collect();
    let shares = shares(&candidates, broken.at);
    let suspect = |(Standing { row, known_bad }, share): (Standing, f64)| Suspect {
        commit: row.change_id,
        landed_at: row.committed_at,
        share,
        known_bad,
    };
    found.ranked = rows.into_iter().zip(shares).map(suspect).collect();
    found.ranked.sort_by(|a, b| b.share.total_cmp(&a.share).then(b.landed_at.cmp(&a.landed_at)));
    found
}

/// A change that stood when it broke, and what was said against this landing of it.
struct Standing {
    row: Row,
    known_bad: Option<KnownBad>,
}

/// The changes of the window that stood when it broke, counted beside the others. The history is held no longer than for this.
fn standing(repository: &LiveRepository, broken: &Broken, found: &mut Suspects) -> Vec<Standing> {
    let state = repository.state();
    let mut rows = landed(repository, &state, broken);
    if rows.len() > MAX_LANDED {
        rows.truncate(MAX_LANDED);
        found.warnings.push(format!("only the newest {MAX_LANDED} changes of the window were looked at"));
    }
    found.n_landed = rows.len();
    rows.retain(|(ordinal, _)| !is_undone(&state, *ordinal, broken.at));
    found.n_undone = found.n_landed - rows.len();
    let known = state.timeline.known();
    let stood = |(ordinal, row)| Standing { row, known_bad: known.of_ordinal(ordinal).map(known_bad) };
    rows.into_iter().map(stood).collect()
}

/// The changes of the window with their places in the fold, the newest first.
fn landed(repository: &LiveRepository, state: &State, broken: &Broken) -> Vec<(u32, Row)> {
    let from = broken.at.saturating_sub(broken.window_seconds.min(HORIZON_SECONDS));
    let mut landed = Vec::new();
    let mut end = state.position().n_rows;
    let mut n_dates = MAX_DATES;
    while end > 0 && landed.len() <= MAX_LANDED {
        let first = end.saturating_sub(N_READ);
        let Ok(mut rows) = repository.rows(state, first, end - first) else { return Vec::new() };
        // Clocks differ: a few changes may say that they landed before the one folded in before them.
        let is_before = rows.iter().all(|row| row.committed_at < from);
        let stands_still = |idx: usize| {
            let before = idx.checked_sub(1).and_then(|before| rows.get(before));
            rows[idx].committed_at > broken.at
                && before.is_none_or(|it| it.committed_at == rows[idx].committed_at)
        };
        let standing: Vec<usize> = (0..rows.len()).filter(|idx| stands_still(*idx)).collect();
        for idx in standing.into_iter().take(n_dates) {
            n_dates -= 1;
            date_by_itself(repository, &mut rows[idx]);
        }
        let numbered = (first..end).zip(rows).rev();
        let within = numbered.filter(|(_, row)| (from..=broken.at).contains(&row.committed_at));
        landed.extend(within.filter_map(|(ordinal, row)| Some((u32::try_from(ordinal).ok()?, row))));
        if is_before {
            break;
        }
        end = first;
    }
    landed
}

/// The history is never set back: behind a change whose clock was ahead, all land in its moment. They know better.
fn date_by_itself(repository: &LiveRepository, row: &mut Row) {
    let id = ChangeId(row.change_id.clone());
    if let Ok(committed_at) = repository.read(|git| git.committed_at(&id)) {
        row.committed_at = row.committed_at.min(committed_at);
    }
}

/// Whether a change was taken back before it broke, as the history or a report says: it was not there any more.
fn is_undone(state: &State, ordinal: u32, at: i64) -> bool {
    let reported = state.timeline.known().of_ordinal(ordinal).and_then(|bad| bad.revert);
    let undone_at = reported.map(|event| event.occurred_at);
    let undone_at = undone_at.into_iter().chain(state.timeline.detector().undone_at(ordinal)).min();
    undone_at.is_some_and(|undone_at| undone_at < at)
}

/// Whether a change touched a file, or one below a directory. One that cannot be read may have.
fn touches(repository: &LiveRepository, row: &Row, paths: &[String]) -> bool {
    let id = ChangeId(row.change_id.clone());
    let Ok(change) = repository.read(|git| git.change(&id, repository.unit)) else { return true };
    let files = change.record.files.iter();
    let mut touched = files.flat_map(|file| file.old_path.iter().chain(&file.new_path));
    touched.any(|path| paths.iter().any(|wanted| is_at_or_below(path, wanted)))
}

fn is_at_or_below(path: &str, wanted: &str) -> bool {
    let wanted = wanted.strip_prefix("./").unwrap_or(wanted);
    let rest = path.strip_prefix(wanted.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_file_or_what_lies_below_a_directory() {
        for (path, wanted, expected) in [
            ("envs/prod/a.yaml", "envs/prod/a.yaml", true),
            ("envs/prod/a.yaml", "envs/prod", true),
            ("envs/prod/a.yaml", "envs/", true),
            ("envs/prod/a.yaml", "./envs/prod/", true),
            ("envs/production/a.yaml", "envs/prod", false),
            ("other/envs/prod/a.yaml", "envs", false),
        ] {
            assert_eq!(is_at_or_below(path, wanted), expected, "{path} {wanted}");
        }
    }
}
