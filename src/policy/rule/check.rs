//! What a rule's expression may name and how deep it may nest, checked when the policy is loaded: a rule that could never fire
//! is refused. Start at [`check`].

use cel::IdedExpr;
use cel::common::ast::operators::{EQUALS, IN, NOT_EQUALS};
use cel::common::ast::{EntryExpr, Expr, IdedEntryExpr, LiteralValue};

use crate::label::ChangeKind;
use crate::risk::GateLevel;

/// Deepest nesting of `all`, `exists`, `map`, `filter`.
const MAX_LOOPS: usize = 2;

const CHANGE_FIELDS: &[&str] =
    &["paths", "keys", "author", "email", "repo", "lines_added", "lines_deleted", "kind", "owners"];
const RISK_FIELDS: &[&str] = &["score", "percentile", "gate_level"];
const FUNCTIONS: &[&str] =
    &["size", "contains", "startsWith", "endsWith", "int", "uint", "double", "string", "bool", "type", "dyn"];

/// Refuses an expression that names what does not exist, or nests loops too deeply.
pub(super) fn check(expr: &IdedExpr) -> Result<(), String> {
    Walk { scope: Vec::new(), n_loops: 0 }.visit(expr)
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
                if [EQUALS, NOT_EQUALS, IN].contains(&call.func_name.as_str()) {
                    self.compare(&call.args)?;
                }
                let target = call.target.as_deref().into_iter();
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

    /// Refuses a comparison of what has a closed set of words with another word: it would never, or always, hold.
    fn compare(&self, sides: &[IdedExpr]) -> Result<(), String> {
        let [left, right] = sides else { return Ok(()) };
        for (side, other) in [(left, right), (right, left)] {
            let Some((name, words)) = self.closed(side) else { continue };
            let others = match &other.expr {
                Expr::List(list) => list.elements.as_slice(),
                _ => std::slice::from_ref(other),
            };
            let unknown = others.iter().filter_map(literal).find(|word| !words.contains(word));
            if let Some(word) = unknown {
                return Err(format!("`{name}` is never `{word}`; it is one of `{}`", words.join("`, `")));
            }
        }
        Ok(())
    }

    /// A field whose words are a closed set.
    fn closed(&self, expr: &IdedExpr) -> Option<(&'static str, [&'static str; 4])> {
        let Expr::Select(select) = &expr.expr else { return None };
        let Expr::Ident(name) = &select.operand.expr else { return None };
        match (name.as_str(), select.field.as_str()) {
            _ if self.scope.contains(&name.as_str()) => None,
            ("change", "kind") => Some(("change.kind", ChangeKind::ALL.map(ChangeKind::as_str))),
            ("risk", "gate_level") => Some(("risk.gate_level", GateLevel::ALL.map(GateLevel::as_str))),
            _ => None,
        }
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
