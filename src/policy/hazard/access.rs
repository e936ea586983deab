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

/// What asks who somebody is, or tells what they may do.
const AUTH: &[&str] = &[
    "auth", "authentication", "authorization", "authn", "authz", "require login", "login required", "mfa",
    "two factor", "twofactor", "sso", "csrf", "rbac", "oauth", "oidc", "require auth", "captcha",
    "auth basic", "protected mode", "security", "strict modes", "password required", "require password",
    "login not required",
];

/// Those who get in without a name.
const NOBODY: &[&str] = &["anonymous", "guest access"];

fn auth_off(edit: &Edit<'_>) -> bool {
    is_switched_off(edit)
        || needs_none(edit)
        || drops_basic_auth(edit)
        || asks_no_more(edit)
        || is_for_anybody(edit)
        || comes_off(edit)
        || takes_passwords(edit)
        || trusts_whole_hosts(edit)
        || lets_pass(edit)
        || skips_grant_tables(edit)
        || asks_no_password(edit)
        || edit.turned_on(NOBODY)
}

/// Whether a switch of it is turned off or goes: `auth_enabled: true` → `false`.
fn is_switched_off(edit: &Edit<'_>) -> bool {
    const OTHERS: &[&str] =
        &["auto login", "transport security", "auth debug", "auth trace", "auth log", "auth logging"];
    (edit.turned_off(AUTH) || edit.drops_switch(AUTH)) && !edit.is_about(NOBODY) && !edit.leaf_says(OTHERS)
}

/// Whether a way to say who one is becomes none.
fn needs_none(edit: &Edit<'_>) -> bool {
    edit.becomes(&["none", "alwaysallow", "anonymous", "noauth", "trust", "insecure"])
        && !edit.old.is_empty()
        && edit.path_says(AUTH)
}

/// Whether the `auth_basic` of nginx goes or becomes `off`.
fn drops_basic_auth(edit: &Edit<'_>) -> bool {
    edit.leaf_says(&["auth basic"]) && (edit.becomes(&["off"]) || edit.is_dropped()) && !edit.old.is_empty()
}

/// Whether a line goes that has a server ask who is there: `auth_request`, `Require valid-user`.
fn asks_no_more(edit: &Edit<'_>) -> bool {
    const ASKS: &[&str] = &[
        "auth request", "auth url", "auth signin", "auth type", "basicauth", "basic auth",
        "require valid user",
    ];
    edit.is_dropped()
        && (edit.leaf_says(ASKS) || edit.key_change.leaf == "http-request" && edit.old.starts_with("auth"))
}

/// Whether code now lets anybody do what it asked about: `permitAll()`.
fn is_for_anybody(edit: &Edit<'_>) -> bool {
    !edit.old.is_empty() && edit.gains(&["permitall", "allowany", "allow_any", "permit_all"])
}

/// A switch that came alone over a default that nobody here sees. `PasswordAuthentication no` is none.
fn comes_off(edit: &Edit<'_>) -> bool {
    const SWITCHES: &[&str] = &["enabled", "enable", "disabled", "disable", "required", "require"];
    edit.set_to().is_some_and(|to| edit.is_off_side(to))
        && edit.comes_alone()
        && edit.leaf_says(SWITCHES)
        && edit.is_about(AUTH)
}

/// Whether a password is enough for a login: `PasswordAuthentication no` → `yes`.
fn takes_passwords(edit: &Edit<'_>) -> bool {
    edit.flipped() == Some(true) && edit.leaf_says(&["password authentication"])
}

/// Whether PostgreSQL now believes all who come from somewhere: a line of `pg_hba.conf` that ends with `trust`.
fn trusts_whole_hosts(edit: &Edit<'_>) -> bool {
    let trusts = |value: &str| value.ends_with(" trust");
    trusts(&edit.new) && !trusts(&edit.old) && edit.file_diff.path().contains("pg_hba")
}

/// Whether PAM lets everybody pass: `auth sufficient pam_permit.so`.
fn lets_pass(edit: &Edit<'_>) -> bool {
    edit.gains(&["pam_permit"]) && edit.new.starts_with("auth")
}

/// Whether MySQL starts without its tables of rights, by a value or by a bare line.
fn skips_grant_tables(edit: &Edit<'_>) -> bool {
    edit.set_to() == Some(true) && edit.leaf_says(&["skip grant tables"])
        || edit.key_change.kind == KeyChangeKind::ListAdd && edit.new == "skip-grant-tables"
}

/// Whether the password that Redis asks for goes, and comes nowhere else.
fn asks_no_password(edit: &Edit<'_>) -> bool {
    edit.key_change.kind == KeyChangeKind::Secret
        && !edit.line.is_in_new_file()
        && !edit.comes_elsewhere(&edit.key_change.leaf)
        && edit.leaf_says(&["requirepass"])
}

fn privilege_widened(edit: &Edit<'_>) -> bool {
    gets_power(edit)
        || runs_as_root(edit)
        || joins_host(edit)
        || may_widen_itself(edit)
        || opens_pipeline(edit)
        || becomes_root(edit)
        || gets_right(edit)
        || is_granted(edit)
        || may_write(edit)
        || acts_as_admin(edit)
        || gets_all_capabilities(edit)
        || stays_root(edit)
        || is_unconditional(edit)
        || opens_by_command(edit)
        || token_may_write(edit)
        || names_mighty(edit)
        || is_writable_by_all(edit)
        || is_sql(edit) && grants_more(edit)
}

/// Whether a power over the machine or the cluster is switched on: `privileged: true`.
fn gets_power(edit: &Edit<'_>) -> bool {
    const POWERS: &[&str] = &[
        "privileged",
        "allow privilege escalation",
        "host network",
        "host pid",
        "host ipc",
        "cluster admin",
    ];
    edit.set_to() == Some(true) && edit.switches(POWERS)
}

/// Whether a container may run as root: `runAsNonRoot: false`, `runAsUser: 0`.
fn runs_as_root(edit: &Edit<'_>) -> bool {
    edit.flipped() == Some(false) && edit.leaf_says(&["run as non root"])
        || (edit.new == "0" && edit.old != "0" && !edit.old.is_empty() && edit.leaf_says(&["run as user"]))
}

/// Whether a container shares the network or the processes of its node: `network_mode: host`.
fn joins_host(edit: &Edit<'_>) -> bool {
    edit.becomes(&["host"]) && edit.leaf_says(&["network mode", "pid", "ipc"])
}

/// Whether who has a role may take more: `verbs` with `escalate`.
fn may_widen_itself(edit: &Edit<'_>) -> bool {
    edit.key_change.kind == KeyChangeKind::ListAdd
        && matches!(edit.new.as_ref(), "escalate" | "impersonate" | "bind")
        && edit.leaf_says(&["verbs"])
}

/// Whether a pipeline may write everything, or runs with its own rights for requests of strangers.
fn opens_pipeline(edit: &Edit<'_>) -> bool {
    (edit.becomes(&["write-all"]) && edit.leaf_says(&["permissions"]))
        || (edit.key_change.kind == KeyChangeKind::Added && edit.key_change.leaf == "pull_request_target")
        || edit.gains_word(&["pull_request_target"])
            && (edit.key_change.leaf == "on"
                || !edit.old.is_empty() && edit.becomes(&["pull_request_target"]))
}

/// Whether a container or a service that was somebody else becomes root: `user: app` → `root`.
fn becomes_root(edit: &Edit<'_>) -> bool {
    edit.becomes(&["root", "0", "root:root", "0:0"])
        && !edit.old.is_empty()
        && edit.key_change.leaf.eq_ignore_ascii_case("user")
}

/// Whether a list of rights gets one that goes far: `secrets` among resources, `sudo` among groups, `delete` among verbs.
fn gets_right(edit: &Edit<'_>) -> bool {
    edit.key_change.kind == KeyChangeKind::ListAdd
        && (edit.new == "secrets" && edit.leaf_says(&["resources"])
            || matches!(edit.new.as_ref(), "sudo" | "root") && edit.leaf_says(&["capabilities", "groups"])
            || matches!(edit.new.as_ref(), "delete" | "deletecollection")
                && edit.leaf_says(&["verbs", "capabilities"]))
}

/// A cell of a table of rights.
fn is_granted(edit: &Edit<'_>) -> bool {
    const RIGHTS: &[&str] = &["role", "permission", "access", "grant", "rights", "privilege", "acl"];
    let path = edit.file_diff.path();
    [".csv", ".tsv"].iter().any(|ending| path.ends_with(ending))
        && edit.flipped() == Some(true)
        && RIGHTS.iter().any(|word| path.contains(word))
}

/// Whether what was only to be read may be written: `ro` → `rw`.
fn may_write(edit: &Edit<'_>) -> bool {
    edit.old.has_any(&["readonly", "read-only", "read_only"])
        && edit.gains(&["readwrite", "read-write", "read_write"])
        || edit.old == "ro" && edit.new == "rw"
}

/// Whether something acts as an administrator now: `role: viewer` → `admin`.
fn acts_as_admin(edit: &Edit<'_>) -> bool {
    const RANKS: [&[&str]; 2] =
        [&["admin", "administrator"], &["cluster-admin", "owner", "superuser", "superadmin"]];
    let rank = |value: &str| RANKS.iter().position(|names| names.contains(&value));
    rank(&edit.new).is_some()
        && rank(&edit.new) > rank(&edit.old)
        && !edit.old.is_empty()
        && edit.leaf_says(&[
            "service account name", "service account", "role", "user", "become user", "role ref",
        ])
}

/// Whether a container gets all capabilities.
fn gets_all_capabilities(edit: &Edit<'_>) -> bool {
    edit.new.has_any(&["all"])
        && edit.new.trim_matches(['[', ']', '"', '\'', ' ']) == "all"
        && edit.leaf_says(&["add", "capabilities"])
        && edit.path_says(&["capabilities"])
}

/// What the token of a workflow may do beside reading.
fn token_may_write(edit: &Edit<'_>) -> bool {
    const WRITES: &[&str] = &["contents", "actions", "packages"];
    edit.becomes(&["write"])
        && edit.path_says(&["permissions"])
        && (matches!(edit.old.as_ref(), "read" | "none")
            || WRITES.contains(&edit.key_change.leaf.as_str())
                && edit.file_diff.path().starts_with(".github/"))
}

/// Whether a role, a policy or a group that may do nearly everything is named, outside a pattern.
fn names_mighty(edit: &Edit<'_>) -> bool {
    const MIGHTY: &[&str] = &[
        "system:authenticated", "allowallauthenticator", "cluster-admin", "administratoraccess",
        "roles/owner", "roles/editor", "sys_admin", "cap_sys_admin", "system:masters", "manage-users",
        "manage-realm", "realm-admin",
    ];
    edit.gains_word(MIGHTY) && !edit.new.has_any(&["regex"])
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

/// Whether a command lets everybody write, and did not before.
fn opens_by_command(edit: &Edit<'_>) -> bool {
    opens_to_all(&edit.new) && !opens_to_all(&edit.old)
}

/// Whether a command lets everybody write: `chmod -R 777`, `chmod a+rwx`, `["chmod", "777", "/srv"]`.
fn opens_to_all(command: &Value<'_>) -> bool {
    if !command.has_any(&["chmod"]) {
        return false;
    }
    let words = command.split(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\'' | '[' | ']'));
    let words = words.map(|word| word.trim_matches(',')).filter(|word| !word.is_empty());
    let mut words = words.skip_while(|word| !word.ends_with("chmod"));
    let mode = words.by_ref().skip(1).find(|word| !word.starts_with('-'));
    mode.is_some_and(|mode| {
        let is_octal = matches!(mode.len(), 3 | 4) && mode.bytes().all(|b| matches!(b, b'0'..=b'7'));
        let lets = |(who, what): (&str, &str)| (who.contains('a') || who.contains('o')) && what.contains('w');
        let by_letters = || mode.split(',').filter_map(|part| part.split_once(['+', '='])).any(lets);
        is_octal && !(mode.len() == 4 && mode.starts_with('1')) && mode.ends_with(['2', '3', '6', '7'])
            || !is_octal && by_letters()
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
    let is_same = edit.new == "without-password" && edit.old == "prohibit-password";
    let login = matches!(edit.new.as_ref(), "yes" | "true" | "without-password")
        && !matches!(edit.old.as_ref(), "yes" | "true")
        && !is_same
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
    // A line that asked for the password of whoever runs something.
    let asks_no_more =
        || !edit.old.is_empty() && edit.gains(&["nopasswd:"]) && edit.old.has_any(&["=", "all"]);
    login
        || by_key
        || asks_no_more()
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
