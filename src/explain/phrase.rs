//! A feature's value as a sentence. What has no phrase of its own is said by the feature's own sentence.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use rustc_hash::FxHashMap;

use crate::explain::numbers::{plain, span_hours, times, whole};
use crate::explain::phrasebook::{ALONE, ALONE_KEY, HARDLY, LEARNED, ONE, PHRASES, SHARES, UNKNOWN};
use crate::features::{FeatureSpec, Unit, is_custom, schema};
use crate::history::MAX_AUTHORS;
use crate::risk::Contribution;

/// Said of a group in which no value by itself speaks for what the group does.
pub(super) const NOTHING_STANDS_OUT: &str = "no single value stands out";

/// Stands for how a person's changes fared: pages are about files and services.
const PERSONS_RECORD: &str = "how the author's earlier changes turned out (shown to nobody)";

/// A contribution in plain words: what was read, and its value.
pub fn sentence(contribution: &Contribution) -> String {
    if is_of_a_person(&contribution.feature) {
        return PERSONS_RECORD.to_owned();
    }
    let spec = schema().spec(&contribution.feature);
    match spec {
        Some(spec) => of_feature(spec, contribution.value),
        None if contribution.feature == "tokens" => {
            "the words of the change and of its title, taken one by one".to_owned()
        }
        None if is_custom(&contribution.feature) => match contribution.value {
            Some(value) => [&contribution.feature, " is ", &plain(value)].concat(),
            None => format!("{} is not known", contribution.feature),
        },
        None => contribution.feature.to_string(),
    }
}

/// What an online learner makes of a change, by its rank here: its log-odds are no probabilities, and most changes
/// of a repository can lie on one side of zero.
pub(super) fn learned(contribution: &Contribution, rank: Option<f64>) -> Option<String> {
    let rank = rank.filter(|_| is_learned(&contribution.feature))?;
    let going_by = phrase(LEARNED, &contribution.feature)?;
    let (word, share) = if rank >= 0.5 { ("riskier", rank) } else { ("safer", 1.0 - rank) };
    let percent = whole((100.0 * share).floor());
    Some([going_by, " it is ", word, " than ", &percent, " % of changes here"].concat())
}

/// Whether a feature is what an online learner makes of a change.
pub(super) fn is_learned(feature: &str) -> bool {
    feature.starts_with("learned_")
}

/// Whether it says something that the value of a feature is unknown: that this is an author's first change here does,
/// "largest fall of a number: not known" does not.
pub(super) fn tells_when_unknown(spec: Option<&FeatureSpec>) -> bool {
    spec.is_none_or(|spec| phrase(UNKNOWN, spec.name).is_some() || is_of_a_person(spec.name))
}

/// A sentence about the many files or keys of a change, said of the only one.
pub(super) fn said_of_one(text: &str, is_one_file: bool, is_one_key: bool) -> String {
    static MANY: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let many = ALONE.iter().chain(ALONE_KEY).map(|(many, _)| many);
        let mut builder = AhoCorasick::builder();
        // They all begin alike, so a look for their beginnings first is of no use.
        let builder = builder.match_kind(MatchKind::LeftmostFirst).prefilter(false);
        let automaton = builder.kind(Some(AhoCorasickKind::DFA)).build(many);
        automaton.expect("a few words are no large automaton")
    });
    if !is_one_file && !is_one_key {
        return text.to_owned();
    }
    let (mut said, mut rest_at, mut looked_at) = (String::with_capacity(text.len()), 0, 0);
    while let Some(many) = MANY.find(Input::new(text).range(looked_at..)) {
        if !begins_word(text, many.start()) {
            looked_at = many.start() + 1;
            continue;
        }
        let idx = many.pattern().as_usize();
        let (is_one, alone) = match ALONE.get(idx) {
            Some((_, alone)) => (is_one_file, *alone),
            None => (is_one_key, ALONE_KEY[idx - ALONE.len()].1),
        };
        said.push_str(&text[rest_at..many.start()]);
        said.push_str(if is_one { alone } else { &text[many.span()] });
        (rest_at, looked_at) = (many.end(), many.end());
    }
    said + &text[rest_at..]
}

/// Whether a word, or what stands between words, begins at a place: "none of these files' changes" does not speak of "one of
/// these files".
fn begins_word(text: &str, at: usize) -> bool {
    let is_of_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    is_of_word(text[..at].chars().next_back()) != is_of_word(text[at..].chars().next())
}

/// Whether a feature tells how somebody's changes fared. The model may read it; nobody is told.
pub fn is_of_a_person(feature: &str) -> bool {
    let starts = ["author_", "domain_"].iter().any(|start| feature.starts_with(start));
    starts && (feature.contains("_bad") || feature.contains("_undone"))
}

fn of_feature(spec: &FeatureSpec, value: Option<f64>) -> String {
    let Some(value) = value else {
        return phrase(UNKNOWN, spec.name)
            .map_or_else(|| format!("{}: not known", lower_first(&subject(spec))), str::to_owned);
    };
    static BY_FEATURE: LazyLock<FxHashMap<&str, Phrase>> =
        LazyLock::new(|| PHRASES.iter().map(|(name, phrase)| (*name, Phrase::of(phrase))).collect());
    if let Some(phrase) = BY_FEATURE.get(spec.name) {
        let hardly = self::phrase(HARDLY, spec.name).filter(|_| value < 0.5);
        return hardly.map_or_else(|| phrase.filled(&shown(spec, value)), str::to_owned);
    }
    if spec.name == "time_weekday" {
        return format!("it was written on a {}", weekday(value));
    }
    let share = SHARES.iter().find_map(|(start, clause)| Some((spec.sentence.strip_prefix(start)?, clause)));
    if let Some((what, clause)) = share {
        return [&how_many(value), " ", clause, what].concat();
    }
    match spec.sentence.strip_prefix("Whether ") {
        Some(clause) if value > 0.5 => clause.to_owned(),
        Some(clause) => denied(clause),
        None => format!("{}: {}", lower_first(spec.sentence), shown(spec, value)),
    }
}

/// What a feature is about; a sentence that leans on the one before it is of no use alone.
fn subject(spec: &FeatureSpec) -> String {
    match spec.sentence.strip_prefix("Whether ") {
        Some(clause) => clause.to_owned(),
        None if spec.sentence.starts_with("The same") => spec.name.replace('_', " "),
        None => spec.sentence.to_owned(),
    }
}

/// A phrase, and what is said instead where its value is one.
struct Phrase {
    of_many: &'static str,
    /// What stands before and after the value; none in a phrase without one.
    around: Option<(&'static str, &'static str)>,
    of_one: Option<String>,
}

impl Phrase {
    fn of(of_many: &'static str) -> Self {
        let one = ONE.iter().find_map(|(many, one)| Some((of_many.split_once(many)?, one)));
        let of_one = one.map(|((before, after), one)| format!("{before}{one}{after}"));
        Self { of_many, around: of_many.split_once("{}"), of_one }
    }

    /// The phrase with a value in place.
    fn filled(&self, shown: &str) -> String {
        let shown = match (shown, &self.of_one) {
            ("1", Some(of_one)) => return of_one.clone(),
            ("100 %", _) => "all",
            ("0 %", _) => "none",
            (shown, _) => shown,
        };
        self.around.map_or_else(|| self.of_many.to_owned(), |(before, after)| [before, shown, after].concat())
    }
}

/// A value in its unit.
fn shown(spec: &FeatureSpec, value: f64) -> String {
    match spec.unit {
        Unit::Share => share_shown(value),
        // As many files of one size would be as far spread.
        Unit::Bits => plain(round_to(value.exp2())),
        // No more are remembered.
        Unit::Count if spec.name == "owner_authors_max" && value >= MAX_AUTHORS as f64 => {
            plain(value) + " or more"
        }
        Unit::Count if spec.name.contains("_recent") => plain(value.round()),
        Unit::Days => span_hours(24.0 * value),
        Unit::Hours if spec.name != "time_hour" => span_hours(value),
        Unit::LogRatio if spec.name.ends_with("_lift") || spec.name.contains("_lift_") => how_often(value),
        Unit::LogRatio => times(value.exp()) + " times",
        _ => plain(round_to(value)),
    }
}

/// A share in percent; what is not all, and what is not nothing, does not read so.
fn share_shown(value: f64) -> String {
    let shown = plain(round_to(100.0 * value));
    match shown.as_str() {
        "100" if value < 1.0 => "nearly 100 %".to_owned(),
        "0" if value > 0.0 => "less than 0.1 %".to_owned(),
        shown => [shown, " %"].concat(),
    }
}

/// A logarithm of a ratio that is nearer to zero is no more and no less than usual.
pub(super) const AS_USUAL: f64 = 0.05;

fn how_often(log_ratio: f64) -> String {
    match log_ratio {
        ratio if ratio > AS_USUAL => times(ratio.exp()) + " times as often as usual",
        ratio if ratio < -AS_USUAL => times(ratio.exp()) + " times less often than usual",
        _ => "as often as usual".to_owned(),
    }
}

fn how_many(share: f64) -> String {
    match share {
        s if s <= 0.0 => "no".to_owned(),
        s if s >= 1.0 => "all".to_owned(),
        s => plain(round_to(100.0 * s)) + " % of the",
    }
}

/// A clause with its first verb denied.
fn denied(clause: &str) -> String {
    let verbs = [
        (" speaks ", " does not speak "),
        (" changes ", " does not change "),
        (" is ", " is not "),
        (" was ", " was not "),
        (" are ", " are not "),
        (" holds ", " does not hold "),
        (" starts ", " does not start "),
        (" says ", " does not say "),
        (" exactly undoes ", " does not exactly undo "),
        (" landed ", " did not land "),
        (" reads ", " does not read "),
    ];
    let first = clause.match_indices(' ').find_map(|(at, _)| {
        let (before, rest) = clause.split_at(at);
        let denied = |(verb, not): &(&str, &'static str)| Some((before, *not, rest.strip_prefix(verb)?));
        verbs.iter().find_map(denied)
    });
    first.map_or_else(|| format!("{clause}: no"), |(before, not, rest)| [before, not, rest].concat())
}

/// One digit after the point where the whole is small, none else.
fn round_to(value: f64) -> f64 {
    if value.abs() >= 10.0 { value.round() } else { (value * 10.0).round() / 10.0 }
}

fn weekday(value: f64) -> &'static str {
    let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let nearest = days.into_iter().zip(0..).find(|(_, day)| (value - f64::from(*day)).abs() < 0.5);
    nearest.map_or("day that is not known", |(day, _)| day)
}

fn phrase(phrases: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    phrases.iter().find(|(feature, _)| *feature == name).map(|(_, phrase)| *phrase)
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return String::new() };
    let mut lowered = String::with_capacity(text.len());
    lowered.extend(first.to_lowercase());
    lowered.push_str(chars.as_str());
    lowered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(feature: &'static str, value: Option<f64>) -> String {
        sentence(&Contribution { feature: feature.into(), group: "".into(), value, contribution: 0.1 })
    }

    #[test]
    fn values_are_said_in_plain_words() {
        let cases = [
            (
                "file_bad_lift_max",
                Some(0.6),
                "changes of the worst file went wrong 1.8 times as often as usual",
            ),
            ("file_bad_age_days", None, "no change of these files is known to have gone wrong"),
            ("file_age_min_hours", Some(9_888.0), "these files were last changed 412 days ago"),
            ("kind_yaml", Some(0.5), "50 % of the files are YAML"),
            ("learned_slow", Some(1.0), "what all outcomes so far taught of such words, places and people"),
            ("place_identity", Some(0.0), "no paths name identity or permissions"),
            ("word_fix", Some(0.0), "the title does not speak of a fix"),
            ("time_weekend", Some(0.0), "it was not written on a Saturday or Sunday"),
            ("time_weekday", Some(4.0), "it was written on a Friday"),
            ("size_files", Some(3.0), "3 files touched"),
            ("x.oncall_load", Some(3.0), "x.oncall_load is 3"),
            ("x.oncall_load", None, "x.oncall_load is not known"),
            ("size_files", Some(1.0), "1 file touched"),
            ("size_files", Some(21.0), "21 files touched"),
            ("author_changes", Some(1.0), "the author changed this repository once before"),
            ("partner_missing_count", Some(1.0), "1 file that usually comes along is absent"),
            ("author_bad", Some(4.0), PERSONS_RECORD),
            ("domain_bad_lift", None, PERSONS_RECORD),
            ("key_secrets", Some(1.0), "1 edit looks like a secret"),
            ("line_back_share", Some(1.0), "all of the added lines were deleted from the file before"),
            (
                "line_back_share",
                Some(0.9999),
                "nearly 100 % of the added lines were deleted from the file before",
            ),
            ("owner_new_files_share", Some(0.0), "none of the files known here are new to the author"),
            ("author_recent", Some(0.1), "the author landed hardly any changes lately"),
            ("author_recent", Some(9.6), "the author landed about 10 changes lately"),
            ("size_entropy", Some(2.0), "the changed lines are spread as over 4 files of the same size"),
        ];
        for (feature, value, expected) in cases {
            assert_eq!(said(feature, value), expected);
        }
    }

    #[test]
    fn of_one_thing_nothing_is_said_in_the_plural() {
        let counted = schema().features.iter().filter(|spec| spec.unit == Unit::Count);
        for spec in counted {
            let text = said(spec.name, Some(1.0));
            let after_one =
                text.split("1 ").nth(1).filter(|_| text.starts_with("1 ") || text.contains(" 1 "));
            let noun = after_one.and_then(|rest| rest.split(' ').next()).unwrap_or("");
            assert!(!noun.ends_with('s') && !noun.ends_with("people"), "{}: {text}", spec.name);
        }
    }

    #[test]
    fn every_phrase_belongs_to_a_feature_and_no_sentence_leans_on_another() {
        let names: Vec<&str> = schema().features.iter().map(|spec| spec.name).collect();
        for (name, _) in PHRASES.iter().chain(UNKNOWN) {
            assert!(names.contains(name), "{name} is no feature");
        }
        for spec in &schema().features {
            for value in [Some(0.0), Some(0.5), Some(1.0), Some(40.0), None] {
                let text = said(spec.name, value);
                assert!(
                    !text.contains("the same, ") && !text.contains("{}") && !text.contains("whether"),
                    "{text}"
                );
            }
        }
    }
}
