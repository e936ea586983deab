//! Which values of a group an explanation names, and in what words. Start at [`leading`].

use crate::explain::numbers::whole;
use crate::explain::phrase::{
    AS_USUAL, is_learned, is_of_a_person, learned, said_of_one, sentence, tells_when_unknown,
};
use crate::explain::value::LeadingValue;
use crate::features::{FeatureSpec, Group, Trend, Unit, schema};
use crate::risk::Contribution;

/// Values named of one group, at most.
const N_VALUES: usize = 2;

/// The vector behind the contributions, and whether it is of one file, and of one key.
#[derive(Clone, Copy)]
pub(super) struct Read<'a> {
    vector: &'a [f32],
    is_one_file: bool,
    is_one_key: bool,
}

impl<'a> Read<'a> {
    pub(super) fn of(vector: &'a [f32]) -> Self {
        let is_one = |feature| {
            let value = schema().position(feature).and_then(|idx| vector.get(idx));
            value.is_some_and(|value| *value == 1.0)
        };
        Self { vector, is_one_file: is_one("size_files"), is_one_key: is_one("key_edits") }
    }
}

/// The contributions that say most, in words: those that point where the group points and weigh at least a tenth
/// of the first. They come by their magnitude, the largest first, and stay so.
pub(super) fn leading(contributions: &[&Contribution], total: f64, read: Read<'_>) -> Vec<LeadingValue> {
    let agrees = |it: &&Contribution| {
        it.contribution * total > 0.0 && {
            let spec = schema().spec(&it.feature);
            let says_something = it.value.is_some() || tells_when_unknown(spec);
            says_something && !is_mere_absence(it, spec) && !contradicts(it, spec, total, read.vector)
        }
    };
    let mut rest = contributions.iter().copied().skip_while(|it| !agrees(it));
    let Some(first) = rest.next() else { return Vec::new() };
    let least = first.contribution.abs() / 10.0;
    let weighty = rest.take_while(|it| it.contribution.abs() >= least).filter(agrees);
    let present = std::iter::once(first).chain(weighty).filter(|it| it.value != Some(0.0));
    let (mut all_said, mut told) = (Vec::with_capacity(N_VALUES), Vec::new());
    for it in present {
        if let Some(one_thing) = OneThing::of(&it.feature) {
            if told.contains(&one_thing) {
                continue;
            }
            told.push(one_thing);
        }
        let said = Said::of(it, read);
        // The busiest of one file is also its quietest, how unusual either is.
        if !all_said.iter().any(|before: &Said<'_>| before.what == said.what) {
            all_said.push(said);
        }
        if all_said.len() == N_VALUES {
            break;
        }
    }
    // What is absent is named only where nothing that is there can be.
    if all_said.is_empty() {
        all_said.push(Said::of(first, read));
    }
    all_said.into_iter().map(Said::into_leading).collect()
}

/// What several features tell, and is told once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OneThing {
    /// How a person's changes fared, which is not told.
    Person,
    /// How deep the files stand.
    Depth,
    /// What two learners make of the same outcomes.
    Learned,
}

impl OneThing {
    fn of(feature: &str) -> Option<Self> {
        match feature {
            "place_depth_max" | "place_depth_min" => Some(Self::Depth),
            feature if is_learned(feature) => Some(Self::Learned),
            feature => is_of_a_person(feature).then_some(Self::Person),
        }
    }
}

/// Whether a value says only what kind of file, place or edit is not there: that no file is a plain list, and no
/// line moved, tells nobody anything.
fn is_mere_absence(contribution: &Contribution, spec: Option<&FeatureSpec>) -> bool {
    let is_of_diff = |spec: &FeatureSpec| match spec.group {
        Group::Kind => true,
        Group::Size | Group::KeyEdits | Group::Key => spec.unit == Unit::Count,
        // Of keys, too, though an outcome.
        _ => spec.name == "key_bad",
    };
    contribution.value == Some(0.0) && spec.is_some_and(is_of_diff)
}

/// Whether a value's own words speak against the group, though the model counts it for it: "went wrong
/// less often than usual" in a group that raises the odds, because the model expects even less of most. "As often
/// as usual" speaks for nothing.
fn contradicts(contribution: &Contribution, spec: Option<&FeatureSpec>, total: f64, vector: &[f32]) -> bool {
    if contribution.feature == "context_base_rate" {
        return rank_of(&contribution.feature, vector).is_some_and(|rank| (rank >= 0.5) != (total > 0.0));
    }
    let Some(spec) = spec.filter(|spec| spec.group == Group::Outcomes && !is_of_a_person(spec.name)) else {
        return false;
    };
    let is_bad = match (spec.unit, contribution.value) {
        // How long ago something went wrong: unknown says that nothing did.
        (Unit::Days | Unit::Hours, value) if total > 0.0 => value.is_some(),
        (Unit::LogRatio, Some(value)) if value.abs() <= AS_USUAL => return true,
        (Unit::LogRatio, Some(value)) => value > AS_USUAL,
        (Unit::LogOdds, Some(_)) => match rank_of(spec.name, vector) {
            // Nor does a place near the middle.
            Some(rank) if (0.4..0.6).contains(&rank) => return true,
            Some(rank) => rank >= 0.5,
            None => return false,
        },
        // How many went wrong; of how many were seen, more is neither good nor bad.
        (Unit::Count, Some(value)) if spec.trend == Trend::Rising => value > 0.0,
        _ => return false,
    };
    is_bad != (total > 0.0)
}

/// Whether a rank would speak against the words: "less often than usual (more than in 96 % of changes here)".
fn speaks_against(contribution: &Contribution, rank: Option<f64>) -> bool {
    let is_ratio = schema().spec(&contribution.feature).is_some_and(|spec| spec.unit == Unit::LogRatio);
    let value = contribution.value.filter(|_| is_ratio);
    value.zip(rank).is_some_and(|(value, rank)| (value > 0.0) != (rank >= 0.5))
}

/// A value in words, and apart from them how unusual it is.
struct Said<'a> {
    contribution: &'a Contribution,
    what: String,
    rank: Option<f64>,
    is_rank_told: bool,
}

impl<'a> Said<'a> {
    fn of(contribution: &'a Contribution, read: Read<'_>) -> Self {
        // An hour is neither much nor little.
        let is_ranked = !is_of_a_person(&contribution.feature) && contribution.feature != "time_hour";
        let rank = rank_of(&contribution.feature, read.vector).filter(|_| is_ranked);
        let learned = learned(contribution, rank);
        // What was learned is nothing but a rank.
        let is_rank_told = learned.is_none() && !speaks_against(contribution, rank);
        let what = learned.unwrap_or_else(|| sentence(contribution));
        let what = said_of_one(&what, read.is_one_file, read.is_one_key);
        Self { contribution, what, rank, is_rank_told }
    }

    fn into_leading(self) -> LeadingValue {
        let unusual = self.rank.filter(|_| self.is_rank_told).and_then(unusual).unwrap_or_default();
        LeadingValue {
            feature: self.contribution.feature.to_string(),
            value: self.contribution.value,
            rank: self.rank,
            contribution: self.contribution.contribution,
            text: self.what + &unusual,
        }
    }
}

/// " (more than in 94 % of changes here)", of what is among the largest or smallest tenth.
fn unusual(rank: f64) -> Option<String> {
    let (word, share) = match rank {
        rank if rank >= 0.9 => ("more", rank),
        rank if rank <= 0.1 => ("less", 1.0 - rank),
        _ => return None,
    };
    Some([" (", word, " than in ", &whole((100.0 * share).floor()), " % of changes here)"].concat())
}

/// The rank that stands in the vector beside a feature's value.
fn rank_of(feature: &str, vector: &[f32]) -> Option<f64> {
    let rank = vector.get(schema().rank_position(feature)?).filter(|rank| rank.is_finite())?;
    Some(f64::from(*rank))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_file_nothing_is_the_busiest() {
        let n = schema().n_values();
        let mut vector = vec![2.0; n];
        let said = |vector: &[f32]| {
            let contribution = Contribution {
                feature: "file_changes_max".into(),
                group: "".into(),
                value: Some(5.0),
                contribution: 1.0,
            };
            Said::of(&contribution, Read::of(vector)).into_leading().text
        };
        assert!(said(&vector).starts_with("the busiest file was changed 5 times before"));
        let size_files = schema().features.iter().position(|spec| spec.name == "size_files").unwrap();
        vector[size_files] = 1.0;
        assert!(said(&vector).starts_with("the file was changed 5 times before"), "{}", said(&vector));
    }

    #[test]
    fn of_one_file_none_is_not_one() {
        let mut vector = vec![f32::NAN; schema().n_values()];
        vector[schema().position("size_files").unwrap()] = 1.0;
        let said = |feature: &'static str, value: f64| {
            let contribution = Contribution {
                feature: feature.into(),
                group: "".into(),
                value: Some(value),
                contribution: 1.0,
            };
            Said::of(&contribution, Read::of(&vector)).into_leading().text
        };
        let none = "none of the file's earlier changes are by the author";
        assert_eq!(
            (said("owner_author_share", 0.0), said("owner_author_share_min", 0.0)),
            (none.into(), none.into())
        );
        assert!(said("file_fixup_hours", 3.0).starts_with("the author last changed the file"));
    }

    #[test]
    fn a_base_rate_below_that_of_most_changes_raises_nothing() {
        let mut vector = vec![f32::NAN; schema().n_values()];
        vector[schema().rank_position("context_base_rate").unwrap()] = 0.02;
        let contribution = |share: f64| Contribution {
            feature: "context_base_rate".into(),
            group: "".into(),
            value: Some(0.03),
            contribution: share,
        };
        let spec = schema().spec("context_base_rate");
        assert!(contradicts(&contribution(1.0), spec, 1.0, &vector));
        assert!(!contradicts(&contribution(-1.0), spec, -1.0, &vector));
    }

    #[test]
    fn what_is_absent_is_named_only_where_nothing_else_can_be() {
        let of = |feature: &'static str, value: f64| Contribution {
            feature: feature.into(),
            group: "".into(),
            value: Some(value),
            contribution: 1.0,
        };
        let (none, some, more) = (of("owner_is_last", 0.0), of("kind_yaml", 0.5), of("owner_is_top", 0.0));
        let names = |all: &[&Contribution]| leading(all, 1.0, Read::of(&[])).len();
        assert_eq!((names(&[&none, &more]), names(&[&none, &some, &more])), (1, 1));
        assert_eq!(leading(&[&none, &some], 1.0, Read::of(&[]))[0].value, Some(0.5));
        assert_eq!(names(&[&of("kind_yaml", 0.0), &of("place_ci", 0.0)]), 0, "what kind a file is not");
    }

    #[test]
    fn what_was_learned_online_is_said_by_its_rank_alone() {
        let schema = schema();
        let idx = schema.features.iter().position(|spec| spec.name == "learned_slow").unwrap();
        let rank_idx = schema.features.len() + schema.ranked.iter().position(|&it| it == idx).unwrap();
        let contribution = Contribution {
            feature: "learned_slow".into(),
            group: "".into(),
            value: Some(1.2),
            contribution: 1.0,
        };
        let mut vector = vec![f32::NAN; schema.n_values()];
        for (rank, said, is_for_raising) in
            [(0.25, "safer than 75 %", false), (0.91, "riskier than 91 %", true)]
        {
            vector[rank_idx] = rank;
            let text = Said::of(&contribution, Read::of(&vector)).into_leading().text;
            assert!(text.contains(said) && !text.contains("usual"), "{text}");
            assert_eq!(leading(&[&contribution], 1.0, Read::of(&vector)).len(), usize::from(is_for_raising));
        }
    }

    #[test]
    fn an_unknown_value_is_named_only_where_that_says_something() {
        let of = |feature: &'static str| Contribution {
            feature: feature.into(),
            group: "".into(),
            value: None,
            contribution: 1.0,
        };
        for (feature, n) in
            [("key_ratio_down", 0), ("token_lift_deleted", 0), ("author_tenure_days", 1), ("tokens", 1)]
        {
            assert_eq!(leading(&[&of(feature)], 1.0, Read::of(&[])).len(), n, "{feature}");
        }
    }

    #[test]
    fn what_two_learners_make_of_the_same_outcomes_is_said_once() {
        let of = |feature: &'static str| Contribution {
            feature: feature.into(),
            group: "".into(),
            value: Some(2.0),
            contribution: 1.0,
        };
        let all = [of("learned_fast"), of("learned_slow"), of("file_bad")];
        let said = leading(&all.each_ref(), 1.0, Read::of(&[]));
        let said: Vec<&str> = said.iter().map(|said| said.feature.as_str()).collect();
        assert_eq!(said, ["learned_fast", "file_bad"]);
    }

    #[test]
    fn a_value_that_speaks_against_its_group_is_not_named() {
        let cases = [
            ("file_bad_lift_max", Some(-0.4), 1.0, true),
            ("file_bad_lift_max", Some(0.0), 1.0, true),
            ("file_bad_lift_max", Some(0.0), -1.0, true),
            ("file_bad_lift_max", Some(0.4), 1.0, false),
            ("file_bad_lift_max", Some(0.4), -1.0, true),
            ("file_bad_age_days", None, 1.0, true),
            ("file_bad_age_days", Some(400.0), 1.0, false),
            ("file_bad_age_days", None, -1.0, false),
            ("file_bad", Some(0.0), 1.0, true),
            ("size_files", Some(1.0), 1.0, false),
            ("author_bad_lift", Some(-0.4), 1.0, false),
        ];
        for (feature, value, total, expected) in cases {
            let contribution =
                Contribution { feature: feature.into(), group: "".into(), value, contribution: total / 2.0 };
            assert_eq!(
                contradicts(&contribution, schema().spec(feature), total, &[]),
                expected,
                "{feature} {value:?} {total}"
            );
        }
    }
}
