//! The fold, its cache and the rows that come out of it, on the sample history.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use diffrisk::change::{Change, ChangeId, digest};
use diffrisk::dataset::Rows;
use diffrisk::features::schema;
use diffrisk::git::{Repository, Unit, WalkOptions, walk, write_sample};
use diffrisk::incident::{IncidentLink, LinkKind, OutcomeKind, OutcomeRecord, OutcomeTarget, load_incidents};
use diffrisk::mining::{AuthorKey, MineOptions, mine};
use diffrisk::timeline::{Bad, Cache, Folded, Sources, Timeline, fold};

use crate::git_script::Script;
use crate::http_doubts;
use crate::labels::sources::link;

/// The sample repository, written once for all tests of this file.
pub(crate) fn sample() -> &'static Path {
    static SAMPLE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let directory = SAMPLE.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        write_sample(directory.path()).unwrap();
        directory
    });
    directory.path()
}

pub(crate) fn repository() -> Repository {
    Repository::open(sample().join("config")).unwrap()
}

/// All rows of the sample, mined once by whoever asks first.
pub(crate) fn rows() -> &'static Rows {
    static ROWS: OnceLock<Rows> = OnceLock::new();
    ROWS.get_or_init(|| mined(None))
}

pub(crate) fn mined(until: Option<i64>) -> Rows {
    mined_from(until, Sources::default())
}

/// All rows with incidents declared on them.
pub(crate) fn mined_with(incidents: Vec<IncidentLink>) -> Rows {
    mined_from(None, Sources::new(incidents, Vec::new()))
}

fn mined_from(until: Option<i64>, sources: Sources) -> Rows {
    let options = MineOptions {
        name: "sample".to_owned(),
        unit: Unit::Commit,
        sources,
        since: None,
        until,
        now: i64::MAX,
        custom: None,
        author_key: AuthorKey::new(vec![1; 32]).unwrap(),
    };
    mine(&repository(), options, |_| {}).unwrap().rows
}

fn bits(vector: &[f32]) -> Vec<u32> {
    vector.iter().map(|value| value.to_bits()).collect()
}

fn changes() -> Vec<Change> {
    changes_of(&repository())
}

fn changes_of(repository: &Repository) -> Vec<Change> {
    let mut changes = Vec::new();
    walk(repository, &WalkOptions::new(Unit::Commit), |change| {
        changes.push(change);
        ControlFlow::Continue(())
    })
    .unwrap();
    changes
}

fn folded(root: &Path) -> Folded {
    let repository = repository();
    let cache = Cache::at(root, &repository, Unit::Commit, "none").unwrap();
    fold(&cache, &repository, Unit::Commit, &Sources::default(), |_, _| {}).unwrap()
}

#[test]
fn later_history_changes_no_earlier_vector() {
    let whole = rows();
    let cut = whole.facts()[whole.n_rows() / 2].committed_at;
    let early = mined(Some(cut));
    assert!(early.n_rows() > 100);
    for idx in 0..early.n_rows() {
        assert_eq!(early.facts()[idx].change_id, whole.facts()[idx].change_id);
        assert_eq!(bits(&early.vector(idx)), bits(&whole.vector(idx)), "row {idx}");
        assert_eq!(early.tokens(idx), whole.tokens(idx));
    }
}

#[test]
fn no_label_is_known_before_the_change_or_after_the_cut() {
    let whole = rows();
    let cut = whole.facts()[whole.n_rows() / 2].committed_at;
    for row in mined(Some(cut)).facts() {
        let known_at = row.label_known_at.unwrap_or(row.committed_at);
        assert!((row.committed_at..=cut).contains(&known_at), "{row:?}");
    }
}

#[test]
fn the_same_history_gives_the_same_rows() {
    assert_eq!(mined(None).digest(), rows().digest());
}

#[test]
fn a_proposal_is_read_as_the_landing_it_becomes() {
    let mut timeline = Timeline::new(Sources::default());
    for change in changes().iter().take(400) {
        timeline.advance(change.committed_at);
        let asked = timeline.ask(change);
        let landed = timeline.land(change);
        assert_eq!(bits(&asked.extracted.vector), bits(&landed.vector));
        assert_eq!(asked.classification, landed.classification);
    }
}

#[test]
fn a_cached_history_answers_like_a_folded_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = folded(directory.path());
    let mut again = folded(directory.path());
    assert!(first.n_new > 0 && again.n_new == 0 && again.refolded.is_none());
    let n_rows = first.rows.len();
    let all_bits = |rows: Vec<diffrisk::timeline::Row>| {
        rows.iter().flat_map(|row| bits(&row.vector)).collect::<Vec<_>>()
    };
    let (one, other) = (first.rows.read(0, n_rows).unwrap(), again.rows.read(0, n_rows).unwrap());
    assert!(all_bits(one) == all_bits(other));
    let newest = changes().pop().unwrap();
    let asked = |folded: &Folded| bits(&folded.timeline.ask(&newest).extracted.vector);
    assert_eq!(asked(&first), asked(&again));
    let rows = rows();
    let cached = first.rows.read(0, n_rows).unwrap();
    assert_eq!(cached.len(), rows.n_rows());
    for (idx, row) in cached.iter().enumerate() {
        assert_eq!(bits(&row.vector), bits(&rows.vector(idx)));
    }
}

#[test]
fn what_lands_during_a_fold_is_left_to_the_next_one() {
    let mut script = Script::new();
    let first = script.commit("Add a pool", &[("pool.yaml", b"size: 3\n")], &[]);
    let late = script.commit("Widen the pool", &[("pool.yaml", b"size: 30\n")], &[first]);
    script.set_main(first);
    let caches = tempfile::tempdir().unwrap();
    let cache = Cache::at(caches.path(), &script.open(), Unit::Commit, "none").unwrap();
    let fold_while_it_lands = || {
        fold(&cache, &script.open(), Unit::Commit, &Sources::default(), |_, _| script.set_main(late)).unwrap()
    };
    let folded = fold_while_it_lands();
    assert_eq!(script.open().head().unwrap().0, late.to_string());
    assert_eq!((folded.n_new, folded.walked_to.0), (1, first.to_string()));
    let next = fold_while_it_lands();
    assert_eq!((next.n_new, next.walked_to.0), (1, late.to_string()));
}

#[test]
fn a_damaged_cache_is_folded_again() {
    let directory = tempfile::tempdir().unwrap();
    let n_rows = folded(directory.path()).rows.len();
    let inner = fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
    for file in ["state.bin", "rows.bin"] {
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(inner.join(file)).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    for (file, cut) in [("state.bin", 1_000), ("rows.bin", 7)] {
        let bytes = fs::read(inner.join(file)).unwrap();
        fs::write(inner.join(file), &bytes[..bytes.len() - cut]).unwrap();
        let refolded = folded(directory.path());
        assert!(refolded.refolded.is_some(), "{file}");
        assert_eq!(refolded.rows.len(), n_rows);
    }
    let mut bytes = fs::read(inner.join("state.bin")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(inner.join("state.bin"), bytes).unwrap();
    assert!(folded(directory.path()).refolded.is_some());
}

#[test]
fn unknown_is_null_and_never_zero() {
    let first = rows().vector(0);
    let names = schema().names();
    let value = |name: &str| first[names.iter().position(|known| known == name).unwrap()];
    assert!(value("file_age_min_hours").is_nan());
    assert!(value("author_gap_hours").is_nan());
    assert_eq!(value("author_changes"), 0.0);
}

#[test]
fn declared_incidents_label_changes_of_the_sample() {
    let incidents = load_incidents(&sample().join("incidents.csv")).unwrap();
    let sources = Sources::new(incidents, Vec::new());
    let options = |until: Option<i64>| MineOptions {
        name: "sample".to_owned(),
        unit: Unit::Commit,
        sources: sources.clone(),
        since: None,
        until,
        now: i64::MAX,
        custom: None,
        author_key: AuthorKey::new(vec![1; 32]).unwrap(),
    };
    let last_known_at = sources.last_known_at(i64::MAX).unwrap();
    let mined = mine(&repository(), options(None), |_| {}).unwrap();
    assert_eq!((mined.n_unknown_targets, mined.n_later_targets), (0, 0), "nothing that is known is left out");
    assert!(mined.metadata.mined_at >= last_known_at);
    let newest = &mined.rows.facts()[mined.rows.n_rows() - 1];
    assert_eq!(mined.metadata.head, newest.change_id.0);
    let middle = &mined.rows.facts()[mined.rows.n_rows() / 2];
    let cut = mine(&repository(), options(Some(middle.committed_at)), |_| {}).unwrap();
    assert_eq!(cut.metadata.head, cut.rows.facts()[cut.rows.n_rows() - 1].change_id.0);
    let by_incident =
        |row: &diffrisk::dataset::Row| row.label_source == Some(diffrisk::label::LabelSource::Incident);
    assert!(mined.rows.facts().iter().any(by_incident));
}

#[test]
fn what_is_said_of_a_change_before_it_lands_counts_as_of_its_landing() {
    let changes = changes();
    let about = &changes[40];
    let report = |target: OutcomeTarget, days_before: i64| {
        OutcomeRecord::new(
            target,
            OutcomeKind::Caught,
            about.committed_at - days_before * 86_400,
            about.committed_at - days_before * 86_400,
        )
    };
    let commit = || OutcomeTarget::Commit(about.id.clone());
    let by_digest = OutcomeTarget::Digest(digest(&about.record).to_string());
    for (outcome_record, counts) in
        [(report(commit(), 1), true), (report(by_digest, 1), true), (report(commit(), 91), false)]
    {
        let mut timeline = Timeline::new(Sources::new(Vec::new(), vec![outcome_record]));
        changes[..41].iter().for_each(|change| drop(timeline.land(change)));
        assert_eq!(timeline.known().of_ordinal(40), None, "nothing before it landed, nor by its own landing");
        timeline.advance(about.committed_at);
        assert_eq!(timeline.known().of_ordinal(40).is_some(), counts);
        assert_eq!(timeline.n_unknown_targets(), usize::from(!counts));
    }
}

#[test]
fn a_change_goes_wrong_once_however_many_say_so() {
    let changes = changes();
    let about = &changes[40];
    let report = |days_after: i64, outcome: OutcomeKind| {
        OutcomeRecord::new(
            OutcomeTarget::Commit(about.id.clone()),
            outcome,
            about.committed_at,
            about.committed_at + days_after * 86_400,
        )
    };
    let vectors = |reports: Vec<OutcomeRecord>| -> Vec<Vec<u32>> {
        let mut timeline = Timeline::new(Sources::new(Vec::new(), reports));
        changes.iter().map(|change| bits(&timeline.land(change).vector)).collect()
    };
    let once = vectors(vec![report(1, OutcomeKind::Incident)]);
    assert_ne!(once, vectors(Vec::new()));
    let often = [(1, OutcomeKind::Incident), (2, OutcomeKind::Reverted), (2, OutcomeKind::RevertedAsPlanned)];
    assert_eq!(once, vectors(often.map(|(days, outcome)| report(days, outcome)).to_vec()));
    let undone = vectors(vec![report(1, OutcomeKind::RevertedAsPlanned)]);
    let then_bad = [(1, OutcomeKind::RevertedAsPlanned), (2, OutcomeKind::Incident)];
    assert_ne!(undone, vectors(then_bad.map(|(days, outcome)| report(days, outcome)).to_vec()));
}

#[test]
fn a_revert_speaks_against_a_change_for_two_weeks() {
    for (days, n_bad) in [(14, 1), (15, 0)] {
        let mut script = Script::new();
        let first = script.commit_at(0, "start", &[("a.yaml", b"a: 0\n")], &[]);
        let raised = script.commit_at(1, "raise a", &[("a.yaml", b"a: 1\n")], &[first]);
        let message = format!("Revert \"raise a\"\n\nThis reverts commit {raised}.");
        let revert = script.commit_at(1 + 24 * days, &message, &[("a.yaml", b"a: 0\n")], &[raised]);
        script.set_main(revert);
        let mut timeline = Timeline::new(Sources::default());
        changes_of(&script.open()).iter().for_each(|change| drop(timeline.land(change)));
        assert_eq!(timeline.history().bad_changes.len(), n_bad, "{days} days");
        assert!(timeline.known().of_ordinal(1).is_some_and(|bad| bad.revert.is_some()), "it is told of");
    }
}

/// A report can be overtaken and withdrawn; what was declared stands.
#[test]
fn a_declared_incident_stands_whatever_is_reported_then() {
    let changes = changes();
    let about = &changes[40];
    let day = |days: i64| about.committed_at + days * 86_400;
    let declared = IncidentLink { started_at: Some(day(3)), ..link(&about.id.0, day(4)) };
    let mut timeline = Timeline::new(Sources::new(vec![declared], Vec::new()));
    changes[..41].iter().for_each(|change| drop(timeline.land(change)));
    let report = |timeline: &mut Timeline, outcome: OutcomeKind, days: i64| {
        let target = OutcomeTarget::Commit(about.id.clone());
        timeline.report(&OutcomeRecord::new(target, outcome, day(days), day(days))).unwrap();
        timeline.known().of_ordinal(40).unwrap()
    };
    let incident = |bad: Bad| bad.incident.map(|event| (event.occurred_at, event.is_reported));
    assert_eq!(incident(report(&mut timeline, OutcomeKind::Incident, 1)), Some((day(1), true)));
    assert_eq!(incident(report(&mut timeline, OutcomeKind::Incident, 2)), Some((day(2), true)));
    timeline.advance(day(4));
    assert_eq!(timeline.known().of_ordinal(40).and_then(incident), Some((day(3), false)));
    let bad = report(&mut timeline, OutcomeKind::Incident, 5);
    assert_eq!((incident(bad), bad.revert, bad.catch), (Some((day(3), false)), None, None));
    let bad = report(&mut timeline, OutcomeKind::Caught, 6);
    assert_eq!((bad.revert, bad.catch.map(|event| event.occurred_at)), (None, Some(day(6))));
    let bad = report(&mut timeline, OutcomeKind::Retracted, 7);
    assert_eq!((incident(bad), bad.catch), (Some((day(3), false)), None));
}

#[test]
fn a_report_of_a_diff_is_about_the_newest_landing_that_was_there() {
    let mut script = Script::new();
    let values: [&[u8]; 4] = [b"a: 0\n", b"a: 1\n", b"a: 0\n", b"a: 1\n"];
    let mut parents = Vec::new();
    for (hour, value) in values.iter().enumerate() {
        parents = vec![script.commit_at(hour as i64, "set a", &[("a.yaml", value)], &parents)];
    }
    script.set_main(parents[0]);
    let changes = changes_of(&script.open());
    let mut timeline = Timeline::new(Sources::default());
    changes.iter().for_each(|change| drop(timeline.land(change)));
    for (hour, ordinal) in [(1, 1), (2, 1), (3, 3), (9, 3), (0, 3)] {
        let (target, at) = (digest(&changes[1].record), changes[0].committed_at + hour * 3_600);
        let target = OutcomeTarget::Digest(target.to_string());
        let said = OutcomeRecord::new(target, OutcomeKind::Incident, at, at);
        assert_eq!(timeline.reported_on(&said), Some(ordinal), "{hour} hours after the first change");
    }
}

#[test]
fn an_outcome_of_a_diff_is_one_of_the_landed_change_with_it() {
    let changes = changes();
    let (about, after) = (&changes[40], &changes[41]);
    let outcome_record = OutcomeRecord::new(
        OutcomeTarget::Digest(digest(&about.record).to_string()),
        OutcomeKind::Incident,
        about.committed_at,
        after.committed_at,
    );
    // A surer name goes before the diff; one that nothing is called by does not.
    let surely = |name: &str| OutcomeRecord {
        surer: vec![OutcomeTarget::Commit(ChangeId(name.to_owned()))],
        ..outcome_record.clone()
    };
    let mut folded = Timeline::new(Sources::default());
    changes[..41].iter().for_each(|change| drop(folded.land(change)));
    assert_eq!(folded.reported_on(&surely(&changes[30].id.0)), Some(30));
    assert_eq!(folded.reported_on(&surely("4711abc")), Some(40));
    let mut timeline = Timeline::new(Sources::new(Vec::new(), vec![outcome_record]));
    for change in &changes[..41] {
        timeline.land(change);
    }
    assert_eq!(timeline.known().of_ordinal(40), None, "not before it became known");
    timeline.land(after);
    assert!(timeline.known().of_ordinal(40).is_some_and(|bad| bad.incident.is_some()));
    assert_eq!(timeline.n_unknown_targets(), 0);
}

#[test]
fn an_incident_is_linked_to_a_diff_before_and_after_it_landed() {
    let changes = changes();
    let (about, after) = (&changes[40], &changes[41]);
    let link = |change_id: String, known_at: i64| IncidentLink {
        incident_id: "INC-1".into(),
        started_at: None,
        resolved_at: None,
        known_at,
        severity: None,
        title: None,
        repo: "config".into(),
        change_id: ChangeId(change_id),
        link_kind: LinkKind::Declared,
    };
    let digest = digest(&about.record).to_string();
    for (incident_link, counts) in [
        (link(digest.clone(), about.committed_at - 86_400), true),
        (link(digest, after.committed_at), true),
        (link(format!("sha256:{}", "0".repeat(64)), after.committed_at), false),
    ] {
        let mut timeline = Timeline::new(Sources::new(vec![incident_link], Vec::new()));
        changes[..42].iter().for_each(|change| drop(timeline.land(change)));
        assert_eq!(timeline.known().of_ordinal(40).is_some_and(|bad| bad.incident.is_some()), counts);
        assert_eq!(timeline.n_unknown_targets(), usize::from(!counts));
    }
}

#[test]
fn a_history_whose_old_head_is_gone_is_folded_again() {
    let directory = tempfile::tempdir().unwrap();
    http_doubts::repository(directory.path(), 3);
    let caches = tempfile::tempdir().unwrap();
    let folded = || {
        let repository = Repository::open(directory.path()).unwrap();
        let cache = Cache::at(caches.path(), &repository, Unit::Commit, "none").unwrap();
        fold(&cache, &repository, Unit::Commit, &Sources::default(), |_, _| {}).unwrap()
    };
    let mut first = folded();
    let gone = first.walked_to.0.clone();
    let git = |args: &[&str]| http_doubts::git(directory.path(), http_doubts::START, args);
    git(&["commit", "-q", "--amend", "-m", "another"]);
    git(&["reflog", "expire", "--expire=now", "--all"]);
    git(&["gc", "-q", "--prune=now"]);
    let mut again = folded();
    assert!(again.refolded.is_some_and(|why| why.contains(&gone)));
    assert_eq!((again.rows.len(), first.rows.len()), (3, 3));
    assert_eq!(first.rows.read(2, 1).unwrap()[0].change_id, gone, "whoever reads the earlier rows goes on");
    assert_ne!(again.rows.read(2, 1).unwrap()[0].change_id, gone);
}

#[test]
fn every_clone_has_a_cache_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    http_doubts::repository(directory.path(), 3);
    let clone = directory.path().join("clone");
    http_doubts::git(directory.path(), http_doubts::START, &["clone", "-q", ".", clone.to_str().unwrap()]);
    let caches = tempfile::tempdir().unwrap();
    for path in [directory.path(), &clone, directory.path()] {
        let repository = Repository::open(path).unwrap();
        let cache = Cache::at(caches.path(), &repository, Unit::Commit, "none").unwrap();
        fold(&cache, &repository, Unit::Commit, &Sources::default(), |_, _| {}).unwrap();
    }
    assert_eq!(fs::read_dir(caches.path()).unwrap().count(), 2);
}

/// What a repository left behind goes; what is in use, was used of late, or is of another repository stays.
#[test]
fn caches_that_nobody_uses_any_more_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (directory.path().join("one"), directory.path().join("other"));
    for path in [&one, &other] {
        fs::create_dir(path).unwrap();
        http_doubts::repository(path, 3);
    }
    let caches = tempfile::tempdir().unwrap();
    let at = |path: &Path, sources: &str| {
        Cache::at(caches.path(), &Repository::open(path).unwrap(), Unit::Commit, sources).unwrap()
    };
    let fold_at = |path: &Path, cache: &Cache| {
        fold(cache, &Repository::open(path).unwrap(), Unit::Commit, &Sources::default(), |_, _| {}).unwrap()
    };
    let used_long_ago = |cache: &Cache| {
        let about = fs::File::options().write(true).open(cache.dir().join("about.json")).unwrap();
        about.set_modified(SystemTime::now() - Duration::from_secs(2 * 24 * 3600)).unwrap();
    };
    let said_to_be = |cache: &Cache, now: &str, then: &str| {
        let about = fs::read_to_string(cache.dir().join("about.json")).unwrap();
        assert!(about.contains(now), "{about}");
        fs::write(cache.dir().join("about.json"), about.replacen(now, then, 1)).unwrap();
    };
    let cases = [
        ("of earlier incidents", at(&one, "earlier"), &one, false),
        ("of another version", at(&one, "version"), &one, false),
        ("of a repository that moved", at(&other, "moved"), &other, false),
        ("beside a cache in use", at(&one, "running"), &one, true),
        ("used together with the new one", at(&one, "now heard"), &one, true),
        ("used of late", at(&one, "late"), &one, true),
        ("of another repository", at(&other, "earlier"), &other, true),
    ];
    cases.iter().for_each(|(_, cache, path, _)| drop(fold_at(path, cache)));
    let beside = at(&one, "running heard");
    let running = fold_at(&one, &beside);
    said_to_be(&cases[1].1, "\"format\":", "\"format\":1");
    said_to_be(&cases[2].1, "/other/", "/gone/");
    cases.iter().filter(|(what, ..)| *what != "used of late").for_each(|(_, cache, ..)| used_long_ago(cache));
    used_long_ago(&beside);
    let unnamed = caches.path().join("0123456789abcdef01234567");
    fs::create_dir(&unnamed).unwrap();
    let kept = at(&one, "now");
    drop(fold_at(&one, &kept));
    for (what, cache, _, stays) in &cases {
        assert_eq!(cache.dir().exists(), *stays, "{what}");
    }
    let in_use = fold_at(&one, &kept);
    kept.leave();
    assert!(kept.dir().exists(), "somebody uses it");
    drop(in_use);
    kept.leave();
    assert!(!kept.dir().exists(), "nobody does");
    kept.leave();
    assert!(unnamed.exists(), "nobody knows whose it is");
    drop(running);
    let in_use = &cases[3].1;
    fold_at(&one, &kept);
    assert!(in_use.dir().exists(), "it was in use until a moment ago");
    used_long_ago(&beside);
    assert_eq!(fold_at(&one, &kept).n_new, 0);
    assert!(!in_use.dir().exists() && !beside.dir().exists());
}

#[test]
fn what_an_aborted_fold_left_is_removed_by_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    folded(directory.path());
    let inner = fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
    for name in [".rows-aborted", ".rows-running"] {
        fs::write(inner.join(name), "rows").unwrap();
    }
    let running = fs::File::open(inner.join(".rows-running")).unwrap();
    running.try_lock().unwrap();
    fs::remove_file(inner.join("state.bin")).unwrap();
    folded(directory.path());
    let mut names: Vec<String> = fs::read_dir(&inner)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, [".rows-running", "about.json", "rows.bin", "state.bin"]);
}

#[test]
fn a_commit_from_the_future_makes_no_outcome_known() {
    let mut script = Script::new();
    let mut last = script.commit_at(0, "start", &[("a.yaml", b"a: 0\n")], &[]);
    last = script.commit_at(1, "raise a", &[("a.yaml", b"a: 1\n")], &[last]);
    last = script.commit_at(24 * 365 * 10, "clock", &[("a.yaml", b"a: 2\n")], &[last]);
    script.set_main(last);
    let options = MineOptions {
        name: "made-up".to_owned(),
        unit: Unit::Commit,
        sources: Sources::default(),
        since: None,
        until: None,
        now: 1_600_000_000 + 2 * 86_400,
        custom: None,
        author_key: AuthorKey::new(vec![1; 32]).unwrap(),
    };
    let mined = mine(&script.open(), options, |_| {}).unwrap();
    assert_eq!(mined.metadata.mined_at, 1_600_000_000 + 2 * 86_400);
    assert!(mined.rows.facts().iter().all(|row| row.label_strict.is_none()));
}
