//! The question that `score` and `gate` ask: its arguments, and the body of `POST /v1/score`.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{ArgGroup, Args};
use diffrisk::explain::Explanation;
use diffrisk::features::check_custom_name;
use diffrisk::git::Repository;
use diffrisk::http::wire::Answer;
use diffrisk::http::{ApiError, Local};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, OrExit};
use crate::cli::history::{HistoryArgs, OnRefusal};
use crate::cli::output::note;
use crate::cli::time::parse_authored_at;

/// Stands for standard input where a file is named.
const STDIN: &str = "-";

/// Which change, compared with which history, by which model and policy.
#[derive(Clone, Debug, Args)]
pub struct QuestionArgs {
    #[command(flatten)]
    pub history: HistoryArgs,
    /// Policy file; the published one unless given
    #[arg(long, value_name = "FILE", group = "read_here")]
    policy: Option<PathBuf>,
    /// Custom feature to send along, such as `x.oncall_load=3`; may be given several times
    #[arg(long = "feature", value_name = "NAME=VALUE", value_parser = parse_feature)]
    features: Vec<(String, f64)>,
    /// Of the rollout, such as `environment=production`: what rules read as `context.NAME`; may be given several times
    #[arg(long = "context", value_name = "NAME=VALUE", value_parser = parse_context)]
    context: Vec<(String, Value)>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Exactly one of a commit, a range, a diff.
#[derive(Clone, Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("change").required(true).args(["commit", "range", "diff"]))]
struct ChangeArgs {
    /// A commit of the repository; its full id where a service is asked without `--repo`
    #[arg(long, value_name = "REV")]
    commit: Option<String>,
    /// Everything from A to B as one change by B's author
    #[arg(long, value_name = "A..B")]
    range: Option<String>,
    /// A unified diff, `-` for standard input
    #[arg(long, value_name = "FILE")]
    diff: Option<PathBuf>,
    /// Author of the diff
    #[arg(long, value_name = "A", requires = "diff", conflicts_with_all = ["commit", "range"], value_parser = of_git())]
    author: Option<String>,
    /// Message of the diff
    #[arg(long, value_name = "M", requires = "diff", conflicts_with_all = ["commit", "range"], value_parser = of_git())]
    message: Option<String>,
    /// File with the message of the diff, `-` for standard input; bytes that are no UTF-8 are read as `�`
    #[arg(long, value_name = "FILE", requires = "diff", conflicts_with_all = ["commit", "range", "message"])]
    message_file: Option<PathBuf>,
    /// When the diff was written, with the author's own offset
    #[arg(long, value_name = "T", requires = "diff", conflicts_with_all = ["commit", "range"], value_parser = parse_authored_at)]
    authored_at: Option<String>,
}

impl ChangeArgs {
    /// What is said of the diff, wherever that stands.
    fn message(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.message_file else { return Ok(self.message.clone()) };
        if self.diff.as_deref() == Some(Path::new(STDIN)) && path == Path::new(STDIN) {
            return Err(Failure::usage("the diff and its message cannot both be read from standard input"));
        }
        Ok(Some(String::from_utf8_lossy(&read(path)?).into_owned()))
    }
}

impl QuestionArgs {
    /// The body of `POST /v1/score` that asks this.
    pub fn body(&self) -> Result<Value, Failure> {
        if self.history.is_nameless() {
            note(
                "neither `--name` nor `--repo` is given: scored as a change of a repository called `unknown`",
            );
        }
        self.history.check_name()?;
        let mut change = Map::new();
        change.insert("repo".to_owned(), json!(self.history.repo_name()));
        let of = &self.change;
        if let Some(revision) = &of.commit {
            change.insert("commit".to_owned(), json!(self.resolve(revision)?));
        } else if let Some(range) = &of.range {
            let is_end = |end: &str| !end.is_empty() && !end.starts_with('.');
            let ends = range.split_once("..").filter(|(from, to)| is_end(from) && is_end(to));
            let (from, to) =
                ends.ok_or_else(|| Failure::usage(format!("`{range}` is not of the form `A..B`")))?;
            change.insert("base".to_owned(), json!(self.resolve(from)?));
            change.insert("commit".to_owned(), json!(self.resolve(to)?));
        } else if let Some(path) = &of.diff {
            change.insert("diff".to_owned(), json!(read_diff(path)?));
            let message = of.message()?;
            for (key, value) in
                [("author", &of.author), ("message", &message), ("authored_at", &of.authored_at)]
            {
                if let Some(value) = value {
                    change.insert(key.to_owned(), json!(value));
                }
            }
        }
        let mut body = json!({ "change": change });
        if !self.features.is_empty() {
            body["features"] = json!(self.custom()?);
        }
        if !self.context.is_empty() {
            body["context"] = self.rollout()?;
        }
        Ok(body)
    }

    /// What is said of the rollout: the parts that have names of their own, and `more`.
    fn rollout(&self) -> Result<Value, Failure> {
        let (mut context, mut more) = (Map::new(), Map::new());
        for (name, value) in &self.context {
            let is_known = matches!(name.as_str(), "environment" | "service" | "rollout_at");
            let parts = if is_known { &mut context } else { &mut more };
            if parts.insert(name.clone(), value.clone()).is_some() {
                return Err(Failure::usage(format!("`{name}` of the context is given twice")));
            }
        }
        if !more.is_empty() {
            context.insert("more".to_owned(), Value::Object(more));
        }
        Ok(Value::Object(context))
    }

    fn custom(&self) -> Result<BTreeMap<&str, f64>, Failure> {
        let mut custom = BTreeMap::new();
        for (name, value) in &self.features {
            if custom.insert(name.as_str(), *value).is_some() {
                return Err(Failure::usage(format!("the feature `{name}` is given twice")));
            }
        }
        Ok(custom)
    }

    /// The answer of this process, without a store.
    pub fn answer(&self, on_refusal: OnRefusal) -> Result<Answer, Failure> {
        self.ask(on_refusal, |local, body, now_ms| local.answer(body, now_ms))
    }

    /// The same, with the whole explanation.
    pub fn explained(&self, on_refusal: OnRefusal) -> Result<(Answer, Explanation), Failure> {
        self.ask(on_refusal, |local, body, now_ms| local.explained(body, now_ms))
    }

    fn ask<T>(
        &self,
        on_refusal: OnRefusal,
        ask: impl Fn(&Local, &[u8], i64) -> Result<T, ApiError>,
    ) -> Result<T, Failure> {
        if self.history.repo.is_none() && self.change.diff.is_none() {
            return Err(Failure::usage("`--commit` and `--range` need `--repo` where no service is asked"));
        }
        let body = self.body()?;
        let now_ms = Timestamp::now().as_millisecond();
        let local = self.history.open(self.policy.as_deref(), on_refusal, now_ms.div_euclid(1000))?;
        let answered = ask(&local, body.to_string().as_bytes(), now_ms);
        answered.or_exit(Exit::BadInput, "the change cannot be scored")
    }

    /// The id of a commit. A service has the repository, but knows no branch of its caller's.
    fn resolve(&self, revision: &str) -> Result<String, Failure> {
        let is_full = revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
        match self.history.repo.as_deref() {
            Some(path) => Ok(Repository::open(path)?.resolve(revision)?.0),
            None if is_full => Ok(revision.to_ascii_lowercase()),
            None => Err(Failure::usage(format!(
                "`{revision}` is no full commit id: without `--repo` nothing tells what it names"
            ))),
        }
    }
}

/// `name=value`; outside of what is always a text, `true`, `false` and numbers are such, and `"1.10"` in quotes is a text.
fn parse_context(text: &str) -> Result<(String, Value), String> {
    let (name, value) =
        text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("expected `name=value`")?;
    let is_text = matches!(name, "environment" | "service" | "rollout_at");
    let typed = if is_text { None } else { serde_json::from_str(value).ok().filter(is_plain) };
    Ok((name.to_owned(), typed.unwrap_or_else(|| json!(value))))
}

fn is_plain(value: &Value) -> bool {
    value.is_boolean() || value.is_number() || value.is_string()
}

/// `x.name=value`; built-in names and odd ones are refused as the service refuses them.
fn parse_feature(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("expected `x.name=value`")?;
    check_custom_name(name).map_err(|error| format!("`{name}`: {error}"))?;
    let number = match value {
        "true" => Some(1.0),
        "false" => Some(0.0),
        _ => value.parse().ok().filter(|number: &f64| number.is_finite()),
    };
    number.map(|number| (name.to_owned(), number)).ok_or_else(|| format!("`{value}` is not a number"))
}

/// What git says of a commit, as it is in a file: bytes that are no UTF-8 are read as `�`.
fn of_git() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().map(|given| given.to_string_lossy().into_owned())
}

/// A file, or standard input.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    if path == Path::new(STDIN) {
        std::io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(path).or_exit(Exit::BadInput, format!("cannot read `{}`", path.display()))?;
    }
    Ok(bytes)
}

fn read_diff(path: &Path) -> Result<String, Failure> {
    let bytes = read(path)?;
    // Whatever should have written the diff may have failed: that is no change to wave through.
    if bytes.trim_ascii().is_empty() {
        return Err(Failure::bad_input(format!("`{}` holds no diff: it is empty", path.display())));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Asked {
        #[command(flatten)]
        question: QuestionArgs,
    }

    #[test]
    fn a_moment_is_sent_as_its_author_s_clock_showed_it() {
        let diff = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&diff, "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\n").unwrap();
        let diff = diff.path().to_str().unwrap();
        let at = "2026-01-31T02:00:00+05:30";
        let asked = Asked::try_parse_from(["score", "--diff", diff, "--authored-at", at]).unwrap();
        assert_eq!(asked.question.body().unwrap()["change"]["authored_at"], at);
    }
}
