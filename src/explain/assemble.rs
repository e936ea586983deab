//! The part of an explanation that needs nothing but the assessment and the decision: headline and groups. Every number in
//! it is the model's own. Start at [`Explanation::of`].

use std::array;

use crate::explain::group::ReaderGroup;
use crate::explain::leading::{Read, leading};
use crate::explain::numbers::{Chance, times, whole};
use crate::explain::odds::Odds;
use crate::explain::phrase::NOTHING_STANDS_OUT;
use crate::explain::require::{joined, requirement};
use crate::explain::value::{Direction, Explanation, GroupShare, Headline};
use crate::model::Calibrator;
use crate::policy::{Decision, Verdict};
use crate::risk::{Assessment, Contribution, GateLevel, HORIZON_DAYS, ReferenceScope};

impl Explanation {
    /// What the assessment and the decision say by themselves. The vector gives each value its rank;
    /// with an empty one no rank is shown. The calibrator that made the probability of the margin makes
    /// factors on its odds of the shares of the margin.
    ///
    /// The diff, similar changes and alternatives need the change and its history: they are none here.
    pub fn of(
        assessment: Option<&Assessment>,
        decision: &Decision,
        vector: &[f32],
        calibrator: Option<&Calibrator>,
    ) -> Self {
        let groups = assessment.map(|assessment| GroupShare::of(assessment, vector, calibrator));
        Self {
            headline: headline(assessment, decision),
            reasons: decision.reasons.clone(),
            require: decision.require.clone(),
            stages: decision.stages.clone(),
            base: assessment.map_or(0.0, |assessment| assessment.base),
            margin: assessment.map_or(0.0, |assessment| assessment.margin),
            groups: groups.unwrap_or_default(),
            diff: None,
            similar: None,
            alternatives: Vec::new(),
            owners: Vec::new(),
            page: None,
            notes: Vec::new(),
        }
    }
}

fn headline(assessment: Option<&Assessment>, decision: &Decision) -> Headline {
    Headline {
        verdict: decision.verdict,
        degraded: decision.degraded,
        enforced: decision.enforced,
        sentence: verdict_sentence(decision),
        odds: assessment.map(odds),
        rank: assessment.map(rank),
        score: assessment.map(|assessment| assessment.score.get()),
        base_rate: assessment.map(|assessment| assessment.base_rate),
        percentile: assessment.map(|assessment| assessment.percentile),
        gate_level: assessment.map(|assessment| assessment.gate_level),
    }
}

fn verdict_sentence(decision: &Decision) -> String {
    let needs: Vec<String> = decision.require.iter().map(|word| requirement(word)).collect();
    let next = match (decision.verdict, needs.is_empty()) {
        (Verdict::FastPath, true) => "Fast path: roll out as planned".to_owned(),
        (Verdict::FastPath, false) => format!("Fast path: roll out once there is {}", joined(&needs)),
        (Verdict::Hold, true) => "Hold: do not roll out now".to_owned(),
        (Verdict::Hold, false) => {
            format!("Hold: do not roll out now; to be let go, this needs {}", joined(&needs))
        }
        (Verdict::ExtraValidation, true) => {
            "Extra validation: have it looked at before it rolls out".to_owned()
        }
        (Verdict::ExtraValidation, false) => {
            format!("Extra validation: before it rolls out, this needs {}", joined(&needs))
        }
    };
    let vouched = if decision.degraded { "; the service cannot vouch for this answer" } else { "" };
    let enforced = if decision.enforced { "" } else { " (shadow mode: not enforced)" };
    format!("{next}{vouched}{enforced}.")
}

fn odds(assessment: &Assessment) -> String {
    let share = Chance::of(assessment.score.get()).going();
    let typical = Chance::of(assessment.base_rate).bare();
    format!("{share} wrong within {HORIZON_DAYS} days; typical here is {typical}")
}

fn rank(assessment: &Assessment) -> String {
    let among = match assessment.reference.scope {
        ReferenceScope::Repository => "changes here",
        ReferenceScope::Artifact => "changes that the model learned from",
    };
    let level = match assessment.gate_level {
        GateLevel::Weekend => "among the riskiest 5 % (gate level weekend)",
        GateLevel::Yellow => "among the riskiest 10 % (gate level yellow)",
        GateLevel::Red => "in the riskier half (gate level red)",
        GateLevel::Green => "in the safer half (gate level green)",
    };
    format!("riskier than {} of 100 {among}: {level}", whole(assessment.percentile.floor()))
}

impl GroupShare {
    /// What each group of an assessment's features does, the heaviest first; vector and calibrator as in
    /// [`Explanation::of`].
    pub fn of(assessment: &Assessment, vector: &[f32], calibrator: Option<&Calibrator>) -> Vec<Self> {
        let (odds, read) = (Odds { calibrator }, Read::of(vector));
        // Few groups have more than a third of all.
        let n_of_group = assessment.contributions.len().div_ceil(3);
        let mut by_group: [Vec<&Contribution>; ReaderGroup::ALL.len()] =
            array::from_fn(|_| Vec::with_capacity(n_of_group));
        for contribution in &assessment.contributions {
            by_group[ReaderGroup::of_contribution(contribution) as usize].push(contribution);
        }
        let sum = |of_group: &[&Contribution]| of_group.iter().map(|it| it.contribution).sum::<f64>();
        let slope = odds.slope(assessment.base, by_group.iter().map(|of_group| sum(of_group)));
        let groups = ReaderGroup::ALL.into_iter().zip(&by_group).filter(|(_, of_group)| !of_group.is_empty());
        let share = |(group, of_group): (_, &Vec<&Contribution>)| {
            group_share(group, of_group, read, slope * sum(of_group))
        };
        let mut groups: Vec<Self> = groups.map(share).collect();
        groups.sort_by(|a, b| {
            b.contribution.abs().total_cmp(&a.contribution.abs()).then_with(|| a.group.cmp(&b.group))
        });
        groups
    }
}

fn group_share(
    group: ReaderGroup,
    contributions: &[&Contribution],
    read: Read<'_>,
    log_factor: f64,
) -> GroupShare {
    let contribution: f64 = contributions.iter().map(|it| it.contribution).sum();
    let values = leading(contributions, contribution, read);
    let (factor, direction) = (log_factor.exp(), Direction::of(log_factor));
    let verb = |stem: &str| if group.is_plural() { stem.to_owned() } else { format!("{stem}s") };
    let strength = match direction {
        Direction::Raises => [&verb("raise"), " the odds ", &times(factor), " times"].concat(),
        Direction::Lowers => [&verb("lower"), " the odds ", &times(factor), " times"].concat(),
        Direction::Neither => format!("hardly {}", verb("matter")),
    };
    let said: Vec<&str> = values.iter().map(|value| value.text.as_str()).collect();
    let text = match direction {
        Direction::Neither => [group.title(), " ", &strength].concat(),
        _ if said.is_empty() => [group.title(), " ", &strength, "; ", NOTHING_STANDS_OUT].concat(),
        _ => [group.title(), " ", &strength, ": ", &said.join("; ")].concat(),
    };
    GroupShare { group, title: group.title().to_owned(), contribution, factor, direction, text, values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::schema;
    use crate::policy::AppliedBudget;

    #[test]
    fn the_headline_says_what_is_asked_for_whatever_the_verdict() {
        let sentence = |verdict, require: &[&str]| {
            verdict_sentence(&Decision {
                verdict,
                degraded: false,
                enforced: true,
                reasons: Vec::new(),
                require: require.iter().map(|word| (*word).to_owned()).collect(),
                stages: Vec::new(),
                budget: AppliedBudget { season: "normal".to_owned(), share: 0.1, threshold_percentile: 90.0 },
                expires_at: 0,
            })
        };
        assert_eq!(sentence(Verdict::FastPath, &[]), "Fast path: roll out as planned.");
        assert_eq!(
            sentence(Verdict::FastPath, &["undo_by", "owner"]),
            "Fast path: roll out once there is a date by which it is undone and the word of an owner."
        );
        assert_eq!(
            sentence(Verdict::Hold, &["release_owner"]),
            "Hold: do not roll out now; to be let go, this needs the release owner."
        );
    }

    #[test]
    fn of_one_file_the_same_is_not_said_twice() {
        let of = |feature: &'static str| Contribution {
            feature: feature.into(),
            group: "".into(),
            value: Some(0.3),
            contribution: 1.0,
        };
        let schema = schema();
        let mut vector = vec![f32::NAN; schema.n_values()];
        vector[schema.position("size_files").unwrap()] = 1.0;
        let rank_idx = schema.rank_position("file_bad_lift_max").unwrap();
        vector[rank_idx] = 0.95;
        let all = [of("file_bad_lift_max"), of("file_bad_lift_mean")];
        let share = group_share(ReaderGroup::PastTrouble, &all.each_ref(), Read::of(&vector), 1.0);
        let texts: Vec<&str> = share.values.iter().map(|value| value.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "changes of the file went wrong 1.3 times as often as usual (more than in 94 % of changes here)"
            ]
        );
    }
}
