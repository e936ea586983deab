//! Rules about commands and statements that cannot be taken back. Start at [`destructive_command`].

use crate::change::KeyChangeKind;
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::reading::Value;
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};

pub(super) const RULES: &[HazardRule] = &[edit_rule(
    "destructive_command",
    Sphere::OutsideTests,
    destructive_command,
    [
        "A command or a statement deletes data, or what holds it",
        "`DROP TABLE orders;` or `terraform destroy`",
    ],
)];

/// Whether a line came that deletes, as a statement of SQL or as a command.
fn destructive_command(edit: &Edit<'_>) -> bool {
    const COMMANDS: &[&str] = &[
        "terraform destroy",
        "tofu destroy",
        "pulumi destroy",
        "kubectl delete ns",
        "kubectl delete namespace",
        "kubectl delete pv",
        "kubectl delete crd",
        "--no-preserve-root",
        "flushall",
        "dropdb ",
        "mkfs.",
        "zpool destroy",
    ];
    let comes =
        matches!(edit.key_change.kind, KeyChangeKind::Text | KeyChangeKind::Added | KeyChangeKind::ListAdd);
    comes && (edit.gains(COMMANDS) || is_sql(edit) && deletes(&edit.new) && !deletes(&edit.old))
}

/// Whether an edit stands in statements of SQL.
pub(super) fn is_sql(edit: &Edit<'_>) -> bool {
    let path = edit.file_diff.path();
    path.get(path.len().saturating_sub(4)..).is_some_and(|ending| ending.eq_ignore_ascii_case(".sql"))
}

fn deletes(statement: &Value<'_>) -> bool {
    const DROPS: &[&str] = &["drop table", "drop database", "drop schema", "drop column", "truncate "];
    let is_of_all = || {
        let begins = ["delete from ", "update "].iter().any(|verb| statement.trim_start().starts_with(verb));
        begins && statement.trim_end().ends_with(';') && !statement.contains(" where ")
    };
    statement.has_any(DROPS) || is_of_all()
}
