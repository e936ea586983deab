//! An answer as lines for people, 100 columns wide.

use std::fmt::Write;

use diffrisk::explain::{Explanation, Style, stage_said, terminal};
use diffrisk::http::wire::Answer;

use crate::cli::output::{is_colorful, wrapped};

/// Everything that can be said, from the explanation; colored on a terminal.
pub fn describe_in_full(answer: &Answer, explanation: &Explanation) -> String {
    let style = if is_colorful() { Style::Color } else { Style::Plain };
    let mut text = terminal(explanation, style);
    for warning in answer.warnings.iter().filter(|warning| !explanation.notes.contains(warning)) {
        put(&mut text, &format!("note: {warning}"));
    }
    text
}

/// The verdict, the risk, the reasons and the plan.
pub fn describe(answer: &Answer) -> String {
    let mut text = format!("{}{}\n", answer.decision, if answer.degraded { " (degraded)" } else { "" });
    if let Some(risk) = &answer.risk {
        put(
            &mut text,
            &format!(
                "risk {:.1} % within {} days (typical here {:.1} %); riskier than {:.0} of 100 changes; gate {}",
                100.0 * risk.score,
                risk.horizon_days,
                100.0 * risk.base_rate,
                // Never said to be riskier than it is: the reasons round down as well.
                risk.percentile.floor(),
                risk.gate_level
            ),
        );
    }
    for reason in &answer.reasons {
        put(&mut text, &format!("- {} [{}]", reason.text, reason.code));
    }
    if let Some(plan) = &answer.plan {
        if !plan.require.is_empty() {
            put(&mut text, &format!("needs: {}", plan.require.join(", ")));
        }
        let stages = plan.stages.iter().map(|stage| stage_said(stage.percent, stage.bake_seconds));
        let stages: Vec<String> = stages.collect();
        if !stages.is_empty() {
            put(&mut text, &format!("rollout: {}", stages.join(", then ")));
        }
    }
    for warning in &answer.warnings {
        put(&mut text, &format!("note: {warning}"));
    }
    text
}

fn put(text: &mut String, line: &str) {
    writeln!(text, "{}", wrapped(line)).expect("writing to a string cannot fail");
}
