//! How many steps a rule may take on a change at most, estimated before it runs, so that no change makes a rule run for long.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr};

use crate::policy::rule::check::parts_of;
use crate::policy::rule::facts::RuleFacts;

/// An upper estimate of the steps that an expression takes on one change: each node is a step, a
/// loop repeats its body, and what walks a list counts its length. `map` and `filter` append in
/// place (measured: linear), so that their accumulator costs nothing more.
pub(super) fn steps(expr: &IdedExpr, facts: &RuleFacts) -> u64 {
    let sum = |parts: &mut dyn Iterator<Item = &IdedExpr>| -> u64 {
        parts.fold(1, |sum, part| sum.saturating_add(steps(part, facts)))
    };
    match &expr.expr {
        Expr::Call(call) => {
            let mut parts = call.target.as_deref().into_iter().chain(&call.args);
            sum(&mut parts).saturating_add(n_walked(call, facts))
        }
        Expr::Select(select) => sum(&mut std::iter::once(select.operand.as_ref())),
        Expr::List(list) => sum(&mut list.elements.iter()),
        Expr::Map(map) => sum(&mut map.entries.iter().flat_map(parts_of)),
        Expr::Comprehension(comprehension) => {
            let n_rounds = length(&comprehension.iter_range, facts);
            let body = sum(&mut [&comprehension.loop_cond, &comprehension.loop_step].into_iter());
            let once = sum(&mut [&comprehension.iter_range, &comprehension.accu_init].into_iter());
            n_rounds.saturating_mul(body).saturating_add(once)
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => 1,
    }
}

/// Longest a list can be: its own length where it is written out or named, else that of the
/// largest list of the change.
fn length(expr: &IdedExpr, facts: &RuleFacts) -> u64 {
    match &expr.expr {
        Expr::List(list) => list.elements.len() as u64,
        Expr::Select(select) => facts.length_of(&select.field),
        Expr::Call(call) if call.func_name == "_+_" => {
            call.args.iter().fold(0, |sum: u64, part| sum.saturating_add(length(part, facts)))
        }
        Expr::Call(call) if call.func_name == "_?_:_" => {
            call.args.iter().skip(1).map(|part| length(part, facts)).max().unwrap_or(0)
        }
        Expr::Comprehension(comprehension) => length(&comprehension.iter_range, facts),
        _ => facts.length_of(""),
    }
}

/// Bytes of a text that are searched in less time than a step takes.
const SEARCHED_PER_STEP: u64 = 256;
/// Bytes that a step may copy, for what they take of the memory.
const COPIED_PER_STEP: u64 = 64;

/// Elements that a call itself walks over, and texts that it searches or copies.
fn n_walked(call: &CallExpr, facts: &RuleFacts) -> u64 {
    let n_of_text = match call.func_name.as_str() {
        "contains" => facts.longest_text() / SEARCHED_PER_STEP,
        "_+_" => facts.longest_text() / COPIED_PER_STEP,
        _ => 0,
    };
    let lists: &[IdedExpr] = match call.func_name.as_str() {
        "@in" => call.args.get(1..).unwrap_or(&[]),
        "_+_" | "_==_" | "_!=_" => &call.args,
        _ => &[],
    };
    lists
        .iter()
        .filter(|expr| is_list(expr))
        .fold(n_of_text, |sum, list| sum.saturating_add(length(list, facts)))
}

/// Whether an expression is clearly a list of the change.
fn is_list(expr: &IdedExpr) -> bool {
    match &expr.expr {
        Expr::Select(select) => ["paths", "keys", "owners"].contains(&select.field.as_str()),
        Expr::List(_) | Expr::Comprehension(_) => true,
        Expr::Call(call) => {
            ["_+_", "_?_:_"].contains(&call.func_name.as_str()) && call.args.iter().any(is_list)
        }
        _ => false,
    }
}
