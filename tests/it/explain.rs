//! What a reader is told: it adds up, it says what is in the diff, and every rendering is safe.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use diffrisk::artifact::published;
use diffrisk::change::FileStatus;
use diffrisk::explain::{
    AlternativeKind, DiffExplanation, Direction, EditExplanation, Explanation, FileExplanation, GroupShare,
    HazardSpot, Headline, HunkExplanation, LeadingValue, PastOutcome, ReaderGroup, SimilarChange,
    SimilarChanges, Style, WordShare, markdown, sarif, starting_point, terminal,
};
use diffrisk::features::schema;
use diffrisk::git::{Sample, UnitChoice, write_sample};
use diffrisk::http::live::RepositoryConfig;
use diffrisk::http::{Local, LocalSources};
use diffrisk::policy::{AppliedBudget, Decision, Reason, ReasonCode, Stage, Verdict};
use diffrisk::risk::GateLevel;
use diffrisk::scorer::{ReferenceMargins, Scorer};
use proptest::prelude::*;
use serde_json::json;

use crate::timeline::rows;

/// A moment after the sample's last commit.
const NOW_MS: i64 = 1_800_000_000_000;

struct World {
    _dir: tempfile::TempDir,
    sample: Sample,
    local: Local,
}

/// The sample repository with the published model and policy.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let sample = write_sample(&dir.path().join("sample")).unwrap();
        let config = RepositoryConfig {
            name: "config".into(),
            path: sample.repository.clone(),
            unit: UnitChoice::Commit,
            owners: None::<PathBuf>,
            incidents: Some(sample.incidents.clone().into()),
        };
        let sources = LocalSources { repository: Some(&config), ..LocalSources::default() };
        let local = Local::open(sources, &dir.path().join("cache"), NOW_MS / 1000, &|_| {}).unwrap();
        World { _dir: dir, sample, local }
    })
}

fn explained(author: &str, message: &str, diff: &str) -> Explanation {
    let change = json!({ "repo": "config", "author": author, "message": message, "diff": diff });
    let body = json!({ "change": change }).to_string();
    world().local.explained(body.as_bytes(), NOW_MS).unwrap().1
}

fn proposal(file_name: &str) -> Explanation {
    let proposals = &world().sample.proposals;
    let proposal = proposals.iter().find(|proposal| proposal.file_name == file_name).unwrap();
    explained(&proposal.author, &proposal.message, &proposal.diff)
}

fn decision(verdict: Verdict) -> Decision {
    Decision {
        verdict,
        degraded: false,
        enforced: true,
        reasons: vec![Reason::new(ReasonCode::RiskAboveBudget, "riskier than 97 % of changes here")],
        require: vec!["second_reviewer".into(), "canary_region".into()],
        stages: vec![Stage { percent: 1, bake_seconds: 900 }, Stage { percent: 100, bake_seconds: 0 }],
        budget: AppliedBudget { season: "normal".into(), share: 0.1, threshold_percentile: 90.0 },
        expires_at: 0,
    }
}

fn scorer() -> &'static Scorer {
    static SCORER: OnceLock<Scorer> = OnceLock::new();
    SCORER.get_or_init(|| Scorer::new(Arc::clone(&published().unwrap())).unwrap())
}

fn check_additive(vector: &[f32], tokens: &[u32]) {
    let answer = scorer().assess(vector, tokens, &ReferenceMargins::default());
    let calibrator = &scorer().artifact().document().scoring.calibrator;
    let decision = decision(Verdict::FastPath);
    let explanation = Explanation::of(Some(&answer.assessment), &decision, vector, Some(calibrator));
    let sum: f64 = explanation.groups.iter().map(|group| group.contribution).sum();
    assert!((explanation.base + sum - explanation.margin).abs() < 1e-9);
    assert!(explanation.groups.len() <= 8);
    // So do the factors on the odds that are shown.
    let factors: f64 = explanation.groups.iter().map(|group| group.factor.ln()).sum();
    let [start, end] = [explanation.base, explanation.margin].map(|margin| calibrator.log_odds(margin));
    assert!((start + factors - end).abs() < 1e-9);
    for group in &explanation.groups {
        let points_elsewhere = |value: &LeadingValue| value.contribution * group.contribution <= 0.0;
        assert!(!group.values.iter().any(points_elsewhere), "a value contradicts its group: {group:?}");
    }
}

#[test]
fn groups_and_base_are_the_margin_of_every_mined_row() {
    let rows = rows();
    for idx in 0..rows.n_rows() {
        check_additive(&rows.vector(idx), rows.tokens(idx));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn groups_and_base_are_the_margin_of_any_vector(
        values in prop::collection::vec(prop_oneof![3 => -2.0_f32..500.0, 1 => Just(f32::NAN), 1 => 0.0_f32..1.0], schema().n_values()),
        tokens in prop::collection::vec(any::<u32>(), 0..40),
    ) {
        check_additive(&values, &tokens);
    }
}

#[test]
fn the_factors_lead_from_where_the_model_starts_to_the_chance_that_is_shown() {
    let explanation = proposal("timeout.diff");
    let (score, calibrator) =
        (explanation.headline.score.unwrap(), &scorer().artifact().document().scoring.calibrator);
    let start = starting_point(score, &explanation.groups).unwrap();
    assert!((start - calibrator.probability(explanation.base)).abs() < 1e-9, "{start}");
    let said = terminal(&explanation, Style::Plain);
    assert!(
        said.contains("Together: from about 1 in ")
            && said.contains(", where the model starts, to about 1 in "),
        "{said}"
    );
}

#[test]
fn every_feature_is_in_a_group_and_every_group_has_a_feature() {
    let built_in = schema().features.iter().map(|spec| ReaderGroup::of_feature(spec.name));
    let groups: Vec<ReaderGroup> = built_in.chain([ReaderGroup::of_feature("x.oncall_load")]).collect();
    assert_eq!(groups.last(), Some(&ReaderGroup::Custom));
    assert!(ReaderGroup::ALL.iter().all(|group| groups.contains(group)));
    assert_eq!(ReaderGroup::of_feature("tokens"), ReaderGroup::Wording);
}

#[test]
fn a_typed_edit_is_spelled_out_where_it_stands() {
    let explanation = proposal("timeout.diff");
    let diff = explanation.diff.unwrap();
    let edit = &diff.files[0].edits[0];
    assert!(edit.text.starts_with("`upstream.timeout`") && edit.text.contains("shorter"), "{}", edit.text);
    assert!(edit.text.contains("last edited"), "{}", edit.text);
    assert!(edit.line > 0);
}

#[test]
fn similar_changes_are_named_and_say_what_happened() {
    let explanation = proposal("timeout.diff");
    let similar = explanation.similar.unwrap();
    assert!(similar.n_searched > 20 && !similar.changes.is_empty(), "{similar:?}");
    for change in &similar.changes {
        assert_eq!(change.change_id.as_ref().unwrap().len(), 40);
        assert!(!change.title.as_ref().unwrap().is_empty() && !change.why.is_empty(), "{change:?}");
        assert!(change.occurred_at >= change.landed_at);
    }
    assert!(similar.changes.windows(2).all(|pair| pair[0].similarity >= pair[1].similarity));
}

#[test]
fn a_change_unlike_all_others_is_told_that_none_is_similar() {
    let diff = "--- a/zz/unheard-of.unheard\n+++ b/zz/unheard-of.unheard\n@@ -1 +1 @@\n-qqq\n+xxx\n";
    let explanation = explained("z <z@example.org>", "Zyzzyva quokka", diff);
    let similar = explanation.similar.unwrap();
    assert!(similar.changes.is_empty() && similar.text.starts_with("none of the"), "{similar:?}");
}

#[test]
fn an_alternative_is_only_told_where_less_is_asked_for() {
    for proposal_of in &world().sample.proposals {
        let explanation = proposal(&proposal_of.file_name);
        let headline = &explanation.headline;
        for alternative in &explanation.alternatives {
            let verdict = alternative.verdict.unwrap();
            assert!(verdict <= headline.verdict, "{alternative:?}");
            let is_caught = headline.gate_level >= Some(GateLevel::Yellow);
            let is_softer =
                verdict < headline.verdict || (is_caught && alternative.gate_level < headline.gate_level);
            assert!(is_softer, "{alternative:?}");
        }
    }
}

#[test]
fn what_became_of_a_key_is_told_as_so_many_of_so_many() {
    let proposals = world().sample.proposals.iter().map(|it| proposal(&it.file_name));
    let files = proposals.filter_map(|it| it.diff).flat_map(|diff| diff.files);
    let texts: Vec<String> = files.flat_map(|file| file.edits).map(|edit| edit.text).collect();
    let counts = |text: &String| -> Option<(f64, f64)> {
        let said = text.split("; ").find(|said| said.contains(" edits of "))?;
        let mut numbers = said.split(' ').filter_map(|word| word.replace(',', "").parse().ok());
        numbers.next().zip(numbers.next()).map(|(n, n_bad)| (n_bad, n))
    };
    let counts: Vec<(f64, f64)> = texts.iter().filter_map(counts).collect();
    assert!(!counts.is_empty(), "{texts:?}");
    assert!(counts.iter().all(|(n_bad, n)| 0.0 < *n_bad && n_bad <= n), "{counts:?}");
}

#[test]
fn an_edit_without_a_key_shows_its_line() {
    let diff = "--- a/wikis.dblist\n+++ b/wikis.dblist\n@@ -1 +1,2 @@\n aawiki\n+abwiki\n\
                --- a/x.php\n+++ b/x.php\n@@ -1 +1,2 @@\n <?php\n+if ( $wmgUse ) {\n";
    let files = explained("a <a@example.org>", "add", diff).diff.unwrap().files;
    let texts: Vec<&str> = files.iter().flat_map(|file| &file.edits).map(|edit| edit.text.as_str()).collect();
    assert!(texts.contains(&"`abwiki` is added"), "{texts:?}");
    assert!(texts.contains(&"a line is added: `if ( $wmgUse ) {`"), "{texts:?}");
}

#[test]
fn waiting_helps_only_where_the_calendar_holds_the_change() {
    let now = proposal("capacity.diff");
    assert!(
        now.alternatives.iter().all(|it| it.kind != AlternativeKind::AnotherTime),
        "no window is in force"
    );
}

/// A change of many files: a setting in one, a comment in the others.
fn wide(n_files: usize) -> String {
    let file = |idx: usize| {
        let (old, new) = if idx == 7 { ("timeout: 30s", "timeout: 3s") } else { ("# a", "# b") };
        format!("--- a/wide/{idx:03}.yaml\n+++ b/wide/{idx:03}.yaml\n@@ -1 +1 @@\n-{old}\n+{new}\n")
    };
    (0..n_files).map(file).collect()
}

#[test]
fn a_large_change_is_measured_in_part_and_says_so() {
    let explanation = explained("a <a@example.org>", "wide", &wide(500));
    let diff = explanation.diff.unwrap();
    assert_eq!((diff.n_files, diff.files.len()), (500, 500));
    assert!((4..=24).contains(&diff.n_rescored), "{}", diff.n_rescored);
    assert!(explanation.notes.iter().any(|note| note.contains("500 files")), "{:?}", explanation.notes);
    let shares: Vec<Option<f64>> = diff.files.iter().map(|file| file.share).collect();
    assert!(shares[..diff.n_rescored].iter().all(Option::is_some));
    assert!(shares[diff.n_rescored..].iter().all(Option::is_none));
    assert!(diff.files[..diff.n_rescored].iter().any(|file| file.path == "wide/007.yaml"));
}

#[test]
fn the_share_of_a_file_is_the_margin_with_it_minus_the_margin_without_it() {
    let margin = |n_files: usize| explained("a <a@example.org>", "wide", &wide(n_files)).margin;
    let explanation = explained("a <a@example.org>", "wide", &wide(2));
    let diff = explanation.diff.unwrap();
    let last = diff.files.iter().find(|file| file.path == "wide/001.yaml").unwrap();
    assert!((last.share.unwrap() - (margin(2) - margin(1))).abs() < 1e-9);
    // And its factor is what the probability that is shown makes of that.
    let odds = |n_files: usize| {
        let score = explained("a <a@example.org>", "wide", &wide(n_files)).headline.score.unwrap();
        score / (1.0 - score)
    };
    assert!((last.factor.unwrap() / (odds(2) / odds(1)) - 1.0).abs() < 1e-9);
}

#[test]
fn a_secret_is_in_no_rendering() {
    let secret = format!("ghp_{}", "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5");
    let diff = format!(
        "--- a/app.yaml\n+++ b/app.yaml\n@@ -1,2 +1,3 @@\n name: x\n-api_key: {secret}\n+api_key: old{secret}\n+note: use {secret}\n"
    );
    let explanation = explained("a <a@example.org>", "rotate", &diff);
    let document = serde_json::to_string(&explanation).unwrap();
    let log = sarif(&explanation).to_string();
    for text in [document, terminal(&explanation, Style::Plain), markdown(&explanation), log] {
        assert!(!text.contains(&secret[4..]), "{text}");
    }
}

/// A value whose every text tries to get out of its place.
fn hostile() -> Explanation {
    let evil = "a`b|<script>alert(1)</script>\u{1b}[2J\u{202e}@team [x](javascript:1)";
    let group = |group: ReaderGroup, contribution: f64, text: &str| GroupShare {
        group,
        title: group.title().to_owned(),
        contribution,
        factor: contribution.exp(),
        direction: Direction::of(contribution),
        text: format!("{} raises the odds: {text}", group.title()),
        values: vec![LeadingValue {
            feature: "file_bad".into(),
            value: Some(3.0),
            rank: Some(0.98),
            contribution,
            text: text.to_owned(),
        }],
    };
    let edit = EditExplanation {
        key: "backend.timeout".into(),
        hunk_idx: 0,
        line_idx: 2,
        line: 12,
        share: Some(0.7),
        factor: Some(2.0),
        text: "`backend.timeout` 30 s → 3 s, ten times shorter; last edited 412 days ago".into(),
    };
    let file = FileExplanation {
        file_idx: 0,
        path: evil.into(),
        old_path: None,
        status: FileStatus::Modified,
        n_added: 1,
        n_deleted: 1,
        share: Some(0.9),
        factor: Some(2.5),
        past: "changed 41 times before, last 412 days ago; 3 of the changes went wrong".into(),
        owners: vec!["@team".into()],
        hazards: vec![HazardSpot {
            rule: "timeout_collapsed".into(),
            text: "A timeout becomes a tenth".into(),
            hunk_idx: Some(0),
            line_idx: Some(2),
            line: Some(12),
            line_before: None,
        }],
        hunks: vec![HunkExplanation { hunk_idx: 0, new_start: 10, share: None, factor: None }],
        edits: vec![edit],
        n_edits: 1,
    };
    let similar = SimilarChange {
        ordinal: 4,
        change_id: Some("0123456789abcdef0123456789abcdef01234567".into()),
        title: Some(evil.into()),
        landed_at: 1_769_601_600,
        outcome: PastOutcome::Reverted,
        occurred_at: 1_769_612_400,
        similarity: 0.7,
        why: vec!["the same key `backend.timeout`".into()],
        text: "reverted 3 hours after it landed; alike in the same key `backend.timeout`".into(),
    };
    let mut explanation = Explanation::of(None, &decision(Verdict::ExtraValidation), &[], None);
    explanation.headline = Headline {
        odds: Some("about 1 in 7 goes wrong within 14 days; typical here is 1 in 48".into()),
        rank: Some("riskier than 97 of 100 changes here: among the riskiest 5 % (gate level weekend)".into()),
        score: Some(0.14),
        base_rate: Some(0.021),
        percentile: Some(97.4),
        gate_level: Some(GateLevel::Weekend),
        ..explanation.headline
    };
    explanation.groups = vec![
        group(
            ReaderGroup::PastTrouble,
            0.8,
            "3 changes of the worst file went wrong (more than in 98 % of changes here)",
        ),
        group(ReaderGroup::Size, -0.3, "1 file touched"),
        group(ReaderGroup::Place, 0.01, "no paths name production"),
    ];
    let word = WordShare {
        word: "overload".into(),
        contribution: 0.4,
        factor: 1.5,
        text: "`overload` in an added line".into(),
    };
    let words = vec![word];
    explanation.diff = Some(DiffExplanation { n_files: 1, n_rescored: 1, files: vec![file], words });
    explanation.similar = Some(SimilarChanges {
        n_searched: 312,
        changes: vec![similar],
        text: "the nearest of 312 earlier changes that went wrong here".into(),
    });
    explanation.owners = vec!["@team".into()];
    explanation.notes = vec!["a note with *stars* and <b>".into()];
    explanation.page = Some("http://127.0.0.1:8080/decisions/1".into());
    explanation
}

#[test]
fn lines_for_a_terminal() {
    let text = terminal(&hostile(), Style::Plain);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    insta::assert_snapshot!(text);
}

#[test]
fn colors_are_the_only_difference() {
    let colored = terminal(&hostile(), Style::Color);
    let plain = colored.replace("\u{1b}[33m", "").replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
    assert!(colored != plain && plain == terminal(&hostile(), Style::Plain));
}

/// What is printed leads from the first line to the last: groups that each hardly matter may matter together.
#[test]
fn groups_that_hardly_matter_have_what_they_do_together() {
    let mut explanation = proposal("capacity.diff");
    for group in explanation.groups.iter_mut().take(3) {
        (group.direction, group.factor) = (Direction::Neither, 0.93);
    }
    let weak: Vec<f64> =
        explanation.groups.iter().filter(|group| !group.is_telling()).map(|group| group.factor).collect();
    let product: f64 = weak.iter().product();
    assert!(weak.len() > 1 && product < 0.9, "{weak:?}");
    let printed = terminal(&explanation, Style::Plain);
    let strength = format!("÷ {:.1} ", product.recip());
    assert!(printed.lines().any(|line| line.trim_start().starts_with(&strength)), "{printed}");
}

#[test]
fn markdown_for_a_comment() {
    insta::assert_snapshot!(markdown(&hostile()));
}

#[test]
fn sarif_for_code_scanning() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&sarif(&hostile())).unwrap());
}

#[test]
fn an_explanation_survives_writing_and_reading() {
    let explanation = proposal("timeout.diff");
    let text = serde_json::to_string(&explanation).unwrap();
    assert_eq!(serde_json::from_str::<Explanation>(&text).unwrap(), explanation);
}
