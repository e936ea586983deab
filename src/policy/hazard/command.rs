//! Rules about commands and statements that cannot be taken back. Start at [`destructive_command`].

use crate::change::KeyChangeKind;
use crate::policy::hazard::edit::{Edit, NEAR_TEXT};
use crate::policy::hazard::reading::Value;
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};
use crate::policy::hazard::sql;

pub(super) const RULES: &[HazardRule] = &[edit_rule(
    "destructive_command",
    Sphere::OutsideTests,
    destructive_command,
    [
        "A command or a statement deletes or overwrites data, or what holds it",
        "`DROP TABLE orders;` or `terraform destroy`",
    ],
)];

/// Whether a line came that deletes, as a statement of SQL or as a command.
fn destructive_command(edit: &Edit<'_>) -> bool {
    let comes =
        matches!(edit.key_change.kind, KeyChangeKind::Text | KeyChangeKind::Added | KeyChangeKind::ListAdd);
    if !comes {
        return false;
    }
    if sql::is_sql(edit) {
        return sql::deletes(edit);
    }
    if edit.key_change.kind == KeyChangeKind::ListAdd {
        return destroys(&edit.new) || comes_as_argument(edit);
    }
    destroys(&edit.new) && !destroys(&edit.old)
}

/// Whether what came into the list of a command's words makes it delete: `["migrate", "up"]` → `["migrate", "fresh"]`.
fn comes_as_argument(edit: &Edit<'_>) -> bool {
    let is_verb =
        !edit.new.is_empty() && edit.new.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'-' | b':'));
    is_verb
        && destroys_by_verb(&edit.new)
        && edit.line.text.len() <= NEAR_TEXT
        && edit.line.text.to_ascii_lowercase().contains(edit.new.as_ref())
        && *edit.line.destroys.get_or_init(|| destroys(&Value::of(Some(edit.line.text))))
}

/// Whether a word tells a program to delete.
fn destroys_by_verb(word: &str) -> bool {
    const VERBS: &[&str] = &[
        "fresh", "reset", "drop", "clean", "flush", "destroy", "delete", "flushall", "flushdb", "uninstall",
        "dropall",
    ];
    VERBS.contains(&word.trim_start_matches('-'))
}

/// Whether a line of a shell calls a program to delete what nothing brings back.
fn destroys(line: &Value<'_>) -> bool {
    const PROGRAMS: &[&str] = &[
        "terraform", "tofu", "terragrunt", "pulumi", "kubectl", "redis-cli", "valkey-cli", "helm", "mkfs",
        "dropdb", "zpool", "aws", "gsutil", "rm ", "migrate", "db:", "schema:", "flyway", "liquibase",
        "alembic", "manage.py",
    ];
    if !line.has_any(PROGRAMS) {
        return false;
    }
    let is_part = |c: char| {
        !(c.is_whitespace() || matches!(c, ';' | '|' | '&' | '(' | ')' | '[' | ']' | ',' | '"' | '\'' | '`'))
    };
    let words: Vec<&str> = line.split(|c| !is_part(c)).filter(|word| !word.is_empty()).collect();
    (0..words.len()).any(|idx| destroys_by(&words[idx..]))
}

/// Whether a command does, from the name of its program on.
fn destroys_by(command: &[&str]) -> bool {
    const HOLDERS: &[&str] = &[
        "ns", "namespace", "namespaces", "pvc", "pv", "persistentvolume", "persistentvolumeclaim",
        "persistentvolumeclaims", "crd", "crds", "node", "nodes",
    ];
    let Some((program, arguments)) = command.split_first() else { return false };
    let has = |wanted: &[&str]| arguments.iter().any(|argument| wanted.contains(argument));
    match program.rsplit('/').next().unwrap_or(program) {
        "terraform" | "tofu" | "terragrunt" | "pulumi" => has(&["destroy", "-destroy", "--destroy"]),
        "kubectl" => has(&["delete"]) && has(HOLDERS),
        "redis-cli" | "valkey-cli" => has(&["flushall", "flushdb"]),
        "helm" => arguments.first().is_some_and(|verb| matches!(*verb, "uninstall" | "delete")),
        "zpool" => arguments.first() == Some(&"destroy"),
        "aws" => has(&["rb"]) && has(&["--force"]),
        "gsutil" => has(&["rb"]),
        "dropdb" => true,
        "migrate" => has(&["fresh", "reset", "drop"]),
        "flyway" => has(&["clean"]),
        "liquibase" => has(&["dropall", "drop-all"]),
        "alembic" => has(&["downgrade"]) && has(&["base"]),
        "manage.py" => has(&["flush", "reset_db"]),
        "db:drop"
        | "db:reset"
        | "db:purge"
        | "db:wipe"
        | "db:schema:load"
        | "migrate:fresh"
        | "migrate:reset"
        | "migrate:refresh"
        | "doctrine:schema:drop" => true,
        "rm" => deletes_everything(arguments),
        program => program == "mkfs" || program.starts_with("mkfs."),
    }
}

/// Whether the arguments of `rm` name a root, a home, or where services keep what they hold.
fn deletes_everything(arguments: &[&str]) -> bool {
    let is_recursive = |argument: &&str| {
        argument.starts_with('-') && !argument.starts_with("--") && argument.contains('r')
            || *argument == "--recursive"
            || *argument == "--no-preserve-root"
    };
    let holds_data = |path: &&str| {
        let is_below = |above: &str| path.strip_prefix(above).is_some_and(|rest| !rest.starts_with("apt"));
        matches!(*path, "/" | "/*" | "~" | "$home" | "${home}")
            || ["/var/lib/", "/data", "/srv"].into_iter().any(is_below)
    };
    arguments.iter().any(is_recursive) && arguments.iter().any(holds_data)
}
