//! What must stay, what may move and what must not fall when a change is written differently.
//!
//! The sources are the pairs of `danger/pairs.jsonl`: every dangerous diff has a hazard to lose.

use std::collections::BTreeSet;

use diffrisk::change::{
    ChangeRecord, FileDiff, FileStatus, Hunk, LineOrigin, digest, inverse, key_changes, parse_diff,
    render_diff,
};

use crate::danger::{Cold, hazards, pairs, record_of};

/// The dangerous changes on which a rule fires, with the rules.
fn dangerous() -> Vec<(ChangeRecord, BTreeSet<&'static str>)> {
    let records = pairs().into_iter().map(|pair| record_of(&pair.dangerous));
    let with_rules = records.map(|record| (hazards(&record), record)).map(|(rules, record)| (record, rules));
    with_rules.filter(|(_, rules)| !rules.is_empty()).collect()
}

/// The same change under another directory, so that changes can be put together.
fn under(directory: &str, record: &ChangeRecord) -> ChangeRecord {
    let moved = |path: &Option<String>| path.as_ref().map(|path| format!("{directory}/{path}"));
    let file = |file: &FileDiff| FileDiff {
        old_path: moved(&file.old_path),
        new_path: moved(&file.new_path),
        ..file.clone()
    };
    ChangeRecord { files: record.files.iter().map(file).collect(), partial: record.partial }
}

fn together(parts: impl IntoIterator<Item = ChangeRecord>) -> ChangeRecord {
    let files = parts.into_iter().flat_map(|record| record.files).collect();
    ChangeRecord { files, partial: true }
}

/// A file of so many harmless edits.
fn padding(n_lines: usize) -> ChangeRecord {
    let lines = |sign: char, greeting: &str| -> String {
        (0..n_lines).map(|n| format!("{sign}greeting_{n}: {greeting}\n")).collect()
    };
    record_of(&format!(
        "diff --git a/zz/locale.yaml b/zz/locale.yaml\n--- a/zz/locale.yaml\n+++ b/zz/locale.yaml\n\
         @@ -1,{n_lines} +1,{n_lines} @@\n{}{}",
        lines('-', "Hello"),
        lines('+', "Good morning")
    ))
}

#[test]
fn the_order_of_files_changes_neither_digest_nor_hazards_nor_score() {
    let cold = Cold::new();
    for (record, rules) in dangerous().iter().step_by(6) {
        let whole = together([under("aa", record), padding(3)]);
        let turned = together([padding(3), under("aa", record)]);
        assert_eq!(digest(&whole), digest(&turned));
        assert_eq!((&hazards(&whole), &hazards(&turned)), (rules, rules));
        assert_eq!(cold.margin(&whole).to_bits(), cold.margin(&turned).to_bits());
    }
}

#[test]
fn a_pure_rename_edits_no_key_and_is_no_hazard() {
    for (record, _) in dangerous() {
        let renamed = record.files.iter().map(|file| FileDiff {
            status: FileStatus::Renamed,
            new_path: Some(format!("moved/{}", file.path())),
            content: diffrisk::change::FileContent::Text(Vec::new()),
            ..file.clone()
        });
        let renamed = ChangeRecord { files: renamed.collect(), partial: false };
        assert!(renamed.files.iter().all(|file| key_changes(file).is_empty()));
        assert!(hazards(&renamed).is_empty());
    }
}

#[test]
fn edits_of_white_space_and_comments_are_no_hazard() {
    for (record, _) in dangerous() {
        for respaced in [|text: &str| format!("{text}  "), |text: &str| format!("{text}\t")] {
            let mut quiet = record.clone();
            quiet.files.iter_mut().for_each(|file| keep_old_lines(file, respaced));
            assert!(hazards(&quiet).is_empty(), "{:?} on\n{}", hazards(&quiet), render_diff(&quiet));
        }
    }
    for (path, comment) in [("a.yaml", "#"), ("a.tf", "//"), ("a.php", "//"), ("a.ini", ";"), ("z.zone", ";")]
    {
        let diff = format!(
            "diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,1 +1,1 @@\n\
             -{comment} replicas: 3, privileged: false\n+{comment} replicas: 0, privileged: true, 0.0.0.0/0\n"
        );
        assert!(hazards(&record_of(&diff)).is_empty(), "{diff}");
    }
}

/// Makes every deleted line come back with other white space, and drops what was added.
fn keep_old_lines(file: &mut FileDiff, respaced: fn(&str) -> String) {
    let diffrisk::change::FileContent::Text(hunks) = &mut file.content else { return };
    for hunk in hunks {
        let old: Vec<_> =
            hunk.lines.iter().filter(|line| line.origin != LineOrigin::Added).cloned().collect();
        let mut lines = Vec::new();
        for line in old {
            let mut new = line.clone();
            let is_deleted = line.origin == LineOrigin::Deleted;
            lines.push(line);
            if is_deleted {
                new.origin = LineOrigin::Added;
                new.text = respaced(&new.text);
                lines.push(new);
            }
        }
        let (old_lines, old_start) = (hunk.old_lines, hunk.old_start);
        *hunk = Hunk { old_start, old_lines, new_start: old_start, new_lines: old_lines, lines };
    }
}

#[test]
fn a_diff_split_in_two_has_the_hazards_of_its_parts() {
    let all = dangerous();
    for (idx, (one, one_rules)) in all.iter().enumerate() {
        let (two, two_rules) = &all[(idx + 7) % all.len()];
        let whole = together([under("aa", one), under("bb", two)]);
        assert_eq!(hazards(&whole), one_rules | two_rules, "{}", render_diff(&whole));
    }
}

#[test]
fn the_inverse_of_a_dangerous_edit_is_not_dangerous_in_the_same_way() {
    // A tenfold or thousandfold step is one in both directions, and so is a default that turns over.
    let symmetric = BTreeSet::from(["default_flipped", "number_jump", "timeout_tenfold", "unit_slip"]);
    for (record, rules) in dangerous() {
        let undone = hazards(&inverse(&record));
        let same: BTreeSet<_> = rules.intersection(&undone).copied().collect();
        assert!(same.is_subset(&symmetric), "{same:?} on\n{}", render_diff(&record));
    }
}

#[test]
fn no_hazard_falls_under_padding() {
    let (few, many) = (padding(1), padding(400));
    for (record, rules) in dangerous() {
        for padding in [&few, &many] {
            let in_front = together([under("aa", padding), record.clone()]);
            let behind = together([record.clone(), padding.clone()]);
            for padded in [in_front, behind] {
                assert!(
                    hazards(&padded).is_superset(&rules),
                    "{rules:?} fell in {:?} lines",
                    padded.n_lines()
                );
            }
        }
        let mut inside = record.clone();
        pad_inside(&mut inside.files[0]);
        assert!(hazards(&inside).is_superset(&rules), "{rules:?} fell in\n{}", render_diff(&inside));
    }
}

/// Puts harmless edits into hunks before and after those of a file.
fn pad_inside(file: &mut FileDiff) {
    let padding = padding(30).files.remove(0);
    let diffrisk::change::FileContent::Text(hunks) = &mut file.content else { return };
    let first = padding.hunks()[0].clone();
    let last = Hunk { old_start: 900, new_start: 900, ..first.clone() };
    hunks.insert(0, first);
    hunks.push(last);
}

#[test]
fn padding_a_hunk_with_harmless_lines_keeps_its_hazards() {
    for pair in pairs() {
        let rules = hazards(&record_of(&pair.dangerous));
        let (head, hunk) = pair.dangerous.split_once("\n@@ ").unwrap();
        let (_, body) = hunk.split_once('\n').unwrap();
        let count = |signs: &str| body.lines().filter(|line| line.starts_with(|c| signs.contains(c))).count();
        let (n_old, n_new) = (count(" -"), count(" +") + 1);
        let indent: String = last_line_indent(body);
        let padded = format!("{head}\n@@ -12,{n_old} +12,{n_new} @@\n{body}+{indent}zz_padding: harmless\n");
        let record = parse_diff(padded.as_bytes()).unwrap();
        assert!(hazards(&record).is_superset(&rules), "{rules:?} fell in\n{padded}");
    }
}

fn last_line_indent(body: &str) -> String {
    let last = body.lines().last().unwrap_or("");
    last.chars().skip(1).take_while(|c| c.is_whitespace()).collect()
}
