//! The log that code scanning reads. Paths are percent-encoded and texts hold no links; at most so many files and edits are
//! reported. Start at [`sarif`].

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::change::FileStatus;
use crate::explain::numbers::upper_first;
use crate::explain::render::factor_words;
use crate::explain::value::{Direction, Explanation, FileExplanation};
use crate::history::hash64;
use crate::policy::Verdict;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const DECISION: &str = "diffrisk/decision";
const HAZARD: &str = "diffrisk/hazard";
const FILE: &str = "diffrisk/risky-file";
const EDIT: &str = "diffrisk/risky-edit";
/// Every rule, by position.
const RULES: [&str; 4] = [DECISION, HAZARD, FILE, EDIT];
/// Hazards reported one by one, and edits.
const MAX_HAZARDS: usize = 50;
const MAX_EDITS: usize = 50;
/// Files reported one by one.
const MAX_FILES: usize = 20;

/// The explanation as one SARIF 2.1.0 log: the decision, where hazard rules fired, then the files and edits that raise the risk.
pub fn sarif(explanation: &Explanation) -> Value {
    let level = level_of(explanation.headline.verdict);
    let mut results = vec![decision(explanation, level)];
    let files = || explanation.diff.iter().flat_map(|diff| &diff.files);
    let hazards = files().flat_map(|file| file.hazards.iter().map(move |spot| (file, spot)));
    let mut n_told: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (file, spot) in hazards.take(MAX_HAZARDS) {
        let message = format!("{} (hazard rule `{}`)", spot.text, spot.rule);
        let mut hazard = result(HAZARD, level, &message, place_of(file, spot.line));
        // A rule may fire on many lines of a file with the same words.
        let nth = n_told.entry((&file.path, &spot.rule)).or_default();
        let name = hash64(&[HAZARD, &file.path, &message, &nth.to_string()]);
        *nth += 1;
        hazard["partialFingerprints"]["diffrisk/v1"] = json!(format!("{name:016x}"));
        results.push(hazard);
    }
    let mut n_edits = 0;
    for file in files().take(MAX_FILES) {
        if raises(file.factor) {
            let message =
                format!("{} the odds; {}", factor_words(file.factor).unwrap_or_default(), file.past);
            results.push(result(FILE, level, &message, place_of(file, Some(first_line(file)))));
        }
        for edit in file.edits.iter().filter(|edit| raises(edit.factor)) {
            if n_edits < MAX_EDITS {
                n_edits += 1;
                let message =
                    format!("{} ({} the odds)", edit.text, factor_words(edit.factor).unwrap_or_default());
                results.push(result(EDIT, level, &message, place_of(file, Some(edit.line))));
            }
        }
    }
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "diffrisk",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": [
                    rule(DECISION, "DecisionOnTheChange", "What the rollout of this change must pass, and why"),
                    rule(HAZARD, "Hazard", "An edit of a kind that is dangerous whatever the model says"),
                    rule(FILE, "RiskyFile", "Without this file the change scores lower"),
                    rule(EDIT, "RiskyEdit", "Without this edit the change scores lower"),
                ],
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// Whether a part makes trouble likelier by a twentieth or more.
fn raises(factor: Option<f64>) -> bool {
    factor.is_some_and(|factor| Direction::of(factor.ln()) == Direction::Raises)
}

fn decision(explanation: &Explanation, level: &str) -> Value {
    let headline = &explanation.headline;
    let mut said = vec![headline.sentence.clone()];
    said.extend(explanation.reasons.iter().map(|reason| format!("{}.", upper_first(&reason.text))));
    said.extend([&headline.odds, &headline.rank].into_iter().flatten().cloned());
    said.extend(explanation.groups.iter().take(3).map(|group| group.text.clone()));
    said.extend(explanation.alternatives.iter().map(|alternative| alternative.text.clone()));
    let place = explanation.diff.as_ref().and_then(|diff| diff.files.first());
    let place = place.and_then(|file| place_of(file, Some(first_line(file))));
    let mut decision = result(DECISION, level, &said.join("\n"), place);
    decision["properties"] = json!({
        "decision": headline.verdict.as_str(),
        "degraded": headline.degraded,
        "score": headline.score,
        "base_rate": headline.base_rate,
        "percentile": headline.percentile,
        "reasons": explanation.reasons.iter().map(|reason| reason.code.as_str()).collect::<Vec<_>>(),
    });
    if let Some(page) = explanation.page.as_deref().filter(|page| page.starts_with("http")) {
        decision["hostedViewerUri"] = json!(page);
    }
    decision
}

/// Where a result is shown: a file that went has no place any more, and what is about a whole file no line.
fn place_of(file: &FileExplanation, line: Option<u32>) -> Option<(&str, Option<u32>)> {
    (file.status != FileStatus::Deleted).then_some((file.path.as_str(), line))
}

fn result(rule: &str, level: &str, message: &str, place: Option<(&str, Option<u32>)>) -> Value {
    let rule_idx = RULES.iter().position(|id| *id == rule);
    let location = |(path, line): (&str, Option<u32>)| {
        let mut place = json!({ "artifactLocation": { "uri": uri(path), "uriBaseId": "%SRCROOT%" } });
        if let Some(line) = line {
            place["region"] = json!({ "startLine": line.max(1) });
        }
        json!({ "physicalLocation": place })
    };
    let name = hash64(&[rule, place.map_or("", |(path, _)| path), message]);
    json!({
        "ruleId": rule,
        "ruleIndex": rule_idx,
        "level": level,
        "message": { "text": plain(message) },
        "locations": place.map(location).into_iter().collect::<Vec<_>>(),
        "partialFingerprints": { "diffrisk/v1": format!("{name:016x}") },
    })
}

/// Text in which no bracket begins a link (SARIF 2.1.0, 3.11.6).
fn plain(message: &str) -> String {
    message.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
}

fn rule(id: &str, name: &str, description: &str) -> Value {
    json!({ "id": id, "name": name, "shortDescription": { "text": description }, "defaultConfiguration": { "level": "warning" } })
}

fn level_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::FastPath => "note",
        Verdict::ExtraValidation => "warning",
        Verdict::Hold => "error",
    }
}

fn first_line(file: &FileExplanation) -> u32 {
    let hazard = file.hazards.iter().find_map(|spot| spot.line);
    let edit = hazard.or_else(|| file.edits.first().map(|edit| edit.line));
    edit.or_else(|| file.hunks.first().map(|hunk| hunk.new_start)).unwrap_or(1)
}

/// A path as a relative reference (RFC 3986): bytes that are not unreserved are percent-encoded.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte))
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_relative_reference() {
        assert_eq!(uri("a b/ü:1.yaml"), "a%20b/%C3%BC%3A1.yaml");
    }
}
