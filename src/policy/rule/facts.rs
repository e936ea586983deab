//! What a rule may see of a change, its risk and its context, as CEL values. No feature is among them.
//! Start at [`RuleFacts`].

use std::collections::HashMap;
use std::sync::Arc;

use cel::{Context as CelContext, Value};

use crate::change::{FileDiff, author_address, inner_changes};
use crate::policy::question::{Context, ContextValue, Question, Reading};
use crate::policy::rule::Rule;
use crate::risk::Assessment;

/// What rules may see of one change, as CEL values.
pub(in crate::policy) struct RuleFacts {
    pub(in crate::policy) paths: Vec<String>,
    pub(in crate::policy) keys: Vec<String>,
    /// Whether there are more keys than are read.
    pub(in crate::policy) has_more_keys: bool,
    pub(in crate::policy) reading: Reading,
    /// None where no ownership file says: a rule that asks cannot be answered.
    pub(in crate::policy) owners: Option<Vec<String>>,
    pub(in crate::policy) author: String,
    pub(in crate::policy) repo: String,
    pub(in crate::policy) kind: &'static str,
    pub(in crate::policy) n_lines: (usize, usize),
    pub(in crate::policy) risk: Option<RiskFacts>,
    pub(in crate::policy) context: Vec<(String, Value)>,
}

/// What rules may see of the assessment.
#[derive(Clone, Copy)]
pub(in crate::policy) struct RiskFacts {
    pub(in crate::policy) score: f64,
    pub(in crate::policy) percentile: f64,
    pub(in crate::policy) gate_level: &'static str,
}

impl RuleFacts {
    /// A change to try rules on.
    pub(super) fn made_up() -> Self {
        let one = |text: &str| vec![text.to_owned()];
        Self {
            paths: one("services/web.yaml"),
            keys: one("web.timeout"),
            has_more_keys: false,
            reading: Reading::Whole,
            owners: Some(one("@team")),
            author: "Ada <ada@example.org>".to_owned(),
            repo: "config".to_owned(),
            kind: "ordinary",
            n_lines: (1, 1),
            risk: Some(RiskFacts { score: 0.1, percentile: 50.0, gate_level: "red" }),
            context: Vec::new(),
        }
    }

    /// Length of a list of the change by its name; that of the longest for any other.
    pub(super) fn length_of(&self, field: &str) -> u64 {
        let n_items = match field {
            "paths" => self.paths.len(),
            "keys" => self.keys.len(),
            "owners" => self.n_owners(),
            _ => self.paths.len().max(self.keys.len()).max(self.n_owners()).max(self.context.len()),
        };
        n_items as u64
    }

    /// Bytes of the longest text.
    pub(super) fn longest_text(&self) -> u64 {
        let said = self.context.iter().filter_map(|(_, value)| match value {
            Value::String(text) => Some(text.len()),
            _ => None,
        });
        let listed = [&self.paths, &self.keys].into_iter().chain(&self.owners).flatten().map(String::len);
        let longest = said.chain(listed).chain([self.author.len(), self.repo.len()]).max();
        longest.unwrap_or(0) as u64
    }

    fn n_owners(&self) -> usize {
        self.owners.as_ref().map_or(0, Vec::len)
    }

    pub(super) fn bind(&self, context: &mut CelContext<'_, '_>) {
        context.add_variable_from_value("change", self.change());
        if let Some(risk) = self.risk {
            context.add_variable_from_value("risk", risk.value());
        }
        context.add_variable_from_value("context", map(self.context.iter().cloned()));
    }

    fn change(&self) -> Value {
        let owners = self.owners.as_ref().map(|owners| ("owners".to_owned(), list(owners)));
        let known = [
            ("paths".to_owned(), list(&self.paths)),
            ("keys".to_owned(), list(&self.keys)),
            ("author".to_owned(), text(&self.author)),
            ("email".to_owned(), text(&email_of(&self.author))),
            ("repo".to_owned(), text(&self.repo)),
            ("kind".to_owned(), text(self.kind)),
            ("lines_added".to_owned(), count(self.n_lines.0)),
            ("lines_deleted".to_owned(), count(self.n_lines.1)),
        ];
        map(known.into_iter().chain(owners))
    }
}

/// The address of an author, `Ada <ada@example.org>` or alone, in lower case; empty where there is none.
fn email_of(author: &str) -> String {
    let address = author_address(author);
    let is_one =
        address.contains('@') && !address.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>'));
    if is_one { address.to_lowercase() } else { String::new() }
}

impl RiskFacts {
    fn value(self) -> Value {
        map([
            ("score".to_owned(), Value::Float(self.score)),
            ("percentile".to_owned(), Value::Float(self.percentile)),
            ("gate_level".to_owned(), text(self.gate_level)),
        ])
    }
}

fn map(entries: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Map(entries.into_iter().collect::<HashMap<_, _>>().into())
}

fn list(texts: &[String]) -> Value {
    Value::List(Arc::new(texts.iter().map(|item| text(item)).collect()))
}

fn text(text: &str) -> Value {
    Value::String(Arc::new(text.to_owned()))
}

fn count(n: usize) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

impl RuleFacts {
    /// What these rules may see of a question.
    pub(in crate::policy) fn of(
        question: &Question<'_>,
        assessment: Option<&Assessment>,
        rules: &[Rule],
    ) -> Self {
        let record = &question.change.record;
        let all_keys = keys(question, rules.iter().any(|rule| rule.reads_keys));
        Self {
            paths: paths(&record.files),
            has_more_keys: all_keys.is_none(),
            keys: all_keys.unwrap_or_default(),
            reading: question.facts.reading,
            owners: (!question.facts.unknown_owners).then(|| question.owners.to_vec()),
            author: question.change.author.clone(),
            repo: question.repo.to_owned(),
            kind: question.classification.kind.as_str(),
            n_lines: record.n_lines(),
            risk: assessment.map(RiskFacts::of),
            context: context(question.context),
        }
    }
}

impl RiskFacts {
    fn of(assessment: &Assessment) -> Self {
        Self {
            score: assessment.score.get(),
            percentile: assessment.percentile,
            gate_level: assessment.gate_level.as_str(),
        }
    }
}

/// Every path before and after the change, so that a rename cannot leave a guarded place unseen.
fn paths(files: &[FileDiff]) -> Vec<String> {
    let both = |file: &FileDiff| {
        let old_path = file.old_path.clone().filter(|old| file.new_path.as_ref() != Some(old));
        old_path.into_iter().chain(file.new_path.clone()).collect::<Vec<_>>()
    };
    files.iter().flat_map(both).collect()
}

/// The paths of the keys that a change edits, where rules ask those inside of inline maps among them; none where there are more
/// than are read.
fn keys(question: &Question<'_>, asks_for_inner: bool) -> Option<Vec<String>> {
    let mut paths = Vec::new();
    for (file_diff, (_, known)) in question.change.record.files.iter().zip(question.keys) {
        let inner = if asks_for_inner { inner_changes(file_diff, known)? } else { Vec::new() };
        let all = known.iter().chain(&inner).map(|key_change| key_change.path.clone());
        paths.extend(all.filter(|path| !path.is_empty()));
    }
    Some(paths)
}

fn context(context: &Context) -> Vec<(String, Value)> {
    let named = [("environment", &context.environment), ("service", &context.service)];
    let named = named
        .into_iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| (name.to_owned(), text(value))));
    let rollout_at = context.rollout_at.map(|at| ("rollout_at".to_owned(), Value::Int(at)));
    let more = context.more.iter().map(|(name, value)| (name.clone(), plain(value)));
    more.chain(named).chain(rollout_at).collect()
}

fn plain(value: &ContextValue) -> Value {
    match value {
        ContextValue::Flag(flag) => Value::Bool(*flag),
        ContextValue::Number(number) => Value::Float(*number),
        ContextValue::Text(value) => text(value),
    }
}
