//! One explanation as lines for a terminal, as Markdown for a comment, as SARIF for code scanning.
//!
//! Every rendering takes the [`Explanation`](crate::explain::Explanation) and nothing else.

mod markdown;
mod sarif;
mod terminal;

pub use markdown::markdown;
pub use sarif::sarif;
pub use terminal::{Style, terminal};

use crate::change::FileStatus;
use crate::explain::numbers::{Chance, quoted, stage_said, times, upper_first};
use crate::explain::odds::{all_factors, starting_point};
use crate::explain::value::{
    DiffExplanation, Direction, EditExplanation, FileExplanation, HazardSpot, SimilarChange, WordShare,
};

/// Files shown one by one where there is little room.
const N_FILES: usize = 8;
/// Edits shown of one file where there is little room.
const N_EDITS: usize = 4;

/// Places of a file that are named.
const N_PLACES: usize = 2;
/// Lines named of edits that are told in the same words.
const N_LINES: usize = 3;

/// Over the files and edits; their shares are read with it.
const LOOK_FIRST: &str = "Where to look first (× raises the odds, ÷ lowers them)";

/// The files worth a look, and how many are left out.
fn files_shown(diff: &DiffExplanation) -> (&[FileExplanation], usize) {
    let n_shown = diff.files.len().min(N_FILES);
    (&diff.files[..n_shown], diff.n_files - n_shown)
}

/// Edits that are told in the same words, and where they stand.
struct EditsShown<'a> {
    edit: &'a EditExplanation,
    lines: Vec<u32>,
}

impl EditsShown<'_> {
    fn place(&self) -> String {
        lines_said(&self.lines)
    }
}

/// "line 12", "lines 12, 40, 71 and 3 more".
fn lines_said(lines: &[u32]) -> String {
    let shown: Vec<String> = lines.iter().take(N_LINES).map(u32::to_string).collect();
    let noun = if lines.len() == 1 { "line" } else { "lines" };
    match lines.len() - shown.len() {
        0 => format!("{noun} {}", shown.join(", ")),
        n_more => format!("{noun} {} and {n_more} more", shown.join(", ")),
    }
}

/// "line 12: "; of lines that went "line 6 before: ", as no line of the file has their number now.
fn spots_said(spots: &[HazardSpot]) -> String {
    let here = spots.iter().filter(|spot| spot.line_before.is_none()).filter_map(|spot| spot.line);
    let (here, before): (Vec<u32>, Vec<u32>) =
        (here.collect(), spots.iter().filter_map(|spot| spot.line_before).collect());
    match (here.is_empty(), before.is_empty()) {
        (true, true) => String::new(),
        (false, true) => format!("{}: ", lines_said(&here)),
        (true, false) => format!("{} before: ", lines_said(&before)),
        (false, false) => format!("{} and {} before: ", lines_said(&here), lines_said(&before)),
    }
}

/// The hazards of a file, by rule: "line 12: Certificates are no longer checked (hazard rule `tls_verify_off`)".
pub fn hazards_said(file: &FileExplanation) -> Vec<String> {
    let of_rule = file.hazards.chunk_by(|a, b| a.rule == b.rule);
    let said = |spots: &[HazardSpot]| {
        let place = spots_said(spots);
        spots.first().map(|spot| format!("{place}{} (hazard rule `{}`)", spot.text, spot.rule))
    };
    of_rule.filter_map(said).collect()
}

/// The edits of a file worth a look, and how many are left out.
fn edits_shown(file: &FileExplanation) -> (Vec<EditsShown<'_>>, usize) {
    let mut shown: Vec<EditsShown<'_>> = Vec::new();
    let mut n_left_out = 0;
    for edit in &file.edits {
        let is_alike = |it: &EditsShown<'_>| {
            it.edit.text == edit.text && factor_words(it.edit.factor) == factor_words(edit.factor)
        };
        match shown.iter().position(is_alike) {
            Some(idx) => shown[idx].lines.push(edit.line),
            None if shown.len() < N_EDITS => shown.push(EditsShown { edit, lines: vec![edit.line] }),
            None => n_left_out += 1,
        }
    }
    (shown, n_left_out + file.n_edits.saturating_sub(file.edits.len()))
}

/// What happened to a file beside the edits of its lines; nothing where that is all.
fn status_said(file: &FileExplanation) -> Option<String> {
    match (file.status, &file.old_path) {
        (FileStatus::Added, _) => Some("new".to_owned()),
        (FileStatus::Deleted, _) => Some("deleted".to_owned()),
        (_, Some(old_path)) => Some(format!("was {}", quoted(old_path))),
        _ => None,
    }
}

/// The places of a file that raise the odds most by themselves, at most two: "from line 477 on (× 2.1)"; nothing
/// where just one place is edited.
fn places_said(file: &FileExplanation) -> Option<String> {
    let raises = |factor: &f64| Direction::of(factor.ln()) == Direction::Raises;
    let mut places: Vec<(f64, u32)> =
        file.hunks.iter().filter_map(|hunk| Some((hunk.factor.filter(raises)?, hunk.new_start))).collect();
    places.sort_by(|(a, a_line), (b, b_line)| b.total_cmp(a).then(a_line.cmp(b_line)));
    let place =
        |(factor, line): &(f64, u32)| Some(format!("from line {line} on ({})", factor_words(Some(*factor))?));
    let said: Vec<String> = places.iter().take(N_PLACES).filter_map(place).collect();
    (!said.is_empty()).then(|| format!("of its places: {}", said.join(", ")))
}

/// A factor on the odds: "× 2.1", "÷ 1.3"; nothing where it hardly matters.
fn factor_words(factor: Option<f64>) -> Option<String> {
    let factor = factor?;
    match Direction::of(factor.ln()) {
        Direction::Raises => Some(format!("× {}", times(factor))),
        Direction::Lowers => Some(format!("÷ {}", times(factor))),
        Direction::Neither => None,
    }
}

/// "Of its words these weigh most: `mcrouter` in an added line (× 1.3)"; nothing where none does.
pub(super) fn words_said(diff: &DiffExplanation) -> Option<String> {
    let word = |it: &WordShare| Some(format!("{} ({})", it.text, factor_words(Some(it.factor))?));
    let words: Vec<String> = diff.words.iter().filter_map(word).collect();
    (!words.is_empty()).then(|| format!("Of its words these weigh most: {}", words.join(", ")))
}

/// A note as a sentence of its own.
fn sentence(note: &str) -> String {
    format!("{}.", upper_first(note.trim_end_matches('.')))
}

/// What all groups together do to the odds, and from where to where: "× 3", "Together: from about 1 in 107,
/// where the model starts, to about 1 in 36".
fn together(explanation: &crate::explain::Explanation) -> Option<(String, String)> {
    let (score, groups) = (explanation.headline.score?, &explanation.groups);
    let (start, factor) = (starting_point(score, groups)?, all_factors(groups)?);
    let strength = factor_words(Some(factor)).unwrap_or_else(|| "≈ 1".to_owned());
    let said =
        format!("Together: from {}, where the model starts, to {}", Chance::of(start), Chance::of(score));
    Some((strength, said))
}

/// What the groups that hardly move the odds each do to them together, and their titles, in one line; none where there are
/// none.
fn weak_groups(explanation: &crate::explain::Explanation) -> Option<(String, String)> {
    let weak: Vec<_> = explanation.groups.iter().filter(|group| !group.is_telling()).collect();
    let titles: Vec<&str> = weak.iter().map(|group| group.title.as_str()).collect();
    let strength = factor_words(Some(weak.iter().map(|group| group.factor).product()));
    (!titles.is_empty()).then(|| (strength.unwrap_or_else(|| "≈ 1".to_owned()), titles.join(", ")))
}

/// The day in UTC.
fn day(unix_seconds: i64) -> String {
    jiff::Timestamp::from_second(unix_seconds)
        .map_or_else(|_| "an unknown day".to_owned(), |moment| moment.strftime("%Y-%m-%d").to_string())
}

/// The short commit, else the position in the history.
fn short_id(similar: &SimilarChange) -> String {
    match &similar.change_id {
        Some(id) => id.chars().take(10).collect(),
        None => format!("no. {}", similar.ordinal),
    }
}

/// The rollout plan in one line; none where nothing may roll out.
fn plan(explanation: &crate::explain::Explanation) -> Option<String> {
    if explanation.stages.is_empty() {
        return None;
    }
    let stages = explanation.stages.iter().map(|stage| stage_said(stage.percent, stage.bake_seconds));
    let stages: Vec<String> = stages.collect();
    Some(stages.join(", then "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::value::HunkExplanation;

    fn edit(text: &str, line: u32, factor: Option<f64>) -> EditExplanation {
        EditExplanation {
            key: String::new(),
            hunk_idx: 0,
            line_idx: 0,
            line,
            share: None,
            factor,
            text: text.into(),
        }
    }

    fn file(edits: Vec<EditExplanation>) -> FileExplanation {
        FileExplanation {
            file_idx: 0,
            path: "a.yaml".into(),
            old_path: None,
            status: crate::change::FileStatus::Modified,
            n_added: 1,
            n_deleted: 1,
            share: None,
            factor: None,
            past: String::new(),
            owners: Vec::new(),
            hazards: Vec::new(),
            hunks: Vec::new(),
            n_edits: edits.len(),
            edits,
        }
    }

    #[test]
    fn edits_of_the_same_words_are_shown_once_with_their_lines() {
        let mut edits: Vec<EditExplanation> =
            (1..=5).map(|line| edit("`ca` is removed", line, Some(1.01))).collect();
        edits.push(edit("`ca` is removed", 9, Some(2.0)));
        edits.extend((10..13).map(|line| edit(&format!("`x{line}` is removed"), line, None)));
        let file = file(edits);
        let (shown, n_left_out) = edits_shown(&file);
        let places: Vec<String> = shown.iter().map(EditsShown::place).collect();
        assert_eq!(places, ["lines 1, 2, 3 and 2 more", "line 9", "line 10", "line 11"]);
        assert_eq!(n_left_out, 1);
    }

    #[test]
    fn a_hazard_is_told_once_a_rule_with_its_lines() {
        let spot = |rule: &str, line| HazardSpot {
            rule: rule.into(),
            text: "It goes".into(),
            hunk_idx: Some(0),
            line_idx: Some(0),
            line,
            line_before: None,
        };
        let gone = |rule: &str, line| HazardSpot { line_before: Some(line), ..spot(rule, Some(1)) };
        let hazards = vec![spot("a", Some(3)), spot("a", Some(9)), spot("b", None), gone("c", 6)];
        let said = hazards_said(&FileExplanation { hazards, ..file(Vec::new()) });
        assert_eq!(
            said,
            [
                "lines 3, 9: It goes (hazard rule `a`)",
                "It goes (hazard rule `b`)",
                "line 6 before: It goes (hazard rule `c`)"
            ]
        );
        assert_eq!(
            spots_said(&[spot("a", Some(3)), gone("a", 6), gone("a", 8)]),
            "line 3 and lines 6, 8 before: "
        );
    }

    #[test]
    fn the_places_that_raise_most_are_named_first() {
        let hunk = |new_start, factor| HunkExplanation { hunk_idx: 0, new_start, share: None, factor };
        let hunks = vec![hunk(1, Some(1.2)), hunk(40, Some(3.0)), hunk(80, Some(0.5)), hunk(99, None)];
        let said = places_said(&FileExplanation { hunks, ..file(Vec::new()) });
        assert_eq!(said.as_deref(), Some("of its places: from line 40 on (× 3), from line 1 on (× 1.2)"));
        assert_eq!(
            places_said(&FileExplanation { hunks: vec![hunk(80, Some(0.5))], ..file(Vec::new()) }),
            None
        );
    }
}
