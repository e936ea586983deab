use crate::dataset::read::empty_row;
use crate::dataset::{LabelTask, Row, RowOutcome, Rows, RowsBuilder, Standing, standings};
use crate::label::LabelSource;

const DAY: i64 = 86_400;

/// A change of day 0 of which nothing is known.
fn row(idx: usize) -> Row {
    Row { root: "a".repeat(40), template: idx as u64, n_files: 1, ..empty_row() }
}

fn outcome(source: LabelSource, day: i64) -> RowOutcome {
    RowOutcome { source, known_at: day * DAY, positive: true, planned: false, retracts: false }
}

fn rows(all: &[&[RowOutcome]]) -> Rows {
    let mut builder = RowsBuilder::new([]);
    for (idx, outcomes) in all.iter().enumerate() {
        builder.push(Row { outcomes: outcomes.to_vec(), ..row(idx) }, &[], &[]).unwrap();
    }
    builder.finish()
}

/// What the first of the rows was worth at the end of a day.
fn first(all: &[&[RowOutcome]], day: i64) -> Standing {
    standings(&rows(all), LabelTask::Strict, day * DAY + 1)[0]
}

#[test]
fn what_became_known_later_says_nothing() {
    let revert = outcome(LabelSource::Revert, 3);
    let planned = RowOutcome { planned: true, ..outcome(LabelSource::Revert, 200) };
    assert_eq!(first(&[&[planned]], 100), Standing::Negative, "a planned undoing of a later day");
    assert_eq!(first(&[&[planned]], 200), Standing::Left);
    let incident = outcome(LabelSource::Incident, 60);
    assert_eq!(first(&[&[revert, incident]], 20), Standing::Positive, "the incident was linked later");
    let report = outcome(LabelSource::Outcome, 5);
    let withdrawn = RowOutcome { positive: false, retracts: true, ..outcome(LabelSource::Outcome, 30) };
    assert_eq!(first(&[&[report, withdrawn]], 20), Standing::Positive);
    assert_eq!(first(&[&[report, withdrawn]], 40), Standing::Negative);
}

/// A template is what was undone of it by then, of what had landed by then.
#[test]
fn templates_undone_later_were_not_undone_as_planned() {
    // Of so many changes of day 0 and of a later day, three of the first were undone on a day.
    let first = |n_rows: usize, undone: i64, later: (usize, i64)| {
        let mut all = rows(&vec![&[][..]; n_rows + later.0]);
        for (idx, row) in all.facts.iter_mut().enumerate() {
            row.template = 1;
            row.reverted_at = (1..4).contains(&idx).then_some(undone * DAY);
            row.committed_at = if idx < n_rows { 0 } else { later.1 * DAY };
        }
        standings(&all, LabelTask::Strict, 20 * DAY)[0]
    };
    assert_eq!(first(8, 19, (0, 0)), Standing::Left, "three of eight are a plan");
    assert_eq!(first(8, 20, (0, 0)), Standing::Negative, "nobody knew of these three");
    assert_eq!(first(7, 19, (1, 19)), Standing::Left);
    assert_eq!(first(7, 19, (1, 20)), Standing::Negative, "seven are too few");
    assert_eq!(first(8, 19, (9, 20)), Standing::Left, "three of eight, and not of seventeen");
}

#[test]
fn a_change_that_has_not_landed_or_changes_nothing_is_no_example() {
    let outcome = [outcome(LabelSource::Incident, 3)];
    let mut all = rows(&[&outcome, &outcome, &outcome]);
    all.facts[1].committed_at = 20 * DAY;
    all.facts[2].n_files = 0;
    let expected = [Standing::Positive, Standing::Left, Standing::Left];
    assert_eq!(standings(&all, LabelTask::Strict, 20 * DAY), expected);
}

#[test]
fn what_was_reported_as_planned_is_no_question() {
    let report = RowOutcome { positive: false, planned: true, ..outcome(LabelSource::Outcome, 5) };
    assert_eq!(first(&[&[report]], 20), Standing::Left);
    assert_eq!(standings(&rows(&[&[report]]), LabelTask::Raw, 20 * DAY), [Standing::Positive]);
}

#[test]
fn where_incidents_are_linked_late_a_negative_waits_as_long() {
    let linked = [outcome(LabelSource::Incident, 90)];
    assert_eq!(first(&[&[], &linked], 89), Standing::Negative, "no link was known yet");
    assert_eq!(first(&[&[], &[outcome(LabelSource::Incident, 20)], &linked], 30), Standing::Negative);
    let both: [&[RowOutcome]; 3] = [&[], &[outcome(LabelSource::Incident, 20)], &[]];
    assert_eq!((first(&both, 19), first(&both, 20)), (Standing::Negative, Standing::Negative));
    let late = [outcome(LabelSource::Incident, 90)];
    let mut of_later = rows(&[&[], &late]);
    of_later.facts[0].committed_at = 60 * DAY;
    assert_eq!(standings(&of_later, LabelTask::Strict, 100 * DAY)[0], Standing::Left, "90 days did not pass");
    assert_eq!(standings(&of_later, LabelTask::Strict, 150 * DAY)[0], Standing::Negative);
}

#[test]
fn rows_of_an_earlier_file_are_worth_beside_later_ones_what_they_were_worth_alone() {
    let day = |days: i64| days * DAY + 1;
    let linked = [outcome(LabelSource::Incident, 90)];
    let mut early = rows(&[&[], &linked]);
    early.facts[0].committed_at = day(8);
    early.facts[1].committed_at = day(0);
    let alone = standings(&early, LabelTask::Strict, day(20));
    assert_eq!(alone, [Standing::Left, Standing::Negative], "12 days are no 14, and no link was known");
    early.hold_to(day(20));
    let mut both = rows(&[&[]]);
    both.append(&early).unwrap();
    for rows in [&both, &both.select(&[0, 1, 2])] {
        assert_eq!(standings(rows, LabelTask::Strict, day(200))[1..], alone);
    }
    assert_eq!(standings(&both, LabelTask::Strict, day(200))[0], Standing::Negative);
    assert_eq!(standings(&both, LabelTask::Strict, day(5))[2], Standing::Left, "an earlier moment stays");
}

#[test]
fn a_change_that_is_linked_again_is_no_further_link() {
    let (early, late) = (outcome(LabelSource::Incident, 20), outcome(LabelSource::Incident, 80));
    let once: [&[RowOutcome]; 3] = [&[], &[early], &[early, late]];
    let mut of_later = rows(&once);
    of_later.facts[0].committed_at = 60 * DAY;
    assert_eq!(standings(&of_later, LabelTask::Strict, 81 * DAY)[0], Standing::Negative, "20 days passed");
}
