//! From the text of a policy file to a checked [`Policy`]. Whatever is not understood refuses the file as a whole, naming
//! the key. Start at [`load`].

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::policy::calendar::{Calendar, CalendarText};
use crate::policy::decision::{Stage, Verdict};
use crate::policy::document::{
    Document, HazardsText, PlanText, RepositoryText, RuleText, StageText, WindowText,
};
use crate::policy::duration::parse_seconds;
use crate::policy::hazard::hazard_rules;
use crate::policy::rule::Rule;
use crate::policy::{Error, NORMAL_SEASON, Plan, Policy, RepositoryPolicy, Window};

/// Reads and checks a policy file.
pub(super) fn load(text: &str) -> Result<Policy, Error> {
    let document: Document = toml::from_str(text).map_err(|error| syntax_error(text, &error))?;
    check_budget("budget", &document.budget)?;
    if !document.budget.contains_key(NORMAL_SEASON) {
        return Err(value_error("budget", "has no `normal`, the season outside all windows"));
    }
    if says_nothing(text) {
        // A file that was written empty must not pass for a policy without rules.
        return Err(value_error("budget", "the file says nothing: a policy needs at least one key"));
    }
    if document.rollback.decision == Verdict::Hold {
        return Err(value_error("rollback.decision", "must be `fast_path` or `extra_validation`"));
    }
    check_share("max_missing_features", document.max_missing_features)?;
    let expires_after = seconds("expires_after", &document.expires_after)?;
    if expires_after == 0 {
        return Err(value_error("expires_after", "must be longer than nothing"));
    }
    Ok(Policy {
        digest: format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes()))),
        windows: windows(&document.window, &document.budget)?,
        rules: rules(&document.rule)?,
        hazards_off: hazards_off("hazards.off", &document.hazards)?,
        rollback: document.rollback.decision,
        plans: [
            plan("plan.fast_path", &document.plan.fast_path)?,
            plan("plan.extra_validation", &document.plan.extra_validation)?,
            plan("plan.hold", &document.plan.hold)?,
        ],
        rollback_plan: document.plan.rollback.as_ref().map(|text| plan("plan.rollback", text)).transpose()?,
        mode: document.mode,
        repositories: repositories(document.repository, &document.budget)?,
        budget: document.budget,
        unknown_repository: document.unknown_repository,
        unknown_author: document.unknown_author,
        unknown_path: document.unknown_path,
        out_of_distribution: document.out_of_distribution,
        max_missing_features: document.max_missing_features,
        history_stale_after: seconds("history_stale_after", &document.history_stale_after)?,
        expires_after,
    })
}

/// Whether a file has no key, or only keys of which nothing hangs.
fn says_nothing(text: &str) -> bool {
    fn is_empty(value: &toml::Value) -> bool {
        match value {
            toml::Value::Table(table) => table.values().all(is_empty),
            toml::Value::Array(array) => array.is_empty(),
            _ => false,
        }
    }
    text.parse::<toml::Table>().is_ok_and(|table| table.values().all(is_empty))
}

fn windows(texts: &[WindowText], budget: &BTreeMap<String, f64>) -> Result<Vec<Window>, Error> {
    let windows = texts.iter().enumerate();
    windows.map(|(idx, text)| window(&format!("window[{idx}]"), text, budget)).collect()
}

fn window(path: &str, text: &WindowText, budget: &BTreeMap<String, f64>) -> Result<Window, Error> {
    let calendar = Calendar::parse(&CalendarText {
        zone: &text.zone,
        weekly: text.weekly.as_deref(),
        from: text.from.as_deref(),
        to: text.to.as_deref(),
    });
    let calendar = calendar.map_err(|(field, message)| value_error(&format!("{path}.{field}"), &message))?;
    let season = match (&text.season, text.hold) {
        (Some(season), _) => season.clone(),
        (None, Some(_)) => NORMAL_SEASON.to_owned(),
        (None, None) => return Err(value_error(path, "needs a `season` or a `hold`")),
    };
    if !budget.contains_key(&season) {
        return Err(value_error(
            &format!("{path}.season"),
            &format!("`{season}` has no share in `[budget]`"),
        ));
    }
    let hold = text.hold.unwrap_or(0.0);
    check_share(&format!("{path}.hold"), hold)?;
    let name = text.name.clone().unwrap_or_else(|| described(text));
    Ok(Window { name, season, hold, calendar })
}

/// The name of a window without one: its own words.
fn described(text: &WindowText) -> String {
    let dates = [text.from.as_deref(), text.to.as_deref()];
    let dates = dates.into_iter().flatten().collect::<Vec<_>>().join(" to ");
    let parts = [text.weekly.as_deref().unwrap_or(""), &dates, &text.zone];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn rules(texts: &[RuleText]) -> Result<Vec<Rule>, Error> {
    let mut names = BTreeSet::new();
    let mut rules = Vec::with_capacity(texts.len());
    for (idx, text) in texts.iter().enumerate() {
        let path = format!("rule[{idx}]");
        let name = text.name.trim();
        if name.is_empty() || !names.insert(name) {
            return Err(value_error(&format!("{path}.name"), "must be there, and only once"));
        }
        let mut rule = Rule::compile(&text.when).map_err(|message| Error::Rule {
            path: path.clone(),
            name: name.to_owned(),
            message,
        })?;
        rule.then = match text.then {
            Some(Verdict::FastPath) => {
                return Err(value_error(
                    &format!("{path}.then"),
                    "a rule can raise a decision, never lower it",
                ));
            }
            None if text.require.is_empty() => {
                return Err(value_error(&path, "needs a `then` or a `require`"));
            }
            then => then,
        };
        if text.require.iter().any(|it| it.trim().is_empty()) {
            return Err(value_error(&format!("{path}.require"), "has a blank entry"));
        }
        rule.name = name.to_owned();
        rule.require.clone_from(&text.require);
        rules.push(rule);
    }
    Ok(rules)
}

fn plan(path: &str, text: &PlanText) -> Result<Plan, Error> {
    let stages = text.stages.iter().enumerate();
    let stages = stages.map(|(idx, text)| stage(&format!("{path}.stages[{idx}]"), text));
    let stages: Vec<Stage> = stages.collect::<Result<_, _>>()?;
    if !stages.is_sorted_by(|earlier, later| earlier.percent < later.percent) {
        return Err(value_error(&format!("{path}.stages"), "must grow from stage to stage"));
    }
    match stages.last() {
        Some(last) if last.percent != 100 => {
            Err(value_error(&format!("{path}.stages"), "must end at 100 percent"))
        }
        _ => Ok(Plan { require: text.require.clone(), stages }),
    }
}

fn stage(path: &str, text: &StageText) -> Result<Stage, Error> {
    if !(1..=100).contains(&text.percent) {
        return Err(value_error(&format!("{path}.percent"), "must be between 1 and 100"));
    }
    let bake_seconds = match &text.bake {
        Some(bake) => seconds(&format!("{path}.bake"), bake)?,
        None if text.percent == 100 => 0,
        None => return Err(value_error(path, "needs a `bake` before the next stage")),
    };
    Ok(Stage { percent: text.percent, bake_seconds })
}

fn repositories(
    texts: BTreeMap<String, RepositoryText>,
    budget: &BTreeMap<String, f64>,
) -> Result<BTreeMap<String, RepositoryPolicy>, Error> {
    let mut repositories = BTreeMap::new();
    for (name, text) in texts {
        let path = format!("repository.{name}.budget");
        check_budget(&path, &text.budget)?;
        if let Some(season) = text.budget.keys().find(|season| !budget.contains_key(*season)) {
            return Err(value_error(&path, &format!("`{season}` is no season of `[budget]`")));
        }
        let hazards_off = hazards_off(&format!("repository.{name}.hazards.off"), &text.hazards)?;
        repositories.insert(name, RepositoryPolicy { mode: text.mode, budget: text.budget, hazards_off });
    }
    Ok(repositories)
}

/// The names of the rules that are switched off; a name that no rule has would leave a rule on that its
/// owner believes off.
fn hazards_off(path: &str, text: &HazardsText) -> Result<BTreeSet<String>, Error> {
    let is_unknown = |name: &&String| hazard_rules().all(|rule| rule.name != name.as_str());
    if let Some(name) = text.off.iter().find(is_unknown) {
        return Err(value_error(path, &format!("`{name}` is no hazard rule; docs/HAZARDS.md lists them")));
    }
    Ok(text.off.iter().cloned().collect())
}

fn check_budget(path: &str, budget: &BTreeMap<String, f64>) -> Result<(), Error> {
    budget.iter().try_for_each(|(season, share)| check_share(&format!("{path}.{season}"), *share))
}

fn check_share(path: &str, share: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&share) {
        Ok(())
    } else {
        Err(value_error(path, &format!("`{share}` is not a share between 0 and 1")))
    }
}

fn seconds(path: &str, text: &str) -> Result<u64, Error> {
    parse_seconds(text).map_err(|message| value_error(path, &message))
}

fn value_error(path: &str, message: &str) -> Error {
    Error::Value { path: path.to_owned(), message: message.to_owned() }
}

fn syntax_error(text: &str, error: &toml::de::Error) -> Error {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    Error::Syntax { line, column, message: error.message().replace('\n', " ") }
}
