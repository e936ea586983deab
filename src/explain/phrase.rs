//! A feature's value as a sentence. What has no phrase of its own is said by the feature's own sentence.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use rustc_hash::FxHashMap;

use crate::explain::numbers::{plain, span_hours, times};
use crate::features::{FeatureSpec, Unit, is_custom, schema};
use crate::risk::Contribution;

/// Phrases by feature; `{}` is the value in its unit. A rate against the base rate reads "1.8 times as
/// often as usual".
const PHRASES: &[(&str, &str)] = &[
    ("author_changes", "the author changed this repository {} times before"),
    ("author_gap_hours", "the author's last change here was {} ago"),
    ("author_here", "the author changed this top directory {} times before"),
    ("author_here_share", "{} of the author's changes fell into this top directory"),
    ("author_last_day", "the author landed {} changes in the last day"),
    ("author_last_hour", "the author landed {} changes in the last hour"),
    ("author_recent", "the author landed {} changes lately (halved every 30 days)"),
    ("author_tenure_days", "the author's first change here was {} ago"),
    ("context_bad_age_days", "the last unplanned revert or incident here was {} ago"),
    ("context_bad_day", "{} unplanned reverts and incidents in the last day"),
    ("context_bad_quarter", "{} unplanned reverts and incidents in the last 90 days"),
    ("context_bad_week", "{} unplanned reverts and incidents in the last week"),
    ("context_base_rate", "{} of the changes here went wrong so far"),
    ("context_gap_hours", "the last change here was {} ago"),
    ("context_last_day", "{} changes here in the last day"),
    ("context_last_hour", "{} changes here in the last hour"),
    ("context_last_week", "{} changes here in the last week"),
    ("dir_age_min_hours", "these directories were last changed {} ago"),
    ("dir_bad_age_days", "a change in these directories went wrong {} ago"),
    ("dir_bad_recent_lift", "changes in these directories lately went wrong {}"),
    ("dir_changes_second", "{} earlier changes in the busiest directory of depth two"),
    ("dir_changes_third", "{} earlier changes in the busiest directory of depth three"),
    ("dir_changes_third_min", "{} earlier changes in the quietest directory"),
    ("dir_changes_top", "{} earlier changes in the busiest top directory"),
    ("dir_second_bad_lift", "changes in the worst directory of depth two went wrong {}"),
    ("dir_third_bad_lift", "changes in the worst directory of depth three went wrong {}"),
    ("dir_top_bad_lift", "changes in the worst top directory went wrong {}"),
    ("dir_top_last_day", "{} changes in the top directory in the last day"),
    ("extension_bad_lift", "changes of files of this type went wrong {}"),
    ("file_age_max_hours", "the file untouched longest was last changed {} ago"),
    ("file_age_min_hours", "these files were last changed {} ago"),
    ("file_bad", "{} changes of the worst file went wrong (halved every year)"),
    ("file_bad_age_days", "a change of these files went wrong {} ago"),
    ("file_bad_lift_max", "changes of the worst file went wrong {}"),
    ("file_bad_lift_mean", "changes of these files went wrong {}"),
    ("file_last_undid_share", "{} of the known files were last changed to undo something"),
    ("learned_fast", "what the newest outcomes taught of such words, places and people"),
    ("learned_slow", "what all outcomes so far taught of such words, places and people"),
    ("line_age_min_hours", "the youngest deleted line was added {} ago"),
    ("line_back_age_days", "a line that comes back was deleted {} ago"),
    ("line_back_share", "{} of the added lines were deleted from the file before"),
    ("line_fresh_share", "{} of the deleted lines were added within the last 14 days"),
    ("ticket_bad_age_days", "a change that names the same ticket went wrong {} ago"),
    ("ticket_bad_lift", "changes that name the same ticket went wrong {}"),
    ("ticket_seen", "{} earlier changes name the same ticket"),
    ("file_bad_recent_lift", "changes of the worst file lately went wrong {}"),
    ("file_changes_max", "the busiest file was changed {} times before"),
    ("file_changes_mean", "these files were changed {} times before, on average"),
    ("file_changes_min", "the quietest file was changed {} times before"),
    ("file_fixup_hours", "the author last changed one of these files {} ago"),
    ("file_life_hours", "the youngest file was first seen {} ago"),
    ("file_recent_max", "the busiest file was changed {} times lately (halved every 30 days)"),
    ("file_relative_churn", "{} of a file's lines change"),
    ("file_undone_lift", "changes of the worst file were undone {}"),
    ("file_unknown_share", "{} of the files were never seen before"),
    ("first_words_bad_lift", "changes whose title starts alike went wrong {}"),
    ("first_words_seen", "{} earlier changes whose title starts alike"),
    ("key_age_max_days", "the key untouched longest was last edited {} ago"),
    ("key_age_min_days", "these keys were last edited {} ago"),
    ("key_bad", "{} edits of the worst key went wrong (halved every year)"),
    ("key_bad_lift_max", "edits of the worst key went wrong {}"),
    ("key_comment_share", "{} of the changed lines are comments or white space"),
    ("key_default_share", "{} of the edits stand in a default or global block"),
    ("key_edits", "{} keys edited, added or removed"),
    ("key_known_share", "{} of the edited keys were edited before"),
    ("key_leaf_touches", "the rarest key name was edited {} times before, in any file"),
    ("key_production_share", "{} of the edits name production"),
    ("key_repeated_share", "{} of the edits repeat another edit of this change"),
    ("key_touches_max", "the key edited most often was edited {} times before"),
    ("leaf_bad_lift_max", "edits of the worst key name, in any file, went wrong {}"),
    ("leaf_bad_lift_mean", "edits of these key names, in any file, went wrong {}"),
    ("owner_author_changes", "the author changed these files {} times before, on average"),
    ("owner_author_share", "{} of these files' earlier changes are by the author"),
    ("owner_author_share_min", "{} of the earlier changes of the least known file are by the author"),
    ("owner_authors_max", "{} people changed the file with the most authors"),
    ("owner_is_last", "{} of the files were last changed by the author"),
    ("owner_is_top", "{} of the files are the author's more than anybody's"),
    ("owner_new_files_share", "{} of the known files were never touched by the author"),
    ("owner_top_share", "{} of these files' earlier changes are by whoever changed them most"),
    ("partner_missing", "a file that came along in {} of the earlier changes is absent"),
    ("partner_missing_count", "{} files that usually come along are absent"),
    ("partner_present", "a file that came along in {} of the earlier changes is present"),
    ("dir_recent_max", "the busiest directory was changed {} times lately (halved every 30 days)"),
    ("file_lines_max", "the longest file has {} lines, as far as history shows"),
    ("file_unknown", "{} files were never seen before"),
    ("key_depth_max", "the deepest edited key has {} parts"),
    ("key_duration_ratio", "time spans change {} on average"),
    ("key_flags_off", "{} switches are turned off"),
    ("key_flags_on", "{} switches are turned on"),
    ("key_from_zero", "{} numbers are raised from zero"),
    ("key_leaf_recent", "the busiest key name was edited {} times lately (halved every 30 days)"),
    ("key_leaves", "{} different key names are edited"),
    ("key_magnitude", "the largest numeric edit differs {} from the usual step of its key"),
    ("key_numbers_down", "{} numbers, spans and sizes are lowered"),
    ("key_numbers_up", "{} numbers, spans and sizes are raised"),
    ("key_percent_step", "a percentage moves by {} points"),
    ("key_ratio_down", "a number falls {}"),
    ("key_ratio_up", "a number rises {}"),
    ("key_repeats", "{} keys are edited exactly as in their last edit"),
    ("key_to_zero", "{} numbers are set to zero"),
    ("key_undoes", "{} keys are set back to the value before their last edit"),
    ("key_value_length", "the longest new value has {} characters"),
    ("message_body_length", "{} characters are written below the title"),
    ("message_body_lines", "{} lines are written below the title"),
    ("message_marks", "{} question and exclamation marks stand in the title"),
    ("message_title_length", "the title has {} characters"),
    ("message_words", "the title has {} words"),
    ("partner_strange", "{} pairs of known files never changed together before"),
    ("place_depth_max", "the deepest file lies {} directories down"),
    ("place_depth_min", "the shallowest file lies {} directories down"),
    ("size_entropy", "the changed lines are spread over the files (entropy {})"),
    ("size_files_binary", "{} binary files"),
    ("size_files_deleted", "{} files are deleted"),
    ("size_files_renamed", "{} files are renamed"),
    ("title_seen", "{} earlier changes have the very same title"),
    ("size_deleted_share", "{} of the changed lines are deleted"),
    ("size_dirs", "{} directories touched"),
    ("size_files", "{} files touched"),
    ("size_files_new", "{} new files"),
    ("size_hunks", "{} separate places edited"),
    ("size_largest_file", "{} changed lines in the file changed most"),
    ("size_lines", "{} lines added and deleted"),
    ("size_lines_added", "{} lines added"),
    ("size_lines_deleted", "{} lines deleted"),
    ("size_top_dirs", "{} top directories touched"),
    ("template_bad_age_days", "a change described alike went wrong {} ago"),
    ("template_bad_lift", "changes described alike went wrong {}"),
    ("template_seen", "{} earlier changes are described alike"),
    ("template_undone_lift", "changes described alike were undone {}"),
    ("time_hour", "it was written at {} o'clock by the author's clock"),
    ("time_usual", "{} of the changes here are written at about this time of day"),
    ("token_lift_added", "changes that add such words went wrong {}"),
    ("token_lift_bottom", "changes with its five safest words went wrong {}"),
    ("token_lift_deleted", "changes that delete such words went wrong {}"),
    ("token_lift_mean", "changes with such words went wrong {}"),
    ("token_lift_message", "changes with such words in the title went wrong {}"),
    ("token_lift_message_max", "changes with the worst word of its title went wrong {}"),
    ("token_lift_path", "changes with such words in the paths went wrong {}"),
    ("token_lift_top", "changes with its five worst words went wrong {}"),
    ("token_new_share", "{} of the words were never seen here"),
    ("token_rare_share", "{} of the words were seen less than five times here"),
];

/// What is said of a change of just one file or one key, where the phrase speaks of many.
const ALONE: &[(&str, &str)] = &[
    ("the worst file", "the file"),
    ("the busiest file", "the file"),
    ("the quietest file", "the file"),
    ("the youngest file", "the file"),
    ("the deepest file", "the file"),
    ("the shallowest file", "the file"),
    ("the least known file", "the file"),
    ("the file with the most authors", "the file"),
    ("the file untouched longest", "the file"),
    ("the file changed most", "the file"),
    ("these files'", "the file's"),
    ("these files were", "the file was"),
    ("one of these files", "the file"),
    ("these files", "the file"),
    ("a file's lines", "its lines"),
];
/// The same for keys.
const ALONE_KEY: &[(&str, &str)] = &[
    ("the worst key name", "the key's name"),
    ("the worst key", "the key"),
    ("the rarest key name", "the key's name"),
    ("the key edited most often", "the key"),
    ("the key untouched longest", "the key"),
    ("these keys were", "the key was"),
    ("these key names", "the key's name"),
];

/// What an unknown value means, where that says something.
const UNKNOWN: &[(&str, &str)] = &[
    ("author_gap_hours", "this is the author's first change here"),
    ("author_tenure_days", "this is the author's first change here"),
    ("context_bad_age_days", "nothing is known to have gone wrong here"),
    ("dir_bad_age_days", "nothing in these directories is known to have gone wrong"),
    ("file_bad_age_days", "no change of these files is known to have gone wrong"),
    ("file_fixup_hours", "somebody else changed these files last"),
    ("template_bad_age_days", "no change described alike is known to have gone wrong"),
];

/// How a phrase speaks of just one.
const ONE: &[(&str, &str)] = &[
    ("{} times", "once"),
    ("{} changes", "1 change"),
    ("{} changed lines", "1 changed line"),
    ("{} directories", "just one directory"),
    ("{} earlier changes are", "1 earlier change is"),
    ("{} binary files", "1 binary file"),
    ("{} characters are", "1 character is"),
    ("{} characters", "1 character"),
    ("{} different key names are", "1 key name is"),
    ("{} earlier changes have", "1 earlier change has"),
    ("{} earlier changes name", "1 earlier change names"),
    ("{} files are", "1 file is"),
    ("{} files were", "1 file was"),
    ("{} keys are edited exactly as in their", "1 key is edited exactly as in its"),
    ("{} keys are set back to the value before their", "1 key is set back to the value before its"),
    ("{} lines are", "1 line is"),
    ("{} numbers, spans and sizes are", "1 number, span or size is"),
    ("{} numbers are", "1 number is"),
    ("{} pairs of known files", "1 pair of known files"),
    ("{} parts", "1 part"),
    ("{} points", "1 point"),
    ("{} question and exclamation marks stand", "1 question or exclamation mark stands"),
    ("{} switches are", "1 switch is"),
    ("{} words", "1 word"),
    ("{} earlier changes", "1 earlier change"),
    ("{} edits", "1 edit"),
    ("{} files that usually come along are", "1 file that usually comes along is"),
    ("{} files", "1 file"),
    ("{} keys", "1 key"),
    ("{} lines", "1 line"),
    ("{} new files", "1 new file"),
    ("{} people", "1 person"),
    ("{} separate places", "1 place"),
    ("{} top directories", "just one top directory"),
    ("{} unplanned reverts and incidents", "1 unplanned revert or incident"),
];

/// Whole sentences turned into clauses: what a share is of.
const SHARES: &[(&str, &str)] = &[
    ("Share of the files that are ", "files are "),
    ("Share of the files whose path names ", "paths name "),
    ("Share of the edited keys about ", "edited keys are about "),
];

/// Said of a group in which no value by itself speaks for what the group does.
pub(super) const NOTHING_STANDS_OUT: &str = "no single value stands out";

/// Stands for how a person's changes fared: pages are about files and services.
const PERSONS_RECORD: &str = "how earlier changes from the same hand fared, which is told of nobody";

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
            Some(value) => format!("{} is {}", contribution.feature, plain(value)),
            None => format!("{} is not known", contribution.feature),
        },
        None => contribution.feature.to_string(),
    }
}

/// What an online learner makes of a change, by its rank here: its log-odds are no probabilities, and most changes
/// of a repository can lie on one side of zero.
pub(super) fn learned(contribution: &Contribution, rank: Option<f64>) -> Option<String> {
    let rank = rank.filter(|_| is_learned(&contribution.feature))?;
    let (word, share) = if rank >= 0.5 { ("riskier", rank) } else { ("safer", 1.0 - rank) };
    let share = (100.0 * share).floor();
    Some(format!("{} ranks it {word} than {share:.0} % of changes here", sentence(contribution)))
}

/// Whether a feature is what an online learner makes of a change.
pub(super) fn is_learned(feature: &str) -> bool {
    feature.starts_with("learned_")
}

/// Whether it says something that a value is unknown: that this is an author's first change here does, "largest
/// fall of a number: not known" does not.
pub(super) fn tells_when_unknown(feature: &str) -> bool {
    schema().position(feature).is_none() || phrase(UNKNOWN, feature).is_some() || is_of_a_person(feature)
}

/// A sentence about the many files or keys of a change, said of the only one.
pub(super) fn said_of_one(text: &str, is_one_file: bool, is_one_key: bool) -> String {
    static MANY: LazyLock<Regex> = LazyLock::new(|| {
        let alternatives: Vec<&str> = ALONE.iter().chain(ALONE_KEY).map(|(many, _)| *many).collect();
        Regex::new(&alternatives.join("|")).expect("plain words are a regular expression")
    });
    let said = |found: &Captures<'_>| {
        let of_file = phrase(ALONE, &found[0]).filter(|_| is_one_file);
        let of_key = || phrase(ALONE_KEY, &found[0]).filter(|_| is_one_key);
        of_file.or_else(of_key).map_or_else(|| found[0].to_owned(), str::to_owned)
    };
    if is_one_file || is_one_key { MANY.replace_all(text, said).into_owned() } else { text.to_owned() }
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
    static BY_FEATURE: LazyLock<FxHashMap<&str, &str>> = LazyLock::new(|| PHRASES.iter().copied().collect());
    if let Some(phrase) = BY_FEATURE.get(spec.name) {
        return filled(phrase, &shown(spec, value));
    }
    if spec.name == "time_weekday" {
        return format!("it was written on a {}", weekday(value));
    }
    let share = SHARES.iter().find_map(|(start, clause)| Some((spec.sentence.strip_prefix(start)?, clause)));
    if let Some((what, clause)) = share {
        return format!("{} {clause}{what}", how_many(value));
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

/// A phrase with its value in place.
fn filled(phrase: &str, shown: &str) -> String {
    let one = || ONE.iter().find_map(|(many, one)| Some((phrase.split_once(many)?, one)));
    match (shown == "1").then(one).flatten() {
        Some(((before, after), one)) => format!("{before}{one}{after}"),
        None => phrase.replacen("{}", shown, 1),
    }
}

/// A value in its unit.
fn shown(spec: &FeatureSpec, value: f64) -> String {
    match spec.unit {
        Unit::Share => format!("{} %", plain(round_to(100.0 * value))),
        Unit::Days => span_hours(24.0 * value),
        Unit::Hours if spec.name != "time_hour" => span_hours(value),
        Unit::LogRatio if spec.name.ends_with("_lift") || spec.name.contains("_lift_") => how_often(value),
        Unit::LogRatio => format!("{} times", times(value.exp())),
        _ => plain(round_to(value)),
    }
}

/// A logarithm of a ratio that is nearer to zero is no more and no less than usual.
pub(super) const AS_USUAL: f64 = 0.05;

fn how_often(log_ratio: f64) -> String {
    match log_ratio {
        ratio if ratio > AS_USUAL => format!("{} times as often as usual", times(ratio.exp())),
        ratio if ratio < -AS_USUAL => format!("{} times less often than usual", times(ratio.exp())),
        _ => "as often as usual".to_owned(),
    }
}

fn how_many(share: f64) -> String {
    match share {
        s if s <= 0.0 => "no".to_owned(),
        s if s >= 1.0 => "all".to_owned(),
        s => format!("{} % of the", plain(round_to(100.0 * s))),
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
    let first = verbs.iter().filter_map(|(verb, not)| Some((clause.find(verb)?, verb, not))).min();
    match first {
        Some((at, verb, not)) => {
            let rest = clause.get(at + verb.len()..).unwrap_or("");
            format!("{}{not}{rest}", clause.get(..at).unwrap_or(""))
        }
        None => format!("{clause}: no"),
    }
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
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
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
            ("key_secrets", Some(0.0), "edits of something that looks like a secret: 0"),
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
