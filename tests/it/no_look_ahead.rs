//! No history, however odd, lets a later fact reach an earlier vector or what an earlier moment trained on.

use diffrisk::dataset::{LabelTask, Rows, standings};
use diffrisk::git::{Repository, Unit};
use diffrisk::incident::OutcomeKind;
use diffrisk::mining::{AuthorKey, MineOptions, mine};
use diffrisk::timeline::Sources;
use git2::Oid;
use proptest::prelude::*;

use crate::git_script::Script;
use crate::labels::sources::{link, report_on};

/// One change of a made-up history.
#[derive(Clone, Debug)]
struct Step {
    file: usize,
    value: u32,
    /// Hours since the change before; a clock may go back.
    hours: i64,
    message: Message,
    /// What is told of it, and how many hours after it.
    told: Option<(Told, i64)>,
}

#[derive(Clone, Copy, Debug)]
enum Told {
    Incident,
    Report(OutcomeKind),
}

#[derive(Clone, Debug)]
enum Message {
    Plain,
    Planned,
    /// Undoes the change so many before it, by its id.
    RevertsCommit(usize),
    /// The same, by its subject.
    RevertsSubject(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let message = prop_oneof![
        4 => Just(Message::Plain),
        1 => Just(Message::Planned),
        1 => (1..6_usize).prop_map(Message::RevertsCommit),
        1 => (1..6_usize).prop_map(Message::RevertsSubject),
    ];
    let told = prop_oneof![
        Just(Told::Incident),
        Just(Told::Report(OutcomeKind::Reverted)),
        Just(Told::Report(OutcomeKind::RevertedAsPlanned)),
        Just(Told::Report(OutcomeKind::Harmless)),
        Just(Told::Report(OutcomeKind::Retracted)),
    ];
    let told = prop::option::weighted(0.3, (told, 0..1_500_i64));
    (0..5_usize, 0..50_u32, -3..60_i64, message, told).prop_map(|(file, value, hours, message, told)| Step {
        file,
        value,
        hours,
        message,
        told,
    })
}

/// What was told of the changes of a history without such.
fn told(steps: &[Step], rows: &Rows) -> Sources {
    let (mut links, mut reports) = (Vec::new(), Vec::new());
    for (step, row) in steps.iter().zip(rows.facts()) {
        let Some((told, hours)) = step.told else { continue };
        let known_at = row.committed_at + 3_600 * hours;
        match told {
            Told::Incident => links.push(link(&row.change_id.0, known_at)),
            Told::Report(outcome) => reports.push(report_on(row.change_id.clone(), outcome, known_at)),
        }
    }
    Sources::new(links, reports)
}

fn written(steps: &[Step]) -> Script {
    let mut script = Script::new();
    let mut values = [0_u32; 5];
    let (mut oids, mut subjects): (Vec<Oid>, Vec<String>) = (Vec::new(), Vec::new());
    let mut hours = 0;
    for step in steps {
        values[step.file] = step.value;
        hours += step.hours;
        let earlier = |back: usize| oids.len().checked_sub(back);
        let plain = || format!("raise limit {} to {}", step.file, step.value);
        let message = match step.message {
            Message::Plain => plain(),
            Message::Planned => format!("depool host {}", step.file),
            Message::RevertsCommit(back) => {
                earlier(back).map_or_else(plain, |idx| format!("undo\n\nThis reverts commit {}.", oids[idx]))
            }
            Message::RevertsSubject(back) => {
                earlier(back).map_or_else(plain, |idx| format!("Revert \"{}\"", subjects[idx]))
            }
        };
        let content = |idx: usize| format!("limit: {}\nenabled: {}\n", values[idx], values[idx] % 2 == 0);
        let files: Vec<(String, String)> =
            (0..5).map(|idx| (format!("d{}/f{idx}.yaml", idx % 2), content(idx))).collect();
        let files: Vec<(&str, &[u8])> =
            files.iter().map(|(name, content)| (name.as_str(), content.as_bytes())).collect();
        let parents: Vec<Oid> = oids.last().copied().into_iter().collect();
        oids.push(script.commit_at(hours, &message, &files, &parents));
        subjects.push(message.lines().next().unwrap_or("").to_owned());
    }
    script.set_main(oids[oids.len() - 1]);
    script
}

fn mined(script: &Script, until: Option<i64>, sources: Sources) -> Rows {
    let options = MineOptions {
        name: "config".to_owned(),
        unit: Unit::Commit,
        sources,
        since: None,
        until,
        now: i64::MAX,
        custom: None,
        author_key: AuthorKey::new(vec![1; 32]).unwrap(),
    };
    mine(&Repository::open(script.path()).unwrap(), options, |_| {}).unwrap().rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn later_history_changes_no_earlier_vector(steps in prop::collection::vec(step(), 12..40), cut in 0.2..0.9_f64) {
        let script = written(&steps);
        let sources = told(&steps, &mined(&script, None, Sources::default()));
        // Long after everything that is told.
        let whole = mined(&script, Some(i64::from(u32::MAX)), sources.clone());
        prop_assert_eq!(whole.n_rows(), steps.len());
        let cut = whole.facts()[(whole.n_rows() as f64 * cut) as usize].committed_at;
        let early = mined(&script, Some(cut), sources);
        prop_assert!(early.n_rows() > 0 && early.n_rows() <= whole.n_rows());
        let bits = |rows: &Rows, idx: usize| rows.vector(idx).iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        for idx in 0..early.n_rows() {
            prop_assert_eq!(bits(&early, idx), bits(&whole, idx), "row {}", idx);
            prop_assert_eq!(early.tokens(idx), whole.tokens(idx));
            prop_assert_eq!(early.facts()[idx].kind, whole.facts()[idx].kind);
            prop_assert!(early.facts()[idx].label_known_at.is_none_or(|known_at| known_at <= cut));
        }
        for task in [LabelTask::Strict, LabelTask::Raw] {
            let (then, now) = (standings(&early, task, cut), standings(&whole, task, cut));
            prop_assert_eq!(&then[..], &now[..early.n_rows()], "{:?}", task);
        }
    }
}

#[test]
fn what_becomes_known_a_second_after_a_change_is_not_in_its_vector() {
    let mut script = Script::new();
    let files = |value: &'static [u8]| [("a.yaml", value)];
    let first = script.commit_at(0, "raise limit", &files(b"limit: 1\n"), &[]);
    let second = script.commit_at(10, "raise limit", &files(b"limit: 2\n"), &[first]);
    script.set_main(second);
    let plain = mined(&script, None, Sources::default());
    let landed_at = plain.facts()[1].committed_at;
    let with_incident = |known_at: i64| {
        let links = vec![link(&first.to_string(), known_at)];
        mined(&script, Some(landed_at + 100), Sources::new(links, Vec::new()))
    };
    let bits = |rows: &Rows| rows.vector(1).iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&with_incident(landed_at + 1)), bits(&plain));
    assert_ne!(bits(&with_incident(landed_at - 1)), bits(&plain));
}
