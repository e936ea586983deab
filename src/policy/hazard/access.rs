//! Rules about who may do what.

use crate::change::KeyChangeKind;
use crate::policy::hazard::edit::Edit;
use crate::policy::hazard::line::frees_from_passwords;
use crate::policy::hazard::reading::Value;
use crate::policy::hazard::rule::{HazardRule, Sphere, edit_rule};
use crate::policy::hazard::sql::{grants_more, is_sql};

pub(super) const RULES: &[HazardRule] = &[
    edit_rule(
        "auth_off",
        Sphere::OutsideTests,
        auth_off,
        ["Authentication or authorization is switched off or weakened", "`auth_enabled: true` → `false`"],
    ),
    edit_rule(
        "privilege_widened",
        Sphere::Everywhere,
        privilege_widened,
        [
            "Somebody may do much more: privileged, administrator, writable by all",
            "`privileged: false` → `true`",
        ],
    ),
    edit_rule(
        "root_access",
        Sphere::Everywhere,
        root_access,
        ["Root is opened to a login or to a group", "`PermitRootLogin no` → `yes`"],
    ),
    edit_rule(
        "host_mount",
        Sphere::Everywhere,
        host_mount,
        ["A container sees the disk or the container engine of its node", "`hostPath: {path: /}` added"],
    ),
];

fn auth_off(edit: &Edit<'_>) -> bool {
    const AUTH: &[&str] = &[
        "auth", "authentication", "authorization", "authn", "authz", "require login", "login required",
        "mfa", "two factor", "twofactor", "sso", "csrf", "rbac", "oauth", "oidc", "require auth", "captcha",
        "auth basic", "protected mode", "security", "strict modes",
    ];
    let none_needed = edit.becomes(&["none", "alwaysallow", "anonymous", "noauth", "trust", "insecure"])
        && !edit.old.is_empty()
        && edit.path_says(AUTH);
    let basic_off = edit.leaf_says(&["auth basic"])
        && (edit.becomes(&["off"]) || edit.is_dropped())
        && !edit.old.is_empty();
    const ASKS: &[&str] = &[
        "auth request", "auth url", "auth signin", "auth type", "basicauth", "basic auth",
        "require valid user",
    ];
    let asks_no_more = edit.is_dropped()
        && (edit.leaf_says(ASKS) || edit.key_change.leaf == "http-request" && edit.old.starts_with("auth"));
    let for_anybody =
        !edit.old.is_empty() && edit.gains(&["permitall", "allowany", "allow_any", "permit_all"]);
    // A switch that came alone over a default that nobody here sees. `PasswordAuthentication no` is none.
    let comes_off = || {
        const SWITCHES: &[&str] = &["enabled", "enable", "disabled", "disable", "required", "require"];
        edit.set_to() == Some(edit.is_negative())
            && edit.comes_alone()
            && edit.leaf_says(SWITCHES)
            && edit.is_about(AUTH)
    };
    let by_password = edit.flipped() == Some(true) && edit.leaf_says(&["password authentication"]);
    let trusts = |value: &str| value.ends_with(" trust");
    let lets_pass = edit.gains(&["pam_permit"]) && edit.new.starts_with("auth");
    let is_trusting = trusts(&edit.new) && !trusts(&edit.old) && edit.file_diff.path().contains("pg_hba");
    let tables_skipped = edit.set_to() == Some(true) && edit.leaf_says(&["skip grant tables"])
        || edit.key_change.kind == KeyChangeKind::ListAdd && edit.new == "skip-grant-tables";
    let asks_no_password = edit.key_change.kind == KeyChangeKind::Secret
        && !edit.line.is_in_new_file()
        && !edit.comes_elsewhere(&edit.key_change.leaf)
        && edit.leaf_says(&["requirepass"]);
    const NOBODY: &[&str] = &["anonymous", "guest access"];
    const OTHERS: &[&str] = &["auto login", "transport security"];
    let off = edit.turned_off(AUTH) || edit.drops_switch(AUTH);
    (off && !edit.is_about(NOBODY) && !edit.leaf_says(OTHERS))
        || none_needed
        || basic_off
        || asks_no_more
        || for_anybody
        || comes_off()
        || by_password
        || is_trusting
        || lets_pass
        || tables_skipped
        || asks_no_password
        || edit.turned_on(NOBODY)
}

fn privilege_widened(edit: &Edit<'_>) -> bool {
    const POWERS: &[&str] = &[
        "privileged",
        "allow privilege escalation",
        "host network",
        "host pid",
        "host ipc",
        "cluster admin",
    ];
    const MIGHTY: &[&str] = &[
        "system:authenticated", "allowallauthenticator", "cluster-admin", "administratoraccess",
        "roles/owner", "roles/editor", "sys_admin", "cap_sys_admin", "system:masters", "manage-users",
        "manage-realm", "realm-admin",
    ];
    let is_on = edit.set_to() == Some(true) && edit.switches(POWERS);
    let as_root = edit.flipped() == Some(false) && edit.leaf_says(&["run as non root"])
        || (edit.new == "0" && edit.old != "0" && !edit.old.is_empty() && edit.leaf_says(&["run as user"]));
    let gets_all = edit.new.has_any(&["all"])
        && edit.new.trim_matches(['[', ']', '"', '\'', ' ']) == "all"
        && edit.leaf_says(&["add", "capabilities"])
        && edit.path_says(&["capabilities"]);
    let joins_host = edit.becomes(&["host"]) && edit.leaf_says(&["network mode", "pid", "ipc"]);
    let rights = edit.key_change.kind == KeyChangeKind::ListAdd
        && matches!(edit.new.as_ref(), "escalate" | "impersonate" | "bind")
        && edit.leaf_says(&["verbs"]);
    let pipeline = (edit.becomes(&["write-all"]) && edit.leaf_says(&["permissions"]))
        || (edit.key_change.kind == KeyChangeKind::Added && edit.key_change.leaf == "pull_request_target")
        || (edit.becomes(&["pull_request_target"]) && !edit.old.is_empty());
    let is_mighty = || {
        edit.key_change.kind == KeyChangeKind::ListAdd
            && (edit.new == "secrets" && edit.leaf_says(&["resources"])
                || matches!(edit.new.as_ref(), "sudo" | "root")
                    && edit.leaf_says(&["capabilities", "groups"])
                || matches!(edit.new.as_ref(), "delete" | "deletecollection")
                    && edit.leaf_says(&["verbs", "capabilities"]))
    };
    // A cell of a table of rights.
    let is_granted = || {
        const RIGHTS: &[&str] = &["role", "permission", "access", "grant", "rights", "privilege", "acl"];
        let path = edit.file_diff.path();
        [".csv", ".tsv"].iter().any(|ending| path.ends_with(ending))
            && edit.flipped() == Some(true)
            && RIGHTS.iter().any(|word| path.contains(word))
    };
    let as_admin = edit.becomes(&["admin", "cluster-admin", "owner", "superuser"])
        && !edit.old.is_empty()
        && edit.leaf_says(&[
            "service account name", "service account", "role", "user", "become user", "role ref",
        ]);
    let writes = || {
        edit.old.has_any(&["readonly", "read-only", "read_only"])
            && edit.gains(&["readwrite", "read-write", "read_write"])
            || edit.old == "ro" && edit.new == "rw"
    };
    let user_root = edit.becomes(&["root", "0", "root:root", "0:0"])
        && !edit.old.is_empty()
        && edit.key_change.leaf.eq_ignore_ascii_case("user");
    // What the token of a workflow may do beside reading.
    let of_token = || {
        const WRITES: &[&str] = &["contents", "actions", "packages"];
        edit.becomes(&["write"])
            && edit.path_says(&["permissions"])
            && (matches!(edit.old.as_ref(), "read" | "none")
                || WRITES.contains(&edit.key_change.leaf.as_str())
                    && edit.file_diff.path().starts_with(".github/"))
    };
    is_on
        || as_root
        || joins_host
        || rights
        || pipeline
        || user_root
        || is_mighty()
        || is_granted()
        || writes()
        || as_admin
        || gets_all
        || stays_root(edit)
        || is_unconditional(edit)
        || opens_to_all(&edit.new) && !opens_to_all(&edit.old)
        || of_token()
        || edit.gains_word(MIGHTY) && !edit.new.has_any(&["regex"])
        || is_writable_by_all(edit)
        || is_sql(edit) && grants_more(edit)
}

/// Whether what a policy of Amazon allows is no longer bound to a condition, or is all but what is named.
fn is_unconditional(edit: &Edit<'_>) -> bool {
    let leaf = edit.key_change.leaf.as_str();
    let is_free = || matches!(leaf, "Condition" | "condition") && edit.is_dropped();
    let is_all_but = || {
        let comes = edit.key_change.kind == KeyChangeKind::Added;
        comes && matches!(leaf, "NotAction" | "NotResource" | "not_actions" | "not_resources")
    };
    let is_of_statement = || edit.stands_near(&["Effect", "effect", "statement", "Statement"]);
    (is_free() || is_all_but())
        && *edit.line.is_of_statement.get_or_init(is_of_statement)
        && !edit.is_denied()
}

/// Whether nobody tells a container or a service any more to become somebody else: it stays root.
fn stays_root(edit: &Edit<'_>) -> bool {
    if !edit.key_change.leaf.eq_ignore_ascii_case("user") || !edit.is_dropped() {
        return false;
    }
    let path = edit.file_diff.path();
    let is_container = path.contains("ockerfile") || path.contains("ontainerfile");
    let is_service = path.ends_with(".service") || path.contains(".service.d/");
    let was_other = !matches!(edit.old.as_ref(), "root" | "0");
    // A stage of a build that goes takes its user along.
    let comes_anew = is_service && edit.comes_elsewhere("DynamicUser") || is_container && edit.loses_stage();
    (is_container || is_service) && was_other && !comes_anew
}

/// Whether a command lets everybody write: `chmod -R 777`, `chmod a+rwx`.
fn opens_to_all(command: &Value<'_>) -> bool {
    if !command.has_any(&["chmod"]) {
        return false;
    }
    let mut words = command.split_ascii_whitespace().skip_while(|word| !word.ends_with("chmod"));
    let mode = words.by_ref().skip(1).find(|word| !word.starts_with('-'));
    mode.is_some_and(|mode| {
        let is_octal = matches!(mode.len(), 3 | 4) && mode.bytes().all(|b| matches!(b, b'0'..=b'7'));
        let by_letters = mode
            .split_once('+')
            .is_some_and(|(who, what)| (who.contains('a') || who.contains('o')) && what.contains('w'));
        is_octal && !(mode.len() == 4 && mode.starts_with('1')) && mode.ends_with(['2', '3', '6', '7'])
            || by_letters
    })
}

/// A mode that lets everybody write and did not before.
fn is_writable_by_all(edit: &Edit<'_>) -> bool {
    let writable = |value: &str| {
        let is_mode = matches!(value.len(), 3 | 4) && value.bytes().all(|b| matches!(b, b'0'..=b'7'));
        is_mode
            && value.len() + usize::from(value.starts_with('1')) < 5
            && value.ends_with(['2', '3', '6', '7'])
    };
    writable(&edit.new)
        && !writable(&edit.old)
        && edit.leaf_says(&["mode", "permissions", "create", "directory", "create mask", "directory mask"])
        && !edit.leaf_says(&["umask"])
}

fn root_access(edit: &Edit<'_>) -> bool {
    let login = matches!(edit.new.as_ref(), "yes" | "true" | "without-password")
        && !matches!(edit.old.as_ref(), "yes" | "true")
        && edit
            .leaf_says(&["permit root login", "permit root", "allow root login", "permit empty passwords"]);
    let by_key = edit.becomes(&["prohibit-password", "forced-commands-only"])
        && edit.old == "no"
        && edit.leaf_says(&["permit root login"]);
    // The default of either lets somebody in.
    let by_default = || {
        edit.old == "no"
            && edit.is_dropped()
            && edit.leaf_says(&["permit root login", "password authentication", "permit empty passwords"])
    };
    let old = edit.key_change.old.as_deref().unwrap_or("");
    // One command more that is run as root without a password.
    let runs_more = || {
        let rest = edit.new.strip_prefix(edit.old.as_ref()).unwrap_or("");
        edit.old.has_any(&["nopasswd:"]) && rest.trim_start().starts_with(',')
    };
    login
        || by_key
        || by_default()
        || runs_more()
        || (edit.line.frees_from_passwords() && !frees_from_passwords(old))
}

fn host_mount(edit: &Edit<'_>) -> bool {
    const SYSTEM: &[&str] =
        &["/", "/etc", "/proc", "/sys", "/root", "/var/run", "/var/lib/docker", "/var/lib/kubelet"];
    let is_system = edit.becomes(SYSTEM) && edit.key_change.path.ends_with("hostPath.path");
    let mount = |value: &Value<'_>| {
        value.has_any(&[":/"]) && value.split_once(":/").is_some_and(|(host, _)| SYSTEM.contains(&host))
    };
    let is_mounted = mount(&edit.new) && !mount(&edit.old);
    is_system || is_mounted || edit.gains(&["docker.sock", "containerd.sock", "crio.sock"])
}
