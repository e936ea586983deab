//! What a rule's expression may name and how deep it may nest, checked when the policy is loaded: a rule that could never fire
//! is refused. Start at [`check`].

use cel::IdedExpr;
use cel::common::ast::operators::{
    EQUALS, GREATER, GREATER_EQUALS, IN, INDEX, LESS, LESS_EQUALS, NOT_EQUALS,
};
use cel::common::ast::{EntryExpr, Expr, IdedEntryExpr, LiteralValue};

use crate::label::ChangeKind;
use crate::policy::rule::Sort;
use crate::risk::GateLevel;

/// Deepest nesting of `all`, `exists`, `map`, `filter`.
const MAX_LOOPS: usize = 2;

const CHANGE_FIELDS: &[&str] =
    &["paths", "keys", "author", "email", "repo", "lines_added", "lines_deleted", "kind", "owners"];
const RISK_FIELDS: &[&str] = &["score", "percentile", "gate_level"];
const COMPARISONS: [&str; 7] = [EQUALS, NOT_EQUALS, IN, LESS, LESS_EQUALS, GREATER, GREATER_EQUALS];
const FUNCTIONS: &[&str] =
    &["size", "contains", "startsWith", "endsWith", "int", "uint", "double", "string", "bool", "type", "dyn"];

/// Refuses an expression that names what does not exist, or nests loops too deeply.
///
/// Returns what each part of the context is compared with.
pub(super) fn check(expr: &IdedExpr) -> Result<Vec<(String, Vec<Sort>)>, String> {
    let mut walk = Walk { scope: Vec::new(), n_loops: 0, compared: Vec::new(), asks_for_sorts: false };
    walk.visit(expr)?;
    Ok(if walk.asks_for_sorts { Vec::new() } else { walk.compared })
}

/// Levels of an expression, one inside the other.
pub(super) fn nesting(expr: &IdedExpr) -> usize {
    let deepest = |parts: &mut dyn Iterator<Item = &IdedExpr>| parts.map(nesting).max().unwrap_or(0);
    1 + match &expr.expr {
        Expr::Call(call) => deepest(&mut call.target.as_deref().into_iter().chain(&call.args)),
        Expr::Select(select) => nesting(&select.operand),
        Expr::List(list) => deepest(&mut list.elements.iter()),
        Expr::Map(map) => deepest(&mut map.entries.iter().flat_map(parts_of)),
        Expr::Comprehension(it) => deepest(
            &mut [&it.iter_range, &it.accu_init, &it.loop_cond, &it.loop_step, &it.result].into_iter(),
        ),
        Expr::Struct(message) => deepest(&mut message.entries.iter().flat_map(parts_of)),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => 0,
    }
}

/// The expressions of one entry of a map or a message.
pub(super) fn parts_of(entry: &IdedEntryExpr) -> Vec<&IdedExpr> {
    match &entry.expr {
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
        EntryExpr::StructField(field) => vec![&field.value],
    }
}

struct Walk<'a> {
    scope: Vec<&'a str>,
    n_loops: usize,
    compared: Vec<(String, Vec<Sort>)>,
    asks_for_sorts: bool,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, expr: &'a IdedExpr) -> Result<(), String> {
        match &expr.expr {
            Expr::Ident(name) => self.visit_name(name),
            Expr::Select(select) => {
                self.visit_field(&select.operand, &select.field)?;
                self.visit(&select.operand)
            }
            Expr::Call(call) => {
                check_function(&call.func_name)?;
                // Who asks for the sort of a value knows that it has several.
                self.asks_for_sorts |= call.func_name == "type";
                if COMPARISONS.contains(&call.func_name.as_str()) {
                    self.compare(&call.func_name, &call.args)?;
                }
                let target = call.target.as_deref().into_iter();
                if let Some(("change", "email")) =
                    call.target.as_deref().and_then(|target| self.field(target))
                {
                    call.args.iter().try_for_each(|argument| check_case("change.email", argument))?;
                }
                target.chain(&call.args).try_for_each(|part| self.visit(part))
            }
            Expr::List(list) => list.elements.iter().try_for_each(|element| self.visit(element)),
            Expr::Map(map) => map.entries.iter().flat_map(parts_of).try_for_each(|part| self.visit(part)),
            Expr::Comprehension(_) => self.visit_loop(expr),
            Expr::Literal(_) => Ok(()),
            Expr::Struct(_) | Expr::Unspecified => Err("uses a message type; there are none here".to_owned()),
        }
    }

    fn visit_loop(&mut self, expr: &'a IdedExpr) -> Result<(), String> {
        let Expr::Comprehension(comprehension) = &expr.expr else { return Ok(()) };
        self.visit(&comprehension.iter_range)?;
        self.n_loops += 1;
        if self.n_loops > MAX_LOOPS {
            return Err(format!("nests more than {MAX_LOOPS} loops"));
        }
        let n_names = self.scope.len();
        self.scope.push(&comprehension.iter_var);
        self.scope.extend(comprehension.iter_var2.as_deref());
        self.scope.push(&comprehension.accu_var);
        let parts = [
            &comprehension.accu_init, &comprehension.loop_cond, &comprehension.loop_step,
            &comprehension.result,
        ];
        parts.into_iter().try_for_each(|part| self.visit(part))?;
        self.scope.truncate(n_names);
        self.n_loops -= 1;
        Ok(())
    }

    fn visit_name(&self, name: &str) -> Result<(), String> {
        const TYPES: &[&str] = &["int", "uint", "double", "string", "bool", "list", "map", "null_type"];
        let known = ["change", "risk", "context"].contains(&name) || TYPES.contains(&name);
        if known || self.scope.contains(&name) {
            Ok(())
        } else {
            Err(format!("`{name}` is not known; there are `change`, `risk` and `context`"))
        }
    }

    /// Refuses a comparison that would never, or always, hold: with a value of another sort, or with a word that is none of a
    /// closed set; and one of the order of words that have none.
    fn compare(&mut self, operator: &str, sides: &'a [IdedExpr]) -> Result<(), String> {
        let [left, right] = sides else { return Ok(()) };
        let is_in = operator == IN;
        for (side, other) in [(left, right), (right, left)] {
            let Some((of, field)) = self.field(side) else { continue };
            let others = match &other.expr {
                Expr::List(list) if is_in => list.elements.as_slice(),
                _ if is_in => continue,
                _ => std::slice::from_ref(other),
            };
            let name = format!("{of}.{field}");
            let is_equality = is_in || [EQUALS, NOT_EQUALS].contains(&operator);
            if let Some(words) = closed(of, field).filter(|_| !is_equality) {
                let words = words.join("`, `");
                return Err(format!(
                    "the words of `{name}` have no order: name those of `{words}` that are meant"
                ));
            }
            if is_equality || of == "context" {
                others.iter().try_for_each(|other| self.equate((of, field), &name, other))?;
            }
        }
        Ok(())
    }

    fn equate(&mut self, (of, field): (&str, &'a str), name: &str, other: &IdedExpr) -> Result<(), String> {
        if of == "context" {
            // What is computed may be of any sort.
            let sorts = sort_of(other).map_or_else(|| Sort::ALL.to_vec(), |sort| vec![sort]);
            match self.compared.iter_mut().find(|(known, _)| known == field) {
                Some((_, known)) => known.extend(sorts),
                None => self.compared.push((field.to_owned(), sorts)),
            }
            return Ok(());
        }
        let Some(sort) = sort_of(other) else { return Ok(()) };
        let Some(own) = sort_of_field(of, field).filter(|own| *own != sort) else {
            let word = literal(other).unwrap_or_default();
            return match closed(of, field) {
                Some(words) if !words.contains(&word) => {
                    Err(format!("`{name}` is never `{word}`; it is one of `{}`", words.join("`, `")))
                }
                _ => check_case(name, other),
            };
        };
        Err(format!("`{name}` is {} and never equals {}", own.in_words(), sort.in_words()))
    }

    /// A field of what rules may see, `change.kind` or `change["kind"]`, by where it is and its name.
    fn field(&self, expr: &'a IdedExpr) -> Option<(&'static str, &'a str)> {
        let (operand, field) = match &expr.expr {
            Expr::Select(select) => (select.operand.as_ref(), select.field.as_str()),
            Expr::Call(call) if call.func_name == INDEX => match call.args.as_slice() {
                [operand, index] => (operand, literal(index)?),
                _ => return None,
            },
            _ => return None,
        };
        let Expr::Ident(name) = &operand.expr else { return None };
        let of = ["change", "risk", "context"].into_iter().find(|known| known == name)?;
        (!self.scope.contains(&of)).then_some((of, field))
    }

    fn visit_field(&self, operand: &IdedExpr, field: &str) -> Result<(), String> {
        let Expr::Ident(name) = &operand.expr else { return Ok(()) };
        let fields = match name.as_str() {
            _ if self.scope.contains(&name.as_str()) => return Ok(()),
            "change" => CHANGE_FIELDS,
            "risk" => RISK_FIELDS,
            "context" if field == "more" => {
                return Err(
                    "`context.more` is never there; what a request sends under `more` is `context.NAME`"
                        .to_owned(),
                );
            }
            _ => return Ok(()),
        };
        if fields.contains(&field) {
            return Ok(());
        }
        Err(format!("`{name}.{field}` is not known; `{name}` has `{}`", fields.join("`, `")))
    }
}

/// The words of a field that has a closed set of them.
fn closed(of: &str, field: &str) -> Option<[&'static str; 4]> {
    match (of, field) {
        ("change", "kind") => Some(ChangeKind::ALL.map(ChangeKind::as_str)),
        ("risk", "gate_level") => Some(GateLevel::ALL.map(GateLevel::as_str)),
        _ => None,
    }
}

fn sort_of_field(of: &str, field: &str) -> Option<Sort> {
    match (of, field) {
        ("change", "paths" | "keys" | "owners") => Some(Sort::List),
        ("change", "author" | "email" | "repo" | "kind") | ("risk", "gate_level") => Some(Sort::Text),
        ("change", "lines_added" | "lines_deleted") | ("risk", "score" | "percentile") => Some(Sort::Number),
        _ => None,
    }
}

/// The sort of a value that is written out.
fn sort_of(expr: &IdedExpr) -> Option<Sort> {
    match &expr.expr {
        Expr::List(_) => Some(Sort::List),
        Expr::Literal(LiteralValue::String(_)) => Some(Sort::Text),
        Expr::Literal(LiteralValue::Boolean(_)) => Some(Sort::Flag),
        Expr::Literal(LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_)) => {
            Some(Sort::Number)
        }
        _ => None,
    }
}

/// An address is compared in lower case.
fn check_case(name: &str, other: &IdedExpr) -> Result<(), String> {
    match literal(other).filter(|text| name == "change.email" && text.chars().any(char::is_uppercase)) {
        Some(text) => Err(format!("`{name}` is in lower case and never holds `{text}`")),
        None => Ok(()),
    }
}

/// A text that is written out.
fn literal(expr: &IdedExpr) -> Option<&str> {
    match &expr.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

fn check_function(name: &str) -> Result<(), String> {
    let is_operator = name.contains('_') || name.starts_with('@');
    if is_operator || FUNCTIONS.contains(&name) {
        Ok(())
    } else {
        Err(format!("the function `{name}` is not known; there are `{}`", FUNCTIONS.join("`, `")))
    }
}
