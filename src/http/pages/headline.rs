//! What is read in five seconds: the verdict, the next step in one sentence, and how risky that is.

use crate::explain::requirement;
use crate::http::pages::text::{self, Shown};
use crate::http::wire::{Answer, PlanAnswer, RiskAnswer};

/// How a verdict looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Fast,
    Extra,
    Hold,
}

/// The top of the page.
pub(super) struct Headline {
    pub(super) tone: Tone,
    /// The verdict; of one that was taken back, that it was.
    pub(super) word: &'static str,
    /// What to do, in one sentence.
    pub(super) next_step: String,
    pub(super) notices: Vec<Notice>,
    pub(super) risk: Option<Risk>,
}

/// Something that a reader must know before acting.
pub(super) struct Notice {
    pub(super) title: &'static str,
    pub(super) text: Shown,
}

/// A probability beside what is usual, and its rank.
pub(super) struct Risk {
    pub(super) odds: String,
    pub(super) percent: String,
    pub(super) typical: String,
    pub(super) typical_percent: String,
    /// "6.5 times as likely as usual here".
    pub(super) ratio: String,
    pub(super) rank: u32,
    /// Place of the rank on a strip of 1,000.
    pub(super) rank_x: u32,
    pub(super) level: &'static str,
    pub(super) level_words: &'static str,
    pub(super) among: String,
    pub(super) horizon_days: u32,
    pub(super) budget_x: Option<u32>,
    pub(super) budget_words: Option<String>,
}

impl Tone {
    /// The tone of a decision's word; an unknown word is no fast path.
    pub(super) fn of(word: &str) -> Self {
        match word {
            "fast_path" => Self::Fast,
            "hold" => Self::Hold,
            _ => Self::Extra,
        }
    }

    /// Its class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Extra => "extra",
            Self::Hold => "hold",
        }
    }

    /// The verdict inside a sentence.
    fn in_a_sentence(self) -> &'static str {
        match self {
            Self::Fast => "a fast path",
            Self::Extra => "extra validation",
            Self::Hold => "a hold",
        }
    }

    /// The verdict as a headline.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Fast => "Fast path",
            Self::Extra => "Extra validation",
            Self::Hold => "Hold",
        }
    }
}

/// Where an answer stands at the moment of reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) now: i64,
    pub(super) expires_at: Option<i64>,
    pub(super) is_revoked: bool,
    /// Whether something bad was reported of the change, and not withdrawn.
    pub(super) went_wrong: bool,
    /// Whether what was reported is withdrawn; the decision stays taken back.
    pub(super) is_withdrawn: bool,
    pub(super) is_overridden: bool,
    /// Whether another model or policy is in force by now.
    pub(super) is_superseded: bool,
    /// Records beside it that are not as they were written, and not shown.
    pub(super) n_altered: usize,
}

impl Standing {
    fn is_expired(&self) -> bool {
        self.expires_at.is_none_or(|expires_at| expires_at <= self.now)
    }

    /// Whether the answer no longer tells what to do.
    fn is_to_be_asked_again(&self) -> bool {
        self.is_expired() || self.is_superseded
    }
}

/// The headline of an answer.
pub(super) fn headline(answer: &Answer, standing: Standing) -> Headline {
    let verdict = Tone::of(&answer.decision);
    let was = verdict.in_a_sentence();
    // Whatever was decided, nobody is to act on it any more.
    let (tone, word, next_step) = match standing {
        Standing { is_revoked: true, .. } => {
            (Tone::Hold, "Taken back", format!("It was {was}; do not act on it."))
        }
        Standing { went_wrong: true, .. } => {
            (Tone::Hold, "Reported as bad", format!("It was {was}; do not roll it out on this answer."))
        }
        _ if standing.is_to_be_asked_again() => {
            (verdict, verdict.word(), format!("It was {was}; ask again before you roll it out."))
        }
        _ => (verdict, verdict.word(), next_step(verdict, answer)),
    };
    Headline {
        tone,
        word,
        next_step,
        notices: notices(answer, standing),
        risk: answer.risk.as_ref().map(|risk| risk_view(risk, answer)),
    }
}

/// The change by the name it is best known by: a short commit, the review identity, a short digest.
pub(super) fn short_change(commit: Option<&str>, id: Option<&str>, digest: Option<&str>) -> Shown {
    match (commit, id, digest) {
        (Some(commit), ..) if commit.len() == 40 => Shown::new(short(commit)),
        (Some(name), ..) | (None, Some(name), _) => Shown::cut(name, 40),
        (None, None, Some(digest)) => {
            Shown::new(&format!("diff {}", short(digest.trim_start_matches("sha256:"))))
        }
        (None, None, None) => Shown::new("a change"),
    }
}

/// The first twelve digits of a hash, as reasons name commits.
pub(super) fn short(hex: &str) -> &str {
    &hex[..hex.floor_char_boundary(12)]
}

fn next_step(tone: Tone, answer: &Answer) -> String {
    let plan = answer.plan.as_ref();
    let required = text::joined(&plan.map(requirements).unwrap_or_default());
    let rollout = plan.map(stages_in_words).unwrap_or_default();
    match tone {
        Tone::Fast if required.is_empty() && rollout.is_empty() => "Roll it out.".into(),
        Tone::Fast if required.is_empty() => format!("Roll it out {rollout}."),
        Tone::Fast => format!("Get {required}, then roll it out {rollout}."),
        Tone::Extra if required.is_empty() => "Have it validated before you roll it out.".into(),
        Tone::Extra if rollout.is_empty() => format!("First get {required}."),
        Tone::Extra => format!("First get {required}; then roll it out {rollout}."),
        Tone::Hold if required.is_empty() => "Do not roll it out now.".into(),
        Tone::Hold => format!("Do not roll it out now; only {required} can let it pass."),
    }
}

/// What must be passed, as a noun each.
pub(super) fn requirements(plan: &PlanAnswer) -> Vec<String> {
    let words = plan.require.iter().map(|word| text::plain(&requirement(word)).to_string());
    words.collect()
}

/// "in 4 steps over 45 min" or "to everything at once".
fn stages_in_words(plan: &PlanAnswer) -> String {
    let bake: u64 = plan.stages.iter().map(|stage| stage.bake_seconds).sum();
    match plan.stages.len() {
        0 => String::new(),
        1 if plan.stages[0].percent >= 100 => "to everything at once".into(),
        n_steps => {
            let span = text::span(i64::try_from(bake).unwrap_or(i64::MAX));
            format!("in {n_steps} steps over {span}")
        }
    }
}

fn notices(answer: &Answer, standing: Standing) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut notice = |title, text: &str| notices.push(Notice { title, text: Shown::new(text) });
    if standing.is_revoked {
        let text = match standing.is_withdrawn {
            true => {
                "This change was reported as bad after the decision, and that was withdrawn; ask again before you roll out"
            }
            false => "This change was reported as bad after the decision; do not roll out on it",
        };
        notice("Taken back", text);
    } else if standing.went_wrong {
        let text = "Something bad was reported of this change after the decision; see what became of it";
        notice("Reported as bad", text);
    }
    if answer.degraded {
        notice(
            "Not vouched for",
            "The service could not check everything, so it asks for extra validation; the reasons below say what was missing",
        );
    }
    if !answer.enforced {
        notice("Shadow mode", "Decided and recorded, but not enforced in this repository");
    }
    if standing.is_overridden {
        notice("Overridden", "Somebody went past this decision; see who and why below");
    }
    if standing.n_altered > 0 {
        let text = "What was reported or overridden is not all as it was written, and not shown; see `diffrisk decisions verify`";
        notice("Altered", text);
    }
    let is_acted_on = !standing.is_revoked && !standing.went_wrong;
    if standing.is_superseded && is_acted_on && !standing.is_expired() {
        let text = "Another model or policy is in force by now than when this was decided";
        notice("Decided under other rules", text);
    }
    if standing.is_expired() && is_acted_on {
        let at = standing.expires_at.map_or_else(|| "earlier".into(), |at| text::relative(at, standing.now));
        notice("Expired", &format!("This answer held until {at}"));
    }
    notices
}

fn risk_view(risk: &RiskAnswer, answer: &Answer) -> Risk {
    let (level, level_words) = level(&risk.gate_level);
    let budget = answer.budget.as_ref();
    Risk {
        odds: text::odds(risk.score),
        percent: text::percent(risk.score),
        typical: text::odds(risk.base_rate).replace("about ", ""),
        typical_percent: text::percent(risk.base_rate),
        ratio: ratio(risk.score, risk.base_rate),
        rank: text::rank_of_100(risk.percentile),
        rank_x: (risk.percentile.clamp(0.0, 100.0) * 10.0).round() as u32,
        level,
        level_words,
        among: among(risk),
        horizon_days: risk.horizon_days,
        budget_x: budget.map(|budget| (budget.threshold_percentile.clamp(0.0, 100.0) * 10.0).round() as u32),
        budget_words: budget
            .map(|budget| format!("the riskiest {} get extra validation", text::percent(budget.share))),
    }
}

/// "6.5 times the usual risk".
fn ratio(score: f64, base_rate: f64) -> String {
    let ratio = score / base_rate;
    match ratio {
        r if !r.is_finite() => String::new(),
        r if r >= 9.95 => format!("{r:.0} times the usual"),
        r if r >= 1.15 => format!("{r:.1} times the usual"),
        r if r > 0.87 => "about the usual".into(),
        r if r >= 0.1 => format!("{} of the usual", text::percent(r)),
        _ => "less than a tenth of the usual".into(),
    }
}

fn level(word: &str) -> (&'static str, &'static str) {
    match word {
        "weekend" => ("weekend", "among the riskiest 5 %"),
        "yellow" => ("yellow", "among the riskiest 10 %"),
        "red" => ("red", "in the riskier half"),
        _ => ("green", "in the safer half"),
    }
}

fn among(risk: &RiskAnswer) -> String {
    let n = text::grouped(risk.reference.n as u64);
    if risk.reference.scope == "repository" {
        format!("among the last {n} changes of this repository")
    } else {
        "among the changes that the model learned from: too few changes here are new to it yet".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::wire::StageAnswer;

    fn plan(require: &[&str], stages: &[(u8, u64)]) -> PlanAnswer {
        let stage = |&(percent, bake_seconds): &(u8, u64)| StageAnswer { percent, bake_seconds };
        PlanAnswer {
            require: require.iter().map(ToString::to_string).collect(),
            stages: stages.iter().map(stage).collect(),
        }
    }

    #[test]
    fn a_plan_reads_as_one_sentence() {
        let slow = [(1, 3600), (5, 3600), (25, 3600), (100, 0)];
        assert_eq!(stages_in_words(&plan(&[], &slow)), "in 4 steps over 3 h");
        assert_eq!(stages_in_words(&plan(&[], &[(100, 0)])), "to everything at once");
        let required = requirements(&plan(&["second_reviewer", "load_test"], &slow));
        assert_eq!(text::joined(&required), "a second reviewer and load test");
    }

    #[test]
    fn an_answer_that_does_not_hold_any_more_tells_nobody_to_roll_out() {
        let body = serde_json::json!({"decision": "fast_path", "degraded": false, "enforced": true, "kind": "ordinary",
            "change": {"repo": "shop"}, "reasons": [], "warnings": [], "decided_at": "", "expires_at": "",
            "plan": {"require": [], "stages": [{"percent": 100, "bake_seconds": 0}]}});
        let answer: Answer = serde_json::from_value(body).unwrap();
        let holds = Standing {
            now: 100,
            expires_at: Some(200),
            is_revoked: false,
            went_wrong: false,
            is_withdrawn: false,
            is_overridden: false,
            is_superseded: false,
            n_altered: 0,
        };
        let asked_again = "It was a fast path; ask again before you roll it out.";
        let bad = "It was a fast path; do not roll it out on this answer.";
        for (standing, word, next_step, title) in [
            (holds, "Fast path", "Roll it out to everything at once.", None),
            (Standing { expires_at: Some(99), ..holds }, "Fast path", asked_again, Some("Expired")),
            (
                Standing { is_superseded: true, ..holds },
                "Fast path",
                asked_again,
                Some("Decided under other rules"),
            ),
            (
                Standing { went_wrong: true, expires_at: Some(99), ..holds },
                "Reported as bad",
                bad,
                Some("Reported as bad"),
            ),
        ] {
            let said = headline(&answer, standing);
            assert_eq!((said.word, said.next_step.as_str()), (word, next_step));
            assert_eq!(said.notices.first().map(|notice| notice.title), title);
            assert_eq!(said.notices.len(), usize::from(title.is_some()), "one notice says it");
        }
    }

    #[test]
    fn a_change_is_named_by_what_is_known_of_it() {
        let sha = "0123456789abcdef0123456789abcdef01234567";
        let cases = [
            (short_change(Some(sha), None, None), "0123456789ab"),
            (short_change(None, Some("pr/12"), Some("sha256:aa")), "pr/12"),
            (short_change(None, None, Some("sha256:0123456789abcd")), "diff 0123456789ab"),
            (short_change(None, None, None), "a change"),
        ];
        cases.iter().for_each(|(shown, expected)| assert_eq!(shown.as_str(), *expected));
    }

    #[test]
    fn how_much_more_than_usual_is_said_with_measure() {
        let cases = [
            (0.137, 0.021, "6.5 times the usual"),
            (0.02, 0.02, "about the usual"),
            (0.01, 0.02, "50 % of the usual"),
            (0.5, 0.0, ""),
            (0.0001, 0.02, "less than a tenth of the usual"),
        ];
        cases.iter().for_each(|(score, base, words)| assert_eq!(ratio(*score, *base), *words));
    }
}
