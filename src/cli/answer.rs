//! An answer as lines for people, 100 columns wide.

use std::fmt::Write;

use diffrisk::http::wire::Answer;

use crate::cli::output::Table;

/// Contributions shown with `--explain`.
const N_SHOWN: usize = 12;

/// The verdict, the risk, the reasons and the plan; with `explain`, what each feature added.
pub fn describe(answer: &Answer, explain: bool) -> String {
    let mut text = format!("{}{}\n", answer.decision, if answer.degraded { " (degraded)" } else { "" });
    if let Some(risk) = &answer.risk {
        put(
            &mut text,
            &format!(
                "risk {:.1} % within {} days (typical here {:.1} %); riskier than {:.0} of 100 changes; gate {}",
                100.0 * risk.score,
                risk.horizon_days,
                100.0 * risk.base_rate,
                risk.percentile,
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
        let stages: Vec<String> = plan.stages.iter().map(|stage| format!("{} %", stage.percent)).collect();
        if !stages.is_empty() {
            put(&mut text, &format!("rollout: {}", stages.join(" -> ")));
        }
    }
    if let Some(explanation) = answer.explanation.as_ref().filter(|_| explain) {
        let mut table = Table::new(&["feature", "value", "log-odds", "meaning"]);
        for shown in explanation.contributions.iter().take(N_SHOWN) {
            let value = shown.value.map_or("-".to_owned(), |value| format!("{value:.3}"));
            let meaning: String = shown.text.chars().take(48).collect();
            table.push(vec![shown.feature.clone(), value, format!("{:+.3}", shown.contribution), meaning]);
        }
        put(&mut text, &format!("\nbase {:+.3}, margin {:+.3}", explanation.base, explanation.margin));
        text.push_str(&table.render());
    }
    for warning in &answer.warnings {
        put(&mut text, &format!("note: {warning}"));
    }
    text
}

fn put(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string cannot fail");
}
