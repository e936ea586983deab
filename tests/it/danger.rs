//! What the tests of hazards share: the pairs, their changes, hazards and margins.

use std::collections::BTreeSet;

use diffrisk::artifact::published;
use diffrisk::change::{Change, ChangeId, ChangeRecord, Moment, key_changes, parse_diff};
use diffrisk::policy::find_hazards;
use diffrisk::scorer::Scorer;
use diffrisk::timeline::{Sources, Timeline};
use serde::Deserialize;

const PAIRS: &str = include_str!("danger/pairs.jsonl");

/// A Wednesday, 2026-06-03T10:00:00Z.
const MOMENT: i64 = 1_780_480_800;

/// Pairs that somebody wrote who had not seen the rules.
const SECOND: &str = include_str!("danger/second.jsonl");

/// Pairs that somebody else wrote who had not seen the rules either, in two halves.
const THIRD: &str = include_str!("danger/third.jsonl");

/// As the third, by yet somebody else.
const FOURTH: &str = include_str!("danger/fourth.jsonl");

/// As the fourth, by yet somebody else.
const FIFTH: &str = include_str!("danger/fifth.jsonl");

/// As the fourth, of the kinds that people name first, by two others.
const SIXTH: &str = include_str!("danger/sixth.jsonl");

/// As the sixth, by two others again, after incidents they had seen.
const SEVENTH: &str = include_str!("danger/seventh.jsonl");

/// As the seventh, by two others again, of many kinds.
const EIGHTH: &str = include_str!("danger/eighth.jsonl");

/// A dangerous and a harmless diff.
#[derive(Deserialize)]
pub struct Pair {
    pub index: usize,
    #[serde(default)]
    pub half: String,
    pub kind: String,
    pub format: String,
    pub dangerous: String,
    pub harmless: String,
}

pub fn pairs() -> Vec<Pair> {
    // The values that stand for secrets are put together here, so that no file holds one.
    let password = ["tr0ub4dor", "And3"].concat();
    let aws_key = ["AKIA", "Q3EGXAMW", "7ZPLT2RB"].concat();
    let read = |line: &str| {
        serde_json::from_str(&line.replace("@PASSWORD@", &password).replace("@AWS_KEY@", &aws_key)).unwrap()
    };
    PAIRS.lines().map(read).collect()
}

/// The second suite.
pub fn second_pairs() -> Vec<Pair> {
    unmasked(SECOND)
}

/// The third suite.
pub fn third_pairs() -> Vec<Pair> {
    unmasked(THIRD)
}

/// The fourth suite.
pub fn fourth_pairs() -> Vec<Pair> {
    unmasked(FOURTH)
}

/// The fifth suite.
pub fn fifth_pairs() -> Vec<Pair> {
    unmasked(FIFTH)
}

/// The sixth suite.
pub fn sixth_pairs() -> Vec<Pair> {
    unmasked(SIXTH)
}

/// The seventh suite.
pub fn seventh_pairs() -> Vec<Pair> {
    unmasked(SEVENTH)
}

/// The eighth suite.
pub fn eighth_pairs() -> Vec<Pair> {
    unmasked(EIGHTH)
}

/// Pairs in whose lines `~~` stands inside of what would else be a secret.
fn unmasked(lines: &str) -> Vec<Pair> {
    lines.lines().map(|line| serde_json::from_str(&line.replace("~~", "")).unwrap()).collect()
}

pub fn record_of(diff: &str) -> ChangeRecord {
    parse_diff(diff.as_bytes()).unwrap()
}

/// The names of the rules that fire.
pub fn hazards(record: &ChangeRecord) -> BTreeSet<&'static str> {
    let files = record.files.iter();
    let keys: Vec<_> = files.map(|file| (file.path().to_owned(), key_changes(file))).collect();
    find_hazards(record, &keys, None, &BTreeSet::new()).iter().map(|hazard| hazard.rule.name).collect()
}

pub fn change_of(record: ChangeRecord) -> Change {
    Change {
        id: ChangeId(String::new()),
        author: "Ada <ada@example.org>".to_owned(),
        message: "Update configuration".to_owned(),
        merged_messages: Vec::new(),
        authored_at: Moment { unix_seconds: MOMENT, offset_minutes: 0 },
        committed_at: MOMENT,
        merged: Vec::new(),
        record: record.into(),
    }
}

/// What the published artifact says of changes in a repository that it knows nothing of.
pub struct Cold {
    scorer: Scorer,
    timeline: Timeline,
}

impl Cold {
    pub fn new() -> Self {
        Self {
            scorer: Scorer::new(published().unwrap()).unwrap(),
            timeline: Timeline::new(Sources::default()),
        }
    }

    pub fn margin(&self, record: &ChangeRecord) -> f64 {
        let asked = self.timeline.ask(&change_of(record.clone()));
        let tokens = asked.extracted.tokens();
        self.scorer.margin(&asked.extracted.vector, &tokens)
    }
}
