use crate::explain::group::ReaderGroup;
use crate::explain::numbers::{one_in, times};
use crate::explain::phrase::sentence;
use crate::explain::value::{Direction, Explanation, GroupShare, Headline, LeadingValue};
use crate::features::schema;
use crate::policy::{Decision, Verdict};
use crate::risk::{Assessment, Contribution, GateLevel, HORIZON_DAYS, ReferenceScope};

/// Values shown of one group, at most.
const N_VALUES: usize = 3;

impl Explanation {
    /// What the assessment and the decision say by themselves. The vector gives each value its rank;
    /// with an empty one no rank is shown.
    ///
    /// The diff, similar changes and alternatives need the change and its history: they are none here.
    pub fn of(assessment: Option<&Assessment>, decision: &Decision, vector: &[f32]) -> Self {
        Self {
            headline: headline(assessment, decision),
            reasons: decision.reasons.clone(),
            require: decision.require.clone(),
            stages: decision.stages.clone(),
            base: assessment.map_or(0.0, |assessment| assessment.base),
            margin: assessment.map_or(0.0, |assessment| assessment.margin),
            groups: assessment.map(|assessment| groups(assessment, vector)).unwrap_or_default(),
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
    let next = match decision.verdict {
        Verdict::FastPath => "Fast path: roll out as planned".to_owned(),
        Verdict::Hold => "Hold: do not roll out now".to_owned(),
        Verdict::ExtraValidation if decision.require.is_empty() => {
            "Extra validation: have it looked at before it rolls out".to_owned()
        }
        Verdict::ExtraValidation => {
            let needs: Vec<String> = decision.require.iter().map(|name| name.replace('_', " ")).collect();
            format!("Extra validation: before it rolls out, this needs {}", needs.join(", "))
        }
    };
    let vouched = if decision.degraded { "; the service cannot vouch for this answer" } else { "" };
    let enforced = if decision.enforced { "" } else { " (shadow mode: recorded, not enforced)" };
    format!("{next}{vouched}{enforced}.")
}

fn odds(assessment: &Assessment) -> String {
    format!(
        "{} goes wrong within {HORIZON_DAYS} days; typical here is {}",
        one_in(assessment.score.get()),
        one_in(assessment.base_rate).trim_start_matches("about ")
    )
}

fn rank(assessment: &Assessment) -> String {
    let among = match assessment.reference.scope {
        ReferenceScope::Repository => "changes here",
        ReferenceScope::Artifact => "changes that the model learned from",
    };
    let level = match assessment.gate_level {
        GateLevel::Weekend => "weekend (the riskiest 5 %)",
        GateLevel::Yellow => "yellow (the riskiest 10 %)",
        GateLevel::Red => "red (the riskier half)",
        GateLevel::Green => "green (the safer half)",
    };
    format!("riskier than {:.0} of 100 {among}; gate level {level}", assessment.percentile.floor())
}

fn groups(assessment: &Assessment, vector: &[f32]) -> Vec<GroupShare> {
    let of_group = |group: ReaderGroup| {
        let all = assessment.contributions.iter();
        let of_group: Vec<&Contribution> =
            all.filter(|contribution| ReaderGroup::of_feature(&contribution.feature) == group).collect();
        (!of_group.is_empty()).then(|| group_share(group, &of_group, vector))
    };
    let mut groups: Vec<GroupShare> = ReaderGroup::ALL.into_iter().filter_map(of_group).collect();
    groups.sort_by(|a, b| {
        b.contribution.abs().total_cmp(&a.contribution.abs()).then_with(|| a.group.cmp(&b.group))
    });
    groups
}

fn group_share(group: ReaderGroup, contributions: &[&Contribution], vector: &[f32]) -> GroupShare {
    let contribution: f64 = contributions.iter().map(|it| it.contribution).sum();
    let values: Vec<LeadingValue> =
        leading(contributions, contribution).into_iter().map(|it| leading_value(it, vector)).collect();
    let (factor, direction) = (contribution.exp(), Direction::of(contribution));
    let strength = match direction {
        Direction::Raises => format!("raises the odds {} times", times(factor)),
        Direction::Lowers => format!("lowers the odds {} times", times(factor)),
        Direction::Neither => "hardly matters".to_owned(),
    };
    let said: Vec<&str> = values.iter().map(|value| value.text.as_str()).collect();
    let text = match direction {
        Direction::Neither => format!("{} {strength}", group.title()),
        _ => format!("{} {strength}: {}", group.title(), said.join("; ")),
    };
    GroupShare { group, title: group.title().to_owned(), contribution, factor, direction, text, values }
}

/// The contributions that say most: those that point where the group points and weigh at least a tenth
/// of the first. What is there stands before what is absent.
fn leading<'a>(contributions: &[&'a Contribution], total: f64) -> Vec<&'a Contribution> {
    let agrees = |it: &&&'a Contribution| it.contribution * total > 0.0;
    let mut agreeing: Vec<&Contribution> = contributions.iter().filter(agrees).copied().collect();
    let least = agreeing.first().map_or(0.0, |first| first.contribution.abs() / 10.0);
    agreeing.retain(|it| it.contribution.abs() >= least);
    agreeing.sort_by_key(|it| it.value == Some(0.0));
    agreeing.truncate(N_VALUES);
    agreeing
}

fn leading_value(contribution: &Contribution, vector: &[f32]) -> LeadingValue {
    let rank = rank_of(&contribution.feature, vector);
    let unusual = match rank {
        Some(rank) if rank >= 0.9 => format!(", more than {:.0} % of changes here", (100.0 * rank).floor()),
        Some(rank) if rank <= 0.1 => {
            format!(", less than {:.0} % of changes here", (100.0 * (1.0 - rank)).floor())
        }
        _ => String::new(),
    };
    LeadingValue {
        feature: contribution.feature.clone(),
        value: contribution.value,
        rank,
        contribution: contribution.contribution,
        text: format!("{}{unusual}", sentence(contribution)),
    }
}

/// The rank that stands in the vector beside a feature's value.
fn rank_of(feature: &str, vector: &[f32]) -> Option<f64> {
    let schema = schema();
    let feature_idx = schema.features.iter().position(|spec| spec.name == feature)?;
    let rank_idx = schema.ranked.iter().position(|&idx| idx == feature_idx)?;
    let rank = vector.get(schema.features.len() + rank_idx).filter(|rank| rank.is_finite())?;
    Some(f64::from(*rank))
}
