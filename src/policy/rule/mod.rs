//! The user's own rules: CEL over the change, the assessment and the context of the request.
//!
//! A rule is compiled, checked and tried on a made-up change when the policy is loaded, so that a
//! misspelt field refuses the policy instead of switching the rule off. At run time the cost of an
//! expression is bounded before it is evaluated. Whatever still goes wrong is a doubt, not a "no".

mod check;
mod cost;
mod facts;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};
use std::thread::ScopedJoinHandle;

use cel::{Context as CelContext, Env, Program, Value};

pub(super) use facts::RuleFacts;

use crate::policy::decision::Verdict;
use crate::policy::question::Reading;

/// Longest source of a rule, in bytes.
const MAX_SOURCE_BYTES: usize = 4_096;

/// Deepest nesting of an expression: what reads and evaluates one calls itself at each level, on stacks of 2 MB.
const MAX_NESTING: usize = 128;

/// What is told of an expression that cannot be parsed, in bytes.
const MAX_SAID_BYTES: usize = 600;

/// The stack on which an expression is parsed and measured: as deep as the longest source can nest, in a debug build.
const STACK_BYTES: usize = 256 << 20;

/// Most steps that one rule may take on one change. A step takes up to 160 ns (measured, debug
/// build), so that a rule ends within 80 ms; 50,000 keys fit. Texts that are searched or copied count by their length.
const MAX_STEPS: u64 = 500_000;

/// Building the standard library takes longer than a rule, so all rules share one.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A compiled rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// What the owner calls it.
    pub name: String,
    /// What it raises to; none where it only requires something.
    pub then: Option<Verdict>,
    /// Validations it asks for.
    pub require: Vec<String>,
    /// Whether it cannot be answered without an assessment.
    pub reads_risk: bool,
    /// Whether it may ask for the keys of a change.
    pub reads_keys: bool,
    reads_change: bool,
    /// What each part of the context is compared with.
    compared: Vec<(String, Vec<Sort>)>,
    program: Arc<Program>,
}

/// What a rule says about one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// It could not be answered, and why.
    Failed(String),
    /// It cannot be asked, and whoever asks could choose that: what is too large, in words.
    TooLarge(&'static str),
}

/// The sorts of plain values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Text,
    Number,
    Flag,
    List,
}

impl Sort {
    const ALL: [Self; 4] = [Self::Text, Self::Number, Self::Flag, Self::List];

    const fn in_words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Flag => "a flag",
            Self::List => "a list",
        }
    }
}

impl Rule {
    /// Compiles the expression of a rule.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub(super) fn compile(when: &str) -> Result<Self, String> {
        if when.len() > MAX_SOURCE_BYTES {
            return Err(format!("is longer than {MAX_SOURCE_BYTES} bytes"));
        }
        let program = std::thread::scope(|scope| {
            let parser = std::thread::Builder::new().name("rule-parser".to_owned()).stack_size(STACK_BYTES);
            let parsed = parser.spawn_scoped(scope, || parsed(when)).map(ScopedJoinHandle::join);
            parsed.map_err(|error| format!("cannot be parsed: {error}"))?.map_err(|_| "cannot be parsed")?
        })?;
        let compared = check::check(program.expression())?;
        let rule = Self {
            name: String::new(),
            then: None,
            require: Vec::new(),
            reads_risk: program.references().has_variable("risk"),
            reads_keys: when.contains("keys"),
            reads_change: program.references().has_variable("change"),
            compared,
            program: Arc::new(program),
        };
        rule.try_out()?;
        Ok(rule)
    }

    /// Evaluates the rule; the cost is bounded first.
    pub(super) fn evaluate(&self, facts: &RuleFacts) -> Match {
        match facts.reading {
            Reading::TooLong if self.reads_change => {
                return Match::TooLarge("the change was not read in time");
            }
            Reading::Unread if self.reads_change => {
                return Match::Failed("the change could not be read".to_owned());
            }
            Reading::Whole | Reading::TooLong | Reading::Unread => {}
        }
        let is_too_large = cost::steps(self.program.expression(), facts) > MAX_STEPS;
        if is_too_large || self.reads_keys && facts.has_more_keys {
            return Match::TooLarge("the change is too large for it");
        }
        match self.execute(facts) {
            Ok(Value::Bool(true)) => Match::Yes,
            Ok(Value::Bool(false)) => match self.mistaken(facts) {
                Some((name, sort)) => {
                    let sort = sort.in_words();
                    Match::Failed(format!("`context.{name}` is {sort}, and compared with another"))
                }
                None => Match::No,
            },
            Ok(_) => Match::Failed("it does not answer yes or no".to_owned()),
            Err(error) => Match::Failed(failure(&error)),
        }
    }

    /// A part of the context that is of another sort than all that it is compared with: CEL would call them unequal.
    fn mistaken(&self, facts: &RuleFacts) -> Option<(&str, Sort)> {
        self.compared.iter().find_map(|(name, sorts)| {
            let (_, value) = facts.context.iter().find(|(said, _)| said == name)?;
            let sort = match value {
                Value::Bool(_) => Sort::Flag,
                Value::String(_) => Sort::Text,
                _ => Sort::Number,
            };
            (!sorts.contains(&sort)).then_some((name.as_str(), sort))
        })
    }

    /// Runs the rule on a made-up change: what can never work is found at load. A missing entry is
    /// no error here, because the context of a request may well carry it.
    fn try_out(&self) -> Result<(), String> {
        use cel::ExecutionError::{IndexOutOfBounds, NoSuchKey};
        match self.execute(&RuleFacts::made_up()) {
            Ok(Value::Bool(_)) | Err(NoSuchKey(_) | IndexOutOfBounds(_)) => Ok(()),
            Ok(value) => {
                Err(format!("answers with a {:?}, not with yes or no", value.type_of()).to_lowercase())
            }
            Err(error) => Err(failure(&error)),
        }
    }

    fn execute(&self, facts: &RuleFacts) -> Result<Value, cel::ExecutionError> {
        let mut context = CelContext::with_env(Arc::clone(&ENV));
        facts.bind(&mut context);
        let result = catch_unwind(AssertUnwindSafe(|| self.program.execute(&context)));
        result
            .unwrap_or_else(|_| Err(cel::ExecutionError::InternalError("the evaluation stopped".to_owned())))
    }
}

/// An expression that nests no deeper than it may. One that does is taken down here, too, where the stack is deep.
fn parsed(when: &str) -> Result<Program, String> {
    let program = Program::compile(when).map_err(|errors| match errors.to_string() {
        // The parser has a limit of its own, and says so in words of its own.
        text if text.contains("Recursion limit") => "nests too deeply".to_owned(),
        text => shortened(&one_line(&text)),
    })?;
    match check::nesting(program.expression()) {
        0..=MAX_NESTING => Ok(program),
        _ => Err(format!("nests deeper than {MAX_NESTING} levels")),
    }
}

/// The kind of a failure, without the values of the change: those may be secret.
fn failure(error: &cel::ExecutionError) -> String {
    use cel::ExecutionError as E;
    match error {
        E::NoSuchKey(key) => format!("there is no `{key}`"),
        E::UndeclaredReference(name) => format!("`{name}` is not known"),
        E::NoSuchOverload(overload) => one_line(&overload.to_string()),
        E::ValuesNotComparable(..) => "it compares values of different types".to_owned(),
        E::IndexOutOfBounds(_) => "it reads beyond the end of a list".to_owned(),
        E::DivisionByZero(_) | E::RemainderByZero(_) => "it divides by zero".to_owned(),
        _ => "its values have the wrong types".to_owned(),
    }
}

/// The parser repeats the whole source for each thing that is wrong with it.
fn shortened(text: &str) -> String {
    let end = text.floor_char_boundary(text.len().min(MAX_SAID_BYTES));
    let is_whole = end == text.len();
    if is_whole { text.to_owned() } else { format!("{}…", text.get(..end).unwrap_or("")) }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
