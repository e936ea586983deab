//! Rules about what a change must pass before a pipeline rolls it out. Start at [`pipeline_gate_off`].

use crate::change::KeyChangeKind;
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};

pub(super) const RULES: &[HazardRule] = &[edit_rule(
    "pipeline_gate_off",
    Sphere::OutsideTests,
    pipeline_gate_off,
    [
        "A job of a pipeline no longer waits for a test, a branch or somebody's approval",
        "`needs: test` removed from a job, or `if: …` → `always()`",
    ],
)];

fn pipeline_gate_off(edit: &Edit<'_>) -> bool {
    const GATES: &[&str] =
        &["if", "needs", "requires", "depends_on", "dependsOn", "environment", "only", "rules"];
    let leaf = edit.key_change.leaf.as_str();
    if !(GATES.contains(&leaf) || matches!(leaf, "when" | "type")) || !is_pipeline(edit.file_diff.path()) {
        return false;
    }
    let always = || {
        const ALWAYS: &[&str] = &["always()", "true", "${{ always() }}", "!cancelled()", "${{ true }}"];
        leaf == "if" && !edit.old.is_empty() && edit.becomes(ALWAYS)
    };
    let goes = || edit.is_dropped() && GATES.contains(&leaf);
    let by_hand = || edit.is_dropped() && leaf == "when" && edit.old == "manual";
    let by_approval =
        || edit.key_change.kind == KeyChangeKind::Removed && leaf == "type" && edit.old == "approval";
    (always() || goes() || by_hand() || waits_for_less(edit)) && is_of_job(edit) || by_approval()
}

/// Whether a key stands where those of jobs do; those of their steps are indented further, and have no `requires`.
fn is_of_job(edit: &Edit<'_>) -> bool {
    edit.key_change.leaf == "requires" || edit.indent() <= 4
}

/// Whether a job waits for one job less that still runs.
fn waits_for_less(edit: &Edit<'_>) -> bool {
    edit.leaves_list()
        && matches!(edit.key_change.leaf.as_str(), "needs" | "requires" | "depends_on" | "dependsOn")
        && !edit.loses_block(&edit.old)
}

fn is_pipeline(path: &str) -> bool {
    const PLACES: &[&str] = &[
        ".github/workflows/", ".gitlab-ci", ".gitlab/ci/", ".circleci/", "azure-pipelines",
        "bitbucket-pipelines", ".drone.y", ".woodpecker", "cloudbuild.y", ".buildkite/",
    ];
    PLACES.iter().any(|place| path.contains(place))
}
